"""Rows as they will be kept: roles applied, labels cleaned, what is unfit left out."""

import math
import random
from array import array
from collections.abc import Iterable, Iterator
from typing import TypeVar

from fineview.core.data.plan import ImportPlan, SourceFile
from fineview.core.data.readers.roles import split_of
from fineview.core.data.readers.rows import LIMIT, Row, Sentence
from fineview.core.data.readers.tally import Tally

Kept = tuple[str, str, str | float, str, str]
"""(text, second text or "", class or number, split or "", group or "")."""
KeptSentence = tuple[list[str], list[str], str, str]
"""(words, their classes, split or "", group or "")."""
_T = TypeVar("_T")

NO_TEXT = "the text is empty"
NO_SECOND = "the second text is empty"
NO_LABEL = "the label is empty"
NOT_A_NUMBER = "the label is not a number"
NOT_FINITE = "the label is not a finite number"
TOO_LONG = f"a cell is longer than {LIMIT:,} characters"


def whole(text: str) -> str:
    """Return text that can be encoded: half of a surrogate pair becomes �."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def kept_rows(
    plan: ImportPlan, file: SourceFile, rows: Iterable[Row], tally: Tally
) -> Iterator[Kept]:
    """Yield the rows that have all they need.

    Raises:
        ImportProblem: Most rows are broken.
    """
    place = {role: i for i, role in enumerate(plan.roles.values()) if role != "ignore"}
    text_at, label_at = place["text"], place["label"]
    second_at, split_at, group_at = (place.get(r, -1) for r in ("second", "split", "group"))
    file_at = 2 if plan.format == "folder" else -1
    number = plan.label_kind == "number"
    comma = plan.delimiter == ";"  # where a comma ends no cell, it is a decimal one
    classes: dict[str, str] = {}
    splits: dict[str, str] = {}
    default: str = file.split
    name = file.path.name
    second = group = ""
    split = default
    label: str | float
    tally.begin()
    for line, cells, wrong in rows:
        tally.rows += 1
        if file_at >= 0:
            name = cells[file_at]
        if wrong:
            tally.broke(name, line, wrong)
            continue
        text = cells[text_at].strip()
        if not text:
            tally.drop(name, line, NO_TEXT)
            continue
        if len(text) > LIMIT:
            tally.drop(name, line, TOO_LONG)
            continue
        if second_at >= 0:
            second = cells[second_at].strip()
            if not second:
                tally.drop(name, line, NO_SECOND)
                continue
        raw = cells[label_at]
        if number:
            value = as_number(raw, comma)
            if value is None or not math.isfinite(value):
                _drop_number(tally, name, line, raw, value)
                continue
            label = value
        else:
            known = classes.get(raw)
            if known is None:
                # At most a thousand classes are taken in the end; the table is not to grow on.
                if len(classes) > 10_000:
                    classes.clear()
                known = classes[raw] = whole(raw.strip())
            if not known:
                tally.drop(name, line, NO_LABEL)
                continue
            label = known
        if split_at >= 0:
            split = _split(cells[split_at], splits) or default
        if group_at >= 0:
            group = cells[group_at].strip()
        yield text, second, label, split, group
    tally.end()


def _drop_number(tally: Tally, name: str, line: int, raw: str, value: float | None) -> None:
    shown = repr(raw.strip()[:40])
    if not raw.strip():
        tally.drop(name, line, NO_LABEL)
    elif value is None:
        tally.drop(name, line, NOT_A_NUMBER, shown)
    else:
        tally.drop(name, line, NOT_FINITE, shown)


def as_number(cell: str, comma: bool = False) -> float | None:
    """Return the number that a cell holds, or None; it may be NaN or infinite.

    Args:
        cell: The number as it is written.
        comma: Whether it may have a decimal comma.
    """
    if "_" in cell:  # Python's own habit
        return None
    if comma and cell.count(",") == 1 and "." not in cell:
        cell = cell.replace(",", ".")
    try:
        return float(cell)
    except ValueError:
        return None


def _split(cell: str, known: dict[str, str]) -> str:
    split = known.get(cell)
    if split is None:
        split = split_of(cell) or ""
        if len(known) < 1_000:
            known[cell] = split
    return split


def kept_sentences(
    plan: ImportPlan, file: SourceFile, sentences: Iterable[Sentence], tally: Tally
) -> Iterator[KeptSentence]:
    """Yield the sentences whose words all have a label.

    Raises:
        ImportProblem: Most sentences are broken.
    """
    place = {role: i for i, role in enumerate(plan.roles.values()) if role != "ignore"}
    text_at, label_at = place["text"], place["label"]
    split_at, group_at = place.get("split", -1), place.get("group", -1)
    name = file.path.name
    splits: dict[str, str] = {}
    tally.begin()
    for lines, rows, wrong in sentences:
        tally.rows += 1
        line = lines[0] if lines else 0
        if wrong:
            uneven = (at for at, row in enumerate(rows) if len(row) != len(plan.roles))
            line = lines[next(uneven, 0)]
            tally.broke(name, line, wrong)
            continue
        words = [row[text_at].strip() for row in rows]
        labels = [whole(row[label_at].strip()) for row in rows]
        if not words:
            tally.drop(name, line, NO_TEXT)
            continue
        if not all(words):
            at = words.index("")
            tally.drop(name, lines[at], "a word is empty", f"word {at + 1:,}")
            continue
        if not all(labels):
            at = labels.index("")
            tally.drop(name, lines[at], "a word has no label", f"word {at + 1:,}: {words[at][:40]}")
            continue
        split = _split(rows[0][split_at], splits) if split_at >= 0 else ""
        group = rows[0][group_at].strip() if group_at >= 0 else ""
        yield words, labels, split or file.split, group
    tally.end()


def drawn(items: Iterable[_T], size: int, seed: int) -> Iterator[_T]:
    """Yield `size` of the items, each as likely as any other, in their order.

    Args:
        items: Any number of them; they are gone through once.
        size: How many to keep in memory.
        seed: The same seed draws the same items.
    """
    import numpy as np

    chance = random.Random(seed)
    numbers = array("q")
    pool: list[_T] = []
    for number, item in enumerate(items):
        if number < size:
            numbers.append(number)
            pool.append(item)
        elif (slot := int(chance.random() * (number + 1))) < size:
            numbers[slot] = number
            pool[slot] = item
    # NumPy sorts without holding the interpreter up.
    for slot in np.argsort(np.frombuffer(numbers, dtype=np.int64)):
        yield pool[slot]
