"""Heads and how they are trained: the settings, without the arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal, get_args

from fineview.core.errors import ConfigError

HeadKind = Literal["linear"]
Optimiser = Literal["sgd", "momentum", "adam", "adamw"]
ClassWeights = Literal["none", "balanced"]

OPTIMISERS: tuple[Optimiser, ...] = get_args(Optimiser)
_RATES: dict[Optimiser, float] = {"sgd": 0.1, "momentum": 0.01, "adam": 1e-3, "adamw": 1e-3}
_RATES_ARE_FOR = 384  # features
LIVE_SETTINGS = ("learning_rate", "weight_decay")
"""Settings that may be changed while a run is in flight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadConfig:
    """What turns features into labels.

    Attributes:
        kind: `linear` is one linear layer followed by softmax.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    kind: HeadKind = "linear"

    def __post_init__(self) -> None:
        """Refuse unknown heads."""
        if self.kind not in get_args(HeadKind):
            raise ConfigError(f"Head {self.kind!r} is not one of {get_args(HeadKind)}.", "kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """How a head is trained on frozen features.

    Attributes:
        optimiser: `sgd` as in the lecture, `momentum` (SGD with 0.9), `adam`, `adamw`.
        learning_rate: Step size, > 0.
        batch_size: Texts per step, >= 1.
        weight_decay: λ of the penalty λ/2·‖W‖² on the head's weights (not its biases), >= 0. AdamW
            applies it decoupled from the loss.
        epochs: Passes over the training split, >= 1.
        class_weights: `balanced` weighs each class by the inverse of its frequency in training.
        patience: Epochs without a better validation loss after which training stops early; 0 off.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    optimiser: Optimiser = "sgd"
    learning_rate: float = 0.1
    batch_size: int = 32
    weight_decay: float = 0.01
    epochs: int = 100
    class_weights: ClassWeights = "none"
    patience: int = 0

    def __post_init__(self) -> None:
        """Refuse values that cannot train."""
        if self.optimiser not in OPTIMISERS:
            raise ConfigError(
                f"Optimiser {self.optimiser!r} is not one of {', '.join(OPTIMISERS)}.", "optimiser"
            )
        if not (self.learning_rate > 0 and isfinite(self.learning_rate)):
            raise ConfigError(
                f"Learning rate must be a number above 0, not {self.learning_rate}.",
                "learning_rate",
            )
        if not (self.weight_decay >= 0 and isfinite(self.weight_decay)):
            raise ConfigError(
                f"Weight decay must be 0 or above, not {self.weight_decay}.", "weight_decay"
            )
        for name, least in (("batch_size", 1), ("epochs", 1), ("patience", 0)):
            if getattr(self, name) < least:
                title = name.replace("_", " ").capitalize()
                raise ConfigError(
                    f"{title} must be {least} or above, not {getattr(self, name)}.", name
                )
        if self.class_weights not in get_args(ClassWeights):
            raise ConfigError(
                f"Class weights {self.class_weights!r} is not one of none, balanced.",
                "class_weights",
            )

    def with_live(self, changes: Mapping[str, float]) -> "TrainConfig":
        """Return the config with the LIVE_SETTINGS named in `changes`; others are left alone."""
        return replace(
            self,
            learning_rate=changes.get("learning_rate", self.learning_rate),
            weight_decay=changes.get("weight_decay", self.weight_decay),
        )


def default_rate(optimiser: Optimiser, dimension: int) -> float:
    """Return a rate that converges on standardised features without shaking.

    Args:
        optimiser: SGD's steps grow with the number of features, Adam's do not.
        dimension: D', the features that the head sees.

    Returns:
        Below the inverse of the loss's curvature, which is in proportion to the features' number.

    Source:
        Boyd & Vandenberghe 2004, Convex Optimization, section 9.3.
    """
    rate = _RATES[optimiser]
    if optimiser in ("sgd", "momentum"):
        rate *= min(1.0, _RATES_ARE_FOR / dimension)
    return float(f"{rate:.2g}")
