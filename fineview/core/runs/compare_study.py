"""A comparison as a study on disk, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fineview.core.errors import FineviewError, RunError
from fineview.core.runs.compare_choice import PRESETS, CompareChoice, choice_from_dict, preset_of
from fineview.core.runs.compare_figures import RunFigures
from fineview.core.runs.compare_plan import Arm
from fineview.core.runs.compare_rows import Comparison, Mark, lines_of, rows_of
from fineview.core.runs.spec import RunSpec, spec_from_dict
from fineview.core.runs.studies import Study

KIND = "compare"
_PAIRS = ("interval",)


def asked_of(base: RunSpec, choice: CompareChoice) -> dict[str, Any]:
    """Return what a study keeps of the question."""
    return {"base": base.to_dict(), "choice": asdict(choice)}


def question_of(study: Study) -> tuple[RunSpec, CompareChoice]:
    """Return the question that a study keeps.

    Raises:
        RunError: It is no comparison, or of another version.
    """
    if study.kind != KIND:
        raise RunError(f"The study {study.study_id} is no comparison: choose one that is.")
    try:
        return (
            spec_from_dict(study.asked.get("base"), "the study"),
            choice_from_dict(study.asked.get("choice"), "the study"),
        )
    except FineviewError as error:
        raise RunError(f"The study {study.study_id} cannot be read: {error}") from None


def title_of(choice: CompareChoice, task: str) -> str:
    """Return what a comparison is called."""
    known = preset_of(choice)
    return f"{PRESETS[known].title if known else 'Comparison'} · {task}"


def found_of(
    *,
    task: str,
    metric: str,
    train_items: int,
    arms: Sequence[Arm],
    runs: Mapping[tuple[str, int], RunFigures],
    marks: Mapping[str, Mark],
    notes: Sequence[str],
) -> dict[str, Any]:
    """Return what a study keeps of the answer."""
    return {
        "task": task,
        "metric": metric,
        "train_items": train_items,
        "arms": [asdict(arm) for arm in arms],
        "runs": [asdict(run) for run in runs.values()],
        "marks": dict(marks),
        "notes": list(notes),
    }


def runs_of(study: Study) -> dict[tuple[str, int], RunFigures]:
    """Return a study's runs by arm and seed.

    Raises:
        RunError: They are of another version.
    """
    found = [_run(values) for values in _list(study, "runs")]
    return {(run.arm, run.seed): run for run in found}


def comparison_of(study: Study) -> Comparison:
    """Return a study as the comparison it is.

    Raises:
        RunError: It is no comparison, or of another version.
    """
    base, choice = question_of(study)
    found = study.found
    metric = str(found.get("metric", "accuracy"))
    try:
        arms = [Arm(**{**v, "seeds": tuple(v["seeds"])}) for v in _list(study, "arms")]
    except (TypeError, KeyError) as error:
        raise _unreadable(study, error) from None
    rows = rows_of(
        arms,
        runs_of(study),
        dict(found.get("marks", {})),
        shape=choice.shape,
        least=-1.0 if metric == "spearman" else 0.0,
    )
    return Comparison(
        study_id=study.study_id,
        title=study.title,
        created=study.created,
        status=study.status,
        text=study.text,
        base=base,
        choice=choice,
        task=str(found.get("task", base.task)),
        metric=metric,
        train_items=int(found.get("train_items", 0)),
        rows=rows,
        lines=lines_of(rows),
        notes=tuple(map(str, _list(study, "notes"))),
    )


def is_unfinished(study: Study) -> bool:
    """Return whether something of a comparison is left to be done, or to be tried again."""
    runs = study.found.get("runs", [])
    wrong = any(isinstance(r, dict) and r.get("status") in ("failed", "refused") for r in runs)
    return study.status in ("stopped", "interrupted", "failed") or wrong


def _run(values: Mapping[str, Any]) -> RunFigures:
    try:
        pairs = {n: tuple(values[n]) for n in _PAIRS if values.get(n) is not None}
        return RunFigures(**{**values, **pairs})
    except TypeError as error:
        raise RunError(f"A run of the study cannot be read ({error}): compare again.") from None


def _list(study: Study, name: str) -> list[Any]:
    values = study.found.get(name, [])
    if not isinstance(values, list):
        raise _unreadable(study, f"{name} is no list")
    return values


def _unreadable(study: Study, why: object) -> RunError:
    return RunError(f"The study {study.study_id} cannot be read ({why}): compare again.")
