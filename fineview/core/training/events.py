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
        learning_rate: Rate of this step.
    """

    step: int
    epoch: float
    loss: float
    gradient_norm: float
    samples_per_s: float
    learning_rate: float


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
    """Measures on the whole training and validation splits, after an epoch (and before the first).

    Attributes:
        step: Steps done.
        epoch: Epochs done.
        train_loss: Mean cross-entropy, nats.
        train_accuracy: Share in 0 … 1.
        penalised_loss: Training loss plus λ/2·‖W‖²: what the optimum line is the minimum of.
        loss: Mean cross-entropy on the validation split, nats.
        accuracy: Share in 0 … 1 on the validation split.
        macro_f1: Unweighted mean of the classes' F1 on the validation split.
    """

    step: int
    epoch: float
    train_loss: float
    train_accuracy: float
    penalised_loss: float
    loss: float
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A figure to measure the run against.

    Attributes:
        name: `majority`, `tfidf` (TF-IDF → truncated SVD → logistic regression) or `optimum` (least
            penalised loss that this head can reach on these features).
        accuracy: On the validation split; None where the reference has none.
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
        LayerWeights,
        Evaluation,
        Reference,
        SettingChanged,
        Checkpoint,
        RunEnded,
    )
}
