"""The seam between a computation and whoever watches it.

Work takes a `Report`. It publishes small frozen events, says how far it is, and asks `check()`
between batches; control comes back by the same object.
"""

from collections.abc import Mapping
from typing import Protocol


class Report(Protocol):
    """What a computation may say, and what it may be told."""

    def publish(self, event: object) -> None:
        """Hand over one small immutable event."""

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Say that `done` of `total` units are finished; `total` 0 means unknown."""

    def check(self) -> None:
        """Return at once, or block while paused.

        Raises:
            JobCancelled: Stop was pressed. Call it at least every 100 ms.
        """

    def ask_stop(self) -> None:
        """Return at once, also while paused: for places inside a step, which is done or not.

        Raises:
            JobCancelled: Stop was pressed.
        """

    def changes(self) -> Mapping[str, object]:
        """Return the settings that were changed since the last call, by name; mostly empty."""


class Silent:
    """A report that nobody reads: for notebooks and tests."""

    def publish(self, event: object) -> None:
        """Drop the event."""

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Drop the figures."""

    def check(self) -> None:
        """Never stop."""

    def ask_stop(self) -> None:
        """Stop where `check` would."""
        self.check()

    def changes(self) -> Mapping[str, object]:
        """Never change anything."""
        return {}


class Relay:
    """Passes everything on; whoever wants to add something overrides one method."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def publish(self, event: object) -> None:
        """Pass on."""
        self._report.publish(event)

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Pass on."""
        self._report.progress(done, total, text)

    def check(self) -> None:
        """Pass on."""
        self._report.check()

    def ask_stop(self) -> None:
        """Pass on."""
        self._report.ask_stop()

    def changes(self) -> Mapping[str, object]:
        """Pass on."""
        return self._report.changes()


SILENT: Report = Silent()
