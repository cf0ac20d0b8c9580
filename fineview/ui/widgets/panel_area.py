"""Scroll areas for a whole panel and for the column of settings at its side."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from fineview.ui.theme import spacing


class _Shrinking(QVBoxLayout):
    """Hides that a line in the panel wraps.

    A scroll area gives a widget whose height depends on its width the height it would like best,
    not the least it needs; the panel would then never fit.
    """

    def hasHeightForWidth(self) -> bool:
        return False


class SideColumn(QScrollArea):
    """Holds settings, as wide as they need; scrolls up and down only."""

    def __init__(self, settings: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its fields take the focus themselves
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._settings = settings
        self.setWidget(settings)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as wide as the settings need when the text size changes."""
        done = super().eventFilter(watched, event)
        if watched is self._settings and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return done

    def _fit(self) -> None:
        self.setMinimumWidth(self._settings.minimumSizeHint().width() + spacing(5))


def scrolled(content: QWidget, *, at_top: bool = False) -> QScrollArea:
    """Return an area in which a widget scrolls up and down only.

    Args:
        content: Becomes as wide as the area.
        at_top: It keeps its height, and what is free stays below it.
    """
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    if at_top:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(content)
        column.addStretch(1)
        content = holder
    area.setWidget(content)
    return area


class PanelArea(QScrollArea):
    """Holds one panel; scrolls only where the panel cannot shrink further."""

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
