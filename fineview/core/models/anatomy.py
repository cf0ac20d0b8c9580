"""What a checkpoint is made of, by the names of its tensors: blocks, the rest, removed heads."""

import re
from collections.abc import Mapping
from typing import Any

from fineview.core.errors import ModelError
from fineview.core.models.vetting import ModelFolder, TensorHeader

# Position ids of these start behind the padding id, so that as many places are never used.
OFFSET_POSITIONS = {
    "camembert",
    "data2vec-text",
    "longformer",
    "mpnet",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
}
UNLIMITED = 8192
"""Most tokens where neither positions nor tokenizer set a limit: what a run spec allows."""

_BLOCK = re.compile(r"(?:^|\.)(?:layer|layers|h|block|blocks)\.(\d+)\.")
_SHARED = re.compile(r"(?:^|\.)albert_layer_groups\.\d+\.")  # one block, used again and again
_EMBEDDING = re.compile(r"(?:^|\.)(?:embed(?!ding_hidden)|word_embed|wte|tok_embed)")
_HEAD = re.compile(
    r"(?:pooler|cls|lm_head|classifier|score|qa_outputs|vocab_\w+|discriminator_predictions"
    r"|generator_\w+|predictions|sop_classifier|head|decoder)(?:\.|$)"
)


def number(config: Mapping[str, Any], *names: str) -> int:
    """Return the first of these settings that is there; architectures name them differently.

    Raises:
        ModelError: None is there, or it is not a whole number above 0.
    """
    for name in names:
        value = config.get(name)
        if value is not None:
            if type(value) is int and value > 0:
                return value
            raise ModelError(
                f"The model's config.json has {name} = {value!r}, which is not a whole number "
                f"above 0: get the model again."
            )
    raise ModelError(
        f"The model's config.json names none of {', '.join(names)}: choose a BERT-like encoder."
    )


def position_limit(config: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> int:
    """Return the most tokens of one text that positions and tokenizer allow.

    Args:
        config: config.json.
        tokenizer: tokenizer_config.json, or empty.
    """
    limit = UNLIMITED
    places = config.get("max_position_embeddings") or config.get("n_positions")
    if type(places) is int and places > 0:
        padding = config.get("pad_token_id", 1)  # what all of these take where it is not said
        offset = config.get("model_type") in OFFSET_POSITIONS and type(padding) is int
        limit = min(limit, places - (padding + 1 if offset and padding is not None else 0))
    said = tokenizer.get("model_max_length")
    if type(said) is int and said > 0:  # transformers writes 1e30 for "no limit"
        limit = min(limit, said)
    return limit


def removed_weights(tensors: Mapping[str, TensorHeader], layers: int) -> tuple[str, ...]:
    """Return the weights that the bare encoder without pooling layer does not take, by name.

    A checkpoint of a model with a head keeps the encoder under a prefix ("bert."); what is outside
    belongs to the head. A bare one has no prefix; only known heads are told apart.
    """
    prefix = _prefix(tensors)
    removed = []
    for name, tensor in tensors.items():
        if not tensor.is_weight:
            continue
        inside = name.startswith(prefix)
        block = _BLOCK.search(name)
        surplus = block is not None and int(block[1]) >= layers  # the config uses fewer blocks
        if not inside or surplus or _HEAD.match(name[len(prefix) :]):
            removed.append(name)
    return tuple(sorted(removed))


def _prefix(tensors: Mapping[str, TensorHeader]) -> str:
    for name in tensors:
        first, dot, rest = name.partition(".")
        if dot and (_BLOCK.search(f".{rest}") or _SHARED.search(f".{rest}")):
            prefix = f"{first}."
            # "transformer.layer.0" is a part of DistilBERT but "distilbert." holds all of it.
            if any(n.startswith(prefix) and _EMBEDDING.search(n[len(first) :]) for n in tensors):
                return prefix
            return ""
    return ""


def layer_parameters(folder: ModelFolder, removed: tuple[str, ...], layers: int) -> tuple[int, ...]:
    """Return L+1 counts of weights: outside the blocks, then each block."""
    counts = [0] * (layers + 1)
    gone = set(removed)
    for name, tensor in folder.tensors.items():
        if name in gone or not tensor.is_weight:
            continue
        block = _BLOCK.search(name)
        counts[int(block[1]) + 1 if block else 0] += tensor.size
    return tuple(counts)


def bias_parameters(folder: ModelFolder, removed: tuple[str, ...]) -> int:
    """Return the number of biases; the first BERT called those of normalisations beta."""
    gone = set(removed)
    return sum(
        tensor.size
        for name, tensor in folder.tensors.items()
        if name not in gone and tensor.is_weight and name.endswith((".bias", ".beta"))
    )


def linear_sizes(folder: ModelFolder, removed: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """Return (name, Σ (inputs + outputs)) of the matrices inside the blocks, by their last name."""
    gone, found = set(removed), dict[str, int]()
    for name, tensor in folder.tensors.items():
        inside = _BLOCK.search(name) or _SHARED.search(name)
        if inside and name not in gone and name.endswith(".weight") and len(tensor.shape) == 2:
            module = name.split(".")[-2]
            found[module] = found.get(module, 0) + sum(tensor.shape)
    return tuple(sorted(found.items()))
