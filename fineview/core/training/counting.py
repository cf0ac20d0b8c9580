"""How many weights a strategy moves and stores, told before anything is loaded."""

from dataclasses import dataclass

from fineview.core.features.config import PoolingConfig
from fineview.core.models.info import EncoderInfo
from fineview.core.training.config import HeadConfig
from fineview.core.training.strategy import StrategyConfig, usual_modules


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightCounts:
    """Weights of one run.

    Attributes:
        head: Of the head; 0 where that is known only once it is trained.
        moved: Of the encoder, or beside it, that move.
        frozen: Of the encoder that stand still.
        by_layer: (L+1,) of the embeddings and of each block that move.
    """

    head: int
    moved: int
    frozen: int
    by_layer: tuple[int, ...]

    @property
    def stored(self) -> int:
        """Bytes that one task takes on disk."""
        return 4 * (self.head + self.moved)


def count_weights(
    strategy: StrategyConfig,
    pooling: PoolingConfig,
    head: HeadConfig,
    info: EncoderInfo,
    outputs: int,
    epochs: int,
) -> WeightCounts:
    """Count what a run moves.

    Args:
        strategy: Which weights move.
        pooling: What the head sees.
        head: What the head is.
        info: Sizes of the encoder.
        outputs: C, or 1 for numbers.
        epochs: Decide how far `gradual` comes.
    """
    layers = info.layer_parameters
    blank = (0,) * len(layers)
    width = 100 if strategy.kind == "classical" else pooling.width(info.width)
    own = _of_head(pooling, head, width, outputs, info.width)
    match strategy.kind:
        case "full" | "lp-ft" | "random-init":
            by_layer = layers
        case "last-k":
            first = max(len(layers) - strategy.top_layers, 1)
            by_layer = tuple(n if at >= first else 0 for at, n in enumerate(layers))
        case "gradual":
            first = max(len(layers) - max(epochs - 1, 0), 0)
            by_layer = tuple(n if at >= first else 0 for at, n in enumerate(layers))
        case "linearised":
            return WeightCounts(
                head=own, moved=sum(layers) + own, frozen=info.parameters, by_layer=layers
            )
        case "lora":
            wanted = set(strategy.modules or usual_modules(info.model_type))
            moved = strategy.rank * sum(n for name, n in info.linear_sizes if name in wanted)
            each = moved // max(len(layers) - 1, 1)
            return WeightCounts(
                head=own,
                moved=moved,
                frozen=info.parameters,
                by_layer=(0, *(each for _ in layers[1:])),
            )
        case "bitfit":
            moved = info.bias_parameters
            return WeightCounts(
                head=own, moved=moved, frozen=info.parameters - moved, by_layer=blank
            )
        case "classical":
            return WeightCounts(head=own, moved=0, frozen=0, by_layer=blank)
        case _:
            by_layer = blank
    moved = sum(by_layer)
    return WeightCounts(head=own, moved=moved, frozen=info.parameters - moved, by_layer=by_layer)


def _of_head(
    pooling: PoolingConfig, head: HeadConfig, width: int, outputs: int, dimension: int
) -> int:
    """Return the weights of a head that is trained by gradient steps, 0 of another."""
    if not head.by_gradient:
        return 0
    weights = 0
    seen = width
    if head.kind == "mlp":
        for _ in range(head.hidden_layers):
            weights += (seen + 1) * head.width
            seen = head.width
    weights += (seen + 1) * outputs
    if pooling.mix == "weighted":
        weights += len(pooling.layers)
    if pooling.tokens == "attention":
        weights += dimension
    return weights
