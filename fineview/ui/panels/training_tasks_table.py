"""The table of several tasks on one encoder: a row a task, together against alone."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QTableView

from fineview.core.runs.multitask_study import Figure, TaskFacts, TaskResult, TasksStudy
from fineview.core.runs.multitask_words import difference_text, figure_text, verdict
from fineview.core.training.multitask.config import label_words
from fineview.ui.plots.export import Cell, Table, add_export_menu
from fineview.ui.theme import theme_colours
from fineview.ui.widgets.cells import CellDelegate, set_row_height, set_up_table
from fineview.ui.widgets.format import NOTHING, count_text, share_text
from fineview.ui.widgets.labels import describe, plain_tooltip
from fineview.ui.widgets.text_model import Index, TextModel

_TITLES = (
    "Task", "Labels", "Train", "Test", "Baseline", "Together", "Alone", "Together − alone"
)  # fmt: skip
_TOOLTIPS = (
    "The tasks; their numbers stand for them in the pictures.",
    "What a label is.",
    "Training items within the maximum length.",
    "Test items; no training has seen them.",
    "Test accuracy of the class that is commonest in training.",
    "Test accuracy (rank correlation for numbers) after training with the other tasks, with its "
    "95 % interval.",
    "The same after training alone, in as many steps.",
    "What the company is worth, with a 95 % interval by a paired bootstrap over the test items; "
    "of one seed: "
    "▲ helped, ▼ spoiled, ≈ not told apart, = the same to the last bit.",
)
_SIGNS = {"spoiled": "▼", "helped": "▲", "the same": "=", "not told apart": "≈"}
_LAST = len(_TITLES) - 1
_LEAST_LETTERS = 12
"""Of a task's name in sight, its number among them."""


class _TasksModel(TextModel):
    """One line a task."""

    def __init__(self, parent: QTableView) -> None:
        super().__init__(_TITLES, parent, numbers=(2, 3, 4, 5, 6, _LAST), tips=_TOOLTIPS)
        self.rows: tuple[tuple[TaskFacts, TaskResult], ...] = ()

    def show_rows(self, rows: tuple[tuple[TaskFacts, TaskResult], ...]) -> None:
        if rows != self.rows:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()

    def words(self, row: int, column: int) -> str:
        """Return a cell."""
        task, result = self.rows[row]
        said = verdict(result)
        return (
            f"{row + 1}  {task.title}",
            label_words(task.kind, task.classes),
            count_text(task.train),
            count_text(task.test),
            NOTHING if task.baseline is None else share_text(task.baseline),
            figure_text(result.together),
            figure_text(result.alone),
            f"{_SIGNS.get(said, '')} {difference_text(result.difference)}".strip(),
        )[column]

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """Return a cell; differences have a colour besides their sign, and tell in a word."""
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == _LAST:
            colours = theme_colours()
            said = verdict(self.rows[index.row()][1])
            return QColor({"spoiled": colours.bad, "helped": colours.good}.get(said, colours.text))
        if role == Qt.ItemDataRole.ToolTipRole:
            task, result = self.rows[index.row()]
            said = verdict(result)
            return plain_tooltip(
                f"{task.title}, {task.level} level" + (f": {said}." if said else "")
            )
        return super().data(index, role)


class TasksTable(QTableView):
    """As high as its rows."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = _TasksModel(self)
        self.setModel(self.lines)
        self._cells = CellDelegate(self)
        self.setItemDelegate(self._cells)
        set_up_table(self)
        describe(
            self,
            "Tasks, together and alone",
            "How well each task is solved with the others and by itself – a difference whose "
            "interval leaves 0 out – right-click to copy.",
        )
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.menu = add_export_menu(self, self.table, name="several-tasks")

    def show_study(self, found: TasksStudy | None) -> None:
        """Show how a study stands."""
        rows = () if found is None else tuple(zip(found.tasks, found.results, strict=True))
        self.lines.show_rows(rows)
        self._fit()

    def table(self) -> Table:
        """Return every number, a row a task."""
        header = ["task", "level", "classes", "train_items", "test_items", "measure", "baseline"]
        for name in ("together", "alone", "difference"):
            header += [name, f"{name}_low", f"{name}_high"]
        rows: list[list[Cell]] = []
        for task, result in self.lines.rows:
            row: list[Cell] = [
                task.name, task.level, task.classes, task.train, task.test, task.measure,
                task.baseline,
            ]  # fmt: skip
            for figure in (result.together, result.alone, result.difference):
                row += _numbers(figure)
            rows.append([*row, verdict(result)])
        return [*header, "verdict"], rows

    def changeEvent(self, event: QEvent) -> None:
        """Follow the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            set_row_height(self)
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width out anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Let the tasks' names have what the figures leave; where that is little, scroll."""
        header = self.horizontalHeader()
        others = sum(header.sectionSize(column) for column in range(1, len(_TITLES)))
        little = (
            self.viewport().width() - others
            < _LEAST_LETTERS * self.fontMetrics().averageCharWidth()
        )
        modes = QHeaderView.ResizeMode
        header.setSectionResizeMode(0, modes.ResizeToContents if little else modes.Stretch)
        height = header.sizeHint().height() + 2 * self.frameWidth()
        height += max(self.lines.rowCount(), 1) * self.verticalHeader().defaultSectionSize()
        if little:
            height += self.horizontalScrollBar().sizeHint().height()
        self.setFixedHeight(height)


def _numbers(figure: Figure | None) -> list[Cell]:
    return [None, None, None] if figure is None else [figure.value, figure.low, figure.high]
