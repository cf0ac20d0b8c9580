"""Files written whole or not at all, and their sums."""

import contextlib
import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from fineview.core.errors import StoreError

CHUNK = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def atomic_write(path: Path, data: bytes) -> None:
    """Replace the file `path` by `data`: a reader, or a crash, sees the old file or the new one.

    Args:
        path: File in any folder; missing folders are made.
        data: The whole content.

    Raises:
        StoreError: The disk is full, or the folder cannot be written to. The old file stands and
            nothing temporary is left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise write_error(error, path.parent, len(data)) from error
    finally:
        # After the replacement there is nothing left of this name.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_stream(path: Path) -> Iterator[TextIO]:
    """Lend a text file (UTF-8) that replaces `path` when the block ends without an error.

    Args:
        path: File in any folder; missing folders are made.

    Raises:
        StoreError: As `atomic_write`. After any error the old file stands and nothing temporary is
            left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Many small writes would keep other threads waiting, the window's among them.
        with temporary.open("x", CHUNK, encoding="utf-8", errors="replace", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise write_error(error, path.parent) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-?[\d.,]*\d[\d.,]*(?:[eE][+-]?\d+)?%?")


def spreadsheet_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula (CWE-1236); numbers stay numbers."""
    if text.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def is_abandoned(folder: Path, pid: int) -> bool:
    """Return whether the process that made a temporary folder is gone.

    Args:
        folder: The folder.
        pid: The number that the process had, from the folder's name.
    """
    import psutil

    try:
        # A process that is younger than the folder only has the number of the dead one.
        return bool(psutil.Process(pid).create_time() >= folder.stat().st_mtime + 1)
    except (psutil.Error, OSError, ValueError):
        return True


def delete_temporary(folder: Path) -> None:
    """Remove a folder that is only temporary; a second try helps where files are still closing."""
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


@contextlib.contextmanager
def staging(home: Path) -> Iterator[Path]:
    """Lend a folder beside those that are finished; it is gone after the block unless moved."""
    home.mkdir(parents=True, exist_ok=True)
    for left in home.glob(".new-*"):
        pid = left.name.split("-")[1]
        if pid.isdigit() and is_abandoned(left, int(pid)):
            delete_temporary(left)
    folder = home / f".new-{os.getpid()}-{os.urandom(4).hex()}"
    folder.mkdir()
    try:
        yield folder
    finally:
        if folder.exists():
            delete_temporary(folder)


def put_in_place(folder: Path, goal: Path) -> None:
    """Move a finished folder to its name; one that is there already is replaced."""
    try:
        if goal.exists():
            shutil.rmtree(goal)
        os.replace(folder, goal)
    except OSError as error:
        raise write_error(error, goal.parent) from error


def sync_folder(folder: Path) -> None:
    """Make new names in `folder` survive a power cut, where the system can do that."""
    if os.name == "nt":  # Windows opens no folders.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_error(error: OSError, folder: Path, needed: int = 0) -> StoreError:
    """Return a failed write as one sentence with a remedy.

    Args:
        error: What the system said.
        folder: Where the file was to go.
        needed: Bytes that were to be written, 0 if unknown.
    """
    if error.errno in _FULL:
        return disk_full(folder, needed)
    if error.errno in _FORBIDDEN:
        return StoreError(
            f"The folder {folder} cannot be written to ({error.strerror}): change its permissions, "
            f"or choose another folder with --workspace or FINEVIEW_CACHE."
        )
    return StoreError(
        f"Writing to the folder {folder} failed ({error.strerror or error}): check the disk, or "
        f"choose another folder with --workspace or FINEVIEW_CACHE."
    )


def disk_full(folder: Path, needed: int = 0) -> StoreError:
    """Return the error for a folder that cannot take `needed` more bytes (0: unknown)."""
    size = f"{max(1, round(needed / 1e6)):,} MB free " if needed else "more free space "
    return StoreError(
        f"The disk is full: fineview needs {size}in {folder}; free space there, or set "
        f"FINEVIEW_CACHE or --workspace to a folder on another disk."
    )


def sha256_file(path: Path, check: Callable[[], None] | None = None) -> str:
    """Return the sha256 of a file in hexadecimal.

    Args:
        path: An ordinary file.
        check: Called every mebibyte; may raise to stop.

    Raises:
        StoreError: The file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(CHUNK):
                digest.update(block)
                if check is not None:
                    check()
    except OSError as error:
        raise StoreError(
            f"The file {path} cannot be read ({error.strerror}): check that it exists and may be "
            f"read."
        ) from error
    return digest.hexdigest()


def free_bytes(path: Path) -> int:
    """Return the bytes that may still be written on the disk that holds `path`.

    Args:
        path: A file or folder; it need not exist yet.

    Raises:
        StoreError: The disk cannot be asked.
    """
    place = path.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        return shutil.disk_usage(place).free
    except OSError as error:
        raise StoreError(
            f"The free space of {place} cannot be read ({error.strerror}): choose another folder."
        ) from error
