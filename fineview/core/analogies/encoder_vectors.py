"""Word vectors of an encoder: its input embeddings, or its states averaged over a word's places."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.choice import read_encoder_name
from fineview.core.analogies.vector_store import blocks_of
from fineview.core.analogies.vectors import VectorsInfo, WordVectors
from fineview.core.errors import ConfigError, DataError
from fineview.core.features.batches import collate, plan
from fineview.core.features.extract import encode
from fineview.core.features.forward import Forward
from fineview.core.models.info import Token
from fineview.core.progress import SILENT, Report

if TYPE_CHECKING:
    from fineview.core.data.task import Task
    from fineview.core.models.encoder import Encoder

MOST_TEXTS = 2000
_MAX_LENGTH = 128
_TOKENIZED_AT_ONCE = 2000
_MARKS = "Ġ▁"  # begin a word in byte-level BPE and in SentencePiece


def vectors_of_encoder(
    name: str,
    encoder: Callable[[str], "Encoder"],
    task: Callable[[str], "Task"],
    report: Report = SILENT,
) -> WordVectors:
    """Take word vectors out of an encoder.

    Args:
        name: As `EncoderWords.name`.
        encoder: Opens an encoder.
        task: Loads a task.
        report: Asked between batches; progress counts texts.

    Raises:
        ConfigError: The name is wrong, or the encoder has no such layer.
        DataError: The texts hold no word.
        FineviewError: The encoder or the task cannot be had.
        JobCancelled: Stop was pressed.

    Source:
        In context: Bommasani, Davis & Cardie 2020, ACL, section 3 (mean of sub-tokens, mean of
        contexts).
    """
    wanted = read_encoder_name(name)
    opened = encoder(wanted.encoder)
    if wanted.layer is None:
        words, matrix = _input_embeddings(opened, report)
        title, source = "input embeddings", "whole words of its vocabulary, without any context"
    else:
        if wanted.layer > opened.info.layers:
            raise ConfigError(
                f"{opened.info.title} has layers 0 … {opened.info.layers}, not {wanted.layer}.",
                "vectors",
            )
        found = task(wanted.task)
        texts = [*found.texts, *(found.second or ())]
        step = max(1, len(texts) // MOST_TEXTS)  # spread over the whole task
        words, matrix = _in_context(opened, texts[::step][:MOST_TEXTS], wanted.layer, report)
        title = f"layer {wanted.layer} in context"
        source = f"the mean over a word's places in {found.info.title}"
    if not words:
        raise DataError(f"There is no whole word in what {name} names: choose another text.")
    blocks = list(blocks_of(words, matrix, report))
    kept = [word for block, _ in blocks for word in block]
    rows = np.concatenate([block for _, block in blocks])
    lengths = np.linalg.norm(rows, axis=1)
    units = rows / lengths[:, None]
    info = VectorsInfo(
        name=name,
        title=f"{opened.info.title}, {title}",
        words=len(kept),
        width=rows.shape[1],
        source=f"{opened.info.title}, {title}: {source}.",
        licence="as the encoder's",
        fingerprint=hashlib.sha256("\n".join(kept).encode() + rows.tobytes()).hexdigest(),
    )
    return WordVectors(info, kept, units, lengths)


def _input_embeddings(encoder: "Encoder", report: Report) -> tuple[list[str], NDArray[np.float32]]:
    """Return the whole words of a vocabulary with their rows of the embedding matrix."""
    encoder.load(report)
    tokenizer = encoder.tokenizer
    table = tokenizer.get_vocab()
    tokens = sorted(table, key=table.__getitem__)
    special = set(tokenizer.all_special_tokens)
    plain = [
        token
        for token in tokens
        if token not in special and token.lstrip(_MARKS).replace("'", "").isalpha()
    ]
    words: list[str] = []
    rows: list[int] = []
    for first in range(0, len(plain), _TOKENIZED_AT_ONCE):
        report.check()
        report.progress(first, len(plain), "Looking for whole words")
        some = plain[first : first + _TOKENIZED_AT_ONCE]
        asked = [token.lstrip(_MARKS) for token in some]
        # A piece of a word, as ##ing, is cut otherwise where it stands alone.
        ids = tokenizer([f" {word}" for word in asked], add_special_tokens=False)["input_ids"]
        for token, word, found in zip(some, asked, ids, strict=True):
            if found == [table[token]]:
                words.append(word)
                rows.append(table[token])
    model: Any = encoder.model
    weight = model.get_input_embeddings().weight
    weight = weight.detach().cpu().float().numpy()
    return words, np.asarray(weight[rows], dtype=np.float32)


def _in_context(
    encoder: "Encoder", texts: Sequence[str], layer: int, report: Report
) -> tuple[list[str], NDArray[np.float32]]:
    """Return words, common ones first, with the mean of their states (V, D)."""
    encoded = encode(encoder, texts, None, None, _MAX_LENGTH, report)
    lengths = np.array([len(one.ids) for one in encoded], dtype=np.int64)
    sums: dict[str, NDArray[np.float64]] = {}
    counts: Counter[str] = Counter()
    done = 0
    with Forward(encoder, report) as forward:
        for batch in plan(lengths):
            report.progress(done, len(texts), "Reading words in context")
            block = forward.tokens(collate(batch, encoded, forward.padding), layer)
            parts = np.split(block, np.cumsum(lengths[batch])[:-1])
            for number, part in zip(batch.tolist(), parts, strict=True):
                text = texts[number]
                for word, places in _words(text, encoder.tokens(text, max_length=_MAX_LENGTH)):
                    mean = part[places].mean(0, dtype=np.float64)
                    sums[word] = sums[word] + mean if word in sums else mean
                    counts[word] += 1
            done += len(batch)
    words = [word for word, _ in counts.most_common()]
    if not words:
        return [], np.zeros((0, encoder.info.width), dtype=np.float32)
    matrix = np.stack([sums[word] / counts[word] for word in words])
    return words, matrix.astype(np.float32)


def _words(text: str, tokens: Sequence[Token]) -> list[tuple[str, list[int]]]:
    """Return each word of a text, without case, with the places of its tokens."""
    groups: list[list[int]] = []
    for place, token in enumerate(tokens):
        if token.special:
            continue
        if token.continues and groups:
            groups[-1].append(place)
        else:
            groups.append([place])
    found = []
    for places in groups:
        word = text[tokens[places[0]].start : tokens[places[-1]].end].strip().casefold()
        if any(letter.isalpha() for letter in word):
            found.append((word, places))
    return found
