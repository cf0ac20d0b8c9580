"""The bias page of the analogies panel: an axis, words on it, and what debiasing leaves."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from fineview.core.analogies.bias import BiasPicture, look_at_bias
from fineview.core.analogies.picture_choices import LISTS
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.latest import Latest, lane_of
from fineview.ui.plots.bias_bars import BiasBars
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
_DEMONSTRATION = (
    "A demonstration, not a remedy: it takes one direction away, and what leaned that way still "
    "lies together (Gonen & Goldberg 2019, arXiv:1903.03862). Which pairs make the axis, and which "
    "words ought to be neutral, is the choice of whoever draws it (Bolukbasi et al. 2016, "
    "arXiv:1607.06520); the projections describe the texts the vectors come from, not people."
)


class BiasPage(QWidget):
    """An axis, a list of words on it, and both steps of hard debiasing.

    Attributes:
        pairs: Pairs that make the axis.
        equal: Pairs that are equalised.
        direction: How the axis comes from the pairs.
        lists: Lists of words to begin with.
        listing: The words that are placed.
        plot: Where they lie, before and after.
        axis: What the axis holds, in words.
        left: What survives, in words.
        shown: What is shown; None before there is something.
    """

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._lab = lab
        self._latest = Latest(runner, "Look at bias", self)
        self.shown: BiasPicture | None = None
        self.pairs, self.equal = QLineEdit(), QLineEdit()
        self.direction = Segmented(
            (("pca", "Principal"), ("mean", "Mean")),
            "Axis",
            "How the axis comes from the pairs – the first principal component of their "
            "differences, as in the paper – or their mean.",
        )
        self.lists = CalmCombo(
            "List", "Lists of words to begin with – occupations – edit them below.", letters=12
        )
        self.listing = QPlainTextEdit()
        self.message = MessageLine("Bias")
        self.plot = BiasBars()
        self.axis, self.left = (plain_label("", wrap=True) for _ in range(2))
        self.equalised = plain_label("", "small", wrap=True)
        self._lay_out()
        self._connect()

    def showEvent(self, event: QShowEvent) -> None:
        """Look at what was typed while the page was hidden."""
        super().showEvent(event)
        self._show_choice()
        self._ask()

    # Layout

    def _lay_out(self) -> None:
        for field, name, tip in (
            (
                self.pairs,
                "Axis from the pairs",
                "Pairs whose difference is the axis, in the same order each – he she, man woman – "
                "several make it less that of one pair.",
            ),
            (
                self.equal,
                "Pairs made equal",
                "Pairs that debiasing puts equally far from every neutral word – uncle aunt – "
                "empty for none.",
            ),
        ):
            field.setMaxLength(_LONGEST)
            field.setClearButtonEnabled(True)
            describe(field, name, tip)
        describe(
            self.listing,
            "Words to be placed",
            "Words with commas between – ten to fifty, at most 100 – those of the pairs are not "
            "neutralised.",
        )
        self.listing.setTabChangesFocus(True)
        self.listing.setFixedHeight(self.fontMetrics().lineSpacing() * 2 + spacing(4))
        self.lists.set_choices([("", "a list …"), *((k, title) for k, title, _ in LISTS)], "")
        grid = QGridLayout()
        grid.setHorizontalSpacing(spacing(2))
        grid.setVerticalSpacing(spacing(2))
        for row, (title, widget, beside) in enumerate(
            (
                ("Axis", self.pairs, self.direction),
                ("Made equal", self.equal, None),
                ("Words", self.listing, self.lists),
            )
        ):
            label = QLabel(title)
            label.setBuddy(widget)
            grid.addWidget(label, row, 0)
            grid.addWidget(widget, row, 1)
            if beside is not None:
                grid.addWidget(beside, row, 2, Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(1, 1)
        said = QWidget()
        right = QVBoxLayout(said)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(spacing(2))
        for title, label in (
            ("The axis", self.axis),
            ("What debiasing leaves", self.left),
            ("Pairs made equal", self.equalised),
        ):
            right.addWidget(plain_label(title, "small"))
            right.addWidget(label)
        right.addStretch(1)
        right.addWidget(plain_label(_DEMONSTRATION, "small", wrap=True))
        across = QHBoxLayout()
        across.setSpacing(spacing(4))
        across.addWidget(scrolled(self.plot), 3)
        across.addWidget(scrolled(said), 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addLayout(grid)
        column.addWidget(self.message)
        column.addLayout(across, 1)

    def _connect(self) -> None:
        def edit(text: str, **changes: object) -> None:
            self._session.edit_look(text, "word_bias", **changes)

        self.pairs.textEdited.connect(lambda value: edit("Edit the axis of bias", pairs=value))
        self.equal.textEdited.connect(lambda value: edit("Edit pairs made equal", equal=value))
        self.direction.changed.connect(lambda value: edit("Choose the axis", direction=value))
        self.lists.chosen.connect(self._on_list)
        self.listing.textChanged.connect(self._on_listing)
        self._latest.finished.connect(self._on_found)
        self._latest.failed.connect(self._on_failed)
        self._session.changed.connect(self._on_session)

    # What is wanted

    @Slot(str)
    def _on_list(self, name: str) -> None:
        self.lists.set_value("")
        words = next((words for key, _, words in LISTS if key == name), "")
        if words:
            self._session.edit_look("Choose a list of words", "word_bias", words=words)

    @Slot()
    def _on_listing(self) -> None:
        text = self.listing.toPlainText()
        if text != self._session.state.word_bias.words:
            self._session.edit_look("Edit words on the axis of bias", "word_bias", words=text)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.word_bias, state.analogy.vectors) != (old.word_bias, old.analogy.vectors):
            self._show_choice()
            self._ask()

    def _show_choice(self) -> None:
        choice = self._session.state.word_bias
        for field, text in ((self.pairs, choice.pairs), (self.equal, choice.equal)):
            if field.text() != text:
                field.setText(text)
                field.setCursorPosition(0)
        self.direction.set_value(choice.direction)
        if self.listing.toPlainText() != choice.words:
            self.listing.setPlainText(choice.words)

    def _ask(self) -> None:
        if not self.isVisible():
            return
        state, lab = self._session.state, self._lab
        name, choice = state.analogy.vectors, state.word_bias

        def work(report: Report) -> BiasPicture:
            return look_at_bias(lab.dictionary(name, report), choice, report)

        self._latest.ask((name, choice), work, lane_of(name))

    # What was found

    @Slot(object)
    def _on_found(self, found: BiasPicture) -> None:
        self.shown = found
        self.plot.show_picture(found)
        self.plot.set_dimmed(False)
        self.axis.setText(axis_words(found))
        self.left.setText(survival_words(found))
        self.equalised.setText(equal_words(found))
        told = []
        if found.unknown:
            named = ", ".join(dict.fromkeys(f"“{one.word}”" for _, one in found.unknown))
            told.append(f"Not in this table, and left out: {named}.")
        if found.uneven:
            told.append(f"No pairs, and left out: {', '.join(f'“{p}”' for p in found.uneven)}.")
        if told:
            self.message.show_message("warning", " ".join(told))
        else:
            self.message.clear()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.message.show_message("warning", str(error))
        self.plot.set_dimmed(True)


def axis_words(found: BiasPicture) -> str:
    """Return what the axis holds of the pairs' differences."""
    low, high = found.ends
    count, share = len(found.pairs), float(found.shares[0])
    second = (
        f", the second component {found.shares[1]:.0%}"
        if found.choice.direction == "pca" and len(found.shares) > 1
        else ""
    )
    return (
        f"From {low} to {high}, of {count_text(count)} pairs. It holds {share:.0%} of their "
        f"squared differences{second}. A bar is a word's cosine with it; a ring is where hard "
        f"debiasing (neutralise, then equalise) puts it. Grey words belong to a pair and are not "
        f"neutralised."
    )


