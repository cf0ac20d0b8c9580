"""Comparing strategies, heads, encoders and sizes: a queue of ordinary runs, kept as one study."""

import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from fineview.core.data.split import SplitConfig
from fineview.core.data.task import Task
from fineview.core.errors import FineviewError, JobCancelled, RunError
from fineview.core.models.info import EncoderInfo
from fineview.core.progress import SILENT, Relay, Report
from fineview.core.runs.artefacts import drop_checkpoints
from fineview.core.runs.compare_choice import CompareChoice, base_of
from fineview.core.runs.compare_clock import Clock, Place
from fineview.core.runs.compare_figures import RunFigures, RunStanding, figures_of
from fineview.core.runs.compare_plan import Plan, Planned, plan_of
from fineview.core.runs.compare_rows import Mark, needs_features
from fineview.core.runs.compare_study import (
    KIND,
    asked_of,
    comparison_of,
    found_of,
    question_of,
    runs_of,
    title_of,
)
from fineview.core.runs.compare_words import finding
from fineview.core.runs.execute import RunOutcome
from fineview.core.runs.spec import RunSpec
from fineview.core.runs.store import RunStore
from fineview.core.runs.studies import Study, StudyStore
from fineview.core.training.events import FeaturesReady, RunStarted, TrainStep

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fineview.core.runs.compare_marks import TestItems

_OVER = ("finished", "diverged")
log = logging.getLogger(__name__)


class Bench(Protocol):
    """What a comparison needs around it; `core.laboratory.Laboratory` is one."""

    @property
    def runs(self) -> RunStore:
        """Where runs are kept."""

    @property
    def studies(self) -> StudyStore:
        """Where the comparison is kept."""

    def task(self, name: str, split: SplitConfig = SplitConfig()) -> Task:
        """Return the labelled texts."""

    def encoder_info(self, name: str) -> EncoderInfo:
        """Return the sizes of an encoder."""

    def execute(self, spec: RunSpec, report: Report) -> RunOutcome:
        """Carry out one run."""

    def resume(self, run_id: str, report: Report) -> RunOutcome:
        """Go on with a stopped or interrupted run."""


def compare(lab: Bench, spec: RunSpec, choice: CompareChoice, report: Report = SILENT) -> Study:
    """Carry out a comparison and keep it.

    What fails, diverges or is refused becomes a row with its sentence, and the queue goes on. Runs
    keep their artefacts but no checkpoints once they are done.

    Args:
        lab: Tasks, encoders, runs, studies.
        spec: Task, encoder, pooling, split and sizes of heads; see `base_of`.
        choice: What is compared, on which budget.
        report: Receives a `Comparison` whenever a run begins or ends; stops and pauses.

    Returns:
        The study, `finished`; `comparison_of` reads it.

    Raises:
        JobCancelled: Stopped; the study is kept and can be continued.
        FineviewError: There is no such task, or the study cannot be written.
    """
    base = base_of(spec)
    task, plan = _planned(lab, base, choice)
    title = title_of(choice, task.info.title)
    asked = asked_of(base, choice)
    study = lab.studies.create(lab.runs.new_id(), KIND, title, asked)
    return _Queue(lab, study, choice, task, plan, report).run()


def go_on(lab: Bench, study_id: str, report: Report = SILENT) -> Study:
    """Go on with a comparison that was stopped or interrupted, or in which runs failed.

    Runs that are done are not repeated; a run that was cut short is resumed where that is possible.

    Raises:
        RunError: There is no such study, or it is no comparison.
        JobCancelled: Stopped again.
        FineviewError: As `compare`.
    """
    study = lab.studies.read(study_id)
    base, choice = question_of(study)
    task, plan = _planned(lab, base, choice)
    return _Queue(lab, study, choice, task, plan, report).run()


def plan_for(lab: Bench, spec: RunSpec, choice: CompareChoice) -> Plan:
    """Return the queue that `compare` would carry out; raises as it."""
    return _planned(lab, base_of(spec), choice)[1]


