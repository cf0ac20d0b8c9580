"""Keyword in context: every occurrence on a line, the word in one column."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QModelIndex,
    QRectF,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import (
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from fineview.core.explore.words import WordSpace
from fineview.ui.plots.export import Cell, Table, add_export_menu
from fineview.ui.theme import spacing, theme_colours
from fineview.ui.widgets.cells import CellDelegate, set_row_height, set_up_table
from fineview.ui.widgets.labels import describe, plain_tooltip
from fineview.ui.widgets.painting import CENTRE, LEFT, RIGHT, text
from fineview.ui.widgets.text_model import Index, TextModel

_COLUMNS = ("Cosine", "Before", "Word", "After", "Label")
_SIDE = 120
"""Characters of the context in a cell; the tooltip has more."""


class _Model(TextModel):
    """Rows are occurrences, in an order of the page's choice."""

    def __init__(self, parent: QTableView) -> None:
        super().__init__(_COLUMNS, parent, numbers=(0,))
        self.space: WordSpace | None = None
        self.rows: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.cosines: NDArray[np.float64] | None = None

    def show_rows(
        self,
        space: WordSpace | None,
        rows: NDArray[np.int64],
        cosines: NDArray[np.float64] | None,
    ) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.space, self.rows, self.cosines = space, rows, cosines
        self.endResetModel()

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if role == Qt.ItemDataRole.FontRole and index.column() == 2:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ToolTipRole and self.space is not None:
            return plain_tooltip(self.space.occurrences[int(self.rows[index.row()])].sentence)
        return super().data(index, role)

    def words(self, row: int, column: int) -> str:
        """Return a cell as text, on one line."""
        assert self.space is not None
        point = int(self.rows[row])
        one = self.space.occurrences[point]
        if column == 0:
            return "" if self.cosines is None else f"{self.cosines[point]:.3f}"
        if column == 1:  # cut at the left, where it is furthest from the word
            before = " ".join(one.left.split())
            return before if len(before) <= _SIDE else "…" + before[-_SIDE:]
        after = " ".join(one.right.split())
        return (one.word, after, one.label)[column - 2]

    def alignment(self, column: int) -> Qt.AlignmentFlag:
        """Return where the texts stand: both contexts next to the word."""
        return (RIGHT, RIGHT, CENTRE, LEFT, LEFT)[column]


class _Cells(CellDelegate):
    """Cuts what stands before the word at its far end: the near one is what is read."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        if index.column() != 1:
            super().paint(painter, option, index)
            return
        QStyledItemDelegate.paint(self, painter, option, index)
        area = QRectF(option.rect).adjusted(spacing(2), 0, -spacing(2), 0)
        words = str(index.data(Qt.ItemDataRole.DisplayRole))
        painter.save()
        text(
            painter,
            area,
            words,
            theme_colours().text,
            font=option.font,
            align=RIGHT,
            elide=Qt.TextElideMode.ElideLeft,
        )
        painter.restore()


class ContextTable(QTableView):
    """The table.

    Signals:
        current_changed(int): The occurrence in front, -1 for none.
        chosen(int): A double click, or Enter: the others are compared with this one.
    """

    current_changed = Signal(int)
    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.contexts = _Model(self)
        self.setModel(self.contexts)
        self._cells = _Cells(self)
        self.setItemDelegate(self._cells)
        set_up_table(self)
        describe(
            self,
            "Contexts",
            "Every occurrence in its context – nearest to the chosen one first – double-click a "
            "line, or press a point, to compare with that one.",
        )
        self.setToolTip("")
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.selectionModel().currentRowChanged.connect(self._on_current)
        self.activated.connect(self._on_activated)
        self.menu = add_export_menu(self, self.table, name="contexts")
        self._widths()

    def show_rows(
        self,
        space: WordSpace | None,
        rows: NDArray[np.int64],
        cosines: NDArray[np.float64] | None = None,
    ) -> None:
        """Show occurrences in an order.

        Args:
            space: All of them.
            rows: (R,) which ones.
            cosines: (M,) with the chosen one; None where none is chosen.
        """
        self.contexts.show_rows(space, rows, cosines)
        self.setColumnHidden(0, cosines is None)
        self.setColumnHidden(4, space is None or not any(o.label for o in space.occurrences))
        self._widths()

    def show_point(self, point: int) -> None:
        """Bring an occurrence to the front, without a signal."""
        place = np.flatnonzero(self.contexts.rows == point)[:1]
        model = self.selectionModel()
        model.blockSignals(True)
        if len(place):
            self.selectRow(int(place[0]))
            self.scrollTo(self.contexts.index(int(place[0]), 1))
        model.blockSignals(False)
        self.viewport().update()

    def table(self) -> Table:
        """Return what is shown."""
        model = self.contexts
        header = ["cosine", "before", "word", "after", "label"]
        rows: list[list[Cell]] = []
        for point in model.rows.tolist():
            assert model.space is not None
            one = model.space.occurrences[point]
            cosine = None if model.cosines is None else float(model.cosines[point])
            rows.append([cosine, one.left, one.word, one.right, one.label])
        return header, rows

    def _widths(self) -> None:
        header, letter = self.horizontalHeader(), self.fontMetrics().averageCharWidth()
        set_row_height(self)
        header.setStretchLastSection(False)
        for column in (1, 3):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        longest = 8
        if self.contexts.space is not None:
            longest = max([len(self.contexts.space.word), 8])
        self.setColumnWidth(0, letter * 11)
        self.setColumnWidth(2, letter * min(longest + 6, 24))
        self.setColumnWidth(4, letter * 18)

    @Slot(QModelIndex, QModelIndex)
    def _on_current(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid() and current.row() < len(self.contexts.rows):
            self.current_changed.emit(int(self.contexts.rows[current.row()]))

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        if 0 <= index.row() < len(self.contexts.rows):
            self.chosen.emit(int(self.contexts.rows[index.row()]))
