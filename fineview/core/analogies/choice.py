"""What the calculator is asked, as plain values that sessions keep."""

from dataclasses import dataclass
from typing import Literal, get_args

from fineview.core.analogies.solver_methods import METHODS, Method
from fineview.core.errors import ConfigError
from fineview.core.training.config import one_of, within

Show = Literal["all", "wrong", "right", "rule"]
OwnKind = Literal["word2vec", "fasttext"]
Architecture = Literal["skip-gram", "cbow"]
Objective = Literal["negative", "hierarchical"]

DEFAULT_VECTORS = "glove-50d"
ENCODER_PREFIX = "encoder:"
"""Begins the names `encoder:NAME` (input embeddings) and `encoder:NAME@LAYER@TASK`."""
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
        pairs: Further examples of the relation as typed, `france paris, japan tokyo`.
        pattern: Only words that this regular expression finds something in are offered, or "".
        skip: The commonest so many words are not offered.
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
    pairs: str = ""
    pattern: str = ""
    skip: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        one_of(self.method, tuple(METHODS), "Method", "method")
        within(self.count, 1, MOST_ANSWERS, "Answers", "count")
        if self.limit < 0:
            raise ConfigError(
                f"The vocabulary must be 0 (all words) or more, not {self.limit}.", "limit"
            )
        if self.skip < 0:
            raise ConfigError(f"Leave out 0 words or more, not {self.skip}.", "skip")


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
    method: Method = "add"
    limit: int = 0
    show: Show = "all"
    section: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        one_of(self.method, tuple(METHODS), "Method", "method")
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
        alone = tuple(name for name, info in METHODS.items() if not info.needs_pairs)
        one_of(self.method, alone, "Method", "method")


@dataclass(frozen=True, slots=True, kw_only=True)
class NearnessChoice:
    """Words that are compared with each other.

    Attributes:
        words: As typed, with commas between.
        count: Nearest words of each, 1 … 100.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    words: str = "breakfast, lunch, dinner, cereal, carpet"
    count: int = 10

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        within(self.count, 1, MOST_ANSWERS, "Nearest words", "count")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnVectorsChoice:
    """How word vectors of one's own are trained.

    Attributes:
        corpus: `lee-news`, the name of a task, or the path of a text.
        kind: `fasttext` adds vectors of a word's character n-grams.
        architecture: `skip-gram` asks a word for its neighbours, `cbow` the neighbours for it.
        objective: `negative` tells neighbours from random words, `hierarchical` goes down a tree.
        width: D, numbers a word, 2 … 1,000.
        window: Neighbours on each side, 1 … 50.
        negatives: Random words for each neighbour, 1 … 100.
        min_count: Rarer words are left out, 1 … 10,000.
        epochs: Passes over the text, 1 … 1,000.
        rate: First learning rate; it falls to a 250th of it in a line.
        seed: Of the first vectors and of every draw.
        probes: Words whose neighbours are shown meanwhile, with commas between.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    corpus: str = "lee-news"
    kind: OwnKind = "word2vec"
    architecture: Architecture = "skip-gram"
    objective: Objective = "negative"
    width: int = 100
    window: int = 5
    negatives: int = 5
    min_count: int = 5
    epochs: int = 30
    rate: float = 0.025
    seed: int = 1
    probes: str = "king, man, france, government"

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        one_of(self.kind, get_args(OwnKind), "Model", "kind")
        one_of(self.architecture, get_args(Architecture), "Architecture", "architecture")
        one_of(self.objective, get_args(Objective), "Objective", "objective")
        within(self.width, 2, 1000, "Numbers a word", "width")
        within(self.window, 1, 50, "Window", "window")
        within(self.negatives, 1, 100, "Negatives", "negatives")
        within(self.min_count, 1, 10_000, "Least count", "min_count")
        within(self.epochs, 1, 1000, "Epochs", "epochs")
        if not 0 < self.rate <= 1:  # also catches NaN
            raise ConfigError(
                f"The learning rate must be above 0 and at most 1, not {self.rate:g}.", "rate"
            )


@dataclass(frozen=True, slots=True)
class EncoderWords:
    """Which vectors of an encoder are meant.

    Attributes:
        encoder: Its name.
        layer: 0 … L, or None for the input embeddings.
        task: Whose texts the words are met in; "" for the input embeddings.
    """

    encoder: str
    layer: int | None = None
    task: str = ""

    @property
    def name(self) -> str:
        """Return the name in sessions."""
        if self.layer is None:
            return f"{ENCODER_PREFIX}{self.encoder}"
        return f"{ENCODER_PREFIX}{self.encoder}@{self.layer}@{self.task}"


def read_encoder_name(name: str) -> EncoderWords:
    """Return what a name that begins with `encoder:` means.

    Raises:
        ConfigError: It is no such name.
    """
    encoder, *rest = name.removeprefix(ENCODER_PREFIX).split("@")
    if not rest and encoder:
        return EncoderWords(encoder)
    if len(rest) == 2 and encoder and rest[0].isdigit() and rest[1]:
        return EncoderWords(encoder, int(rest[0]), rest[1])
    raise ConfigError(
        f"{name!r} names no vectors: write encoder:NAME for its input embeddings, or "
        f"encoder:NAME@LAYER@TASK.",
        "vectors",
    )
