"""Several of some values, each with a box to tick."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QGridLayout, QSizePolicy, QWidget

from fineview.ui.theme import spacing
from fineview.ui.widgets.labels import describe


@dataclass(frozen=True, slots=True)
class Option:
    """One value that can be ticked.

    Attributes:
        value: What is chosen by it.
        label: Beside the box.
        says: In the tooltip: what it is, one sentence.
    """

    value: str
    label: str
    says: str = ""


class CheckList(QWidget):
    """Boxes in columns; at least one stays ticked.

    Attributes:
        values: What is ticked, in the order of the options.

    Signals:
        changed(object): A person ticked or cleared a box: the new values (a tuple).
    """

    changed = Signal(object)

    def __init__(self, name: str, tooltip: str, *, columns: int = 1) -> None:
        super().__init__()
        self._options: tuple[Option, ...] = ()
        self._boxes: dict[str, QCheckBox] = {}
        self._columns = columns
        describe(self, name, tooltip)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(spacing(1), 0, 0, 0)
        self._grid.setHorizontalSpacing(spacing(2))
        self._grid.setVerticalSpacing(spacing(1))
        for column in range(columns):
            self._grid.setColumnStretch(column, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    @property
    def values(self) -> tuple[str, ...]:
        """Return what is ticked, in the order of the options."""
        return tuple(o.value for o in self._options if self._boxes[o.value].isChecked())

    def box(self, value: str) -> QCheckBox:
        """Return the box of a value."""
        return self._boxes[value]

    def set_options(self, options: Sequence[Option]) -> None:
        """Offer other values; what is ticked stays so where it is still offered."""
        if tuple(options) == self._options:
            return
        ticked = self.values
        for box in self._boxes.values():
            self._grid.removeWidget(box)
            box.deleteLater()
        self._options, self._boxes = tuple(options), {}
        rows = -(-len(self._options) // self._columns)
        for number, option in enumerate(self._options):
            box = QCheckBox(option.label.replace("&", "&&"))
            describe(box, option.label, option.says)
            box.setChecked(option.value in ticked)
            box.clicked.connect(self._on_clicked)
            self._boxes[option.value] = box
            self._grid.addWidget(box, number % rows, number // rows)

    def set_values(self, values: Sequence[str]) -> None:
        """Tick other values without a signal."""
        for value, box in self._boxes.items():
            box.setChecked(value in values)

    @Slot()
    def _on_clicked(self) -> None:
        if not self.values:
            clicked = self.sender()
            if isinstance(clicked, QCheckBox):
                clicked.setChecked(True)  # nothing at all cannot be chosen
            return
        self.changed.emit(self.values)
