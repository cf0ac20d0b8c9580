"""Folders of runs: which there are, whether they changed, moving them to the trash and back."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from fineview.core.errors import RunError
from fineview.core.files import sync_folder, write_error
from fineview.core.runs.log import EVENTS
from fineview.core.runs.plain import load_object
from fineview.core.runs.record import CONFIG

TRASHED = "trashed.json"
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


def run_folders(place: Path) -> tuple[Path, ...]:
    """Return the folders in `place` that may be runs, in no order."""
    try:
        with os.scandir(place) as entries:
            names = [e.name for e in entries if RUN_ID.fullmatch(e.name) and e.is_dir()]
    except OSError:
        return ()
    return tuple(place / name for name in names)


def stamp_of(folder: Path) -> str:
    """Return sizes and times that change whenever the run's summary may; "" if it is gone."""
    try:
        parts = [os.stat(folder).st_mtime_ns]
    except OSError:
        return ""
    for name in (EVENTS, CONFIG):
        try:
            found = os.stat(f"{folder}/{name}")
            parts += [found.st_size, found.st_mtime_ns]
        except OSError:
            parts += [-1, -1]
    return ":".join(map(str, parts))


def move(folder: Path, target: Path) -> None:
    """Move a run to another place of the same workspace.

    Raises:
        RunError: There is a run of this name already.
        StoreError: The disk is read-only.
    """
    if target.exists():
        raise RunError(f"There is a run {target.name} in {target.parent} already: delete one.")
    try:
        os.rename(folder, target)
        sync_folder(folder.parent)
        sync_folder(target.parent)
    except OSError as error:
        raise write_error(error, target.parent) from error


def trashed_at(folder: Path) -> datetime:
    """Return when a run was moved to the trash, UTC."""
    try:
        when = datetime.fromisoformat(load_object((folder / TRASHED).read_bytes())["when"])
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    except (OSError, ValueError, KeyError, TypeError):
        try:
            # The move itself sets the time of the folder's last change of name.
            return datetime.fromtimestamp(os.stat(folder).st_ctime, UTC)
        except OSError:
            return datetime.now(UTC)
