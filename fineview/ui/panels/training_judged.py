"""What a finished run answered: which labels are taken for which, or numbers against labels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QStackedWidget, QWidget
from shiboken6 import isValid

from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.plots.confusion import ConfusionPlot
from fineview.ui.plots.scatter import ScatterPlot
from fineview.ui.widgets.examples_dialog import ExamplesDialog
from fineview.work.jobs import JobRunner, Lane, Work


class JudgedBox(QStackedWidget):
    """The confusion matrix, whose cells open their texts; for numbers a scatter plot.

    Attributes:
        confusion: For classes.
        answers: For numbers.

    Signals:
        told(str, str): Kind and sentence for the panel's message line.
    """

    told = Signal(str, str)

    def __init__(self, runner: JobRunner, lab: Laboratory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._lab = lab
        self._run = ""
        self._dialog: ExamplesDialog | None = None
        self.confusion = ConfusionPlot(
            empty="Which labels are taken for which: shown when a run has finished."
        )
        self.answers = ScatterPlot(
            "Answers against labels", empty="Answers against labels: shown when a run has finished."
        )
        self.addWidget(self.confusion)
        self.addWidget(self.answers)
        self.confusion.cell_clicked.connect(self._on_cell)

    def clear(self) -> None:
        """Show that nothing was answered yet."""
        self._run = ""
        self.confusion.clear()
        self.answers.clear()

    def show_result(self, run: str, result: Mapping[str, Any]) -> None:
        """Show what a run answered on the validation texts; nothing where it has no result."""
        self.clear()
        self._run = run
        numbers = result.get("label_kind") == "number"
        self.setCurrentWidget(self.answers if numbers else self.confusion)
        if result.get("confusion"):
            self.confusion.set_matrix(np.array(result["confusion"]), tuple(result["classes"]))
        elif numbers and "validation" in result:
            lab = self._lab
            self._look(
                "Answers of a run", lambda _report: (run, lab.numbers_behind(run)), self._on_numbers
            )

    def _look(self, name: str, work: Work, shown: Any) -> None:  # noqa: ANN401 - a slot
        job = self._runner.submit(name, work, Lane.LOOKUP)
        job.finished.connect(shown)
        job.failed.connect(lambda error: self.told.emit("bad", str(error)))

    @Slot(object)
    def _on_numbers(self, found: tuple[str, tuple[Any, Any, tuple[str, ...]]]) -> None:
        run, (labels, said, texts) = found
        if run == self._run:
            names = [
                f"{name}, {values.min():.3g} to {values.max():.3g}"
                for name, values in (("label", labels), ("answer", said))
            ]
            self.answers.set_points(np.column_stack([labels, said]), names)
            self.answers.set_texts(texts)

    @Slot(int, int)
    def _on_cell(self, true: int, predicted: int) -> None:
        """Show the validation texts of a class that were given another one, or the same."""
        lab, run = self._lab, self._run

        def look_up(_report: Report) -> tuple[tuple[str, str, str, float], ...]:
            return lab.examples_behind(run, true, predicted)

        self._look("Look up the texts behind a cell", look_up, self._on_found)

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
        self._dialog = ExamplesDialog(title, list(rows), self)
        self._dialog.show()
