"""Makes the model that a spec asks for, new or from what a run has stored."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import Level
from fineview.core.features.config import PoolingConfig
from fineview.core.models.encoder import Encoder
from fineview.core.training.config import HeadConfig
from fineview.core.training.heads import AttentionHead, LinearHead, head_of
from fineview.core.training.strategy import StrategyConfig
from fineview.core.training.tuning.freezing import freeze
from fineview.core.training.tuning.model import TunedModel


def build_model(
    source: Encoder,
    strategy: StrategyConfig,
    pooling: PoolingConfig,
    head: LinearHead,
    level: Level,
) -> TunedModel:
    """Copy an encoder, put pooling and head on it, and freeze what the strategy leaves alone.

    Args:
        source: Pretrained, or with random weights; it is not changed.
        strategy: What moves.
        pooling: As in a spec.
        head: New or trained; it becomes part of the model.
        level: Level of the task.

    Raises:
        ConfigError: The strategy or the pooling does not fit the encoder.
    """
    encoder = copy.deepcopy(source.model)
    encoder.eval()
    head.to(source.device)
    if strategy.kind == "linearised":
        from fineview.core.training.tuning.linearised import LinearisedModel

        return LinearisedModel(source, encoder, head, pooling, level)
    model = TunedModel(source, encoder, head, pooling, level)
    freeze(model, strategy)
    return model


def new_head(
    pooling: PoolingConfig, width: int, depth: int, outputs: int, config: HeadConfig, seed: int
) -> LinearHead:
    """Return an untrained head for an encoder in training.

    Args:
        pooling: As in a spec.
        width: D of the encoder.
        depth: L.
        outputs: C, or 1 for numbers.
        config: `linear` or `mlp`.
        seed: Draws the first weights of hidden layers.
    """
    kind = AttentionHead if pooling.tokens == "attention" else LinearHead
    layers = len(pooling.resolved(depth).layers) if pooling.mix == "weighted" else 0
    return kind.blank(pooling.width(width), outputs, config, seed=seed, layers=layers)


def stored_model(
    source: Encoder,
    strategy: StrategyConfig,
    pooling: PoolingConfig,
    level: Level,
    head: Mapping[str, NDArray[Any]],
    weights: Mapping[str, NDArray[np.float32]],
) -> TunedModel:
    """Build the model that a run has left.

    Args:
        source: The encoder that the run began with.
        strategy: The run's.
        pooling: The run's.
        level: Level of its task.
        head: Its artefact `head`.
        weights: Its artefact `encoder`.

    Raises:
        RunError: The arrays do not fit the encoder.
    """
    model = build_model(source, strategy, pooling, head_of(head), level)
    model.load_weights(weights)
    model.eval()
    return model
