"""The page of several tasks on one encoder: do their heads help or spoil each other?"""

from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.runs.multitask_study import KIND, TasksStudy, tasks_study_of
from fineview.core.runs.studies import Study
from fineview.core.training.multitask.events import GradientCosines, JointStep
from fineview.ui.context import Context
from fineview.ui.panels.training_tasks_choices import TasksChoices
from fineview.ui.panels.training_tasks_table import TasksTable
from fineview.ui.panels.training_tasks_view import TasksView
from fineview.ui.past_studies import PastStudies, PastWords
from fineview.ui.run_rows import RunList
from fineview.ui.session import Session, SessionState
from fineview.ui.study_page import StudyPage
from fineview.ui.theme import spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.format import plural
from fineview.ui.widgets.labels import plain_label
from fineview.work.jobs import JobRunner

_DRAW_MS = 200
_BUSY = "A training is in flight: stop it first."
_WHAT = (
    "Tick two to five tasks at the left, then press Train together: each gets a head of its own on "
    "one encoder. Live you see whose gradients pull against whose, and in which layers; at the "
    "end, whether a task is better off alone."
)
_PAST = PastWords(
    title="Earlier trainings",
    tip="Trainings of several tasks in this workspace, newest first – the last one – an earlier "
    "one to look at it again.",
    one="training",
    forgets="Forgets this training – when it is not needed any more; can be taken back.",
    deleted="",
    reading="Read a training",
)


class TasksPage(StudyPage):
    """Choices at the left; table, curves and cosines at the right.

    Attributes:
        table: A row a task.
        view: Curves and cosines.
        shown: The study on display; None before the first.
    """

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, context: Context, runs: RunList,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        del context, runs  # what is trained here is a study of its own, on tasks of its own
        choices = TasksChoices(session, lab)
        past = PastStudies(runner, lab, KIND, _PAST, tasks_study_of)
        empty = EmptyState("Several tasks, one encoder", _WHAT)
        super().__init__(session, runner, lab, choices, past, empty, "Several tasks", parent)
        self.shown: TasksStudy | None = None
        self._steps: list[JointStep] = []
        self._cosines: list[GradientCosines] = []
        self.table = TasksTable()
        self.view = TasksView(session)
        self.said = plain_label(wrap=True)
        self._pace = QTimer(self)
        self._pace.setSingleShot(True)
        self._pace.setInterval(_DRAW_MS)
        self._pace.timeout.connect(self._draw)
        self._lay_out()
        self._connect()
        self._show(None)
        self.past.refresh()

    def start(self) -> None:
        """Train the tasks that are chosen."""
        lab, state = self._lab, self._session.state
        encoder, choice = state.spec.encoder, state.multitask

        def work(report: Report) -> Study:
            from fineview.core.runs.multitask import train_tasks

            return train_tasks(lab, encoder, choice, report)

        self._submit("Several tasks", work)
        self._show_settings(state)

    # Layout

    def _lay_out(self) -> None:
        results = QWidget()
        lines = QVBoxLayout(results)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(spacing(2))
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        lines.addWidget(self.table)
        lines.addWidget(self.said)
        lines.addWidget(self.view, 1)
        self._stand(results)

    def _connect(self) -> None:
        self.past.chosen.connect(self._open)
        self.past.listed.connect(self._on_listed)
        self.past.deleted.connect(lambda: self._show(None))
        self.message.action_pressed.connect(self._on_action)
        self._session.changed.connect(self._on_session)

    # A training in flight

    @Slot(object)
    def _on_events(self, events: list[object]) -> None:
        for event in events:
            if isinstance(event, TasksStudy):
                self._show(event)
            elif isinstance(event, JointStep):
                self._steps.append(event)
            elif isinstance(event, GradientCosines):
                self._cosines.append(event)
        if not self._pace.isActive():
            self._pace.start()

    @Slot()
    def _on_ended(self) -> None:
        super()._on_ended()
        self._draw()
        self._show_settings(self._session.state)

    # A study on display

    def _show(self, found: TasksStudy | None) -> None:
        self.shown = found
        self._steps = [] if found is None else list(found.steps)
        self._cosines = [] if found is None else list(found.cosines)
        self._stack.setCurrentIndex(0 if found is None else 1)
        self.table.show_study(found)
        self.title.set_text("" if found is None else found.title)
        self.said.setText("" if found is None else found.text)
        self.said.setVisible(bool(self.said.text()))
        self.past.set_current("" if found is None else found.study_id)
        self._show_settings(self._session.state)
        self._draw()

    @Slot()
    def _draw(self) -> None:
        """Draw curves and cosines as they stand."""
        if self.shown is None:
            self.caption.set_text("")
            return
        dimmed = self._stale(self._session.state)
        self.view.show_study(self.shown, self._steps, self._cosines, dimmed=dimmed)
        self.caption.set_text(caption_of(self.shown, self._steps))

    @Slot(object)
    def _on_listed(self, newest: TasksStudy | None) -> None:
        """Show the newest study where none is on display."""
        if self.shown is None and newest is not None and not self.busy:
            self._show(newest)

    @Slot(object)
    def _open(self, found: TasksStudy) -> None:
        """Show an earlier study, and choose what it was asked."""
        if self.busy:
            self.message.show_message("warning", _BUSY)
            return
        self.message.clear()
        self._show(found)
        self._choose(found)

    def _choose(self, found: TasksStudy) -> None:
        state = self._session.state
        look = state.multitask
        choice = replace(found.choice, group=look.group, curve=look.curve)
        spec = replace(state.spec, encoder=found.encoder)
        self._session.edit("Open a training of several tasks", spec=spec, multitask=choice)

    @Slot(str)
    def _on_action(self, key: str) -> None:
        if key == "back" and self.shown is not None:
            self._choose(self.shown)
        elif key == "restore":
            self.message.clear()
            self.past.restore()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.spec.encoder, state.multitask) != (old.spec.encoder, old.multitask):
            self._show_settings(state)
            self._draw()
        elif (state.smoothing, state.log_loss) != (old.smoothing, old.log_loss):
            self._draw()

    def _stale(self, state: SessionState) -> bool:
        if self.shown is None or self.busy:
            return False
        mine = (state.spec.encoder, state.multitask.measured)
        return mine != (self.shown.encoder, self.shown.choice.measured)

    def _show_settings(self, state: SessionState) -> None:
        self._tell_stale(self._stale(state))


def caption_of(found: TasksStudy, steps: list[JointStep]) -> str:
    """Return on what a study was made, on one line."""
    choice = found.choice
    moves = {
        "full": "all of the encoder moves",
        "last-k": f"the last {plural(choice.top_layers, 'block')} move",
        "frozen": "the encoder is frozen",
    }
    parts = [found.encoder_title, moves[choice.backbone], plural(choice.epochs, "epoch")]
    parts.append(f"at most {plural(choice.max_length, 'token')}")
    parts.append(f"seed {choice.seed}")
    together = max((step.step for step in steps if not step.phase), default=0)
    if together:
        parts.append(f"{plural(together, 'step')} together")
    if found.status == "running" and steps:
        parts.append(f"{steps[-1].samples_per_s:.0f} texts/s")
    return " · ".join(parts)
