"""Words that begin as what is typed, and words that may have been meant."""

import bisect

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from fineview.core.analogies.vectors import WordVectors, folded

MOST_EDITS = 2
_TRIED = 400_000
"""Most words that a misspelled one is compared with: the commonest."""


class Completion:
    """Finds words of a table; made once for it, in some tenths of a second.

    Source:
        Distance: Damerau 1964, Communications of the ACM 7, 171–176, with neighbouring letters
        exchanged counted as one mistake (optimal string alignment).
    """

    def __init__(self, vectors: WordVectors) -> None:
        self._words = vectors.words
        spelled = [folded(word) for word in vectors.words]
        order = sorted(range(len(spelled)), key=spelled.__getitem__)
        self._sorted = [spelled[row] for row in order]
        self._rows = np.array(order, dtype=np.int64)
        # Words by length: only those of nearly the same length can be meant.
        self._by_length: dict[int, tuple[list[int], list[str]]] = {}
        for row, word in enumerate(spelled[:_TRIED]):
            rows, words = self._by_length.setdefault(len(word), ([], []))
            rows.append(row)
            words.append(word)

    def begins(self, prefix: str, count: int = 10) -> list[int]:
        """Return rows of words that begin with a prefix, commonest first; case does not matter."""
        typed = folded(prefix)
        if not typed:
            return list(range(min(count, len(self._words))))
        first = bisect.bisect_left(self._sorted, typed)
        last = bisect.bisect_left(self._sorted, typed + "\U0010ffff")
        rows = self._rows[first:last]
        if len(rows) > count:
            rows = rows[np.argpartition(rows, count - 1)[:count]]
        return [int(row) for row in np.sort(rows)]

    def meant(self, word: str, count: int = 5) -> list[int]:
        """Return rows of the words nearest in spelling, the fewest mistakes first, then commonest.

        Args:
            word: One the table does not have.
            count: Most of them.
        """
        typed = folded(word)
        if not typed:
            return []
        edits = 1 if len(typed) <= 3 else MOST_EDITS
        found: list[tuple[int, int]] = []
        for length in range(max(1, len(typed) - edits), len(typed) + edits + 1):
            rows, words = self._by_length.get(length, ([], []))
            distances = cdist(
                [typed], words, scorer=OSA.distance, score_cutoff=edits, dtype=np.uint8
            )[0]
            near = np.flatnonzero(distances <= edits).tolist()
            found += [(int(distances[place]), rows[place]) for place in near]
        found.sort()
        return [row for _, row in found[:count]]
