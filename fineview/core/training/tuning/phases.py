"""What goes into one phase of training an encoder, and what it leaves behind."""

from dataclasses import dataclass

from fineview.core.training.events import Evaluation
from fineview.core.training.tuning.examples import Examples


@dataclass(frozen=True, slots=True, eq=False)
class TuneData:
    """The texts that training may see.

    Attributes:
        train: What is learned from.
        validation: What early stopping and the kept epoch look at.
    """

    train: Examples
    validation: Examples


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What an earlier phase of the same run has done.

    Attributes:
        steps: Steps.
        epochs: Epochs.
    """

    steps: int = 0
    epochs: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """What training left behind; the model holds the weights.

    Attributes:
        steps: Steps done, with those of an earlier phase.
        diverged: True where the loss left the numbers; the weights are then the last sound ones.
        early: True where training stopped because the validation loss no longer fell.
        last: The last evaluation.
        cka: (L+1,) similarity of each layer to the pretrained one at the end.
    """

    steps: int
    diverged: bool
    early: bool
    last: Evaluation
    cka: tuple[float, ...]
