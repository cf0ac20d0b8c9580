"""Look at mistakes: what the run on display got wrong, and whether it knew."""

from PySide6.QtCore import Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from fineview.core.explore.mistakes import RunAnswers
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.context import Context
from fineview.ui.panels.training_mistakes_asking import Asking
from fineview.ui.panels.training_mistakes_calibration import CalibrationView
from fineview.ui.panels.training_mistakes_errors import ErrorsView
from fineview.ui.panels.training_mistakes_rates import RatesView
from fineview.ui.panels.training_mistakes_training import TrainingTextsView
from fineview.ui.run_rows import RunList
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.labels import plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.segmented import Segmented
from fineview.work.jobs import JobRunner

_NO_RUN = (
    "What a run got wrong, how sure it was, and which labels may be wrong themselves. Train a run, "
    "or choose one that has finished, and look here."
)
_READING = "The run's answers are being read."


class MistakesPage(QWidget):
    """One sentence on the run, four views of its answers.

    Attributes:
        answers: What is shown, or None.
        said: The sentence.
        view: Which view is in front.
        split: Which held-out split it shows.
    """

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        _context: Context,
        runs: RunList,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._lab = lab
        self._runs = runs
        self._asking = Asking(runner, self)
        self.answers: RunAnswers | None = None
        self.message = MessageLine()
        self.said = plain_label(wrap=True)
        self.view = Segmented(
            [
                ("errors", "Errors"),
                ("training", "Training texts"),
                ("calibration", "Calibration"),
                ("rates", "ROC and precision-recall"),
            ],
            "View of the mistakes",
            "Wrong answers, the surest first – hard training texts and labels that may be wrong – "
            "whether probabilities mean what they say – each class against the rest.",
        )
        self.split = Segmented(
            [("validation", "Validation"), ("test", "Test")],
            "Split",
            "Which held-out items are looked at – validation – test once, at the end: what is "
            "mended after reading test errors is no longer measured by them.",
        )
        self.empty = EmptyState("Mistakes", _NO_RUN)
        self.errors = ErrorsView(session, runner, self.message)
        self.training = TrainingTextsView(session, runner, lab, self.message)
        self.calibration = CalibrationView(session, runner)
        self.rates = RatesView(session, runner)
        self._views: dict[str, ErrorsView | TrainingTextsView | CalibrationView | RatesView] = {
            "errors": self.errors,
            "training": self.training,
            "calibration": self.calibration,
            "rates": self.rates,
        }
        self._fresh: set[str] = set()
        self._stack = QStackedWidget()
        self._inner = QStackedWidget()
        self._lay_out()
        self.view.changed.connect(
            lambda v: session.edit_look("Look at mistakes", "mistakes", view=v)
        )
        self.split.changed.connect(
            lambda v: session.edit_look("Choose the split of mistakes", "mistakes", split=v)
        )
        session.changed.connect(self._on_session)
        runs.changed.connect(self._on_runs)
        self._asking.answered.connect(self._on_answers)
        self._asking.failed.connect(self._show_nothing)

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(spacing(3))
        bar.addWidget(self.view)
        bar.addWidget(self.split)
        bar.addStretch(1)
        shown = QWidget()
        inside = QVBoxLayout(shown)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(spacing(2))
        inside.addWidget(self.said)
        inside.addLayout(bar)
        inside.addWidget(self._inner, 1)
        for view in self._views.values():
            self._inner.addWidget(view)
        for part in (self.empty, shown):
            self._stack.addWidget(part)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(2))
        box.addWidget(self.message)
        box.addWidget(self._stack, 1)
        self.message.clear()

    def showEvent(self, event: QShowEvent) -> None:
        """Read what has changed while nobody looked."""
        super().showEvent(event)
        self._refresh()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if self.isVisible() and (state.run, state.mistakes) != (old.run, old.mistakes):
            self._refresh()

    @Slot()
    def _on_runs(self) -> None:
        if self.isVisible():
            self._refresh()

    def _refresh(self) -> None:
        """Ask for the answers of the run on display, unless they are there; show what is chosen."""
        run = self._session.state.run
        if not run:
            self._asking.forget()
            self._show_nothing(_NO_RUN)
            return
        summary, lab = self._runs.summary(run), self._lab
        key = (run, None if summary is None else (summary.status, summary.title))
        if key != self._asking.key:

            def work(report: Report) -> RunAnswers:
                from fineview.core.explore.mistakes_work import run_answers

                return run_answers(lab, run, report)

            self.answers = None
            self.empty.set_text("Mistakes", _READING)
            self._asking.ask(key, "Read a run's answers", work)
        self._look()

    @Slot(object)
    def _on_answers(self, answers: RunAnswers) -> None:
        self.answers = answers
        self._fresh = set(self._views)
        self._stack.setCurrentIndex(1)
        self.message.clear()
        self._look()

    @Slot(str)
    def _show_nothing(self, why: str) -> None:
        self.answers = None
        self.empty.set_text("Mistakes", why)
        self._stack.setCurrentIndex(0)

    def _look(self) -> None:
        """Show the view and the split that are chosen; the other views wait until they are."""
        answers, choice = self.answers, self._session.state.mistakes
        self.view.set_value(choice.view)
        self.split.set_value(choice.split)
        self.split.setVisible(choice.view != "training")
        if answers is None:
            return
        self.said.setText(answers.sentence(choice.split))
        view = self._views[choice.view]
        self._inner.setCurrentWidget(view)
        if choice.view in self._fresh:
            self._fresh.discard(choice.view)
            view.show_answers(answers)
        view.look(choice)
