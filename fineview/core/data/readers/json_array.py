"""A JSON array of objects, piece by piece: it may be as large as the disk."""

import json
from collections.abc import Iterator

from fineview.core.data.readers.json_values import (
    BLANK,
    DECODER,
    LENIENT,
    BadJson,
    Item,
    broken,
)
from fineview.core.data.readers.rows import LIMIT, Source

_SKIPPED = BLANK + ","


def in_array(chunks: Iterator[str], source: Source, cut: bool = False) -> Iterator[Item]:
    """Yield the objects of an array.

    Args:
        chunks: The text in pieces of any size.
        source: Where it comes from.
        cut: Whether the text is only the beginning, so that its end means nothing.

    Raises:
        ImportProblem: The array is broken or not closed. Unlike a broken line, that leaves
            nothing to go on with.
    """
    buffer, place, line = "", 0, 1
    opened = False
    while True:
        while place < len(buffer) and buffer[place] in _SKIPPED:
            line += buffer[place] == "\n"
            place += 1
        if place == len(buffer):
            buffer, place = next(chunks, ""), 0
            if not buffer:
                if cut:
                    return
                raise source.problem(
                    "the array is not closed with ]",
                    "get the whole file again, or write one object a line",
                    line,
                )
            continue
        if not opened:
            opened, place = True, place + 1  # its [
            continue
        if buffer[place] == "]":
            return
        try:
            item, end = _value(buffer, place, line)
        except json.JSONDecodeError as error:
            # Perhaps only its end is missing. Twice as much each time keeps the work linear.
            more = _more(chunks, len(buffer) - place)
            if not more and cut:
                return
            if not more or len(buffer) - place > LIMIT:
                raise source.problem(
                    f"the array is broken ({error.msg.lower()})",
                    "mend that value, or write one object a line",
                    line + buffer.count("\n", place, min(error.pos, len(buffer))),
                ) from None
            buffer, place = buffer[place:] + more, 0
            continue
        except RecursionError:
            raise source.problem(
                "the JSON is nested too deeply", "write one flat object for each text", line
            ) from None
        yield item
        line += buffer.count("\n", place, end)
        place = end


def _value(buffer: str, place: int, line: int) -> tuple[Item, int]:
    try:
        value, end = DECODER.raw_decode(buffer, place)
    except json.JSONDecodeError:
        raise
    except (BadJson, ValueError) as error:
        _, end = LENIENT.raw_decode(buffer, place)
        return (line, {}, broken(error)), end
    if isinstance(value, dict):
        return (line, value, ""), end
    return (line, {}, "the value is not a JSON object"), end


def _more(chunks: Iterator[str], wanted: int) -> str:
    parts: list[str] = []
    size = 0
    while size <= wanted and (part := next(chunks, "")):
        parts.append(part)
        size += len(part)
    return "".join(parts)
