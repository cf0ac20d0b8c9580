"""Which words lie near which: neighbours, cosines of a few words, and the odd one out."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.asking import Dictionary, Unknown
from fineview.core.analogies.choice import NearnessChoice
from fineview.core.analogies.solver import Answer
from fineview.core.analogies.vectors import VectorsInfo, WordVectors
from fineview.core.errors import DataError
from fineview.core.progress import SILENT, Report

MOST_WORDS = 40
_NEAR = 5
_BLOCK = 16_384
_PARTS = re.compile(r"[^,;\r\n\u2028\u2029]+")


class UnknownWord(DataError):
    """A word of the list is not in the table.

    Attributes:
        unknown: The first one, and words that may have been meant.
    """

    def __init__(self, unknown: Unknown, info: VectorsInfo) -> None:
        """Build the sentence."""
        remedy = " or ".join(repr(word) for word in unknown.near)
        super().__init__(
            f"{unknown.word!r} is not among the {info.words:,} words of {info.title}: write "
            f"{remedy or 'another spelling or another word'}."
        )
        self.unknown = unknown


@dataclass(frozen=True, slots=True, eq=False)
class Nearness:
    """How a few words lie to each other, and what lies near them.

    Attributes:
        choice: What was asked.
        info: The table that answered.
        words: n different words, in the order they were typed.
        near: The nearest words of each, without itself.
        cosines: (n, n) of the words with each other.
        centre: (n,) cosine of each with the mean of all at length 1; None below three words, and
            where they cancel.
        ranks: Of two words, the rank of the second among all neighbours of the first and the
            reverse, from 1; else None.
    """

    choice: NearnessChoice
    info: VectorsInfo
    words: tuple[str, ...]
    near: tuple[tuple[Answer, ...], ...]
    cosines: NDArray[np.float64]
    centre: NDArray[np.float64] | None
    ranks: tuple[int, int] | None

    @property
    def odd(self) -> str:
        """The word that lies farthest from the mean of all, or ""."""
        return "" if self.centre is None else self.words[int(self.centre.argmin())]


def look_at(dictionary: Dictionary, choice: NearnessChoice, report: Report = SILENT) -> Nearness:
    """Compare words with each other and with the whole table.

    Args:
        dictionary: The table.
        choice: The words; the same word twice counts once.
        report: Asked between blocks of the table.

    Raises:
        UnknownWord: The table does not have one of them.
        DataError: There is no word, or there are too many to be read.
        JobCancelled: Stop was pressed.

    Source:
        The odd one out: gensim's `doesnt_match`; the ranks: its `rank`.
    """
    vectors = dictionary.vectors
    words = _listed(dictionary, choice.words)
    if not words:
        raise DataError("There is no word to look at: write some, with commas between.")
    if len(words) > MOST_WORDS:
        raise DataError(f"{len(words):,} words are too many to be read: at most {MOST_WORDS}.")
    rows = np.array([vectors.index[word] for word in words], dtype=np.int64)
    units = vectors.units[rows].astype(np.float64)
    cosines = units @ units.T
    np.fill_diagonal(cosines, 1.0)
    near, ranks = neighbours(vectors, rows, choice.count, report)
    return Nearness(
        choice=choice,
        info=vectors.info,
        words=words,
        near=near,
        cosines=cosines,
        centre=_centre(units),
        ranks=ranks,
    )


def _listed(dictionary: Dictionary, text: str) -> tuple[str, ...]:
    """Return the words of a list as the table spells them.

    Raises:
        UnknownWord: The table does not have one.
    """
    known, words = dictionary.spelled(False), dictionary.vectors.words
    found: dict[str, None] = {}
    for part in _PARTS.finditer(text):
        word = part.group().strip()
        if not word:
            continue
        spelled = known(word) or known(word.replace(" ", "_"))
        if spelled is None:
            start = text.index(word, part.start())
            near = tuple(words[row] for row in dictionary.completion.meant(word, _NEAR))
            unknown = Unknown(word, start, start + len(word), near)
            raise UnknownWord(unknown, dictionary.vectors.info)
        found[spelled] = None
    return tuple(found)


def _centre(units: NDArray[np.float64]) -> NDArray[np.float64] | None:
    mean = units.mean(0)
    length = float(np.linalg.norm(mean))
    if len(units) < 3 or length < 1e-6:  # of two, both are as near; of nothing, no word is nearer
        return None
    found: NDArray[np.float64] = units @ (mean / length)
    return found


def neighbours(
    vectors: WordVectors, rows: NDArray[np.int64], count: int, report: Report
) -> tuple[tuple[tuple[Answer, ...], ...], tuple[int, int] | None]:
    """Look through the table once, for the nearest words and, of two words, their ranks."""
    inputs = vectors.units[rows]
    best = [_Best(count) for _ in rows]
    kept: list[NDArray[np.float32]] = []
    for start in range(0, len(vectors), _BLOCK):
        report.check()
        report.progress(start, len(vectors), "Looking for near words")
        scores = inputs @ vectors.units[start : start + _BLOCK].T
        for line, row in enumerate(rows.tolist()):
            if start <= row < start + scores.shape[1]:
                scores[line, row - start] = -np.inf  # no word is its own neighbour
            best[line].look(scores[line], start)
        if len(rows) == 2:
            kept.append(scores)
    near = tuple(
        tuple(
            Answer(vectors.words[row], row, score, row in rows)
            for row, score in zip(one.rows.tolist(), one.scores.tolist(), strict=True)
        )
        for one in best
    )
    if not kept:
        return near, None
    scores = np.concatenate(kept, axis=1)
    first, second = rows.tolist()
    above = [
        int(np.count_nonzero(scores[line] > scores[line, other]))
        for line, other in ((0, second), (1, first))
    ]
    return near, (above[0] + 1, above[1] + 1)


class _Best:
    """The highest scores so far; of equal ones the commoner words."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._least = -np.inf
        self.rows = np.empty(0, dtype=np.int64)
        self.scores = np.empty(0, dtype=np.float32)

    def look(self, scores: NDArray[np.float32], start: int) -> None:
        """Take what is better in a block that begins at a row."""
        found = np.flatnonzero(scores > self._least)
        if not len(found):
            return
        rows = np.concatenate([self.rows, found + start])
        both = np.concatenate([self.scores, scores[found]])
        order = np.lexsort((rows, -both))[: self._count]
        self.rows, self.scores = rows[order], both[order]
        if len(order) == self._count:
            self._least = float(self.scores[-1])
