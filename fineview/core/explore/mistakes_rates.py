"""One class against the rest: ROC and precision-recall curves with the areas under them."""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import DataError
from fineview.core.explore.choices import MistakesChoice
from fineview.core.explore.mistakes import Held, RunAnswers
from fineview.core.explore.mistakes_resampling import percentile_interval, resampled
from fineview.core.progress import SILENT, Report

FEW = 10
"""Items of a class below which its intervals are not to be trusted."""
_MOST_SAMPLES, _LEAST_SAMPLES = 1000, 200
_BUDGET = 2e8
"""Samples × classes × items of the bootstrap, about; seconds on one core."""
_POINTS = 1001
"""Points of a drawn curve; the areas are those of all thresholds."""
_NUMBERS = (
    "This task's labels are numbers: there is no class to be told from the rest, so these curves "
    "do not apply. “Errors” shows the answers against the labels."
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """An area under a curve, 0 … 1.

    Attributes:
        value: The area; NaN where the class does not occur, or nothing else does.
        interval: 95 % bootstrap interval, or None.
    """

    value: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassRates:
    """Curves of one class against the rest, or their mean.

    Attributes:
        index: The class; −1 for the mean over classes.
        name: What it is called.
        positives: Items of the class; of the mean all items.
        base_rate: Share of the class: the precision of answering it always.
        auc: Area under the ROC curve; 0.5 by chance.
        average_precision: Σ (R_n − R_{n−1}) P_n; the base rate by chance.
        roc: (2, P) false and true positive rates, ascending.
        precision_recall: (2, P) recall, ascending, and precision; (0, 0) where the class lacks.
    """

    index: int
    name: str
    positives: int
    base_rate: float
    auc: Area
    average_precision: Area
    roc: Floats
    precision_recall: Floats

    @property
    def defined(self) -> bool:
        """Return whether there are curves."""
        return self.auc.value == self.auc.value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rates:
    """Curves of every class of one split.

    Attributes:
        split: Which.
        items: N.
        classes: In index order; of a task of two only the second.
        macro: Mean over the classes that occur; None for two classes.
        samples: Bootstrap samples behind the intervals.
        note: What a reader must know, in sentences.
    """

    split: Held
    items: int
    classes: tuple[ClassRates, ...]
    macro: ClassRates | None
    samples: int
    note: str

    def of_class(self, name: str) -> ClassRates:
        """Return a class by its name; the first that has curves where there is no such class."""
        for one in self.classes:
            if one.name == name:
                return one
        return next((one for one in self.classes if one.defined), self.classes[0])


def measure_rates(
    answers: RunAnswers, split: Held, choice: MistakesChoice, report: Report = SILENT
) -> Rates:
    """Measure how well each class is told from the rest.

    Args:
        answers: Answers of a run.
        split: Which are measured.
        choice: The seed.
        report: Asked between bootstrap samples; progress counts them.

    Raises:
        DataError: Labels are numbers.
        JobCancelled: Stop was pressed.

    Source:
        ROC and its vertical average: Fawcett 2006, Pattern Recognition Letters 27, sections 4–8.
        Average precision without interpolation: Davis & Goadrich 2006, ICML, section 3. Intervals:
        percentile bootstrap over items (words: over sentences), Efron & Tibshirani 1993, chapter
        13; samples that lack a class leave it out.
    """
    if answers.label_kind != "class":
        raise DataError(_NUMBERS)
    held, names = answers.held[split], answers.classes
    labels = held.labels.astype(np.int64)
    asked = [1] if len(names) == 2 else list(range(len(names)))
    ranked = []
    for index in asked:
        report.check()
        ranked.append(Ranked(held.shares[:, index], labels == index))
    occurring = [one for one in ranked if one.defined]
    work = len(held) * max(len(occurring), 1)
    samples = int(np.clip(_BUDGET / work, _LEAST_SAMPLES, _MOST_SAMPLES)) if occurring else 0
    boots = np.full((samples, len(ranked), 2), nan)
    units, unit = np.unique(held.units, return_inverse=True)
    drawn = resampled(len(units), samples, choice.seed, report, "Bootstrap of the areas")
    for number, counts in enumerate(drawn):
        weights = counts[unit]
        for place, one in enumerate(ranked):
            report.check()
            if one.defined:
                boots[number, place] = one.areas(weights)
    classes = tuple(
        _class_rates(index, names[index], one, boots[:, place])
        for place, (index, one) in enumerate(zip(asked, ranked, strict=True))
    )
    return Rates(
        split=split,
        items=len(held),
        classes=classes,
        macro=_macro(classes, ranked, boots) if len(names) > 2 and occurring else None,
        samples=samples,
        note=_note(answers, split, classes, samples),
    )


class Ranked:
    """Items from likely to unlikely members of a class.

    Attributes:
        total: N.
        positives: Items of the class.
        defined: Whether the class and others occur.
    """

    def __init__(self, scores: Floats, positive: NDArray[np.bool_]) -> None:
        """Rank them.

        Args:
            scores: (N,) probability of the class.
            positive: (N,) whether it is the label.
        """
        self.total = len(positive)
        self.positives = int(positive.sum())
        self.defined = 0 < self.positives < len(positive)
        self._order = np.argsort(-scores, kind="stable")
        self._positive = positive[self._order].astype(np.float64)
        ordered = scores[self._order]
        # Equal scores pass a threshold together.
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))

    def counts(self, weights: Floats | None = None) -> tuple[Floats, Floats]:
        """Return true and false positives at each threshold, the first above all scores."""
        own = self._positive
        drawn = None if weights is None else weights[self._order]
        hits = np.cumsum(own if drawn is None else own * drawn)[self._ends]
        passed = self._ends + 1.0 if drawn is None else np.cumsum(drawn)[self._ends]
        return np.append(0.0, hits), np.append(0.0, passed - hits)

    def areas(self, weights: Floats | None = None) -> tuple[float, float]:
        """Return area under the ROC curve, and average precision; NaN where one side lacks."""
        hits, misses = self.counts(weights)
        if hits[-1] <= 0 or misses[-1] <= 0:
            return nan, nan
        up = np.diff(hits)
        auc = float((np.diff(misses) * (hits[1:] + hits[:-1])).sum() / 2 / hits[-1] / misses[-1])
        passed = np.maximum(hits[1:] + misses[1:], 1e-12)
        return auc, float((up * hits[1:] / passed).sum() / hits[-1])

    def roc(self) -> Floats:
        """Return (2, P) false and true positive rates at every threshold."""
        hits, misses = self.counts()
        return np.stack([misses / misses[-1], hits / hits[-1]])

    def precision_recall(self) -> Floats:
        """Return (2, P) recall and precision at every threshold that an item passes."""
        hits, misses = self.counts()
        return np.stack([hits[1:] / hits[-1], hits[1:] / (hits[1:] + misses[1:])])


