"""The user's own tasks: opened files, kept in the workspace so that their runs stay true.

A task is a folder with `task.json` and `rows.parquet`. It is made in a staging folder and renamed
when it is whole: a crash leaves a task or none.
"""

import contextlib
import os
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fineview.core.data.plan import Imported
from fineview.core.data.split import SplitConfig, Splits, make_splits
from fineview.core.data.task import LabelKind, Level, Task, TaskInfo
from fineview.core.errors import DataError
from fineview.core.files import atomic_write, delete_temporary, is_abandoned, write_error

if TYPE_CHECKING:
    import pyarrow

ROWS = "rows.parquet"
_PIECE = 10_000
_STAGING = re.compile(r"^\.incoming-(\d{1,9})-")


class TaskFile(BaseModel):
    """Content of task.json.

    Attributes:
        format: Version of this layout.
        name: Name in spec files; also the folder's.
        title: Name on screen.
        level: What one label belongs to.
        label_kind: Classes or numbers.
        classes: Class names in index order.
        meaning: One sentence on what the label means.
        source: Where the texts come from.
        licence: Terms.
        files: Names of the files that were opened.
        columns: Column of each role.
        groups: Whether rows belong to groups that splits keep together.
        notes: Sentences on what was left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    title: Annotated[str, Field(max_length=200)]
    level: Level
    label_kind: LabelKind
    classes: tuple[str, ...]
    meaning: str
    source: str
    licence: str
    files: tuple[str, ...]
    columns: Mapping[str, str]
    groups: bool
    notes: tuple[str, ...]

    def info(self) -> TaskInfo:
        """Return what is known before the rows are read."""
        return TaskInfo(
            name=self.name,
            title=self.title,
            level=self.level,
            meaning=self.meaning,
            source=self.source,
            licence=self.licence,
            split_by=self.columns.get("group", "document") if self.groups else "",
        )


class TaskLibrary:
    """Own tasks in a folder of the workspace.

    Attributes:
        folder: Holds one folder a task.
    """

    def __init__(self, folder: Path, reserved: Collection[str] = ()) -> None:
        """Remember the place; nothing is read or made yet.

        Args:
            folder: Where the tasks are.
            reserved: Names that no own task may have.
        """
        self.folder = folder
        self._reserved = frozenset(reserved)

    def infos(self) -> tuple[TaskInfo, ...]:
        """Return every own task that can be read, by title."""
        found = []
        for path in self._folders():
            with contextlib.suppress(DataError):
                found.append(self._read(path.name).info())
        return tuple(sorted(found, key=lambda info: (info.title.casefold(), info.name)))

    def holds(self, name: str) -> bool:
        """Return whether there is such a task, readable or not."""
        return _is_name(name) and (self.folder / name / "task.json").is_file()

    def place(self, name: str) -> Path:
        """Return the folder of a task."""
        return self.folder / name

    def new_staging(self) -> Path:
        """Make an empty folder for `read`; those of programs that died are removed.

        Raises:
            StoreError: It cannot be made.
        """
        self._sweep()
        path = self.folder / f".incoming-{os.getpid()}-{os.urandom(6).hex()}"
        try:
            path.mkdir(parents=True)
        except OSError as error:
            raise write_error(error, self.folder) from error
        return path

    def discard(self, staging: Path) -> None:
        """Remove a staging folder, if it is there."""
        if staging.parent == self.folder and _STAGING.match(staging.name):
            delete_temporary(staging)

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """Lend an empty folder for `read`; it is removed afterwards unless `keep` took it."""
        path = self.new_staging()
        try:
            yield path
        finally:
            self.discard(path)

    def keep(
        self, imported: Imported, *, meaning: str = "", source: str = "", licence: str = ""
    ) -> TaskInfo:
        """Make a task of what was read; its staging folder becomes the task's.

        Args:
            imported: What `read` gave.
            meaning: What the label means; a sentence is made up from the column's name if empty.
            source: Where the texts come from; the files' names if empty.
            licence: Terms; "not stated" if empty.

        Raises:
            DataError: The rows do not make a task.
            StoreError: It cannot be written.
        """
        plan = imported.plan
        title = _printable(plan.title)[:200].strip() or plan.files[0].path.stem or "My task"
        names = tuple(dict.fromkeys(file.path.name for file in plan.files))
        columns = {str(role): name for name, role in plan.roles.items() if role != "ignore"}
        label = columns.get("label", "label")
        written = TaskFile(
            name=self._free_name(title),
            title=title,
            level=plan.level,
            label_kind=imported.plan.label_kind,
            classes=imported.classes,
            meaning=meaning.strip() or _meaning(label, plan.level, plan.label_kind),
            source=source.strip() or f"Opened from {_listed(names)}.",
            licence=licence.strip() or "not stated",
            files=names,
            columns=columns,
            groups="group" in _columns(imported.folder / ROWS),
            notes=imported.notes,
        )
        _asked(written, imported.folder / ROWS, SplitConfig())  # what cannot be split is not kept
        atomic_write(imported.folder / "task.json", written.model_dump_json(indent=1).encode())
        try:
            imported.folder.rename(self.folder / written.name)
        except OSError as error:
            raise write_error(error, self.folder) from error
        return written.info()

    def columns(self, name: str) -> tuple[str, ...]:
        """Return the names of the columns that hold a task's text and second text.

        Raises:
            DataError: The task is missing or damaged.
        """
        columns = self._read(name).columns
        return tuple(columns[role] for role in ("text", "second") if role in columns)

    def label_kind(self, name: str) -> LabelKind:
        """Return whether a task's labels are classes or numbers.

        Raises:
            DataError: There is no such task, or its file is damaged.
        """
        return self._read(name).label_kind

    def load(self, name: str, split: SplitConfig = SplitConfig()) -> Task:
        """Read a task.

        Raises:
            DataError: It is missing or damaged, or cannot be split so.
        """
        return _task(self._read(name), self.folder / name / ROWS, split)

    def remove(self, name: str) -> None:
        """Delete a task and its rows; runs on it keep their results.

        Raises:
            DataError: There is no such task.
            StoreError: It cannot be deleted.
        """
        if not self.holds(name):
            raise DataError(f"There is no task {name!r} of your own to remove.")
        grave = self.folder / f".incoming-{os.getpid()}-{os.urandom(6).hex()}"
        try:
            (self.folder / name).rename(grave)  # gone at once, even if what follows is cut short
        except OSError as error:
            raise write_error(error, self.folder) from error
        self.discard(grave)

    def _folders(self) -> list[Path]:
        try:
            found = sorted(self.folder.iterdir())
        except OSError:
            return []
        return [path for path in found if _is_name(path.name) and path.is_dir()]

    def _read(self, name: str) -> TaskFile:
        file = self.folder / name / "task.json"
        if not _is_name(name) or not file.is_file():
            raise DataError(f"There is no task {name!r} in {self.folder}: open its file again.")
        try:
            written = TaskFile.model_validate_json(file.read_bytes())
        except (OSError, ValueError):
            raise DataError(
                f"The task {name!r} is damaged ({file}): remove it and open its file again."
            ) from None
        if written.name != name:
            raise DataError(
                f"The folder {name!r} holds the task {written.name!r}: rename the folder back."
            )
        return written

    def _free_name(self, title: str) -> str:
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
        base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-") or "task"
        taken = self._reserved | {path.name for path in self._folders()}
        number = 1
        name = base
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        return name

    def _sweep(self) -> None:
        with contextlib.suppress(OSError):
            for path in list(self.folder.iterdir()):
                found = _STAGING.match(path.name)
                if found and is_abandoned(path, int(found[1])):
                    delete_temporary(path)


def _task(written: TaskFile, rows: Path, split: SplitConfig) -> Task:
    asked = _asked(written, rows, split)
    words = second = None
    if written.level == "word":
        words = tuple(tuple(row) for row in _values(rows, "words"))
        texts = tuple(" ".join(row) for row in words)
    else:
        texts = tuple(_values(rows, "text"))
        second = tuple(_values(rows, "second")) if written.level == "pair" else None
    return Task(
        info=written.info(),
        texts=texts,
        second=second,
        words=words,
        labels=asked.labels,
        label_kind=written.label_kind,
        classes=written.classes,
        splits=asked.splits.items,
        given_splits=asked.given,
        notes=(*written.notes, *asked.splits.notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Asked:
    """What is asked of the texts: (N,) labels, splits, and whether the data names these."""

    labels: Any
    splits: Splits
    given: bool


def _asked(written: TaskFile, rows: Path, split: SplitConfig) -> _Asked:
    """Read everything but the texts.

    Raises:
        DataError: The rows are damaged, or cannot be split so.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    names = _columns(rows)
    label = "labels" if written.level == "word" else "label"
    table = _table(rows, [label, *(name for name in ("split", "group") if name in names)])
    labels: Any = table[label].combine_chunks()
    repeats = None
    if written.level == "word":
        repeats = pc.list_value_length(labels).to_numpy(zero_copy_only=False).astype(np.int64)
        labels = labels.flatten()
    if written.label_kind == "class":
        # Looked up by Arrow: a Python loop over a million labels would hold the window up.
        found = pc.index_in(labels, pa.array(written.classes, labels.type))
        if found.null_count:
            raise DataError(
                f"The rows of {written.title} have labels that task.json does not name: remove the "
                f"task and open its file again."
            )
        numbers: Any = found.to_numpy(zero_copy_only=False).astype(np.int64)
    else:
        numbers = labels.to_numpy(zero_copy_only=False).astype(np.float64)
    given = np.array(table["split"].to_pylist(), dtype=str) if "split" in names else None
    groups = None
    if "group" in names:
        encoded = table["group"].combine_chunks().dictionary_encode()
        groups = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    elif repeats is not None:
        groups = np.arange(len(repeats), dtype=np.int64)  # words of a sentence stay together
    if repeats is not None:
        given = None if given is None else np.repeat(given, repeats)
        groups = None if groups is None else np.repeat(groups, repeats)
    splits = make_splits(numbers, split, groups=groups, given=given, kind=written.label_kind)
    return _Asked(labels=numbers, splits=splits, given=given is not None)


