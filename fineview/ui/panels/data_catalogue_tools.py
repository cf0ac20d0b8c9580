"""What stands above the catalogue: a filter, what is here, and the demo's button."""

from collections.abc import Mapping

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from fineview.core.models import catalog, fetch
from fineview.ui.panels.data_catalogue_downloads import Downloads
from fineview.ui.panels.data_catalogue_presence import Presence
from fineview.ui.theme import spacing
from fineview.ui.widgets.format import bytes_text, plural
from fineview.ui.widgets.labels import ElidedLabel, describe
from fineview.ui.widgets.segmented import Segmented


class CatalogueTools(QWidget):
    """One line of tools.

    Attributes:
        which: All entries, or those that are on this machine.
        total: How many are here, and what the fetched ones take.
        demo_button: Queues everything that the demo needs.
        stop_button: Cancels all downloads; there while several are queued.
    """

    def __init__(self, downloads: Downloads) -> None:
        super().__init__()
        self._downloads = downloads
        self._missing: list[str] = []
        self.which = Segmented(
            (("all", "All"), ("stored", "Stored")),
            "Which entries",
            "Everything that can be had, or what is on this machine – All – Stored shows what "
            "takes up room.",
        )
        self.total = ElidedLabel("", "small")
        self.stop_button = QPushButton("Cancel all")
        self.demo_button = QPushButton()
        describe(
            self.stop_button, "Cancel all", "Stops the download in flight and forgets the waiting."
        )
        self.stop_button.clicked.connect(downloads.cancel_all)
        bar = QHBoxLayout(self)
        bar.setContentsMargins(0, 0, 0, 0)
        bar.setSpacing(spacing(2))
        bar.addWidget(self.which)
        bar.addSpacing(spacing(1))
        bar.addWidget(self.total, 1)
        bar.addWidget(self.stop_button)
        bar.addWidget(self.demo_button)
        self.show_figures({})

    def missing_for_demo(self) -> tuple[str, ...]:
        """Return what the demo needs and is neither here nor on its way."""
        return tuple(self._missing)

    def show_figures(self, presences: Mapping[str, Presence]) -> None:
        """Count anew.

        Args:
            presences: Where each entry is; empty while that is looked up.
        """
        here = [there for there in presences.values() if there.here]
        fetched = [there for there in here if there.state == "stored"]
        words = f"{len(here)} of {plural(len(presences), 'entry', 'entries')} here"
        if fetched:
            words += f", {bytes_text(sum(there.size for there in fetched))} fetched"
        self.total.set_text(words if presences else "")
        self._missing = [
            name
            for name in fetch.DEMO
            if (there := presences.get(name)) is not None
            and there.can_fetch
            and self._downloads.get(name) is None
        ]
        self.demo_button.setEnabled(bool(self._missing))
        self.demo_button.setText(self._demo_words(presences))
        names = ", ".join(catalog.entry(name).title for name in self._missing)
        describe(
            self.demo_button,
            self.demo_button.text(),
            f"Queues {names or 'nothing'} – one download at a time – each can be cancelled.",
        )
        self.stop_button.setVisible(len(self._downloads.keys) > 1)

    def _demo_words(self, presences: Mapping[str, Presence]) -> str:
        if self._missing or not presences:
            size = sum(presences[name].download_bytes for name in self._missing)
            much = f" ({plural(len(self._missing), 'thing')}, {bytes_text(size)})"
            return "Fetch what the demo needs" + (much if presences else "")
        if any(self._downloads.get(name) is not None for name in fetch.DEMO):
            return "What the demo needs is on its way"
        return "Here is all the demo needs"
