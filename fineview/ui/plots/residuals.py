"""How far answers in numbers lie from their labels."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter

from fineview.ui.plots.export import Table
from fineview.ui.plots.painted_axes import Frame, frame_in, linear_axis
from fineview.ui.plots.picking import PickPlot
from fineview.ui.theme import font_for, spacing, theme_colours, translucent
from fineview.ui.widgets.format import count_text, number_text
from fineview.ui.widgets.painting import RIGHT, pen, text

_MOST = 5000
"""Points that are drawn; a cloud of more looks the same."""
_DASHES = (4.0, 3.0)


class ResidualPlot(PickPlot):
    """Answer − label over the label; a point that is pressed tells its row."""

    def __init__(self, name: str) -> None:
        self._labels: NDArray[np.float64] = np.empty(0)
        self._residuals: NDArray[np.float64] = np.empty(0)
        self._drawn: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        super().__init__(
            name,
            "Each point is an item: above the line the answer was too high. Arrows walk from small "
            "labels to great ones, Enter opens one.",
            "How far the answers lie from the labels appears here.",
        )

    def show_residuals(self, labels: ArrayLike, residuals: ArrayLike) -> None:
        """Show (n,) labels and answer − label of each."""
        self._labels = np.asarray(labels, dtype=np.float64)
        self._residuals = np.asarray(residuals, dtype=np.float64)
        order = np.argsort(self._labels, kind="stable")
        places = np.linspace(0, len(order) - 1, min(len(order), _MOST)).astype(np.int64)
        self._drawn = order[places].astype(np.int64) if len(order) else order
        self.renew()

    def set_row(self, row: int) -> None:
        """Mark a row; −1 marks none."""
        self.current = str(row) if row in self._drawn else ""
        self.update()

    def keys(self) -> list[str]:
        """Return the drawn rows, from small labels to great ones."""
        return [str(row) for row in self._drawn.tolist()]

    def near(self, position: QPointF) -> str:
        """Return the nearest row within a finger's breadth."""
        if not len(self._drawn):
            return ""
        frame = self._frame()
        x, y = self._pixels(frame)
        away = np.hypot(x - position.x(), y - position.y())
        best = int(away.argmin())
        return str(self._drawn[best]) if away[best] <= spacing(3) else ""

    def words(self, key: str) -> str:
        """Return the figures of a row."""
        row = int(key)
        label, gap = float(self._labels[row]), float(self._residuals[row])
        return (
            f"label {number_text(label)}, answer {number_text(label + gap)}, residual "
            f"{number_text(gap)}"
        )

    def stepped(self, key: str, right: int, down: int) -> str:
        """Return the row with the next greater or smaller label."""
        at = int(np.flatnonzero(self._drawn == int(key))[0]) + right - down
        return str(self._drawn[min(max(at, 0), len(self._drawn) - 1)])

    def place(self, key: str) -> QPointF:
        """Return where a row is drawn."""
        row = int(key)
        return self._frame().at(float(self._labels[row]), float(self._residuals[row]))

    def table(self) -> Table:
        """Return all numbers, a row an item."""
        rows = zip(self._labels.tolist(), self._residuals.tolist(), strict=True)
        return ["label", "residual"], [list(row) for row in rows]

    def minimumSizeHint(self) -> QSize:
        """Need a small square."""
        line = self.fontMetrics().height()
        return QSize(line * 15, line * 12)

    def draw(self, painter: QPainter) -> None:
        """Draw axes, the line of no error, points and the marked one."""
        colours, frame = theme_colours(), self._frame()
        frame.draw(painter, "label", "answer − label", number_text, number_text)
        painter.setPen(pen(colours.muted, 1.2, dashes=_DASHES))
        painter.drawLine(frame.at(frame.x.low, 0), frame.at(frame.x.high, 0))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(translucent(colours.accent, 0.45))
        for x, y in zip(*(side.tolist() for side in self._pixels(frame)), strict=True):
            painter.drawEllipse(QPointF(x, y), 2.5, 2.5)
        for key in {self.pointed, self.current} - {""}:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(pen(colours.trained, 2))
            painter.drawEllipse(self.place(key), 5, 5)
        if len(self._drawn) < len(self._labels):
            said = f"{count_text(len(self._drawn))} of {count_text(len(self._labels))} drawn"
            line = self.fontMetrics().height()
            corner = QRectF(frame.area.left(), frame.area.top(), frame.area.width(), line)
            text(painter, corner, said, colours.muted, font=font_for("small"), align=RIGHT)

    def _pixels(self, frame: Frame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        x, y = self._labels[self._drawn], self._residuals[self._drawn]
        area = frame.area
        return (
            area.left() + area.width() * (x - frame.x.low) / (frame.x.high - frame.x.low),
            area.bottom() - area.height() * (y - frame.y.low) / (frame.y.high - frame.y.low),
        )

    def _frame(self) -> Frame:
        infinite = float("inf")
        x = linear_axis([float(v) for v in self._span(self._labels)], -infinite, infinite)
        y = linear_axis(
            [*(float(v) for v in self._span(self._residuals)), 0.0], -infinite, infinite
        )
        return frame_in(QRectF(self.rect()), x, y)

    @staticmethod
    def _span(values: NDArray[np.float64]) -> tuple[float, float]:
        return (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
