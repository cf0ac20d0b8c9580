"""Places words on two axes of one's own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.asking import Dictionary
from fineview.core.analogies.choice import AxesChoice
from fineview.core.analogies.geometry import Axis, along
from fineview.core.errors import DataError

MOST_WORDS = 300


@dataclass(frozen=True, slots=True, eq=False)
class PlacedWords:
    """Words with their places.

    Attributes:
        choice: What was asked.
        words: n words.
        places: (n, 2) cosines with the two axes.
        titles: Of the axes, left to right and below to above.
        angle: Cosine between the axes: what one of them says of the other.
        unknown: Words the table does not have; they are left out.
    """

    choice: AxesChoice
    words: tuple[str, ...]
    places: NDArray[np.float64]
    titles: tuple[str, str]
    angle: float
    unknown: tuple[str, ...]


def place(dictionary: Dictionary, choice: AxesChoice) -> PlacedWords:
    """Place words.

    Raises:
        DataError: An end has no known word, both ends of an axis are one place, or there is
            nothing to place.
    """
    vectors, known = dictionary.vectors, dictionary.spelled(False)
    unknown: list[str] = []

    def listed(text: str) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for typed in text.replace("\n", ",").replace(";", ",").split(","):
            word = typed.strip()
            if not word:
                continue
            spelled = known(word) or known(word.replace(" ", "_"))
            if spelled is None:
                unknown.append(word)
            else:
                found[spelled] = None
        return tuple(found)

    across = Axis(listed(choice.left), listed(choice.right))
    upwards = Axis(listed(choice.below), listed(choice.above))
    words = listed(choice.words)
    missing = tuple(dict.fromkeys(unknown))
    for axis, name in ((across, "left to right"), (upwards, "below to above")):
        if not axis.low or not axis.high:
            raise DataError(
                f"The axis from {name} needs a known word at each end"
                + (f": {', '.join(map(repr, missing))} are not in this table." if missing else ".")
            )
    if not words:
        raise DataError("There is no known word to be placed: write some, with commas between.")
    if len(words) > MOST_WORDS:
        raise DataError(
            f"{len(words):,} words are too many to be read: place at most {MOST_WORDS}."
        )
    units = vectors.units
    ends = [
        units[[vectors.index[w] for w in axis.high]].mean(0)
        - units[[vectors.index[w] for w in axis.low]].mean(0)
        for axis in (across, upwards)
    ]
    places = np.column_stack([along(vectors, axis, words) for axis in (across, upwards)])
    sizes = [float(np.linalg.norm(end)) for end in ends]
    return PlacedWords(
        choice=choice,
        words=words,
        places=places,
        titles=(across.title, upwards.title),
        angle=float(ends[0] @ ends[1]) / (sizes[0] * sizes[1]),
        unknown=missing,
    )
