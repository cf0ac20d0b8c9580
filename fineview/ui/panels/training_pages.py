"""The pages of the training panel: one is there from the start, the others when first shown."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from fineview.core.laboratory import Laboratory
from fineview.ui.context import Context
from fineview.ui.run_rows import RunList
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.segmented import Segmented
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
        self._common = (session, runner, lab, context, runs)
        self.bar = Segmented(
            TITLES,
            "Page of the training panel",
            "One run, live – how its texts moved – what it got wrong – strategies and heads side "
            "by side – several tasks on one encoder.",
        )
        self._built: dict[str, QWidget] = {"train": first}
        self._stack = QStackedWidget()
        self._stack.addWidget(first)
        row = QHBoxLayout()
        row.addWidget(self.bar)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addLayout(row)
        column.addWidget(self._stack, 1)
        self.bar.changed.connect(lambda name: session.view(training_page=name))
        session.changed.connect(self._on_session)
        self._show(session.state.training_page)

    def page(self, name: str) -> QWidget:
        """Return a page, built when first asked for."""
        if name not in self._built:
            self._built[name] = self._build(name)
            self._stack.addWidget(self._built[name])
        return self._built[name]

    def _build(self, name: str) -> QWidget:
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

    def _show(self, name: str) -> None:
        name = name if name in dict(TITLES) else "train"
        self.bar.set_value(name)
        front = self.page(name)
        for page in self._built.values():  # one that nobody sees asks for no room
            shown = QSizePolicy.Policy.Preferred if page is front else QSizePolicy.Policy.Ignored
            page.setSizePolicy(shown, shown)
        self._stack.setCurrentWidget(front)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.training_page != old.training_page:
            self._show(state.training_page)
