"""How projections that move tell where their points are."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fineview.core.progress import Report

Show = Callable[[NDArray[np.float32], int, int], None]
"""Receives coordinates (M, k), iterations done, and iterations in all."""
_APART_S = 1 / 15
"""A person sees no more pictures than that, and each one costs a repaint."""


def silent_show(coordinates: NDArray[np.float32], done: int, total: int) -> None:
    """Show nothing."""


class Ticker:
    """Lets Stop in at every iteration, and pictures out at most 15 times a second.

    Attributes:
        done: Iterations done.
    """

    def __init__(self, show: Show, report: Report, total: int, text: str) -> None:
        """Begin.

        Args:
            show: Receives a copy of the coordinates.
            report: Asked at every iteration; progress counts them.
            total: Iterations in all.
            text: Names the method.
        """
        self.done = 0
        self._show = show
        self._report = report
        self._total = total
        self._text = text
        self._last = time.monotonic()

    def tick(self, coordinates: NDArray[np.floating], done: int = -1) -> None:
        """Take note of one more iteration.

        Args:
            coordinates: (M, k), where the points stand now.
            done: Iterations done, where not every one is told.

        Raises:
            JobCancelled: Stop was pressed.
        """
        self.done = self.done + 1 if done < 0 else done
        self._report.check()
        now = time.monotonic()
        if now - self._last >= _APART_S and self.done < self._total:
            self._last = now
            self._report.progress(self.done, self._total, self._text)
            self._show(np.array(coordinates, dtype=np.float32), self.done, self._total)
