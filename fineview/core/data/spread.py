"""How numbers are spread: their middle, their ends, and a histogram that shows the bulk."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BINS = 24
_BULK = 99.5
"""Percent of the numbers a histogram of lengths reaches over: one huge text must not flatten it."""

Numbers = NDArray[np.int64] | NDArray[np.int32] | NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Counts of numbers in ranges.

    Attributes:
        edges: Ends of the ranges, one more than `counts`; each range holds its lower end, the last
            one its upper end too.
        counts: How many numbers lie in each range.
        beyond: How many lie above the last range.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    beyond: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Figures of a set of numbers.

    Attributes:
        minimum: The least.
        median: The middle one, or the mean of the middle two.
        p95: The least number that 95 % do not exceed.
        maximum: The greatest.
        mean: Their mean.
        sd: Their standard deviation (of all, not of a sample).
        histogram: Their spread.
    """

    minimum: float
    median: float
    p95: float
    maximum: float
    mean: float
    sd: float
    histogram: Histogram


def spread_of(values: Numbers, *, whole: bool) -> Spread:
    """Measure numbers.

    Args:
        values: (K,), K >= 1.
        whole: Whether they are counts: then ranges have whole ends, and the histogram ends where
            nearly all of them have been seen.
    """
    return Spread(
        minimum=float(values.min()),
        median=float(np.median(values)),
        p95=float(np.percentile(values, 95, method="inverted_cdf")),
        maximum=float(values.max()),
        mean=float(values.mean()),
        sd=float(values.std()),
        histogram=_histogram(values, whole=whole),
    )


def _histogram(values: Numbers, *, whole: bool) -> Histogram:
    low, high = float(values.min()), float(values.max())
    if whole:
        bulk = float(np.percentile(values, _BULK, method="inverted_cdf"))
        high = high if high <= 2 * bulk else bulk
        step = max(int(np.ceil((high - low + 1) / _BINS)), 1)
        count = int((high - low) // step) + 1
        edges = low + step * np.arange(count + 1, dtype=np.float64)
    elif low == high:
        edges = np.array([low - 0.5, high + 0.5])
    else:
        edges = np.linspace(low, high, _BINS + 1)
    counts, _ = np.histogram(values, bins=edges)
    beyond = int(np.count_nonzero(values > edges[-1]))
    if whole:  # numpy counts the last edge itself with the last range
        on_edge = int(np.count_nonzero(values == edges[-1]))
        counts[-1] -= on_edge
        beyond += on_edge
    return Histogram(
        edges=tuple(edges.tolist()), counts=tuple(int(n) for n in counts), beyond=beyond
    )
