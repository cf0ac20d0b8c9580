"""What the word page shows: the occurrences of a word, their contexts and vectors. Light."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fineview.core.features.config import WORD_POOLINGS

ColourBy = Literal["label", "next", "previous"]
GROUPS = 7
"""Most groups with a colour of their own."""
OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """A word where it stands.

    Attributes:
        left: The text before it, as far as it is shown.
        word: As it is written there.
        right: The text behind it.
        label: Label of the text (word level: of the word itself), "" where it has none.
        previous: The word before it in small letters, "" at the beginning.
        next: The word behind it, "" at the end.
    """

    left: str
    word: str
    right: str
    label: str
    previous: str
    next: str

    @property
    def sentence(self) -> str:
        """Return it in its text, between «»."""
        return f"{self.left}«{self.word}»{self.right}".strip()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WordSpace:
    """A word's occurrences and their vectors at every layer.

    Attributes:
        word: As it was typed.
        occurrences: M of them, in the order of the texts.
        states: (M, L+1, 3, D) float32; the third axis is first, last, mean of the sub-tokens.
        similarity: (L+1, 3) mean cosine of two occurrences; NaN for fewer than two.
        baseline: (L+1, 3) mean cosine of two random other words of the same texts; NaN as above.
        others: How many such words.
        found: Occurrences in the texts that were read; more than M where they were sampled.
        cut: Sampled occurrences behind the maximum length, which are not shown.
        holding: Texts that hold the word.
        read: Texts that were searched.
        texts: Texts there are.
        values: (M,) labels that are numbers; None for classes and for own sentences.
    """

    word: str
    occurrences: tuple[Occurrence, ...]
    states: NDArray[np.float32]
    similarity: NDArray[np.float64]
    baseline: NDArray[np.float64]
    others: int
    found: int
    cut: int
    holding: int
    read: int
    texts: int
    values: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        """Return M."""
        return len(self.occurrences)

    @property
    def depth(self) -> int:
        """Return L."""
        return int(self.states.shape[1]) - 1

    @property
    def labelled(self) -> bool:
        """Return whether occurrences have classes."""
        return any(one.label for one in self.occurrences) and self.values is None

    def layer(self, layer: int, tokens: str) -> NDArray[np.float32]:
        """Return (M, D) vectors of a layer, 0 … L."""
        kinds: tuple[str, ...] = WORD_POOLINGS
        return self.states[:, layer, kinds.index(tokens)]

    def cosines(self, point: int, layer: int, tokens: str) -> NDArray[np.float64]:
        """Return (M,) cosines of all occurrences with one of them."""
        vectors = self.layer(layer, tokens).astype(np.float64)
        lengths = np.linalg.norm(vectors, axis=1)
        product = lengths * lengths[point]
        scores = vectors @ vectors[point]
        cosines: NDArray[np.float64] = np.divide(
            scores, product, out=np.zeros_like(scores), where=product > 0
        )
        return cosines


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """A word that does not occur.

    Attributes:
        word: As it was typed.
        near: Words of the texts that are spelled alike, the most alike first.
        read: Texts that were searched.
        texts: Texts there are.
    """

    word: str
    near: tuple[str, ...]
    read: int
    texts: int


def groups(space: WordSpace, by: ColourBy) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the group of each occurrence, (M,), and the groups' names, the commonest first.

    The seven commonest have a group of their own, the rest is "other"; what has no label, or no
    word beside it, is in none (-1).
    """
    keys = [getattr(one, by) for one in space.occurrences]
    counts = Counter(key for key in keys if key)
    # One more would be "other" alone.
    ranked = sorted(counts, key=lambda key: (-counts[key], key))
    named = ranked if len(ranked) <= GROUPS + 1 else ranked[:GROUPS]
    names = tuple(named) if len(named) == len(ranked) else (*named, OTHER)
    place = {key: index for index, key in enumerate(named)}
    index = [place.get(key, len(named)) if key else -1 for key in keys]
    return np.array(index, dtype=np.int64), names
