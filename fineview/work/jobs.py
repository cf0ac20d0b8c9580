"""Jobs: work on one of three Python threads, watched from the window's thread.

Python threads, not Qt's: their stacks are big enough on every platform, and torch does not crash on
them (pytorch#150548). No Qt object is ever touched outside the window's thread.
"""

import logging
import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from enum import Enum
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from fineview.core.errors import FineviewError, JobCancelled
from fineview.core.progress import Report
from fineview.work.mailbox import Mailbox

Work = Callable[[Report], Any]
POLL_MS = 33
ANSWER_MS = 8
"""While something is looked up, as people type: 33 ms more would be felt."""
log = logging.getLogger(__name__)


class Lane(Enum):
    """The threads: the encoder and training, what answers meanwhile, and what waits for files."""

    COMPUTE = "compute"
    LOOKUP = "lookup"
    FILES = "files"


class Job(QObject):
    """Work in flight. Lives in the window's thread; exactly one of the three ends is emitted.

    Attributes:
        name: What it does, for people.
        lane: Thread it runs on.
        state: `queued`, `running`, `finished`, `failed` or `cancelled`.

    Signals (all in the window's thread):
        started(): The thread has taken it up.
        published(list): Events in order, at most every 33 ms.
        progressed(int, int, str): Units done, in all (0 unknown), and a text.
        finished(object): The result.
        failed(object): The error.
        cancelled(): Stopped by the user.
        ended(): After any of these three.
    """

    started = Signal()
    published = Signal(object)
    progressed = Signal(int, int, str)
    finished = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    ended = Signal()

    def __init__(self, name: str, lane: Lane, parent: QObject) -> None:
        super().__init__(parent)
        self.name = name
        self.lane = lane
        self.state = "queued"
        self._mailbox = Mailbox()
        self._future: Future[Any] | None = None

    @property
    def active(self) -> bool:
        """Whether it is queued or running."""
        return self.state in ("queued", "running")

    @property
    def paused(self) -> bool:
        """Whether it is held."""
        return self._mailbox.paused

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop and has not ended yet."""
        return self.active and self._mailbox.stopping

    def stop(self) -> None:
        """Stop at the next check; a queued job ends without having run."""
        self._mailbox.stop()
        if self._future is not None:
            self._future.cancel()

    def pause(self, paused: bool = True) -> None:
        """Hold, or let go on."""
        self._mailbox.pause(paused)

    def step(self) -> None:
        """Let one batch through, then hold."""
        self._mailbox.step()

    def change(self, name: str, value: object) -> None:
        """Change a setting of the work in flight."""
        self._mailbox.change(name, value)


class JobRunner(QObject):
    """Runs jobs on three lanes, one job at a time each, in order of submission.

    Signals:
        submitted(Job): A job was queued.
        idle(): No job is left on any lane.
    """

    submitted = Signal(object)
    idle = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pools = {
            lane: ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"fineview-{lane.value}")
            for lane in Lane
        }
        self._jobs: list[Job] = []
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._poll)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Jobs that are queued or running, oldest first."""
        return tuple(self._jobs)

    def submit(self, name: str, work: Work, lane: Lane = Lane.COMPUTE) -> Job:
        """Queue `work(report)`; connect to the job before returning to Qt's event loop."""
        job = Job(name, lane, self)
        # The thread sees the work and the mailbox, never the Job.
        job._future = self._pools[lane].submit(work, job._mailbox)
        self._jobs.append(job)
        self._set_pace()
        self.submitted.emit(job)
        return job

    def stop_all(self) -> None:
        """Tell every job to stop."""
        for job in self._jobs:
            job.stop()

    def shutdown(self, timeout_s: float = 5.0) -> bool:
        """Stop everything and wait; False where a job did not listen.

        Every job's end is announced before this returns.
        """
        self.stop_all()
        futures = [job._future for job in self._jobs if job._future is not None]
        waiting = wait(futures, timeout=timeout_s).not_done
        self._poll()
        self._timer.stop()
        for pool in self._pools.values():
            pool.shutdown(wait=not waiting, cancel_futures=True)
        return not waiting

    @Slot()
    def _poll(self) -> None:
        for job in list(self._jobs):
            future = job._future
            if future is None:
                continue
            over = future.done()  # read before `take`, so that no event is lost
            if job.state == "queued" and (future.running() or over):
                job.state = "running"
                job.started.emit()
            events, progress = job._mailbox.take()
            if events:
                job.published.emit(events)
            if progress:
                job.progressed.emit(*progress)
            if over:
                self._jobs.remove(job)
                self._announce_end(job, future)
        if not self._jobs:
            self._timer.stop()
            self.idle.emit()
        else:
            self._set_pace()

    def _set_pace(self) -> None:
        """Look often where somebody waits as they type."""
        typing = any(job.lane is Lane.LOOKUP for job in self._jobs)
        pace = ANSWER_MS if typing else POLL_MS
        if not self._timer.isActive() or self._timer.interval() != pace:
            self._timer.start(pace)

    def _announce_end(self, job: Job, future: Future[Any]) -> None:
        try:
            result = future.result()
        except (JobCancelled, CancelledError):
            job.state = "cancelled"
            job.cancelled.emit()
        except BaseException as error:  # noqa: BLE001 - every end of a job must be announced
            job.state = "failed"
            if isinstance(error, FineviewError):
                log.info("%s: %s", job.name, error)
            else:
                # Text only: a kept traceback keeps the tensors of its frames alive.
                log.error("%s failed:\n%s", job.name, "".join(traceback.format_exception(error)))
            job.failed.emit(error.with_traceback(None))
        else:
            job.state = "finished"
            job.finished.emit(result)
        job.ended.emit()
        job.deleteLater()
