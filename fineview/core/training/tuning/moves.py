"""How far the weights of each layer have moved, and how hard the gradient pulls at them."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from fineview.core.models.blocks import blocks_of
from fineview.core.training.tuning.lora import lora_shift
from fineview.core.training.tuning.model import TunedModel


class Moves:
    """Groups of a model's weights, against where they began.

    Attributes:
        names: The G groups: embeddings, blocks, head.
    """

    def __init__(self, model: TunedModel, origin: Mapping[str, Tensor]) -> None:
        """Remember where the head stands; the encoder began at `origin`.

        Args:
            model: The model, frozen as its strategy says.
            origin: The encoder's weights before training, by name in the encoder.
        """
        self._model = model
        self._groups = model.groups()
        self._origin = {f"encoder.{name}": value for name, value in origin.items()}
        head = [] if model.tangent else self._groups[-1][1]
        self.restart({n: p.detach().clone() for n, p in head})
        self.names = tuple(name for name, _ in self._groups)
        blocks = blocks_of(model.encoder, model.info.layers)
        self._blocks = [] if blocks is None else list(blocks)

    def restart(self, head: Mapping[str, Tensor]) -> None:
        """Say where the head began, by name as in `start`."""
        self._start = {name: value.to(self._model.device) for name, value in head.items()}

    @property
    def start(self) -> Mapping[str, Tensor]:
        """Where the head began, by name in the model."""
        return self._start

    def gradient_norms(self) -> list[float]:
        """Return the Euclidean norm of each group's gradient, (G,); 0 where nothing moves."""
        return _norms([[p.grad for _, p in m if p.grad is not None] for _, m in self._groups])

    @torch.no_grad()
    def distances(self) -> list[float]:
        """Return the Euclidean distance of each group from where it began, (G,)."""
        found = []
        for at, (_, members) in enumerate(self._groups):
            moved: list[Tensor] = []
            for name, parameter in members:
                if self._model.tangent:
                    moved.append(parameter)
                    continue
                start = self._origin.get(name, self._start.get(name))
                if start is not None and (parameter.requires_grad or name in self._start):
                    moved.append(parameter - start)
            (distance,) = _norms([moved])
            if 0 < at <= len(self._blocks):
                distance = math.hypot(distance, lora_shift(self._blocks[at - 1]))
            found.append(distance)
        return found


def _norms(groups: Sequence[Sequence[Tensor]]) -> list[float]:
    """Return each group's Euclidean norm, read all at once: every reading waits for a GPU."""
    every = [tensor for group in groups for tensor in group]
    read = iter(torch.stack(torch._foreach_norm(every)).tolist() if every else ())
    return [math.hypot(*(next(read) for _ in group)) for group in groups]
