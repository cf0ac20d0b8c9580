"""What a task is made of, and what is wrong with it: balance, lengths, duplicates, leakage."""

from dataclasses import dataclass
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.items import TaskItems, distinct
from fineview.core.data.spread import Spread, spread_of
from fineview.core.data.task import SPLITS, Split, Task
from fineview.core.progress import SILENT, Report

PAIRS: tuple[tuple[Split, Split], ...] = (
    ("validation", "train"),
    ("test", "train"),
    ("test", "validation"),
)
"""A held-out split, and one whose texts it should not hold."""
_EXAMPLES = 5
_LONGEST_EXAMPLE = 200
_ROWS_A_CHECK = 256
_LONG_TEXT = 100_000
_MIX = np.uint64(0x9E3779B97F4A7C15)

Items = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitStatistics:
    """One split.

    Attributes:
        split: Which.
        items: Labels in it.
        texts: Texts (sentences, pairs) they stand in.
        counts: (C,) items of each class; empty for numbers.
        majority: The commonest class and its share of the items; None for numbers.
        absent: Classes that are not in it.
        labels: Spread of the labels where they are numbers, else None.
    """

    split: Split
    items: int
    texts: int
    counts: tuple[int, ...]
    majority: tuple[str, float] | None
    absent: tuple[str, ...]
    labels: Spread | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Texts of a held-out split that also stand in another split.

    Attributes:
        held_out: The split that measures.
        source: The split that has been seen before.
        texts: How many texts of `held_out` stand in `source` too.
        share: `texts` of all texts in `held_out`.
        examples: Up to five of them, cut to 200 characters.
    """

    held_out: Split
    source: Split
    texts: int
    share: float
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskStatistics:
    """What `measure` found. Only items that stand in a split are counted.

    Two texts count as the same when they differ in nothing but Unicode form, white space and
    capitals; a pair when both its texts do. At the word level the texts are the sentences.

    Attributes:
        items: M labels.
        texts: Texts (sentences, pairs) they stand in.
        splits: Train, validation and test.
        words: Words a text; a pair's texts together.
        labels: Spread of all labels where they are numbers, else None.
        groups: Texts that occur more than once, each counted once.
        extra: Texts that would go if each were kept once.
        conflicts: Of the groups, those whose labels differ.
        leaks: For each of `PAIRS`, also where nothing leaks.
        duplicate_items: (·,) int64, items whose text occurs more than once.
        conflict_items: (·,) int64, those of them whose labels contradict each other.
        leaked_items: (·,) int64, items of held-out splits that the leaks are about.
    """

    items: int
    texts: int
    splits: tuple[SplitStatistics, ...]
    words: Spread
    labels: Spread | None
    groups: int
    extra: int
    conflicts: int
    leaks: tuple[Leak, ...]
    duplicate_items: Items
    conflict_items: Items
    leaked_items: Items


def measure(task: Task, report: Report = SILENT) -> TaskStatistics:
    """Count everything the task view shows, but for lengths in tokens.

    A million short texts take about three seconds and 50 MB; other threads run meanwhile.

    Args:
        task: Any task.
        report: Asked every few hundred texts.

    Raises:
        JobCancelled: Stop was pressed.
    """
    items = TaskItems(task)
    keys, lengths = _read(task, report)
    report.progress(0, 0, "Comparing texts")
    units = items.units(items.every)
    codes = items.splits[items.every]
    used = units[distinct(units)]
    report.check()
    splits = tuple(_split(task, items, split) for split in SPLITS)
    report.check()
    twice, conflicting, groups, conflicts = _duplicates(
        keys[used], _signatures(task, items, report)[used]
    )
    report.check()
    doubled, opposed = np.zeros((2, len(keys)), dtype=bool)
    doubled[used[twice]] = True
    opposed[used[conflicting]] = True
    leaks, leaked = _leaks(items, keys[units], units, codes, report)
    numbers = task.label_kind == "number"
    return TaskStatistics(
        items=len(items.every),
        texts=len(used),
        splits=splits,
        words=spread_of(lengths[used], whole=True),
        labels=spread_of(_floats(task, items.every), whole=False) if numbers else None,
        groups=groups,
        extra=int(np.count_nonzero(twice)) - groups,
        conflicts=conflicts,
        leaks=leaks,
        duplicate_items=items.every[doubled[units]],
        conflict_items=items.every[opposed[units]],
        leaked_items=items.every[leaked],
    )


def same_form(text: str) -> str:
    """Return a text as it is compared: NFC, one space between words, case folded."""
    return " ".join((text if text.isascii() else normalize("NFC", text)).casefold().split())


def _read(task: Task, report: Report) -> tuple[Items, Items]:
    """Return for each text a 64-bit sum of what is compared, and its number of words."""
    texts, second, words = task.texts, task.second, task.words
    keys = np.empty(len(texts), dtype=np.int64)
    lengths = np.empty(len(texts), dtype=np.int64)
    for start in range(0, len(texts), _ROWS_A_CHECK):
        report.check()
        report.progress(start, len(texts), "Reading texts")
        for i in range(start, min(start + _ROWS_A_CHECK, len(texts))):
            first = same_form(texts[i])
            count = first.count(" ") + 1 if first else 0
            if second is None:
                keys[i] = hash(first)
            else:
                other = same_form(second[i])
                count += other.count(" ") + 1 if other else 0
                keys[i] = hash((first, other))
            lengths[i] = count if words is None else len(words[i])
            if len(first) > _LONG_TEXT:
                report.check()
    return keys, lengths


def _signatures(task: Task, items: TaskItems, report: Report) -> NDArray[np.generic]:
    """Return for each text its label; word level: a sum over the labels of its words, in order."""
    if items.starts is None:
        return task.labels
    result = np.zeros(len(task.texts), dtype=np.uint64)
    place = np.arange(len(task.labels)) - np.repeat(items.starts[:-1], np.diff(items.starts))
    report.check()
    bits = np.asarray(task.labels, dtype=np.float64).view(np.uint64)
    mixed = (bits ^ (place.astype(np.uint64) * _MIX)) * _MIX
    mixed ^= mixed >> np.uint64(29)
    mixed *= _MIX
    filled = np.flatnonzero(np.diff(items.starts))
    if len(filled):
        result[filled] = np.add.reduceat(mixed, items.starts[filled])
    return result


def _duplicates(
    keys: Items, labels: NDArray[np.generic]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], int, int]:
    """Return which texts occur twice, which of them conflict, and the number of groups of each."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(distinct(ordered))
    sizes = np.diff(np.concatenate([starts, [len(keys)]]))
    many = sizes > 1
    sorted_labels = labels[order]
    differ = np.minimum.reduceat(sorted_labels, starts) != np.maximum.reduceat(
        sorted_labels, starts
    )
    twice, conflicting = np.empty((2, len(keys)), dtype=bool)
    twice[order] = np.repeat(many, sizes)
    conflicting[order] = np.repeat(differ, sizes)
    return twice, conflicting, int(np.count_nonzero(many)), int(np.count_nonzero(differ))


