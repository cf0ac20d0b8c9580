"""Whether the run's probabilities mean what they say."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from fineview.core.explore.choices import MistakesChoice
from fineview.core.explore.mistakes import RunAnswers
from fineview.core.explore.mistakes_calibration import Calibration, calibrate
from fineview.core.progress import Report
from fineview.ui.panels.training_mistakes_asking import Asking
from fineview.ui.plots.reliability import ReliabilityPlot
from fineview.ui.session import Session
from fineview.ui.theme import spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.figure_list import FigureList
from fineview.ui.widgets.labels import plain_label
from fineview.ui.widgets.number_field import NumberField
from fineview.ui.widgets.panel_area import scrolled
from fineview.ui.widgets.segmented import Segmented
from fineview.ui.widgets.tinted_label import TintedLabel
from fineview.work.jobs import JobRunner


class CalibrationView(QWidget):
    """Bins to choose, the reliability diagram, the numbers beside it.

    Attributes:
        shown: What is drawn, or None.
        plot: The diagram.
        figures: The numbers.
        empty: Why there is none.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        super().__init__()
        self._session = session
        self._answers: RunAnswers | None = None
        self.shown: Calibration | None = None
        self._asking = Asking(runner, self)
        self.binning = Segmented(
            [("width", "Equal width"), ("mass", "Equal mass")],
            "Bins",
            "Bins of the same width, or with the same number of answers – equal width – equal mass "
            "where most answers are sure.",
        )
        self.bins = NumberField(
            "Number of bins",
            "How many bins confidence is divided into – 15 – fewer where there are few answers.",
            value=15,
            minimum=2,
            maximum=50,
            integer=True,
        )
        self.plot = ReliabilityPlot("Reliability diagram")
        self.figures = FigureList("Figures of the calibration")
        self.note = TintedLabel("", "small", wrap=True)
        self.empty = EmptyState("Calibration", "The run's probabilities are being measured.")
        self._stack = QStackedWidget()
        self._lay_out()
        self.binning.changed.connect(
            lambda v: session.edit_look("Choose bins", "mistakes", binning=v)
        )
        self.bins.changed.connect(
            lambda v: session.edit_look("Change the number of bins", "mistakes", bins=int(v))
        )
        self._asking.answered.connect(self._show)
        self._asking.failed.connect(self._show_nothing)

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(spacing(2))
        bar.addWidget(self.binning)
        word = plain_label("Bins")
        word.setBuddy(self.bins)
        self.bins.setFixedWidth(self.fontMetrics().averageCharWidth() * 7)
        bar.addWidget(word)
        bar.addWidget(self.bins)
        bar.addSpacing(spacing(2))
        bar.addWidget(self.note, 1)
        side = scrolled(self.figures)
        side.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        row = QHBoxLayout()
        row.setSpacing(spacing(4))
        row.addWidget(self.plot, 3)
        row.addWidget(side, 2)
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

    def look(self, choice: MistakesChoice) -> None:
        """Measure what was chosen, unless it is there."""
        self.binning.set_value(choice.binning)
        self.bins.set_value(choice.bins)
        answers = self._answers
        if answers is None:
            return

        def work(report: Report) -> Calibration:
            return calibrate(answers, choice.split, choice, report)

        key = (answers.run_id, choice.split, choice.binning, choice.bins, choice.seed)
        self._asking.ask(key, "Measure the calibration", work)

    @Slot(object)
    def _show(self, found: Calibration) -> None:
        self.shown = found
        self.plot.show_bins(found.bins, found.scaled, found.temperature.value)
        self.figures.show_figures(found.figures)
        self.note.setText(found.note)
        self._stack.setCurrentIndex(1)

    @Slot(str)
    def _show_nothing(self, why: str) -> None:
        self.shown = None
        self.empty.set_text("No calibration", why)
        self._stack.setCurrentIndex(0)
