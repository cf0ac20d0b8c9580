"""Confident learning: which labels are improbable to a model that has not seen them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Noise:
    """Labels judged by out-of-fold probabilities.

    Attributes:
        thresholds: (C,) mean probability of a class over the items that are given it; NaN for a
            class that is given to none.
        joint: (C, C) int64 confident joint: row = given label, column = confidently another (or
            the same) one. Items that pass no threshold stand in no cell.
        suggested: (N,) class with the greatest probability among those whose threshold is passed;
            −1 where none is.
        candidate: (N,) bool, whether the suggestion is another class than the label.
        confidence: (N,) self-confidence, the probability of the given label, 0 … 1.
        margin: (N,) normalised margin: that probability less the greatest of the others, −1 … 1.
        share: Estimated share of wrong labels, by the calibrated joint.
    """

    thresholds: NDArray[np.float64]
    joint: NDArray[np.int64]
    suggested: NDArray[np.int64]
    candidate: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    margin: NDArray[np.float64]
    share: float


def confident(labels: NDArray[np.int64], shares: NDArray[np.floating]) -> Noise:
    """Judge labels.

    Args:
        labels: (N,) given class indices.
        shares: (N, C) probabilities of a model that has not seen the item.

    Source:
        Northcutt, Jiang & Chuang 2021, arXiv:1911.00068, section 3.1: thresholds (equation 2),
        confident joint (equation 1), its calibration to the counts of the labels (equation 3).
        Candidates are its off-diagonals; ranked by normalised margin or self-confidence: section
        3.2.
    """
    probable = shares.astype(np.float64)
    count, classes = probable.shape
    rows = np.arange(count)
    own = probable[rows, labels]
    sizes = np.bincount(labels, minlength=classes)
    sums = np.bincount(labels, own, minlength=classes)
    given = sizes > 0
    thresholds = np.full(classes, np.nan)
    thresholds[given] = sums[given] / sizes[given]
    # A mean may be rounded above every one of the equal values that it is of.
    reach = np.where(given, thresholds - 1e-9, np.inf)
    passed = np.where(probable >= reach, probable, -1.0)
    suggested = passed.argmax(1)
    suggested[passed.max(1) < 0] = -1
    sure = suggested >= 0
    cells = labels[sure] * classes + suggested[sure]
    joint = np.bincount(cells, minlength=classes * classes).reshape(classes, classes)
    others = probable.copy()
    others[rows, labels] = -np.inf
    return Noise(
        thresholds=thresholds,
        joint=joint.astype(np.int64),
        suggested=suggested.astype(np.int64),
        candidate=sure & (suggested != labels),
        confidence=own,
        margin=own - others.max(1),
        share=_share(joint, sizes),
    )


def _share(joint: NDArray[np.int64], sizes: NDArray[np.int64]) -> float:
    """Return the weight off the diagonal once every row sums to the items given its label."""
    sums = joint.sum(1)
    known = sums > 0
    wrong = (sums - joint.diagonal())[known] / sums[known] * sizes[known]
    return float(wrong.sum() / max(sizes.sum(), 1))
