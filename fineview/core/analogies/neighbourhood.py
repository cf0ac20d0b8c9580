"""A flat picture of words and their neighbours, which says what it leaves out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.asking import Dictionary, Unknown
from fineview.core.analogies.nearness import neighbours
from fineview.core.analogies.picture_choices import WordMapChoice
from fineview.core.analogies.vectors import VectorsInfo
from fineview.core.analogies.word_list import listed_words
from fineview.core.errors import DataError
from fineview.core.features.projection import FEWEST, principal
from fineview.core.progress import SILENT, Report

MOST_WORDS = 40
MOST_POINTS = 400
PERPLEXITY = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class WordMap:
    """Words in a plane.

    Attributes:
        choice: What was asked.
        info: The table that answered.
        words: M words: first those asked for, then their neighbours, each once.
        given: n, how many were asked for.
        near: (M,) of each neighbour the place in `words` of the word asked for that it is nearest
            to; −1 for those asked for.
        cosines: (M,) with that word; 1 for those asked for.
        places: (M, 2); empty below three words.
        shares: Of the variance on both axes; None for t-SNE.
        faithful: Rank correlation of the distances between all words in the picture with those of
            the vectors; None where there is no picture.
        components: (n, D) of the words asked for, at length 1.
        unknown: Words the table does not have; they are left out.
    """

    choice: WordMapChoice
    info: VectorsInfo
    words: tuple[str, ...]
    given: int
    near: NDArray[np.int64]
    cosines: NDArray[np.float64]
    places: NDArray[np.float64]
    shares: tuple[float, float] | None
    faithful: float | None
    components: NDArray[np.float64]
    unknown: tuple[Unknown, ...]


def word_map(dictionary: Dictionary, choice: WordMapChoice, report: Report = SILENT) -> WordMap:
    """Draw words and their neighbours, all at length 1.

    Args:
        dictionary: The table.
        choice: Words, neighbours and projection.
        report: Asked between blocks of the table.

    Raises:
        DataError: There is no known word, or there are too many to be read.
        JobCancelled: Stop was pressed.

    Source:
        PCA: Pearson 1901; t-SNE: van der Maaten and Hinton 2008, see `features.tsne`.
    """
    vectors = dictionary.vectors
    read = listed_words(dictionary, choice.words)
    given = read.words
    if not given:
        raise DataError(_nothing(read.unknown))
    if len(given) > MOST_WORDS:
        raise DataError(f"{len(given):,} words are too many to be read: at most {MOST_WORDS}.")
    rows = np.array([vectors.index[word] for word in given], dtype=np.int64)
    drawn = dict.fromkeys(given, (-1, 1.0))
    if choice.count and choice.view == "map":
        found, _ = neighbours(vectors, rows, choice.count, report)
        for at, answers in enumerate(found):
            for answer in answers:
                before = drawn.get(answer.word)
                if before is None or (before[0] >= 0 and before[1] < answer.score):
                    drawn[answer.word] = (at, answer.score)
    if len(drawn) > MOST_POINTS:
        raise DataError(
            f"{len(drawn):,} words would cover each other: draw at most {MOST_POINTS}, with fewer "
            f"neighbours or fewer words."
        )
    words = tuple(drawn)
    units = vectors.units[[vectors.index[word] for word in words]]
    places, shares = _placed(units, choice, report)
    return WordMap(
        choice=choice,
        info=vectors.info,
        words=words,
        given=len(given),
        near=np.array([near for near, _ in drawn.values()], dtype=np.int64),
        cosines=np.array([cosine for _, cosine in drawn.values()]),
        places=places,
        shares=shares,
        faithful=_faithful(units.astype(np.float64), places),
        components=units[: len(given)].astype(np.float64),
        unknown=read.unknown,
    )


def _nothing(unknown: tuple[Unknown, ...]) -> str:
    if not unknown:
        return "There is no word to draw: write some, with spaces or commas between."
    named = ", ".join(repr(one.word) for one in unknown)
    remedy = " or ".join(repr(word) for word in unknown[0].near) or "other words"
    return f"This table does not have {named}: write {remedy}."


def _placed(
    units: NDArray[np.float32], choice: WordMapChoice, report: Report
) -> tuple[NDArray[np.float64], tuple[float, float] | None]:
    """Return (M, 2) places and, of PCA, both axes' shares of the variance."""
    if len(units) < FEWEST or choice.view != "map" or np.ptp(units, axis=0).max() < 1e-9:
        return np.zeros((0, 2)), None
    found = principal(units, 2, report)
    if choice.projection == "pca":
        first, second = found.shares.tolist()
        return found.coordinates.astype(np.float64), (first, second)
    from fineview.core.features.tsne import tsne  # slow to import

    return tsne(units, 2, PERPLEXITY, report=report).astype(np.float64), None


def _faithful(units: NDArray[np.float64], places: NDArray[np.float64]) -> float | None:
    """Return Spearman's rank correlation of both kinds of distances."""
    if not len(places):
        return None
    from scipy.spatial.distance import pdist
    from scipy.stats import spearmanr

    flat, true = pdist(places), pdist(units)
    if np.ptp(flat) < 1e-12 or np.ptp(true) < 1e-12:  # three words equally far apart
        return None
    return float(spearmanr(flat, true).statistic)
