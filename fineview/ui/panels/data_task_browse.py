"""All items of the task: find them, order them, read one in full, take them out."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.core.data.browse import ItemQuery, find, save_items, write_items
from fineview.core.data.items import TaskItems
from fineview.core.data.task import ITEM_NAME, SPLITS
from fineview.core.progress import Report
from fineview.ui.panels.data_task_item import ItemDetail
from fineview.ui.session import Session
from fineview.ui.theme import set_icon, spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.flow import FlowLayout
from fineview.ui.widgets.format import count_text, plural
from fineview.ui.widgets.item_table import ItemTable
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.segmented import Segmented
from fineview.work.jobs import Job, JobRunner, Lane

Items = NDArray[np.int64]

_AFTER_TYPING_MS = 200
_MOST_COPIED = 100_000
_SETS = (
    ("duplicate", "Duplicates", "whose text occurs more than once"),
    ("conflict", "Contradictions", "whose text occurs with different labels"),
    ("leaked", "Leaked", "of held-out splits whose text also stands in another split"),
    ("cut", "Cut", "whose text is longer than the maximum length, of those that were measured"),
)


class TaskBrowser(QWidget):
    """Search box, filters, table, and the item in front in full.

    Attributes:
        table: The table.
        search: What is typed here must occur.
        detail: The item in front.
    """

    def __init__(self, session: Session, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._items: TaskItems | None = None
        self._sets: dict[str, Items] = {}
        self._query = ItemQuery()
        self._job: Job | None = None
        self._taking: Job | None = None
        self.search = QLineEdit()
        self.regex = QCheckBox("Regular expression")
        self.split = Segmented(
            (("", "All"), *((name, name.capitalize()) for name in SPLITS)),
            "Split to show",
            "Shows the items of one split – all – choose test to read what scores are measured on.",
        )
        self.label = CalmCombo(
            "Class to show",
            "Shows the items of one class – all – choose a rare class to see what it holds.",
            letters=14,
        )
        self.boxes = {key: QCheckBox(title) for key, title, _ in _SETS}
        self._boxes = QWidget()
        self.count = plain_label("", "small")
        self.save_button = QPushButton("Save as CSV…")
        self.message = MessageLine()
        self.table = ItemTable()
        self.empty = EmptyState("Reading the task…", "Its texts will be here in a moment.")
        self.nothing = EmptyState(
            "Nothing matches", "No item meets all that is asked for above.", "Show all"
        )
        self.stack = QStackedWidget()
        self.detail = ItemDetail(session)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_AFTER_TYPING_MS)
        self._lay_out()
        self._connect()

    # What the page tells

    def show_items(self, items: TaskItems, *, same_task: bool) -> None:
        """Show a task; filters stay when only its split is another one."""
        self._items = items
        self._sets.clear()
        task = items.task
        self.label.setVisible(bool(task.classes))
        self.label.set_choices(
            [("", "All classes"), *((str(i), name) for i, name in enumerate(task.classes))],
            self.label.value if same_task else "",
        )
        if not same_task:
            self._reset()
        word = items.has_words
        self.search.setPlaceholderText("Search words" if word else "Search texts")
        describe(
            self.search,
            "Search",
            ("Keeps the items whose word holds these letters; with a space in them, whose sentence "
             "does" if word else "Keeps the items whose text holds these letters")
            + " – a word – use it to look for what a class has in common.",
        )  # fmt: skip
        self._show_boxes()
        self.look()

    def show_nothing(self, title: str, sentence: str) -> None:
        """Show that there is no task to read, and why."""
        self._stop()
        self._items = None
        self._sets.clear()
        self._show_boxes()
        self.table.show_items(None, np.empty(0, dtype=np.int64))
        self.detail.show_item(None, -1)
        self.count.setText("")
        self.save_button.setEnabled(False)
        self.empty.set_text(title, sentence)
        self.stack.setCurrentWidget(self.empty)

    def set_sets(self, sets: Mapping[str, Items]) -> None:
        """Offer to show only these items; keys are `duplicate`, `conflict`, `leaked`, `cut`."""
        asked = any(self.boxes[key].isChecked() for key in sets)
        self._sets.update(sets)
        self._show_boxes()
        if asked:
            self.look()

    def show_only(self, key: str) -> None:
        """Show the items of one set, and nothing else."""
        self._reset()
        self.boxes[key].setChecked(True)
        self.look()

    # Finding

    @Slot()
    def look(self) -> None:
        """Look for what the fields ask for, in place of any search under way."""
        items = self._items
        self._timer.stop()
        self._stop()
        if items is None:
            return
        label = self.label.value if self.label.isVisibleTo(self) else ""
        query = ItemQuery(
            text=self.search.text(),
            regex=self.regex.isChecked(),
            split=self.split.value,  # type: ignore[arg-type]  # one of the segments' values
            label=int(label) if label else None,
            sort=self._query.sort,
            descending=self._query.descending,
        )
        only = [self._sets[key] for key, box in self.boxes.items()
                if box.isChecked() and key in self._sets]  # fmt: skip
        self._query = query

        def work(report: Report) -> tuple[TaskItems, Items]:
            return items, find(items, query, only, report)

        self._job = self._runner.submit("Search the task", work, Lane.LOOKUP)
        self._job.finished.connect(self._on_found)
        self._job.failed.connect(self._on_failed)

    def _stop(self) -> None:
        if self._job is not None:
            self._job.stop()
            self._job = None

    @Slot(object)
    def _on_found(self, found: tuple[TaskItems, Items]) -> None:
        if self.sender() is not self._job:
            return  # the answer to a question before this one
        self._job = None
        items, rows = found
        self.message.clear()
        self.table.show_items(items, rows)
        self.table.set_sorting(self._query.sort, self._query.descending)
        noun = ITEM_NAME[items.task.info.level]
        every = plural(len(items.every), noun)
        whole = len(rows) == len(items.every)
        self.count.setText(every if whole else f"{count_text(len(rows))} of {every}")
        self.save_button.setEnabled(len(rows) > 0)
        self.stack.setCurrentWidget(self.table if len(rows) else self.nothing)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if self.sender() is self._job:
            self._job = None
            self.message.show_message("bad", str(error))

    @Slot(str, bool)
    def _on_sort(self, key: str, descending: bool) -> None:
        self._query = ItemQuery(sort=key, descending=descending)  # type: ignore[arg-type]
        self.look()

    @Slot()
    def _show_all(self) -> None:
        self._reset()
        self.look()

    def _reset(self) -> None:
        self.search.clear()
        self.split.set_value("")
        self.label.set_value("")
        for box in self.boxes.values():
            box.setChecked(False)

    @Slot(int)
    def _on_current(self, item: int) -> None:
        self.detail.show_item(self._items, item)

    # Taking out

    @Slot()
    def copy(self) -> None:
        """Put the chosen rows on the clipboard as a table."""
        items = self._items
        rows = self.table.chosen_items()
        if items is None or not len(rows) or self._taking is not None:
            return
        if len(rows) > _MOST_COPIED:
            self.message.show_message(
                "info",
                f"{count_text(len(rows))} rows are too many for the clipboard: choose at most "
                f"{count_text(_MOST_COPIED)}, or save them as CSV.",
            )
            return

        def work(report: Report) -> str:
            stream = io.StringIO()
            write_items(items, rows, stream, "\t", report)
            return stream.getvalue()

        self._taking = self._runner.submit("Copy rows", work, Lane.LOOKUP)
        self._taking.finished.connect(self._on_copied)
        self._watch_taking()

    @Slot()
    def save(self) -> None:
        """Ask for a file and write the rows that are shown."""
        if self._items is None or self._taking is not None:
            return
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Save as CSV", f"{self._items.task.info.name}.csv", "CSV (*.csv)"
        )
        if chosen:
            path = Path(chosen)
            self.save_to(path if path.suffix else path.with_name(f"{path.name}.csv"))

    def save_to(self, path: Path) -> None:
        """Write the rows that are shown."""
        items, rows = self._items, self.table.items_model.rows
        if items is None or self._taking is not None:
            return

        def work(report: Report) -> str:
            save_items(items, rows, path, report)
            return path.name

        self._taking = self._runner.submit(f"Save {path.name}", work, Lane.FILES)
        self._taking.finished.connect(self._on_saved)
        self._watch_taking()
        self.save_button.setText("Saving…")

    def _watch_taking(self) -> None:
        assert self._taking is not None
        self._taking.failed.connect(self._on_not_taken)
        self._taking.ended.connect(self._on_taken)

    @Slot(object)
    def _on_copied(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)

    @Slot(object)
    def _on_saved(self, name: str) -> None:
        self.message.show_message("good", f"Saved as {name}.")

    @Slot(object)
    def _on_not_taken(self, error: Exception) -> None:
        self.message.show_message("bad", str(error))

    @Slot()
    def _on_taken(self) -> None:
        self._taking = None
        self.save_button.setText("Save as CSV…")

    # Building

    def _show_boxes(self) -> None:
        noun = ITEM_NAME[self._items.task.info.level] if self._items is not None else "item"
        shown = False
        for key, title, which in _SETS:
            box, rows = self.boxes[key], self._sets.get(key)
            count = 0 if rows is None else len(rows)
            box.setText(f"{title} {count_text(count)}")
            # One that is ticked stays, so that it can be unticked.
            box.setVisible(count > 0 or box.isChecked())
            shown = shown or not box.isHidden()
            describe(
                box,
                title,
                f"Shows only the {noun}s {which} – off – tick it to read them.",
            )

        self._boxes.setVisible(shown)

    def _lay_out(self) -> None:
        self.search.setClearButtonEnabled(True)
        describe(
            self.regex,
            "Regular expression",
            r"Reads the search as a regular expression, whatever the case – off – for instance "
            r"^who|^what\b.",
        )
        describe(
            self.save_button,
            "Save as CSV",
            "Writes the rows that are shown, in this order – all – to go on with them elsewhere.",
        )
        set_icon(self.save_button, "export")
        self.save_button.setEnabled(False)
        first = QHBoxLayout()
        first.setSpacing(spacing(2))
        first.addWidget(self.search, 1)
        first.addWidget(self.regex)
        first.addWidget(self.save_button)
        second = QHBoxLayout()
        second.setSpacing(spacing(2))
        second.addWidget(self.split)
        second.addWidget(self.label)
        second.addStretch(1)
        second.addWidget(self.count)
        flow = FlowLayout(self._boxes, gap=spacing(3))
        for box in self.boxes.values():
            flow.addWidget(box)
            box.hide()
        self._boxes.hide()
        for page in (self.empty, self.table, self.nothing):
            self.stack.addWidget(page)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(spacing(2))
        split.addWidget(self.stack)
        split.addWidget(self.detail)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        line = self.fontMetrics().height()
        split.setSizes([line * 40, line * 9])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addLayout(first)
        column.addLayout(second)
        column.addWidget(self._boxes)
        column.addWidget(self.message)
        column.addWidget(split, 1)
        self.message.clear()
        self.label.set_choices([("", "All classes")], "")

    def _connect(self) -> None:
        self.search.textEdited.connect(lambda _text: self._timer.start())
        self.search.textChanged.connect(lambda text: None if text else self._timer.start())
        self.search.returnPressed.connect(self.look)
        self._timer.timeout.connect(self.look)
        self.regex.clicked.connect(self.look)
        self.split.changed.connect(lambda _value: self.look())
        self.label.chosen.connect(lambda _value: self.look())
        for box in self.boxes.values():
            box.clicked.connect(self.look)
        self.save_button.clicked.connect(self.save)
        self.nothing.pressed.connect(self._show_all)
        self.table.sort_wanted.connect(self._on_sort)
        self.table.current_changed.connect(self._on_current)
        self.table.copy_wanted.connect(self.copy)
