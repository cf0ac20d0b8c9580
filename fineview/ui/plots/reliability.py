"""Reliability diagram: how often answers of each confidence are right, and how many there are."""

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QMouseEvent, QPainter, QPen

from fineview.core.explore.mistakes_calibration import Bin
from fineview.ui.plots.export import Cell, Table
from fineview.ui.plots.painted_axes import Axis, Frame, frame_in
from fineview.ui.plots.picking import PickPlot
from fineview.ui.theme import font_for, mix, spacing, theme_colours
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.painting import CENTRE, LEFT, pen, text

_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_LOWER = 0.24
"""Share of the height that the counts take."""
_RADIUS = 3.5
_DASHES = (4.0, 3.0)


class ReliabilityPlot(PickPlot):
    """Bars of accuracy over confidence with their gaps to the diagonal, and bars of counts below.

    Attributes:
        bins: What is shown.
        scaled: The bins after temperature scaling; drawn as hollow points.
    """

    def __init__(self, name: str) -> None:
        self.bins: tuple[Bin, ...] = ()
        self.scaled: tuple[Bin, ...] = ()
        self._at_temperature = ""
        super().__init__(
            name,
            "Answers by their probability: a calibrated head is right as often as it says. Arrows "
            "walk from bin to bin.",
            "How sure and how right the head is appears here.",
        )

    def show_bins(self, bins: Sequence[Bin], scaled: Sequence[Bin], temperature: float) -> None:
        """Show other bins.

        Args:
            bins: Ascending.
            scaled: The same items after temperature scaling.
            temperature: T of it.
        """
        self.bins, self.scaled = tuple(bins), tuple(scaled)
        self._at_temperature = f"at T = {temperature:.3g}"
        self.renew()

    def keys(self) -> list[str]:
        """Return the bins, ascending."""
        return [str(number) for number in range(len(self.bins))]

    def near(self, position: QPointF) -> str:
        """Return the bin whose column is there."""
        upper, lower = self._frames()
        if not upper.area.left() <= position.x() <= upper.area.right():
            return ""
        if not upper.area.top() <= position.y() <= lower.area.bottom():
            return ""
        for number, one in enumerate(self.bins):
            if upper.at(one.low, 0).x() <= position.x() <= upper.at(one.high, 0).x():
                return str(number)
        return ""

    def words(self, key: str) -> str:
        """Return the figures of a bin."""
        one = self.bins[int(key)]
        low, high = one.interval
        return (
            f"Confidence {one.low:.2f}–{one.high:.2f}: {count_text(one.count)} answers, mean "
            f"confidence {one.confidence:.3f}, accuracy {one.accuracy:.3f} "
            f"(95 % {low:.2f}–{high:.2f})"
        )

    def stepped(self, key: str, right: int, down: int) -> str:
        """Return the next surer or less sure bin."""
        return str(min(max(int(key) + right - down, 0), len(self.bins) - 1))

    def place(self, key: str) -> QPointF:
        """Return the middle of a bin's column."""
        one, (upper, _) = self.bins[int(key)], self._frames()
        return upper.at((one.low + one.high) / 2, 0.5)

    def table(self) -> Table:
        """Return the numbers, a row a bin."""
        header = ["temperature", "low", "high", "count", "confidence", "accuracy", "from", "to"]
        rows: list[list[Cell]] = [
            [said, b.low, b.high, b.count, b.confidence, b.accuracy, *b.interval]
            for said, bins in (("1", self.bins), (self._at_temperature[7:], self.scaled))
            for b in bins
        ]
        return header, rows

    def minimumSizeHint(self) -> QSize:
        """Need room for two small plots."""
        line = self.fontMetrics().height()
        return QSize(line * 18, line * 16)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Outline the bin under the mouse; nothing happens when it is pressed."""
        super().mouseMoveEvent(event)
        self.unsetCursor()

    def draw(self, painter: QPainter) -> None:
        """Draw both plots and the key."""
        upper, lower = self._frames()
        self._draw_accuracy(painter, upper)
        self._draw_counts(painter, lower)
        self._draw_key(painter, upper)

    def _draw_accuracy(self, painter: QPainter, frame: Frame) -> None:
        colours = theme_colours()
        frame.draw(painter, "", "accuracy", lambda _: "", lambda v: f"{v:.1f}")
        fill = mix(colours.surface, colours.accent, 0.34)
        gap = mix(colours.surface, colours.trained, 0.30)
        for number, one in enumerate(self.bins):
            column = QRectF(frame.at(one.low, one.accuracy), frame.at(one.high, 0))
            inside = column.adjusted(0.5, 0, -0.5, 0)
            painter.fillRect(inside, fill)
            ends = sorted((one.accuracy, one.confidence))
            between = QRectF(frame.at(one.low, ends[1]), frame.at(one.high, ends[0]))
            painter.fillRect(between.adjusted(0.5, 0, -0.5, 0), gap)
            if self.is_outlined(str(number)):
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(pen(colours.accent, 2))
                painter.drawRect(column.united(between))
        painter.setPen(pen(colours.muted, 1.2, dashes=_DASHES))
        painter.drawLine(frame.at(0, 0), frame.at(1, 1))
        for one in self.bins:
            x = frame.at(one.confidence, 0).x()
            painter.setPen(pen(colours.text, 1.2))
            ends_y = [frame.at(0, end).y() for end in one.interval]
            painter.drawLine(QPointF(x, ends_y[0]), QPointF(x, ends_y[1]))
            painter.setBrush(pen(colours.accent).color())
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(frame.at(one.confidence, one.accuracy), _RADIUS, _RADIUS)
        self._draw_scaled(painter, frame)

    def _draw_scaled(self, painter: QPainter, frame: Frame) -> None:
        places = [frame.at(one.confidence, one.accuracy) for one in self.scaled]
        line = self._scaled_pen()
        painter.setPen(line)
        for before, after in pairwise(places):
            painter.drawLine(before, after)
        painter.setBrush(pen(theme_colours().surface).color())
        for place in places:
            painter.drawEllipse(place, _RADIUS, _RADIUS)

    def _draw_counts(self, painter: QPainter, frame: Frame) -> None:
        colours, font = theme_colours(), font_for("fixed-small")
        frame.draw(
            painter,
            "confidence: the probability of the answer",
            "answers",
            lambda v: f"{v:.1f}",
            lambda v: count_text(round(v)),
        )
        line = QFontMetricsF(font).height()
        for number, one in enumerate(self.bins):
            column = QRectF(frame.at(one.low, one.count), frame.at(one.high, 0))
            strength = 0.6 if self.is_outlined(str(number)) else 0.34
            painter.fillRect(
                column.adjusted(0.5, 0, -0.5, 0), mix(colours.surface, colours.muted, strength)
            )
            said = count_text(one.count)
            if QFontMetricsF(font).horizontalAdvance(said) <= column.width():
                above = QRectF(column.left(), column.top() - line, column.width(), line)
                text(painter, above, said, colours.muted, font=font, align=CENTRE)

    def _draw_key(self, painter: QPainter, frame: Frame) -> None:
        """Say what points, gaps and line are, above the plot."""
        colours, font = theme_colours(), font_for("small")
        measure, y = QFontMetricsF(font), spacing(1)
        line = measure.height()
        x = frame.area.left()
        entries = ("as it answers", "gap", self._at_temperature, "calibrated")
        for number, said in enumerate(entries):
            mark = QRectF(x, y, spacing(5), line)
            middle = mark.center()
            if number == 1:
                swatch = mix(colours.surface, colours.trained, 0.30)
                painter.fillRect(mark.adjusted(spacing(1), 2, -spacing(1), -2), swatch)
            else:
                mine = {
                    0: pen(colours.text, 1.2),
                    2: self._scaled_pen(),
                    3: pen(colours.muted, 1.2, dashes=_DASHES),
                }[number]
                painter.setPen(mine)
                painter.drawLine(
                    QPointF(mark.left(), middle.y()), QPointF(mark.right(), middle.y())
                )
            if number in (0, 2):
                ink = colours.accent if number == 0 else colours.surface
                painter.setBrush(pen(ink).color())
                painter.setPen(self._scaled_pen() if number else Qt.PenStyle.NoPen)
                painter.drawEllipse(middle, _RADIUS, _RADIUS)
            width = measure.horizontalAdvance(said)
            place = QRectF(mark.right() + spacing(1), y, width + 2, line)
            text(painter, place, said, colours.text, font=font, align=LEFT)
            x = place.right() + spacing(3)

    def _scaled_pen(self) -> QPen:
        return pen(theme_colours().validation_curve, 1.6)

    def _frames(self) -> tuple[Frame, Frame]:
        whole = QRectF(self.rect())
        line = QFontMetricsF(font_for("small")).height()
        most = max((one.count for one in self.bins), default=1)
        lower_height = max(whole.height() * _LOWER, 7 * line)
        across = Axis(0.0, 1.0, ticks=_TICKS)
        upper = QRectF(0, 0, whole.width(), whole.height() - lower_height + 2 * line)
        lower = QRectF(0, whole.height() - lower_height, whole.width(), lower_height)
        return (
            frame_in(upper, across, Axis(0.0, 1.0, ticks=_TICKS), top=line + spacing(1)),
            frame_in(lower, across, Axis(0.0, most * 1.3, ticks=(0.0, float(most)))),
        )
