"""Named splits: those the data names, and those that are drawn."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import SPLITS, LabelKind, Split
from fineview.core.errors import ConfigError, DataError

SHARES = tuple(range(5, 50, 5))
_MANY_GROUPS = 5_000
"""From so many groups on, groups are dealt out without an eye on the classes: that takes minutes
otherwise, and with so many the classes come out even by themselves."""

Labels = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """How a task's items are divided.

    Attributes:
        source: `given`: as the data says, and drawn only where it says nothing; `random`: drawn.
        validation: Percent of the items, a multiple of 5.
        test: Percent of the items, a multiple of 5.
        stratify: Whether every split gets its share of each class (numbers: of each fifth).
        seed: The same seed draws the same split.
        train_items: Most training items; more are sampled. 0 takes all.
        held_out_items: Most items of validation and of test, each; 0 takes all.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    source: Literal["given", "random"] = "given"
    validation: int = 20
    test: int = 20
    stratify: bool = True
    seed: int = 0
    train_items: int = 0
    held_out_items: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if self.source not in ("given", "random"):
            raise ConfigError(
                f"The split's source must be 'given' or 'random', not {self.source!r}.", "source"
            )
        for name in ("validation", "test"):
            if getattr(self, name) not in SHARES:
                raise ConfigError(
                    f"The {name} split must have 5, 10, … 45 percent, not {getattr(self, name)}.",
                    name,
                )
        if not 0 <= self.seed < 2**31:
            raise ConfigError(
                f"The split's seed must be within 0 … 2147483647, not {self.seed}.", "split_seed"
            )
        for name, title in (("train_items", "Training"), ("held_out_items", "Held-out")):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"{title} items must be 0 (all) or above, not {getattr(self, name)}.", name
                )


@dataclass(frozen=True, slots=True)
class Splits:
    """Item indices (int64, ascending) of each split, and sentences on how they came about."""

    items: Mapping[Split, NDArray[np.int64]]
    notes: tuple[str, ...] = ()


def make_splits(
    labels: Labels,
    config: SplitConfig,
    *,
    groups: Sequence[int] | NDArray[np.int64] | None = None,
    given: Sequence[str] | NDArray[np.str_] | None = None,
    kind: LabelKind = "class",
) -> Splits:
    """Divide N items into train, validation and test.

    Args:
        labels: (N,) classes or numbers.
        config: How.
        groups: (N,) items with the same group never cross splits that are drawn; None lets every
            item stand alone.
        given: (N,) `train`, `validation`, `test` or "" (which counts as train); None where the
            data names no splits.
        kind: What the labels are.

    Returns:
        Every item once. A split that the data does not name is taken out of the training items.

    Raises:
        DataError: There are too few items or groups to divide.
    """
    everything = np.arange(len(labels), dtype=np.int64)
    named = np.asarray(given if given is not None else [], dtype=str)
    if config.source == "random" or not np.isin(named, SPLITS).any():
        return Splits(_drawn(labels, everything, config, groups, kind, SPLITS))
    parts: dict[Split, NDArray[np.int64]] = {
        split: everything[named == split] for split in ("validation", "test")
    }
    parts["train"] = everything[~np.isin(named, ("validation", "test"))]
    notes = []
    if len(parts["train"]) == 0:
        stand_in: Split = "validation" if len(parts["validation"]) else "test"
        parts["train"], parts[stand_in] = parts[stand_in], parts["train"]
        notes.append(f"The data names no training split: its {stand_in} split is trained on.")
    missing: tuple[Split, ...] = tuple(s for s in SPLITS if len(parts[s]) == 0)
    if missing:
        drawn = _drawn(labels, parts["train"], config, groups, kind, ("train", *missing))
        parts.update(drawn)
        shares = " and ".join(f"{getattr(config, split)} % as {split}" for split in missing)
        notes.append(f"The data names no {' and no '.join(missing)} split: of the training items "
                     f"{shares} are set apart.")  # fmt: skip
    return Splits({split: parts[split] for split in SPLITS}, tuple(notes))


def _drawn(
    labels: Labels,
    items: NDArray[np.int64],
    config: SplitConfig,
    groups: Sequence[int] | NDArray[np.int64] | None,
    kind: LabelKind,
    wanted: Sequence[Split],
) -> dict[Split, NDArray[np.int64]]:
    """Deal `items` out in folds of equal size; scikit-learn makes these."""
    shares = {split: getattr(config, split) for split in wanted if split != "train"}
    size = len(items)
    keys = None if groups is None else np.asarray(groups)[items]
    units = size if keys is None else _distinct(keys)
    if units < 5:
        raise DataError(f"{units} items that may be split are too few: a task needs at least 5.")
    count = next(n for n in (5, 10, 20) if all(share * n % 100 == 0 for share in shares.values()))
    count = count if count <= units else 5
    folds = _folds(labels[items], count, keys, units, config, kind)
    parts: dict[Split, NDArray[np.int64]] = {}
    last = count
    for split in ("test", "validation"):  # the last folds; what is before them trains
        if split in shares:
            first = last - max(1, shares[split] * count // 100)
            parts[split] = items[np.sort(np.concatenate(folds[first:last]))]
            last = first
    parts["train"] = items[np.sort(np.concatenate(folds[:last]))]
    return parts


def _folds(
    labels: Labels,
    count: int,
    keys: NDArray[np.int64] | None,
    units: int,
    config: SplitConfig,
    kind: LabelKind,
) -> list[NDArray[np.int64]]:
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    strata = labels.astype(np.int64) if kind == "class" else fifths(labels)
    options = {"n_splits": count, "shuffle": True, "random_state": config.seed}
    blank = np.zeros(len(labels))
    commonest = int(np.bincount(strata - strata.min()).max())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes rarer than folds: seen in the window
        if keys is not None:
            if config.stratify and units <= _MANY_GROUPS and commonest >= count:
                found = StratifiedGroupKFold(**options).split(blank, strata, keys)
            else:
                found = GroupKFold(**options).split(blank, groups=keys)
        elif config.stratify and commonest >= count:
            found = StratifiedKFold(**options).split(blank, strata)
        else:  # no class has a member for every fold: nothing to stratify by
            found = KFold(**options).split(blank)
        return [held_out.astype(np.int64) for _, held_out in found]


def _distinct(keys: NDArray[np.int64]) -> int:
    # numpy's `unique` of a million integers holds other threads up for 200 ms; sorting does not.
    return 1 + int(np.count_nonzero(np.diff(np.sort(keys)))) if len(keys) else 0


def fifths(values: NDArray[np.number[Any]]) -> NDArray[np.int64]:
    """Return the fifth, 0 … 4 by rank, that each of N numbers is in: what stratifies numbers."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return (ranks * 5 // max(len(values), 1)).astype(np.int64)
