"""Models and data one click away: the catalogue of packages, and the Hugging Face hub."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from fineview.core.laboratory import Laboratory
from fineview.ui.context import Context
from fineview.ui.panels.data_catalogue_downloads import Downloads
from fineview.ui.panels.data_catalogue_packages import PackagesPage
from fineview.ui.panels.data_hub import HubPage
from fineview.ui.session import Session
from fineview.ui.theme import spacing
from fineview.ui.widgets.segmented import Segmented
from fineview.work.jobs import JobRunner


class CataloguePage(QWidget):
    """Two places to have things from; their downloads stand in one queue.

    Attributes:
        place: Which of the two is in front.
        packages: The catalogue.
        hub: The hub.
        downloads: What is on its way.

    Signals:
        task_wanted(str): Switch to this task.
        encoder_wanted(str): Switch to this encoder, named as in a run's spec.
        data_wanted(object): Open these files (list[Path]) in the import sheet.
        changed(): Something was stored or removed.
    """

    task_wanted = Signal(str)
    encoder_wanted = Signal(str)
    data_wanted = Signal(object)
    changed = Signal()

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        _context: Context,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.downloads = Downloads(runner, self)
        self.place = Segmented(
            (("packages", "Packages"), ("hub", "Hugging Face hub")),
            "Where from",
            "Packages hold what fineview knows and checks – Packages – the hub holds everything "
            "else.",
        )
        self.packages = PackagesPage(session, runner, lab, self.downloads)
        self.hub = HubPage(session, runner, lab, self.downloads)
        self._stack = QStackedWidget()
        self._lay_out()
        self._connect()

    def show_place(self, place: str) -> None:
        """Bring `packages` or `hub` to the front."""
        self.place.set_value(place)
        self._stack.setCurrentWidget(self.hub if place == "hub" else self.packages)
        self.packages.tools.setVisible(place == "packages")

    def show_entry(self, name: str) -> None:
        """Bring an entry of the catalogue to the front."""
        self.show_place("packages")
        self.packages.show_entry(name)

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(spacing(4))
        bar.addWidget(self.place)
        bar.addWidget(self.packages.tools, 1)
        policy = self.packages.tools.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.packages.tools.setSizePolicy(policy)
        self._stack.addWidget(self.packages)
        self._stack.addWidget(self.hub)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(2))
        box.addLayout(bar)
        box.addWidget(self._stack, 1)

    def _connect(self) -> None:
        self.place.changed.connect(self.show_place)
        self.packages.task_wanted.connect(self.task_wanted)
        for page in (self.packages, self.hub):
            page.encoder_wanted.connect(self.encoder_wanted)
            page.changed.connect(self.changed)
        self.hub.data_wanted.connect(self.data_wanted)
