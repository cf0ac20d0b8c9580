"""What extraction hands over."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import Level


@dataclass(frozen=True, slots=True, eq=False)
class HiddenStates:
    """Hidden states of all layers, tokens pooled within each layer.

    Attributes:
        states: (M, L+1, 3, D) float32 (float16 by choice), read-only, mapped from disk. The third
            axis is `token_poolings(level)`.
        items: (M,) item of the task that each row belongs to, ascending; all items for sentences
            and pairs, those kept for words.
        level: What a row is.
        depth: L, blocks of the encoder.
        cached: True where the store had everything and nothing was computed.
        seconds: Time this took.
        truncated: Texts that were cut at the maximum length.
        dropped_words: Words without a row: cut off, or beyond the cap on words.
        key: Name of the entry in the store.
        second: Pairs read apart: (M, L+1, 3, D) of the second texts, `states` being those of the
            first. Else None.
    """

    states: NDArray[np.floating[Any]]
    items: NDArray[np.int64]
    level: Level
    depth: int
    cached: bool
    seconds: float
    truncated: int
    dropped_words: int
    key: str
    second: NDArray[np.floating[Any]] | None = None

    def __len__(self) -> int:
        """Return M."""
        return len(self.states)
