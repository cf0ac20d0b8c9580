"""Words on a bias axis, the same words hard-debiased, and what of the bias is still there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.asking import Dictionary, Unknown
from fineview.core.analogies.debias import bias_direction, equalize, neutralize
from fineview.core.analogies.picture_choices import BiasChoice
from fineview.core.analogies.vectors import VectorsInfo, WordVectors
from fineview.core.analogies.word_list import ListedPairs, listed_pairs, listed_words
from fineview.core.errors import DataError
from fineview.core.progress import SILENT, Report

MOST_WORDS = 100
COMMONEST = 20_000
"""Words that neighbours and the most biased words are looked for among."""
NEIGHBOURS = 100
SIDE = 500
RANDOM_AXES = 5
_FEWEST_POOL = 400
_FEWEST_JUDGED = 5
_RIDGE = 1.0
_SEED = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair that is equalised.

    Attributes:
        words: Both words.
        before: Their projections.
        after: Their projections once equalised: as far to both sides.
        gap_before: Mean over the neutral words of |cosine with one − cosine with the other|.
        gap_after: The same after both steps.
    """

    words: tuple[str, str]
    before: tuple[float, float]
    after: tuple[float, float]
    gap_before: float
    gap_after: float


@dataclass(frozen=True, slots=True, eq=False)
class Survival:
    """What of the bias can be found in vectors that no longer have it along the axis.

    Attributes:
        pool: How many common words were looked through; those of the pairs are not among them.
        side: Most biased words to each side that the classifier tells apart.
        accuracy_before: Of held-out ones, the share that is told apart; chance is 0.5.
        accuracy_after: The same of the neutralised vectors.
        accuracy_random: The same after neutralising, for axes of as many random pairs of words.
        shares_before: (n,) of each neutral word's 100 nearest words, the share that lies beyond
            the median of all on the axis; NaN for words that are not neutralised.
        shares_after: (n,) the same share among the nearest neutralised vectors.
        correlation_before: Of the projections with `shares_before`; None below five words.
        correlation_after: Of the original projections with `shares_after`.
    """

    pool: int
    side: int
    accuracy_before: float
    accuracy_after: float
    accuracy_random: float
    shares_before: NDArray[np.float64]
    shares_after: NDArray[np.float64]
    correlation_before: float | None
    correlation_after: float | None


@dataclass(frozen=True, slots=True, eq=False)
class BiasPicture:
    """Words along an axis of bias, before and after hard debiasing.

    Attributes:
        choice: What was asked.
        info: The table that answered.
        pairs: P pairs that make the axis.
        ends: The words of the first pair, which name its ends.
        shares: Of the squared differences along their principal components, falling; of the mean
            difference one number.
        words: n words, sorted from the one end to the other.
        before: (n,) projections: cosines with the axis.
        after: (n,) projections after both steps.
        specific: (n,) whether a word belongs to a pair, and is not neutralised.
        equal: The pairs that are equalised.
        survival: None where the table has too few words.
        unknown: By field (`pairs`, `words`, `equal`), words the table does not have.
        uneven: Parts of the pairs that are not two words.
    """

    choice: BiasChoice
    info: VectorsInfo
    pairs: tuple[tuple[str, str], ...]
    ends: tuple[str, str]
    shares: NDArray[np.float64]
    words: tuple[str, ...]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    specific: NDArray[np.bool_]
    equal: tuple[Pair, ...]
    survival: Survival | None
    unknown: tuple[tuple[str, Unknown], ...]
    uneven: tuple[str, ...]


