"""What the import sheet shows and changes: how files are read, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from fineview.core.data.task import LabelKind, Level, Split
from fineview.core.errors import ConfigError

Format = Literal["delimited", "jsonl", "parquet", "conll", "lines", "folder", "xlsx"]
"""`conll`: blank lines between sentences, CoNLL-U included. `lines`: `LABEL text` a line.
`folder`: a folder for each class, a text file for each text."""
Role = Literal["text", "second", "label", "split", "group", "id", "ignore"]
ROLES: tuple[Role, ...] = ("text", "second", "label", "split", "group", "id", "ignore")
ONCE: tuple[Role, ...] = ("text", "second", "label", "split", "group", "id")
"""Roles that one column at most can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSettings:
    """What the user has fixed; None is found out.

    Attributes:
        format: How the files are laid out.
        encoding: A Python codec name.
        delimiter: One character between cells.
        header: Whether the first row names the columns.
        sheet: Sheet of a spreadsheet.
    """

    format: Format | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    sheet: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One file (or, for `folder`, one folder of class folders).

    Attributes:
        path: Where it lies.
        split: What all its rows belong to, by its name (`train.csv`, `dev.conllu`); "" if unknown.
    """

    path: Path
    split: Split | Literal[""] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """How files become a task.

    Attributes:
        files: The files, all of one layout.
        format: How they are laid out.
        encoding: A Python codec name.
        delimiter: One character between cells; "" where there is none.
        quote: The character around cells that hold delimiters; "" where quotes mean nothing.
        header: Whether the first row names the columns.
        sheet: Sheet of a spreadsheet, or "".
        roles: Role of each column, by name, in column order.
        words: Whether a text is a sequence of words with a label each (the `word` level).
        label_kind: Classes or numbers.
        title: Name on screen.
        sample: Keep so many rows (sentences), drawn evenly at random; None keeps all.
        sample_seed: Seed of that draw.
    """

    files: tuple[SourceFile, ...]
    format: Format
    encoding: str = "utf-8"
    delimiter: str = ""
    quote: str = '"'
    header: bool = True
    sheet: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)
    words: bool = False
    label_kind: LabelKind = "class"
    title: str = ""
    sample: int | None = None
    sample_seed: int = 0

    @property
    def level(self) -> Level:
        """Return what one label belongs to."""
        if self.words:
            return "word"
        return "pair" if self.column("second") else "sentence"

    def column(self, role: Role) -> str:
        """Return the column of a role, or ""."""
        return next((name for name, its in self.roles.items() if its == role), "")

    def with_role(self, name: str, role: Role) -> "ImportPlan":
        """Return the plan with a column's role changed; the column that had it is ignored.

        Raises:
            ConfigError: There is no such column; the message names those there are.
        """
        if name not in self.roles:
            names = ", ".join(repr(one) for one in list(self.roles)[:20])
            raise ConfigError(f"There is no column {name!r}: choose one of {names}.", role)
        roles = {
            other: "ignore" if its == role and role in ONCE else its
            for other, its in self.roles.items()
        }
        return replace(self, roles={**roles, name: role})

    def check(self, labelled: bool = True) -> None:
        """Refuse a plan that no reading could follow.

        Args:
            labelled: Whether labels are needed; not so where a trained head is to give them.

        Raises:
            ConfigError: With the field `text`, `label` or `sample`.
        """
        if not self.column("text"):
            raise ConfigError("Choose the column that holds the text.", "text")
        if labelled and not self.column("label"):
            raise ConfigError("Choose the column that holds the label.", "label")
        if self.sample is not None and self.sample < 5:
            raise ConfigError(
                f"A sample of {self.sample} is too small: a task needs 5 texts.", "sample"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What the beginning of the files shows.

    Attributes:
        plan: Everything found out or guessed.
        rows: Up to 200 rows as cells, in column order; word level: a row a word, sentences apart
            by an empty row.
        lines: Line in its file of each row, from 1; 0 where there are no lines.
        reasons: Sentences on what was guessed and why, and what deserves a second look.
        bytes: Size of all files.
        sheets: Sheets of a spreadsheet that can be chosen.
    """

    plan: ImportPlan
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    reasons: tuple[str, ...]
    bytes: int
    sheets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A row that was left out: file name, line from 1 (0: none), one reason."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What reading all rows gave. The rows themselves are in `folder`/rows.parquet.

    Attributes:
        plan: How they were read.
        folder: Where they were written.
        rows: Rows (word level: sentences) of the files.
        kept: Rows (sentences) that were kept.
        items: Labels that were kept: rows, or words.
        classes: Class names in index order, numbers by value and others by alphabet; empty for
            numbers.
        counts: Items of each class.
        given: Rows of each split that the files name; empty where they name none.
        dropped: The first thousand rows that were left out.
        reasons: (reason, number of rows) of all that were left out.
        notes: Sentences that belong to the task from now on.
        seconds: How long it took.
    """

    plan: ImportPlan
    folder: Path
    rows: int
    kept: int
    items: int
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    given: Mapping[str, int]
    dropped: tuple[Dropped, ...]
    reasons: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]
    seconds: float
