"""The one kind of box that stops the work: a question before something is deleted."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget


def ask_to_remove(
    parent: QWidget, question: str, consequence: str, then: Callable[[], None]
) -> QMessageBox:
    """Ask before something is removed; returns at once.

    Args:
        parent: The window's part that asks.
        question: What would be removed, and how large it is.
        consequence: What stays, and what brings it back.
        then: Called where the answer is Remove.

    Returns:
        The box that is open now; `Keep` is what Escape and Enter press.
    """
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Remove")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(question)
    box.setInformativeText(consequence)
    remove = box.addButton("Remove", QMessageBox.ButtonRole.DestructiveRole)
    keep = box.addButton("Keep", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(keep)
    box.setEscapeButton(keep)
    remove.clicked.connect(then)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    return box
