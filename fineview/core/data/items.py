"""The items of a task by their number: a million of them cost a few arrays, no copy of a text."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import SPLITS, Level, Split, Task

Column = Literal["item", "text", "second", "label", "split"]
"""What is known of an item: number from 1, text (or word), second text (or sentence), …"""

_TEXTS: dict[Level, tuple[tuple[Column, str], ...]] = {
    "sentence": (("text", "Text"),),
    "pair": (("text", "First text"), ("second", "Second text")),
    "word": (("text", "Word"), ("second", "In its sentence")),
}


def distinct(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where an ascending array has a value for the first time.

    `np.unique` does not let other threads run: on a million numbers it would hold the window for
    a tenth of a second.
    """
    first = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return first


class TaskItems:
    """Looks up text, label and split of an item in constant time.

    Attributes:
        task: The task itself.
        every: (M,) int64, ascending: the items that stand in a split.
        splits: (N,) int8, index of each item's split in `SPLITS`; -1 where it is in none.
        starts: Word level: (S + 1,) first item of each sentence, and N. Else None.
    """

    def __init__(self, task: Task) -> None:
        """Index a task; takes time in proportion to its items, so not on the window's thread."""
        self.task = task
        self.splits = np.full(len(task.labels), -1, dtype=np.int8)
        for code, split in enumerate(SPLITS):
            self.splits[task.splits[split]] = code
        self.every = np.flatnonzero(self.splits >= 0).astype(np.int64)
        self.starts: NDArray[np.int64] | None = None
        if task.words is not None:
            lengths = np.fromiter(map(len, task.words), dtype=np.int64, count=len(task.words))
            self.starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    @property
    def has_words(self) -> bool:
        """Return whether an item is a word in its sentence."""
        return self.starts is not None

    def units(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the index of the text that each item stands in (word level: its sentence)."""
        if self.starts is None:
            return items
        return (np.searchsorted(self.starts, items, side="right") - 1).astype(np.int64)

    def place(self, item: int) -> tuple[int, int]:
        """Return the text of an item and its place in it (0 but for words)."""
        if self.starts is None:
            return item, 0
        unit = int(np.searchsorted(self.starts, item, side="right")) - 1
        return unit, item - int(self.starts[unit])

    def text(self, item: int) -> str:
        """Return the first text; word level: the whole sentence."""
        return self.task.texts[self.place(item)[0]]

    def second(self, item: int) -> str:
        """Return the second text of a pair, else ""."""
        return self.task.second[item] if self.task.second is not None else ""

    def word(self, item: int) -> str:
        """Return the word of a word-level item, else ""."""
        if self.task.words is None:
            return ""
        unit, place = self.place(item)
        return self.task.words[unit][place]

    def in_sentence(self, item: int, around: int | None = None) -> str:
        """Return the sentence of a word with «» around the word.

        Args:
            item: A word-level item.
            around: Keep so many words at either side, "…" for the others; None keeps all.
        """
        assert self.task.words is not None
        unit, place = self.place(item)
        words = self.task.words[unit]
        first = 0 if around is None else max(place - around, 0)
        last = len(words) if around is None else min(place + around + 1, len(words))
        parts = [*words[first:place], f"«{words[place]}»", *words[place + 1 : last]]
        return " ".join((*["…"] * (first > 0), *parts, *["…"] * (last < len(words))))

    def label(self, item: int) -> str:
        """Return the label as a person would read it."""
        return self.task.label(item)

    def split(self, item: int) -> Split | None:
        """Return the split of an item, None where it is in none."""
        code = int(self.splits[item])
        return SPLITS[code] if code >= 0 else None

    def cell(self, item: int, column: Column) -> str:
        """Return one of an item's columns as text, in full."""
        if column == "item":
            return str(item + 1)
        if column == "label":
            return self.label(item)
        if column == "split":
            return self.split(item) or ""
        if self.has_words:
            return self.word(item) if column == "text" else self.in_sentence(item)
        return self.text(item) if column == "text" else self.second(item)

    def columns(self) -> tuple[tuple[Column, str], ...]:
        """Return the columns there are at this level, with their titles."""
        return (
            ("item", "No."),
            *_TEXTS[self.task.info.level],
            ("label", "Label"),
            ("split", "Split"),
        )
