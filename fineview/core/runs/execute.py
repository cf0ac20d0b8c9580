"""One run from spec to result: the same function for the window, the command line, a cluster."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import isnan
from typing import Any, Protocol

import numpy as np

from fineview.core.data.sample import with_shuffled_labels
from fineview.core.data.shift import check_shift
from fineview.core.data.split import SplitConfig
from fineview.core.data.task import ITEM_NAMES, SPLITS, Split, Task
from fineview.core.errors import FineviewError, JobCancelled, StoreError
from fineview.core.features.config import describe
from fineview.core.progress import SILENT, Relay, Report
from fineview.core.runs.check import check_spec
from fineview.core.runs.courses.choosing import course_for
from fineview.core.runs.courses.course import Arrays, Course, Ended, Setting
from fineview.core.runs.courses.course import Bench as CourseBench
from fineview.core.runs.measures import confusion_of, measure
from fineview.core.runs.shifting import judge_shifted
from fineview.core.runs.spec import RunSpec
from fineview.core.runs.store import RunStore
from fineview.core.runs.writer import RunWriter
from fineview.core.training.config import HEAD_TITLES
from fineview.core.training.events import Event, Reference, RunEnded, RunStarted, RunStatus

_EARLY_TFIDF = 2_000
"""Up to so many items TF-IDF takes a second: its line is drawn before the first step."""


class Bench(CourseBench, Protocol):
    """What a run needs around it; `core.laboratory.Laboratory` is one."""

    @property
    def runs(self) -> RunStore:
        """Where the run is kept."""

    def task(self, name: str, split: SplitConfig = SplitConfig()) -> Task:
        """Return the labelled texts."""

    def environment(self) -> Mapping[str, str | int | float | None]:
        """Return versions, device and threads, to be kept with the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """What a run that came to its end brought.

    Attributes:
        run_id: Name of its folder.
        status: `finished` or `diverged`.
        text: One sentence for people.
        result: The run's result.json.
    """

    run_id: str
    status: RunStatus
    text: str
    result: Mapping[str, Any]


class Recorder(Relay):
    """A report that keeps every event in the run's folder before anybody sees it."""

    def __init__(self, report: Report, writer: RunWriter) -> None:
        super().__init__(report)
        self._writer = writer

    def publish(self, event: object) -> None:
        """Write the event; only what is on disk is shown."""
        if isinstance(event, Event):
            self._writer.append(event)
        super().publish(event)

    def show(self, event: Event) -> None:
        """Pass on an event that the store has written itself."""
        self._report.publish(event)


def execute(
    spec: RunSpec,
    bench: Bench,
    report: Report = SILENT,
    *,
    resume: str | None = None,
    branch: tuple[str, int] | None = None,
) -> RunOutcome:
    """Carry out one run and keep it.

    Args:
        spec: What to do.
        bench: Task, encoder, features and the run store.
        report: Receives every event after it is on disk; stops, pauses and changes the run.
        resume: A stopped or interrupted run to go on with; `spec` must be its own.
        branch: A run and the step of one of its checkpoints from which a new run goes on; `spec` is
            that of the run but for its training settings.

    Returns:
        The outcome of a run that finished or diverged.

    Raises:
        JobCancelled: Stopped; the run is kept and can be resumed.
        StoreError: The disk is full, or cannot be written to; the same holds.
        FineviewError: The run cannot be carried out; if it had begun it is kept as failed.
    """
    begun = time.monotonic()
    task = bench.task(spec.task, spec.split)
    encoder = bench.encoder(spec.encoder)
    check_spec(spec, task.info, task.label_kind, encoder.info.layers, len(task))
    other = None
    if spec.shift.kind == "task":
        other = bench.task(spec.shift.task, spec.split)
        check_shift(task, other)
    if spec.control == "shuffled-labels":
        task = with_shuffled_labels(task, spec.seed)
    title = title_of(spec, encoder.info.layers)
    if resume is not None:
        writer = bench.runs.resume(resume)
    elif branch is not None:
        parent, step = branch
        title = f"{title} · from step {step:,}"
        writer = bench.runs.branch(parent, step, spec, environment=bench.environment(), title=title)
    else:
        writer = bench.runs.create(spec, environment=bench.environment(), title=title)
    recorder = Recorder(report, writer)
    setting = Setting(
        spec=spec, bench=bench, task=task, encoder=encoder, report=recorder, save=writer.checkpoint
    )
    run = _Run(spec, bench, task, other, writer, recorder, course_for(setting), begun)
    try:
        return run.carry_out()
    except JobCancelled:
        run.end("stopped", f"Stopped after {run.step} steps; it can go on from there.")
        raise
    except StoreError as error:
        # A full disk is no fault of the run: once there is room, it goes on from its checkpoint.
        run.end_quietly("stopped", str(error))
        raise
    except FineviewError as error:
        run.end_quietly("failed", str(error))
        raise
    except Exception as error:
        run.end_quietly("failed", f"Failed: {error}")
        raise
    finally:
        writer.close()


