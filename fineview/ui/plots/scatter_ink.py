"""What colours the points of a scatter plot: groups, numbers, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from fineview.ui.plots.heat import heat
from fineview.ui.plots.scatter_marks import shape_of
from fineview.ui.theme import category_colour, theme_colours

_STEPS = 64


@dataclass(slots=True, kw_only=True, eq=False)
class Ink:
    """Colour, marker and visibility of M points.

    Attributes:
        index: (M,) int64 group of each point; -1 belongs to none and is grey.
        names: Groups by index.
        colours: A colour for each group, or none for the categories' own.
        values: (M,) numbers that colour instead of groups, or None; NaN is grey.
        title: What the numbers are, with their unit.
        hidden: Groups that are not drawn.
    """

    index: NDArray[np.int64]
    names: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    values: NDArray[np.float64] | None = None
    title: str = ""
    hidden: set[int] = field(default_factory=set)

    def colour_of(self, group: int) -> str:
        """Return the colour of a group on the present theme."""
        if group < 0:
            return theme_colours().muted
        return self.colours[group] if self.colours else category_colour(group)

    def shape_of(self, group: int) -> str:
        """Return the marker of a group."""
        return "circle" if group < 0 or self.colours else shape_of(group)

    def shown(self) -> NDArray[np.bool_]:
        """Return (M,) which points are drawn."""
        if not self.hidden:
            return np.ones(len(self.index), dtype=bool)
        return ~np.isin(self.index, sorted(self.hidden))

    def span(self) -> tuple[float, float]:
        """Return the least and the largest finite number; 0 and 1 where there is none."""
        known = self.values[np.isfinite(self.values)] if self.values is not None else np.empty(0)
        if not known.size:
            return 0.0, 1.0
        return float(known.min()), float(known.max())

    def pixels(self) -> NDArray[np.uint8]:
        """Return (M, 4) BGRA, opaque."""
        if self.values is None:
            table = _bgra([self.colour_of(g) for g in range(-1, len(self.names))])
            return table[self.index + 1]
        low, high = self.span()
        steps = [heat(step / (_STEPS - 1)).name() for step in range(_STEPS)]
        table = _bgra([theme_colours().muted, *steps])
        share = (self.values - low) / max(high - low, 1e-12)
        known = np.isfinite(share)
        place = np.zeros(len(share), dtype=np.int64)
        place[known] = 1 + np.rint(share[known] * (_STEPS - 1)).astype(np.int64)
        return table[place]


def plain_ink(count: int) -> Ink:
    """Return the ink of points of which nothing is known: all grey."""
    return Ink(index=np.full(count, -1, dtype=np.int64))


def _bgra(colours: Sequence[str]) -> NDArray[np.uint8]:
    parsed = [QColor(colour) for colour in colours]
    rows = [(c.blue(), c.green(), c.red(), 255) for c in parsed]
    return np.array(rows, dtype=np.uint8)
