"""A table of word vectors, opened once and shared by everything that calculates with words."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


def folded(word: str) -> str:
    """Return what words are compared by where case and composition do not matter."""
    return unicodedata.normalize("NFC", word).casefold()


@dataclass(frozen=True, slots=True)
class VectorsInfo:
    """What is known of a table.

    Attributes:
        name: Name in sessions: of the catalogue, or a path.
        title: Name on screen.
        words: V.
        width: D.
        source: Where the vectors come from, one sentence.
        licence: Terms, as declared.
        fingerprint: sha256 over words and numbers.
        notes: What was left out when the file was read, a sentence each.
    """

    name: str
    title: str
    words: int
    width: int
    source: str
    licence: str
    fingerprint: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class WordVectors:
    """V words with D numbers each, common words first.

    The numbers are kept once, as vectors of length 1 beside their true lengths.

    Attributes:
        info: Title, sizes, licence.
        words: (V,) all different.
        units: (V, D) float32, each of length 1; read-only, mapped from disk.
        lengths: (V,) float32, above 0; read-only.
    """

    info: VectorsInfo
    words: Sequence[str]
    units: NDArray[np.float32]
    lengths: NDArray[np.float32]

    def __len__(self) -> int:
        """Return V."""
        return len(self.words)

    @property
    def width(self) -> int:
        """Return D."""
        return int(self.units.shape[1])

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of each word, as written."""
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def _folded(self) -> dict[str, int]:
        # The commonest spelling wins; most tables have but one.
        found: dict[str, int] = {}
        for row, word in enumerate(self.words):
            found.setdefault(folded(word), row)
        return found

    def find(self, word: str, *, exact_case: bool = False) -> int | None:
        """Return the row of a word, or None.

        Args:
            word: Compared as written first, then without case and in composed form (NFC).
            exact_case: Whether only the spelling as written (or its composed form) counts.
        """
        row = self.index.get(word)
        if row is None:
            row = self.index.get(unicodedata.normalize("NFC", word))
        if row is None and not exact_case:
            row = self._folded.get(folded(word))
        return row

    def vector(self, row: int) -> NDArray[np.float32]:
        """Return (D,) a word's vector with its true length."""
        found: NDArray[np.float32] = self.units[row] * self.lengths[row]
        return found
