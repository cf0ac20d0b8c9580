"""The pages of the training panel: one is there from the start, the others when first shown."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from fineview.core.laboratory import Laboratory
from fineview.ui.context import Context
from fineview.ui.pages import Pages
from fineview.ui.run_rows import RunList
from fineview.ui.session import Session
from fineview.work.jobs import JobRunner

TITLES = (
    ("train", "Train"),
    ("moved", "What moved"),
    ("mistakes", "Mistakes"),
    ("compare", "Compare"),
    ("tasks", "Several tasks"),
)


class TrainingPages(QWidget):
    """A bar of pages, and the one that the session names.

    Signals:
        run_wanted(str): A page wants a run on display.
    """

    run_wanted = Signal(str)

    def __init__(
        self, first: QWidget, session: Session, runner: JobRunner, lab: Laboratory,
        context: Context, runs: RunList,
    ) -> None:  # fmt: skip
        """Show the bar and the first page, `train`, which is there already."""
        super().__init__()
        self._first = first
        self._common = (session, runner, lab, context, runs)
        self._pages = Pages(
            session,
            "training_page",
            TITLES,
            self._build,
            name="Page of the training panel",
            tooltip="One run, live – how its texts moved – what it got wrong – strategies and "
            "heads side by side – several tasks on one encoder.",
        )
        self._pages.page("train")  # where another is in front, it still has a place
        self.bar = self._pages.bar
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._pages)

    def page(self, name: str) -> QWidget:
        """Return a page, built when first asked for."""
        return self._pages.page(name)

    def _build(self, name: str) -> QWidget:
        if name == "train":
            return self._first
        if name == "moved":
            from fineview.ui.panels.training_moved import MovedPage

            return MovedPage(*self._common)
        if name == "mistakes":
            from fineview.ui.panels.training_mistakes import MistakesPage

            return MistakesPage(*self._common)
        if name == "compare":
            from fineview.ui.panels.training_compare import ComparePage

            compare = ComparePage(*self._common)
            compare.run_wanted.connect(self.run_wanted)
            return compare
        from fineview.ui.panels.training_tasks import TasksPage

        return TasksPage(*self._common)
