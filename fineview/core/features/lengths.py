"""How long a task's texts are in an encoder's tokens, and how many of them are cut."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.items import TaskItems, distinct
from fineview.core.data.spread import Spread, spread_of
from fineview.core.data.task import Task
from fineview.core.progress import SILENT, Report

if TYPE_CHECKING:
    from fineview.core.models.encoder import Encoder

_BATCH = 32
_LONGEST = 200_000
"""Characters that are read of a text: no encoder takes more in than the beginning of that."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenLengths:
    """Tokens a text, special tokens included; a pair's texts together.

    Attributes:
        measured: Texts whose tokens were counted.
        texts: Texts of the task that stand in a split.
        max_length: Tokens from which on texts are cut.
        spread: Of the measured lengths.
        cut: Measured texts that are longer than `max_length`.
        cut_texts: (cut,) int64, their indices in the task's texts, ascending.
    """

    measured: int
    texts: int
    max_length: int
    spread: Spread
    cut: int
    cut_texts: NDArray[np.int64]

    @property
    def share(self) -> float:
        """Return the share of the measured texts that are cut."""
        return self.cut / self.measured


def token_lengths(
    encoder: "Encoder",
    task: Task,
    max_length: int,
    limit: int = 2_000,
    seed: int = 0,
    report: Report = SILENT,
) -> TokenLengths:
    """Count tokens of a seeded sample of a task's texts.

    Args:
        encoder: Whose tokens; only its tokenizer is loaded.
        task: Its texts; word level: its sentences.
        max_length: Tokens, special ones included, from which on texts are cut; the encoder's own
            limit counts where it is lower.
        limit: Texts that are measured at most.
        seed: Decides which.
        report: Asked between batches.

    Raises:
        ModelError: The tokenizer cannot be loaded.
        JobCancelled: Stop was pressed.
    """
    items = TaskItems(task)
    units = items.units(items.every)
    texts = units[distinct(units)]
    chosen = texts
    if len(texts) > limit:
        draw = np.random.default_rng(seed).choice(len(texts), limit, replace=False)
        chosen = texts[np.sort(draw)]
    report.progress(0, len(chosen), "Counting tokens")
    shared = encoder.tokenizer.backend_tokenizer
    # A copy of our own: the shared one is set to cut, and another thread may be using it.
    backend = type(shared).from_str(shared.to_str())
    backend.no_truncation()
    backend.no_padding()
    lengths = np.empty(len(chosen), dtype=np.int64)
    for start in range(0, len(chosen), _BATCH):
        report.check()
        batch = chosen[start : start + _BATCH]
        encodings = backend.encode_batch([_input(task, int(i)) for i in batch])
        lengths[start : start + len(batch)] = [len(e.ids) for e in encodings]
        report.progress(start + len(batch), len(chosen), "Counting tokens")
    limit_here = min(max_length, encoder.info.max_length)
    cut = chosen[lengths > limit_here]
    return TokenLengths(
        measured=len(chosen),
        texts=len(texts),
        max_length=limit_here,
        spread=spread_of(lengths, whole=True),
        cut=len(cut),
        cut_texts=cut,
    )


def _input(task: Task, text: int) -> str | tuple[str, str]:
    first = task.texts[text][:_LONGEST]
    return first if task.second is None else (first, task.second[text][:_LONGEST])
