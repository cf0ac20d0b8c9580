"""The tables of an evaluation: a line for each prompt, model and seed; a line for each query."""

from collections.abc import Sequence

from PySide6.QtCore import QSortFilterProxyModel, Qt, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from fineview.core.prompting.seen import AnswerRow
from fineview.core.runs.prompt_studies import PromptResult
from fineview.ui.plots.export import Cell, Table, add_export_menu
from fineview.ui.theme import spacing, theme_colours
from fineview.ui.widgets.cells import CellDelegate
from fineview.ui.widgets.format import count_text, number_text, percent_text, seconds_text
from fineview.ui.widgets.labels import describe, plain_label, plain_tooltip
from fineview.ui.widgets.segmented import Segmented
from fineview.ui.widgets.text_model import Index, TextModel

_SORT = Qt.ItemDataRole.UserRole


class ResultsModel(TextModel):
    """A line for each evaluation."""

    def __init__(self) -> None:
        header = (
            *("Format", "Model", "Seed", "Examples", "Right", "95 %", "Commonest", "Unread"),
            *("Tokens", "Computed", "Time"),
        )
        tips = (
            *("Format of an example.", "The language model.", "Which draw of examples."),
            *("Examples in each prompt.", "Share of right answers."),
            *("Wilson's interval of it.", "Always giving the commonest label."),
            *("Answers that name no label.", "Of prompts and answers, each computed alone."),
            *("What was computed: the common beginning once.", "How long it took."),
        )
        super().__init__(header, numbers=(2, 3, 4, 5, 6, 7, 8, 9, 10), tips=tips)
        self.rows: Sequence[PromptResult] = ()

    def show_results(self, results: Sequence[PromptResult]) -> None:
        """Show other results."""
        self.beginResetModel()
        self.rows = tuple(results)
        self.endResetModel()

    def words(self, row: int, column: int) -> str:
        """Return a cell."""
        return str(self.cells(row)[column])

    def cells(self, row: int) -> list[str]:
        """Return a line."""
        one, found = self.rows[row], self.rows[row].evaluation
        return [
            one.format.replace("\n", "\\n"),
            found.model,
            str(found.seed),
            str(found.shots),
            percent_text(found.accuracy),
            f"{percent_text(found.low)} – {percent_text(found.high)}",
            percent_text(found.majority),
            str(found.unread),
            count_text(found.tokens),
            count_text(found.computed),
            seconds_text(found.seconds),
        ]


class AnswersModel(TextModel):
    """A line for each query."""

    def __init__(self) -> None:
        header = ("", "Query", "Said", "Right", "Sure")
        super().__init__(header, numbers=(4,))
        self.rows: Sequence[AnswerRow] = ()

    def show_rows(self, rows: Sequence[AnswerRow]) -> None:
        """Show other answers."""
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def words(self, row: int, column: int) -> str:
        """Return a cell."""
        one = self.rows[row]
        cells = (
            "✓" if one.correct else "✕",
            " · ".join(one.query),
            one.answer,
            one.right,
            number_text(one.sure),
        )
        return " ".join(cells[column].split())

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """Return a cell, what it is sorted by, its colour, or the whole prompt."""
        one = self.rows[index.row()]
        if role == _SORT:
            return one.sure if index.column() == 4 else self.words(index.row(), index.column())
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == 0:
            colours = theme_colours()
            return QColor(colours.good if one.correct else colours.bad)
        if role == Qt.ItemDataRole.ToolTipRole:
            cut = f"\n({one.cut} tokens cut off at its start)" if one.cut else ""
            return plain_tooltip(f"{one.prompt[-600:]}▸{one.answer}{cut}")
        return super().data(index, role)


class _Filter(QSortFilterProxyModel):
    """Only right, or only wrong ones."""

    wanted = "all"

    def filterAcceptsRow(self, row: int, _parent: Index) -> bool:
        model = self.sourceModel()
        if self.wanted == "all" or not isinstance(model, AnswersModel):
            return True
        return model.rows[row].correct == (self.wanted == "right")


