"""Texts of one split as token ids with their labels, and the batches of an epoch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fineview.core.data.task import Split, Task
from fineview.core.features.batches import Batch, collate
from fineview.core.features.extract import encode
from fineview.core.models.encoder import Encoded, Encoder
from fineview.core.progress import SILENT, Report
from fineview.core.training.config import TrainConfig

_BATCHES_SORTED_TOGETHER = 32
_PRIME = 1_000_003


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """The texts of a split, S of them, with R rows: a row a text, or an asked word within the cut.

    Attributes:
        encoded: (S,) texts as token ids.
        items: (R,) item of the task that each row is, ascending.
        labels: (R,) int64 classes or float64 numbers.
        first: (S+1,) row at which each text begins, and R.
        lengths: (S,) tokens of each text.
        truncated: Texts that were cut.
        dropped: Asked words beyond the cut.
    """

    encoded: Sequence[Encoded]
    items: NDArray[np.int64]
    labels: Tensor
    first: NDArray[np.int64]
    lengths: NDArray[np.int64]
    truncated: int
    dropped: int

    def __len__(self) -> int:
        """Return S."""
        return len(self.encoded)

    def rows(self, texts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of some texts, in the texts' order: as the model answers them."""
        spans = [np.arange(self.first[i], self.first[i + 1]) for i in texts.tolist()]
        return np.concatenate(spans) if spans else np.empty(0, dtype=np.int64)

    def batch(self, texts: NDArray[np.int64], padding: int) -> Batch:
        """Draw some texts together."""
        return collate(texts, self.encoded, padding)

    def some(self, count: int) -> NDArray[np.int64]:
        """Return at most `count` texts, always the same ones, ascending."""
        if len(self) <= count:
            return np.arange(len(self), dtype=np.int64)
        chosen = np.random.default_rng(0).choice(len(self), count, replace=False)
        return np.sort(chosen).astype(np.int64)


