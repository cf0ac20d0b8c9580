"""Which training items the layer map is measured on."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.items import TaskItems
from fineview.core.data.task import ITEM_NAMES, Task
from fineview.core.errors import DataError
from fineview.core.explore.choices import MapChoice
from fineview.core.explore.sampled import ItemStates, drawn_items, is_stored, states_of_items
from fineview.core.progress import Report
from fineview.core.runs.spec import RunSpec

if TYPE_CHECKING:
    from fineview.core.laboratory import Laboratory


@dataclass(frozen=True, slots=True, eq=False)
class MapRows:
    """Training items of a task.

    Attributes:
        task: The whole task.
        items: (N,) items, ascending.
        units: (N,) text that each stands in: the item itself, or a word's sentence.
        notes: What was left out, in sentences.
    """

    task: Task
    items: NDArray[np.int64]
    units: NDArray[np.int64]
    notes: tuple[str, ...]

    def only(self, kept: NDArray[np.int64]) -> "MapRows":
        """Return the same without the other items."""
        mask = np.isin(self.items, kept)
        return replace(self, items=self.items[mask], units=self.units[mask])

    def sides(self) -> list[list[str]]:
        """Return the texts of the items; of a pair both, of a word the word."""
        task = self.task
        if task.words is not None:
            index = TaskItems(task)
            return [[index.word(item) for item in self.items.tolist()]]
        sides = [task.texts] if task.second is None else [task.texts, task.second]
        return [[side[item] for item in self.items.tolist()] for side in sides]


def draw_rows(task: Task, choice: MapChoice) -> MapRows:
    """Draw training items: stratified texts or pairs, or whole sentences of words.

    Args:
        task: A task with classes.
        choice: How many items at most, and the seed.

    Raises:
        DataError: There are fewer rows than folds, or nothing to tell them apart.
    """
    index = TaskItems(task)
    train = task.splits["train"]
    if task.words is None:
        items = drawn_items(task.labels, index.splits, train, choice.items, choice.seed)
        units = items
    else:
        items, units = _sentences(index, train, choice)
    what = ITEM_NAMES[task.info.level]
    notes = []
    if len(items) < len(train):
        notes.append(
            f"{len(items):,} of {len(train):,} training {what} were drawn with seed {choice.seed}; "
            f"{len(train) - len(items):,} are left out."
        )
    if len(items) < choice.folds:
        raise DataError(
            f"{task.info.title} has {len(items):,} training {what}, fewer than the "
            f"{choice.folds} folds: choose fewer folds, or a task with more texts."
        )
    rows = MapRows(task, items, units, tuple(notes))
    texts = list(zip(*rows.sides(), strict=True))
    if len(set(texts)) < 2:
        raise DataError(
            f"All {len(items):,} training {what} of {task.info.title} are equal: nothing can be "
            f"read from them, so use a task whose texts differ."
        )
    empty = sum(not any(part.strip() for part in text) for text in texts)
    if empty:
        notes.append(f"{empty:,} of the {what} are empty.")
    return replace(rows, notes=tuple(notes))


def states_of_rows(lab: "Laboratory", spec: RunSpec, rows: MapRows, report: Report) -> ItemStates:
    """Return the hidden states of the rows: from the whole task's entry, or of these texts alone.

    Args:
        lab: Encoder and store.
        spec: Which encoder and maximum length.
        rows: Which items.
        report: Asked while computing.
    """
    from fineview.core.features.extract import extract

    task = rows.task
    if task.words is None:
        return states_of_items(lab, spec, rows.items, report)
    if is_stored(lab, spec, task):
        states = states_of_items(lab, spec, rows.items, report)
        if len(states) == len(rows.items):
            return states
    part, whole = _part(task, np.unique(rows.units))
    encoder = lab.encoder(spec.encoder)
    hidden = extract(encoder, part, lab.store, max_length=spec.max_length, report=report)
    found = whole[hidden.items]
    mine = np.isin(found, rows.items)
    return ItemStates(
        hidden,
        np.flatnonzero(mine).astype(np.int64),
        found[mine],
        hidden.truncated,
        hidden.cached,
        hidden.seconds,
    )


def _sentences(
    index: TaskItems, train: NDArray[np.int64], choice: MapChoice
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw whole sentences until their training words are as many as wanted."""
    units = index.units(train)
    names, inverse, sizes = np.unique(units, return_inverse=True, return_counts=True)
    order = np.random.default_rng(choice.seed).permutation(len(names))
    chosen = np.zeros(len(names), dtype=bool)
    left = choice.items
    for sentence, size in zip(order.tolist(), sizes[order].tolist(), strict=True):
        if size <= left:  # a sentence longer than what is left is passed over, never cut
            chosen[sentence] = True
            left -= size
    mine = chosen[inverse]
    return train[mine], units[mine]


def _part(task: Task, sentences: NDArray[np.int64]) -> tuple[Task, NDArray[np.int64]]:
    """Return a task of some sentences, and the item of the whole task that each word is."""
    assert task.words is not None
    starts = np.concatenate([[0], np.cumsum([len(words) for words in task.words])])
    whole = np.concatenate([np.arange(starts[s], starts[s + 1]) for s in sentences.tolist()])
    every = np.arange(len(whole), dtype=np.int64)
    part = replace(
        task,
        info=replace(task.info, title=f"{task.info.title}, {len(sentences):,} sentences"),
        texts=tuple(task.texts[s] for s in sentences.tolist()),
        words=tuple(task.words[s] for s in sentences.tolist()),
        labels=task.labels[whole],
        splits={"train": every, "validation": every, "test": every},
    )
    return part, whole.astype(np.int64)
