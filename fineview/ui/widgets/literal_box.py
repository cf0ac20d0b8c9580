"""A path or a command to read and copy: never cut, never wrapped only at spaces."""

import math

from PySide6.QtCore import QEvent, QSize, Qt, Slot
from PySide6.QtGui import QFontMetricsF, QResizeEvent, QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QSizePolicy

from fineview.ui.theme import use_font
from fineview.ui.widgets.labels import describe

_MOST_LINES = 12


class LiteralBox(QPlainTextEdit):
    """Shows text in the fixed font, as high as its lines; what is longer scrolls.

    Attributes:
        literal: The text.
    """

    def __init__(self, name: str, tooltip: str) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        use_font(self, "fixed-small")
        describe(self, name, tooltip)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)

    @property
    def literal(self) -> str:
        """Return the text."""
        return self.toPlainText()

    def set_literal(self, text: str) -> None:
        """Show another text."""
        if text != self.literal:
            self.setPlainText(text)
            self._fit()

    def sizeHint(self) -> QSize:
        """Ask for some words' width; the height follows from the text."""
        return QSize(self.fontMetrics().averageCharWidth() * 32, self._height())

    def minimumSizeHint(self) -> QSize:
        """Need a few words' width."""
        return QSize(self.fontMetrics().averageCharWidth() * 16, self._height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap anew."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    @Slot()
    def _fit(self) -> None:
        if self.height() != self._height():
            self.setFixedHeight(self._height())

    def _height(self) -> int:
        # A plain text edit counts the height of its document in lines; blocks know their pixels.
        most = _MOST_LINES * QFontMetricsF(self.font()).lineSpacing()
        height, block = 0.0, self.document().begin()
        while block.isValid() and height < most:
            height += self.blockBoundingRect(block).height()
            block = block.next()
        # The blocks at the ends have one margin of the document with them, and scroll bars come
        # where a pixel is missing.
        margins = self.document().documentMargin() + 2 * self.frameWidth()
        return math.ceil(min(height, most) + margins) + 1
