"""The axes page of the analogies panel: words on directions of one's own."""

from PySide6.QtCore import Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from fineview.core.analogies.placing import PlacedWords, place
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.latest import Latest, lane_of
from fineview.ui.plots.word_axes import WordAxesPlot
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.work.jobs import JobRunner

_ENDS = (
    ("left", "Left", "he, man, his"),
    ("right", "Right", "she, woman, her"),
    ("below", "Below", "poor, cheap"),
    ("above", "Above", "rich, expensive"),
)
_LONGEST = 2000


class AxesPage(QWidget):
    """Four ends, a list of words, and where they lie.

    Attributes:
        ends: The fields of the ends, by name.
        listing: The words that are placed.
        plot: Where they lie.
    """

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._lab = lab
        self._latest = Latest(runner, "Place words", self)
        self.ends = {name: QLineEdit() for name, _, _ in _ENDS}
        self.listing = QPlainTextEdit()
        self.message = MessageLine("Axes")
        self.plot = WordAxesPlot()
        self.said = plain_label("", "small", wrap=True)
        self._lay_out()
        for name, field in self.ends.items():
            field.textEdited.connect(lambda text, name=name: self._edit(name, text))
        self.listing.textChanged.connect(self._on_listing)
        self._latest.finished.connect(self._on_placed)
        self._latest.failed.connect(self._on_failed)
        session.changed.connect(self._on_session)

    def showEvent(self, event: QShowEvent) -> None:
        """Place what was typed while the page was hidden."""
        super().showEvent(event)
        self._show_choice()
        self._ask()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(spacing(2))
        grid.setVerticalSpacing(spacing(2))
        for number, (name, title, example) in enumerate(_ENDS):
            field = self.ends[name]
            field.setMaxLength(_LONGEST)
            describe(
                field,
                f"{title} end",
                f"Words at the {title.lower()} end, with commas between – {example} – several "
                f"words make the direction less that of one of them.",
            )
            label = QLabel(title)
            label.setBuddy(field)
            grid.addWidget(label, number // 2, 2 * (number % 2))
            grid.addWidget(field, number // 2, 2 * (number % 2) + 1)
        words = QLabel("Words")
        words.setBuddy(self.listing)
        describe(
            self.listing,
            "Words to be placed",
            "Words with commas between – ten to fifty – to see where they lie.",
        )
        self.listing.setTabChangesFocus(True)
        self.listing.setFixedHeight(self.fontMetrics().lineSpacing() * 2 + spacing(4))
        grid.addWidget(words, 2, 0)
        grid.addWidget(self.listing, 2, 1, 1, 3)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addLayout(grid)
        column.addWidget(self.message)
        column.addWidget(self.plot, 1)
        column.addWidget(self.said)

    def _edit(self, name: str, text: str) -> None:
        self._session.edit_look(f"Change the {name} end", "word_axes", **{name: text})

    @Slot()
    def _on_listing(self) -> None:
        text = self.listing.toPlainText()
        if text != self._session.state.word_axes.words:
            self._session.edit_look("Change the words placed", "word_axes", words=text)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.word_axes, state.analogy.vectors) != (old.word_axes, old.analogy.vectors):
            self._show_choice()
            self._ask()

    def _show_choice(self) -> None:
        choice = self._session.state.word_axes
        for name, field in self.ends.items():
            if field.text() != getattr(choice, name):
                field.setText(getattr(choice, name))
        if self.listing.toPlainText() != choice.words:
            self.listing.setPlainText(choice.words)

    def _ask(self) -> None:
        if not self.isVisible():
            return
        state, lab = self._session.state, self._lab
        name, choice = state.analogy.vectors, state.word_axes

        def work(report: Report) -> PlacedWords:
            return place(lab.dictionary(name, report), choice)

        self._latest.ask((name, choice), work, lane_of(name))

    @Slot(object)
    def _on_placed(self, found: PlacedWords) -> None:
        self.plot.show_words(found)
        self.plot.set_dimmed(False)
        if found.unknown:
            named = ", ".join(f"“{word}”" for word in found.unknown)
            self.message.show_message("warning", f"Not in this table, and left out: {named}.")
        else:
            self.message.clear()
        self.said.setText(axes_words(found))

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.message.show_message("warning", str(error))
        self.plot.set_dimmed(True)


def axes_words(found: PlacedWords) -> str:
    """Return what the places are, and whether the axes are two."""
    words = (
        "A place is the word's cosine with the direction from one end's mean to the other's, all "
        f"words at length 1. The two axes have a cosine of {found.angle:+.2f}"
    )
    if abs(found.angle) < 0.15:
        return f"{words}: nearly two separate questions."
    return f"{words}: what lies far along one tends to lie along the other for that reason alone."
