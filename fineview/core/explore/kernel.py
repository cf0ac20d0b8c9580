"""The derivative kernel as it is asked for and shown."""

from dataclasses import dataclass, field
from math import isnan
from typing import Literal

from fineview.core.errors import ConfigError
from fineview.core.runs.spec import RunSpec

KernelWeights = Literal["pretrained", "random", "tuned"]
MOST_TEXTS = 300
FEWEST_TEXTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelSpec:
    """Which kernels are to be computed, on which texts.

    Attributes:
        run: Task, split, encoder, maximum length, pooling, head and seed; its strategy counts for
            the epochs of the head alone.
        tuned: Id of a run that has trained this encoder on this task, or "".
        texts: Training items, 8 … 300: the kernel's, and the head's.
        held_out: Test items that are predicted, 8 … 300.
        buckets: Numbers kept of each gradient and layer, 8,192 … 65,536.
        seed: Draws the sketch.
    """

    run: RunSpec = field(default_factory=RunSpec)
    tuned: str = ""
    texts: int = 100
    held_out: int = 100
    buckets: int = 8192
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what takes hours, or tells nothing."""
        for name, title in (("texts", "Training items"), ("held_out", "Held-out items")):
            value = getattr(self, name)
            if not FEWEST_TEXTS <= value <= MOST_TEXTS:
                raise ConfigError(
                    f"{title} of a kernel must be within {FEWEST_TEXTS} … {MOST_TEXTS}, not "
                    f"{value:,}.",
                    name,
                )
        if not 8192 <= self.buckets <= 65536:
            raise ConfigError(
                f"A sketch must keep 8,192 … 65,536 numbers, not {self.buckets:,}.", "buckets"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How well held-out items are predicted: accuracy, or rank correlation for numbers.

    Attributes:
        value: It.
        low: Lower end of its 95 % interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelFigures:
    """The kernel at one set of weights.

    Attributes:
        weights: Which.
        title: For people.
        alignment: Of the kernel with the labels, centred, over the held-out items; 0 … 1, NaN where
            all are of one class. No weights have seen these.
        by_group: (G,) the same of each group's part.
        seen: As `alignment`, over the training items, whose labels have shaped the head, and the
            tuned weights where the run learned from them.
        shares: (G,) share of each group in the trace of the centred kernel; sums to 1.
        ridge: Ridge regression on the whole kernel: the linearised model, fitted in closed form.
        features: The same on the head's part alone: on the features as they are.
        model: What the model says that the derivative is taken at.
        penalty: λ of the ridge, in units of the mean eigenvalue.
    """

    weights: KernelWeights
    title: str
    alignment: float
    by_group: tuple[float, ...]
    seen: float
    shares: tuple[float, ...]
    ridge: Held
    features: Held
    model: Held
    penalty: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelStudy:
    """What is known so far.

    Attributes:
        spec: What was asked.
        metric: `accuracy` or `spearman`.
        groups: The G groups of weights: embeddings, blocks, head.
        items: Training items, N.
        held_out: Items that are predicted.
        outputs: C, or 1 for numbers.
        baseline: What always answering the most frequent training class scores; 0 for numbers.
        learned: Training items of the tuned run; 0 without one.
        kernels: Pretrained, random, tuned, as far as they are there.
        distances: (G-1,) ‖w − w₀‖ of the tuned run's encoder by group; empty without one.
        lengths: (G-1,) ‖w₀‖ of the same groups.
        notes: What is to be known of the figures; sentences.
        seconds: Time so far.
        complete: False while kernels are missing.
    """

    spec: KernelSpec
    metric: Literal["accuracy", "spearman"]
    groups: tuple[str, ...]
    items: int
    held_out: int
    outputs: int
    baseline: float = 0.0
    learned: int = 0
    kernels: tuple[KernelFigures, ...] = ()
    distances: tuple[float, ...] = ()
    lengths: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    complete: bool = False

    def of(self, weights: KernelWeights) -> KernelFigures | None:
        """Return the figures at some weights, if they are there."""
        return next((one for one in self.kernels if one.weights == weights), None)

    @property
    def distance(self) -> float:
        """‖w − w₀‖ of the tuned run's encoder, NaN without one."""
        return _norm(self.distances)

    @property
    def relative_distance(self) -> float:
        """‖w − w₀‖ / ‖w₀‖, NaN without a tuned run."""
        return self.distance / _norm(self.lengths)

    @property
    def sentence(self) -> str:
        """Return what the figures mean, as far as they are there."""
        before, random, tuned = (self.of(name) for name in ("pretrained", "random", "tuned"))
        if before is None:
            return ""
        first = _aligned(before, random)
        score = "accuracy" if self.metric == "accuracy" else "rank correlation"
        by_chance = "always one class" if self.metric == "accuracy" else "one answer for all"
        second = (
            f"A linear model on the pretrained derivatives reaches {before.ridge.value:.2f} "
            f"{score} on {self.held_out} held-out items, one on the features "
            f"{before.features.value:.2f}, {by_chance} {self.baseline:.2f}"
        )
        if tuned is not None:
            second += f"; the run reaches {tuned.model.value:.2f}{self._compared(before, tuned)}"
        return f"{first} {second}."

    def _compared(self, before: KernelFigures, tuned: KernelFigures) -> str:
        """Return how the run stands to the linear model around its start; like with like only."""
        if self.learned > MOST_TEXTS:
            return f", but from {self.learned:,} training items: more than a kernel can take"
        if self.learned != self.items:
            return (
                f", but from {self.learned:,} training items, not {self.items:,}: take as many to "
                "compare"
            )
        if tuned.model.low > before.ridge.high:
            return ", clearly more than a linear model around its start explains"
        if tuned.model.high < before.ridge.low:
            return ", clearly less than the linear model around its start"
        return "; that it differs from the linear model around its start these items do not show"


def _aligned(before: KernelFigures, random: KernelFigures | None) -> str:
    """Return whether alignment and prediction speak for the pretrained start."""
    if isnan(before.alignment):
        return "The held-out labels are all the same, so nothing can be aligned with them."
    said = (
        f"At the pretrained weights the derivatives are aligned with held-out labels by "
        f"{before.alignment:.2f}"
    )
    if random is None:
        return f"{said}."
    said += (
        f", at random weights by {random.alignment:.2f}; in kernel form they predict "
        f"{before.ridge.value:.2f} against {random.ridge.value:.2f}"
    )
    better = before.alignment > random.alignment, before.ridge.value > random.ridge.value
    if all(better):
        return f"{said}: both speak for a fortunate start."
    if any(better):
        return f"{said}: only one of the two speaks for the pretrained start."
    return f"{said}: neither speaks for the pretrained start."


def _norm(parts: tuple[float, ...]) -> float:
    return sum(part**2 for part in parts) ** 0.5 if parts else float("nan")
