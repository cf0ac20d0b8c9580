"""From the hidden states of all layers to what a head sees: a matter of milliseconds."""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import Level
from fineview.core.errors import ConfigError
from fineview.core.features.config import PoolingConfig, token_poolings
from fineview.core.features.hidden import HiddenStates


def pool(
    hidden: HiddenStates | NDArray[Any], pooling: PoolingConfig, level: Level = "sentence"
) -> NDArray[np.float32]:
    """Choose a token pooling and mix layers; only what is needed is read from disk.

    Args:
        hidden: Hidden states, or an array (M, L+1, 3, D) of them.
        pooling: What to take.
        level: What the rows of an array are; hidden states know it themselves.

    Returns:
        (M, D') float32: D' = D, or D times the number of layers for `concat` (ascending, last block
        last). For `weighted` (M, k, D): the k layers unmixed, since their weights are learned with
        the head.

    Raises:
        ConfigError: The encoder has no such layer, or the level no such token pooling.

    Source:
        Devlin et al. 2019, arXiv:1810.04805, section 5.3.
    """
    if isinstance(hidden, HiddenStates):
        states, level = cast("NDArray[Any]", hidden.states), hidden.level
    else:
        states = hidden
    choice = pooling.resolved(states.shape[1] - 1)
    kinds = token_poolings(level)
    if choice.tokens not in kinds:
        raise ConfigError(
            f"Token pooling {choice.tokens!r} is not for {level} tasks: choose one of "
            f"{', '.join(kinds)}.",
            "tokens",
        )
    chosen = states[:, :, kinds.index(choice.tokens)]  # (M, L+1, D), still on disk
    layers = choice.layers
    if choice.mix in ("concat", "weighted"):
        stacked = np.empty((len(states), len(layers), states.shape[3]), dtype=np.float32)
        for place, layer in enumerate(layers):
            stacked[:, place] = chosen[:, layer]
        return stacked if choice.mix == "weighted" else stacked.reshape(len(states), -1)
    mixed = chosen[:, layers[0]].astype(np.float32)
    for layer in layers[1:]:
        mixed += chosen[:, layer]
    if choice.mix == "mean" and len(layers) > 1:
        mixed *= np.float32(1 / len(layers))
    return mixed
