"""A task: labelled texts, what is asked of them, and named splits."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import DataError

Level = Literal["sentence", "pair", "word"]
"""What one label belongs to."""
ITEM_NAME: dict[Level, str] = {"sentence": "text", "pair": "pair", "word": "word"}
"""What people call one item of a task."""
ITEM_NAMES: dict[Level, str] = {level: f"{name}s" for level, name in ITEM_NAME.items()}
LabelKind = Literal["class", "number"]
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInfo:
    """What is known of a task before its texts are read.

    Attributes:
        name: Name in spec files.
        title: Name on screen.
        level: What one label belongs to: a sentence, a pair of texts, or a word.
        meaning: One sentence on what the label means.
        source: Where the texts come from.
        licence: Terms, as declared by the source.
        split_by: What never crosses splits, for instance "first word".
    """

    name: str
    title: str
    level: Level
    meaning: str
    source: str
    licence: str
    split_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """Labelled texts. N items carry a label: texts, pairs, or (word level) single words.

    Attributes:
        info: Name, meaning, origin.
        texts: Sentence and pair level: N (first) texts. Word level: S sentences, words joined by
            one space.
        second: Pair level: N second texts; else None.
        words: Word level: S tuples of words; N is their total, sentence by sentence. Else None.
        labels: (N,) int64 class indices, or float64 numbers.
        label_kind: What `labels` holds.
        classes: The C class names in index order; empty for numbers.
        splits: Item indices (int64, ascending) of `train`, `validation` and `test`.
        given_splits: Whether the data names splits of its own.
        notes: Sentences on what was left out while reading.
    """

    info: TaskInfo
    texts: tuple[str, ...]
    labels: NDArray[np.int64] | NDArray[np.float64]
    splits: Mapping[Split, NDArray[np.int64]]
    second: tuple[str, ...] | None = None
    words: tuple[tuple[str, ...], ...] | None = None
    label_kind: LabelKind = "class"
    classes: tuple[str, ...] = ()
    given_splits: bool = False
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse what cannot be trained or measured."""
        items = len(self)
        if items == 0:
            raise DataError(f"The task {self.info.title} has no labelled texts.")
        if len(self.labels) != items:
            raise DataError(
                f"The task {self.info.title} has {items} items but {len(self.labels)} labels."
            )
        if self.label_kind == "class" and len(self.classes) < 2:
            raise DataError(
                f"The task {self.info.title} has {len(self.classes)} class; training needs two."
            )
        for split in SPLITS:
            if len(self.splits.get(split, ())) == 0:
                raise DataError(f"The {split} split of {self.info.title} is empty: add texts.")

    def __len__(self) -> int:
        """Return N, the number of labelled items."""
        if self.words is not None:
            return sum(len(words) for words in self.words)
        return len(self.texts)

    def fingerprint(self) -> str:
        """Return the sha256 of the texts alone (labels and splits do not change hidden states)."""
        digest = hashlib.sha256(self.info.level.encode())
        rows = self.words if self.words is not None else self.texts
        for i, row in enumerate(rows):
            parts = row if isinstance(row, tuple) else (row,)
            if self.second is not None:
                parts = (*parts, self.second[i])
            # Lengths keep ("ab", "c") and ("a", "bc") apart.
            for part in parts:
                data = part.encode("utf-8", "surrogatepass")
                digest.update(len(data).to_bytes(8, "little"))
                digest.update(data)
            digest.update(b"\xff")
        return digest.hexdigest()

    def balance(self, split: Split) -> NDArray[np.int64]:
        """Return how many items of each class a split has, (C,)."""
        return np.bincount(
            self.labels[self.splits[split]].astype(np.int64), minlength=len(self.classes)
        ).astype(np.int64)

    def label(self, item: int) -> str:
        """Return the label of one item as a person would read it."""
        value = self.labels[item]
        return self.classes[int(value)] if self.label_kind == "class" else f"{value:g}"

    def example(self, item: int) -> str:
        """Return one item as a person would read it; a word stands in «» within its sentence."""
        if self.words is not None:
            for words in self.words:
                if item < len(words):
                    return " ".join((*words[:item], f"«{words[item]}»", *words[item + 1 :]))
                item -= len(words)
            raise IndexError("item")
        if self.second is not None:
            return f"{self.texts[item]}  ·  {self.second[item]}"
        return self.texts[item]
