"""Whether the offsets of many pairs of words are one direction, against pairs drawn at random."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.asking import Dictionary, Unknown
from fineview.core.analogies.geometry import Offsets, offsets
from fineview.core.analogies.picture_choices import WordMapChoice
from fineview.core.analogies.questions import load_questions
from fineview.core.analogies.vectors import VectorsInfo, WordVectors
from fineview.core.analogies.word_list import ListedPairs, listed_pairs
from fineview.core.errors import DataError

Verdict = Literal["few", "no", "weak", "partly", "yes"]

MOST_PAIRS = 300
SHUFFLES = 200
COMMONEST = 20_000
"""Words that random pairs are drawn from."""
_SEED = 0
_FEWEST_JUDGED = 5
_WEAK, _STRONG = 0.2, 0.5


@dataclass(frozen=True, slots=True)
class Spread:
    """A statistic of the offsets beside what chance makes of it.

    Attributes:
        here: Of the pairs themselves.
        shuffled: Mean over pairs whose second words are exchanged.
        shuffled_high: What 97.5 % of those do not exceed.
        random: Mean over pairs of any two of the commonest words.
    """

    here: float
    shuffled: float
    shuffled_high: float
    random: float


@dataclass(frozen=True, slots=True, eq=False)
class PairsPicture:
    """The offsets of P pairs.

    Attributes:
        choice: What was asked.
        info: The table that answered.
        offsets: Pairs, places and cosines.
        turned: (P, 2) the offsets from one point; across is their mean direction, upwards the first
            principal direction of what is left of them.
        turned_mean: Their mean offset across; upwards it is 0.
        turned_held: Share of the offsets' squared lengths in that plane.
        cosine: Mean cosine of two offsets.
        energy: Share of the offsets' squared lengths along their mean direction.
        asked: Pairs that were asked for.
        unknown: Typed words the table does not have; their pairs are left out.
        uneven: Typed parts that are not two words.
    """

    choice: WordMapChoice
    info: VectorsInfo
    offsets: Offsets
    turned: NDArray[np.float64]
    turned_mean: float
    turned_held: float
    cosine: Spread
    energy: Spread
    asked: int
    unknown: tuple[Unknown, ...] = ()
    uneven: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Whether the relation is one direction.

        `no` where exchanged pairs do as well; below that the cosine decides: 0.2 and 0.5, about 78
        and 60 degrees between two offsets.
        """
        if len(self.offsets.pairs) < _FEWEST_JUDGED:
            return "few"
        if self.cosine.here <= self.cosine.shuffled_high:
            return "no"
        if self.cosine.here < _WEAK:
            return "weak"
        return "partly" if self.cosine.here < _STRONG else "yes"


def relations(cache: Path) -> tuple[str, ...]:
    """Return the relations of Google's questions, as `set/section`; MSR's file names none."""
    return tuple(f"google/{section.name}" for section in load_questions("google", cache).sections)


def pairs_picture(dictionary: Dictionary, choice: WordMapChoice, cache: Path) -> PairsPicture:
    """Compare the offsets of typed pairs or of those of a relation, words at length 1.

    Args:
        dictionary: The table.
        choice: Pairs or relation.
        cache: Where fetched things lie.

    Raises:
        DataError: Fewer than two pairs are known, there are too many, or the words of one have
            the same vector.
        ModelError: The set of questions is not on this machine.

    Source:
        Mean cosine of two offsets and exchanged second words: the offset concentration and pairing
        consistency of Fournier, Dupoux & Dunbar 2020, arXiv:2010.03446, section 3.
    """
    vectors = dictionary.vectors
    if choice.relation:
        read, asked = _of_relation(dictionary, choice.relation, cache)
    else:
        read = listed_pairs(dictionary, choice.pairs)
        asked = len(read.pairs)
    if len(read.pairs) < 2:
        raise DataError(_too_few(read, choice.relation))
    if len(read.pairs) > MOST_PAIRS:
        raise DataError(f"{len(read.pairs):,} pairs are too many to be read: at most {MOST_PAIRS}.")
    found = offsets(vectors, read.pairs)
    first, second = (
        vectors.units[[vectors.index[pair[side]] for pair in read.pairs]].astype(np.float64)
        for side in (0, 1)
    )
    turned, turned_mean, turned_held = _turned(second - first)
    cosine, energy = _spreads(vectors, first, second)
    return PairsPicture(
        choice=choice,
        info=vectors.info,
        offsets=found,
        turned=turned,
        turned_mean=turned_mean,
        turned_held=turned_held,
        cosine=cosine,
        energy=energy,
        asked=asked,
        unknown=read.unknown,
        uneven=read.uneven,
    )


