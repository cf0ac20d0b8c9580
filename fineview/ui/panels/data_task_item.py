"""One item of the task in full."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from fineview.core.data.items import TaskItems
from fineview.ui.session import Session
from fineview.ui.theme import spacing
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.labels import ElidedLabel, describe, plain_label

LONGEST = 20_000
"""Characters of a text that are laid out: a line of a million takes seconds."""


class ItemDetail(QWidget):
    """The whole text (or both), its label and split, and a button that tries it.

    Attributes:
        item: The item on display, -1 for none.

    Signals:
        tried(): The texts were put where examples are typed.
    """

    tried = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.item = -1
        self._example = ("", "")
        self.caption = ElidedLabel("", muted=True)
        self.note = plain_label("", "small", wrap=True)
        self.try_button = QPushButton("Try it")
        describe(
            self.try_button,
            "Try it",
            "Puts this example where you type your own, in the panels Features and Training – one "
            "of the task – to see its tokens and what a head says.",
        )
        self.try_button.clicked.connect(self._on_try)
        self.texts = [self._text_box("Text"), self._text_box("Second text")]
        top = QHBoxLayout()
        top.setSpacing(spacing(2))
        top.addWidget(self.caption, 1)
        top.addWidget(self.try_button)
        row = QHBoxLayout()
        row.setSpacing(spacing(2))
        for box in self.texts:
            row.addWidget(box, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(1))
        column.addLayout(top)
        column.addLayout(row, 1)
        column.addWidget(self.note)
        self.note.hide()
        self.show_item(None, -1)

    def show_item(self, items: TaskItems | None, item: int) -> None:
        """Show an item; -1 for none."""
        if items is None or item < 0:
            self.item = -1
            self.setEnabled(False)
            self.caption.set_text("No row chosen")
            for box in self.texts:
                box.clear()
            self.note.hide()
            return
        self.item = item
        self.setEnabled(True)
        pair = items.task.second is not None
        whole = (items.text(item), items.second(item))
        shown = (items.in_sentence(item), "") if items.has_words else whole
        self.texts[1].setVisible(pair)
        for box, text in zip(self.texts, shown, strict=True):
            box.setPlainText(text[:LONGEST])
        longest = max(map(len, shown))
        self.note.setText(f"The first {count_text(LONGEST)} of {count_text(longest)} characters.")
        self.note.setVisible(longest > LONGEST)
        named = f"{items.word(item)}: {items.label(item)}" if items.has_words else items.label(item)
        self.caption.set_text(f"No. {count_text(item + 1)} · {named} · {items.split(item)}")
        # The boxes for examples are of one line.
        self._example = (_line(whole[0]), _line(whole[1]))

    def _text_box(self, name: str) -> QPlainTextEdit:
        box = QPlainTextEdit()
        box.setReadOnly(True)
        box.setTabChangesFocus(True)
        box.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        describe(box, name, f"{name} of the chosen row in full, to read and to copy.")
        box.setToolTip("")
        box.setMinimumHeight(box.fontMetrics().height() * 3)
        return box

    @Slot()
    def _on_try(self) -> None:
        first, second = self._example
        self._session.edit("Look at an example", example=first, second=second)
        self.tried.emit()


def _line(text: str) -> str:
    return " ".join(text[:LONGEST].split())
