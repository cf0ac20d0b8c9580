"""The table of runs: which are drawn, which is reopened, which goes to the trash."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from fineview.ui.theme import spacing
from fineview.ui.widgets.cells import CellDelegate, set_row_height, set_up_table
from fineview.ui.widgets.labels import describe
from fineview.ui.widgets.painting import box
from fineview.ui.widgets.run_model import COLUMNS, SORT_ROLE, SWATCH_ROLE, RunModel, RunRow

__all__ = ["ALL_COLUMNS", "COMPACT_COLUMNS", "RunRow", "RunTable"]

ALL_COLUMNS = tuple(COLUMNS)
COMPACT_COLUMNS = ("shown", "title", "status", "task", "accuracy", "train", "size", "seconds")

Index = QModelIndex | QPersistentModelIndex
_LEAST_LETTERS = 14


class _Proxy(QSortFilterProxyModel):
    """Sorts by value; what was not measured stands last, whichever way."""

    def lessThan(self, left: Index, right: Index) -> bool:
        a: Any = left.data(SORT_ROLE)
        b: Any = right.data(SORT_ROLE)
        if a is None or b is None:
            missing_last = self.sortOrder() == Qt.SortOrder.AscendingOrder
            return (a is not None) == missing_last and (a is None) != (b is None)
        return bool(a < b)


class _SwatchDelegate(CellDelegate):
    """Draws the colour of a run's curves beside its check box."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        colour = index.data(SWATCH_ROLE)
        if not colour:
            return
        rect = option.rect
        side = spacing(2.5)
        x = rect.right() - spacing(2) - side
        y = rect.center().y() - side / 2 + 1
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shown = index.data(Qt.ItemDataRole.CheckStateRole)
        painter.setOpacity(1.0 if Qt.CheckState(shown) == Qt.CheckState.Checked else 0.35)
        box(painter, QRectF(x, y, side, side), fill=colour, radius=side / 2)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        hint = super().sizeHint(option, index)
        return QSize(hint.width() + spacing(6), hint.height())


