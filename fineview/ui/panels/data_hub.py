"""The Hugging Face hub: search, look up, read the plan, download; online only when asked."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.panels.data_catalogue_downloads import Downloads
from fineview.ui.panels.data_hub_items import FACTS, LITERAL, Found, Item, Kept, parquet_files
from fineview.ui.panels.data_hub_questions import HubQuestions
from fineview.ui.session import Session
from fineview.ui.theme import spacing
from fineview.ui.widgets.catalogue_list import CatalogueList
from fineview.ui.widgets.detail_pane import DetailPane, Notice
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.facts import Facts
from fineview.ui.widgets.format import bytes_text
from fineview.ui.widgets.question import ask_to_remove
from fineview.work.jobs import JobRunner, Lane

if TYPE_CHECKING:
    from fineview.core.models import hub

_ONLINE = (
    "This is the only page that asks the Hugging Face hub anything, and only when you press "
    "Search, Look up or Download; what you typed goes there, nothing else."
)


class HubPage(QWidget):
    """Questions at the left, with what they found and what is stored; one of them at the right.

    Attributes:
        questions: The fields and their buttons.
        list: What was found and what is stored.
        detail: The chosen one.

    Signals:
        encoder_wanted(str): Switch to this encoder, `hub:owner/name@sha`.
        data_wanted(object): Open these files (list[Path]) in the import sheet.
        changed(): Something was stored or removed.
    """

    encoder_wanted = Signal(str)
    data_wanted = Signal(object)
    changed = Signal()

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        downloads: Downloads,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._runner = runner
        self._cache = lab.locations.cache
        self._downloads = downloads
        self._found: list[Found] = []
        self._kept: list[Kept] = []
        self.notice = Notice("About going online")
        self.questions = HubQuestions(runner, lab)
        self.list = CatalogueList("Found and stored", "Repositories; choose one to read about it.")
        self.empty = EmptyState(
            "Nothing from the hub yet",
            "Search for an encoder or a data set, or look one up by its id.",
        )
        self.stack = QStackedWidget()
        self.detail = DetailPane("The chosen repository", Facts(FACTS, LITERAL))
        self._lay_out()
        self._connect()
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Look up what is stored."""
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Look up anew what is stored; nothing goes online."""
        cache = self._cache

        def look(_report: Report) -> list[Kept]:
            from fineview.core.models import hub

            return [Kept(stored=stored) for stored in hub.stored(cache)]

        job = self._runner.submit("Look up what is stored", look, Lane.LOOKUP)
        job.finished.connect(self._on_stored_known)
        job.failed.connect(self._on_failed)

    # Layout

    def _lay_out(self) -> None:
        self.stack.addWidget(self.list)
        self.stack.addWidget(self.empty)
        self._add_buttons()
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(spacing(4))
        split.addWidget(self.stack)
        split.addWidget(self.detail)
        split.setSizes([5300, 4700])  # shares: Qt scales them to the room there is
        self.stack.setMinimumWidth(spacing(75))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(2))
        box.addWidget(self.notice)
        box.addWidget(self.questions)
        box.addWidget(split, 1)
        self.notice.say("info", _ONLINE)

    def _add_buttons(self) -> None:
        add = self.detail.add_button
        add(
            "plan",
            "Look up",
            "Asks the hub for files, sizes and the exact commit; nothing is downloaded yet.",
            primary=True,
        )
        add(
            "download",
            "Download",
            "Downloads the files below, of this very commit, and checks each.",
            primary=True,
        )
        add("use", "Use it", "Works with it from now on.", primary=True)
        add("cancel", "Cancel", "Stops the download; nothing of it stays on disk.", icon="stop")
        add(
            "remove",
            "Remove…",
            "Deletes the files from this machine; they can be downloaded again.",
            icon="trash",
        )

    def _connect(self) -> None:
        self.questions.found.connect(self._on_hits)
        self.questions.planned.connect(self._on_planned)
        self.questions.kind_changed.connect(self._on_kind)
        self.list.chosen.connect(self._show_detail)
        self.list.opened.connect(self._on_opened)
        self.detail.pressed.connect(self._on_pressed)
        self.detail.message.dismissed.connect(self._on_dismissed)
        self._downloads.changed.connect(self._on_download)
        self._downloads.finished.connect(self._on_downloaded)

    # Answers

    @Slot(object)
    def _on_hits(self, hits: list[Found]) -> None:
        self._found = hits
        self._show()
        if hits:
            self.list.choose(hits[0].key)

    @Slot(object)
    def _on_planned(self, plan: "hub.HubPlan") -> None:
        key = f"{plan.kind}:{plan.repo_id}"
        old = next((found for found in self._found if found.key == key), None)
        fresh = Found(kind=plan.kind, hit=old.hit if old else None, plan=plan)
        if old is None:
            self._found.insert(0, fresh)
        else:
            self._found[self._found.index(old)] = fresh
        self._show()
        self.list.choose(fresh.key)

    @Slot(str)
    def _on_kind(self, _kind: str) -> None:
        self._found = []
        self._show()

    @Slot(object)
    def _on_stored_known(self, kept: list[Kept]) -> None:
        self._kept = kept
        self._show()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.questions.complain(str(error))

    # Showing

    def _items(self) -> list[Item]:
        kind = self.questions.kind
        return [*self._found, *(kept for kept in self._kept if kept.kind == kind)]

    def _item(self) -> Item | None:
        key = self.list.key
        return next((item for item in self._items() if item.key == key), None)

    def _is_stored(self, item: Item) -> bool:
        return isinstance(item, Kept) or any(kept.name == item.name for kept in self._kept)

    @Slot()
    def _show(self) -> None:
        rows = [
            item.row(
                self._downloads.get(item.name),
                failed=bool(self._downloads.problem(item.name)),
                stored=self._is_stored(item),
            )
            for item in self._items()
        ]
        self.list.set_rows(rows)
        self.stack.setCurrentWidget(self.list if rows else self.empty)
        self._show_detail(self.list.key)

    @Slot(str)
    def _show_detail(self, _key: str) -> None:
        item = self._item()
        self.detail.setVisible(item is not None)
        if item is None:
            return
        detail = self.detail
        download = self._downloads.get(item.name)
        stored = self._is_stored(item)
        row = item.row(download, failed=bool(self._downloads.problem(item.name)), stored=stored)
        detail.set_heading(item.repo_id, item.sentence(stored=stored), row.tone)
        for name, value in item.facts().items():
            detail.facts.set_fact(name, value)
        planned = isinstance(item, Found) and item.plan is not None
        idle = download is None and not stored
        detail.button("plan").setVisible(idle and not planned)
        detail.button("download").setVisible(idle and planned and not item.refusal)
        detail.button("cancel").setVisible(download is not None)
        detail.button("cancel").setEnabled(download is not None and download.state != "stopping")
        detail.button("use").setVisible(stored and download is None)
        detail.button("use").setText(
            "Use this encoder" if item.kind == "model" else "Open its files"
        )
        detail.button("remove").setVisible(stored and download is None)
        detail.set_progress(
            download.share if download else None,
            download.words() if download else "",
            busy=download is not None and download.state == "running",
        )
        problem = self._downloads.problem(item.name)
        actions = (("Try again", "download"),) if problem else ()
        problem = problem or item.refusal
        if not problem:
            detail.message.clear()
        elif problem != detail.message.text:
            detail.message.show_message("bad", problem, actions)

    # What happens

    @Slot(str)
    def _on_download(self, key: str) -> None:
        if any(item.name == key for item in self._items()):
            self._show()

    @Slot(str, object)
    def _on_downloaded(self, key: str, _folder: object) -> None:
        if any(item.name == key for item in self._items()):
            self.refresh()
            self.changed.emit()

    @Slot()
    def _on_dismissed(self) -> None:
        item = self._item()
        if item is not None:
            self._downloads.forget_problem(item.name)

    @Slot(str)
    def _on_opened(self, _key: str) -> None:
        for name in ("use", "plan"):
            if self.detail.button(name).isVisible():
                self.detail.button(name).click()
                return

    @Slot(str)
    def _on_pressed(self, key: str) -> None:
        item = self._item()
        if item is None:
            return
        if key == "plan":
            self.questions.plan(item.repo_id, item.kind)
        elif key == "download":
            self._start(item)
        elif key == "cancel":
            self._downloads.cancel(item.name)
        elif key == "use":
            self._use(item)
        elif key == "remove":
            self._ask_to_remove(item)

    def _start(self, item: Item) -> None:
        if not isinstance(item, Found) or item.plan is None:
            return
        plan = item.plan

        def fetch(report: Report) -> Path:
            from fineview.core.models import hub

            return hub.download(plan, report)

        self._downloads.add(item.name, item.repo_id, plan.total_bytes, fetch)

    def _use(self, item: Item) -> None:
        if item.kind == "model":
            self.encoder_wanted.emit(item.name)
            return
        folder = next(kept.stored.folder for kept in self._kept if kept.name == item.name)
        job = self._runner.submit(
            "Look for Parquet files", lambda _report: parquet_files(folder), Lane.LOOKUP
        )
        job.finished.connect(self._on_files)
        job.failed.connect(self._on_failed)

    @Slot(object)
    def _on_files(self, paths: list[Path]) -> None:
        self.data_wanted.emit(paths)

    def _ask_to_remove(self, item: Item) -> None:
        size = next(kept.stored.bytes for kept in self._kept if kept.name == item.name)
        used = item.name == self._session.state.spec.encoder
        ask_to_remove(
            self,
            f"Remove {item.repo_id}, {bytes_text(size)}?",
            ("It is in use now. " if used else "")
            + "Runs made with it keep their results; it can be downloaded again.",
            lambda: self._remove(item.name, item.repo_id),
        )

    def _remove(self, name: str, title: str) -> None:
        cache = self._cache

        def remove(_report: Report) -> int:
            from fineview.core.models import hub

            return hub.remove(name, cache)

        job = self._runner.submit(f"Remove {title}", remove, Lane.LOOKUP)
        job.failed.connect(self._on_failed)
        job.ended.connect(self._on_removed)

    @Slot()
    def _on_removed(self) -> None:
        self.refresh()
        self.changed.emit()
