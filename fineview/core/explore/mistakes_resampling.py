"""Bootstrap samples drawn one by one: a hundred thousand words need no table of weights."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fineview.core.progress import SILENT, Report

_BLOCK = 25


def resampled(
    units: NDArray[np.int64],
    samples: int,
    seed: int,
    report: Report = SILENT,
    told: str = "",
) -> Iterator[NDArray[np.float64]]:
    """Yield how often each row stands in a bootstrap sample, (N,), `samples` times.

    Args:
        units: (N,) rows of one unit, such as the words of a sentence, are drawn together.
        samples: How many.
        seed: The same seed draws the same samples.
        report: Asked now and then; progress counts samples.
        told: What people are told meanwhile.

    Source:
        Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 6; clusters are drawn
        whole: Davison & Hinkley 1997, section 3.8.
    """
    random = np.random.default_rng(seed)
    names, inverse = np.unique(units, return_inverse=True)
    for done in range(samples):
        if done % _BLOCK == 0:
            report.check()
            report.progress(done, samples, told)
        drawn = random.integers(len(names), size=len(names))
        counts = np.bincount(drawn, minlength=len(names)).astype(np.float64)
        yield counts[inverse]


def percentile_interval(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the middle 95 % of bootstrap values; None where fewer than two are known."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return None
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)
