"""Runs as rows: what a table of them needs to know, and the model over it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from fineview.ui.theme import category_colour, fixed_font, theme_colours
from fineview.ui.widgets.cells import HEADER_MARGIN
from fineview.ui.widgets.format import NOTHING, accuracy_text, bytes_text, seconds_text, share_text
from fineview.ui.widgets.labels import plain_tooltip

Index = QModelIndex | QPersistentModelIndex
SORT_ROLE = int(Qt.ItemDataRole.UserRole) + 1
SWATCH_ROLE = int(Qt.ItemDataRole.UserRole) + 2

_STATUS_SIGNS = {
    "running": "▶",
    "finished": "✓",
    "stopped": "■",
    "failed": "✕",
    "diverged": "✕",
    "interrupted": "!",
    "damaged": "!",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run, as a table shows it.

    Attributes:
        run_id: Name of the run's folder.
        title: What it is called on screen.
        status: `finished`, `running`, `stopped`, …
        task: Title of its task.
        pooling: For instance "concat 3–6 · mean".
        accuracy: On the test split, 0 … 1.
        interval: 95 % interval of `accuracy`.
        validation: Accuracy on the validation split.
        train: Accuracy on the training split.
        size_bytes: Size of the head.
        seconds: Time it took.
        created: When it began, ISO 8601 in local time.
        shown: Whether its curves are drawn.
        colour_index: Category colour of its curves.
    """

    run_id: str
    title: str
    status: str = "finished"
    task: str = ""
    pooling: str = ""
    accuracy: float | None = None
    interval: tuple[float, float] | None = None
    validation: float | None = None
    train: float | None = None
    size_bytes: int | None = None
    seconds: float | None = None
    created: str = ""
    shown: bool = False
    colour_index: int = 0


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    tooltip: str
    text: Callable[[RunRow], str]
    key: Callable[[RunRow], Any]
    number: bool = False


def _status(row: RunRow) -> str:
    return f"{_STATUS_SIGNS.get(row.status, '')} {row.status}".strip()


COLUMNS: dict[str, _Column] = {
    "shown": _Column(
        "Show", "Draws the run's curves over the others.", lambda _: "", lambda r: not r.shown
    ),
    "title": _Column("Run", "What was trained.", lambda r: r.title, lambda r: r.title.casefold()),
    "status": _Column("Status", "How the run ended.", _status, lambda r: r.status),
    "task": _Column("Task", "What was learnt.", lambda r: r.task, lambda r: r.task.casefold()),
    "pooling": _Column(
        "Pooling", "Which layers and tokens.", lambda r: r.pooling, lambda r: r.pooling
    ),
    "accuracy": _Column(
        "Test accuracy",
        "Share of right answers on texts the run never saw, with its 95 % interval.",
        lambda r: accuracy_text(r.accuracy, r.interval),
        lambda r: r.accuracy,
        number=True,
    ),
    "validation": _Column(
        "Validation",
        "Accuracy on the validation split.",
        lambda r: share_text(r.validation),
        lambda r: r.validation,
        number=True,
    ),
    "train": _Column(
        "Training",
        "Accuracy on the training split; far above validation means overfitting.",
        lambda r: share_text(r.train),
        lambda r: r.train,
        number=True,
    ),
    "size": _Column(
        "Size",
        "What the task costs on disk: the head alone.",
        lambda r: NOTHING if r.size_bytes is None else bytes_text(r.size_bytes),
        lambda r: r.size_bytes,
        number=True,
    ),
    "seconds": _Column(
        "Time",
        "How long the run took.",
        lambda r: seconds_text(r.seconds),
        lambda r: r.seconds,
        number=True,
    ),
    "created": _Column(
        "Begun",
        "When the run began.",
        lambda r: r.created.replace("T", " ")[:16],
        lambda r: r.created,
    ),
}


class RunModel(QAbstractTableModel):
    """A list of RunRow, with a check box for what is drawn."""

    def __init__(self, columns: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.rows: list[RunRow] = []

    def set_rows(self, rows: Sequence[RunRow]) -> None:
        """Show other rows; where only their contents changed, the view keeps its place."""
        fresh = list(rows)
        if [row.run_id for row in fresh] == [row.run_id for row in self.rows]:
            changed = [i for i, (a, b) in enumerate(zip(fresh, self.rows, strict=True)) if a != b]
            self.rows = fresh
            for i in changed:
                last = len(self.columns) - 1
                self.dataChanged.emit(self.index(i, 0), self.index(i, last))
            return
        self.beginResetModel()
        self.rows = fresh
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of runs."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self.columns)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Make the first column checkable."""
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        if self.columns[index.column()] == "shown":
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = int(Qt.ItemDataRole.DisplayRole),
    ) -> object:
        """Return a column's title and what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[self.columns[section]]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{HEADER_MARGIN}{column.title}{HEADER_MARGIN}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(column.tooltip)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        return None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """Return one cell in one role."""
        row, name = self.rows[index.row()], self.columns[index.column()]
        column = COLUMNS[name]
        if name == "shown":
            if role == Qt.ItemDataRole.CheckStateRole:
                return Qt.CheckState.Checked if row.shown else Qt.CheckState.Unchecked
            if role == SWATCH_ROLE:
                return category_colour(row.colour_index)
            if role == Qt.ItemDataRole.AccessibleTextRole:
                return f"{row.title}: curves {'shown' if row.shown else 'hidden'}"
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(row)
        if role == SORT_ROLE:
            return column.key(row)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.FontRole and column.number:
            return fixed_font()
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(column.text(row) or column.tooltip)
        if role == Qt.ItemDataRole.ForegroundRole and name == "status":
            return _status_colour(row.status)
        return None

    def setData(
        self, index: Index, value: object, role: int = int(Qt.ItemDataRole.EditRole)
    ) -> bool:
        """Take a click on the check box."""
        if role != Qt.ItemDataRole.CheckStateRole or self.columns[index.column()] != "shown":
            return False
        shown = Qt.CheckState(value) == Qt.CheckState.Checked
        self.rows[index.row()] = replace(self.rows[index.row()], shown=shown)
        self.dataChanged.emit(index, index, [role])
        return True

    def recolour(self) -> None:
        """Let every cell be asked again, after a change of theme."""
        if self.rows:
            last = self.index(len(self.rows) - 1, len(self.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)


def _alignment(column: _Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _status_colour(status: str) -> QColor | None:
    colours = theme_colours()
    if status in ("failed", "diverged", "damaged"):
        return QColor(colours.bad)
    if status == "interrupted":
        return QColor(colours.warning)
    return QColor(colours.accent) if status == "running" else None
