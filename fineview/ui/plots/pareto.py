"""Quality against cost: points with intervals, labels that do not cover each other, the front."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPolygonF

from fineview.core.runs.compare_rows import pareto_front
from fineview.ui.plots.export import Cell, Table
from fineview.ui.plots.labelling import placed_labels
from fineview.ui.plots.painted_axes import Frame, frame_in, linear_axis, log_axis
from fineview.ui.plots.picking import PickPlot, References, draw_references, references_width
from fineview.ui.theme import font_for, mix, spacing, theme_colours
from fineview.ui.widgets.format import bytes_text, count_text, seconds_text
from fineview.ui.widgets.painting import LEFT, pen, text

_UNITS: dict[str, Callable[[float], str]] = {
    "count": lambda value: count_text(round(value)),
    "bytes": bytes_text,
    "seconds": seconds_text,
}
_RADIUS = 1.3
"""Of a point, in steps of the grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoPoint:
    """One thing that costs something and is good for something.

    Attributes:
        key: Names it for whoever hears `chosen`.
        label: Beside the point.
        words: All of its figures, when the mouse rests on it.
        cost: Horizontal; None where it was not measured.
        value: Vertical.
        low: Lower end of its interval.
        high: Upper end.
        moves: Whether pretrained weights move: warm; else they are frozen: cool.
        fresh: Whether its weights begin from random numbers: a dashed outline.
    """

    key: str
    label: str
    words: str
    cost: float | None
    value: float
    low: float
    high: float
    moves: bool = False
    fresh: bool = False


