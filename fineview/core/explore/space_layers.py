"""The same points at every layer, turned so that clusters do not flip."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fineview.core.explore.choices import SpaceChoice
from fineview.core.explore.space import Scrubbed
from fineview.core.features.alignment import aligned
from fineview.core.features.projection import Principal, check_points, principal
from fineview.core.features.tsne import tsne, usable_perplexity
from fineview.core.progress import Relay, Report

Layer = Callable[[int, Report], NDArray[np.float32]]
"""Returns the features of a layer, (M, D)."""
_TITLES = {"pca": "PC", "tsne": "t-SNE", "umap": "UMAP"}


def principal_axes(found: Principal) -> tuple[str, ...]:
    """Return what the axes of principal components are called."""
    return tuple(
        f"PC {number} ({100 * share:.3g} % of the variance)"
        for number, share in enumerate(found.shares, start=1)
    )


def axes_of(choice: SpaceChoice) -> tuple[str, ...]:
    """Return what the axes of a method are called."""
    return tuple(f"{_TITLES[choice.method]} {n}" for n in range(1, choice.dimensions + 1))


def method_note(choice: SpaceChoice, points: int) -> str:
    """Return what a reader must know of a picture made by a method."""
    if choice.method == "pca":
        return ""
    note = (
        f"{_TITLES[choice.method]} keeps near texts near (by {choice.distance} distance); "
        f"distances between far groups mean nothing."
    )
    usable = usable_perplexity(choice.perplexity, points)
    if choice.method == "tsne" and usable < choice.perplexity:
        note += f" Perplexity {usable:.3g}: {points} points allow no more."
    return note


def scrubbed(layer: Layer, depth: int, choice: SpaceChoice, what: str, report: Report) -> Scrubbed:
    """Project every layer, from the last one down, each turned onto the one above it.

    A layer where all points are equal stands in one place, as it is.

    Args:
        layer: Reads a layer.
        depth: L.
        choice: `tsne` goes on from the aligned layer above; anything else is PCA.
        what: What the points are, for messages.
        report: Progress counts layers.

    Raises:
        DataError: The last layer cannot be drawn, or a layer holds what is not a number.
        JobCancelled: Stop was pressed.
    """
    above: NDArray[np.float64] | None = None
    places: list[NDArray[np.float64]] = []
    for number in range(depth, -1, -1):
        report.check()
        report.progress(depth - number, depth + 1, f"Layer {number}")
        features = layer(number, report)
        if above is not None and _all_equal(features):
            places.append(np.zeros_like(above))
            continue
        check_points(features, what)
        flat = _flat(features, above, choice, report)
        flat -= flat.mean(axis=0)
        if above is not None:
            flat = aligned(flat, above)
        above = flat
        places.append(flat)
    report.progress(depth + 1, depth + 1, "Every layer")
    stacked = np.stack([_same_spread(one) for one in reversed(places)]).astype(np.float32)
    kind = "t-SNE" if choice.method == "tsne" else "PCA"
    return Scrubbed(
        coordinates=stacked,
        axes=tuple(f"{kind} of each layer, axis {n}" for n in range(1, choice.dimensions + 1)),
        note=f"{kind} of each layer, turned onto the layer above it and brought to the same "
        f"spread: what moves is how texts lie to each other.",
    )


def _flat(
    features: NDArray[np.float32],
    above: NDArray[np.float64] | None,
    choice: SpaceChoice,
    report: Report,
) -> NDArray[np.float64]:
    if choice.method == "tsne":
        coordinates = tsne(
            features,
            choice.dimensions,
            choice.perplexity,
            choice.distance,
            choice.seed,
            warm=above,
            report=_Within(report),
        )
    else:
        coordinates = principal(features, choice.dimensions, report).coordinates
    return coordinates.astype(np.float64)


class _Within(Relay):
    """A report of one layer: it stops, but how far the layer is helps nobody."""

    def publish(self, event: object) -> None:
        """Drop the event."""

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Drop the figures."""


def _all_equal(features: NDArray[np.float32]) -> bool:
    return bool((features.min(axis=0) == features.max(axis=0)).all())


def _same_spread(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return centred points at root mean square distance 1 from their middle."""
    spread = np.sqrt(np.einsum("mk,mk->", coordinates, coordinates) / len(coordinates))
    scaled: NDArray[np.float64] = coordinates / (spread if spread > 0 else 1)
    return scaled
