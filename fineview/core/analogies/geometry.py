"""Pictures of vectors whose numbers are those of the vectors, not of the picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.vectors import WordVectors
from fineview.core.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Parallelogram:
    """a, b, c, the sum c − a + b, and an answer, in the plane that holds their differences best.

    Lengths and angles are those of the D-dimensional vectors.

    Attributes:
        words: a, b, c and the answer.
        points: (5, 2) places in the plane of a, b, c, the sum, the answer; around their mean.
        held: Share of the points' squared distances from their mean that the plane holds, 0 … 1.
        held_each: (5,) the same for each point; 1 where a point lies in the mean itself.
        first_length: |b − a|.
        second_length: |answer − c|.
        angle: Between b − a and answer − c, in degrees.
        residual: |answer − (c − a + b)|.
        residual_share: The residual over |b − a|; 0 where the answer is the sum itself.
        cosine: Of the answer with the sum.
        unit: Whether all words were taken at length 1.
    """

    words: tuple[str, str, str, str]
    points: NDArray[np.float64]
    held: float
    held_each: NDArray[np.float64]
    first_length: float
    second_length: float
    angle: float
    residual: float
    residual_share: float
    cosine: float
    unit: bool


def parallelogram(
    vectors: WordVectors, words: tuple[str, str, str, str], *, unit: bool = True
) -> Parallelogram:
    """Lay out an analogy and its answer.

    Args:
        vectors: The table; it has all words.
        words: a, b, c, and an answer.
        unit: Whether every word is taken at length 1, as the methods that use cosines do.

    Raises:
        DataError: All points lie in one.

    Source:
        The plane: the first two principal directions of the five points, Pearson 1901,
        Philosophical Magazine 2, 559–572.
    """
    rows = [vectors.index[word] for word in words]
    known = vectors.units[rows].astype(np.float64)
    if not unit:
        known *= vectors.lengths[rows].astype(np.float64)[:, None]
    a, b, c, answer = known
    goal = c - a + b
    every = np.stack([a, b, c, goal, answer])
    centred = every - every.mean(0)
    plane = _plane(centred)
    points = centred @ plane.T
    # The offset b − a points to the right, and the answer's side lies above.
    points = _turned(points)
    squares, kept = (centred**2).sum(1), (points**2).sum(1)
    first, second = b - a, answer - c
    return Parallelogram(
        words=words,
        points=points,
        held=float(kept.sum() / squares.sum()),
        held_each=np.divide(kept, squares, out=np.ones(5), where=squares > 1e-18),
        first_length=float(np.linalg.norm(first)),
        second_length=float(np.linalg.norm(second)),
        angle=angle(first, second),
        residual=float(np.linalg.norm(answer - goal)),
        residual_share=_share(float(np.linalg.norm(answer - goal)), float(np.linalg.norm(first))),
        cosine=_cosine(answer, goal),
        unit=unit,
    )


def _plane(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (2, D) orthonormal directions."""
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    if sizes[0] < 1e-9:
        raise DataError("All these words have the same vector: there is nothing to draw.")
    found = directions[:2]
    if len(found) == 1:  # D = 1
        found = np.vstack([found, np.zeros_like(found)])
    plane: NDArray[np.float64] = found
    return plane


