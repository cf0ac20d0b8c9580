"""What a head without gradient steps learns from, and how it tells how far it is."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.progress import Report
from fineview.core.training.events import HeadCurve
from fineview.core.training.metrics import spearman

UNSEEN = -1
"""Label of a validation item whose class does not occur in training: no answer is right."""
_TELL_EVERY_S = 0.3


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Lesson:
    """Standardised features and labels, as scikit-learn takes them.

    Attributes:
        features: (N, D) float32, the training split.
        labels: (N,) int64 0 … K-1, or float64 numbers with mean 0 and deviation 1.
        validation: (M, D) float32.
        validation_labels: (M,) the same; `UNSEEN` for a class that training lacks.
        classes: K, or 0 for numbers.
        weights: Weight of each class, or None.
        seed: Decides whatever is drawn.
    """

    features: NDArray[np.float32]
    labels: NDArray[Any]
    validation: NDArray[np.float32]
    validation_labels: NDArray[Any]
    classes: int
    weights: dict[int, float] | None
    seed: int

    @property
    def measure(self) -> str:
        """What `score` is, for people."""
        return "accuracy" if self.classes else "rank correlation"

    def score(self, labels: NDArray[Any], answers: NDArray[Any]) -> float:
        """Return the share of right answers, or the rank correlation; both arrays are (n,)."""
        if self.classes:
            return float((labels == answers).mean())
        return spearman(labels, answers)


class CurveTeller:
    """Publishes a curve as it grows, a few times a second: each telling is a line of the log."""

    def __init__(self, report: Report, over: str, measure: str) -> None:
        self._report = report
        self._over = over
        self._measure = measure
        self._told = 0.0

    def tell(
        self,
        at: Sequence[float],
        validation: Sequence[float],
        *,
        chosen: float,
        train: Sequence[float] = (),
        whole: bool = False,
    ) -> None:
        """Publish the curve so far, unless it was told a moment ago.

        Args:
            at: (P,) places, ascending.
            validation: (P,) the measure.
            chosen: The place that the head uses.
            train: (P,) the measure on the training split, where there is one.
            whole: Whether this is the last telling.
        """
        now = time.monotonic()
        if not whole and now - self._told < _TELL_EVERY_S:
            return
        self._told = now
        self._report.publish(
            HeadCurve(
                over=self._over,
                measure=self._measure,
                at=tuple(map(float, at)),
                train=tuple(train),
                validation=tuple(validation),
                chosen=float(chosen),
            )
        )


def spread(last: int, most: int) -> list[int]:
    """Return at most so many of 1 … last, always `last`; near 1, where curves bend, all of them."""
    return sorted({round(place) for place in np.geomspace(1, last, most)} | {last})
