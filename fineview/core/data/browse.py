"""Finding and ordering items of a task: what the task's table shows."""

import csv
import io
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.items import Column, TaskItems, distinct
from fineview.core.data.task import SPLITS, Split
from fineview.core.errors import ConfigError
from fineview.core.files import atomic_stream, spreadsheet_cell
from fineview.core.progress import SILENT, Report

_ROWS_A_CHECK = 256
_PREFIX = 32
"""Bytes by which texts are ordered at first, without the interpreter; ties are settled after."""
_SECONDS_A_TEXT = 0.5
_PIECE = 1 << 20
"""Characters that are written at once."""

Items = NDArray[np.int64]
Match = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemQuery:
    """Which items are wanted, and in which order.

    Attributes:
        text: Must occur in a text, whatever its case; "" for no condition. Word level: in the word,
            or, where it holds white space, in the sentence.
        regex: Whether `text` is a regular expression.
        split: Must stand in this split, "" for any.
        label: Must have this class index, None for any.
        sort: What they are ordered by; equal ones stay in the task's order.
        descending: Whether the order is turned round.
    """

    text: str = ""
    regex: bool = False
    split: Split | Literal[""] = ""
    label: int | None = None
    sort: Column = "item"
    descending: bool = False


def find(
    items: TaskItems, query: ItemQuery, only: Sequence[Items] = (), report: Report = SILENT
) -> Items:
    """Return the items that a query wants, in its order.

    Args:
        items: The task.
        query: What is wanted.
        only: Sets of items (int64); each result must be in every one of them.
        report: Asked every few hundred texts.

    Raises:
        ConfigError: The regular expression is not valid, or takes too long; with the field `text`.
        JobCancelled: Stop was pressed.
    """
    found = items.every
    if query.split:
        found = found[items.splits[found] == SPLITS.index(query.split)]
    if query.label is not None:
        found = found[items.task.labels[found] == query.label]
    for allowed in only:
        report.check()
        member = np.zeros(len(items.splits), dtype=bool)
        member[allowed] = True
        found = found[member[found]]
    if query.text:
        found = _matching(items, found, query, report)
    report.check()
    return _ordered(items, found, query, report)


def save_items(items: TaskItems, rows: Items, path: Path, report: Report = SILENT) -> None:
    """Write items as CSV, whole or not at all; no cell is a formula to a spreadsheet.

    Args:
        items: The task.
        rows: (R,) the items, in the order of the lines.
        path: The file.
        report: Asked every few hundred rows.

    Raises:
        StoreError: It cannot be written.
        JobCancelled: Stop was pressed; there is no file then.
    """
    with atomic_stream(path) as stream:
        write_items(items, rows, stream, ",", report)


def write_items(
    items: TaskItems, rows: Items, stream: TextIO, separator: str, report: Report = SILENT
) -> None:
    """Write a header and a line an item; see `save_items`."""
    columns = items.columns()
    # Written in large pieces: a thread that lets go of the interpreter for many small writes keeps
    # the window from ever asking for it in time, for a tenth of a second.
    piece = io.StringIO()
    writer = csv.writer(piece, delimiter=separator, lineterminator="\n")
    writer.writerow([title for _, title in columns])
    for start in range(0, len(rows), _ROWS_A_CHECK):
        report.check()
        report.progress(start, len(rows), "Writing")
        for item in rows[start : start + _ROWS_A_CHECK].tolist():
            writer.writerow([spreadsheet_cell(items.cell(item, column)) for column, _ in columns])
        if piece.tell() > _PIECE:
            stream.write(piece.getvalue())
            piece.seek(0)
            piece.truncate()
    stream.write(piece.getvalue())