def look_at_bias(
    dictionary: Dictionary, choice: BiasChoice, report: Report = SILENT
) -> BiasPicture:
    """Place words on an axis of bias, and debias copies of them.

    Args:
        dictionary: The table; it stays as it is.
        choice: Pairs, words, and pairs to be made equal.
        report: Asked between steps.

    Raises:
        DataError: No pair or no word is known, there are too many words to be read, or the pairs
            have no direction.
        JobCancelled: Stop was pressed.

    Source:
        Axis and hard debiasing: Bolukbasi et al. 2016, arXiv:1607.06520, sections 5 and 6. What
        survives: Gonen & Goldberg 2019, arXiv:1903.03862, section 4.
    """
    vectors = dictionary.vectors
    defining, equal = (listed_pairs(dictionary, text) for text in (choice.pairs, choice.equal))
    placed = listed_words(dictionary, choice.words)
    if not defining.pairs:
        raise DataError(_no_axis(defining))
    if not placed.words:
        raise DataError("There is no known word to be placed: write some, with commas between.")
    if len(placed.words) > MOST_WORDS:
        raise DataError(
            f"{len(placed.words):,} words are too many to be read: place at most {MOST_WORDS}."
        )
    principal = choice.direction == "pca"
    axis, shares = bias_direction(*_sides(vectors, defining.pairs), principal=principal)
    specific = {word for pair in (*defining.pairs, *equal.pairs) for word in pair}
    units = _units(vectors, placed.words)
    order = np.argsort(units @ axis, kind="stable")
    words, units = tuple(placed.words[i] for i in order), units[order]
    kept = np.array([word in specific for word in words])
    neutral = neutralize(units, axis)
    pairs, moved = _equalized(vectors, equal.pairs, axis, units[~kept], neutral[~kept])
    after = np.array(
        [
            float(moved.get(word, unit if own else flat) @ axis)
            for word, unit, flat, own in zip(words, units, neutral, kept, strict=True)
        ]
    )
    report.check()
    unknown = [
        (field, one)
        for field, read in (("pairs", defining), ("words", placed), ("equal", equal))
        for one in read.unknown
    ]
    return BiasPicture(
        choice=choice,
        info=vectors.info,
        pairs=defining.pairs,
        ends=defining.pairs[0],
        shares=shares,
        words=words,
        before=units @ axis,
        after=after,
        specific=kept,
        equal=pairs,
        survival=_survival(vectors, choice, defining.pairs, specific, axis, words, kept, report),
        unknown=tuple(unknown),
        uneven=(*defining.uneven, *equal.uneven),
    )


def _no_axis(read: ListedPairs) -> str:
    if not read.unknown:
        return "The axis needs a pair of words: write he she, man woman."
    first = read.unknown[0]
    remedy = " or ".join(repr(word) for word in first.near) or "other words"
    return f"{first.word!r} is not in this table, and no pair is left for the axis: write {remedy}."


