"""A word in running text: where it stands, and its vectors at every layer."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import ConfigError
from fineview.core.features.batches import collate, plan
from fineview.core.features.forward import Forward
from fineview.core.features.measures import isotropy
from fineview.core.models.encoder import Encoded, Encoder
from fineview.core.models.info import Token
from fineview.core.progress import SILENT, Report

Span = tuple[int, int]
"""First character, and the one behind the last."""

WORD = re.compile(r"\w+(?:['’]\w+)*")
"""A word: letters, digits, and apostrophes between them."""
_CHECK_EVERY = 64


@dataclass(frozen=True, slots=True, eq=False)
class WordStates:
    """Vectors of words in their texts.

    Attributes:
        states: (M, L+1, 3, D) float32; the third axis is first, last, mean of the sub-tokens.
        rows: (M,) which of the spans, counted over all texts, each row belongs to, ascending;
            those that were cut off are missing.
        cut: Spans that lie behind the maximum length, wholly or in part.
    """

    states: NDArray[np.float32]
    rows: NDArray[np.int64]
    cut: int


def word_finder(word: str) -> Callable[[str], list[Span]]:
    """Return a function that finds a word: whole words only, whatever their case.

    Raises:
        ConfigError: Nothing, more than one word, or no letter or digit was typed.
    """
    wanted = word.strip()
    if not wanted:
        raise ConfigError("Type a word to look for.", "word")
    if len(wanted.split()) > 1:
        raise ConfigError(
            f"“{_short(wanted)}” is {len(wanted.split())} words: type one, since a vector belongs "
            f"to one word.",
            "word",
        )
    if not re.search(r"\w", wanted):
        raise ConfigError(f"“{_short(wanted)}” has no letter or digit: type a word.", "word")
    # "don" is no word within "don't", nor "t".
    pattern = re.compile(
        rf"(?<!\w)(?<!\w['’]){re.escape(wanted)}(?!\w|['’]\w)", re.IGNORECASE | re.UNICODE
    )
    lowered = wanted.lower()

    def find(text: str) -> list[Span]:
        if lowered not in text.lower():  # most texts end here, a hundred times faster
            return []
        return [match.span() for match in pattern.finditer(text)]

    return find


def token_span(tokens: Sequence[Token], span: Span, text: str) -> Span | None:
    """Return the first and last token of a stretch of text, None where part of it was cut off.

    Args:
        tokens: What the encoder sees of the text.
        span: Characters of the text.
        text: The text.
    """
    start, end = span
    inside = [
        index
        for index, token in enumerate(tokens)
        if not token.special and token.start < end and token.end > start
    ]
    if not inside or text[tokens[inside[-1]].end : end].strip():
        return None
    return inside[0], inside[-1]


def word_states(
    encoder: Encoder,
    texts: Sequence[str],
    spans: Sequence[Sequence[Span]],
    *,
    max_length: int = 128,
    report: Report = SILENT,
) -> WordStates:
    """Compute the vectors of some words of some texts; each text goes through the encoder once.

    Args:
        encoder: The encoder.
        texts: S texts, as they are: no word is cut out of its punctuation.
        spans: For each text the words that are asked for.
        max_length: Tokens per text, special ones included.
        report: Asked between texts and before each block; progress counts texts.

    Raises:
        ModelError: The encoder cannot be loaded.
        JobCancelled: Stop was pressed.

    Source:
        First, last or mean of the sub-tokens: Ács et al. 2021, arXiv:2102.10864, section 3.
    """
    encoder.load(report)
    encoded = _encoded(encoder, texts, spans, max_length, report)
    counts = np.array([len(one) for one in spans], dtype=np.int64)
    starts = np.cumsum(counts) - counts
    size = (int(counts.sum()), encoder.info.layers + 1, 3, encoder.info.width)
    states = np.empty(size, dtype=np.float32)
    known = np.zeros(size[0], dtype=bool)
    done = 0
    with Forward(encoder, report) as forward:
        for batch in plan(np.array([len(one.ids) for one in encoded], dtype=np.int64)):
            if not len(batch):
                continue
            block = forward.block(collate(batch, encoded, forward.padding))
            rows = np.concatenate([starts[i] + _seen(encoded[i]) for i in batch]).astype(np.int64)
            states[rows], known[rows] = block, True
            done += len(batch)
            report.progress(done, len(texts), "Reading the word in its texts")
    rows = np.flatnonzero(known).astype(np.int64)
    return WordStates(
        states if len(rows) == len(states) else states[rows], rows, size[0] - len(rows)
    )


def self_similarity(states: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean cosine of all pairs of different rows.

    Args:
        states: (M, L+1, 3, D) vectors of one word in M places, or of M random words.

    Returns:
        (L+1, 3); NaN for fewer than two rows. For one word 1 means that its vector does not depend
        on its context at all. For random words it is the baseline: an encoder whose vectors all
        point the same way gives high values to any two.

    Source:
        Ethayarajh 2019, arXiv:1909.00512, section 3.3 (self-similarity) and 3.4 (the baseline that
        is subtracted).
    """
    found = np.full(states.shape[1:3], np.nan)
    if len(states) > 1:
        for layer, kind in np.ndindex(*found.shape):
            vectors = np.ascontiguousarray(states[:, layer, kind])
            if np.count_nonzero(vectors.any(axis=1)) > 1:
                found[layer, kind] = 1 - isotropy(vectors)
    return found


def _encoded(
    encoder: Encoder,
    texts: Sequence[str],
    spans: Sequence[Sequence[Span]],
    max_length: int,
    report: Report,
) -> list[Encoded]:
    found = []
    for index, text in enumerate(texts):
        if index % _CHECK_EVERY == 0:
            report.check()
            report.progress(index, len(texts), "Splitting texts into tokens")
        tokens = encoder.tokens(text, None, max_length)
        places = [token_span(tokens, span, text) or (-1, -1) for span in spans[index]]
        found.append(
            Encoded(
                ids=np.array([token.id for token in tokens], dtype=np.int64),
                segments=np.array([token.segment for token in tokens], dtype=np.int64),
                truncated=False,
                spans=np.array(places, dtype=np.int64).reshape(-1, 2),
            )
        )
    return found


def _seen(text: Encoded) -> NDArray[np.int64]:
    """Return which of a text's spans have a token."""
    assert text.spans is not None
    return np.flatnonzero(text.spans[:, 0] >= 0).astype(np.int64)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "…"
