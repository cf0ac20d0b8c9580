"""What a comparison has found: rows over seeds, what each strategy is good for and costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from fineview.core.runs.compare_choice import CompareChoice, Cost, Shape
from fineview.core.runs.compare_figures import RunFigures, RunStanding
from fineview.core.runs.compare_plan import Arm
from fineview.core.runs.spec import RunSpec
from fineview.core.training.metrics import wilson
from fineview.core.training.strategy import STRATEGIES, StrategyKind

Over = Literal["seeds", "items", "nothing"]
Mark = Literal["best", "tied", ""]

_T975 = (12.7062, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.30600, 2.26216)
"""Student's t that 2.5 % exceed, for 1 … 9 degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean with its 95 % interval.

    Attributes:
        value: The mean over seeds.
        low: Lower end.
        high: Upper end.
        over: What the interval is over: `seeds` (Student's t: how much of it is luck in training),
            or `items` (Wilson's: how much is luck in the test items).
    """

    value: float
    low: float
    high: float
    over: Over


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One arm over its seeds; means are over the runs that finished.

    Attributes:
        arm: What was done.
        runs: Its runs, in the order of seeds.
        test: Accuracy or rank correlation on the test split.
        train: On the training split.
        shifted: On the second test set.
        parameters: Weights that moved.
        own_bytes: See `RunFigures`.
        shared_bytes: See `RunFigures`.
        seconds: Time of a run from nothing, the computation of its features included once.
        features_seconds: How much of it that is; None where they were in the store before and
            nobody knows.
        peak_bytes: Largest of the runs.
        cka: See `RunFigures`.
        distance: See `RunFigures`.
        mark: `best`, or `tied` where it cannot be told from the best.
    """

    arm: Arm
    runs: tuple[RunFigures, ...]
    test: Figure | None = None
    train: Figure | None = None
    shifted: Figure | None = None
    parameters: int | None = None
    own_bytes: int | None = None
    shared_bytes: int | None = None
    seconds: float | None = None
    features_seconds: float | None = 0.0
    peak_bytes: int | None = None
    cka: float | None = None
    distance: float | None = None
    mark: Mark = ""

    @property
    def finished(self) -> tuple[RunFigures, ...]:
        """The runs that came to a result."""
        return tuple(run for run in self.runs if run.status == "finished")

    @property
    def status(self) -> RunStanding:
        """How the row stands: what is in flight first, then what went wrong."""
        standings: tuple[RunStanding, ...] = (
            "running",
            "stopped",
            "waiting",
            "failed",
            "refused",
            "diverged",
        )
        return next((s for s in standings if any(r.status == s for r in self.runs)), "finished")

    @property
    def gap(self) -> float | None:
        """Accuracy on the training split minus that on the test split: 2.1.3's cost of capacity."""
        if self.train is None or self.test is None:
            return None
        return self.train.value - self.test.value

    def stored(self, tasks: int) -> int | None:
        """Return the bytes that so many tasks take; see `stored_bytes`."""
        if self.own_bytes is None or self.shared_bytes is None:
            return None
        return stored_bytes(self.own_bytes, self.shared_bytes, tasks)

    def cost(self, axis: Cost, tasks: int = 1) -> float | None:
        """Return what the row costs; None where it was not measured."""
        match axis:
            case "parameters":
                return self.parameters
            case "bytes":
                return self.stored(tasks)
            case "seconds":
                return self.seconds
            case "memory":
                return self.peak_bytes


@dataclass(frozen=True, slots=True)
class Line:
    """What every row is measured against.

    Attributes:
        name: `majority` or `tfidf`.
        title: On screen.
        test: On the test split, with Wilson's interval.
    """

    name: str
    title: str
    test: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A comparison as it stands.

    Attributes:
        study_id: Name of its study.
        title: For people.
        created: UTC, ISO 8601.
        status: As in `Study`.
        text: One sentence on what was found.
        base: The spec it was asked with.
        choice: What is compared.
        task: Title of the task.
        metric: `accuracy`, or `spearman` for numbers.
        train_items: Training items that there are.
        rows: In the order of the choice.
        lines: Majority and TF-IDF, as far as they are known.
        notes: Sentences on what was left out.
    """

    study_id: str
    title: str
    created: str
    status: str
    text: str
    base: RunSpec
    choice: CompareChoice
    task: str
    metric: str
    train_items: int
    rows: tuple[Row, ...]
    lines: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Runs in all."""
        return sum(len(row.runs) for row in self.rows)

    @property
    def done(self) -> int:
        """Runs that need not be done again."""
        over = ("finished", "diverged", "failed", "refused")
        return sum(run.status in over for row in self.rows for run in row.runs)

    @property
    def measured(self) -> tuple[Row, ...]:
        """Rows with a result, controls left out."""
        return tuple(r for r in self.rows if r.test is not None and r.arm.control == "none")


def stored_bytes(own: int, shared: int, tasks: int) -> int:
    """Return the bytes that n tasks take on disk: n · own + shared.

    Args:
        own: Head and moved weights, once for each task.
        shared: What stood still, once for all: the whole encoder of a head alone, the lower blocks
            of the last k; 0 of full fine-tuning, which moves everything.
        tasks: n.
    """
    return tasks * own + shared


def over_seeds(values: Sequence[float], low: float = 0.0) -> Figure | None:
    """Return the mean of at least two runs with its 95 % interval, mean ± t · s / √n.

    Args:
        values: (n,) one a seed, 1 ≤ n ≤ 10.
        low: Least possible value, 0 for a share, -1 for a correlation; the greatest is 1.

    Returns:
        None of no values. The interval of a single value is empty and `over` nothing.

    Source:
        Student 1908, "The probable error of a mean", Biometrika 6, 1-25.
    """
    if not values:
        return None
    mean = sum(values) / len(values)
    if len(values) == 1:
        return Figure(mean, mean, mean, "nothing")
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    half = _T975[len(values) - 2] * sqrt(variance / len(values))
    return Figure(mean, max(mean - half, low), min(mean + half, 1.0), "seeds")


def _shifted(values: Sequence[float], least: float) -> Figure | None:
    """Return the figure of a second test set; seeds that change nothing tell no interval."""
    return over_seeds(values[:1] if len(set(values)) == 1 else values, least)


def pareto_front(points: Sequence[tuple[float | None, float | None]]) -> tuple[bool, ...]:
    """Return which points no other beats: none costs as little and is as good, one of them better.

    Args:
        points: (cost, quality) each; None where one is not known, which is never on the front.
    """
    known = [(c, q) for c, q in points if c is not None and q is not None]
    return tuple(
        cost is not None
        and quality is not None
        and not any(
            other <= cost and better >= quality and (other, better) != (cost, quality)
            for other, better in known
        )
        for cost, quality in points
    )


def rows_of(
    arms: Iterable[Arm],
    runs: Mapping[tuple[str, int], RunFigures],
    marks: Mapping[str, Mark],
    *,
    shape: Shape = "table",
    least: float = 0.0,
) -> tuple[Row, ...]:
    """Return a row for each arm.

    Args:
        arms: In their order.
        runs: By arm and seed; those that are missing are waiting.
        marks: By arm.
        shape: Of the comparison.
        least: Least possible value of `test`: 0, or -1 for a correlation.
    """
    found = [(arm, _runs_of(arm, runs)) for arm in arms]
    passes: dict[object, float] = {}
    for arm, mine in found:
        for run in mine:
            key = _pass_of(arm, run.seed, shape)
            passes[key] = max(passes.get(key, 0.0), run.features_seconds)
    rows = []
    for arm, mine in found:
        waits = [passes[_pass_of(arm, run.seed, shape)] for run in mine]
        rows.append(_row(arm, mine, waits, marks.get(arm.key, ""), least))
    return tuple(rows)


def lines_of(rows: Sequence[Row]) -> tuple[Line, ...]:
    """Return majority and TF-IDF, as the run with the most training rows found them."""
    for row in sorted(rows, key=lambda row: -row.arm.size):
        if row.arm.control != "none":
            continue
        for run in row.finished:
            found = []
            for name, title in (("majority", "Majority"), ("tfidf", "TF-IDF")):
                value = getattr(run, name)
                if value is not None and run.items:
                    low, high = wilson(round(value * run.items), run.items)
                    found.append(Line(name, title, Figure(value, low, high, "items")))
            return tuple(found)
    return ()


def _runs_of(arm: Arm, runs: Mapping[tuple[str, int], RunFigures]) -> tuple[RunFigures, ...]:
    waiting = (RunFigures(arm=arm.key, seed=seed) for seed in arm.seeds)
    return tuple(runs.get((run.arm, run.seed), run) for run in waiting)


def _pass_of(arm: Arm, seed: int, shape: Shape) -> object:
    """Return what decides which features a run computes: they are computed once for all of it."""
    twin = seed if arm.strategy.startswith("random") else -1
    return (arm.encoder, arm.size if shape == "rows" else 0, twin)


def needs_features(strategy: StrategyKind) -> bool:
    """Return whether a strategy begins with the stored features of an encoder."""
    info = STRATEGIES[strategy]
    return strategy != "classical" and (info.head_first or not info.trains_encoder)


def _row(
    arm: Arm, runs: tuple[RunFigures, ...], waits: Sequence[float], mark: Mark, least: float
) -> Row:
    done = [run for run in runs if run.status == "finished"]
    if not done:
        return Row(arm=arm, runs=runs)
    first = done[0]
    test = over_seeds([run.test for run in done if run.test is not None], least)
    if test is not None and test.low == test.high and first.interval is not None:
        test = Figure(test.value, *first.interval, "items")  # the seeds change nothing
    wait: float | None = 0.0
    if needs_features(arm.strategy):
        of_done = [w for run, w in zip(runs, waits, strict=True) if run.status == "finished"]
        wait = _mean(of_done) if all(of_done) else None
    seconds = _mean([run.seconds for run in done])
    peaks = [run.peak_bytes for run in done if run.peak_bytes is not None]
    still = arm.strategy == "head"
    return Row(
        arm=arm,
        runs=runs,
        test=test,
        train=over_seeds([run.train for run in done if run.train is not None], least),
        shifted=_shifted([run.shifted for run in done if run.shifted is not None], least),
        parameters=first.parameters,
        own_bytes=first.own_bytes,
        shared_bytes=first.shared_bytes,
        seconds=None if seconds is None else seconds + (wait or 0.0),
        features_seconds=wait,
        peak_bytes=max(peaks, default=None),
        cka=1.0 if still else _mean([run.cka for run in done]),
        distance=0.0 if still else _mean([run.distance for run in done]),
        mark=mark,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
