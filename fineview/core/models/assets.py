"""Files are what their sums say: each is read through once, then remembered by size and time."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from fineview.core.errors import ModelError, StoreError
from fineview.core.files import atomic_write, sha256_file
from fineview.core.models.catalog import Entry, fetched_path, installed_path


def verify(entry: Entry, cache: Path, check: Callable[[], None] | None = None) -> Path:
    """Return the path of an entry whose files have the sums of the catalogue.

    Args:
        entry: What to find, installed or fetched.
        cache: Folder where fetched things lie and verified sums are remembered.
        check: Called while reading; may raise to stop.

    Raises:
        ModelError: The package is missing, the thing was not fetched, or a file is not the one
            that the catalogue names.
    """
    installed = entry.origin == "installed"
    path = installed_path(entry) if installed else fetched_path(entry, cache)
    for name, expected in entry.sums().items():
        file = path / name if name else path
        if not file.is_file():
            raise ModelError(f"{entry.title} lacks its file {file}: {entry.remedy()}.")
        found = remembered_sum(file, cache, check)
        if found != expected:
            raise ModelError(
                f"The file {file} of {entry.title} is not the expected one (sha256 {found[:12]}…, "
                f"not {expected[:12]}…): {entry.remedy()}."
            )
    return path


def remembered_sum(file: Path, cache: Path, check: Callable[[], None] | None = None) -> str:
    """Return the sha256 of a file, read once for each path, size and time of change.

    Args:
        file: An ordinary file.
        cache: Folder of the stamps. Where it cannot be written, sums are only not remembered.
        check: Called while reading; may raise to stop.

    Raises:
        ModelError: The file cannot be read.
    """
    try:
        stat = file.stat()
        identity = [str(file.resolve()), stat.st_size, stat.st_mtime_ns]
    except OSError as error:
        raise ModelError(
            f"The file {file} cannot be read ({error.strerror}): check that it exists and may be "
            f"read."
        ) from error
    name = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
    stamp = cache / "stamps" / f"{name}.json"
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(stamp.read_text(encoding="utf-8"))
        if isinstance(known, dict) and known.get("file") == identity:
            digest = known.get("sha256")
            if isinstance(digest, str) and len(digest) == 64:
                return digest
    try:
        digest = sha256_file(file, check)
    except StoreError as error:
        raise ModelError(str(error)) from error
    # A file that is being written to has a sum of one moment only.
    if os.stat(file).st_mtime_ns == stat.st_mtime_ns:
        with contextlib.suppress(StoreError):
            atomic_write(stamp, json.dumps({"file": identity, "sha256": digest}).encode())
    return digest
