"""A label and a text on each line: `LABEL text`, `__label__X text`, `COARSE:fine text`."""

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from fineview.core.data.plan import ImportPlan, ReadSettings
from fineview.core.data.readers.opening import lines_of
from fineview.core.data.readers.rows import (
    GUESSED_FROM,
    Look,
    Row,
    Sentence,
    Source,
    no_words,
)
from fineview.core.data.readers.text import sampled

PLAIN = ("label", "text")
COARSE = ("coarse", "fine", "text")
FASTTEXT = "__label__"
_TWO = re.compile(r"([A-Za-z]\w*):(\w+)")


class LinesReader:
    """Reads files with a label at the beginning of each line."""

    def look(self, source: Source, settings: ReadSettings) -> Look:
        """Find out which kind of label it is."""
        sample = sampled(source, settings.encoding)
        lines = list(islice(io.StringIO(sample.text, newline=""), GUESSED_FROM))
        columns = COARSE if is_coarse(lines) else PLAIN
        return Look(
            columns=columns,
            rows=tuple(_rows(lines, columns)),
            encoding=sample.encoding,
            plain=sample.plain,
            header=False,
            reasons=sample.reasons,
        )

    def rows(self, source: Source, plan: ImportPlan) -> Iterator[Row]:
        """Yield a row for each line that is not blank."""
        return _rows(lines_of(source, plan.encoding), tuple(plan.roles))

    def sentences(self, source: Source, plan: ImportPlan) -> Iterator[Sentence]:
        """Refuse: such a file has no words."""
        raise no_words(source, plan.format)


def _rows(lines: Iterable[str], columns: tuple[str, ...]) -> Iterator[Row]:
    coarse = columns == COARSE
    for number, line in enumerate(lines, 1):
        parts = line.split(None, 1)
        if not parts:
            continue
        label = parts[0]
        text = parts[1].strip() if len(parts) > 1 else ""
        if coarse:
            first, colon, second = label.partition(":")
            wrong = "" if colon else f"the label {label[:40]!r} has no colon"
            yield number, (first, second, text), wrong
        elif label.startswith(FASTTEXT):
            wrong = ""
            if text.startswith(FASTTEXT):
                wrong = "the text has several labels where one is expected"
                text = re.sub(rf"^(?:{FASTTEXT}\S*\s*)+", "", text)
            yield number, (label[len(FASTTEXT) :], text), wrong
        else:
            yield number, (label, text), ""


def _first_words(lines: Sequence[str]) -> list[str]:
    return [line.split(None, 1)[0] for line in lines if line.strip()]


def is_coarse(lines: Sequence[str]) -> bool:
    """Return whether lines begin with two labels, such as `NUM:date`."""
    first = _first_words(lines)
    good = sum(1 for word in first if _TWO.fullmatch(word))
    return bool(first) and good > 0.95 * len(first)


def is_marked(lines: Sequence[str]) -> bool:
    """Return whether lines begin with what is a label beyond doubt."""
    first = _first_words(lines)
    marked = sum(word.startswith(FASTTEXT) for word in first)
    return is_coarse(lines) or (bool(first) and marked > 0.9 * len(first))


def is_labelled(lines: Sequence[str]) -> bool:
    """Return whether lines seem to begin with a label: few words that come again and again."""
    first = _first_words(lines)
    if not first:
        return False
    bare = sum(1 for line in lines if line.strip() and len(line.split(None, 1)) == 1)
    counts = Counter(first)
    once = sum(1 for count in counts.values() if count == 1)
    # Sentences begin with "the" again and again too, but most of their first words are rare.
    few = 2 <= len(counts) <= max(2, len(first) // 10) and once <= len(counts) // 4
    return few and bare < 0.1 * len(first)
