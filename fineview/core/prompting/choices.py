"""What the prompts panel is asked, as plain values that sessions keep."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from fineview.core.errors import ConfigError
from fineview.core.models.language_model import DEFAULT, DType
from fineview.core.training.config import one_of, within

Reading = Literal["generate", "score"]
Calibration = Literal["none", "contextual", "pmi"]
Labels = Literal["true", "flipped", "random"]

MOST_SHOTS = 64
LONGEST_TEXT = 200_000
"""Characters of one prompt; no model here takes more."""
COUNTS = (0, 1, 2, 4, 8, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """Which language model answers.

    Attributes:
        name: As `open_language_model` takes it.
        dtype: Number type of its weights in memory.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    name: str = DEFAULT
    dtype: DType = "float32"

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ConfigError: The number type is unknown.
        """
        one_of(self.dtype, get_args(DType), "Number type", "dtype")


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig:
    """How the next token is chosen.

    Attributes:
        temperature: Divides the logits; 0 always takes the likeliest token (greedy).
        top_k: Only the k likeliest may be drawn; 0 for all.
        top_p: Only the fewest tokens that together have this probability; 1 for all.
        min_p: Only tokens with at least this share of the likeliest one's probability; 0 for all.
        repetition_penalty: Logits of tokens that occurred are divided by it where above 0,
            multiplied where below; 1 changes nothing.
        seed: Of the draws; the same seed replays.
        stop: The answer ends before the first of these strings.
        max_tokens: Most tokens of one answer.

    Source:
        top-p: Holtzman et al. 2020, arXiv:1904.09751, section 3.1. min-p: Nguyen et al. 2024,
        arXiv:2407.01082, section 3. Repetition penalty: Keskar et al. 2019, arXiv:1909.05858,
        section 4.1.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    max_tokens: int = 32

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ConfigError: A value is out of range.
        """
        _between(self.temperature, 0.0, 5.0, "Temperature", "temperature")
        within(self.top_k, 0, 1_000_000, "Top-k", "top_k")
        _between(self.top_p, 0.01, 1.0, "Top-p", "top_p")
        _between(self.min_p, 0.0, 1.0, "Min-p", "min_p")
        _between(self.repetition_penalty, 0.5, 5.0, "Repetition penalty", "repetition_penalty")
        within(self.seed, 0, 2**31 - 1, "Seed", "seed")
        within(self.max_tokens, 1, 4096, "Most tokens", "max_tokens")
        if any(not one for one in self.stop):
            raise ConfigError("A stop string is empty: it would stop at once. Remove it.", "stop")

    @property
    def greedy(self) -> bool:
        """Return whether the likeliest token is always taken."""
        return self.temperature == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptConfig:
    """A few-shot prompt: instruction, examples in one format, and a query without its label.

    Attributes:
        instruction: Stands first, with the separator behind it, or "" for none.
        example: Format of one example: text with slots `{column}`, among them `{label}`.
        separator: Between examples.
        columns: Names of the slots; the last one is always `label`.
        shots: (k, columns) the examples, in their order.
        query: (columns − 1) what is asked.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    instruction: str = ""
    example: str = "The capital of {input} is {label}"
    separator: str = "\n"
    columns: tuple[str, ...] = ("input", "label")
    shots: tuple[tuple[str, ...], ...] = (
        ("California", "Sacramento"),
        ("Nevada", "Carson City"),
    )
    query: tuple[str, ...] = ("Texas",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerConfig:
    """How an answer is read.

    Attributes:
        reading: `generate` continues greedily and matches; `score` compares the labels' words.
        words: (label, its words) the verbalizer; a label that is not named stands for itself.
        mean: Whether log-probabilities of a word's tokens are averaged instead of summed.
        calibration: What the labels' probabilities are held against.
        max_tokens: Most tokens of a generated answer.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    reading: Reading = "generate"
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()
    mean: bool = False
    calibration: Calibration = "none"
    max_tokens: int = 12

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ConfigError: A value is out of range.
        """
        one_of(self.reading, get_args(Reading), "Reading", "reading")
        one_of(self.calibration, get_args(Calibration), "Calibration", "calibration")
        within(self.max_tokens, 1, 256, "Most tokens", "max_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateChoice:
    """A few-shot prompt held against labelled examples.

    Attributes:
        source: `table:NAME` of a bundled table, or `task` for the session's task.
        shots: Examples drawn for each prompt from what is not asked; −1 takes the prompt's own.
        most: Most queries.
        seeds: Each draws other examples in another order.
        labels: Whether the examples' labels are true, exchanged, or drawn at random.
        others: Further models, each evaluated likewise.
        formats: Further formats of an example, each evaluated likewise.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    source: str = "table:us-states"
    shots: int = -1
    most: int = 50
    seeds: int = 1
    labels: Labels = "true"
    others: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ConfigError: A value is out of range.
        """
        within(self.shots, -1, MOST_SHOTS, "Examples", "shots")
        within(self.most, 1, 10_000, "Queries", "most")
        within(self.seeds, 1, 20, "Seeds", "seeds")
        one_of(self.labels, get_args(Labels), "Labels", "labels")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotsChoice:
    """Accuracy against the number of examples.

    Attributes:
        source: `task` for the session's task, or `table:NAME` of a bundled table.
        counts: Numbers of examples, ascending.
        seeds: Draws of examples for each number.
        orders: Orders of each draw.
        most: Test items asked.
        calibrated: Whether the calibrated curve is drawn too.
        head: Whether a trained head on the same examples is drawn beside it.
        labels: As in `EvaluateChoice`.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    source: str = "task"
    counts: tuple[int, ...] = COUNTS
    seeds: int = 3
    orders: int = 2
    most: int = 100
    calibrated: bool = True
    head: bool = True
    labels: Labels = "true"

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ConfigError: A value is out of range.
        """
        if not self.counts or list(self.counts) != sorted(set(self.counts)):
            raise ConfigError(
                f"Numbers of examples {list(self.counts)} do not ascend: write them as 0, 1, 2, 4.",
                "counts",
            )
        for count in self.counts:
            within(count, 0, MOST_SHOTS, "Examples", "counts")
        within(self.seeds, 1, 20, "Seeds", "seeds")
        within(self.orders, 1, 20, "Orders", "orders")
        within(self.most, 10, 10_000, "Test items", "most")
        one_of(self.labels, get_args(Labels), "Labels", "labels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One piece of the notebook's tree.

    Attributes:
        parent: Place of the node it goes on from, −1 for the root.
        at: Characters of the parent's whole text that stand before it.
        text: What it adds.
        kind: `typed`, `generated`, or `chosen` for an alternative that was clicked.
        sampling: How it was generated, or None.
        model: What generated it, or "".
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    parent: int
    at: int
    text: str
    kind: Literal["typed", "generated", "chosen"] = "typed"
    sampling: SamplingConfig | None = None
    model: str = ""


FIRST_PROMPT = (
    "The capital of California is Sacramento; the capital of Nevada is Carson City; "
    "the capital of Texas is"
)
"""The lecture's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookChoice:
    """The notebook: a tree of texts, and how it goes on.

    Attributes:
        nodes: The tree; each node comes after its parent.
        current: The node whose whole text is on display.
        sampling: How the next token is chosen.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    nodes: tuple[Node, ...] = (Node(parent=-1, at=0, text=FIRST_PROMPT),)
    current: int = 0
    sampling: SamplingConfig = field(default_factory=SamplingConfig)

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ConfigError: The tree is none.
        """
        good = bool(self.nodes) and 0 <= self.current < len(self.nodes)
        if not good or any(not -1 <= n.parent < i for i, n in enumerate(self.nodes)):
            raise ConfigError("The notebook's tree is damaged: clear it.", "nodes")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlankChoice:
    """A sentence with a gap, for two kinds of models.

    Attributes:
        text: Holds `___` once.
        encoder: A masked language model: a local folder or a hub snapshot with its head, or "" for
            the session's encoder.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    text: str = "The capital of France is ___ and it lies on the Seine."
    encoder: str = ""


def _between(value: float, low: float, high: float, title: str, field: str) -> None:
    """Refuse a number out of range, and what is none.

    Raises:
        ConfigError: With the field's name.
    """
    if not low <= value <= high:
        raise ConfigError(f"{title} must be within {low:g} … {high:g}, not {value:g}.", field)