def survival_words(found: BiasPicture) -> str:
    """Return what of the bias is still found once the axis is gone."""
    left = found.survival
    if left is None:
        return "The table has too few words to look at neighbourhoods."
    said = (
        f"Of {count_text(left.pool)} common words the {count_text(left.side)} most biased to "
        f"either side: a linear classifier tells the sides apart in {left.accuracy_before:.0%} of "
        f"held-out words before, and in {left.accuracy_after:.0%} after debiasing (chance 50%; "
        f"after taking out an axis of random pairs its sides are told apart in "
        f"{left.accuracy_random:.0%})."
    )
    if left.correlation_before is None or left.correlation_after is None:
        return said
    return (
        f"{said} A listed word's first projection and the share of its 100 neighbours on one side "
        f"correlate with {_signed(left.correlation_before)} before and "
        f"{_signed(left.correlation_after)} after."
    )


def equal_words(found: BiasPicture) -> str:
    """Return what became of the pairs that are made equal, one a line."""
    if not found.equal:
        return "None."
    lines = []
    for pair in found.equal[:12]:
        (a, b), before, after = pair.words, pair.before, pair.after
        lines.append(
            f"{a} – {b}: {_signed(before[0])} and {_signed(before[1])}, then {_signed(after[0])} "
            f"and {_signed(after[1])}; neutral words tell them apart by {pair.gap_before:.2f}, "
            f"then {pair.gap_after:.2f}."
        )
    more = len(found.equal) - len(lines)
    return "\n".join([*lines, *([f"and {count_text(more)} more."] if more > 0 else [])])


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", MINUS)
