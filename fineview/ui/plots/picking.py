"""What plots have in common whose places are hovered, walked through with the arrows and chosen."""

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from fineview.ui.plots.export import Table, add_export_menu
from fineview.ui.plots.painted_axes import Frame
from fineview.ui.theme import font_for, spacing, theme_colours
from fineview.ui.widgets.labels import describe, plain_tooltip
from fineview.ui.widgets.painting import CENTRE, LEFT, focus_ring, pen, text

_STEPS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
References = tuple[tuple[str, float], ...]
"""(title, value) of what everything is measured against."""


class PickPlot(QWidget):
    """A hand-painted plot; subclasses say what is where and paint it.

    Attributes:
        pointed: Key of the place under the mouse, or "".
        current: Key of the place where the keyboard is, or "".
        dimmed: Whether it no longer belongs to the settings.
        menu: The export menu.

    Signals:
        chosen(str): A place was clicked, or Enter pressed on it: its key.
    """

    chosen = Signal(str)

    def __init__(self, name: str, tooltip: str, empty: str) -> None:
        super().__init__()
        self.pointed = self.current = ""
        self.dimmed = False
        self._name = name
        self._empty = empty
        describe(self, name, tooltip)
        self.setToolTip("")  # the places have their own
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.menu = add_export_menu(self, self.table, name=name.lower().replace(" ", "-"))

    # What a subclass says

    def keys(self) -> list[str]:
        """Return every place there is, in reading order."""
        raise NotImplementedError

    def near(self, position: QPointF) -> str:
        """Return the place at a position, or ""."""
        raise NotImplementedError

    def words(self, key: str) -> str:
        """Return all figures of a place."""
        raise NotImplementedError

    def stepped(self, key: str, right: int, down: int) -> str:
        """Return the neighbour of a place."""
        raise NotImplementedError

    def draw(self, painter: QPainter) -> None:
        """Paint everything but the empty state and the focus."""
        raise NotImplementedError

    def place(self, key: str) -> QPointF:
        """Return where a place is drawn, for tests and guided tours."""
        raise NotImplementedError

    def table(self) -> Table:
        """Return the numbers, the references last."""
        raise NotImplementedError

    def empty_text(self) -> str:
        """Return what is said where there is nothing to draw."""
        return self._empty

    # What they all do

    def set_dimmed(self, dimmed: bool) -> None:
        """Dim what no longer belongs to the settings."""
        self.dimmed = dimmed
        self.update()

    def renew(self) -> None:
        """Draw anew after other places were given."""
        keys = self.keys()
        self.pointed = self.pointed if self.pointed in keys else ""
        self.current = self.current if self.current in keys else ""
        self._announce()
        self.updateGeometry()
        self.update()

    def event(self, event: QEvent) -> bool:
        """Say in words what is under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            key = self.near(QPointF(event.pos()))
            if key:
                QToolTip.showText(event.globalPos(), plain_tooltip(self.words(key)), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Outline the place under the mouse."""
        key = self.near(event.position())
        if key != self.pointed:
            self.pointed = key
            pointing = Qt.CursorShape.PointingHandCursor
            self.setCursor(pointing if key else Qt.CursorShape.ArrowCursor)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the mouse."""
        super().leaveEvent(event)
        self.pointed = ""
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell which place was clicked."""
        key = self.near(event.position())
        if event.button() == Qt.MouseButton.LeftButton and key:
            self.current = key
            self._announce()
            self.chosen.emit(key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk with the arrows, choose with Enter."""
        key, keys = Qt.Key(event.key()), self.keys()
        if key in _STEPS and keys:
            self.current = self.stepped(self.current, *_STEPS[key]) if self.current else keys[0]
            self._announce()
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current:
            self.chosen.emit(self.current)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the plot, or why there is none."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, area = theme_colours(), QRectF(self.rect())
        if self.keys():
            painter.setOpacity(0.45 if self.dimmed else 1.0)
            self.draw(painter)
            painter.setOpacity(1.0)
        else:
            middle = area.adjusted(spacing(4), 0, -spacing(4), 0)
            text(painter, middle, self.empty_text(), colours.muted, align=CENTRE)
        if self.hasFocus():
            focus_ring(painter, area.adjusted(1, 1, -1, -1), colours)
        painter.end()

    def is_outlined(self, key: str) -> bool:
        """Return whether the mouse or the keyboard is at a place."""
        return key != "" and (key == self.pointed or (self.hasFocus() and key == self.current))

    def _announce(self) -> None:
        if self.current:
            said = self.words(self.current)
        else:
            count = len(self.keys())
            said = f"{self._name}: {count} places." if count else self.empty_text()
        self.setAccessibleDescription(said)


def references_width(lines: References) -> float:
    """Return the room that the names of references take at the right of a frame."""
    measure = QFontMetricsF(font_for("small"))
    return max((measure.horizontalAdvance(_named(line)) for line in lines), default=0.0)


def draw_references(painter: QPainter, frame: Frame, lines: References) -> None:
    """Draw dashed lines across a frame, each with its title and value beside it."""
    colours, font = theme_colours(), font_for("small")
    high = QFontMetricsF(font).height()
    above = frame.area.bottom() + high
    for line in sorted(lines, key=lambda one: one[1]):
        y = frame.at(frame.x.high, line[1]).y()
        painter.setPen(pen(colours.muted, 1.2, dashes=(5, 4)))
        painter.drawLine(QPointF(frame.area.left(), y), QPointF(frame.area.right(), y))
        middle = min(y, above - high)  # names of near lines stand one above the other
        above = middle
        left = frame.area.right() + spacing(1)
        place = QRectF(left, middle - high / 2, references_width(lines) + spacing(2), high)
        text(painter, place, _named(line), colours.muted, font=font, align=LEFT)


def _named(line: tuple[str, float]) -> str:
    return f"{line[0]} {line[1]:.3f}"
