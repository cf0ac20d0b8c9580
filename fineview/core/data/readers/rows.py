"""What every reader gives, and the words it uses for what is wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fineview.core.data.plan import Format, ImportPlan, ReadSettings, Role
from fineview.core.errors import ImportProblem
from fineview.core.progress import Report

Row = tuple[int, Sequence[str], str]
"""(line from 1 or 0, cells in column order, what is wrong or ""). A plain tuple: a million of them
are made in seconds. A wrong row's cells are what could be read of them."""
Sentence = tuple[Sequence[int], Sequence[Sequence[str]], str]
"""(line of each word, cells of each word, what is wrong or ""). A wrong one may lack words or
cells, but has a line."""

LIMIT = 10_000_000
"""Characters of the longest cell, line or JSON value that is read."""
MAX_COLUMNS = 10_000
SHOWN = 200
"""Rows that an inspection shows."""
GUESSED_FROM = 2_000
"""Rows that roles are guessed from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file to read and who watches.

    Attributes:
        path: The file; for class folders, the folder that holds them.
        report: Asked while reading.
        done: Bytes of the files before this one.
        total: Bytes of all files.
        every: Whether the cells of ignored columns are wanted; else they may be empty.
    """

    path: Path
    report: Report
    done: int = 0
    total: int = 0
    every: bool = True

    @property
    def name(self) -> str:
        """Return the name without folders."""
        return self.path.name

    def problem(self, what: str, remedy: str, line: int = 0, column: str = "") -> ImportProblem:
        """Return an error that belongs to this file."""
        return ImportProblem(what, remedy, file=self.name, line=line, column=brief(column))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the beginning of one file shows.

    Attributes:
        columns: Their names.
        rows: Up to 2,000 rows; empty at the word level.
        sentences: Up to 200 sentences; empty but at the word level.
        words: Whether a text is a sequence of words.
        text: Word level: column of the words.
        label: Word level: column of their labels, or "".
        encoding: A Python codec name.
        plain: Whether the beginning is ASCII, so that most other encodings would do as well.
        delimiter: One character, or "".
        quote: The character around cells, or "" if there is none.
        header: Whether the first row names the columns.
        sheet: Sheet of a spreadsheet that was looked at.
        sheets: All its sheets.
        reasons: Sentences on what was guessed.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    words: bool = False
    text: str = ""
    label: str = ""
    encoding: str = "utf-8"
    plain: bool = True
    delimiter: str = ""
    quote: str = ""
    header: bool = True
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    reasons: tuple[str, ...] = field(default=())


class Reader(Protocol):
    """Reads one layout of files."""

    def look(self, source: Source, settings: ReadSettings, /) -> Look:
        """Guess how a file is laid out from its beginning."""

    def rows(self, source: Source, plan: ImportPlan) -> Iterator[Row]:
        """Yield every row, broken ones included; cells stand in the order of `plan.roles`."""

    def sentences(self, source: Source, plan: ImportPlan) -> Iterator[Sentence]:
        """Yield every sentence of a file whose texts are sequences of words."""


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return column names that differ: a second `x` becomes `x (2)`, an empty one `column 3`."""
    found: dict[str, None] = {}
    for number, raw in enumerate(names, 1):
        name = raw.strip() or f"column {number}"
        candidate, again = name, 1
        while candidate in found:
            again += 1
            candidate = f"{name} ({again})"
        found[candidate] = None
    return tuple(found)


def brief(name: str) -> str:
    """Return a column's name as a sentence can hold it: damaged files have names of kilobytes."""
    return name if len(name) <= 40 else f"{name[:39]}…"


def listed(names: Sequence[str]) -> str:
    """Return some columns for a sentence."""
    shown = ", ".join(repr(brief(name)) for name in names[:6])
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6:,} more"


def filled(cells: Sequence[str], columns: int) -> tuple[str, ...]:
    """Return as many cells as there are columns: cut, or filled up with ""."""
    return (*cells[:columns], *([""] * (columns - len(cells))))


def single_columns(plan: ImportPlan) -> tuple[str, ...]:
    """Return the columns whose cells must be one value, not a list."""
    asked: tuple[Role, ...] = ("text", "second", "label")
    return tuple(name for role in asked if (name := plan.column(role)))


def header_only(source: Source) -> ImportProblem:
    """Return the error for a table without rows."""
    return source.problem("there are no rows but the header", "choose a file with texts and labels")


def ragged(cells: int, columns: int) -> str:
    """Return what is wrong with a row of the wrong length."""
    return f"the row has {cells:,} cells where {columns:,} are expected"


def too_many_columns(source: Source, columns: int, line: int = 1) -> ImportProblem:
    """Return the error for a table that is not one of texts."""
    return source.problem(
        f"the table has {columns:,} columns, and {MAX_COLUMNS:,} are the most that are read",
        "choose another delimiter, or keep only the columns of text and label",
        line,
    )


def no_words(source: Source, layout: Format) -> ImportProblem:
    """Return the error for a word plan over a layout that knows none."""
    return source.problem(
        f"the layout {layout} has one label for a text, not one for each word",
        "choose CoNLL, JSONL or Parquet for word labels",
    )
