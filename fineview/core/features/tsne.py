"""t-SNE that shows every step and stops within one."""

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import JobCancelled
from fineview.core.features.frames import Show, Ticker, silent_show
from fineview.core.features.neighbours import nearest
from fineview.core.features.projection import principal
from fineview.core.progress import SILENT, Report

EXAGGERATED = 250
"""Iterations in which neighbours attract each other 12 times as much."""
ORDINARY = 500
WARM = 200
"""Iterations from a picture that is nearly right."""
_EXAGGERATION = 12.0
_FFT_FROM = 10_000
"""Points from which interpolation on a grid is faster than a tree; the grid has two dimensions."""


def usable_perplexity(wanted: float, points: int) -> float:
    """Return the perplexity that so many points allow: three times as many neighbours exist."""
    return max(1.0, min(wanted, (points - 1) / 3))


def tsne(
    features: NDArray[np.float32],
    dimensions: int = 2,
    perplexity: float = 30.0,
    distance: str = "cosine",
    seed: int = 0,
    warm: NDArray[np.floating] | None = None,
    show: Show = silent_show,
    report: Report = SILENT,
) -> NDArray[np.float32]:
    """Return a t-SNE embedding; on one machine the same arguments give the same bits.

    Args:
        features: (M, D), M >= 3, finite and not all equal.
        dimensions: k, 2 or 3.
        perplexity: Effective neighbours; lowered to (M − 1) / 3 where there are too few points.
        distance: `cosine` or `euclidean`.
        seed: Handed to openTSNE; the method itself draws nothing, as it begins at the principal
            components.
        warm: (M, k) embedding to go on from, with fewer iterations; None begins anew.
        show: Receives the coordinates while they move.
        report: Asked at every iteration.

    Returns:
        (M, k) float32.

    Raises:
        JobCancelled: Stop was pressed.

    Source:
        van der Maaten and Hinton 2008, JMLR 9, 2579–2605, by openTSNE (Poličar et al. 2024,
        Journal of Statistical Software 109): exact neighbours, first places from the principal
        components (Kobak and Berens 2019, Nature Communications 10:5416), learning rate
        M / exaggeration (Belkina et al. 2019, Nature Communications 10:5415).
    """
    from openTSNE import OptimizationInterrupt, TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    points = len(features)
    perplexity = usable_perplexity(perplexity, points)
    count = min(points - 1, int(3 * perplexity))
    report.progress(0, 0, "Finding the neighbours of every point")
    found, far = nearest(features, count, distance, report=report)
    affinities = PerplexityBasedNN(
        knn_index=PrecomputedNeighbors(found, far.astype(np.float64)),
        perplexity=perplexity,
        n_jobs=1,
        random_state=seed,
    )
    phases = [(WARM, 1.0)] if warm is not None else [(EXAGGERATED, _EXAGGERATION), (ORDINARY, 1.0)]
    start = _start(features, dimensions, report) if warm is None else np.array(warm, np.float64)
    embedding = TSNEEmbedding(start, affinities, n_jobs=1, random_state=seed)
    ticker = Ticker(show, report, sum(length for length, _ in phases), "t-SNE")
    cancelled: list[JobCancelled] = []

    def step(_: int, __: float, coordinates: NDArray[np.float64]) -> bool:
        try:
            ticker.tick(coordinates)
        except JobCancelled as stop:
            cancelled.append(stop)
        return bool(cancelled)

    method = "fft" if dimensions == 2 and points >= _FFT_FROM else "bh"
    try:
        for length, exaggeration in phases:
            embedding.optimize(
                length,
                inplace=True,
                propagate_exception=True,
                exaggeration=exaggeration,
                learning_rate=max(points / exaggeration, 1.0),
                negative_gradient_method=method,
                callbacks=[step],
                callbacks_every_iters=1,
            )
    except OptimizationInterrupt:
        raise cancelled[0] from None
    return np.array(embedding, dtype=np.float32)


def _start(features: NDArray[np.float32], dimensions: int, report: Report) -> NDArray[np.float64]:
    """Return the principal components so small that every point feels every other."""
    first = principal(features, dimensions, report).coordinates.astype(np.float64)
    return first * (1e-4 / max(float(first[:, 0].std()), 1e-300))
