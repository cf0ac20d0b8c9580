"""A head without gradient steps on features that stand still."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import Split, Task
from fineview.core.runs.courses.classical import ClassicalCourse
from fineview.core.runs.courses.course import Arrays, Ended, Found, Setting
from fineview.core.runs.courses.frozen import FrozenCourse, labels_of, learned_mix
from fineview.core.training.events import Evaluation, Reference

if TYPE_CHECKING:
    from fineview.core.training.loop import TrainData
    from fineview.core.training.shallow import ShallowHead


class ShallowCourse:
    """Takes the features of a frozen course and fits a head on them at one stretch.

    There are no checkpoints: a run that is stopped before its head is whole starts over.

    Attributes:
        step: `total` once the head is whole, 0 before.
        total: Trees or rounds; 1 for the others.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._spec = setting.spec
        classical = self._spec.strategy.kind == "classical"
        self._source = ClassicalCourse(setting) if classical else FrozenCourse(setting)
        head = self._spec.head
        self.step = 0
        self.total = head.trees if head.kind in ("forest", "boosting") else 1
        self._data: TrainData | None = None
        self._head: ShallowHead | None = None
        self._evaluation: Evaluation | None = None
        self._judged: dict[Split, NDArray[np.float64]] = {}
        self._stored: dict[str, Arrays] = {}

    def prepare(self) -> Mapping[Split, NDArray[np.int64]]:
        """Compute or load features; see `Course`."""
        return self._source.prepare()

    def begin(self, task: Task, found: Found | None) -> None:  # noqa: ARG002 - no checkpoints
        """Take note of the labels; see `Course`."""
        from fineview.core.training.loop import TrainData

        features = self._source.features
        self._data = TrainData(
            train=(features["train"], labels_of(task, "train")),
            validation=(features["validation"], labels_of(task, "validation")),
            classes=len(task.classes),
        )

    def references(self) -> list[tuple[bool, Callable[[], Reference]]]:
        """Return none: of such heads no least loss is known."""
        return []

    def train(self) -> Ended:
        """Fit the head and measure it; see `Course`."""
        from fineview.core.training.shallow_training import fit_shallow, measured

        spec, report, data = self._spec, self._setting.report, self._data
        assert data is not None
        head = fit_shallow(
            data,
            spec.head,
            class_weights=spec.training.class_weights,
            seed=spec.seed,
            report=report,
        )
        train = head.judge(data.train[0], report, "judging the training items")
        self._judged["validation"] = head.judge(data.validation[0], report, "judging")
        self._head = head
        self.step = self.total
        last = measured(data, train, self._judged["validation"], step=self.step)
        report.publish(last)
        return Ended(diverged=False, early=False, last=last)

    def checkpoint(self) -> None:
        """Keep nothing: half a head is none."""

    def answers(self, split: Split) -> NDArray[np.float64]:
        """Return what the head says of a split; see `Course`."""
        if split not in self._judged:
            features = self._source.features[split]
            self._judged[split] = self.head.judge(features, self._setting.report, "judging")
        return self._judged[split]

    def judge(self, task: Task) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return what the head says of other texts; see `Course`."""
        features, items = self._source.features_of(task)
        return self.head.judge(features, self._setting.report, "judging other texts"), items

    def describe(self) -> dict[str, Any]:
        """Return counts and bytes; see `Course`."""
        held = self.head.parameters_count()
        stored = sum(v.nbytes for arrays in self.artefacts().values() for v in arrays.values())
        classical = self._spec.strategy.kind == "classical"
        frozen = 0 if classical else self._setting.encoder.info.parameters
        return {
            "dimension": self.head.dimension,
            "head_parameters": held,
            "trained_parameters": held,
            "head_bytes": stored,
            "frozen_parameters": frozen,
            **learned_mix((), [], self.step),
        }

    def artefacts(self) -> dict[str, Arrays]:
        """Return the head, and terms where there is no encoder; see `Course`."""
        if self._head is not None and not self._stored:
            self._stored = {"head": self._head.to_arrays(), **self._source.beside()}
        return self._stored

    @property
    def head(self) -> "ShallowHead":
        """The fitted head."""
        assert self._head is not None
        return self._head
