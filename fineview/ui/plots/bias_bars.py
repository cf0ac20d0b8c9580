"""Words along an axis of bias, sorted, before and after the axis was taken out of them."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from fineview.core.analogies.bias import BiasPicture
from fineview.ui.plots.export import Cell, Table
from fineview.ui.plots.painted_axes import Frame, frame_in, linear_axis
from fineview.ui.plots.picking import PickPlot
from fineview.ui.theme import font_for, spacing, theme_colours
from fineview.ui.widgets.format import MINUS
from fineview.ui.widgets.painting import RIGHT, pen, text


class BiasBars(PickPlot):
    """A line a word: a bar to its projection, a hollow point where it is after debiasing.

    Attributes:
        shown: What is drawn; None before there is something.
    """

    def __init__(self) -> None:
        self.shown: BiasPicture | None = None
        super().__init__(
            "Words on the bias axis",
            "Each word's cosine with the axis, and a ring where hard debiasing puts it. Arrows "
            "walk from word to word.",
            "Words are placed here once the axis has a pair.",
        )

    def show_picture(self, shown: BiasPicture | None) -> None:
        """Show other words."""
        self.shown = shown
        self.renew()

    def keys(self) -> list[str]:
        """Return the words, sorted along the axis, from the top."""
        return [] if self.shown is None else list(self.shown.words)

    def near(self, position: QPointF) -> str:
        """Return the word whose line is at a position."""
        if self.shown is None:
            return ""
        top, step = self._frame().area.top(), self._step()
        at = int((position.y() - top) // step) if position.y() >= top else -1
        return self.shown.words[at] if 0 <= at < len(self.shown.words) else ""

    def words(self, key: str) -> str:
        """Return a word's figures."""
        assert self.shown is not None
        at = self.shown.words.index(key)
        before, after = (_signed(float(v[at])) for v in (self.shown.before, self.shown.after))
        if self.shown.specific[at]:
            return f"{key}: {before}; it is a word of the pairs, and is not neutralised ({after})."
        said = f"{key}: {before} before, {after} after."
        left = self.shown.survival
        if left is None:
            return said
        high = self.shown.ends[1]
        return (
            f"{said} Of its 100 nearest words {left.shares_before[at]:.0%} lay on the side of "
            f"{high}; of those nearest after debiasing {left.shares_after[at]:.0%} did."
        )

    def stepped(self, key: str, right: int, down: int) -> str:
        """Return the word above or below."""
        keys = self.keys()
        return keys[min(max(keys.index(key) + right + down, 0), len(keys) - 1)]

    def place(self, key: str) -> QPointF:
        """Return the end of a word's bar."""
        assert self.shown is not None
        at = self.shown.words.index(key)
        x = self._frame().at(float(self.shown.before[at]), 0).x()
        return QPointF(x, self._frame().area.top() + (at + 0.5) * self._step())

    def table(self) -> Table:
        """Return a row a word."""
        header = ("word", "before", "after", "in_a_pair", "neighbours_before", "neighbours_after")
        if self.shown is None:
            return header, []
        left, rows = self.shown.survival, []
        for at, word in enumerate(self.shown.words):
            row: list[Cell] = [
                word, float(self.shown.before[at]), float(self.shown.after[at]),
                int(self.shown.specific[at]),
            ]  # fmt: skip
            shares: list[Cell] = ["", ""]
            if left is not None and not self.shown.specific[at]:
                shares = [float(left.shares_before[at]), float(left.shares_after[at])]
            rows.append([*row, *shares])
        return header, rows

    def minimumSizeHint(self) -> QSize:
        """Need a line a word, and the axis."""
        line = self.fontMetrics().height()
        return QSize(line * 20, int(line * (max(len(self.keys()), 6) * 1.15 + 5)))

    def draw(self, painter: QPainter) -> None:
        """Draw the axis, bars, rings and words."""
        assert self.shown is not None
        colours, frame = theme_colours(), self._frame()
        low, high = self.shown.ends
        frame.draw(painter, f"←  {low}      {high}  →", "", _signed, lambda _: "")
        zero = frame.at(0, 0).x()
        painter.setPen(pen(colours.strong_line, 1.2, dashes=(4, 3)))
        painter.drawLine(QPointF(zero, frame.area.top()), QPointF(zero, frame.area.bottom()))
        step, font = self._step(), font_for("small")
        thick = min(step * 0.55, spacing(2.5))
        for at, word in enumerate(self.shown.words):
            middle = frame.area.top() + (at + 0.5) * step
            before, after = float(self.shown.before[at]), float(self.shown.after[at])
            end = frame.at(before, 0).x()
            colour = colours.trained if before > 0 else colours.frozen
            bar = QRectF(min(zero, end), middle - thick / 2, abs(end - zero), thick)
            painter.fillRect(bar, QColor(colours.muted if self.shown.specific[at] else colour))
            painter.setPen(pen(colours.text, 1.6))
            painter.setBrush(QColor(colours.surface))
            painter.drawEllipse(QPointF(frame.at(after, 0).x(), middle), thick / 2.2, thick / 2.2)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            ink = colours.accent if self.is_outlined(word) else colours.text
            name = QRectF(0, middle - step / 2, frame.area.left() - spacing(1), step)
            text(painter, name, word, ink, font=font, align=RIGHT)

    def _step(self) -> float:
        return self._frame().area.height() / max(len(self.keys()), 1)

    def _frame(self) -> Frame:
        assert self.shown is not None
        measure = QFontMetricsF(font_for("small"))
        widest = max(measure.horizontalAdvance(word) for word in self.shown.words)
        plain = QFontMetricsF(font_for("fixed-small")).horizontalAdvance("0.000")
        values = [*self.shown.before.tolist(), *self.shown.after.tolist(), 0.0]
        rect = QRectF(self.rect()).adjusted(max(widest - plain, 0.0), 0, 0, 0)
        return frame_in(rect, linear_axis(values, -1.0, 1.0), linear_axis([0.0, 1.0], 0.0, 1.0))


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", MINUS) if value else "0"
