"""Texts as their tokens, for heads that learn to weigh them."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from fineview.core.features.token_states import TokenStates

CHUNK = 64
"""Texts that are padded together where a whole split is gone through."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenFeatures:
    """N texts of unequal length; a selection of texts shares their tokens.

    Attributes:
        tokens: (S, D) tokens of all texts.
        starts: (N,) int64, first token of each text.
        lengths: (N,) int64, tokens of each text, >= 1.
    """

    tokens: Tensor
    starts: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, states: TokenStates) -> "TokenFeatures":
        """Return what extraction computed, as tensors that share its memory."""
        return cls.behind_each_other(
            torch.from_numpy(states.tokens), torch.from_numpy(states.lengths)
        )

    @classmethod
    def behind_each_other(cls, tokens: Tensor, lengths: Tensor) -> "TokenFeatures":
        """Return texts whose tokens follow one another in (S, D)."""
        return cls(tokens, lengths.cumsum(0) - lengths, lengths)

    def __len__(self) -> int:
        """Return N."""
        return len(self.lengths)

    def __getitem__(self, texts: Tensor | slice) -> "TokenFeatures":
        """Return some of the texts; no token is copied."""
        return replace(self, starts=self.starts[texts], lengths=self.lengths[texts])

    @property
    def shape(self) -> tuple[int, int]:
        """Return (N, D), as of pooled features."""
        return len(self), self.tokens.shape[1]

    @property
    def dtype(self) -> torch.dtype:
        """Return the type of the states."""
        return self.tokens.dtype

    def compact(self) -> "TokenFeatures":
        """Return the same texts with no tokens but their own."""
        texts = torch.repeat_interleave(torch.arange(len(self)), self.lengths)
        firsts = self.lengths.cumsum(0) - self.lengths
        places = torch.arange(len(texts)) - firsts[texts]
        return TokenFeatures.behind_each_other(
            self.tokens[self.starts[texts] + places], self.lengths
        )

    def padded(self) -> tuple[Tensor, Tensor]:
        """Return (N, T, D) states and (N, T) True where a token is real; T the longest text."""
        places = torch.arange(int(self.lengths.max()))
        real = places < self.lengths[:, None]
        rows = torch.where(real, self.starts[:, None] + places, self.starts[:, None])
        return self.tokens[rows], real

    def means(self) -> Tensor:
        """Return the mean over the tokens of each text, (N, D)."""
        parts = []
        for first in range(0, len(self), CHUNK):
            some = self[first : first + CHUNK]
            states, real = some.padded()
            parts.append((states * real[:, :, None]).sum(1) / some.lengths[:, None])
        return torch.cat(parts)
