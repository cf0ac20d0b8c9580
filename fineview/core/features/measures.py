"""Numbers of a space: how far labels stand apart in it, and what shape it has."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fineview.core.features.neighbours import normalised
from fineview.core.features.projection import spectrum
from fineview.core.progress import SILENT, Report

_BLOCK = 1 << 20
"""Distances that are held at once."""
_ROWS = 512


def silhouette(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    distance: str = "cosine",
    report: Report = SILENT,
) -> float:
    """Return the mean silhouette, −1 … 1.

    A point's silhouette is (b − a) / max(a, b): a the mean distance to the others of its class, b
    that to the nearest other class. A point alone in its class has 0.

    Args:
        features: (M, D).
        labels: (M,) class indices; 2 … M − 1 different ones.
        distance: `cosine` (1 − cosine) or `euclidean`.
        report: Asked between blocks.

    Source:
        Rousseeuw 1987, Journal of Computational and Applied Mathematics 20, 53–65.
    """
    members = _members(labels)  # (M, C)
    sizes = members.sum(axis=0)
    own = members.argmax(axis=1)
    total = 0.0
    for first, block in _distances(features, distance, report):
        sums = block @ members  # (B, C)
        rows = np.arange(len(block))
        mine = own[first : first + len(block)]
        alone = sizes[mine] == 1
        inside = sums[rows, mine] / np.maximum(sizes[mine] - 1, 1)
        means = sums / sizes
        means[rows, mine] = np.inf
        outside = means.min(axis=1)
        widest = np.maximum(inside, outside)
        score = (outside - inside) / np.where(widest > 0, widest, 1)
        total += float(np.where(alone, 0, score).sum())
    return total / len(features)


def knn_right(
    found: NDArray[np.int64], labels: NDArray[np.int64], queries: NDArray[np.int64] | None = None
) -> int:
    """Return how many points the majority of their neighbours names rightly.

    Args:
        found: (Q, k) neighbours of each query, without itself (leave-one-out).
        labels: (M,) class indices.
        queries: (Q,) points; None for all.

    Source:
        Cover and Hart 1967, IEEE Transactions on Information Theory 13, 21–27. Equal votes go to
        the lower class index, as in scikit-learn.
    """
    classes = int(labels.max()) + 1
    votes = np.zeros((len(found), classes), dtype=np.int32)
    for column in found.T:
        votes[np.arange(len(found)), labels[column]] += 1
    truth = labels if queries is None else labels[queries]
    return int((votes.argmax(axis=1) == truth).sum())


def isotropy(features: NDArray[np.float32]) -> float:
    """Return 1 − the mean cosine of all pairs of different points.

    With u the unit vectors the mean over the M (M − 1) ordered pairs is (‖Σu‖² − M) / (M (M − 1));
    rows of zeros have no direction and are left out.

    Args:
        features: (M, D); at least two rows are not zero.

    Returns:
        0 where all point the same way, about 1 where directions are evenly spread, at most
        1 + 1 / (M − 1).

    Source:
        Ethayarajh 2019, arXiv:1909.00512, section 4 (self-similarity of random words), by the
        exact mean over all pairs instead of a sample of them.
    """
    units = normalised(features)
    lengths = np.einsum("md,md->m", units, units, dtype=np.float64)
    count = int(np.count_nonzero(lengths > 0))
    together = units.sum(axis=0, dtype=np.float64)
    return 1 - float((together @ together - lengths.sum()) / (count * (count - 1)))


def effective_rank(features: NDArray[np.float32], report: Report = SILENT) -> float:
    """Return e to the entropy of the normalised singular values of the centred matrix.

    Args:
        features: (M, D), not all rows equal.
        report: Asked between blocks.

    Returns:
        1 … min(M − 1, D): as many directions as would carry this much if all carried the same.

    Source:
        Roy and Vetterli 2007, EUSIPCO, 606–610, definition 1.
    """
    values = np.sqrt(spectrum(features, report))
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def class_separation(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    distance: str = "euclidean",
    report: Report = SILENT,
) -> float:
    """Return the share of the variance that lies between the classes, η², 0 … 1.

    Args:
        features: (M, D), not all rows equal.
        labels: (M,) class indices.
        distance: `cosine` compares directions only: every row is brought to length 1 before.
        report: Asked between blocks.

    Source:
        Fisher's scatter matrices, tr S_b / tr S_t: Fukunaga 1990, Introduction to Statistical
        Pattern Recognition, section 10.2. Random labels give (C − 1) / (M − 1).
    """
    rows = normalised(features) if distance == "cosine" else features
    mean = rows.mean(axis=0, dtype=np.float64)
    members = _members(labels)
    sums = np.zeros((members.shape[1], rows.shape[1]))
    total = 0.0
    for first in range(0, len(rows), _ROWS):
        report.check()
        block = rows[first : first + _ROWS] - mean
        sums += members[first : first + _ROWS].T @ block
        total += float(np.einsum("md,md->", block, block))
    between = float((np.einsum("cd,cd->c", sums, sums) / members.sum(axis=0)).sum())
    return between / total if total > 0 else float("nan")


def neighbours_kept(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Return the mean share of a point's neighbours that it has in both spaces, 0 … 1.

    Args:
        one: (Q, k) neighbours in one space.
        other: (Q, k) neighbours of the same points in the other.

    Source:
        The idea: Venna and Kaski 2006, Neural Networks 19, 889–899. The number: LCMC without its
        correction for chance, k / (M − 1) (Chen and Buja 2009, JASA 104, 209–219).
    """
    common = (one[:, :, None] == other[:, None, :]).any(axis=2)
    return float(common.mean())


def majority_share(labels: NDArray[np.int64]) -> float:
    """Return the share of the commonest class."""
    return float(np.bincount(labels).max() / len(labels))


def _members(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (M, C'), 1 where a point is of a class; classes without a point are left out."""
    occurring = np.flatnonzero(np.bincount(labels))
    members: NDArray[np.float64] = (labels[:, None] == occurring).astype(np.float64)
    return members


def _distances(
    features: NDArray[np.float32], distance: str, report: Report
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield (first row, distances of a block to all)."""
    # Double precision: the distance of near points is a small difference of large numbers.
    rows = features.astype(np.float64)
    rows = normalised(rows) if distance == "cosine" else rows - rows.mean(axis=0)
    squares = np.einsum("md,md->m", rows, rows)
    step = max(1, _BLOCK // len(rows))
    for first in range(0, len(rows), step):
        report.check()
        block = rows[first : first + step] @ rows.T
        if distance == "cosine":
            np.subtract(1, block, out=block)
        else:
            block *= -2
            block += squares
            block += squares[first : first + step, None]
        np.maximum(block, 0, out=block)
        if distance != "cosine":
            np.sqrt(block, out=block)
        places = np.arange(len(block))
        block[places, first + places] = 0
        yield first, block
