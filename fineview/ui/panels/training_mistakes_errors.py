"""The surest wrong answers, and which classes are taken for each other; for numbers, residuals."""

import numpy as np
from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QSplitter,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from fineview.core.explore.choices import MistakesChoice
from fineview.core.explore.mistakes import (
    Confused,
    HeldAnswers,
    RunAnswers,
    confused_pairs,
    wrong_rows,
)
from fineview.ui.panels.training_mistakes_rows import JudgedRows, Rows
from fineview.ui.plots.export import Table, add_export_menu
from fineview.ui.plots.residuals import ResidualPlot
from fineview.ui.session import Session
from fineview.ui.theme import spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.cells import CellDelegate, set_up_table
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.format import count_text, number_text, percent_text, plural
from fineview.ui.widgets.labels import ElidedLabel, describe, plain_label, plain_tooltip
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.text_model import Index, TextModel
from fineview.ui.widgets.verdict_table import VerdictColumn, Verdicts, class_letters
from fineview.work.jobs import JobRunner

_PAIR_COLUMNS = ("Class", "taken for", "times", "and back")


class _PairModel(TextModel):
    """Pairs of classes, the most confused first."""

    def __init__(self, parent: QTableView) -> None:
        super().__init__(_PAIR_COLUMNS, parent, numbers=(2, 3))
        self.rows: tuple[Confused, ...] = ()
        self.classes: tuple[str, ...] = ()

    def show_pairs(self, pairs: tuple[Confused, ...], classes: tuple[str, ...]) -> None:
        self.beginResetModel()
        self.rows, self.classes = pairs, classes
        self.endResetModel()

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if role == Qt.ItemDataRole.ToolTipRole and index.column() < 2:
            return plain_tooltip(self.words(index.row(), index.column()))
        return super().data(index, role)

    def words(self, row: int, column: int) -> str:
        """Return a cell."""
        pair = self.rows[row]
        if column < 2:
            return self.classes[(pair.first, pair.second)[column]]
        return count_text((pair.first_as_second, pair.second_as_first)[column - 2])


class PairTable(QTableView):
    """Which classes are taken for each other.

    Signals:
        pair_chosen(object): A person went to a pair (`Confused`).
    """

    pair_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.pairs = _PairModel(self)
        self.setModel(self.pairs)
        self._cells = CellDelegate(self)
        self.setItemDelegate(self._cells)
        set_up_table(self)
        describe(
            self,
            "Confused classes",
            "Which classes are taken for each other, the most frequent first – press a pair to "
            "read its errors only – a pair at the top is where a head has most to learn.",
        )
        self.setToolTip("")
        header = self.horizontalHeader()
        for column in (0, 1):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        self.clicked.connect(self._on_row)
        self.activated.connect(self._on_row)
        self.menu = add_export_menu(self, self.table, name="confused-classes")

    def show_pairs(self, pairs: tuple[Confused, ...], classes: tuple[str, ...]) -> None:
        """Show pairs."""
        self.pairs.show_pairs(pairs, classes)
        letter = self.fontMetrics().averageCharWidth()
        for column, width in ((2, 10), (3, 13)):
            self.setColumnWidth(column, letter * width)
        header = self.horizontalHeader().sizeHint().height()
        rows = len(pairs) * self.verticalHeader().defaultSectionSize()
        self.setMaximumHeight(header + rows + 2 * self.frameWidth() + spacing(1))

    def mark(self, first: str, second: str) -> None:
        """Choose the row of a pair, or none."""
        self.clearSelection()
        names = self.pairs.classes
        for row, pair in enumerate(self.pairs.rows):
            if {names[pair.first], names[pair.second]} == {first, second}:
                self.selectRow(row)

    def table(self) -> Table:
        """Return the cells."""
        names = self.pairs.classes
        return _PAIR_COLUMNS, [
            [names[p.first], names[p.second], p.first_as_second, p.second_as_first]
            for p in self.pairs.rows
        ]

    @Slot(QModelIndex)
    def _on_row(self, index: QModelIndex) -> None:
        if 0 <= index.row() < len(self.pairs.rows):
            self.pair_chosen.emit(self.pairs.rows[index.row()])


