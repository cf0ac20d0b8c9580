"""A fetched GGUF file, converted once: plain safetensors from then on."""

import os
import sys
import time
from pathlib import Path

import filelock

from fineview.core.errors import ModelError
from fineview.core.files import disk_full, free_bytes, put_in_place, staging
from fineview.core.models.assets import verify
from fineview.core.models.catalog import Entry
from fineview.core.models.fetch_child import run_child
from fineview.core.models.vetting import vet
from fineview.core.progress import SILENT, Report

_ROOM = 6
"""Bytes of float32 weights for each byte of 4- to 8-bit ones, at most."""
_ALONE_S = 0.2


def is_gguf(entry: Entry) -> bool:
    """Return whether an entry must be converted before it can be loaded."""
    return any(member.name.endswith(".gguf") for member in entry.members)


def conversions(entry: Entry, cache: Path) -> tuple[Path, ...]:
    """Return the folders that were made of an entry, of whatever version of it."""
    found = (cache / "converted").glob(f"{entry.name}-*")
    return tuple(sorted(path for path in found if path.is_dir()))


def converted(entry: Entry, cache: Path, report: Report = SILENT) -> Path:
    """Return the folder of a GGUF entry's weights as safetensors in float32.

    The first call converts them, in a child process, some tens of seconds; later ones only look.

    Args:
        entry: Its one GGUF file is pinned by its sum; a user's own is never read.
        cache: Where fetched things lie; the folder goes to `converted/NAME-SUM`.
        report: Told of the seconds; may stop, and nothing half-written stays.

    Raises:
        ModelError: It was not fetched, is damaged, or cannot be converted.
        StoreError: The disk is full or cannot be written to.
        JobCancelled: Stop was pressed.
    """
    folder = verify(entry, cache, report.check)
    ((name, digest),) = entry.sums().items()
    goal = cache / "converted" / f"{entry.name}-{digest[:12]}"
    if not goal.is_dir():
        goal.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(goal.with_name(f"{goal.name}.lock"))
        _acquire(lock, report)
        try:
            if not goal.is_dir():  # another process may have been faster
                _convert(entry, folder / name, goal, report)
        finally:
            lock.release()
    return goal


def _acquire(lock: filelock.BaseFileLock, report: Report) -> None:
    while True:
        report.check()
        try:
            lock.acquire(timeout=_ALONE_S)
        except filelock.Timeout:
            report.progress(0, 0, "Another window converts this model")
        else:
            return


def _convert(entry: Entry, source: Path, goal: Path, report: Report) -> None:
    if free_bytes(goal.parent) < _ROOM * entry.size_bytes:
        raise disk_full(goal.parent, _ROOM * entry.size_bytes)
    began = time.monotonic()

    def watch() -> None:
        report.check()
        passed = time.monotonic() - began
        report.progress(0, 0, f"Converting {entry.title} once to safetensors: {passed:.0f} s")

    with staging(goal.parent) as folder:
        target, scratch = folder / "kept", folder / "scratch"
        target.mkdir()
        scratch.mkdir()
        command = [sys.executable, "-m", "fineview.core.models.gguf_child", str(source)]
        # No network, whatever the user has set; the rest of the environment finds the packages.
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        done = run_child([*command, str(target)], scratch, environment, watch)
        if done.status != 0:
            lines = done.text.strip().splitlines() or ["no reason given"]
            raise ModelError(
                f"{entry.title} cannot be converted ({lines[-1][:200]}): {entry.remedy()}, or "
                f"install fineview again."
            )
        vet(target)
        put_in_place(target, goal)
