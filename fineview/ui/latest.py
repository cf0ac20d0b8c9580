"""Answers that follow the typing: the newest request replaces one that waits."""

from PySide6.QtCore import QObject, Signal, Slot

from fineview.core.analogies.choice import ENCODER_PREFIX
from fineview.work.jobs import Job, JobRunner, Lane, Work


class Latest(QObject):
    """One job at a time; of the requests that come meanwhile, the last one follows it.

    Signals:
        finished(object): The result of a request.
        failed(object): Its error.
    """

    finished = Signal(object)
    failed = Signal(object)

    def __init__(self, runner: JobRunner, name: str, parent: QObject) -> None:
        """Name the job, for people."""
        super().__init__(parent)
        self._runner = runner
        self._name = name
        self._job: Job | None = None
        self._asked: object = None
        self._waiting: tuple[object, Work, Lane] | None = None

    def ask(self, key: object, work: Work, lane: Lane = Lane.LOOKUP) -> None:
        """Submit a request, unless the last one was the same.

        Args:
            key: What the result depends on.
            work: Computes it.
            lane: Thread it runs on.
        """
        if key == self._asked:
            return
        self._asked = key
        if self._job is not None:
            self._waiting = (key, work, lane)
            self._job.stop()
            return
        self._job = job = self._runner.submit(self._name, work, lane)
        job.finished.connect(self.finished)
        job.failed.connect(self.failed)
        job.cancelled.connect(self._on_cancelled)
        job.ended.connect(self._on_ended)

    @Slot()
    def _on_cancelled(self) -> None:
        if self._waiting is None:  # stopped by a person: it may be asked for again
            self._asked = None

    @Slot()
    def _on_ended(self) -> None:
        self._job = None
        if self._waiting is not None:
            (key, work, lane), self._waiting, self._asked = self._waiting, None, None
            self.ask(key, work, lane)


def lane_of(vectors: str) -> Lane:
    """Return where words are calculated with: an encoder's vectors, where the encoder runs."""
    return Lane.COMPUTE if vectors.startswith(ENCODER_PREFIX) else Lane.LOOKUP
