"""The curves of one run, collected from its events."""

import time
from array import array
from copy import copy
from math import nan

import numpy as np
from numpy.typing import NDArray

from fineview.core.training.events import (
    Checkpoint,
    Evaluation,
    HeadCurve,
    LayerMoves,
    LayerWeights,
    Notice,
    Reference,
    RunEnded,
    RunStarted,
    Similarity,
    TrainStep,
)

EVALUATED = (
    "step", "epoch", "train_loss", "train_score", "penalised_loss", "loss", "score",
)  # fmt: skip
STEPPED = ("epoch", "loss", "gradient_norm", "learning_rate", "encoder_rate")
_WIDTH = len(STEPPED)
_UNLIKELY_S = 24 * 3600.0
_WORSE, _SLACK = 1.02, 0.005


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
        moves: How each layer's weights move, or None.
        similarity: How like each layer's states still are, or None.
        head_curve: What a head without steps has instead of a loss curve, or None.
        notices: What people should know, newest last.
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
        self.moves: LayerMoves | None = None
        self.similarity: Similarity | None = None
        self.head_curve: HeadCurve | None = None
        self.notices: list[str] = []
        # Flat buffers: a list of ten thousand tuples takes too long to make an array of, 30 times
        # a second.
        self._steps = array("d")
        self._evaluations = array("d")
        self._stops: dict[int, float] = {}
        self._clock: tuple[float, int] | None = None

    def add(self, event: object) -> None:
        """Take in one event; other kinds are passed over."""
        match event:
            case TrainStep():
                self._steps.extend(getattr(event, name) for name in STEPPED)
                self.step = event.step
                self.rate = event.samples_per_s
                self.gradient_norm = event.gradient_norm
                if self._clock is None:
                    self._clock = (time.monotonic(), event.step)
            case Evaluation():
                values = [getattr(event, name) for name in EVALUATED]
                self._evaluations.extend(nan if value is None else value for value in values)
                self.last = event
                self.step = max(self.step, event.step)  # a head without steps tells no others
            case LayerMoves():
                self.moves = event
            case Similarity():
                self.similarity = event
            case LayerWeights():
                self.layer_weights = event
            case HeadCurve():
                self.head_curve = event
            case Notice():
                self.notices.append(event.text)
            case Checkpoint():
                self._stops[event.step] = self._epoch_of(event.step)
            case Reference():
                self.references[event.name] = event
            case RunStarted():
                self._rewind(event)
            case RunEnded():
                self.end = event

    @property
    def at_one_stretch(self) -> bool:
        """Whether the run's head was fitted without gradient steps."""
        return not self._steps and self.step > 0

    def copy(self) -> "RunCurves":
        """Return the same curves, to go on by themselves."""
        other = RunCurves()
        for name, value in vars(self).items():
            mutable = isinstance(value, array | dict | list)
            setattr(other, name, copy(value) if mutable else value)
        return other

    def steps(self) -> NDArray[np.float64]:
        """Return (steps, 5): epoch, batch loss, gradient norm, rates of head and encoder."""
        return np.array(self._steps).reshape(-1, _WIDTH)

    def evaluations(self, *names: str) -> NDArray[np.float64]:
        """Return (evaluations, 1 + names): epoch and the named fields of `Evaluation`."""
        table = np.array(self._evaluations).reshape(-1, len(EVALUATED))
        return table[:, [EVALUATED.index(name) for name in ("epoch", *names)]]

    def stops(self, kept: tuple[int, ...]) -> tuple[tuple[int, float], ...]:
        """Return (step, epoch) of each of the checkpoints that are still kept, ascending."""
        return tuple((step, self._stops.get(step, self._epoch_of(step))) for step in sorted(kept))

    def gap(self) -> tuple[NDArray[np.float64], str]:
        """Return where training and validation loss part, and what to call it.

        The gap is open from the epoch with the lowest validation loss on, once validation has
        become worse by 2 % while training still got better.

        Returns:
            (epochs, 3): epoch, training loss, validation loss; and the words, "" while it is shut.
        """
        table = self.evaluations("train_loss", "loss")
        if len(table) < 3 or not np.isfinite(table).all():
            return table[:0], ""
        best = int(table[:, 2].argmin())
        worse = table[-1, 2] - table[best, 2]
        opens = table[-1, 2] > table[best, 2] * _WORSE + _SLACK and table[-1, 1] < table[best, 1]
        if not opens:
            return table[:0], ""
        words = f"overfitting: validation +{worse:.2g} since epoch {table[best, 0]:.3g}"
        return table[best:], words

    def remaining_s(self) -> float | None:
        """Return the seconds that are left, by the steps since training began; None if unknown."""
        if self._clock is None or self.end is not None or not self.total:
            return None
        began, first = self._clock
        done = self.step - first
        if done < 2:
            return None
        left = (time.monotonic() - began) / done * (self.total - self.step)
        return left if 0 <= left < _UNLIKELY_S else None

    def _epoch_of(self, step: int) -> float:
        at = step * _WIDTH - _WIDTH
        return self._steps[at] if 0 <= at < len(self._steps) else 0.0

    def _rewind(self, event: RunStarted) -> None:
        """A resumed run goes on from its checkpoint: what came after it is measured again."""
        self.total = event.total_steps
        self.end = None
        self._clock = None
        table = np.array(self._evaluations).reshape(-1, len(EVALUATED))
        self._evaluations = array("d", table[table[:, 0] <= event.resumed_from].ravel())
        self._steps = self._steps[: _WIDTH * event.resumed_from]
        self.step = event.resumed_from
