"""Heads and how they are trained: the settings, without the arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal, get_args

from fineview.core.errors import ConfigError

HeadKind = Literal["linear", "mlp", "forest", "boosting", "knn", "svm", "centroid"]
Optimiser = Literal["sgd", "momentum", "adam", "adamw", "adafactor"]
ClassWeights = Literal["none", "balanced"]
Schedule = Literal["constant", "linear", "cosine", "triangular"]
Precision = Literal["auto", "float32", "bfloat16"]
Kept = Literal["last", "best"]

HEAD_TITLES: dict[HeadKind, str] = {
    "linear": "linear + softmax",
    "mlp": "MLP",
    "forest": "random forest",
    "boosting": "gradient boosting",
    "knn": "k nearest neighbours",
    "svm": "linear SVM",
    "centroid": "nearest class mean",
}
GRADIENT_HEADS: tuple[HeadKind, ...] = ("linear", "mlp")
"""Heads that are trained by gradient steps, and through which an encoder can be trained."""
OPTIMISERS: tuple[Optimiser, ...] = get_args(Optimiser)
_RATES: dict[Optimiser, float] = {
    "sgd": 0.1,
    "momentum": 0.01,
    "adam": 1e-3,
    "adamw": 1e-3,
    "adafactor": 1e-2,
}
_RATES_ARE_FOR = 384  # features
_FOR_NUMBERS = 0.05
LIVE_SETTINGS = ("learning_rate", "weight_decay")
"""Settings that may be changed while a run is in flight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadConfig:
    """What turns features into labels.

    Attributes:
        kind: `linear` is one linear layer (followed by softmax, where labels are classes); `mlp`
            has hidden layers before it; the others have no gradient steps.
        hidden_layers: Hidden layers of `mlp`, 1 … 8.
        width: Units of each, 1 … 8192.
        dropout: Share of hidden units left out at each training step, in [0, 1).
        trees: Trees of `forest`, rounds of `boosting`, 1 … 5,000.
        neighbours: k of `knn`, >= 1.
        penalty: C of `svm`: the inverse weight of ‖W‖²/2, > 0.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    kind: HeadKind = "linear"
    hidden_layers: int = 1
    width: int = 256
    dropout: float = 0.1
    trees: int = 300
    neighbours: int = 15
    penalty: float = 1.0

    def __post_init__(self) -> None:
        """Refuse heads that cannot be built."""
        one_of(self.kind, get_args(HeadKind), "Head", "kind")
        within(self.hidden_layers, 1, 8, "Hidden layers", "hidden_layers")
        within(self.width, 1, 8192, "Width", "width")
        within(self.trees, 1, 5000, "Trees", "trees")
        within(self.neighbours, 1, 100_000, "Neighbours", "neighbours")
        if not 0 <= self.dropout < 1:
            raise ConfigError(
                f"Dropout must be at least 0 and below 1, not {self.dropout:g}.", "dropout"
            )
        if not (self.penalty > 0 and isfinite(self.penalty)):
            raise ConfigError(f"C must be a number above 0, not {self.penalty:g}.", "penalty")

    @property
    def by_gradient(self) -> bool:
        """Whether it is trained step by step."""
        return self.kind in GRADIENT_HEADS


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """How weights are trained.

    Attributes:
        optimiser: `sgd` as in the lecture, `momentum` (SGD with 0.9), `adam`, `adamw`,
            `adafactor`.
        learning_rate: Step size of the head's weights, > 0.
        batch_size: Texts per step, >= 1.
        token_budget: Where the encoder is trained: a step takes as many texts of like length as
            make this many tokens, padding included, instead of `batch_size` texts; 0 off.
        accumulate: Parts in which the gradient of a step is computed, >= 1: less memory, the same
            step.
        weight_decay: λ of the penalty λ/2·‖W‖² on the head's weights (not its biases), >= 0. AdamW
            applies it decoupled from the loss, and to the encoder's weights too.
        clip: Greatest Euclidean norm of the gradient of a step; 0 off.
        epochs: Passes over the training split, >= 1.
        warmup: Share of all steps over which rates rise from 0, in [0, 1).
        schedule: What rates do after that: `constant`; `linear` and `cosine` fall to 0;
            `triangular` rises over a tenth and falls to 1/32.
        class_weights: `balanced` weighs each class by the inverse of its frequency in training.
        patience: Epochs without a better validation loss after which training stops early; 0 off.
        kept: Weights that the run keeps: those of the last step, or of the epoch with the lowest
            validation loss. With patience always the latter.
        precision: Number type of products where the encoder is trained: `auto` is bfloat16 on
            CUDA, float32 elsewhere.
        checkpointing: Whether the encoder's blocks are computed anew on the way back instead of
            being kept: a third slower, a fraction of the memory.

    Source:
        triangular: Howard & Ruder 2018, arXiv:1801.06146, section 3.2 (slanted triangular rates).
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    optimiser: Optimiser = "sgd"
    learning_rate: float = 0.1
    batch_size: int = 32
    token_budget: int = 0
    accumulate: int = 1
    weight_decay: float = 0.01
    clip: float = 0.0
    epochs: int = 100
    warmup: float = 0.0
    schedule: Schedule = "constant"
    class_weights: ClassWeights = "none"
    patience: int = 0
    kept: Kept = "last"
    precision: Precision = "auto"
    checkpointing: bool = False

    def __post_init__(self) -> None:
        """Refuse values that cannot train."""
        one_of(self.optimiser, OPTIMISERS, "Optimiser", "optimiser")
        one_of(self.schedule, get_args(Schedule), "Schedule", "schedule")
        one_of(self.class_weights, get_args(ClassWeights), "Class weights", "class_weights")
        one_of(self.kept, get_args(Kept), "Kept weights", "kept")
        one_of(self.precision, get_args(Precision), "Precision", "precision")
        if not (self.learning_rate > 0 and isfinite(self.learning_rate)):
            raise ConfigError(
                f"Learning rate must be a number above 0, not {self.learning_rate}.",
                "learning_rate",
            )
        for name, title in (("weight_decay", "Weight decay"), ("clip", "Clipping")):
            value = getattr(self, name)
            if not (value >= 0 and isfinite(value)):
                raise ConfigError(f"{title} must be 0 or above, not {value}.", name)
        if not 0 <= self.warmup < 1:
            raise ConfigError(
                f"Warm-up must be a share of the steps from 0 to below 1, not {self.warmup:g}.",
                "warmup",
            )
        least = {"batch_size": 1, "epochs": 1, "accumulate": 1, "patience": 0, "token_budget": 0}
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                title = name.replace("_", " ").capitalize()
                raise ConfigError(
                    f"{title} must be {lowest} or above, not {getattr(self, name)}.", name
                )

    @property
    def keeps_best(self) -> bool:
        """Whether the run keeps the weights of its best epoch."""
        return self.kept == "best" or self.patience > 0

    def with_live(self, changes: Mapping[str, float]) -> "TrainConfig":
        """Return the config with the LIVE_SETTINGS named in `changes`; others are left alone."""
        return replace(
            self,
            learning_rate=changes.get("learning_rate", self.learning_rate),
            weight_decay=changes.get("weight_decay", self.weight_decay),
        )


