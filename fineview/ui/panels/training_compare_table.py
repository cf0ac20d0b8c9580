"""The table of a comparison: a row an arm, what it is good for and what it costs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QTableView

from fineview.core.runs.compare_rows import Comparison, Figure, Line, Row
from fineview.core.runs.compare_table import table_of
from fineview.core.runs.compare_words import figure_text
from fineview.ui.plots.compare_picture import MARKS, row_words, signed
from fineview.ui.plots.export import Table, add_export_menu
from fineview.ui.theme import fixed_font, spacing, theme_colours
from fineview.ui.widgets.cells import HEADER_MARGIN, CellDelegate, set_row_height, set_up_table
from fineview.ui.widgets.format import (
    NOTHING,
    bytes_text,
    count_text,
    number_text,
    plural,
    seconds_text,
    share_text,
)
from fineview.ui.widgets.labels import describe, plain_tooltip
from fineview.ui.widgets.painting import LEFT, RIGHT

Index = QModelIndex | QPersistentModelIndex
_SORT_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_SIGNS = {"running": "▶", "failed": "✕", "refused": "✕", "diverged": "✕", "stopped": "■"}
_STORED = (
    "n tasks take n × own + shared bytes. Own: head and moved weights, once a task. Shared: what "
    "stands still, once for all – the whole encoder of a head alone, nothing of full fine-tuning."
)


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    tooltip: str
    text: Callable[[Row], str]
    key: Callable[[Row], Any]


def _whole(cost: Callable[[Row], int | None], words: Callable[[int], str]) -> Callable[[Row], str]:
    def text(row: Row) -> str:
        value = cost(row)
        return NOTHING if value is None else words(value)

    return text


def _stored(tasks: int) -> Callable[[Row], int | None]:
    return lambda row: row.stored(tasks)


def _value(figure: Figure | None) -> float | None:
    return None if figure is None else figure.value


def _title(row: Row) -> str:
    sign = _SIGNS.get(row.status, "")
    return f"{sign} {row.arm.title}".strip()


def _test(row: Row) -> str:
    if row.test is None:
        return {"waiting": "", "running": "…"}.get(row.status, row.status)
    done, planned = len(row.finished), len(row.runs)
    part = f" ({done}/{planned})" if done < planned else ""
    return f"{figure_text(row.test)}{part} {MARKS[row.mark]}".strip()


_COLUMNS: tuple[_Column, ...] = (
    _Column("What", "What was trained.", _title, lambda r: r.arm.title.casefold()),
    _Column(
        "Test",
        "Mean over seeds on texts no run has seen, with its 95 % interval: Student's t over seeds, "
        "or Wilson's over test items where one seed counts. ● best, ○ cannot be told from it by a "
        "paired bootstrap over test items, pooled over seeds.",
        _test,
        lambda r: _value(r.test),
    ),
    _Column(
        "Train",
        "On the training rows; where the encoder is trained, on a sample of 256 of them.",
        lambda r: share_text(_value(r.train)),
        lambda r: _value(r.train),
    ),
    _Column(
        "Gap",
        "Train − test: the cost of capacity. Far above 0 the model has learned by heart.",
        lambda r: signed(r.gap),
        lambda r: r.gap,
    ),
    _Column(
        "Trained",
        "Weights that move, the head's among them.",
        _whole(lambda r: r.parameters, count_text),
        lambda r: r.parameters,
    ),
    _Column(
        "Own",
        f"Bytes that each further task takes: the cost of storage. {_STORED}",
        _whole(lambda r: r.own_bytes, bytes_text),
        lambda r: r.own_bytes,
    ),
    _Column(
        "CKA",
        "How like the last layer's states still are to what they were, 1 = the same: the cost of "
        "interference. What has moved serves other tasks less. (Linear CKA on validation texts.)",
        lambda r: share_text(r.cka),
        lambda r: r.cka,
    ),
    _Column(
        "Time",
        "Mean time of a run, its features and reference lines included. Features that rows share "
        "are computed once and counted in each; ≥ where they were in the store from before.",
        lambda r: ("≥ " if r.features_seconds is None else "") + seconds_text(r.seconds),
        lambda r: r.seconds,
    ),
    _Column(
        "Memory",
        "Most memory above what the program held before; – where nobody looked.",
        _whole(lambda r: r.peak_bytes, bytes_text),
        lambda r: r.peak_bytes,
    ),
    *(
        _Column(
            plural(tasks, "task"),
            f"Bytes that {plural(tasks, 'task')} take together. {_STORED}",
            _whole(_stored(tasks), bytes_text),
            _stored(tasks),
        )
        for tasks in (1, 10, 100)
    ),
    _Column(
        "Moved",
        "Euclidean distance of the last block's weights from where they began.",
        lambda r: number_text(r.distance, 2),
        lambda r: r.distance,
    ),
)
_SHIFTED = _Column(
    "Shifted",
    "On the second test set, out of distribution.",
    lambda r: figure_text(r.shifted),
    lambda r: _value(r.shifted),
)


class _Model(QAbstractTableModel):
    """Rows of a comparison, then its references."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.found: Comparison | None = None
        self.columns = _COLUMNS
        self._keys: tuple[str, ...] = ()

    def show_comparison(self, found: Comparison | None) -> None:
        """Show another comparison, or the same with other figures, which keeps the view's place."""
        rows = found.rows if found is not None else ()
        lines = found.lines if found is not None else ()
        columns = _COLUMNS
        if any(row.shifted is not None for row in rows):
            columns = (*_COLUMNS[:2], _SHIFTED, *_COLUMNS[2:])
        keys = (*(row.arm.key for row in rows), *(line.name for line in lines), len(columns))
        same = keys == self._keys
        if not same:
            self.beginResetModel()
        self.found, self.columns = found, columns
        self._keys = keys  # type: ignore[assignment]
        if not same:
            self.endResetModel()
        elif rows:
            last = self.index(self.rowCount() - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def entry(self, row: int) -> Row | Line:
        """Return what stands in a row."""
        assert self.found is not None
        rows = self.found.rows
        return rows[row] if row < len(rows) else self.found.lines[row - len(rows)]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of rows and references."""
        if parent.isValid() or self.found is None:
            return 0
        return len(self.found.rows) + len(self.found.lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = int(Qt.ItemDataRole.DisplayRole),
    ) -> object:
        """Return a column's title and what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{HEADER_MARGIN}{column.title}{HEADER_MARGIN}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(column.tooltip)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if section else LEFT
        return None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """Return one cell in one role."""
        entry, column = self.entry(index.row()), self.columns[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if index.column() else LEFT
        if role == Qt.ItemDataRole.FontRole:
            return fixed_font() if index.column() else None
        if isinstance(entry, Line):
            return self._of_line(entry, index.column(), role)
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(entry)
        if role == _SORT_ROLE:
            return column.key(entry)
        if role == Qt.ItemDataRole.ToolTipRole:
            assert self.found is not None
            return plain_tooltip(row_words(self.found, entry))
        if role == Qt.ItemDataRole.ForegroundRole:
            return _colour(entry, index.column())
        return None

    def _of_line(self, line: Line, column: int, role: int) -> object:
        test = line.test
        if role == Qt.ItemDataRole.DisplayRole:
            return (line.title, figure_text(test))[column] if column < 2 else ""
        if role == _SORT_ROLE:
            return (line.title.casefold(), test.value)[column] if column < 2 else None
        if role == Qt.ItemDataRole.ForegroundRole:
            return QColor(theme_colours().muted)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip("What every row is measured against; 95 % over the test items.")
        return None


class _Proxy(QSortFilterProxyModel):
    """Sorts by value; what was not measured stands last, whichever way."""

    def lessThan(self, left: Index, right: Index) -> bool:
        a: Any = left.data(_SORT_ROLE)
        b: Any = right.data(_SORT_ROLE)
        if a is None or b is None:
            missing_last = self.sortOrder() == Qt.SortOrder.AscendingOrder
            return (a is not None) == missing_last and (a is None) != (b is None)
        return bool(a < b)


class CompareTable(QTableView):
    """The table, sortable; Enter or a double click opens the runs of a row.

    Signals:
        opened(str): Key of the row.
    """

    opened = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.rows = _Model(self)
        self._proxy = _Proxy(self)
        self._proxy.setSourceModel(self.rows)
        self._proxy.setSortRole(_SORT_ROLE)
        self.setModel(self._proxy)
        self._cells = CellDelegate(self)
        self.setItemDelegate(self._cells)
        set_up_table(self)
        describe(
            self,
            "Comparison",
            "A row for each combination. A press on a title sorts, Enter or a double click opens "
            "the runs of a row.",
        )
        self.setToolTip("")  # the cells have their own
        self.setSortingEnabled(True)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._proxy.sort(-1)
        self.menu = add_export_menu(self, self.table, name="comparison")
        self.activated.connect(self._on_activated)
        self._fitted = (0, 0)

    def show_comparison(self, found: Comparison | None) -> None:
        """Show another comparison, or the same with other figures."""
        self.rows.show_comparison(found)
        self._fit()

    def table(self) -> Table:
        """Return every number."""
        return table_of(self.rows.found) if self.rows.found is not None else ([], [])

    def keys(self) -> list[str]:
        """Return the rows as they stand, from top to bottom; references left out."""
        entries = [self._entry(self._proxy.index(i, 0)) for i in range(self._proxy.rowCount())]
        return [entry.arm.key for entry in entries if isinstance(entry, Row)]

    def choose(self, key: str) -> None:
        """Select a row."""
        for row in range(self._proxy.rowCount()):
            entry = self._entry(self._proxy.index(row, 0))
            if isinstance(entry, Row) and entry.arm.key == key:
                self.selectRow(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open with Enter, on every platform."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._on_activated(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            set_row_height(self)

    def _entry(self, index: Index) -> Row | Line:
        return self.rows.entry(self._proxy.mapToSource(index).row())

    def _fit(self) -> None:
        """Make columns as wide as what stands in them; they only grow while figures come in."""
        shape = (self.rows.rowCount(), self.rows.columnCount())
        for column in range(shape[1]):
            wanted = max(
                self.sizeHintForColumn(column),
                self.horizontalHeader().sectionSizeHint(column),
            )
            if shape != self._fitted or wanted > self.columnWidth(column):
                self.setColumnWidth(column, min(wanted, spacing(60)))
        self._fitted = shape

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        entry = self._entry(index)
        if isinstance(entry, Row):
            self.opened.emit(entry.arm.key)


def _colour(row: Row, column: int) -> QColor | None:
    colours = theme_colours()
    if row.status in ("failed", "refused", "diverged") and column < 2:
        return QColor(colours.bad)
    if row.status == "running" and column == 0:
        return QColor(colours.accent)
    if row.test is None or row.arm.control != "none":
        return QColor(colours.muted)
    return None