def _class_rates(index: int, name: str, ranked: Ranked, boots: Floats) -> ClassRates:
    auc, precision = ranked.areas() if ranked.defined else (nan, nan)
    return ClassRates(
        index=index,
        name=name,
        positives=ranked.positives,
        base_rate=ranked.positives / max(ranked.total, 1),
        auc=Area(value=auc, interval=percentile_interval(boots[:, 0])),
        average_precision=Area(value=precision, interval=percentile_interval(boots[:, 1])),
        roc=_thinned(ranked.roc()) if ranked.defined else np.zeros((2, 0)),
        precision_recall=_thinned(ranked.precision_recall())
        if ranked.defined
        else np.zeros((2, 0)),
    )


def _macro(classes: tuple[ClassRates, ...], ranked: list[Ranked], boots: Floats) -> ClassRates:
    """Return the mean over classes that occur: of areas, of rates and of precisions."""
    there = [place for place, one in enumerate(ranked) if one.defined]
    known = [classes[place] for place in there]
    grid = np.linspace(0, 1, _POINTS)
    roc = np.mean([np.interp(grid, *ranked[place].roc()) for place in there], axis=0)
    steps = []
    for place in there:
        recall, precision = ranked[place].precision_recall()
        # At a recall in between, the next threshold that reaches it: so the area under the steps
        # is the average precision.
        steps.append(precision[np.minimum(np.searchsorted(recall, grid), len(recall) - 1)])
    # A sample may lack a rare class; the mean is then over the others.
    known_in = np.isfinite(boots[:, there]).sum(1)
    means = np.nansum(boots[:, there], axis=1) / np.maximum(known_in, 1)
    return ClassRates(
        index=-1,
        name="mean",
        positives=sum(one.positives for one in known),
        base_rate=float(np.mean([one.base_rate for one in known])),
        auc=Area(
            value=float(np.mean([one.auc.value for one in known])),
            interval=percentile_interval(means[:, 0]),
        ),
        average_precision=Area(
            value=float(np.mean([one.average_precision.value for one in known])),
            interval=percentile_interval(means[:, 1]),
        ),
        roc=np.stack([np.append(0.0, grid), np.append(0.0, roc)]),
        precision_recall=np.stack([grid, np.mean(steps, axis=0)]),
    )


def _thinned(curve: Floats) -> Floats:
    """Return a curve of many thresholds by the points that can be told apart when drawn."""
    count = curve.shape[1]
    if count <= 2 * _POINTS:
        return curve
    cells = np.floor(curve * (_POINTS - 1))
    moved = (np.diff(cells, axis=1) != 0).any(axis=0)
    # Both ends of a jump: a step that is cut short would be drawn as a slope.
    keep = np.append(True, moved) | np.append(moved, True)
    return curve[:, keep]


def _note(answers: RunAnswers, split: Held, classes: tuple[ClassRates, ...], samples: int) -> str:
    said = [
        f"Intervals: 95 %, percentile bootstrap, {samples:,} samples of "
        + ("whole sentences." if answers.items.has_words else "the items.")
    ]
    if len(answers.classes) == 2:
        said.insert(0, f"Of two classes one is drawn: “{classes[0].name}” against the rest.")
    lacking = [one.name for one in classes if not one.defined]
    if lacking:
        shown = ", ".join(f"“{name}”" for name in lacking[:5])
        more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
        said.append(
            f"No curve for {shown}{more}: of these the {split} split has no item, or nothing else."
        )
    few = [one.name for one in classes if 0 < one.positives < FEW]
    if few:
        what = f"“{few[0]}” has" if len(few) == 1 else f"{len(few)} classes have"
        said.append(f"{what} fewer than {FEW} items: their intervals are too narrow to be trusted.")
    return " ".join(said)
