"""What a layer costs in time: texts of the task go through the encoder and are timed."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fineview.core.progress import SILENT, Relay, Report
from fineview.core.runs.spec import RunSpec

if TYPE_CHECKING:
    from fineview.core.laboratory import Laboratory

_TEXTS = 16
_TIMES = 3


@dataclass(frozen=True, slots=True)
class LayerCost:
    """How long a text takes to reach each layer.

    Attributes:
        milliseconds: (L+1,) from the tokens to the output of layer 0 … L, for one text in a batch
            of `texts`; ascending.
        texts: Texts that were timed together.
        device: Where.
    """

    milliseconds: tuple[float, ...]
    texts: int
    device: str


def measure_cost(lab: "Laboratory", spec: RunSpec, report: Report = SILENT) -> LayerCost:
    """Time some texts of the spec's task, spread over it; the median of three passes.

    A head that needs layer k only runs the blocks up to k once it is in use, so the times are those
    of a shortened encoder. Loading and the first pass are not counted.

    Args:
        lab: Task and encoder.
        spec: Which.
        report: Asked before each block.
    """
    from fineview.core.features.batches import collate, plan
    from fineview.core.features.forward import Forward

    task, encoder = lab.task(spec.task, spec.split), lab.encoder(spec.encoder)
    rows = task.words if task.words is not None else task.texts
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(_TEXTS, len(rows))).astype(int)).tolist()
    encoded = encoder.encode(
        [task.texts[i] for i in chosen],
        None if task.second is None else [task.second[i] for i in chosen],
        None if task.words is None else [task.words[i] for i in chosen],
        max_length=spec.max_length,
    )
    watch = _Stopwatch(report, encoder.device)
    passes = []
    with Forward(encoder, watch) as forward:
        batches = [
            collate(texts, encoded, forward.padding)
            for texts in plan(np.array([len(one.ids) for one in encoded], dtype=np.int64))
        ]
        for _ in range(_TIMES + 1):
            total = np.zeros(encoder.info.layers + 1)
            for batch in batches:
                watch.marks.clear()
                forward.block(batch)
                watch.mark()
                total += watch.reached(encoder.info.layers)
            passes.append(total)
    seconds = np.maximum.accumulate(np.median(passes[1:], axis=0))
    return LayerCost(
        milliseconds=tuple((1000 * seconds / len(chosen)).tolist()),
        texts=len(chosen),
        device=encoder.device,
    )


class _Stopwatch(Relay):
    """A report that notes when it is asked: the encoder asks before each of its blocks.

    Attributes:
        marks: Times in seconds.
    """

    def __init__(self, report: Report, device: str) -> None:
        super().__init__(report)
        self.marks: list[float] = []
        self._device = device

    def mark(self) -> None:
        """Note the time once the device has done what it was given."""
        if self._device == "cuda":
            import torch

            torch.cuda.synchronize()
        self.marks.append(time.perf_counter())

    def reached(self, layers: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return seconds from the first mark to the output of layers 0 … L, (L+1,).

        The marks are: the batch begins, each block begins, the batch is done. An encoder whose
        blocks cannot be told apart has no marks between: only the whole is known, for every layer.
        """
        since = np.array(self.marks) - self.marks[0]
        return since[1:] if len(since) == layers + 2 else np.full(layers + 1, since[-1])

    def check(self) -> None:
        """Ask the real report, and note the time."""
        super().check()
        self.mark()
