"""What a run says while it is in flight; each event is one line of its event log."""

from dataclasses import dataclass
from typing import Literal

RunStatus = Literal[
    "running", "finished", "stopped", "failed", "diverged", "interrupted", "damaged"
]
"""`interrupted` and `damaged` are found when a run is read; the others are written by the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The run's folder exists and its configuration is on disk.

    Attributes:
        run_id: Name of the run's folder.
        resumed_from: Step from which a stopped or interrupted run goes on, else 0.
        total_steps: Steps that all epochs take together.
    """

    run_id: str
    resumed_from: int = 0
    total_steps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturesReady:
    """Hidden states of all layers are there.

    Attributes:
        cached: True where the store had them already and nothing was computed.
        items: N, texts, pairs or words.
        seconds: Time this took.
        truncated: Texts that were cut at the maximum length.
        dropped_words: Words left out because the text was cut or the cap on words was met.
    """

    cached: bool
    items: int
    seconds: float
    truncated: int = 0
    dropped_words: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainStep:
    """One optimiser step.

    Attributes:
        step: Counts from 1.
        epoch: Fractional, step / steps per epoch.
        loss: Mean cross-entropy of the batch, nats.
        gradient_norm: Euclidean norm of the gradient over all trained weights.
        samples_per_s: Training rate since the last event.
        learning_rate: Rate of this step, of the head's weights.
        encoder_rate: Rate of the encoder's last block; 0 where the encoder stands still.
    """

    step: int
    epoch: float
    loss: float
    gradient_norm: float
    samples_per_s: float
    learning_rate: float
    encoder_rate: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerMoves:
    """How each layer's weights move where the encoder is trained; about once a second.

    Attributes:
        step: Steps done.
        names: The G groups of weights: embeddings, blocks, head.
        gradient_norms: (G,) Euclidean norm of the last step's gradient; 0 where nothing moves.
        distances: (G,) Euclidean distance from the weights that training began with.
    """

    step: int
    names: tuple[str, ...]
    gradient_norms: tuple[float, ...]
    distances: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """How like the states of each layer still are to those of the pretrained encoder.

    Attributes:
        step: Steps done.
        cka: (L+1,) linear CKA of the layer's mean-pooled states on a sample of the validation
            texts, 1 = the same up to rotation and scale.
    """

    step: int
    cka: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadCurve:
    """What a head without gradient steps has instead of a loss curve; each one is the whole curve.

    Attributes:
        over: What it is drawn over, for people: `trees`, `rounds`, `k`, …
        measure: What is drawn, for people: `out-of-bag error`, `accuracy`, …
        at: (P,) places on the horizontal axis, ascending.
        train: (P,) the measure on the training split; empty where there is none.
        validation: (P,) the measure on the validation split, or out of bag; NaN where unknown.
        chosen: The place that the head uses.
    """

    over: str
    measure: str
    at: tuple[float, ...]
    train: tuple[float, ...]
    validation: tuple[float, ...]
    chosen: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something of the run in flight that people should know, in one sentence."""

    step: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerWeights:
    """What a learned layer mix makes of the layers; at most ten times a second.

    Attributes:
        step: Steps done.
        layers: The k layers that are mixed, ascending.
        weights: (k,) their weights, summing to 1.
    """

    step: int
    layers: tuple[int, ...]
    weights: tuple[float, ...]

    @property
    def expected_layer(self) -> float:
        """Return Σ l·w_l, the layer where on the average the head reads.

        Source:
            Tenney et al. 2019, arXiv:1905.05950, section 4 (centre of gravity).
        """
        return sum(layer * share for layer, share in zip(self.layers, self.weights, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Measures on training and validation splits, after an epoch (and before the first).

    On the whole splits; where the encoder is trained, on a sample of each.

    Attributes:
        step: Steps done.
        epoch: Epochs done.
        train_loss: Mean cross-entropy, nats; numbers: mean squared error over the variance of the
            training labels.
        train_accuracy: Share in 0 … 1; NaN for numbers.
        penalised_loss: Training loss plus λ/2·‖W‖²: what the optimum line is the minimum of.
        loss: The same loss on the validation split.
        accuracy: Share in 0 … 1 on the validation split; NaN for numbers.
        macro_f1: Unweighted mean of the classes' F1 on the validation split; NaN for numbers.
        train_spearman: Numbers: rank correlation of answers and labels, -1 … 1; else None.
        spearman: Numbers: the same on the validation split.
        seconds: Time of the run so far; 0 where it was not kept.
    """

    step: int
    epoch: float
    train_loss: float
    train_accuracy: float
    penalised_loss: float
    loss: float
    accuracy: float
    macro_f1: float
    train_spearman: float | None = None
    spearman: float | None = None
    seconds: float = 0.0

    @property
    def score(self) -> float:
        """Accuracy, or for numbers the rank correlation, on the validation split."""
        return self.accuracy if self.spearman is None else self.spearman

    @property
    def train_score(self) -> float:
        """The same on the training split."""
        return self.train_accuracy if self.train_spearman is None else self.train_spearman


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A figure to measure the run against.

    Attributes:
        name: `majority`, `tfidf` (TF-IDF → truncated SVD → logistic regression) or `optimum` (least
            penalised loss that this head can reach on these features).
        accuracy: On the validation split (numbers: rank correlation); None where the reference has
            none.
        test_accuracy: On the test split.
        loss: Validation loss, nats; None where the reference has none.
        penalised_loss: Training loss with the penalty, for `optimum`.
        note: What it is in words, or why there is none.
    """

    name: Literal["majority", "tfidf", "optimum"]
    accuracy: float | None = None
    test_accuracy: float | None = None
    loss: float | None = None
    penalised_loss: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChanged:
    """A setting was changed while the run was in flight; it holds from `step` + 1 on."""

    step: int
    name: str
    old: float
    new: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Head, optimiser and position are on disk; a resumed run goes on from `step`."""

    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The last event of a run.

    Attributes:
        status: How it ended.
        text: One sentence for people.
        step: Steps done.
        seconds: Time of the run.
    """

    status: RunStatus
    text: str
    step: int
    seconds: float


Event = (
    RunStarted
    | FeaturesReady
    | TrainStep
    | LayerMoves
    | Similarity
    | HeadCurve
    | Notice
    | LayerWeights
    | Evaluation
    | Reference
    | SettingChanged
    | Checkpoint
    | RunEnded
)
EVENT_TYPES: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        RunStarted,
        FeaturesReady,
        TrainStep,
        LayerMoves,
        Similarity,
        HeadCurve,
        Notice,
        LayerWeights,
        Evaluation,
        Reference,
        SettingChanged,
        Checkpoint,
        RunEnded,
    )
}
