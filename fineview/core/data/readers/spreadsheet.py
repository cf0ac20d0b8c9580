"""XLSX spreadsheets, checked for bombs before they are unpacked."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from fineview.core.data.plan import ImportPlan, ReadSettings
from fineview.core.data.readers.bombs import SAVE, broken, check_spreadsheet
from fineview.core.data.readers.delimited import check_header, title_reasons
from fineview.core.data.readers.header import has_header, titles_above
from fineview.core.data.readers.opening import OLE, head, kind_of
from fineview.core.data.readers.rows import (
    GUESSED_FROM,
    LIMIT,
    MAX_COLUMNS,
    Look,
    Row,
    Sentence,
    Source,
    header_only,
    no_words,
    ragged,
    too_many_columns,
    unique_names,
)

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook


class SpreadsheetReader:
    """Reads one sheet."""

    def look(self, source: Source, settings: ReadSettings) -> Look:
        """Read the first rows of the chosen sheet, else of the first that is not empty."""
        with _workbook(source) as book:
            sheets = tuple(book.sheet_names)
            if settings.sheet is not None:
                name = settings.sheet
                sheet = _sheet(source, book, name)
            else:
                name, sheet = _first_filled(source, book, sheets)
            rows = list(islice(_cells(source, sheet), GUESSED_FROM + 1))
        if not rows:
            raise source.problem(
                f"the sheet {name[:60]!r} is empty", "choose a sheet with texts and labels"
            )
        header = settings.header
        width = len(rows[0][1])
        above = titles_above([row[1] for row in rows], width) if header is not False else 0
        if header is None:
            header = has_header([row[1] for row in rows[above:]])
        above *= header
        rows = rows[above:]
        names = unique_names(rows[0][1] if header else [""] * width)
        shown = tuple(rows[1:] if header else rows)
        if not shown:
            raise header_only(source)
        return Look(
            columns=names,
            rows=shown,
            header=header,
            sheet=name,
            sheets=sheets,
            reasons=title_reasons(above),
        )

    def rows(self, source: Source, plan: ImportPlan) -> Iterator[Row]:
        """Yield every row after the header."""
        with _workbook(source) as book:
            if plan.sheet:
                sheet = _sheet(source, book, plan.sheet)
            else:
                _, sheet = _first_filled(source, book, tuple(book.sheet_names))
            rows = _cells(source, sheet)
            if plan.header:
                check_header(source, rows, plan)
            columns = len(plan.roles)
            for line, cells, wrong in rows:
                short = len(cells) != columns
                yield line, cells, wrong or (ragged(len(cells), columns) if short else "")

    def sentences(self, source: Source, plan: ImportPlan) -> Iterator[Sentence]:
        """Refuse: such a file has no words."""
        raise no_words(source, plan.format)


@contextmanager
def _workbook(source: Source) -> Iterator["CalamineWorkbook"]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    start, _ = head(source, 4096)
    if kind_of(start) == OLE:
        raise source.problem(
            "the spreadsheet is encrypted, or an old .xls",
            "open it in a spreadsheet program and save it as XLSX without a password",
        )
    if not start.startswith(b"PK"):
        raise source.problem(
            f"this is no XLSX spreadsheet but {kind_of(start) or 'something else'}",
            "choose the layout that fits its content",
        )
    check_spreadsheet(source)
    try:
        with CalamineWorkbook.from_path(source.path) as book:
            yield book
    except PasswordError:
        raise source.problem("the spreadsheet is encrypted", "save it without a password") from None
    except (CalamineError, OSError, ValueError, OverflowError) as error:
        raise broken(source, error) from None
    except BaseException as error:
        # A panic of the Rust library is no Exception, so that nobody hides it by accident.
        if type(error).__name__ != "PanicException":
            raise
        raise broken(source, error) from None


def _sheet(source: Source, book: "CalamineWorkbook", name: str) -> "CalamineSheet":
    if name not in book.sheet_names:
        there = ", ".join(repr(sheet[:40]) for sheet in book.sheet_names[:8])
        raise source.problem(f"there is no sheet {name[:60]!r}", f"choose one of {there}")
    return book.get_sheet_by_name(name)


def _first_filled(
    source: Source, book: "CalamineWorkbook", names: tuple[str, ...]
) -> tuple[str, "CalamineSheet"]:
    if not names:
        raise source.problem("the spreadsheet has no sheets", SAVE)
    for name in names:
        source.report.check()
        sheet = book.get_sheet_by_name(name)
        if sheet.height:
            return name, sheet
    return names[0], book.get_sheet_by_name(names[0])


def _cells(source: Source, sheet: "CalamineSheet") -> Iterator[Row]:
    if sheet.start is None:
        return
    if sheet.width > MAX_COLUMNS:
        raise too_many_columns(source, sheet.width)
    size = source.path.stat().st_size
    # Blank rows above the table are given too, blank columns before it are not.
    for line, values in enumerate(sheet.iter_rows(), 1):
        if line % 512 == 0:
            source.report.check()
            if source.total:
                done = source.done + size * line // sheet.total_height
                source.report.progress(min(done, source.total), source.total, source.name)
        cells = [_cell(value) for value in values]
        if any(cells):
            long = any(len(cell) > LIMIT for cell in cells)
            yield line, cells, f"a cell is longer than {LIMIT:,} characters" if long else ""


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
