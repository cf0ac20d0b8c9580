"""A grid of figures with intervals in the look of the layer map: rows × columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QLinearGradient, QPainter

from fineview.ui.plots.export import Cell, Table
from fineview.ui.plots.heat import heat
from fineview.ui.plots.picking import PickPlot, References
from fineview.ui.theme import font_for, ink_on, spacing, theme_colours
from fineview.ui.widgets.painting import CENTRE, LEFT, RIGHT, box, pen, text

BEST, TIED = "●", "○"


@dataclass(frozen=True, slots=True, kw_only=True)
class GridCell:
    """One cell.

    Attributes:
        key: Names it for whoever hears `chosen`.
        words: All of its figures.
        value: What colours it; NaN where there is none, then `words` says why.
        low: Lower end of its interval.
        high: Upper end.
        mark: "●" best, "○" not to be told from it, or "".
    """

    key: str
    words: str
    value: float
    low: float
    high: float
    mark: str = ""


class GridHeat(PickPlot):
    """Cells, a scale, the references on it."""

    def __init__(self, name: str, *, empty: str) -> None:
        self._rows: tuple[str, ...] = ()
        self._columns: tuple[str, ...] = ()
        self._cells: dict[tuple[int, int], GridCell] = {}
        self._lines: References = ()
        self._measure = "accuracy"
        super().__init__(name, "Arrows walk from cell to cell, Enter opens one.", empty)

    def show_cells(
        self,
        rows: Sequence[str],
        columns: Sequence[str],
        cells: Mapping[tuple[int, int], GridCell],
        lines: References,
        *,
        measure: str,
    ) -> None:
        """Show other cells.

        Args:
            rows: Names at the left.
            columns: Names above.
            cells: By (row, column); some may be missing.
            lines: References, marked on the scale.
            measure: What the numbers are.
        """
        self._rows, self._columns, self._cells = tuple(rows), tuple(columns), dict(cells)
        self._lines, self._measure = lines, measure
        self.renew()

    def keys(self) -> list[str]:
        """Return the cells, row by row."""
        return [cell.key for _, cell in sorted(self._cells.items(), key=lambda one: one[0])]

    def near(self, position: QPointF) -> str:
        """Return the cell at a position."""
        found = (c.key for at, c in self._cells.items() if self._rect(*at).contains(position))
        return next(found, "")

    def words(self, key: str) -> str:
        """Return all figures of a cell."""
        return self._cells[self._where(key)].words

    def stepped(self, key: str, right: int, down: int) -> str:
        """Return the neighbouring cell, or the same one at the edge."""
        row, column = self._where(key)
        found = self._cells.get((row + down, column + right))
        return key if found is None else found.key

    def place(self, key: str) -> QPointF:
        """Return the middle of a cell."""
        return self._rect(*self._where(key)).center()

    def table(self) -> Table:
        """Return the numbers, a row a cell, the references last."""
        header = ["row", "column", self._measure, "low", "high", "mark"]
        marks = {BEST: "best", TIED: "tied", "": ""}
        rows: list[list[Cell]] = []
        for (row, column), cell in sorted(self._cells.items(), key=lambda one: one[0]):
            figures = [None if not isfinite(v) else v for v in (cell.value, cell.low, cell.high)]
            rows.append([self._rows[row], self._columns[column], *figures, marks[cell.mark]])
        rows += [[title, "", value, None, None, ""] for title, value in self._lines]
        return header, rows

    def minimumSizeHint(self) -> QSize:
        """Need legible cells."""
        line = self.fontMetrics().height()
        return QSize(line * (8 + 5 * max(len(self._columns), 3)), line * (10 + 2 * len(self._rows)))

    def draw(self, painter: QPainter) -> None:
        """Draw names, cells and scale."""
        self._draw_names(painter)
        for at, cell in self._cells.items():
            self._draw_cell(painter, at, cell)
        self._draw_scale(painter)

    def _where(self, key: str) -> tuple[int, int]:
        return next(at for at, cell in self._cells.items() if cell.key == key)

    def _line(self) -> float:
        return QFontMetricsF(font_for("small")).height()

    def _names_width(self) -> float:
        measure = QFontMetricsF(font_for("small"))
        widest = max((measure.horizontalAdvance(name) for name in self._rows), default=0.0)
        return min(widest, self.width() * 0.3) + spacing(3)

    def _body(self) -> QRectF:
        line = self._line()
        top = 2 * line + spacing(1)
        body = QRectF(self.rect()).adjusted(self._names_width(), top, -spacing(2), -line * 4.5)
        # Cells of a small grid are no taller than wide is legible.
        tallest = line * 4.5 * max(len(self._rows), 1)
        body.setHeight(max(min(body.height(), tallest), 1.0))
        return body

    def _rect(self, row: int, column: int) -> QRectF:
        body = self._body()
        wide = body.width() / max(len(self._columns), 1)
        high = body.height() / max(len(self._rows), 1)
        place = QRectF(body.left() + column * wide, body.top() + row * high, wide, high)
        return place.adjusted(0, 0, -2, -2)

    def _ends(self) -> tuple[float, float]:
        values = [cell.value for cell in self._cells.values() if isfinite(cell.value)]
        values += [value for _, value in self._lines]
        if not values:
            return 0.0, 1.0
        low, high = min(values), max(values)
        return (low, high) if high - low > 0.02 else (max(low - 0.01, -1), high + 0.01)

    def _share(self, value: float) -> float:
        low, high = self._ends()
        return (value - low) / (high - low)

    def _draw_names(self, painter: QPainter) -> None:
        colours, font, line = theme_colours(), font_for("small"), self._line()
        for row, name in enumerate(self._rows):
            rect = self._rect(row, 0)
            place = QRectF(0, rect.top(), rect.left() - spacing(1.5), rect.height())
            text(painter, place, name, colours.text, font=font, align=RIGHT)
        for column, name in enumerate(self._columns):
            rect = self._rect(0, column)
            for number, words in enumerate(_two_lines(name, _letters(rect.width()))):
                top = rect.top() - (2 - number) * line - spacing(0.5)
                place = QRectF(rect.left(), top, rect.width(), line)
                text(painter, place, words, colours.text, font=font, align=CENTRE)

    def _draw_cell(self, painter: QPainter, at: tuple[int, int], cell: GridCell) -> None:
        colours, rect, line = theme_colours(), self._rect(*at), self._line()
        if isfinite(cell.value):
            ground = heat(self._share(cell.value))
            painter.fillRect(rect, ground)
            ink = ink_on(ground)
            words = f"{cell.value:.3f} {cell.mark}".strip()
            tall = rect.height() > 2.2 * line
            upper = rect.adjusted(0, 0, 0, -rect.height() / 2 + line * 0.1) if tall else rect
            where = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
            font = font_for("fixed" if tall else "fixed-small")
            text(painter, upper, words, ink, font=font, align=where if tall else CENTRE)
            if tall and cell.high > cell.low:
                lower = rect.adjusted(0, rect.height() / 2 + line * 0.1, 0, 0)
                told = f"{cell.low:.2f}–{cell.high:.2f}"
                where = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
                text(painter, lower, told, ink, font=font_for("fixed-small"), align=where)
        else:
            box(painter, rect, line=pen(colours.line, 1), radius=2)
            text(painter, rect, "–", colours.muted, font=font_for("small"), align=CENTRE)
        if self.is_outlined(cell.key):
            box(painter, rect, line=pen(colours.surface, 4), radius=1)
            box(painter, rect, line=pen(colours.accent, 2), radius=1)

    def _draw_scale(self, painter: QPainter) -> None:
        """Draw the colours with their numbers, and the references at their places."""
        colours, font, line = theme_colours(), font_for("small"), self._line()
        measure = QFontMetricsF(font)
        margin = measure.horizontalAdvance("0.000") + spacing(1)
        body = self._body()
        top = body.bottom() + line * 1.6
        bar = QRectF(body.left() + margin, top, body.width() - 2 * margin, line * 0.7)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        for step in range(11):
            gradient.setColorAt(step / 10, heat(step / 10))
        painter.fillRect(bar, gradient)
        low, high = self._ends()
        left = QRectF(bar.left() - margin, bar.top(), margin - spacing(0.5), bar.height())
        text(painter, left, f"{low:.2f}", colours.muted, font=font, align=RIGHT)
        right = QRectF(bar.right() + spacing(0.5), bar.top(), margin, bar.height())
        text(painter, right, f"{high:.2f}", colours.muted, font=font, align=LEFT)
        end = 0.0
        for title, value in sorted(self._lines, key=lambda one: one[1]):
            words = f"{title} {value:.3f}"
            wide = measure.horizontalAdvance(words) + spacing(2)
            x = bar.left() + bar.width() * self._share(value)
            start = max(min(max(x - wide / 2, bar.left()), bar.right() - wide), end)
            end = start + wide
            painter.setPen(pen(colours.text, 1.4))
            painter.drawLine(QPointF(x, bar.top() - 3), QPointF(x, bar.bottom()))
            place = QRectF(start, bar.top() - line - 3, wide, line)
            text(painter, place, words, colours.text, font=font, align=CENTRE)
        told = (
            f"colour and number: test {self._measure}, below it its 95 % interval   {BEST} best   "
            f"{TIED} cannot be told from the best (paired bootstrap, 95 %)"
        )
        area = QRectF(spacing(2), bar.bottom() + line * 0.5, self.width() - spacing(3), line)
        text(painter, area, told, colours.muted, font=font, align=LEFT)


def _letters(pixels: float) -> int:
    """Return about how many letters fit into so many pixels."""
    return max(int(pixels / QFontMetricsF(font_for("small")).averageCharWidth()), 3)


def _two_lines(words: str, letters: int) -> tuple[str, ...]:
    """Return a name on one line, or broken into two at a space."""
    if len(words) <= letters or " " not in words:
        return ("", words)
    cuts = [at for at, letter in enumerate(words) if letter == " "]
    cut = min(cuts, key=lambda at: abs(at - len(words) / 2))
    return words[:cut], words[cut + 1 :]
