"""What the masking page shows: how far pooled vectors move. Light to import."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.features.config import SENTENCE_POOLINGS
from fineview.core.models.info import Token
from fineview.core.runs.spec import RunSpec


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaskEffect:
    """What covering some tokens of a text does, and what leaving them out does.

    All arrays are (L+1, 3); the second axis is `SENTENCE_POOLINGS`.

    Attributes:
        masked: Positions of the tokens, ascending.
        tokens: The text's tokens as the compute thread counted them.
        mask_token: What stands in their place, "" where the encoder has no such token.
        covered: 1 − cosine of the vectors before and after covering; None without a mask token.
        covered_ratios: Length after ÷ before; None without a mask token.
        left_out: 1 − cosine of the vectors before and after leaving out.
        left_out_ratios: Length after ÷ before.
        apart: Mean 1 − cosine of two different texts of the task, to compare with.
        apart_texts: How many texts that is a mean over.
        truncated: Whether the text was cut at the maximum length.
    """

    masked: tuple[int, ...]
    tokens: tuple[Token, ...]
    mask_token: str
    covered: NDArray[np.float64] | None
    covered_ratios: NDArray[np.float64] | None
    left_out: NDArray[np.float64]
    left_out_ratios: NDArray[np.float64]
    apart: NDArray[np.float64]
    apart_texts: int
    truncated: bool

    @property
    def depth(self) -> int:
        """Return L."""
        return len(self.left_out) - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenWeights:
    """What covering each token alone does; arrives piece by piece.

    Attributes:
        positions: (P,) positions of the tokens that can be covered, ascending.
        distances: (P, L+1, 3) 1 − cosine before and after; NaN where not computed yet.
        covered: False where the encoder has no mask token and tokens were left out instead.
    """

    positions: tuple[int, ...]
    distances: NDArray[np.float64]
    covered: bool


def example_key(spec: RunSpec, first: str, second: str) -> str:
    """Return what masked positions count in: another text or encoder starts unmasked."""
    return "\t".join((spec.encoder, str(spec.max_length), first, second))


def maskable(tokens: Sequence[Token]) -> tuple[int, ...]:
    """Return the positions of tokens that are the text's own: special tokens stay."""
    return tuple(index for index, token in enumerate(tokens) if not token.special)


def usable(masked: Sequence[int], tokens: Sequence[Token]) -> tuple[int, ...]:
    """Return those of the masked positions that this text has."""
    allowed = set(maskable(tokens))
    return tuple(sorted(place for place in set(masked) if place in allowed))


def pooling_index(tokens: str) -> int:
    """Return the place of a token pooling on the last axis; a word's pooling means the mean."""
    kinds: tuple[str, ...] = SENTENCE_POOLINGS
    return kinds.index(tokens) if tokens in kinds else kinds.index("mean")
