"""Plain stochastic gradient descent, without torch.optim's bookkeeping.

torch.optim.SGD spends a tenth of a millisecond a step on hooks, profiling and state; for a head of
some thousand weights that is a third of the step.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch


class Optimiser(Protocol):
    """What the loop needs of an optimiser; those of torch.optim have it."""

    param_groups: list[dict[str, Any]]

    def step(self) -> Any:  # noqa: ANN401 - torch's own signature
        """Move the parameters by their gradients."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take a checkpoint back."""


class PlainSGD:
    """w ← w − η·(∂loss/∂w + λ·w): torch.optim.SGD without momentum.

    Attributes:
        param_groups: As in torch.optim: `params`, `lr`, `weight_decay`.

    Source:
        Robbins & Monro 1951, Annals of Mathematical Statistics 22, 400–407.
    """

    def __init__(self, groups: Sequence[dict[str, Any]], lr: float) -> None:
        self.param_groups = [{"lr": lr, **group} for group in groups]

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            rate, decay = group["lr"], group["weight_decay"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                if decay:
                    parameter.mul_(1 - rate * decay)
                parameter.add_(parameter.grad, alpha=-rate)

    def state_dict(self) -> dict[str, Any]:
        """Return no state: plain SGD has none."""
        return {"state": {}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back no state."""
