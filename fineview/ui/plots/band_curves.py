"""A few curves over a size, held-out with a band over seeds and training beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPolygonF

from fineview.ui.plots.export import Cell, Table
from fineview.ui.plots.painted_axes import Axis, Frame, frame_in, linear_axis, log_axis
from fineview.ui.plots.picking import PickPlot, References, draw_references, references_width
from fineview.ui.theme import category_colour, font_for, spacing, theme_colours
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.painting import LEFT, pen, text

_DASHES = (4.0, 2.5)
_KEY = "solid: training – dashed: test, with its 95 % interval"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BandCurve:
    """One curve with its P places.

    Attributes:
        name: In the legend.
        keys: (P,) what each place is called, for whoever hears `chosen`.
        words: (P,) all figures of each place.
        x: (P,) ascending, >= 0.
        test: (P,) held-out; NaN leaves a gap.
        low: (P,) lower edge of the band.
        high: (P,) upper edge.
        train: (P,) on the training split.
    """

    name: str
    keys: tuple[str, ...]
    words: tuple[str, ...]
    x: NDArray[np.float64]
    test: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    train: NDArray[np.float64]


class BandCurves(PickPlot):
    """Curves on a logarithmic axis.

    Attributes:
        curves: What is shown.
    """

    def __init__(self, name: str, *, empty: str) -> None:
        self.curves: tuple[BandCurve, ...] = ()
        self._lines: References = ()
        self._labels = ("size", "accuracy")
        self._range = (0.0, 1.0)
        self._key = _KEY
        tooltip = (
            "Test dashed with its interval, training solid. Arrows walk from place to place, "
            "Enter opens one."
        )
        super().__init__(name, tooltip, empty)

    def show_curves(
        self,
        curves: Sequence[BandCurve],
        lines: References,
        *,
        x_label: str,
        y_label: str,
        least: float = 0.0,
        key: str = _KEY,
    ) -> None:
        """Show other curves.

        Args:
            curves: Up to eight can be told apart by colour.
            lines: References to measure against.
            x_label: What is on the horizontal axis.
            y_label: What is measured.
            least: Least possible value; the greatest is 1.
            key: What the lines and bands mean, after the legend.
        """
        self._key = key
        self.curves = tuple(curves)
        self._lines = lines
        self._labels, self._range = (x_label, y_label), (least, 1.0)
        self.renew()

    def keys(self) -> list[str]:
        """Return the places that have a value, curve by curve."""
        return [
            key
            for curve in self.curves
            for key, value in zip(curve.keys, curve.test, strict=True)
            if np.isfinite(value)
        ]

    def near(self, position: QPointF) -> str:
        """Return the nearest place within a finger's breadth."""
        frame = self._frame()
        away = [
            ((frame.at(float(x), float(y)) - position).manhattanLength(), key)
            for curve in self.curves
            for key, x, y in zip(curve.keys, curve.x, curve.test, strict=True)
            if np.isfinite(y)
        ]
        distance, key = min(away, default=(inf, ""))
        return key if distance <= spacing(4) else ""

    def words(self, key: str) -> str:
        """Return all figures of a place."""
        curve, at = self._found(key)
        return curve.words[at]

    def stepped(self, key: str, right: int, down: int) -> str:
        """Return the next place of the curve, or the same one of the next curve."""
        keys = self.keys()
        if right:
            return keys[min(max(keys.index(key) + right, 0), len(keys) - 1)]
        curve, at = self._found(key)
        number = min(max(self.curves.index(curve) + down, 0), len(self.curves) - 1)
        other = self.curves[number]
        wanted = other.keys[min(at, len(other.keys) - 1)]
        return wanted if wanted in keys else key

    def place(self, key: str) -> QPointF:
        """Return where a place is drawn."""
        curve, at = self._found(key)
        return self._frame().at(float(curve.x[at]), float(curve.test[at]))

    def table(self) -> Table:
        """Return the numbers, a row a place, the references last."""
        header = ["curve", self._labels[0], "test", "low", "high", "train"]
        rows: list[list[Cell]] = [
            [curve.name, *(None if np.isnan(v) else float(v) for v in values)]
            for curve in self.curves
            for values in zip(curve.x, curve.test, curve.low, curve.high, curve.train, strict=True)
        ]
        rows += [[title, None, value, None, None, None] for title, value in self._lines]
        return header, rows

    def minimumSizeHint(self) -> QSize:
        """Need room for axes, legend and curves."""
        line = self.fontMetrics().height()
        return QSize(line * 22, line * 12)

    def draw(self, painter: QPainter) -> None:
        """Draw axes, references, bands, curves and the legend."""
        frame = self._frame()
        x_label, y_label = self._labels
        frame.draw(painter, x_label, y_label, lambda v: count_text(round(v)), lambda v: f"{v:.2f}")
        draw_references(painter, frame, self._lines)
        for number in range(len(self.curves)):
            self._draw_curve(painter, frame, number)
        self._draw_legend(painter)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(theme_colours().accent, 2))
        for key in {self.pointed, self.current}:
            if self.is_outlined(key):
                painter.drawEllipse(self.place(key), spacing(1.6), spacing(1.6))

    def _found(self, key: str) -> tuple[BandCurve, int]:
        return next((c, c.keys.index(key)) for c in self.curves if key in c.keys)

    def _frame(self) -> Frame:
        known = [c.test for c in self.curves] + [c.train for c in self.curves]
        values = _finite([*known, np.array([value for _, value in self._lines])])
        ends = _finite([part for c in self.curves for part in (c.low, c.high)])
        y = linear_axis(values or [0.5], *self._range, ends)
        every = sorted({float(x) for curve in self.curves for x in curve.x})
        x = log_axis(every)
        if len(every) <= 8:
            x = Axis(x.low, x.high, log=True, zero=x.zero, ticks=tuple(every))
        legend = self._legend_lines() * QFontMetricsF(font_for("small")).height()
        named = references_width(self._lines)
        return frame_in(QRectF(self.rect()), x, y, top=legend, right=named)

    def _draw_curve(self, painter: QPainter, frame: Frame, number: int) -> None:
        curve, ink = self.curves[number], QColor(category_colour(number))
        known = np.flatnonzero(np.isfinite(curve.test))
        upper = [frame.at(float(curve.x[i]), float(curve.high[i])) for i in known]
        lower = [frame.at(float(curve.x[i]), float(curve.low[i])) for i in known[::-1]]
        band = QColor(ink)
        band.setAlphaF(0.16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(band)
        painter.save()
        painter.setClipRect(frame.area)
        painter.drawPolygon(QPolygonF([*upper, *lower]))
        painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        trained = np.flatnonzero(np.isfinite(curve.train))
        painter.setPen(pen(ink, 1.4))
        painter.drawPolyline(
            QPolygonF([frame.at(float(curve.x[i]), float(curve.train[i])) for i in trained])
        )
        points = [frame.at(float(curve.x[i]), float(curve.test[i])) for i in known]
        painter.setPen(pen(ink, 2, dashes=_DASHES))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        for point in points:
            painter.drawEllipse(point, spacing(0.8), spacing(0.8))

    # Legend: a line of entries, as many lines as they need

    def _entries(self) -> list[list[tuple[int, QRectF]]]:
        """Return the entries of each line: number of the curve and where it stands."""
        measure = QFontMetricsF(font_for("small"))
        line, sample = measure.height(), spacing(8)
        rows: list[list[tuple[int, QRectF]]] = [[]]
        left = float(spacing(1))
        # What the two lines of a curve mean stands at the end.
        names = [*(curve.name for curve in self.curves), self._key]
        for number, name in enumerate(names):
            wide = sample + spacing(1) + measure.horizontalAdvance(name) + spacing(4)
            if rows[-1] and left + wide > self.width():
                rows.append([])
                left = float(spacing(1))
            rows[-1].append((number, QRectF(left, (len(rows) - 1) * line, wide, line)))
            left += wide
        return rows

    def _legend_lines(self) -> int:
        return len(self._entries()) if self.curves else 0

    def _draw_legend(self, painter: QPainter) -> None:
        colours, font = theme_colours(), font_for("small")
        for row in self._entries():
            for number, rect in row:
                if number == len(self.curves):
                    text(painter, rect, self._key, colours.muted, font=font, align=LEFT)
                    continue
                ink, middle = category_colour(number), rect.center().y()
                end = rect.left() + spacing(8)
                painter.setPen(pen(ink, 2, dashes=_DASHES))
                painter.drawLine(QPointF(rect.left(), middle), QPointF(end, middle))
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(ink))
                centre = QPointF((rect.left() + end) / 2, middle)
                painter.drawEllipse(centre, spacing(0.8), spacing(0.8))
                words = rect.adjusted(spacing(9), 0, 0, 0)
                text(painter, words, self.curves[number].name, colours.text, font=font, align=LEFT)


def _finite(parts: Sequence[NDArray[np.float64]]) -> list[float]:
    found = np.concatenate([*parts, np.empty(0)])
    return found[np.isfinite(found)].tolist()  # type: ignore[no-any-return]