def _matching(items: TaskItems, found: Items, query: ItemQuery, report: Report) -> Items:
    matches = _matcher(query)
    single_words = items.has_words and not any(c.isspace() for c in query.text)
    units = items.units(found)
    if single_words:
        assert items.starts is not None
        words, places = items.task.words, found - items.starts[units]
        assert words is not None
        hits = _each(
            len(found), lambda i: matches(words[int(units[i])][int(places[i])]), query, report
        )
        return found[hits]
    first = distinct(units)  # the items, and so their texts, are in ascending order here
    asked = units[first]
    texts, second = items.task.texts, items.task.second

    def holds(i: int) -> bool:
        unit = int(asked[i])
        return matches(texts[unit]) or (second is not None and matches(second[unit]))

    keep: NDArray[np.bool_] = _each(len(asked), holds, query, report)[np.cumsum(first) - 1]
    return found[keep]


def _each(
    count: int, test: Callable[[int], bool], query: ItemQuery, report: Report
) -> NDArray[np.bool_]:
    keep = np.zeros(count, dtype=bool)
    try:
        for start in range(0, count, _ROWS_A_CHECK):
            report.check()
            report.progress(start, count, "Searching")
            stop = min(start + _ROWS_A_CHECK, count)
            keep[start:stop] = [test(i) for i in range(start, stop)]
    except TimeoutError:
        raise ConfigError(
            f"The expression {query.text!r} takes too long: make it simpler, for instance without "
            "a repeat inside a repeat.",
            "text",
        ) from None
    return keep


def _matcher(query: ItemQuery) -> Match:
    if not query.regex:
        needle = unicodedata.normalize("NFC", query.text).casefold()
        return lambda text: needle in text.casefold()
    # Unlike `re` it gives up after a while, and lets other threads run meanwhile.
    import regex

    try:
        pattern = regex.compile(query.text, regex.IGNORECASE)
    except (regex.error, OverflowError, RecursionError) as error:
        raise ConfigError(
            f"{query.text!r} is no regular expression: {error}; mend it, or switch regular "
            "expressions off.",
            "text",
        ) from None
    search = pattern.search
    return lambda text: search(text, timeout=_SECONDS_A_TEXT, concurrent=True) is not None


def _ordered(items: TaskItems, found: Items, query: ItemQuery, report: Report) -> Items:
    if query.sort == "item":
        order = np.arange(len(found))
    elif query.sort == "label":
        order = np.argsort(items.task.labels[found], kind="stable")
    elif query.sort == "split":
        order = np.argsort(items.splits[found], kind="stable")
    else:
        order = _by_text(_texts(items, query.sort), found, report)
    return found[order[::-1] if query.descending else order]


def _texts(items: TaskItems, key: Column) -> Callable[[int], str]:
    """Return what gives the text of a column: at word level the word, then its sentence."""
    if key == "text":
        return items.word if items.has_words else items.text
    return items.text if items.has_words else items.second


def _by_text(text: Callable[[int], str], found: Items, report: Report) -> Items:
    keys = np.zeros(len(found), dtype=f"S{_PREFIX}")
    for start in range(0, len(found), _ROWS_A_CHECK):
        report.check()
        report.progress(start, len(found), "Sorting")
        stop = min(start + _ROWS_A_CHECK, len(found))
        keys[start:stop] = [_prefix(text(int(found[i]))) for i in range(start, stop)]
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    # Settle ties beyond the prefix; texts shorter than it are equal already.
    same = np.concatenate([[False], ordered[1:] == ordered[:-1], [False]])
    long = np.char.str_len(ordered) == _PREFIX
    starts = np.flatnonzero(~same[:-1] & same[1:])
    stops = np.flatnonzero(same[:-1] & ~same[1:]) + 1
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        if long[start]:
            report.check()
            run = order[start:stop]
            order[start:stop] = sorted(run, key=lambda i: text(int(found[i])).casefold())
    return order.astype(np.int64)


def _prefix(text: str) -> bytes:
    head = text[:_PREFIX].casefold().encode("utf-8", "surrogatepass")
    # numpy drops NUL bytes at the end, so they must not decide.
    return head[:_PREFIX].replace(b"\0", b"\1")
