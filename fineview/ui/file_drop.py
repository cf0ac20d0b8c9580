"""Files dropped anywhere on the window."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractScrollArea, QLabel, QLineEdit, QWidget

from fineview.ui.theme import use_font


class FileDrop(QObject):
    """Lets a window take files and folders, and shows that it would."""

    def __init__(self, window: QWidget, dropped: Callable[[list[Path]], None]) -> None:
        super().__init__(window)
        self._window = window
        self._dropped = dropped
        self.hint = QLabel("Drop files, a folder of texts, or a model folder", window)
        self.hint.setObjectName("drop_hint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        use_font(self.hint, "title")
        self.hint.hide()
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def leave_alone(self, widget: QWidget) -> None:
        """Keep text fields from taking a file's address as text."""
        for field in widget.findChildren(QLineEdit):
            field.setAcceptDrops(False)
        for area in widget.findChildren(QAbstractScrollArea):
            area.setAcceptDrops(False)
            area.viewport().setAcceptDrops(False)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Take files; leave everything else alone."""
        kind = event.type()
        if kind == QEvent.Type.DragLeave:
            self.hint.hide()
        elif kind in (QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop):
            assert isinstance(event, QDropEvent)  # the other two are kinds of it
            paths = local_paths(event.mimeData())
            if not paths:
                return False
            event.acceptProposedAction()
            over = kind != QEvent.Type.Drop
            self.hint.setGeometry(self._window.rect())
            self.hint.setVisible(over)
            self.hint.raise_()
            if not over:
                self._dropped(paths)
            return True
        return False


def local_paths(mime: QMimeData) -> list[Path]:
    """Return the files and folders of a drop or a clipboard; empty where there are none."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
