"""A few numbers of every layer as lines, for instance how far apart the classes stand."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from fineview.ui.plots.export import Table, add_export_menu
from fineview.ui.theme import category_colour, font_for, mix, spacing, theme_colours
from fineview.ui.widgets.labels import describe
from fineview.ui.widgets.painting import CENTRE, LEFT, RIGHT, focus_ring, pen, text

_DASHES: tuple[tuple[float, ...], ...] = ((), (5.0, 3.0), (1.5, 2.5))


class LayerLines(QWidget):
    """Up to three lines over layers 0 … L on one axis; a press chooses a layer.

    Signals:
        pressed(int): A person pressed a layer.
    """

    pressed = Signal(int)

    def __init__(self, name: str, tooltip: str) -> None:
        super().__init__()
        describe(self, name, tooltip)
        self._name = name
        self._series: list[tuple[str, NDArray[np.float64]]] = []
        self._layer = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.menu = add_export_menu(self, self.table, name=name.lower().replace(" ", "-"))

    def set_series(self, series: Sequence[tuple[str, ArrayLike]]) -> None:
        """Show lines: a name and (L+1,) values each; NaN leaves a gap."""
        self._series = [(name, np.asarray(values, dtype=np.float64)) for name, values in series]
        said = "; ".join(
            f"{name}: {', '.join(f'{v:.2f}' for v in values)}" for name, values in self._series
        )
        self.setAccessibleDescription(f"By layer from 0. {said}")
        self.updateGeometry()
        self.update()

    def set_layer(self, layer: int) -> None:
        """Mark the layer that is looked at; -1 marks none."""
        self._layer = layer
        self.update()

    def table(self) -> Table:
        """Return the numbers, a row a layer."""
        count = len(self._series[0][1]) if self._series else 0
        rows = [[layer, *(float(v[layer]) for _, v in self._series)] for layer in range(count)]
        return ["layer", *(name for name, _ in self._series)], rows

    def sizeHint(self) -> QSize:
        """Ask for a small plot."""
        line = self.fontMetrics().height()
        return QSize(line * 14, line * (7 + len(self._series)))

    def minimumSizeHint(self) -> QSize:
        """Need the axis, the legend and some height between them."""
        line = self.fontMetrics().height()
        return QSize(line * 9, line * (4 + len(self._series)))

    def layer_x(self, layer: int) -> float:
        """Return where a layer stands, in pixels."""
        area = self._area()
        count = len(self._series[0][1]) if self._series else 1
        return area.left() + area.width() * (layer + 0.5) / max(count, 1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the nearest layer."""
        if event.button() == Qt.MouseButton.LeftButton and self._series:
            count = len(self._series[0][1])
            area = self._area()
            place = (event.position().x() - area.left()) / max(area.width(), 1) * count
            self.pressed.emit(min(max(int(place), 0), count - 1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from layer to layer."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        key = Qt.Key(event.key())
        if key in steps and self._series:
            count = len(self._series[0][1])
            self.pressed.emit(min(max(self._layer + steps[key], 0), count - 1))
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw axis, lines, legend."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._series:
            low, high = self._range()
            self._draw_axes(painter, low, high)
            for number, (_, values) in enumerate(self._series):
                self._draw_line(painter, number, values, low, high)
            self._draw_legend(painter)
        if self.hasFocus():
            focus_ring(painter, QRectF(self.rect()).adjusted(1, 1, -1, -1), theme_colours())
        painter.end()

    def _range(self) -> tuple[float, float]:
        every = np.concatenate([values for _, values in self._series])
        every = every[np.isfinite(every)]
        if not len(every):
            return 0.0, 1.0
        return min(0.0, float(every.min())), max(float(every.max()), 1e-9)

    def _area(self) -> QRectF:
        line = float(self.fontMetrics().height())
        legend = line * len(self._series)
        left = self.fontMetrics().horizontalAdvance("0.00") + spacing(2)
        return QRectF(
            left, legend + line / 2, self.width() - left - spacing(2),
            max(self.height() - legend - 3 * line, 1),
        )  # fmt: skip

    def _draw_axes(self, painter: QPainter, low: float, high: float) -> None:
        colours = theme_colours()
        area, font = self._area(), font_for("fixed-small")
        line = float(self.fontMetrics().height())
        painter.setPen(pen(colours.line))
        for value in (low, high):
            y = self._y(value, low, high)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            box = QRectF(0, y - line / 2, area.left() - spacing(1), line)
            text(painter, box, f"{value:.2f}", colours.muted, font=font, align=RIGHT)
            painter.setPen(pen(colours.line))
        count = len(self._series[0][1])
        step = max(
            1, -(-count * painter.fontMetrics().horizontalAdvance("000") // int(area.width() + 1))
        )
        if 0 <= self._layer < count:
            wide = area.width() / count
            band = QRectF(self.layer_x(self._layer) - wide / 2, area.top(), wide, area.height())
            painter.fillRect(band, mix(colours.window, colours.accent, 0.16))
        for layer in range(0, count, step):
            box = QRectF(self.layer_x(layer) - 2 * line, area.bottom(), 4 * line, line)
            text(painter, box, str(layer), colours.muted, font=font, align=CENTRE)
        below = QRectF(area.left(), area.bottom() + line, area.width(), line)
        text(painter, below, "layer", colours.muted, font=font_for("small"), align=CENTRE)

    def _y(self, value: float, low: float, high: float) -> float:
        area = self._area()
        return area.bottom() - area.height() * (value - low) / (high - low)

    def _draw_line(
        self, painter: QPainter, number: int, values: NDArray[np.float64], low: float, high: float
    ) -> None:
        line = pen(category_colour(number), 2, dashes=_DASHES[number % len(_DASHES)])
        before: QPointF | None = None
        for layer, value in enumerate(values):
            point = (
                QPointF(self.layer_x(layer), self._y(value, low, high))
                if np.isfinite(value)
                else None
            )
            painter.setPen(line)
            if before is not None and point is not None:
                painter.drawLine(before, point)
            if point is not None:
                painter.setBrush(line.color())
                painter.setPen(Qt.PenStyle.NoPen)
                painter.drawEllipse(point, 2.5, 2.5)
            before = point

    def _draw_legend(self, painter: QPainter) -> None:
        line = float(self.fontMetrics().height())
        for number, (name, _) in enumerate(self._series):
            y = line * number
            painter.setPen(pen(category_colour(number), 2, dashes=_DASHES[number % len(_DASHES)]))
            painter.drawLine(QPointF(spacing(1), y + line / 2), QPointF(spacing(6), y + line / 2))
            box = QRectF(spacing(7), y, self.width() - spacing(7), line)
            text(painter, box, name, theme_colours().text, font=font_for("small"), align=LEFT)
