"""What every course of a run offers to the run that takes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import SPLITS, Split, Task
from fineview.core.errors import ConfigError
from fineview.core.progress import Report
from fineview.core.runs.spec import RunSpec
from fineview.core.training.events import Evaluation, Reference

if TYPE_CHECKING:  # heavy: imported when a run starts, not when the window does
    from fineview.core.features.extract import HiddenStates
    from fineview.core.features.store import FeatureStore
    from fineview.core.features.token_states import TokenStates
    from fineview.core.models.encoder import Encoder

Arrays = dict[str, NDArray[Any]]
Found = tuple[int, Arrays, Mapping[str, Any]]
"""A checkpoint: step, arrays, and the rest."""
Save = Callable[[int, Arrays, Mapping[str, Any]], None]


class Bench(Protocol):
    """What a course needs around it; `core.laboratory.Laboratory` is one."""

    def encoder(self, name: str) -> "Encoder":
        """Return the encoder; its weights need not be loaded."""

    def features(self, spec: RunSpec, report: Report) -> "HiddenStates":
        """Return the hidden states of the spec's texts, from the store if they are there."""

    def token_states(self, spec: RunSpec, report: Report) -> "TokenStates":
        """Return every token of the spec's layer, for attention pooling."""

    @property
    def store(self) -> "FeatureStore":
        """Where hidden states are kept, those of other texts too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Everything a course is made from.

    Attributes:
        spec: What to do.
        bench: Encoders and features.
        task: The labelled texts.
        encoder: The spec's encoder.
        report: Told and asked.
        save: Keeps a checkpoint.
    """

    spec: RunSpec
    bench: Bench
    task: Task
    encoder: "Encoder"
    report: Report
    save: Save


@dataclass(frozen=True, slots=True, eq=False)
class Ended:
    """How a course came to its end.

    Attributes:
        diverged: True where the loss left the numbers; the weights are then the last sound ones.
        early: True where it stopped because the validation loss no longer fell.
        last: The last evaluation; None where there are no steps to be measured between.
    """

    diverged: bool
    early: bool
    last: Evaluation | None


class Course(Protocol):
    """One way to train: its methods are called in their order, `checkpoint` at any time."""

    @property
    def step(self) -> int:
        """Steps done."""

    @property
    def total(self) -> int:
        """Steps in all; 0 where there are none, an estimate before `begin`."""

    def prepare(self) -> Mapping[Split, NDArray[np.int64]]:
        """Get features or tokens, tell so; return the items of each split that have any."""

    def begin(self, task: Task, found: Found | None) -> None:
        """Make what is trained, or take it from a checkpoint; show the first point.

        Args:
            task: The task with splits that hold only items of `prepare`.
            found: A checkpoint, or None.
        """

    def references(self) -> list[tuple[bool, Callable[[], Reference]]]:
        """Return lines of this course's own to draw, each with whether it is quickly found."""

    def train(self) -> Ended:
        """Train to the end."""

    def checkpoint(self) -> None:
        """Keep this very step."""

    def answers(self, split: Split) -> NDArray[np.float64]:
        """Return probabilities (n, C), or numbers (n, 1), for the items of a split."""

    def judge(self, task: Task) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return what is said of other texts, as `answers` at the end of training.

        Args:
            task: All its items are in its test split.

        Returns:
            Probabilities (n, C) or numbers (n, 1), and the item that each belongs to, ascending:
            words beyond the maximum length are missing.
        """

    def describe(self) -> dict[str, Any]:
        """Return what the result says of the course: counts of weights, bytes, what was learned."""

    def artefacts(self) -> dict[str, Arrays]:
        """Return what the run keeps, by name; `head` is among it."""


def rows_of_splits(
    task: Task, items: NDArray[np.int64], max_length: int
) -> dict[Split, NDArray[np.int64]]:
    """Return the rows of each split.

    Args:
        task: Has the splits.
        items: (M,) item of each row.
        max_length: For the message.

    Raises:
        ConfigError: A split has no row within the maximum length.
    """
    found = {split: np.flatnonzero(np.isin(items, task.splits[split])) for split in SPLITS}
    for split, rows in found.items():
        if len(rows) == 0:
            raise no_rows(task, split, max_length)
    return found


def no_rows(task: Task, split: Split, max_length: int) -> ConfigError:
    """Return the error for a split of which nothing is left."""
    return ConfigError(
        f"No {split} item of {task.info.title} is left within {max_length} tokens: raise the "
        "maximum length.",
        "max_length",
    )