def _planned(lab: Bench, base: RunSpec, choice: CompareChoice) -> tuple[Task, Plan]:
    task = lab.task(
        base.task,
        replace(base.split, train_items=choice.train_items, held_out_items=choice.held_out_items),
    )
    widths, titles = {}, {}
    for name in choice.encoders or (base.encoder,):
        with suppress(FineviewError):  # its runs will say why there is none
            info = lab.encoder_info(name)
            widths[name], titles[name] = info.width, info.title
    numbers = task.label_kind == "number"
    rows = len(task.splits["train"])
    return task, plan_of(base, choice, rows, widths, titles, numbers=numbers)


class _Queue:
    """A comparison in flight."""

    def __init__(
        self,
        lab: Bench,
        study: Study,
        choice: CompareChoice,
        task: Task,
        plan: Plan,
        report: Report,
    ) -> None:
        self._lab = lab
        self._study = study
        self._choice = choice
        self._task = task
        self._plan = plan
        self._report = report
        self._runs = {
            key: replace(run, status="stopped") if run.status == "running" else run  # it was killed
            for key, run in runs_of(study).items()
        }
        self._marks: dict[str, Mark] = dict(study.found.get("marks", {}))
        self._clock = Clock(plan.runs)
        self._test: TestItems | None = None
        self._samples: dict[str, NDArray[np.float64]] = {}

    def run(self) -> Study:
        """Carry out what is left.

        Raises:
            JobCancelled: Stopped; the study says so.
            StoreError: The study cannot be written.
        """
        for place, planned in enumerate(self._plan.runs):
            before = self._runs.get((planned.arm.key, planned.seed))
            if before is not None and before.status in _OVER:
                self._clock.skip(place, before.seconds)
                continue
            try:
                self._report.check()
                self._one(place, planned, before)
            except JobCancelled:
                self._keep("stopped")
                raise
            except BaseException:
                with suppress(FineviewError):  # the first error is the one to be told
                    self._keep("failed")
                raise
        return self._keep("finished")

    def _one(self, place: int, planned: Planned, before: RunFigures | None) -> None:
        begun = RunFigures(arm=planned.arm.key, seed=planned.seed, status="running")
        if before is not None and before.status == "stopped":
            begun = replace(begun, run_id=before.run_id)
        trains, started = planned.spec.strategy.trains_encoder, partial(self._on_started, begun)
        watch = _Watch(self._report, self._clock.begin(place), trains, started)
        self._put(begun)
        self._keep("running")
        try:
            outcome = self._carry_out(planned, before, watch)
        except JobCancelled:
            self._put(replace(begun, run_id=watch.run_id or begun.run_id, status="stopped"))
            raise
        except Exception as error:  # noqa: BLE001 - one run's fault must not end the others
            told = str(error)
            if not isinstance(error, FineviewError):
                told = f"Failed: {error}"
                log.error("%s failed:\n%s", planned.arm.title, traceback.format_exc())
            status: RunStanding = "failed" if watch.run_id else "refused"
            self._put(replace(begun, run_id=watch.run_id, status=status, text=told))
            self._clock.skip(place, None)
        else:
            spent = watch.features_seconds if needs_features(planned.arm.strategy) else 0.0
            figures = figures_of(replace(begun, run_id=outcome.run_id), outcome.result, spent)
            self._put(figures)
            self._clock.end(place)
            self._tidy(figures, planned)
            self._mark(figures)
        self._keep("running")

    def _on_started(self, begun: RunFigures, run_id: str) -> None:
        """Keep the run's name: a process that dies now leaves a run to be resumed."""
        self._put(replace(begun, run_id=run_id))
        self._keep("running")

    def _carry_out(
        self, planned: Planned, before: RunFigures | None, watch: "_Watch"
    ) -> RunOutcome:
        """Take the run up where it was left, or begin it."""
        runs = self._lab.runs
        if before is not None and before.run_id and before.status == "stopped":
            with suppress(RunError):  # it was deleted, or is damaged: then it begins anew
                summary = runs.summary(before.run_id)
                if summary.resumable:
                    return self._lab.resume(before.run_id, watch)
                record = runs.read(before.run_id)
                if summary.status in _OVER and record.result is not None:
                    return RunOutcome(
                        run_id=before.run_id,
                        status=summary.status,
                        text=summary.text,
                        result=record.result,
                    )
        return self._lab.execute(planned.spec, watch)

    def _tidy(self, figures: RunFigures, planned: Planned) -> None:
        """Name the run after its row, and delete what only a stopped run needs."""
        with suppress(FineviewError):
            title = f"{planned.arm.title} · seed {planned.seed}"
            self._lab.runs.rename(figures.run_id, title)
            drop_checkpoints(self._lab.runs.read(figures.run_id).folder)

    def _mark(self, figures: RunFigures) -> None:
        """Compare all rows that have a result anew."""
        if figures.status != "finished":
            return
        from fineview.core.runs.compare_marks import TestItems, marks_of

        if self._test is None:
            self._test = TestItems(self._task)
        specs = {(p.arm.key, p.seed): p.spec for p in self._plan.runs}
        for key, run in self._runs.items():
            if run.status != "finished" or run.run_id in self._samples or key not in specs:
                continue
            with suppress(RunError):  # deleted meanwhile: its row is then not compared
                task = self._lab.task(specs[key].task, specs[key].split)
                stored = self._lab.runs.tensors(run.run_id, "predictions")
                self._samples[run.run_id] = self._test.samples(task, stored, self._report)
        rows = comparison_of(self._as_study("running")).rows
        self._marks = marks_of(rows, self._samples)

    def _put(self, run: RunFigures) -> None:
        self._runs[run.arm, run.seed] = run

    def _as_study(self, status: str) -> Study:
        found = found_of(
            task=self._task.info.title,
            metric="accuracy" if self._task.label_kind == "class" else "spearman",
            train_items=len(self._task.splits["train"]),
            arms=self._plan.arms,
            runs=self._runs,
            marks=self._marks,
            notes=self._plan.notes,
        )
        return replace(self._study, status=status, found=found)

    def _keep(self, status: str) -> Study:
        """Write the study as it stands, then show it."""
        study = self._as_study(status)
        study = replace(study, text=finding(comparison_of(study)))
        self._study = study
        self._lab.studies.save(study)
        self._report.publish(comparison_of(study))
        return study


