"""The tables of the benchmark: a row a section, and a row a question."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QHeaderView, QTableView

from fineview.core.analogies.benchmark import Score
from fineview.core.analogies.set_work import AnsweredSet, ComparedScore
from fineview.ui.plots.export import Cell, Table, add_export_menu
from fineview.ui.theme import theme_colours
from fineview.ui.widgets.cells import CellDelegate, set_row_height, set_up_table
from fineview.ui.widgets.format import NOTHING, count_text, share_text
from fineview.ui.widgets.labels import describe
from fineview.ui.widgets.text_model import Index, TextModel

_SECTION_TITLES = (
    "Section", "Questions", "Covered", "Right", "In five", "Inputs allowed", "Answer is an input",
    "Both cover", "Right here", "Right there",
)  # fmt: skip
_SECTION_TIPS = (
    "A relation of the set.",
    "Questions in the file.",
    "Questions whose four words are all in the vocabulary; only these count.",
    "First answer right, the words of the question left out: the figure that papers give.",
    "Right word among the first five, the words of the question left out.",
    "First answer right where the words of the question may be answers too.",
    "How often the first answer is then one of the question's own words.",
    "Questions that this result and the one it is compared with both cover.",
    "Of these, answered right by this result.",
    "Of these, answered right by the result it is compared with.",
)
_COMPARED = 7
_QUESTION_TITLES = (
    "a", "is to b", "as c", "is to d", "Answer", "Inputs allowed", "Rank of d", "Section"
)  # fmt: skip
_RANK, _SECTION = 6, 7


class _SectionModel(TextModel):
    """Totals, then sections, then chance."""

    def __init__(self, parent: QObject) -> None:
        numbers = range(1, len(_SECTION_TITLES))
        super().__init__(_SECTION_TITLES, parent, numbers=numbers, tips=_SECTION_TIPS)
        self.rows: tuple[Score, ...] = ()
        self.totals = 0
        self.chance = 0.0
        self.compared: dict[str, ComparedScore] = {}

    def show_result(
        self, answered: AnsweredSet | None, compared: tuple[ComparedScore, ...] = ()
    ) -> None:
        self.beginResetModel()
        self.compared = {one.name: one for one in compared}
        result = None if answered is None else answered.result
        self.rows = () if result is None else (*result.totals[::-1], *result.sections)
        self.totals = 0 if result is None else len(result.totals)
        self.chance = 0.0 if result is None else 1 / result.vocabulary
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the totals, the sections, and chance."""
        return 0 if parent.isValid() or not self.rows else len(self.rows) + 1

    def words(self, row: int, column: int) -> str:
        """Return a cell."""
        if row == len(self.rows):
            return {0: "chance, one word of all", 3: f"{self.chance:.2g}"}.get(column, "")
        one = self.rows[row]
        if column < 3:
            return (one.name, count_text(one.asked), count_text(one.covered))[column]
        if column >= _COMPARED:
            return self._compared(one.name, column)
        if not one.covered:
            return NOTHING
        counts = (one.right, one.right_in_five, one.right_allowed, one.answered_input)
        return share_text(one.accuracy(counts[column - 3]))

    def _compared(self, name: str, column: int) -> str:
        one = self.compared.get(name)
        if one is None:
            return ""
        if column == _COMPARED:
            return count_text(one.both)
        right = one.here if column == _COMPARED + 1 else one.there
        return share_text(right / one.both) if one.both else NOTHING

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """Return a cell; totals are bold."""
        row = index.row()
        if role == Qt.ItemDataRole.FontRole and row < self.totals:
            font = super().data(index, role)
            bold = QFont(font) if isinstance(font, QFont) else QFont()
            bold.setBold(True)
            return bold
        if role == Qt.ItemDataRole.ForegroundRole and row == len(self.rows):
            return QColor(theme_colours().muted)
        return super().data(index, role)


class SectionTable(QTableView):
    """Sections with their scores; one can be chosen.

    Signals:
        chosen(str): A section was pressed; "" for a total.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.lines = _SectionModel(self)
        self.setModel(self.lines)
        self._cells = CellDelegate(self)
        self.setItemDelegate(self._cells)
        set_up_table(self)
        describe(
            self,
            "Sections",
            "How many questions of each relation are answered – press one to list its questions – "
            "right-click to copy.",
        )
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.clicked.connect(self._on_clicked)
        self.menu = add_export_menu(self, self.table, name="analogies")

    def show_result(
        self, answered: AnsweredSet | None, compared: tuple[ComparedScore, ...] = ()
    ) -> None:
        """Show another result, beside what it is compared with."""
        self.lines.show_result(answered, compared)
        for column in range(_COMPARED, len(_SECTION_TITLES)):
            self.setColumnHidden(column, not compared)

    def table(self) -> Table:
        """Return counts, a row a section."""
        header = (
            "section", "questions", "covered", "right", "right_in_five", "right_inputs_allowed",
            "right_in_five_inputs_allowed", "answer_is_an_input",
        )  # fmt: skip
        compared = self.lines.compared
        more = ("both_cover", "both_right_here", "both_right_there", "only_here", "only_there")
        rows: list[list[Cell]] = [
            [
                *(one.name, one.asked, one.covered, one.right, one.right_in_five),
                *(one.right_allowed, one.right_in_five_allowed, one.answered_input),
            ]
            for one in self.lines.rows
        ]
        if not compared:
            return header, rows
        for row, one in zip(rows, self.lines.rows, strict=True):
            other = compared[one.name]
            row += [other.both, other.here, other.there, other.only_here, other.only_there]
        return (*header, *more), rows

    def changeEvent(self, event: QEvent) -> None:
        """Follow the font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            set_row_height(self)

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        row = index.row()
        inside = self.lines.totals <= row < len(self.lines.rows)
        self.chosen.emit(self.lines.rows[row].name if inside else "")


