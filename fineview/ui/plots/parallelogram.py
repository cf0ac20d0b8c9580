"""An analogy as points in a plane, drawn to scale; numbers say what the plane leaves out."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPolygonF

from fineview.core.analogies.geometry import Parallelogram
from fineview.ui.plots.export import Cell, Table
from fineview.ui.plots.picking import PickPlot
from fineview.ui.theme import font_for, mix, spacing, theme_colours
from fineview.ui.widgets.painting import LEFT, pen, slanted_arrow, text

_KEYS = ("a", "b", "c", "sum", "answer")
_RADIUS = 1.2
_LINES = (
    *(("a", "b"), ("c", "answer"), ("sum", "answer")),
    *(("a", "c"), ("b", "sum"), ("c", "sum")),
)
_ALONG = 40
"""Places of a line that names keep clear of."""


class ParallelogramPlot(PickPlot):
    """a → b, c → answer, and where c − a + b ends.

    Attributes:
        shown: What is drawn; None where there is no analogy.
    """

    def __init__(self) -> None:
        self.shown: Parallelogram | None = None
        super().__init__(
            "Parallelogram",
            "The words in the plane that holds their differences best, drawn to scale.",
            "For a : b :: c : ? the words are drawn here.",
        )

    def show_picture(self, shown: Parallelogram | None) -> None:
        """Show another analogy."""
        self.shown = shown
        self.renew()

    def keys(self) -> list[str]:
        """Return the five points."""
        return list(_KEYS) if self.shown is not None else []

    def near(self, position: QPointF) -> str:
        """Return the nearest point within a finger's breadth."""
        if self.shown is None:
            return ""
        away = {key: (self.place(key) - position).manhattanLength() for key in _KEYS}
        key = min(away, key=away.__getitem__)
        return key if away[key] <= spacing(4) else ""

    def words(self, key: str) -> str:
        """Return what a point is, and how much of it the plane holds."""
        assert self.shown is not None
        held = self.shown.held_each[_KEYS.index(key)]
        return f"{self._label(key)}: the plane holds {held:.0%} of its distance from the middle."

    def stepped(self, key: str, right: int, down: int) -> str:
        """Return the next point."""
        return _KEYS[(_KEYS.index(key) + right + down) % len(_KEYS)]

    def place(self, key: str) -> QPointF:
        """Return where a point is drawn."""
        assert self.shown is not None
        x, y = self.shown.points[_KEYS.index(key)]
        return self._at(float(x), float(y))

    def table(self) -> Table:
        """Return the places and, below them, the numbers of the vectors themselves."""
        header = ["what", "x", "y", "share_in_the_plane"]
        if self.shown is None:
            return header, []
        shown = self.shown
        rows: list[list[Cell]] = [
            [self._label(key), float(x), float(y), float(held)]
            for key, (x, y), held in zip(_KEYS, shown.points, shown.held_each, strict=True)
        ]
        rows += [[name, value, None, None] for name, value in _figures(shown)]
        return header, rows

    def minimumSizeHint(self) -> QSize:
        """Need room for four words."""
        line = self.fontMetrics().height()
        return QSize(line * 16, line * 9)

    def draw(self, painter: QPainter) -> None:
        """Draw sides, points, the residual, and names."""
        assert self.shown is not None
        colours = theme_colours()
        at = {key: self.place(key) for key in _KEYS}
        fill = QColor(mix(colours.surface, colours.frozen, 0.10))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF([at["a"], at["b"], at["sum"], at["c"]]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(colours.strong_line, 1.2, dashes=(4, 3)))
        painter.drawLine(at["a"], at["c"])
        painter.drawLine(at["b"], at["sum"])
        painter.drawLine(at["c"], at["sum"])
        slanted_arrow(painter, at["a"], at["b"], colours.frozen, spacing(_RADIUS) + 2)
        slanted_arrow(painter, at["c"], at["answer"], colours.trained, spacing(_RADIUS) + 2)
        painter.setPen(pen(colours.bad, 1.6, dashes=(2, 2)))
        painter.drawLine(at["sum"], at["answer"])
        radius = spacing(_RADIUS)
        for key in _KEYS:
            colour = {"sum": colours.new, "answer": colours.trained}.get(key, colours.frozen)
            hollow = key == "sum"
            painter.setPen(pen(colour, 1.6))
            painter.setBrush(QColor(colours.surface if hollow else colour))
            painter.drawEllipse(at[key], radius, radius)
            if self.is_outlined(key):
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(pen(colours.accent, 2))
                painter.drawEllipse(at[key], radius + 3, radius + 3)
        self._draw_labels(painter, at)

    def _draw_labels(self, painter: QPainter, at: dict[str, QPointF]) -> None:
        colours, font = theme_colours(), self.font()
        metrics = QFontMetricsF(font)
        room = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        taken = [(p.x() - 7, p.y() - 7, p.x() + 7, p.y() + 7) for p in at.values()]
        for start, end in _LINES:
            steps = (at[start] + (at[end] - at[start]) * (i / _ALONG) for i in range(_ALONG))
            taken += [(p.x() - 2, p.y() - 2, p.x() + 2, p.y() + 2) for p in steps]
        # What is asked about comes first: where places are short, the sum's name gives way.
        for key in ("answer", "a", "b", "c", "sum"):
            words = self._label(key)
            size = (metrics.horizontalAdvance(words) + 2, metrics.height())
            rect = _free(at[key], size, room, np.array(taken))
            taken.append((rect.left(), rect.top(), rect.right(), rect.bottom()))
            ink = colours.muted if key == "sum" else colours.text
            text(painter, rect, words, ink, font=font, align=LEFT)

    def _label(self, key: str) -> str:
        assert self.shown is not None
        a, b, c, answer = self.shown.words
        named = {"a": a, "b": b, "c": c, "answer": answer, "sum": f"{c} − {a} + {b}"}
        return named[key]

    def _at(self, x: float, y: float) -> QPointF:
        """Return where a place of the plane is, the same scale along both axes."""
        assert self.shown is not None
        points = self.shown.points
        low, high = points.min(0), points.max(0)
        metrics = QFontMetricsF(font_for("body"))
        side = max(metrics.horizontalAdvance(self._label(key)) for key in ("a", "c", "answer"))
        side = min(side, self.width() * 0.25) + spacing(3)
        room = QRectF(self.rect()).adjusted(side, spacing(7), -side, -spacing(7))
        wide, tall = (max(float(high[i] - low[i]), 1e-9) for i in (0, 1))
        scale = min(room.width() / wide, room.height() / tall)
        middle = (low + high) / 2
        return QPointF(
            room.center().x() + scale * (x - float(middle[0])),
            room.center().y() - scale * (y - float(middle[1])),
        )