class RunTable(QWidget):
    """Runs in a sortable table, compact under the plots or whole in the Runs panel.

    Attributes:
        view: The Qt table.
        rows: What is shown, in the order it was given.

    Signals:
        shown_changed(object): Other runs are to be drawn (a frozenset of run ids).
        activated(str): A run is to be reopened: double click or Enter.
        selection_changed(object): Other runs are selected (a tuple of run ids).
        trash_requested(object): Delete was pressed on these runs (a tuple of run ids).
    """

    shown_changed = Signal(object)
    activated = Signal(str)
    selection_changed = Signal(object)
    trash_requested = Signal(object)

    def __init__(
        self, columns: Sequence[str] = ALL_COLUMNS, *, name: str = "Runs", sort: str | None = None
    ) -> None:
        """Make an empty table.

        Args:
            columns: Names out of `ALL_COLUMNS`, from left to right.
            name: Accessible name.
            sort: Column to sort by at first, descending; None keeps the order of the rows.
        """
        super().__init__()
        self._model = RunModel(columns, self)
        self._proxy = _Proxy(self)
        self._proxy.setSourceModel(self._model)
        self._proxy.setSortRole(SORT_ROLE)
        self._told: tuple[str, ...] = ()
        self._quiet = False
        self._fitting = False
        self._touched = False
        """Whether a person has set the width of a column: then they stay as they are."""
        self.view = QTableView()
        self.setFocusProxy(self.view)
        self.setAccessibleName(name)
        describe(
            self.view,
            name,
            "What was trained so far. Tick to draw a run's curves, double click to reopen it, "
            "Delete for the trash.",
        )
        self.view.setToolTip("")  # the cells have their own
        self._set_up_view()
        self._set_up_header(columns, sort)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view)
        self._model.dataChanged.connect(self._on_data_changed)
        self.view.activated.connect(self._on_activated)
        self.view.selectionModel().selectionChanged.connect(self._on_selection_changed)

    def set_rows(self, rows: Sequence[RunRow]) -> None:
        """Show runs; selection and order stay as far as they can."""
        selected = set(self.selected_ids())
        self._quiet = True
        self._model.set_rows(rows)
        chosen = self.view.selectionModel()
        if selected and set(self.selected_ids()) != selected:
            flag = QItemSelectionModel.SelectionFlag
            for i, row in enumerate(self._model.rows):
                if row.run_id in selected:
                    index = self._proxy.mapFromSource(self._model.index(i, 0))
                    chosen.select(index, flag.Select | flag.Rows)
        self._quiet = False
        self._on_selection_changed()
        if rows and not self._touched:
            self.fit_columns()

    @property
    def rows(self) -> tuple[RunRow, ...]:
        """Return what is shown, in the order it was given."""
        return tuple(self._model.rows)

    def shown_ids(self) -> frozenset[str]:
        """Return the runs whose curves are to be drawn."""
        return frozenset(row.run_id for row in self._model.rows if row.shown)

    def selected_ids(self) -> tuple[str, ...]:
        """Return the selected runs, from top to bottom."""
        rows = sorted(self.view.selectionModel().selectedRows(), key=lambda index: index.row())
        return tuple(self._row(index).run_id for index in rows)

    def select(self, run_ids: Sequence[str]) -> None:
        """Select runs without a signal."""
        wanted = set(run_ids)
        flag = QItemSelectionModel.SelectionFlag
        self._quiet = True
        self.view.clearSelection()
        for i in range(self._proxy.rowCount()):
            index = self._proxy.index(i, 0)
            if self._row(index).run_id in wanted:
                self.view.selectionModel().select(index, flag.Select | flag.Rows)
                self.view.scrollTo(index)
        self._told = self.selected_ids()
        self._quiet = False

    def fit_columns(self) -> None:
        """Make the columns as wide as what stands in them, and together as wide as the table.

        The run's title takes what is left over; where room is short, texts give way to numbers.
        """
        self._fitting = True
        self.view.resizeColumnsToContents()
        spare = self.view.viewport().width() - self.view.horizontalHeader().length()
        least = self.view.fontMetrics().averageCharWidth() * _LEAST_LETTERS
        for name in ("title", "pooling", "task"):
            if name in self._model.columns and spare:
                column = self._model.columns.index(name)
                wide = self.view.columnWidth(column)
                room = max(wide + spare, min(wide, least))
                self.view.setColumnWidth(column, room)
                spare += wide - room
        self._fitting = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take Delete, Enter and Space."""
        if watched is self.view.viewport() and event.type() == QEvent.Type.Resize:
            if not self._touched:
                self.fit_columns()
        elif (
            watched is self.view
            and isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
        ):
            key = event.key()
            selected = self.selected_ids()
            if key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and selected:
                self.trash_requested.emit(selected)
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and selected:
                self.activated.emit(selected[0])
                return True
            if key == Qt.Key.Key_Space and selected and "shown" in self._model.columns:
                self._toggle(selected)
                return True
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._quiet = True
            self._model.recolour()
            self._quiet = False
        elif event.type() == QEvent.Type.FontChange:
            set_row_height(self.view)

    def _set_up_view(self) -> None:
        self.view.setModel(self._proxy)
        self._cells = CellDelegate(self.view)
        self.view.setItemDelegate(self._cells)
        set_up_table(self.view)
        self.view.installEventFilter(self)
        self.view.viewport().installEventFilter(self)
        self.view.horizontalHeader().sectionResized.connect(self._on_section_resized)

    def _set_up_header(self, columns: Sequence[str], sort: str | None) -> None:
        header = self.view.horizontalHeader()
        self._proxy.setDynamicSortFilter(True)
        self.view.setSortingEnabled(True)
        if sort is None:
            header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
            self._proxy.sort(-1)
        else:
            self.view.sortByColumn(list(columns).index(sort), Qt.SortOrder.DescendingOrder)
        if "shown" in columns:
            self._swatches = _SwatchDelegate(self.view)
            self.view.setItemDelegateForColumn(list(columns).index("shown"), self._swatches)

    def _row(self, index: Index) -> RunRow:
        return self._model.rows[self._proxy.mapToSource(index).row()]

    def _toggle(self, run_ids: Sequence[str]) -> None:
        """Show all of these runs, or hide them if all are shown."""
        column = self._model.columns.index("shown")
        places = [i for i, row in enumerate(self._model.rows) if row.run_id in run_ids]
        hide = all(self._model.rows[i].shown for i in places)
        state = Qt.CheckState.Unchecked if hide else Qt.CheckState.Checked
        self._quiet = True
        for i in places:
            index = self._model.index(i, column)
            self._model.setData(index, state, Qt.ItemDataRole.CheckStateRole)
        self._quiet = False
        self.shown_changed.emit(self.shown_ids())

    @Slot(QModelIndex, QModelIndex, list)
    def _on_data_changed(self, _first: object, _last: object, roles: list[int]) -> None:
        if not self._quiet and int(Qt.ItemDataRole.CheckStateRole) in [int(r) for r in roles]:
            self.shown_changed.emit(self.shown_ids())

    @Slot()
    def _on_section_resized(self) -> None:
        self._touched |= not self._fitting

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        if self._model.columns[index.column()] != "shown":
            self.activated.emit(self._row(index).run_id)

    @Slot()
    def _on_selection_changed(self) -> None:
        if self._quiet:
            return
        selected = self.selected_ids()
        if selected != self._told:
            self._told = selected
            self.selection_changed.emit(selected)
