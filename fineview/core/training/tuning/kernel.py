"""The tangent kernel of a model at given weights: which texts move each other's outputs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fineview.core.errors import ConfigError
from fineview.core.progress import SILENT, Report
from fineview.core.training.tuning.examples import Examples
from fineview.core.training.tuning.model import TunedModel

_BYTES_AT_ONCE = 256 << 20
"""Sketches that are kept at the same time."""
_PENALTIES = np.logspace(-5, 2, 15)
"""Penalties of the ridge, in units of the mean eigenvalue."""


class Sketch:
    """Folds a long vector into m buckets, each entry into one of them and with one sign.

    Inner products of folded vectors are those of the vectors on average over draws, with a standard
    error of at most √(2/m) times the product of their lengths.

    Attributes:
        buckets: m; 0 folds nothing.

    Source:
        Charikar et al. 2002, "Finding frequent items in data streams", section 3 (CountSketch);
        for gradients, to the same end: Park et al. 2023, arXiv:2303.14186, section 3.2.
    """

    def __init__(self, shapes: Sequence[torch.Size], buckets: int, seed: int, device: str) -> None:
        """Draw bucket and sign of every entry: 4 bytes each.

        Args:
            shapes: Of the tensors that make up a vector.
            buckets: m, or 0.
            seed: Draws them.
            device: Where the vectors are.
        """
        self.buckets = buckets
        self._places: list[Tensor] = []
        if buckets:
            random = torch.Generator().manual_seed(seed)
            for shape in shapes:
                places = torch.randint(2 * buckets, (shape.numel(),), generator=random)
                self._places.append(places.int().view(_rows(shape), -1).to(device))

    def __call__(self, parts: Sequence[Tensor]) -> Tensor:
        """Fold one vector.

        Args:
            parts: Tensors of the shapes given.

        Returns:
            (m,), or the whole vector where nothing is folded; of the tensors' type.
        """
        if not self.buckets:
            return torch.cat([part.reshape(-1) for part in parts])
        # An entry with a minus lies m further on: one scattered addition, and no product.
        sums = parts[0].new_zeros(2 * self.buckets)
        for places, part in zip(self._places, parts, strict=True):
            values = part.reshape(places.shape)
            if len(values) > 1024:  # of a table of words the text has touched a few rows
                touched = torch.linalg.vector_norm(values, dim=1).nonzero()[:, 0]
                places, values = places[touched], values[touched]
            sums.index_add_(0, places.reshape(-1), values.reshape(-1))
        return sums[: self.buckets] - sums[self.buckets :]


def _rows(shape: torch.Size) -> int:
    return shape[0] if len(shape) > 1 else 1


@dataclass(frozen=True, slots=True, eq=False)
class TangentKernel:
    """K(x, x') = mean over classes of ⟨∂f_c(x)/∂w, ∂f_c(x')/∂w⟩, a sum over groups of weights.

    Attributes:
        names: The G groups: embeddings, blocks, head.
        groups: (G, N, N) float64, the part of each group.
    """

    names: tuple[str, ...]
    groups: NDArray[np.float64]

    @property
    def whole(self) -> NDArray[np.float64]:
        """Return K, (N, N)."""
        summed: NDArray[np.float64] = self.groups.sum(0)
        return summed


def tangent_kernel(
    model: TunedModel,
    examples: Examples,
    rows: NDArray[np.int64] | None = None,
    *,
    buckets: int = 8192,
    seed: int = 0,
    report: Report = SILENT,
    told: str = "",
) -> TangentKernel:
    """Compute the empirical tangent kernel of a model on a few texts, by the weights that may move.

    The gradient of each output of each text is exact; kept of it is a sketch for each group of
    weights. Where a head's W is 0 no weight of the encoder moves the outputs: take a trained head,
    as `LinearisedModel` does.

    Args:
        model: Where it stands is where the derivative is taken; dropout is off.
        examples: The texts.
        rows: (N,) rows of the examples, in any order; None for all.
        buckets: Numbers kept of each gradient and group; a group that has no more is kept as it is,
            and 0 keeps all, for small models.
        seed: Draws the sketch; two kernels with the same one share its errors.
        report: Asked before each gradient; progress counts gradients.
        told: What the progress says.

    Raises:
        JobCancelled: Stop was pressed.

    Source:
        Jacot et al. 2018, arXiv:1806.07572, section 4 (the kernel; its trace over outputs).
    """
    asked = np.arange(len(examples.items), dtype=np.int64) if rows is None else rows
    chosen, back = np.sort(asked), np.argsort(np.argsort(asked))
    groups = [(name, [p for _, p in part if p.requires_grad]) for name, part in model.groups()]
    groups = [(name, part) for name, part in groups if part]
    counts = [sum(p.numel() for p in part) for _, part in groups]
    kept = [buckets if count > buckets else 0 for count in counts]
    sketches = [
        Sketch([p.shape for p in part], some, seed + at, model.device)
        for at, ((_, part), some) in enumerate(zip(groups, kept, strict=True))
    ]
    size = 4 * len(chosen) * sum(some or count for some, count in zip(kept, counts, strict=True))
    classes = model.head.outputs
    at_once = min(classes, max(1, _BYTES_AT_ONCE // size))
    kernel = np.zeros((len(groups), len(chosen), len(chosen)))
    training = model.training
    model.eval()
    try:
        for first in range(0, classes, at_once):
            some = range(first, min(first + at_once, classes))
            done = len(chosen) * first
            folded = _folded(model, examples, chosen, some, groups, sketches, report, told, done)
            for at, vectors in enumerate(folded):  # (N, classes at once · m)
                kernel[at] += (vectors @ vectors.T).double().cpu().numpy()
    finally:
        model.train(training)
    kernel = kernel[:, back][:, :, back] / classes
    return TangentKernel(tuple(name for name, _ in groups), kernel)


def _folded(
    model: TunedModel,
    examples: Examples,
    rows: NDArray[np.int64],
    classes: range,
    groups: Sequence[tuple[str, Sequence[nn.Parameter]]],
    sketches: Sequence[Sketch],
    report: Report,
    told: str,
    done: int,
) -> list[Tensor]:
    """Return the sketched gradients of some outputs, (N, c·m) for each group."""
    parameters = [p for _, part in groups for p in part]
    ends = np.cumsum([len(part) for _, part in groups]).tolist()
    texts = np.searchsorted(examples.first, rows, side="right") - 1
    total = len(rows) * model.head.outputs
    found: list[list[Tensor]] = [[] for _ in groups]
    for text in np.unique(texts).tolist():
        outputs, _, _ = model.look(examples.batch(np.array([text]), model.padding))
        for row in (rows[texts == text] - examples.first[text]).tolist():
            of_row: list[list[Tensor]] = [[] for _ in groups]
            for output in classes:
                report.check()
                report.progress(done, total, told)
                pulls = torch.autograd.grad(
                    outputs[row, output], parameters, retain_graph=True, materialize_grads=True
                )
                for at, (end, sketch) in enumerate(zip(ends, sketches, strict=True)):
                    begin = ends[at - 1] if at else 0
                    of_row[at].append(sketch(pulls[begin:end]))
                done += 1
            for at, parts in enumerate(of_row):
                found[at].append(torch.cat(parts))
    return [torch.stack(vectors) for vectors in found]


# What a kernel tells


def label_kernel(labels: NDArray[np.number]) -> NDArray[np.float64]:
    """Return YYᵀ, (N, N): of one-hot classes (int labels) or of numbers (float labels)."""
    targets = label_targets(labels)
    kernel: NDArray[np.float64] = targets @ targets.T
    return kernel


def label_targets(labels: NDArray[np.number], classes: int = 0) -> NDArray[np.float64]:
    """Return what a ridge is fitted to: (N, C) one-hot classes, or (N, 1) numbers."""
    if np.issubdtype(labels.dtype, np.integer):
        hot = np.zeros((len(labels), max(classes, int(labels.max()) + 1)))
        hot[np.arange(len(labels)), labels.astype(np.int64)] = 1
        return hot
    return labels.astype(np.float64)[:, None]


def centred(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the kernel of features whose mean is 0."""
    means = kernel.mean(0)
    found: NDArray[np.float64] = kernel - means[:, None] - means + means.mean()
    return found


