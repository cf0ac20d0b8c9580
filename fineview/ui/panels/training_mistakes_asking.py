"""One question at a time: a new one takes the place of the one before."""

from collections.abc import Callable, Hashable
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from fineview.core.progress import Report
from fineview.work.jobs import Job, JobRunner, Lane


class Asking(QObject):
    """Submits work and hands back the answer to the last question only.

    Attributes:
        key: The last question, None where none was asked.

    Signals:
        answered(object): The answer to the last question.
        failed(str): Why there is none, in a sentence.
        busy_changed(bool): Whether an answer is on its way.
    """

    answered = Signal(object)
    failed = Signal(str)
    busy_changed = Signal(bool)

    def __init__(self, runner: JobRunner, parent: QObject, lane: Lane = Lane.LOOKUP) -> None:
        super().__init__(parent)
        self._runner = runner
        self._lane = lane
        self._job: Job | None = None
        self.key: Hashable | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return self._job is not None

    @property
    def stopping(self) -> bool:
        """Whether the work was told to stop and has not ended yet."""
        return self._job is not None and self._job.stopping

    def ask(self, key: Hashable, name: str, work: Callable[[Report], Any]) -> None:
        """Ask, unless the answer to this very question is there or on its way.

        Args:
            key: The question.
            name: What the work is called while it lasts.
            work: Returns the answer.
        """
        if key == self.key:
            return
        self.forget()
        self.key = key
        self._job = job = self._runner.submit(name, work, self._lane)
        job.finished.connect(self._on_finished)
        job.failed.connect(self._on_failed)
        job.cancelled.connect(self._on_cancelled)
        self.busy_changed.emit(True)

    def stop(self) -> None:
        """Stop what is under way; the question may be asked again when it has ended."""
        if self._job is not None:
            self._job.stop()

    def forget(self) -> None:
        """Want no answer any more."""
        job, self._job, self.key = self._job, None, None
        if job is not None:
            job.stop()
            self.busy_changed.emit(False)

    def _mine(self) -> bool:
        if self.sender() is not self._job or self._job is None:
            return False  # the end of a question before this one
        self._job = None
        self.busy_changed.emit(False)
        return True

    @Slot(object)
    def _on_finished(self, answer: object) -> None:
        if self._mine():
            self.answered.emit(answer)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if self._mine():
            self.failed.emit(str(error))

    @Slot()
    def _on_cancelled(self) -> None:
        if self._mine():
            self.key = None
