"""What lies between a job and the window: a lock, a list, and the controls."""

import threading
from collections.abc import Mapping

from fineview.core.errors import JobCancelled


class Mailbox:
    """The compute thread's only view of the window; implements `core.progress.Report`.

    The compute thread never touches Qt. It puts events in here, and the window's timer takes them
    out; control goes the other way by the same object.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moved = threading.Condition(self._lock)
        self._events: list[object] = []
        self._progress: tuple[int, int, str] | None = None
        self._changes: dict[str, object] = {}
        self._paused = False
        self._steps = 0
        self._stopped = False

    # The compute thread's side

    def publish(self, event: object) -> None:
        """Hand over one immutable event."""
        with self._lock:
            self._events.append(event)

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Replace the progress figures; only the newest are shown."""
        with self._lock:
            self._progress = (done, total, text)

    def check(self) -> None:
        """Return at once; block while paused, let one batch through per step, raise on stop.

        Raises:
            JobCancelled: Stop was pressed.
        """
        if not (self._stopped or self._paused):  # the common case costs no lock
            return
        with self._moved:
            while self._paused and self._steps == 0 and not self._stopped:
                self._moved.wait()
            if self._stopped:
                raise JobCancelled
            if self._paused:
                self._steps -= 1

    def ask_stop(self) -> None:
        """Return at once, also while paused.

        Raises:
            JobCancelled: Stop was pressed.
        """
        if self._stopped:
            raise JobCancelled

    def changes(self) -> Mapping[str, object]:
        """Return and forget the settings changed since the last call."""
        if not self._changes:
            return {}
        with self._lock:
            changes, self._changes = self._changes, {}
        return changes

    # The window's side

    def take(self) -> tuple[list[object], tuple[int, int, str] | None]:
        """Return and forget the events, in order, and the newest progress if it moved."""
        with self._lock:
            events, self._events = self._events, []
            progress, self._progress = self._progress, None
        return events, progress

    def change(self, name: str, value: object) -> None:
        """Change a setting of the work in flight."""
        with self._lock:
            self._changes[name] = value

    def pause(self, paused: bool) -> None:
        """Hold the work at its next check, or let it go on."""
        with self._moved:
            self._paused = paused
            self._steps = 0
            self._moved.notify_all()

    def step(self) -> None:
        """Let one batch through; pauses first where the work is running."""
        with self._moved:
            self._paused = True
            self._steps += 1
            self._moved.notify_all()

    def stop(self) -> None:
        """Make the next check raise; also wakes paused work."""
        with self._moved:
            self._stopped = True
            self._moved.notify_all()

    @property
    def paused(self) -> bool:
        """Whether the work is held."""
        return self._paused

    @property
    def stopping(self) -> bool:
        """Whether Stop was pressed."""
        return self._stopped
