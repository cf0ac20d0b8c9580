"""Principal components: exact, fast, and with signs that do not depend on the machine."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import DataError
from fineview.core.progress import SILENT, Report

FEWEST = 3
"""Points below which no picture says anything."""
_ROWS = 512


@dataclass(frozen=True, slots=True, eq=False)
class Principal:
    """Principal components of some points.

    Attributes:
        coordinates: (M, k) float32, centred.
        shares: (k,) share of the whole variance that each component has.
        components: (k, D) float64, of length 1; the largest entry by size is positive.
    """

    coordinates: NDArray[np.float32]
    shares: NDArray[np.float64]
    components: NDArray[np.float64]


def check_points(features: NDArray[np.floating], what: str = "texts") -> None:
    """Refuse points that cannot be drawn.

    Args:
        features: (M, D).
        what: What the points are, for the message.

    Raises:
        DataError: There are fewer than three, one is not finite, or all are equal.
    """
    if len(features) < FEWEST:
        raise DataError(
            f"A map needs at least {FEWEST} {what}, not {len(features)}: use more of the task."
        )
    lowest, highest = features.min(axis=0), features.max(axis=0)
    if not (np.isfinite(lowest).all() and np.isfinite(highest).all()):
        bad = int(np.count_nonzero(~np.isfinite(features).all(axis=1)))
        raise DataError(
            f"The features of {bad:,} of {len(features):,} {what} are not numbers: compute them "
            f"again, or choose another encoder."
        )
    if (lowest == highest).all():
        raise DataError(
            f"All {len(features):,} {what} have the same features, so there is nothing to see: "
            f"choose another layer or token pooling, or texts that differ."
        )


def principal(features: NDArray[np.floating], count: int = 2, report: Report = SILENT) -> Principal:
    """Return the first principal components.

    Args:
        features: (M, D), finite and not all equal.
        count: k; components beyond the rank are zero.
        report: Asked between blocks of rows.

    Source:
        Pearson 1901, Philosophical Magazine 2, 559–572, as eigenvectors of the covariance (or, with
        fewer points than features, of the Gram matrix) in double precision. Signs as in
        scikit-learn: the entry of a component that is largest by size is positive.
    """
    rows, width = features.shape
    mean = features.mean(axis=0, dtype=np.float64)
    products = _products(features, mean, report)
    values, vectors = _largest(products, count)
    components = vectors.T
    if rows < width:
        lengths = np.sqrt(np.maximum(values, _tiny(values)))
        components = (components @ (features - mean)) / lengths[:, None]
    components *= _signs(components)[:, None]
    # Beyond the rank a direction is arbitrary: it is left out, not drawn.
    components[values <= _tiny(values)] = 0
    coordinates = np.zeros((rows, count), dtype=np.float32)
    for first in range(0, rows, _ROWS):
        report.check()
        block = (features[first : first + _ROWS] - mean) @ components.T
        coordinates[first : first + _ROWS, : len(components)] = block
    shares = np.zeros(count)
    shares[: len(values)] = np.maximum(values, 0) / np.trace(products)
    return Principal(coordinates, shares, components)


def spectrum(features: NDArray[np.floating], report: Report = SILENT) -> NDArray[np.float64]:
    """Return the squared singular values of the centred matrix, falling, (min(M, D),).

    Args:
        features: (M, D).
        report: Asked between blocks of rows.
    """
    products = _products(features, features.mean(axis=0, dtype=np.float64), report)
    values = np.linalg.eigvalsh(products)[::-1].astype(np.float64)
    # What rounding leaves of a zero is no direction.
    kept: NDArray[np.float64] = np.where(values > _tiny(values), values, 0)
    return kept


def _products(
    features: NDArray[np.floating], mean: NDArray[np.float64], report: Report
) -> NDArray[np.float64]:
    """Return the centred Gram matrix (M, M), or the scatter matrix (D, D) where that is smaller."""
    rows, width = features.shape
    if rows < width:
        centred = features - mean
        report.check()
        gram: NDArray[np.float64] = centred @ centred.T
        return gram
    scatter = np.zeros((width, width))
    for first in range(0, rows, _ROWS):
        report.check()
        block = features[first : first + _ROWS] - mean
        scatter += block.T @ block
    return scatter


def _largest(
    matrix: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the `count` largest eigenvalues, falling, and their vectors as columns."""
    # scipy's would compute only those wanted, but keep all other threads waiting.
    values, vectors = np.linalg.eigh(matrix)
    return values[: -count - 1 : -1].copy(), np.ascontiguousarray(vectors[:, : -count - 1 : -1])


def _tiny(values: NDArray[np.float64]) -> float:
    return float(max(values.max(), 0) * 1e-12 + 1e-300)


def _signs(components: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = np.abs(components).argmax(axis=1)
    signs = np.sign(components[np.arange(len(components)), largest])
    return np.where(signs == 0, 1.0, signs)
