"""The data panel: the task at hand, files to open, and what else can be had."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from fineview.core.laboratory import Laboratory
from fineview.ui.context import Context
from fineview.ui.panels.data_catalogue import CataloguePage
from fineview.ui.panels.data_import import ImportPage
from fineview.ui.panels.data_task import TaskPage
from fineview.ui.session import Session
from fineview.ui.theme import spacing, use_font
from fineview.ui.widgets.segmented import Segmented
from fineview.work.jobs import JobRunner


class DataPanel(QWidget):
    """Three pages: this task, open a file, catalogue.

    Signals:
        task_wanted(str): Work with this task.
        encoder_wanted(str): Work with this encoder.
        task_removed(str): A task of the user's own is gone.
    """

    task_wanted = Signal(str)
    encoder_wanted = Signal(str)
    task_removed = Signal(str)

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        context: Context,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        common = (session, runner, lab, context)
        self.pages = Segmented(
            (("task", "This task"), ("import", "Open data"), ("catalogue", "Catalogue")),
            "Page of the data panel",
            "What the task holds – open files of your own – fetch models and data.",
        )
        self.task = TaskPage(*common)
        self.importing = ImportPage(*common)
        self.catalogue = CataloguePage(*common)
        self._stack = QStackedWidget()
        self._pages: dict[str, QWidget] = {
            "task": self.task,
            "import": self.importing,
            "catalogue": self.catalogue,
        }
        title = QLabel("Data")
        use_font(title, "title")
        bar = QHBoxLayout()
        bar.setSpacing(spacing(2))
        bar.addWidget(title)
        bar.addWidget(self.pages)
        bar.addStretch(1)
        box = QVBoxLayout(self)
        box.setContentsMargins(*[spacing(3)] * 4)
        box.setSpacing(spacing(2))
        box.addLayout(bar)
        box.addWidget(self._stack, 1)
        for page in self._pages.values():
            self._stack.addWidget(page)
        self.pages.changed.connect(self.show_page)
        self.importing.opened.connect(self._use)
        self.task.removed.connect(self.task_removed)
        self.catalogue.task_wanted.connect(self._use)
        self.catalogue.encoder_wanted.connect(self.encoder_wanted)
        self.catalogue.data_wanted.connect(self.open_paths)

    def show_page(self, name: str) -> None:
        """Turn to `task`, `import` or `catalogue`."""
        self.pages.set_value(name)
        self._stack.setCurrentWidget(self._pages[name])

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Look into files and show what was found."""
        self.show_page("import")
        self.importing.open_paths(paths)

    def open_text(self, text: str) -> None:
        """Look into a table from the clipboard."""
        self.show_page("import")
        self.importing.open_text(text)

    def _use(self, name: str) -> None:
        self.show_page("task")
        self.task_wanted.emit(name)
