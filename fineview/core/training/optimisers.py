"""Optimisers, and the rates they follow over a training."""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch

from fineview.core.training.config import TrainConfig

_PEAK = 0.1
_RATIO = 32


class Optimiser(Protocol):
    """What the loops need of an optimiser; those of torch.optim have it."""

    param_groups: list[dict[str, Any]]

    def step(self) -> Any:  # noqa: ANN401 - torch's own signature
        """Move the parameters by their gradients."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take a checkpoint back."""


class PlainSGD:
    """w ← w − η·(∂loss/∂w + λ·w): torch.optim.SGD without momentum.

    torch.optim.SGD spends a tenth of a millisecond a step on hooks, profiling and state; for a head
    of some thousand weights that is a third of the step.

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


def make_optimiser(config: TrainConfig, groups: Sequence[dict[str, Any]]) -> Optimiser:
    """Return the optimiser of a config.

    Args:
        config: Its kind and the head's rate.
        groups: As in torch.optim; `lr` and `weight_decay` are each group's own.

    Source:
        AdamW: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2. Adafactor: Shazeer & Stern
        2018, arXiv:1804.04235, algorithm 5.
    """
    rate, parts = config.learning_rate, list(groups)
    match config.optimiser:
        case "momentum":
            return torch.optim.SGD(parts, lr=rate, momentum=0.9)
        case "adam":
            return torch.optim.Adam(parts, lr=rate, fused=_large(parts))
        case "adamw":
            return torch.optim.AdamW(parts, lr=rate, fused=_large(parts))
        case "adafactor":
            return torch.optim.Adafactor(parts, lr=rate)
    return PlainSGD(parts, lr=rate)


def _large(groups: Sequence[dict[str, Any]]) -> bool:
    """Whether one fused pass pays: for a small head its start costs more than it saves."""
    parameters = [p for group in groups for p in group["params"]]
    fits = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)
    return fits and sum(p.numel() for p in parameters) > 100_000


def rate_factor(config: TrainConfig, step: int, total: int) -> float:
    """Return what the rates are multiplied by in a step.

    Args:
        config: Warm-up and schedule.
        step: Counts from 1.
        total: Steps of all epochs.

    Returns:
        Within 0 … 1; at most 1/total above 0 in the last step of a schedule that falls to 0.
    """
    done = (step - 1) / total
    if config.schedule == "triangular":
        peak = max(config.warmup, _PEAK)
        share = done / peak if done < peak else 1 - (done - peak) / (1 - peak)
        return (1 + share * (_RATIO - 1)) / _RATIO
    if done < config.warmup:
        return step / max(math.ceil(config.warmup * total), 1)
    rest = (done - config.warmup) / (1 - config.warmup)
    if config.schedule == "linear":
        return 1 - rest
    if config.schedule == "cosine":
        return (1 + math.cos(math.pi * rest)) / 2
    return 1.0


def packed_state(optimiser: Optimiser) -> dict[str, torch.Tensor]:
    """Return an optimiser's tensors by name, for a checkpoint."""
    tensors = {}
    for index, slots in optimiser.state_dict()["state"].items():
        for key, value in slots.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{index}.{key}"] = value
    return tensors


def unpack_state(optimiser: Optimiser, tensors: dict[str, torch.Tensor]) -> None:
    """Give an optimiser the tensors of `packed_state` back."""
    whole = optimiser.state_dict()
    whole["state"] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        whole["state"].setdefault(int(index), {})[key] = value
    optimiser.load_state_dict(whole)
