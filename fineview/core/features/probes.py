"""Logistic probes: how much of a label a linear classifier reads from features, out of fold."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import DataError
from fineview.core.features.probe_solver import Probe, Problem
from fineview.core.progress import SILENT, Report

__all__ = ["Folds", "Probe", "fit_probe", "make_folds", "solve_probe"]


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Which rows each fold holds out.

    Attributes:
        of: (N,) int64, the fold in which a row is held out.
        count: F.
    """

    of: NDArray[np.int64]
    count: int


def make_folds(
    labels: NDArray[np.int64],
    count: int,
    seed: int = 0,
    groups: NDArray[np.int64] | None = None,
) -> Folds:
    """Deal rows into stratified folds.

    Args:
        labels: (N,) class indices.
        count: F; lowered to the rows of the commonest class, or to the groups, where those are
            fewer.
        seed: Draws the folds.
        groups: (N,) rows of one group are held out together; None lets each row stand alone.

    Raises:
        DataError: There are fewer rows than folds, or one class only.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if len(labels) < count:
        raise DataError(
            f"{len(labels)} training rows cannot be dealt into {count} folds: choose fewer folds, "
            f"or a task with more texts."
        )
    sizes = np.bincount(labels)
    if np.count_nonzero(sizes) < 2:
        raise DataError(
            "All training rows have the same label: a probe needs two classes, so use more items "
            "or another task."
        )
    most = int(sizes.max()) if groups is None else min(int(sizes.max()), len(np.unique(groups)))
    if most < 2:
        raise DataError(
            "No class has two training rows, or all rows are in one sentence: a probe learns from "
            "one row and is asked about another, so use more items."
        )
    count = min(count, most)
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    of = np.empty(len(labels), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes rarer than folds: noted by callers
        maker = kind(count, shuffle=True, random_state=seed)
        for fold, (_, held) in enumerate(maker.split(labels, labels, groups)):
            of[held] = fold
    return Folds(of, count)


def solve_probe(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    folds: Folds,
    penalty: float = 1.0,
    classes: int = 0,
    report: Report = SILENT,
) -> Probe:
    """Fit one logistic regression per fold and judge the rows that it did not see.

    Every fold standardises by the mean and spread of its own training rows, with scikit-learn's
    rule for constant features. Classes that a fold's training rows lack get probability 0 there.

    Args:
        features: (N, D), or (N, K, D) for K layers whose softmax weights are learned together with
            W: each layer is standardised, then mixed.
        labels: (N,) class indices.
        folds: Which rows are held out.
        penalty: C, as in scikit-learn: C·Σ cross-entropy + ‖W‖²/2, the intercept free. With two
            classes the penalty is that of scikit-learn's single weight vector.
        classes: Number of classes; 0 takes it from the labels.
        report: Asked before each step.

    Source:
        L-BFGS: Nocedal & Wright 2006, section 7.2, with the inverse of a Hessian bound (Böhning
        1992) in the place of H0. Scalar mix: Peters et al. 2018, arXiv:1802.05365, equation 1.
    """
    classes = classes or int(labels.max()) + 1
    problem = Problem(features, labels, folds.of, folds.count, penalty, classes)
    return problem.solve(report)


def fit_probe(
    train: NDArray[np.float32],
    labels: NDArray[np.int64],
    held_out: NDArray[np.float32],
    penalty: float = 1.0,
    classes: int = 0,
) -> NDArray[np.float32]:
    """Fit on some rows and judge others, as one fold of `solve_probe`.

    Args:
        train: (N, D).
        labels: (N,) class indices.
        held_out: (M, D).
        penalty: C.
        classes: Number of classes; 0 takes it from the labels.

    Returns:
        (M, C) probabilities.
    """
    rows = np.concatenate([train, held_out])
    # Row 0 … N-1 belong to a second fold that is never solved.
    of = np.repeat([1, 0], [len(train), len(held_out)])
    known = np.concatenate([labels, np.zeros(len(held_out), dtype=np.int64)])
    solved = Problem(rows, known, of, 1, penalty, classes or int(labels.max()) + 1)
    return solved.solve(SILENT).probabilities[len(train) :]
