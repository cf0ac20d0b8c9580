"""Lines from where points were to where they are."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF
from PySide6.QtGui import QColor, QPainter

from fineview.ui.plots.scatter_camera import Places
from fineview.ui.theme import translucent
from fineview.ui.widgets.painting import pen


def draw_arrows(
    painter: QPainter, starts: Places, ends: Places, colours: NDArray[np.uint8]
) -> None:
    """Draw a thin line a point, and a dot where it begins; the point itself is its head.

    Args:
        painter: On the widget.
        starts: (M, 2) pixels.
        ends: (M, 2) pixels.
        colours: (M, 4) BGRA of the points.
    """
    for start, end, (blue, green, red, _) in zip(
        starts.tolist(), ends.tolist(), colours.tolist(), strict=True
    ):
        hue = translucent(QColor(red, green, blue).name(), 0.45)
        painter.setPen(pen(hue, 1.2))
        painter.drawLine(QLineF(QPointF(*start), QPointF(*end)))
        painter.setPen(pen(hue, 3.5))
        painter.drawPoint(QPointF(*start))
