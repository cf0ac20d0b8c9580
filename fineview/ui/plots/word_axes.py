"""Words on two axes: points with names that do not cover each other."""

from math import inf

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from fineview.core.analogies.placing import PlacedWords
from fineview.ui.plots.export import Cell, Table
from fineview.ui.plots.labelling import placed_labels
from fineview.ui.plots.painted_axes import Frame, frame_in, linear_axis
from fineview.ui.plots.picking import PickPlot
from fineview.ui.theme import font_for, spacing, theme_colours
from fineview.ui.widgets.painting import LEFT, pen, text


class WordAxesPlot(PickPlot):
    """A scatter plot of words.

    Attributes:
        shown: What is drawn; None before there is something.
    """

    def __init__(self) -> None:
        self.shown: PlacedWords | None = None
        super().__init__(
            "Words on axes",
            "Each word by its cosines with the two axes. Arrows walk from word to word.",
            "Words are placed here once both axes have a word at each end.",
        )

    def show_words(self, shown: PlacedWords | None) -> None:
        """Show other words."""
        self.shown = shown
        self.renew()

    def keys(self) -> list[str]:
        """Return the words from left to right."""
        if self.shown is None:
            return []
        order = self.shown.places[:, 0].argsort(kind="stable")
        return [self.shown.words[i] for i in order.tolist()]

    def near(self, position: QPointF) -> str:
        """Return the nearest word within a finger's breadth."""
        if self.shown is None:
            return ""
        away = [((self.place(w) - position).manhattanLength(), w) for w in self.shown.words]
        distance, word = min(away, default=(inf, ""))
        return word if distance <= spacing(4) else ""

    def words(self, key: str) -> str:
        """Return a word's places."""
        assert self.shown is not None
        x, y = self.shown.places[self.shown.words.index(key)].tolist()
        return f"{key}: {x:+.3f} on {self.shown.titles[0]}; {y:+.3f} on {self.shown.titles[1]}."

    def stepped(self, key: str, right: int, down: int) -> str:
        """Return the next word to the right or left."""
        keys = self.keys()
        return keys[min(max(keys.index(key) + right + down, 0), len(keys) - 1)]

    def place(self, key: str) -> QPointF:
        """Return where a word is drawn."""
        assert self.shown is not None
        x, y = self.shown.places[self.shown.words.index(key)].tolist()
        return self._frame().at(x, y)

    def table(self) -> Table:
        """Return a row a word."""
        if self.shown is None:
            return ("word", "x", "y"), []
        rows: list[list[Cell]] = [
            [word, float(x), float(y)]
            for word, (x, y) in zip(self.shown.words, self.shown.places, strict=True)
        ]
        return ("word", *self.shown.titles), rows

    def minimumSizeHint(self) -> QSize:
        """Need room for some words."""
        line = self.fontMetrics().height()
        return QSize(line * 20, line * 14)

    def draw(self, painter: QPainter) -> None:
        """Draw axes, points and names."""
        assert self.shown is not None
        colours, frame = theme_colours(), self._frame()
        x_title, y_title = self.shown.titles
        frame.draw(
            painter, f"←  {x_title}  →", f"↓  {y_title}  ↑",
            lambda v: f"{v:+.1f}" if v else "0", lambda v: f"{v:+.1f}" if v else "0",
        )  # fmt: skip
        painter.setPen(pen(colours.strong_line, 1.2, dashes=(4, 3)))
        for axis, value in (("x", frame.x), ("y", frame.y)):
            if value.low < 0 < value.high:
                zero = frame.at(0, 0)
                if axis == "x":
                    painter.drawLine(
                        QPointF(zero.x(), frame.area.top()), QPointF(zero.x(), frame.area.bottom())
                    )
                else:
                    painter.drawLine(
                        QPointF(frame.area.left(), zero.y()), QPointF(frame.area.right(), zero.y())
                    )
        radius = spacing(0.9)
        at = {word: self.place(word) for word in self.shown.words}
        for word, point in at.items():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.frozen))
            painter.drawEllipse(point, radius, radius)
            if self.is_outlined(word):
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(pen(colours.accent, 2))
                painter.drawEllipse(point, radius + 3, radius + 3)
        font = font_for("body")
        metrics = QFontMetricsF(font)
        corner, size = QPointF(radius, radius), QSizeF(2 * radius, 2 * radius)
        blocked = [QRectF(point - corner, size) for point in at.values()]
        labels = [(p, metrics.horizontalAdvance(w) + 2, metrics.height()) for w, p in at.items()]
        room = frame.area.adjusted(0, -spacing(1), spacing(3), 0)
        places = placed_labels(labels, blocked, room, radius + 3)
        for word, rect in zip(at, places, strict=True):
            if rect is not None:
                text(painter, rect, word, colours.text, font=font, align=LEFT)

    def _frame(self) -> Frame:
        assert self.shown is not None
        x, y = (self.shown.places[:, i].tolist() for i in (0, 1))
        return frame_in(
            QRectF(self.rect()),
            linear_axis([*x, 0.0], -1.0, 1.0),
            linear_axis([*y, 0.0], -1.0, 1.0),
            right=spacing(6),
        )