def mean_cosine(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean cosine of two different offsets, (…,), of (…, P, D) with P >= 2."""
    sizes = np.linalg.norm(found, axis=-1, keepdims=True)
    units = np.divide(found, sizes, out=np.zeros_like(found), where=sizes > 1e-12)
    count = found.shape[-2]
    # The squared length of a sum is the sum of all products, those with themselves included.
    both = (units.sum(-2) ** 2).sum(-1) - (units**2).sum((-1, -2))
    mean: NDArray[np.float64] = both / (count * (count - 1))
    return mean


def mean_share(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of squared lengths along the mean direction, (…,), of (…, P, D)."""
    mean = found.mean(-2)
    size = np.linalg.norm(mean, axis=-1, keepdims=True)
    mean = np.divide(mean, size, out=np.zeros_like(mean), where=size > 1e-12)
    along = (found @ mean[..., None])[..., 0]
    share: NDArray[np.float64] = (along**2).sum(-1) / np.maximum((found**2).sum((-1, -2)), 1e-300)
    return share


def exchanged(count: int, dice: np.random.Generator, times: int = SHUFFLES) -> NDArray[np.int64]:
    """Return (times, count) orders in which nothing stays in its place; count >= 2."""
    found: list[NDArray[np.int64]] = []
    still = np.arange(count)
    while len(found) < times:  # a third of all orders, at least a half of two or a third of three
        order = dice.permutation(count)
        if not (order == still).any():
            found.append(order)
    return np.stack(found)


def _of_relation(dictionary: Dictionary, relation: str, cache: Path) -> tuple[ListedPairs, int]:
    """Return the known pairs of a section, and how many it has."""
    name, _, section = relation.partition("/")
    sections = load_questions(name, cache).sections
    chosen = next((one for one in sections if one.name == section), None)
    if chosen is None:
        raise DataError(f"{name!r} has no section {section!r}: choose one from the list.")
    every = dict.fromkeys(
        pair for a, b, c, d in chosen.questions for pair in ((a, b), (c, d)) if pair[0] != pair[1]
    )
    known = dictionary.spelled(False)
    found: dict[tuple[str, str], None] = {}
    for pair in every:
        first, second = known(pair[0]), known(pair[1])
        if first is not None and second is not None and first != second:
            found[first, second] = None
    return ListedPairs(tuple(found)), len(every)


def _too_few(read: ListedPairs, relation: str) -> str:
    if relation:
        return "This table has the words of fewer than two pairs of this relation: choose another."
    if read.unknown:
        first = read.unknown[0]
        remedy = " or ".join(repr(word) for word in first.near) or "another word"
        return f"{first.word!r} is not in this table, which leaves too few pairs: write {remedy}."
    return "Two pairs or more can be compared: write man woman, king queen."


def _turned(found: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, float]:
    """Return the offsets in their plane, their mean in it, and what share it holds."""
    mean = found.mean(0)
    across = mean / max(float(np.linalg.norm(mean)), 1e-12)
    rest = found - np.outer(found @ across, across)
    upwards = np.linalg.svd(rest, full_matrices=False)[2][0]
    if upwards[np.abs(upwards).argmax()] < 0:  # no side is up of itself: always the same one
        upwards = -upwards
    flat = found @ np.stack([across, upwards]).T
    return flat, float(np.linalg.norm(mean)), float((flat**2).sum() / (found**2).sum())


def _spreads(
    vectors: WordVectors, first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[Spread, Spread]:
    """Return the mean cosine and the share along the mean, with what chance makes of them."""
    dice = np.random.default_rng(_SEED)
    count, most = len(first), min(COMMONEST, len(vectors))
    shuffled: list[list[float]] = [[], []]
    drawn: list[list[float]] = [[], []]
    statistics = (mean_cosine, mean_share)
    for order in exchanged(count, dice):
        other = second[order] - first
        rows = dice.integers(0, most, (2, count))
        any_words = vectors.units[rows[1]].astype(np.float64) - vectors.units[rows[0]]
        for at, statistic in enumerate(statistics):
            shuffled[at].append(float(statistic(other)))
            drawn[at].append(float(statistic(any_words)))
    cosine, energy = (
        Spread(
            here=float(statistic(second - first)),
            shuffled=float(np.mean(shuffled[at])),
            shuffled_high=float(np.quantile(shuffled[at], 0.975)),
            random=float(np.mean(drawn[at])),
        )
        for at, statistic in enumerate(statistics)
    )
    return cosine, energy
