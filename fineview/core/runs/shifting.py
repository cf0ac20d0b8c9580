"""The second test set of a run: judged with the weights of the first one, and compared with it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.shift import ShiftConfig, Shifted, shift_title, shifted
from fineview.core.data.task import Task
from fineview.core.errors import ConfigError
from fineview.core.progress import Report
from fineview.core.runs.courses.course import Arrays, Course
from fineview.core.runs.measures import measure


def judge_shifted(
    course: Course,
    task: Task,
    answers: NDArray[np.float64],
    config: ShiftConfig,
    other: Task | None,
    report: Report,
) -> tuple[dict[str, Any], Arrays]:
    """Judge the second test set and compare it with the first.

    Args:
        course: At its end.
        task: Its test split holds the items of `answers`.
        answers: (n, C) or (n, 1), what the course says of the test split.
        config: What the second set is; not `none`.
        other: The other task, for the kind `task`.
        report: Asked while computing.

    Returns:
        What result.json says: the measures; `first`, accuracy or rank correlation on the first set
        (`paired`: of the very items that the second one has); `difference` of the two, and its 95 %
        interval. And the predictions: `shift.items` (of the first task, or of the other), and
        `shift.probabilities` or `shift.numbers`.

    Raises:
        ConfigError: No word of it fits within the maximum length.
        JobCancelled: Stop was pressed.
    """
    report.progress(0, 0, "Preparing the second test set")
    second = shifted(task, config, other, report)
    said, items = course.judge(second.task)
    rows = np.isin(items, second.measured)
    if second.paired:  # words of the first set that lay beyond the cut have no answer there
        rows &= np.isin(second.items[items], task.splits["test"])
    said, items = said[rows], items[rows]
    if len(items) == 0:
        raise ConfigError(
            "No word of the second test set fits within the maximum length: raise it.", "max_length"
        )
    labels, of = second.task.labels[items], second.items[items]
    metric = "accuracy" if task.label_kind == "class" else "spearman"
    before = answers
    if second.paired:
        before = answers[np.searchsorted(task.splits["test"], of)]
        first = measure(task, labels, before)[metric]
    else:
        first = measure(task, task.labels[task.splits["test"]], answers)[metric]
    measures = measure(task, labels, said)
    found = {
        "kind": config.kind,
        "title": shift_title(config, other),
        **measures,
        "paired": second.paired,
        "changed": second.changed,
        "first": first,
        "difference": measures[metric] - first,
        "difference_interval": _interval(task, second, items, before, said, report),
        "notes": list(second.notes),
    }
    name = "probabilities" if task.label_kind == "class" else "numbers"
    return found, {"shift.items": of, f"shift.{name}": said.astype(np.float32)}


def _interval(
    task: Task,
    second: Shifted,
    items: NDArray[np.int64],
    before: NDArray[np.float64],
    said: NDArray[np.float64],
    report: Report,
) -> list[float]:
    """Return the 95 % bootstrap interval of second − first.

    Where both are the same items, each sample holds the same ones of both; else the two sets are
    drawn apart.

    Source:
        Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapters 8 and 13.
    """
    from fineview.core.runs.compare_marks import TestItems

    name = "probabilities" if task.label_kind == "class" else "numbers"
    drawn = TestItems(second.task)
    after = drawn.samples(second.task, {"test.items": items, f"test.{name}": said}, report)
    if second.paired:
        told = {"test.items": items, f"test.{name}": before}
        gaps = after - drawn.samples(second.task, told, report)
    else:
        told = {"test.items": task.splits["test"], f"test.{name}": before}
        gaps = after - TestItems(task, seed=1).samples(task, told, report)
    return [float(end) for end in np.percentile(gaps, (2.5, 97.5))]
