"""Cosines between gradients as a grid of cells: colour and sign say who pulls against whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QFontMetricsF, QLinearGradient, QPainter

from fineview.ui.plots.export import Cell, Table
from fineview.ui.plots.heat import heat
from fineview.ui.plots.picking import PickPlot
from fineview.ui.theme import font_for, ink_on, mix, spacing, theme_colours
from fineview.ui.widgets.format import MINUS
from fineview.ui.widgets.painting import CENTRE, LEFT, RIGHT, box, pen, text


@dataclass(frozen=True, slots=True)
class CosineRow:
    """One line of cells.

    Attributes:
        key: Names the line for whoever hears `chosen`.
        title: At the left.
        values: A cosine a column; NaN where a thing meets itself.
        words: All that is known of each cell.
    """

    key: str
    title: str
    values: tuple[float, ...]
    words: tuple[str, ...]


class CosineHeat(PickPlot):
    """Lines of cosines, a heading, maybe a scale; a press chooses the line.

    Attributes:
        picked: Key of the line that is marked, or "".
    """

    def __init__(self, name: str, tooltip: str, *, empty: str, scale: bool) -> None:
        """Make an empty grid.

        Args:
            name: Accessible name, and the file name of exports.
            tooltip: What it does – typical value – when to change it.
            empty: Said while there is nothing.
            scale: Whether the colours are explained beneath.
        """
        self.picked = ""
        self._heading = ""
        self._columns: tuple[str, ...] = ()
        self._rows: tuple[CosineRow, ...] = ()
        self._half = 1.0
        self._scale = scale
        super().__init__(name, tooltip, empty)

    def show_rows(
        self,
        heading: str,
        columns: Sequence[str],
        rows: Sequence[CosineRow],
        *,
        half: float,
        picked: str = "",
    ) -> None:
        """Show other cosines.

        Args:
            heading: What they are of.
            columns: Titles above the cells.
            rows: From the top.
            half: The cosine with the strongest colours, > 0; 0 stands in the middle.
            picked: The line to mark.
        """
        self._heading, self._columns, self._rows = heading, tuple(columns), tuple(rows)
        self._half, self.picked = half, picked
        self.renew()

    # What PickPlot asks

    def keys(self) -> list[str]:
        """Return the cells, line by line, as "line/column"."""
        return [f"{row.key}/{at}" for row in self._rows for at in range(len(row.values))]

    def near(self, position: QPointF) -> str:
        """Return the cell at a position; the names at the left belong to the first."""
        for line, row in enumerate(self._rows):
            for at in range(len(row.values)):
                rect = self._rect(line, at)
                if at == 0:
                    rect.setLeft(0)
                if rect.contains(position):
                    return f"{row.key}/{at}"
        return ""

    def words(self, key: str) -> str:
        """Return what is known of a cell."""
        line, at = self._where(key)
        return self._rows[line].words[at]

    def stepped(self, key: str, right: int, down: int) -> str:
        """Return the neighbouring cell, or the same one at the edge."""
        line, at = self._where(key)
        line = min(max(line + down, 0), len(self._rows) - 1)
        at = min(max(at + right, 0), len(self._columns) - 1)
        return f"{self._rows[line].key}/{at}"

    def place(self, key: str) -> QPointF:
        """Return the middle of a cell."""
        return self._rect(*self._where(key)).center()

    def table(self) -> Table:
        """Return the cosines, a row a line."""
        rows: list[list[Cell]] = [
            [row.title, *(value if isfinite(value) else 1.0 for value in row.values)]
            for row in self._rows
        ]
        return ["", *self._columns], rows

    def sizeHint(self) -> QSize:
        """Ask for comfortable cells."""
        return QSize(self.minimumSizeHint().width(), round(self._height(1.7)))

    def minimumSizeHint(self) -> QSize:
        """Need legible cells."""
        letter = QFontMetricsF(font_for("fixed-small")).averageCharWidth()
        wide = self._names_width() + letter * 6.5 * max(len(self._columns), 3)
        return QSize(round(wide), round(self._height(1.3)))

    def draw(self, painter: QPainter) -> None:
        """Draw heading, names, cells and scale."""
        colours, small, line = theme_colours(), font_for("small"), self._line()
        head = QRectF(spacing(1), 0, self.width() - spacing(2), line)
        text(painter, head, self._heading, colours.text, font=small, align=LEFT)
        for at, name in enumerate(self._columns):
            above = QRectF(self._rect(0, at))
            above.moveBottom(above.top() - spacing(0.5))
            above.setTop(above.bottom() - line)
            text(painter, above, name, colours.muted, font=small, align=CENTRE)
        for number, row in enumerate(self._rows):
            self._draw_name(painter, number, row)
            for at in range(len(row.values)):
                self._draw_cell(painter, number, at)
        if self._scale:
            self._draw_scale(painter)

    # Places

    def _where(self, key: str) -> tuple[int, int]:
        name, _, at = key.rpartition("/")
        return next(n for n, row in enumerate(self._rows) if row.key == name), int(at)

    def _line(self) -> float:
        return QFontMetricsF(font_for("small")).height()

    def _height(self, lines: float) -> float:
        """Return the height with cells of so many lines."""
        line = self._line()
        below = 1.9 * line if self._scale else spacing(0.5)
        return 2 * line + spacing(2) + max(len(self._rows), 2) * lines * line + below

    def _names_width(self) -> float:
        measure = QFontMetricsF(font_for("small"))
        widest = max((measure.horizontalAdvance(row.title) for row in self._rows), default=0.0)
        return min(widest, measure.averageCharWidth() * 18) + spacing(4)

    def _rect(self, line: int, at: int) -> QRectF:
        high = self._line()
        top = 2 * high + spacing(2)
        below = 1.9 * high if self._scale else spacing(0.5)
        left = self._names_width()
        wide = (self.width() - left - spacing(1)) / max(len(self._columns), 1)
        tall = (self.height() - top - below) / max(len(self._rows), 1)
        tall = min(tall, 1.9 * high)
        wide = min(wide, 14 * high)
        return QRectF(left + at * wide, top + line * tall, wide - 2, tall - 2)

    # Painting

    def _draw_name(self, painter: QPainter, number: int, row: CosineRow) -> None:
        colours, first = theme_colours(), self._rect(number, 0)
        area = QRectF(spacing(0.5), first.top(), first.left() - spacing(1.5), first.height())
        if row.key == self.picked:
            tint = mix(colours.surface, colours.accent, 0.26 if colours.dark else 0.14)
            box(painter, area, fill=tint, radius=3)
        inner = area.adjusted(spacing(1), 0, -spacing(1), 0)
        text(painter, inner, row.title, colours.text, font=font_for("small"), align=LEFT)

    def _draw_cell(self, painter: QPainter, number: int, at: int) -> None:
        colours, rect = theme_colours(), self._rect(number, at)
        row, font = self._rows[number], font_for("fixed-small")
        value = row.values[at]
        if isfinite(value):
            ground = heat((value / self._half + 1) / 2)
            painter.fillRect(rect, ground)
            said = f"{value:+.2f}".replace("-", MINUS)
            said = "0.00" if said[1:] == "0.00" else said
            text(painter, rect, said, ink_on(ground), font=font, align=CENTRE)
        else:
            box(painter, rect, line=pen(colours.line, 1), radius=2)
            text(painter, rect, "1", colours.muted, font=font, align=CENTRE)
        if self.is_outlined(f"{row.key}/{at}"):
            box(painter, rect, line=pen(colours.surface, 4), radius=1)
            box(painter, rect, line=pen(colours.accent, 2), radius=1)

    def _draw_scale(self, painter: QPainter) -> None:
        colours, font, line = theme_colours(), font_for("small"), self._line()
        measure = QFontMetricsF(font)
        low, high = (f"{MINUS}{self._half:.2f} against", f"+{self._half:.2f} with each other")
        top = self._rect(len(self._rows) - 1, 0).bottom() + line * 0.5
        left = spacing(1) + measure.horizontalAdvance(low) + spacing(1.5)
        right = self.width() - measure.horizontalAdvance(high) - spacing(2.5)
        bar = QRectF(left, top + line * 0.2, max(min(right - left, 12 * line), 4), line * 0.6)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        for step in range(11):
            gradient.setColorAt(step / 10, heat(step / 10))
        painter.fillRect(bar, gradient)
        before = QRectF(0, top, left - spacing(1), line)
        text(painter, before, low, colours.muted, font=font, align=RIGHT)
        after = QRectF(bar.right() + spacing(1), top, self.width() - bar.right(), line)
        text(painter, after, high, colours.muted, font=font, align=LEFT)
