"""Where the labels of points stand, so that none covers another, a point or an interval."""

from collections.abc import Sequence
from math import cos, pi, sin

from PySide6.QtCore import QPointF, QRectF

_ANGLES = (0.0, 1.0, 0.25, 0.75, 1.75, 1.25, 0.5, 1.5)
"""In units of π: right, left, up right, up left, down right, down left, above, below."""
_RINGS = (1.0, 1.8, 2.8, 4.0, 5.5)
_ROOM = 1.0


def placed_labels(
    labels: Sequence[tuple[QPointF, float, float]],
    blocked: Sequence[QRectF],
    area: QRectF,
    distance: float,
) -> list[QRectF | None]:
    """Place labels one after the other, each as near to its point as is free.

    Args:
        labels: (point, width, height) of each, the most important first; pixels.
        blocked: What no label may cover.
        area: What no label may leave.
        distance: From the point to its label at the nearest.

    Returns:
        A rectangle for each, None where there is no room.
    """
    taken = list(blocked)
    result: list[QRectF | None] = []
    for point, width, height in labels:
        found = next(
            (
                rect
                for ring in _RINGS
                for angle in _ANGLES
                if area.contains(rect := _rect(point, width, height, ring * distance, angle * pi))
                and not any(rect.intersects(other) for other in taken)
            ),
            None,
        )
        result.append(found)
        if found is not None:
            taken.append(found.adjusted(-_ROOM, -_ROOM, _ROOM, _ROOM))
    return result


def _rect(point: QPointF, width: float, height: float, away: float, angle: float) -> QRectF:
    """Return the rectangle whose nearest edge lies so far away in a direction."""
    x, y = point.x() + away * cos(angle), point.y() - away * sin(angle)
    left = x if cos(angle) > 0.1 else x - width if cos(angle) < -0.1 else x - width / 2
    top = y - height if sin(angle) > 0.1 else y if sin(angle) < -0.1 else y - height / 2
    return QRectF(left, top, width, height)
