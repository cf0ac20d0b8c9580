"""What will be here, in one sentence, and the button that brings it."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from fineview.ui.theme import make_primary, spacing, theme_colours
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.painting import pen


class EmptyState(QWidget):
    """A place that has nothing to show yet.

    Attributes:
        button: The button, None where nothing can be pressed.

    Signals:
        pressed(): The button was pressed.
    """

    pressed = Signal()

    def __init__(self, title: str, sentence: str, button_text: str | None = None) -> None:
        super().__init__()
        self._title = plain_label(title, "title")
        self._sentence = plain_label(sentence, wrap=True)
        self.button: QPushButton | None = None
        column = QVBoxLayout(self)
        margin = spacing(6)
        column.setContentsMargins(margin, margin, margin, margin)
        column.setSpacing(spacing(2))
        column.addStretch(1)
        for label in (self._title, self._sentence):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        if button_text is not None:
            self.button = QPushButton(button_text)
            make_primary(self.button)
            describe(self.button, button_text.replace("&", ""), sentence)
            self.button.clicked.connect(self.pressed)
            column.addSpacing(spacing(2))
            column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        self.set_text(title, sentence)

    def set_text(self, title: str, sentence: str) -> None:
        """Say something else."""
        self._title.setText(title)
        self._sentence.setText(sentence)
        self.setAccessibleName(title)
        self.setAccessibleDescription(sentence)
        self._tint()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the dashed frame of something that is still to come."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen(theme_colours().strong_line, 1, dashes=(4, 4)))
        painter.drawRoundedRect(self.rect().adjusted(2, 2, -3, -3), 6, 6)
        painter.end()

    def _tint(self) -> None:
        sheet = f"color: {theme_colours().muted};"
        if self._sentence.styleSheet() != sheet:
            self._sentence.setStyleSheet(sheet)
