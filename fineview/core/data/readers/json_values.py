"""Strict JSON, and the cells that its values become."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fineview.core.data.readers.rows import Row, Sentence, brief

Item = tuple[int, dict[str, Any], str]
"""(line, object, what is wrong or "")."""
BLANK = " \t\r\n\ufeff"


class BadJson(Exception):
    """A JSON value breaks a rule; the message says which."""


def _constant(name: str) -> object:
    raise BadJson(f"{name} is not a JSON number")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise BadJson(f"the key {twice[:40]!r} stands twice")
    return found


DECODER = json.JSONDecoder(parse_constant=_constant, object_pairs_hook=_pairs)
LENIENT = json.JSONDecoder(parse_int=str)
"""Finds the end of a value that breaks a rule."""


def broken(error: Exception) -> str:
    """Return what is wrong with a line, from the error that parsing it raised."""
    if isinstance(error, BadJson):
        return str(error)
    if isinstance(error, json.JSONDecodeError):
        return f"broken JSON ({error.msg.lower()})"
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    return "the JSON holds a number with too many digits"


PARSING = (BadJson, ValueError, RecursionError)
"""What parsing a line may raise."""


def cell_of(value: object) -> str:
    """Return a JSON value as a cell: text as it is, null as nothing, the rest as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int | float):
        return repr(value)
    try:
        return json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError):
        return "{…}"


def is_words(value: object) -> bool:
    """Return whether a value can be the words of a sentence, or their labels."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, str | int | float) for item in value)
    )


_NESTED = 4
_INNER = 30
"""Keys within one value that become columns; more are a table of their own, not named values."""


def value_at(item: Mapping[str, Any], name: str) -> object:
    """Return the value of a key; `a.b` is also the key b of the object at a."""
    if name in item or "." not in name:
        return item.get(name)
    first, _, rest = name.partition(".")
    while True:
        inner = item.get(first)
        if isinstance(inner, dict):
            return value_at(inner, rest)
        more, _, rest = rest.partition(".")
        if not rest:
            return None
        first = f"{first}.{more}"


def keys_of(items: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names of all values in order; those of an inner object are `outer.inner`."""
    return tuple(_keys(items, _NESTED))


def _keys(items: Sequence[Mapping[str, Any]], depth: int) -> dict[str, None]:
    found: dict[str, None] = {}
    values_of: dict[str, list[Any]] = {}
    for item in items:
        for name, value in item.items():
            values_of.setdefault(name, []).append(value)
    for name, every in values_of.items():
        values = [value for value in every if value is not None]
        inner: dict[str, None] = {}
        if depth and values and all(isinstance(value, dict) for value in values):
            inner = _keys(values, depth - 1)
        if 0 < len(inner) <= _INNER:
            found.update(dict.fromkeys(f"{name}.{key}" for key in inner))
        else:
            found[name] = None
    return found


def row_of(line: int, item: Mapping[str, Any], columns: Sequence[str], flat: Sequence[str]) -> Row:
    """Return an object as a row.

    Args:
        line: Where it begins.
        item: The object.
        columns: Keys in column order.
        flat: Those whose value must not be a list or an object.
    """
    cells = [cell_of(value_at(item, name)) for name in columns]
    for name in flat:
        if isinstance(value_at(item, name), list | dict):
            return line, cells, f"{brief(name)!r} holds a list or an object, not a text"
    return line, cells, ""


def sentence_of(
    line: int, item: Mapping[str, Any], columns: Sequence[str], text: str, label: str
) -> Sentence:
    """Return an object as a sentence: a row a word; what is not a list repeats.

    Args:
        line: Where it begins.
        item: The object.
        columns: Keys in column order.
        text: Key of the words.
        label: Key of their labels, or "".
    """
    words = item.get(text)
    if not isinstance(words, list):
        return (line,), [], f"{brief(text)!r} is not a list of words"
    count = len(words)
    lines = [line] * max(count, 1)
    made: list[list[str]] = []
    for name in columns:
        value = value_at(item, name)
        if isinstance(value, list) and len(value) == count:
            made.append([cell_of(one) for one in value])
        elif label and name == label:
            got = len(value) if isinstance(value, list) else 0
            return (
                lines,
                [[cell_of(word) if key == text else "" for key in columns] for word in words],
                f"there are {count:,} words but {got:,} labels",
            )
        else:
            made.append([cell_of(value)] * count)
    return lines, list(zip(*made, strict=True)), ""
