"""What the calculator is asked, as plain values that sessions keep."""

from dataclasses import dataclass
from typing import Literal, get_args

from fineview.core.analogies.solver_methods import METHODS, SET_METHODS, Method, SetMethod
from fineview.core.errors import ConfigError
from fineview.core.training.config import one_of, within

Show = Literal["all", "wrong", "right", "rule"]

DEFAULT_VECTORS = "glove-50d"
MOST_ANSWERS = 100
PRESETS: tuple[tuple[str, str], ...] = (
    ("Royalty", "man : woman :: king : ?"),
    ("Capitals", "france : paris :: italy : ?"),
    ("Capitals, backwards", "paris : france :: tokyo : ?"),
    ("Money", "japan : yen :: europe : ?"),
    ("Comparatives", "big : bigger :: small : ?"),
    ("Past tense", "walk : walked :: go : ?"),
    ("Plurals", "mouse : mice :: foot : ?"),
    ("People", "france : french :: germany : ?"),
    ("Opposites", "good : bad :: rich : ?"),
    ("Family", "brother : sister :: uncle : ?"),
    ("A sum", "paris - france + germany"),
)
"""Titles and expressions; the first is the lecture's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalogyChoice:
    """The calculator's settings.

    Attributes:
        vectors: A name of the catalogue, or a path.
        expression: As typed.
        method: Whose answers are in front.
        count: Answers a list, 1 … 100.
        limit: Only the first so many words are offered; 0 for all.
        exact_case: Whether words differ by case.
        unit: Whether the picture takes every word at length 1.
        against: Answer that the picture draws, or "" for the best one.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    vectors: str = DEFAULT_VECTORS
    expression: str = PRESETS[0][1]
    method: Method = "add"
    count: int = 10
    limit: int = 0
    exact_case: bool = False
    unit: bool = True
    against: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        one_of(self.method, tuple(METHODS), "Method", "method")
        within(self.count, 1, MOST_ANSWERS, "Answers", "count")
        if self.limit < 0:
            raise ConfigError(
                f"The vocabulary must be 0 (all words) or more, not {self.limit}.", "limit"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetChoice:
    """How a whole set of questions is answered, and which of them are listed.

    Attributes:
        questions: `google`, `msr`, or a path.
        method: How.
        limit: Only the first so many words can be asked for or be answers; 0 for all.
        show: `all`, `wrong`, `right`, or `rule`: right only because of the exclusion rule.
        section: Only this section, or "".
        text: Only questions with this word, or "".
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    questions: str = "google"
    method: SetMethod = "add"
    limit: int = 0
    show: Show = "all"
    section: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        one_of(self.method, tuple(SET_METHODS), "Method", "method")
        one_of(self.show, get_args(Show), "Questions", "show")
        if self.limit < 0:
            raise ConfigError(
                f"The vocabulary must be 0 (all words) or more, not {self.limit}.", "limit"
            )

    @property
    def asked(self) -> tuple[str, str, int]:
        """What a result depends on, besides the vectors."""
        return self.questions, self.method, self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class AxesChoice:
    """Two axes of one's own, and the words placed on them; all as typed, with commas between.

    Attributes:
        left: Words at the left end.
        right: At the right end.
        below: At the lower end.
        above: At the upper end.
        words: What is placed.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    left: str = "he, man, his"
    right: str = "she, woman, her"
    below: str = "poor, cheap"
    above: str = "rich, expensive"
    words: str = (
        "nurse, doctor, teacher, engineer, secretary, president, queen, king, housewife, "
        "programmer, dancer, lawyer, farmer, banker, maid, princess, soldier"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChoice:
    """Many questions at once.

    Attributes:
        text: A question a line: an expression, or three words with commas between.
        method: How they are answered.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    text: str = "\n".join(expression for _, expression in PRESETS)
    method: Method = "add"

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        one_of(self.method, tuple(METHODS), "Method", "method")
