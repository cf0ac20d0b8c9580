"""Curves of one class against the rest in the unit square, with the line of chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPen, QPolygonF

from fineview.ui.plots.export import Cell, Table
from fineview.ui.plots.painted_axes import Axis, Frame, frame_in
from fineview.ui.plots.picking import PickPlot
from fineview.ui.theme import font_for, spacing, theme_colours
from fineview.ui.widgets.painting import LEFT, pen, text

_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_DASHES = (5.0, 3.0)
_CHANCE = (2.0, 3.0)
Role = Literal["class", "mean"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RateCurve:
    """One curve of P points.

    Attributes:
        name: In the key.
        role: The chosen class is solid, the mean dashed.
        points: (2, P) x ascending, and y, within 0 … 1.
        steps: Whether y holds from the point before to this one, as precision does.
    """

    name: str
    role: Role
    points: NDArray[np.float64]
    steps: bool = False

    def line(self) -> NDArray[np.float64]:
        """Return (2, Q) corners of what is drawn."""
        x, y = self.points
        if not self.steps or not len(x):
            return self.points
        # From recall 0 the first precision holds.
        return np.stack([np.repeat(np.append(0.0, x), 2)[1:-1], np.repeat(y, 2)])


class RatesPlot(PickPlot):
    """Up to two curves in the unit square; the arrows walk along the first.

    Attributes:
        curves: What is drawn.
        chance: What a head that knows nothing shows: the diagonal (None), or this y.
    """

    def __init__(self, name: str, x_label: str, y_label: str, empty: str) -> None:
        self.curves: tuple[RateCurve, ...] = ()
        self.chance: float | None = None
        self._chance_name = "chance"
        self._labels = (x_label, y_label)
        self._reason = ""
        super().__init__(name, "Arrows walk along the curve, from threshold to threshold.", empty)

    def show_curves(
        self, curves: Sequence[RateCurve], chance: float | None, chance_name: str
    ) -> None:
        """Show other curves, the first of which is walked along."""
        self.curves, self.chance, self._chance_name = tuple(curves), chance, chance_name
        self._reason = ""
        self.current = ""
        self.renew()

    def show_nothing(self, reason: str) -> None:
        """Say why there is no curve."""
        self.curves, self._reason = (), reason
        self.renew()

    def keys(self) -> list[str]:
        """Return the points of the first curve."""
        return [str(i) for i in range(self.curves[0].points.shape[1])] if self.curves else []

    def near(self, position: QPointF) -> str:
        """Return the nearest point of the first curve, if it is near."""
        if not self.curves:
            return ""
        frame = self._frame()
        x, y = self.curves[0].points
        across = (position.x() - frame.area.left()) / frame.area.width() - x
        up = (frame.area.bottom() - position.y()) / frame.area.height() - y
        away = np.hypot(across * frame.area.width(), up * frame.area.height())
        best = int(away.argmin())
        return str(best) if away[best] <= spacing(5) else ""

    def words(self, key: str) -> str:
        """Return the figures of a point."""
        x, y = self.curves[0].points[:, int(key)]
        return f"{self._labels[0]} {x:.3f}, {self._labels[1]} {y:.3f}"

    def stepped(self, key: str, right: int, down: int) -> str:
        """Return the point a hundredth of the curve further on."""
        count = self.curves[0].points.shape[1]
        stride = max(count // 100, 1)
        return str(min(max(int(key) + (right - down) * stride, 0), count - 1))

    def place(self, key: str) -> QPointF:
        """Return where a point is drawn."""
        x, y = self.curves[0].points[:, int(key)]
        return self._frame().at(float(x), float(y))

    def table(self) -> Table:
        """Return the points of all curves, one after the other; chance last."""
        rows: list[list[Cell]] = [
            [curve.name, float(x), float(y)]
            for curve in self.curves
            for x, y in zip(*curve.points, strict=True)
        ]
        ends = (0.0, 1.0) if self.curves else ()
        rows += [[self._chance_name, x, x if self.chance is None else self.chance] for x in ends]
        return ["curve", *self._labels], rows

    def empty_text(self) -> str:
        """Return why there is no curve."""
        return self._reason or super().empty_text()

    def minimumSizeHint(self) -> QSize:
        """Need a small square."""
        line = self.fontMetrics().height()
        return QSize(line * 15, line * 14)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark the point under the mouse; nothing happens when it is pressed."""
        super().mouseMoveEvent(event)
        self.unsetCursor()

    def draw(self, painter: QPainter) -> None:
        """Draw axes, chance, curves, the marked point and the key."""
        colours, frame = theme_colours(), self._frame()
        frame.draw(painter, *self._labels, lambda v: f"{v:.1f}", lambda v: f"{v:.1f}")
        painter.setPen(self._chance_pen())
        ends = (0.0, 1.0) if self.chance is None else (self.chance, self.chance)
        painter.drawLine(frame.at(0, ends[0]), frame.at(1, ends[1]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for curve in reversed(self.curves):
            painter.setPen(self._pen(curve.role))
            x, y = curve.line()
            painter.drawPolyline(
                QPolygonF([frame.at(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)])
            )
        marked = next((k for k in (self.pointed, self.current) if self.is_outlined(k)), "")
        if marked:
            at = self.place(marked)
            painter.setBrush(pen(colours.surface).color())
            painter.setPen(pen(colours.accent, 2))
            painter.drawEllipse(at, 4, 4)
            self._draw_reading(painter, frame, at, self.words(marked))
        self._draw_key(painter, frame)

    def _draw_reading(self, painter: QPainter, frame: Frame, at: QPointF, said: str) -> None:
        """Write the figures of the marked point beside it, on a ground of their own."""
        colours, font = theme_colours(), font_for("fixed-small")
        measure = QFontMetricsF(font)
        size = measure.horizontalAdvance(said) + spacing(3)
        left = min(max(at.x() - size / 2, frame.area.left()), frame.area.right() - size)
        below = at.y() + spacing(2) + measure.height() * 1.6 < frame.area.bottom()
        top = at.y() + spacing(2) if below else at.y() - spacing(2) - measure.height() * 1.6
        place = QRectF(left, top, size, measure.height() * 1.6)
        painter.setBrush(QColor(colours.raised))
        painter.setPen(pen(colours.strong_line))
        painter.drawRoundedRect(place, 3, 3)
        inner = place.adjusted(spacing(1.5), 0, -spacing(1), 0)
        text(painter, inner, said, colours.text, font=font, align=LEFT)

    def _draw_key(self, painter: QPainter, frame: Frame) -> None:
        colours, font = theme_colours(), font_for("small")
        measure, x = QFontMetricsF(font), frame.area.left()
        line = measure.height()
        entries = [(c.name, self._pen(c.role)) for c in self.curves]
        entries.append((self._chance_name, self._chance_pen()))
        # The first name, that of a class, gives way where there is no room for all.
        others = sum(measure.horizontalAdvance(name) + 2 for name, _ in entries[1:])
        room = self.width() - x - others - len(entries) * spacing(9)
        for number, (name, mine) in enumerate(entries):
            painter.setPen(mine)
            y = spacing(1) + line / 2
            painter.drawLine(QPointF(x, y), QPointF(x + spacing(5), y))
            width = measure.horizontalAdvance(name) + 2
            if number == 0:
                width = min(width, max(room, spacing(10)))
            place = QRectF(x + spacing(6), spacing(1), width, line)
            text(painter, place, name, colours.text, font=font, align=LEFT)
            x = place.right() + spacing(3)

    def _pen(self, role: Role) -> QPen:
        colours = theme_colours()
        if role == "class":
            return pen(colours.accent, 2)
        return pen(colours.trained, 1.8, dashes=_DASHES)

    def _chance_pen(self) -> QPen:
        return pen(theme_colours().muted, 1.2, dashes=_CHANCE)

    def _frame(self) -> Frame:
        line = QFontMetricsF(font_for("small")).height()
        axis = Axis(0.0, 1.0, ticks=_TICKS)
        found = frame_in(QRectF(self.rect()), axis, axis, top=line + spacing(1))
        # A square, so that chance lies at 45 degrees.
        side = min(found.area.width(), found.area.height())
        found.area.setSize(QSizeF(side, side))
        return found
