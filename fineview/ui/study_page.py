"""A page of studies: choices at the left, what was found at the right, one in flight at most."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from fineview.core.laboratory import Laboratory
from fineview.ui.past_studies import PastStudies
from fineview.ui.session import Session
from fineview.ui.study_column import StudyColumn
from fineview.ui.theme import spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.labels import ElidedLabel
from fineview.ui.widgets.message_line import MessageLine
from fineview.work.jobs import Job, JobRunner, Lane, Work


class StudyPage(QWidget):
    """What pages of studies share; a page of its own shows, opens and chooses.

    Attributes:
        choices: The column at the left.
        past: Earlier studies.
        message: Something to say.
        title: What the study on display is called.
        caption: On what it was made.
        empty: Shown before the first.
    """

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        choices: StudyColumn,
        past: PastStudies,
        empty: EmptyState,
        message: str,
        parent: QWidget | None = None,
    ) -> None:
        """Make the parts that all pages have; `_stand` puts them in their places.

        Args:
            session: Holds the choice.
            runner: Carries studies out.
            lab: Keeps them.
            choices: The column at the left.
            past: Earlier studies.
            empty: What is shown before the first.
            message: Accessible name of the message.
            parent: Qt's.
        """
        super().__init__(parent)
        self._session = session
        self._runner = runner
        self._lab = lab
        self._job: Job | None = None
        self.choices = choices
        self.past = past
        self.empty = empty
        self.message = MessageLine(message)
        self.title = ElidedLabel(bold=True)
        self.caption = ElidedLabel("", "small", muted=True)
        choices.run_pressed.connect(self._on_button)
        past.told.connect(self.message.show_message)

    @property
    def busy(self) -> bool:
        """Whether a study is queued or in flight."""
        return self._job is not None and self._job.active

    def start(self) -> None:
        """Carry out what is chosen."""
        raise NotImplementedError

    def _stand(self, results: QWidget, below: Sequence[QWidget] = ()) -> None:
        """Put the parts in their places: results where the empty state is, and lines below it."""
        heading = QVBoxLayout()
        heading.setSpacing(0)
        heading.addWidget(self.title)
        heading.addWidget(self.caption)
        bar = QHBoxLayout()
        bar.setSpacing(spacing(2))
        bar.addLayout(heading, 1)
        bar.addWidget(self.past)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(results)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addLayout(bar)
        column.addWidget(self.message)
        column.addWidget(self._stack, 1)
        for part in below:
            column.addWidget(part)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(spacing(3))
        split.addWidget(self.choices)
        split.addWidget(right)
        split.setStretchFactor(0, 0)
        split.setStretchFactor(1, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(split)

    # A study in flight

    def _submit(self, name: str, work: Work) -> None:
        self.message.clear()
        self._job = job = self._runner.submit(name, work, Lane.COMPUTE)
        job.published.connect(self._on_events)
        job.failed.connect(lambda error: self.message.show_message("bad", str(error)))
        job.ended.connect(self._on_ended)
        self.choices.set_running(True)
        self.past.set_running(True)

    @Slot()
    def _on_button(self) -> None:
        if self._job is not None and self._job.active:
            self._job.stop()
            self.choices.set_running(True, stopping=True)
        else:
            self.start()

    @Slot(object)
    def _on_events(self, events: list[Any]) -> None:
        raise NotImplementedError

    @Slot()
    def _on_ended(self) -> None:
        self._job = None
        self.choices.set_running(False)
        self.past.set_running(False)
        self.past.refresh()

    # A study on display

    def _tell_stale(self, stale: bool) -> None:
        """Say that other settings are chosen than those of the study on display."""
        told = self.message.text and self.message.kind != "info"  # that comes first
        if stale and not told:
            self.message.show_message(
                "info", "These are the results of other settings.", [("Back to them", "back")]
            )
        elif not told:
            self.message.clear()
