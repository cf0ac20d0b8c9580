"""What is asked of the hub: words to search for, a repository to look up."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.panels.data_hub_items import Found
from fineview.ui.theme import set_icon, spacing
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.segmented import Segmented
from fineview.work.jobs import Job, JobRunner, Lane

if TYPE_CHECKING:
    from fineview.core.models import hub

_MOST_HITS = 20


class HubQuestions(QWidget):
    """Fields and buttons; one question at a time, which can be given up.

    Attributes:
        kind_choice: Encoder models or data sets.
        words: What to search for.
        repo: Id or page address to look up.
        revision: Branch, tag or commit of it, or "".
        message: What went wrong with the last question.

    Signals:
        found(object): The hits of a search, list[Found].
        planned(object): What a repository holds, a HubPlan.
        kind_changed(str): The other kind was chosen.
    """

    found = Signal(object)
    planned = Signal(object)
    kind_changed = Signal(str)

    def __init__(self, runner: JobRunner, lab: Laboratory) -> None:
        super().__init__()
        self._runner = runner
        self._cache = lab.locations.cache
        self._job: Job | None = None
        self._again: Callable[[], None] = self.search
        self.kind_choice = Segmented(
            (("model", "Encoder models"), ("dataset", "Data sets")),
            "Kind of repository",
            "What is searched and looked up – Encoder models – data sets must hold Parquet files.",
        )
        self.words = QLineEdit()
        self.repo = QLineEdit()
        self.revision = QLineEdit()
        self.search_button = QPushButton("Search")
        self.look_up_button = QPushButton("Look up")
        self.cancel_button = QPushButton("Cancel")
        self.busy = plain_label("", "small")
        self._busy_row = QWidget()
        self.message = MessageLine()
        self._describe()
        self._lay_out()
        self._connect()
        self._set_busy("")

    @property
    def kind(self) -> "hub.Kind":
        """Return what is asked for."""
        return cast("hub.Kind", self.kind_choice.value)

    @property
    def asking(self) -> bool:
        """Return whether a question is under way."""
        return self._job is not None

    def complain(self, text: str, *, retry: bool = False) -> None:
        """Say what went wrong."""
        self.message.show_message("bad", text, (("Try again", "again"),) if retry else ())

    @Slot()
    def search(self) -> None:
        """Ask for repositories of a name."""
        words, kind = self.words.text().strip(), self.kind
        if not words:
            self.complain("Type a part of a name first.")
            self.words.setFocus()
            return

        def search(report: Report) -> "Sequence[hub.HubHit]":
            from fineview.core.models import hub

            return hub.search(words, kind, _MOST_HITS, report)

        def found(hits: "Sequence[hub.HubHit]") -> None:
            if not hits:
                what = "encoder model" if kind == "model" else "data set"
                self.complain(f"The hub knows no {what} called “{words}”: try a part of the name.")
            self.found.emit([Found(kind=kind, hit=hit) for hit in hits])

        self._ask(f"Searching the hub for “{words}”…", search, found, self.search)

    @Slot()
    def look_up(self) -> None:
        """Ask what the repository in the field holds."""
        text = self.repo.text().strip()
        if not text:
            self.complain("Type owner/name, or paste the address of a page, first.")
            self.repo.setFocus()
            return
        self.plan(text, self.kind, self.revision.text().strip())

    def plan(self, text: str, kind: "hub.Kind", revision: str = "") -> None:
        """Ask what a repository holds.

        Args:
            text: Its id, or the address of its page.
            kind: What it is.
            revision: Branch, tag or commit; "" is the newest.
        """
        cache = self._cache

        def plan(report: Report) -> "hub.HubPlan":
            from fineview.core.models import hub

            return hub.plan_download(
                hub.validate_repo_id(text), kind, revision or None, cache, report
            )

        self._ask(
            f"Looking up {text}…",
            plan,
            self.planned.emit,
            lambda: self.plan(text, kind, revision),
        )

    @Slot()
    def cancel(self) -> None:
        """Give up the question that is under way."""
        if self._job is not None:
            self._job.stop()
            self._job = None
            self._set_busy("")

    def _ask(
        self,
        words: str,
        work: Callable[[Report], Any],
        found: Callable[[Any], None],
        again: Callable[[], None],
    ) -> None:
        """Put a question; the newest wins."""
        self.cancel()
        self.message.clear()
        self._again = again
        self._job = job = self._runner.submit(words.rstrip("…"), work, Lane.FILES)
        ahead = any(other.lane is Lane.FILES and other is not job for other in self._runner.jobs)
        self._set_busy("Waiting for other files first…" if ahead else words)

        def while_newest(then: Callable[..., None]) -> Callable[..., None]:
            return lambda *values: then(*values) if job is self._job else None

        def over() -> None:
            self._job = None
            self._set_busy("")

        job.started.connect(while_newest(lambda: self._set_busy(words)))
        job.finished.connect(while_newest(found))
        job.failed.connect(while_newest(lambda error: self.complain(str(error), retry=True)))
        job.ended.connect(while_newest(over))

    def _set_busy(self, words: str) -> None:
        self.busy.setText(words)
        self._busy_row.setVisible(bool(words))

    def _describe(self) -> None:
        describe(
            self.words,
            "Search words",
            "Part of a name – distilbert – use it when the id is not known.",
        )
        self.words.setPlaceholderText("part of a name")
        describe(
            self.repo,
            "Repository",
            "Owner and name, or the address of the page – distilbert/distilbert-base-uncased – "
            "the surest way to one repository.",
        )
        self.repo.setPlaceholderText("owner/name, or the address of its page")
        describe(
            self.revision,
            "Revision",
            "Branch, tag or commit – empty means the newest – fix it to repeat a result.",
        )
        self.revision.setPlaceholderText("newest")
        describe(self.search_button, "Search", "Asks the hub for repositories of this name.")
        describe(
            self.look_up_button,
            "Look up",
            "Asks the hub what this repository holds; nothing is downloaded yet.",
        )
        describe(self.cancel_button, "Cancel the question", "Stops waiting for the hub.")
        set_icon(self.search_button, "search")
        set_icon(self.cancel_button, "stop")

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(spacing(2))
        grid.setVerticalSpacing(spacing(2))
        grid.setColumnStretch(1, 3)
        grid.setColumnStretch(3, 1)
        grid.addWidget(plain_label("Kind"), 0, 0)
        grid.addWidget(self.kind_choice, 0, 1, 1, 4, Qt.AlignmentFlag.AlignLeft)
        for row, (text, field) in enumerate((("&Search", self.words), ("&Id", self.repo)), 1):
            label = QLabel(text)
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
        at = QLabel("&Revision")
        at.setBuddy(self.revision)
        grid.addWidget(self.words, 1, 1, 1, 3)
        grid.addWidget(self.search_button, 1, 4)
        grid.addWidget(self.repo, 2, 1)
        grid.addWidget(at, 2, 2)
        grid.addWidget(self.revision, 2, 3)
        grid.addWidget(self.look_up_button, 2, 4)
        busy = QHBoxLayout(self._busy_row)
        busy.setContentsMargins(0, 0, 0, 0)
        busy.setSpacing(spacing(2))
        busy.addWidget(self.busy)
        busy.addStretch(1)
        busy.addWidget(self.cancel_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addLayout(grid)
        column.addWidget(self._busy_row)
        column.addWidget(self.message)

    def _connect(self) -> None:
        self.search_button.clicked.connect(self.search)
        self.words.returnPressed.connect(self.search)
        self.look_up_button.clicked.connect(self.look_up)
        self.repo.returnPressed.connect(self.look_up)
        self.revision.returnPressed.connect(self.look_up)
        self.cancel_button.clicked.connect(self.cancel)
        self.kind_choice.changed.connect(self.kind_changed)
        self.message.action_pressed.connect(lambda _key: self._again())
