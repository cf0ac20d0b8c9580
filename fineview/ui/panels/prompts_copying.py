"""What the notebook hands to the clipboard: its text, a script, a table of tokens."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QToolButton

from fineview.core.errors import ConfigError
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.prompting import notebook
from fineview.core.prompting.choices import SamplingConfig
from fineview.core.prompting.completion_script import completion_script, tokens_csv
from fineview.core.prompting.seen import PromptRead
from fineview.core.prompting.template import Rendered, render
from fineview.ui.panels.prompts_model import ModelBar
from fineview.ui.session import Session
from fineview.ui.widgets.labels import describe
from fineview.ui.widgets.message_line import MessageLine
from fineview.work.jobs import JobRunner, Lane

Entries = tuple[tuple[str, Callable[[], None]], ...]


class _Copying(QToolButton):
    """A button with entries that fill the clipboard.

    Attributes:
        says: What they copy.
    """

    says = ""

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
        self.setText("Copy")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        describe(self, "Copy", self.says)
        menu = QMenu(self)
        for title, copy in self._entries():
            menu.addAction(title, copy)
        self.setMenu(menu)

    def _entries(self) -> Entries:
        """Return what can be copied, and how."""
        raise NotImplementedError

    def _copy_script_of(self, text: str, sampling: SamplingConfig) -> None:
        """Write a script that goes on from a text."""
        choice, desk = self._model.choice, self._lab.prompts

        def work(report: Report) -> str:
            return completion_script(desk.model(choice, report), text, sampling)

        job = self._runner.submit("Write the script", work, Lane.COMPUTE)
        job.finished.connect(self._on_script)
        job.failed.connect(lambda error: self._message.show_message("bad", str(error)))

    @Slot(object)
    def _on_script(self, script: str) -> None:
        QGuiApplication.clipboard().setText(script)
        self._message.show_message("good", "The script is on the clipboard.")


class CopyButton(_Copying):
    """Of the notebook.

    Attributes:
        read: What the model thinks of the text, as the page has it; None before it was read.
    """

    read: PromptRead | None = None

    says = (
        "Copies the text – a Python script that says the same with plain transformers – or a CSV "
        "of all tokens."
    )

    def _entries(self) -> Entries:
        return (
            ("Text", self._copy_text),
            ("Python script", self._copy_script),
            ("Tokens as CSV", self._copy_tokens),
        )

    def _whole(self) -> str:
        state = self._session.state.notebook
        return notebook.whole(state.nodes, state.current)

    def _copy_text(self) -> None:
        QGuiApplication.clipboard().setText(self._whole())

    def _copy_script(self) -> None:
        self._copy_script_of(self._whole(), self._session.state.notebook.sampling)

    def _copy_tokens(self) -> None:
        if self.read is None:
            self._message.show_message(
                "info", "Nothing was read yet: press Load or Generate first."
            )
            return
        QGuiApplication.clipboard().setText(tokens_csv(self.read))


class PromptCopyButton(_Copying):
    """Of a few-shot prompt."""

    says = (
        "Copies the exact text of the prompt – or a Python script that asks it with plain "
        "transformers."
    )

    def _entries(self) -> Entries:
        return (("Text", self._copy_text), ("Python script", self._copy_script))

    def _rendered(self) -> Rendered | None:
        try:
            return render(self._session.state.prompt)
        except ConfigError as error:
            self._message.show_message("bad", str(error))
            return None

    def _copy_text(self) -> None:
        rendered = self._rendered()
        if rendered is not None:
            QGuiApplication.clipboard().setText(rendered.text)

    def _copy_script(self) -> None:
        rendered = self._rendered()
        if rendered is not None:
            most = self._session.state.answer.max_tokens
            sampling = SamplingConfig(max_tokens=most, stop=rendered.stop)
            self._copy_script_of(rendered.text, sampling)
