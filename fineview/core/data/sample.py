"""A smaller task out of a large one: fewer training items, fewer held-out ones."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.split import SplitConfig, fifths
from fineview.core.data.task import SPLITS, Task


def sampled(task: Task, config: SplitConfig) -> Task:
    """Return the task with at most as many items as the split asks for.

    Samples are nested: with the same seed the items of a smaller one are all in a larger one, and
    every class (numbers: every fifth) keeps its share. Words are drawn by whole sentences, so their
    count may exceed the limit by a sentence.

    Args:
        task: Any task.
        config: `train_items` and `held_out_items`, 0 for all; `seed` draws.

    Returns:
        The task itself where nothing is left out. Items are counted anew.
    """
    limits = (config.train_items, config.held_out_items, config.held_out_items)
    parts = {
        split: _drawn(task, task.splits[split], limit, config.seed)
        for split, limit in zip(SPLITS, limits, strict=True)
    }
    if all(len(parts[split]) == len(task.splits[split]) for split in SPLITS):
        return task
    kept = np.sort(np.concatenate([parts[split] for split in SPLITS]))
    if task.words is not None:  # whole sentences, with the words of them that are in no split
        of_word = _sentences(task)
        kept = np.flatnonzero(np.isin(of_word, of_word[kept]))
    said = ", ".join(f"{len(parts[s]):,} of {len(task.splits[s]):,} {s}" for s in SPLITS)
    splits = {split: np.searchsorted(kept, parts[split]).astype(np.int64) for split in SPLITS}
    notes = (*task.notes, f"A sample, drawn with seed {config.seed}: {said} items.")
    changes: dict[str, Any] = {"labels": task.labels[kept], "splits": splits, "notes": notes}
    if task.words is not None:
        sentences = np.unique(_sentences(task)[kept]).tolist()
        words = tuple(task.words[i] for i in sentences)
        texts = tuple(task.texts[i] for i in sentences)
        return replace(task, texts=texts, words=words, **changes)
    texts = tuple(task.texts[i] for i in kept)
    second = None if task.second is None else tuple(task.second[i] for i in kept)
    return replace(task, texts=texts, second=second, **changes)


def _drawn(task: Task, items: NDArray[np.int64], limit: int, seed: int) -> NDArray[np.int64]:
    """Return at most `limit` of these items, ascending."""
    if not limit or len(items) <= limit:
        return items
    random = np.random.default_rng(seed)
    if task.words is None:
        labels = task.labels[items]
        strata = labels.astype(np.int64) if task.label_kind == "class" else fifths(labels)
        return np.sort(items[_interleaved(strata, random)[:limit]])
    sentences = _sentences(task)[items]
    names, first = np.unique(sentences, return_index=True)
    sizes = np.diff(np.append(first, len(items)))
    order = random.permutation(len(names))
    enough = int(np.searchsorted(np.cumsum(sizes[order]), limit)) + 1
    return items[np.isin(sentences, names[order[:enough]])]


def _interleaved(strata: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """Return an order whose every beginning holds each stratum by its share."""
    order = random.permutation(len(strata))
    shuffled = strata[order]
    by_stratum = np.argsort(shuffled, kind="stable")
    counts = np.bincount(shuffled)
    starts = np.cumsum(counts) - counts
    rank = np.empty(len(strata))
    rank[by_stratum] = np.arange(len(strata)) - np.repeat(starts, counts)
    places = (rank + 0.5) / counts[shuffled]
    return order[np.argsort(places, kind="stable")]


def _sentences(task: Task) -> NDArray[np.int64]:
    """Return the sentence of each word, (N,)."""
    assert task.words is not None
    lengths = np.fromiter((len(words) for words in task.words), dtype=np.int64)
    return np.repeat(np.arange(len(lengths)), lengths)


def with_shuffled_labels(task: Task, seed: int) -> Task:
    """Return the task with the labels of its training items dealt out anew among them.

    What can then still be learned is memory, not meaning; held-out items keep their labels.

    Source:
        Zhang et al. 2017, arXiv:1611.03530, section 2 (randomisation test).
    """
    train = task.splits["train"]
    labels = task.labels.copy()
    labels[train] = labels[np.random.default_rng(seed).permutation(train)]
    return replace(task, labels=labels)
