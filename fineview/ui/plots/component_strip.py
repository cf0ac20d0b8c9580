"""The numbers of word vectors as strips of colour: one line a word, one cell a component."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter

from fineview.core.analogies.neighbourhood import WordMap
from fineview.ui.plots.export import Cell, Table
from fineview.ui.plots.picking import PickPlot
from fineview.ui.theme import font_for, mix, spacing, theme_colours
from fineview.ui.widgets.format import MINUS
from fineview.ui.widgets.painting import CENTRE, LEFT, RIGHT, text

_TALLEST = 40.0


class ComponentStrip(PickPlot):
    """Blue below 0, orange above it, the ground at 0; the same scale for all words.

    Attributes:
        shown: Whose components are drawn; None before there is something.
    """

    def __init__(self) -> None:
        self.shown: WordMap | None = None
        super().__init__(
            "Components",
            "Every component of each word's vector at length 1. Arrows walk from word to word.",
            "The components of words are drawn here.",
        )

    def show_map(self, shown: WordMap | None) -> None:
        """Show other words."""
        self.shown = shown
        self.renew()

    @property
    def half(self) -> float:
        """The size with the strongest colour."""
        return float(np.abs(self.shown.components).max()) if self.shown is not None else 1.0

    def keys(self) -> list[str]:
        """Return the words from the top."""
        return [] if self.shown is None else list(self.shown.words[: self.shown.given])

    def near(self, position: QPointF) -> str:
        """Return the word whose line is at a position."""
        return next((key for key in self.keys() if self._line(key).contains(position)), "")

    def words(self, key: str) -> str:
        """Return a word's largest components."""
        assert self.shown is not None
        row = self.shown.components[self.shown.words.index(key)]
        largest = np.argsort(-np.abs(row), kind="stable")[:5].tolist()
        named = ", ".join(f"number {i + 1} {_signed(row[i])}" for i in largest)
        return f"{key}: its largest components are {named}."

    def stepped(self, key: str, right: int, down: int) -> str:
        """Return the word above or below."""
        keys = self.keys()
        return keys[min(max(keys.index(key) + right + down, 0), len(keys) - 1)]

    def place(self, key: str) -> QPointF:
        """Return the middle of a word's line."""
        return self._line(key).center()

    def table(self) -> Table:
        """Return a row a word."""
        if self.shown is None:
            return ("word",), []
        width = self.shown.components.shape[1]
        rows: list[list[Cell]] = [
            [word, *(float(value) for value in row)]
            for word, row in zip(self.keys(), self.shown.components, strict=True)
        ]
        return ("word", *(f"component_{i + 1}" for i in range(width))), rows

    def minimumSizeHint(self) -> QSize:
        """Need a line a word."""
        line = self.fontMetrics().height()
        return QSize(line * 20, line * (max(len(self.keys()), 4) + 4))

    def draw(self, painter: QPainter) -> None:
        """Draw the strips, their words, and the scale."""
        assert self.shown is not None
        colours, half = theme_colours(), self.half or 1.0
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for word, row in zip(self.keys(), self.shown.components, strict=True):
            line = self._line(word)
            strip = line.adjusted(self._names() + spacing(2), 1, -spacing(2), -1)
            step = strip.width() / len(row)
            for at, value in enumerate((row / half).tolist()):
                left = strip.left() + at * step
                cell = QRectF(left, strip.top(), step + 0.6, strip.height())
                painter.fillRect(cell, _colour(value))
            ink = colours.accent if self.is_outlined(word) else colours.text
            name = QRectF(0, line.top(), self._names(), line.height())
            text(painter, name, word, ink, font=font_for("body"), align=RIGHT)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        high = QFontMetricsF(font_for("small")).height()
        below = self._line(self.keys()[-1]).bottom() + spacing(2)
        left = self._names() + spacing(2)
        bar = QRectF(left, below, min(self.width() - left - spacing(2), 40 * spacing(2)), high)
        shades = QLinearGradient(bar.topLeft(), bar.topRight())
        for share in np.linspace(0, 1, 21).tolist():
            shades.setColorAt(share, _colour(2 * share - 1))
        painter.fillRect(bar, shades)
        under = bar.translated(0, high + spacing(0.5))
        font = font_for("fixed-small")
        text(painter, under, _signed(-half), colours.muted, font=font, align=LEFT)
        text(painter, under, "0", colours.muted, font=font, align=CENTRE)
        text(painter, under, _signed(half), colours.muted, font=font, align=RIGHT)
        width = self.shown.components.shape[1]
        beside = QRectF(bar.right() + spacing(3), below, self.width() - bar.right(), high)
        said = f"components 1 … {width} from left to right"
        text(painter, beside, said, colours.muted, font=font_for("small"), align=LEFT)

    def _names(self) -> float:
        measure = QFontMetricsF(font_for("body"))
        widest = max((measure.horizontalAdvance(word) for word in self.keys()), default=0.0)
        return min(widest + spacing(1), self.width() * 0.25)

    def _line(self, key: str) -> QRectF:
        keys, foot = self.keys(), 3 * self.fontMetrics().height() + spacing(3)
        high = min((self.height() - foot) / max(len(keys), 1), _TALLEST)
        return QRectF(0, keys.index(key) * high, self.width(), high)


def _colour(share: float) -> QColor:
    """Return the colour of −1 … 1: of frozen and trained weights, which the colour-blind tell."""
    colours = theme_colours()
    return mix(colours.surface, colours.trained if share > 0 else colours.frozen, abs(share))


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", MINUS)
