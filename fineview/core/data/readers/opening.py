"""Opening files: what they seem to be, watched bytes, lines of text, and where decoding failed."""

import codecs
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fineview.core.data.readers.rows import LIMIT, Source
from fineview.core.errors import ImportProblem

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SAMPLE = 1 << 20
"""Bytes that a look reads."""
_BUFFER = 1 << 16
_STRONG = {
    b"\x89PNG\r\n\x1a\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF-": "a PDF document",
    b"\x1f\x8b\x08": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"(\xb5/\xfd": "a zstd archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x7fELF": "a program",
    b"SQLite format 3\x00": "an SQLite database",
    b"ARROW1\x00\x00": "an Arrow file",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"{\\rtf": "an RTF document",
}
_WITH_NUL = {  # letters that a text may begin with as well
    b"MZ": "a program for Windows",
    b"BM": "a bitmap image",
    b"ID3": "a sound file",
    b"RIFF": "a sound, picture or film",
    b"II*\x00": "a TIFF image",
    b"\x00\x01\x00\x00": "a font",
    b"\x80": "a pickle file",
}
PARQUET = "a Parquet file"
XLSX = "an XLSX spreadsheet"
OLE = "an old Office document or an encrypted one"
ZIP = "a zip archive"


class Watched(io.RawIOBase):
    """Bytes of a file; whoever watches is told, and may stop, at every 64 KB."""

    def __init__(self, source: Source, text: bool = False, progress: bool = True) -> None:
        """Open the file.

        Args:
            source: The file.
            text: Whether a NUL byte means that it is no text.
            progress: Whether the place in the file tells how far the reading is.
        """
        super().__init__()
        self._file = source.path.open("rb", buffering=0)
        self._source = source
        self._text = text
        self._progress = progress

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill the buffer from the file."""
        source = self._source
        source.report.check()
        with memoryview(buffer) as view, view[:_BUFFER] as part:
            count = self._file.readinto(part) or 0
            if self._text and b"\0" in bytes(part[:count]):
                raise nul_problem(source)
        if source.total and self._progress:
            done = source.done + self._file.tell()
            source.report.progress(min(done, source.total), source.total, source.name)
        return count

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()


def buffered(source: Source) -> io.BufferedReader:
    """Open a file for a library that takes a short answer for its end; a buffer asks on."""
    return io.BufferedReader(Watched(source, progress=False), _BUFFER)


def head(source: Source, size: int = SAMPLE) -> tuple[bytes, bool]:
    """Return the first bytes of a file and whether they are all of it."""
    with source.path.open("rb") as file:
        data = file.read(size)
        return data, not file.read(1)


def kind_of(data: bytes) -> str:
    """Return what a file that begins with `data` seems to be, or "" where it may be text."""
    if data.startswith(b"PAR1"):
        return PARQUET
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return OLE
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return XLSX if b"xl/" in data or b"[Content_Types].xml" in data[:512] else ZIP
    for magic, what in _STRONG.items():
        if data.startswith(magic):
            return what
    if b"\0" in data[:512]:
        for magic, what in _WITH_NUL.items():
            if data.startswith(magic):
                return what
    return ""


def refuse_binary(source: Source, data: bytes) -> None:
    """Refuse a file that is known not to be text.

    Raises:
        ImportProblem: It seems to be something else; the message says what.
    """
    what = kind_of(data)
    if not what:
        return
    remedy = {
        PARQUET: "choose the layout Parquet",
        XLSX: "choose the layout spreadsheet, or name the file .xlsx",
        OLE: "open it in a spreadsheet program and save it as CSV, or as XLSX without a password",
    }.get(what, "")
    if not remedy:
        remedy = "unpack it first" if "archive" in what else "choose a file of text"
    raise source.problem(f"the file seems to be {what}, not a table of texts", remedy)


def nul_problem(source: Source, line: int = 0) -> ImportProblem:
    """Return the error for a NUL in what should be text; 0: its line is looked for."""
    return source.problem(
        "there is a NUL byte, so this seems to be a binary file or damaged text",
        "choose a text file, or the encoding utf-16 if it was saved so",
        line or _nul_line(source),
    )


def _nul_line(source: Source) -> int:
    line = 1
    with source.path.open("rb") as file:
        while block := file.read(_BUFFER):
            source.report.check()
            place = block.find(b"\0")
            if place >= 0:
                return line + block.count(b"\n", 0, place)
            line += block.count(b"\n")
    return 0


def _wide(encoding: str) -> bool:
    return encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32", "utf16", "utf32"))


def known_encoding(source: Source, encoding: str) -> str:
    """Return a codec's name if it decodes bytes to text.

    Raises:
        ImportProblem: There is no such encoding.
    """
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
        # Some codecs of Python decode bytes to bytes, and one always fails.
        if isinstance(decoder.decode(b"", final=True), str):
            return encoding
    except (LookupError, ValueError, TypeError):
        pass
    raise source.problem(
        f"there is no encoding {encoding!r}", "choose one such as utf-8, cp1252 or utf-16"
    )


def lines_of(source: Source, encoding: str) -> Iterator[str]:
    """Yield a file's lines with their ends, of any kind.

    Raises:
        ImportProblem: Bytes that the encoding does not know, a NUL, or a line beyond any use.
    """
    wide = _wide(encoding)
    raw = Watched(source, text=not wide)
    with io.TextIOWrapper(io.BufferedReader(raw, _BUFFER), encoding, newline="") as stream:
        readline = stream.readline
        number = 0
        try:
            while line := readline(LIMIT + 2):
                number += 1
                if len(line) > LIMIT:
                    raise too_long(source, number)
                if wide and "\0" in line:
                    raise nul_problem(source, number)
                yield line
        except UnicodeError as error:
            raise undecodable(source, encoding, error) from None


def chunks_of(source: Source, encoding: str) -> Iterator[str]:
    """Yield a file's text in pieces, for what has no lines.

    Raises:
        ImportProblem: Bytes that the encoding does not know, or a NUL.
    """
    raw = Watched(source, text=not _wide(encoding))
    with io.TextIOWrapper(io.BufferedReader(raw, _BUFFER), encoding, newline="") as stream:
        try:
            while part := stream.read(_BUFFER):
                yield part
        except UnicodeError as error:
            raise undecodable(source, encoding, error) from None


def too_long(source: Source, line: int) -> ImportProblem:
    """Return the error for a line, or cell, that no encoder could use."""
    return source.problem(
        f"one line is longer than {LIMIT:,} characters",
        "shorten its text, or remove the line",
        line,
    )


def undecodable(source: Source, encoding: str, error: UnicodeError) -> ImportProblem:
    """Return the error for bytes that an encoding does not know, with line and other encoding."""
    line, bad = _bad_place(source, encoding)
    other = "cp1252" if _is_utf8(encoding) else "utf-8"
    if encoding.lower() in ("cp1252", "windows-1252"):
        other = "latin-1"
    shown = f"the byte 0x{bad[0]:02X} is not" if bad else f"the bytes are not ({error})"
    return source.problem(
        f"{shown} {encoding}",
        f"choose another encoding, such as {other}, or mend that line",
        line,
    )


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def _bad_place(source: Source, encoding: str) -> tuple[int, bytes]:
    """Return the line and the byte that the decoder stopped at."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with source.path.open("rb") as file:
        while True:
            source.report.check()
            block = file.read(_BUFFER)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                good, bad = error.object[: error.start], error.object[error.start :]
                try:
                    text = codecs.getincrementaldecoder(encoding)().decode(good)
                except UnicodeError:
                    text = ""
                return line + _breaks(text), bad[:1]
            except UnicodeError:
                return line, b""
            if not block:
                return line, b""
            line += _breaks(text)


def _breaks(text: str) -> int:
    # A pair that two blocks share counts twice: nobody's files end lines so but on old systems.
    lone = text.count("\r") - text.count("\r\n")
    return text.count("\n") + (lone if "\n" not in text else 0)