def default_rate(optimiser: Optimiser, dimension: int, *, numbers: bool = False) -> float:
    """Return a rate that converges on standardised features without shaking.

    Args:
        optimiser: SGD's steps grow with the number of features, Adam's do not.
        dimension: D', the features that the head sees.
        numbers: Whether labels are numbers. The squared error bends at least four times as much as
            the cross-entropy, at every answer; the latter does so only where it is undecided.

    Returns:
        Below the inverse of the loss's curvature, which is in proportion to the features' number.

    Source:
        Boyd & Vandenberghe 2004, Convex Optimization, section 9.3.
    """
    rate = _RATES[optimiser]
    if optimiser in ("sgd", "momentum"):
        rate *= min(1.0, _RATES_ARE_FOR / dimension) * (_FOR_NUMBERS if numbers else 1)
    return float(f"{rate:.2g}")


def rate_moved(
    rate: float, optimiser: Optimiser, before: int, now: int, *, numbers: bool | None = None
) -> float:
    """Return a rate after a change of settings: a default one moves along, a chosen one stays.

    Args:
        rate: Before the change.
        optimiser: It stays.
        before: D', the features that the head saw.
        now: D' that it sees.
        numbers: Whether labels are numbers now; None where that is as before.
    """
    for were in (False, True):
        if rate == default_rate(optimiser, before, numbers=were):
            return default_rate(optimiser, now, numbers=were if numbers is None else numbers)
    return rate


def one_of(value: str, allowed: tuple[str, ...], title: str, field: str) -> None:
    """Refuse a word that is not in the list.

    Raises:
        ConfigError: With the field's name.
    """
    if value not in allowed:
        raise ConfigError(f"{title} {value!r} is not one of {', '.join(allowed)}.", field)


def within(value: int, low: int, high: int, title: str, field: str) -> None:
    """Refuse a whole number out of range.

    Raises:
        ConfigError: With the field's name.
    """
    if not low <= value <= high:
        raise ConfigError(f"{title} must be within {low:,} … {high:,}, not {value:,}.", field)
