"""The gradients of several tasks on the weights they share: kept apart, compared, joined."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fineview.core.training.multitask.events import GradientCosines, pairs_of
from fineview.core.training.tuning.model import TunedModel

Pull = list[Tensor | None]
"""One task's gradient of each shared weight; None where it has none."""


class SharedWeights:
    """The weights of one encoder that several heads move.

    Attributes:
        groups: Names of the G layer groups in which something moves, from below.
        parameters: The weights, group by group.
    """

    def __init__(self, model: TunedModel) -> None:
        """Look which weights move.

        Args:
            model: Any of the models on the encoder, frozen as its strategy says.
        """
        self.groups: tuple[str, ...] = ()
        self.parameters: list[nn.Parameter] = []
        self._ends: list[int] = []
        for name, members in model.groups()[:-1]:
            moving = [parameter for _, parameter in members if parameter.requires_grad]
            if moving:
                self.groups += (name,)
                self.parameters += moving
                self._ends.append(len(self.parameters))

    def take(self) -> Pull:
        """Return the gradients that lie on the weights, and leave none there."""
        found: Pull = [parameter.grad for parameter in self.parameters]
        for parameter in self.parameters:
            parameter.grad = None
        return found

    @torch.no_grad()
    def products(self, pulls: Sequence[Pull]) -> NDArray[np.float64]:
        """Return the inner products of K gradients within each group, (G, K, K) float64."""
        tasks = len(pulls)
        found = np.zeros((len(self.groups), tasks, tasks))
        begin = 0
        for group, end in enumerate(self._ends):
            for one in range(tasks):
                for other in range(one, tasks):
                    value = _product(pulls[one][begin:end], pulls[other][begin:end])
                    found[group, one, other] = found[group, other, one] = value
            begin = end
        return found

    @torch.no_grad()
    def last_norms(self, pulls: Sequence[Pull]) -> NDArray[np.float64]:
        """Return the norms of K gradients within the last group, (K,); 0 where nothing moves."""
        begin = self._ends[-2] if len(self._ends) > 1 else 0
        parts = [pull[begin:] for pull in pulls]
        return np.array([math.sqrt(_product(part, part)) for part in parts])

    @torch.no_grad()
    def put(self, pulls: Sequence[Pull], weights: Sequence[float]) -> None:
        """Lay Σ_k w_k·g_k on the weights; the gradients given are used up."""
        for place, parameter in enumerate(self.parameters):
            total: Tensor | None = None
            for pull, weight in zip(pulls, weights, strict=True):
                one = pull[place]
                if one is None:
                    continue
                if total is None:
                    total = one if weight == 1 else one.mul_(weight)
                else:
                    total.add_(one, alpha=weight)
            parameter.grad = total


def _product(one: Sequence[Tensor | None], other: Sequence[Tensor | None]) -> float:
    parts = [
        torch.dot(a.flatten(), b.flatten())
        for a, b in zip(one, other, strict=True)
        if a is not None and b is not None
    ]
    return float(torch.stack(parts).double().sum()) if parts else 0.0


def cosines_of(
    products: NDArray[np.float64], groups: tuple[str, ...], step: int
) -> GradientCosines | None:
    """Return the cosines of K gradients from their inner products.

    Args:
        products: (G, K, K) from `SharedWeights.products`.
        groups: Names of the groups.
        step: The step they are for.

    Returns:
        None where a gradient is 0, as in the first step: heads that begin at 0 pass nothing on. A
        group in which a gradient is 0 has cosine 0.

    Source:
        The measure of conflict: Yu et al. 2020, arXiv:2001.06782, definition 1.
    """
    whole = products.sum(0)
    if not (whole.diagonal() > 0).all():
        return None
    pairs = pairs_of(products.shape[1])
    return GradientCosines(
        step=step,
        groups=groups,
        overall=_cosines(whole, pairs),
        by_group=tuple(_cosines(one, pairs) for one in products),
        norms=tuple(math.sqrt(value) for value in whole.diagonal().tolist()),
    )


def _cosines(products: NDArray[np.float64], pairs: Sequence[tuple[int, int]]) -> tuple[float, ...]:
    sizes = np.sqrt(products.diagonal())
    found = []
    for one, other in pairs:
        both = float(sizes[one] * sizes[other])
        cosine = float(products[one, other]) / both if both > 0 else 0.0
        found.append(min(max(cosine, -1.0), 1.0))
    return tuple(found)