def title_of(spec: RunSpec, layers: int) -> str:
    """Return what a run is called at first: what differs from head only and linear, and pooling."""
    if spec.strategy.kind == "classical":
        return spec.strategy.info.title
    parts = [describe(spec.pooling, layers)]
    if spec.head.kind != "linear":
        parts.insert(0, HEAD_TITLES[spec.head.kind])
    if spec.strategy.kind != "head":
        name = spec.strategy.info.title
        if spec.strategy.kind == "last-k":
            name = f"Last {spec.strategy.top_layers} layers"
        parts.insert(0, name)
    if spec.control != "none":
        parts.append("shuffled labels")
    return " · ".join(parts)


class _Run:
    """The state of one run in flight."""

    def __init__(
        self, spec: RunSpec, bench: Bench, task: Task, other: Task | None, writer: RunWriter,
        report: Recorder, course: Course, begun: float,
    ) -> None:  # fmt: skip
        self.spec = spec
        self.bench = bench
        self.task = task
        self.other = other
        self.writer = writer
        self.report = report
        self.course = course
        self.begun = begun
        self.references: list[Reference] = []
        self.begins = False
        # What an earlier part of a resumed run took counts too.
        self.earlier = bench.runs.summary(writer.run_id).seconds or 0.0

    @property
    def step(self) -> int:
        """Steps done."""
        return self.course.step

    @property
    def seconds(self) -> float:
        """Time of the run so far."""
        return self.earlier + time.monotonic() - self.begun

    def carry_out(self) -> RunOutcome:
        found = self.writer.latest_checkpoint()
        self.report.publish(
            RunStarted(
                run_id=self.writer.run_id,
                resumed_from=found[0] if found else 0,
                total_steps=self.course.total,
            )
        )
        kept = self.course.prepare()
        # References learn from and are measured on the very items that the head has: of a long
        # word-level task that is a sample.
        self.task = replace(self.task, splits=dict(kept))
        self._refer(majority_of(self.task))
        self.course.begin(self.task, found)  # the first point comes before what takes time
        self.begins = True
        try:
            ended = self._train_among_references()
        except JobCancelled:
            self.course.checkpoint()  # keep this very step
            raise
        try:
            return self._conclude(ended)
        except JobCancelled:
            if not ended.early:  # which a checkpoint would not know
                self.course.checkpoint()
            raise

    def _train_among_references(self) -> Ended:
        """Draw the lines that are quickly found before the first step, the others at the end."""
        items = sum(len(self.task.splits[s]) for s in SPLITS)
        lines = [*self.course.references(), (items <= _EARLY_TFIDF, self._tfidf)]
        for early, line in lines:
            if early:
                self._refer(line())
        ended = self.course.train()
        for early, line in lines:
            if not early and not ended.diverged:
                self.report.progress(self.course.step, self.course.total, "reference lines")
                self._refer(line())
        return ended

    def _tfidf(self) -> Reference:
        from fineview.core.device import one_thread
        from fineview.core.training.references import tfidf

        with one_thread():
            return tfidf(self.task)

    def _refer(self, reference: Reference) -> None:
        self.references.append(reference)
        self.report.publish(reference)

    def _conclude(self, ended: Ended) -> RunOutcome:
        result = self._describe(ended)
        if ended.diverged:
            steps = self.course.step
            text = (
                f"Diverged after {steps} step{'s' * (steps != 1)} at rate "
                f"{self.spec.training.learning_rate:g}: the weights kept are the last sound ones; "
                "train again with a tenth of the rate."
            )
            return self._finish("diverged", text, result, self.course.artefacts())
        predictions: Arrays = {}
        splits: tuple[Split, ...] = ("validation", "test")
        for split in splits:
            answers = self.course.answers(split)
            labels = self.task.labels[self.task.splits[split]]
            result[split] = measure(self.task, labels, answers)
            predictions[f"{split}.items"] = self.task.splits[split]
            name = "probabilities" if self.task.classes else "numbers"
            predictions[f"{split}.{name}"] = answers.astype(np.float32)
            if split == "validation" and self.task.classes:
                counts = confusion_of(self.task, labels, answers)
                result["confusion"] = counts.tolist()
        if self.spec.shift.kind != "none":
            result["shift"], said = judge_shifted(
                self.course, self.task, answers, self.spec.shift, self.other, self.report
            )
            predictions |= said
        # What the table of runs shows stands at the top.
        result["test_accuracy"] = result["test"]["spearman" if self.numbers else "accuracy"]
        result["interval"] = result["test"]["interval"]
        tensors = self.course.artefacts() | {"predictions": predictions}
        return self._finish("finished", self._sentence(result), result, tensors)

    @property
    def numbers(self) -> bool:
        """Whether labels are numbers."""
        return self.task.label_kind == "number"

    def _describe(self, ended: Ended) -> dict[str, Any]:
        encoder = self.bench.encoder(self.spec.encoder).info
        last = ended.last
        measured = {} if last is None else {
            "train": {"loss": last.train_loss, "accuracy": last.train_score},
            "penalised_loss": last.penalised_loss,
        }  # fmt: skip
        return {
            "task": self.task.info.title,
            "level": self.task.info.level,
            "label_kind": self.task.label_kind,
            "metric": "spearman" if self.numbers else "accuracy",
            "classes": list(self.task.classes),
            "pooling": describe(self.spec.pooling, encoder.layers),
            "steps": self.course.step,
            "stopped_early": ended.early,
            **measured,
            **self.course.describe(),
            "references": {r.name: asdict(r) for r in self.references},
            "metrics_seed": self.spec.seed,
        }

    def _sentence(self, result: Mapping[str, Any]) -> str:
        test = result["test"]
        low, high = test["interval"]
        unseen = f"on {test['items']} unseen {ITEM_NAMES[self.task.info.level]}"
        took = f"{self.seconds:.1f} s"
        shift = result.get("shift")
        if shift is not None:
            value = shift["spearman" if self.numbers else "accuracy"]
            took = f"{'none' if isnan(value) else f'{value:.2f}'} {shift['title']}; {took}"
        if self.numbers and isnan(test["spearman"]):
            return (
                f"There is no rank correlation {unseen}: the answers, or the labels, are all the "
                f"same number; {took}."
            )
        if self.numbers:
            return (
                f"Rank correlation {test['spearman']:.2f} {unseen} (95 % interval "
                f"{low:.2f}–{high:.2f}); always answering the mean: 0; {took}."
            )
        guess = next(r.test_accuracy for r in self.references if r.name == "majority")
        return (
            f"Accuracy {test['accuracy']:.2f} {unseen} (95 % interval {low:.2f}–{high:.2f}); "
            f"always guessing the commonest: {guess or 0:.2f}; {took}."
        )

    def _finish(
        self,
        status: RunStatus,
        text: str,
        result: dict[str, Any],
        tensors: Mapping[str, Mapping[str, Any]],
    ) -> RunOutcome:
        result |= {"status": status, "text": text, "seconds": self.seconds}
        end = RunEnded(status=status, text=text, step=self.step, seconds=self.seconds)
        self.writer.finish(end, result=result, tensors=tensors)
        self.report.show(end)
        return RunOutcome(run_id=self.writer.run_id, status=status, text=text, result=result)

    def end(self, status: RunStatus, text: str) -> None:
        """Close the run without a result."""
        # A stopped run's head may be tried before it goes on.
        tensors = self.course.artefacts() if self.begins else {}
        end = RunEnded(status=status, text=text, step=self.step, seconds=self.seconds)
        self.writer.finish(end, result=None, tensors=tensors)
        self.report.show(end)

    def end_quietly(self, status: RunStatus, text: str) -> None:
        """Close the run; where even that fails, the first error is the one to be told."""
        try:
            self.end(status, text)
        except FineviewError:
            return


def majority_of(task: Task) -> Reference:
    """Return the majority reference; imported late because its module needs torch."""
    from fineview.core.training.references import majority

    return majority(task)
