"""The rail at the left: one button a panel."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QToolButton, QVBoxLayout

from fineview.ui.theme import set_icon, spacing


class Rail(QFrame):
    """Chooses the panel in front.

    Signals:
        chosen(str): A button was pressed.
    """

    chosen = Signal(str)

    def __init__(self, panels: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.setObjectName("rail")
        column = QVBoxLayout(self)
        column.setContentsMargins(*[spacing(1)] * 4)
        column.setSpacing(spacing(1))
        self._buttons: dict[str, QToolButton] = {}
        for number, (key, text) in enumerate(panels, 1):
            button = QToolButton()
            button.setText(text)
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setToolTip(f"{text} (Ctrl+{number})")
            button.setAccessibleName(f"{text} panel")
            button.setAutoRaise(True)
            button.setMinimumWidth(spacing(17))
            set_icon(button, text.lower())
            button.clicked.connect(lambda _checked, key=key: self.chosen.emit(key))
            column.addWidget(button)
            self._buttons[key] = button
        column.addStretch(1)

    def show_chosen(self, key: str) -> None:
        """Mark the panel in front."""
        self._buttons[key].setChecked(True)
