"""The adaptation that is set up or running, left to right, as the data goes."""

from PySide6.QtCore import QEasingCurve, QEvent, QSize, Qt, QVariantAnimation, Signal, Slot
from PySide6.QtGui import QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from fineview.ui.widgets.labels import plain_tooltip
from fineview.ui.widgets.strategy_drawing import Zones, draw_picture
from fineview.ui.widgets.strategy_state import PictureState, describe_picture

__all__ = ["PictureState", "StrategyPicture"]

_MOTION_MS = 120
_TOOLTIPS = {
    "text": "The text as the encoder reads it, with the tokens it adds.",
    "removed": "The head the encoder was pretrained with: not needed here, so it is taken off.",
    "encoder": "The encoder: cool layers stand still, warm ones are trained, dashed ones are "
    "random; the full blocks are chosen for pooling.",
    "pool": "Many tokens become one vector in each layer; then the chosen layers become one.",
    "head": "The new head. Dashed: it has not been trained yet.",
    "label": "What the head answers.",
}


class StrategyPicture(QWidget):
    """Text → encoder → pool → head → label, with what is frozen, trained and new.

    Attributes:
        state: What is drawn, None before the first.

    Signals:
        zone_clicked(str): A person clicked `text`, `encoder`, `pool`, `head` or `label`.
    """

    zone_clicked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._state: PictureState | None = None
        self._zones: Zones = {}
        self._motion = QVariantAnimation(self)
        self._motion.setDuration(_MOTION_MS)
        self._motion.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._motion.valueChanged.connect(self._on_moved)
        self._moves = False
        self._progress = 0.0
        self.setAccessibleName("Picture of the strategy")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def state(self) -> PictureState | None:
        """Return what is drawn."""
        return self._state

    def set_picture(self, state: PictureState) -> None:
        """Draw another strategy, or the same one further on."""
        forward = self._state is not None and 0 < state.progress - self._progress < 1
        self._state = state
        self._motion.stop()
        if self._moves and forward and self.isVisible():
            self._motion.setStartValue(self._progress)
            self._motion.setEndValue(state.progress)
            self._motion.start()
        else:
            self._progress = state.progress
        words = describe_picture(state)
        if words != self.accessibleDescription():
            self.setAccessibleDescription(words)
        self.update()

    def set_motion(self, moves: bool) -> None:
        """Let progress glide for a tenth of a second; off unless the system allows motion."""
        self._moves = moves

    def sizeHint(self) -> QSize:
        """Ask for the height of ten lines of text."""
        return QSize(self.fontMetrics().averageCharWidth() * 140, self._lines(10.5))

    def minimumSizeHint(self) -> QSize:
        """Need room for five zones of some letters each."""
        return QSize(self.fontMetrics().averageCharWidth() * 70, self._lines(10.5))

    def event(self, event: QEvent) -> bool:
        """Explain the zone under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            zone = self._zone_at(event.pos().x(), event.pos().y())
            if zone is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), plain_tooltip(_TOOLTIPS[zone]), self)
            return True
        return super().event(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell which zone was clicked."""
        zone = self._zone_at(event.position().x(), event.position().y())
        if event.button() == Qt.MouseButton.LeftButton and zone and zone != "removed":
            self.zone_clicked.emit(zone)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the picture."""
        if self._state is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._zones = draw_picture(
            painter, self.width(), self.height(), self._state, self._progress
        )
        painter.end()

    def _lines(self, count: float) -> int:
        return round(self.fontMetrics().height() * count)

    def _zone_at(self, x: float, y: float) -> str | None:
        return next((name for name, rect in self._zones.items() if rect.contains(x, y)), None)

    @Slot(object)
    def _on_moved(self, value: object) -> None:
        if isinstance(value, float):
            self._progress = value
            self.update()
