"""The blocks of a loaded encoder, whatever its architecture calls them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

SHARED = "albert_layer_groups"
"""One block that is used again and again."""


def blocks_of(model: "nn.Module", layers: int) -> "nn.ModuleList | None":
    """Return the modules of blocks 1 … L in order; one module for all where they are shared.

    Args:
        model: A bare encoder.
        layers: L.
    """
    from torch import nn

    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and (len(module) == layers or name.endswith(SHARED)):
            return module
    return None


def named_groups(
    model: "nn.Module", layers: int
) -> Iterator[tuple[str, list[tuple[str, "nn.Parameter"]]]]:
    """Yield the encoder's weights by layer: `embeddings`, then `block 1` … `block L`.

    What lies outside the blocks counts as embeddings; blocks that are shared are one group.

    Args:
        model: A bare encoder.
        layers: L.

    Yields:
        Name of the group, and its parameters with their names in the model.
    """
    blocks = blocks_of(model, layers)
    inside = [] if blocks is None else list(blocks)
    owner = {id(p): at for at, block in enumerate(inside) for p in block.parameters()}
    parts: list[list[tuple[str, nn.Parameter]]] = [[] for _ in range(len(inside) + 1)]
    for name, parameter in model.named_parameters():
        parts[owner.get(id(parameter), -1) + 1].append((name, parameter))
    yield "embeddings", parts[0]
    for at, part in enumerate(parts[1:], start=1):
        yield f"block {at}" if len(inside) == layers else "all blocks", part
