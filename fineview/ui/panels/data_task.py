"""The task at hand: what it is, what it is made of, how it is split, and every item of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMessageBox,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from fineview.core.data.items import TaskItems
from fineview.core.data.split import SplitConfig
from fineview.core.data.statistics import TaskStatistics
from fineview.core.features.lengths import TokenLengths
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.context import Context
from fineview.ui.panels.data_task_about import TaskAbout
from fineview.ui.panels.data_task_browse import TaskBrowser
from fineview.ui.panels.data_task_figures import TaskFigures, words_sentence
from fineview.ui.panels.data_task_split import SplitEditor
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.panel_area import SideColumn
from fineview.ui.widgets.section import Section
from fineview.work.jobs import Job, JobRunner, Lane, Work

_MANY = 100_000
"""Texts from which on counting goes to the lane for files: the other one must stay quick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What the page shows: a task in one split, and how long texts may be for whom."""

    task: str
    split: SplitConfig
    encoder: str
    max_length: int


class TaskPage(QWidget):
    """A page of the data panel.

    Looks nothing up before it is seen.

    Signals:
        removed(str): A task of the user's own is gone; its name.
        tried(): An item was put where examples are typed.
    """

    removed = Signal(str)
    tried = Signal()

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
        self._runner = runner
        self._lab = lab
        self._context = context
        self._wanted: _Wanted | None = None
        self._items: TaskItems | None = None
        self._statistics: TaskStatistics | None = None
        self._lengths: tuple[str, TokenLengths] | None = None
        self._jobs: dict[str, Job] = {}
        self.about = TaskAbout()
        self.message = MessageLine()
        self.split = SplitEditor(session)
        self.figures = TaskFigures()
        self.browser = TaskBrowser(session, runner)
        self._sections: list[Section] = []
        self._lay_out()
        self.figures.show_wanted.connect(self.browser.show_only)
        self.browser.detail.tried.connect(self._on_tried)
        self.about.files_button.clicked.connect(self._show_files)
        self.about.remove_button.clicked.connect(self.ask_to_remove)
        context.changed.connect(self._on_context)
        session.changed.connect(self._on_session)
        self._show_folds(session.state)
        self._on_context()

    # Asking

    @property
    def busy(self) -> bool:
        """Return whether something is still being counted."""
        return any(job.active for job in self._jobs.values())

    def showEvent(self, event: QShowEvent) -> None:
        """Look up what the session names now."""
        super().showEvent(event)
        self.load()

    def load(self) -> None:
        """Look up the session's task, unless it is on display or under way already."""
        spec = self._session.state.spec
        wanted = _Wanted(
            task=spec.task, split=spec.split, encoder=spec.encoder, max_length=spec.max_length
        )
        before = self._wanted
        if wanted == before:
            return
        self._wanted = wanted
        if before is None or (wanted.task, wanted.split) != (before.task, before.split):
            self._load_task(wanted, same_task=before is not None and wanted.task == before.task)
        elif self._items is not None:
            self.figures.tokens.set_stale(True)
            self._load_lengths(wanted, self._items)

    def _load_task(self, wanted: _Wanted, *, same_task: bool) -> None:
        for job in self._jobs.values():
            job.stop()
        self._jobs.clear()
        self._statistics = self._lengths = None
        self.message.clear()
        if same_task:
            self.figures.set_stale(True)
        else:
            self._items = None
            self.figures.clear()
            self.browser.show_nothing("Reading the task…", "Its texts will be here in a moment.")
        lab = self._lab

        def read(report: Report) -> tuple[TaskItems, bool]:
            report.check()
            return TaskItems(lab.task(wanted.task, wanted.split)), lab.shelf.library.holds(
                wanted.task
            )

        self._submit("task", "Read the task", read, Lane.LOOKUP).finished.connect(self._on_task)

    def _load_statistics(self, items: TaskItems) -> None:
        def count(report: Report) -> TaskStatistics:
            from fineview.core.data.statistics import measure

            return measure(items.task, report)

        lane = Lane.LOOKUP if len(items.task.texts) <= _MANY else Lane.FILES
        job = self._submit("statistics", "Count the task", count, lane)
        job.finished.connect(self._on_statistics)

    def _load_lengths(self, wanted: _Wanted, items: TaskItems) -> None:
        lab = self._lab

        def count(report: Report) -> tuple[str, TokenLengths, NDArray[np.int64]]:
            from fineview.core.features.lengths import token_lengths

            encoder = lab.encoder(wanted.encoder)
            found = token_lengths(encoder, items.task, wanted.max_length, report=report)
            cut = np.zeros(len(items.task.texts), dtype=bool)
            cut[found.cut_texts] = True
            return encoder.info.title, found, items.every[cut[items.units(items.every)]]

        job = self._submit("lengths", "Count tokens", count, Lane.LOOKUP)
        job.finished.connect(self._on_lengths)
        job.ended.connect(self._on_lengths_ended)

    def _submit(self, key: str, name: str, work: Work, lane: Lane) -> Job:
        if key in self._jobs:
            self._jobs[key].stop()
        job = self._runner.submit(name, work, lane)
        job.failed.connect(self._on_failed)
        self._jobs[key] = job
        return job

    # Answers

    @Slot(object)
    def _on_task(self, found: tuple[TaskItems, bool]) -> None:
        if self.sender() is not self._jobs.get("task") or self._wanted is None:
            return
        items, own = found
        before = self._items
        self._items = items
        self.about.show_task(items.task, own=own)
        same = before is not None and before.task.info.name == items.task.info.name
        self.browser.show_items(items, same_task=same)
        # Of many texts lengths come first, and by themselves: with two busy threads beside it the
        # table would be slow to paint.
        if len(items.task.texts) <= _MANY:
            self._load_statistics(items)
        self._load_lengths(self._wanted, items)

    @Slot()
    def _on_lengths_ended(self) -> None:
        mine = self.sender() is self._jobs.get("lengths")
        if mine and self._items is not None and "statistics" not in self._jobs:
            self._load_statistics(self._items)

    @Slot(object)
    def _on_statistics(self, found: TaskStatistics) -> None:
        if self.sender() is not self._jobs.get("statistics") or self._items is None:
            return
        self._statistics = found
        self.figures.show_statistics(self._items.task, found)
        self._show_lengths(self._items)
        self.browser.set_sets(
            {
                "duplicate": found.duplicate_items,
                "conflict": found.conflict_items,
                "leaked": found.leaked_items,
            }
        )

    @Slot(object)
    def _on_lengths(self, found: tuple[str, TokenLengths, NDArray[np.int64]]) -> None:
        if self.sender() is not self._jobs.get("lengths") or self._items is None:
            return
        title, lengths, cut = found
        self._lengths = (title, lengths)
        self._show_lengths(self._items)
        self.browser.set_sets({"cut": cut})

    def _show_lengths(self, items: TaskItems) -> None:
        """Show lengths in tokens, and in words if these are counted already."""
        if self._lengths is not None:
            words = words_sentence(self._statistics) if self._statistics is not None else ""
            self.figures.show_lengths(items.task, *self._lengths, words)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        job = self.sender()
        if job is self._jobs.get("task"):
            self._wanted = None  # so that coming back tries again
            self.figures.clear("")
            self.browser.show_nothing("This task cannot be read", str(error))
            self.message.show_message("bad", str(error))
        elif job is self._jobs.get("lengths"):
            self.figures.clear_lengths(str(error))
        elif job is self._jobs.get("statistics") or job is self._jobs.get("remove"):
            self.message.show_message("bad", str(error))

    @Slot()
    def _on_context(self) -> None:
        task = self._context.task
        if task is not None and task.info.name == self._session.state.spec.task:
            self.split.show_task(task)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.folded != old.folded:
            self._show_folds(state)
        if state.spec != old.spec and self.isVisible():
            self.load()

    @Slot()
    def _on_tried(self) -> None:
        self.browser.message.show_message(
            "info", "This example now stands in the boxes of the panels Features and Training."
        )
        self.tried.emit()

    # Own tasks

    @Slot()
    def ask_to_remove(self) -> None:
        """Ask once, then remove the task."""
        if self._items is None:
            return
        info = self._items.task.info
        question = QMessageBox(self)
        question.setIcon(QMessageBox.Icon.Question)
        question.setTextFormat(Qt.TextFormat.PlainText)
        question.setWindowTitle("Remove this task")
        question.setText(
            f"Remove the task {info.title}? Its rows are deleted from the workspace; the files it "
            "was read from, and the results of runs, stay."
        )
        remove = question.addButton("Remove", QMessageBox.ButtonRole.DestructiveRole)
        question.setDefaultButton(question.addButton(QMessageBox.StandardButton.Cancel))
        question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        remove.clicked.connect(lambda: self._remove(info.name))
        question.open()

    def _remove(self, name: str) -> None:
        lab = self._lab

        def remove(_report: Report) -> str:
            lab.shelf.library.remove(name)
            lab.forget_task(name)
            return name

        job = self._submit("remove", "Remove the task", remove, Lane.FILES)
        job.finished.connect(self._on_removed)

    @Slot(object)
    def _on_removed(self, name: str) -> None:
        self.removed.emit(name)

    @Slot()
    def _show_files(self) -> None:
        if self._items is not None:
            folder = self._lab.shelf.library.place(self._items.task.info.name)
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    # Showing

    def _show_folds(self, state: SessionState) -> None:
        for section in self._sections:
            section.set_folded(_fold_key(section) in state.folded)

    @Slot()
    def _on_folded(self) -> None:
        mine = {_fold_key(section) for section in self._sections}
        folded = {_fold_key(section) for section in self._sections if section.folded}
        kept = set(self._session.state.folded) - mine
        self._session.view(folded=tuple(sorted(kept | folded)))

    def _lay_out(self) -> None:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, spacing(2), 0)
        column.setSpacing(spacing(2))
        column.addWidget(self.message)
        column.addWidget(self.about)
        splitting = Section("Split")
        splitting.body.addWidget(self.split)
        column.addWidget(splitting)
        column.addWidget(self.figures)
        column.addStretch(1)
        figures = self.figures
        self._sections = [splitting, figures.classes, figures.lengths, figures.doubles]
        for section in self._sections:
            section.toggled.connect(self._on_folded)
        self.message.clear()
        whole = QSplitter(Qt.Orientation.Horizontal)
        whole.setChildrenCollapsible(False)
        whole.setHandleWidth(spacing(3))
        whole.addWidget(SideColumn(side))
        whole.addWidget(self.browser)
        whole.setStretchFactor(0, 0)
        whole.setStretchFactor(1, 1)
        letter = self.fontMetrics().averageCharWidth()
        whole.setSizes([letter * 64, letter * 104])
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(whole)


def _fold_key(section: Section) -> str:
    return f"task: {section.title}"
