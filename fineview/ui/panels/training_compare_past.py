"""Earlier comparisons: to be reopened, continued, deleted."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from fineview.core.errors import FineviewError
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.runs.compare_rows import Comparison
from fineview.core.runs.compare_study import KIND, comparison_of
from fineview.core.runs.studies import Study
from fineview.ui.theme import set_icon, spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.labels import describe
from fineview.work.jobs import JobRunner, Lane

_MOST = 200


class PastComparisons(QWidget):
    """A box to choose an earlier comparison by, and what can be done with it.

    Signals:
        chosen(Comparison): A person chose one.
        listed(object): The list was read: its newest (Comparison), or None.
        go_on_wanted(str): Go on with this study.
        deleted(): The comparison on display is gone.
        told(str, str, object): Something to say: kind, sentence, buttons.
    """

    chosen = Signal(object)
    listed = Signal(object)
    go_on_wanted = Signal(str)
    deleted = Signal()
    told = Signal(str, str, object)

    def __init__(self, runner: JobRunner, lab: Laboratory) -> None:
        super().__init__()
        self._runner = runner
        self._lab = lab
        self._studies: dict[str, Study] = {}
        self._deleted: Study | None = None
        self._running = False
        self._current = ""
        self.box = CalmCombo(
            "Earlier comparisons",
            "Comparisons of this workspace, newest first – the last one – an earlier one to look "
            "at it again.",
            letters=22,
        )
        self.go_on_button = QPushButton("Go on")
        describe(
            self.go_on_button,
            "Go on",
            "Carries out what is left; runs that are done are not repeated – after a stop, or "
            "where runs have failed.",
        )
        set_icon(self.go_on_button, "resume")
        self.delete_button = QPushButton("Delete")
        describe(
            self.delete_button,
            "Delete the comparison",
            "Forgets this comparison; its runs stay – when it is not needed any more; can be taken "
            "back.",
        )
        set_icon(self.delete_button, "trash")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(2))
        for part in (self.box, self.go_on_button, self.delete_button):
            row.addWidget(part)
        self.box.chosen.connect(self._on_chosen)
        self.go_on_button.clicked.connect(lambda: self.go_on_wanted.emit(self._current))
        self.delete_button.clicked.connect(self.delete)
        self._show()

    def refresh(self) -> None:
        """Read the list again, off the window's thread."""
        lab = self._lab

        def look(_report: Report) -> tuple[tuple[Study, ...], Comparison | None]:
            studies = lab.studies.list(KIND)[:_MOST]
            return studies, comparison_of(studies[0]) if studies else None

        job = self._runner.submit("Earlier comparisons", look, Lane.LOOKUP)
        job.finished.connect(self._on_listed)
        job.failed.connect(lambda error: self.told.emit("bad", str(error), ()))

    def set_current(self, found: Comparison) -> None:
        """Say which comparison is on display."""
        self._current = found.study_id
        self._show()

    def set_running(self, running: bool) -> None:
        """While a comparison is in flight none is continued or deleted."""
        self._running = running
        self._show()

    @Slot()
    def delete(self) -> None:
        """Delete the comparison on display; it can be taken back."""
        try:
            self._deleted = self._lab.studies.delete(self._current)
        except FineviewError as error:
            self.told.emit("bad", str(error), ())
            return
        title = self._deleted.title
        self._studies.pop(self._current, None)
        self.told.emit(
            "warning", f"{title} was deleted; its runs stay.", [("Take it back", "restore")]
        )
        self._current = ""
        self.deleted.emit()
        self.refresh()

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
        self._on_chosen(restored)

    @Slot(object)
    def _on_listed(self, found: tuple[tuple[Study, ...], Comparison | None]) -> None:
        studies, newest = found
        self._studies = {study.study_id: study for study in studies}
        self._show()
        self.listed.emit(newest)

    @Slot(str)
    def _on_chosen(self, study_id: str) -> None:
        self._current = study_id
        self._show()
        lab = self._lab
        job = self._runner.submit(
            "Read a comparison",
            lambda _report: comparison_of(lab.studies.read(study_id)),
            Lane.LOOKUP,
        )
        job.finished.connect(self.chosen)
        job.failed.connect(lambda error: self.told.emit("bad", str(error), ()))

    def _show(self) -> None:
        choices = [(name, _line(study)) for name, study in self._studies.items()]
        self.box.set_choices(choices, self._current)
        study = self._studies.get(self._current)
        self.box.setEnabled(bool(choices) and not self._running)
        ended = study is not None and not self._running
        self.delete_button.setEnabled(ended)
        self.go_on_button.setVisible(ended and study is not None and _unfinished(study))
        self.setVisible(bool(choices))


def _line(study: Study) -> str:
    when = study.created.replace("T", " ")[:16]
    part = "" if study.status == "finished" else f" · {study.status}"
    return f"{study.title}{part} · {when}"


def _unfinished(study: Study) -> bool:
    """Return whether something is left to be done, or to be tried again."""
    runs = study.found.get("runs", [])
    wrong = any(isinstance(r, dict) and r.get("status") in ("failed", "refused") for r in runs)
    return study.status in ("stopped", "interrupted", "failed") or wrong
