"""The catalogue: what comes with fineview, and what its packages hold that can be fetched."""

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.core.laboratory import Laboratory
from fineview.core.models import catalog, fetch
from fineview.core.models.catalog import Entry
from fineview.core.progress import Report
from fineview.ui.panels.data_catalogue_downloads import Downloads
from fineview.ui.panels.data_catalogue_presence import GROUPS, Presence, comes_from, find, tasks_in
from fineview.ui.panels.data_catalogue_tools import CatalogueTools
from fineview.ui.session import Session
from fineview.ui.theme import spacing
from fineview.ui.widgets.catalogue_list import CatalogueList, CatalogueRow
from fineview.ui.widgets.detail_pane import DetailPane
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.facts import Facts
from fineview.ui.widgets.format import bytes_text
from fineview.ui.widgets.question import ask_to_remove
from fineview.work.jobs import JobRunner, Lane

_FACTS = ("About", "Size", "Licence", "Comes from", "Tasks", "Kept in", "Command")


class PackagesPage(QWidget):
    """A list at the left, one entry in full at the right.

    Attributes:
        list: The entries.
        detail: The chosen one.
        tools: What stands above the list; the page's owner places it.
        presences: Where each entry is; empty until that was looked up.

    Signals:
        task_wanted(str): Switch to this task.
        encoder_wanted(str): Switch to this encoder.
        changed(): Something was stored or removed.
    """

    task_wanted = Signal(str)
    encoder_wanted = Signal(str)
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
        self.presences: Mapping[str, Presence] = {}
        self._looking = False
        self._look_again = False
        self._kept: dict[str, str] = {}
        """Why an entry could not be removed."""
        self.tools = CatalogueTools(downloads)
        self.list = CatalogueList("Catalogue", "What can be had; choose one to read about it.")
        self.empty = EmptyState("Nothing here yet", "What is fetched will be listed here.")
        self.stack = QStackedWidget()
        self.detail = DetailPane(
            "The chosen entry",
            Facts(
                _FACTS,
                (
                    ("Kept in", "The folder of its files."),
                    ("Command", "What is run to download it, and nothing else."),
                ),
            ),
        )
        self._lay_out()
        self._connect()
        self._show()

    def refresh(self) -> None:
        """Look up anew what is on this machine."""
        if self._looking:
            self._look_again = True
            return
        self._looking, self._look_again = True, False
        cache = self._cache

        def look_up(report: Report) -> dict[str, Presence]:
            return find(cache, report)

        job = self._runner.submit("Look up what is stored", look_up, Lane.LOOKUP)
        job.finished.connect(self._on_found)
        job.failed.connect(self._on_lost)
        job.ended.connect(self._on_looked)

    def download(self, name: str) -> None:
        """Queue an entry, unless it is here or on its way."""
        there = self.presences.get(name)
        if there is None or not there.can_fetch:
            return
        entry, cache = catalog.entry(name), self._cache
        self._downloads.add(
            name,
            entry.title,
            there.download_bytes,
            lambda report: fetch.fetch(entry, cache, report),
        )

    def show_entry(self, name: str) -> None:
        """Choose an entry, which must not be filtered away."""
        self.tools.which.set_value("all")
        self._show()
        self.list.choose(name)

    def showEvent(self, event: QShowEvent) -> None:
        """Look up what is stored: files come and go while nobody looks."""
        super().showEvent(event)
        self.refresh()

    # Layout

    def _lay_out(self) -> None:
        add = self.detail.add_button
        add(
            "download",
            "Download",
            "Runs the command below, checks every file against the catalogue's sum, and keeps it "
            "in the folder below; nothing is installed.",
            primary=True,
        )
        add("use", "Use it", "Switches the window to it.", primary=True)
        add("cancel", "Cancel", "Stops the download; nothing of it stays on disk.", icon="stop")
        add(
            "remove",
            "Remove…",
            "Deletes the files from this machine; they can be fetched again.",
            icon="trash",
        )
        add("copy", "Copy command", "Copies the command below, to read it or run it elsewhere.")
        self.stack.addWidget(self.list)
        self.stack.addWidget(self.empty)
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
        box.addWidget(split, 1)

    def _connect(self) -> None:
        self.tools.which.changed.connect(self._show)
        self.list.chosen.connect(self._show_detail)
        self.list.opened.connect(self._on_opened)
        self.detail.pressed.connect(self._on_pressed)
        self.detail.chosen.connect(self._on_use)
        self.detail.message.dismissed.connect(self._on_dismissed)
        self.tools.demo_button.clicked.connect(self._on_demo)
        self._downloads.changed.connect(self._on_download)
        self._downloads.finished.connect(self._on_stored)

    # Showing

    @Slot()
    def _show(self) -> None:
        rows = []
        for kind, group in GROUPS.items():
            for entry in catalog.entries(kind):
                there = self.presences.get(entry.name)
                if self.tools.which.value == "all" or (there is not None and there.here):
                    rows.append(self._row(entry, group, there))
        self.list.set_rows(rows)
        self.stack.setCurrentWidget(self.list if rows else self.empty)
        self.tools.show_figures(self.presences)
        self._show_detail(self.list.key)

    def _row(self, entry: Entry, group: str, there: Presence | None) -> CatalogueRow:
        state, tone, share = (there.words, there.tone, None) if there else ("", "quiet", None)
        download = self._downloads.get(entry.name)
        if download is not None:
            state, tone, share = download.state_words(), "busy", download.share
        elif self._downloads.problem(entry.name):
            state, tone = "failed", "bad"
        return CatalogueRow(
            key=entry.name,
            group=group,
            title=entry.title,
            line=entry.source,
            size=bytes_text(there.size if there and there.here else _size(entry)),
            terms=entry.licence,
            state=state,
            tone=tone,
            share=share,
        )

    @Slot(str)
    def _show_detail(self, key: str) -> None:
        self.detail.setVisible(bool(key))
        if not key:
            return
        entry = catalog.entry(key)
        there = self.presences.get(key)
        row = self._row(entry, "", there)
        self.detail.set_heading(entry.title, self._sentence(key), row.tone)
        self.detail.notice.say("warning", entry.warning)
        facts = self.detail.facts
        facts.set_fact("About", entry.source)
        facts.set_fact("Size", there.sizes if there else bytes_text(entry.size_bytes))
        facts.set_fact("Licence", entry.licence)
        facts.set_fact("Comes from", comes_from(entry))
        tasks = tasks_in(key)
        facts.set_fact("Tasks", "\n".join(f"{info.title}: {info.meaning}" for info in tasks))
        facts.set_fact("Kept in", there.place if there else "")
        facts.set_fact("Command", there.command if there else "")
        self._show_actions(entry, there)

    def _sentence(self, key: str) -> str:
        there, download = self.presences.get(key), self._downloads.get(key)
        if download is not None:
            return "On its way." if download.state != "waiting" else "Waiting for its turn."
        if self._downloads.problem(key):
            return "The download failed; nothing of it was kept."
        return there.sentence if there is not None else "Looking…"

    def _show_actions(self, entry: Entry, there: Presence | None) -> None:
        detail = self.detail
        download = self._downloads.get(entry.name)
        here = there is not None and there.here and download is None
        absent = there is not None and there.can_fetch
        detail.button("download").setVisible(absent and download is None)
        detail.button("cancel").setVisible(download is not None)
        detail.button("cancel").setEnabled(download is not None and download.state != "stopping")
        detail.button("remove").setVisible(here and there is not None and there.can_remove)
        detail.button("copy").setVisible(there is not None and bool(there.command))
        uses: list[tuple[str, str]] = []
        if here and entry.kind == "encoder":
            uses = [("Use this encoder", f"encoder:{entry.name}")]
        elif here:
            uses = [(f"Use “{info.title}”", f"task:{info.name}") for info in tasks_in(entry.name)]
        detail.offer("use", uses, "Use a task ")
        detail.set_progress(
            download.share if download else None,
            download.words() if download else "",
            busy=download is not None and download.state == "running",
        )
        failed, kept = self._downloads.problem(entry.name), self._kept.get(entry.name, "")
        if failed or kept:
            if detail.message.text != (failed or kept):
                key = "download" if failed else "remove"
                detail.message.show_message("bad", failed or kept, (("Try again", key),))
        elif detail.message.text:
            detail.message.clear()

    # What happens

    @Slot(object)
    def _on_found(self, found: dict[str, Presence]) -> None:
        self.presences = found
        self._show()

    @Slot(object)
    def _on_lost(self, error: Exception) -> None:
        self.tools.total.set_text(str(error))

    @Slot()
    def _on_looked(self) -> None:
        self._looking = False
        if self._look_again:
            self.refresh()

    @Slot(str)
    def _on_download(self, key: str) -> None:
        if any(entry.name == key for entry in catalog.entries()):
            self._show()

    @Slot(str, object)
    def _on_stored(self, key: str, _path: object) -> None:
        if any(entry.name == key for entry in catalog.entries()):
            self.refresh()
            self.changed.emit()

    @Slot(str)
    def _on_opened(self, key: str) -> None:
        """Enter or a double click: use what is here; a download needs the button."""
        button = self.detail.button("use")
        if key == self.list.key and button.isVisible():
            button.click()

    @Slot(str)
    def _on_pressed(self, key: str) -> None:
        name = self.list.key
        if key == "download":
            self.download(name)
        elif key == "cancel":
            self._downloads.cancel(name)
        elif key == "remove":
            self._ask_to_remove(name)
        elif key == "copy":
            QApplication.clipboard().setText(self.detail.facts.fact("Command"))

    @Slot(str)
    def _on_use(self, value: str) -> None:
        what, _, name = value.partition(":")
        (self.encoder_wanted if what == "encoder" else self.task_wanted).emit(name)

    @Slot()
    def _on_dismissed(self) -> None:
        self._kept.pop(self.list.key, None)
        self._downloads.forget_problem(self.list.key)

    @Slot()
    def _on_demo(self) -> None:
        for name in self.tools.missing_for_demo():
            self.download(name)

    def _ask_to_remove(self, name: str) -> None:
        entry = catalog.entry(name)
        spec = self._session.state.spec
        used = name == spec.encoder or spec.task in [info.name for info in tasks_in(name)]
        ask_to_remove(
            self,
            f"Remove {entry.title}, {bytes_text(self.presences[name].size)}?",
            ("It is in use now. " if used else "")
            + "Runs made with it keep their results; it can be fetched again.",
            lambda: self._remove(entry),
        )

    def _remove(self, entry: Entry) -> None:
        cache = self._cache
        self._kept.pop(entry.name, None)
        job = self._runner.submit(
            f"Remove {entry.title}", lambda _report: fetch.remove(entry, cache), Lane.LOOKUP
        )
        job.failed.connect(lambda error: self._kept.update({entry.name: str(error)}))
        job.ended.connect(self._on_removed)

    @Slot()
    def _on_removed(self) -> None:
        self.refresh()
        self.changed.emit()


def _size(entry: Entry) -> int:
    """Return what a download brings; for what pip installs, what it takes on disk."""
    return entry.download_bytes or entry.size_bytes
