"""What the map of texts shows: points, their places, numbers of the space. Light to import."""

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import LabelKind, Level
from fineview.core.explore.choices import Projection


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpacePoints:
    """Everything about the points of a map but where they stand.

    Attributes:
        items: (M,) items of the task, ascending.
        texts: M texts as a person reads them; a word stands in «» within its sentence.
        labels: (M,) int64 class indices, or float64 numbers.
        label_kind: What `labels` holds.
        classes: Class names in index order; empty for numbers.
        splits: (M,) index of each item's split in `SPLITS`; the first split that has it.
        predictions: (M,) class that the run on display gives each item; -1 where it says nothing.
            None without a run that fits the task.
        losses: (M,) −ln of the probability the run gives the true class, in nats; NaN where it says
            nothing.
        run_title: Name of that run, or "".
        task_items: N, all items of the task; some may stand in no split.
        run_note: Why a run that was asked for colours nothing, or "".
        total: Items of the task that could be drawn; more than M where they were sampled.
        truncated: Texts that were cut at the maximum length.
        dropped_words: Words that could be drawn but have no hidden state: cut off, or beyond the
            cap.
        depth: L, blocks of the encoder.
        level: What a point is.
    """

    items: NDArray[np.int64]
    texts: tuple[str, ...]
    labels: NDArray[np.int64] | NDArray[np.float64]
    label_kind: LabelKind
    classes: tuple[str, ...]
    splits: NDArray[np.int8]
    predictions: NDArray[np.int64] | None
    losses: NDArray[np.float32] | None
    run_title: str
    total: int
    truncated: int
    dropped_words: int
    depth: int
    level: Level
    task_items: int = 0
    run_note: str = ""

    def __len__(self) -> int:
        """Return M."""
        return len(self.items)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Projected:
    """Where the points stand; t-SNE and UMAP publish one after another.

    Attributes:
        coordinates: (M, 2) or (M, 3).
        axes: A name for each axis.
        iteration: Iterations done; 0 for PCA.
        iterations: Iterations in all; 0 for PCA.
        layer: Layer that is drawn; -1: the chosen pooling.
        note: What a reader must know of this picture, or "".
    """

    coordinates: NDArray[np.float32]
    axes: tuple[str, ...]
    iteration: int
    iterations: int
    layer: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of a space.

    Attributes:
        name: What was measured.
        value: The number; None where it has no meaning here.
        low: Lower end of the 95 % interval, or None.
        high: Upper end, or None.
        baseline: What to compare with.
        meaning: One line for a newcomer.
        note: Why there is no value, or what it was measured on.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    baseline: str
    meaning: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerFigures:
    """Numbers of every layer.

    Attributes:
        separation: (L+1,) share of the variance that lies between the classes, 0 … 1; NaN for
            number labels.
        preservation: (L+1,) share of the nearest neighbours that the layer above keeps, 0 … 1; NaN
            for the last layer, which has none above.
        meaning_separation: One line, with the baseline.
        meaning_preservation: One line, with the baseline.
    """

    separation: NDArray[np.float64]
    preservation: NDArray[np.float64]
    meaning_separation: str
    meaning_preservation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A near point.

    Attributes:
        point: Its index among the points.
        distance: 1 − cosine (0 … 2), or Euclidean.
    """

    point: int
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scrubbed:
    """The same points at every layer, turned so that they do not jump.

    Attributes:
        coordinates: (L+1, M, k), k of 2 or 3; each layer is centred and has the same spread.
        axes: A name for each axis.
        note: What a reader must know of these pictures.
    """

    coordinates: NDArray[np.float32]
    axes: tuple[str, ...]
    note: str


def projections() -> tuple[Projection, ...]:
    """Return the projections that this installation has; imports none of them."""
    return ("pca", "tsne", "umap") if find_spec("umap") else ("pca", "tsne")
