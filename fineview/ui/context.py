"""What the names in the session stand for: the task's figures, the encoder's sizes."""

from PySide6.QtCore import QObject, Signal, Slot

from fineview.core.data.split import SplitConfig
from fineview.core.laboratory import Laboratory
from fineview.core.models.info import EncoderInfo
from fineview.core.progress import Report
from fineview.core.views import TaskView
from fineview.ui.session import Session, SessionState
from fineview.work.jobs import JobRunner, Lane


class Context(QObject):
    """Looks up task and encoder of the session, off the window's thread.

    Attributes:
        task: Figures of the session's task; None until they are there.
        encoder: Sizes of the session's encoder; None until they are there.

    Signals:
        changed(): `task` or `encoder` is another one now.
        failed(str): One of them cannot be had; one sentence.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.task: TaskView | None = None
        self.encoder: EncoderInfo | None = None
        self._session = session
        self._runner = runner
        self._lab = lab
        self._wanted: tuple[str, SplitConfig, str] | None = None
        session.changed.connect(self._on_session)

    def load(self) -> None:
        """Look up what the session names, unless that is under way already."""
        spec = self._session.state.spec
        wanted = (spec.task, spec.split, spec.encoder)
        if wanted == self._wanted:
            return
        self._wanted = wanted
        lab = self._lab

        def look_up(_report: Report) -> tuple[TaskView, EncoderInfo]:
            return lab.task_view(spec.task, spec.split), lab.encoder_info(spec.encoder)

        job = self._runner.submit("Look up task and encoder", look_up, Lane.LOOKUP)
        job.finished.connect(self._on_found)
        job.failed.connect(self._on_failed)

    @Slot(object, object)
    def _on_session(self, _state: SessionState, _old: SessionState) -> None:
        self.load()

    @Slot(object)
    def _on_found(self, found: tuple[TaskView, EncoderInfo]) -> None:
        task, encoder = found
        spec = self._session.state.spec
        if task.info.name != spec.task or encoder.name != spec.encoder:
            return  # the user has gone on meanwhile; that answer is on its way
        self.task, self.encoder = task, encoder
        self.changed.emit()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._wanted = None
        self.failed.emit(str(error))
