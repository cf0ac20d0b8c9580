"""A model's outputs on many texts, without training it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fineview.core.features.batches import TokenPooler, plan
from fineview.core.features.forward import free_memory, is_memory
from fineview.core.progress import SILENT, Report
from fineview.core.training.config import Precision
from fineview.core.training.tuning.examples import Examples
from fineview.core.training.tuning.model import TunedModel


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """What a model says of some texts.

    Attributes:
        outputs: (R, C) or (R, 1) float32, rows in the texts' order.
        labels: (R,).
        items: (R,) items of the task.
        states: (S, L+1, D) mean over tokens of each layer, where they were asked for.
    """

    outputs: Tensor
    labels: Tensor
    items: NDArray[np.int64]
    states: Tensor | None = None


def autocast(device: str, precision: Precision) -> AbstractContextManager[object]:
    """Return where products are computed in bfloat16: on CUDA unless told otherwise.

    On a CPU without bfloat16 units they take twenty times as long, so `auto` leaves it alone.
    """
    wanted = precision == "bfloat16" or (precision == "auto" and device == "cuda")
    return torch.autocast(device, dtype=torch.bfloat16) if wanted else nullcontext()


def judged(
    model: TunedModel,
    examples: Examples,
    texts: NDArray[np.int64] | None = None,
    *,
    precision: Precision = "auto",
    states: bool = False,
    report: Report = SILENT,
    told: str = "",
) -> Outputs:
    """Return a model's outputs, in eval mode.

    Args:
        model: Left in the mode it had.
        examples: The texts.
        texts: Which of them, ascending; None for all.
        precision: As in training.
        states: Whether each layer's states are wanted too.
        report: Asked before each batch.
        told: What the progress says; nothing where empty.

    Raises:
        JobCancelled: Stop was pressed.
    """
    chosen = np.arange(len(examples), dtype=np.int64) if texts is None else texts
    training = model.training
    model.eval()
    outputs: dict[int, Tensor] = {}
    kept: dict[int, Tensor] = {}
    done = 0
    queue = [chosen[batch] for batch in plan(examples.lengths[chosen])][::-1]
    try:
        while queue:
            batch = queue.pop()
            report.ask_stop()
            if told:
                report.progress(done, len(chosen), told)
            try:
                found, pooled = _one(model, examples, batch, precision, states)
            except RuntimeError as error:
                if len(batch) == 1 or not is_memory(error):
                    raise
                found = None
            if found is None:  # here the failed attempt's tensors are gone
                free_memory(model.device)
                middle = len(batch) // 2
                queue += [batch[middle:], batch[:middle]]
                continue
            counts = (examples.first[batch + 1] - examples.first[batch]).tolist()
            parts = torch.split(found, counts)
            outputs |= zip(batch.tolist(), parts, strict=True)
            kept |= zip(batch.tolist(), pooled, strict=False)
            done += len(batch)
    finally:
        model.train(training)
    rows = examples.rows(chosen)
    order = chosen.tolist()
    return Outputs(
        outputs=torch.cat([outputs[text] for text in order]),
        labels=examples.labels[torch.from_numpy(rows)],
        items=examples.items[rows],
        states=torch.stack([kept[text] for text in order]) if states else None,
    )


def answers_of(
    model: TunedModel,
    examples: Examples,
    *,
    precision: Precision = "auto",
    report: Report = SILENT,
    told: str = "",
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return (R, C) probabilities or (R, 1) numbers of all rows, and the rows' items; see above."""
    said = judged(model, examples, precision=precision, report=report, told=told)
    with torch.no_grad():
        answers = model.head.answers(said.outputs.to(model.device)).cpu().numpy()
    return answers, said.items


@torch.no_grad()
def _one(
    model: TunedModel,
    examples: Examples,
    texts: NDArray[np.int64],
    precision: Precision,
    states: bool,
) -> tuple[Tensor, Sequence[Tensor]]:
    batch = examples.batch(texts, model.padding)
    with autocast(model.device, precision):
        outputs, layers, pooler = model.look(batch)
        pooled = _means(layers, pooler) if states else []
    return outputs.float().cpu(), pooled


def _means(layers: Sequence[Tensor], pooler: TokenPooler) -> list[Tensor]:
    """Return each text's states, (L+1, D) each: the mean over its tokens, at word level too."""
    if pooler.mask is None:
        means = [layer.mean(dim=1) for layer in layers]
    else:
        keep = pooler.mask.unsqueeze(2)
        means = [(layer * keep).sum(1) / keep.sum(1) for layer in layers]
    return list(torch.stack(means, dim=1).float().cpu())
