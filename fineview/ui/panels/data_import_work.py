"""What the import sheet has done in the background: look, read all rows, keep."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from fineview.core.data.plan import Imported, ImportPlan, Inspection, ReadSettings
from fineview.core.data.task import TaskInfo
from fineview.core.files import atomic_write
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.work.jobs import Job, JobRunner, Lane, Work

Stage = Literal["paste", "inspect", "check", "keep", "sample"]

_AFTER_CHANGE_MS = 300
_NAMES: dict[Stage, str] = {
    "paste": "Take the pasted table",
    "inspect": "Look into a file",
    "check": "Check all rows",
    "keep": "Keep a task",
    "sample": "Save a sample file",
}


class ImportWork(QObject):
    """One file (or several) on its way to a task: the newest wish is served, older ones end.

    Attributes:
        checked: What reading all rows of the present plan gave; None until it is there.
        stage: What is under way or waits, None when nothing is.

    Signals:
        pasted(Path): The pasted table lies here.
        inspected(Inspection): What the beginning of the files shows.
        check_finished(Imported): All rows were read.
        kept(TaskInfo): The task is in the library.
        sample_saved(Path): A sample file was written.
        progressed(int, int, str): Units done, in all (0 unknown), and a text.
        failed(str, Exception): This stage failed.
        cancelled(str): This stage was stopped by the user.
        moved(): `stage` or `checked` is another one.
    """

    pasted = Signal(object)
    inspected = Signal(object)
    check_finished = Signal(object)
    kept = Signal(object)
    sample_saved = Signal(object)
    progressed = Signal(int, int, str)
    failed = Signal(str, object)
    cancelled = Signal(str)
    moved = Signal()

    def __init__(self, runner: JobRunner, lab: Laboratory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.checked: Imported | None = None
        self.stage: Stage | None = None
        self._runner = runner
        self._lab = lab
        self._job: Job | None = None
        self._pasted: Path | None = None
        self._wanted: ImportPlan | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_AFTER_CHANGE_MS)
        self._timer.timeout.connect(self.check_now)

    def paste(self, text: str) -> None:
        """Write a pasted table to a file of its own; it is removed with the sheet."""
        self.forget()
        library = self._lab.shelf.library

        def write(_report: Report) -> Path:
            path = library.new_staging() / f"pasted table{_suffix(text)}"
            try:
                atomic_write(path, text.encode("utf-8", "replace"))
            except BaseException:
                library.discard(path.parent)
                raise
            return path

        self._submit("paste", write)

    def inspect(self, paths: Sequence[Path], settings: ReadSettings) -> None:
        """Look into the beginning of files; what was read of others is given up."""
        self._give_up()

        def look(report: Report) -> Inspection:
            from fineview.core.data.reading import inspect

            return inspect(tuple(paths), settings, report)

        self._submit("inspect", look)

    def check(self, plan: ImportPlan) -> None:
        """Read all rows by a plan, a moment after the last change.

        Raises:
            ConfigError: No reading could follow the plan; nothing is under way then.
        """
        if self.checked is not None and _alike(self.checked.plan, plan):
            return
        self._give_up()
        plan.check()
        self._wanted = plan
        self.stage = "check"
        self._timer.start()
        self.moved.emit()

    @Slot()
    def check_now(self) -> None:
        """Read all rows without waiting for another change."""
        self._timer.stop()
        plan = self._wanted
        if plan is None:
            return
        library = self._lab.shelf.library

        def read_all(report: Report) -> Imported:
            from fineview.core.data.reading import read

            folder = library.new_staging()
            try:
                return read(plan, folder, report)
            except BaseException:
                library.discard(folder)
                raise

        self._submit("check", read_all)

    def keep(self, title: str, meaning: str, source: str, licence: str) -> None:
        """Make a task of what was read.

        Args:
            title: Name on screen.
            meaning: What the label means, or "".
            source: Where the texts come from, or "".
            licence: Their terms, or "".
        """
        if self.checked is None:
            return
        imported = replace(self.checked, plan=replace(self.checked.plan, title=title))
        library = self._lab.shelf.library

        def put_away(_report: Report) -> TaskInfo:
            return library.keep(imported, meaning=meaning, source=source, licence=licence)

        self._submit("keep", put_away)

    def save_sample(self, name: str, path: Path) -> None:
        """Write one of the sample files."""
        self.forget()

        def write(_report: Report) -> Path:
            from fineview.core.data.samples import write_sample

            write_sample(name, path)
            return path

        self._submit("sample", write)

    def cancel(self) -> None:
        """Stop what is under way."""
        if self._timer.isActive():  # has not begun yet
            self._timer.stop()
            self.stage = None
            self.moved.emit()
            self.cancelled.emit("check")
        elif self._job is not None:
            self._job.stop()

    def forget(self) -> None:
        """Stop everything and remove what was read, and what was pasted."""
        self._give_up()
        if self._pasted is not None:
            self._discard(self._pasted)
            self._pasted = None

    def tidy(self) -> None:
        """Remove what was read and not kept, at once: the runner takes no more jobs."""
        self._timer.stop()
        library = self._lab.shelf.library
        for folder in (self.checked.folder if self.checked is not None else None, self._pasted):
            if folder is not None:
                library.discard(folder)
        self.checked = self._pasted = self._job = self.stage = None

    def _give_up(self) -> None:
        self._timer.stop()
        if self._job is not None:
            self._job.stop()
        self._job = self.stage = self._wanted = None
        if self.checked is not None:
            self._discard(self.checked.folder)
            self.checked = None
        self.moved.emit()

    def _discard(self, folder: Path) -> None:
        library = self._lab.shelf.library
        self._runner.submit("Clear away", lambda _report: library.discard(folder), Lane.FILES)

    def _submit(self, stage: Stage, work: Work) -> None:
        before = next(
            (j for j in self._runner.jobs if j.lane is Lane.FILES and not j.stopping), None
        )
        job = self._runner.submit(_NAMES[stage], work, Lane.FILES)
        job.started.connect(self._on_started)
        job.progressed.connect(self._on_progress)
        job.finished.connect(self._on_finished)
        job.failed.connect(self._on_failed)
        job.cancelled.connect(self._on_cancelled)
        self._job, self.stage = job, stage
        self.moved.emit()
        if before is not None and before.name != "Clear away":
            self.progressed.emit(0, 0, f"Waits for “{before.name}”…")

    def _end(self) -> None:
        self._job = self.stage = None

    @Slot()
    def _on_started(self) -> None:
        if self.sender() is self._job:
            self.progressed.emit(0, 0, "")

    @Slot(int, int, str)
    def _on_progress(self, done: int, total: int, text: str) -> None:
        if self.sender() is self._job:
            self.progressed.emit(done, total, text)

    @Slot(object)
    def _on_finished(self, result: object) -> None:
        if self.sender() is not self._job and not isinstance(result, TaskInfo):
            # It finished before it heard that nobody waits.
            if isinstance(result, Imported):
                self._discard(result.folder)
            elif isinstance(result, Path):
                self._discard(result.parent)
            return
        if isinstance(result, TaskInfo):
            if self.sender() is self._job:
                self._end()
                self.checked = None  # its folder is the task's now
                self.forget()
            self.kept.emit(result)
            return
        stage = self.stage
        self._end()
        if isinstance(result, Imported):
            self.checked = result
            self.moved.emit()
            self.check_finished.emit(result)
        elif isinstance(result, Inspection):
            self.moved.emit()
            self.inspected.emit(result)
        elif isinstance(result, Path) and stage == "paste":
            self._pasted = result.parent
            self.moved.emit()
            self.pasted.emit(result)
        else:
            self.moved.emit()
            self.sample_saved.emit(result)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if self.sender() is self._job:
            stage = self.stage
            self._end()
            self.moved.emit()
            self.failed.emit(stage, error)

    @Slot()
    def _on_cancelled(self) -> None:
        if self.sender() is self._job:
            stage = self.stage
            self._end()
            self.moved.emit()
            self.cancelled.emit(stage)


def _alike(one: ImportPlan, other: ImportPlan) -> bool:
    """Return whether two plans read the same rows: a title changes none."""
    return replace(one, title="") == replace(other, title="")


def _suffix(text: str) -> str:
    first = text.lstrip("\ufeff").lstrip().partition("\n")[0]
    if "\t" in first:
        return ".tsv"
    if first.startswith(("{", "[")):
        return ".jsonl"
    return ".csv" if "," in first or ";" in first else ".txt"