class ParetoPlot(PickPlot):
    """A scatter plot on a logarithmic cost axis.

    Attributes:
        points: What is shown, ascending by cost.
        front: Keys of the points that nothing else beats.
    """

    def __init__(self, name: str, *, empty: str) -> None:
        self.points: tuple[ParetoPoint, ...] = ()
        self.front: frozenset[str] = frozenset()
        self._lines: References = ()
        self._labels = ("cost", "quality")
        self._unit = "count"
        self._range = (0.0, 1.0)
        super().__init__(
            name, "Up and left is better. Arrows walk from point to point, Enter opens one.", empty
        )

    def show_points(
        self,
        points: Sequence[ParetoPoint],
        lines: References,
        *,
        x_label: str,
        y_label: str,
        unit: str,
        least: float = 0.0,
    ) -> None:
        """Show other points.

        Args:
            points: In any order.
            lines: References to measure against.
            x_label: What is paid.
            y_label: What is got.
            unit: `count`, `bytes` or `seconds`: how costs are written.
            least: Least possible value; the greatest is 1.
        """
        known = [point for point in points if point.cost is not None]
        known.sort(key=lambda point: (point.cost, point.value))
        self.points = (*known, *(point for point in points if point.cost is None))
        on = pareto_front([(point.cost, point.value) for point in self.points])
        self.front = frozenset(p.key for p, yes in zip(self.points, on, strict=True) if yes)
        self._lines = lines
        self._labels, self._unit, self._range = (x_label, y_label), unit, (least, 1.0)
        self.renew()

    def keys(self) -> list[str]:
        """Return the points that have a cost, ascending."""
        return [point.key for point in self._drawn()]

    def near(self, position: QPointF) -> str:
        """Return the nearest point within a finger's breadth."""
        frame, drawn = self._frame(), self._drawn()
        away = [((self._at(frame, p) - position).manhattanLength(), p.key) for p in drawn]
        distance, key = min(away, default=(inf, ""))
        return key if distance <= spacing(4) else ""

    def words(self, key: str) -> str:
        """Return all figures of a point."""
        return next(point.words for point in self.points if point.key == key)

    def stepped(self, key: str, right: int, down: int) -> str:
        """Return the next cheaper or dearer point."""
        keys = self.keys()
        return keys[min(max(keys.index(key) + right + down, 0), len(keys) - 1)]

    def place(self, key: str) -> QPointF:
        """Return where a point is drawn."""
        return self._at(self._frame(), next(p for p in self._drawn() if p.key == key))

    def table(self) -> Table:
        """Return the numbers, a row a point, the references last."""
        x_label, y_label = self._labels
        header = ["what", x_label, y_label, "low", "high", "on_the_front"]
        rows: list[list[Cell]] = [
            [p.label, p.cost, p.value, p.low, p.high, int(p.key in self.front)] for p in self.points
        ]
        rows += [[title, None, value, None, None, None] for title, value in self._lines]
        return header, rows

    def empty_text(self) -> str:
        """Say what was not measured, where that is all."""
        return self._missing() or super().empty_text()

    def minimumSizeHint(self) -> QSize:
        """Need room for axes and a few labels."""
        line = self.fontMetrics().height()
        return QSize(line * 22, line * 11)

    def draw(self, painter: QPainter) -> None:
        """Draw axes, references, front, intervals, points and labels."""
        colours, frame, drawn = theme_colours(), self._frame(), self._drawn()
        frame.draw(painter, *self._labels, _UNITS[self._unit], lambda v: f"{v:.2f}")
        draw_references(painter, frame, self._lines)
        self._draw_front(painter, frame)
        blocked = [self._draw_interval(painter, frame, point) for point in drawn]
        for point in drawn:
            self._draw_point(painter, self._at(frame, point), point)
        self._draw_labels(painter, frame, blocked)
        font = font_for("small")
        line = QFontMetricsF(font).height()
        area = QRectF(spacing(1), self.height() - line, self.width() - spacing(2), line)
        text(painter, area, self._note(), colours.muted, font=font, align=LEFT)

    def _drawn(self) -> list[ParetoPoint]:
        return [point for point in self.points if point.cost is not None]

    def _missing(self) -> str:
        names = [point.label for point in self.points if point.cost is None]
        return f"Not measured: {', '.join(names)}." if names else ""

    def _note(self) -> str:
        parts = ["filled: on the front"]
        if any(point.moves for point in self.points):
            parts = ["cool: the encoder stands still – warm: it is trained", *parts]
        if any(point.fresh for point in self.points):
            parts.append("dashed: from random weights")
        return " – ".join(parts) + (f".   {self._missing()}" if self._missing() else "")

    def _frame(self) -> Frame:
        drawn = self._drawn()
        values = [*(p.value for p in drawn), *(value for _, value in self._lines)]
        y = linear_axis(values, *self._range, [end for p in drawn for end in (p.low, p.high)])
        x = log_axis([p.cost for p in drawn if p.cost is not None])
        note = QFontMetricsF(font_for("small")).height()
        named = references_width(self._lines)
        return frame_in(QRectF(self.rect()), x, y, bottom=note, right=named)

    def _at(self, frame: Frame, point: ParetoPoint) -> QPointF:
        assert point.cost is not None
        return frame.at(point.cost, point.value)

    def _draw_interval(self, painter: QPainter, frame: Frame, point: ParetoPoint) -> QRectF:
        """Draw a point's interval; return the room that it and the point take."""
        radius, centre = spacing(_RADIUS), self._at(frame, point)
        high, low = (frame.at(frame.x.high, value).y() for value in (point.high, point.low))
        top, bottom = max(high, frame.area.top()), min(low, frame.area.bottom())
        bar = self._ink(point)
        bar.setAlphaF(0.75)
        painter.setPen(pen(bar, 1.6))
        painter.drawLine(QPointF(centre.x(), top), QPointF(centre.x(), bottom))
        half = QPointF(radius * 0.6, 0)
        for end, whole in ((top, top == high), (bottom, bottom == low)):
            if whole:  # an interval without a stop goes on beyond the axes
                middle = QPointF(centre.x(), end)
                painter.drawLine(middle - half, middle + half)
        upper, lower = min(top, centre.y() - radius), max(bottom, centre.y() + radius)
        return QRectF(centre.x() - radius, upper, 2 * radius, lower - upper)

    def _ink(self, point: ParetoPoint) -> QColor:
        colours = theme_colours()
        return QColor(colours.trained if point.moves else colours.frozen)

    def _draw_front(self, painter: QPainter, frame: Frame) -> None:
        """Draw the stairs below which everything is beaten."""
        on = [self._at(frame, p) for p in self._drawn() if p.key in self.front]
        stairs = QPolygonF()
        for place in on:
            if stairs.size():
                stairs.append(QPointF(place.x(), stairs.at(stairs.size() - 1).y()))
            stairs.append(place)
        if stairs.size():
            stairs.append(QPointF(frame.area.right(), stairs.at(stairs.size() - 1).y()))
        colours = theme_colours()
        painter.setPen(pen(mix(colours.surface, colours.accent, 0.65), 1.6))
        painter.drawPolyline(stairs)

    def _draw_point(self, painter: QPainter, centre: QPointF, point: ParetoPoint) -> None:
        colours, radius, ink = theme_colours(), spacing(_RADIUS), self._ink(point)
        ground = ink if point.key in self.front else mix(colours.surface, ink.name(), 0.25)
        painter.setBrush(ground)
        painter.setPen(pen(colours.new, 2, dashes=(1.6, 1.2)) if point.fresh else pen(ink, 1.6))
        painter.drawEllipse(centre, radius, radius)
        if self.is_outlined(point.key):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(pen(colours.accent, 2))
            painter.drawEllipse(centre, radius + 3, radius + 3)

    def _draw_labels(self, painter: QPainter, frame: Frame, blocked: list[QRectF]) -> None:
        colours, font = theme_colours(), font_for("small")
        measure = QFontMetricsF(font)
        drawn = sorted(self._drawn(), key=lambda p: (p.key not in self.front, -p.value))
        sizes = [
            (self._at(frame, p), measure.horizontalAdvance(p.label) + 2, measure.height())
            for p in drawn
        ]
        places = placed_labels(sizes, blocked, frame.area, spacing(_RADIUS) + spacing(0.75))
        for point, (centre, _, _), rect in zip(drawn, sizes, places, strict=True):
            if rect is None:
                continue
            nearest = QPointF(
                min(max(centre.x(), rect.left()), rect.right()),
                min(max(centre.y(), rect.top()), rect.bottom()),
            )
            if (nearest - centre).manhattanLength() > spacing(5):
                painter.setPen(pen(colours.strong_line, 1))
                painter.drawLine(centre, nearest)
            ground = QColor(colours.surface)
            ground.setAlphaF(0.8)
            painter.fillRect(rect, ground)
            on = point.key in self.front
            text(painter, rect, point.label, colours.text if on else colours.muted, font=font)
