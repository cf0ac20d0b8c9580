"""Whether a probability means what it says: bins, ECE, Brier score, temperature."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import ITEM_NAMES
from fineview.core.errors import DataError
from fineview.core.explore.choices import Binning, MistakesChoice
from fineview.core.explore.mistakes import Held, RunAnswers
from fineview.core.explore.mistakes_resampling import resampled
from fineview.core.explore.space import Figure
from fineview.core.progress import SILENT, Report
from fineview.core.training.metrics import wilson

SAMPLES = 1000
LEAST, MOST = 0.05, 20.0
"""Temperatures between which the best one is sought."""
_FLOOR = 1e-12
"""Least probability: a forest that gives 0 to a true class would have an infinite loss."""
_CHANCE = 200
_BISECTIONS = 60
_NUMBERS = (
    "This task's labels are numbers: the head answers without a probability, so there is nothing "
    "to calibrate. “Errors” shows the answers against the labels."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Items whose answers are about equally sure.

    Attributes:
        low: Confidences above this …
        high: … up to this.
        count: Items.
        confidence: Mean probability of their answers.
        accuracy: Share of right answers.
        interval: 95 % Wilson interval of that share.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Temperature:
    """What divides the logits.

    Attributes:
        value: T; above 1 it makes a head less sure.
        at_bound: Whether the loss still falls beyond LEAST or MOST.
    """

    value: float
    at_bound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Calibration of one split.

    Attributes:
        split: Which.
        bins: The bins that hold items, ascending.
        scaled: The bins after temperature scaling.
        temperature: Fitted on validation.
        figures: Numbers with intervals and baselines.
        note: What a reader must know, in sentences.
    """

    split: Held
    bins: tuple[Bin, ...]
    scaled: tuple[Bin, ...]
    temperature: Temperature
    figures: tuple[Figure, ...]
    note: str


def calibrate(
    answers: RunAnswers, split: Held, choice: MistakesChoice, report: Report = SILENT
) -> Calibration:
    """Measure how well a run's probabilities are calibrated.

    Args:
        answers: Answers of a run.
        split: Which are measured; the temperature is fitted on validation in any case.
        choice: Bins and seed.
        report: Asked between bootstrap samples.

    Raises:
        DataError: Labels are numbers.
        JobCancelled: Stop was pressed.

    Source:
        Guo et al. 2017, arXiv:1706.04599, section 2 (reliability diagram, ECE over M equally wide
        bins (m − 1)/M < p ≤ m/M) and section 4.2 (temperature scaling). Bins of equal mass: Nguyen
        & O'Connor 2015, arXiv:1508.05154, section 4.1.
    """
    if answers.label_kind != "class":
        raise DataError(_NUMBERS)
    held, fitted_on = answers.held[split], answers.held["validation"]
    temperature = fit_temperature(fitted_on.shares, fitted_on.labels.astype(np.int64))
    scaled = scale(held.shares, temperature.value)
    right, labels = held.right.astype(np.float64), held.labels.astype(np.int64)
    surely, after = held.confidence, scaled[np.arange(len(held)), held.answers.astype(np.int64)]
    edges = [bin_edges(values, choice.binning, choice.bins) for values in (surely, after)]
    ece = [expected_error(c, right, e) for c, e in zip((surely, after), edges, strict=True)]
    ends = _intervals(held.units, right, (surely, after), edges, ece, choice.seed, report)
    chance = [_by_chance(c, e, choice.seed) for c, e in zip((surely, after), edges, strict=True)]
    gap = float(surely.mean() - right.mean())
    guess = np.broadcast_to(answers.training_shares, held.shares.shape)
    plain, at = "always answering the training shares", f"at T = {temperature.value:.3g}"
    nouns = ITEM_NAMES[answers.items.task.info.level]
    figures = (
        _ece_figure("Expected calibration error", ece[0], ends[0], chance[0]),
        _ece_figure(f"ECE {at}", ece[1], ends[1], chance[1]),
        Figure(
            name="Mean confidence",
            value=float(surely.mean()), low=None, high=None,
            baseline=f"accuracy {right.mean():.3f}",
            meaning=_lean(gap), note="",
        ),
        Figure(
            name="Brier score",
            value=brier(held.shares, labels), low=None, high=None,
            baseline=f"{plain}: {brier(guess, labels):.3f}",
            meaning="Mean squared distance of the probabilities from the truth; "
            f"{brier(scaled, labels):.3f} {at}.",
            note="Halved for two classes, so that it is that of one class's probability.",
        ),
        Figure(
            name="Cross-entropy",
            value=loss(held.shares, labels), low=None, high=None,
            baseline=f"{plain}: {loss(guess, labels):.3f}",
            meaning=f"In nats; {loss(scaled, labels):.3f} {at}, which is where that of the "
            f"validation {nouns} is least.",
            note="",
        ),
    )  # fmt: skip
    return Calibration(
        split=split,
        bins=binned(surely, right, edges[0]),
        scaled=binned(after, right, edges[1]),
        temperature=temperature,
        figures=figures,
        note=_note(split, temperature, edges[0], choice),
    )