def _table(rows: Path, names: list[str]) -> "pyarrow.Table":
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_table(rows, columns=names)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(rows, error) from None


def _values(rows: Path, name: str) -> Iterator[Any]:
    """Yield a column's values, piece by piece: a second copy of a million texts is not needed."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(rows) as file:
            for batch in file.iter_batches(_PIECE, columns=[name]):
                yield from batch.column(0).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise _damaged(rows, error) from None
    finally:
        pa.default_memory_pool().release_unused()


def _damaged(rows: Path, error: Exception) -> DataError:
    return DataError(
        f"The rows of a task cannot be read ({rows}: {str(error).splitlines()[0]}): remove the "
        f"task and open its file again."
    )


def _columns(rows: Path) -> list[str]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        names: list[str] = parquet.read_schema(rows).names
    except (OSError, pa.ArrowException) as error:
        raise _damaged(rows, error) from None
    return names


def _is_name(name: str) -> bool:
    return re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}", name) is not None


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _meaning(label: str, level: Level, kind: LabelKind) -> str:
    owner = {"sentence": "each text", "pair": "each pair of texts", "word": "each word"}[level]
    what = "The number" if kind == "number" else "The class"
    return f"{what} in the column {_printable(label)!r} of {owner}."


def _listed(names: tuple[str, ...]) -> str:
    shown = [_printable(name) for name in names[:5]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")
