"""Mistakes at work: reads what a run has answered, and checks that its task is still the same."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.items import TaskItems
from fineview.core.data.task import Task
from fineview.core.errors import RunError
from fineview.core.explore.mistakes import HELD, Held, HeldAnswers, RunAnswers
from fineview.core.files import atomic_stream, spreadsheet_cell
from fineview.core.progress import SILENT, Report
from fineview.core.runs.record import RunRecord
from fineview.core.training.metrics import spearman, wilson

if TYPE_CHECKING:
    from fineview.core.laboratory import Laboratory

Cells = Sequence[str | int | float | None]

_NOT_YET = {
    "running": "is still in flight: its answers are kept when it has finished",
    "stopped": "was stopped before it gave its answers: let it go on to its end",
    "interrupted": "was interrupted before it gave its answers: let it go on to its end",
    "diverged": "diverged, so it gave no answers: train again with a lower rate",
    "failed": "failed before it gave its answers: train again",
}
_ROWS_A_CHECK = 256
_PIECE = 1 << 20
_TIES = 2
"""Items whose two best classes may change places when probabilities are kept in 32 bits."""


def run_answers(lab: "Laboratory", run_id: str, report: Report = SILENT) -> RunAnswers:
    """Return what a run answered on its held-out splits, as it was stored when it finished.

    Args:
        lab: Runs and tasks.
        run_id: A finished run.
        report: Asked between splits.

    Raises:
        RunError: The run has not finished, is damaged, or its task is not what it was.
        FineviewError: Its task cannot be had.
        JobCancelled: Stop was pressed.
    """
    record = lab.runs.read(run_id)
    status, title = record.summary.status, record.summary.title
    if status in _NOT_YET:
        raise RunError(f"The run “{title}” {_NOT_YET[status]}.")
    if status == "damaged":
        raise RunError(record.summary.reason)
    stored = lab.runs.tensors(run_id, "predictions")
    task = lab.task(record.spec.task, record.spec.split)
    report.check()
    items = TaskItems(task)
    train = task.labels[task.splits["train"]]
    classes = len(task.classes)
    counts = np.bincount(train.astype(np.int64), minlength=classes) if classes else np.zeros(0)
    held: dict[Held, HeldAnswers] = {}
    for split in HELD:
        report.check()
        held[split] = _held(record, task, items, stored, split, counts)
    return RunAnswers(
        run_id=run_id,
        run_title=title,
        label_kind=task.label_kind,
        classes=task.classes,
        items=items,
        held=held,
        commonest=task.classes[int(counts.argmax())] if classes else "",
        training_shares=counts / max(counts.sum(), 1),
    )


def _held(
    record: RunRecord,
    task: Task,
    items: TaskItems,
    stored: dict[str, NDArray[Any]],
    split: Held,
    counts: NDArray[Any],
) -> HeldAnswers:
    measured = (record.result or {}).get(split)
    where = stored.get(f"{split}.items")
    numbers = task.label_kind == "number"
    said = stored.get(f"{split}.{'numbers' if numbers else 'probabilities'}")
    told = record.summary.title
    if where is None or said is None or not isinstance(measured, dict):
        raise RunError(
            f"The run “{told}” keeps no {split} answers that fit {task.info.title}: train again."
        )
    width = 1 if numbers else len(task.classes)
    known = tuple((record.result or {}).get("classes", ())) == task.classes
    fits = len(where) == len(said) > 0 and said.shape[1] == width
    if not known or not fits or where.min() < 0 or where.max() >= len(task):
        raise _changed(told, task)
    where = where.astype(np.int64)
    shares = said.astype(np.float64)
    labels = task.labels[where]
    if numbers:
        answers: NDArray[Any] = shares[:, 0].copy()
        score, baseline = spearman(labels.astype(np.float64), answers), 0.0
        interval = tuple(float(end) for end in measured["interval"])
        stored_score, shares = measured["spearman"], shares[:, :0]
    else:
        answers = shares.argmax(1).astype(np.int64)
        score = float((answers == labels).mean())
        interval = wilson(int((answers == labels).sum()), len(labels))
        baseline = float((labels == counts.argmax()).mean())
        stored_score = measured["accuracy"]
    near = 1e-3 if numbers else _TIES / len(labels) + 1e-4
    if not np.isclose(score, stored_score, rtol=0, atol=near, equal_nan=True):
        raise _changed(told, task)
    return HeldAnswers(
        split=split,
        items=where,
        labels=labels,
        answers=answers,
        shares=shares,
        units=items.units(where),
        score=score,
        interval=(interval[0], interval[1]),
        baseline=baseline,
    )


def _changed(told: str, task: Task) -> RunError:
    return RunError(
        f"The task {task.info.title} is not the one that the run “{told}” was measured on any "
        "more: train again, or bring the task back as it was."
    )


def save_rows(
    header: Sequence[str],
    rows: Iterable[Cells],
    count: int,
    path: Path,
    report: Report = SILENT,
) -> None:
    """Write rows as CSV, whole or not at all; no cell is a formula to a spreadsheet.

    Args:
        header: Names of the columns.
        rows: May be made one by one.
        count: How many there are.
        path: The file.
        report: Asked every few hundred rows.

    Raises:
        StoreError: It cannot be written.
        JobCancelled: Stop was pressed; there is no file then.
    """
    with atomic_stream(path) as stream:
        # In large pieces: many small writes let go of the interpreter too often.
        piece = io.StringIO()
        writer = csv.writer(piece, lineterminator="\n")
        writer.writerow(header)
        for done, row in enumerate(rows):
            if done % _ROWS_A_CHECK == 0:
                report.check()
                report.progress(done, count, "Writing")
            writer.writerow([spreadsheet_cell(c) if isinstance(c, str) else c for c in row])
            if piece.tell() > _PIECE:
                stream.write(piece.getvalue())
                piece.seek(0)
                piece.truncate()
        stream.write(piece.getvalue())
