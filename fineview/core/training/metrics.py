"""Measures of predictions against labels."""

from dataclasses import dataclass
from math import atanh, nan, sqrt, tanh

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How good predictions are on one split.

    Attributes:
        items: N.
        accuracy: Share of right answers, 0 … 1.
        interval: 95 % Wilson interval of the accuracy.
        macro_f1: Unweighted mean of the F1 of the classes that occur as label or answer.
        loss: Mean cross-entropy, nats.
    """

    items: int
    accuracy: float
    interval: tuple[float, float]
    macro_f1: float
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberScores:
    """How good answers in numbers are on one split.

    Attributes:
        items: N.
        spearman: Rank correlation of answers and labels, -1 … 1; NaN where either is constant.
        interval: Its 95 % interval.
        loss: Mean squared error, in the labels' unit squared.
        r2: Share of the labels' variance that the answers explain, at most 1.
    """

    items: int
    spearman: float
    interval: tuple[float, float]
    loss: float
    r2: float


def number_scores(labels: NDArray[np.float64], answers: NDArray[np.float64]) -> NumberScores:
    """Measure (N,) answers against (N,) labels.

    Source:
        Interval by Fisher's z with the standard error √((1 + r²/2)/(N − 3)): Bonett & Wright 2000,
        Psychometrika 65, 23–28.
    """
    gaps = answers - labels
    loss, variance = float((gaps**2).mean()), float(labels.var())
    r = spearman(labels, answers)
    interval = (-1.0, 1.0)
    if len(labels) > 3 and abs(r) < 1:
        half = 1.959963984540054 * sqrt((1 + r * r / 2) / (len(labels) - 3))
        interval = (tanh(atanh(r) - half), tanh(atanh(r) + half))
    return NumberScores(
        items=len(labels),
        spearman=r,
        interval=interval,
        loss=loss,
        r2=1 - loss / variance if variance > 0 else nan,
    )


def spearman(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the rank correlation of two (N,) series; NaN where either is constant."""
    from scipy.stats import rankdata

    ranks = [rankdata(values) for values in (one, other)]
    ranks = [values - values.mean() for values in ranks]
    size = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    return float(ranks[0] @ ranks[1]) / size if size > 0 else nan


def confusion(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Return counts, (C, C): row = true class, column = answered class."""
    cells = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return cells.reshape(classes, classes).astype(np.int64)


def macro_f1(counts: NDArray[np.int64]) -> float:
    """Return the unweighted mean F1 over classes that occur, from a (C, C) confusion matrix."""
    right = np.diag(counts).astype(np.float64)
    both = (counts.sum(0) + counts.sum(1)).astype(np.float64)
    occurs = both > 0
    return float((2 * right[occurs] / both[occurs]).mean()) if occurs.any() else 0.0


def wilson(right: int, items: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Source:
        Wilson 1927, Journal of the American Statistical Association 22, 209–212.
    """
    if items == 0:
        return (0.0, 1.0)
    z = 1.959963984540054
    share = right / items
    middle = (share + z * z / (2 * items)) / (1 + z * z / items)
    half = z / (1 + z * z / items) * sqrt(share * (1 - share) / items + z * z / (4 * items**2))
    return (max(0.0, middle - half), min(1.0, middle + half))


def scores(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> Scores:
    """Measure probabilities against labels.

    Args:
        labels: (N,) class indices, N >= 1.
        probabilities: (N, C), rows sum to 1.
    """
    predicted = probabilities.argmax(1).astype(np.int64)
    right = int((predicted == labels).sum())
    chosen = probabilities[np.arange(len(labels)), labels]
    counts = confusion(labels, predicted, probabilities.shape[1])
    return Scores(
        items=len(labels),
        accuracy=right / len(labels),
        interval=wilson(right, len(labels)),
        macro_f1=macro_f1(counts),
        loss=float(-np.log(np.maximum(chosen, 1e-30)).mean()),
    )
