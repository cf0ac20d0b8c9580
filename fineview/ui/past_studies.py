"""Earlier studies of one kind: to be looked at again, continued, deleted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from fineview.core.errors import FineviewError
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.runs.studies import Study
from fineview.ui.theme import set_icon, spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.labels import describe
from fineview.work.jobs import JobRunner, Lane

_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PastWords:
    """How earlier studies are called.

    Attributes:
        title: Of the list.
        tip: What the list holds.
        one: A study, as in "Delete the …".
        forgets: What the button that deletes does.
        deleted: Ends the sentence that a study was deleted.
        reading: Name of the work that reads one.
    """

    title: str
    tip: str
    one: str
    forgets: str
    deleted: str
    reading: str


class PastStudies(QWidget):
    """A box to choose an earlier study by, and what can be done with it.

    Signals:
        chosen(object): A person chose a study, as `opened` returns it.
        listed(object): The list was read: its newest, or None.
        go_on_wanted(str): Go on with this study.
        deleted(): The study on display is gone.
        told(str, str, object): Something to say: kind, sentence, buttons.
    """

    chosen = Signal(object)
    listed = Signal(object)
    go_on_wanted = Signal(str)
    deleted = Signal()
    told = Signal(str, str, object)

    def __init__(
        self,
        runner: JobRunner,
        lab: Laboratory,
        kind: str,
        words: PastWords,
        opened: Callable[[Study], Any],
        unfinished: Callable[[Study], bool] = lambda _study: False,
    ) -> None:
        """Make the widget; it stays hidden until `refresh` has found a study.

        Args:
            runner: Reads off the window's thread.
            lab: Keeps the studies.
            kind: Which studies.
            words: How they are called.
            opened: What a page shows of one.
            unfinished: Whether something of one is left to be done.
        """
        super().__init__()
        self._runner = runner
        self._lab = lab
        self._kind = kind
        self._words = words
        self._opened = opened
        self._is_unfinished = unfinished
        self._studies: dict[str, str] = {}
        self._unfinished: set[str] = set()
        self._deleted: Study | None = None
        self._running = False
        self._current = ""
        self.box = CalmCombo(words.title, words.tip, letters=22)
        self.go_on_button = QPushButton("Go on")
        describe(
            self.go_on_button,
            "Go on",
            "Carries out what is left; runs that are done are not repeated – after a stop, or "
            "where runs have failed.",
        )
        set_icon(self.go_on_button, "resume")
        self.delete_button = QPushButton("Delete")
        describe(self.delete_button, f"Delete the {words.one}", words.forgets)
        set_icon(self.delete_button, "trash")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(2))
        for part in (self.box, self.go_on_button, self.delete_button):
            row.addWidget(part)
        self.box.chosen.connect(self._read)
        self.go_on_button.clicked.connect(lambda: self.go_on_wanted.emit(self._current))
        self.delete_button.clicked.connect(self.delete)
        self._show()

    def refresh(self) -> None:
        """Read the list again, off the window's thread."""
        lab, kind, opened, unfinished = self._lab, self._kind, self._opened, self._is_unfinished

        def look(_report: Report) -> tuple[dict[str, str], set[str], Any]:
            studies = lab.studies.list(kind)[:_MOST]
            lines = {study.study_id: _line(study) for study in studies}
            left = {study.study_id for study in studies if unfinished(study)}
            return lines, left, opened(studies[0]) if studies else None

        job = self._runner.submit(self._words.title, look, Lane.LOOKUP)
        job.finished.connect(self._on_listed)
        job.failed.connect(self._tell_error)

    def set_current(self, study_id: str) -> None:
        """Say which study is on display."""
        self._current = study_id
        self._show()

    def set_running(self, running: bool) -> None:
        """While a study is in flight no other is opened, continued or deleted."""
        self._running = running
        self._show()

    @Slot()
    def delete(self) -> None:
        """Delete the study on display; it can be taken back."""
        try:
            self._deleted = self._lab.studies.delete(self._current)
        except FineviewError as error:
            self._tell_error(error)
            return
        self._studies.pop(self._current, None)
        self._current = ""
        self._show()
        self.deleted.emit()
        said = f"{self._deleted.title} was deleted{self._words.deleted}."
        self.told.emit("warning", said, [("Take it back", "restore")])

    def restore(self) -> None:
        """Take back the last deletion."""
        if self._deleted is None:
            return
        try:
            self._lab.studies.save(self._deleted)
        except FineviewError as error:
            self._tell_error(error)
            return
        restored, self._deleted = self._deleted.study_id, None
        self.refresh()
        self._read(restored)

    @Slot(object)
    def _on_listed(self, found: tuple[dict[str, str], set[str], Any]) -> None:
        self._studies, self._unfinished, newest = found
        self._show()
        self.listed.emit(newest)

    @Slot(str)
    def _read(self, study_id: str) -> None:
        lab, opened = self._lab, self._opened
        job = self._runner.submit(
            self._words.reading, lambda _report: opened(lab.studies.read(study_id)), Lane.LOOKUP
        )
        job.finished.connect(self.chosen)
        job.failed.connect(self._on_unread)

    @Slot(object)
    def _on_unread(self, error: Exception) -> None:
        self._show()  # the box goes back to what is on display
        self._tell_error(error)

    @Slot(object)
    def _tell_error(self, error: Exception) -> None:
        self.told.emit("bad", str(error), ())

    def _show(self) -> None:
        self.box.set_choices(list(self._studies.items()), self._current)
        self.box.setEnabled(not self._running)
        ended = self._current in self._studies and not self._running
        self.delete_button.setEnabled(ended)
        self.go_on_button.setVisible(ended and self._current in self._unfinished)
        self.setVisible(bool(self._studies))


def _line(study: Study) -> str:
    when = study.created.replace("T", " ")[:16]
    part = "" if study.status == "finished" else f" · {study.status}"
    return f"{study.title}{part} · {when}"
