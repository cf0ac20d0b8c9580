"""The index of runs: SQLite, and nothing in it that the folders do not say.

So it is never repaired: an index that is damaged, foreign or of a newer version is put aside into
`recovery/` and filled again from the folders. A connection lives for one call, which lets any
thread call; nothing here raises, since a run is more than its line in a table.
"""

import os
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

APPLICATION_ID = 0x66764958  # "fvIX"
VERSION = 1
BUSY_SECONDS = 0.25
_SCHEMA = (
    "CREATE TABLE runs (run_id BLOB PRIMARY KEY, stamp BLOB, summary BLOB, crc INTEGER) "
    "WITHOUT ROWID"
)
# What passes by itself or hits any file on this disk; everything else is the fault of the index.
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
}
_TRUNCATED = sqlite3.SQLITE_IOERR_SHORT_READ

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Row:
    """One run in the index.

    Attributes:
        run_id: Name of its folder.
        stamp: Sizes and times of the folder when the summary was made.
        summary: JSON.
    """

    run_id: str
    stamp: str
    summary: bytes

    def values(self) -> tuple[bytes, bytes, bytes, int]:
        """Return the columns, the checksum last."""
        run_id, stamp = self.run_id.encode(), self.stamp.encode()
        return run_id, stamp, self.summary, _crc(run_id, stamp, self.summary)


class _Unusable(Exception):
    """The file is no index of ours; its text says why, to follow "The index of runs …"."""


class Index:
    """Rows by run."""

    def __init__(self, file: Path, recovery: Path, note: Callable[[str], None]) -> None:
        """Open nothing yet.

        Args:
            file: The database.
            recovery: Folder for what is put aside.
            note: Takes a sentence for people when something was.
        """
        self._file = file
        self._recovery = recovery
        self._note = note
        self._lock = threading.Lock()  # nobody may be reading a file that is being put aside
        self._checked = False

    def rows(self) -> list[Row]:
        """Return all rows; none if the index is new or cannot be read."""
        return self._with(_read, [])

    def put(self, rows: Iterable[Row], *, durable: bool = False) -> None:
        """Insert or replace rows.

        Args:
            rows: Any number.
            durable: Wait until they survive a power cut.
        """
        values = [row.values() for row in rows]

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", values)
            connection.execute("COMMIT")

        if values:
            self._with(write, None)

    def forget(self, run_ids: Iterable[str]) -> None:
        """Delete rows of runs that are gone."""
        values = [(run_id.encode(),) for run_id in run_ids]

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("DELETE FROM runs WHERE run_id = ?", values)
            connection.execute("COMMIT")

        if values:
            self._with(write, None)

    def _with(self, work: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        """Do `work` on the index; put a bad one aside and do it on a new one."""
        with self._lock:
            for again in (True, False):
                try:
                    with closing(self._connect()) as connection:
                        return work(connection)
                except (_Unusable, sqlite3.Error, MemoryError) as error:
                    # A damaged size field makes SQLite ask for gigabytes, hence MemoryError.
                    if not (again and _is_fault(error) and self._put_aside(error)):
                        self._note(f"The index of runs was left out ({error}); no run is lost.")
                        break
        return otherwise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            connection.text_factory = bytes  # damaged text must not raise while it is read
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check(self, connection: sqlite3.Connection) -> None:
        """Make a new file an index, and refuse one that is none.

        Raises:
            _Unusable: It is damaged, newer, or belongs to another program.
            sqlite3.Error: It is damaged so badly that it cannot even be asked.
        """
        application = _number(connection, "PRAGMA application_id")
        version = _number(connection, "PRAGMA user_version")
        schema = connection.execute("SELECT sql FROM sqlite_schema").fetchall()
        if not (application or version or schema):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute(_SCHEMA)
            connection.execute("COMMIT")
        elif application != APPLICATION_ID:
            raise _Unusable("belongs to another program")
        elif version > VERSION:
            raise _Unusable(f"was written by a newer fineview (version {version})")
        elif version != VERSION or schema != [(_SCHEMA.encode(),)] or not self._sound(connection):
            raise _Unusable("was damaged")
        self._checked = True

    def _sound(self, connection: sqlite3.Connection) -> bool:
        """Compare the pages with one another, once: what goes wrong later shows in the rows."""
        return self._checked or connection.execute("PRAGMA quick_check").fetchall() == [(b"ok",)]

    def _put_aside(self, error: Exception) -> bool:
        """Move the database and its companions to `recovery/`; False if that cannot be done."""
        why = str(error) if isinstance(error, _Unusable) else "was damaged"
        number = 1
        while (kept := self._recovery / f"{self._file.stem}-{number}{self._file.suffix}").exists():
            number += 1
        try:
            self._recovery.mkdir(exist_ok=True)
            for suffix in ("-wal", "-shm", ""):
                companion = self._file.with_name(self._file.name + suffix)
                if companion.exists():
                    os.replace(companion, kept.with_name(kept.name + suffix))
        except OSError:
            return False
        self._checked = False
        self._note(
            f"The index of runs {why}: it was made again from the run folders, and the old file is "
            f"kept as {kept}."
        )
        return True


def _read(connection: sqlite3.Connection) -> list[Row]:
    found = []
    for run_id, stamp, summary, crc in connection.execute("SELECT * FROM runs"):
        parts = (run_id, stamp, summary)
        if not all(isinstance(part, bytes) for part in parts) or crc != _crc(*parts):
            raise _Unusable("was damaged")
        found.append(Row(run_id.decode(), stamp.decode(), summary))
    return found


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(pragma).fetchone()[0])


def _crc(run_id: bytes, stamp: bytes, summary: bytes) -> int:
    return zlib.crc32(b"\0".join((run_id, stamp, summary)))


def _is_fault(error: Exception) -> bool:
    """Whether the index is at fault, and not the disk or another reader."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code == _TRUNCATED:
        return True
    return code not in _PASSING and code & 0xFF not in (*_PASSING, sqlite3.SQLITE_IOERR)
