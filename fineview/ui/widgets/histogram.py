"""A small histogram with, maybe, the line where something is cut."""

from math import ceil, floor, log10

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from fineview.core.data.spread import Histogram
from fineview.ui.theme import font_for, mix, spacing, theme_colours
from fineview.ui.widgets.format import MINUS, count_text
from fineview.ui.widgets.labels import plain_tooltip
from fineview.ui.widgets.painting import CENTRE, LEFT, RIGHT, focus_ring, pen, text

_TICKS = 5
_LEAST_BARS = 8


class HistogramView(QWidget):
    """Bars over a number axis.

    Attributes:
        histogram: What is drawn, None where nothing is known yet.
        cut: Where the line stands, None for no line.
    """

    def __init__(self, name: str, axis: str, empty: str) -> None:
        """Make an empty one.

        Args:
            name: Accessible name.
            axis: What the numbers are, with their unit.
            empty: What is said while there is nothing to draw.
        """
        super().__init__()
        self.histogram: Histogram | None = None
        self.cut: float | None = None
        self._axis = axis
        self._empty = empty
        self._stale = False
        self._whole = True
        self.setAccessibleName(name)
        self.setAccessibleDescription(empty)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_histogram(
        self, histogram: Histogram | None, *, whole: bool = True, cut: float | None = None
    ) -> None:
        """Show counts; None brings the empty state back.

        Args:
            histogram: The counts.
            whole: Whether the numbers are whole ones.
            cut: Numbers above this are cut: drawn as a line.
        """
        self.histogram, self.cut, self._whole = histogram, cut, whole
        self._stale = False
        said = self._empty
        if histogram is not None:
            ranges = zip(histogram.edges, histogram.edges[1:], histogram.counts, strict=False)
            said = ", ".join(f"{self._range(a, b)}: {n}" for a, b, n in ranges if n)
        self.setAccessibleDescription(said)
        self.update()

    def set_stale(self, stale: bool) -> None:
        """Dim what no longer belongs to the settings."""
        self._stale = stale
        self.update()

    def set_words(self, *, axis: str = "", empty: str = "") -> None:
        """Call the axis something else, or say something else while there is nothing to draw."""
        self._axis = axis or self._axis
        self._empty = empty or self._empty
        self.update()

    def table(self) -> tuple[tuple[str, ...], list[tuple[float, float, int]]]:
        """Return header and rows, for the clipboard."""
        rows: list[tuple[float, float, int]] = []
        if self.histogram is not None:
            edges, counts = self.histogram.edges, self.histogram.counts
            rows = [(edges[i], edges[i + 1], n) for i, n in enumerate(counts)]
            if self.histogram.beyond:
                rows.append((edges[-1], float("inf"), self.histogram.beyond))
        return ("from", "to below", "count"), rows

    def sizeHint(self) -> QSize:
        """Ask for a flat figure."""
        metrics = self.fontMetrics()
        return QSize(metrics.averageCharWidth() * 46, metrics.height() * 7 + spacing(2))

    def minimumSizeHint(self) -> QSize:
        """Need half the width."""
        return QSize(self.fontMetrics().averageCharWidth() * 24, self.sizeHint().height())

    def event(self, event: QEvent) -> bool:
        """Tell a bar in figures where the mouse rests."""
        if isinstance(event, QHelpEvent) and self.histogram is not None:
            words = self._said(event.pos().x())
            QToolTip.showText(event.globalPos(), plain_tooltip(words), self)
            return True
        return bool(super().event(event))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw axis, bars and line."""
        colours = theme_colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._stale:
            painter.setOpacity(0.45)
        if self.histogram is None:
            painter.setFont(font_for("small"))
            painter.setPen(QColor(colours.muted))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()), flags, self._empty)
        else:
            self._bars(painter, self.histogram)
            self._scale(painter)
            self._line(painter)
        if self.hasFocus():
            focus_ring(painter, QRectF(self.rect()), colours)
        painter.end()

    def _area(self) -> QRectF:
        """Return where the bars stand."""
        line = self.fontMetrics().height()
        digits = QFontMetricsF(font_for("fixed-small"))
        most = max(self.histogram.counts, default=0) if self.histogram else 0
        left = digits.horizontalAdvance(count_text(most)) + spacing(2)
        return QRectF(
            left, line + spacing(1), self.width() - left - spacing(2), line * 4 - spacing(1)
        )

    def _bins(self, histogram: Histogram) -> list[tuple[float, float, int]]:
        """Return left and right pixel and count of each bar, what lies beyond apart at the end."""
        area = self._area()
        apart = 1.5 if histogram.beyond else 0.0
        # A few bars stay as narrow as bars are.
        step = area.width() / max(len(histogram.counts) + apart, _LEAST_BARS)
        bars = [
            (area.left() + i * step, area.left() + (i + 1) * step, n)
            for i, n in enumerate(histogram.counts)
        ]
        if histogram.beyond:
            left = bars[-1][1] + step / 2
            bars.append((left, left + step, histogram.beyond))
        return bars

    def _bars(self, painter: QPainter, histogram: Histogram) -> None:
        colours = theme_colours()
        area = self._area()
        most = max(*histogram.counts, histogram.beyond, 1)
        last = len(histogram.counts)
        for i, (left, right, count) in enumerate(self._bins(histogram)):
            height = area.height() * count / most
            if not count:
                continue
            gap = min(1.0, (right - left) * 0.1)
            bar = QRectF(
                left + gap / 2, area.bottom() - max(height, 1.0), right - left - gap, max(height, 1)
            )
            beyond = i == last
            ink = colours.warning if self._is_cut(i, histogram) else colours.frozen
            painter.setPen(Qt.PenStyle.NoPen)
            pattern = Qt.BrushStyle.BDiagPattern if beyond else Qt.BrushStyle.SolidPattern
            painter.setBrush(QBrush(mix(colours.surface, ink, 0.75), pattern))
            painter.drawRect(bar)

    def _is_cut(self, i: int, histogram: Histogram) -> bool:
        return self.cut is not None and histogram.edges[i] > self.cut

    def _scale(self, painter: QPainter) -> None:
        assert self.histogram is not None
        colours = theme_colours()
        area = self._area()
        digits = font_for("fixed-small")
        line = self.fontMetrics().height()
        painter.setPen(pen(colours.line))
        painter.drawLine(area.topLeft(), area.topRight())
        painter.setPen(pen(colours.strong_line))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        most = max(*self.histogram.counts, self.histogram.beyond, 0)
        for y, value in ((area.top(), most), (area.bottom(), 0)):
            place = QRectF(0, y - line / 2, area.left() - spacing(1), line)
            text(painter, place, count_text(value), colours.muted, font=digits, align=RIGHT)
        painter.setFont(digits)
        for tick in self._ticks():
            x = self._x(tick) + self._half_bar()
            painter.setPen(pen(colours.strong_line))
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + spacing(1)))
            place = QRectF(x - 40, area.bottom() + spacing(1), 80, line)
            text(painter, place, self._number(tick), colours.muted, font=digits, align=CENTRE)
        if self.histogram.beyond:
            place = QRectF(area.right() - 80, area.bottom() + spacing(1), 80 + spacing(2), line)
            words = f"> {self._number(self.histogram.edges[-1] - (1 if self._whole else 0))}"
            text(painter, place, words, colours.muted, font=digits, align=RIGHT)
        small = font_for("small")
        below = QRectF(area.left(), area.bottom() + line + spacing(1), area.width(), line)
        text(painter, below, self._axis, colours.muted, font=small, align=CENTRE)

    def _line(self, painter: QPainter) -> None:
        if self.cut is None or self.histogram is None:
            return
        colours = theme_colours()
        area = self._area()
        small = font_for("small")
        width = QFontMetricsF(small).horizontalAdvance(f"cut at {count_text(int(self.cut))}  ▸")
        row = QRectF(area.left(), 0, area.width(), self.fontMetrics().height())
        words = f"cut at {count_text(int(self.cut))}"
        if self.cut >= self.histogram.edges[-1] and not self.histogram.beyond:
            text(painter, row, f"{words} ▸", colours.muted, font=small, align=RIGHT)
            return
        # Behind the last token that is kept; within what lies beyond where it is further off.
        x = min(self._x(self.cut + (1 if self._whole else 0)), area.right())
        painter.setPen(pen(colours.warning, 1.5, dashes=(3, 2)))
        painter.drawLine(QPointF(x, row.top() + spacing(0.5)), QPointF(x, area.bottom()))
        left = x + spacing(1) + width > area.right()
        place = QRectF(x - width - spacing(1) if left else x + spacing(1), 0, width, row.height())
        text(painter, place, words, colours.warning, font=small, align=RIGHT if left else LEFT)

    def _x(self, value: float) -> float:
        """Return the pixel of a number; whole numbers stand at the left end of their range."""
        assert self.histogram is not None
        edges = self.histogram.edges
        bars = self._bins(self.histogram)
        step = (bars[0][1] - bars[0][0]) / max(edges[1] - edges[0], 1e-12)
        if value > edges[-1]:
            return bars[-1][0]
        return bars[0][0] + (value - edges[0]) * step

    def _half_bar(self) -> float:
        """Return how far a tick stands from the left end of a bar that is one number."""
        assert self.histogram is not None
        edges = self.histogram.edges
        if not self._whole or edges[1] - edges[0] > 1:
            return 0.0
        left, right, _ = self._bins(self.histogram)[0]
        return (right - left) / 2

    def _ticks(self) -> list[float]:
        assert self.histogram is not None
        low, high = self.histogram.edges[0], self.histogram.edges[-1]
        rough = max((high - low) / _TICKS, 1e-12)
        power = 10.0 ** floor(log10(rough))
        step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
        step = max(step, 1.0) if self._whole else step
        first = ceil(low / step - 1e-9)
        ticks = [i * step for i in range(first, floor(high / step + 1e-9) + 1)]
        return [tick for tick in ticks if tick < high or not self._whole]

    def _said(self, x: int) -> str:
        assert self.histogram is not None
        for i, (left, right, count) in enumerate(self._bins(self.histogram)):
            if left <= x < right:
                if i == len(self.histogram.counts):
                    last = self.histogram.edges[-1] - (1 if self._whole else 0)
                    return f"above {self._number(last)}: {count_text(count)}"
                a, b = self.histogram.edges[i], self.histogram.edges[i + 1]
                return f"{self._range(a, b)}: {count_text(count)}"
        return ""

    def _range(self, a: float, b: float) -> str:
        if not self._whole:
            return f"{self._number(a)} to {self._number(b)}"
        return self._number(a) if b - a <= 1 else f"{self._number(a)} to {self._number(b - 1)}"

    def _number(self, value: float) -> str:
        return count_text(round(value)) if self._whole else short_number(value)


def short_number(value: float) -> str:
    """Return a label's value with no more digits than it has: "2", "0.25"."""
    return f"{value:.4g}".replace("-", MINUS)
