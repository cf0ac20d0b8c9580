"""A combo box that the wheel does not change while the page around it scrolls."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QWidget

from fineview.ui.widgets.labels import describe


class CalmCombo(QComboBox):
    """A choice between named values; may be narrower than its longest entry.

    Attributes:
        value: The chosen value, "" where there is none.

    Signals:
        chosen(str): A person chose a value.
        focused(): The keyboard came here.
    """

    chosen = Signal(str)
    focused = Signal()

    def __init__(
        self, name: str, tooltip: str, *, letters: int = 16, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        describe(self, name, tooltip)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(letters)
        self.activated.connect(self._on_activated)

    @property
    def value(self) -> str:
        """Return the chosen value."""
        return str(self.currentData() or "")

    def set_choices(self, choices: Sequence[tuple[str, str]], value: str) -> None:
        """Offer other choices, as (value, label), without a signal."""
        if choices != [(self.itemData(i), self.itemText(i)) for i in range(self.count())]:
            self.clear()
            for key, label in choices:
                self.addItem(label, key)
        self.set_value(value)

    def set_value(self, value: str) -> None:
        """Choose a value without a signal; one that is not offered leaves the box empty."""
        self.setCurrentIndex(self.findData(value))

    def showPopup(self) -> None:
        """Let the open list show its entries whole, however narrow the box is."""
        margin = 4 * self.fontMetrics().averageCharWidth()
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + margin)
        super().showPopup()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to what scrolls, unless the keyboard is here too."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Say so: whoever scrolls can bring this box into sight."""
        super().focusInEvent(event)
        self.focused.emit()

    @Slot(int)
    def _on_activated(self, _index: int) -> None:
        self.chosen.emit(self.value)
