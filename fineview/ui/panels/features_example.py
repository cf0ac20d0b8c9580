"""The fields of the example, the same on every page that looks at one text."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from fineview.ui.context import Context
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.labels import describe

_NAMES = ("First text", "Second text")


class ExampleFields(QWidget):
    """One line for a text, two for a pair; what is typed is the session's example.

    Attributes:
        first: The text, or the first of a pair.
        second: The second text of a pair; hidden at other levels.
    """

    def __init__(self, session: Session, context: Context, purpose: str) -> None:
        """Build the fields.

        Args:
            session: Keeps the example.
            context: Knows whether the task is one of pairs.
            purpose: What happens to the text: "to cut into tokens".
        """
        super().__init__()
        self._session = session
        self._context = context
        self.first = QLineEdit()
        self.second = QLineEdit()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(2))
        for field, name in zip((self.first, self.second), _NAMES, strict=True):
            describe(
                field,
                name,
                f"{name} {purpose} – any text – or press an example of the task on the page Texts.",
            )
            field.setPlaceholderText(name)
            field.setClearButtonEnabled(True)
            row.addWidget(field)
        self.first.textEdited.connect(lambda text: session.edit("Type an example", example=text))
        self.second.textEdited.connect(lambda text: session.edit("Type an example", second=text))
        session.changed.connect(self._on_session)
        context.changed.connect(self._show_level)
        self._show(session.state)
        self._show_level()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.example, state.second) != (old.example, old.second):
            self._show(state)

    def _show(self, state: SessionState) -> None:
        for field, text in ((self.first, state.example), (self.second, state.second)):
            if field.text() != text:
                field.setText(text)
                field.setCursorPosition(0)

    @Slot()
    def _show_level(self) -> None:
        task = self._context.task
        self.second.setVisible(task is not None and task.info.level == "pair")