def _leaks(
    items: TaskItems, keys: Items, units: Items, codes: NDArray[np.int8], report: Report
) -> tuple[tuple[Leak, ...], NDArray[np.bool_]]:
    found = []
    leaked = np.zeros(len(keys), dtype=bool)
    for held_out, source in PAIRS:
        report.check()
        mine = np.flatnonzero(codes == SPLITS.index(held_out))
        theirs = np.sort(keys[codes == SPLITS.index(source)])
        report.check()
        nearest = np.minimum(np.searchsorted(theirs, keys[mine]), len(theirs) - 1)
        hits = mine[theirs[nearest] == keys[mine]]
        leaked[hits] = True
        first = np.flatnonzero(distinct(units[hits]))
        found.append(
            Leak(
                held_out=held_out,
                source=source,
                texts=len(first),
                share=len(first) / int(distinct(units[mine]).sum()),
                examples=tuple(
                    _example(items, int(items.every[hits[i]])) for i in first[:_EXAMPLES]
                ),
            )
        )
    return tuple(found), leaked


def _example(items: TaskItems, item: int) -> str:
    second = items.second(item)
    text = items.text(item) + (f"  ·  {second}" if second else "")
    return text if len(text) <= _LONGEST_EXAMPLE else text[: _LONGEST_EXAMPLE - 1] + "…"


def _split(task: Task, items: TaskItems, split: Split) -> SplitStatistics:
    mine = task.splits[split]
    counts: tuple[int, ...] = ()
    majority = None
    if task.label_kind == "class":
        balance = task.balance(split)
        counts = tuple(int(n) for n in balance)
        most = int(balance.argmax())
        majority = (task.classes[most], float(balance[most]) / len(mine))
    return SplitStatistics(
        split=split,
        items=len(mine),
        texts=int(distinct(items.units(mine)).sum()),
        counts=counts,
        majority=majority,
        absent=tuple(name for name, n in zip(task.classes, counts, strict=True) if n == 0)
        if counts
        else (),
        labels=None if counts else spread_of(_floats(task, mine), whole=False),
    )


def _floats(task: Task, items: Items) -> NDArray[np.float64]:
    return task.labels[items].astype(np.float64)