def alignment(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the alignment of two (N, N) kernels, 0 … 1; NaN where a centred one is 0.

    Source:
        Cortes, Mohri & Rostamizadeh 2012, JMLR 13, section 2.2 (centred alignment).
    """
    x, y = centred(one), centred(other)
    size = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float((x * y).sum()) / size if size > 0 else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class KernelRidge:
    """Ridge regression in kernel form, with a free constant.

    Attributes:
        penalty: λ, in units of the mean eigenvalue of the centred kernel.
        weights: (N, C) α of the training texts.
        mean: (C,) of the targets.
        columns: (N,) means of the kernel's columns.
    """

    penalty: float
    weights: NDArray[np.float64]
    mean: NDArray[np.float64]
    columns: NDArray[np.float64]

    @classmethod
    def fitted(cls, kernel: NDArray[np.float64], targets: NDArray[np.float64]) -> "KernelRidge":
        """Fit; the penalty is the one with the least squared error when each text is left out.

        Args:
            kernel: (N, N) of the training texts.
            targets: (N, C).

        Raises:
            ConfigError: The kernel is constant.

        Source:
            Leaving one out in closed form: Hastie et al. 2009, "The Elements of Statistical
            Learning", equation 7.64.
        """
        values, vectors = np.linalg.eigh(centred(kernel))
        values = np.maximum(values, 0)
        unit = float(values.mean())
        if not unit > 1e-12 * abs(float(kernel.mean())):
            raise ConfigError(
                "All texts have the same derivative, so their kernel tells nothing: choose other "
                "layers or weights.",
                "layers",
            )
        mean = targets.mean(0)
        turned = vectors.T @ (targets - mean)
        best = (float("inf"), 0.0)
        for penalty in _PENALTIES:
            kept = values / (values + penalty * unit)
            left = targets - mean - vectors @ (kept[:, None] * turned)
            own = 1 / len(kernel) + (vectors**2 * kept).sum(1)  # of each answer, by its own label
            error = float(((left / (1 - own)[:, None]) ** 2).mean())
            best = min(best, (error, float(penalty)))
        penalty = best[1]
        weights = vectors @ (turned / (values + penalty * unit)[:, None])
        return cls(penalty, weights, mean, kernel.mean(0))

    def answers(self, kernel: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (M, C) answers for texts with the (M, N) kernel to those of training."""
        apart = kernel - kernel.mean(1, keepdims=True) - self.columns + self.columns.mean()
        said: NDArray[np.float64] = self.mean + apart @ self.weights
        return said