def bin_edges(confidence: NDArray[np.float64], binning: Binning, count: int) -> NDArray[np.float64]:
    """Return the edges of bins, ascending, from 0 to 1.

    Args:
        confidence: (N,) within 0 … 1.
        binning: Equal `width`, or equal `mass`: quantiles, so that equal values stay together, and
            fewer bins where many are equal.
        count: M.
    """
    if binning == "width":
        return np.linspace(0, 1, count + 1)
    inner = np.quantile(confidence, np.linspace(0, 1, count + 1)[1:-1])
    inner = np.unique(inner[inner < confidence.max()])
    return np.concatenate([[0.0], inner, [1.0]])


def bins_of(confidence: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin of each confidence, (N,): edges[m] < p ≤ edges[m + 1]."""
    return np.searchsorted(edges[1:-1], confidence).astype(np.int64)


def binned(
    confidence: NDArray[np.float64], right: NDArray[np.float64], edges: NDArray[np.float64]
) -> tuple[Bin, ...]:
    """Return the bins that hold items.

    Args:
        confidence: (N,) probability of each answer.
        right: (N,) 1 where the answer is right.
        edges: From `bin_edges`.
    """
    of, count = bins_of(confidence, edges), len(edges) - 1
    sizes = np.bincount(of, minlength=count)
    sums = [np.bincount(of, values, minlength=count) for values in (confidence, right)]
    return tuple(
        Bin(
            low=float(edges[m]),
            high=float(edges[m + 1]),
            count=int(sizes[m]),
            confidence=float(sums[0][m] / sizes[m]),
            accuracy=float(sums[1][m] / sizes[m]),
            interval=wilson(round(sums[1][m]), int(sizes[m])),
        )
        for m in np.flatnonzero(sizes).tolist()
    )


def expected_error(
    confidence: NDArray[np.float64], right: NDArray[np.float64], edges: NDArray[np.float64]
) -> float:
    """Return the expected calibration error Σ |B_m|/N · |accuracy − confidence|, 0 … 1.

    Args:
        confidence: (N,) probability of each answer.
        right: (N,) 1 where the answer is right.
        edges: From `bin_edges`.
    """
    return _gap(bins_of(confidence, edges), right - confidence)


def _gap(of: NDArray[np.int64], gaps: NDArray[np.float64]) -> float:
    return float(np.abs(np.bincount(of, gaps)).sum() / len(gaps))


def brier(shares: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the mean over items of Σ (probability − truth)², halved for two classes.

    Args:
        shares: (N, C).
        labels: (N,) class indices.

    Source:
        Brier 1950, Monthly Weather Review 78, 1–3; halved as in scikit-learn's `brier_score_loss`.
    """
    chosen = shares[np.arange(len(labels)), labels]
    total = float(((shares**2).sum(1) - 2 * chosen + 1).mean())
    return total / 2 if shares.shape[1] == 2 else total


def loss(shares: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the mean cross-entropy in nats; probabilities below 1e-12 count as that."""
    chosen = shares[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, _FLOOR)).mean())


def scale(shares: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Return the probabilities that logits divided by a temperature give, (N, C).

    Logarithms of probabilities are logits but for a constant, which the softmax takes out. The
    order of the classes, and with it every answer, stays.
    """
    logits = np.log(np.maximum(shares, _FLOOR)) / temperature
    logits -= logits.max(1, keepdims=True)
    scaled = np.exp(logits)
    scaled /= scaled.sum(1, keepdims=True)
    return np.asarray(scaled)


def fit_temperature(shares: NDArray[np.float64], labels: NDArray[np.int64]) -> Temperature:
    """Return the temperature with the least cross-entropy, within 0.05 … 20.

    The loss is convex in 1/T, so its slope is halved in on.

    Args:
        shares: (N, C) probabilities.
        labels: (N,) class indices.

    Source:
        Guo et al. 2017, arXiv:1706.04599, section 4.2.
    """
    logits = np.log(np.maximum(shares, _FLOOR))
    given = logits[np.arange(len(labels)), labels]

    def slope(inverse: float) -> float:
        """Return d loss / d (1/T)."""
        expected = (scale(shares, 1 / inverse) * logits).sum(1)
        return float((expected - given).mean())

    low, high = 1 / MOST, 1 / LEAST
    if slope(low) >= 0:
        return Temperature(value=MOST, at_bound=True)
    if slope(high) <= 0:
        return Temperature(value=LEAST, at_bound=True)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return Temperature(value=2 / (low + high), at_bound=False)


def _intervals(
    units: NDArray[np.int64],
    right: NDArray[np.float64],
    confidences: tuple[NDArray[np.float64], ...],
    edges: list[NDArray[np.float64]],
    values: list[float],
    seed: int,
    report: Report,
) -> list[tuple[float, float]]:
    """Return basic bootstrap intervals of ECEs, 2·ECE − the upper and lower ends of the samples.

    Noise in each bin can only add to an ECE. A sample has that of the data and its own, and the
    middle 95 % of the samples often leave out the very ECE that is measured; turned round, the
    surplus is taken off. In simulations over 110 … 2,000 items these cover the true ECE in 0.87 to
    0.93 of cases where it is 0.03 or more, and in 0.7 where it is 0: what `_by_chance` is for.

    Source:
        Davison & Hinkley 1997, "Bootstrap Methods and their Application", section 5.2.1.
    """
    names, unit = np.unique(units, return_inverse=True)
    sizes = np.bincount(unit).astype(np.float64)
    # What each unit adds to the gap of each bin: a sample then costs one small product.
    gaps = []
    for confidence, edge in zip(confidences, edges, strict=True):
        count = len(edge) - 1
        cells = unit * count + bins_of(confidence, edge)
        summed = np.bincount(cells, right - confidence, minlength=len(names) * count)
        gaps.append(summed.reshape(len(names), count))
    found = np.array(
        [
            [np.abs(counts @ gap).sum() / (counts @ sizes) for gap in gaps]
            for counts in resampled(len(names), SAMPLES, seed, report, "Bootstrap of the ECE")
        ]
    )
    ends = np.percentile(found, (2.5, 97.5), axis=0)
    return [
        (float(np.clip(2 * value - ends[1, k], 0, 1)), float(np.clip(2 * value - ends[0, k], 0, 1)))
        for k, value in enumerate(values)
    ]


def _by_chance(
    confidence: NDArray[np.float64], edges: NDArray[np.float64], seed: int
) -> tuple[float, float]:
    """Return the ECE of a head whose probabilities are exactly right: mean, and 95 % below.

    Source:
        Bröcker & Smith 2007, Weather and Forecasting 22, 651–661 (consistency resampling).
    """
    random, of = np.random.default_rng(seed), bins_of(confidence, edges)
    drawn = [
        _gap(of, (random.random(len(confidence)) < confidence) - confidence) for _ in range(_CHANCE)
    ]
    return float(np.mean(drawn)), float(np.percentile(drawn, 95))


def _ece_figure(
    name: str, value: float, ends: tuple[float, float], chance: tuple[float, float]
) -> Figure:
    inside = value <= chance[1]
    return Figure(
        name=name,
        value=value,
        low=ends[0],
        high=ends[1],
        baseline=f"a perfectly calibrated head would show {chance[0]:.3f} on so few by chance, in "
        f"19 of 20 cases at most {chance[1]:.3f}",
        meaning="Cannot be told from perfect calibration."
        if inside
        else "How far confidence and accuracy lie apart, on average over the bins.",
        note=f"Interval: basic bootstrap, {SAMPLES:,} samples, the bins kept as they are.",
    )


def _lean(gap: float) -> str:
    if abs(gap) < 0.01:
        return "On average as sure as it is right."
    return f"On average {abs(gap):.3f} {'surer' if gap > 0 else 'less sure'} than it is right."


def _note(
    split: Held, temperature: Temperature, edges: NDArray[np.float64], choice: MistakesChoice
) -> str:
    said = []
    if split == "validation":
        said.append(
            "The temperature was fitted on these very items, so what it gains here is flattering: "
            "choose test to see what it is worth."
        )
    else:
        said.append("The temperature was fitted on validation; these items had no part in it.")
    if temperature.at_bound:
        said.append(
            f"The best temperature lies beyond {temperature.value:g}: the validation answers are "
            + ("all right." if temperature.value == LEAST else "worth nothing.")
        )
    if choice.binning == "mass" and len(edges) - 1 < choice.bins:
        said.append(f"Many confidences are equal: {len(edges) - 1} of {choice.bins} bins are left.")
    return " ".join(said)