class _Watch(Relay):
    """One run's report: tells of the run in the queue, keeps its events to itself.

    Attributes:
        run_id: The run, once it has begun.
        features_seconds: Time that it took to compute features.
    """

    def __init__(
        self, report: Report, place: Place, trains_encoder: bool, started: Callable[[str], None]
    ) -> None:
        super().__init__(report)
        self.run_id = ""
        self.features_seconds = 0.0
        self._place = place
        self._trains_encoder = trains_encoder
        self._started = started
        self._first = self._step = 0
        self._share = 0.0

    def publish(self, event: object) -> None:
        """Listen; the events are in the run's folder."""
        if isinstance(event, RunStarted):
            self.run_id = event.run_id
            self._started(event.run_id)
        elif isinstance(event, FeaturesReady) and not event.cached:
            self.features_seconds += event.seconds
        elif isinstance(event, TrainStep) and (event.encoder_rate or not self._trains_encoder):
            # Of an encoder's run, the steps of the head alone take no time worth telling.
            self._first = self._first or event.step
            self._step = event.step

    def progress(self, done: int, total: int, text: str = "") -> None:  # noqa: ARG002
        """Tell how far the whole queue is: of this run, the steps that count are told."""
        if done == self._step > 0 and total >= done:
            self._share = max((done - self._first + 1) / (total - self._first + 1), self._share)
        self._report.progress(*self._place.at(self._share))
