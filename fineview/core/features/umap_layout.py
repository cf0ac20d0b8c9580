"""UMAP that shows its steps and can be stopped; an extra that need not be installed."""

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import ConfigError
from fineview.core.features.frames import Show, Ticker, silent_show
from fineview.core.features.neighbours import nearest
from fineview.core.features.projection import principal
from fineview.core.progress import SILENT, Report

EPOCHS = 300
_MIN_DISTANCE = 0.1
_LOOK_S = 0.05


class _Line:
    """The file that tqdm writes its bar to: the only place where umap lets anybody in."""

    def __init__(self, ticker: Ticker, embedding: NDArray[np.float32]) -> None:
        self._ticker = ticker
        self._embedding = embedding

    def write(self, text: str) -> int:
        """Take the number of epochs, which is all that the bar says."""
        if text.strip().isdigit():
            self._ticker.tick(self._embedding, int(text))
        return len(text)

    def flush(self) -> None:
        """Hold nothing back."""


def umap_layout(
    features: NDArray[np.float32],
    dimensions: int = 2,
    neighbours: int = 15,
    distance: str = "cosine",
    seed: int = 0,
    show: Show = silent_show,
    report: Report = SILENT,
) -> NDArray[np.float32]:
    """Return a UMAP embedding; on one machine the same arguments give the same bits.

    Args:
        features: (M, D), M >= 3, finite and not all equal.
        dimensions: k, 2 or 3.
        neighbours: Neighbours of a point; lowered to M − 1 where there are too few points.
        distance: `cosine` or `euclidean`.
        seed: Draws the repelling pairs.
        show: Receives the coordinates while they move.
        report: Asked about every 50 ms; a single epoch is not interrupted.

    Returns:
        (M, k) float32.

    Raises:
        ConfigError: umap-learn is not installed.
        JobCancelled: Stop was pressed.

    Source:
        McInnes, Healy and Melville 2018, arXiv:1802.03426, by umap-learn, on exact neighbours and
        from the principal components.
    """
    if find_spec("umap") is None:
        raise ConfigError(
            "UMAP is not installed: install the package umap-learn (the extra fineview[umap]), or "
            "choose PCA or t-SNE.",
            "method",
        )
    from umap.layouts import optimize_layout_euclidean
    from umap.umap_ import find_ab_params, fuzzy_simplicial_set, make_epochs_per_sample

    count = max(1, min(neighbours, len(features) - 1))
    report.progress(0, 0, "Finding the neighbours of every point")
    found, far = nearest(features, count, distance, report=report)
    # umap counts a point as its own first neighbour.
    own = np.arange(len(features), dtype=np.int64)[:, None]
    random = np.random.RandomState(seed)
    graph = fuzzy_simplicial_set(
        features,
        count + 1,
        random,
        distance,
        knn_indices=np.concatenate([own, found], axis=1),
        knn_dists=np.pad(far, ((0, 0), (1, 0))),
    )[0].tocoo()
    graph.sum_duplicates()
    graph.data[graph.data < graph.data.max() / EPOCHS] = 0
    graph.eliminate_zeros()
    a, b = find_ab_params(1.0, _MIN_DISTANCE)
    embedding = _start(features, dimensions, report)
    limits = np.iinfo(np.int32)
    optimize_layout_euclidean(
        embedding,
        embedding,
        graph.row,
        graph.col,
        EPOCHS,
        graph.shape[1],
        make_epochs_per_sample(graph.data, EPOCHS),
        a,
        b,
        random.randint(limits.min + 1, limits.max - 1, 3).astype(np.int64),
        tqdm_kwds={
            "disable": False,
            "file": _Line(Ticker(show, report, EPOCHS, "UMAP"), embedding),
            "bar_format": "{n}",
            "mininterval": _LOOK_S,
            "miniters": 1,
        },
        move_other=True,
    )
    return embedding


def _start(features: NDArray[np.float32], dimensions: int, report: Report) -> NDArray[np.float32]:
    first = principal(features, dimensions, report).coordinates
    spread = first.max(axis=0) - first.min(axis=0)
    scaled = 10 * (first - first.min(axis=0)) / np.where(spread > 0, spread, 1)
    return np.ascontiguousarray(scaled, dtype=np.float32)
