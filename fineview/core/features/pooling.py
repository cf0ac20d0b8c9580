"""From the hidden states of all layers to what a head sees: a matter of milliseconds."""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import Level
from fineview.core.errors import ConfigError
from fineview.core.features.config import PoolingConfig, token_poolings
from fineview.core.features.hidden import HiddenStates


def pool(
    hidden: HiddenStates | NDArray[Any],
    pooling: PoolingConfig,
    level: Level = "sentence",
    second: NDArray[Any] | None = None,
) -> NDArray[np.float32]:
    """Choose a token pooling and mix layers; only what is needed is read from disk.

    Args:
        hidden: Hidden states, or an array (M, L+1, 3, D) of them.
        pooling: What to take.
        level: What the rows of an array are; hidden states know it themselves.
        second: Pairs read apart: (M, L+1, 3, D) of the second texts; hidden states hold it
            themselves.

    Returns:
        (M, D') float32: D' = D, or D times the number of layers for `concat` (ascending, last block
        last); four times that for pairs read apart. For `weighted` (M, k, D): the k layers unmixed,
        since their weights are learned with the head.

    Raises:
        ConfigError: The encoder has no such layer, or the level no such token pooling.

    Source:
        Devlin et al. 2019, arXiv:1810.04805, section 5.3.
    """
    if isinstance(hidden, HiddenStates):
        states, level = cast("NDArray[Any]", hidden.states), hidden.level
        second = cast("NDArray[Any] | None", hidden.second)
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
    kind = kinds.index(choice.tokens)
    mixed = _mix(states[:, :, kind], choice)  # (M, L+1, D), still on disk
    if second is None:
        return mixed
    return join(mixed, _mix(second[:, :, kind], choice))


def join(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Put the features of two texts together, as [u, v, |u-v|, u·v].

    Args:
        first: u, (M, D') or, layers unmixed, (M, k, D).
        second: v, the same shape.

    Returns:
        The last axis four times as long.

    Source:
        Conneau et al. 2017, arXiv:1705.02364, section 3.1 (the same four parts, in this order).
    """
    return np.concatenate((first, second, np.abs(first - second), first * second), axis=-1)


def _mix(chosen: NDArray[Any], choice: PoolingConfig) -> NDArray[np.float32]:
    layers = choice.layers
    if choice.mix in ("concat", "weighted"):
        stacked = np.empty((len(chosen), len(layers), chosen.shape[2]), dtype=np.float32)
        for place, layer in enumerate(layers):
            stacked[:, place] = chosen[:, layer]
        return stacked if choice.mix == "weighted" else stacked.reshape(len(chosen), -1)
    mixed = chosen[:, layers[0]].astype(np.float32)
    for layer in layers[1:]:
        mixed += chosen[:, layer]
    if choice.mix == "mean" and len(layers) > 1:
        mixed *= np.float32(1 / len(layers))
    return mixed
