"""Similarity of words against what people say of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.questions import SimilaritySet
from fineview.core.analogies.vectors import WordVectors

_FEWEST = 3


@dataclass(frozen=True, slots=True, eq=False)
class SimilarityScore:
    """How a table agrees with judged pairs.

    Attributes:
        title: Of the set.
        asked: Pairs in the file.
        covered: Those with both words in the table; only they count.
        spearman: Rank correlation of cosines and judgements; None below three pairs.
        rows: (n, 2) rows of the covered pairs.
        judged: (n,) as people say.
        cosines: (n,) as the table says.
    """

    title: str
    asked: int
    covered: int
    spearman: float | None
    rows: NDArray[np.int64]
    judged: NDArray[np.float64]
    cosines: NDArray[np.float64]


def similarity(vectors: WordVectors, pairs: SimilaritySet, *, limit: int = 0) -> SimilarityScore:
    """Compare cosines with judgements.

    Args:
        vectors: The table.
        pairs: Judged pairs.
        limit: Only the first so many words of the table; 0 for all.

    Source:
        Spearman 1904, American Journal of Psychology 15, 72–101, ties at their mean rank; as
        gensim's `evaluate_word_pairs`.
    """
    from scipy.stats import spearmanr

    size = limit or len(vectors)
    rows, judged = [], []
    for first, second, value in pairs.pairs:
        found = [vectors.find(word) for word in (first, second)]
        if all(row is not None and row < size for row in found):
            rows.append(found)
            judged.append(value)
    table = np.array(rows, dtype=np.int64).reshape(-1, 2)
    units = vectors.units[table].astype(np.float64)
    cosines = (units[:, 0] * units[:, 1]).sum(1)
    enough = len(judged) >= _FEWEST
    return SimilarityScore(
        title=pairs.title,
        asked=len(pairs.pairs),
        covered=len(judged),
        spearman=float(spearmanr(cosines, judged).statistic) if enough else None,
        rows=table,
        judged=np.array(judged),
        cosines=cosines,
    )
