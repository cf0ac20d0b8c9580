"""Bundled tables and prompts, as `resources/prompts.toml` lists them."""

import tomllib
from dataclasses import dataclass
from functools import cache as once
from typing import Any

from fineview.core.errors import ConfigError
from fineview.core.prompting.choices import AnswerConfig, PromptConfig
from fineview.resources import resource


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that a prompt can be held against.

    Attributes:
        name: Name in sessions: `table:NAME`.
        title: Name on screen.
        columns: Names of the columns; the last one is `label`.
        rows: (N, columns) cells.
        classes: The C labels of a classification, in order; empty where every row has an answer of
            its own.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    classes: tuple[str, ...] = ()

    @property
    def is_classes(self) -> bool:
        """Return whether the labels are a few classes, not free answers."""
        return bool(self.classes)


@dataclass(frozen=True, slots=True)
class Preset:
    """A prompt to start from.

    Attributes:
        name: Its name.
        title: Name on screen.
        says: One sentence on what it shows.
        prompt: The prompt.
        answer: How its answer is read.
        table: Name of the table that it can be held against, or "".
    """

    name: str
    title: str
    says: str
    prompt: PromptConfig
    answer: AnswerConfig
    table: str


def tables() -> tuple[Table, ...]:
    """Return the bundled tables, in the file's order."""
    return _read()[0]


def presets() -> tuple[Preset, ...]:
    """Return the bundled prompts, in the file's order."""
    return _read()[1]


def table(name: str) -> Table:
    """Return the table of a name.

    Raises:
        ConfigError: There is no such table.
    """
    known = {one.name: one for one in tables()}
    if name not in known:
        raise ConfigError(
            f"There is no table {name!r}: choose one of {', '.join(known)}.", "source"
        )
    return known[name]


@once
def _read() -> tuple[tuple[Table, ...], tuple[Preset, ...]]:
    values = tomllib.loads(resource("prompts.toml").read_text(encoding="utf-8"))
    known = {value["name"]: _table(value) for value in values["table"]}
    return tuple(known.values()), tuple(_preset(value, known) for value in values["preset"])


def _table(value: dict[str, Any]) -> Table:
    lines = value["rows"].strip().splitlines()
    return Table(
        name=value["name"],
        title=value["title"],
        columns=tuple(value["columns"]),
        rows=tuple(tuple(cell.strip() for cell in line.split("|")) for line in lines),
        classes=tuple(value.get("classes", ())),
    )


def _preset(value: dict[str, Any], known: dict[str, Table]) -> Preset:
    columns = known[value["table"]].columns if value["table"] else ("input", "label")
    return Preset(
        name=value["name"],
        title=value["title"],
        says=value["says"],
        prompt=PromptConfig(
            instruction=value.get("instruction", ""),
            example=value["example"],
            separator=value["separator"],
            columns=columns,
            shots=tuple(tuple(row) for row in value["shots"]),
            query=tuple(value["query"]),
        ),
        answer=AnswerConfig(
            reading=value.get("reading", "generate"), max_tokens=value.get("max_tokens", 12)
        ),
        table=value["table"],
    )
