"""Strategies: which weights move, which stand still; the settings, without the arithmetic."""

from dataclasses import dataclass
from math import isfinite
from typing import Literal, get_args

from fineview.core.errors import ConfigError
from fineview.core.training.config import TrainConfig, default_rate, one_of, within

StrategyKind = Literal[
    "head",
    "last-k",
    "full",
    "lp-ft",
    "gradual",
    "bitfit",
    "lora",
    "linearised",
    "random-init",
    "random-features",
    "classical",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyInfo:
    """What people are told of a strategy.

    Attributes:
        title: Name on screen.
        says: One sentence: what moves, and why one would.
        source: Paper and section.
        trains_encoder: Whether weights of the encoder move, so that features cannot be stored.
        head_first: Whether the head is trained alone before.
    """

    title: str
    says: str
    source: str
    trains_encoder: bool = True
    head_first: bool = False


STRATEGIES: dict[StrategyKind, StrategyInfo] = {
    "head": StrategyInfo(
        title="Head only",
        says="The encoder stands still and only the new head learns: kilobytes a task, seconds.",
        source="Devlin et al. 2019, arXiv:1810.04805, section 5.3",
        trains_encoder=False,
    ),
    "last-k": StrategyInfo(
        title="Last layers",
        says="The last k blocks move with the head; what lies below is shared by all tasks.",
        source="Lee et al. 2019, arXiv:1911.03090, section 3",
    ),
    "full": StrategyInfo(
        title="Full fine-tuning",
        says="Every weight moves: the most capacity, and a whole encoder to store for each task.",
        source="Devlin et al. 2019, arXiv:1810.04805, section 3.2",
    ),
    "lp-ft": StrategyInfo(
        title="Head first, then all",
        says="The head is trained alone, then everything: a fitted head pulls the features apart "
        "less.",
        source="Kumar et al. 2022, arXiv:2202.10054, section 3.4",
        head_first=True,
    ),
    "gradual": StrategyInfo(
        title="Gradual unfreezing",
        says="One more block is let go with each epoch, from the top, each lower one at a lower "
        "rate.",
        source="Howard & Ruder 2018, arXiv:1801.06146, section 3.3",
    ),
    "bitfit": StrategyInfo(
        title="BitFit",
        says="Only the biases of the encoder move with the head: a thousandth of its weights.",
        source="Ben Zaken et al. 2022, arXiv:2106.10199, section 3",
    ),
    "lora": StrategyInfo(
        title="LoRA",
        says="Products of two thin matrices are added to the attention's projections; the rest "
        "stands still.",
        source="Hu et al. 2021, arXiv:2106.09685, section 4.1",
    ),
    "linearised": StrategyInfo(
        title="Linearised",
        says="The model is replaced by its tangent at the pretrained weights: linear regression on "
        "derivative features.",
        source="Jacot et al. 2018, arXiv:1806.07572, section 4; Malladi et al. 2023, "
        "arXiv:2210.05643, section 3",
        head_first=True,
    ),
    "random-init": StrategyInfo(
        title="From random weights",
        says="The same architecture without pretraining, every weight trained: what the fortunate "
        "start is worth.",
        source="Erhan et al. 2010, Journal of Machine Learning Research 11, section 1",
    ),
    "random-features": StrategyInfo(
        title="Random features",
        says="The encoder is frozen at random weights and only the head learns: what the "
        "architecture alone gives.",
        source="Wieting & Kiela 2019, arXiv:1901.10444, section 2",
        trains_encoder=False,
    ),
    "classical": StrategyInfo(
        title="TF-IDF → SVD",
        says="No encoder: counted words, their principal directions, the same head.",
        source='Deerwester et al. 1990, "Indexing by latent semantic analysis"',
        trains_encoder=False,
    ),
}
KINDS: tuple[StrategyKind, ...] = get_args(StrategyKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyConfig:
    """Which weights move, and how fast those of the encoder do.

    Attributes:
        kind: The strategy.
        encoder_rate: Step size of the encoder's weights, > 0.
        layer_decay: Factor from each block's rate to that of the block below, in (0, 1].
        top_layers: k of `last-k`, >= 1; more than the encoder has is refused when a run begins.
        head_epochs: Epochs of the head alone, for `lp-ft` and `linearised`, 1 … 1,000.
        rank: Columns of LoRA's thin matrices, 1 … 256.
        alpha: LoRA's products are multiplied by alpha / rank.
        modules: Names of the linear layers that LoRA is added to; empty takes the attention's query
            and value.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    kind: StrategyKind = "head"
    encoder_rate: float = 5e-5
    layer_decay: float = 1.0
    top_layers: int = 2
    head_epochs: int = 20
    rank: int = 8
    alpha: float = 16.0
    modules: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot train."""
        one_of(self.kind, KINDS, "Strategy", "strategy")
        if not (self.encoder_rate > 0 and isfinite(self.encoder_rate)):
            raise ConfigError(
                f"The encoder's rate must be a number above 0, not {self.encoder_rate}.",
                "encoder_rate",
            )
        if not 0 < self.layer_decay <= 1:
            raise ConfigError(
                f"Layer decay must be above 0 and at most 1, not {self.layer_decay:g}.",
                "layer_decay",
            )
        within(self.top_layers, 1, 1000, "Trained layers", "top_layers")
        within(self.head_epochs, 1, 1000, "Epochs of the head alone", "head_epochs")
        within(self.rank, 1, 256, "LoRA's rank", "rank")
        if not (self.alpha > 0 and isfinite(self.alpha)):
            raise ConfigError(f"LoRA's alpha must be above 0, not {self.alpha}.", "alpha")

    @property
    def info(self) -> StrategyInfo:
        """What people are told of it."""
        return STRATEGIES[self.kind]

    @property
    def trains_encoder(self) -> bool:
        """Whether weights of the encoder move."""
        return self.info.trains_encoder


def default_strategy(kind: StrategyKind) -> StrategyConfig:
    """Return a strategy with the settings that usually serve it.

    Source:
        Rates of the encoder: Devlin et al. 2019, arXiv:1810.04805, appendix A.3 (2e-5 … 5e-5);
        LoRA and BitFit move few weights and want rates some ten times higher (Hu et al. 2021,
        appendix D; Ben Zaken et al. 2022, appendix A). Layer decay 1/2.6: Howard & Ruder 2018,
        section 3.2. Random weights have nothing to lose: 2e-4.
    """
    rates = {"lora": 5e-4, "bitfit": 1e-3, "random-init": 2e-4, "linearised": 1e-4}
    return StrategyConfig(
        kind=kind,
        encoder_rate=rates.get(kind, 5e-5),
        layer_decay=round(1 / 2.6, 3) if kind == "gradual" else 1.0,
    )


def default_training(kind: StrategyKind, dimension: int, *, numbers: bool = False) -> TrainConfig:
    """Return the training settings that usually serve a strategy.

    Args:
        kind: The strategy.
        dimension: D', the features that the head sees.
        numbers: Whether labels are numbers.
    """
    if not STRATEGIES[kind].trains_encoder:
        return TrainConfig(learning_rate=default_rate("sgd", dimension, numbers=numbers))
    return TrainConfig(
        optimiser="adamw",
        learning_rate=3e-3,
        batch_size=16,
        epochs=3,
        warmup=0.1,
        schedule="triangular" if kind == "gradual" else "linear",
        clip=1.0,
    )


_QUERY_AND_VALUE: dict[str, tuple[str, ...]] = {
    "distilbert": ("q_lin", "v_lin"),
    "mpnet": ("q", "v"),
    "deberta": ("in_proj",),
    "deberta-v2": ("query_proj", "value_proj"),
    "modernbert": ("Wqkv",),
}


def usual_modules(model_type: str) -> tuple[str, ...]:
    """Return what LoRA is added to where nothing else is asked: the attention's query and value.

    Source:
        Hu et al. 2021, arXiv:2106.09685, section 4.2. Where an architecture computes query, key and
        value in one product, that product.
    """
    return _QUERY_AND_VALUE.get(model_type, ("query", "value"))
