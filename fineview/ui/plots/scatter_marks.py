"""Markers of a scatter plot: outlines for files, small masks for the screen."""

from collections.abc import Sequence
from functools import lru_cache
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPolygonF

from fineview.ui.theme import CATEGORY_COLOURS, theme_colours, translucent
from fineview.ui.widgets.painting import pen

SHAPES = ("circle", "square", "triangle", "diamond", "plus", "cross", "star", "down")
_PLUS = 0.34


def shape_of(group: int) -> str:
    """Return the marker of a group: another one each time the colours come round again."""
    return SHAPES[(group // len(CATEGORY_COLOURS)) % len(SHAPES)]


def marker_radius(count: int) -> float:
    """Return half the extent of a marker, pixels: of many points each is drawn smaller."""
    return float(np.clip(9.0 - 1.6 * np.log10(max(count, 1)), 2.6, 5.0))


def outline(shape: str, radius: float) -> QPainterPath:
    """Return a marker around the origin.

    Args:
        shape: One of `SHAPES`.
        radius: Half its extent, pixels.
    """
    path = QPainterPath()
    if shape == "circle":
        path.addEllipse(QPointF(0, 0), radius, radius)
        return path
    corners = [QPointF(x * radius, y * radius) for x, y in _corners(shape)]
    path.addPolygon(QPolygonF(corners))
    path.closeSubpath()
    return path


def _corners(shape: str) -> list[tuple[float, float]]:
    a, b = _PLUS, 1.1
    plus = [(-a, -b), (a, -b), (a, -a), (b, -a), (b, a), (a, a), (a, b), (-a, b), (-a, a), (-b, a),
            (-b, -a), (-a, -a)]  # fmt: skip
    if shape == "square":
        return [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]
    if shape == "triangle":
        return [(0, -1.15), (1.05, 0.85), (-1.05, 0.85)]
    if shape == "down":
        return [(0, 1.15), (1.05, -0.85), (-1.05, -0.85)]
    if shape == "diamond":
        return [(0, -1.25), (1.0, 0), (0, 1.25), (-1.0, 0)]
    if shape == "plus":
        return plus
    if shape == "cross":
        half = cos(pi / 4)
        return [((x - y) * half, (x + y) * half) for x, y in plus]
    points = []
    for corner in range(10):
        angle = -pi / 2 + corner * pi / 5
        length = 1.3 if corner % 2 == 0 else 0.55
        points.append((length * cos(angle), length * sin(angle)))
    return points


@lru_cache(maxsize=512)
def mask(shape: str, radius: float) -> NDArray[np.float32]:
    """Return (S, S) coverage in 0 … 1 of a marker in the middle of a square of pixels; S is odd."""
    side = 2 * int(np.ceil(radius * 1.35)) + 1
    image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(side / 2, side / 2)
    painter.fillPath(outline(shape, radius), QColor("#ffffff"))
    painter.end()
    pixels = np.frombuffer(image.constBits(), dtype=np.uint8).reshape(side, -1, 4)
    covered: NDArray[np.float32] = np.zeros((side, side), dtype=np.float32)
    np.divide(pixels[:, :side, 3], 255, out=covered)
    covered.setflags(write=False)
    return covered


def stamp(
    pixels: NDArray[np.uint8],
    places: NDArray[np.float64],
    colours: NDArray[np.uint8],
    covered: NDArray[np.float32],
) -> None:
    """Draw one marker many times into a picture; later ones lie above earlier ones.

    A marker takes whole pixels, which is what makes 20,000 of them cheap: two indexed writes
    stand in for as many calls of a painter.

    Args:
        pixels: (H, W, 4) BGRA, changed in place.
        places: (M, 2) x and y of the centres, pixels.
        colours: (M, 4) BGRA, opaque.
        covered: (S, S) from `mask`.
    """
    height, width = pixels.shape[:2]
    reach = covered.shape[0] // 2
    at = np.floor(places).astype(np.int64)
    inside = (at >= reach).all(axis=1) & (at[:, 0] < width - reach) & (at[:, 1] < height - reach)
    at, colours = at[inside], colours[inside]
    base = at[:, 1] * width + at[:, 0]
    flat = pixels.reshape(-1, 4)
    for rim in (True, False):
        rows, columns = np.nonzero((covered > 0.04) & ((covered < 0.96) == rim))
        if not rows.size or not base.size:
            continue
        target = (base[:, None] + (rows - reach) * width + (columns - reach)).ravel()
        if rim:
            share = np.tile(covered[rows, columns], len(base))[:, None]
            ink = np.repeat(colours, rows.size, axis=0).astype(np.float32)
            ground = flat[target].astype(np.float32)
            flat[target] = (ground + (ink - ground) * share).astype(np.uint8)
        else:
            words = flat.view(np.uint32).reshape(-1)
            words[target] = np.repeat(np.ascontiguousarray(colours).view(np.uint32), rows.size)


def ring(painter: QPainter, at: QPointF) -> None:
    """Mark the point under the mouse or the keyboard's cursor."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(theme_colours().text, 2))
    painter.drawEllipse(at, 8, 8)


def trail(painter: QPainter, places: Sequence[QPointF], *, rectangle: bool) -> None:
    """Draw the outline that a drag has made so far: its own, or that of a rectangle."""
    colours = theme_colours()
    painter.setPen(pen(colours.accent, 1.5))
    painter.setBrush(translucent(colours.accent, 0.12))
    if rectangle:
        painter.drawRect(QRectF(places[0], places[-1]).normalized())
    else:
        painter.drawPolygon(QPolygonF(list(places)))
