"""Shows in the job strip what the compute lane is doing."""

from typing import cast

from PySide6.QtCore import QObject, Slot

from fineview.ui.widgets.job_strip import JobStrip
from fineview.work.jobs import Job, JobRunner, Lane

QUIET = ("Judge the example", "Time the layers", "Mask tokens", "Read the text")
"""Jobs that are over at once, or that nobody asked for: a strip that flashes helps nobody."""


class JobWatch(QObject):
    """Follows the jobs of the compute lane, one after the other."""

    def __init__(self, runner: JobRunner, strip: JobStrip, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._strip = strip
        self._shown: Job | None = None
        runner.submitted.connect(self._on_submitted)

    @Slot(object)
    def _on_submitted(self, job: Job) -> None:
        if job.lane is not Lane.COMPUTE or job.name in QUIET:
            return
        job.started.connect(self._on_started)
        job.progressed.connect(self._on_progress)
        job.failed.connect(self._on_failed)
        job.ended.connect(self._on_ended)

    @Slot()
    def _on_started(self) -> None:
        self._shown = cast("Job", self.sender())
        self._strip.set_job(self._shown.name)

    @Slot(int, int, str)
    def _on_progress(self, done: int, total: int, text: str) -> None:
        job = cast("Job", self.sender())
        if job is self._shown:
            self._strip.set_progress(done, total, text)
            self._strip.set_paused(job.paused)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if self.sender() is self._shown:
            self._strip.clear(str(error), "bad")
            self._shown = None

    @Slot()
    def _on_ended(self) -> None:
        if self.sender() is self._shown:
            self._strip.clear()
            self._shown = None
