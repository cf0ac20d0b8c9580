"""How far a text's vectors move when some of its tokens are covered or left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.features.batches import collate, plan
from fineview.core.features.forward import Forward
from fineview.core.models.encoder import Encoded, Encoder
from fineview.core.progress import SILENT, Report

Show = Callable[[NDArray[np.int64], "Shifts"], None]
"""Told which variants are done, (n,), and what they gave."""


@dataclass(frozen=True, slots=True, eq=False)
class Shifts:
    """What each variant of a text did to its pooled vectors.

    Attributes:
        distances: (V, L+1, 3) float64, 1 − cosine of the vectors before and after, 0 … 2. The
            third axis is cls, mean, max.
        ratios: (V, L+1, 3) float64, Euclidean length after ÷ before.
    """

    distances: NDArray[np.float64]
    ratios: NDArray[np.float64]


def mask_token(encoder: Encoder) -> tuple[int, str] | None:
    """Return id and spelling of the token that stands for a covered one, None where there is none.

    Source:
        Devlin et al. 2019, arXiv:1810.04805, section 3.1, task 1.
    """
    name = encoder.tokenizer.mask_token
    return None if name is None else (int(encoder.tokenizer.mask_token_id), str(name))


def covered(text: Encoded, positions: Sequence[int], mask: int) -> Encoded:
    """Return the same text with other tokens at some positions.

    Args:
        text: T tokens.
        positions: Which ones; [CLS] is 0.
        mask: Token id that stands there instead.
    """
    ids = text.ids.copy()
    ids[list(positions)] = mask
    return Encoded(ids=ids, segments=text.segments, truncated=text.truncated)


def left_out(text: Encoded, positions: Sequence[int]) -> Encoded:
    """Return a text without some of its tokens; those behind them move up."""
    kept = np.ones(len(text.ids), dtype=bool)
    kept[list(positions)] = False
    return Encoded(ids=text.ids[kept], segments=text.segments[kept], truncated=text.truncated)


def shifts(
    encoder: Encoder,
    text: Encoded,
    variants: Sequence[Encoded],
    report: Report = SILENT,
    show: Show | None = None,
) -> Shifts:
    """Compare a text with variants of it, at every layer and token pooling.

    Args:
        encoder: The encoder.
        text: What the variants are compared with.
        variants: V texts as token ids; they may be shorter.
        report: Asked before each block of each batch; progress counts variants.
        show: Told after every batch.

    Raises:
        ModelError: The encoder cannot be loaded, or memory does not suffice.
        JobCancelled: Stop was pressed.
    """
    encoder.load(report)
    size = (len(variants), encoder.info.layers + 1, 3)
    found = Shifts(np.zeros(size), np.ones(size))
    with Forward(encoder, report) as forward:
        before = forward.block(collate(np.array([0]), [text], forward.padding))[0]
        done = 0
        for batch in plan(np.array([len(one.ids) for one in variants], dtype=np.int64)):
            if not len(batch):
                continue
            after = forward.block(collate(batch, variants, forward.padding))
            part = moved(before, after)
            found.distances[batch], found.ratios[batch] = part.distances, part.ratios
            done += len(batch)
            report.progress(done, len(variants), "Masking tokens")
            if show is not None:
                show(batch, part)
    return found


def moved(before: NDArray[np.floating], after: NDArray[np.floating]) -> Shifts:
    """Compare vectors.

    Args:
        before: (..., D).
        after: (V, ..., D).

    Returns:
        Distances and ratios (V, ...). Where one vector is zero and the other is not, they are 1
        apart.
    """
    old, new = before.astype(np.float64), after.astype(np.float64)
    length, other = np.linalg.norm(old, axis=-1), np.linalg.norm(new, axis=-1)
    # Half the squared distance of the unit vectors is 1 − cosine, without its rounding near 0.
    apart = _units(new, other) - _units(old, length)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(length > 0, other / length, np.where(other > 0, np.inf, 1))
    one_is_zero = (length == 0) != (other == 0)
    distance = np.where(one_is_zero, 1, (apart**2).sum(axis=-1) / 2)
    return Shifts(distance, ratio)


def _units(vectors: NDArray[np.float64], lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors of length 1, (..., D); zeros stay zeros."""
    units: NDArray[np.float64] = vectors / np.where(lengths > 0, lengths, 1)[..., None]
    return units