class ErrorsView(QWidget):
    """Filters, table of errors, confused pairs or residuals.

    Attributes:
        true: Which class the items are of.
        answered: Which class they were answered with.
        rows: Table and detail.
        pairs: Confused classes.
        residuals: In their place where labels are numbers.
    """

    def __init__(self, session: Session, runner: JobRunner, message: MessageLine) -> None:
        super().__init__()
        self._session = session
        self._answers: RunAnswers | None = None
        self._held: HeldAnswers | None = None
        self._shown: tuple[object, ...] = ()
        self.true = CalmCombo(
            "Class of the items",
            "Shows errors on items of one class – all – choose one to see what it is taken for.",
        )
        self.answered = CalmCombo(
            "Answered class",
            "Shows errors that answered one class – all – choose one to see what is taken for it.",
        )
        self.mutual = QCheckBox("both ways")
        self.count = plain_label("", "small")
        self.rows = JudgedRows(
            runner,
            message,
            "Errors",
            "Wrong answers, the surest first – press a column's name to sort, a row to read its "
            "text – Ctrl+C copies rows.",
            EmptyState("No errors", ""),
        )
        self.pairs = PairTable()
        self.residuals = ResidualPlot("Residuals")
        self._beside = QStackedWidget()
        self._heading = ElidedLabel("", bold=True)
        self._lay_out()
        self.true.chosen.connect(lambda name: self._filter(true=name))
        self.answered.chosen.connect(lambda name: self._filter(answered=name))
        self.mutual.clicked.connect(lambda on: self._filter(mutual=on))
        self.pairs.pair_chosen.connect(self._on_pair)
        self.rows.current_changed.connect(self._on_current)
        self.residuals.chosen.connect(lambda key: self.rows.table.go_to(int(key)))

    def _lay_out(self) -> None:
        describe(
            self.mutual,
            "Both ways",
            "Shows the errors in both directions between two classes – on for a pair that was "
            "pressed at the right – turn it off to read one direction.",
        )
        bar = QHBoxLayout()
        bar.setSpacing(spacing(2))
        self._filters = QWidget()
        inside = QHBoxLayout(self._filters)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(spacing(2))
        for said, part in (("Class", self.true), ("answered", self.answered)):
            word = plain_label(said)
            word.setBuddy(part)
            inside.addWidget(word)
            inside.addWidget(part)
        inside.addWidget(self.mutual)
        bar.addWidget(self._filters)
        bar.addStretch(1)
        bar.addWidget(self.count)
        bar.addWidget(self.rows.save_button)
        holder = QWidget()
        held = QVBoxLayout(holder)
        held.setContentsMargins(0, 0, 0, 0)
        held.addWidget(self.pairs, 1)
        held.addStretch(0)
        self._beside.addWidget(holder)
        self._beside.addWidget(self.residuals)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(1))
        column.addWidget(self._heading)
        column.addWidget(self._beside, 1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(spacing(3))
        split.addWidget(self.rows)
        split.addWidget(right)
        split.setStretchFactor(0, 5)
        split.setStretchFactor(1, 3)
        split.setSizes([spacing(180), spacing(100)])
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(2))
        box.addLayout(bar)
        box.addWidget(split, 1)

    def show_answers(self, answers: RunAnswers) -> None:
        """Show another run."""
        self._answers, self._shown = answers, ()
        numbers = answers.label_kind == "number"
        self._filters.setVisible(not numbers)
        self._beside.setCurrentIndex(int(numbers))
        self._heading.set_text("Residuals" if numbers else "Taken for each other")
        names = [("", "all"), *((name, name) for name in answers.classes)]
        for combo in (self.true, self.answered):
            combo.set_choices(names, "")

    def look(self, choice: MistakesChoice) -> None:
        """Show what was chosen of the run's answers."""
        answers = self._answers
        if answers is None:
            return
        wanted = (choice.split, choice.true, choice.answered, choice.mutual)
        if wanted == self._shown:
            return
        fresh = self._shown[:1] != wanted[:1]
        self._shown = wanted
        self._held = held = answers.held[choice.split]
        if answers.label_kind == "number":
            self._show_numbers(answers, held)
            return
        places = [
            answers.classes.index(name) if name in answers.classes else -1
            for name in (choice.true, choice.answered)
        ]
        for combo, name, place in zip(
            (self.true, self.answered), (choice.true, choice.answered), places, strict=True
        ):
            combo.set_value(name if place >= 0 else "")
        both = min(places) >= 0 and places[0] != places[1]
        self.mutual.setEnabled(both)
        self.mutual.setChecked(choice.mutual and both)
        if fresh:
            self.pairs.show_pairs(confused_pairs(held, len(answers.classes)), answers.classes)
        self.pairs.mark(*((choice.true, choice.answered) if both else ("", "")))
        rows = wrong_rows(held, places[0], places[1], choice.mutual)
        self._show_errors(answers, held, rows)

    def _show_errors(self, answers: RunAnswers, held: HeldAnswers, rows: Rows) -> None:
        wide = class_letters(answers.classes)
        columns = (
            VerdictColumn(title="Text", kind="text", values=held.items),
            VerdictColumn(title="Label", kind="class", values=held.labels, letters=wide),
            VerdictColumn(title="Answer", kind="class", values=held.answers, letters=wide),
            VerdictColumn(title="P(answer)", kind="share", values=held.confidence, letters=14),
            VerdictColumn(title="P(label)", kind="share", values=held.likelihood, letters=13),
        )
        wrong = len(held) - int(held.right.sum())
        noun = plural(wrong, "error")
        self.count.setText(
            f"{noun} in {count_text(len(held))} ({percent_text(wrong / len(held))})"
            if len(rows) == wrong
            else f"{count_text(len(rows))} of {noun}"
        )
        if wrong:
            self.rows.empty.set_text("No such error", "No wrong answer meets what is chosen above.")
        else:
            self.rows.empty.set_text(
                "No errors", f"All {count_text(len(held))} {held.split} answers are right."
            )
        verdicts = Verdicts(
            index=answers.items, classes=answers.classes, items=held.items, columns=columns
        )
        self.rows.show_rows(verdicts, rows, 3, descending=True)

    def _show_numbers(self, answers: RunAnswers, held: HeldAnswers) -> None:
        gaps = held.residuals
        columns = (
            VerdictColumn(title="Text", kind="text", values=held.items),
            VerdictColumn(title="Label", kind="number", values=held.labels, letters=12),
            VerdictColumn(title="Answer", kind="number", values=held.answers, letters=12),
            VerdictColumn(title="Residual", kind="number", values=gaps, letters=13),
            VerdictColumn(title="Error", kind="number", values=np.abs(gaps), letters=11),
        )
        self.residuals.show_residuals(held.labels, gaps)
        mean, spread = float(np.abs(gaps).mean()), held.labels.astype(np.float64)
        guess = float(np.abs(spread - np.median(spread)).mean())
        self.count.setText(
            f"Mean error {number_text(mean)}; always answering the median: {number_text(guess)}"
        )
        verdicts = Verdicts(index=answers.items, classes=(), items=held.items, columns=columns)
        order = np.argsort(-np.abs(gaps), kind="stable").astype(np.int64)
        self.rows.show_rows(verdicts, order, 4, descending=True)

    def _filter(self, **changes: object) -> None:
        self._session.edit_look("Choose errors", "mistakes", **changes)

    @Slot(object)
    def _on_pair(self, pair: Confused) -> None:
        names = self.pairs.pairs.classes
        self._filter(true=names[pair.first], answered=names[pair.second], mutual=True)

    @Slot(int)
    def _on_current(self, place: int) -> None:
        answers, held = self._answers, self._held
        shown = self.rows.table.verdict_model.verdicts
        if answers is None or held is None or shown is None or place < 0:
            self.rows.detail.clear()
            return
        item = f"No. {count_text(int(held.items[place]) + 1)}"
        if answers.label_kind == "number":
            values = float(held.labels[place]), float(held.answers[place])
            self.residuals.set_row(place)
            caption = f"{item} · label {number_text(values[0])} · answer {number_text(values[1])}"
            self.rows.detail.show_item(caption, shown.text(place))
            return
        names = answers.classes
        label, said = names[int(held.labels[place])], names[int(held.answers[place])]
        believed = list(zip(names, held.shares[place].tolist(), strict=True))
        caption = f"{item} · label “{label}” · answer “{said}”"
        self.rows.detail.show_item(caption, shown.text(place), believed)
