"""Which weights of the encoder move: strategies applied to a model."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from fineview.core.errors import ConfigError
from fineview.core.training.config import TrainConfig
from fineview.core.training.strategy import StrategyConfig
from fineview.core.training.tuning.model import TunedModel

_SCALED = ("norm", "Norm", "ln_")


def freeze(model: TunedModel, strategy: StrategyConfig) -> None:
    """Let exactly those weights of the encoder move that the strategy trains; the head always.

    For `gradual` these are all that will move in the end; `let_go` says which do so in an epoch.

    Raises:
        ConfigError: The encoder has fewer blocks, no bias, or no layer to add LoRA to.
    """
    if strategy.kind == "lora":
        from fineview.core.training.tuning.lora import add_lora

        add_lora(model, strategy)
        return
    groups = model.groups()[:-1]  # without the head
    blocks = groups[1:]
    if strategy.kind == "last-k":
        if strategy.top_layers > len(blocks):
            raise ConfigError(
                f"{model.info.title} has {len(blocks)} blocks that can be trained apart, and "
                f"{strategy.top_layers} were asked for: choose at most {len(blocks)}.",
                "top_layers",
            )
        _let(groups, False)
        _let(blocks[-strategy.top_layers :], True)
    elif strategy.kind == "bitfit":
        _let(groups, False)
        biases = [p for _, part in groups for n, p in part if n.endswith("bias")]
        if not biases:
            raise ConfigError(
                f"{model.info.title} has no biases for BitFit to train: choose another strategy.",
                "strategy",
            )
        for bias in biases:
            bias.requires_grad_(True)
    else:
        _let(groups, True)


def let_go(model: TunedModel, epoch: int) -> int:
    """Gradual unfreezing: in epoch e the head and the last e groups move.

    Args:
        model: The model.
        epoch: Counts from 0.

    Returns:
        Groups of the encoder (blocks from the top, embeddings last) that move.

    Source:
        Howard & Ruder 2018, arXiv:1801.06146, section 3.3.
    """
    groups = model.groups()[:-1]
    moving = min(epoch, len(groups))
    for at, (_, part) in enumerate(reversed(groups)):
        for _, parameter in part:
            parameter.requires_grad_(at < moving)
            if at >= moving:
                parameter.grad = None
    return moving


@dataclass(frozen=True, slots=True)
class RateGroup:
    """Weights with one rate.

    Attributes:
        name: Group of layers.
        rate: Step size before schedule and changes.
        decays: Whether weight decay pulls at them.
        parameters: The weights.
    """

    name: str
    rate: float
    decays: bool
    parameters: tuple[nn.Parameter, ...]


def rate_groups(
    model: TunedModel, strategy: StrategyConfig, config: TrainConfig
) -> list[RateGroup]:
    """Return every weight that moves, with the rate of its layer.

    Biases and the scales of normalisations are not pulled towards 0.

    Source:
        Layer-wise rates: Howard & Ruder 2018, arXiv:1801.06146, section 3.2.
    """
    groups = model.groups()
    found = []
    for at, (name, part) in enumerate(groups):
        head = at == len(groups) - 1
        below = len(groups) - 2 - at  # 0 for the last block
        rate = config.learning_rate if head else strategy.encoder_rate * strategy.layer_decay**below
        moving = [(n, p) for n, p in part if p.requires_grad]
        for decays in (True, False):
            chosen = tuple(p for n, p in moving if _decays(n, p, head) == decays)
            if chosen:
                found.append(RateGroup(name, rate, decays, chosen))
    return found


def _decays(name: str, parameter: nn.Parameter, head: bool) -> bool:
    if head:
        return name.endswith("weight") and parameter.dim() > 1
    return parameter.dim() > 1 and not any(word in name for word in _SCALED)


def _let(groups: Sequence[tuple[str, Sequence[tuple[str, nn.Parameter]]]], move: bool) -> None:
    for _, part in groups:
        for _, parameter in part:
            parameter.requires_grad_(move)
