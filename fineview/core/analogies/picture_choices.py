"""What the map of words and the bias page are asked, as plain values that sessions keep."""

from dataclasses import dataclass
from typing import Literal, get_args

from fineview.core.errors import ConfigError
from fineview.core.training.config import one_of, within

View = Literal["map", "components", "pairs"]
Projection = Literal["pca", "tsne"]
Arrows = Literal["words", "origin"]
Direction = Literal["pca", "mean"]

MOST_NEIGHBOURS = 50
OCCUPATIONS = (
    "nurse, doctor, teacher, engineer, secretary, lawyer, librarian, carpenter, housekeeper, "
    "programmer, receptionist, mechanic, hairdresser, architect, nanny, captain, dancer, "
    "philosopher, homemaker, boss, socialite, warrior, bookkeeper, magician, plumber, surgeon"
)
ADJECTIVES = (
    "gentle, strong, beautiful, brilliant, emotional, rational, fragile, brave, lovely, logical, "
    "warm, ambitious, delicate, aggressive, charming, competent, pretty, tough, modest, lazy"
)
LISTS: tuple[tuple[str, str, str], ...] = (
    ("occupations", "Occupations", OCCUPATIONS),
    ("adjectives", "Adjectives", ADJECTIVES),
)
"""Names, titles and words of the lists that are offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordMapChoice:
    """What is drawn of words and of pairs of words.

    Attributes:
        view: `map` of words and neighbours, their `components`, or the offsets of `pairs`.
        words: As typed, with spaces or commas between.
        count: Neighbours of each word, 0 … 50.
        projection: How D numbers become two.
        pairs: As typed: two words a pair, commas between pairs.
        relation: `set/section` whose pairs are taken instead of those typed, or "".
        arrows: Whether an offset is drawn from its first word or from one point for all.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    view: View = "map"
    words: str = "king, queen, man, woman, paris, france, rome, italy"
    count: int = 5
    projection: Projection = "pca"
    pairs: str = (
        "man woman, king queen, boy girl, uncle aunt, father mother, son daughter, "
        "brother sister, husband wife, prince princess, actor actress"
    )
    relation: str = ""
    arrows: Arrows = "words"

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        one_of(self.view, get_args(View), "Picture", "view")
        one_of(self.projection, get_args(Projection), "Projection", "projection")
        one_of(self.arrows, get_args(Arrows), "Arrows", "arrows")
        within(self.count, 0, MOST_NEIGHBOURS, "Neighbours", "count")
        if self.relation and not all(self.relation.partition("/")):
            raise ConfigError(
                f"{self.relation!r} names no relation: write SET/SECTION, as google/family.",
                "relation",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasChoice:
    """A bias axis, the words that are placed on it, and the pairs that are made equal.

    Attributes:
        pairs: As typed: pairs whose difference is the axis, from its one end to its other.
        direction: First principal component of the differences, or their mean.
        words: What is placed, with spaces or commas between.
        equal: Pairs that are equalised.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    pairs: str = (
        "he she, his her, man woman, john mary, himself herself, son daughter, father mother, "
        "guy gal, boy girl, male female"
    )
    direction: Direction = "pca"
    words: str = OCCUPATIONS
    equal: str = "grandfather grandmother, king queen, uncle aunt, husband wife, actor actress"

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        one_of(self.direction, get_args(Direction), "Axis", "direction")
