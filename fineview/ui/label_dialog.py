"""Use a trained head: let it label every row of a file."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from fineview.core.data.plan import ImportPlan, ReadSettings
from fineview.core.data.task import Level
from fineview.core.errors import ConfigError, FineviewError, ImportProblem, StoreError
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.runs.labelling import Labelled
from fineview.core.runs.record import RunSummary
from fineview.ui.file_drop import FileDrop
from fineview.ui.label_sheet import LabelSheet, Place, one_line
from fineview.work.jobs import Job, JobRunner, Lane

_FILTER = "Texts (*.csv *.tsv *.txt *.jsonl *.parquet *.xlsx *.conll *.conllu);;All files (*)"
_READS: dict[Level, str] = {
    "sentence": "reads one text a row",
    "pair": "reads two texts a row",
    "word": "labels every word of a text",
}


def left_a_head(summary: RunSummary) -> bool:
    """Return whether a run ended with a head that can be used; one diverged is of no use."""
    return summary.status in ("finished", "stopped") and summary.step > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What looking at a file with a run in mind gave."""

    plan: ImportPlan
    level: Level
    classes: tuple[str, ...]


class LabelDialog(LabelSheet):
    """Not modal: choose a file, see which columns are read, write a labelled copy.

    Attributes:
        run_id: The run whose head labels.
        out: File to write, None before one was chosen.
        labelled: What the last labelling gave, None before.
    """

    def __init__(
        self, run_id: str, runner: JobRunner, lab: Laboratory, parent: QWidget | None = None
    ) -> None:
        super().__init__(f"Label a file with “{_title(lab, run_id)}”", parent)
        self.run_id = run_id
        self.out: Path | None = None
        self.labelled: Labelled | None = None
        self._runner = runner
        self._lab = lab
        self._job: Job | None = None
        self._found: _Found | None = None
        self._file: Path | None = None
        self._agreed: Path | None = None  # a file that may be replaced: the save dialog has asked
        self.setWindowTitle(f"Label a file – run {run_id}")
        self._connect()
        self.drop = FileDrop(self, self._on_dropped)
        self.drop.hint.setText("Drop one file of texts")
        self.drop.leave_alone(self)
        self._show()

    @property
    def idle(self) -> bool:
        """Return whether nothing is under way."""
        return self._job is None

    # What is chosen

    def choose(self, path: Path, *, header: bool | None = None) -> None:
        """Look at a file; what was known of another is forgotten.

        Args:
            path: The file.
            header: Whether its first row names the columns; None is found out.
        """
        if self._labelling():
            return
        if self._job is not None:
            self._job.stop()
        self._forget(keep_out=path == self._file)
        self._file = path
        self.file_name.set_text(str(path))
        lab, run_id = self._lab, self.run_id

        def look(report: Report) -> _Found:
            from fineview.core.data.reading import inspect

            judge = lab.judge(run_id)
            plan = lab.labelling_plan(run_id, inspect([path], ReadSettings(header=header), report))
            if len(plan.files) != 1:
                raise ImportProblem(
                    f"{path.name} holds {len(plan.files):,} files, and one is labelled at a time",
                    "choose one of them",
                )
            return _Found(plan=plan, level=judge.level, classes=judge.classes)

        job = self._runner.submit(f"Look into {path.name}", look, Lane.FILES)
        job.finished.connect(self._on_found)
        job.failed.connect(self._on_look_failed)
        job.ended.connect(self._on_ended)
        self._job = job
        self._show()

    def _on_dropped(self, paths: list[Path]) -> None:
        if len(paths) == 1:
            self.choose(paths[0])
        elif not self._labelling():
            self.messages["file"].show_message(
                "bad", f"{len(paths):,} files were dropped: drop one at a time."
            )

    def write_to(self, path: Path, *, replace_it: bool = False) -> None:
        """Choose the file to write.

        Args:
            path: The file.
            replace_it: Whether a person has agreed that it be replaced.
        """
        self.out = path
        self._agreed = path if replace_it else None
        self.messages["out"].clear()
        self._show()

    @Slot()
    def ask_file(self) -> None:
        """Ask for the file to label."""
        start = str(self._file.parent) if self._file is not None else ""
        chosen, _ = QFileDialog.getOpenFileName(self, "Label a file", start, _FILTER)
        if chosen:
            self.choose(Path(chosen))

    @Slot()
    def ask_out(self) -> bool:
        """Ask for the file to write, and whether one that is there may be replaced.

        Returns:
            Whether a file was chosen.
        """
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Write labels to", str(self.out or ""), "CSV (*.csv)"
        )
        if not chosen:
            return False
        path = Path(chosen)
        whole = path if path.suffix else path.with_name(f"{path.name}.csv")
        self.write_to(whole, replace_it=whole == path)
        return True

    @Slot()
    def start(self) -> None:
        """Label every row."""
        if self._found is None or self.out is None or self._job is not None:
            return
        if self.out.exists() and self._agreed != self.out and not self.ask_out():
            return
        # A name that the save dialog did not see, since ".csv" was added to it.
        if self.out.exists() and self._agreed != self.out:
            self.messages["out"].show_message(
                "warning", f"{self.out.name} is there already: choose another name, or replace it."
            )
            return
        for line in (*self.messages.values(), self.done_line):
            line.clear()
        self.labelled = None
        self.sample.show_rows(())
        lab, run_id, plan, out = self._lab, self.run_id, self._plan(self._found), self.out

        def label(report: Report) -> Labelled:
            return lab.label_file(run_id, plan, out, report)

        job = self._runner.submit(f"Label {plan.files[0].path.name}", label, Lane.COMPUTE)
        job.started.connect(self._on_started)
        job.progressed.connect(self._on_progress)
        job.finished.connect(self._on_labelled)
        job.failed.connect(self._on_label_failed)
        job.cancelled.connect(self._on_cancelled)
        job.ended.connect(self._on_ended)
        self._job = job
        self.bar.setRange(0, 0)
        self.progress_text.setText("Waits for the work before it")
        self._show()

    @Slot()
    def cancel(self) -> None:
        """Stop; nothing half-written stays."""
        if self._job is not None:
            self._job.stop()
            self.progress_text.setText("Stopping")

    def done(self, result: int) -> None:
        """Close, and stop what is under way."""
        if self._job is not None:
            self._job.stop()
        super().done(result)

    # What jobs say. A job that was overtaken by another is not listened to.

    @Slot(object)
    def _on_found(self, found: _Found) -> None:
        if self.sender() is not self._job:
            return
        self._found = found
        path = found.plan.files[0].path
        if self.out is None:
            self.write_to(path.with_name(f"{path.stem}-labelled.csv"))
        choices = [(name, one_line(name)) for name in found.plan.roles]
        self.text_box.set_choices(choices, found.plan.column("text"))
        self.second_box.set_choices(choices, found.plan.column("second"))
        self.header_box.setChecked(found.plan.header)
        classes = ", ".join(found.classes[:6]) + (", …" if len(found.classes) > 6 else ".")
        answers = f"one of: {classes}" if found.classes else "with a number."
        self.about.setText(f"The head {_READS[found.level]} and answers {answers}")
        self._check_columns()

    @Slot(object)
    def _on_look_failed(self, error: Exception) -> None:
        if self.sender() is self._job:
            self.messages["file"].show_message("bad", str(error))

    @Slot()
    def _on_started(self) -> None:
        self.progress_text.setText("Loading the encoder")

    @Slot(int, int, str)
    def _on_progress(self, done: int, total: int, text: str) -> None:
        if self._job is None or self._job.stopping:
            return
        if total:  # else the rows are being counted, and nobody knows how many there are
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * done / total))
        if text:
            self.progress_text.setText(text)

    @Slot(object)
    def _on_labelled(self, told: Labelled) -> None:
        self.labelled = told
        self._agreed = None
        self.done_line.show_message("good", told.text, [("Open &folder", "folder")])
        self.show_sample(told.sample)

    @Slot(object)
    def _on_label_failed(self, error: Exception) -> None:
        place: Place = "file"
        if isinstance(error, ConfigError):
            place = "out" if error.field == "out" else "columns"
        elif isinstance(error, StoreError):
            place = "out"
        self.messages[place].show_message("bad", str(error))

    @Slot()
    def _on_cancelled(self) -> None:
        self.done_line.show_message("info", "Cancelled; nothing was written.")

    @Slot()
    def _on_ended(self) -> None:
        if self.sender() is self._job:
            self._job = None
            self._show()

    @Slot(str)
    def _on_column(self, _column: str) -> None:
        self._check_columns()
        self._show()

    @Slot(bool)
    def _on_header(self, header: bool) -> None:
        if self._file is not None:
            self.choose(self._file, header=header)

    def _missing(self) -> str:
        """Return what is wrong with the chosen columns, or ""."""
        text, second = self.text_box.value, self.second_box.value
        pair = self._found is not None and self._found.level == "pair"
        if not text:
            return "Choose the column that holds the text."
        if pair and not second:
            return "Choose the column that holds the second text."
        if pair and text == second:
            return f"Text and second text cannot both be {one_line(text)!r}: choose another column."
        return ""

    def _check_columns(self) -> None:
        """Say now, not after the press, which column is missing."""
        line, missing = self.messages["columns"], self._missing()
        line.clear()
        if missing:
            line.show_message("warning", missing)

    def _plan(self, found: _Found) -> ImportPlan:
        """Return how to read the file, with the columns that are chosen."""
        plan = found.plan.with_role(self.text_box.value, "text")
        if found.level == "pair":
            plan = plan.with_role(self.second_box.value, "second")
        return plan

    @Slot(str)
    def _on_action(self, _key: str) -> None:
        if self.labelled is not None:
            folder = self.labelled.path.absolute().parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _connect(self) -> None:
        self.file_button.clicked.connect(self.ask_file)
        self.out_button.clicked.connect(self.ask_out)
        self.label_button.clicked.connect(self.start)
        self.cancel_button.clicked.connect(self.cancel)
        self.text_box.chosen.connect(self._on_column)
        self.second_box.chosen.connect(self._on_column)
        self.header_box.clicked.connect(self._on_header)
        self.done_line.action_pressed.connect(self._on_action)

    # Showing

    def _labelling(self) -> bool:
        return self._job is not None and self._job.lane is Lane.COMPUTE

    def _words(self) -> bool:
        return self._found is not None and self._found.plan.words

    def _forget(self, *, keep_out: bool) -> None:
        self._found = self.labelled = None
        if not keep_out:
            self.out = self._agreed = None
        for box in (self.text_box, self.second_box):
            box.set_choices((), "")
        self.sample.show_rows(())
        for line in (*self.messages.values(), self.done_line):
            line.clear()
        self.about.clear()

    def _show(self) -> None:
        found, labelling = self._found, self._labelling()
        pair = found is not None and found.level == "pair"
        self.out_name.set_text(str(self.out) if self.out is not None else "")
        rows = found is not None and found.plan.format in ("delimited", "xlsx")
        self.header_box.setVisible(rows and not self._words())
        self.header_box.setEnabled(not labelling)
        for widget in (self.text_label, self.text_box):
            widget.setEnabled(found is not None and not labelling)
        for widget in (self.second_label, self.second_box):
            widget.setVisible(pair)
            widget.setEnabled(not labelling)
        self.file_button.setEnabled(not labelling)
        self.out_button.setEnabled(found is not None and not labelling)
        self.label_button.setEnabled(found is not None and self.idle and not self._missing())
        self.label_button.setVisible(not labelling)
        self.cancel_button.setVisible(labelling)
        self.bar.setVisible(labelling)
        looking = self._job is not None and not labelling
        if not labelling:
            self.progress_text.setText("Looking into the file" if looking else "")
        self.view.setVisible(self.labelled is not None)


def _title(lab: Laboratory, run_id: str) -> str:
    try:
        return lab.runs.summary(run_id).title
    except FineviewError:  # looking at a file tells what is wrong with the run
        return run_id
