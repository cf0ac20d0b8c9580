"""LoRA by way of peft: thin matrices beside the attention's projections."""

import math
from typing import Any

import torch
from torch import nn

from fineview.core.errors import ConfigError
from fineview.core.training.strategy import StrategyConfig, usual_modules
from fineview.core.training.tuning.model import TunedModel

ADAPTER = "default"


def add_lora(model: TunedModel, strategy: StrategyConfig) -> None:
    """Add LoRA's matrices to the encoder, in place, and freeze everything else of it.

    B begins at 0, so that the model is the pretrained one before the first step.

    Args:
        model: The model.
        strategy: Rank, alpha, names of the linear layers.

    Raises:
        ConfigError: The encoder has no linear layer of such a name.

    Source:
        Hu et al. 2021, arXiv:2106.09685, sections 4.1 and 4.2 (query and value).
    """
    from peft import LoraConfig, inject_adapter_in_model

    names = strategy.modules or usual_modules(model.info.model_type)
    linear = {n.rsplit(".", 1)[-1] for n, m in model.encoder.named_modules() if _is_linear(m)}
    missing = [name for name in names if name.rsplit(".", 1)[-1] not in linear]
    if missing or not names:
        wanted = ", ".join(missing) or "attention's query and value"
        raise ConfigError(
            f"{model.info.title} has no linear layer called {wanted} for LoRA: name some of "
            f"{', '.join(sorted(linear))}.",
            "modules",
        )
    config = LoraConfig(
        r=strategy.rank,
        lora_alpha=strategy.alpha,  # type: ignore[arg-type]
        lora_dropout=0.0,
        target_modules=list(names),
        bias="none",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        inject_adapter_in_model(config, model.encoder, adapter_name=ADAPTER)
    for name, parameter in model.encoder.named_parameters():
        parameter.requires_grad_("lora_" in name)


@torch.no_grad()
def lora_shift(module: nn.Module) -> float:
    """Return ‖α/r·B·A‖, how far the adapted layers inside a module stand from pretraining."""
    total = 0.0
    part: Any
    for part in module.modules():
        if hasattr(part, "lora_A") and ADAPTER in part.lora_A:
            a, b = part.lora_A[ADAPTER].weight, part.lora_B[ADAPTER].weight
            scale = float(part.scaling[ADAPTER])
            # ‖BA‖² is the trace of (BᵀB)(AAᵀ): both are r × r.
            total += scale**2 * float(((b.T @ b) * (a @ a.T)).sum())
    return math.sqrt(max(total, 0.0))


def _is_linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear)
