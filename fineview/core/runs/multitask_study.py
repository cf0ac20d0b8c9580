"""Several tasks on one encoder as a study on disk, and back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from fineview.core.data.task import LabelKind, Level
from fineview.core.errors import FineviewError, RunError
from fineview.core.runs.studies import Study
from fineview.core.training.multitask.config import BALANCES, TasksChoice, choice_from_dict
from fineview.core.training.multitask.events import (
    Agreement,
    GradientCosines,
    JointStep,
    agreement_of,
)

KIND = "tasks"
_MOST_STEPS, _MOST_COSINES = 500, 200
_DIGITS = 6
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """One of the tasks.

    Attributes:
        name: In the catalogue.
        title: On screen.
        level: What a label belongs to.
        kind: What labels are.
        classes: C; 0 for numbers.
        train: Training items within the maximum length.
        test: Test items.
        texts: Texts of it in a step.
        baseline: Test accuracy of the class that is commonest in training; None for numbers.
    """

    name: str
    title: str
    level: Level
    kind: LabelKind
    classes: int
    train: int
    test: int
    texts: int
    baseline: float | None = None

    @property
    def measure(self) -> str:
        """What its results are, for people."""
        return "accuracy" if self.kind == "class" else "rank correlation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measure on the test items with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """How good one task has become.

    Attributes:
        together: Trained with the others: accuracy, or rank correlation for numbers.
        alone: Trained alone; None where that was not done.
        difference: together − alone, with a paired bootstrap interval over the test items.
        same: Whether both answer every test item alike to the last bit.
    """

    together: Figure | None = None
    alone: Figure | None = None
    difference: Figure | None = None
    same: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksStudy:
    """A study as the window shows it.

    Attributes:
        study_id: Name of its file.
        title: On screen.
        created: UTC, ISO 8601.
        status: As of any study.
        text: What it teaches, or how it ended.
        encoder: Its name.
        encoder_title: On screen.
        choice: What was asked.
        tasks: (K,) the tasks.
        results: (K,) how good they have become.
        steps: Steps taken, of all phases; some are left out of long trainings.
        cosines: Comparisons of the gradients while all were trained together.
    """

    study_id: str
    title: str
    created: str
    status: str
    text: str
    encoder: str
    encoder_title: str
    choice: TasksChoice
    tasks: tuple[TaskFacts, ...] = ()
    results: tuple[TaskResult, ...] = ()
    steps: tuple[JointStep, ...] = ()
    cosines: tuple[GradientCosines, ...] = ()

    @property
    def agreement(self) -> Agreement | None:
        """Means over all comparisons; None before the first."""
        return agreement_of(self.cosines)


def asked_of(encoder: str, choice: TasksChoice) -> dict[str, Any]:
    """Return what a study keeps of the question."""
    return {"encoder": encoder, "choice": asdict(choice)}


def title_of(titles: Sequence[str], choice: TasksChoice) -> str:
    """Return what a study is called."""
    parts = [" + ".join(titles)]
    if choice.remedy != "none":
        parts.append(BALANCES[choice.remedy].title)
    if not choice.trains_encoder:
        parts.append("frozen")
    return " · ".join(parts)


def found_of(
    *,
    encoder_title: str,
    tasks: Sequence[TaskFacts],
    results: Sequence[TaskResult],
    steps: Sequence[JointStep],
    cosines: Sequence[GradientCosines],
) -> dict[str, Any]:
    """Return what a study keeps of the answer."""
    by_phase: dict[str, list[JointStep]] = {}
    for step in steps:
        by_phase.setdefault(step.phase, []).append(step)
    kept = [step for part in by_phase.values() for step in _thinned(part, _MOST_STEPS)]
    return {
        "encoder_title": encoder_title,
        "tasks": [asdict(task) for task in tasks],
        "results": [asdict(result) for result in results],
        "steps": [_rounded(asdict(step)) for step in kept],
        "cosines": [_rounded(asdict(one)) for one in _thinned(cosines, _MOST_COSINES)],
    }


def tasks_study_of(study: Study) -> TasksStudy:
    """Return a study as what it is.

    Raises:
        RunError: It is no study of several tasks, or of another version.
    """
    if study.kind != KIND:
        raise RunError(
            f"The study {study.study_id} is not one of several tasks: choose one that is."
        )
    found = study.found
    try:
        return TasksStudy(
            study_id=study.study_id,
            title=study.title,
            created=study.created,
            status=study.status,
            text=study.text,
            encoder=str(study.asked["encoder"]),
            encoder_title=str(found.get("encoder_title", study.asked["encoder"])),
            choice=choice_from_dict(study.asked["choice"]),
            tasks=tuple(TaskFacts(**one) for one in found.get("tasks", ())),
            results=tuple(_result(one) for one in found.get("results", ())),
            steps=tuple(JointStep(**_tuples(one)) for one in found.get("steps", ())),
            cosines=tuple(GradientCosines(**_tuples(one)) for one in found.get("cosines", ())),
        )
    except (FineviewError, TypeError, KeyError, AttributeError) as error:
        raise RunError(
            f"The study {study.study_id} cannot be read ({error}): train these tasks again."
        ) from None


def _result(values: Mapping[str, Any]) -> TaskResult:
    figures = {
        name: None if values[name] is None else Figure(**values[name])
        for name in ("together", "alone", "difference")
    }
    return TaskResult(**figures, same=values["same"])


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _tuple(value) for name, value in values.items()}


def _tuple(value: object) -> object:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


def _rounded(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return JSON values with as many digits as a plot can show."""
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _thinned(events: Sequence[_T], most: int) -> list[_T]:
    """Return at most `most` events, evenly spread, the last one among them."""
    stride = max(math.ceil(len(events) / most), 1)
    return list(events[::-1][::stride][::-1])
