"""The table of the selected texts of the map."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtWidgets import QHeaderView, QTableView

from fineview.core.data.task import SPLITS
from fineview.core.explore.space import SpacePoints
from fineview.ui.plots.export import Table, add_export_menu
from fineview.ui.widgets.cells import CellDelegate, set_up_table
from fineview.ui.widgets.format import number_text
from fineview.ui.widgets.labels import describe, plain_tooltip
from fineview.ui.widgets.text_model import Index, TextModel

_COLUMNS = ("Text", "Label", "Prediction", "Loss", "Split")
_LONGEST = 300


class _Model(TextModel):
    """Rows are point numbers."""

    def __init__(self) -> None:
        super().__init__(_COLUMNS, numbers=(3,))
        self.points: SpacePoints | None = None
        self.rows: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def show_rows(self, points: SpacePoints | None, rows: NDArray[np.int64]) -> None:
        self.beginResetModel()
        self.points, self.rows = points, rows
        self.endResetModel()

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == 0:
            return plain_tooltip(self.cell(int(self.rows[index.row()]), 0)[:1500])
        return super().data(index, role)

    def words(self, row: int, column: int) -> str:
        """Return a cell as text, cut to what a line can show."""
        return self.cell(int(self.rows[row]), column)[:_LONGEST]

    def cell(self, point: int, column: int) -> str:
        points = self.points
        assert points is not None
        if column == 0:
            return points.texts[point].replace("\n", " ")
        if column == 1:
            label = points.labels[point]
            return points.classes[int(label)] if points.label_kind == "class" else f"{label:g}"
        if column == 2:
            said = -1 if points.predictions is None else int(points.predictions[point])
            return points.classes[said] if said >= 0 else ""
        if column == 3:
            loss = np.nan if points.losses is None else float(points.losses[point])
            return number_text(loss) if np.isfinite(loss) else ""
        return SPLITS[int(points.splits[point])]

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by what the cells mean; losses as numbers, unknown ones last."""
        points = self.points
        if points is None or not 0 <= column < len(_COLUMNS) or not len(self.rows):
            return
        if column == 3:
            losses = points.losses if points.losses is not None else np.full(len(points), np.nan)
            keys: NDArray[np.float64] | NDArray[np.str_] = np.nan_to_num(
                losses[self.rows], nan=-1.0
            )
        else:
            keys = np.array([self.cell(int(row), column).casefold() for row in self.rows])
        ranked = np.argsort(keys, kind="stable")
        falling = order == Qt.SortOrder.DescendingOrder
        self.layoutAboutToBeChanged.emit()
        self.rows = self.rows[ranked[::-1] if falling else ranked]
        self.layoutChanged.emit()


class SelectionTable(QTableView):
    """Texts of the selected points; a row that is pressed is shown on the map.

    Signals:
        point_chosen(int): The point of the row that a person went to.
    """

    point_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._model = _Model()
        self.setModel(self._model)
        self._cells = CellDelegate(self)
        self.setItemDelegate(self._cells)
        set_up_table(self)
        describe(
            self,
            "Selected texts",
            "The texts of the selected points – drag with the rectangle or the lasso – press a "
            "column's name to sort, a row to find its point.",
        )
        self.setSortingEnabled(True)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.selectionModel().currentRowChanged.connect(self._on_row)
        self.menu = add_export_menu(self, self.table, name="selected-texts")

    def show_rows(self, points: SpacePoints | None, rows: NDArray[np.int64]) -> None:
        """Show some points."""
        self._model.show_rows(points, rows)
        for column in (2, 3):  # what only a run knows
            self.setColumnHidden(column, points is None or points.predictions is None)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Return the points that are shown, in order."""
        return self._model.rows

    def table(self) -> Table:
        """Return the cells."""
        rows = [
            [self._model.cell(int(row), column) for column in range(len(_COLUMNS))]
            for row in self._model.rows
        ]
        return _COLUMNS, rows

    @Slot(QModelIndex, QModelIndex)
    def _on_row(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.point_chosen.emit(int(self._model.rows[current.row()]))
