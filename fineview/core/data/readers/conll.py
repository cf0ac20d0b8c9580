"""CoNLL and CoNLL-U: a word a line, blank lines between sentences."""

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from fineview.core.data.plan import ImportPlan, ReadSettings
from fineview.core.data.readers.delimited import check_delimiter
from fineview.core.data.readers.opening import lines_of
from fineview.core.data.readers.rows import (
    MAX_COLUMNS,
    SHOWN,
    Look,
    Row,
    Sentence,
    Source,
    too_many_columns,
    unique_names,
)
from fineview.core.data.readers.text import sampled
from fineview.core.errors import ImportProblem

CONLL_U = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
DOCUMENT = "document"
"""Name of the column that a file's documents give."""
MAX_WORDS = 100_000
"""Words of the longest sentence: more means that blank lines are missing."""
_COLUMNS_LINE = re.compile(r"#\s*global\.columns\s*=\s*(.+)")
_NEW_DOCUMENT = re.compile(r"#\s*newdoc\b(?:\s+id\s*=\s*(.*))?")
_PLAIN_ID = re.compile(r"\d+")
_OTHER_ID = re.compile(r"\d+(-\d+|\.\d+)")


class ConllReader:
    """Reads files with a word a line."""

    def look(self, source: Source, settings: ReadSettings) -> Look:
        """Find out columns and documents from the beginning."""
        sample = sampled(source, settings.encoding)
        lines = list(io.StringIO(sample.text, newline=""))
        delimiter = settings.delimiter or ("\t" if _tabbed(lines) else " ")
        check_delimiter(source, delimiter)
        names = _names(lines, delimiter)
        if len(names) > MAX_COLUMNS:
            raise too_many_columns(source, len(names))
        if not names:
            raise _no_sentence(source)
        if len(names) == 1:
            raise source.problem(
                "the lines have one column: words without labels",
                "choose a file with a word and its label on each line",
            )
        documents = any(
            line.startswith("-DOCSTART-") or _NEW_DOCUMENT.match(line) for line in lines
        )
        columns = (*names, DOCUMENT) if documents and DOCUMENT not in names else names
        found = list(islice(_sentences(lines, delimiter, columns, source), SHOWN + 1))
        if (sample.cut and len(found) > 1) or len(found) > SHOWN:
            found.pop()
        if not found:
            raise _no_sentence(source)
        text, label = _roles(names, found)
        return Look(
            columns=columns,
            text=text,
            label=label,
            sentences=tuple(found),
            words=True,
            encoding=sample.encoding,
            plain=sample.plain,
            delimiter=delimiter,
            header=False,
            reasons=sample.reasons,
        )

    def rows(self, source: Source, plan: ImportPlan) -> Iterator[Row]:
        """Refuse: every word has a label here."""
        raise source.problem(
            f"the layout {plan.format} has a label for each word, not one for a text",
            "read it with words, or choose another layout",
        )

    def sentences(self, source: Source, plan: ImportPlan) -> Iterator[Sentence]:
        """Yield every sentence."""
        columns = tuple(plan.roles)
        lines = lines_of(source, plan.encoding)
        return _sentences(lines, plan.delimiter or " ", columns, source)


def _roles(names: tuple[str, ...], sentences: list[Sentence]) -> tuple[str, str]:
    """Return the columns of words and of labels."""
    if "FORM" in names:
        label = "UPOS" if "UPOS" in names else names[-1]
        return "FORM", label
    first = [row[0] for _, words, _ in sentences for row in words]
    numbered = len(names) > 2 and bool(first) and all(map(str.isdecimal, first))
    return names[1 if numbered else 0], names[-1]


def _tabbed(lines: Iterable[str]) -> bool:
    words = [line for line in lines if line.strip() and not line.startswith(("#", "-DOCSTART-"))]
    return sum("\t" in line for line in words) > len(words) // 2


def _cells(line: str, delimiter: str) -> list[str]:
    text = line.strip("\r\n")
    return text.split() if delimiter == " " else text.split(delimiter)


def _names(lines: list[str], delimiter: str) -> tuple[str, ...]:
    for line in lines[:20]:
        if found := _COLUMNS_LINE.match(line):
            return unique_names([name.rsplit(":", 1)[-1] for name in found[1].split()])
    rows = [
        _cells(line, delimiter)
        for line in lines
        if line.strip() and not line.startswith("-DOCSTART-")
    ]
    counts = Counter(len(row) for row in rows if row and not _is_comment(row[0]))
    columns = counts.most_common(1)[0][0] if counts else 0
    if columns == len(CONLL_U):
        whole = [row for row in rows if len(row) == columns]
        ids = sum(1 for row in whole if _PLAIN_ID.fullmatch(row[0]) or _OTHER_ID.fullmatch(row[0]))
        if ids > 0.9 * len(whole):
            return CONLL_U
    return tuple(f"c{number}" for number in range(1, columns + 1))


def _is_comment(first: str) -> bool:
    return first.startswith("#")


def _sentences(
    lines: Iterable[str], delimiter: str, columns: tuple[str, ...], source: Source
) -> Iterator[Sentence]:
    """Yield sentences; the first ragged line of one is what is wrong with it."""
    documented = bool(columns) and columns[-1] == DOCUMENT
    expected = len(columns) - documented
    numbered = columns[:2] == CONLL_U[:2]
    count = 0
    extra = [""] if documented else []
    words: list[list[str]] = []
    places: list[int] = []
    wrong = ""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            if words:
                yield places, words, wrong
                words, places, wrong = [], [], ""
            continue
        cells = _cells(line, delimiter)
        if cells[0] == "-DOCSTART-":
            count += 1
            extra = [f"document {count}"] if documented else []
            continue
        if _is_comment(cells[0]) and (numbered or len(cells) != expected):
            if documented and (found := _NEW_DOCUMENT.match(line)):
                count += 1
                extra = [(found[1] or "").strip() or f"document {count}"]
            continue
        if numbered and len(cells) == expected and _OTHER_ID.fullmatch(cells[0]):
            continue
        if len(cells) != expected and not wrong:
            wrong = f"a line has {len(cells):,} columns where {expected:,} are expected"
        places.append(number)
        words.append([*cells, *extra])
        if len(words) > MAX_WORDS:
            raise _endless(source, places[0])
    if words:
        yield places, words, wrong


def _no_sentence(source: Source) -> ImportProblem:
    return source.problem(
        "the file holds no sentence", "choose a file with a word and its label on each line"
    )


def _endless(source: Source, line: int) -> ImportProblem:
    return source.problem(
        f"the sentence that begins here has more than {MAX_WORDS:,} words",
        "put blank lines between sentences, or choose another layout",
        line,
    )
