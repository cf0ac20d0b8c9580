"""The composition root: makes the parts, joins them, and takes them apart again."""

import logging
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

from fineview import __version__
from fineview.core.laboratory import Laboratory
from fineview.core.locations import Locations
from fineview.ui.main_window import MainWindow
from fineview.ui.session import Session
from fineview.ui.theme import Theme
from fineview.work.gc_guard import GcGuard
from fineview.work.jobs import JobRunner

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Application:
    """Everything that lives as long as the window.

    Attributes:
        qt: The application object of Qt.
        window: The main window.
        guard: Keeps the cycle collector on this thread.
    """

    qt: QApplication
    window: MainWindow
    guard: GcGuard

    def close(self) -> bool:
        """Close window, jobs and workspace; False where a job did not listen."""
        self.window.close()
        # Qt clears the stack after the window's actions are gone.
        self.window.session.undo_stack.blockSignals(True)
        stuck = bool(self.window.property("stuck"))
        if not stuck:
            self.window.lab.close()
        self.guard.release()
        return not stuck


def build(qt: QApplication, locations: Locations, device: str = "auto") -> Application:
    """Make all parts, and show nothing yet.

    Raises:
        StoreError: The workspace cannot be used.
    """
    lab = Laboratory(locations, device)
    # First of all of Qt: a collection while PySide lists widgets may destroy one of them.
    guard = GcGuard(qt)
    session = Session(locations.workspace / "session.json", qt)
    window = MainWindow(session, JobRunner(qt), lab, Theme(qt))
    window.warmed_up.connect(guard.freeze)
    return Application(qt, window, guard)


def make_qt(arguments: list[str]) -> QApplication:
    """Make the application object."""
    qt = QApplication(arguments)
    qt.setApplicationName("fineview")
    qt.setApplicationVersion(__version__)
    qt.setDesktopFileName("fineview")
    return qt


class _FirstPaint(QObject):
    """Calls `begin` once the empty window is painted: what follows may take seconds."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            if os.environ.get("FINEVIEW_PAINTED"):  # benchmarks.window reads this line
                sys.stderr.write("fineview painted\n")
                sys.stderr.flush()
            QTimer.singleShot(0, self._window.begin)
        return False


def start(application: Application) -> None:
    """Show the window; panels and libraries follow the first paint."""
    _FirstPaint(application.window)
    application.window.show()


def main(
    locations: Locations, device: str, interrupted: threading.Event, files: Sequence[Path] = ()
) -> int:
    """Run the window until it is closed; return the exit status.

    Args:
        locations: Workspace and cache.
        device: What computes.
        interrupted: Set by Ctrl+C; the window then closes as by its button.
        files: Files of labelled texts to open at once.

    Raises:
        StoreError: The workspace cannot be used.
    """
    # Python code on the compute thread must not keep the window waiting 5 ms at a time.
    sys.setswitchinterval(0.001)
    qt = make_qt(sys.argv[:1])
    application = build(qt, locations, device)
    _log_to(locations.workspace / "fineview.log")
    _hook_errors(application.window)
    poll = QTimer(application.window)
    poll.setInterval(50)
    poll.timeout.connect(lambda: application.window.close() if interrupted.is_set() else None)
    poll.start()
    application.window.open_later(files)
    start(application)
    status = qt.exec()
    if not application.close():
        log.error("A job did not stop; the process ends without it.")
        logging.shutdown()
        os._exit(1)
    return status


def _log_to(path: Path) -> None:
    try:
        handler = RotatingFileHandler(path, maxBytes=1_000_000, backupCount=2, encoding="utf-8")
    except OSError:
        return  # a workspace that cannot be written says so elsewhere
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)


def _hook_errors(window: MainWindow) -> None:
    def on_error(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        log.error("".join(traceback.format_exception(kind, error, trace)))
        window.job_strip.clear(f"Something went wrong in fineview itself: {error}", "bad")

    sys.excepthook = on_error
