"""Pairs whose two texts go through the encoder alone, each as a sentence."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import Task
from fineview.core.features.extract import extract, states_of
from fineview.core.features.hidden import HiddenStates
from fineview.core.features.store import FeatureStore
from fineview.core.models.encoder import Encoder
from fineview.core.progress import SILENT, Report


def extract_apart(
    encoder: Encoder,
    task: Task,
    store: FeatureStore,
    *,
    max_length: int = 128,
    report: Report = SILENT,
) -> HiddenStates:
    """Return the hidden states of both texts of each pair, from the store or computed into it.

    The store keeps them as a task of 2N sentences, under a key of their own.

    Args:
        encoder: The encoder.
        task: N pairs.
        store: Where hidden states are kept.
        max_length: Tokens of each text, special ones included.
        report: As in `extract`.

    Returns:
        `states` of the N first texts, `second` of the N second ones; `truncated` counts texts.

    Raises:
        FineviewError: As `extract`.
        JobCancelled: Stop was pressed.
    """
    assert task.second is not None
    size = len(task)
    sentences = replace(
        task,
        info=replace(task.info, level="sentence", title=f"{task.info.title}, texts apart"),
        texts=(*task.texts, *task.second),
        labels=task.labels[np.arange(2 * size) % size],  # nobody reads them
        second=None,
    )
    both = extract(encoder, sentences, store, max_length=max_length, report=report)
    return replace(
        both,
        states=both.states[:size],
        second=both.states[size:],
        items=both.items[:size],
        level="pair",
    )


def states_apart(
    encoder: Encoder,
    texts: Sequence[str],
    second: Sequence[str],
    *,
    max_length: int = 128,
    report: Report = SILENT,
) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
    """Compute the hidden states of both texts of a few pairs in memory.

    Returns:
        (M, L+1, 3, D) of the first texts, the same of the second ones, and how many texts were cut.
    """
    both, _, cut = states_of(
        encoder, "sentence", (*texts, *second), max_length=max_length, report=report
    )
    return both[: len(texts)], both[len(texts) :], cut
