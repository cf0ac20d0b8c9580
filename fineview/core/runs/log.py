"""The event log: one event a line, each with its own checksum.

A line is compact JSON, a tab, eight hexadecimal digits of CRC-32 and a newline. JSON holds no raw
tab or newline, so a damaged line cannot swallow its neighbours, and a line that a crash tore has no
newline.

Source:
    The record format follows TensorBoard's event files (length, data, CRC), as readable text.
"""

import os
import time
import types
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from fineview.core.errors import RunError, StoreError
from fineview.core.files import write_error
from fineview.core.runs.plain import dump_json, load_object
from fineview.core.training.events import EVENT_TYPES, Event

EVENTS = "events.jsonl"
SYNC_SECONDS = 2.0
_STEP_MARK = b'"type":"TrainStep"'
_HINTS: dict[str, dict[str, Any]] = {
    name: get_type_hints(kind) for name, kind in EVENT_TYPES.items()
}


@dataclass(frozen=True, slots=True)
class LogContents:
    """What a log holds.

    Attributes:
        events: Every readable event in the order of writing, superseded ones included.
        bad_lines: Whole lines that were damaged and left out.
        last_seq: Number of the last readable event, 0 if there is none.
        size: Bytes of whole lines; what comes after them was torn by a crash.
    """

    events: tuple[Event, ...]
    bad_lines: int
    last_seq: int
    size: int


def encode(seq: int, event: Event) -> bytes:
    """Return one line of the log.

    Args:
        seq: Number of the event in its run, from 1.
        event: NaN and infinities in it become null.
    """
    values: dict[str, object] = {"seq": seq, "type": type(event).__name__}
    for field in fields(event):
        values[field.name] = getattr(event, field.name)
    body = dump_json(values)
    return b"%b\t%08x\n" % (body, zlib.crc32(body))


def decode(body: bytes) -> tuple[int, Event]:
    """Return number and event of a line without its checksum.

    Fields that this version does not know are left out: a newer one may have written them.

    Raises:
        ValueError: It is no event.
    """
    values = load_object(body)
    kind = EVENT_TYPES.get(str(values.get("type")))
    if kind is None:
        raise ValueError(f"no event is called {values.get('type')!r}")
    seq = _convert(int, values.get("seq"))
    hints = _HINTS[kind.__name__]
    known = {name: _convert(hints[name], values[name]) for name in hints if name in values}
    try:
        return seq, kind(**known)
    except TypeError as error:  # a field without a default is not there
        raise ValueError(str(error)) from None


def _convert(hint: Any, value: Any) -> Any:  # noqa: ANN401 - a type hint and JSON
    if isinstance(hint, types.UnionType):
        if value is None:
            return None
        hint = next(part for part in get_args(hint) if part is not types.NoneType)
    if hint is float and value is None:
        return float("nan")
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{str(value)[:20]}… is too large") from None
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{str(value)[:20]} is no list")
        return tuple(_convert(get_args(hint)[0], part) for part in value)
    if get_origin(hint) is Literal:
        fits = value in get_args(hint)
    else:
        fits = isinstance(value, hint) and isinstance(value, bool) == (hint is bool)
    if not fits:
        raise ValueError(f"{value!r} is not of the kind {hint}")
    return value


