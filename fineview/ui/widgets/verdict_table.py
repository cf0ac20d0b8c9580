"""Items beside what a model makes of them: texts, classes and numbers in columns of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QHeaderView, QTableView

from fineview.core.data.items import TaskItems
from fineview.ui.plots.export import table_text
from fineview.ui.widgets.cells import CellDelegate, set_up_table
from fineview.ui.widgets.format import MINUS, number_text
from fineview.ui.widgets.labels import describe, plain_tooltip
from fineview.ui.widgets.text_model import Index, TextModel

Rows = NDArray[np.int64]
ColumnKind = Literal["text", "class", "number", "share"]

_LONGEST_CELL = 300
_LONGEST_TOOLTIP = 1500
_WORDS_AROUND = 4
"""So few that the word itself is in sight where the table is narrow."""
MOST_COPIED = 10_000
"""Rows that one Ctrl+C puts on the clipboard."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VerdictColumn:
    """One column.

    Attributes:
        title: In the header.
        kind: The item's `text`, a `class` by its index, a `number`, or a `share` of 1.
        values: (R,) class indices or numbers; not looked at for texts.
        letters: Width, in letters; texts take what is left.
    """

    title: str
    kind: ColumnKind
    values: NDArray[Any]
    letters: int = 14


def class_letters(classes: Sequence[str]) -> int:
    """Return how wide a column of classes is to be, in letters."""
    longest = max((len(name) for name in classes[:200]), default=8)
    return min(max(longest + 5, 12), 26)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdicts:
    """R items with columns; any thread may read it.

    Attributes:
        index: Looks up texts.
        classes: Class names.
        items: (R,) items of the task.
        columns: With R values each.
    """

    index: TaskItems
    classes: tuple[str, ...]
    items: Rows
    columns: tuple[VerdictColumn, ...]

    def text(self, place: int, around: int | None = None) -> str:
        """Return a text; a word stands in «» in its sentence, a pair shows both of its texts.

        Args:
            place: Among the items.
            around: Words to keep at either side of a word; None keeps all.
        """
        item = int(self.items[place])
        if self.index.has_words:
            return self.index.in_sentence(item, around)
        second = self.index.second(item)
        return f"{self.index.text(item)}  ·  {second}" if second else self.index.text(item)

    def name(self, column: int, place: int) -> str:
        """Return the class in a cell, "" for none."""
        value = int(self.columns[column].values[place])
        return self.classes[value] if value >= 0 else ""

    def header(self) -> tuple[str, ...]:
        """Return the names of the columns of a file."""
        return ("No.", *(column.title for column in self.columns))

    def cells(self, place: int) -> list[str | int | float | None]:
        """Return a row in full, for a file."""
        made: list[str | int | float | None] = [int(self.items[place]) + 1]
        for number, one in enumerate(self.columns):
            if one.kind == "text":
                made.append(self.text(place))
            elif one.kind == "class":
                made.append(self.name(number, place))
            else:
                made.append(float(one.values[place]))
        return made

    def ordered(self, rows: Rows, column: int, descending: bool) -> Rows:
        """Return rows in the order of a column of classes (by name) or numbers."""
        one = self.columns[column]
        keys = one.values[rows]
        if one.kind == "class":
            by_name = sorted(range(len(self.classes)), key=lambda i: self.classes[i].casefold())
            rank = np.full(len(self.classes) + 1, -1, dtype=np.int64)  # the last: no class
            rank[by_name] = np.arange(len(self.classes))
            keys = rank[keys]
        return rows[np.argsort(-keys if descending else keys, kind="stable")]


