"""The examples of a few-shot prompt: a table whose rows are edited, added and moved."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from fineview.ui.theme import spacing
from fineview.ui.widgets.labels import describe

Row = tuple[str, ...]


class _Table(QTableWidget):
    """Rows that can be dragged.

    Signals:
        moved(int, int): A row is to stand elsewhere.
        removed(): The chosen row is to go.
    """

    moved = Signal(int, int)
    removed = Signal()

    def dropEvent(self, event: QDropEvent) -> None:
        """Ask for the row to be moved; Qt would put its cells over others."""
        target = self.rowAt(int(event.position().y()))
        self.moved.emit(self.currentRow(), target if target >= 0 else self.rowCount() - 1)
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move a row with Alt and the arrows; remove it with Delete."""
        here, steps = self.currentRow(), {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        key = Qt.Key(event.key())
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and key in steps:
            self.moved.emit(here, here + steps[key])
        elif key == Qt.Key.Key_Delete and here >= 0:
            self.removed.emit()
        else:
            super().keyPressEvent(event)


class ExamplesTable(QWidget):
    """A table and the buttons below it.

    Attributes:
        table: The table.
        rows: What stands in it.

    Signals:
        edited(str, object): What was done, and the rows that it leaves.
    """

    edited = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Row, ...] = ()
        self._columns: tuple[str, ...] = ()
        self._quiet = False
        self.table = _Table(0, 2)
        describe(
            self.table,
            "Examples",
            "What the model is shown, in this order – two to eight – drag a row or press Alt+Up "
            "and Alt+Down to move it, Delete to remove it.",
        )
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.table.setDropIndicatorShown(True)
        self.table.setTabKeyNavigation(False)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().setDefaultSectionSize(spacing(6))
        self.buttons = {
            name: QPushButton(text)
            for name, text in (("add", "Add"), ("remove", "Remove"), ("up", "Up"), ("down", "Down"))
        }
        for name, tip in (
            ("add", "Adds an empty example at the end – fill both cells."),
            ("remove", "Removes the chosen example – Delete."),
            ("up", "Moves the chosen example up – Alt+Up – the order matters to the model."),
            ("down", "Moves the chosen example down – Alt+Down."),
        ):
            describe(self.buttons[name], f"{self.buttons[name].text()} an example", tip)
        row = QHBoxLayout()
        row.setSpacing(spacing(1.5))
        for button in self.buttons.values():
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(1.5))
        column.addWidget(self.table, 1)
        column.addLayout(row)
        self.table.itemChanged.connect(self._on_changed)
        self.table.moved.connect(self._move)
        self.table.removed.connect(self._remove)
        self.table.itemSelectionChanged.connect(self._allow)
        self.buttons["add"].clicked.connect(self._add)
        self.buttons["remove"].clicked.connect(self._remove)
        self.buttons["up"].clicked.connect(lambda: self._move(self._here, self._here - 1))
        self.buttons["down"].clicked.connect(lambda: self._move(self._here, self._here + 1))
        self._allow()

    @property
    def _here(self) -> int:
        return self.table.currentRow()

    def show_rows(self, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Show other examples, without a signal; the chosen row stays chosen."""
        if tuple(columns) == self._columns and tuple(rows) == self.rows:
            return
        here = self._here
        self._columns, self.rows = tuple(columns), tuple(rows)
        self._quiet = True
        try:
            self.table.setColumnCount(len(columns))
            self.table.setHorizontalHeaderLabels(list(columns))
            self.table.setRowCount(len(rows))
            for y, row in enumerate(rows):
                for x, cell in enumerate(row):
                    item = self.table.item(y, x)
                    if item is None:
                        item = QTableWidgetItem()
                        self.table.setItem(y, x, item)
                    item.setText(cell)
        finally:
            self._quiet = False
        if 0 <= here < len(rows):
            self.table.selectRow(here)
        self._allow()

    @Slot(QTableWidgetItem)
    def _on_changed(self, item: QTableWidgetItem) -> None:
        if self._quiet:
            return
        y, x = item.row(), item.column()
        row = tuple(item.text() if i == x else cell for i, cell in enumerate(self.rows[y]))
        self.edited.emit("Edit an example", (*self.rows[:y], row, *self.rows[y + 1 :]))

    @Slot()
    def _add(self) -> None:
        self.edited.emit("Add an example", (*self.rows, ("",) * len(self._columns)))
        last = self.table.rowCount() - 1
        self.table.selectRow(last)
        if (item := self.table.item(last, 0)) is not None:
            self.table.editItem(item)

    @Slot()
    def _remove(self) -> None:
        here = self._here
        if 0 <= here < len(self.rows):
            self.edited.emit("Remove an example", (*self.rows[:here], *self.rows[here + 1 :]))

    @Slot(int, int)
    def _move(self, source: int, target: int) -> None:
        if source == target or not 0 <= source < len(self.rows):
            return
        if not 0 <= target < len(self.rows):
            return
        rows = list(self.rows)
        rows.insert(target, rows.pop(source))
        self.edited.emit("Move an example", tuple(rows))
        self.table.selectRow(target)

    @Slot()
    def _allow(self) -> None:
        here, count = self._here, len(self.rows)
        self.buttons["remove"].setEnabled(0 <= here < count)
        self.buttons["up"].setEnabled(0 < here < count)
        self.buttons["down"].setEnabled(0 <= here < count - 1)
