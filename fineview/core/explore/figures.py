"""The numbers of a space, with their baselines and what they mean."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import ITEM_NAMES, SPLITS
from fineview.core.errors import DataError
from fineview.core.explore.choices import SpaceChoice
from fineview.core.explore.space import Figure, LayerFigures, SpacePoints
from fineview.core.features.measures import (
    class_separation,
    effective_rank,
    isotropy,
    knn_right,
    majority_share,
    neighbours_kept,
    silhouette,
)
from fineview.core.features.neighbours import nearest
from fineview.core.progress import Report

FOLDS = 5
NEIGHBOURS = 10
_SAMPLE = 2_000
"""Points that are measured where the cost grows with their square."""
_TRAIN = SPLITS.index("train")
_NUMBERS = "Labels are numbers; this asks for classes."
_MEANINGS = {
    "Probe accuracy": "How often a linear classifier on these features is right.",
    "Silhouette": "How much nearer texts of the same class lie than those of the next class.",
    "kNN accuracy": f"How often most of the {NEIGHBOURS} nearest texts have the same label.",
    "Isotropy": "How evenly the vectors spread over all directions: 1 − mean cosine of pairs.",
    "Effective rank": "How many directions the features really use.",
}


def space_figures(
    features: NDArray[np.float32],
    points: SpacePoints,
    groups: NDArray[np.int64] | None,
    choice: SpaceChoice,
    report: Report,
) -> tuple[Figure, ...]:
    """Measure a space.

    What reads labels reads those of the training split only, so that a layer chosen by these
    numbers was not chosen on the texts that later judge it.

    Args:
        features: (M, D), checked.
        points: M points.
        groups: (M,) sentence of each word, which folds do not divide; None for texts.
        choice: Distance and seed.
        report: Progress counts numbers.
    """
    rows = _sample(np.flatnonzero(points.splits == _TRAIN), choice.seed)
    labelled = _Labelled(features, points, rows, groups, choice, report)
    makers: tuple[Callable[[], Figure], ...] = (
        labelled.probe,
        labelled.silhouette,
        labelled.knn,
        lambda: _isotropy(features),
        lambda: _rank(features, report),
    )
    figures = []
    for done, (name, make) in enumerate(zip(_MEANINGS, makers, strict=True)):
        report.check()
        report.progress(done, len(makers), name)
        figures.append(make())
    report.progress(len(makers), len(makers), "Measured")
    return tuple(figures)


class _Labelled:
    """Numbers that read labels, all on the same training points."""

    def __init__(
        self,
        features: NDArray[np.float32],
        points: SpacePoints,
        rows: NDArray[np.int64],
        groups: NDArray[np.int64] | None,
        choice: SpaceChoice,
        report: Report,
    ) -> None:
        self._classes = points.label_kind == "class"
        self._features = features[rows]
        self._labels = points.labels[rows].astype(np.int64) if self._classes else None
        self._groups = None if groups is None else groups[rows]
        self._choice = choice
        self._report = report
        drawn = int(np.count_nonzero(points.splits == _TRAIN))
        of = f" of {drawn:,}" if drawn > len(rows) else ""
        self._note = f"On {len(rows):,}{of} drawn training {ITEM_NAMES[points.level]}."

    def probe(self) -> Figure:
        from fineview.core.features.probes import make_folds, solve_probe
        from fineview.core.training.metrics import wilson

        if self._labels is None:
            return _none("Probe accuracy", _NUMBERS)
        try:
            folds = make_folds(self._labels, FOLDS, self._choice.seed, self._groups)
        except DataError as error:
            return _none("Probe accuracy", str(error))
        solved = solve_probe(self._features, self._labels, folds, report=self._report)
        right = int((solved.probabilities.argmax(axis=1) == self._labels).sum())
        low, high = wilson(right, len(self._labels))
        return _figure(
            "Probe accuracy",
            right / len(self._labels),
            self._majority,
            f"{folds.count}-fold. {self._note}",
            (low, high),
        )

    def silhouette(self) -> Figure:
        if self._labels is None:
            return _none("Silhouette", _NUMBERS)
        classes = np.count_nonzero(np.bincount(self._labels)) if len(self._labels) else 0
        if not 2 <= classes < len(self._labels):
            return _none("Silhouette", "It needs two classes, and more rows than classes.")
        value = silhouette(self._features, self._labels, self._choice.distance, self._report)
        return _figure(
            "Silhouette",
            value,
            "−1 … 1; 0: classes overlap, 1: classes far apart",
            f"{self._choice.distance.capitalize()} distance. {self._note}",
        )

    def knn(self) -> Figure:
        from fineview.core.training.metrics import wilson

        if self._labels is None:
            return _none("kNN accuracy", _NUMBERS)
        if len(self._labels) <= NEIGHBOURS:
            return _none("kNN accuracy", f"It needs more than {NEIGHBOURS} training rows.")
        found, _ = nearest(self._features, NEIGHBOURS, self._choice.distance, report=self._report)
        right = knn_right(found, self._labels)
        return _figure(
            "kNN accuracy",
            right / len(self._labels),
            self._majority,
            f"Leave-one-out, {self._choice.distance} distance. {self._note}",
            wilson(right, len(self._labels)),
        )

    @property
    def _majority(self) -> str:
        assert self._labels is not None
        return f"always the commonest class: {majority_share(self._labels):.3g}"


def figures_of_layers(
    layer: Callable[[int, Report], NDArray[np.float32]],
    points: SpacePoints,
    choice: SpaceChoice,
    report: Report,
) -> LayerFigures:
    """Measure every layer, from the last one down.

    Class separation reads training labels only. Neighbours are looked up among all points, for at
    most 2,000 of them.

    Args:
        layer: Reads a layer, (M, D).
        points: M points.
        choice: Distance and seed.
        report: Progress counts layers.
    """
    depth = points.depth
    separation = np.full(depth + 1, np.nan)
    kept = np.full(depth + 1, np.nan)
    train = np.flatnonzero(points.splits == _TRAIN)
    labels = points.labels[train].astype(np.int64)
    classes = np.count_nonzero(np.bincount(labels)) if points.label_kind == "class" else 0
    asked = _sample(np.arange(len(points), dtype=np.int64), choice.seed)
    count = min(NEIGHBOURS, len(points) - 1)
    above: NDArray[np.int64] | None = None
    for number in range(depth, -1, -1):
        report.check()
        report.progress(depth - number, depth + 1, f"Layer {number}")
        features = layer(number, report)
        if classes >= 2:
            separation[number] = class_separation(features[train], labels, choice.distance, report)
        if count >= 1:
            found, _ = nearest(features, count, choice.distance, asked, report)
            if above is not None:
                kept[number] = neighbours_kept(found, above)
            above = found
    report.progress(depth + 1, depth + 1, "Every layer")
    chance = (classes - 1) / (len(train) - 1) if classes >= 2 and len(train) > 1 else 0
    return LayerFigures(
        separation=separation,
        preservation=kept,
        meaning_separation=_NUMBERS
        if points.label_kind != "class"
        else f"Share of the variance that lies between the classes, on {len(train):,} training "
        f"{ITEM_NAMES[points.level]}; shuffled labels give {chance:.2g}.",
        meaning_preservation=f"Share of the {count} nearest neighbours that the next layer keeps; "
        f"by chance {count / max(len(points) - 1, 1):.2g}.",
    )


def _isotropy(features: NDArray[np.float32]) -> Figure:
    if np.count_nonzero(np.any(features != 0, axis=1)) < 2:
        return _none("Isotropy", "Fewer than two vectors have a direction.")
    return _figure(
        "Isotropy",
        isotropy(features),
        "0: all point the same way; 1: evenly spread",
        f"On all {len(features):,} points.",
    )


def _rank(features: NDArray[np.float32], report: Report) -> Figure:
    most = min(len(features) - 1, features.shape[1])
    return _figure(
        "Effective rank",
        effective_rank(features, report),
        f"1 … {most:,}, the most that {len(features):,} points in {features.shape[1]:,} "
        f"dimensions can use",
        f"On all {len(features):,} points.",
    )


def _figure(
    name: str,
    value: float,
    baseline: str,
    note: str,
    interval: tuple[float, float] | tuple[None, None] = (None, None),
) -> Figure:
    return Figure(
        name=name,
        value=value,
        low=interval[0],
        high=interval[1],
        baseline=baseline,
        meaning=_MEANINGS[name],
        note=note,
    )


def _none(name: str, why: str) -> Figure:
    return Figure(
        name=name, value=None, low=None, high=None, baseline="", meaning=_MEANINGS[name], note=why
    )


def _sample(rows: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    if len(rows) <= _SAMPLE:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, _SAMPLE, replace=False))
