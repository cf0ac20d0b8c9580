"""The list page of the analogies panel: many questions at once, with and without the rule."""

from pathlib import Path

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from fineview.core.analogies.listing import Line, answer_list
from fineview.core.analogies.solver import Answer
from fineview.core.analogies.solver_methods import METHODS
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.latest import Latest, lane_of
from fineview.ui.plots.export import Cell, Table, add_export_menu
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing, theme_colours
from fineview.ui.widgets.cells import CellDelegate, set_row_height, set_up_table
from fineview.ui.widgets.format import NOTHING
from fineview.ui.widgets.labels import describe, plain_label, plain_tooltip
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.segmented import Segmented
from fineview.ui.widgets.text_model import Index, TextModel
from fineview.work.jobs import JobRunner

_TITLES = ("Question", "Answer", "Inputs allowed", "Near b alone", "Near c alone")
_TIPS = (
    "As the calculator reads it; double-click opens it there.",
    "First answer, the words of the question left out.",
    "First answer where the words of the question may be answers: grey where it is one of them.",
    "What is nearest to b, without any arithmetic.",
    "What is nearest to c, without any arithmetic.",
)
_AFTER_TYPING_MS = 400
_LARGEST_FILE = 2 << 20


class _ListModel(TextModel):
    """A line a question."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(_TITLES, parent, tips=_TIPS)
        self.rows: tuple[Line, ...] = ()

    def show_rows(self, rows: tuple[Line, ...]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def answer(self, row: int, column: int) -> Answer | None:
        """Return the answer in a cell."""
        line = self.rows[row]
        return (None, line.excluded, line.allowed, line.of_b, line.of_c)[column]

    def words(self, row: int, column: int) -> str:
        """Return a cell."""
        line, answer = self.rows[row], self.answer(row, column)
        if column == 0:
            return line.text
        if line.problem:
            return line.problem if column == 1 else ""
        return NOTHING if answer is None else f"{answer.word}  {answer.score:.3f}"

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """Return a cell; words of the question are grey, problems have the colour of a warning."""
        if role == Qt.ItemDataRole.ForegroundRole:
            colours = theme_colours()
            answer = self.answer(index.row(), index.column())
            if self.rows[index.row()].problem and index.column():
                return QColor(colours.warning)
            return QColor(colours.muted) if answer is not None and answer.is_input else None
        if role == Qt.ItemDataRole.ToolTipRole:
            problem = self.rows[index.row()].problem
            return plain_tooltip(problem) if problem else None
        return super().data(index, role)


class ListPage(QWidget):
    """Questions at the left, their answers at the right.

    Attributes:
        field: The questions.
        view: The answers.
        lines: The same as data.

    Signals:
        question_wanted(str): A question is to be opened in the calculator.
    """

    question_wanted = Signal(str)

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._lab = lab
        self._latest = Latest(runner, "Answer a list", self)
        self.field = QPlainTextEdit()
        self.open_button = QPushButton("Open a list…")
        self.method = Segmented(
            [(n, info.title) for n, info in METHODS.items() if not info.needs_pairs],
            "Method of the list",
            "How the answers are looked for – 3CosAdd – PairDirection needs a : b :: c : ?",
        )
        self.message = MessageLine("List")
        self.view = QTableView()
        self.lines = _ListModel(self)
        self.said = plain_label("", wrap=True)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_AFTER_TYPING_MS)
        self._timer.timeout.connect(self._keep)
        self._lay_out()
        self.field.textChanged.connect(self._timer.start)
        self.open_button.clicked.connect(self._choose)
        self.method.changed.connect(
            lambda value: session.edit_look("Choose a method", "analogy_list", method=value)
        )
        self.view.activated.connect(self._on_activated)
        self._latest.finished.connect(self._on_answered)
        self._latest.failed.connect(lambda error: self.message.show_message("bad", str(error)))
        session.changed.connect(self._on_session)

    def showEvent(self, event: QShowEvent) -> None:
        """Answer what was asked while the page was hidden."""
        super().showEvent(event)
        self._show_choice()
        self._ask()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            set_row_height(self.view)

    def open(self, path: Path) -> None:
        """Take the questions of a file."""
        try:
            if path.stat().st_size > _LARGEST_FILE:
                raise OSError(f"it has more than {_LARGEST_FILE >> 20} MB")
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            told = "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else error
            self.message.show_message(
                "bad", f"{path.name} cannot be read ({told}): choose a list with a question a line."
            )
            return
        self._session.edit_look("Open a list", "analogy_list", text=text)

    def table(self) -> Table:
        """Return all answers with their scores."""
        header = ["question"]
        for name in ("answer", "inputs_allowed", "near_b", "near_c"):
            header += [name, f"{name}_score"]
        rows: list[list[Cell]] = []
        for row, line in enumerate(self.lines.rows):
            cells: list[Cell] = [line.text]
            for column in range(1, len(_TITLES)):
                answer = self.lines.answer(row, column)
                cells += [None, None] if answer is None else [answer.word, answer.score]
            rows.append(cells)
        return header, rows

    def _lay_out(self) -> None:
        describe(
            self.field,
            "Questions",
            "A question a line – man : woman :: king : ? – or three words with commas between, as "
            "in a CSV file.",
        )
        self.field.setTabChangesFocus(True)
        describe(
            self.open_button,
            "Open a list",
            "Takes the questions of a text or CSV file – a : b :: c : ? or a,b,c a line.",
        )
        self.view.setModel(self.lines)
        self._cells = CellDelegate(self.view)
        self.view.setItemDelegate(self._cells)
        set_up_table(self.view)
        describe(
            self.view,
            "Answers to the list",
            "Each question with its answers – double-click opens one in the calculator – "
            "right-click to copy.",
        )
        header = self.view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.menu = add_export_menu(self.view, self.table, name="analogy-list")
        bar = QHBoxLayout()
        bar.setSpacing(spacing(2))
        label = QLabel("Method")
        label.setBuddy(self.method)
        bar.addWidget(label)
        bar.addWidget(self.method)
        bar.addStretch(1)
        bar.addWidget(self.open_button)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(self.field)
        split.addWidget(self.view)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addLayout(bar)
        column.addWidget(self.message)
        column.addWidget(split, 1)
        column.addWidget(self.said)

    # What is wanted

    @Slot()
    def _keep(self) -> None:
        text = self.field.toPlainText()
        if text != self._session.state.analogy_list.text:
            self._session.edit_look("Change the list", "analogy_list", text=text)

    @Slot()
    def _choose(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a list of questions")
        if name:
            self.open(Path(name))

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        self.question_wanted.emit(self.lines.rows[index.row()].text)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.analogy_list, state.analogy.vectors) != (old.analogy_list, old.analogy.vectors):
            self._show_choice()
            self._ask()

    def _show_choice(self) -> None:
        choice = self._session.state.analogy_list
        self.method.set_value(choice.method)
        if self.field.toPlainText() != choice.text:
            self.field.setPlainText(choice.text)

    def _ask(self) -> None:
        if not self.isVisible():
            return
        state, lab = self._session.state, self._lab
        name, choice = state.analogy.vectors, state.analogy_list

        def work(report: Report) -> tuple[Line, ...]:
            return answer_list(lab.dictionary(name, report), choice, report)

        self._latest.ask((name, choice), work, lane_of(name))

    @Slot(object)
    def _on_answered(self, lines: tuple[Line, ...]) -> None:
        self.message.clear()
        self.lines.show_rows(lines)
        self.said.setText(list_words(lines))


def list_words(lines: tuple[Line, ...]) -> str:
    """Return in words what the rule does for a list."""
    answered = [line for line in lines if line.excluded is not None and line.allowed is not None]
    if not answered:
        return ""
    ruled = sum(line.allowed is not None and line.allowed.is_input for line in answered)
    shared = sum(
        line.excluded is not None
        and line.excluded.word in {one.word for one in (line.of_b, line.of_c) if one is not None}
        for line in answered
    )
    return (
        f"Of {len(answered)} questions, {ruled} have one of their own words nearest to the sum; "
        f"the answer shown there is what is left after the rule. In {shared} the answer is also "
        f"the nearest neighbour of b or c alone."
    )
