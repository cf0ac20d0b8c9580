"""The pyqtgraph items of a curve plot: drawn curves, and lines to measure against."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF

from fineview.ui.plots.curve_math import Curve, Floats, smooth, spread_apart
from fineview.ui.theme import font_for, spacing, theme_colours, translucent
from fineview.ui.widgets.format import number_text
from fineview.ui.widgets.painting import pen

DASHES = (4.0, 3.0)
_FINE = 4000
"""Up to so many points lines are drawn two pixels wide and smooth; beyond, that costs frames."""


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
        options = {"autoDownsample": True, "clipToView": True, "connect": "finite"}
        self.raw = pg.PlotDataItem(**options)
        self.line = pg.PlotDataItem(**options)
        self._plot = plot
        for item in (self.raw, self.line):
            plot.addItem(item, ignoreBounds=True)

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
        fine = curve.y.size <= _FINE
        lonely = int(np.isfinite(curve.y).sum()) == 1
        dashes = DASHES if curve.role == "validation" else ()
        line = pen(colour, 2 if fine else 1, dashes=dashes)
        line.setCosmetic(True)  # otherwise the width would be in units of the axes
        self.line.setData(
            curve.x,
            scaled(smooth(curve.y, memory) if smoothed else curve.y, log),
            pen=line,
            antialias=fine,
            symbol="o" if lonely else None,
            symbolSize=7,
            symbolBrush=colour,
            symbolPen=None,
        )
        if smoothed:
            pale = pen(translucent(colour, 0.35), 1)
            pale.setCosmetic(True)
            self.raw.setData(curve.x, scaled(curve.y, log), pen=pale, antialias=False)


class References:
    """Thin dashed lines to measure against, named at the right edge.

    Attributes:
        values: What they stand at, by key.
    """

    def __init__(self, plot: Any) -> None:  # noqa: ANN401 - pyqtgraph is untyped
        self._plot = plot
        self._box = plot.getViewBox()
        self._items: dict[str, tuple[float, str, Any, Any]] = {}
        self._log = False

    @property
    def values(self) -> dict[str, float]:
        """Return what the lines stand at, by key."""
        return {key: item[0] for key, item in self._items.items()}

    def words(self) -> list[str]:
        """Return the lines in words."""
        return [f"{label} {number_text(value)}" for value, label, _, _ in self._items.values()]

    def set(self, key: str, value: float | None, label: str) -> None:
        """Draw, move or remove a line."""
        old = self._items.pop(key, None)
        if value is None or not np.isfinite(value):
            if old is not None:
                self._plot.removeItem(old[2])
                self._plot.removeItem(old[3])
        else:
            line, words = old[2:] if old is not None else self._new_items()
            self._items[key] = (float(value), label, line, words)
        self.restyle(log=self._log)

    def restyle(self, *, log: bool) -> None:
        """Take colours, font and scale anew."""
        self._log = log
        colours = theme_colours()
        for value, label, line, words in self._items.values():
            line.setPen(pen(colours.muted, 1, dashes=DASHES))
            visible = not log or value > 0
            line.setVisible(visible)
            words.setVisible(visible)
            if visible:
                line.setPos(np.log10(value) if log else value)
            words.setFont(font_for("small"))
            words.setColor(colours.muted)
            words.fill = pg.mkBrush(translucent(colours.surface, 0.8))
            words.setText(f"{label} {number_text(value)}".strip())
        self.place()

    def place(self) -> None:
        """Set the labels at the right edge, apart from each other."""
        items = [(line, words) for _, _, line, words in self._items.values() if words.isVisible()]
        if not items:
            return
        area = self._box.sceneBoundingRect()
        right = area.right() - spacing(1)
        height = items[0][1].boundingRect().height()
        lines = [self._box.mapViewToScene(QPointF(0, line.value())).y() for line, _ in items]
        # A label stands on its line where there is room.
        wanted = [y - height / 2 for y in lines]
        low, high = area.top() + height / 2, area.bottom() - height / 2
        for (_, words), y in zip(items, spread_apart(wanted, height, low, high), strict=True):
            words.setPos(self._box.mapSceneToView(QPointF(right, y)))

    def _new_items(self) -> tuple[Any, Any]:
        line, words = pg.InfiniteLine(angle=0), pg.TextItem(anchor=(1, 0.5))
        line.setZValue(-10)
        words.setZValue(10)
        self._plot.addItem(line, ignoreBounds=True)
        self._plot.addItem(words, ignoreBounds=True)
        return line, words
