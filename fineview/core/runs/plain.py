"""Strict JSON: what is stored can be read by any other program."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

JSON = None | bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"]


def dump_json(value: object, *, indent: int | None = None) -> bytes:
    """Return `value` as ASCII JSON, so that even half a surrogate pair in a text is kept.

    Args:
        value: JSON values and numpy scalars. NaN and infinities become null, since JSON has no
            word for them.
        indent: Spaces a level; None gives one line.
    """
    separators = (",", ":") if indent is None else (",", ": ")
    try:
        text = json.dumps(value, allow_nan=False, separators=separators, indent=indent)
    except (ValueError, TypeError):  # rare, so the walk over all values is made only then
        text = json.dumps(_finite(value), allow_nan=False, separators=separators, indent=indent)
    return text.encode("ascii")


def _finite(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def load_json(data: bytes) -> Any:  # noqa: ANN401 - JSON
    """Return the value that `data` spells.

    Raises:
        ValueError: It is no strict JSON, or nested too deep.
    """
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None


def load_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object that `data` spells.

    Raises:
        ValueError: It is no strict JSON, or something else than an object.
    """
    value = load_json(data)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
