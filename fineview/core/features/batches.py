"""Which texts go through the encoder together, and how their tokens become vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview.core.models.encoder import Encoded

if TYPE_CHECKING:
    import torch

TOKEN_BUDGET = 2048
SMALL_BATCH = 512  # tokens below which a batch takes in longer texts, at the price of padding
PADDING = 1.1  # longest over shortest text of such a batch


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Texts of (nearly) equal length as one rectangle.

    Attributes:
        texts: (B,) which texts.
        ids: (B, T) token ids, padded on the right.
        segments: (B, T) 0 or 1.
        lengths: (B,) tokens of each text, all T where nothing is padded.
        spans: Word level: (W, 3) row of the batch, first and last token of each word; else None.
    """

    texts: NDArray[np.int64]
    ids: NDArray[np.int64]
    segments: NDArray[np.int64]
    lengths: NDArray[np.int64]
    spans: NDArray[np.int64] | None = None

    @property
    def padded(self) -> bool:
        """Return True where a mask is needed."""
        return bool(self.lengths.min() < self.ids.shape[1])

    def halves(self) -> tuple["Batch", "Batch"]:
        """Return the batch in two, for a device that is out of memory."""
        middle = len(self.texts) // 2
        return self._part(0, middle), self._part(middle, len(self.texts))

    def _part(self, first: int, last: int) -> "Batch":
        width = int(self.lengths[first:last].max())
        spans = self.spans
        if spans is not None:
            spans = spans[(spans[:, 0] >= first) & (spans[:, 0] < last)]
            spans = spans - np.array([first, 0, 0])
        return Batch(
            texts=self.texts[first:last],
            ids=self.ids[first:last, :width],
            segments=self.segments[first:last, :width],
            lengths=self.lengths[first:last],
            spans=spans,
        )


def plan(lengths: NDArray[np.int64], budget: int = TOKEN_BUDGET) -> list[NDArray[np.int64]]:
    """Sort texts by length and cut them into batches of at most `budget` tokens.

    Equal lengths need neither padding nor mask, which is what makes short texts fast; only groups
    too small to keep the processor busy take in slightly longer texts.

    Args:
        lengths: (S,) tokens of each text.
        budget: Tokens of a batch, padding included; a longer text is a batch of its own.

    Returns:
        Batches as indices into `lengths`, shortest first; the same for the same lengths.
    """
    order = np.argsort(lengths, kind="stable")
    batches: list[NDArray[np.int64]] = []
    first = 0
    for place in range(1, len(order) + 1):
        count = place - first
        if place < len(order):
            shortest, longest = lengths[order[first]], lengths[order[place]]
            fits = (count + 1) * longest <= budget
            small = count * lengths[order[place - 1]] < SMALL_BATCH
            if fits and (longest == shortest or (small and longest <= PADDING * shortest)):
                continue
        batches.append(order[first:place])
        first = place
    return batches


def collate(texts: NDArray[np.int64], encoded: Sequence[Encoded], padding: int) -> Batch:
    """Draw the texts of one batch together.

    Args:
        texts: (B,) indices into `encoded`.
        encoded: All texts.
        padding: Token id for the places behind a text; the mask keeps it from being seen.
    """
    chosen = [encoded[i] for i in texts]
    lengths = np.array([len(e.ids) for e in chosen], dtype=np.int64)
    ids = np.full((len(chosen), int(lengths.max())), padding, dtype=np.int64)
    segments = np.zeros_like(ids)
    words: list[NDArray[np.int64]] = []
    for row, one in enumerate(chosen):
        ids[row, : len(one.ids)] = one.ids
        segments[row, : len(one.ids)] = one.segments
        if one.spans is not None:
            kept = one.spans[one.spans[:, 0] >= 0]
            words.append(np.column_stack([np.full(len(kept), row), kept]))
    spans = np.concatenate(words).astype(np.int64) if words else None
    return Batch(texts, ids, segments, lengths, spans)


class TokenPooler:
    """Three token poolings of one batch, the same for every layer.

    Attributes:
        mask: (B, T), True for real tokens; None where nothing is padded.
    """

    def __init__(self, batch: Batch, device: str) -> None:
        """Put what all layers share on the device."""
        import torch

        self.mask: torch.Tensor | None = None
        self._lengths = torch.from_numpy(batch.lengths).to(device)
        self._words: _Words | None = None
        if batch.padded:
            places = torch.arange(batch.ids.shape[1], device=device)
            self.mask = places[None, :] < self._lengths[:, None]
        if batch.spans is not None:
            self._words = _Words(batch.spans, batch.ids.shape[1], device)

    def __call__(self, states: "torch.Tensor") -> "torch.Tensor":
        """Pool one layer.

        Args:
            states: (B, T, D), any float type.

        Returns:
            (B, 3, D) cls, mean, max over the real tokens; word level (W, 3, D) first, last, mean
            of each word's sub-tokens. In the states' type and on their device.

        Source:
            Masked mean: Reimers & Gurevych 2019, arXiv:1908.10084, section 3.
        """
        import torch

        if self._words is not None:
            return self._words.pool(states)
        if self.mask is None:
            return torch.stack((states[:, 0], states.mean(dim=1), states.amax(dim=1)), dim=1)
        keep = self.mask.unsqueeze(2)  # (B, T, 1)
        mean = (states * keep).sum(dim=1) / self._lengths[:, None]
        highest = states.masked_fill(~keep, -torch.inf).amax(dim=1)
        return torch.stack((states[:, 0], mean, highest), dim=1)

    def one(self, states: "torch.Tensor", kind: int) -> "torch.Tensor":
        """Pool one layer in one way; as `__call__`, and fit to be differentiated.

        Args:
            states: (B, T, D).
            kind: Place of the pooling on the axis of three.

        Returns:
            (B, D), or (W, D) at word level.
        """
        if self._words is not None:
            return self._words.pool(states)[:, kind]
        if kind == 0:
            return states[:, 0]
        if self.mask is None:
            return states.mean(dim=1) if kind == 1 else states.amax(dim=1)
        keep = self.mask.unsqueeze(2)
        if kind == 1:
            return (states * keep).sum(dim=1) / self._lengths[:, None]
        return states.masked_fill(~keep, -float("inf")).amax(dim=1)


class _Words:
    """Where the words of a batch lie among its tokens."""

    def __init__(self, spans: NDArray[np.int64], width: int, device: str) -> None:
        import torch

        first = spans[:, 0] * width + spans[:, 1]
        counts = spans[:, 2] - spans[:, 1] + 1
        self.first = torch.from_numpy(first).to(device)
        self.last = torch.from_numpy(first + counts - 1).to(device)
        self.counts = torch.from_numpy(counts).to(device)
        # The words that have a second sub-token, a third, …: adding place by place keeps one
        # order of summation on every device, which scattered additions on a GPU would not.
        longest = int(counts.max(initial=0))
        self.more = [
            torch.from_numpy(np.flatnonzero(counts > place)).to(device)
            for place in range(1, longest)
        ]

    def pool(self, states: "torch.Tensor") -> "torch.Tensor":
        """Return (W, 3, D): first, last and mean of each word's sub-tokens in (B, T, D)."""
        import torch

        flat = states.reshape(-1, states.shape[2])  # (B·T, D)
        first = flat[self.first]
        mean = first.clone()
        for place, rows in enumerate(self.more, start=1):
            mean[rows] += flat[self.first[rows] + place]
        mean /= self.counts[:, None]
        return torch.stack((first, flat[self.last], mean), dim=1)
