"""Earlier trainings of several tasks: to be looked at again, or deleted."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from fineview.core.errors import FineviewError
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.runs.multitask_study import KIND, TasksStudy, tasks_study_of
from fineview.core.runs.studies import Study
from fineview.ui.theme import set_icon, spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.labels import describe
from fineview.work.jobs import JobRunner, Lane

_MOST = 200


class PastTasks(QWidget):
    """A box to choose an earlier study by, and a button that deletes it.

    Signals:
        chosen(TasksStudy): A person chose one.
        listed(object): The list was read: its newest (TasksStudy), or None.
        deleted(): The study on display is gone.
        told(str, str, object): Something to say: kind, sentence, buttons.
    """

    chosen = Signal(object)
    listed = Signal(object)
    deleted = Signal()
    told = Signal(str, str, object)

    def __init__(self, runner: JobRunner, lab: Laboratory) -> None:
        super().__init__()
        self._runner = runner
        self._lab = lab
        self._studies: dict[str, str] = {}
        self._deleted: Study | None = None
        self._running = False
        self._current = ""
        self.box = CalmCombo(
            "Earlier trainings",
            "Trainings of several tasks in this workspace, newest first – the last one – an "
            "earlier one to look at it again.",
            letters=22,
        )
        self.delete_button = QPushButton("Delete")
        describe(
            self.delete_button,
            "Delete the training",
            "Forgets this training – when it is not needed any more; can be taken back.",
        )
        set_icon(self.delete_button, "trash")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(2))
        row.addWidget(self.box)
        row.addWidget(self.delete_button)
        self.box.chosen.connect(self._read)
        self.delete_button.clicked.connect(self.delete)
        self._show()

    def refresh(self) -> None:
        """Read the list again, off the window's thread."""
        lab = self._lab

        def look(_report: Report) -> tuple[dict[str, str], TasksStudy | None]:
            studies = lab.studies.list(KIND)[:_MOST]
            lines = {study.study_id: _line(study) for study in studies}
            return lines, tasks_study_of(studies[0]) if studies else None

        job = self._runner.submit("Earlier trainings", look, Lane.LOOKUP)
        job.finished.connect(self._on_listed)
        job.failed.connect(lambda error: self.told.emit("bad", str(error), ()))

    def set_current(self, study_id: str) -> None:
        """Say which study is on display."""
        self._current = study_id
        self._show()

    def set_running(self, running: bool) -> None:
        """While a training is in flight no other is opened or deleted."""
        self._running = running
        self._show()

    @Slot()
    def delete(self) -> None:
        """Delete the study on display; it can be taken back."""
        try:
            self._deleted = self._lab.studies.delete(self._current)
        except FineviewError as error:
            self.told.emit("bad", str(error), ())
            return
        self._studies.pop(self._current, None)
        self._current = ""
        self._show()
        self.deleted.emit()
        self.told.emit(
            "warning", f"{self._deleted.title} was deleted.", [("Take it back", "restore")]
        )

    def restore(self) -> None:
        """Take back the last deletion."""
        if self._deleted is None:
            return
        try:
            self._lab.studies.save(self._deleted)
        except FineviewError as error:
            self.told.emit("bad", str(error), ())
            return
        restored, self._deleted = self._deleted.study_id, None
        self.refresh()
        self._read(restored)

    @Slot(object)
    def _on_listed(self, found: tuple[dict[str, str], TasksStudy | None]) -> None:
        self._studies, newest = found
        self._show()
        self.listed.emit(newest)

    @Slot(str)
    def _read(self, study_id: str) -> None:
        lab = self._lab
        job = self._runner.submit(
            "Read a training",
            lambda _report: tasks_study_of(lab.studies.read(study_id)),
            Lane.LOOKUP,
        )
        job.finished.connect(self.chosen)
        job.failed.connect(self._on_unread)

    @Slot(object)
    def _on_unread(self, error: Exception) -> None:
        self._show()  # the box goes back to what is on display
        self.told.emit("bad", str(error), ())

    def _show(self) -> None:
        self.box.set_choices(list(self._studies.items()), self._current)
        self.box.setEnabled(not self._running)
        self.delete_button.setEnabled(self._current in self._studies and not self._running)
        self.setVisible(bool(self._studies))


def _line(study: Study) -> str:
    when = study.created.replace("T", " ")[:16]
    part = "" if study.status == "finished" else f" · {study.status}"
    return f"{study.title}{part} · {when}"
