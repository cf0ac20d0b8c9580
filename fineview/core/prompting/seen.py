"""What is seen of a language model at work, as plain values."""

from dataclasses import dataclass
from typing import Literal

Ending = Literal["stop string", "end of text", "most tokens", "window"]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that could stand in a place.

    Attributes:
        token: Its id.
        text: What it adds to the text before it; U+FFFD for a part of a character.
        probability: Given all tokens before, without any sampling setting.
    """

    token: int
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class TokenRead:
    """One token of a text, and how the model had expected it.

    Attributes:
        token: Its id.
        text: What it adds to the text; "" for all but the last token of a character.
        start: Characters of the text before it; `start + len(text)` is where the next one starts.
        logprob: Natural logarithm of its probability; None for the first token, which nothing
            stands before.
        rank: Tokens that were at least as likely, itself among them: 1 is the likeliest; 0 for the
            first token of the text.
        entropy: Of the distribution it comes from, in nats; 0 for the first token.
        alternatives: The likeliest tokens of that distribution, the likeliest first.
    """

    token: int
    text: str
    start: int
    logprob: float | None
    rank: int
    entropy: float
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class NextToken:
    """One row of the table of next tokens.

    Attributes:
        token: Its id.
        text: What it would add.
        before: Its probability as the model gives it.
        after: Its probability after all sampling settings; 0 where they rule it out.
    """

    token: int
    text: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class NextTable:
    """What may come next.

    Attributes:
        rows: The likeliest tokens, the likeliest first.
        rest_before: Probability of all others together.
        rest_after: The same after the sampling settings.
        allowed: Tokens that the sampling settings leave.
        entropy: Before the settings, in nats.
    """

    rows: tuple[NextToken, ...]
    rest_before: float
    rest_after: float
    allowed: int
    entropy: float


@dataclass(frozen=True, slots=True)
class PromptRead:
    """A text as the model reads it.

    Attributes:
        text: The text.
        tokens: Every token that the window holds.
        next: What may come next; None for an empty text to a model without a first token.
        perplexity: exp of the mean surprisal of all tokens but the first; None for fewer than two.
        cut: Tokens at the start of the text that the window has no room for: they were not read.
        computed: Tokens that were computed now; the others were in the cache.
        seconds: How long it took.
    """

    text: str
    tokens: tuple[TokenRead, ...]
    next: NextTable | None
    perplexity: float | None
    cut: int
    computed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Piece:
    """Published for each generated token.

    Attributes:
        read: The token.
        next: What may come after it.
    """

    read: TokenRead
    next: NextTable


@dataclass(frozen=True, slots=True)
class Generated:
    """An answer.

    Attributes:
        text: What was added, without the stop string.
        tokens: Its tokens; a stop string's are among them.
        ending: Why it ended.
        cut: As in `PromptRead`.
        first_seconds: From the start to the first token.
        tokens_per_second: Of the tokens after the first; 0 for fewer than two.
    """

    text: str
    tokens: tuple[TokenRead, ...]
    ending: Ending
    cut: int
    first_seconds: float
    tokens_per_second: float


@dataclass(frozen=True, slots=True)
class Glance:
    """Where one token looks: its attention to each token before it, and to itself.

    Attributes:
        position: Place of the token in `PromptRead.tokens`.
        weights: (L, heads, position + 1) each row sums to 1, less what falls on the first token
            that some models put before every text.
    """

    position: int
    weights: tuple[tuple[tuple[float, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class LensRow:
    """What one layer would have said at one place.

    Attributes:
        layer: 0 … L; L is what the model says.
        entropy: Of the layer's distribution, in nats.
        rows: Its likeliest tokens.
        final_rank: Rank, in this layer's distribution, of the token that layer L finds likeliest.
    """

    layer: int
    entropy: float
    rows: tuple[Alternative, ...]
    final_rank: int


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One query and its answer.

    Attributes:
        query: The columns of the query, without the label.
        prompt: The whole text that was asked.
        answer: What was said: generated text, or the label of the highest score.
        right: The label that was wanted.
        correct: Whether the answer counts as right.
        sure: Probability of the answer: of the label among the labels, or of the generated tokens
            together.
        probabilities: (C) of each label, calibrated where asked; empty where text was generated.
        cut: Tokens at the start of the prompt that the window has no room for.
    """

    query: tuple[str, ...]
    prompt: str
    answer: str
    right: str
    correct: bool
    sure: float
    probabilities: tuple[float, ...]
    cut: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A prompt held against labelled examples.

    Attributes:
        model: Title of the language model.
        seed: Which draw of examples.
        shots: Examples in each prompt.
        labels: Their classes, where they are scored or few; empty for free answers.
        rows: One for each query, in order.
        accuracy: Share of right answers.
        low: 95 % interval of it (Wilson score), lower end.
        high: Upper end.
        majority: Accuracy of always giving the commonest label of the queries.
        bias: (C) probabilities of the labels on content-free input; empty where text is generated.
        confusion: (C, C) right label × answer; empty for free answers.
        unread: Answers that match no label; 0 for free answers.
        tokens: Tokens of prompts and answers, as if each were computed alone.
        computed: Tokens that were computed.
        seconds: How long it took.
    """

    model: str
    seed: int
    shots: int
    labels: tuple[str, ...]
    rows: tuple[AnswerRow, ...]
    accuracy: float
    low: float
    high: float
    majority: float
    bias: tuple[float, ...]
    confusion: tuple[tuple[int, ...], ...]
    unread: int
    tokens: int
    computed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ShotsPoint:
    """Accuracy at one number of examples, one draw, one order.

    Attributes:
        curve: `prompt`, `calibrated` or `head`.
        shots: Examples.
        seed: The draw.
        order: The order; 0 for a head, which knows none.
        accuracy: On the test items.
        cut: Prompts that lost their first tokens, since the window has no room for them.
    """

    curve: Literal["prompt", "calibrated", "head"]
    shots: int
    seed: int
    order: int
    accuracy: float
    cut: int = 0


@dataclass(frozen=True, slots=True)
class ShotsCurve:
    """Accuracy against the number of examples.

    Attributes:
        task: Title of the task.
        model: Title of the language model.
        encoder: Title of the encoder under the head, or "".
        points: In the order in which they were measured.
        majority: Accuracy of always giving the commonest label.
        most: Test items.
        labels: Whether the examples' labels were true.
    """

    task: str
    model: str
    encoder: str
    points: tuple[ShotsPoint, ...]
    majority: float
    most: int
    labels: str


@dataclass(frozen=True, slots=True)
class BlankSide:
    """What one model puts in a gap.

    Attributes:
        title: Of the model.
        objective: `masked` or `causal`.
        rows: Its likeliest tokens.
        rest: Probability of all others.
        seen: The text that the model could see.
    """

    title: str
    objective: Literal["masked", "causal"]
    rows: tuple[Alternative, ...]
    rest: float
    seen: str


@dataclass(frozen=True, slots=True)
class Blank:
    """A gap as two kinds of models fill it.

    Attributes:
        causal: The language model, which sees what stands before.
        masked: The masked model, which sees both sides; None where there is no such head.
        why_not: Why there is no masked model, or "".
        common: Tokens' words that both have among their likeliest.
    """

    causal: BlankSide
    masked: BlankSide | None
    why_not: str
    common: tuple[str, ...]
