"""Reads files of word vectors, block by block, and trusts nothing in them.

Formats: word2vec text and binary, GloVe text (no header), fastText `.vec`, each of them also
gzipped; and safetensors with its words beside it. Pickles, gensim's own format among them, are
refused: they can run programs.
"""

import gzip
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import DataError
from fineview.core.progress import SILENT, Report

WIDEST = 4096
"""Most numbers a word."""
_BLOCK = 4096
_SAMPLE = 1 << 18
_LONGEST_WORD = 1000
_HEADER = re.compile(rb"\s*(\d{1,18})[ \t]+(\d{1,9})[ \t]*\r?\n")
_TELL_ROWS = 3
_FEW = 20

Block = tuple[list[str], NDArray[np.float32]]


@dataclass(slots=True)
class _Faults:
    """Rows that were left out, by what is wrong with them."""

    file: Path
    unit: str = "line"
    rows: int = 0
    found: dict[str, list[int]] = field(default_factory=dict)

    def add(self, what: str, row: int) -> None:
        """Take note of a row, and give up where there are too many of them.

        Raises:
            DataError: More than one row in a hundred cannot be used.
        """
        self.found.setdefault(what, []).append(row)
        bad = sum(len(rows) for name, rows in self.found.items() if name != _TWICE)
        if bad > _FEW and bad > self.rows // 100:
            raise DataError(
                f"{self.file.name} does not look like word vectors: {bad} of its first "
                f"{self.rows:,} rows cannot be read, the last of them {self.unit} {row:,} ({what})."
            )

    def notes(self) -> list[str]:
        """Return a sentence for each kind of fault."""
        told = []
        for what, rows in self.found.items():
            first = ", ".join(f"{row:,}" for row in rows[:_TELL_ROWS])
            more = "" if len(rows) <= _TELL_ROWS else " …"
            plural = "" if len(rows) == 1 else "s"
            told.append(f"Left out {len(rows):,} row{plural}, {what}: {self.unit} {first}{more}.")
        return told


_TWICE = "the word stood there before"
_RAGGED = "another number of values"
_NOT_FINITE = "a value that is no number"
_ZERO = "all values 0"
_NO_WORD = "no word"


def read_vectors(
    file: Path,
    report: Report = SILENT,
    *,
    limit: int = 0,
    told: str = "",
    notes: list[str] | None = None,
) -> Iterator[Block]:
    """Read a file of word vectors.

    Args:
        file: Its format is found by what it holds, not by its name.
        report: Asked between blocks; told bytes read.
        limit: Only the first so many words; 0 for all.
        told: What the progress says.
        notes: Takes a sentence for each kind of row that was left out.

    Yields:
        Words, all different over all blocks, and (n, D) float32, finite and not 0.

    Raises:
        DataError: It is no file of vectors, is cut off, or holds a pickle; says where.
    """
    if file.suffix == ".safetensors":
        yield from _safetensors(file, report, limit, told, notes)
        return
    size = file.stat().st_size
    try:
        with file.open("rb", 1 << 20) as raw:
            stream: Any = raw
            packed = stream.peek(2)[:2] == b"\x1f\x8b"
            if packed:
                stream = io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 20)
            faults = _Faults(file)
            meter = _Meter(raw, size, report, told)
            rows = _open(stream, file, 0 if packed else size, faults, meter, limit)
            yield from _sound(rows, faults, limit)
            if notes is not None:
                notes += faults.notes()
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(
            f"{file.name} is cut off or damaged ({error}): copy or download it anew."
        ) from error
    except OSError as error:
        raise DataError(f"{file.name} cannot be read ({error.strerror or error}).") from error


