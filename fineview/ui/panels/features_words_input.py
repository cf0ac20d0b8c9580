"""Where a word is looked for, and which: the field, its suggestions, and own sentences."""

from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fineview.core.features.occurrences import WORD
from fineview.ui.theme import make_primary, spacing
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.segmented import Segmented
from fineview.ui.widgets.token_strip import TokenChip, TokenStrip

_LONGEST = 100
_AFTER_TYPING_MS = 600
_MOST_OWN = 2_000
_EXAMPLE_WORDS = 9


class WordInput(QWidget):
    """The upper part of the word page.

    Attributes:
        field: The word.
        source: `task` or `own`.
        own: Own sentences, one a line.
        button: Finds, or stops.

    Signals:
        wanted(str): Look for this word.
        source_changed(): Other texts are to be searched.
        stop_wanted(): Stop was pressed.
    """

    wanted = Signal(str)
    source_changed = Signal()
    stop_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.source = Segmented(
            [("task", "Task"), ("own", "Own sentences")],
            "Texts that are searched",
            "Where the word is looked for – the task's texts – own sentences to try two senses "
            "side by side.",
        )
        self.field = QLineEdit()
        self.button = QPushButton("Find")
        self.own = QPlainTextEdit()
        self.suggested = TokenStrip("Suggested words", "No word stands out here.")
        self.example = TokenStrip("Words of the example", "No example yet.")
        self._running = False
        self._word = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_AFTER_TYPING_MS)
        self._timer.timeout.connect(self.source_changed)
        self._lay_out()
        self.field.returnPressed.connect(lambda: self.wanted.emit(self.field.text()))
        self.button.clicked.connect(self._on_button)
        self.source.changed.connect(self._on_source)
        self.own.textChanged.connect(self._timer.start)
        for strip in (self.suggested, self.example):
            strip.pressed.connect(self._on_chip)
        self.own.hide()

    @property
    def sentences(self) -> tuple[str, ...] | None:
        """Return own sentences, None where the task's texts are searched."""
        if self.source.value == "task":
            return None
        return tuple(self.own.toPlainText().splitlines()[:_MOST_OWN])

    def set_running(self, running: bool) -> None:
        """Let the button stop, or find."""
        self._running = running
        self.button.setText("Stop" if running else "Find")

    def set_word(self, word: str) -> None:
        """Show the word that is looked at, unless it is shown: another may be being typed."""
        if word != self._word:
            self._word = word
            self.field.setText(word)

    def set_suggestions(self, words: Sequence[str]) -> None:
        """Offer words of the texts."""
        self.suggested.set_tokens(
            [TokenChip(text=w, tooltip="Press to look it up.") for w in words]
        )

    def set_example(self, text: str) -> None:
        """Offer the words of the example."""
        words = list(dict.fromkeys(match.group() for match in WORD.finditer(text[:2000])))
        self.example.set_tokens([_chip(word) for word in words[:_EXAMPLE_WORDS]])

    def _lay_out(self) -> None:
        describe(
            self.field,
            "Word",
            "The word whose occurrences are compared – bank, light – one with several senses shows "
            "most. Case does not matter.",
        )
        self.field.setPlaceholderText("Type a word")
        self.field.setMaxLength(_LONGEST)
        self.field.setClearButtonEnabled(True)
        make_primary(self.button)
        describe(
            self.button,
            "Find",
            "Finds the word and reads it with the encoder – seconds – or Enter.",
        )
        describe(
            self.own,
            "Own sentences",
            "Sentences to be searched, one a line – four to ten – to try senses that the task "
            "does not have.",
        )
        self.own.setPlaceholderText(
            "One sentence a line:\nHe sat on the river bank.\nThe bank raised its rates."
        )
        self.own.setTabChangesFocus(True)
        self.own.setFixedHeight(self.fontMetrics().lineSpacing() * 4 + spacing(4))
        row = QHBoxLayout()
        row.setSpacing(spacing(2))
        row.addWidget(self.source)
        row.addWidget(self.field, 1)
        row.addWidget(self.button)
        offers = QGridLayout()
        offers.setHorizontalSpacing(spacing(2))
        offers.setVerticalSpacing(spacing(1))
        offers.setColumnStretch(1, 1)
        for line, (words, strip) in enumerate(
            (("Frequent in several classes", self.suggested), ("In the example", self.example))
        ):
            strip.make_pressable("Words to press – a few – to look one up without typing.")
            label = plain_label(words, "small")
            offers.addWidget(label, line, 0)
            offers.addWidget(strip, line, 1)
            if strip is self.suggested:
                self._offer = label
            else:
                self._example_label = label
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addLayout(row)
        column.addWidget(self.own)
        column.addLayout(offers)

    @Slot()
    def _on_button(self) -> None:
        if self._running:
            self.stop_wanted.emit()
        else:
            self.wanted.emit(self.field.text())

    @Slot(str)
    def _on_source(self, source: str) -> None:
        self.own.setVisible(source == "own")
        for part in (self.example, self._example_label):
            part.setVisible(source == "task")
        self._offer.setText("Frequent" if source == "own" else "Frequent in several classes")
        self.source_changed.emit()

    @Slot(int)
    def _on_chip(self, index: int) -> None:
        strip = self.sender()
        if isinstance(strip, TokenStrip):
            self.wanted.emit(strip.tokens[index].text)


def _chip(word: str) -> TokenChip:
    return TokenChip(text=word, tooltip="Press to look it up.")
