"""A relation that is given by several pairs of words, not by one: 3CosAvg and LRCos.

Source:
    Drozd, Gladkova & Matsuoka 2016, COLING, section 3 (set-based methods).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.vectors import WordVectors
from fineview.core.errors import DataError

MOST_PAIRS = 200
_OTHERS = 20
_COMMON = 20_000


@dataclass(frozen=True, slots=True)
class ExamplePairs:
    """Pairs as typed.

    Attributes:
        pairs: Two different words each, as the table spells them.
        unknown: Words the table does not have; their pairs are left out.
    """

    pairs: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...] = ()


def read_pairs(text: str, known: Callable[[str], str | None]) -> ExamplePairs:
    """Read pairs with commas, semicolons or line ends between.

    Args:
        text: `france paris, japan tokyo`; a colon between the two lets them be phrases.
        known: The table's own spelling of a word, or None.

    Raises:
        DataError: A part is no pair, or there are too many.
    """
    found: dict[tuple[str, str], None] = {}
    unknown: dict[str, None] = {}
    for part in re.split(r"[,;\n]", text):
        if not part.strip():
            continue
        sides = [side.strip() for side in (part.split(":") if ":" in part else part.split())]
        if len(sides) != 2 or not all(sides) or sides[0] == sides[1]:
            raise DataError(
                f"{part.strip()[:60]!r} is no pair: write two different words, such as france "
                f"paris, and commas between the pairs."
            )
        spelled = [known(side) or known("_".join(side.split())) for side in sides]
        unknown.update(
            (side, None) for side, word in zip(sides, spelled, strict=True) if word is None
        )
        first, second = spelled
        if first is not None and second is not None and first != second:
            found[first, second] = None
    if len(found) > MOST_PAIRS:
        raise DataError(f"{len(found)} example pairs are too many: give at most {MOST_PAIRS}.")
    return ExamplePairs(tuple(found), tuple(unknown))


def mean_offset(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of second − first, (D,); both are (P, D), words at length 1."""
    found: NDArray[np.float64] = (second - first).mean(0)
    return found


class TargetWords:
    """Tells words of the relation's right side from all others: the LR of LRCos.

    A logistic regression, balanced, on vectors of length 1. The right words of the pairs are on one
    side; the left words and words drawn at random (20 a pair, of the 20,000 commonest, always the
    same ones) are on the other.

    Attributes:
        weights: (D,) float64.
        bias: A number.
    """

    def __init__(
        self,
        vectors: WordVectors,
        first: NDArray[np.int64],
        second: NDArray[np.int64],
        seed: int = 0,
    ) -> None:
        """Learn from rows of the table; `second` are the right words."""
        from sklearn.linear_model import LogisticRegression

        dice = np.random.default_rng(seed)
        some = dice.integers(0, min(len(vectors), _COMMON), _OTHERS * len(second))
        right = np.unique(second)
        wrong = np.setdiff1d(np.unique(np.concatenate([first, some])), right)
        if not len(wrong):
            raise DataError(
                "LRCos needs words that are no answers to compare with: the table has none."
            )
        rows = np.concatenate([right, wrong])
        labels = np.arange(len(rows)) < len(right)
        fit = LogisticRegression(class_weight="balanced", max_iter=1000)
        fit.fit(vectors.units[rows].astype(np.float64), labels)
        self.weights: NDArray[np.float64] = fit.coef_[0].astype(np.float64)
        self.bias = float(fit.intercept_[0])

    def probability(self, units: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return how sure it is that words (n, D) are of the right side, (n,)."""
        found: NDArray[np.float64] = 1 / (
            1 + np.exp(-(units @ self.weights.astype(units.dtype) + self.bias))
        )
        return found
