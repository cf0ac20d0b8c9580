"""The curves of one run, collected from its events."""

from array import array
from math import nan

import numpy as np
from numpy.typing import NDArray

from fineview.core.training.events import (
    Evaluation,
    LayerWeights,
    Reference,
    RunEnded,
    RunStarted,
    TrainStep,
)

EVALUATED = ("step", "epoch", "train_accuracy", "penalised_loss", "loss", "accuracy")


class RunCurves:
    """Columns of a run's numbers, growing as events come in; x is the epoch.

    Attributes:
        references: By name.
        step: Steps done.
        total: Steps of all epochs, 0 while unknown.
        rate: Texts per second.
        gradient_norm: Of the newest step.
        end: How the run ended, or None.
        last: The newest evaluation, or None.
        layer_weights: The newest weights of a learned layer mix, or None.
    """

    def __init__(self) -> None:
        self.references: dict[str, Reference] = {}
        self.step = 0
        self.total = 0
        self.rate = 0.0
        self.gradient_norm = 0.0
        self.end: RunEnded | None = None
        self.last: Evaluation | None = None
        self.layer_weights: LayerWeights | None = None
        # Flat buffers: a list of ten thousand tuples takes too long to make an array of, 30 times
        # a second.
        self._steps = array("d")
        self._evaluations = array("d")

    def add(self, event: object) -> None:
        """Take in one event; other kinds are passed over."""
        if isinstance(event, TrainStep):
            self._steps.extend((event.epoch, event.loss, event.gradient_norm))
            self.step = event.step
            self.rate = event.samples_per_s
            self.gradient_norm = event.gradient_norm
        elif isinstance(event, Evaluation):
            values = [getattr(event, name) for name in EVALUATED]
            self._evaluations.extend(nan if value is None else value for value in values)
            self.last = event
        elif isinstance(event, LayerWeights):
            self.layer_weights = event
        elif isinstance(event, Reference):
            self.references[event.name] = event
        elif isinstance(event, RunStarted):
            self._rewind(event)
        elif isinstance(event, RunEnded):
            self.end = event

    def steps(self) -> NDArray[np.float64]:
        """Return (steps, 3): epoch, batch loss, gradient norm."""
        return np.array(self._steps).reshape(-1, 3)

    def evaluations(self, *names: str) -> NDArray[np.float64]:
        """Return (evaluations, 1 + names): epoch and the named fields of `Evaluation`."""
        table = np.array(self._evaluations).reshape(-1, len(EVALUATED))
        return table[:, [EVALUATED.index(name) for name in ("epoch", *names)]]

    def _rewind(self, event: RunStarted) -> None:
        """A resumed run goes on from its checkpoint: what came after it is measured again."""
        self.total = event.total_steps
        self.end = None
        table = np.array(self._evaluations).reshape(-1, len(EVALUATED))
        self._evaluations = array("d", table[table[:, 0] <= event.resumed_from].ravel())
        self._steps = self._steps[: 3 * event.resumed_from]
        self.step = event.resumed_from
