"""Words and their neighbours in a plane, with names that do not cover each other."""

from math import inf

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from fineview.core.analogies.neighbourhood import WordMap
from fineview.ui.plots.export import Cell, Table
from fineview.ui.plots.labelling import placed_labels
from fineview.ui.plots.painted_axes import Frame, frame_in, linear_axis
from fineview.ui.plots.picking import PickPlot
from fineview.ui.theme import font_for, spacing, theme_colours
from fineview.ui.widgets.painting import LEFT, pen, text


class WordMapPlot(PickPlot):
    """A scatter plot of words; thin lines join a neighbour with the word it was found by.

    Attributes:
        shown: What is drawn; None before there is something.
    """

    def __init__(self) -> None:
        self.shown: WordMap | None = None
        super().__init__(
            "Map of words",
            "The words asked for, large, and their neighbours. Arrows walk from word to word.",
            "Three words or more make a map.",
        )

    def show_map(self, shown: WordMap | None) -> None:
        """Show another map."""
        self.shown = shown
        self.renew()

    def keys(self) -> list[str]:
        """Return the words from left to right."""
        if self.shown is None or not len(self.shown.places):
            return []
        order = self.shown.places[:, 0].argsort(kind="stable")
        return [self.shown.words[i] for i in order.tolist()]

    def near(self, position: QPointF) -> str:
        """Return the nearest word within a finger's breadth."""
        away = [((self.place(w) - position).manhattanLength(), w) for w in self.keys()]
        distance, word = min(away, default=(inf, ""))
        return word if distance <= spacing(4) else ""

    def words(self, key: str) -> str:
        """Return what a word is here."""
        assert self.shown is not None
        at = self.shown.words.index(key)
        if self.shown.near[at] < 0:
            return f"{key}: asked for."
        by = self.shown.words[int(self.shown.near[at])]
        return f"{key}: cosine {self.shown.cosines[at]:.3f} with {by}."

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
        header = ("word", "x", "y", "found_by", "cosine")
        if self.shown is None or not len(self.shown.places):
            return header, []
        rows: list[list[Cell]] = []
        for at, word in enumerate(self.shown.words):
            x, y = self.shown.places[at].tolist()
            near = int(self.shown.near[at])
            found = self.shown.words[near] if near >= 0 else ""
            rows.append([word, float(x), float(y), found, float(self.shown.cosines[at])])
        return header, rows

    def minimumSizeHint(self) -> QSize:
        """Need room for some words."""
        line = self.fontMetrics().height()
        return QSize(line * 20, line * 14)

    def draw(self, painter: QPainter) -> None:
        """Draw axes, lines, points and names."""
        assert self.shown is not None
        colours, frame = theme_colours(), self._frame()
        titles = ("t-SNE 1", "t-SNE 2")
        if self.shown.shares is not None:
            titles = (
                f"principal component 1, {self.shown.shares[0]:.0%} of the variance",
                f"principal component 2, {self.shown.shares[1]:.0%}",
            )
        frame.draw(painter, *titles, _number, _number)
        given = self.shown.words[: self.shown.given]
        at = {word: self.place(word) for word in self.shown.words}
        painter.setPen(pen(colours.line, 1.2))
        for word, near in zip(self.shown.words, self.shown.near.tolist(), strict=True):
            if near >= 0:
                painter.drawLine(at[self.shown.words[near]], at[word])
        for word in reversed(self.shown.words):  # those asked for lie on top
            radius = spacing(1.3 if word in given else 0.7)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.trained if word in given else colours.frozen))
            painter.drawEllipse(at[word], radius, radius)
            if self.is_outlined(word):
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(pen(colours.accent, 2))
                painter.drawEllipse(at[word], radius + 3, radius + 3)
        self._draw_names(painter, frame, at)

    def _draw_names(self, painter: QPainter, frame: Frame, at: dict[str, QPointF]) -> None:
        assert self.shown is not None
        colours, small = theme_colours(), font_for("small")
        bold = font_for("body")
        bold.setBold(True)
        fonts = [bold if i < self.shown.given else small for i in range(len(at))]
        radius = spacing(1.3)
        corner, size = QPointF(radius, radius), QSizeF(2 * radius, 2 * radius)
        blocked = [QRectF(point - corner, size) for point in list(at.values())[: self.shown.given]]
        labels = []
        for (word, point), font in zip(at.items(), fonts, strict=True):
            metrics = QFontMetricsF(font)
            labels.append((point, metrics.horizontalAdvance(word) + 2, metrics.height()))
        room = frame.area.adjusted(0, -spacing(1), spacing(3), 0)
        places = placed_labels(labels, blocked, room, radius + 2)
        for index, (word, rect) in enumerate(zip(at, places, strict=True)):
            if rect is not None:
                ink = colours.text if index < self.shown.given else colours.muted
                text(painter, rect, word, ink, font=fonts[index], align=LEFT)

    def _frame(self) -> Frame:
        assert self.shown is not None
        x, y = (self.shown.places[:, i].tolist() for i in (0, 1))
        return frame_in(
            QRectF(self.rect()), linear_axis(x, -inf, inf), linear_axis(y, -inf, inf),
            right=spacing(6),
        )  # fmt: skip


def _number(value: float) -> str:
    return f"{value:+g}" if value else "0"
