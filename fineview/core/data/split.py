"""Named splits for data that has none."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import LabelKind, Split
from fineview.core.errors import DataError


def split_items(
    labels: NDArray[np.int64] | NDArray[np.float64],
    *,
    groups: Sequence[int] | None = None,
    seed: int = 0,
    kind: LabelKind = "class",
) -> Mapping[Split, NDArray[np.int64]]:
    """Split items 60/20/20 into train, validation and test.

    Args:
        labels: (N,) classes or numbers; numbers are stratified by fifths of their range of ranks.
        groups: (N,) items with the same group never cross splits; None lets every item stand alone.
        seed: The same seed gives the same split.
        kind: What the labels are.

    Returns:
        Ascending item indices of each split; together every item once.

    Raises:
        DataError: There are fewer than five items or groups.

    Source:
        scikit-learn's StratifiedGroupKFold and StratifiedKFold: five folds, three of them train.
    """
    from sklearn.model_selection import KFold, StratifiedGroupKFold, StratifiedKFold

    size = len(labels)
    units = size if groups is None else len(set(groups))
    if units < 5:
        raise DataError(f"{units} items that may be split are too few: a task needs at least 5.")
    strata = labels.astype(np.int64) if kind == "class" else _fifths(labels)
    rarest = int(np.bincount(strata - strata.min()).max(initial=0))
    if groups is not None:
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(
            np.zeros(size), strata, groups
        )
    elif rarest >= 5:
        folds = StratifiedKFold(5, shuffle=True, random_state=seed).split(np.zeros(size), strata)
    else:  # no class has five members: nothing to stratify by
        folds = KFold(5, shuffle=True, random_state=seed).split(np.zeros(size))
    parts = [np.sort(held_out).astype(np.int64) for _, held_out in folds]
    return {
        "train": np.sort(np.concatenate(parts[:3])),
        "validation": parts[3],
        "test": parts[4],
    }


def _fifths(values: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.int64]:
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return (ranks * 5 // max(len(values), 1)).astype(np.int64)
