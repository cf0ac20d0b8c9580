"""Axes of hand-painted plots: where a number stands, which ticks it has, grid and labels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetricsF, QPainter

from fineview.ui.theme import font_for, mix, spacing, theme_colours
from fineview.ui.widgets.painting import CENTRE, LEFT, RIGHT, pen, text

_ZERO_LANE = 0.07
"""Share of a logarithmic axis that is kept for the value 0, where there is one."""
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from `low` to `high` along 0 … 1.

    Attributes:
        low: At the beginning.
        high: At the end.
        log: Whether equal factors are equally long.
        zero: Logarithmic: whether 0 stands apart, at the very beginning.
        ticks: Where numbers stand, ascending.
    """

    low: float
    high: float
    log: bool = False
    zero: bool = False
    ticks: tuple[float, ...] = ()

    def share(self, value: float) -> float:
        """Return where a value stands, 0 … 1."""
        if not self.log:
            return (value - self.low) / (self.high - self.low)
        lane = _ZERO_LANE if self.zero else 0.0
        if value <= 0:
            return lane / 3
        way = (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return lane + (1 - lane) * way


def linear_axis(
    values: Sequence[float], least: float, most: float, ends: Sequence[float] = ()
) -> Axis:
    """Return an axis around some values with round ticks.

    Args:
        values: Finite; at least one.
        least: What the axis never goes below.
        most: Nor above.
        ends: Of intervals: in sight as long as they do not take more room than the values do.
    """
    low, high = min(values), max(values)
    most_room = max((high - low) * 0.6, 0.1)
    low = min([low, *(max(end, low - most_room) for end in ends)])
    high = max([high, *(min(end, high + most_room) for end in ends)])
    room = max((high - low) * 0.08, 0.01)
    low, high = max(low - room, least), min(high + room, most)
    step = _round_step((high - low) / 5)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return Axis(low, high, ticks=tuple(round(i * step, 10) for i in range(first, last + 1)))


def log_axis(values: Sequence[float]) -> Axis:
    """Return a logarithmic axis around some values >= 0; 0 has a place of its own."""
    above = [value for value in values if value > 0] or [1.0]
    # Half as much room at either side, and never less than a factor of four in all.
    low, high = min(above), max(above)
    room = max((high / low) ** 0.08, 1.5)
    low, high = low / room, high * room
    if high / low < 4:
        low, high = low / 1.5, high * 1.5
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    fine = (1.0, 2.0, 5.0) if log10(high / low) < 2.2 else (1.0,)
    ticks = [m * 10.0**d for d in decades for m in fine if low <= m * 10.0**d <= high]
    while len(ticks) > _MOST_TICKS:
        ticks = ticks[::2]
    zero = any(value <= 0 for value in values)
    return Axis(low, high, log=True, zero=zero, ticks=(*((0.0,) if zero else ()), *ticks))


@dataclass(frozen=True, slots=True)
class Frame:
    """A plot's area between its axes.

    Attributes:
        area: Where data are drawn, pixels.
        x: From left to right.
        y: From bottom to top.
    """

    area: QRectF
    x: Axis
    y: Axis

    def at(self, x: float, y: float) -> QPointF:
        """Return where a point stands, pixels."""
        return QPointF(
            self.area.left() + self.area.width() * self.x.share(x),
            self.area.bottom() - self.area.height() * self.y.share(y),
        )

    def draw(
        self,
        painter: QPainter,
        x_label: str,
        y_label: str,
        x_text: Callable[[float], str],
        y_text: Callable[[float], str],
    ) -> None:
        """Draw grid, ticks and labels."""
        colours, font = theme_colours(), font_for("fixed-small")
        line, area = QFontMetricsF(font).height(), self.area
        grid = pen(mix(colours.surface, colours.strong_line, 0.35))
        for tick in self.y.ticks:
            y = self.at(1, tick).y()
            painter.setPen(grid)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            place = QRectF(0, y - line / 2, area.left() - spacing(1), line)
            text(painter, place, y_text(tick), colours.muted, font=font, align=RIGHT)
        for tick in self.x.ticks:
            x = self.at(tick, self.y.low).x()
            painter.setPen(grid)
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            place = QRectF(x - line * 4, area.bottom() + spacing(0.5), line * 8, line)
            text(painter, place, x_text(tick), colours.muted, font=font, align=CENTRE)
        painter.setPen(pen(colours.strong_line))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.drawLine(area.topLeft(), area.bottomLeft())
        small = font_for("small")
        below = QRectF(area.left(), area.bottom() + line + spacing(0.5), area.width(), line)
        text(painter, below, x_label, colours.text, font=small, align=CENTRE)
        above = QRectF(spacing(1), area.top() - line - spacing(1), area.width(), line)
        text(painter, above, y_label, colours.text, font=small, align=LEFT)


def frame_in(
    rect: QRectF, x: Axis, y: Axis, *, top: float = 0.0, bottom: float = 0.0, right: float = 0.0
) -> Frame:
    """Return the frame that leaves room for numbers and labels.

    Args:
        rect: The whole widget.
        x: From left to right.
        y: From bottom to top.
        top: Pixels kept free above the label of y, for a legend.
        bottom: Pixels kept free below the label of x, for a note.
        right: Pixels kept free at the right, for what lines are called.
    """
    measure = QFontMetricsF(font_for("fixed-small"))
    line = measure.height()
    left = measure.horizontalAdvance("0.000") + spacing(2)
    area = rect.adjusted(
        left, top + line + spacing(2), -spacing(4) - right, -(2 * line + spacing(2) + bottom)
    )
    area.setWidth(max(area.width(), 1.0))
    area.setHeight(max(area.height(), 1.0))
    return Frame(area, x, y)


def _round_step(size: float) -> float:
    """Return 1, 2 or 5 times a power of ten, not below the size."""
    power = 10.0 ** floor(log10(size))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= size * (1 - 1e-9))
