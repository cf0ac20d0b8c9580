"""All runs of a workspace: the folders are the truth, the index only makes listing fast."""

import os
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fineview.core.errors import RunError, StoreError
from fineview.core.files import atomic_write, write_error
from fineview.core.runs.artefacts import (
    DamagedError,
    checkpoint_steps,
    drop_unfinished,
    read_artefact,
    read_checkpoint,
)
from fineview.core.runs.folders import (
    RUN_ID,
    TRASHED,
    move,
    run_folders,
    stamp_of,
    trashed_at,
)
from fineview.core.runs.history import current, until
from fineview.core.runs.index import Index, Row
from fineview.core.runs.log import EVENTS, read_log
from fineview.core.runs.plain import JSON, dump_json, load_object
from fineview.core.runs.record import (
    RunConfig,
    RunRecord,
    RunSummary,
    check_title,
    read_config,
    read_record,
    summarise,
    utc_now,
    write_config,
    write_title,
)
from fineview.core.runs.spec import RunSpec
from fineview.core.runs.writer import RunWriter
from fineview.core.training.config import LIVE_SETTINGS

_DOOMED = ".doomed-"
_UNBORN = ".unborn-"

_Entries = dict[str, tuple[str, RunSummary]]  # run → stamp of its folder, and its line


class RunStore:
    """The runs of one workspace. Any thread may list and read while another writes a run.

    Attributes:
        notes: Sentences for people on what was found and mended, oldest first.
    """

    def __init__(self, workspace: Path, lock: object = None) -> None:
        """Use the folders runs, trash and recovery of a workspace that this process has locked.

        Args:
            workspace: Its folder.
            lock: Kept alive as long as the store: a lock that is collected is a lock that is free.
        """
        self._kept = lock
        self.notes: list[str] = []
        self._runs = workspace / "runs"
        self._trash = workspace / "trash"
        self._index = Index(workspace / "fineview.db", workspace / "recovery", self._note)
        self._lock = threading.Lock()  # for the five below; never held while a file is touched
        self._known: _Entries | None = None
        self._open: dict[str, RunWriter] = {}
        self._busy: set[str] = set()
        self._making: set[str] = set()
        self._last_id = 0
        self._closed = False
        for folder in self._runs.glob(f"{_UNBORN}*"):  # left by a process that was killed
            shutil.rmtree(folder, ignore_errors=True)

    # ---- writing

    def create(
        self, spec: RunSpec, *, environment: Mapping[str, str | int | float | None], title: str
    ) -> RunWriter:
        """Make a run's folder with its configuration; the caller appends the first event.

        Args:
            spec: What is asked.
            environment: Versions, device, hashes: what else decides the result.
            title: For people; may hold any character, and names no file.

        Raises:
            StoreError: The disk is full or read-only.
            RunError: The title is too long, or the workspace was closed.
        """
        self._check_open()
        check_title(title)
        config = RunConfig(
            title=title, created=utc_now(), spec=spec.to_dict(), environment=dict(environment)
        )
        run_id = self.new_id()
        hidden = self._runs / f"{_UNBORN}{run_id}"
        try:
            write_config(hidden, config)  # no list, and no crash, shows a run without its settings
            self._making.add(run_id)
            move(hidden, self._runs / run_id)
            return self._opened(RunWriter(self._runs / run_id, config, self._on_close))
        except BaseException:
            for folder in (hidden, self._runs / run_id):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            self._making.discard(run_id)

    def resume(self, run_id: str) -> RunWriter:
        """Open a stopped or interrupted run; a line that a crash tore is cut off.

        Raises:
            RunError: It is running, in the trash, damaged, or has come to its end.
            StoreError: The disk is full or read-only.
        """
        self._check_open()
        with self._reserved(run_id, "resume"):
            folder = self._folder(run_id)
            if folder.parent != self._runs:
                raise RunError(f"The run {run_id} is in the trash: restore it before resuming it.")
            summary = summarise(folder)
            if summary.status == "damaged":
                raise RunError(summary.reason)
            if not summary.resumable:
                raise RunError(
                    f"The run {run_id} is {summary.status}, and only a stopped or interrupted run "
                    f"can go on: start a new one from its settings."
                )
            drop_unfinished(folder)
            return self._opened(RunWriter(folder, read_config(folder), self._on_close))

    def branch(
        self, run_id: str, step: int, spec: RunSpec, *,
        environment: Mapping[str, str | int | float | None], title: str,
    ) -> RunWriter:  # fmt: skip
        """Make a new run that goes on from a checkpoint of another, whose course it shares so far.

        Args:
            run_id: Any run that is not being written.
            step: Step of one of its checkpoints.
            spec: What the new run is asked: the other's, with other training settings maybe.
            environment: As in `create`.
            title: As in `create`.

        Raises:
            RunError: There is no such run or checkpoint, or the checkpoint is damaged.
            StoreError: The disk is full or read-only.
        """
        with self._reserved(run_id, "branch from"):
            folder = self._folder(run_id)
            found = read_checkpoint(folder, step)
            if found is None:
                steps = ", ".join(f"{one:,}" for one in checkpoint_steps(folder)) or "none"
                raise RunError(
                    f"The run {run_id} has no sound checkpoint at step {step:,}: go back to one of "
                    f"these steps: {steps}."
                )
            events = current(read_log(folder / EVENTS).events)
        writer = self.create(spec, environment=environment, title=title)
        try:
            for event in until(events, step):
                writer.append(event)
            writer.checkpoint(step, *_resettled(found[1], found[2], read_config(folder), spec))
        except BaseException:
            writer.close()
            shutil.rmtree(writer.folder, ignore_errors=True)
            raise
        return writer

    def checkpoints(self, run_id: str) -> tuple[int, ...]:
        """Return the steps of a run's checkpoints, ascending; they may be gone back to.

        Raises:
            RunError: There is no such run.
        """
        return tuple(checkpoint_steps(self._folder(run_id)))

    def rename(self, run_id: str, title: str) -> None:
        """Give a run another title.

        Args:
            run_id: The run's, in the trash or not.
            title: At most 1,000 characters of any kind.

        Raises:
            RunError: There is no such run, or the title is too long.
            StoreError: The disk is full or read-only.
        """
        write_title(self._folder(run_id), title)

    def trash(self, run_id: str) -> None:
        """Move a run to the trash.

        Raises:
            RunError: There is no such run, or it is running.
            StoreError: The disk is full or read-only.
        """
        with self._reserved(run_id, "delete"):
            folder = self._folder(run_id)
            if folder.parent == self._runs:
                with suppress(StoreError):  # on a full disk, deleting is what helps
                    atomic_write(folder / TRASHED, dump_json({"when": utc_now()}))
                move(folder, self._trash / run_id)

    def restore(self, run_id: str) -> None:
        """Move a run back from the trash.

        Raises:
            RunError: There is no such run.
            StoreError: The disk is read-only.
        """
        with self._reserved(run_id, "restore"):
            folder = self._folder(run_id)
            if folder.parent == self._trash:
                move(folder, self._runs / run_id)
                (self._runs / run_id / TRASHED).unlink(missing_ok=True)

    def empty_trash(self, older_than_days: float = 30) -> int:
        """Delete for good what has been in the trash for long.

        Args:
            older_than_days: 0 deletes everything in it.

        Returns:
            Number of runs deleted.

        Raises:
            StoreError: A folder cannot be deleted.
        """
        limit = datetime.now(UTC) - timedelta(days=older_than_days)
        gone = []
        for folder in run_folders(self._trash):
            if trashed_at(folder) <= limit:
                try:
                    # At once out of every list, even if deleting is cut short.
                    os.rename(folder, self._trash / f"{_DOOMED}{folder.name}")
                except OSError as error:
                    raise write_error(error, self._trash) from error
                gone.append(folder.name)
        for folder in self._trash.glob(f"{_DOOMED}*"):
            shutil.rmtree(folder, ignore_errors=True)
        self._index.forget(gone)
        with self._lock:
            for run_id in gone:
                (self._known or {}).pop(run_id, None)
        return len(gone)

    # ---- reading

    def list(self, *, trashed: bool = False) -> tuple[RunSummary, ...]:
        """Return the runs, newest first; a damaged one is listed with its reason.

        Args:
            trashed: Those in the trash instead.
        """
        place = self._trash if trashed else self._runs
        found = self._summaries(run_folders(place))
        return tuple(sorted(found, key=lambda run: (run.created, run.run_id), reverse=True))

    def summary(self, run_id: str) -> RunSummary:
        """Return one run's line.

        Raises:
            RunError: There is no such run.
        """
        for found in self._summaries([self._folder(run_id)]):
            return found
        raise RunError(f"The run {run_id} was deleted this moment: refresh the list.")

    def read(self, run_id: str) -> RunRecord:
        """Return everything a run has left, but its tensors; also of one that is running.

        Raises:
            RunError: There is no such run, or its configuration is damaged.
            StoreError: Its log cannot be read.
        """
        folder = self._folder(run_id)
        writer = self._open.get(run_id)
        stamp = stamp_of(folder)
        record = read_record(folder, writer.summary() if writer else None)
        if writer is None:
            self._learn([(stamp, record.summary)])
        return record

    def tensors(self, run_id: str, name: str = "head") -> dict[str, NDArray[Any]]:
        """Return the arrays of an artefact, after its sha256 was compared with the manifest.

        Args:
            run_id: The run's.
            name: As it was given to `RunWriter.finish`.

        Raises:
            RunError: There is no such run or artefact, or the file is damaged: the sentence names
                it, and the run is listed as damaged from now on.
        """
        folder = self._folder(run_id)
        summary = self.summary(run_id)
        try:
            arrays = read_artefact(folder, name)
        except DamagedError as error:
            if run_id not in self._open:
                marked = replace(summary, status="damaged", resumable=False, reason=str(error))
                self._learn([(stamp_of(folder), marked)])
            raise
        if summary.status == "damaged":  # its file was put back
            self._learn([(stamp_of(folder), summarise(folder))])
        return arrays

    def rebuild_index(self) -> int:
        """Read every run's folder again, in the trash too.

        Returns:
            Number of runs found.
        """
        folders = [*run_folders(self._runs), *run_folders(self._trash)]
        alive = {folder.name for folder in folders}
        self._index.forget(row.run_id for row in self._index.rows() if row.run_id not in alive)
        with self._lock:
            self._known = {}
        return len(self._summaries(folders))

    def close(self) -> None:
        """Close all writers, which leaves their runs interrupted; no run can be opened then."""
        self._closed = True
        with self._lock:
            writers = tuple(self._open.values())
        for writer in writers:
            writer.close()

    # ---- the index

    def _summaries(self, folders: Iterable[Path]) -> tuple[RunSummary, ...]:
        """Return the lines of runs; only what changed since it was indexed is read again."""
        known = self._loaded()
        found, fresh = [], []
        for folder in folders:
            if folder.name in self._making:  # asked first: it leaves when it is among the open ones
                continue
            writer = self._open.get(folder.name)
            if writer is not None:
                found.append(writer.summary())
                continue
            stamp = stamp_of(folder)
            if not stamp:
                continue  # deleted or moved this moment
            entry = known.get(folder.name)
            if entry is None or entry[0] != stamp:
                entry = (stamp, summarise(folder))
                fresh.append(entry)
            found.append(entry[1])
        self._learn(fresh)
        return tuple(found)

    def _loaded(self) -> _Entries:
        with self._lock:
            if self._known is not None:
                return self._known
        entries: _Entries = {}
        for row in self._index.rows():
            try:
                entries[row.run_id] = (row.stamp, _from_json(row.summary))
            except (ValueError, TypeError):
                continue  # by another version: its folder will be read again
        with self._lock:
            if self._known is None:
                self._known = entries
            return self._known

    def _learn(self, entries: Sequence[tuple[str, RunSummary]], *, durable: bool = False) -> None:
        known = self._loaded()
        with self._lock:
            known.update({entry[1].run_id: entry for entry in entries})
        rows = [Row(run.run_id, stamp, dump_json(asdict(run))) for stamp, run in entries]
        self._index.put(rows, durable=durable)

    def _note(self, text: str) -> None:
        if text not in self.notes:  # a full disk would say it at every run
            self.notes.append(text)

    # ---- who writes what

    def _opened(self, writer: RunWriter) -> RunWriter:
        with self._lock:
            self._open[writer.run_id] = writer
        return writer

    def _on_close(self, writer: RunWriter) -> None:
        with self._lock:
            self._open.pop(writer.run_id, None)
        entry = (stamp_of(writer.folder), summarise(writer.folder))
        self._learn([entry], durable=writer.ended)

    @contextmanager
    def _reserved(self, run_id: str, purpose: str) -> Iterator[None]:
        """Keep other threads from opening or moving the same run meanwhile."""
        with self._lock:
            if run_id in self._open or run_id in self._busy:
                raise RunError(f"The run {run_id} is running: stop it before you {purpose} it.")
            self._busy.add(run_id)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(run_id)

    def _check_open(self) -> None:
        if self._closed:
            raise RunError("The workspace is closed: open it again before you start a run.")

    def new_id(self) -> str:
        """Return a name that sorts by time: UTC to the millisecond, and 32 random bits."""
        with self._lock:
            self._last_id = max(time.time_ns() // 1_000_000, self._last_id + 1)
            when = datetime.fromtimestamp(self._last_id / 1000, UTC)
            millisecond = self._last_id % 1000
        return f"{when:%Y%m%dT%H%M%S}{millisecond:03d}-{os.urandom(4).hex()}"

    def _folder(self, run_id: str) -> Path:
        """Return a run's folder, wherever it is; no text from outside leaves the workspace.

        Raises:
            RunError: There is no such run.
        """
        if RUN_ID.fullmatch(run_id):
            for place in (self._runs, self._trash):
                if (place / run_id).is_dir():
                    return place / run_id
        raise RunError(
            f"There is no run {run_id[:80]!r} in {self._runs.parent}: choose one from the list."
        )


def _resettled(
    arrays: Mapping[str, NDArray[Any]], state: Mapping[str, JSON], old: RunConfig, spec: RunSpec
) -> tuple[dict[str, NDArray[Any]], dict[str, JSON]]:
    """Return a checkpoint from which other training settings go on.

    What an optimiser has gathered means nothing to one of another kind.
    """
    live = {name: getattr(spec.training, name) for name in LIVE_SETTINGS}
    training = old.spec.get("training")
    before = training.get("optimiser") if isinstance(training, Mapping) else None
    kept = dict(arrays)
    if before != spec.training.optimiser:
        kept = {name: value for name, value in kept.items() if not name.startswith("optimiser.")}
    return kept, {**state, **live}


def _from_json(data: bytes) -> RunSummary:
    values = load_object(data)
    if values.get("interval") is not None:
        values["interval"] = tuple(values["interval"])
    return RunSummary(**values)
