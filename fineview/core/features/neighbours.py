"""Exact nearest neighbours, block by block: no index, no approximation, no M × M matrix."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import ConfigError, DataError
from fineview.core.progress import SILENT, Report

Real = TypeVar("Real", np.float32, np.float64)
_BLOCK = 1 << 21
"""Distances that are held at once: 8 MB, and some 30 ms between two looks at Stop."""


def nearest(
    features: NDArray[np.float32],
    count: int,
    distance: str = "cosine",
    queries: NDArray[np.int64] | None = None,
    report: Report = SILENT,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the nearest other points of each point.

    Args:
        features: (M, D), M >= 2.
        count: k, 1 … M − 1.
        distance: `cosine`: 1 − cosine, where a vector of zeros is 1 away from everything; or
            `euclidean`.
        queries: (Q,) points that are asked for; None for all M.
        report: Asked between blocks.

    Returns:
        Points (Q, k) from near to far, never the point itself, and their distances (Q, k). Of
        equally near ones the lower index comes first.

    Raises:
        ConfigError: The distance is unknown.
        DataError: There are not k other points.
    """
    if not 1 <= count < len(features):
        raise DataError(
            f"{len(features)} points have no {count} neighbours each: use at least {count + 1}."
        )
    asked = np.arange(len(features), dtype=np.int64) if queries is None else queries
    prepared, squares = _prepared(features, distance)
    found = np.empty((len(asked), count), dtype=np.int64)
    far = np.empty((len(asked), count), dtype=np.float32)
    step = max(1, _BLOCK // len(features))
    for first in range(0, len(asked), step):
        report.check()
        block = asked[first : first + step]
        cost = _costs(prepared, squares, block)
        cost[np.arange(len(block)), block] = np.inf
        # One more than asked, so that a tie at the edge is seen and settled by index.
        some = np.argpartition(cost, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(cost, some, axis=1)
        _settle_ties(cost, some, values)
        order = np.lexsort((some, values), axis=1)
        found[first : first + step] = np.take_along_axis(some, order, axis=1)
        far[first : first + step] = np.take_along_axis(values, order, axis=1)
    return found, _distances(far, distance)


def normalised(features: NDArray[Real]) -> NDArray[Real]:
    """Return each row at length 1, (M, D) of the same type; a row of zeros stays."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    units: NDArray[Real] = (features / np.where(lengths > 0, lengths, 1)).astype(features.dtype)
    return units


def _prepared(
    features: NDArray[np.float32], distance: str
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    if distance == "cosine":
        return normalised(features), None
    if distance != "euclidean":
        raise ConfigError(f"Distance {distance!r} is not one of cosine, euclidean.", "distance")
    # Differences stay the same, and lose fewer digits near the origin.
    centred = (features - features.mean(axis=0)).astype(np.float32, copy=False)
    return centred, np.einsum("md,md->m", centred, centred)


def _costs(
    prepared: NDArray[np.float32], squares: NDArray[np.float32] | None, block: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return 1 − cosine, or squared distances, (B, M)."""
    cost: NDArray[np.float32] = prepared[block] @ prepared.T
    if squares is None:
        np.subtract(1, cost, out=cost)
    else:
        cost *= -2
        cost += squares
        cost += squares[block, None]
    return np.maximum(cost, 0, out=cost)


def _settle_ties(
    cost: NDArray[np.float32], some: NDArray[np.int64], values: NDArray[np.float32]
) -> None:
    """Where several points are equally far at the edge, choose those with the lowest index."""
    edge = values.max(axis=1, keepdims=True)
    for row in np.flatnonzero((cost <= edge).sum(axis=1) > some.shape[1]):
        order = np.argsort(cost[row], kind="stable")[: some.shape[1]]
        some[row], values[row] = order, cost[row, order]


def _distances(cost: NDArray[np.float32], distance: str) -> NDArray[np.float32]:
    return cost if distance == "cosine" else np.sqrt(cost)
