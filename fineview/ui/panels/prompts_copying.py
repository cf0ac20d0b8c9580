"""What the notebook hands to the clipboard: its text, a script, a table of tokens."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QToolButton

from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.prompting import notebook
from fineview.core.prompting.completion_script import completion_script, tokens_csv
from fineview.core.prompting.seen import PromptRead
from fineview.ui.panels.prompts_model import ModelBar
from fineview.ui.session import Session
from fineview.ui.widgets.labels import describe
from fineview.ui.widgets.message_line import MessageLine
from fineview.work.jobs import JobRunner, Lane


class CopyButton(QToolButton):
    """A button with three entries.

    Attributes:
        read: What the model thinks of the text, as the page has it; None before it was read.
    """

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        model: ModelBar,
        message: MessageLine,
    ) -> None:
        super().__init__()
        self._session = session
        self._runner = runner
        self._lab = lab
        self._model = model
        self._message = message
        self.read: PromptRead | None = None
        self.setText("Copy")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        describe(
            self,
            "Copy",
            "Copies the text – a Python script that says the same with plain transformers – or a "
            "CSV of all tokens.",
        )
        menu = QMenu(self)
        menu.addAction("Text", self._copy_text)
        menu.addAction("Python script", self._copy_script)
        menu.addAction("Tokens as CSV", self._copy_tokens)
        self.setMenu(menu)

    def _whole(self) -> str:
        state = self._session.state.notebook
        return notebook.whole(state.nodes, state.current)

    def _copy_text(self) -> None:
        QGuiApplication.clipboard().setText(self._whole())

    def _copy_script(self) -> None:
        sampling = self._session.state.notebook.sampling
        choice, text, desk = self._model.choice, self._whole(), self._lab.prompts

        def work(report: Report) -> str:
            return completion_script(desk.model(choice, report), text, sampling)

        job = self._runner.submit("Write the script", work, Lane.COMPUTE)
        job.finished.connect(self._on_script)
        job.failed.connect(lambda error: self._message.show_message("bad", str(error)))

    @Slot(object)
    def _on_script(self, script: str) -> None:
        QGuiApplication.clipboard().setText(script)
        self._message.show_message("good", "The script is on the clipboard.")

    def _copy_tokens(self) -> None:
        if self.read is None:
            self._message.show_message(
                "info", "Nothing was read yet: press Load or Generate first."
            )
            return
        QGuiApplication.clipboard().setText(tokens_csv(self.read))
