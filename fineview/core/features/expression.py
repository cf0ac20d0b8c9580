"""Layers as a person types them: `-4..-1`, `1-3, 6`, `N-1`, `last 4`, `all`."""

import re

from fineview.core.errors import ConfigError

_ATOM = r"(?:[nl](?:-\d+)?|-?\d+)"
_ONE = re.compile(rf"({_ATOM})")
_RANGE = re.compile(rf"({_ATOM})\.\.({_ATOM})")
_PLAIN_RANGE = re.compile(r"(\d+)-(\d+)")
_COUNT = re.compile(r"(first|last)(\d+|[nl]-\d+)")
_SAME = str.maketrans({"−": "-", "–": "-", "…": "..", "‥": "..", ";": ","})
_LONGEST = 200
_REMEDY = "Type for instance 6, 1-3, -4..-1, N-1, last 4 or all."


def parse_layers(text: str, depth: int) -> tuple[int, ...]:
    """Return the layers that an expression names.

    Numbers count from 0 (the embeddings); negative ones from the top, -1 being block L; `N` and `L`
    are the number of blocks, so that `N-1` is the lecture's layer N−1; `..` (or `-` between plain
    numbers) is a range with both ends; `last k`, `first k` and `all` are blocks; `embeddings` is
    layer 0; commas join. Capitals and spaces do not matter.

    Args:
        text: The expression.
        depth: L, the number of blocks of the encoder.

    Returns:
        Layers within 0 … L, ascending, each once.

    Raises:
        ConfigError: The expression does not parse, or names a layer the encoder lacks.
    """
    if len(text) > _LONGEST:
        raise ConfigError(f"Layers of {len(text)} characters are too long. {_REMEDY}", "layers")
    found: set[int] = set()
    for part in re.sub(r"\s+", "", text.translate(_SAME).lower()).split(","):
        if part:
            found |= _layers_of(part, depth)
    if not found:
        raise ConfigError(f"No layer is named. {_REMEDY}", "layers")
    return tuple(sorted(found))


def _layers_of(part: str, depth: int) -> set[int]:
    if part == "all":
        return set(range(1, depth + 1))
    if part == "embeddings":
        return {0}
    if match := _COUNT.fullmatch(part):
        count = _number(match[2], depth, part)
        if not 1 <= count <= depth:
            raise ConfigError(
                f"“{part}” takes {count} blocks, but this encoder has {depth}.", "layers"
            )
        blocks = range(1, depth + 1)
        return set(blocks[:count] if match[1] == "first" else blocks[-count:])
    if match := _RANGE.fullmatch(part) or _PLAIN_RANGE.fullmatch(part):
        low, high = (_layer(end, depth, part) for end in match.groups())
        if low > high:
            raise ConfigError(f"“{part}” runs downwards: name the lower layer first.", "layers")
        return set(range(low, high + 1))
    if match := _ONE.fullmatch(part):
        return {_layer(part, depth, part)}
    raise ConfigError(f"“{part}” is not a layer. {_REMEDY}", "layers")


def _layer(atom: str, depth: int, part: str) -> int:
    number = _number(atom, depth, part)
    layer = number + depth + 1 if number < 0 and atom[0] == "-" else number
    if not 0 <= layer <= depth:
        raise ConfigError(
            f"“{part}” names layer {number}, but this encoder has layers 0 … {depth}.", "layers"
        )
    return layer


def _number(atom: str, depth: int, part: str) -> int:
    if atom[0] in "nl":
        return depth + int(atom[1:] or 0)
    if len(atom) > 6:
        raise ConfigError(
            f"“{part}” names a layer far beyond 0 … {depth} of this encoder.", "layers"
        )
    return int(atom)
