"""The points of a scatter plot, painted by hand: 20,000 of them follow the mouse."""

from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from fineview.ui.plots.scatter_arrows import draw_arrows
from fineview.ui.plots.scatter_axes import name_axes
from fineview.ui.plots.scatter_camera import Camera, Places, inside_polygon
from fineview.ui.plots.scatter_ink import Ink, plain_ink
from fineview.ui.plots.scatter_marks import marker_radius, mask, outline, ring, stamp, trail
from fineview.ui.theme import (
    is_exporting,
    pixel_ratio,
    spacing,
    theme_colours,
)
from fineview.ui.widgets.labels import plain_tooltip
from fineview.ui.widgets.painting import focus_ring, pen

Tool = Literal["pan", "rectangle", "lasso"]
Indices = NDArray[np.int64]

_NEAR_PX = 8.0
_DRAG_PX = 3.0
_FAR_SHARE = 0.55
_UNSELECTED_SHARE = 0.72
_LONGEST_TEXT = 400
_KEY_PAN_PX = 40
_KEY_TURN = 0.1
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class ScatterCanvas(QWidget):
    """Draws points and turns gestures into selections.

    Attributes:
        camera: Where from the points are looked at.
        tool: What a drag with the left button does.
        starts: (M, 2) where the points were, to draw their way; None draws none.
        selection: (K,) chosen points, ascending.
        hover: Point under the mouse or the keyboard's cursor, -1 for none.

    Signals:
        selected(object): A person chose other points: (K,) int64.
        hovered(int): Another point is under the mouse, -1 for none.
        clicked(int): A point was clicked.
        menu_wanted(QPoint): A right click that turned nothing, at this place of the screen.
    """

    selected = Signal(object)
    hovered = Signal(int)
    clicked = Signal(int)
    menu_wanted = Signal(QPoint)

    def __init__(self, empty: str) -> None:
        super().__init__()
        self._empty = empty
        self.camera = Camera()
        self.tool: Tool = "pan"
        self.coordinates: NDArray[np.float32] = np.zeros((0, 2), dtype=np.float32)
        self.starts: NDArray[np.float32] | None = None
        self.axes: tuple[str, ...] = ("", "")
        self.texts: tuple[str, ...] = ()
        self.ink: Ink = plain_ink(0)
        self.selection: Indices = np.zeros(0, dtype=np.int64)
        self.hover = -1
        self.dimmed = False
        self._trail: list[QPointF] = []
        self._last: QPointF | None = None
        self._button, self._moved = Qt.MouseButton.NoButton, False
        self._places: tuple[tuple[int, int], Places, Places] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """Ask for a comfortable area."""
        side = self.fontMetrics().height() * 26
        return QSize(round(side * 1.3), side)

    def minimumSizeHint(self) -> QSize:
        """Need little."""
        side = self.fontMetrics().height() * 9
        return QSize(side, side)

    def show_points(self, coordinates: NDArray[np.float32], axes: tuple[str, ...]) -> None:
        """Show points; as many as before keep colours, selection and view."""
        same = coordinates.shape == self.coordinates.shape
        self.coordinates, self.axes = coordinates, axes
        if len(coordinates) != len(self.ink.index):
            self.ink = plain_ink(len(coordinates))
            self.texts = ()
            self.selection = np.zeros(0, dtype=np.int64)
            self.hover = -1
        if self.starts is not None and self.starts.shape != coordinates.shape:
            self.starts = None
        seen = coordinates if self.starts is None else np.concatenate([coordinates, self.starts])
        self.camera.look_at(seen)
        if not same:
            self.camera.fit()
        self.renew()

    def renew(self) -> None:
        """Draw again, with places computed anew."""
        self._places = None
        self.update()

    def choose(self, points: Indices, *, tell: bool) -> None:
        """Select points; hidden ones are left out."""
        points = np.unique(np.asarray(points, dtype=np.int64))
        points = points[self.ink.shown()[points]]
        if np.array_equal(points, self.selection):
            return
        self.selection = points
        self.update()
        if tell:
            self.selected.emit(points)

    def places(self) -> Places:
        """Return (M, 2) where the points stand on this widget, pixels."""
        return self._projected()[0]

    def area(self) -> QRectF:
        """Return where points are drawn: what the names of the axes leave."""
        line = self.fontMetrics().height() + spacing(1)
        return QRectF(line, 1, max(self.width() - line - 1, 4), max(self.height() - line - 1, 4))

    def nearest(self, position: QPointF, within: float = _NEAR_PX) -> int:
        """Return the drawn point nearest to a position, -1 where none is near."""
        if not len(self.coordinates):
            return -1
        apart = ((self.places() - (position.x(), position.y())) ** 2).sum(axis=1)
        apart[~self.ink.shown()] = np.inf
        best = int(apart.argmin())
        return best if apart[best] <= within**2 else -1

    # Gestures

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag or a click."""
        turning = event.button() == Qt.MouseButton.RightButton and self._is_3d()
        if event.button() == Qt.MouseButton.LeftButton or turning:
            self._button, self._moved = event.button(), False
            self._last = event.position()
            self._trail = [event.position()]

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, turn or draw the outline; without a button, say what is under the mouse."""
        if self._last is None:
            self._hover_at(event.position())
            return
        step = event.position() - self._last
        if not self._moved and step.manhattanLength() < _DRAG_PX:
            return
        self._moved = True
        self._last = event.position()
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if self._is_3d() and (self._button == Qt.MouseButton.RightButton or control):
            self.camera.rotate(step.x() / 120, step.y() / 120)
            self._trail = []
        elif self.tool == "pan":
            self.camera.pan(step.x(), step.y())
        else:
            self._trail.append(event.position())
            self.update()
            return
        self.renew()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the gesture: a selection, or a click."""
        if event.button() != self._button or self._last is None:
            return
        adds = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        left = self._button == Qt.MouseButton.LeftButton
        if self._moved and self.tool != "pan" and self._trail and left:
            self._trail.append(event.position())
            self._take(self._enclosed(), adds)
        elif not self._moved and left:
            point = self.nearest(event.position())
            if point >= 0:
                self._take(np.array([point]), adds)
                self.clicked.emit(point)
        elif not self._moved:
            self.menu_wanted.emit(event.globalPosition().toPoint())
        self._last, self._trail, self._button = None, [], Qt.MouseButton.NoButton
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fit, on empty ground."""
        if self.nearest(event.position()) < 0:
            self.camera.fit()
            self.renew()

    def contextMenuEvent(self, event: object) -> None:
        """Keep the menu away while the right button turns the points."""
        if not self._is_3d():
            event.ignore()  # type: ignore[attr-defined]  # a QContextMenuEvent: to the plot

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the mouse."""
        off = event.position() - self.area().center()
        self.camera.zoom_at(1.0015 ** event.angleDelta().y(), off.x(), off.y())
        self.renew()
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """Forget where the mouse was."""
        super().leaveEvent(event)
        self._set_hover(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom with +, −, 0; arrows pan or turn; N and P walk the points, Space selects."""
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.camera.zoom_at(0.8 if key == Qt.Key.Key_Minus else 1.25, 0, 0)
        elif key == Qt.Key.Key_0:
            self.camera.fit()
        elif key in _ARROWS:
            x, y = _ARROWS[key]
            if self._is_3d():
                self.camera.rotate(x * _KEY_TURN, y * _KEY_TURN)
            else:
                self.camera.pan(-x * _KEY_PAN_PX, -y * _KEY_PAN_PX)
        elif key in (Qt.Key.Key_N, Qt.Key.Key_P):
            self._walk(1 if key == Qt.Key.Key_N else -1)
        elif key == Qt.Key.Key_Space and self.hover >= 0:
            adds = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._take(np.array([self.hover]), adds)
            self.clicked.emit(self.hover)
        elif key == Qt.Key.Key_Escape and (len(self.selection) or self._trail):
            self._trail = []
            self.choose(np.zeros(0, dtype=np.int64), tell=True)
        else:
            super().keyPressEvent(event)
            return
        self.renew()

    def _walk(self, by: int) -> None:
        shown = np.flatnonzero(self.ink.shown())
        if len(shown):
            beyond = np.searchsorted(shown, self.hover, side="right" if by > 0 else "left")
            place = int(beyond) - (by < 0)
            self._set_hover(int(shown[place % len(shown)]))

    def _take(self, points: Indices, adds: bool) -> None:
        self.choose(np.concatenate([self.selection, points]) if adds else points, tell=True)

    def _enclosed(self) -> Indices:
        corners = np.array([(p.x(), p.y()) for p in self._trail])
        if self.tool == "rectangle":
            (x1, y1), (x2, y2) = corners[0], corners[-1]
            corners = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)])
        return np.flatnonzero(inside_polygon(self.places(), corners) & self.ink.shown())

    def _hover_at(self, position: QPointF) -> None:
        point = self.nearest(position)
        self._set_hover(point)
        said = self.texts[point][:_LONGEST_TEXT] if 0 <= point < len(self.texts) else ""
        QToolTip.showText(self.mapToGlobal(position.toPoint()), plain_tooltip(said), self)

    def _set_hover(self, point: int) -> None:
        if point != self.hover:
            self.hover = point
            self.update()
            self.hovered.emit(point)

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw ground, points, and what is chosen."""
        colours = theme_colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.area()
        painter.fillRect(area, QColor(colours.surface))
        painter.setPen(pen(colours.line))
        painter.drawRect(area)
        if not len(self.coordinates):
            painter.setPen(QColor(colours.muted))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(area.adjusted(8, 8, -8, -8), flags, self._empty)
        else:
            painter.save()
            painter.setClipRect(area)
            painter.setOpacity(0.45 if self.dimmed else 1.0)
            if is_exporting():
                self._draw_ways(painter)
                self._draw_vectors(painter)
            else:
                painter.drawImage(area.topLeft(), self._picture(area))
                self._draw_ways(painter)
            self._draw_chosen(painter)
            painter.restore()
            name_axes(painter, area, self.height() - area.bottom(), self.axes)
        if self.hasFocus() and not is_exporting():
            focus_ring(painter, QRectF(self.rect()), colours)
        painter.end()

    def _picture(self, area: QRectF) -> QImage:
        ratio = pixel_ratio()
        width, height = (max(round(side * ratio), 1) for side in (area.width(), area.height()))
        image = QImage(width, height, QImage.Format.Format_RGB32)
        image.fill(QColor(theme_colours().surface))
        pixels = np.frombuffer(image.bits(), dtype=np.uint8).reshape(height, width, 4)
        places, colours = self.places(), self._colours()
        places = (places - (area.left(), area.top())) * ratio
        for points, shape, radius in self._batches():
            covered = mask(shape, round(radius * ratio, 1))
            stamp(pixels, places[points], colours[points], covered)
        image.setDevicePixelRatio(ratio)
        return image

    def _draw_vectors(self, painter: QPainter) -> None:
        places, colours = self.places(), self._colours()
        painter.setPen(Qt.PenStyle.NoPen)
        for points, shape, radius in self._batches():
            path = outline(shape, radius)
            for point in points.tolist():
                blue, green, red, _ = colours[point].tolist()
                painter.setBrush(QColor(red, green, blue))
                painter.drawPath(path.translated(*places[point].tolist()))

    def _draw_ways(self, painter: QPainter) -> None:
        """Draw where the shown (or, where some are chosen, the chosen) points came from."""
        if self.starts is None:
            return
        area = self.area()
        flat, _ = self.camera.project(self.starts, area.width(), area.height())
        points = self.selection if len(self.selection) else np.flatnonzero(self.ink.shown())
        starts = flat[points] + np.array([area.left(), area.top()])
        draw_arrows(painter, starts, self.places()[points], self._colours()[points])

    def _batches(self) -> list[tuple[Indices, str, float]]:
        """Return points that share marker and size, in the order of drawing."""
        depth = self._projected()[1]
        shown = self.ink.shown()
        chosen = np.zeros(len(depth), dtype=bool)
        chosen[self.selection] = True
        groups = self.ink.index if self.ink.values is None else np.full(len(depth), -1)
        shapes = {g: self.ink.shape_of(g) for g in range(-1, len(self.ink.names))}
        size = marker_radius(len(depth))
        slices = (-1.01, -0.33, 0.33, 1.01) if self._is_3d() else (-1.01, 1.01)
        found: list[tuple[Indices, str, float]] = []
        for picked in (False, True):
            for low, high in pairwise(slices):
                there = shown & (chosen == picked) & (depth > low) & (depth <= high)
                radius = size * (1 + 0.3 * (low + high) / 2)
                for shape in dict.fromkeys(shapes.values()):
                    mine = [g for g, name in shapes.items() if name == shape]
                    points = np.flatnonzero(there & np.isin(groups, mine))
                    if len(points):
                        found.append((points[np.argsort(depth[points])], shape, radius))
        return found

    def _colours(self) -> NDArray[np.uint8]:
        """Return (M, 4) BGRA: far ones, and those not chosen, fade towards the ground."""
        ink = self.ink.pixels()
        ground = QColor(theme_colours().surface)
        base = np.array([ground.blue(), ground.green(), ground.red(), 255], dtype=np.float32)
        share = np.zeros(len(ink), dtype=np.float32)
        if self._is_3d():
            share += _FAR_SHARE * (1 - self._projected()[1].astype(np.float32)) / 2
        if len(self.selection):
            faded = np.full(len(ink), _UNSELECTED_SHARE, dtype=np.float32)
            faded[self.selection] = 0
            share = np.maximum(share, faded)
        mixed: NDArray[np.uint8] = (ink + (base - ink) * share[:, None]).astype(np.uint8)
        return mixed

    def _draw_chosen(self, painter: QPainter) -> None:
        if is_exporting():
            return
        painter.setOpacity(1.0)
        if 0 <= self.hover < len(self.coordinates):
            ring(painter, QPointF(*self.places()[self.hover]))
        if self._moved and len(self._trail) > 1 and self.tool != "pan":
            trail(painter, self._trail, rectangle=self.tool == "rectangle")

    def _projected(self) -> tuple[Places, NDArray[np.float64]]:
        size = (self.width(), self.height())
        if self._places is None or self._places[0] != size:
            area = self.area()
            flat, depth = self.camera.project(self.coordinates, area.width(), area.height())
            self._places = (size, flat + np.array([area.left(), area.top()]), depth)
        return self._places[1], self._places[2]

    def _is_3d(self) -> bool:
        return len(self.axes) == 3
