"""The offsets of many pairs of words as arrows: is a relation one direction?"""

from math import inf

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QFontMetricsF, QPainter

from fineview.core.analogies.pairs import PairsPicture
from fineview.ui.plots.export import Cell, Table
from fineview.ui.plots.labelling import placed_labels
from fineview.ui.plots.painted_axes import Frame, frame_in, linear_axis
from fineview.ui.plots.picking import PickPlot
from fineview.ui.theme import font_for, spacing, theme_colours, translucent
from fineview.ui.widgets.painting import LEFT, slanted_arrow, text


class OffsetArrows(PickPlot):
    """An arrow a pair, and their mean.

    Attributes:
        shown: What is drawn; None before there is something.
    """

    def __init__(self) -> None:
        self.shown: PairsPicture | None = None
        super().__init__(
            "Offsets of pairs",
            "Each pair as an arrow from its first word to its second; the thick one is their mean. "
            "Arrow keys walk from pair to pair.",
            "Two pairs or more can be compared.",
        )

    def show_pairs(self, shown: PairsPicture | None) -> None:
        """Show other pairs."""
        self.shown = shown
        self.renew()

    @property
    def from_one_point(self) -> bool:
        """Whether all arrows begin in one point."""
        return self.shown is not None and self.shown.choice.arrows == "origin"

    def keys(self) -> list[str]:
        """Return the pairs as "a → b"."""
        return [] if self.shown is None else [f"{a} → {b}" for a, b in self.shown.offsets.pairs]

    def near(self, position: QPointF) -> str:
        """Return the pair whose arrow ends nearest, within a finger's breadth."""
        away = [((self.place(key) - position).manhattanLength(), key) for key in self.keys()]
        distance, key = min(away, default=(inf, ""))
        return key if distance <= spacing(4) else ""

    def words(self, key: str) -> str:
        """Return how a pair lies to the others."""
        assert self.shown is not None
        cosine = self.shown.offsets.cosines[self.keys().index(key)]
        return f"{key}: cosine {cosine:+.3f} of its offset with the mean of the others."

    def stepped(self, key: str, right: int, down: int) -> str:
        """Return the next pair."""
        keys = self.keys()
        return keys[min(max(keys.index(key) + right + down, 0), len(keys) - 1)]

    def place(self, key: str) -> QPointF:
        """Return where a pair's arrow ends."""
        at = self.keys().index(key)
        return self._frame().at(*self._ends()[1][at].tolist())

    def table(self) -> Table:
        """Return a row a pair."""
        header = ("first", "second", "x", "y", "to_x", "to_y", "cosine_with_mean_of_others")
        if self.shown is None:
            return header, []
        starts, ends = self._ends()
        rows: list[list[Cell]] = [
            [*pair, *map(float, start), *map(float, end), float(cosine)]
            for pair, start, end, cosine in zip(
                self.shown.offsets.pairs, starts, ends, self.shown.offsets.cosines, strict=True
            )
        ]
        return header, rows

    def minimumSizeHint(self) -> QSize:
        """Need room for some arrows."""
        line = self.fontMetrics().height()
        return QSize(line * 20, line * 14)

    def draw(self, painter: QPainter) -> None:
        """Draw axes, arrows, their mean, and names."""
        assert self.shown is not None
        colours, frame = theme_colours(), self._frame()
        upwards = "what is left of the offsets" if self.from_one_point else "how first words differ"
        frame.draw(painter, "along the mean offset  →", f"{upwards}  ↑", _number, _number)
        starts, ends = self._ends()
        many = len(starts) > 40
        for key, start, end in zip(self.keys(), starts.tolist(), ends.tolist(), strict=True):
            outlined = self.is_outlined(key)
            colour = colours.accent if outlined else translucent(colours.frozen, 0.75)
            slanted_arrow(
                painter, frame.at(*start), frame.at(*end), colour,
                width=2.5 if outlined else 1.2 if many else 1.6, head=6 if many else 8,
            )  # fmt: skip
        middle = starts.mean(0)
        mean = ends.mean(0)
        slanted_arrow(
            painter, frame.at(*middle), frame.at(*mean), colours.trained, width=3.5, head=13
        )
        font = font_for("small")
        measure = QFontMetricsF(font)
        labels, names = [], []
        if self.from_one_point:
            listed = [(f"{a} → {b}", end) for (a, b), end in
                      zip(self.shown.offsets.pairs, ends.tolist(), strict=True)]  # fmt: skip
        else:
            listed = []
            for pair, *both in zip(
                self.shown.offsets.pairs, starts.tolist(), ends.tolist(), strict=True
            ):
                listed += list(zip(pair, both, strict=True))
        for name, point in listed:
            names.append(name)
            labels.append((frame.at(*point), measure.horizontalAdvance(name) + 2, measure.height()))
        room = frame.area.adjusted(0, -spacing(1), spacing(3), 0)
        for name, rect in zip(names, placed_labels(labels, [], room, spacing(1.2)), strict=True):
            if rect is not None:
                text(painter, rect, name, colours.text, font=font, align=LEFT)

    def _ends(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        assert self.shown is not None
        if self.from_one_point:
            return np.zeros_like(self.shown.turned), self.shown.turned
        return self.shown.offsets.starts, self.shown.offsets.ends

    def _frame(self) -> Frame:
        both = np.concatenate(self._ends())
        return frame_in(
            QRectF(self.rect()),
            linear_axis(both[:, 0].tolist(), -inf, inf),
            linear_axis(both[:, 1].tolist(), -inf, inf),
            right=spacing(6),
        )


def _number(value: float) -> str:
    return f"{value:+g}" if value else "0"
