"""Every token of one layer, for what learns to weigh tokens; in memory, on demand."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.features.batches import collate, plan
from fineview.core.features.extract import encode
from fineview.core.features.forward import Forward
from fineview.core.models.encoder import Encoder
from fineview.core.progress import SILENT, Report


@dataclass(frozen=True, slots=True, eq=False)
class TokenStates:
    """The states of N texts, special tokens included, text behind text.

    Attributes:
        tokens: (S, D) float32, S the tokens of all texts.
        lengths: (N,) int64, tokens of each text.
        seconds: Time this took.
        truncated: Texts that were cut at the maximum length.
        cached: True where nothing was computed.
    """

    tokens: NDArray[np.float32]
    lengths: NDArray[np.int64]
    seconds: float
    truncated: int
    cached: bool = False

    @property
    def items(self) -> NDArray[np.int64]:
        """Return the item of each text, (N,): none is left out."""
        return np.arange(len(self.lengths), dtype=np.int64)

    @property
    def dropped_words(self) -> int:
        """Return 0: a text is never left out, as a word may be."""
        return 0


def token_states(
    encoder: Encoder,
    texts: Sequence[str],
    second: Sequence[str] | None,
    layer: int,
    *,
    max_length: int = 128,
    report: Report = SILENT,
) -> TokenStates:
    """Compute the state of every token of some texts at one layer.

    Args:
        encoder: The encoder.
        texts: N texts.
        second: Pair level: N second texts.
        layer: 0 … L.
        max_length: Tokens per text, special ones included; the encoder's own limit also holds.
        report: Asked before each block of each batch; progress counts texts.

    Raises:
        ModelError: The encoder cannot be loaded.
        JobCancelled: Stop was pressed.
    """
    began = time.monotonic()
    longest = min(max_length, encoder.info.max_length)
    encoded = encode(encoder, texts, second, None, longest, report)
    lengths = np.array([len(one.ids) for one in encoded], dtype=np.int64)
    ends = np.cumsum(lengths)
    states = np.empty((int(ends[-1]), encoder.info.width), dtype=np.float32)
    done = 0
    with Forward(encoder, report) as forward:
        for batch in plan(lengths):
            report.progress(done, len(texts), "Extracting tokens")
            block = forward.tokens(collate(batch, encoded, forward.padding), layer)
            parts = np.split(block, np.cumsum(lengths[batch])[:-1])
            for text, part in zip(batch.tolist(), parts, strict=True):
                states[ends[text] - lengths[text] : ends[text]] = part
            done += len(batch)
    return TokenStates(
        tokens=states,
        lengths=lengths,
        seconds=time.monotonic() - began,
        truncated=sum(one.truncated for one in encoded),
    )