class VerdictModel(TextModel):
    """Cells are looked up when they come into sight.

    Attributes:
        verdicts: What is shown, or None.
        rows: Places among its items, in the order of the lines.

    Signals:
        text_sort_wanted(bool): The texts are to be put in order, descending or not.
    """

    text_sort_wanted = Signal(bool)

    def __init__(self, parent: QTableView) -> None:
        super().__init__((), parent)
        self.verdicts: Verdicts | None = None
        self.rows: Rows = np.empty(0, dtype=np.int64)

    def show_rows(self, verdicts: Verdicts, rows: Rows) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.verdicts, self.rows = verdicts, rows
        self._header = [column.title for column in verdicts.columns]
        kinds = [column.kind for column in verdicts.columns]
        self._numbers = [i for i, kind in enumerate(kinds) if kind in ("number", "share")]
        self.endResetModel()

    def reorder(self, rows: Rows) -> None:
        """Show the same rows in another order; what is chosen stays so."""
        self.layoutAboutToBeChanged.emit()
        before, old = self.persistentIndexList(), self.rows
        self.rows = rows
        line_of = np.empty(int(rows.max(initial=0)) + 1, dtype=np.int64)
        line_of[rows] = np.arange(len(rows))
        after = [self.index(int(line_of[old[index.row()]]), index.column()) for index in before]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """Return a cell, cut to what can be seen of it."""
        if role == Qt.ItemDataRole.ToolTipRole and self.verdicts is not None:
            if self.verdicts.columns[index.column()].kind != "text":
                return None
            whole = self.verdicts.text(int(self.rows[index.row()]))
            return plain_tooltip(whole[:_LONGEST_TOOLTIP])
        return super().data(index, role)

    def words(self, row: int, column: int) -> str:
        """Return a cell on one line."""
        assert self.verdicts is not None
        place, one = int(self.rows[row]), self.verdicts.columns[column]
        if one.kind == "text":
            begun = self.verdicts.text(place, _WORDS_AROUND)[: 2 * _LONGEST_CELL]
            return " ".join(begun.split())[:_LONGEST_CELL]
        if one.kind == "class":
            return self.verdicts.name(column, place)
        value = float(one.values[place])
        return f"{value:.3f}".replace("-", MINUS) if one.kind == "share" else number_text(value)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order by what the cells mean; texts are ordered by whoever owns the table."""
        shown, descending = self.verdicts, order == Qt.SortOrder.DescendingOrder
        if shown is None or not 0 <= column < len(shown.columns) or not len(self.rows):
            return
        if shown.columns[column].kind == "text":
            self.text_sort_wanted.emit(descending)
        else:
            self.reorder(shown.ordered(self.rows, column, descending))


class VerdictTable(QTableView):
    """The table.

    Attributes:
        verdict_model: Its model.

    Signals:
        current_changed(int): Place of the row in front among the items, −1 for none.
        text_sort_wanted(bool): As the model's.
    """

    current_changed = Signal(int)
    text_sort_wanted = Signal(bool)

    def __init__(self, name: str, tooltip: str) -> None:
        super().__init__()
        self.verdict_model = VerdictModel(self)
        self.setModel(self.verdict_model)
        self._cells = CellDelegate(self)
        self.setItemDelegate(self._cells)
        set_up_table(self)
        describe(self, name, tooltip)
        self.setToolTip("")
        self.setSortingEnabled(True)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.selectionModel().currentRowChanged.connect(self._on_current)
        self.verdict_model.text_sort_wanted.connect(self.text_sort_wanted)
        QShortcut(
            QKeySequence(QKeySequence.StandardKey.Copy),
            self,
            activated=self.copy,  # type: ignore[call-overload]  # missing in the stubs
            context=Qt.ShortcutContext.WidgetShortcut,
        )

    def show_rows(self, verdicts: Verdicts, rows: Rows, column: int, descending: bool) -> None:
        """Show items; the first comes to the front.

        Args:
            verdicts: What may be shown.
            rows: Places among its items, in the order of the lines.
            column: What they are ordered by.
            descending: Whether from great to small.
        """
        self.verdict_model.show_rows(verdicts, rows)
        header, letter = self.horizontalHeader(), self.fontMetrics().averageCharWidth()
        header.blockSignals(True)  # they are in order already
        falling = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        header.setSortIndicator(column, falling)
        header.blockSignals(False)
        for number, one in enumerate(verdicts.columns):
            if one.kind == "text":
                header.setSectionResizeMode(number, QHeaderView.ResizeMode.Stretch)
            else:
                header.setSectionResizeMode(number, QHeaderView.ResizeMode.Interactive)
                self.setColumnWidth(number, letter * one.letters)
        if len(rows):
            self.selectRow(0)
        else:
            self.current_changed.emit(-1)

    @property
    def current(self) -> int:
        """Return the place of the row in front, −1 for none."""
        row = self.currentIndex().row()
        return int(self.verdict_model.rows[row]) if 0 <= row < len(self.verdict_model.rows) else -1

    def go_to(self, place: int) -> None:
        """Bring the row of an item to the front, if it is shown."""
        found = np.flatnonzero(self.verdict_model.rows == place)[:1]
        if len(found):
            self.selectRow(int(found[0]))
            self.scrollTo(self.verdict_model.index(int(found[0]), 0))

    @Slot()
    def copy(self) -> None:
        """Put the chosen rows, the first ten thousand at most, on the clipboard as a table."""
        chosen = sorted(index.row() for index in self.selectionModel().selectedRows())
        shown, rows = self.verdict_model.verdicts, self.verdict_model.rows
        if shown is not None:
            rows = rows[chosen] if chosen else rows
            cells = [shown.cells(place) for place in rows[:MOST_COPIED].tolist()]
            QGuiApplication.clipboard().setText(table_text((shown.header(), cells)))

    @Slot(QModelIndex, QModelIndex)
    def _on_current(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.current_changed.emit(self.current)
