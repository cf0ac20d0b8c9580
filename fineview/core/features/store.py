"""Hidden states on disk: one folder for each key, written shard by shard, read by memory mapping.

A folder holds `states.bin` (rows in the order of the task's items), `rows.npy` (which item each row
belongs to, and the order in which rows are computed) and `manifest.json` (which shards are there,
with a crc32 each; replaced whole after every shard, so that a kill leaves a shard in or out).
"""

import contextlib
import os
import shutil
import time
import weakref
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import filelock
import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import StoreError
from fineview.core.features.shards import (
    DATA,
    MANIFEST,
    ROWS,
    Manifest,
    Plan,
    Shape,
    ShardWriter,
    agrees,
    has_full_size,
    map_states,
    read_plan,
)
from fineview.core.files import atomic_write, disk_full, free_bytes, write_error
from fineview.core.progress import SILENT, Report

LIMIT_BYTES = 20 << 30
VERIFY_WHOLE = 64 << 20
"""Complete entries up to this size are read whole when first opened; of larger ones two shards."""
RESERVE = 64 << 20
"""Bytes of the disk that are left to others."""
LOCK_POLL_S = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A complete entry, open for reading.

    Attributes:
        states: (M, L+1, 3, D), a read-only memory map.
        items: (M,) item of the task that each row belongs to, ascending.
        manifest: What is known of it.
    """

    states: NDArray[Any]
    items: NDArray[np.int64]
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """One folder of the store, for people.

    Attributes:
        key: Name of the folder.
        title: What it holds.
        bytes: Size on disk.
        rows: M; 0 where the manifest is damaged.
        complete: False where a computation was stopped.
        used: When it was last used, seconds since 1970.
    """

    key: str
    title: str
    bytes: int
    rows: int
    complete: bool
    used: float


class FeatureStore:
    """The hidden states in a cache folder; safe for several threads and processes.

    Attributes:
        folder: Where the entries lie.
        limit_bytes: Above this size the entries that were not used for longest are removed.
    """

    def __init__(self, cache: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = cache / "features"
        self.limit_bytes = limit_bytes
        self._verified: dict[str, tuple[int, int]] = {}
        # On POSIX a removed file stays readable while it is mapped; elsewhere it cannot be removed.
        self._mapped: weakref.WeakValueDictionary[str, NDArray[Any]] = weakref.WeakValueDictionary()

    def open(self, key: str, report: Report = SILENT) -> Stored | None:
        """Return a complete entry; None where there is none, or where it is damaged.

        Args:
            key: Name of the entry.
            report: Asked between shards that are read for their sums.
        """
        folder = self.folder / key
        manifest = Manifest.read(folder)
        if manifest is None or not manifest.complete or not has_full_size(folder, manifest.shape):
            return None
        plan = read_plan(folder, manifest)
        if plan is None:
            return None
        states = map_states(folder, manifest.shape)
        identity = _identity(folder)
        if self._verified.get(key) != identity:
            last = len(manifest.shards) - 1
            whole = manifest.shape.bytes <= VERIFY_WHOLE
            for shard in range(last + 1) if whole else sorted({0, last}):
                if not agrees(states, plan, manifest, shard, report.check):
                    return None
            self._verified[key] = identity
        with contextlib.suppress(OSError):  # a cache that can only be read still serves
            os.utime(folder / MANIFEST)
        self._mapped[key] = states
        return Stored(states, plan.items, manifest)

    @contextlib.contextmanager
    def writing(
        self,
        key: str,
        title: str,
        shape: Shape,
        plan: Plan,
        *,
        truncated: int = 0,
        dropped_words: int = 0,
        report: Report = SILENT,
    ) -> Iterator[ShardWriter]:
        """Hold the entry's lock and hand out a writer that knows which shards are there already.

        Args:
            key: Name of the entry.
            title: What it holds, for people.
            shape: Its size.
            plan: Rows and shards; shards of an earlier attempt count only if it had the same plan.
            truncated: Texts that were cut.
            dropped_words: Words without a row.
            report: Asked while waiting for another process and while sums are read.

        Raises:
            StoreError: The disk is full, the entry is larger than the limit, or the folder cannot
                be written to.
        """
        folder = self.folder / key
        rows = plan.to_bytes()
        fresh = Manifest(
            key=key,
            title=title,
            shape=shape,
            shards=plan.shards,
            sums=(None,) * len(plan.shards),
            rows_sum=zlib.crc32(rows),
            truncated=truncated,
            dropped_words=dropped_words,
        )
        with self._locked(key, report.check):
            manifest = self._resumable(folder, fresh, plan, report.check)
            if manifest is None:
                manifest = fresh
                _remove(folder)
            self._make_room(folder, shape)
            atomic_write(folder / ROWS, rows)
            manifest.write(folder)
            with ShardWriter(folder, manifest, plan) as writer:
                yield writer
            if writer.complete:
                # Its sums were taken from the very rows; reading them back would tell no more.
                self._verified[key] = _identity(folder)

    def _resumable(
        self, folder: Path, fresh: Manifest, plan: Plan, check: Callable[[], None]
    ) -> Manifest | None:
        """Return the manifest of an earlier attempt, with only the shards whose sums agree."""
        found = Manifest.read(folder)
        if (
            found is None
            or (found.shape, found.shards, found.rows_sum)
            != (fresh.shape, fresh.shards, fresh.rows_sum)
            or not has_full_size(folder, fresh.shape)
        ):
            return None
        states = map_states(folder, fresh.shape)
        return replace(
            fresh,
            sums=tuple(
                found.sums[shard] if agrees(states, plan, found, shard, check) else None
                for shard in range(len(found.shards))
            ),
        )

    @contextlib.contextmanager
    def _locked(self, key: str, check: Callable[[], None]) -> Iterator[None]:
        """Hold an entry's lock; the system frees it if this process is killed."""
        lock = filelock.FileLock(self.folder / f"{key}.lock")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            while True:
                check()
                try:
                    lock.acquire(timeout=0)
                    break
                except filelock.Timeout:
                    time.sleep(LOCK_POLL_S)
        except OSError as error:
            raise write_error(error, self.folder) from error
        try:
            yield
        finally:
            lock.release()

    def _make_room(self, folder: Path, shape: Shape) -> None:
        """Remove the entries that were not used for longest, then look at the disk itself.

        Raises:
            StoreError: It will not fit.
        """
        if shape.bytes > self.limit_bytes:
            raise StoreError(
                f"The hidden states of this task need {shape.bytes / 1e9:.1f} GB, more than the "
                f"{self.limit_bytes / 1e9:.1f} GB that the cache may take: use fewer texts, or "
                f"raise the limit."
            )
        others = sorted((e for e in self.entries() if e.key != folder.name), key=lambda e: e.used)
        total = sum(entry.bytes for entry in others)
        for entry in others:
            if total + shape.bytes <= self.limit_bytes:
                break
            if self._discard(entry.key):
                total -= entry.bytes
        missing = shape.bytes - _disk_bytes(folder)
        if missing > 0 and free_bytes(folder) < missing + RESERVE:
            raise disk_full(folder, missing + RESERVE)

    def _discard(self, key: str) -> bool:
        """Remove an entry unless it is in use; return whether it is gone."""
        if key in self._mapped:
            return False
        lock = filelock.FileLock(self.folder / f"{key}.lock")
        try:
            lock.acquire(timeout=0)
        except (filelock.Timeout, OSError):
            return False
        try:
            _remove(self.folder / key)
        except StoreError:
            return False
        finally:
            lock.release()
            with contextlib.suppress(OSError):
                os.unlink(self.folder / f"{key}.lock")
        return True

    def entries(self) -> tuple[StoreEntry, ...]:
        """Return what the store holds, most recently used first."""
        found = []
        for folder in self._folders():
            manifest = Manifest.read(folder)
            try:
                used = (folder / MANIFEST if manifest else folder).stat().st_mtime
            except OSError:  # removed by another process just now
                continue
            found.append(
                StoreEntry(
                    key=folder.name,
                    title=manifest.title if manifest else "Damaged",
                    bytes=_disk_bytes(folder),
                    rows=manifest.shape.rows if manifest else 0,
                    complete=manifest.complete if manifest else False,
                    used=used,
                )
            )
        return tuple(sorted(found, key=lambda entry: -entry.used))

    def _folders(self) -> list[Path]:
        try:
            return [path for path in self.folder.iterdir() if path.is_dir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(
                f"The cache {self.folder} cannot be read ({error.strerror}): change its "
                f"permissions, or set FINEVIEW_CACHE to another folder."
            ) from error

    def size_bytes(self) -> int:
        """Return the size of all entries on disk."""
        return sum(_disk_bytes(folder) for folder in self._folders())

    def clear(self) -> int:
        """Remove every entry that is not in use.

        Returns:
            Bytes that were freed.
        """
        return sum(entry.bytes for entry in self.entries() if self._discard(entry.key))


def _identity(folder: Path) -> tuple[int, int]:
    """Return what changes when the data file is replaced or written to."""
    stat = (folder / DATA).stat()
    return (stat.st_ino, stat.st_mtime_ns)


def _disk_bytes(folder: Path) -> int:
    """Return the bytes that the files of a folder take; less than their length where sparse."""
    total = 0
    with contextlib.suppress(OSError):
        for file in folder.iterdir():
            stat = file.stat()
            blocks = getattr(stat, "st_blocks", None)
            total += stat.st_size if blocks is None else blocks * 512
    return total


def _remove(folder: Path) -> None:
    """Take a folder away in one step, then delete it: nobody sees half of it."""
    if not folder.exists():
        return
    away = folder.with_name(f"{folder.name}.removed-{os.getpid()}-{time.monotonic_ns()}")
    try:
        os.replace(folder, away)
    except OSError as error:
        raise write_error(error, folder.parent) from error
    shutil.rmtree(away, ignore_errors=True)
