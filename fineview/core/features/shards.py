"""One folder of hidden states: its manifest, the order of its rows, and how shards are written."""

import io
import json
import math
import os
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import StoreError
from fineview.core.files import atomic_write, write_error

FORMAT = 1
DATA = "states.bin"
ROWS = "rows.npy"
MANIFEST = "manifest.json"
DTYPES = ("float32", "float16")


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of an entry.

    Attributes:
        rows: M, texts, pairs or words.
        depth: L, blocks of the encoder.
        width: D.
        dtype: `float32` or `float16`.
    """

    rows: int
    depth: int
    width: int
    dtype: str

    @property
    def dimensions(self) -> tuple[int, int, int, int]:
        """Return (M, L+1, 3, D)."""
        return (self.rows, self.depth + 1, 3, self.width)

    @property
    def row_bytes(self) -> int:
        """Return the bytes of one row."""
        return math.prod(self.dimensions[1:]) * np.dtype(self.dtype).itemsize

    @property
    def bytes(self) -> int:
        """Return the bytes of all rows."""
        return self.rows * self.row_bytes


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Which rows there are and in which order they are computed.

    Attributes:
        items: (M,) item of the task that each row belongs to, ascending.
        order: (M,) row numbers in the order of computation.
        shards: Rows of each shard; their sum is M.
    """

    items: NDArray[np.int64]
    order: NDArray[np.int64]
    shards: tuple[int, ...]

    def rows_of(self, shard: int) -> NDArray[np.int64]:
        """Return the row numbers of a shard, in the order of computation."""
        first = sum(self.shards[:shard])
        return self.order[first : first + self.shards[shard]]

    def to_bytes(self) -> bytes:
        """Return `rows.npy`."""
        file = io.BytesIO()
        np.save(file, np.stack([self.items, self.order]), allow_pickle=False)
        return file.getvalue()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an entry holds.

    Attributes:
        key: Name of the folder.
        title: What it is, for people.
        shape: Its size.
        shards: Rows of each shard.
        sums: crc32 of each shard that is there, else None.
        rows_sum: crc32 of `rows.npy`.
        truncated: Texts that were cut.
        dropped_words: Words without a row.
    """

    key: str
    title: str
    shape: Shape
    shards: tuple[int, ...]
    sums: tuple[int | None, ...]
    rows_sum: int
    truncated: int
    dropped_words: int

    @property
    def complete(self) -> bool:
        """Return True where every shard is there."""
        return None not in self.sums

    def write(self, folder: Path) -> None:
        """Replace the manifest of a folder.

        Raises:
            StoreError: The disk is full or the folder cannot be written to.
        """
        values = {"format": FORMAT, **asdict(self)}
        atomic_write(folder / MANIFEST, json.dumps(values).encode())

    @classmethod
    def read(cls, folder: Path) -> "Manifest | None":
        """Return the manifest of a folder; None where there is none that makes sense."""
        try:
            values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            if values.pop("format") != FORMAT:
                return None
            shape = Shape(**values.pop("shape"))
            shards = tuple(int(n) for n in values.pop("shards"))
            sums = tuple(None if n is None else int(n) for n in values.pop("sums"))
            manifest = cls(shape=shape, shards=shards, sums=sums, **values)
            sound = (
                manifest.key == folder.name
                and len(shards) == len(sums) > 0
                and min(shape.rows, shape.depth, shape.width, *shards) > 0
                and sum(shards) == shape.rows
                and shape.dtype in DTYPES
                and all(type(n) is int for n in (values["rows_sum"], values["truncated"]))
                and type(values["dropped_words"]) is int
            )
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        return manifest if sound else None


def read_plan(folder: Path, manifest: Manifest) -> Plan | None:
    """Return the order of rows of a folder; None where the file does not agree with its sum."""
    try:
        data = (folder / ROWS).read_bytes()
        if zlib.crc32(data) != manifest.rows_sum:
            return None
        table = np.load(io.BytesIO(data), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if table.shape != (2, manifest.shape.rows) or table.dtype != np.int64:
        return None
    return Plan(items=table[0], order=table[1], shards=manifest.shards)


def has_full_size(folder: Path, shape: Shape) -> bool:
    """Return True where the data file has the size that its manifest says."""
    try:
        return (folder / DATA).stat().st_size == shape.bytes
    except OSError:
        return False


def map_states(folder: Path, shape: Shape) -> "np.memmap[Any, np.dtype[Any]]":
    """Map the data file for reading; its size must have been checked.

    Raises:
        StoreError: It cannot be opened.
    """
    try:
        return np.memmap(folder / DATA, dtype=shape.dtype, mode="r", shape=shape.dimensions)
    except (OSError, ValueError) as error:
        raise StoreError(
            f"The hidden states in {folder} cannot be read ({error}): clear the cache of features."
        ) from error


def agrees(
    states: NDArray[Any], plan: Plan, manifest: Manifest, shard: int, check: Callable[[], None]
) -> bool:
    """Return True where a shard is there and has its sum."""
    expected = manifest.sums[shard]
    if expected is None:
        return False
    check()
    return zlib.crc32(np.ascontiguousarray(states[plan.rows_of(shard)]).data) == expected


class ShardWriter:
    """Writes the shards that are missing; used in a `with` block that holds the entry's lock.

    Rows are written with ordinary positional writes: a full disk is an error that can be told,
    where writing to mapped memory would end the process (SIGBUS).
    """

    def __init__(self, folder: Path, manifest: Manifest, plan: Plan) -> None:
        self._folder = folder
        self._manifest = manifest
        self._plan = plan
        self._file: BinaryIO | None = None
        self._shard = -1
        self._rows: NDArray[np.int64] = plan.order[:0]
        self._sum = 0

    def __enter__(self) -> Self:
        """Open the data file, making it as long as it will be (sparse where the system can)."""
        path = self._folder / DATA
        try:
            if not path.exists():
                with path.open("xb") as file:
                    file.truncate(self._manifest.shape.bytes)
            self._file = path.open("r+b", buffering=0)
        except OSError as error:
            raise write_error(error, self._folder, self._manifest.shape.bytes) from error
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; what was not finished does not count."""
        if self._file is not None:
            self._file.close()

    def has(self, shard: int) -> bool:
        """Return True where a shard need not be computed."""
        return self._manifest.sums[shard] is not None

    @property
    def complete(self) -> bool:
        """Return True where no shard is missing any more."""
        return self._manifest.complete

    def begin(self, shard: int) -> None:
        """Start a shard."""
        self._shard = shard
        self._rows = self._plan.rows_of(shard)
        self._sum = 0

    def write(self, block: NDArray[Any]) -> None:
        """Write the next rows of the shard.

        Args:
            block: (n, L+1, 3, D) in the entry's dtype.

        Raises:
            StoreError: The disk is full.
        """
        assert self._file is not None
        block = np.ascontiguousarray(block)
        self._sum = zlib.crc32(block.data, self._sum)
        size = self._manifest.shape.row_bytes
        rows, self._rows = self._rows[: len(block)], self._rows[len(block) :]
        try:
            first = 0
            # Neighbouring rows go out in one write.
            for last in [*(np.flatnonzero(np.diff(rows) != 1) + 1), len(rows)]:
                self._file.seek(int(rows[first]) * size)
                left = block[first:last].data.cast("B")
                while left:
                    left = left[self._file.write(left) :]
                first = int(last)
        except OSError as error:
            missing = sum(
                n
                for n, s in zip(self._manifest.shards, self._manifest.sums, strict=True)
                if s is None
            )
            raise write_error(error, self._folder, missing * size) from error

    def finish(self) -> None:
        """Say in the manifest that the shard is there.

        Raises:
            StoreError: The disk is full.
        """
        assert self._file is not None
        assert len(self._rows) == 0, "a shard was finished before all of its rows were written"
        sums = list(self._manifest.sums)
        sums[self._shard] = self._sum
        self._manifest = replace(self._manifest, sums=tuple(sums))
        if self._manifest.complete:
            # A complete entry is trusted with fewer sums, so its data must have reached the disk.
            try:
                os.fsync(self._file.fileno())
            except OSError as error:
                raise write_error(error, self._folder, self._manifest.shape.bytes) from error
        self._manifest.write(self._folder)