class AnswersTable(QWidget):
    """Every query with what was said; can be sorted, filtered, exported.

    Attributes:
        view: The table.
        show: Which answers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.model = AnswersModel()
        self._filter = _Filter(self)
        self._filter.setSourceModel(self.model)
        self._filter.setSortRole(_SORT)
        self.view = _table("Answers", "Every query, what was said, and how sure the model was – "
                           "press a title to sort – the tooltip has the whole prompt.")  # fmt: skip
        self.view.setModel(self._filter)
        self.view.setSortingEnabled(True)
        self.view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.view.horizontalHeader().setStretchLastSection(False)
        self.which = Segmented(
            [("all", "all"), ("wrong", "wrong"), ("right", "right")],
            "Which answers",
            "All answers – only wrong ones, the surest of which teach most – only right ones.",
        )
        self.which.set_value("all")
        self.count = plain_label("", "small")
        self.which.changed.connect(self._on_which)
        row = QHBoxLayout()
        row.addWidget(self.which)
        row.addWidget(self.count)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(1.5))
        column.addLayout(row)
        column.addWidget(self.view, 1)
        self.menu = add_export_menu(self.view, self.table, name="prompt-answers")

    def show_rows(self, rows: Sequence[AnswerRow]) -> None:
        """Show other answers."""
        self.model.show_rows(rows)
        self._fit()

    def table(self) -> Table:
        """Return the numbers behind."""
        rows: list[list[Cell]] = [
            [
                " | ".join(one.query),
                one.answer,
                one.right,
                int(one.correct),
                one.sure,
                one.cut,
                one.prompt,
            ]
            for one in self.model.rows
        ]
        return ["query", "answer", "right", "correct", "sure", "cut_tokens", "prompt"], rows

    @Slot(str)
    def _on_which(self, which: str) -> None:
        self._filter.wanted = which
        self._filter.invalidate()
        self._fit()

    def _fit(self) -> None:
        self.count.setText(
            f"{count_text(self._filter.rowCount())} of {count_text(len(self.model.rows))}"
        )
        # The query has the room that is left; the others what they need.
        header = self.view.horizontalHeader()
        for column, width in enumerate((spacing(7), 0, spacing(34), spacing(34), spacing(16))):
            if column == 1:
                header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
            else:
                self.view.setColumnWidth(column, width)


class ResultsTable(QWidget):
    """A line for each evaluation.

    Attributes:
        view: The table.

    Signals:
        chosen(int): Another line is to be looked at.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.model = ResultsModel()
        self.view = _table("Evaluations", "A line for each format, model and seed – press one to "
                           "see its answers below.")  # fmt: skip
        self.view.setModel(self.model)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view)
        self.view.selectionModel().currentRowChanged.connect(
            lambda now, _before: self.chosen.emit(now.row())
        )
        self.menu = add_export_menu(self.view, self.table, name="prompts")

    def show_results(self, results: Sequence[PromptResult], current: int) -> None:
        """Show other results."""
        self.model.show_results(results)
        if 0 <= current < len(results):
            blocked = self.view.selectionModel().blockSignals(True)
            self.view.selectRow(current)
            self.view.selectionModel().blockSignals(blocked)
        self.view.resizeColumnsToContents()
        self.view.setColumnWidth(0, min(self.view.columnWidth(0), spacing(60)))
        lines = min(max(len(results), 1), 6)
        bar = self.view.horizontalScrollBar().sizeHint().height()
        height = self.view.horizontalHeader().sizeHint().height() + bar + spacing(1)
        height += self.view.verticalHeader().defaultSectionSize() * lines
        self.setMinimumHeight(min(height, spacing(40)))
        self.setMaximumHeight(height)

    def table(self) -> Table:
        """Return the numbers behind."""
        header = ["format", "model", "seed", "examples", "right", "low", "high", "commonest",
                  "unread", "tokens", "computed", "seconds"]  # fmt: skip
        rows: list[list[Cell]] = []
        for one in self.model.rows:
            found = one.evaluation
            rows.append(
                [one.format, found.model, found.seed, found.shots, found.accuracy, found.low,
                 found.high, found.majority, found.unread, found.tokens, found.computed,
                 found.seconds]
            )  # fmt: skip
        return header, rows


def _table(name: str, tooltip: str) -> QTableView:
    view = QTableView()
    describe(view, name, tooltip)
    view.setItemDelegate(CellDelegate(view))
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.setWordWrap(False)
    view.setTabKeyNavigation(False)
    view.verticalHeader().hide()
    view.horizontalHeader().setHighlightSections(False)
    view.horizontalHeader().setStretchLastSection(True)
    return view
