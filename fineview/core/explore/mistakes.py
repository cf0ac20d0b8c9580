"""What the page on mistakes shows: answers of a run beside the labels. Light to import."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.items import TaskItems
from fineview.core.data.task import ITEM_NAME, LabelKind

Held = Literal["validation", "test"]
"""Splits whose answers a run keeps."""
HELD: tuple[Held, ...] = get_args(Held)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldAnswers:
    """What a run said of one held-out split.

    Attributes:
        split: Which.
        items: (n,) items of the task.
        labels: (n,) int64 class indices, or float64 numbers.
        answers: (n,) what was answered, of the same kind.
        shares: (n, C) float64 probabilities; (n, 0) for numbers.
        units: (n,) text that each item stands in: the item itself, or a word's sentence.
        score: Accuracy 0 … 1, or rank correlation −1 … 1 for numbers.
        interval: Its 95 % interval.
        baseline: Score of always answering the commonest training class; 0 for numbers.
    """

    split: Held
    items: NDArray[np.int64]
    labels: NDArray[np.int64] | NDArray[np.float64]
    answers: NDArray[np.int64] | NDArray[np.float64]
    shares: NDArray[np.float64]
    units: NDArray[np.int64]
    score: float
    interval: tuple[float, float]
    baseline: float

    def __len__(self) -> int:
        """Return n."""
        return len(self.items)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Return where the answer is the label, (n,)."""
        return np.asarray(self.answers == self.labels)

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Return the probability of each answer, (n,); classes only."""
        return self.shares[np.arange(len(self)), self.answers.astype(np.int64)]

    @property
    def likelihood(self) -> NDArray[np.float64]:
        """Return the probability of each label, (n,); classes only."""
        return self.shares[np.arange(len(self)), self.labels.astype(np.int64)]

    @property
    def residuals(self) -> NDArray[np.float64]:
        """Return answer − label, (n,); numbers only."""
        return self.answers.astype(np.float64) - self.labels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunAnswers:
    """What a run said of its held-out splits.

    Attributes:
        run_id: The run.
        run_title: Its name.
        label_kind: Classes or numbers.
        classes: The C class names; empty for numbers.
        items: Looks up texts and labels.
        held: The answers by split.
        commonest: Commonest class of the training items, or "" for numbers.
        training_shares: (C,) share of each class among the training items.
    """

    run_id: str
    run_title: str
    label_kind: LabelKind
    classes: tuple[str, ...]
    items: TaskItems
    held: Mapping[Held, HeldAnswers]
    commonest: str
    training_shares: NDArray[np.float64]

    def sentence(self, split: Held) -> str:
        """Return what the run is and how good, in one sentence."""
        held, title = self.held[split], self.items.task.info.title
        low, high = held.interval
        name = ITEM_NAME[self.items.task.info.level]
        of = f"on {len(held):,} {split} {name}{'s' * (len(held) != 1)}"
        bounds = f"(95 % {_short(low)}–{_short(high)})"
        if self.label_kind == "number":
            return (
                f"{self.run_title} on {title}: rank correlation {_short(held.score)} {bounds} "
                f"{of}; always answering the mean: 0."
            )
        return (
            f"{self.run_title} on {title}: accuracy {held.score:.3f} {bounds} {of}; always "
            f"answering “{self.commonest}”: {held.baseline:.3f}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Confused:
    """Two classes that were taken for each other.

    Attributes:
        first: The class that was more often mistaken for the other.
        second: The other.
        first_as_second: Items of the first that were answered with the second.
        second_as_first: The other way round.
    """

    first: int
    second: int
    first_as_second: int
    second_as_first: int

    @property
    def count(self) -> int:
        """Return the mistakes between the two."""
        return self.first_as_second + self.second_as_first


def wrong_rows(
    held: HeldAnswers,
    true: int = -1,
    answered: int = -1,
    mutual: bool = False,
) -> NDArray[np.int64]:
    """Return the rows whose answer is wrong, the surest first; equal ones in the task's order.

    Args:
        held: Answers in classes.
        true: Only items of this class; −1 for all.
        answered: Only items answered with this class; −1 for all.
        mutual: Also those of `answered` that were answered with `true`, where both are given.
    """
    keep = ~held.right
    asked = np.ones(len(held), dtype=bool)
    for values, wanted in ((held.labels, true), (held.answers, answered)):
        if wanted >= 0:
            asked &= values == wanted
    if mutual and true >= 0 and answered >= 0:
        asked |= (held.labels == answered) & (held.answers == true)
    rows = np.flatnonzero(keep & asked)
    return rows[np.argsort(-held.confidence[rows], kind="stable")].astype(np.int64)


def confused_pairs(held: HeldAnswers, classes: int) -> tuple[Confused, ...]:
    """Return the pairs of classes that were taken for each other, the most frequent first."""
    cells = held.labels.astype(np.int64) * classes + held.answers.astype(np.int64)
    counts = np.bincount(cells, minlength=classes * classes).reshape(classes, classes)
    np.fill_diagonal(counts, 0)
    both = np.triu(counts + counts.T)
    found = []
    for one, other in zip(*(side.tolist() for side in np.nonzero(both)), strict=True):
        a, b = (one, other) if counts[one, other] >= counts[other, one] else (other, one)
        found.append(
            Confused(
                first=a,
                second=b,
                first_as_second=int(counts[a, b]),
                second_as_first=int(counts[b, a]),
            )
        )
    return tuple(sorted(found, key=lambda pair: (-pair.count, pair.first, pair.second)))


def _short(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
