"""The pyqtgraph items of a curve plot: drawn curves, and lines to measure against."""

from math import floor, inf, log10
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPen
from PySide6.QtWidgets import QGraphicsSimpleTextItem

from fineview.ui.plots.curve_math import Curve, Floats, smooth, spread_apart
from fineview.ui.theme import (
    font_for,
    is_exporting,
    pixel_ratio,
    spacing,
    theme_colours,
    translucent,
)
from fineview.ui.widgets.format import THIN_SPACE, number_text
from fineview.ui.widgets.painting import pen

DASHES = (4.0, 3.0)
_FINE = 10_000
_FINE_DASHED = 600
"""Up to so many points a line has smooth edges; beyond, that would cost frames."""


def plot_pen(colour: str | QColor, width: float, *, dashes: tuple[float, ...] = ()) -> QPen:
    """Return a pen whose width is in pixels, not in units of the axes."""
    result = pen(colour, width * pixel_ratio(), dashes=dashes)
    result.setCosmetic(True)
    return result


class Axis(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph is untyped
    """An axis with as many decimals as its steps need, and few labels on a logarithmic one."""

    _labelled = inf
    """Distance of the finest ticks that have a label; all labels have as many decimals."""

    def tickValues(
        self, minVal: float, maxVal: float, size: float
    ) -> list[tuple[float, list[float]]]:
        """Return the ticks by level, and note how fine the labelled ones are."""
        levels: list[tuple[float, list[float]]] = super().tickValues(minVal, maxVal, size)
        # Levels between the powers of ten of a logarithmic axis have no one distance.
        self._labelled = min((s for s, _ in levels[:2] if s is not None), default=inf)
        return levels

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Return the labels of ticks, all with the same decimals."""
        if self.logMode:
            return self.logTickStrings(values, scale, spacing)
        finest = min(self._labelled, spacing) * scale
        decimals = max(-floor(log10(max(finest, 1e-12)) + 1e-9), 0)
        if decimals > 5:
            return [number_text(value * scale) for value in values]
        return [f"{value * scale:,.{decimals}f}".replace(",", THIN_SPACE) for value in values]

    def logTickStrings(self, values: list[float], _scale: float, _spacing: float) -> list[str]:
        """Return labels for 1, 2 and 5 in each power of ten, fewer where these would touch."""
        low, high = self.range
        decades = max(high - low, 1e-9)
        length = max(self.size().height() if self.orientation == "left" else self.size().width(), 1)
        room = length / decades / QFontMetricsF(font_for("fixed-small")).height()
        wanted = {1, 2, 5} if room > 7 else {1, 3} if room > 4 else {1}
        labels = []
        for value in values:
            power = floor(value + 1e-6)
            digit = round(10 ** (value - power))
            labels.append(number_text(10.0**value, 1) if digit in wanted else "")
        return labels


def scaled(y: Floats, log: bool) -> Floats:
    """Return values as the axis wants them: logarithms, with gaps for what has none."""
    if not log:
        return y
    result = np.full_like(y, np.nan)
    np.log10(y, out=result, where=y > 0)
    return result


class DrawnCurve:
    """The items that draw one curve: the raw line and, over it, the smoothed one.

    Attributes:
        curve: What is drawn.
        shown: Whether a person wants to see it.
    """

    def __init__(self, plot: Any, curve: Curve) -> None:  # noqa: ANN401 - pyqtgraph is untyped
        self.curve = curve
        self.shown = True
        self.raw = pg.PlotDataItem()
        self.line = pg.PlotDataItem()
        self._plot = plot
        for item in (self.raw, self.line):
            plot.addItem(item, ignoreBounds=True)
            # After `addItem`, which sets both to what the plot's own menu says (off).
            item.setDownsampling(auto=True, method="peak")
            item.setClipToView(True)
            # Two points a pixel, its least and greatest, look the same as the default's ten.
            item.opts["autoDownsampleFactor"] = 1.0

    def remove(self) -> None:
        """Take the items off the plot."""
        self._plot.removeItem(self.raw)
        self._plot.removeItem(self.line)

    def dim(self, dimmed: bool) -> None:
        """Let the curve fade."""
        for item in (self.raw, self.line):
            item.setOpacity(0.4 if dimmed else 1.0)

    def draw(self, colour: str, memory: float, *, log: bool) -> None:
        """Draw the curve anew.

        Args:
            colour: Its colour.
            memory: Of the moving average, for training curves.
            log: Whether the y axis is logarithmic.
        """
        curve = self.curve
        smoothed = curve.role == "train" and memory > 0 and curve.y.size > 2
        self.raw.setVisible(self.shown and smoothed)
        self.line.setVisible(self.shown)
        if not self.shown:
            return
        dashed = curve.role == "validation"
        smoothly = is_exporting() or curve.y.size <= (_FINE_DASHED if dashed else _FINE)
        lonely = int(np.isfinite(curve.y).sum()) == 1
        thin = dashed and not smoothly
        # Lines are stroked one by one: 4000 points in 10 ms, as one path in 110 ms. Dashes would
        # begin anew at each point, and a file is better off with one path.
        mode = "off" if dashed or is_exporting() else "on"
        self.line.curve.setSegmentedLineMode(mode)
        self.line.setData(
            curve.x,
            scaled(smooth(curve.y, memory) if smoothed else curve.y, log),
            pen=plot_pen(colour, 1 if thin else 2, dashes=DASHES if dashed else ()),
            antialias=smoothly,
            connect="finite",
            symbol="o" if lonely else None,
            symbolSize=7,
            symbolBrush=colour,
            symbolPen=None,
        )
        if smoothed:
            self.raw.curve.setSegmentedLineMode(mode)
            pale = plot_pen(translucent(colour, 0.35), 1)
            self.raw.setData(
                curve.x, scaled(curve.y, log), pen=pale, antialias=False, connect="finite"
            )


class References:
    """Thin dashed lines to measure against, named in the margin at the right.

    The names stand outside the axes, for the end of a curve is what matters most in it.

    Attributes:
        values: What they stand at, by key.
    """

    def __init__(self, plot: Any) -> None:  # noqa: ANN401 - pyqtgraph is untyped
        self._plot = plot
        self._box = plot.getViewBox()
        self._items: dict[str, tuple[float, str, Any, QGraphicsSimpleTextItem]] = {}
        self._log = False
        self._margin = 0.0

    @property
    def values(self) -> dict[str, float]:
        """Return what the lines stand at, by key."""
        return {key: item[0] for key, item in self._items.items()}

    def words(self) -> list[str]:
        """Return the lines in words."""
        return [f"{label} {number_text(value)}" for value, label, _, _ in self._items.values()]

    def labels(self) -> list[QGraphicsSimpleTextItem]:
        """Return the names as drawn."""
        return [words for _, _, _, words in self._items.values()]

    def set(self, key: str, value: float | None, label: str) -> None:
        """Draw, move or remove a line."""
        old = self._items.pop(key, None)
        if value is None or not np.isfinite(value):
            if old is not None:
                self._plot.removeItem(old[2])
                self._plot.scene().removeItem(old[3])
        else:
            line, words = old[2:] if old is not None else self._new_items()
            self._items[key] = (float(value), label, line, words)
        self.restyle(log=self._log)

    def restyle(self, *, log: bool) -> None:
        """Take colours, font and scale anew."""
        self._log = log
        colours = theme_colours()
        for value, _, line, words in self._items.values():
            line.setPen(plot_pen(colours.muted, 1, dashes=DASHES))
            visible = not log or value > 0
            line.setVisible(visible)
            words.setVisible(visible)
            if visible:
                line.setPos(np.log10(value) if log else value)
            words.setFont(font_for("small"))
            words.setBrush(QColor(colours.muted))
        self._set_margin()
        self.place()

    def place(self) -> None:
        """Set the names beside their lines, apart from each other."""
        items = [(line, words) for _, _, line, words in self._items.values() if words.isVisible()]
        if not items:
            return
        area = self._box.mapRectToItem(self._plot, self._box.boundingRect())
        height = items[0][1].boundingRect().height()
        wanted = [self._box.mapFromView(QPointF(0, line.value())).y() for line, _ in items]
        wanted = [y + area.top() - height / 2 for y in wanted]
        # What is zoomed out of sight is named at the edge where it would be.
        low, high = area.top() - height / 2, area.bottom() - height / 2
        for (_, words), y in zip(items, spread_apart(wanted, height, low, high), strict=True):
            words.setPos(area.right() + spacing(1), y)

    def _set_margin(self) -> None:
        """Keep room for the longest name, at most a quarter of the plot."""
        measure = QFontMetricsF(font_for("small"))
        most = max(self._plot.size().width() * 0.25, measure.averageCharWidth() * 10)
        # The same for short names: then plots above each other have their axes in line.
        widest = measure.averageCharWidth() * 14 if self._items else 0.0
        for value, label, _, words in self._items.values():
            figure = f" {number_text(value)}"
            room = most - measure.horizontalAdvance(figure)
            said = measure.elidedText(label, Qt.TextElideMode.ElideRight, room) + figure
            if words.text() != said:
                words.setText(said)
            widest = max(widest, measure.horizontalAdvance(said) + spacing(1.5))
        if self._margin != widest:
            self._margin = widest
            self._plot.layout.setContentsMargins(0, 0, widest, 0)
            self._plot.layout.activate()

    def _new_items(self) -> tuple[Any, QGraphicsSimpleTextItem]:
        line, words = pg.InfiniteLine(angle=0), QGraphicsSimpleTextItem(self._plot)
        line.setZValue(-10)
        self._plot.addItem(line, ignoreBounds=True)
        return line, words
