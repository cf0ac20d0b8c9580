"""The plan that an inspection proposes, and why."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from fineview.core.data.plan import ImportPlan, Role, SourceFile
from fineview.core.data.readers.conll import DOCUMENT
from fineview.core.data.readers.roles import guess_kind, guess_roles, split_of
from fineview.core.data.readers.rows import SHOWN, Look, Sentence, brief, filled

_DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars", " ": "blanks"}


def with_columns(
    plan: ImportPlan, columns: tuple[str, ...], look: Look
) -> tuple[ImportPlan, tuple[str, ...]]:
    """Return the plan with a role for each column, and what deserves a second look."""
    if plan.format == "lines":
        known: tuple[Role, ...] = ("label", "text") if len(columns) == 2 else (
            "label", "ignore", "text",
        )  # fmt: skip
        plan = replace(plan, roles=dict(zip(columns, known, strict=True)))
        guessed: tuple[str, ...] = ()
    elif plan.format == "folder":
        ids: tuple[Role, ...] = ("text", "label", "id")
        return replace(plan, roles=dict(zip(columns, ids, strict=True))), ()
    else:
        good = [row[1] for row in look.rows if not row[2]]
        roles, guessed = guess_roles(columns, good)
        plan = replace(plan, roles=roles)
    label = plan.column("label")
    if label:
        at = columns.index(label)
        kind = guess_kind(
            [row[1][at] for row in look.rows if len(row[1]) > at], plan.delimiter == ";"
        )
        plan = replace(plan, label_kind=kind)
        if kind == "number":
            guessed += (
                f"The labels in {brief(label)!r} are many numbers: they are read as numbers.",
            )
    return plan, guessed


def left_out(look: Look) -> list[str]:
    """Return a sentence on the rows at the beginning that will be left out, if there are any."""
    wrong = [row for row in look.rows if row[2]]
    if not wrong:
        return []
    line = f"line {wrong[0][0]:,}: " if wrong[0][0] else ""
    first = f"{line}{wrong[0][2]}"
    return [f"{len(wrong):,} of the first {len(look.rows):,} rows will be left out ({first})."]


def with_words(
    plan: ImportPlan, columns: tuple[str, ...], look: Look
) -> tuple[ImportPlan, tuple[str, ...]]:
    """Return the plan for texts that are sequences of words, and what deserves a second look."""
    roles: dict[str, Role] = dict.fromkeys(columns, "ignore")
    for name in columns:
        plain = name.lower()
        cells = [words[0][columns.index(name)] for _, words, wrong in look.sentences
                 if words and not wrong and len(words[0]) == len(columns)]  # fmt: skip
        if name == DOCUMENT and plan.format == "conll":
            roles[name] = "group"
        elif plain in ("id", "idx", "guid") and "id" not in roles.values():
            roles[name] = "id"
        elif plain in ("split", "set", "fold") and cells and all(map(split_of, cells)):
            roles[name] = "split"
    roles[look.text] = "text"
    if not look.label:
        return replace(plan, roles=roles), ("No column looks like labels of words: choose it.",)
    roles[look.label] = "label"
    return replace(plan, roles=roles), ()


def word_rows(
    sentences: Sequence[Sentence], columns: int
) -> tuple[tuple[tuple[str, ...], ...], tuple[int, ...]]:
    """Return up to 200 words as rows and their lines, an empty row between sentences."""
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    for places, words, _ in sentences:
        if len(rows) >= SHOWN:
            break
        if rows and words:
            rows.append(())
            lines.append(0)
        for at, row in enumerate(islice(words, SHOWN - len(rows))):
            rows.append(filled(row, columns))
            lines.append(places[at])
    return tuple(rows), tuple(lines)


def how(plan: ImportPlan, files: Sequence[SourceFile]) -> list[str]:
    """Return what the layout was taken for, in sentences."""
    said = []
    if plan.format == "delimited":
        between = _DELIMITERS.get(plan.delimiter, f"{plan.delimiter!r}")
        said.append(f"Cells stand between {between}." if plan.delimiter else "One text a line.")
        if not plan.header:
            said.append("The first row holds no names of columns: it is read as a row.")
    named = [file for file in files if file.split]
    if len(named) > 1 or (named and len(files) == 1):
        listed = ", ".join(f"{file.path.name}: {file.split}" for file in named[:4])
        more = f" and {len(named) - 4:,} more" if len(named) > 4 else ""
        said.append(f"Splits follow the files' names ({listed}{more}).")
    return said


def title(paths: Sequence[Path], files: Sequence[SourceFile]) -> str:
    """Return a name for a task of these files."""
    path = paths[0].absolute()
    if path.is_dir() and len(paths) == 1:
        return path.name
    if len(files) > 1:
        return path.parent.name or path.stem
    parts = re.split(r"([-_.\s]+)", path.stem)
    kept = [part for part in parts if split_of(part) is None]
    return "".join(kept).strip("-_. ") or path.parent.name or path.stem
