"""All layers and token poolings of a task's texts, computed once."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import Level, Task
from fineview.core.errors import ConfigError, StoreError
from fineview.core.features.batches import collate, plan
from fineview.core.features.config import WORD_CAP
from fineview.core.features.forward import Forward
from fineview.core.features.hidden import HiddenStates
from fineview.core.features.shards import DTYPES, FORMAT, Plan, Shape
from fineview.core.features.store import FeatureStore, Stored
from fineview.core.models.encoder import Encoded, Encoder
from fineview.core.progress import SILENT, Report

__all__ = ["HiddenStates", "encode", "extract", "feature_key", "states_of"]
SHARD_ROWS = 256
TOKENIZE_TEXTS = 256


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """What is to be computed.

    Attributes:
        encoded: S tokenised texts.
        batches: Texts that go through the encoder together, in order.
        shards: Batches of each shard.
        plan: Rows of the result.
        truncated: Texts that were cut.
    """

    encoded: Sequence[Encoded]
    batches: Sequence[NDArray[np.int64]]
    shards: Sequence[range]
    plan: Plan
    truncated: int


def extract(
    encoder: Encoder,
    task: Task,
    store: FeatureStore,
    *,
    max_length: int = 128,
    dtype: str = "float32",
    seed: int = 0,
    report: Report = SILENT,
) -> HiddenStates:
    """Return the hidden states of a task, from the store or computed into it.

    Shards that an earlier, stopped extraction finished are not computed again. If the store has
    all of them, neither torch nor the tokenizer nor the weights are loaded.

    Args:
        encoder: The encoder.
        task: Texts, pairs or words.
        store: Where hidden states are kept.
        max_length: Tokens per text, special ones included; the encoder's own limit also holds.
        dtype: `float32`, or `float16` for half the disk.
        seed: Draws the sentences that stay where a word task exceeds `WORD_CAP`.
        report: Asked before each block of each batch; progress counts texts or words.

    Raises:
        ConfigError: The number type is unknown, or no word fits within the maximum length.
        ModelError: The encoder cannot be loaded.
        StoreError: The disk is full, or the cache cannot be written to.
        JobCancelled: Stop was pressed.
    """
    began = time.monotonic()
    if dtype not in DTYPES:
        raise ConfigError(f"Number type {dtype!r} is not one of {', '.join(DTYPES)}.", "dtype")
    max_length = min(max_length, encoder.info.max_length)
    key = feature_key(encoder, task, max_length=max_length, dtype=dtype, seed=seed)
    stored = store.open(key, report)
    cached = stored is not None
    if stored is None:
        stored = _compute(encoder, task, store, key, max_length, dtype, seed, report)
    return HiddenStates(
        states=stored.states,
        items=stored.items,
        level=task.info.level,
        depth=encoder.info.layers,
        cached=cached,
        seconds=time.monotonic() - began,
        truncated=stored.manifest.truncated,
        dropped_words=stored.manifest.dropped_words,
        key=key,
    )


def feature_key(
    encoder: Encoder, task: Task, *, max_length: int, dtype: str = "float32", seed: int = 0
) -> str:
    """Return the name under which the store keeps these hidden states.

    Everything that decides their bits is in it, save the number of threads.
    """
    identity = {
        "format": FORMAT,
        "encoder": encoder.info.fingerprint,
        "texts": task.fingerprint(),
        "level": task.info.level,
        "max_length": min(max_length, encoder.info.max_length),
        "dtype": dtype,
        "attention": encoder.attention,
        "device": encoder.device,
        "seed": seed if task.words is not None and len(task) > WORD_CAP else None,
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def states_of(
    encoder: Encoder,
    level: Level,
    texts: Sequence[str],
    second: Sequence[str] | None = None,
    words: Sequence[Sequence[str]] | None = None,
    *,
    max_length: int = 128,
    report: Report = SILENT,
) -> tuple[NDArray[np.float32], NDArray[np.int64], int]:
    """Compute hidden states in memory, for a few typed examples.

    Args:
        encoder: The encoder.
        level: What a row is.
        texts: S texts. Word level: used only without `words`, and then split at spaces.
        second: Pair level: S second texts.
        words: Word level: S sentences as words.
        max_length: Tokens per text, special ones included.
        report: Asked before each block of each batch.

    Returns:
        States (M, L+1, 3, D), items (M,) ascending, and the number of texts that were cut. Word
        level: items count words over all sentences; those that were cut off are missing.
    """
    if level == "word" and words is None:
        words = [text.split() for text in texts]
    encoded = encode(encoder, texts, second, words, max_length, report)
    work = _work(encoded, None)
    rows = len(work.plan.items)
    states = np.empty((rows, encoder.info.layers + 1, 3, encoder.info.width), dtype=np.float32)
    done = 0
    with Forward(encoder, report) as forward:
        for batch in work.batches:
            block = forward.block(collate(batch, encoded, forward.padding))
            states[work.plan.order[done : done + len(block)]] = block
            done += len(block)
    return states, work.plan.items, work.truncated


def _compute(
    encoder: Encoder,
    task: Task,
    store: FeatureStore,
    key: str,
    max_length: int,
    dtype: str,
    seed: int,
    report: Report,
) -> Stored:
    """Fill the entry of a task, whatever of it is there already."""
    encoder.load(report)
    sentences = _drawn(task, seed)
    work = _tokenized(encoder, task, sentences, max_length, report)
    rows = len(work.plan.items)
    if rows == 0:
        raise ConfigError(
            f"No word of {task.info.title} fits within {max_length} tokens: raise the maximum "
            f"length.",
            "max_length",
        )
    shape = Shape(rows=rows, depth=encoder.info.layers, width=encoder.info.width, dtype=dtype)
    with (
        store.writing(
            key,
            f"{task.info.title} · {encoder.info.title} · {max_length} tokens",
            shape,
            work.plan,
            truncated=work.truncated,
            dropped_words=len(task) - rows,
            report=report,
        ) as writer,
        Forward(encoder, report) as forward,
    ):
        done = 0
        for shard, batches in enumerate(work.shards):
            if writer.has(shard):
                done += work.plan.shards[shard]
                continue
            writer.begin(shard)
            for batch in batches:
                report.progress(done, rows, "Extracting features")
                block = forward.block(collate(work.batches[batch], work.encoded, forward.padding))
                writer.write(block.astype(dtype, copy=False))
                done += len(block)
            writer.finish()
        report.progress(rows, rows, "Extracting features")
    stored = store.open(key, report)
    if stored is None:
        raise StoreError(
            f"The hidden states in {store.folder / key} changed while they were written: check the "
            f"disk, or set FINEVIEW_CACHE to another folder."
        )
    return stored


def _drawn(task: Task, seed: int) -> NDArray[np.int64] | None:
    """Return which sentences of a word task stay within the cap, ascending; None for all."""
    if task.words is None or len(task) <= WORD_CAP:
        return None
    counts = np.array([len(words) for words in task.words], dtype=np.int64)
    order = np.random.default_rng(seed).permutation(len(counts))
    kept = int(np.searchsorted(np.cumsum(counts[order]), WORD_CAP, side="right"))
    return np.sort(order[: max(1, kept)])


def _tokenized(
    encoder: Encoder,
    task: Task,
    sentences: NDArray[np.int64] | None,
    max_length: int,
    report: Report,
) -> _Work:
    if task.words is None:
        encoded = encode(encoder, task.texts, task.second, None, max_length, report)
        return _work(encoded, None)
    starts = np.cumsum([0, *(len(words) for words in task.words)])[:-1]
    words: Sequence[Sequence[str]] = task.words
    if sentences is not None:
        words = [task.words[i] for i in sentences]
        starts = starts[sentences]
    return _work(encode(encoder, (), None, words, max_length, report), starts)


def encode(
    encoder: Encoder,
    texts: Sequence[str],
    second: Sequence[str] | None,
    words: Sequence[Sequence[str]] | None,
    max_length: int,
    report: Report,
) -> list[Encoded]:
    """Tokenise in pieces, so that Stop need not wait for all of a long task."""
    total = len(texts) if words is None else len(words)
    encoded: list[Encoded] = []
    for first in range(0, total, TOKENIZE_TEXTS):
        report.check()
        report.progress(first, total, "Splitting texts into tokens")
        piece = slice(first, first + TOKENIZE_TEXTS)
        encoded += encoder.encode(
            texts[piece],
            None if second is None else second[piece],
            None if words is None else words[piece],
            max_length=max_length,
        )
    return encoded


def _work(encoded: Sequence[Encoded], starts: NDArray[np.int64] | None) -> _Work:
    """Decide batches, shards and rows.

    Args:
        encoded: S tokenised texts.
        starts: Word level: (S,) item of each sentence's first word; by default sentences follow one
            another.
    """
    lengths = np.array([len(one.ids) for one in encoded], dtype=np.int64)
    batches = plan(lengths)
    items, counts = _items(encoded, starts)
    first_row = np.cumsum(counts) - counts
    order = [
        np.arange(first_row[text], first_row[text] + counts[text])
        for batch in batches
        for text in batch
    ]
    shards: list[range] = []
    shard_rows: list[int] = []
    begin = rows = 0
    for place, batch in enumerate(batches, start=1):
        rows += int(counts[batch].sum())
        # A shard is a whole number of batches: resumed or not, the same texts stand together.
        if rows >= SHARD_ROWS or (place == len(batches) and rows):
            shards.append(range(begin, place))
            shard_rows.append(rows)
            begin, rows = place, 0
    return _Work(
        encoded=encoded,
        batches=batches,
        shards=shards,
        plan=Plan(items, np.concatenate(order) if order else items, tuple(shard_rows)),
        truncated=sum(one.truncated for one in encoded),
    )


def _items(
    encoded: Sequence[Encoded], starts: NDArray[np.int64] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the item of each row, (M,), and the number of rows of each text, (S,)."""
    if not encoded or encoded[0].spans is None:
        size = len(encoded)
        return np.arange(size, dtype=np.int64), np.ones(size, dtype=np.int64)
    kept: list[NDArray[np.int64]] = []
    start = 0
    for index, one in enumerate(encoded):
        assert one.spans is not None
        first = start if starts is None else int(starts[index])
        kept.append(first + np.flatnonzero(one.spans[:, 0] >= 0))
        start += len(one.spans)
    counts = np.array([len(rows) for rows in kept], dtype=np.int64)
    return np.concatenate(kept).astype(np.int64), counts