class _QuestionModel(TextModel):
    """Questions that are listed."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(_QUESTION_TITLES, parent, numbers=(_RANK,))
        self.answered: AnsweredSet | None = None
        self.rows: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def show_rows(self, answered: AnsweredSet | None, rows: NDArray[np.int64]) -> None:
        self.beginResetModel()
        self.answered, self.rows = answered, rows
        self.endResetModel()

    def question(self, row: int) -> tuple[str, str, str, str]:
        """Return the four words of a line."""
        assert self.answered is not None
        words = self.answered.vectors.words
        a, b, c, d = (words[i] for i in self.answered.result.rows[self.rows[row]].tolist())
        return a, b, c, d

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order the questions by a column; −1 is the order of the set."""
        if self.answered is None or not len(self.rows):
            return
        self.beginResetModel()
        self.rows = np.sort(self.rows)
        if column == _RANK:
            found = self.answered.result.rank[self.rows]
            # A question that asks for its own word has no rank: it comes last.
            keys = np.where(found == 0, np.iinfo(np.int64).max, found)
            self.rows = self.rows[np.argsort(keys, kind="stable")]
        elif column >= 0:
            names = [self.words(row, column) for row in range(len(self.rows))]
            self.rows = self.rows[sorted(range(len(names)), key=names.__getitem__)]
        if column >= 0 and order == Qt.SortOrder.DescendingOrder:
            self.rows = self.rows[::-1]
        self.endResetModel()

    def words(self, row: int, column: int) -> str:
        """Return a cell."""
        assert self.answered is not None
        if column < 4:
            return self.question(row)[column]
        result, place = self.answered.result, int(self.rows[row])
        if column == _SECTION:
            return result.sections[int(result.section[place])].name
        if column == _RANK:
            return count_text(int(result.rank[place])) if result.rank[place] else NOTHING
        answers = result.answer if column == 4 else result.answer_allowed
        right = result.right if column == 4 else result.right_allowed
        sign = "✓" if right[place] else "✗"
        return f"{sign} {self.answered.vectors.words[int(answers[place])]}"

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """Return a cell; right and wrong have a colour besides their sign."""
        if role == Qt.ItemDataRole.ForegroundRole and index.column() in (4, 5):
            assert self.answered is not None
            result, place = self.answered.result, int(self.rows[index.row()])
            right = result.right if index.column() == 4 else result.right_allowed
            colours = theme_colours()
            return QColor(colours.good if right[place] else colours.bad)
        return super().data(index, role)


class QuestionTable(QTableView):
    """Every question that is listed; one can be opened.

    Signals:
        opened(str): A question was double-clicked, or Enter pressed on it: its expression.
    """

    opened = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.lines = _QuestionModel(self)
        self.setModel(self.lines)
        self._cells = CellDelegate(self)
        self.setItemDelegate(self._cells)
        set_up_table(self)
        describe(
            self,
            "Questions",
            "Each question with its answers and the rank of the right one – press a title to sort, "
            "double-click or Enter opens a question in the calculator – right-click to copy.",
        )
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        self.setSortingEnabled(True)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.activated.connect(self._on_activated)
        self.menu = add_export_menu(self, self.table, name="analogy-questions")

    def show_rows(self, answered: AnsweredSet | None, rows: NDArray[np.int64]) -> None:
        """List other questions, in the order that was chosen."""
        self.lines.show_rows(answered, rows)
        header = self.horizontalHeader()
        if header.sortIndicatorSection() in range(len(_QUESTION_TITLES)):
            self.lines.sort(header.sortIndicatorSection(), header.sortIndicatorOrder())

    def table(self) -> Table:
        """Return all that is listed."""
        header = ("a", "b", "c", "d", "answer", "answer_inputs_allowed", "rank_of_d", "section")
        columns = range(len(header))
        rows = [
            [self.lines.words(row, column) for column in columns]
            for row in range(self.lines.rowCount())
        ]
        return header, rows

    def changeEvent(self, event: QEvent) -> None:
        """Follow the font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            set_row_height(self)

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        a, b, c, _ = self.lines.question(index.row())
        self.opened.emit(f"{_quoted(a)} : {_quoted(b)} :: {_quoted(c)} : ?")


def _quoted(word: str) -> str:
    return word if word.isalnum() else f'"{word}"'
