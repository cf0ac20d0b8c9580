"""Words that begin as what is typed, and words that may have been meant."""

import bisect

import numpy as np

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
        self._by_length: dict[int, list[int]] = {}
        for row, word in enumerate(spelled[:_TRIED]):
            self._by_length.setdefault(len(word), []).append(row)
        self._spelled = spelled

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
        letters = _letters(typed)
        found: list[tuple[int, int]] = []
        for length in range(max(1, len(typed) - edits), len(typed) + edits + 1):
            for row in self._by_length.get(length, ()):
                other = self._spelled[row]
                # Each mistake changes at most two kinds of letters.
                if (letters ^ _letters(other)).bit_count() > 2 * edits:
                    continue
                distance = _distance(typed, other, edits)
                if distance <= edits:
                    found.append((distance, row))
        found.sort()
        return [row for _, row in found[:count]]


def _letters(word: str) -> int:
    """Return which letters occur, as bits."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 63)
    return bits


def _distance(one: str, other: str, most: int) -> int:
    """Return the mistakes between two spellings, or `most` + 1 where there are more."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        new = [i]
        for j, against in enumerate(other, start=1):
            cost = min(row[j] + 1, new[j - 1] + 1, row[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, before[j - 2] + 1)
            new.append(cost)
        if min(new) > most:
            return most + 1
        before, row = row, new
    return row[-1]
