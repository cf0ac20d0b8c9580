"""The import page: open a file, say what its columns are, make a task of it."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from fineview.core.data.plan import Inspection, ReadSettings
from fineview.core.data.task import TaskInfo
from fineview.core.errors import ConfigError
from fineview.core.laboratory import Laboratory
from fineview.ui.context import Context
from fineview.ui.panels.data_import_empty import ImportEmpty
from fineview.ui.panels.data_import_sheet import ImportSheet, listed, sentence
from fineview.ui.panels.data_import_work import ImportWork
from fineview.ui.session import Session
from fineview.ui.theme import spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.message_line import MessageLine
from fineview.work.jobs import JobRunner

FILE_KINDS = (
    "Data (*.csv *.tsv *.tab *.txt *.jsonl *.ndjson *.json *.parquet *.xlsx *.conllu *.conll "
    "*.iob *.bio);;All files (*)"
)
_BEGINNING = "Only its beginning is read."


class ImportPage(QWidget):
    """Nothing open, looking into a file, or the sheet of an open file.

    Attributes:
        empty: What is shown while nothing is open.
        opening: What is shown while the beginning of a file is read.
        sheet: What is shown of open files.
        message: What concerns the whole page.
        work: What is done in the background.

    Signals:
        opened(str): A task, by name, was made and kept.
    """

    opened = Signal(str)

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        context: Context,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._paths: tuple[Path, ...] = ()
        self._saved: Path | None = None
        self.work = ImportWork(runner, lab, self)
        self.empty = ImportEmpty()
        self.opening = EmptyState("Looking into the file…", _BEGINNING, "Cancel")
        self.sheet = ImportSheet()
        self.message = MessageLine("Open data")
        self.stack = QStackedWidget()
        for part in (self.empty, self.opening, self.sheet):
            self.stack.addWidget(part)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(2))
        box.addWidget(self.message)
        box.addWidget(self.stack, 1)
        self.message.clear()
        self._connect()

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Look into files, or a folder, and show what was found; what was open is given up."""
        if paths:
            self.close_sheet()
            self._look(paths)

    def open_text(self, text: str) -> None:
        """Look into a table from the clipboard; what was open is given up."""
        if not text.strip():
            self.message.show_message(
                "warning", "The clipboard holds no text: copy some rows, then paste again."
            )
            return
        self.close_sheet()
        self.opening.set_text("Taking the pasted table…", _BEGINNING)
        self.stack.setCurrentWidget(self.opening)
        self.work.paste(text)

    def tidy(self) -> None:
        """Remove what was read and not kept: the program ends."""
        self.work.tidy()

    @Slot()
    def choose_files(self) -> None:
        """Ask for files and open them."""
        names, _kind = QFileDialog.getOpenFileNames(self, "Open data", "", FILE_KINDS)
        self.open_paths([Path(name) for name in names])

    @Slot()
    def choose_folder(self) -> None:
        """Ask for a folder and open it."""
        name = QFileDialog.getExistingDirectory(self, "Open a folder of data")
        if name:
            self.open_paths([Path(name)])

    @Slot()
    def paste(self) -> None:
        """Open the table on the clipboard."""
        self.open_text(QGuiApplication.clipboard().text())

    @Slot()
    def close_sheet(self) -> None:
        """Give up what is open; nothing of it is kept."""
        self.work.forget()
        self.message.clear()
        self.sheet.reset()
        self.stack.setCurrentWidget(self.empty)

    def _connect(self) -> None:
        self.empty.file_wanted.connect(self.choose_files)
        self.empty.folder_wanted.connect(self.choose_folder)
        self.empty.paste_wanted.connect(self.paste)
        self.empty.sample_wanted.connect(self._save_sample)
        self.opening.pressed.connect(self.work.cancel)
        self.message.action_pressed.connect(self._on_action)
        sheet, work = self.sheet, self.work
        sheet.plan_changed.connect(self._check)
        sheet.file_wanted.connect(self.choose_files)
        sheet.choices.settings_changed.connect(self._on_settings)
        sheet.result.cancel_pressed.connect(work.cancel)
        sheet.result.again_pressed.connect(self._check)
        sheet.use_button.clicked.connect(self._keep)
        sheet.discard_button.clicked.connect(self.close_sheet)
        work.pasted.connect(lambda path: self._look([path]))
        work.inspected.connect(self._on_inspected)
        work.check_finished.connect(sheet.show_checked)
        work.kept.connect(self._on_kept)
        work.sample_saved.connect(self._on_sample_saved)
        work.progressed.connect(self._on_progress)
        work.failed.connect(self._on_failed)
        work.cancelled.connect(self._on_cancelled)
        work.moved.connect(lambda: sheet.show_state(work.checked, work.stage))

    def _look(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self.opening.set_text(f"Looking into {listed(paths)}…", _BEGINNING)
        self.stack.setCurrentWidget(self.opening)
        self.work.inspect(self._paths, ReadSettings())

    @Slot(object)
    def _on_settings(self, settings: ReadSettings) -> None:
        self.sheet.choices.settings_message.clear()
        self.work.inspect(self._paths, settings)
        self.sheet.result.show_progress(0, 0, "Looking into the file…")

    @Slot(object)
    def _on_inspected(self, inspection: Inspection) -> None:
        self.stack.setCurrentWidget(self.sheet)
        self.sheet.show_inspection(inspection, self._paths)
        self.work.check_now()  # nobody is choosing yet

    @Slot()
    def _check(self) -> None:
        if self.sheet.plan is None:
            return
        try:
            self.work.check(self.sheet.plan)
        except ConfigError as error:
            self.sheet.show_refused(error)
            return
        if self.work.stage == "check":
            self.sheet.result.show_progress(0, 0, "")

    @Slot()
    def _keep(self) -> None:
        if self.sheet.plan is None:
            return
        self.message.clear()
        choices = self.sheet.choices
        self.work.keep(
            choices.apply(self.sheet.plan).title,
            choices.meaning.text(),
            choices.source.text(),
            choices.licence.text(),
        )

    @Slot(object)
    def _on_kept(self, info: TaskInfo) -> None:
        if self.work.stage is None:  # otherwise another file was dropped on the window meanwhile
            self.close_sheet()
        self.opened.emit(info.name)

    @Slot(str)
    def _save_sample(self, name: str) -> None:
        from fineview.core.data.samples import SAMPLES

        sample = next(sample for sample in SAMPLES if sample.name == name)
        wanted, _kind = QFileDialog.getSaveFileName(
            self, "Save a sample file", f"{sample.name}{sample.suffix}"
        )
        if wanted:
            self.work.save_sample(name, Path(wanted))

    @Slot(object)
    def _on_sample_saved(self, path: Path) -> None:
        self._saved = path
        self.message.show_message("good", f"Saved as {path}.", [("Open it", "sample")])

    @Slot(str)
    def _on_action(self, _key: str) -> None:
        if self._saved is not None:
            self.open_paths([self._saved])

    @Slot(int, int, str)
    def _on_progress(self, done: int, total: int, text: str) -> None:
        if self.stack.currentWidget() is self.opening:
            title = f"Looking into {listed(self._paths)}…"
            self.opening.set_text(title, text or _BEGINNING)
        elif self.work.stage in ("check", "inspect"):
            looking = "Looking into the file…" if self.work.stage == "inspect" else ""
            self.sheet.result.show_progress(done, total, text or looking)

    @Slot(str, object)
    def _on_failed(self, stage: str, error: Exception) -> None:
        if stage == "inspect" and self.sheet.plan is None:
            self.stack.setCurrentWidget(self.sheet)
            self.sheet.show_unreadable(error, self._paths)
        elif stage == "inspect":
            self.sheet.show_misfit(error)
        elif stage == "check":
            self.sheet.show_failed(error)
        else:
            self.message.show_message("bad", sentence(error))
            if self.stack.currentWidget() is self.opening:
                self.stack.setCurrentWidget(self.empty)

    @Slot(str)
    def _on_cancelled(self, stage: str) -> None:
        if self.stack.currentWidget() is self.opening:
            self.close_sheet()
        elif stage == "check":
            self.sheet.result.show_stopped("Stopped: not all rows were read.")
        elif stage == "inspect":
            self.sheet.result.show_stopped("Stopped: the file was not read this way.", again=False)
