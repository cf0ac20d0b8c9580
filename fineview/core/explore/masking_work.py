"""Masking at work: runs the example through the encoder with and without some of its tokens."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import DataError
from fineview.core.explore.masking import MaskEffect, TokenWeights, maskable, usable
from fineview.core.features.extract import states_of
from fineview.core.features.masking import (
    Shifts,
    covered,
    left_out,
    mask_token,
    shifts,
)
from fineview.core.features.measures import isotropy
from fineview.core.models.encoder import Encoded, Encoder
from fineview.core.models.info import Token
from fineview.core.progress import SILENT, Report
from fineview.core.runs.spec import RunSpec

if TYPE_CHECKING:
    from fineview.core.laboratory import Laboratory

_COMPARED = 24
"""Texts of the task that say how far apart two texts lie."""

Apart = tuple[NDArray[np.float64], int]


def mask_effect(
    lab: "Laboratory",
    spec: RunSpec,
    first: str,
    second: str,
    masked: Sequence[int],
    apart: Apart,
    report: Report = SILENT,
) -> MaskEffect:
    """Compare the example with itself after some of its tokens were covered, or left out.

    Args:
        lab: Encoder and task.
        spec: Which encoder, task level and maximum length.
        first: The text, or the first of a pair.
        second: The second text of a pair; at other levels it is not read.
        masked: Positions of tokens, [CLS] is 0; special tokens and positions behind the text are
            passed over.
        apart: As `texts_apart` returns it.
        report: Asked while computing.

    Raises:
        DataError: The text is empty.
        ModelError: The encoder cannot be loaded.
        JobCancelled: Stop was pressed.
    """
    encoder, text, tokens = _example(lab, spec, first, second)
    places = usable(masked, tokens)
    mask = mask_token(encoder)
    variants = [left_out(text, places)]
    if mask is not None:
        variants.append(covered(text, places, mask[0]))
    found = shifts(encoder, text, variants, report) if places else _unmoved(encoder, len(variants))
    return MaskEffect(
        masked=places,
        tokens=tokens,
        mask_token="" if mask is None else mask[1],
        covered=None if mask is None else found.distances[1],
        covered_ratios=None if mask is None else found.ratios[1],
        left_out=found.distances[0],
        left_out_ratios=found.ratios[0],
        apart=apart[0],
        apart_texts=apart[1],
        truncated=text.truncated,
    )


def texts_apart(lab: "Laboratory", spec: RunSpec, report: Report = SILENT) -> Apart:
    """Return how far apart two texts of the task lie on average, and how many were compared.

    Args:
        lab: Encoder and task.
        spec: Which encoder, task and maximum length.
        report: Asked while computing.

    Returns:
        (L+1, 3) mean of 1 − cosine over all pairs of some texts that are spread over the task; NaN
        where the task has one text only.
    """
    task = lab.task(spec.task, spec.split)
    count = len(task.texts)
    chosen = np.linspace(0, count - 1, min(_COMPARED, count)).astype(int).tolist()
    texts = [task.texts[i] for i in chosen]
    second = None if task.second is None else [task.second[i] for i in chosen]
    level = "sentence" if second is None else "pair"
    states, _, _ = states_of(
        lab.encoder(spec.encoder),
        level,  # type: ignore[arg-type]  # one of the two
        texts,
        second,
        max_length=spec.max_length,
        report=report,
    )
    apart = np.full(states.shape[1:3], np.nan)
    for layer, kind in np.ndindex(*apart.shape):
        if len(states) > 1:
            # Of equal vectors, as [CLS] has them at layer 0, rounding may leave less than nothing.
            apart[layer, kind] = max(isotropy(np.ascontiguousarray(states[:, layer, kind])), 0)
    return apart, len(states)


def token_weights(
    lab: "Laboratory", spec: RunSpec, first: str, second: str, report: Report = SILENT
) -> TokenWeights:
    """Cover each token of the example alone; tells of each batch by `TokenWeights`.

    Where the encoder has no mask token, each token is left out instead.

    Raises:
        DataError: The text is empty.
        JobCancelled: Stop was pressed.
    """
    encoder, text, tokens = _example(lab, spec, first, second)
    positions, mask = maskable(tokens), mask_token(encoder)
    variants = [
        left_out(text, [place]) if mask is None else covered(text, [place], mask[0])
        for place in positions
    ]
    distances = np.full((len(positions), encoder.info.layers + 1, 3), np.nan)

    def weights() -> TokenWeights:
        return TokenWeights(
            positions=positions, distances=distances.copy(), covered=mask is not None
        )

    def show(rows: NDArray[np.int64], part: Shifts) -> None:
        distances[rows] = part.distances
        report.publish(weights())

    shifts(encoder, text, variants, report, show)
    return weights()


def _example(
    lab: "Laboratory", spec: RunSpec, first: str, second: str
) -> tuple[Encoder, Encoded, tuple[Token, ...]]:
    if not first.strip():
        raise DataError("Type a text, or take an example of the task, to mask its tokens.")
    pair = lab.task(spec.task, spec.split).info.level == "pair"
    encoder = lab.encoder(spec.encoder)
    text = encoder.encode([first], [second] if pair else None, max_length=spec.max_length)[0]
    return encoder, text, encoder.tokens(first, second if pair else None, spec.max_length)


def _unmoved(encoder: Encoder, variants: int) -> Shifts:
    """Return what no masked token does, without a rounding error of the encoder."""
    size = (variants, encoder.info.layers + 1, 3)
    return Shifts(np.zeros(size), np.ones(size))
