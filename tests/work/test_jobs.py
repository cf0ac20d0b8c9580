"""Jobs: one end each, in the window's thread; pause, step, stop, change."""

import gc
import sys
import threading

import pytest
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QLabel

from fineview.core.errors import ConfigError
from fineview.work.gc_guard import GcGuard
from fineview.work.jobs import JobRunner, Lane


class Witness(QObject):
    """Writes down what a job emits, and on which thread."""

    def __init__(self, job):
        super().__init__()
        self.ends = []
        self.events = []
        self.threads = set()
        job.published.connect(self.on_events)
        for name in ("finished", "failed", "cancelled"):
            getattr(job, name).connect(getattr(self, f"on_{name}"))

    @Slot(object)
    def on_events(self, events):
        self.events += events
        self.threads.add(threading.current_thread())

    @Slot(object)
    def on_finished(self, result):
        self.ends.append(("finished", result))

    @Slot(object)
    def on_failed(self, error):
        self.ends.append(("failed", error))

    @Slot()
    def on_cancelled(self):
        self.ends.append(("cancelled", None))


@pytest.fixture
def runner(qapp):
    runner = JobRunner()
    yield runner
    assert runner.shutdown(), "a job ignored Stop"


def test_events_arrive_in_order_in_the_windows_thread(qtbot, runner, qapp):
    def work(report):
        for i in range(1000):
            report.publish(i)
            report.progress(i + 1, 1000)
        return "done"

    job = runner.submit("count", work)
    witness = Witness(job)
    qtbot.waitUntil(lambda: bool(witness.ends))
    assert witness.ends == [("finished", "done")]
    assert witness.events == list(range(1000))
    assert witness.threads == {threading.main_thread()}


@pytest.mark.parametrize("error", [ConfigError("no"), RuntimeError("no"), MemoryError()])
def test_a_failure_ends_the_job_once_and_keeps_no_frames(qtbot, runner, error):
    def work(_report):
        raise error

    witness = Witness(runner.submit("fail", work))
    qtbot.waitUntil(lambda: bool(witness.ends))
    assert [end for end, _ in witness.ends] == ["failed"]
    assert witness.ends[0][1].__traceback__ is None


def test_stop_ends_a_job_that_would_never_end(qtbot, runner):
    began = threading.Event()

    def endless(report):
        began.set()
        while True:
            report.check()

    job = runner.submit("endless", endless)
    witness = Witness(job)
    assert began.wait(5)
    job.stop()
    qtbot.waitUntil(lambda: bool(witness.ends))
    assert witness.ends == [("cancelled", None)]


def test_a_queued_job_that_is_stopped_never_runs(qtbot, runner):
    gate = threading.Event()
    ran = []
    first = runner.submit("first", lambda _r: gate.wait(5))
    second = runner.submit("second", lambda _r: ran.append(1))
    witness = Witness(second)
    second.stop()
    gate.set()
    qtbot.waitUntil(lambda: not first.active and not second.active)
    assert ran == []
    assert witness.ends == [("cancelled", None)]


def test_pause_holds_and_step_lets_one_batch_through(qtbot, runner):
    def work(report):
        for i in range(10**9):
            report.check()
            report.publish(i)

    job = runner.submit("steps", work)
    witness = Witness(job)
    qtbot.waitUntil(lambda: len(witness.events) > 3)
    job.pause()
    qtbot.wait(150)  # what was under way arrives
    held = len(witness.events)
    qtbot.wait(150)
    assert len(witness.events) == held
    for more in (1, 2, 3):
        job.step()
        qtbot.waitUntil(lambda more=more: len(witness.events) == held + more)
    job.pause(False)
    qtbot.waitUntil(lambda: len(witness.events) > held + 50)
    job.pause()
    job.stop()  # a paused job can be stopped
    qtbot.waitUntil(lambda: bool(witness.ends))
    assert witness.ends == [("cancelled", None)]


def test_changed_settings_are_handed_over_once(qtbot, runner):
    seen = []

    def work(report):
        while len(seen) < 2:
            report.check()
            if changes := report.changes():
                seen.append(dict(changes))

    job = runner.submit("settings", work)
    job.change("rate", 1.0)
    qtbot.waitUntil(lambda: len(seen) == 1)
    job.change("rate", 2.0)
    qtbot.waitUntil(lambda: not job.active)
    assert seen == [{"rate": 1.0}, {"rate": 2.0}]


def test_the_lookup_lane_answers_while_the_compute_lane_works(qtbot, runner):
    gate = threading.Event()
    busy = runner.submit("busy", lambda _r: gate.wait(10))
    quick = runner.submit("quick", lambda _r: 7, Lane.LOOKUP)
    witness = Witness(quick)
    qtbot.waitUntil(lambda: bool(witness.ends))
    assert busy.active
    gate.set()
    qtbot.waitUntil(lambda: not busy.active)


def test_shutdown_says_when_a_job_does_not_listen(qapp):
    runner = JobRunner()
    gate = threading.Event()
    runner.submit("deaf", lambda _r: gate.wait(10))
    assert runner.shutdown(timeout_s=0.1) is False
    gate.set()


def test_qt_keeps_the_counts_of_none_and_true(qapp):
    """PySide6 6.12.0 drops one reference a call on Python 3.11 and dies after some thousand."""

    class Sender(QObject):
        done = Signal()

    label, sender = QLabel(), Sender()
    heard = []
    sender.done.connect(lambda: heard.append(1))
    gc.collect()
    before = sys.getrefcount(None), sys.getrefcount(True)
    for _ in range(20_000):
        label.setText("x")
        sender.done.emit()
    after = sys.getrefcount(None), sys.getrefcount(True)
    assert len(heard) == 20_000
    assert abs(after[0] - before[0]) < 1_000
    assert abs(after[1] - before[1]) < 1_000


def test_the_guard_keeps_the_collector_on_this_thread(qtbot):
    guard = GcGuard()
    try:
        assert not gc.isenabled()
        ring = []
        ring.append(ring)
        collected = []
        gc.callbacks.append(lambda _phase, _info: collected.append(threading.current_thread()))
        qtbot.waitUntil(lambda: bool(collected), timeout=5_000)
        assert set(collected) == {threading.main_thread()}
    finally:
        gc.callbacks.pop()
        guard.release()
    assert gc.isenabled()
