"""Downloads one after the other: what waits, what runs, how fast, and what went wrong."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal, Slot

from fineview.core.errors import FineviewError
from fineview.core.progress import Report
from fineview.ui.widgets.format import bytes_text, seconds_text
from fineview.work.jobs import Job, JobRunner, Lane

_RATE_WINDOW_S = 5.0
_RATE_AFTER_S = 0.5
_TELL_EVERY_S = 0.15
"""Nobody reads faster, and every telling paints."""
_BEGUN_BYTES = 20_000
"""Less than that are the tools' own logs and questions, not yet the download."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One download.

    Attributes:
        key: Names it in signals.
        title: What it is, for people.
        state: `waiting` for its turn, `running`, or `stopping`.
        size: Bytes that come over the network, 0 if unknown.
        done: Bytes that have arrived, then those that were unpacked too.
        total: What `done` will be in the end, 0 if unknown.
        rate: Bytes per second of the last seconds, 0 if unknown.
        text: What the work itself says it does, "" if nothing.
    """

    key: str
    title: str
    state: Literal["waiting", "running", "stopping"] = "waiting"
    size: int = 0
    done: int = 0
    total: int = 0
    rate: float = 0.0
    text: str = ""

    @property
    def share(self) -> float | None:
        """Return how much has arrived, 0 … 1; None if unknown."""
        if self.state == "waiting" or self.total <= 0:
            return None
        return min(self.done / self.total, 1.0)

    def state_words(self) -> str:
        """Return the state in a word or two: "downloading 12 %"."""
        if self.state == "running":
            return "downloading" if self.share is None else f"downloading {self.share * 100:.0f} %"
        return self.state

    def words(self) -> str:
        """Return the state as one line: "1.2 MB of 2.5 MB · 0.8 MB/s · 2 s left"."""
        if self.state == "waiting":
            return "Waiting for its turn"
        if self.state == "stopping":
            return "Stopping…"
        if self.done < min(_BEGUN_BYTES, self.size or 1):
            return "Connecting…"
        if 0 < self.size <= self.done:
            return f"{self.text.rstrip('.…') or 'Checking'}…"
        parts = [bytes_text(self.done)]
        if self.size > 0:
            parts = [f"{bytes_text(self.done)} of {bytes_text(self.size)}"]
        if self.rate > 0:
            parts.append(f"{bytes_text(self.rate)}/s")
        if self.rate > 0 and self.size > 0:
            left = max(round((self.size - self.done) / self.rate), 1)
            parts.append(f"{f'{left} s' if left < 60 else seconds_text(left)} left")
        return " · ".join(parts)


class Downloads(QObject):
    """A queue with one job in flight on the lane of files; the rest can still be cancelled.

    Signals:
        changed(str): A download was added, moved on, or is gone; its key.
        finished(str, object): It is there; its key and the work's result.
        failed(str, str): It is not; its key and one sentence.
    """

    changed = Signal(str)
    finished = Signal(str, object)
    failed = Signal(str, str)

    def __init__(self, runner: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._downloads: dict[str, Download] = {}  # in order of their turns
        self._works: dict[str, Callable[[Report], Any]] = {}
        self._problems: dict[str, str] = {}
        self._job: Job | None = None
        self._running = ""
        self._seen: deque[tuple[float, int]] = deque()
        self._told_at = 0.0

    @property
    def keys(self) -> tuple[str, ...]:
        """Return what runs and waits, in order."""
        return tuple(self._downloads)

    def get(self, key: str) -> Download | None:
        """Return a download that runs or waits."""
        return self._downloads.get(key)

    def problem(self, key: str) -> str:
        """Return why the last attempt failed, "" if it did not."""
        return self._problems.get(key, "")

    def forget_problem(self, key: str) -> None:
        """Say no more about a failed attempt."""
        if self._problems.pop(key, ""):
            self.changed.emit(key)

    def add(self, key: str, title: str, size: int, work: Callable[[Report], Any]) -> None:
        """Queue a download; one that is queued already stays where it is.

        Args:
            key: Names it.
            title: What it is, for people.
            size: Bytes that come over the network, 0 if unknown.
            work: Does it, off the window's thread.
        """
        if key in self._downloads:
            return
        self._problems.pop(key, None)
        self._downloads[key] = Download(key=key, title=title, size=size, total=size)
        self._works[key] = work
        self.changed.emit(key)
        self._next()

    def cancel(self, key: str) -> None:
        """Take a download out of the queue, or stop it."""
        download = self._downloads.get(key)
        if download is None:
            return
        if key == self._running and self._job is not None:
            self._downloads[key] = replace(download, state="stopping")
            self._job.stop()
        else:
            self._drop(key)
        self.changed.emit(key)

    def cancel_all(self) -> None:
        """Stop everything."""
        for key in reversed(self.keys):  # the running one last, or the next would start
            self.cancel(key)

    def _next(self) -> None:
        if self._running or not self._downloads:
            return
        key = next(iter(self._downloads))
        self._running = key
        self._seen.clear()
        title = self._downloads[key].title
        self._job = job = self._runner.submit(f"Download {title}", self._works[key], Lane.FILES)
        job.started.connect(self._on_started)
        job.progressed.connect(self._on_progressed)
        job.finished.connect(self._on_finished)
        job.failed.connect(self._on_failed)
        job.cancelled.connect(self._on_cancelled)

    def _drop(self, key: str) -> None:
        del self._downloads[key]
        del self._works[key]

    def _over(self) -> str:
        key, self._running, self._job = self._running, "", None
        self._drop(key)
        return key

    @Slot()
    def _on_started(self) -> None:
        download = self._downloads[self._running]
        if download.state == "waiting":
            self._downloads[self._running] = replace(download, state="running")
            self.changed.emit(self._running)

    @Slot(int, int, str)
    def _on_progressed(self, done: int, total: int, text: str) -> None:
        download = self._downloads[self._running]
        now = time.monotonic()
        if self._seen and done < self._seen[-1][1]:  # the next archive of several
            self._seen.clear()
        if done < _BEGUN_BYTES:
            self._seen.clear()
        self._seen.append((now, done))
        while now - self._seen[0][0] > _RATE_WINDOW_S:
            self._seen.popleft()
        since, before = self._seen[0]
        rate = (done - before) / (now - since) if now - since > _RATE_AFTER_S else 0.0
        self._downloads[self._running] = replace(
            download, done=done, total=total or download.total, rate=rate, text=text
        )
        if now - self._told_at >= _TELL_EVERY_S:
            self._told_at = now
            self.changed.emit(self._running)

    @Slot(object)
    def _on_finished(self, result: object) -> None:
        key = self._over()
        self.changed.emit(key)
        self.finished.emit(key, result)
        self._next()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        key = self._over()
        known = isinstance(error, FineviewError)
        said = str(error) if known else f"Something went wrong in fineview itself: {error}."
        self._problems[key] = said
        self.changed.emit(key)
        self.failed.emit(key, said)
        self._next()

    @Slot()
    def _on_cancelled(self) -> None:
        asked = self._downloads[self._running].state == "stopping"
        key = self._over()
        if not asked:  # the window is closing: nothing must start after this
            self._downloads.clear()
            self._works.clear()
        self.changed.emit(key)
        self._next()
