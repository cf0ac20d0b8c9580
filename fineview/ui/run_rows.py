"""The workspace's runs as the tables show them; one list for all panels."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, Signal, Slot

from fineview.core.errors import FineviewError
from fineview.core.laboratory import Laboratory
from fineview.core.runs.record import RunSummary
from fineview.ui.session import SessionState
from fineview.ui.widgets.run_table import RunRow


class RunList(QObject):
    """Reads the index and carries out what users do to runs.

    Attributes:
        summaries: Newest first.
        trashed: Runs in the trash, newest first.

    Signals:
        changed(): The list is another one.
        failed(str): Something could not be done; one sentence.
        moved_to_trash(tuple): Run ids, so that the window can offer to take it back.
    """

    changed = Signal()
    failed = Signal(str)
    moved_to_trash = Signal(object)

    def __init__(self, lab: Laboratory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lab = lab
        self.summaries: tuple[RunSummary, ...] = ()
        self.trashed: tuple[RunSummary, ...] = ()
        self._colours: dict[str, int] = {}

    @Slot()
    def refresh(self) -> None:
        """Read the index again."""
        try:
            self.summaries = self._lab.runs.list()
            self.trashed = self._lab.runs.list(trashed=True)
        except FineviewError as error:
            self.failed.emit(str(error))
            return
        # Oldest first, so that a run keeps its colour when newer ones come.
        for summary in reversed(self.summaries):
            self._colours.setdefault(summary.run_id, len(self._colours))
        self.changed.emit()

    def summary(self, run_id: str) -> RunSummary | None:
        """Return a run's line, in the trash too."""
        for summary in (*self.summaries, *self.trashed):
            if summary.run_id == run_id:
                return summary
        return None

    def task(self, run_id: str) -> str:
        """Return the name of a run's task, "" where the run is not known."""
        summary = self.summary(run_id)
        return summary.task if summary is not None else ""

    def title_and_colour(self, run_id: str) -> tuple[str, int]:
        """Return a run's name and the number of its colour."""
        summary = self.summary(run_id)
        title = summary.title if summary is not None else run_id
        return title, self._colours.get(run_id, 0)

    def rows(self, state: SessionState, *, trashed: bool = False) -> list[RunRow]:
        """Return the rows of a table."""
        return [
            RunRow(
                run_id=s.run_id,
                title=s.title,
                status=s.status,
                task=s.task,
                pooling=s.pooling,
                accuracy=s.test_accuracy,
                interval=s.interval,
                validation=s.accuracy,
                train=s.train_accuracy,
                size_bytes=s.head_bytes,
                seconds=s.seconds,
                created=s.created,
                shown=s.run_id == state.run or s.run_id in state.overlaid,
                colour_index=self._colours.get(s.run_id, 0),
            )
            for s in (self.trashed if trashed else self.summaries)
        ]

    @Slot(object)
    def trash(self, run_ids: set[str]) -> None:
        """Move runs to the trash, from where they can come back."""
        self._each(run_ids, self._lab.runs.trash)
        self.moved_to_trash.emit(tuple(run_ids))

    @Slot(object)
    def restore(self, run_ids: set[str]) -> None:
        """Take runs out of the trash."""
        self._each(run_ids, self._lab.runs.restore)

    def rename(self, run_id: str, title: str) -> None:
        """Give a run another name."""
        self._each({run_id}, lambda run: self._lab.runs.rename(run, title))

    def _each(self, run_ids: Iterable[str], change: Callable[[str], None]) -> None:
        for run_id in sorted(run_ids):
            try:
                change(run_id)
            except FineviewError as error:
                self.failed.emit(str(error))
        self.refresh()
