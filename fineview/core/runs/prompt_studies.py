"""Prompts held against labelled rows, and shots curves, as studies on disk, and back."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from fineview.core.errors import JobCancelled, RunError
from fineview.core.progress import SILENT, Relay, Report
from fineview.core.prompting.asked import Items, items_of
from fineview.core.prompting.choices import (
    AnswerConfig,
    EvaluateChoice,
    ModelChoice,
    PromptConfig,
    ShotsChoice,
)
from fineview.core.prompting.seen import Evaluation, ShotsCurve, ShotsPoint
from fineview.core.prompting.tables import table
from fineview.core.runs.spec import RunSpec
from fineview.core.runs.studies import Study

if TYPE_CHECKING:
    from fineview.core.laboratory import Laboratory

EVALUATE_KIND, SHOTS_KIND = "prompt", "shots"
TASK = "task"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptAsked:
    """What a study of prompts was asked.

    Attributes:
        model: The language model.
        prompt: The prompt.
        answer: How its answer is read.
        evaluate: What it is held against; None for a shots curve.
        shots: The shots curve; None for an evaluation.
        source: `table:NAME`, or the name of a task.
        title: Of the source.
    """

    model: ModelChoice
    prompt: PromptConfig
    answer: AnswerConfig
    evaluate: EvaluateChoice | None = None
    shots: ShotsChoice | None = None
    source: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptResult:
    """One format of one model with one draw of examples.

    Attributes:
        format: Of an example.
        model: As the session names it.
        evaluation: What came of it.
    """

    format: str
    model: str
    evaluation: Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptStudy:
    """A study of prompts as it stands; also published while it grows.

    Attributes:
        study_id: Name of its file.
        title: For people.
        status: As in `Study`.
        text: One sentence on how it stands.
        asked: What was to be done.
        results: What was evaluated.
        curve: The shots curve so far; None for an evaluation.
    """

    study_id: str
    title: str
    status: str
    text: str
    asked: PromptAsked
    results: tuple[PromptResult, ...] = ()
    curve: ShotsCurve | None = None


def evaluate_prompt(
    lab: "Laboratory",
    spec: RunSpec,
    model: ModelChoice,
    prompt: PromptConfig,
    answer: AnswerConfig,
    choice: EvaluateChoice,
    report: Report = SILENT,
) -> Study:
    """Hold prompts against rows: each format × each model × each seed; what is done is kept.

    Args:
        lab: Opens models and tasks, keeps the study.
        spec: Names the task and its splits.
        model: The language model.
        prompt: The prompt; its format is the first.
        answer: How answers are read.
        choice: Rows, examples, seeds, further models and formats.
        report: Told of each answer, and of the study after each evaluation.

    Raises:
        FineviewError: The prompt and the rows do not go together, or a model cannot be had.
        JobCancelled: Stop was pressed; what was evaluated is kept.
    """
    from fineview.core.prompting.evaluation import evaluate

    items = _items(lab, spec, choice.source)
    asked = PromptAsked(
        model=model,
        prompt=prompt,
        answer=answer,
        evaluate=choice,
        source=spec.task if choice.source == TASK else choice.source,
        title=items.title,
    )
    models = [model, *(replace(model, name=name) for name in choice.others)]
    formats = dict.fromkeys((prompt.example, *choice.formats))
    total = len(models) * len(formats) * choice.seeds

    def work(keep: "_Keeper") -> None:
        done: list[PromptResult] = []
        for one in models:
            lab.prompts.load(one, report)
            opened = lab.prompts.model(one, report)
            for example in formats:
                for seed in range(choice.seeds):
                    told = _Part(report, len(done), total)
                    written = replace(prompt, example=example)
                    found = evaluate(
                        opened, written, answer, choice, items, told, seeds=range(seed, seed + 1)
                    )
                    done += [
                        PromptResult(format=example, model=one.name, evaluation=evaluation)
                        for evaluation in found
                    ]
                    keep(results=tuple(done))

    return _carry_out(lab, EVALUATE_KIND, asked, work, report)


def measure_shots(
    lab: "Laboratory",
    spec: RunSpec,
    model: ModelChoice,
    prompt: PromptConfig,
    answer: AnswerConfig,
    choice: ShotsChoice,
    report: Report = SILENT,
) -> Study:
    """Measure accuracy against the number of examples; what is done is kept.

    Args:
        lab: Opens models and tasks, keeps the study.
        spec: Names the task, the encoder under the head and its pooling.
        model: The language model.
        prompt: Instruction, format and separator.
        answer: How answers are read.
        choice: Rows, numbers of examples, draws, orders.
        report: Told of each point.

    Raises:
        FineviewError: The prompt and the rows do not go together, or a model cannot be had.
        JobCancelled: Stop was pressed; what was measured is kept.
    """
    from fineview.core.prompting.shots import encoder_side, shots_curve

    items = _items(lab, spec, choice.source)
    asked = PromptAsked(
        model=model,
        prompt=prompt,
        answer=answer,
        shots=choice,
        source=spec.task if choice.source == TASK else choice.source,
        title=items.title,
    )

    def work(keep: "_Keeper") -> None:
        lab.prompts.load(model, report)
        opened = lab.prompts.model(model, report)
        head = None
        if choice.head and items.classes:
            head = encoder_side(lab.encoder(spec.encoder), spec.pooling)
        so_far = ShotsCurve(
            task=items.title,
            model=opened.info.title,
            encoder=head.title if head is not None else "",
            points=(),
            majority=0.0,
            most=choice.most,
            labels=choice.labels,
        )
        growing = _Growing(report, keep, so_far)
        keep(curve=shots_curve(opened, prompt, answer, choice, items, head, growing))

    return _carry_out(lab, SHOTS_KIND, asked, work, report)


def prompt_study_of(study: Study) -> PromptStudy:
    """Return a study of prompts from its file.

    Raises:
        RunError: It is another kind of study, or its values do not fit.
    """
    if study.kind not in (EVALUATE_KIND, SHOTS_KIND):
        raise RunError(f"The study {study.study_id} is no study of prompts: choose another.")
    try:
        return PromptStudy(
            study_id=study.study_id,
            title=study.title,
            status=study.status,
            text=study.text,
            asked=_checked(PromptAsked, study.asked),
            results=_checked(tuple[PromptResult, ...], study.found.get("results", ())),
            curve=_checked(ShotsCurve | None, study.found.get("curve")),
        )
    except ValueError as error:
        raise RunError(
            f"The study {study.study_id} does not hold what a study of prompts holds: delete it."
        ) from error


def _checked(kind: Any, value: object) -> Any:  # noqa: ANN401 - what `kind` says
    """Return a value of a file as what it stands for.

    Raises:
        ValueError: It is none.
    """
    from pydantic import TypeAdapter

    return TypeAdapter(kind).validate_python(value)


def _items(lab: "Laboratory", spec: RunSpec, source: str) -> Items:
    if source == TASK:
        return items_of(lab.task(spec.task, spec.split))
    return items_of(table(source.removeprefix("table:")))


_Keeper = Callable[..., None]


def _carry_out(
    lab: "Laboratory",
    kind: str,
    asked: PromptAsked,
    work: Callable[[_Keeper], None],
    report: Report,
) -> Study:
    """Do the work of a study, and keep it on disk as it grows."""
    name = "Shots curve" if kind == SHOTS_KIND else "Prompt"
    study = lab.studies.create(lab.runs.new_id(), kind, f"{name} · {asked.title}", asdict(asked))
    report.publish(prompt_study_of(study))

    def keep(**found: object) -> None:
        nonlocal study
        values: Mapping[str, Any] = {name: _plain(value) for name, value in found.items()}
        study = replace(study, found={**study.found, **values})
        lab.studies.save(study)
        report.publish(prompt_study_of(study))

    try:
        work(keep)
    except BaseException as error:
        stopped = isinstance(error, JobCancelled)
        study = replace(
            study,
            status="stopped" if stopped else "failed",
            text="Stopped; what was measured until then is shown." if stopped else str(error),
        )
        lab.studies.save(study)
        report.publish(prompt_study_of(study))
        raise
    study = replace(study, status="finished", text="")
    lab.studies.save(study)
    report.publish(prompt_study_of(study))
    return study


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [asdict(one) for one in value]
    return asdict(value)  # type: ignore[call-overload]  # a dataclass


class _Part(Relay):
    """The progress of one part of several."""

    def __init__(self, report: Report, part: int, parts: int) -> None:
        super().__init__(report)
        self._part, self._parts = part, parts

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Tell it as progress of all."""
        if self._parts > 1:
            text = f"{text} · part {self._part + 1} of {self._parts}"
        self._report.progress(self._part * total + done, self._parts * total, text)


class _Growing(Relay):
    """Keeps each point of a curve as it comes."""

    def __init__(self, report: Report, keep: _Keeper, curve: ShotsCurve) -> None:
        super().__init__(report)
        self._keep, self._curve = keep, curve

    def publish(self, event: object) -> None:
        """Keep points; pass on anything else."""
        if isinstance(event, ShotsPoint):
            self._curve = replace(self._curve, points=(*self._curve.points, event))
            self._keep(curve=self._curve)
        else:
            super().publish(event)
