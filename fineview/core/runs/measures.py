"""From a course's answers to what result.json says of them."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import Task


def measure(task: Task, labels: NDArray[Any], answers: NDArray[np.float64]) -> dict[str, Any]:
    """Return the measures of answers as JSON.

    Args:
        task: Says what labels are.
        labels: (n,).
        answers: (n, C) probabilities, or (n, 1) numbers.
    """
    from fineview.core.training.metrics import number_scores, scores

    if task.label_kind == "number":
        found = asdict(number_scores(labels.astype(np.float64), answers[:, 0]))
    else:
        found = asdict(scores(labels.astype(np.int64), answers))
    return found | {"interval": list(found["interval"])}


def confusion_of(
    task: Task, labels: NDArray[Any], answers: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return counts, (C, C): row = true class, column = answered class."""
    from fineview.core.training.metrics import confusion

    said = answers.argmax(1).astype(np.int64)
    return confusion(labels.astype(np.int64), said, len(task.classes))