def _units(vectors: WordVectors, words: tuple[str, ...]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = vectors.units[[vectors.index[word] for word in words]].astype(
        np.float64
    )
    return found


def _sides(
    vectors: WordVectors, pairs: tuple[tuple[str, str], ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = (_units(vectors, tuple(pair[side] for pair in pairs)) for side in (0, 1))
    return first, second


def _equalized(
    vectors: WordVectors,
    pairs: tuple[tuple[str, str], ...],
    axis: NDArray[np.float64],
    units: NDArray[np.float64],
    neutral: NDArray[np.float64],
) -> tuple[tuple[Pair, ...], dict[str, NDArray[np.float64]]]:
    """Return what becomes of the pairs, and their new vectors by word."""
    if not pairs:
        return (), {}
    first, second = _sides(vectors, pairs)
    one, other = equalize(first, second, axis)
    moved: dict[str, NDArray[np.float64]] = {}
    found: list[Pair] = []
    for at, (low, high) in enumerate(pairs):
        moved.setdefault(low, one[at])
        moved.setdefault(high, other[at])
        found.append(
            Pair(
                words=(low, high),
                before=(float(first[at] @ axis), float(second[at] @ axis)),
                after=(float(one[at] @ axis), float(other[at] @ axis)),
                gap_before=_gap(units, first[at] - second[at]),
                gap_after=_gap(neutral, one[at] - other[at]),
            )
        )
    return tuple(found), moved


def _gap(units: NDArray[np.float64], apart: NDArray[np.float64]) -> float:
    return float(np.abs(units @ apart).mean()) if len(units) else 0.0


def _survival(
    vectors: WordVectors,
    choice: BiasChoice,
    pairs: tuple[tuple[str, str], ...],
    specific: set[str],
    axis: NDArray[np.float64],
    words: tuple[str, ...],
    kept: NDArray[np.bool_],
    report: Report,
) -> Survival | None:
    most = min(COMMONEST, len(vectors))
    rows = np.array(
        [row for row in range(most) if (word := vectors.words[row]).isalpha()
         and word not in specific], dtype=np.int64,
    )  # fmt: skip
    if len(rows) < _FEWEST_POOL:
        return None
    pool = vectors.units[rows].astype(np.float64)
    flat = neutralize(pool, axis)
    along = pool @ axis
    side = min(SIDE, len(rows) // 4)
    report.check()
    beyond = along > np.median(along)
    own = np.array([vectors.index[word] for word in words], dtype=np.int64)
    units = _units(vectors, words)
    shares = []
    for table, asked in ((pool, units), (flat, neutralize(units, axis))):
        found = _shares_near(table, rows, beyond, asked, own)
        found[kept] = np.nan
        shares.append(found)
        report.check()
    before, after = (_correlation(units @ axis, share) for share in shares)
    return Survival(
        pool=len(rows),
        side=side,
        accuracy_before=told_apart(pool, along, side),
        accuracy_after=told_apart(flat, along, side),
        accuracy_random=_random_axes(pool, len(pairs), side, choice.direction == "pca", report),
        shares_before=shares[0],
        shares_after=shares[1],
        correlation_before=before,
        correlation_after=after,
    )


def _shares_near(
    table: NDArray[np.float64],
    rows: NDArray[np.int64],
    beyond: NDArray[np.bool_],
    asked: NDArray[np.float64],
    own: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return (n,) shares of the nearest words that lie beyond the median."""
    scores = asked @ table.T
    scores[own[:, None] == rows] = -np.inf  # no word is its own neighbour
    count = min(NEIGHBOURS, len(rows) - 1)
    nearest = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    found: NDArray[np.float64] = beyond[nearest].mean(1)
    return found


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    known = np.isfinite(other)
    if known.sum() < _FEWEST_JUDGED or np.ptp(other[known]) < 1e-9 or np.ptp(one[known]) < 1e-9:
        return None
    return float(np.corrcoef(one[known], other[known])[0, 1])


def told_apart(table: NDArray[np.float64], along: NDArray[np.float64], side: int) -> float:
    """Return how well a linear classifier tells the words at both ends apart.

    It is ridge regression on ±1, fitted to a random half of the words and asked of the other.

    Args:
        table: (V, D) vectors the classifier sees.
        along: (V,) where the words lay on the axis.
        side: Words at each end.
    """
    order = np.argsort(along, kind="stable")
    dice = np.random.default_rng(_SEED)
    ends = [dice.permutation(end) for end in (order[:side], order[-side:])]
    half = side // 2
    fitted, asked = (np.concatenate([end[part] for end in ends])
                     for part in (slice(half), slice(half, None)))  # fmt: skip
    signs = np.repeat([-1.0, 1.0], half)
    middle = table[fitted].mean(0)
    seen = table[fitted] - middle
    weights = np.linalg.solve(seen.T @ seen + _RIDGE * np.eye(table.shape[1]), seen.T @ signs)
    said = (table[asked] - middle) @ weights > 0
    return float((said == np.repeat([False, True], side - half)).mean())


def _random_axes(
    pool: NDArray[np.float64], pairs: int, side: int, principal: bool, report: Report
) -> float:
    """Return the mean accuracy after neutralising axes that mean nothing."""
    dice = np.random.default_rng(_SEED)
    found = []
    for _ in range(RANDOM_AXES):
        report.check()
        rows = dice.choice(len(pool), (2, pairs), replace=2 * pairs > len(pool))
        axis, _ = bias_direction(pool[rows[0]], pool[rows[1]], principal=principal)
        # Only the words at the ends are needed, not a neutral copy of all.
        along = pool @ axis
        order = np.argsort(along, kind="stable")
        ends = np.concatenate([order[:side], order[-side:]])
        found.append(told_apart(neutralize(pool[ends], axis), along[ends], side))
    return float(np.mean(found))
