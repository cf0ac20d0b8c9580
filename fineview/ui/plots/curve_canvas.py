"""The axes of a curve plot: pyqtgraph, with our colours, read-out and reference labels."""

from html import escape
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPointF, QSize, Qt, Slot
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QGraphicsView, QVBoxLayout, QWidget

from fineview.ui.plots.curve_items import Axis, DrawnCurve, References, plot_pen
from fineview.ui.plots.curve_marks import Gap, Stops
from fineview.ui.plots.curve_math import Curve, nearest, span_of
from fineview.ui.plots.export import leave_out_of_exports
from fineview.ui.theme import font_for, is_exporting, spacing, theme_colours
from fineview.ui.widgets.format import count_text, number_text
from fineview.ui.widgets.labels import plain_label
from fineview.ui.widgets.painting import pen

_USED = 0.6  # a range of which less is used is drawn in
_AHEAD = 0.25  # room for what is to come, as a share of what is there
_LONG = 300  # points from which a curve counts as growing
_MARGIN = 0.06


class CurveCanvas(QWidget):
    """Axes that fit themselves to the data until a person zooms.

    Attributes:
        plot: The pyqtgraph item, for tests.
        gap: The shaded room between two curves.
        stops: Places to go back to.
        empty_text: What is said while there is nothing.
    """

    def __init__(self, y_label: str, x_label: str, empty: str) -> None:
        super().__init__()
        self.empty_text = empty
        self._places_shown = True
        self._labels = {"left": y_label, "bottom": x_label}
        self._drawn: dict[str, DrawnCurve] = {}
        self._memory = 0.0
        self._log = False
        self._auto = True
        self._cursor: float | None = None
        self._widget = pg.PlotWidget(
            background=None, axisItems={side: Axis(side) for side in ("left", "bottom")}
        )
        self.plot: Any = self._widget.getPlotItem()
        self._box: Any = self.plot.getViewBox()
        self._references = References(self.plot)
        self.gap = Gap(self.plot)
        self.stops = Stops(self.plot, self)
        self._empty = plain_label(empty, "small", wrap=True)
        self._read_out = plain_label("", "fixed-small")
        self._set_up()
        self.retheme()

    def sizeHint(self) -> QSize:
        """Ask for a picture of 16 to 9."""
        letter = self.fontMetrics().averageCharWidth()
        return QSize(letter * 60, letter * 34)

    def minimumSizeHint(self) -> QSize:
        """Need room for both axes and some curve."""
        letter = self.fontMetrics().averageCharWidth()
        return QSize(letter * 26, self.fontMetrics().height() * 5)

    def set_curve(self, curve: Curve) -> None:
        """Draw a curve anew."""
        drawn = self._drawn.get(curve.key)
        if drawn is None:
            drawn = self._drawn[curve.key] = DrawnCurve(self.plot, curve)
        drawn.curve = curve
        self._draw(drawn)
        self._after_data()

    def remove_curve(self, key: str) -> None:
        """Take a curve away."""
        self._drawn.pop(key).remove()
        self._after_data()

    def set_curve_shown(self, key: str, shown: bool) -> None:
        """Hide or show a curve."""
        self._drawn[key].shown = shown
        self._draw(self._drawn[key])
        self._after_data()

    def set_reference(self, key: str, value: float | None, label: str) -> None:
        """Draw, move or remove a line to measure against."""
        self._references.set(key, value, label)
        self._after_data()

    def clear_references(self) -> None:
        """Remove all lines to measure against."""
        for key in list(self._references.values):
            self.set_reference(key, None, "")

    def reference_words(self) -> list[str]:
        """Return the reference lines in words."""
        return self._references.words()

    def set_smoothing(self, memory: float) -> None:
        """Set the memory of the moving average over training curves."""
        if memory != self._memory:
            self._memory = memory
            self._redraw()

    def set_log(self, log: bool) -> None:
        """Make the y axis logarithmic; values of 0 and below become gaps."""
        if log != self._log:
            self._log = log
            self.plot.getAxis("left").setLogMode(False, log)
            self._references.restyle(log=log)
            self.gap.restyle(log=log)
            self._redraw()
            self.fit()

    def set_labels(self, *, x: str | None = None, y: str | None = None) -> None:
        """Say what the axes count; None leaves one as it is."""
        labels = {"left": y or self._labels["left"], "bottom": x or self._labels["bottom"]}
        if labels != self._labels:
            self._labels = labels
            self.retheme()

    def set_places_shown(self, shown: bool) -> None:
        """Write numbers along the x axis or, where places mean nothing, leave them out."""
        self._places_shown = shown
        self.plot.getAxis("bottom").setStyle(showValues=shown and bool(self._drawn))

    def set_dimmed(self, dimmed: bool) -> None:
        """Let the curves fade."""
        for drawn in self._drawn.values():
            drawn.dim(dimmed)

    def colour_of(self, curve: Curve) -> str:
        """Return the colour a curve has in the present theme."""
        colours = theme_colours()
        if curve.colour is not None:
            return curve.colour
        return {
            "train": colours.train_curve,
            "validation": colours.validation_curve,
            "other": colours.accent,
        }[curve.role]

    def view_range(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return what is in sight: (x from, to), (y from, to); powers of ten on a log axis."""
        (x0, x1), (y0, y1) = self._box.viewRange()
        return (float(x0), float(x1)), (float(y0), float(y1))

    def read_out(self) -> str:
        """Return the text of the read-out, "" where there is none."""
        return "" if self._read_out.isHidden() else self._read_out.text()

    @Slot()
    def fit(self) -> None:
        """Show everything, and keep doing so while curves grow."""
        self._auto = True
        self._box.setRange(xRange=self._across(), yRange=self._up(), padding=0)

    def _follow(self) -> None:
        """Keep everything in sight while curves grow, in jumps.

        A new range makes pyqtgraph lay out both axes again, which takes longer than all the rest of
        drawing; so there is room ahead, and the range changes only when it is used up.
        """
        (x0, x1), (y0, y1) = self.view_range()
        (left, right), (low, high) = self._across(), self._up()
        if not (x0 <= left and right <= x1 and right - left >= _USED * (x1 - x0)):
            room = _AHEAD * (right - left) if len(self._growing()) else 0.0
            self._box.setXRange(left, right + room, padding=0)
        if not (y0 <= low and high <= y1 and high - low >= _USED * (y1 - y0)):
            self._box.setYRange(low, high, padding=0)

    def _growing(self) -> list[Curve]:
        """Return the curves that are long enough to be in the middle of growing."""
        return [curve for curve in self._shown_curves() if curve.x.size > _LONG]

    def _across(self) -> tuple[float, float]:
        spans = [c.x[np.isfinite(c.y)] for c in self._shown_curves()]
        left, right = span_of(spans) or (0.0, 1.0)
        if left == right:
            return left - 0.5, right + 0.5
        slack = (right - left) * 0.02
        return left - slack, right + slack

    def _up(self) -> tuple[float, float]:
        values = [c.y for c in self._shown_curves()]
        values += [np.array([value]) for value in self._references.values.values()]
        up = span_of(values, positive=self._log)
        if up is None:
            up = (0.1, 1.0) if self._log else (0.0, 1.0)
        low, high = (float(x) for x in (np.log10(up) if self._log else up))
        slack = (high - low) * _MARGIN or abs(high) * 0.1 or 0.5
        return low - slack, high + slack

    def show_read_out(self, x: float | None) -> None:
        """Show a vertical line at x and the values nearest to it; None hides both."""
        points = [(c, nearest(c, x)) for c in self._shown_curves()] if x is not None else []
        found = [(c, p) for c, p in points if p is not None]
        if x is None or not found:
            self._cursor = None
            self._read_out.hide()
            self._line.hide()
            return
        at = min((p[0] for _, p in found), key=lambda place: abs(place - x))
        self._cursor = at
        width = max(len(c.name) for c, _ in found)
        width = min(width, 24)
        head = count_text(round(at)) if float(at).is_integer() else number_text(at)
        lines = [f"{self._labels['bottom']} {head}"]
        lines += [f"{_cut(c.name, width):<{width}}  {number_text(p[1])}" for c, p in found[:12]]
        self._read_out.setText("\n".join(lines))
        self._read_out.adjustSize()
        self._line.setPos(at)
        self._line.show()
        self._place_read_out(at)
        self._read_out.show()
        self._read_out.raise_()

    def retheme(self) -> None:
        """Take colours and fonts of the present theme."""
        colours = theme_colours()
        for side, label in self._labels.items():
            axis = self.plot.getAxis(side)
            axis.setPen(pen(colours.strong_line))
            axis.setTextPen(pen(colours.muted))
            axis.setTickFont(font_for("fixed-small"))
            axis.setStyle(
                autoReduceTextSpace=False,
                tickTextWidth=round(
                    QFontMetricsF(font_for("fixed-small")).horizontalAdvance("0.00")
                ),
            )
            axis.setLabel(text=escape(label))  # pyqtgraph reads it as HTML
            axis.label.setFont(font_for("small"))
            axis.label.setDefaultTextColor(pen(colours.muted).color())
        self._line.setPen(plot_pen(colours.muted, 1))
        self._empty.setStyleSheet(f"color: {colours.muted};")
        self._read_out.setStyleSheet(
            f"background: {colours.raised}; color: {colours.text}; padding: 0.3em;"
            f"border: 1px solid {colours.strong_line}; border-radius: 3px;"
        )
        self._line.setVisible(self._cursor is not None and not is_exporting())
        self._references.restyle(log=self._log)
        self.gap.restyle(log=self._log)
        self.stops.restyle()
        self._redraw()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the empty text in the middle."""
        super().resizeEvent(event)
        width = round(self.width() * 0.7)
        height = self._empty.heightForWidth(width)
        self._empty.setGeometry(
            (self.width() - width) // 2, (self.height() - height) // 2, width, height
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the read-out with the arrows, hide it with Esc."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        key = Qt.Key(event.key())
        if key in steps:
            self._step_cursor(steps[key])
        elif key == Qt.Key.Key_Escape and self._cursor is not None:
            self.show_read_out(None)
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Fit at a double click; hide the read-out when the mouse leaves."""
        if event.type() == QEvent.Type.Leave:
            self.show_read_out(None)
        elif event.type() == QEvent.Type.MouseButtonPress:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
        elif event.type() == QEvent.Type.MouseButtonDblClick:
            self.fit()
            return True
        return super().eventFilter(watched, event)

    def _set_up(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._widget)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._widget.setFocusProxy(self)
        self._widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._widget.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._widget.viewport().setAutoFillBackground(False)
        # A cached ground would keep the colour of the last theme.
        self._widget.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)
        # Our own menu, on the plot as a whole, stands in for pyqtgraph's.
        self._widget.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.showGrid(x=False, y=True, alpha=0.18)
        self._box.disableAutoRange()
        for side in ("left", "bottom"):
            self.plot.getAxis(side).enableAutoSIPrefix(False)
            self.plot.getAxis(side).setStyle(tickLength=-4, maxTextLevel=1, showValues=False)
        self._line = pg.InfiniteLine(angle=90)
        self._line.hide()
        self.plot.addItem(self._line, ignoreBounds=True)
        for label in (self._empty, self._read_out):
            label.setParent(self)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._read_out.hide()
        leave_out_of_exports(self._read_out)
        self._widget.viewport().installEventFilter(self)
        scene = self._widget.scene()
        scene.sigMouseMoved.connect(self._on_mouse_moved)
        self._box.sigRangeChangedManually.connect(self._on_zoomed)
        self._box.sigRangeChanged.connect(self._on_range_changed)
        self._box.sigResized.connect(self._on_range_changed)

    def _after_data(self) -> None:
        self._empty.setVisible(not self._drawn)
        for side in self._labels:
            shown = bool(self._drawn) and (side == "left" or self._places_shown)
            self.plot.getAxis(side).setStyle(showValues=shown)
        if self._auto:
            self._follow()
        if self._cursor is not None and not is_exporting():
            self.show_read_out(self._cursor)

    def _redraw(self) -> None:
        for drawn in self._drawn.values():
            self._draw(drawn)
        if self._drawn:
            self._after_data()

    def _draw(self, drawn: DrawnCurve) -> None:
        drawn.draw(self.colour_of(drawn.curve), self._memory, log=self._log)

    def _shown_curves(self) -> list[Curve]:
        return [drawn.curve for drawn in self._drawn.values() if drawn.shown]

    def _place_read_out(self, at: float) -> None:
        scene = self._box.mapViewToScene(QPointF(at, self._box.viewRange()[1][1]))
        x = self._widget.mapFromScene(scene).x()
        width = self._read_out.width()
        left = x + spacing(2)
        if left + width > self.width() - spacing(1):
            left = max(x - spacing(2) - width, 0)
        top = round(self._box.sceneBoundingRect().top()) + spacing(1)
        self._read_out.move(round(left), top)

    def _step_cursor(self, by: int) -> None:
        curves = self._shown_curves()
        if not curves:
            return
        longest = max(curves, key=lambda curve: curve.x.size)
        places = longest.x[np.isfinite(longest.y)]
        if not places.size:
            return
        if self._cursor is None:
            index = places.size - 1
        else:
            index = int(np.argmin(np.abs(places - self._cursor))) + by
        self.show_read_out(float(places[min(max(index, 0), places.size - 1)]))

    @Slot(object)
    def _on_mouse_moved(self, position: QPointF) -> None:
        inside = self._box.sceneBoundingRect().contains(position)
        self.show_read_out(self._box.mapSceneToView(position).x() if inside else None)

    @Slot(object)
    def _on_zoomed(self, _axes: object) -> None:
        self._auto = False

    @Slot(object)
    def _on_range_changed(self, *_: object) -> None:
        self._references.place()
        self.gap.place()
        if self._cursor is not None:
            self._place_read_out(self._cursor)


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"
