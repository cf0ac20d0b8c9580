"""The curves of one run, collected from its events."""

import numpy as np
from numpy.typing import NDArray

from fineview.core.training.events import Evaluation, Reference, RunEnded, RunStarted, TrainStep


class RunCurves:
    """Columns of a run's numbers, growing as events come in; x is the epoch.

    Attributes:
        references: By name.
        step: Steps done.
        total: Steps of all epochs, 0 while unknown.
        rate: Texts per second.
        end: How the run ended, or None.
    """

    def __init__(self) -> None:
        self.references: dict[str, Reference] = {}
        self.step = 0
        self.total = 0
        self.rate = 0.0
        self.end: RunEnded | None = None
        self._steps: list[tuple[float, float, float]] = []
        self._evaluations: list[Evaluation] = []

    def add(self, event: object) -> None:
        """Take in one event; other kinds are passed over."""
        if isinstance(event, TrainStep):
            self._steps.append((event.epoch, event.loss, event.gradient_norm))
            self.step = event.step
            self.rate = event.samples_per_s
        elif isinstance(event, Evaluation):
            self._evaluations.append(event)
        elif isinstance(event, Reference):
            self.references[event.name] = event
        elif isinstance(event, RunStarted):
            self._rewind(event)
        elif isinstance(event, RunEnded):
            self.end = event

    def steps(self) -> NDArray[np.float64]:
        """Return (steps, 3): epoch, batch loss, gradient norm."""
        return np.array(self._steps, dtype=np.float64).reshape(-1, 3)

    def evaluations(self, *names: str) -> NDArray[np.float64]:
        """Return (evaluations, 1 + names): epoch and the named fields."""
        rows = [[e.epoch, *(getattr(e, name) for name in names)] for e in self._evaluations]
        return np.array(
            [[np.nan if v is None else v for v in row] for row in rows], dtype=np.float64
        ).reshape(-1, 1 + len(names))

    @property
    def last(self) -> Evaluation | None:
        """The newest evaluation."""
        return self._evaluations[-1] if self._evaluations else None

    def _rewind(self, event: RunStarted) -> None:
        """A resumed run goes on from its checkpoint: what came after it is measured again."""
        self.total = event.total_steps
        self.end = None
        kept = [e for e in self._evaluations if e.step <= event.resumed_from]
        self._evaluations = kept
        self._steps = self._steps[: event.resumed_from]
        self.step = event.resumed_from
