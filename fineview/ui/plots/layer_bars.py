"""A few numbers of every layer as bars, the last layer at the top as in the stack."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from fineview.ui.plots.export import Cell, Table, add_export_menu
from fineview.ui.theme import (
    category_colour,
    font_for,
    is_exporting,
    mix,
    spacing,
    theme_colours,
)
from fineview.ui.widgets.format import number_text
from fineview.ui.widgets.labels import describe
from fineview.ui.widgets.painting import LEFT, RIGHT, box, focus_ring, pen, text

_LEAST_SPAN = 0.05
_HUES = (0, 1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarColumn:
    """Numbers that share an axis.

    Attributes:
        title: What they are, with the unit.
        series: (name, L+1 values) of each bar of a row; names are shared between columns. NaN
            draws nothing.
        marks: (name, L+1 values) of the line a bar is compared with; None for none.
        origin: Where bars begin.
        decimals: Places behind the point; None for three significant digits.
    """

    title: str
    series: tuple[tuple[str, tuple[float, ...]], ...]
    marks: tuple[str, tuple[float, ...]] | None = None
    origin: float = 0.0
    decimals: int | None = 3

    def written(self, value: float) -> str:
        """Return a number as it stands beside its bar."""
        return number_text(value) if self.decimals is None else f"{value:.{self.decimals}f}"

    def range(self) -> tuple[float, float]:
        """Return the ends of the axis."""
        values = [v for _, numbers in self.series for v in numbers]
        values += self.marks[1] if self.marks is not None else ()
        known = [v for v in values if isfinite(v)]
        low, high = min([*known, self.origin]), max([*known, self.origin])
        if self.origin:  # bars go both ways: as far to the left as to the right
            half = max(high - self.origin, self.origin - low, _LEAST_SPAN)
            return self.origin - half, self.origin + half
        return low, max(high, low + 1e-9)


class LayerBars(QWidget):
    """A row a layer; a press or the arrow keys choose one.

    Attributes:
        columns: What is drawn.
        layer: The chosen layer, -1 for none.

    Signals:
        pressed(int): A person chose a layer.
    """

    pressed = Signal(int)

    def __init__(self, name: str, tooltip: str) -> None:
        super().__init__()
        describe(self, name, tooltip)
        self._name = name
        self.columns: tuple[BarColumn, ...] = ()
        self.layer = -1
        self._stale = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.menu = add_export_menu(self, self.table, name=name.lower().replace(" ", "-"))

    def set_columns(self, columns: Sequence[BarColumn]) -> None:
        """Show other numbers."""
        before = (self.rows, self._lines)
        self.columns = tuple(columns)
        self._stale = False
        self.setAccessibleDescription(self._said())
        if before != (self.rows, self._lines):
            self.updateGeometry()
        self.update()

    def set_layer(self, layer: int) -> None:
        """Mark a layer; -1 marks none."""
        self.layer = layer
        self.setAccessibleDescription(self._said())
        self.update()

    def set_stale(self, stale: bool) -> None:
        """Dim what no longer belongs to the settings."""
        if stale != self._stale:
            self._stale = stale
            self.update()

    @property
    def rows(self) -> int:
        """Return L+1, 0 where nothing is drawn."""
        return len(self.columns[0].series[0][1]) if self.columns else 0

    def row_rect(self, layer: int) -> QRectF:
        """Return where a layer is drawn."""
        height = self._row_height()
        top = self._header() + (self.rows - 1 - layer) * height
        return QRectF(0, top, self.width(), height)

    def table(self) -> Table:
        """Return the numbers, a row a layer."""
        header, every = ["layer"], []
        for column in self.columns:
            parts = [*column.series, *([column.marks] if column.marks else [])]
            header += [f"{column.title}: {name}" for name, _ in parts]
            every += [values for _, values in parts]
        rows: list[list[Cell]] = [[layer, *(v[layer] for v in every)] for layer in range(self.rows)]
        return header, rows

    def sizeHint(self) -> QSize:
        """Ask for all rows."""
        width = self.fontMetrics().averageCharWidth() * 36 * max(len(self.columns), 1)
        height = self._header() + self.rows * self._row_height() + self._footer()
        return QSize(width, round(height))

    def minimumSizeHint(self) -> QSize:
        """Need short bars and all rows."""
        width = self.fontMetrics().averageCharWidth() * 20 * max(len(self.columns), 1)
        return QSize(width, self.sizeHint().height())

    def changeEvent(self, event: QEvent) -> None:
        """Follow the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the layer under the mouse."""
        if event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        for layer in range(self.rows):
            if self.row_rect(layer).contains(event.position()):
                self.pressed.emit(layer)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go up and down the stack."""
        moves = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
        key = Qt.Key(event.key())
        if key in moves and self.rows:
            self.pressed.emit(min(max(self.layer + moves[key], 0), self.rows - 1))
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw titles, rows and what the marks mean."""
        colours = theme_colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._stale:
            painter.setOpacity(0.45)
        small = font_for("small")
        label = self._label_width()
        line = self._line()
        text(painter, QRectF(0, 0, label, line), "layer", colours.muted, font=small, align=LEFT)
        for layer in range(self.rows):
            self._draw_label(painter, layer, label)
        for number, column in enumerate(self.columns):
            self._draw_column(painter, column, self._column_rect(number))
        self._draw_legend(painter)
        if self.hasFocus() and not is_exporting():
            focus_ring(painter, QRectF(self.rect()), colours)
        painter.end()

    def _draw_label(self, painter: QPainter, layer: int, width: float) -> None:
        colours = theme_colours()
        rect = self.row_rect(layer)
        if layer == self.layer:
            tint = mix(colours.surface, colours.accent, 0.26 if colours.dark else 0.14)
            box(painter, rect.adjusted(0, 1, 0, -1), fill=tint, radius=3)
        words = str(layer) if layer else "0 emb."
        area = QRectF(spacing(1), rect.top(), width - spacing(1), rect.height())
        text(painter, area, words, colours.text, font=font_for("fixed-small"), align=LEFT)

    def _draw_column(self, painter: QPainter, column: BarColumn, area: QRectF) -> None:
        colours = theme_colours()
        title = QRectF(area.left(), 0, area.width(), self._line())
        text(painter, title, column.title, colours.muted, font=font_for("small"), align=LEFT)
        digits = font_for("fixed-small")
        room = QFontMetricsF(digits).horizontalAdvance("0" * ((column.decimals or 5) + 3))
        bars = QRectF(area.left(), 0, max(area.width() - room, 4), 0)
        low, high = column.range()
        scale = bars.width() / (high - low)
        zero = bars.left() + (column.origin - low) * scale
        for layer in range(self.rows):
            row = self.row_rect(layer)
            for place, (_, values) in enumerate(column.series):
                part = QRectF(row.left(), row.top() + spacing(0.5), row.width(), self._line())
                part.translate(0, place * self._line())
                value = values[layer]
                if not isfinite(value):
                    continue
                self._bar(painter, part, zero, zero + (value - column.origin) * scale, place)
                where = QRectF(area.right() - room, part.top(), room, part.height())
                text(painter, where, column.written(value), colours.text, font=digits, align=RIGHT)
            self._mark(painter, row, column, layer, bars.left(), low, scale)
        if column.origin:
            painter.setPen(pen(colours.strong_line, 1))
            top, bottom = self.row_rect(self.rows - 1).top(), self.row_rect(0).bottom()
            painter.drawLine(QPointF(zero, top), QPointF(zero, bottom))

    def _bar(self, painter: QPainter, part: QRectF, start: float, end: float, place: int) -> None:
        colours = theme_colours()
        inset = part.height() * 0.2
        left, right = min(start, end), max(start, end)
        rect = QRectF(left, part.top() + inset, max(right - left, 1.5), part.height() - 2 * inset)
        self._swatch(painter, rect, place, colours.surface)

    def _swatch(self, painter: QPainter, rect: QRectF, place: int, ground: str) -> None:
        """Draw a bar: the first series filled, the second outlined, to be told without colour."""
        hue = category_colour(_HUES[place % len(_HUES)])
        if place % 2 == 0:
            box(painter, rect, fill=hue, radius=1.5)
        else:
            box(painter, rect, fill=mix(ground, hue, 0.18), line=pen(hue, 1.4), radius=1.5)

    def _mark(
        self,
        painter: QPainter,
        row: QRectF,
        column: BarColumn,
        layer: int,
        left: float,
        low: float,
        scale: float,
    ) -> None:
        if column.marks is None or not isfinite(column.marks[1][layer]):
            return
        x = left + (column.marks[1][layer] - low) * scale
        painter.setPen(pen(theme_colours().text, 1.6, dashes=(2.0, 1.2)))
        painter.drawLine(QPointF(x, row.top() + 1), QPointF(x, row.bottom() - 1))

    def _draw_legend(self, painter: QPainter) -> None:
        colours, small = theme_colours(), font_for("small")
        metrics, line = QFontMetricsF(small), self._line()
        y = self._header() + self.rows * self._row_height() + spacing(1)
        x, wide = float(spacing(1)), float(spacing(5))
        for name, place in self._legend():
            needed = wide + spacing(1.5) + metrics.horizontalAdvance(name) + spacing(4)
            if x > spacing(1) and x + needed > self.width():
                x, y = float(spacing(1)), y + line
            if place < 0:
                painter.setPen(pen(colours.text, 1.6, dashes=(2.0, 1.2)))
                painter.drawLine(QPointF(x + wide / 2, y + 2), QPointF(x + wide / 2, y + line - 2))
            else:
                swatch = QRectF(x, y + line * 0.25, wide, line * 0.5)
                self._swatch(painter, swatch, place, colours.surface)
            where = QRectF(x + wide + spacing(1.5), y, needed, line)
            text(painter, where, name, colours.muted, font=small, align=LEFT)
            x += needed

    def _legend(self) -> list[tuple[str, int]]:
        """Return (name, place) of each series, and (name, -1) of each mark."""
        found: dict[str, int] = {}
        for column in self.columns:
            found |= {name: place for place, (name, _) in enumerate(column.series)}
        marks = {column.marks[0]: -1 for column in self.columns if column.marks is not None}
        return list((found | marks).items())

    @property
    def _lines(self) -> int:
        return max((len(column.series) for column in self.columns), default=1)

    def _line(self) -> float:
        return QFontMetricsF(font_for("small")).height() + 1

    def _header(self) -> float:
        return self._line() + spacing(1)

    def _row_height(self) -> float:
        return self._lines * self._line() + spacing(1)

    def _footer(self) -> float:
        return (2 if len(self._legend()) > 1 else 1) * self._line() + spacing(2)

    def _label_width(self) -> float:
        return QFontMetricsF(font_for("fixed-small")).horizontalAdvance("0 emb.") + spacing(3)

    def _column_rect(self, number: int) -> QRectF:
        left = self._label_width()
        gap = spacing(6)
        count = max(len(self.columns), 1)
        width = (self.width() - left - (count - 1) * gap - spacing(2)) / count
        return QRectF(left + number * (width + gap), 0, width, self.height())

    def _said(self) -> str:
        if not self.columns:
            return f"{self._name}: nothing is drawn."
        layers = [self.layer] if 0 <= self.layer < self.rows else range(self.rows)
        parts = [
            f"layer {layer}, {column.title}, {name}: {number_text(values[layer])}"
            for layer in layers
            for column in self.columns
            for name, values in column.series
        ]
        return "; ".join(parts) + "."
