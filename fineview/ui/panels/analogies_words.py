"""The words page of the analogies panel: neighbours, cosines, and the odd one out."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from fineview.core.analogies.nearness import Nearness, UnknownWord, look_at
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.latest import Latest, lane_of
from fineview.ui.plots.cosine_heat import CosineHeat, CosineRow
from fineview.ui.plots.export import Cell, Table, add_export_menu
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.format import MINUS, count_text, plural
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.panel_area import scrolled
from fineview.ui.widgets.ranked_bars import Ranked, RankedBars
from fineview.work.jobs import JobRunner

_LONGEST = 2000
_COUNTS = (5, 10, 20, 50, 100)
_FOOT = (
    "All words count at length 1. The mean is that of the listed words; grey neighbours are in the "
    "list already."
)


class WordsPage(QWidget):
    """A list of words, how they lie to each other, and what lies near one of them.

    Attributes:
        field: The words.
        centre: Cosine of each with the mean of all.
        heat: Cosines of the words with each other.
        word: Whose neighbours are shown.
        count: How many of them.
        near: The neighbours.
        said: The odd one out, or what a pair is to each other.
        menus: The export menus of both lists.
        shown: What is shown; None before there is something.
    """

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._lab = lab
        self._latest = Latest(runner, "Compare words", self)
        self.shown: Nearness | None = None
        self.field = QLineEdit()
        self.message = MessageLine("Words")
        self.said = plain_label("", wrap=True)
        self.centre = RankedBars(
            "Cosine with the mean of all",
            "How near each word is to the mean of the list – the last one is the odd one out – "
            "press a word to see its neighbours.",
        )
        self.heat = CosineHeat(
            "Cosines of the words",
            "The cosine of each pair of words – 0.3 to 0.9 for related ones – press a line to see "
            "the neighbours of its word.",
            empty="Two words or more have cosines with each other.",
            scale=False,
        )
        self.word = CalmCombo(
            "Word whose neighbours are shown",
            "Whose neighbours stand below – the first of the list – choose another to look around "
            "there.",
            letters=10,
        )
        self.count = CalmCombo(
            "How many neighbours",
            "How many neighbours a word has here – 10 – more to see where other meanings begin.",
            letters=3,
        )
        self.near = RankedBars(
            "Nearest words",
            "The words with the highest cosines, without the word itself – press one to put it "
            "into the list.",
        )
        self._lay_out()
        self._connect()

    def showEvent(self, event: QShowEvent) -> None:
        """Look at what was typed while the page was hidden."""
        super().showEvent(event)
        self._show_choice()
        self._ask()

    def centre_table(self) -> Table:
        """Return the words with their cosines with the mean."""
        rows: list[list[Cell]] = [[word, value] for word, value in _ordered(self.shown)]
        return ["word", "cosine_with_mean"], rows

    def near_table(self) -> Table:
        """Return the neighbours of all words of the list."""
        rows: list[list[Cell]] = []
        if self.shown is not None:
            for word, near in zip(self.shown.words, self.shown.near, strict=True):
                rows += [[word, at, one.word, one.score] for at, one in enumerate(near, start=1)]
        return ["word", "rank", "neighbour", "cosine"], rows

    # Layout

    def _lay_out(self) -> None:
        self.field.setMaxLength(_LONGEST)
        self.field.setClearButtonEnabled(True)
        describe(
            self.field,
            "Words",
            "Words with commas between – breakfast, lunch, dinner, carpet – three or more for the "
            "odd one out, two for their ranks.",
        )
        self.menus = (
            add_export_menu(self.centre, self.centre_table, name="odd-one-out"),
            add_export_menu(self.near, self.near_table, name="nearest-words"),
        )
        first = QHBoxLayout()
        first.setSpacing(spacing(2))
        first.addWidget(_label("Words", self.field))
        first.addWidget(self.field, 1)
        self._left = scrolled(self.centre, at_top=True)
        middle = scrolled(self.heat)
        middle.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        choices = QHBoxLayout()
        choices.setSpacing(spacing(2))
        choices.addWidget(_label("Near", self.word))
        choices.addWidget(self.word, 1)
        choices.addWidget(self.count)
        right = QVBoxLayout()
        right.setSpacing(spacing(2))
        right.addLayout(choices)
        right.addWidget(scrolled(self.near, at_top=True), 1)
        across = QHBoxLayout()
        across.setSpacing(spacing(4))
        across.addWidget(self._left, 3)
        across.addWidget(middle, 5)
        across.addLayout(right, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addLayout(first)
        column.addWidget(self.message)
        column.addWidget(self.said)
        column.addLayout(across, 1)
        column.addWidget(plain_label(_FOOT, "small", wrap=True))

    def _connect(self) -> None:
        self.field.textEdited.connect(self._edit)
        self.message.action_pressed.connect(self._on_offer)
        self.centre.pressed.connect(self.choose)
        self.heat.chosen.connect(lambda key: self.choose(key.rpartition("/")[0]))
        self.word.chosen.connect(self.choose)
        self.count.chosen.connect(
            lambda value: self._session.edit_look(
                "Choose how many neighbours", "word_nearness", count=int(value)
            )
        )
        self.near.pressed.connect(self._on_near)
        self._latest.finished.connect(self._on_found)
        self._latest.failed.connect(self._on_failed)
        self._session.changed.connect(self._on_session)

    # What is wanted

    @Slot(str)
    def choose(self, word: str) -> None:
        """Show the neighbours of a word of the list."""
        found = self.shown
        if found is None or word not in found.words:
            return
        self.word.set_value(word)
        self.near.set_title(f"Nearest to {word}")
        near = found.near[found.words.index(word)]
        self.near.show_rows([Ranked(a.word, _figure(a.score), a.score, a.is_input) for a in near])
        self._show_heat(found, word)

    @Slot(str)
    def _edit(self, text: str) -> None:
        self._session.edit_look("Edit words", "word_nearness", words=text)

    @Slot(str)
    def _on_near(self, word: str) -> None:
        """Put a neighbour into the list, or choose it where it is there already."""
        if self.shown is not None and word in self.shown.words:
            self.choose(word)
            return
        if set(word) & set(",;"):
            self.message.show_message(
                "info", f"“{word}” cannot be put into this list, where commas part the words."
            )
            return
        text = self._session.state.word_nearness.words.rstrip(" ,;\n")
        self._session.edit_look("Add a word", "word_nearness", words=f"{text}, {word}")

    @Slot(str)
    def _on_offer(self, value: str) -> None:
        """Replace a word the table does not have by one that may have been meant."""
        start, end, word = value.split(" ", 2)
        text = self._session.state.word_nearness.words
        self._edit(text[: int(start)] + word + text[int(end) :])

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        new = (state.word_nearness, state.analogy.vectors)
        if new != (old.word_nearness, old.analogy.vectors):
            self._show_choice()
            self._ask()

    def _show_choice(self) -> None:
        choice = self._session.state.word_nearness
        if self.field.text() != choice.words:
            self.field.setText(choice.words)
        counts = sorted({*_COUNTS, choice.count})
        self.count.set_choices([(str(n), str(n)) for n in counts], str(choice.count))

    def _ask(self) -> None:
        if not self.isVisible():
            return
        state, lab = self._session.state, self._lab
        name, choice = state.analogy.vectors, state.word_nearness

        def work(report: Report) -> Nearness:
            return look_at(lab.dictionary(name, report), choice, report)

        self._latest.ask((name, choice), work, lane_of(name))

    # What was found

    @Slot(object)
    def _on_found(self, found: Nearness) -> None:
        self.message.clear()
        self.shown = found
        self.said.setText(nearness_words(found))
        self.heat.set_dimmed(False)
        rows = [Ranked(word, _figure(value), value) for word, value in _ordered(found)]
        self.centre.show_rows(rows, found.odd)
        self._left.setVisible(bool(rows))
        self.near.set_stale(False)
        chosen = self.word.value if self.word.value in found.words else found.words[0]
        self.word.set_choices([(word, word) for word in found.words], chosen)
        self.choose(chosen)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if isinstance(error, UnknownWord) and error.unknown.near:
            unknown = error.unknown
            self.message.show_message(
                "warning",
                f"“{unknown.word}” is not among the words of this table. Did you mean:",
                [(word, f"{unknown.start} {unknown.end} {word}") for word in unknown.near],
            )
        else:
            self.message.show_message("warning", str(error))
        self.heat.set_dimmed(True)
        self.centre.set_stale(True)
        self.near.set_stale(True)

    def _show_heat(self, found: Nearness, picked: str) -> None:
        rows = [
            CosineRow(
                word,
                word,
                tuple(
                    float("nan") if other == word else float(value)
                    for other, value in zip(found.words, values, strict=True)
                ),
                tuple(
                    f"{word}, at length 1, with itself"
                    if other == word
                    else f"{word} and {other}: cosine {_figure(value)}"
                    for other, value in zip(found.words, values, strict=True)
                ),
            )
            for word, values in zip(found.words, found.cosines, strict=True)
        ]
        self.heat.show_rows(
            "Cosine of each pair",
            found.words,
            rows if len(rows) > 1 else [],
            half=1.0,  # the same colours for every list
            picked=picked,
        )


def nearness_words(found: Nearness) -> str:
    """Return what the words are to each other."""
    words = found.words
    if len(words) == 1:
        return (
            "One word has neighbours only: with a second it has a cosine, and of three or more one "
            "is the odd one out."
        )
    if found.ranks is not None:
        (one, other), (forth, back) = words, found.ranks
        among = count_text(found.info.words - 1)
        return (
            f"{one} and {other} have a cosine of {_figure(found.cosines[0, 1])}. {other} is number "
            f"{count_text(forth)} among the {among} neighbours of {one}, and {one} is number "
            f"{count_text(back)} among those of {other}."
        )
    if found.centre is None:
        return "The vectors of these words cancel: none of them is nearer to their mean."
    *_, (before, near), (odd, far) = _ordered(found)
    return (
        f"The odd one out is {odd}: its cosine with the mean of the {plural(len(words), 'word')} "
        f"is {_figure(far)}, and that of the next, {before}, is {_figure(near)}."
    )


def _ordered(found: Nearness | None) -> list[tuple[str, float]]:
    """Return the words with their cosines with the mean, the nearest first."""
    if found is None or found.centre is None:
        return []
    both = zip(found.words, found.centre.tolist(), strict=True)
    return sorted(both, key=lambda one: (-one[1], one[0] == found.odd))


def _figure(value: float) -> str:
    return f"{value:.3f}".replace("-", MINUS)


def _label(title: str, buddy: QWidget) -> QLabel:
    label = QLabel(title)
    label.setBuddy(buddy)
    return label