@dataclass(slots=True)
class _Meter:
    """Tells how far a file is read, by the bytes on the disk."""

    raw: BinaryIO
    size: int
    report: Report
    told: str

    def tell(self) -> None:
        self.report.check()
        self.report.progress(self.raw.tell(), self.size, self.told)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows as they stand in the file, with their numbers."""

    words: list[str]
    values: NDArray[np.float32]
    numbers: list[int]


def _open(
    stream: io.BufferedReader, file: Path, size: int, faults: _Faults, meter: _Meter, limit: int
) -> Iterator[_Rows]:
    sample = stream.peek(_SAMPLE)[:_SAMPLE]
    if not sample:
        raise DataError(f"{file.name} is empty.")
    if sample[:1] == b"\x80" and sample[1:2] in b"\x02\x03\x04\x05":
        raise DataError(
            f"{file.name} is a pickle, as gensim's save() writes it, and a pickle can run "
            f"programs: write it with gensim's save_word2vec_format() and open that."
        )
    header = _HEADER.match(sample)
    if header is None:
        return _lines(stream, file, _width(sample, file), 0, faults, meter, 1)
    count, width = int(header.group(1)), int(header.group(2))
    if not count or not 0 < width <= WIDEST:
        raise DataError(
            f"{file.name} says in its first line that it holds {count:,} words of {width:,} "
            f"numbers: there must be words, with 1 to {WIDEST:,} numbers each."
        )
    text = _is_text(sample[header.end() :], width)
    least = count * (2 * width if text else 4 * width + 1)
    if size and not limit and least > size:
        raise DataError(
            f"{file.name} says in its first line that it holds {count:,} words of {width:,} "
            f"numbers, which take at least {_bytes(least)}, but it has {_bytes(size)}: it is cut "
            f"off or damaged."
        )
    stream.read(header.end())
    expected = min(count, limit) if limit else count
    if text:
        return _lines(stream, file, width, expected, faults, meter, 2)
    faults.unit = "row"
    return _binary(stream, file, width, expected, faults, meter)


def _width(sample: bytes, file: Path) -> int:
    """Return D of a file without header, from its first line."""
    line = sample.split(b"\n", 1)[0]
    fields = line.split()
    width = len(fields) - 1
    if not 1 <= width <= WIDEST or not all(_is_number(one) for one in fields[1:]):
        shown = line[:40].decode(errors="replace").strip()
        raise DataError(
            f"{file.name} does not look like word vectors: its first line is {shown!r}, and should "
            f"be a word with its numbers, or two numbers: of words, and of numbers a word."
        )
    return width


def _is_text(sample: bytes, width: int) -> bool:
    fields = sample.split(b"\n", 1)[0].split()
    return len(fields) > width and all(_is_number(one) for one in fields[-width:])


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _lines(
    stream: io.BufferedReader, file: Path, width: int, expected: int, faults: _Faults,
    meter: _Meter, number: int,
) -> Iterator[_Rows]:  # fmt: skip
    longest = _LONGEST_WORD + 64 * width
    done = 0
    while not expected or done < expected:
        meter.tell()
        lines: list[bytes] = []
        first = number
        while len(lines) < _BLOCK and (not expected or done + len(lines) < expected):
            line = stream.readline(longest)
            if not line:
                break
            if not line.endswith(b"\n") and len(line) == longest:
                raise DataError(
                    f"Line {number:,} of {file.name} has more than {longest:,} characters, too "
                    f"many for a word with {width:,} numbers: this is no file of word vectors."
                )
            number += 1
            lines.append(line)
        if not lines:
            break
        done += len(lines)
        faults.rows = done
        yield _parsed(lines, width, first, faults)
    if done < expected:
        raise _short(file, done, expected)


def _parsed(lines: list[bytes], width: int, first: int, faults: _Faults) -> _Rows:
    """Read lines at once where all are as they should be, else each alone."""
    parts = [line.strip(b" \t\r\n").partition(b" ") for line in lines]
    rests = [rest for _, _, rest in parts]
    if all(rest.count(b" ") == width - 1 for rest in rests):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # text that is no number
            values = np.fromstring(b" ".join(rests), dtype=np.float32, sep=" ")
        if len(values) == width * len(lines):
            words = [word.decode(errors="replace") for word, _, _ in parts]
            return _Rows(words, values.reshape(-1, width), list(range(first, first + len(lines))))
    words, numbers, rows = [], [], []
    for number, line in enumerate(lines, first):
        fields = line.split()
        if not fields:
            continue  # an empty line is no fault
        tail = fields[-width:]
        if len(fields) <= width or not all(_is_number(one) for one in tail):
            faults.add(_RAGGED, number)
            continue
        # A word may hold blanks itself, as some of GloVe's do; but not a number too many.
        head = fields[:-width]
        if len(head) > 1 and all(_is_number(one) for one in head[1:]):
            faults.add(_RAGGED, number)
            continue
        words.append(b" ".join(head).decode(errors="replace"))
        rows.append(np.array(tail, dtype=np.float32))
        numbers.append(number)
    values = np.stack(rows) if rows else np.empty((0, width), dtype=np.float32)
    return _Rows(words, values, numbers)


def _binary(
    stream: io.BufferedReader, file: Path, width: int, expected: int, faults: _Faults,
    meter: _Meter,
) -> Iterator[_Rows]:  # fmt: skip
    size = 4 * width
    held, place, done = b"", 0, 0
    while done < expected:
        meter.tell()
        words: list[str] = []
        vectors: list[bytes] = []
        while len(words) < _BLOCK and done + len(words) < expected:
            blank = held.find(b" ", place)
            if blank < 0 or len(held) < blank + 1 + size:
                if blank < 0 and len(held) - place > _LONGEST_WORD:
                    raise DataError(
                        f"Row {done + len(words) + 1:,} of {file.name} begins with no word: the "
                        f"file is damaged, or no word2vec binary."
                    )
                more = stream.read(1 << 20)
                if not more:
                    raise _short(file, done + len(words), expected)
                held, place = held[place:] + more, 0
                continue
            words.append(held[place:blank].strip(b"\n").decode(errors="replace"))
            vectors.append(held[blank + 1 : blank + 1 + size])
            place = blank + 1 + size
        values = np.frombuffer(b"".join(vectors), dtype="<f4").reshape(-1, width)
        numbers = list(range(done + 1, done + len(words) + 1))
        done += len(words)
        faults.rows = done
        yield _Rows(words, values.astype(np.float32, copy=False), numbers)


def _sound(rows: Iterator[_Rows], faults: _Faults, limit: int) -> Iterator[Block]:
    """Leave out what nobody can calculate with."""
    seen: set[str] = set()
    for part in rows:
        with np.errstate(over="ignore", invalid="ignore"):
            norms = np.linalg.norm(part.values, axis=1)
        keep = []
        for place, (word, norm) in enumerate(zip(part.words, norms.tolist(), strict=True)):
            if not word or "\n" in word:
                what = _NO_WORD
            elif word in seen:
                what = _TWICE
            elif not np.isfinite(norm):
                what = _NOT_FINITE
            elif norm == 0:
                what = _ZERO
            else:
                seen.add(word)
                keep.append(place)
                continue
            faults.add(what, part.numbers[place])
        if limit:
            keep = keep[: limit - (len(seen) - len(keep))]
        if keep:
            yield [part.words[place] for place in keep], part.values[keep]
        if limit and len(seen) >= limit:
            return


def _safetensors(
    file: Path, report: Report, limit: int, told: str, notes: list[str] | None
) -> Iterator[Block]:
    """Read a matrix whose words lie beside it: in `words.txt`, or in a text of its own name."""
    from safetensors import SafetensorError, safe_open

    beside = [file.with_suffix(".txt"), file.with_name("words.txt")]
    listing = next((one for one in beside if one.is_file()), None)
    if listing is None:
        raise DataError(
            f"{file.name} has no words: put them beside it as {beside[0].name} or {beside[1].name},"
            f" a word a line."
        )
    try:
        words = listing.read_bytes().decode(errors="replace").split("\n")
        words = [word.rstrip("\r") for word in words]
        if words[-1] == "":
            del words[-1]
        with safe_open(file, framework="numpy") as opened:
            tables = [n for n in opened.keys() if len(opened.get_slice(n).get_shape()) == 2]  # noqa: SIM118
            if len(tables) != 1:
                raise DataError(
                    f"{file.name} holds {len(tables)} matrices: exactly one, words × numbers, is "
                    f"needed."
                )
            part = opened.get_slice(tables[0])
            count, width = part.get_shape()
            if count != len(words):
                raise DataError(
                    f"{file.name} has {count:,} rows, but {listing.name} has {len(words):,} words."
                )
            if not 0 < width <= WIDEST:
                raise DataError(f"{file.name} has {width:,} numbers a word: 1 to {WIDEST:,} work.")
            faults = _Faults(file, unit="row")

            def rows() -> Iterator[_Rows]:
                for first in range(0, count, _BLOCK):
                    report.check()
                    report.progress(first, count, told)
                    last = min(first + _BLOCK, count)
                    faults.rows = last
                    values = np.asarray(part[first:last], dtype=np.float32)
                    yield _Rows(words[first:last], values, list(range(first + 1, last + 1)))

            yield from _sound(rows(), faults, limit)
    except SafetensorError as error:
        raise DataError(f"{file.name} is no safetensors file ({error}).") from error
    except OSError as error:
        raise DataError(f"{file.name} cannot be read ({error.strerror or error}).") from error
    if notes is not None:
        notes += faults.notes()


def _short(file: Path, done: int, expected: int) -> DataError:
    return DataError(
        f"{file.name} ends after {done:,} of {expected:,} words: it is cut off; copy or download "
        f"it anew."
    )


def _bytes(size: int) -> str:
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size} bytes"
