"""The workspace: one folder for the user's work, with one owner at a time."""

import contextlib
import os
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from fineview.core.errors import StoreError
from fineview.core.files import atomic_write, write_error
from fineview.core.runs.plain import dump_json, load_object
from fineview.core.runs.store import RunStore
from fineview.core.runs.studies import StudyStore

LOCK = "lock"
OWNER = "owner.json"
FOLDERS = ("runs", "trash", "recovery")


class Workspace:
    """A locked workspace.

    The lock is the operating system's: it is free as soon as its owner is gone, however it went.

    Attributes:
        path: The folder.
        runs: The runs in it.
        studies: What several runs together tell.
    """

    def __init__(self, path: Path, lock: FileLock) -> None:
        """Take over a lock that `open` has acquired."""
        self.path = path
        self.runs = RunStore(path, lock)
        self.studies = StudyStore(path)
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> "Workspace":
        """Make the folders and lock them.

        Args:
            path: Any folder on a local disk; made if it is missing.

        Raises:
            StoreError: Another instance has it, it cannot be written to, or it is no folder.
        """
        path = path.absolute()
        _make_folders(path)
        lock = FileLock(path / LOCK, timeout=0, thread_local=False)  # any thread may close
        try:
            lock.acquire()
        except Timeout:
            raise StoreError(
                f"Another fineview{_owner(path)} is using the workspace {path}: close it, or "
                f"choose another with --workspace."
            ) from None
        except (OSError, NotImplementedError) as error:
            raise _unusable(path, error) from error
        with contextlib.suppress(StoreError):  # a full disk must not keep anyone from the trash
            atomic_write(path / OWNER, dump_json({"process": os.getpid()}))
        return cls(path, lock)

    def close(self) -> None:
        """Close the runs in flight and free the folder; calling it again does nothing."""
        if self._lock.is_locked:
            self.runs.close()
            self._lock.release()

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _make_folders(path: Path) -> None:
    """Make the workspace's folders and make sure that they can be written to.

    Raises:
        StoreError: They cannot.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in FOLDERS:
            (path / name).mkdir(mode=0o700, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        taken = next(p for p in (*(path / n for n in FOLDERS), path, *path.parents) if p.is_file())
        raise StoreError(
            f"The workspace {path} cannot be made because {taken} is a file: choose another folder "
            f"with --workspace or FINEVIEW_WORKSPACE."
        ) from None
    except OSError as error:
        raise _unusable(path, error) from error
    for folder in (path, *(path / name for name in FOLDERS)):
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _unusable(folder, PermissionError(13, "not writable"))


def _unusable(path: Path, error: Exception) -> StoreError:
    if isinstance(error, OSError):
        return write_error(error, path)
    return StoreError(
        f"The workspace {path} is on a disk that cannot lock files ({error}): choose a folder on a "
        f"local disk with --workspace."
    )


def _owner(path: Path) -> str:
    try:
        return f" (process {int(load_object((path / OWNER).read_bytes())['process'])})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # it holds the lock but has not said yet who it is
