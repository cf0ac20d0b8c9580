"""The prompts panel: a language model as a black box, and a look under its lid."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from fineview.core.laboratory import Laboratory
from fineview.ui.context import Context
from fineview.ui.pages import Pages
from fineview.ui.panels.prompts_model import ModelBar
from fineview.ui.session import Session
from fineview.ui.theme import spacing
from fineview.ui.widgets.message_line import MessageLine
from fineview.work.jobs import JobRunner

TITLES = (
    ("notebook", "Notebook"),
    ("few-shot", "Few-shot"),
    ("evaluate", "Evaluate"),
    ("shots", "Shots curve"),
    ("blank", "Same blank"),
)


class PromptsPanel(QWidget):
    """A bar of pages, and the language model that all of them ask.

    Attributes:
        pages: The bar and its pages.
        model: The language model.
    """

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
        self._context = context
        self.message = MessageLine("Language model")
        self.model = ModelBar(session, runner, lab, self.message)
        self._common = (session, runner, lab, self.model)
        self.pages = Pages(
            session,
            "prompts_page",
            TITLES,
            self._build,
            name="Page of the prompts panel",
            tooltip="Write and let the model go on – a prompt of examples – the prompt held "
            "against many – accuracy against the number of examples – a gap, filled by two kinds "
            "of models.",
            corner=self.model,
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(*[spacing(3)] * 4)
        column.setSpacing(spacing(2))
        column.addWidget(self.message)
        column.addWidget(self.pages, 1)

    def page(self, name: str) -> QWidget:
        """Return a page, built when first asked for."""
        return self.pages.page(name)

    def _build(self, name: str) -> QWidget:
        if name == "few-shot":
            from fineview.ui.panels.prompts_few_shot import FewShotPage

            few = FewShotPage(*self._common)
            few.notebook_wanted.connect(self._open_in_notebook)
            return few
        if name == "evaluate":
            from fineview.ui.panels.prompts_evaluate import EvaluatePage

            return EvaluatePage(*self._common)
        if name == "shots":
            from fineview.ui.panels.prompts_shots import ShotsPage

            return ShotsPage(*self._common)
        if name == "blank":
            from fineview.ui.panels.prompts_blank import BlankPage

            return BlankPage(*self._common)
        from fineview.ui.panels.prompts_notebook import NotebookPage

        return NotebookPage(*self._common)

    @Slot(str)
    def _open_in_notebook(self, text: str) -> None:
        """Put a prompt into the notebook as a new root, and show it."""
        from fineview.core.prompting.notebook import planted

        changes = planted(self._session.state.notebook, text)
        self._session.edit_look("Open a prompt", "notebook", **changes)
        self._session.view(prompts_page="notebook")
