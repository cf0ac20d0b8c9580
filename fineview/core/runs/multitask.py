"""Several tasks on one encoder, together and each alone: carried out, and kept as one study."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.split import SplitConfig
from fineview.core.data.task import Split, Task
from fineview.core.errors import FineviewError, JobCancelled
from fineview.core.progress import SILENT, Relay, Report
from fineview.core.runs.multitask_study import (
    KIND,
    Figure,
    TaskFacts,
    TaskResult,
    asked_of,
    found_of,
    tasks_study_of,
    title_of,
)
from fineview.core.runs.multitask_words import finding
from fineview.core.runs.store import RunStore
from fineview.core.runs.studies import Study, StudyStore
from fineview.core.training.metrics import number_scores, scores
from fineview.core.training.multitask.config import TasksChoice, check_rows, check_tasks
from fineview.core.training.multitask.events import GradientCosines, JointStep, agreement_of

if TYPE_CHECKING:
    from fineview.core.models.encoder import Encoder
    from fineview.core.training.multitask.loop import JointTask, JointTraining
    from fineview.core.training.tuning.examples import Examples

_SAVE_EVERY_S = 10.0


class Bench(Protocol):
    """What is needed around it; `core.laboratory.Laboratory` is one."""

    @property
    def runs(self) -> RunStore:
        """Names studies."""

    @property
    def studies(self) -> StudyStore:
        """Where the study is kept."""

    def task(self, name: str, split: SplitConfig = SplitConfig()) -> Task:
        """Return labelled texts."""

    def encoder(self, name: str) -> "Encoder":
        """Return an encoder; its weights need not be loaded."""


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    """One task with its texts as tokens.

    Attributes:
        task: The labelled texts.
        joint: What training sees of it.
        test: Its test texts.
    """

    task: Task
    joint: "JointTask"
    test: "Examples"


def train_tasks(lab: Bench, encoder: str, choice: TasksChoice, report: Report = SILENT) -> Study:
    """Train several tasks on one encoder, then each alone if asked, and keep what came of it.

    Args:
        lab: Tasks, encoders, studies.
        encoder: Name of the encoder.
        choice: Tasks, budget, what moves, how it is balanced.
        report: Receives `JointStep`s, `GradientCosines` and, when a training begins or has ended,
            a `TasksStudy`; stops and pauses.

    Returns:
        The study, `finished`; `tasks_study_of` reads it.

    Raises:
        JobCancelled: Stopped; the study is kept with what was measured so far.
        ConfigError: The choice does not fit its tasks or the encoder; nothing is kept.
        FineviewError: A loss left the numbers, or the study cannot be written.
    """
    tasks = [lab.task(name, choice.split) for name in choice.tasks]
    source = lab.encoder(encoder)
    check_tasks(choice, [task.info for task in tasks], source.info.layers)
    source.load(report)
    members = _members(source, tasks, choice, report)
    title = title_of([task.info.title for task in tasks], choice)
    study = lab.studies.create(lab.runs.new_id(), KIND, title, asked_of(encoder, choice))
    return _Course(lab, study, source, choice, members, report).run()


def _members(
    source: "Encoder", tasks: Sequence[Task], choice: TasksChoice, report: Report
) -> list[_Member]:
    """Read the texts, and find out how many of each task make a step."""
    from fineview.core.training.multitask.loop import JointTask, batch_sizes
    from fineview.core.training.tuning.examples import examples_of

    def read(task: Task, split: Split) -> "Examples":
        report.progress(0, 0, f"Reading {task.info.title}")
        return examples_of(source, task, split, choice.max_length, report)

    train, test = ([read(task, split) for task in tasks] for split in ("train", "test"))
    for task, one, other in zip(tasks, train, test, strict=True):
        check_rows(task.info, len(one.items), len(other.items))
    sizes = batch_sizes([len(one) for one in train], choice.batch_size, choice.sampling)
    return [
        _Member(
            task,
            JointTask(
                info=task.info,
                kind=task.label_kind,
                classes=len(task.classes),
                train=one,
                size=size,
                turns=-(-len(one) // size),
            ),
            other,
        )
        for task, one, other, size in zip(tasks, train, test, sizes, strict=True)
    ]


class _Course(Relay):
    """A study in flight; it is the report of its trainings, and keeps what they say."""

    def __init__(
        self,
        lab: Bench,
        study: Study,
        source: "Encoder",
        choice: TasksChoice,
        members: Sequence[_Member],
        report: Report,
    ) -> None:
        super().__init__(report)
        self._lab = lab
        self._study = study
        self._source = source
        self._choice = choice
        self._members = members
        self._facts = [_facts(member) for member in members]
        self._results = [TaskResult() for _ in members]
        self._answers: list[NDArray[np.float64]] = []
        self._steps: list[JointStep] = []
        self._cosines: list[GradientCosines] = []
        self._each = choice.epochs * max(member.joint.turns for member in members)
        self._phases = 1 + len(members) * choice.alone
        self._phase, self._told = 0, "together"
        self._kept_at = time.monotonic()

    def publish(self, event: object) -> None:
        """Keep what is told, and pass it on; write the study now and then, lest it be lost."""
        super().publish(event)
        if isinstance(event, JointStep):
            self._steps.append(event)
            done = self._phase * self._each + event.step
            text = f"{self._told} · step {event.step}/{self._each}"
            self.progress(done, self._phases * self._each, text)
        elif isinstance(event, GradientCosines):
            self._cosines.append(event)
        if time.monotonic() - self._kept_at > _SAVE_EVERY_S:
            self._keep("running")

    def run(self) -> Study:
        """Train together, then each alone.

        Raises:
            JobCancelled: Stopped; the study says so.
            FineviewError: A loss left the numbers, or the study cannot be written.
        """
        try:
            self._show("running")
            self._together()
            if self._choice.alone:
                for place in range(len(self._members)):
                    self._alone(place)
        except JobCancelled:
            self._show("stopped")
            raise
        except BaseException as error:
            with suppress(FineviewError):  # the first error is the one to be told
                self._show("failed", str(error))
            raise
        return self._show("finished")

    def _together(self) -> None:
        training = self._training(self._members, "")
        training.run()
        for place, member in enumerate(self._members):
            answers = self._judge(training, place, member)
            self._answers.append(answers)
            figure = _figure(member, answers)
            self._results[place] = replace(self._results[place], together=figure)
        self._show("running")

    def _alone(self, place: int) -> None:
        member = self._members[place]
        self._phase, self._told = 1 + place, f"{member.task.info.title} alone"
        training = self._training([member], member.task.info.name)
        training.run()
        answers = self._judge(training, 0, member)
        self._results[place] = replace(
            self._results[place],
            alone=_figure(member, answers),
            difference=_difference(member, self._answers[place], answers, self),
            same=bool(np.array_equal(self._answers[place], answers)),
        )
        self._show("running")

    def _training(self, members: Sequence[_Member], phase: str) -> "JointTraining":
        from fineview.core.training.multitask.loop import JointTraining

        joint = [member.joint for member in members]
        return JointTraining(
            self._source, joint, self._choice, total=self._each, phase=phase, report=self
        )

    def _judge(self, training: "JointTraining", place: int, member: _Member) -> NDArray[np.float64]:
        """Return probabilities (n, C) or numbers (n, 1) for the test items."""
        from fineview.core.training.tuning.judging import answers_of

        return answers_of(training.models[place], member.test, report=self)[0]

    def _as_study(self, status: str, text: str = "") -> Study:
        agreement = agreement_of(self._cosines)
        found = found_of(
            encoder_title=self._source.info.title,
            tasks=self._facts,
            results=self._results,
            steps=self._steps,
            cosines=self._cosines,
        )
        said = text or finding(self._choice, self._facts, self._results, agreement)
        if status == "stopped":
            said = f"Stopped: {self._told}, after {len(self._steps)} steps. {said}".strip()
        return replace(self._study, status=status, found=found, text=said)

    def _keep(self, status: str, text: str = "") -> Study:
        """Write the study as it stands."""
        self._kept_at = time.monotonic()
        self._study = self._as_study(status, text)
        self._lab.studies.save(self._study)
        return self._study

    def _show(self, status: str, text: str = "") -> Study:
        """Write the study as it stands, then show it."""
        study = self._keep(status, text)
        super().publish(tasks_study_of(study))
        return study


def _facts(member: _Member) -> TaskFacts:
    task, joint = member.task, member.joint
    baseline = None
    if task.label_kind == "class":
        commonest = np.bincount(joint.train.labels.numpy()).argmax()
        baseline = float((member.test.labels.numpy() == commonest).mean())
    return TaskFacts(
        name=task.info.name,
        title=task.info.title,
        level=task.info.level,
        kind=task.label_kind,
        classes=len(task.classes),
        train=len(joint.train.items),
        test=len(member.test.items),
        texts=joint.size,
        baseline=baseline,
    )


def _figure(member: _Member, answers: NDArray[np.float64]) -> Figure:
    labels = member.test.labels.numpy()
    if member.joint.kind == "class":
        found = scores(labels, answers)
        value, (low, high) = found.accuracy, found.interval
    else:
        numbers = number_scores(labels, answers[:, 0])
        value, (low, high) = numbers.spearman, numbers.interval
        value = value if isfinite(value) else 0.0  # the same answer to everything ranks nothing
    return Figure(value=value, low=low, high=high)


def _difference(
    member: _Member,
    together: NDArray[np.float64],
    alone: NDArray[np.float64],
    report: Report,
) -> Figure:
    """Return together − alone with the percentile interval of a paired bootstrap.

    Source:
        Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13.
    """
    from fineview.core.runs.compare_marks import TestItems

    items = TestItems(member.task)
    name = "probabilities" if member.joint.kind == "class" else "numbers"
    samples = [
        items.samples(member.task, {"test.items": member.test.items, f"test.{name}": one}, report)
        for one in (together, alone)
    ]
    low, high = np.percentile(samples[0] - samples[1], [2.5, 97.5])
    value = _figure(member, together).value - _figure(member, alone).value
    return Figure(value=value, low=float(low), high=float(high))
