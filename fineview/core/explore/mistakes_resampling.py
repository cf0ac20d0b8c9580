"""Bootstrap samples drawn one by one: a hundred thousand words need no table of weights."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fineview.core.progress import SILENT, Report

_BLOCK = 25


def resampled(
    count: int, samples: int, seed: int, report: Report = SILENT, told: str = ""
) -> Iterator[NDArray[np.float64]]:
    """Yield how often each unit stands in a bootstrap sample, (U,), `samples` times.

    Args:
        count: U. Units are what is drawn: texts, or sentences with all their words.
        samples: How many.
        seed: The same seed draws the same samples.
        report: Asked now and then; progress counts samples.
        told: What people are told meanwhile.

    Source:
        Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 6; clusters are drawn
        whole: Davison & Hinkley 1997, section 3.8.
    """
    random = np.random.default_rng(seed)
    for done in range(samples):
        if done % _BLOCK == 0:
            report.check()
            report.progress(done, samples, told)
        drawn = random.integers(count, size=count)
        yield np.bincount(drawn, minlength=count).astype(np.float64)


def percentile_interval(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the middle 95 % of bootstrap values; None where fewer than two are known."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return None
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)