def _free(
    point: QPointF, size: tuple[float, float], room: QRectF, taken: NDArray[np.float64]
) -> QRectF:
    """Return the place beside a point where a name covers least of what is taken, (n, 4)."""
    wide, tall = size
    away = 9.0
    places = [
        QRectF(point.x() - wide / 2, point.y() - tall - away, wide, tall),
        QRectF(point.x() - wide / 2, point.y() + away, wide, tall),
        QRectF(point.x() + away, point.y() - tall / 2, wide, tall),
        QRectF(point.x() - wide - away, point.y() - tall / 2, wide, tall),
        QRectF(point.x() + away, point.y() - tall - away / 2, wide, tall),
        QRectF(point.x() - wide - away, point.y() + away / 2, wide, tall),
    ]

    def covered(rect: QRectF) -> float:
        across = np.minimum(taken[:, 2], rect.right()) - np.maximum(taken[:, 0], rect.left())
        down = np.minimum(taken[:, 3], rect.bottom()) - np.maximum(taken[:, 1], rect.top())
        return float((across.clip(0) * down.clip(0)).sum())

    for rect in places:  # none leaves the picture
        rect.moveLeft(min(max(rect.left(), room.left()), max(room.right() - wide, room.left())))
        rect.moveTop(min(max(rect.top(), room.top()), max(room.bottom() - tall, room.top())))
    return min(places, key=covered)


def _figures(shown: Parallelogram) -> list[tuple[str, float]]:
    a, b, c, answer = shown.words
    return [
        (f"length of {a} to {b}", shown.first_length),
        (f"length of {c} to {answer}", shown.second_length),
        ("angle between them, degrees", shown.angle),
        (f"residual from the sum to {answer}", shown.residual),
        ("cosine of the answer with the sum", shown.cosine),
        ("share of all differences in the plane", shown.held),
    ]


def picture_words(shown: Parallelogram) -> str:
    """Return in two sentences what the picture cannot show."""
    a, b, c, answer = shown.words
    lengths = "Lengths, every word at length 1" if shown.unit else "True lengths"
    return (
        f"The plane holds {shown.held:.0%} of the differences. {lengths}: {a} → {b} "
        f"{shown.first_length:.2f}, {c} → {answer} {shown.second_length:.2f}, "
        f"{shown.angle:.0f}° between them; from the sum to {answer} it is {shown.residual:.2f}, "
        f"{shown.residual_share:.0%} of the first."
    )