def examples_of(
    encoder: Encoder, task: Task, split: Split, max_length: int, report: Report = SILENT
) -> Examples:
    """Tokenise the texts of a split.

    Args:
        encoder: Has the tokenizer and a limit of its own.
        task: The texts; sentences of words never cross splits.
        split: Which of them.
        max_length: Tokens per text, special ones included.
        report: Asked between pieces.
    """
    items = task.splits[split]
    longest = min(max_length, encoder.info.max_length)
    if task.words is None:
        texts = [task.texts[i] for i in items]
        second = None if task.second is None else [task.second[i] for i in items]
        found = _examples(encode(encoder, texts, second, None, longest, report), None)
        found = replace(found, items=items)
    else:
        lengths = np.fromiter((len(words) for words in task.words), dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        wanted = np.zeros(len(task), dtype=bool)
        wanted[items] = True
        asked = [wanted[s : s + n] for s, n in zip(starts.tolist(), lengths.tolist(), strict=True)]
        sentences = [i for i, of in enumerate(asked) if of.any()]
        words = [task.words[i] for i in sentences]
        read = encode(encoder, (), None, words, longest, report)
        read = [_only(one, asked[i]) for one, i in zip(read, sentences, strict=True)]
        # A sentence whose words all lie beyond the cut has nothing to say in a batch.
        kept = [at for at, one in enumerate(read) if (_spans(one)[:, 0] >= 0).any()]
        first = starts[[sentences[at] for at in kept]]
        found = _examples([read[at] for at in kept], first.astype(np.int64))
        found = replace(found, dropped=len(items) - len(found.items))
    kind = np.int64 if task.label_kind == "class" else np.float64
    return replace(found, labels=torch.from_numpy(task.labels[found.items].astype(kind)))


def unlabelled(
    encoder: Encoder,
    texts: Sequence[str],
    second: Sequence[str] | None,
    words: Sequence[Sequence[str]] | None,
    max_length: int,
    report: Report = SILENT,
) -> Examples:
    """Tokenise texts of no task, to be judged.

    Args:
        encoder: Has the tokenizer.
        texts: S texts; not looked at where there are words.
        second: Pair level: S second texts.
        words: Word level: S sentences as words.
        max_length: Tokens per text, special ones included.
        report: Asked between pieces.

    Returns:
        Labels are 0; items count texts, or the words of all sentences.
    """
    longest = min(max_length, encoder.info.max_length)
    encoded = encode(encoder, texts, second, words, longest, report)
    if words is None:
        return _examples(encoded, None)
    lengths = np.fromiter((len(one) for one in words), dtype=np.int64, count=len(words))
    found = _examples(encoded, np.cumsum(lengths) - lengths)
    return replace(found, dropped=int(lengths.sum()) - len(found.items))


def _examples(encoded: Sequence[Encoded], starts: NDArray[np.int64] | None) -> Examples:
    """Count rows; labels are 0.

    Args:
        encoded: S texts.
        starts: Word level: (S,) item of each sentence's first word.
    """
    if starts is None:
        items = np.arange(len(encoded), dtype=np.int64)
        counts = np.ones(len(encoded), dtype=np.int64)
    else:
        inside = [np.flatnonzero(_spans(one)[:, 0] >= 0) for one in encoded]
        counts = np.array([len(one) for one in inside], dtype=np.int64)
        kept = [start + one for start, one in zip(starts, inside, strict=True)]
        items = np.concatenate(kept).astype(np.int64) if kept else np.empty(0, dtype=np.int64)
    return Examples(
        encoded=encoded,
        items=items,
        labels=torch.zeros(len(items), dtype=torch.int64),
        first=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        lengths=np.array([len(one.ids) for one in encoded], dtype=np.int64),
        truncated=sum(one.truncated for one in encoded),
        dropped=0,
    )


def _only(one: Encoded, asked: NDArray[np.bool_]) -> Encoded:
    """Return a sentence whose other words are read but not answered."""
    return replace(one, spans=np.where(asked[:, None], _spans(one), -1))


def _spans(one: Encoded) -> NDArray[np.int64]:
    assert one.spans is not None
    return one.spans


def epoch_batches(
    lengths: NDArray[np.int64], config: TrainConfig, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """Deal the texts of an epoch into batches of like length, in an order of the epoch's own.

    Texts are shuffled, sorted by length within stretches of some batches, cut, and the batches
    shuffled: little padding, and yet other company in every epoch.

    Args:
        lengths: (S,) tokens of each text.
        config: `token_budget` tokens a batch, padding included, else `batch_size` texts.
        seed: The run's.
        epoch: Counts from 0.

    Returns:
        Batches as indices of texts; hangs on the arguments alone.
    """
    random = np.random.default_rng((seed, epoch))
    order = random.permutation(len(lengths))
    budget, size = config.token_budget, config.batch_size
    mean = float(lengths.mean()) if len(lengths) else 1.0
    stretch = _BATCHES_SORTED_TOGETHER * (max(1, int(budget / mean)) if budget else size)
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), stretch):
        piece = order[start : start + stretch]
        piece = piece[np.argsort(lengths[piece], kind="stable")]
        batches += _by_tokens(piece, lengths, budget) if budget else _by_count(piece, size)
    return [batches[i] for i in random.permutation(len(batches))]


def _by_count(texts: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [texts[i : i + size] for i in range(0, len(texts), size)]


def _by_tokens(
    texts: NDArray[np.int64], lengths: NDArray[np.int64], budget: int
) -> list[NDArray[np.int64]]:
    """Cut texts, shortest first, where one more would exceed the budget."""
    batches, first = [], 0
    for place in range(1, len(texts) + 1):
        if place == len(texts) or (place - first + 1) * lengths[texts[place]] > budget:
            batches.append(texts[first:place])
            first = place
    return batches


def parts_of(texts: NDArray[np.int64], count: int) -> list[NDArray[np.int64]]:
    """Divide a batch into at most `count` parts, none of them empty."""
    return [part for part in np.array_split(texts, count) if len(part)]
