"""One sentence of information, warning or error, with what can be done about it."""

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QWidget

from fineview.ui.theme import mix, spacing, theme_colours
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.painting import pen

Kind = Literal["info", "good", "warning", "bad"]

_SIGNS: dict[Kind, tuple[str, str]] = {
    "info": ("i", "Information"),
    "good": ("✓", "Done"),
    "warning": ("!", "Warning"),
    "bad": ("✕", "Error"),
}


class MessageLine(QWidget):
    """Hidden until there is something to say.

    Attributes:
        kind: What the present message is.
        text: The sentence, "" where the line is hidden.

    Signals:
        action_pressed(str): The key of the button that was pressed.
        dismissed(): A person closed the line.
    """

    action_pressed = Signal(str)
    dismissed = Signal()

    def __init__(self, name: str = "Message") -> None:
        super().__init__()
        self._name = name
        self._kind: Kind = "info"
        self._buttons: list[QPushButton] = []
        self._sign = plain_label()
        self._sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._label = plain_label(wrap=True)
        self._label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._close = QToolButton()
        self._close.setText("✕")
        self._close.setAutoRaise(True)
        describe(
            self._close, "Hide this message", "Hides this message; it is not needed for the work."
        )
        self._close.clicked.connect(self._on_close)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(spacing(3), spacing(1.5), spacing(2), spacing(1.5))
        self._row.setSpacing(spacing(2))
        self._row.addWidget(self._sign)
        self._row.addWidget(self._label, 1)
        self._row.addWidget(self._close)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    @property
    def kind(self) -> Kind:
        """Return what the present message is."""
        return self._kind

    @property
    def text(self) -> str:
        """Return the sentence, "" where the line is hidden."""
        return self._label.text()

    @property
    def buttons(self) -> tuple[QPushButton, ...]:
        """Return the action buttons, from left to right."""
        return tuple(self._buttons)

    def show_message(self, kind: Kind, text: str, actions: Sequence[tuple[str, str]] = ()) -> None:
        """Say one sentence.

        Args:
            kind: How bad it is; a sign and a colour follow.
            text: The sentence, shown literally.
            actions: (label, key) of each button beside it.
        """
        for button in self._buttons:
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._buttons = []
        self._kind = kind
        sign, word = _SIGNS[kind]
        self._sign.setText(sign)
        self._sign.setAccessibleName(word)
        self._label.setText(text)
        self._label.setAccessibleName(f"{word}: {text}")
        for label, key in actions:
            button = QPushButton(label)
            button.setProperty("key", key)
            describe(button, label.replace("&", ""), label.replace("&", ""))
            button.clicked.connect(self._on_action)
            self._row.insertWidget(self._row.indexOf(self._close), button)
            self._buttons.append(button)
        self.setAccessibleName(self._name)
        self.setAccessibleDescription(f"{word}: {text}")
        self._paint_sign()
        self.show()
        self.update()

    def clear(self) -> None:
        """Say nothing."""
        self._label.clear()
        self.hide()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paint_sign()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the tinted ground and the bar of colour at the left."""
        colours = theme_colours()
        colour = self._colour()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen(mix(colours.surface, colour, 0.4)))
        painter.setBrush(mix(colours.surface, colour, 0.10))
        frame = self.rect().adjusted(0, 0, -1, -1)
        painter.drawRoundedRect(frame, 4, 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawRoundedRect(0, 0, spacing(1), self.height(), 2, 2)
        painter.end()

    def _colour(self) -> str:
        colours = theme_colours()
        return {
            "info": colours.accent,
            "good": colours.good,
            "warning": colours.warning,
            "bad": colours.bad,
        }[self._kind]

    def _paint_sign(self) -> None:
        sheet = f"QLabel {{ color: {self._colour()}; font-weight: 700; }}"
        if self._sign.styleSheet() != sheet:
            self._sign.setStyleSheet(sheet)

    @Slot()
    def _on_close(self) -> None:
        self.clear()
        self.dismissed.emit()

    @Slot()
    def _on_action(self) -> None:
        sender = self.sender()
        if sender is not None:
            self.action_pressed.emit(str(sender.property("key")))
