"""The hand that writes one run's folder."""

import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fineview.core.errors import RunError
from fineview.core.runs.artefacts import read_checkpoint, write_artefacts, write_checkpoint
from fineview.core.runs.history import Tally
from fineview.core.runs.log import EVENTS, EventLog, read_log
from fineview.core.runs.plain import JSON
from fineview.core.runs.record import RunConfig, RunSummary, running_summary
from fineview.core.training.events import Checkpoint, Event, RunEnded

_ARTEFACT_NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")


class RunWriter:
    """Writes a run that `RunStore.create` or `RunStore.resume` opened.

    One thread writes; others may ask for the summary. A writer that is closed without `finish`
    leaves an interrupted run.

    Attributes:
        run_id: Name of the run's folder.
        folder: The run's folder.
    """

    def __init__(
        self, folder: Path, config: RunConfig, on_close: Callable[["RunWriter"], None]
    ) -> None:
        """Open the event log behind its last whole line.

        Args:
            folder: Holds config.json already.
            config: What is in it.
            on_close: Called once, after the last line is on disk.

        Raises:
            StoreError: The log cannot be written to.
        """
        self.run_id = folder.name
        self.folder = folder
        self.ended = False
        self._config = config
        self._on_close = on_close
        self._lock = threading.Lock()
        self._closed = False
        log = read_log(folder / EVENTS)
        self._tally = Tally(log.events)
        self._log = EventLog(folder / EVENTS, seq=log.last_seq, size=log.size)

    def append(self, event: Event) -> None:
        """Write one event; when this returns, it survives the death of the process.

        Raises:
            StoreError: The disk is full or fails. The event is not in the log, all earlier ones
                are; the same event may be tried again.
            RunError: The writer was closed.
        """
        with self._lock:
            self._log.append(event)
            self._tally.add(event)

    def checkpoint(
        self, step: int, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, JSON]
    ) -> None:
        """Keep what a resumed run needs; the newest two are kept.

        Args:
            step: Steps done.
            tensors: Name → array of any shape.
            state: The rest, for instance the state of the random generators. JSON has no NaN and
                no infinity: they become null.

        Raises:
            StoreError: The disk is full or fails. The checkpoints before it stand.
            RunError: The writer was closed.
        """
        self._check_open()
        write_checkpoint(self.folder, step, tensors, state)
        self.append(Checkpoint(step=step))

    def latest_checkpoint(self) -> tuple[int, dict[str, NDArray[Any]], dict[str, JSON]] | None:
        """Return step, tensors and state of the newest checkpoint whose sums hold, or None."""
        return read_checkpoint(self.folder)

    def finish(
        self,
        end: RunEnded,
        *,
        result: Mapping[str, JSON] | None,
        tensors: Mapping[str, Mapping[str, NDArray[Any]]],
    ) -> None:
        """Write artefacts, result, manifest and the last event, in this order, and close.

        Args:
            end: How the run ended.
            result: Becomes result.json. `test_accuracy` and `interval` (low, high) go into the
                summary.
            tensors: Artefact name (`head`, `predictions`, …) → arrays.

        Raises:
            StoreError: The disk is full or fails; the writer stays open, and `finish` may be tried
                again, after `close` the run is an interrupted one.
            RunError: The writer was closed, or an artefact's name is not a plain word.
        """
        self._check_open()
        for name in tensors:
            if not _ARTEFACT_NAME.fullmatch(name):
                raise RunError(f"An artefact cannot be called {name!r}: use a–z, 0–9, - and _.")
        write_artefacts(self.folder, result, tensors)
        with self._lock:
            self._log.append(end)
            self._tally.add(end)
            self._log.sync()
            self.ended = True
        self.close()

    def summary(self) -> RunSummary:
        """Return the run's line in the table as it stands; safe from any thread."""
        return running_summary(self.folder, self._config, self._tally)

    def close(self) -> None:
        """Give the run back; calling it again does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._log.close()
        self._on_close(self)

    def _check_open(self) -> None:
        if self._closed:
            raise RunError(f"The run {self.run_id} is closed: resume it to go on.")
