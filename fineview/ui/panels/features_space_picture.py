"""The points of the map of texts: where they stand, how they move, what colours them."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QVariantAnimation, Slot
from PySide6.QtWidgets import QStyle, QVBoxLayout, QWidget

from fineview.core.data.task import SPLITS
from fineview.core.explore.space import SpacePoints
from fineview.ui.plots.scatter import ScatterPlot
from fineview.ui.session import Session

_MOTION_MS = 130


class SpacePicture(QWidget):
    """A scatter plot that knows the points' texts and colours.

    Attributes:
        scatter: The plot.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._points: SpacePoints | None = None
        self._painted = False
        self._from: NDArray[np.float32] | None = None
        self._target: NDArray[np.float32] | None = None
        self._axes: tuple[str, ...] = ()
        self.scatter = ScatterPlot("Map of texts")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.scatter)
        self._motion = QVariantAnimation(self)
        self._motion.setStartValue(0.0)
        self._motion.setEndValue(1.0)
        self._motion.setDuration(_MOTION_MS)
        self._motion.valueChanged.connect(self._on_motion)

    def show_points(self, points: SpacePoints) -> None:
        """Take other points; nothing is drawn until they are placed."""
        self._motion.stop()
        self._points, self._target, self._painted = points, None, False
        self.scatter.clear()

    def place(
        self, coordinates: NDArray[np.float32], axes: tuple[str, ...], *, move: bool = False
    ) -> None:
        """Put the points somewhere, (M, 2) or (M, 3); they glide there where that is wanted.

        A system that asks for less motion gets none.
        """
        before, self._target, self._axes = self._target, coordinates, axes
        self._motion.stop()
        still = self.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) == 0
        if not move or still or before is None or before.shape != coordinates.shape:
            self.scatter.set_points(coordinates, axes)
        else:
            self._from = before
            self._motion.start()
        self.scatter.set_stale(False)
        if not self._painted and self._points is not None:
            self._painted = True
            self.scatter.set_texts(self._points.texts)
            self.paint_points()

    @Slot(object)
    def _on_motion(self, share: float) -> None:
        if self._from is None or self._target is None or self._from.shape != self._target.shape:
            return
        between = self._from + np.float32(share) * (self._target - self._from)
        self.scatter.set_points(between, self._axes)

    def paint_points(self) -> None:
        """Colour the points by what the session says; by label where a run says nothing."""
        points, colour = self._points, self._session.state.space.colour
        if points is None or not self._painted:
            return
        if colour == "split":
            self.scatter.set_groups(points.splits.astype(np.int64), SPLITS)
        elif colour == "loss" and points.losses is not None:
            self.scatter.set_values(points.losses, "loss (nats)")
        elif colour == "prediction" and points.predictions is not None:
            self.scatter.set_groups(points.predictions, points.classes)
        elif points.label_kind == "number":
            self.scatter.set_values(points.labels, "label")
        else:
            self.scatter.set_groups(points.labels.astype(np.int64), points.classes)
