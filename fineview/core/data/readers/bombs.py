"""Spreadsheets that would fill the memory are found before they are opened.

The library that reads spreadsheets holds a sheet as one block from its first cell to its last: two
cells in far corners are enough to end the program. So every part is unpacked and parsed once, in
pieces that are thrown away, before the library sees the file.
"""

import re
import zipfile
import zlib
from xml.parsers import expat

from fineview.core.data.readers.opening import buffered
from fineview.core.data.readers.rows import MAX_COLUMNS, Source
from fineview.core.errors import ImportProblem

UNPACKED = 512 << 20
"""Most bytes that the parts of a spreadsheet may unpack to, together."""
CELLS = 20_000_000
"""Most cells of a sheet, empty ones included: they are all held in memory."""
SAVE = "save it again as XLSX or CSV in a spreadsheet program"
_CHUNK = 1 << 16
_PLACE = re.compile(r"([A-Za-z]{0,3})([0-9]{0,7})")
_SHEET = b"sheetData"
_TAG = 4 << 20
"""Bytes that a tag may have: a parser that waits for its end reads them again and again."""


class _Extent:
    """Follows the cells of one part, if it is a sheet; rows and columns count from 1."""

    def __init__(self) -> None:
        """Start with no cell."""
        self.rows = 0
        self.columns = 0
        self.odd = ""
        self._row = 0
        self._column = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        kind = name.rsplit(":", 1)[-1]
        if kind == "row":
            self._row = self._place(attributes, self._row + 1)[0]
            self._column = 0
        elif kind == "c":
            row, self._column = self._place(attributes, self._row, self._column + 1)
            self.rows = max(self.rows, row, self._row)
            self.columns = max(self.columns, self._column)

    def _place(self, attributes: dict[str, str], row: int, column: int = 0) -> tuple[int, int]:
        written = attributes.get("r", "")
        found = _PLACE.fullmatch(written)
        if found is None:
            self.odd = self.odd or written
            return row, column
        letters, digits = found.groups()
        number = 0
        for letter in letters.upper():
            number = number * 26 + ord(letter) - 64
        return int(digits or row), number or column


def check_spreadsheet(source: Source) -> None:
    """Unpack and parse every part: the sizes that a zip file claims may be lies.

    Raises:
        ImportProblem: It is broken, no spreadsheet, or needs far too much memory.
    """
    total = 0
    try:
        with buffered(source) as raw, zipfile.ZipFile(raw) as archive:
            parts = archive.infolist()
            if not any(part.filename.startswith("xl/") for part in parts):
                raise source.problem(
                    "the zip archive holds no XLSX spreadsheet", "unpack it, or save as XLSX"
                )
            if len(parts) > MAX_COLUMNS:
                raise source.problem(f"the spreadsheet has {len(parts):,} parts", SAVE)
            for part in parts:
                total = _check_part(source, archive, part, total)
    except ImportProblem:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise broken(source, error) from None
    except (OSError, ValueError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise broken(source, error) from None


def broken(source: Source, error: BaseException) -> ImportProblem:
    """Return the error for a spreadsheet that cannot be opened."""
    said = (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")
    return source.problem(f"the spreadsheet is broken ({said})", SAVE)


def _check_part(source: Source, archive: zipfile.ZipFile, part: zipfile.ZipInfo, total: int) -> int:
    extent: _Extent | None = _Extent()
    sheet = part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml")
    begun = total
    tail = b""
    cells = False
    with archive.open(part) as file:
        while block := file.read(_CHUNK):
            source.report.check()
            total += len(block)
            if total > UNPACKED:
                raise source.problem(
                    f"the spreadsheet unpacks to more than {UNPACKED >> 20:,} MB",
                    "save the sheet as CSV if you trust the file",
                )
            # Any part may be used as a sheet; one that no parser follows must not be.
            cells = cells or _SHEET in tail + block
            tail = block[-len(_SHEET) :]
            if extent is not None:
                try:
                    extent.parser.Parse(block, False)
                except expat.ExpatError as error:
                    if sheet:
                        raise broken(source, error) from None
                    extent = None  # a picture, say
                else:
                    _check_extent(source, extent)
                    waiting = total - begun - extent.parser.CurrentByteIndex
                    if waiting > _TAG:
                        raise source.problem("one tag in the spreadsheet has no end", SAVE)
            if extent is None and cells:
                raise source.problem(f"the part {part.filename[:60]!r} is not sound XML", SAVE)
    return total


def _check_extent(source: Source, extent: _Extent) -> None:
    if extent.odd:
        raise source.problem(f"the cell {extent.odd[:40]!r} is nowhere on a sheet", SAVE)
    if extent.rows * max(extent.columns, 1) > CELLS:
        raise source.problem(
            f"the sheet spans {extent.rows:,} rows and {extent.columns:,} columns, more than "
            f"{CELLS:,} cells",
            "delete the cells far from the table, or save the sheet as CSV",
        )