def _turned(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn and mirror places so that a → b points right and a → c up."""
    x, y = points[1] - points[0]
    size = float(np.hypot(x, y))
    if size > 1e-12:
        turn = np.array([[x, y], [-y, x]]) / size
        points = points @ turn.T
    if points[2, 1] < points[0, 1]:
        points = points * np.array([1.0, -1.0])
    found: NDArray[np.float64] = points
    return found


def angle(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the angle between two vectors in degrees; 0 where one of them is 0."""
    return float(np.degrees(np.arccos(np.clip(_cosine(one, other), -1, 1))))


def _cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size > 0 else 1.0


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Offsets:
    """The offsets of many pairs, and whether they are one direction.

    Attributes:
        pairs: P pairs (a, b).
        starts: (P, 2) places of a in the plane that holds the offsets best.
        ends: (P, 2) places of b.
        mean: (2,) mean offset in the plane.
        held: Share of the offsets' squared lengths that the plane holds.
        cosines: (P,) of each offset with the mean of the others.
        coherence: Mean of those: 1 where all offsets point one way, 0 where none helps another.
        mean_length: |mean offset| over the mean of the offsets' lengths.
    """

    pairs: tuple[tuple[str, str], ...]
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    mean: NDArray[np.float64]
    held: float
    cosines: NDArray[np.float64]
    coherence: float
    mean_length: float


def offsets(vectors: WordVectors, pairs: Sequence[tuple[str, str]]) -> Offsets:
    """Compare the offsets b − a of pairs, words at length 1.

    Args:
        vectors: The table; it has all words.
        pairs: P >= 2, each of two different words.

    Raises:
        DataError: There are too few, or the words of a pair have one vector.
    """
    if len(pairs) < 2:
        raise DataError("One pair has one direction: give at least two pairs.")
    first, second = (
        vectors.units[[vectors.index[pair[side]] for pair in pairs]].astype(np.float64)
        for side in (0, 1)
    )
    found = second - first
    lengths = np.linalg.norm(found, axis=1)
    if (lengths < 1e-9).any():
        a, b = pairs[int(lengths.argmin())]
        raise DataError(f"{a!r} and {b!r} have the same vector: take this pair away.")
    total = found.sum(0)
    others = (total - found) / (len(pairs) - 1)
    cosines = np.array([_cosine(one, other) for one, other in zip(found, others, strict=True)])
    # Across: the mean offset; upwards: what the starts differ in most besides it.
    across = total / max(float(np.linalg.norm(total)), 1e-12)
    centred = first - first.mean(0)
    rest = centred - np.outer(centred @ across, across)
    upwards = np.linalg.svd(rest, full_matrices=False)[2][0]
    upwards = upwards - (upwards @ across) * across
    upwards /= max(float(np.linalg.norm(upwards)), 1e-12)
    plane = np.stack([across, upwards])
    middle = first.mean(0)
    flat = found @ plane.T
    return Offsets(
        pairs=tuple(pairs),
        starts=(first - middle) @ plane.T,
        ends=(second - middle) @ plane.T,
        mean=(total / len(pairs)) @ plane.T,
        held=float((flat**2).sum() / (found**2).sum()),
        cosines=cosines,
        coherence=float(cosines.mean()),
        mean_length=float(np.linalg.norm(total / len(pairs)) / lengths.mean()),
    )


@dataclass(frozen=True, slots=True)
class Axis:
    """A direction of one's own: from some words to others.

    Attributes:
        low: Words at its left or lower end; at least one.
        high: Words at its other end.
    """

    low: tuple[str, ...]
    high: tuple[str, ...]

    @property
    def title(self) -> str:
        """The axis in words."""
        return f"{', '.join(self.low)} – {', '.join(self.high)}"


def along(vectors: WordVectors, axis: Axis, words: Sequence[str]) -> NDArray[np.float64]:
    """Return where words lie on an axis, (n,): −1 … 1.

    A place is the cosine of the word with the direction from the mean of one end to that of the
    other, words at length 1.

    Raises:
        DataError: Both ends have the same mean, or an end has no word.

    Source:
        Bolukbasi et al. 2016, arXiv:1607.06520, section 4, for ends of one word each.
    """
    if not axis.low or not axis.high:
        raise DataError("An axis needs a word at each end: write for instance he – she.")
    low, high = (
        vectors.units[[vectors.index[word] for word in end]].astype(np.float64).mean(0)
        for end in (axis.low, axis.high)
    )
    direction = high - low
    size = float(np.linalg.norm(direction))
    if size < 1e-9:
        raise DataError(f"Both ends of {axis.title} are the same place: choose other words.")
    units = vectors.units[[vectors.index[word] for word in words]].astype(np.float64)
    found: NDArray[np.float64] = units @ (direction / size)
    return found
