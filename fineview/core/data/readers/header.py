"""Whether the first row of a table names its columns."""

import re
from collections.abc import Sequence

_NAMES = """
text texts sentence sentences sentence1 sentence2 premise hypothesis question question1 question2
answer review reviews content document doc tweet comment body message utterance query passage title
headline description word words token tokens form label labels class classes category categories
target targets sentiment y topic tag tags intent emotion relation polarity score scores rating
ratings stars id idx index guid uid split fold set partition subset group name value label_text gold
gold_label ner pos upos source author date lang language text_a text_b text1 text2 s1 s2 similarity
coarse_label fine_label feedback abstract
"""
KNOWN = frozenset(_NAMES.split())
TITLES = 10
"""Lines that may stand above the header."""
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")


def is_number(cell: str) -> bool:
    """Return whether a cell is written as a number, be it with a decimal comma."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def plain_name(name: str) -> str:
    """Return a column's name as it is compared with known ones."""
    return re.sub(r"[\s\-.]+", "_", name.strip().lower()).strip("_#")


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Compare the first row with the others.

    Args:
        rows: Cells; the first row may have another length than the others.
    """
    first = [cell.strip() for cell in rows[0]]
    others = rows[1:]
    if any(is_number(cell) for cell in first) or not any(first):
        return False
    if any(plain_name(cell) in KNOWN for cell in first):
        # "Review" may be the whole of a text, but then other texts look like names as well.
        return not (len(first) == 1 and _few_words(others) > 0.8)
    named = [cell for cell in first if cell]
    if max(map(len, named)) > 60 or not others or len(set(named)) < len(named):
        return False
    votes = 0
    for column, name in enumerate(first):
        cells = [row[column].strip() for row in others if column < len(row) and row[column].strip()]
        if not cells:
            continue
        if not _digits(name) and sum(map(_digits, cells)) > 0.9 * len(cells):
            votes += 1  # dates, codes
        if sum(map(is_number, cells)) > 0.9 * len(cells):
            votes += 2
            continue
        different = set(cells)
        repeated = len(different) <= 0.5 * len(cells)
        if repeated and name in different:
            return False
        mean = sum(map(len, cells)) / len(cells)
        if repeated:
            votes += 1 if len(cells) >= 10 else 0
        elif name and mean > 3 * len(name) and len(name.split()) <= 3:
            votes += 1
    return votes >= min(2, len(first))


def titles_above(rows: Sequence[Sequence[str]], width: int) -> int:
    """Return how many rows above a table are titles: one cell, where the table has more.

    Args:
        rows: Cells of the first rows.
        width: Cells that most rows have.
    """
    for count, cells in enumerate(rows[: TITLES + 1]):
        filled = sum(1 for cell in cells if cell.strip())
        if filled > 1 or (len(cells) == width and width < 3):
            return count if width > 1 and len(cells) == width else 0
    return 0


def _digits(cell: str) -> bool:
    return any(character.isdigit() for character in cell)


def _few_words(rows: Sequence[Sequence[str]]) -> float:
    short = sum(1 for row in rows if row and plain_name(row[0]) in KNOWN)
    return short / max(1, len(rows))
