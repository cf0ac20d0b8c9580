"""The map page of the analogies panel: words in a plane, their components, offsets of pairs."""

from PySide6.QtCore import Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.core.analogies.asking import Unknown
from fineview.core.analogies.neighbourhood import WordMap, word_map
from fineview.core.analogies.pairs import PairsPicture, pairs_picture, relations
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.latest import Latest, lane_of
from fineview.ui.plots.component_strip import ComponentStrip
from fineview.ui.plots.offset_arrows import OffsetArrows
from fineview.ui.plots.word_map import WordMapPlot
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.format import MINUS, count_text
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.panel_area import scrolled
from fineview.ui.widgets.segmented import Segmented
from fineview.work.jobs import JobRunner

_LONGEST = 4000
_COUNTS = (0, 3, 5, 10, 20)
_VERDICTS = {
    "few": "Fewer than five pairs say little of a relation.",
    "no": "Is the relation one direction? No: exchanged pairs do as well.",
    "weak": "Is the relation one direction? Hardly: more than chance, and still far from one.",
    "partly": "Is the relation one direction? In part.",
    "yes": "Is the relation one direction? Yes, largely.",
}


class MapPage(QWidget):
    """Three pictures of words and of pairs of words.

    Attributes:
        view: Which picture.
        words: The words that are drawn.
        pairs: The pairs.
        relation: A relation of a set of questions in their place.
        map: Words and their neighbours in a plane.
        strip: The components of the words.
        arrows: The offsets of the pairs.
        said: What the picture holds, and what it does not.
        shown: What is shown; None before there is something.
    """

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._lab = lab
        self._latest = Latest(runner, "Draw words", self)
        self.shown: WordMap | PairsPicture | None = None
        self.view = Segmented(
            (("map", "Neighbourhood"), ("components", "Components"), ("pairs", "Pairs")),
            "Picture",
            "What is drawn – words with their neighbours – their numbers as colours, or the "
            "offsets of many pairs.",
        )
        self.words = QLineEdit()
        self.pairs = QLineEdit()
        self.count = CalmCombo(
            "Neighbours",
            "How many nearest words of each word are drawn, too – 5 – 0 for the words alone.",
            letters=3,
        )
        self.projection = Segmented(
            (("pca", "PCA"), ("tsne", "t-SNE")),
            "Projection",
            "How all numbers of a word become two – PCA, which bends nothing – t-SNE keeps "
            "neighbours together, and no other distance.",
        )
        self.relation = CalmCombo(
            "Relation",
            "Whose pairs are drawn – those typed beside – or all of a relation of a set of "
            "questions.",
            letters=18,
        )
        self.from_where = Segmented(
            (("words", "From each word"), ("origin", "From one point")),
            "Arrows",
            "Where the arrows begin – at the first words, as they lie – from one point one sees "
            "how far they fan out.",
        )
        self.message = MessageLine("Map")
        self.map, self.strip, self.arrows = WordMapPlot(), ComponentStrip(), OffsetArrows()
        self.said = plain_label("", wrap=True)
        self._lay_out()
        self._connect()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what was typed while the page was hidden."""
        super().showEvent(event)
        self._show_choice()
        self._ask()

    # Layout

    def _lay_out(self) -> None:
        for field, name, example, tip in (
            (self.words, "Words", "king, queen, man, woman", "three or more for a map"),
            (self.pairs, "Pairs", "man woman, king queen", "five or more for a judgement"),
        ):
            field.setMaxLength(_LONGEST)
            field.setClearButtonEnabled(True)
            describe(field, name, f"{name} with commas between – {example} – {tip}.")
        self._of_words, self._of_map, self._of_pairs = QWidget(), QWidget(), QWidget()
        for box, parts in (
            (self._of_words, (_label("Words", self.words), self.words)),
            (
                self._of_map,
                (_label("Neighbours", self.count), self.count, self.projection),
            ),
            (
                self._of_pairs,
                (
                    _label("Relation", self.relation),
                    self.relation,
                    self.pairs,
                    self.from_where,
                ),
            ),
        ):
            row = QHBoxLayout(box)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(spacing(2))
            for part in parts:
                row.addWidget(part, 1 if isinstance(part, QLineEdit) else 0)
        first = QHBoxLayout()
        first.setSpacing(spacing(3))
        first.addWidget(self.view)
        first.addWidget(self._of_words, 1)
        first.addWidget(self._of_map)
        first.addWidget(self._of_pairs, 1)
        self._stack = QStackedWidget()
        self._strip_area = scrolled(self.strip)
        for plot in (self.map, self._strip_area, self.arrows):
            self._stack.addWidget(plot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addLayout(first)
        column.addWidget(self.message)
        column.addWidget(self._stack, 1)
        column.addWidget(self.said)

    def _connect(self) -> None:
        def edit(text: str, **changes: object) -> None:
            self._session.edit_look(text, "word_map", **changes)

        self.view.changed.connect(lambda value: edit("Choose a picture", view=value))
        self.words.textEdited.connect(lambda value: edit("Edit words of the map", words=value))
        self.pairs.textEdited.connect(
            lambda value: edit("Edit pairs of the map", pairs=value, relation="")
        )
        self.count.chosen.connect(lambda value: edit("Choose neighbours", count=int(value)))
        self.projection.changed.connect(
            lambda value: edit("Choose the projection", projection=value)
        )
        self.relation.chosen.connect(lambda value: edit("Choose a relation", relation=value))
        self.from_where.changed.connect(lambda value: edit("Choose the arrows", arrows=value))
        self.message.action_pressed.connect(self._on_offer)
        self._latest.finished.connect(self._on_found)
        self._latest.failed.connect(self._on_failed)
        self._session.changed.connect(self._on_session)

    # What is wanted

    @Slot(str)
    def _on_offer(self, value: str) -> None:
        """Replace a word the table does not have by one that may have been meant."""
        start, end, word = value.split(" ", 2)
        choice = self._session.state.word_map
        name = "pairs" if choice.view == "pairs" else "words"
        text = getattr(choice, name)
        self._session.edit_look(
            "Replace a word", "word_map", **{name: text[: int(start)] + word + text[int(end) :]}
        )

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.word_map, state.analogy.vectors) != (old.word_map, old.analogy.vectors):
            self._show_choice()
            self._ask()

    def _show_choice(self) -> None:
        choice = self._session.state.word_map
        self.view.set_value(choice.view)
        self._of_words.setVisible(choice.view != "pairs")
        self._of_map.setVisible(choice.view == "map")
        self._of_pairs.setVisible(choice.view == "pairs")
        for field, text in ((self.words, choice.words), (self.pairs, choice.pairs)):
            if field.text() != text:
                field.setText(text)
                field.setCursorPosition(0)
        counts = sorted({*_COUNTS, choice.count})
        self.count.set_choices([(str(n), str(n)) for n in counts], str(choice.count))
        self.projection.set_value(choice.projection)
        self.from_where.set_value(choice.arrows)
        if choice.view == "pairs" and not self.relation.count():
            found = relations(self._lab.locations.cache)
            names = [(name, name.replace("/", ": ")) for name in found]
            self.relation.set_choices([("", "pairs typed here"), *names], "")
        self.relation.set_value(choice.relation)
        self.pairs.setEnabled(not choice.relation)
        plots = {"map": self.map, "components": self._strip_area, "pairs": self.arrows}
        self._stack.setCurrentWidget(plots[choice.view])

    def _ask(self) -> None:
        if not self.isVisible():
            return
        state, lab = self._session.state, self._lab
        name, choice = state.analogy.vectors, state.word_map

        def work(report: Report) -> WordMap | PairsPicture:
            dictionary = lab.dictionary(name, report)
            if choice.view == "pairs":
                return pairs_picture(dictionary, choice, lab.locations.cache)
            return word_map(dictionary, choice, report)

        self._latest.ask((name, choice), work, lane_of(name))

    # What was found

    @Slot(object)
    def _on_found(self, found: WordMap | PairsPicture) -> None:
        self.shown = found
        for plot in (self.map, self.strip, self.arrows):
            plot.set_dimmed(False)
        if isinstance(found, PairsPicture):
            self.arrows.show_pairs(found)
            self.said.setText(pairs_words(found))
        else:
            self.map.show_map(found if found.choice.view == "map" else self.map.shown)
            self.strip.show_map(found)
            self.said.setText(map_words(found))
        self._show_unknown(found.unknown)

    def _show_unknown(self, unknown: tuple[Unknown, ...]) -> None:
        if not unknown:
            self.message.clear()
            return
        first, others = unknown[0], len(unknown) - 1
        more = f" and {count_text(others)} more" if others else ""
        actions = [(word, f"{first.start} {first.end} {word}") for word in first.near]
        meant = " Did you mean:" if actions else ""
        self.message.show_message(
            "warning", f"Not in this table, and left out: “{first.word}”{more}.{meant}", actions
        )

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.message.show_message("warning", str(error))
        for plot in (self.map, self.strip, self.arrows):
            plot.set_dimmed(True)


def map_words(found: WordMap) -> str:
    """Return what a map or the strips hold, and what they do not."""
    if found.choice.view == "components":
        return (
            "All words at length 1, one scale for all. A component alone means nothing: the table "
            "could be turned as a whole, and every cosine would stay."
        )
    if found.faithful is None:
        return ""
    rank = f"{found.faithful:.2f}".replace("-", MINUS)
    true = f"the distances drawn and the true ones have a rank correlation of {rank}"
    if found.shares is None:
        return (
            f"t-SNE keeps near words together and bends everything else: sizes of groups and the "
            f"gaps between them mean nothing. Here {true}."
        )
    return (
        f"The plane holds {sum(found.shares):.0%} of the variance of these "
        f"{count_text(len(found.words))} words; {true}."
    )


def pairs_words(found: PairsPicture) -> str:
    """Return in words whether the offsets are one direction, beside what chance makes of it."""
    cosine, energy = found.cosine, found.energy
    count = len(found.offsets.pairs)
    left = f" ({count_text(found.asked - count)} left out)" if found.asked > count else ""
    uneven = ", ".join(f"“{part}”" for part in found.uneven[:3])
    held = found.turned_held if found.choice.arrows == "origin" else found.offsets.held
    return (
        f"{_VERDICTS[found.verdict]} Two offsets of these {count_text(count)} pairs{left} have a "
        f"mean cosine of {_figure(cosine.here)}; with the second words exchanged it is "
        f"{_figure(cosine.shuffled)}, seldom above {_figure(cosine.shuffled_high)}, and between "
        f"common words drawn at random {_figure(cosine.random)}. Their mean direction holds "
        f"{energy.here:.0%} of their squared length (exchanged {energy.shuffled:.0%}), the plane "
        f"{held:.0%}." + (f" No pairs, and left out: {uneven}." if uneven else "")
    )


def _figure(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", MINUS)  # + 0.0: no minus before nothing


def _label(title: str, buddy: QWidget) -> QLabel:
    label = QLabel(title)
    label.setBuddy(buddy)
    return label
