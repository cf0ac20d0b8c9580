"""The texts behind a cell of the confusion matrix."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.widgets.examples_dialog import ExamplesDialog
from fineview.work.jobs import JobRunner, Lane


class CellExamples(QWidget):
    """Looks texts up and shows them; one window at a time. Never visible itself.

    Signals:
        told(str, str): Kind and sentence for the panel's message line.
    """

    told = Signal(str, str)

    def __init__(self, runner: JobRunner, lab: Laboratory, parent: QWidget) -> None:
        super().__init__(parent)
        self.hide()
        self._runner = runner
        self._lab = lab
        self._dialog: ExamplesDialog | None = None

    def look(self, run: str, true: int, predicted: int) -> None:
        """Show the validation texts of a class that were given another one, or the same."""
        lab = self._lab

        def look_up(_report: Report) -> tuple[tuple[str, str, str, float], ...]:
            return lab.examples_behind(run, true, predicted)

        job = self._runner.submit("Look up the texts behind a cell", look_up, Lane.LOOKUP)
        job.finished.connect(self._on_found)
        job.failed.connect(lambda error: self.told.emit("bad", str(error)))

    @Slot(object)
    def _on_found(self, rows: tuple[tuple[str, str, str, float], ...]) -> None:
        # A dialog that the user has closed is gone; only its Python side is still here.
        if self._dialog is not None and isValid(self._dialog):
            self._dialog.close()
        self._dialog = None
        if not rows:
            self.told.emit("info", "No validation text stands in that cell.")
            return
        title = f"Label {rows[0][1]}, answered {rows[0][2]}"
        self._dialog = ExamplesDialog(title, list(rows), self.parentWidget())
        self._dialog.show()
