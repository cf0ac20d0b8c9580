"""Labels in another colour than the text, which they take from the theme when they paint."""

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel

from fineview.ui.theme import FontRole, theme_colours, use_font

Tone = Literal["quiet", "good", "busy", "bad"]
SIGNS: dict[Tone, str] = {"quiet": "", "good": "✓ ", "busy": "", "bad": "✕ "}
"""What stands before the words, so that the colour is not the only sign."""


def tone_colour(tone: Tone) -> str:
    """Return the colour of a tone in the theme at the moment."""
    colours = theme_colours()
    return {
        "quiet": colours.muted,
        "good": colours.good,
        "busy": colours.accent,
        "bad": colours.bad,
    }[tone]


class TintedLabel(QLabel):
    """Plain text, wrapped or not; palettes and style sheets have no say.

    A label with a style sheet of its own loses its font where the text size changes while it is
    hidden, and one with a palette of its own its colour where the theme does.

    Attributes:
        tone: What the colour means.
    """

    def __init__(
        self, text: str = "", role: FontRole = "body", *, tone: Tone = "quiet", wrap: bool = False
    ) -> None:
        super().__init__()
        self.tone: Tone = tone
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)
        self.setWordWrap(wrap)
        use_font(self, role)

    def set_tone(self, tone: Tone) -> None:
        """Take another colour."""
        if tone != self.tone:
            self.tone = tone
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the words where the label would."""
        painter = QPainter(self)
        painter.setPen(tone_colour(self.tone))
        flags = int(self.alignment())
        if self.wordWrap():
            flags |= int(Qt.TextFlag.TextWordWrap)
        painter.drawText(self.contentsRect(), flags, self.text())
        painter.end()
