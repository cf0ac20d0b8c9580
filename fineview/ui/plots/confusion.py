"""Which labels are taken for which."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from fineview.ui.plots.confusion_canvas import ConfusionCanvas
from fineview.ui.plots.export import Cell, Table, add_export_menu, leave_out_of_exports
from fineview.ui.theme import spacing
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.labels import ElidedLabel, describe
from fineview.ui.widgets.segmented import Segmented


class ConfusionPlot(QWidget):
    """A confusion matrix with a title, and counts or percentages in its cells.

    Attributes:
        canvas: The cells.

    Signals:
        cell_clicked(int, int): A cell was clicked, or Enter pressed on it: (true, predicted).
    """

    cell_clicked = Signal(int, int)

    def __init__(
        self,
        title: str = "Confusion",
        *,
        empty: str = "Which labels are taken for which: shown after the first epoch.",
    ) -> None:
        super().__init__()
        self._title = title
        self.canvas = ConfusionCanvas(empty)
        describe(self.canvas, title, "")
        self.canvas.cell_clicked.connect(self.cell_clicked)
        self.unit = Segmented(
            [("count", "count"), ("percent", "%")],
            f"{title}: numbers",
            "Writes texts or per cent of the row into the cells – count – per cent when the labels "
            "are of unequal frequency.",
        )
        self.unit.changed.connect(self._on_unit)
        row = QHBoxLayout()
        row.setSpacing(spacing(2))
        row.addWidget(ElidedLabel(title, bold=True), 1)
        row.addWidget(self.unit)
        leave_out_of_exports(self.unit)
        column = QVBoxLayout(self)
        column.setContentsMargins(spacing(1), spacing(1), spacing(1), spacing(1))
        column.setSpacing(spacing(1))
        column.addLayout(row)
        column.addWidget(self.canvas, 1)
        self.setFocusProxy(self.canvas)
        self.setAccessibleName(title)
        self.menu = add_export_menu(self, self.table, name=title.lower().replace(" ", "-"))
        self.canvas.announce()

    def set_matrix(self, counts: ArrayLike, classes: Sequence[str]) -> None:
        """Show how often each true label (row) was given each predicted one (column).

        Args:
            counts: (C, C) integers.
            classes: The C labels; none at all brings the empty state back.

        Raises:
            ValueError: The matrix is not C by C.
        """
        names = tuple(classes)
        matrix = np.array(counts, dtype=np.int64).reshape(-1) if names else np.zeros(0, np.int64)
        if matrix.size != len(names) ** 2:
            raise ValueError(f"{matrix.size} counts do not make a square of {len(names)} labels.")
        self.canvas.dimmed = False
        self.canvas.show_matrix(matrix.reshape(len(names), len(names)), names)
        self.setAccessibleDescription(self.text_summary())

    def clear(self) -> None:
        """Show the empty state."""
        self.set_matrix((), ())

    def set_stale(self, stale: bool) -> None:
        """Dim what no longer belongs to the settings."""
        self.canvas.dimmed = stale
        self.canvas.update()

    def text_summary(self) -> str:
        """Return the matrix in words: how much is right, and the commonest mistake."""
        counts, classes = self.canvas.counts, self.canvas.classes
        total = int(counts.sum())
        if not total:
            return f"{self._title}: no predictions yet."
        right = int(np.trace(counts))
        said = f"{self._title}: {count_text(right)} of {count_text(total)} right"
        wrong = counts - np.diag(np.diag(counts))
        if wrong.any():
            true, predicted = np.unravel_index(int(wrong.argmax()), wrong.shape)
            said += (
                f"; most often {classes[int(true)]} is taken for {classes[int(predicted)]}, "
                f"{count_text(int(wrong.max()))} times"
            )
        return said + "."

    def table(self) -> Table:
        """Return the counts, a row for each true label."""
        classes = self.canvas.classes
        rows: list[list[Cell]] = [
            [name, *(int(n) for n in row)]
            for name, row in zip(classes, self.canvas.counts, strict=True)
        ]
        return ["true \\ predicted", *classes], rows

    @Slot(str)
    def _on_unit(self, unit: str) -> None:
        self.canvas.percent = unit == "percent"
        self.canvas.update()