def read_log(path: Path, *, steps: bool = True) -> LogContents:
    """Read what is readable; a missing file is an empty log.

    Args:
        path: The file; another thread may be appending to it.
        steps: False decodes only the last of each series of `TrainStep`: enough for a summary and
            many times faster. All checksums are compared in either case.

    Raises:
        StoreError: The file cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise StoreError(
            f"The event log {path} cannot be read ({error.strerror}): check the disk."
        ) from error
    size = _whole(data)
    events: list[Event] = []
    bad = last = 0
    waiting = b""  # a TrainStep that is worth decoding only if it is the last of its series
    for line in data[:size].split(b"\n"):
        for body in _bodies(line):
            if body is None:
                bad += 1
                continue
            if not steps and _STEP_MARK in body:
                waiting = body
                continue
            for pending in (waiting, body) if waiting else (body,):
                bad, last = _keep(events, pending, bad, last)
            waiting = b""
    if waiting:
        bad, last = _keep(events, waiting, bad, last)
    return LogContents(tuple(events), bad, last, size)


def _whole(data: bytes) -> int:
    """Return the bytes of whole lines; a last line whose newline was damaged is whole, too."""
    size = data.rfind(b"\n") + 1
    cut = data.find(b"\t", size)
    if 0 <= cut < len(data) - 9 and next(_bodies(data[size:])) is not None:
        return len(data)
    return size


def _keep(events: list[Event], body: bytes, bad: int, last: int) -> tuple[int, int]:
    try:
        seq, event = decode(body)
    except ValueError:  # written by a newer version, or by nobody
        return bad + 1, last
    events.append(event)
    return bad, max(last, seq)


def _bodies(line: bytes) -> Iterator[bytes | None]:
    """Yield the records of a line whose checksums hold, and None for what is damaged.

    A line has one record, but two where the newline between them was damaged.
    """
    while line:
        cut = line.find(b"\t")
        body, crc = line[:cut], line[cut + 1 : cut + 9]
        if cut < 0 or crc != b"%08x" % zlib.crc32(body):
            yield None
            return
        yield body
        if len(line) > cut + 9:
            yield None
        line = line[cut + 10 :]


class EventLog:
    """Appends to the log of one run; each line is in the kernel when `append` returns.

    A process that is killed after that loses nothing; a power cut loses at most two seconds.
    """

    def __init__(self, path: Path, *, seq: int = 0, size: int = 0) -> None:
        """Open the log.

        Args:
            path: The file; made if it is missing.
            seq: Number of the last event in it.
            size: Bytes of whole lines in it; a torn rest is cut off.

        Raises:
            StoreError: It cannot be written to.
        """
        self.path = path
        self._seq = seq
        self._size = size
        self._torn = True  # until the rest is cut off
        self._synced = time.monotonic()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            self._file: int | None = os.open(path, flags, 0o600)
        except OSError as error:
            raise write_error(error, path.parent) from error
        try:
            self._mend(self._file)
        except StoreError:
            self.close()
            raise

    def append(self, event: Event) -> None:
        """Write one line with one call.

        Raises:
            StoreError: The disk is full or fails. The log is as before, and further events may be
                tried.
            RunError: The log was closed.
        """
        file = self._file
        if file is None:
            raise RunError(f"The run {self.path.parent.name} is closed: resume it to go on.")
        line = encode(self._seq + 1, event)
        self._mend(file)
        try:
            written = os.write(file, line)
            if written < len(line):  # the disk took a part: ask it again why not the rest
                self._torn = True
                written += os.write(file, line[written:])
        except OSError as error:
            self._torn = True
            self._mend(file)
            raise write_error(error, self.path.parent, len(line)) from error
        if written < len(line):
            self._mend(file)
            raise StoreError(
                f"The disk took only a part of a line in {self.path.parent}: free space there, or "
                f"choose another folder with --workspace."
            )
        self._torn = False
        self._seq += 1
        self._size += len(line)
        if time.monotonic() - self._synced >= SYNC_SECONDS:
            self.sync()

    def _mend(self, file: int) -> None:
        """Cut off a partly written line: what is appended behind one would be lost with it."""
        if not self._torn:
            return
        try:
            os.ftruncate(file, self._size)
        except OSError as error:
            raise write_error(error, self.path.parent) from error
        self._torn = False

    def sync(self) -> None:
        """Make all lines survive a power cut.

        Raises:
            StoreError: The disk fails.
        """
        if self._file is None:
            return
        try:
            os.fsync(self._file)
        except OSError as error:
            raise write_error(error, self.path.parent) from error
        self._synced = time.monotonic()

    def close(self) -> None:
        """Give the file back; calling it again does nothing."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
