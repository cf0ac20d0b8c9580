"""A table of judged items with the item in front in full, its order, and its way to a file."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFileDialog,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.core.data.browse import ItemQuery, find
from fineview.core.progress import Report
from fineview.ui.panels.training_mistakes_asking import Asking
from fineview.ui.theme import set_icon, spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.format import THIN_SPACE
from fineview.ui.widgets.labels import describe
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.verdict_detail import VerdictDetail
from fineview.ui.widgets.verdict_table import Verdicts, VerdictTable
from fineview.work.jobs import JobRunner, Lane

Rows = NDArray[np.int64]


class JudgedRows(QWidget):
    """Table and detail.

    Attributes:
        table: The table.
        detail: The item in front.
        empty: Shown in the table's place while there are no rows.
        save_button: To be placed by the owner.

    Signals:
        current_changed(int): Place of the row in front among the items, −1 for none.
    """

    current_changed = Signal(int)

    def __init__(
        self, runner: JobRunner, message: MessageLine, name: str, tooltip: str, empty: EmptyState
    ) -> None:
        super().__init__()
        self._message = message
        self._file = name.lower().replace(" ", "-")
        self.table = VerdictTable(name, tooltip)
        self.detail = VerdictDetail("No row chosen")
        self.empty = empty
        self.save_button = QPushButton("Save as CSV…")
        set_icon(self.save_button, "export")
        describe(
            self.save_button,
            f"Save {name.lower()}",
            "Writes the rows that are shown, in this order, texts whole – all – to go on with them "
            "elsewhere.",
        )
        self._stack = QStackedWidget()
        for part in (self.empty, self.table):
            self._stack.addWidget(part)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(spacing(2))
        split.addWidget(self._stack)
        split.addWidget(self.detail)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        line = self.fontMetrics().height()
        split.setSizes([line * 40, line * 8])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(split)
        self._sorting = Asking(runner, self)
        self._saving = Asking(runner, self, Lane.FILES)
        self._connect()
        self.show_nothing()

    def _connect(self) -> None:
        self.table.current_changed.connect(self.current_changed)
        self.table.text_sort_wanted.connect(self._on_text_sort)
        self.save_button.clicked.connect(self.save)
        self._sorting.answered.connect(self._on_sorted)
        self._saving.answered.connect(self._on_saved)
        for asking in (self._sorting, self._saving):
            asking.failed.connect(lambda text: self._message.show_message("bad", text))

    @property
    def count(self) -> int:
        """Return how many rows are shown."""
        return len(self.table.verdict_model.rows) if self._stack.currentIndex() else 0

    def show_rows(self, verdicts: Verdicts, rows: Rows, column: int, descending: bool) -> None:
        """Show items; without rows the empty state; see `VerdictTable.show_rows`."""
        self._sorting.forget()
        self._stack.setCurrentIndex(1 if len(rows) else 0)
        self.save_button.setEnabled(len(rows) > 0)
        self.detail.setVisible(len(rows) > 0)
        self.table.show_rows(verdicts, rows, column, descending)

    def show_nothing(self) -> None:
        """Show the empty state."""
        self._sorting.forget()
        self._stack.setCurrentIndex(0)
        self.save_button.setEnabled(False)
        self.detail.hide()

    @Slot(bool)
    def _on_text_sort(self, descending: bool) -> None:
        shown, rows = self.table.verdict_model.verdicts, self.table.verdict_model.rows
        if shown is None:
            return
        query = ItemQuery(sort="text", descending=descending)

        def work(report: Report) -> Rows:
            items = shown.items[rows]
            found = find(shown.index, query, (items,), report)
            by_item = np.argsort(items, kind="stable")
            return rows[by_item[np.searchsorted(items[by_item], found)]]

        self._sorting.forget()
        self._sorting.ask(descending, "Sort texts", work)

    @Slot(object)
    def _on_sorted(self, rows: Rows) -> None:
        if len(rows) == len(self.table.verdict_model.rows):
            self.table.verdict_model.reorder(rows)

    @Slot()
    def save(self) -> None:
        """Ask for a file and write the rows that are shown."""
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Save as CSV", f"{self._file}.csv", "CSV (*.csv)"
        )
        if chosen:
            path = Path(chosen)
            self.save_to(path if path.suffix else path.with_name(f"{path.name}.csv"))

    def save_to(self, path: Path) -> None:
        """Write the rows that are shown."""
        shown, rows = self.table.verdict_model.verdicts, self.table.verdict_model.rows
        if shown is None or self._saving.busy:
            return

        def work(report: Report) -> str:
            from fineview.core.explore.mistakes_work import save_rows

            cells = (shown.cells(place) for place in rows.tolist())
            save_rows(shown.header(), cells, len(rows), path, report)
            return f"{len(rows):,} rows written to {path.name}.".replace(",", THIN_SPACE)

        self._saving.forget()
        self._saving.ask(str(path), f"Save {path.name}", work)

    @Slot(object)
    def _on_saved(self, said: str) -> None:
        self._message.show_message("good", said)
