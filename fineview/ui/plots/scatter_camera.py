"""From the coordinates of points to pixels: turning, fitting, panning, zooming. No Qt."""

from math import cos, sin

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.float64]

_LEAST_ZOOM, _MOST_ZOOM = 0.2, 400.0
_AIR = 1.08
_MOST_TILT = 1.55


class Camera:
    """Looks at points; both axes share one scale, so distances on the screen do not lie.

    Attributes:
        zoom: 1 shows all points.
        turn: Rotation around the vertical axis, radians.
        tilt: Rotation around the horizontal axis, radians.
    """

    def __init__(self) -> None:
        self.zoom = 1.0
        self.turn = 0.0
        self.tilt = 0.0
        self._pan = np.zeros(2)
        self._middle = np.zeros(3)
        self._reach = np.ones(2)
        self._radius = 1.0

    def look_at(self, coordinates: NDArray[np.float32]) -> None:
        """Take in what is to fit.

        Args:
            coordinates: (M, 2|3), finite.
        """
        if not len(coordinates):
            return
        low = coordinates.min(axis=0).astype(np.float64)
        high = coordinates.max(axis=0).astype(np.float64)
        self._middle = np.zeros(3)
        self._middle[: len(low)] = (low + high) / 2
        self._reach = np.maximum((high - low)[:2], 1e-9)
        if len(low) == 3:
            # Whatever way it is turned, a ball of this size holds all.
            apart = coordinates - self._middle
            self._radius = max(float(np.sqrt((apart**2).sum(axis=1)).max()), 1e-9)
            self._reach = np.full(2, 2 * self._radius)

    def fit(self) -> None:
        """Show all points."""
        self.zoom = 1.0
        self._pan = np.zeros(2)

    def rotation(self) -> Places:
        """Return the (3, 3) orthogonal matrix that turns the points; rows are screen axes."""
        a, b = self.turn, self.tilt
        around_y = np.array([[cos(a), 0, sin(a)], [0, 1, 0], [-sin(a), 0, cos(a)]])
        around_x = np.array([[1, 0, 0], [0, cos(b), -sin(b)], [0, sin(b), cos(b)]])
        turned: Places = around_x @ around_y
        return turned

    def rotate(self, turn: float, tilt: float) -> None:
        """Turn by radians."""
        self.turn += turn
        self.tilt = min(max(self.tilt + tilt, -_MOST_TILT), _MOST_TILT)

    def scale(self, width: float, height: float) -> float:
        """Return pixels per unit, the same along both axes."""
        room = min(width / self._reach[0], height / self._reach[1])
        return float(max(room, 1e-12) / _AIR * self.zoom)

    def project(
        self, coordinates: NDArray[np.float32], width: float, height: float
    ) -> tuple[Places, NDArray[np.float64]]:
        """Return where points stand on an area.

        Args:
            coordinates: (M, 2|3).
            width: Of the area, pixels.
            height: Of the area, pixels.

        Returns:
            (M, 2) pixels from the upper left corner, and (M,) depths: −1 far … 1 near, 0 in 2-D.
        """
        size = coordinates.shape[1]
        apart = coordinates.astype(np.float64) - self._middle[:size]
        depth = np.zeros(len(apart))
        if size == 3:
            apart = apart @ self.rotation().T
            depth = apart[:, 2] / self._radius
        flat = apart[:, :2] * self.scale(width, height) * (1, -1)
        return flat + self._pan + (width / 2, height / 2), depth

    def pan(self, x: float, y: float) -> None:
        """Move by pixels."""
        self._pan = self._pan + np.array([x, y])

    def zoom_at(self, factor: float, x: float, y: float) -> None:
        """Zoom; what is (x, y) pixels from the middle of the area stays there."""
        new = min(max(self.zoom * factor, _LEAST_ZOOM), _MOST_ZOOM)
        real = new / self.zoom
        self._pan = np.array([x, y]) - (np.array([x, y]) - self._pan) * real
        self.zoom = new

    def value_at(self, pixel: float, axis: int, width: float, height: float) -> float:
        """Return the coordinate at a pixel of the area; 2-D only."""
        scale = self.scale(width, height)
        off = pixel - (width, height)[axis] / 2 - float(self._pan[axis])
        return float(self._middle[axis] + (off if axis == 0 else -off) / scale)


def inside_polygon(places: Places, corners: Places) -> NDArray[np.bool_]:
    """Return which points lie within a closed polygon, by the even-odd rule.

    Args:
        places: (M, 2).
        corners: (K, 2); the last corner is joined to the first.

    Source:
        Shimrat 1962, "Algorithm 112: position of point relative to polygon", CACM 5(8).
    """
    x, y = places[:, 0], places[:, 1]
    inside = np.zeros(len(places), dtype=bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 == y2:
            continue
        crosses = (y1 > y) != (y2 > y)
        inside ^= crosses & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside
