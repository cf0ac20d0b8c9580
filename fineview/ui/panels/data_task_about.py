"""What the task is, in words; and what can be done to one of the user's own."""

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from fineview.core.data.task import Task
from fineview.ui.theme import set_icon, spacing, theme_colours
from fineview.ui.widgets.labels import describe, plain_label

_LEVELS = {
    "sentence": "One label for each text",
    "pair": "One label for each pair of texts",
    "word": "One label for each word in its sentence",
}


class TaskAbout(QWidget):
    """Title, meaning of the label, origin, notes.

    Attributes:
        files_button: Only there for an own task.
        remove_button: Only there for an own task.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = plain_label("", "title", wrap=True)
        self.meaning = plain_label(wrap=True)
        self.origin = plain_label("", "small", wrap=True)
        self.files_button = QPushButton("Show its files")
        self.remove_button = QPushButton("Remove this task…")
        describe(
            self.files_button, "Show its files", "Opens the folder in which this task is kept."
        )
        describe(
            self.remove_button,
            "Remove this task",
            "Deletes this task of your own, after a question – runs keep their results.",
        )
        set_icon(self.files_button, "folder")
        set_icon(self.remove_button, "trash")
        own = QHBoxLayout()
        own.setSpacing(spacing(2))
        own.addWidget(self.files_button)
        own.addWidget(self.remove_button)
        own.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        for widget in (self.title, self.meaning, self.origin):
            column.addWidget(widget)
        column.addLayout(own)
        self.files_button.hide()
        self.remove_button.hide()
        self._tint()

    def show_task(self, task: Task, *, own: bool) -> None:
        """Show a task.

        Args:
            task: Which.
            own: Whether it is in the user's library.
        """
        info = task.info
        self.title.setText(info.title)
        self.meaning.setText(f"{_LEVELS[info.level]}. {info.meaning}")
        apart = f"Items with the same {info.split_by} never cross splits." if info.split_by else ""
        lines = (f"Source: {info.source}", f"Licence: {info.licence}", apart, *task.notes)
        self.origin.setText("\n".join(line for line in lines if line))
        self.files_button.setVisible(own)
        self.remove_button.setVisible(own)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()

    def _tint(self) -> None:
        sheet = f"color: {theme_colours().muted};"
        if self.origin.styleSheet() != sheet:
            self.origin.setStyleSheet(sheet)
