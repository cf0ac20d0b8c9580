"""Movement at work: reads what a run kept of its texts' states and lays both in one picture."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import RunError
from fineview.core.explore.movement import Movement
from fineview.core.features.measures import class_separation
from fineview.core.features.projection import check_points, principal
from fineview.core.progress import SILENT, Report
from fineview.core.runs.record import RunRecord

if TYPE_CHECKING:
    from fineview.core.laboratory import Laboratory


def movement(lab: "Laboratory", run_id: str, layer: int = -1, report: Report = SILENT) -> Movement:
    """Return how a run moved a sample of its validation texts.

    Both sets of states are laid on the principal axes of the two together, so that the way from one
    to the other is drawn as it is.

    Args:
        lab: Runs and tasks.
        run_id: A finished run that trained its encoder.
        layer: 0 … L; -1 takes the last.
        report: Asked between layers.

    Raises:
        RunError: The run moved no encoder, has not finished, or is damaged.
        DataError: All states are equal.
        JobCancelled: Stop was pressed.
    """
    record = lab.runs.read(run_id)
    if not record.spec.strategy.trains_encoder:
        raise RunError(
            f"The run “{record.summary.title}” left the encoder as it was, so no text moved: open "
            "a run whose strategy trains the encoder."
        )
    kept = lab.runs.tensors(run_id, "movement")
    before, after = (kept[name].astype(np.float32) for name in ("before", "after"))
    depth = before.shape[1] - 1
    chosen = depth if not 0 <= layer <= depth else layer
    both = np.concatenate([before[:, chosen], after[:, chosen]])
    check_points(both)
    found = principal(both, 2, report)
    texts, groups, classes = _described(lab, record, kept["items"])
    shift, separation = [], ([], [])  # type: tuple[list[float], tuple[list[float], list[float]]]
    for one in range(depth + 1):
        report.check()
        shift.append(_shift(before[:, one], after[:, one]))
        for place, states in enumerate((before, after)):
            separation[place].append(_separation(states[:, one], groups))
    result = record.result or {}
    said = [float(value) for value in result.get("distances", [])][: depth + 1]
    count = len(before)
    return Movement(
        run_id=run_id,
        run_title=record.summary.title,
        depth=depth,
        layer=chosen,
        texts=texts,
        groups=groups,
        classes=classes,
        before=found.coordinates[:count],
        after=found.coordinates[count:],
        axes=_axes(found.shares),
        shift=tuple(shift),
        separation=(tuple(separation[0]), tuple(separation[1])),
        cka=tuple(float(value) for value in result.get("cka", [])) or (float("nan"),) * (depth + 1),
        distances=tuple(said) if len(said) == depth + 1 else (float("nan"),) * (depth + 1),
    )


def _described(
    lab: "Laboratory", record: RunRecord, items: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.int64], tuple[str, ...]]:
    """Return texts, classes of the texts, and the classes' names."""
    task = lab.task(record.spec.task, record.spec.split)
    nothing = np.full(len(items), -1, dtype=np.int64)
    if task.words is not None:
        starts = np.cumsum([0, *(len(words) for words in task.words)])
        sentences = np.searchsorted(starts, items, side="right") - 1
        return tuple(task.texts[i] for i in sentences), nothing, ()
    texts = tuple(task.example(int(item)) for item in items)
    if task.label_kind == "number":
        return texts, nothing, ()
    return texts, task.labels[items].astype(np.int64), task.classes


def _shift(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    way = np.square(after - before, dtype=np.float64).sum(1).mean()
    spread = np.square(before - before.mean(0), dtype=np.float64).sum(1).mean()
    return float(np.sqrt(way / spread)) if spread > 0 else float("nan")


def _separation(states: NDArray[np.float32], groups: NDArray[np.int64]) -> float:
    several = len(np.unique(groups)) > 1
    if not several or (states.min(0) == states.max(0)).all():
        return float("nan")
    _, labels = np.unique(groups, return_inverse=True)
    return class_separation(states, labels.astype(np.int64))


def _axes(shares: NDArray[np.float64]) -> tuple[str, str]:
    first, second = (f"PC {i + 1} ({100 * share:.3g} % of the variance)" for i, share in
                     enumerate(shares[:2]))  # fmt: skip
    return first, second
