"""CSV, TSV and any other file with one character between cells."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from fineview.core.data.plan import ImportPlan, ReadSettings
from fineview.core.data.readers.header import TITLES, has_header, titles_above
from fineview.core.data.readers.opening import SAMPLE, lines_of
from fineview.core.data.readers.rows import (
    GUESSED_FROM,
    LIMIT,
    MAX_COLUMNS,
    Look,
    Row,
    Sentence,
    Source,
    brief,
    header_only,
    listed,
    no_words,
    ragged,
    too_many_columns,
    unique_names,
)
from fineview.core.data.readers.text import sampled

DELIMITERS = (",", "\t", ";", "|")
_NONE = "\x1f"
"""Stands between cells where nothing does."""
_END = "\x00"
"""A line after the last: a row of its own, unless a quote was never closed. No text holds it."""
_SCORED = 200_000
_UNCLOSED = 100
"""Lines that a quote may swallow to the end of the file before the file is refused."""


class DelimitedReader:
    """Reads tables with a character between cells."""

    def look(self, source: Source, settings: ReadSettings) -> Look:
        """Guess delimiter, quotes and header from the beginning."""
        sample = sampled(source, settings.encoding)
        if settings.delimiter is not None:
            check_delimiter(source, settings.delimiter)
        delimiter, quote = guess_delimiter(sample.text, source.path.suffix, settings.delimiter)
        plan = ImportPlan(files=(), format="delimited", delimiter=delimiter, quote=quote)
        lines = io.StringIO(sample.text, newline="")
        rows = list(islice(_cells(lines, plan, source, sample.cut), GUESSED_FROM + 1))
        if sample.cut and len(rows) < 2:
            raise source.problem(
                f"the first rows are longer than {SAMPLE:,} bytes",
                "close the quote if one was left open, or choose another delimiter",
                1,
            )
        if not rows:
            raise source.problem("the file has no rows", "choose a file with texts and labels")
        above = 0
        if settings.header is not False:
            above = titles_above([row[1] for row in rows], _width(rows))
        first = rows[above][1]
        if len(first) > MAX_COLUMNS:
            raise too_many_columns(source, len(first))
        header = settings.header
        if header is None:
            header = has_header([row[1] for row in rows[above:]])
        above *= header
        if header:
            rows = rows[above:]
        names = unique_names(first if header else [""] * _width(rows))
        body = rows[1:] if header else rows
        if not body:
            raise header_only(source)
        return Look(
            columns=names,
            rows=tuple(_ruled(body, len(names))),
            encoding=sample.encoding,
            plain=sample.plain,
            delimiter=delimiter,
            quote=quote,
            header=header,
            reasons=(*title_reasons(above), *sample.reasons),
        )

    def rows(self, source: Source, plan: ImportPlan) -> Iterator[Row]:
        """Yield every row after the header."""
        check_delimiter(source, plan.delimiter)
        rows = _cells(lines_of(source, plan.encoding), plan, source)
        columns = len(plan.roles)
        if plan.header:
            check_header(source, rows, plan)
        yield from _ruled(rows, columns)

    def sentences(self, source: Source, plan: ImportPlan) -> Iterator[Sentence]:
        """Refuse: such a file has no words."""
        raise no_words(source, plan.format)


def check_delimiter(source: Source, delimiter: str) -> None:
    """Refuse what cannot stand between cells.

    Raises:
        ImportProblem: It is not one character, or one that ends lines or quotes.
    """
    if len(delimiter) > 1 or delimiter in ("\n", "\r", '"', _END):
        if delimiter == "":
            return
        raise source.problem(
            f"the delimiter {delimiter!r} cannot stand between cells",
            "choose one character, such as a comma or a tab",
        )


def check_columns(
    source: Source, found: tuple[str, ...], expected: tuple[str, ...], line: int = 1
) -> None:
    """Refuse a table whose columns are not those of the plan.

    Raises:
        ImportProblem: A column is missing or is not expected.
    """
    if found == expected:
        return
    missing = [name for name in expected if name not in found]
    if missing:
        raise source.problem(
            f"the column {brief(missing[0])!r} is missing; there are {listed(found)}",
            "choose the delimiter, the encoding and the header line that fit, or open the file "
            "by itself",
            line,
            missing[0],
        )
    more = [name for name in found if name not in expected]
    raise source.problem(
        f"the columns are {listed(found)}, not {listed(expected)}",
        "open files with the same columns in the same order together, others one by one",
        line,
        more[0] if more else "",
    )


def check_header(source: Source, rows: Iterator[Row], plan: ImportPlan) -> None:
    """Go past the header, and past titles above it.

    Raises:
        ImportProblem: Its columns are not those of the plan.
    """
    expected = tuple(plan.roles)
    first: Row | None = None
    for row in islice(rows, TITLES + 1):
        first = first or row
        names = unique_names(row[1])
        if names == expected:
            return
        if sum(1 for cell in row[1] if cell.strip()) > 1:
            check_columns(source, names, expected, row[0])
    if first is not None:
        check_columns(source, unique_names(first[1]), expected, first[0])


def title_reasons(above: int) -> tuple[str, ...]:
    """Return a sentence on lines above the header, if there are any."""
    if not above:
        return ()
    lines = "1 line" if above == 1 else f"{above:,} lines"
    return (f"Above the names of the columns there is a title ({lines}): it is passed over.",)


def _width(rows: list[Row]) -> int:
    counts = Counter(len(row[1]) for row in rows)
    return counts.most_common(1)[0][0]


def _ruled(rows: Iterable[Row], columns: int) -> Iterator[Row]:
    for row in rows:
        cells = row[1]
        if len(cells) == columns or row[2]:
            yield row
        elif len(cells) > columns and not any(cells[columns:]):
            yield row[0], cells[:columns], ""  # delimiters at the end of a line
        else:
            yield row[0], cells, ragged(len(cells), columns)


def _cells(
    lines: Iterable[str], plan: ImportPlan, source: Source, cut: bool = False
) -> Iterator[Row]:
    """Yield the rows with the line that each begins in; empty lines are passed over.

    Args:
        lines: With their ends.
        plan: Delimiter and quote.
        source: Where they come from.
        cut: Whether they may end within a row, which is left out then.
    """
    # The limit is one for the whole process; this one never changes.
    csv.field_size_limit(LIMIT)
    reader = csv.reader(
        _ended(lines),
        delimiter=plan.delimiter or _NONE,
        quotechar=plan.quote or None,
        quoting=csv.QUOTE_MINIMAL if plan.quote else csv.QUOTE_NONE,
    )
    line = 1
    try:
        for cells in reader:
            if cells:
                if cells[-1].endswith(_END):
                    if (len(cells) > 1 or cells[0] != _END) and not cut:
                        yield _unclosed(cells, line, reader.line_num, source)
                    return
                yield line, cells, ""
            line = reader.line_num + 1
    except csv.Error as error:
        if "field larger" in str(error):
            raise source.problem(
                f"a cell that begins here is longer than {LIMIT:,} characters",
                "close the quote if one was left open, or shorten the text",
                line,
            ) from None
        raise source.problem(
            f"the row cannot be read ({error})", "choose another delimiter", line
        ) from None


def _ended(lines: Iterable[str]) -> Iterator[str]:
    yield from lines
    yield _END


def _unclosed(cells: list[str], line: int, last: int, source: Source) -> Row:
    lost = last - line
    if lost > _UNCLOSED:
        raise source.problem(
            f"a quote that is opened here is never closed, which swallows {lost:,} lines",
            "close the quote in that line, or choose the delimiter again",
            line,
        )
    return line, [*cells[:-1], cells[-1].rstrip(_END)], "a quote in the row is never closed"


def guess_delimiter(text: str, suffix: str, fixed: str | None = None) -> tuple[str, str]:
    """Return the (delimiter, quote) that makes rows of the same number of cells.

    Args:
        text: The beginning of a file.
        suffix: Of its name; breaks ties.
        fixed: The delimiter if it is known.
    """
    part = text[:_SCORED]
    if len(part) < len(text):
        part = part[: max(part.rfind("\n"), part.rfind("\r")) + 1] or part
    if fixed is not None:
        choices = [(score_delimiter(part, fixed, quote)[0], quote == '"', fixed) for quote in _Q]
        best = max(choices)
        return fixed, '"' if best[1] else ""
    usual = {".tsv": "\t", ".tab": "\t", ".psv": "|", ".csv": ","}.get(suffix.lower(), "")
    scored = []
    for delimiter in DELIMITERS:
        for quote in _Q:
            share, cells = score_delimiter(part, delimiter, quote)
            if cells > 1:
                bonus = 0.02 * (delimiter == usual) + 0.001 * (quote == '"')
                scored.append((share + bonus + 0.0001 * min(cells, 9), delimiter, quote))
    best_score, delimiter, quote = max(scored, default=(0.0, "", '"'))
    if best_score < (0.5 if usual else 0.8):
        return "", '"' if _quoted_lines(part) else ""
    return delimiter, quote


_Q = ('"', "")


def score_delimiter(text: str, delimiter: str, quote: str) -> tuple[float, int]:
    """Return (share of rows that have the commonest number of cells, that number).

    A quote character that does not really quote costs a little, and so does a first row that has
    another number of cells: it may be a header, but not one of this table.
    """
    csv.field_size_limit(LIMIT)
    counts: Counter[int] = Counter()
    cost = 0.0
    first = 0
    if quote:
        cost = 0.05 * _odd_quotes(text, delimiter)
    try:
        rows = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=delimiter or _NONE,
            quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        )
        for cells in rows:
            if cells:
                first = first or len(cells)
                counts[len(cells)] += 1
    except csv.Error:
        return 0.0, 1
    if not counts:
        return 0.0, 1
    cells_each, most = counts.most_common(1)[0]
    cost += 0.05 * (first != cells_each)
    return most / counts.total() - cost, cells_each


def _odd_quotes(text: str, delimiter: str) -> bool:
    """Return whether some quoted cell does not end with its quote."""
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter or _NONE, quotechar='"', strict=True
    )
    try:
        for _ in rows:
            pass
    except csv.Error as error:
        return "unexpected end" not in str(error)  # the sample may end within a cell
    return False


def _quoted_lines(text: str) -> bool:
    lines = [line for line in text.splitlines()[:200] if line.strip()]
    return (
        sum(line.startswith('"') and line.rstrip().endswith('"') for line in lines)
        > len(lines) // 2
    )
