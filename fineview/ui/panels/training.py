"""The training panel: left to right as the data goes, alive while a run is in flight."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Literal

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from fineview.core.errors import ConfigError, RunError
from fineview.core.laboratory import Laboratory
from fineview.core.runs.check import check_spec
from fineview.core.runs.execute import RunOutcome
from fineview.core.runs.record import RunRecord
from fineview.core.runs.spec import RunSpec
from fineview.core.training.events import FeaturesReady, LayerWeights, Notice, RunStarted
from fineview.ui.context import Context
from fineview.ui.panels.training_curves import RunCurves
from fineview.ui.panels.training_judged import JudgedBox
from fineview.ui.panels.training_layout import arranged
from fineview.ui.panels.training_pages import TrainingPages
from fineview.ui.panels.training_picture import picture_of
from fineview.ui.panels.training_plots import RunPlots
from fineview.ui.panels.training_settings import TrainingSettings
from fineview.ui.panels.training_try import TryBox
from fineview.ui.run_rows import RunList
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import category_colour, spacing
from fineview.ui.widgets.message_line import Kind, MessageLine
from fineview.ui.widgets.run_table import COMPACT_COLUMNS, RunTable
from fineview.ui.widgets.strategy_picture import StrategyPicture
from fineview.work.jobs import Job, JobRunner, Lane, Work

_MODEL = attrgetter("task", "encoder", "pooling", "head", "strategy")


class TrainingPanel(QWidget):
    """Settings, strategy picture, live curves, confusion, a box to type in, the runs.

    Signals:
        layers_wanted(): The user wants to choose other layers.
        features_ready(FeaturesReady): Hidden states are there.
        layers_weighed(object): `layer_weights` changed.

    Attributes:
        layer_weights: What the head of the settings on display has learned of the layers
            (`LayerWeights`), or None.
    """

    layers_wanted = Signal()
    features_ready = Signal(object)
    layers_weighed = Signal(object)

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        context: Context,
        runs: RunList,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._runner = runner
        self._lab = lab
        self._context = context
        self._runs = runs
        self._job: Job | None = None
        self._curves: dict[str, RunCurves] = {}
        self._specs: dict[str, RunSpec] = {}
        self._asked = session.state.spec
        self._parent = ""
        self._pictured = (0, "")
        self.layer_weights: LayerWeights | None = None
        self.picture = StrategyPicture()
        self.settings = TrainingSettings(session, lab)
        self.plots = RunPlots(session)
        self.try_box = TryBox(session, runner, lab)
        self.judged = JudgedBox(runner, lab)
        self.message = MessageLine()
        self.table = RunTable(columns=COMPACT_COLUMNS)
        self._lay_out()
        self._connect()
        self._show_context()
        self._on_rows()
        if session.state.run:  # of the session before
            self.open_run(session.state.run, settings=False)
        for run in session.state.overlaid:
            self._read(run, self._on_overlay)

    @property
    def run_id(self) -> str:
        """The run on display, or ""."""
        return self._session.state.run

    @property
    def steps_done(self) -> int:
        """Steps of the run on display."""
        curves = self._curves.get(self.run_id)
        return curves.step if curves is not None else 0

    @property
    def head_state(self) -> Literal["new", "training", "trained"]:
        """What the head of the settings on display is."""
        if self.busy:
            return "training"
        spec, of_run = self._session.state.spec, self._specs.get(self.run_id)
        if of_run is None or not self.steps_done:
            return "new"
        return "trained" if _MODEL(of_run) == _MODEL(spec) else "new"

    @property
    def busy(self) -> bool:
        """Whether a run is queued or in flight."""
        return self._job is not None and self._job.active

    def page(self, name: str) -> QWidget:
        """Return one of the panel's pages, built when first asked for."""
        return self.pages.page(name)

    # What the actions of the window call

    @Slot()
    def train(self) -> None:
        """Start a run with the session's settings."""
        self._session.view(training_page="train")
        spec = self._session.state.spec
        task, encoder = self._context.task, self._context.encoder
        try:
            if task is not None and encoder is not None:  # else the run itself will say
                check_spec(spec, task.info, task.label_kind, encoder.layers, task.items)
        except ConfigError as error:
            self.message.show_message("bad", str(error))
            return
        lab = self._lab
        name = spec.strategy.info.title
        self._start(f"Train · {name}", lambda report: lab.execute(spec, report), spec)

    @Slot()
    def train_or_stop(self) -> None:
        """Train, or stop the run in flight."""
        if self.busy:
            self.stop()
        else:
            self.train()

    @Slot()
    def stop(self) -> None:
        """Stop the run in flight; it is kept."""
        if self._job is not None and self._job.active:
            self._job.stop()
            self.settings.set_running(True, stopping=True)

    @Slot()
    def pause(self) -> None:
        """Hold the run, or let it go on."""
        if self._job is not None and self._job.active:
            self._job.pause(not self._job.paused)
            self.settings.set_running(True, paused=self._job.paused)

    @Slot()
    def step(self) -> None:
        """Train one batch, then hold."""
        if self._job is not None and self._job.active:
            self._job.step()
            self.settings.set_running(True, paused=True)

    def resume_run(self, run_id: str) -> None:
        """Go on with a stopped or interrupted run."""
        if self.busy:
            self.message.show_message("warning", "A run is in flight: stop it first.")
            return
        self._read(run_id, self._on_resume_opened)

    @Slot(int)
    def branch(self, step: int) -> None:
        """Begin a new run at a saved step of the one on display, with the session's settings."""
        spec = self._specs.get(self.run_id)
        if self.busy or spec is None:
            self.message.show_message("warning", "A run is in flight: stop it first.")
            return
        lab, run = self._lab, self.run_id
        spec = replace(spec, training=self._session.state.spec.training)
        self._start(
            "Train from a saved step",
            lambda report: lab.branch(run, step, spec, report),
            spec,
            parent=run if run in self._curves else "",
        )

    def open_run(self, run_id: str, settings: bool = True) -> None:
        """Show a run from its folder: curves, confusion, sentence, and its settings if wanted."""
        self._read(run_id, lambda record: self._on_opened(record, settings))

    def _read(self, run_id: str, then: Callable[[RunRecord], None]) -> None:
        """Read a run's folder off the window's thread."""
        lab = self._lab
        job = self._runner.submit("Read a run", lambda _report: lab.runs.read(run_id), Lane.LOOKUP)
        job.finished.connect(then)
        job.failed.connect(lambda error: self.message.show_message("bad", str(error)))

    # Layout

    def _lay_out(self) -> None:
        beside = (self.try_box, self.judged)
        above = (self.picture, self.message)
        page = arranged(above, self.settings, self.plots, beside, self.table)
        self.message.clear()
        common = (self._session, self._runner, self._lab, self._context, self._runs)
        self.pages = TrainingPages(page, *common)
        box = QVBoxLayout(self)
        box.setContentsMargins(*[spacing(3)] * 4)
        box.addWidget(self.pages)

    def _connect(self) -> None:
        self.settings.train_pressed.connect(self.train_or_stop)
        self.settings.pause_pressed.connect(self.pause)
        self.settings.step_pressed.connect(self.step)
        self.settings.live_changed.connect(self._on_live)
        self.plots.back.branch_wanted.connect(self.branch)
        self.message.action_pressed.connect(self._on_action)
        self.table.activated.connect(self.open_run)
        self.table.shown_changed.connect(self._on_shown)
        self.table.trash_requested.connect(self._runs.trash)
        self.judged.told.connect(self.message.show_message)
        self.pages.run_wanted.connect(self._show_run)
        self._runs.changed.connect(self._on_rows)
        self._context.changed.connect(self._show_context)
        self._context.failed.connect(lambda text: self.message.show_message("bad", text))
        self._session.changed.connect(self._on_session)

    @Slot(str)
    def _show_run(self, run_id: str) -> None:
        """Bring a run of a study to the front."""
        self._session.view(training_page="train")
        self.open_run(run_id)

    # A run in flight

    def _start(self, name: str, work: Work, spec: RunSpec, parent: str = "") -> None:
        """Submit a run; one that branches off shows the course of its parent so far."""
        self._asked, self._parent = spec, parent
        self._job = job = self._runner.submit(name, work)
        job.published.connect(self._on_events)
        job.finished.connect(self._on_finished)
        job.failed.connect(self._on_failed)
        job.cancelled.connect(self._on_cancelled)
        job.ended.connect(self._on_ended)
        self.message.clear()
        self.settings.set_running(True)

    @Slot(object)
    def _on_events(self, events: list[object]) -> None:
        run = self.run_id
        for event in events:
            if isinstance(event, RunStarted):
                run = event.run_id
                # Before the session names it: a run that is not known would be read from disk.
                begun = self._curves[self._parent].copy() if self._parent else RunCurves()
                self._curves.setdefault(run, begun)
                self._specs[run] = self._asked
                self._session.edit("Train", run=run)
                self._runs.refresh()
                self.try_box.set_run("")
                self.judged.clear()
            elif isinstance(event, FeaturesReady):
                self.features_ready.emit(event)
            elif isinstance(event, Notice):
                self.message.show_message("warning", event.text)
            if run in self._curves:
                self._curves[run].add(event)
        curves = self._curves.get(run)
        if curves is not None and self.isVisible():  # what nobody sees is drawn when it is shown
            self.plots.draw_turn(curves)
            self._show_progress(curves)

    @Slot(object)
    def _on_finished(self, outcome: RunOutcome) -> None:
        self._show_result(outcome.run_id, outcome.status, outcome.text, outcome.result)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.message.show_message("bad", str(error))

    @Slot()
    def _on_cancelled(self) -> None:
        curves = self._curves.get(self.run_id)
        text = curves.end.text if curves and curves.end else "Stopped before it began."
        actions = [("Go on", "resume")] if curves and curves.end else []
        self.message.show_message("info", text, actions)
        # The head as it stands may be tried before the run goes on.
        self.try_box.set_run(self.run_id if curves is not None and curves.step else "")

    @Slot()
    def _on_ended(self) -> None:
        self.settings.set_running(False)
        self._draw_run(self.run_id)
        self.plots.fit()
        self._runs.refresh()

    @Slot(str, float)
    def _on_live(self, name: str, value: float) -> None:
        if self._job is not None and self._job.active:
            self._job.change(name, value)

    # A run on display

    def _on_opened(self, record: RunRecord, settings: bool) -> None:
        run = record.summary.run_id
        curves = RunCurves()
        for event in record.events:
            curves.add(event)
        self._curves[run] = curves
        self._specs[run] = record.spec
        if not self.busy:
            if settings:
                # A typed pair means nothing to a task of sentences.
                stays = record.spec.task == self._session.state.spec.task
                typed = {} if stays else {"example": "", "second": ""}
                self._session.edit("Open a run", run=run, spec=record.spec, **typed)
            text = record.summary.reason or record.summary.text
            self._show_result(run, record.summary.status, text, record.result or {})
        else:
            self._draw()
        self.plots.fit()

    @Slot(object)
    def _on_resume_opened(self, record: RunRecord) -> None:
        if self.busy:
            return
        record = replace(record, spec=record.latest_spec)
        self._on_opened(record, settings=True)
        lab, run = self._lab, record.summary.run_id
        self._start("Go on training", lambda report: lab.resume(run, report), record.spec)

    def _show_result(self, run: str, status: str, text: str, result: Mapping[str, object]) -> None:
        resumable = status in ("stopped", "interrupted")
        actions = {
            "finished": [("Try another layer", "layers"), ("Type your own", "type")],
        }.get(status, [("Go on", "resume")] if resumable else [])
        kinds: dict[str, Kind] = {"finished": "good", "stopped": "info"}
        kind = kinds.get(status, "warning")
        if text or resumable:
            self.message.show_message(kind, text or f"This run was {status}.", actions)
        self.judged.show_result(run, result)
        curves = self._curves.get(run)
        tried = bool(result) or (status == "stopped" and curves is not None and curves.step > 0)
        self.try_box.set_run(run if tried else "")
        self._draw()

    @Slot(str)
    def _on_action(self, key: str) -> None:
        if key == "layers":
            self.layers_wanted.emit()
        elif key == "type":
            self.try_box.first.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.try_box.first.selectAll()
        elif key == "resume":
            self.resume_run(self.run_id)

    @Slot(object)
    def _on_shown(self, shown: set[str]) -> None:
        fresh = shown - set(self._session.state.overlaid)
        self._session.edit("Choose runs to draw", overlaid=tuple(sorted(shown)))
        for run in shown - set(self._curves):
            self._read(run, self._on_overlay)
        task = self._session.state.spec.task
        if any(self._runs.task(run) != task for run in fresh):
            self.message.show_message(
                "info", f"Only runs of the task on display ({task}) are drawn over each other."
            )

    @Slot(object)
    def _on_overlay(self, record: RunRecord) -> None:
        curves = self._curves.setdefault(record.summary.run_id, RunCurves())
        for event in record.events:
            curves.add(event)
        self._draw()

    @Slot()
    def _on_rows(self) -> None:
        self.table.set_rows(self._runs.rows(self._session.state))

    # Drawing

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.spec != old.spec:
            self._show_picture()
        if (state.run, state.overlaid) != (old.run, old.overlaid):
            if not state.run:
                self._forget()
            elif state.run not in self._curves:
                self.open_run(state.run, settings=False)  # an undo brought it back
            self._draw()
            self._on_rows()
        elif state.lower_plot != old.lower_plot:
            self._draw_run(state.run)

    def _forget(self) -> None:
        """No run is on display any more."""
        self.plots.clear()
        self.judged.clear()
        self.try_box.set_run("")
        self.message.clear()
        self._tell_weights(None)

    def _draw(self) -> None:
        """Draw every shown run anew."""
        state = self._session.state
        overlays = []
        for run in state.overlaid:
            # Losses and accuracies of another task say nothing about this one.
            same = self._runs.task(run) == state.spec.task
            if run != state.run and run in self._curves and same:
                title, index = self._runs.title_and_colour(run)
                overlays.append((run, title, category_colour(index), self._curves[run]))
        self.plots.draw_overlays(overlays)
        self._draw_run(state.run)

    def _show_progress(self, curves: RunCurves) -> None:
        """Fill the head in the picture, by whole per cents."""
        share = round(100 * curves.step / curves.total) if curves.total else 0
        if (share, self.head_state) != self._pictured:
            self._pictured = (share, self.head_state)
            self._show_picture(curves)

    def _draw_run(self, run: str) -> None:
        curves = self._curves.get(run)
        if curves is not None:
            self.plots.draw_run(curves)
            self._show_stops(run, curves)
        self._show_picture(curves)

    def _show_stops(self, run: str, curves: RunCurves) -> None:
        """Offer the saved steps of a run that nobody is writing."""
        try:
            kept = () if self.busy else self._lab.runs.checkpoints(run)
        except RunError:
            kept = ()  # it was moved to the trash and deleted
        self.plots.show_stops(curves.stops(tuple(step for step in kept if step < curves.step)))

    @Slot()
    def _show_context(self) -> None:
        if self._context.task is not None:
            self.try_box.set_level(self._context.task.info.level)
        self._show_picture()

    def _show_picture(self, curves: RunCurves | None = None) -> None:
        encoder, task = self._context.encoder, self._context.task
        if encoder is None or task is None:
            return
        try:
            state = picture_of(
                self._session.state.spec,
                task,
                encoder,
                self.head_state,
                curves or self._curves.get(self.run_id),
            )
        except ConfigError as error:
            self.message.show_message("bad", str(error))
            return
        self.settings.set_dimension(state.dimension, numbers=not task.classes)
        self._tell_weights(curves or self._curves.get(self.run_id))
        self.picture.set_picture(state)

    def _tell_weights(self, curves: RunCurves | None) -> None:
        """Tell others what the head of the settings on display has learned of the layers."""
        told = None
        if curves is not None and self.head_state != "new":
            told = curves.layer_weights
        if told != self.layer_weights:
            self.layer_weights = told
            self.layers_weighed.emit(told)
