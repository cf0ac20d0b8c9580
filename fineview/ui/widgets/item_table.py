"""The items of a task as a table: a million rows, of which only those in sight are looked up."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QObject,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHeaderView, QTableView

from fineview.core.data.items import Column, TaskItems
from fineview.ui.widgets.cells import CellDelegate, set_up_table
from fineview.ui.widgets.format import THIN_SPACE
from fineview.ui.widgets.labels import describe, plain_tooltip
from fineview.ui.widgets.text_model import Index, TextModel

_LONGEST_CELL = 300
_LONGEST_TOOLTIP = 1500
_WORDS_AROUND = 12
_ROLES = frozenset(
    int(role)
    for role in (
        Qt.ItemDataRole.DisplayRole,
        Qt.ItemDataRole.ToolTipRole,
        Qt.ItemDataRole.FontRole,
        Qt.ItemDataRole.TextAlignmentRole,
    )
)
_UNKNOWN: tuple[tuple[Column, str], ...] = (("text", "Text"), ("label", "Label"))


class ItemModel(TextModel):
    """Rows are item numbers; a cell is looked up when it comes into sight.

    Attributes:
        items: The task, None before there is one.
        rows: (R,) int64, the items shown, in order.

    Signals:
        sort_wanted(str, bool): What a column holds, and whether it is to descend.
    """

    sort_wanted = Signal(str, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__([title for _, title in _UNKNOWN], parent)
        self.items: TaskItems | None = None
        self.rows: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._columns = _UNKNOWN

    def show_items(self, items: TaskItems | None, rows: NDArray[np.int64]) -> None:
        """Show other items."""
        self.beginResetModel()
        self.items, self.rows = items, rows
        if items is not None:
            self._columns = items.columns()
            self._header = [title for _, title in self._columns]
            numbers = ("item", "label") if items.task.label_kind == "number" else ("item",)
            self._numbers = [i for i, key in enumerate(self.keys) if key in numbers]
        self.endResetModel()

    @property
    def keys(self) -> tuple[Column, ...]:
        """Return what each column holds."""
        return tuple(key for key, _ in self._columns)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """Return a cell, cut to what can be seen of it."""
        if role not in _ROLES:  # asked for a dozen a cell: answered without looking anything up
            return None
        if role == Qt.ItemDataRole.ToolTipRole:
            key = self._columns[index.column()][0]
            whole = key in ("text", "second")
            return plain_tooltip(self.cell(index.row(), key)[:_LONGEST_TOOLTIP]) if whole else None
        return super().data(index, role)

    def words(self, row: int, column: int) -> str:
        """Return the beginning of a cell, on one line."""
        return _line(self.cell(row, self._columns[column][0]), _LONGEST_CELL)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Pass the wish on: a million texts are not put in order on the window's thread."""
        if self.items is not None and 0 <= column < len(self._columns):
            descending = order == Qt.SortOrder.DescendingOrder
            self.sort_wanted.emit(self._columns[column][0], descending)

    def cell(self, row: int, key: Column) -> str:
        """Return what a cell shows; a sentence is cut to the words around its word."""
        assert self.items is not None
        item = int(self.rows[row])
        if key == "item":
            return f"{item + 1:,}".replace(",", THIN_SPACE)
        if key == "second" and self.items.has_words:
            return self.items.in_sentence(item, _WORDS_AROUND)
        return self.items.cell(item, key)


class ItemTable(QTableView):
    """The table; rows are ordered and filtered by its owner.

    Signals:
        sort_wanted(str, bool): What a column holds, and whether it is to descend.
        current_changed(int): The item in front, -1 for none.
        copy_wanted(): Ctrl+C was pressed.
    """

    sort_wanted = Signal(str, bool)
    current_changed = Signal(int)
    copy_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.items_model = ItemModel(self)
        self.setModel(self.items_model)
        self._cells = CellDelegate(self)
        self.setItemDelegate(self._cells)
        set_up_table(self)
        describe(self, "Items of the task", "Every labelled item – Ctrl+C copies chosen rows.")
        self.setToolTip("")
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        # A selection model of its own: to show which columns are chosen, Qt would ask for the flags
        # of every chosen row each time the header is painted.
        header.setSelectionModel(QItemSelectionModel(self.items_model, header))
        header.setSortIndicator(0, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.items_model.sort_wanted.connect(self.sort_wanted)
        self.selectionModel().currentRowChanged.connect(self._on_current)
        QShortcut(
            QKeySequence(QKeySequence.StandardKey.Copy),
            self,
            activated=self.copy_wanted.emit,  # type: ignore[call-overload]  # missing in the stubs
            context=Qt.ShortcutContext.WidgetShortcut,
        )
        self._shape: tuple[object, ...] = ()

    def show_items(self, items: TaskItems | None, rows: NDArray[np.int64]) -> None:
        """Show items; the one in front stays there if it is among them."""
        front = self.current_item()
        same = items is self.items_model.items
        self.items_model.show_items(items, rows)
        self._fit(items)
        place = np.flatnonzero(rows == front)[:1] if same and front >= 0 else rows[:0]
        if len(place):
            self.selectRow(int(place[0]))
        elif len(rows):
            self.selectRow(0)
        else:
            self.current_changed.emit(-1)

    def set_sorting(self, key: Column, descending: bool) -> None:
        """Show by what the rows are ordered, without a signal."""
        header = self.horizontalHeader()
        header.blockSignals(True)
        keys = self.items_model.keys
        column = keys.index(key) if key in keys else 0
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        header.setSortIndicator(column, order)
        header.blockSignals(False)
        header.viewport().update()

    def current_item(self) -> int:
        """Return the item in front, -1 for none."""
        row = self.currentIndex().row()
        return int(self.items_model.rows[row]) if 0 <= row < len(self.items_model.rows) else -1

    def chosen_items(self) -> NDArray[np.int64]:
        """Return the chosen items in the order of the rows; none chosen means all."""
        selection = self.selectionModel().selection()
        spans = [
            (selection.at(i).top(), selection.at(i).bottom()) for i in range(selection.count())
        ]
        if not spans:
            return self.items_model.rows
        chosen = np.zeros(len(self.items_model.rows), dtype=bool)
        for top, bottom in spans:
            chosen[top : bottom + 1] = True
        return self.items_model.rows[chosen]

    def _fit(self, items: TaskItems | None) -> None:
        """Give the columns their width when the task is another one."""
        if items is None:
            return
        task = items.task
        shape = (self.items_model.keys, task.info.name, task.classes, self.font().key())
        if shape == self._shape:
            return
        self._shape = shape
        header = self.horizontalHeader()
        letter = self.fontMetrics().averageCharWidth()
        longest = max((len(name) for name in task.classes[:200]), default=8)
        for column, key in enumerate(self.items_model.keys):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            if key == "item":
                digits = len(f"{len(task.labels):,}") + 4
                self.setColumnWidth(column, letter * max(digits + 2, 8))
            elif key == "label":
                self.setColumnWidth(column, letter * min(max(longest + 5, 10), 26))
            elif key == "split":
                self.setColumnWidth(column, letter * 14)
            elif key == "text" and items.has_words:
                self.setColumnWidth(column, letter * 18)
            else:
                header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)

    @Slot(QModelIndex, QModelIndex)
    def _on_current(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.current_changed.emit(self.current_item())


def _line(text: str, longest: int) -> str:
    """Return the beginning of a text on one line, without looking at the rest of it."""
    return " ".join(text[: 2 * longest].split())[:longest]
