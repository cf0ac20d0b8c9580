"""ROC and precision-recall: one class against the rest."""

from PySide6.QtCore import QModelIndex, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from fineview.core.explore.choices import MistakesChoice
from fineview.core.explore.mistakes import RunAnswers
from fineview.core.explore.mistakes_rates import Area, ClassRates, Rates, measure_rates
from fineview.core.explore.space import Figure
from fineview.core.progress import Report
from fineview.ui.panels.training_mistakes_asking import Asking
from fineview.ui.plots.export import Table, add_export_menu
from fineview.ui.plots.rates import RateCurve, RatesPlot
from fineview.ui.session import Session
from fineview.ui.theme import spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.cells import CellDelegate, set_up_table
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.figure_list import FigureList
from fineview.ui.widgets.format import NOTHING, count_text
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.text_model import TextModel
from fineview.ui.widgets.tinted_label import TintedLabel
from fineview.work.jobs import JobRunner

_COLUMNS = ("Class", "Items", "AUC", "Avg. prec.")


class _ClassModel(TextModel):
    """One line a class."""

    def __init__(self, parent: QTableView) -> None:
        super().__init__(_COLUMNS, parent, numbers=(1, 2, 3))
        self.rows: tuple[ClassRates, ...] = ()

    def show_classes(self, rows: tuple[ClassRates, ...]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def words(self, row: int, column: int) -> str:
        """Return a cell."""
        one = self.rows[row]
        if column == 0:
            return one.name
        if column == 1:
            return count_text(one.positives)
        area = one.auc if column == 2 else one.average_precision
        return f"{area.value:.3f}" if one.defined else NOTHING


class ClassTable(QTableView):
    """Areas of every class; a row chooses the class that is drawn.

    Signals:
        class_chosen(str): A person went to a class.
    """

    class_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.classes = _ClassModel(self)
        self.setModel(self.classes)
        self._cells = CellDelegate(self)
        self.setItemDelegate(self._cells)
        set_up_table(self)
        describe(
            self,
            "Areas of all classes",
            "How well each class is told from the rest – press a class to draw its curves.",
        )
        self.setToolTip("")
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.clicked.connect(self._on_row)
        self.activated.connect(self._on_row)
        self.menu = add_export_menu(self, self.table, name="areas-of-classes")

    def show_classes(self, rows: tuple[ClassRates, ...]) -> None:
        """Show classes."""
        self.classes.show_classes(rows)
        letter = self.fontMetrics().averageCharWidth()
        for column, width in ((1, 10), (2, 9), (3, 14)):
            self.setColumnWidth(column, letter * width)

    def mark(self, name: str) -> None:
        """Choose the row of a class."""
        for row, one in enumerate(self.classes.rows):
            if one.name == name:
                self.selectRow(row)

    def table(self) -> Table:
        """Return all numbers."""
        header = ["class", "items", "base_rate", "auc", "auc_low", "auc_high"]
        header += ["average_precision", "low", "high"]
        return header, [
            [one.name, one.positives, one.base_rate, *_ends(one.auc), *_ends(one.average_precision)]
            for one in self.classes.rows
        ]

    @Slot(QModelIndex)
    def _on_row(self, index: QModelIndex) -> None:
        if 0 <= index.row() < len(self.classes.rows):
            self.class_chosen.emit(self.classes.rows[index.row()].name)


class RatesView(QWidget):
    """A class to choose, two plots, areas with intervals, a table of all classes.

    Attributes:
        shown: What is drawn, or None.
        of_class: The class.
        roc: True over false positive rate.
        precision: Precision over recall.
        table: Areas of all classes; hidden where there are two.
        empty: Why there is nothing.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        super().__init__()
        self._session = session
        self._answers: RunAnswers | None = None
        self._choice = MistakesChoice()
        self.shown: Rates | None = None
        self._asking = Asking(runner, self)
        self.of_class = CalmCombo(
            "Class against the rest",
            "Which class is told from the rest – the first – choose the one whose misses or false "
            "alarms cost most.",
            letters=20,
        )
        self.roc = RatesPlot("ROC curve", "false positive rate", "true positive rate", "")
        self.precision = RatesPlot("Precision-recall curve", "recall", "precision", "")
        self.figures = FigureList("Areas under the curves")
        self.table = ClassTable()
        self.note = TintedLabel("", "small", wrap=True)
        self.empty = EmptyState("ROC and precision-recall", "The curves are being measured.")
        self._stack = QStackedWidget()
        self._lay_out()
        self.of_class.chosen.connect(self._choose)
        self.table.class_chosen.connect(self._choose)
        self._asking.answered.connect(self._on_answered)
        self._asking.failed.connect(self._show_nothing)

    def _lay_out(self) -> None:
        self._word = plain_label("Class")
        self._word.setBuddy(self.of_class)
        bar = QHBoxLayout()
        bar.setSpacing(spacing(2))
        bar.addWidget(self._word)
        bar.addWidget(self.of_class)
        bar.addSpacing(spacing(2))
        bar.addWidget(self.note, 1)
        side = QVBoxLayout()
        side.setSpacing(spacing(2))
        side.addWidget(self.figures)
        side.addWidget(self.table, 1)
        side.addStretch(0)
        row = QHBoxLayout()
        row.setSpacing(spacing(3))
        row.addWidget(self.roc, 5)
        row.addWidget(self.precision, 5)
        row.addLayout(side, 4)
        drawn = QWidget()
        column = QVBoxLayout(drawn)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addLayout(bar)
        column.addLayout(row, 1)
        for part in (self.empty, drawn):
            self._stack.addWidget(part)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._stack)

    def show_answers(self, answers: RunAnswers) -> None:
        """Take another run's answers."""
        self._answers = answers
        self._asking.forget()
        self.shown = None

    def look(self, choice: MistakesChoice) -> None:
        """Measure the split that was chosen, unless it is there, and draw the class."""
        self._choice = choice
        answers = self._answers
        if answers is None:
            return

        def work(report: Report) -> Rates:
            return measure_rates(answers, choice.split, choice, report)

        self._asking.ask(
            (answers.run_id, choice.split, choice.seed), "Measure ROC and precision-recall", work
        )
        if self.shown is not None:
            self._draw(self.shown)

    @Slot(object)
    def _on_answered(self, found: Rates) -> None:
        self.shown = found
        several = len(found.classes) > 1
        for part in (self._word, self.of_class, self.table):
            part.setVisible(several)
        self.of_class.set_choices([(one.name, one.name) for one in found.classes], "")
        self.table.show_classes(found.classes)
        self.note.setText(found.note)
        self._stack.setCurrentIndex(1)
        self._draw(found)

    def _draw(self, found: Rates) -> None:
        one, mean = found.of_class(self._choice.of_class), found.macro
        self.of_class.set_value(one.name)
        self.table.mark(one.name)
        if not one.defined:
            why = f"No {found.split} item is of class {one.name}, or all are."
            self.roc.show_nothing(why)
            self.precision.show_nothing(why)
        else:
            parts: list[tuple[ClassRates, str]] = [(one, "class")]
            parts += [(mean, "mean")] if mean is not None else []
            self.roc.show_curves(
                [RateCurve(name=p.name, role=role, points=p.roc) for p, role in parts],  # type: ignore[arg-type]
                None,
                "chance",
            )
            self.precision.show_curves(
                [
                    RateCurve(name=p.name, role=role, points=p.precision_recall, steps=True)  # type: ignore[arg-type]
                    for p, role in parts
                ],
                one.base_rate,
                "base rate",
            )
        self.figures.show_figures(_figures(one, mean))

    def _choose(self, name: str) -> None:
        self._session.edit_look("Choose the class of the curves", "mistakes", of_class=name)

    @Slot(str)
    def _show_nothing(self, why: str) -> None:
        self.shown = None
        self.empty.set_text("No ROC and precision-recall", why)
        self._stack.setCurrentIndex(0)


def _figures(one: ClassRates, mean: ClassRates | None) -> tuple[Figure, ...]:
    figures = [
        _figure(
            "AUC", one.auc, "0.5 by chance",
            f"How often an item of “{one.name}” is ranked above one of the rest.",
        ),
        _figure(
            "Average precision", one.average_precision, f"base rate {one.base_rate:.3f}",
            f"Precision on average over the recalls of “{one.name}”.",
        ),
    ]  # fmt: skip
    if mean is not None:
        figures += [
            _figure("Mean AUC", mean.auc, "0.5 by chance", "Over the classes that occur."),
            _figure(
                "Mean avg. precision", mean.average_precision, f"{mean.base_rate:.3f} by chance",
                "Each class counts the same, however rare.",
            ),
        ]  # fmt: skip
    return tuple(figures)


def _figure(name: str, area: Area, baseline: str, meaning: str) -> Figure:
    known = area.value == area.value
    low, high = area.interval or (None, None)
    return Figure(
        name=name,
        value=area.value if known else None,
        low=low,
        high=high,
        baseline=baseline,
        meaning=meaning,
        note="" if known else "Not defined: the class, or all others, do not occur here.",
    )


def _ends(area: Area) -> tuple[float | None, float | None, float | None]:
    if area.value != area.value:
        return None, None, None
    low, high = area.interval or (None, None)
    return area.value, low, high
