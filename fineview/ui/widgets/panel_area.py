"""A scroll area for a whole panel: it scrolls only where the panel cannot shrink further."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget


class _Shrinking(QVBoxLayout):
    """Hides that a line in the panel wraps.

    A scroll area gives a widget whose height depends on its width the height it would like best,
    not the least it needs; the panel would then never fit.
    """

    def hasHeightForWidth(self) -> bool:
        return False


class PanelArea(QScrollArea):
    """Holds one panel."""

    def __init__(self, panel: QWidget) -> None:
        super().__init__()
        holder = QWidget()
        layout = _Shrinking(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(panel)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(holder)
