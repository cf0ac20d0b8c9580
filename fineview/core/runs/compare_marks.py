"""Which rows of a comparison cannot be told from the best: a paired bootstrap over test items."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.progress import SILENT, Report
from fineview.core.runs.compare_rows import Mark, Row
from fineview.core.training.metrics import spearman

if TYPE_CHECKING:
    from fineview.core.data.task import Task

SAMPLES = 1000
_MOST_WEIGHTS = 20_000_000
"""Of many items fewer samples are drawn: these are 80 MB."""
_BETWEEN_CHECKS = 50


class TestItems:
    """The test items of a comparison and the bootstrap samples that all its runs share.

    Attributes:
        weights: (B, N) int32, how often each item stands in each sample.

    Source:
        Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapters 6 and 13 (percentile
        interval); words are drawn by whole sentences: Davison & Hinkley 1997, section 3.8.
    """

    __test__ = False  # for pytest, which collects by name

    def __init__(self, task: "Task", seed: int = 0, samples: int = SAMPLES) -> None:
        """Draw samples of a task's test items, however many training items it has."""
        self._numbers = task.label_kind == "number"
        items = task.splits["test"]
        random = np.random.default_rng(seed)
        groups = np.arange(len(items))
        if task.words is not None:
            sentences = np.repeat(np.arange(len(task.words)), [len(w) for w in task.words])
            groups = np.unique(sentences[items], return_inverse=True)[1]
        count = int(groups.max()) + 1
        samples = max(min(samples, _MOST_WEIGHTS // len(items)), 100)
        drawn = random.multinomial(count, np.full(count, 1 / count), samples)
        self.weights: NDArray[np.int32] = drawn.astype(np.int32)[:, groups]

    def samples(
        self, task: "Task", predictions: Mapping[str, NDArray[Any]], report: Report = SILENT
    ) -> NDArray[np.float64]:
        """Return a run's accuracy, or rank correlation, over the samples, (B,).

        Args:
            task: The run's, with its own numbering of items; its test items are the same ones in
                the same order.
            predictions: The run's artefact.
            report: Asked now and then.
        """
        items = predictions["test.items"]
        at = np.searchsorted(task.splits["test"], items)  # a run may have dropped long words
        weights, labels = self.weights[:, at], task.labels[items]
        if self._numbers:
            answers = predictions["test.numbers"][:, 0].astype(np.float64)
            found = np.empty(len(weights))
            for sample, counts in enumerate(weights):
                if sample % _BETWEEN_CHECKS == 0:
                    report.check()
                rows = np.repeat(np.arange(len(items)), counts)
                found[sample] = spearman(labels[rows].astype(np.float64), answers[rows])
            return np.nan_to_num(found)
        right = predictions["test.probabilities"].argmax(1) == labels.astype(np.int64)
        return (weights @ right) / np.maximum(weights.sum(1), 1)  # type: ignore[no-any-return]


def marks_of(rows: Sequence[Row], samples: Mapping[str, NDArray[np.float64]]) -> dict[str, Mark]:
    """Mark the best row and those that cannot be told from it.

    A row's samples are pooled over its seeds: for each bootstrap sample the mean over its runs. A
    row is tied where 0 lies in the 95 % interval of best − row over the same samples.

    Args:
        rows: Those with shuffled labels are never marked.
        samples: (B,) by run id.

    Returns:
        `best` or `tied` by arm; other rows are not named.
    """
    pooled: dict[str, NDArray[np.float64]] = {}
    values: dict[str, float] = {}
    for row in rows:
        known = [samples[run.run_id] for run in row.finished if run.run_id in samples]
        if known and row.test is not None and row.arm.control == "none":
            pooled[row.arm.key] = np.mean(known, axis=0)
            values[row.arm.key] = row.test.value
    if not values:
        return {}
    best = max(values, key=lambda key: values[key])
    marks: dict[str, Mark] = {best: "best"}
    for key, mine in pooled.items():
        if key != best and float(np.percentile(pooled[best] - mine, 2.5)) <= 0:
            marks[key] = "tied"
    return marks
