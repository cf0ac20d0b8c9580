"""How far a comparison is, and how long the rest will take."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from fineview.core.runs.compare_plan import Planned

_PARTS = 1000
"""Units of progress: runs are too few and too unequal."""
_LINEARISED_TAKES = 2.5
"""Times as long as full fine-tuning, as measured on two cores."""


def effort_of(planned: Planned) -> float:
    """Return how long a run takes beside the others, in passes over the training texts.

    A step forward and back counts as three passes, the evaluations of a run as two.
    """
    strategy = planned.spec.strategy
    if not strategy.trains_encoder:
        return 1.0
    passes = 3.0 * planned.spec.training.epochs + 2
    if strategy.kind == "linearised":
        passes *= _LINEARISED_TAKES
    return passes * max((planned.spec.split.train_items or 1000) / 1000, 0.1)


@dataclass(slots=True)
class _Spent:
    """Seconds that some runs of an arm took together."""

    seconds: float = 0.0
    runs: int = 0


class Clock:
    """Knows what was spent, and tells the rest by it."""

    def __init__(self, runs: Sequence[Planned]) -> None:
        self._runs = runs
        self._efforts = [effort_of(planned) for planned in runs]
        self._over = [False] * len(runs)
        self._spent: dict[str, _Spent] = {}
        self._effort_spent = 0.0
        self._began = time.monotonic()

    def begin(self, place: int) -> "Place":
        """Start the clock for the run at a place of the queue."""
        self._began = time.monotonic()
        return Place(self, place)

    def end(self, place: int) -> None:
        """Stop it."""
        self.skip(place, time.monotonic() - self._began)

    def skip(self, place: int, seconds: float | None) -> None:
        """Count a run that was done before, and took so long."""
        self._over[place] = True
        if seconds:
            spent = self._spent.setdefault(self._runs[place].arm.key, _Spent())
            spent.seconds += seconds
            spent.runs += 1
            self._effort_spent += self._efforts[place]

    def share(self, place: int, within: float) -> float:
        """Return how much of all is done, 0 … 1."""
        done = sum(effort for effort, over in zip(self._efforts, self._over, strict=True) if over)
        return (done + min(within, 1.0) * self._efforts[place]) / sum(self._efforts)

    def left(self, place: int, within: float) -> float | None:
        """Return the seconds that the rest will take; None while nothing is known."""
        if not self._effort_spent:
            return None
        pace = sum(spent.seconds for spent in self._spent.values()) / self._effort_spent
        rest = 0.0
        for at, planned in enumerate(self._runs):
            if self._over[at]:
                continue
            spent = self._spent.get(planned.arm.key)
            whole = spent.seconds / spent.runs if spent else pace * self._efforts[at]
            rest += whole * (1 - within) if at == place else whole
        return rest

    def words(self, place: int, within: float) -> str:
        """Return the line of the job strip."""
        planned = self._runs[place]
        told = f"run {place + 1} of {len(self._runs)} · {planned.arm.title} · seed {planned.seed}"
        left = self.left(place, within)
        if left is None:
            return told
        rest = f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s"
        return f"{told} · about {rest} left"


@dataclass(frozen=True, slots=True)
class Place:
    """A run in flight, in its queue."""

    clock: Clock
    place: int

    def at(self, within: float) -> tuple[int, int, str]:
        """Return what `Report.progress` takes when so much of the run is done."""
        share = self.clock.share(self.place, within)
        return round(share * _PARTS), _PARTS, self.clock.words(self.place, within)
