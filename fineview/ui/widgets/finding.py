"""One finding: a sign, a sentence, and maybe a button that shows what it is about."""

from typing import Literal

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from fineview.ui.theme import spacing, theme_colours
from fineview.ui.widgets.format import THIN_SPACE
from fineview.ui.widgets.labels import describe, plain_label, plain_tooltip

Kind = Literal["good", "info", "warning"]
NARROW = "\u202f"
_SIGNS: dict[Kind, tuple[str, str]] = {
    "good": ("✓", "Fine"),
    "info": ("–", "Note"),
    "warning": ("!", "Warning"),
}


def unbroken(text: str) -> str:
    """Return a sentence whose figures stay whole where the line wraps: 2 000, 1.9 %."""
    return text.replace(THIN_SPACE, NARROW).replace(" %", "\u00a0%")


class Finding(QWidget):
    """Hidden until it says something; unlike a message it stays.

    Attributes:
        kind: How good it is.
        text: The sentence, "" where nothing is said.
        button: Shows what the sentence is about.

    Signals:
        pressed(): The button was pressed.
    """

    pressed = Signal()

    def __init__(self, button: str = "", tooltip: str = "") -> None:
        super().__init__()
        self.kind: Kind = "info"
        self._sign = plain_label()
        self._sign.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._label = plain_label(wrap=True)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.button = QPushButton(button)
        describe(self.button, button, tooltip)
        self.button.clicked.connect(self.pressed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(2))
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._label, 1)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    @property
    def text(self) -> str:
        """Return the sentence."""
        return self._label.text()

    def say(self, kind: Kind, text: str, *, more: str = "", button: bool = False) -> None:
        """Say one sentence, or "" to say nothing.

        Args:
            kind: A sign and its word go with it.
            text: The sentence.
            more: Examples, for the tooltip.
            button: Whether there is something to show.
        """
        self.kind = kind
        sign, word = _SIGNS[kind]
        self._sign.setText(sign)
        self._sign.setFixedWidth(spacing(3))
        self._label.setText(unbroken(text))
        self._label.setToolTip(plain_tooltip(more))
        self.setAccessibleName(f"{word}: {text}")
        self.setAccessibleDescription(more)
        self.button.setVisible(button)
        self.setVisible(bool(text))
        self._tint()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()

    def _tint(self) -> None:
        colours = theme_colours()
        ink = {"good": colours.good, "info": colours.muted, "warning": colours.warning}[self.kind]
        sheet = f"QLabel {{ color: {ink}; font-weight: 700; }}"
        if self._sign.styleSheet() != sheet:
            self._sign.setStyleSheet(sheet)
