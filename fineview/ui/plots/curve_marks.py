"""What a curve plot shows besides curves: the gap that opens, and places to go back to."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, QPointF, Qt, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGraphicsSimpleTextItem

from fineview.ui.plots.curve_items import plot_pen, scaled
from fineview.ui.plots.curve_math import Floats
from fineview.ui.theme import font_for, is_exporting, spacing, theme_colours, translucent

_LINE_WIDTH = 2


class Gap:
    """The room between two curves, shaded and named.

    Attributes:
        words: What it is called; "" where nothing is shaded.
    """

    def __init__(self, plot: Any) -> None:  # noqa: ANN401 - pyqtgraph is untyped
        self.words = ""
        self._plot = plot
        self._edges = (pg.PlotDataItem(), pg.PlotDataItem())
        self._fill = pg.FillBetweenItem(self._edges[0].curve, self._edges[1].curve)
        self._fill.setZValue(-20)
        plot.addItem(self._fill, ignoreBounds=True)
        self._label = QGraphicsSimpleTextItem(plot.getViewBox())
        self._at: tuple[float, float] | None = None
        self._values: tuple[Floats, Floats, Floats] | None = None
        self._log = False
        self._show()

    def set(self, x: Floats, low: Floats, high: Floats, words: str) -> None:
        """Shade between two curves, (N,) each; fewer than two places shade nothing."""
        self._values = (x, low, high) if len(x) > 1 else None
        self.words = words if self._values is not None else ""
        self._show()

    def clear(self) -> None:
        """Shade nothing."""
        self._values, self.words = None, ""
        self._show()

    def restyle(self, *, log: bool) -> None:
        """Take colours, font and scale anew."""
        self._log = log
        self._show()

    def place(self) -> None:
        """Set the name beside the end of the gap."""
        if self._at is None:
            return
        box = self._plot.getViewBox()
        where = box.mapFromView(QPointF(*self._at))
        size = self._label.boundingRect()
        left = min(max(where.x() - size.width() - spacing(1), 0), box.width() - size.width())
        top = min(max(where.y() - size.height() - spacing(0.5), 0), box.height() - size.height())
        self._label.setPos(left, top)

    def _show(self) -> None:
        shown = self._values is not None
        self._fill.setVisible(shown)
        self._label.setVisible(shown)
        if self._values is None:
            self._at = None
            return
        colours = theme_colours()
        x, low, high = self._values
        for edge, values in zip(self._edges, (low, high), strict=True):
            edge.setData(x, scaled(values, self._log))
        self._fill.setBrush(QColor(translucent(colours.bad, 0.16)))
        self._label.setText(self.words)
        self._label.setFont(font_for("small"))
        self._label.setBrush(QColor(colours.bad))
        end = float(scaled(high[-1:], self._log)[0])
        self._at = (float(x[-1]), end) if np.isfinite(end) else None
        self.place()


class Stops(QObject):
    """Places on the horizontal axis, and a line that a person drags from one to another.

    Attributes:
        chosen: The place the line stands at; None where it is not shown.

    Signals:
        moved(float): A person dragged the line to another place.
    """

    moved = Signal(float)

    def __init__(self, plot: Any, parent: QObject) -> None:  # noqa: ANN401 - pyqtgraph is untyped
        super().__init__(parent)
        self.chosen: float | None = None
        self._plot = plot
        self._places: tuple[float, ...] = ()
        self._ticks: list[Any] = []
        self._line = pg.InfiniteLine(angle=90, movable=True)
        self._line.setCursor(Qt.CursorShape.SizeHorCursor)
        self._line.setZValue(20)
        self._line.hide()
        plot.addItem(self._line, ignoreBounds=True)
        self._line.sigPositionChangeFinished.connect(self._on_dropped)

    def set_places(self, places: tuple[float, ...]) -> None:
        """Mark other places, ascending."""
        if places == self._places:
            return
        self._places = places
        for tick in self._ticks:
            self._plot.removeItem(tick)
        self._ticks = []
        for place in places:
            tick = pg.InfiniteLine(pos=place, angle=90, span=(0.0, 0.045))
            tick.setZValue(-5)
            self._plot.addItem(tick, ignoreBounds=True)
            self._ticks.append(tick)
        self.restyle()

    def choose(self, place: float | None) -> None:
        """Set the line, without a signal; None hides it."""
        self.chosen = place
        if place is not None:
            self._line.setPos(place)
        self.restyle()

    def restyle(self) -> None:
        """Take colours anew; the line is no part of a picture that is taken out."""
        colours = theme_colours()
        for tick in self._ticks:
            tick.setPen(plot_pen(colours.strong_line, _LINE_WIDTH))
        self._line.setPen(plot_pen(colours.accent, _LINE_WIDTH))
        self._line.setHoverPen(plot_pen(colours.accent, 2 * _LINE_WIDTH))
        self._line.setVisible(self.chosen is not None and not is_exporting())

    @Slot(object)
    def _on_dropped(self, *_: object) -> None:
        if not self._places:
            return
        at = float(self._line.value())
        nearest = min(self._places, key=lambda place: abs(place - at))
        self.choose(nearest)
        self.moved.emit(nearest)
