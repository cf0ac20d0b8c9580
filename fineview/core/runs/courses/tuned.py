"""Strategies that train the encoder: head first where asked, then encoder and head together."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import SPLITS, Split, Task
from fineview.core.runs.courses.course import Arrays, Ended, Found, Setting, no_rows
from fineview.core.runs.courses.frozen import FrozenCourse, learned_mix
from fineview.core.runs.courses.memory import PeakMemory
from fineview.core.training.config import TrainConfig, default_rate
from fineview.core.training.events import FeaturesReady, Reference

if TYPE_CHECKING:
    from fineview.core.models.encoder import Encoder
    from fineview.core.training.heads import LinearHead
    from fineview.core.training.tuning.examples import Examples
    from fineview.core.training.tuning.loop import FineTuning
    from fineview.core.training.tuning.phases import Tuned


class TunedCourse:
    """Trains an encoder; the head alone, which may come first, is trained by a `FrozenCourse`."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._spec = spec = setting.spec
        self._first: FrozenCourse | None = None
        if spec.strategy.info.head_first:
            self._first = FrozenCourse(head_alone(setting))
        self._source: Encoder = setting.encoder
        self._memory = PeakMemory(setting.report, setting.encoder.device)
        self._examples: dict[Split, Examples] = {}
        self._task = setting.task
        self._tuning: FineTuning | None = None
        self._tuned: Tuned | None = None

    @property
    def step(self) -> int:
        """Steps done, of both phases."""
        running = self._tuning or self._first
        return running.step if running is not None else 0

    @property
    def total(self) -> int:
        """Steps of both phases; counted in texts a batch until training begins."""
        if self._tuning is not None:
            return self._tuning.total
        training = self._spec.training
        steps = -(-len(self._setting.task.splits["train"]) // training.batch_size)
        return steps * training.epochs + (self._first.total if self._first else 0)

    def prepare(self) -> Mapping[Split, NDArray[np.int64]]:
        """Tokenise the texts; see `Course`."""
        from fineview.core.runs.tuned_encoder import begins_with
        from fineview.core.training.tuning.examples import examples_of

        setting, spec = self._setting, self._spec
        self._source = setting.bench.encoder(begins_with(spec))
        self._source.load(setting.report)
        for split in SPLITS:
            self._examples[split] = examples_of(
                self._source, setting.task, split, spec.max_length, setting.report
            )
            if len(self._examples[split].items) == 0:
                raise no_rows(setting.task, split, spec.max_length)
        if self._first is not None:
            return self._first.prepare()
        parts = self._examples.values()
        setting.report.publish(
            FeaturesReady(
                cached=False,
                items=sum(len(part.items) for part in parts),
                seconds=0.0,
                truncated=sum(part.truncated for part in parts),
                dropped_words=sum(part.dropped for part in parts),
            )
        )
        return {split: part.items for split, part in self._examples.items()}

    def begin(self, task: Task, found: Found | None) -> None:
        """Begin with the head alone where it comes first, else with everything; see `Course`."""
        self._task = task
        if found is not None and found[2].get("phase") == "encoder":
            self._make_tuning(None).restore(*found)
        elif self._first is not None:
            self._first.begin(task, found)
        else:
            self._make_tuning(None).begin()

    def references(self) -> list[tuple[bool, Callable[[], Reference]]]:
        """Return none: no loss of such a model has a known optimum."""
        return []

    def train(self) -> Ended:
        """Train both phases to the end; see `Course`."""
        if self._tuning is None:
            assert self._first is not None
            ended = self._first.train()
            if ended.diverged:
                return ended
            self._first.checkpoint()
            self._make_tuning(self._first.head())
        assert self._tuning is not None
        self._tuned = tuned = self._tuning.run()
        return Ended(tuned.diverged, tuned.early, tuned.last)

    def checkpoint(self) -> None:
        """Keep this very step, of whichever phase."""
        running = self._tuning or self._first
        if running is not None:
            running.checkpoint()

    def answers(self, split: Split) -> NDArray[np.float64]:
        """Return what the model says of a split; see `Course`."""
        if self._tuning is None:
            assert self._first is not None
            return self._first.answers(split)
        from fineview.core.training.tuning.judging import answers_of

        answers, items = answers_of(
            self._tuning.model,
            self._examples[split],
            precision=self._spec.training.precision,
            report=self._setting.report,
            told=f"Judging the {split} texts",
        )
        return answers[np.isin(items, self._task.splits[split])]

    def judge(self, task: Task) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return what the model says of other texts; see `Course`."""
        if self._tuning is None:
            assert self._first is not None
            return self._first.judge(task)
        from fineview.core.training.tuning.examples import examples_of
        from fineview.core.training.tuning.judging import answers_of

        report = self._setting.report
        examples = examples_of(self._source, task, "test", self._spec.max_length, report)
        return answers_of(
            self._tuning.model,
            examples,
            precision=self._spec.training.precision,
            report=report,
            told="Judging the second test set",
        )

    def describe(self) -> dict[str, Any]:
        """Return counts, bytes and what moved; see `Course`."""
        tuning = self._tuning
        if tuning is None:
            assert self._first is not None
            return self._first.describe()
        model, whole = tuning.model, self._source.info.parameters
        head = model.head.parameters_count()
        moving = sum(p.numel() for p in model.trained().values())
        layers = model.pooling.layers if model.pooling.mix == "weighted" else ()
        return {
            "dimension": model.head.dimension,
            "head_parameters": head,
            "trained_parameters": head + moving,
            "head_bytes": 4 * (head + moving),
            "frozen_parameters": whole if model.adds_weights else whole - moving,
            "peak_bytes": self._memory.peak,
            "cka": list(self._tuned.cka) if self._tuned else [],
            "groups": list(tuning.moves.names),
            "distances": tuning.moves.distances(),
            **learned_mix(layers, model.head.layer_weights(), self.step),
        }

    def artefacts(self) -> dict[str, Arrays]:
        """Return head, moved weights and how states moved; see `Course`."""
        tuning = self._tuning
        if tuning is None:
            return {} if self._first is None else self._first.artefacts()
        if tuning.step == 0:
            return {}
        found = {"head": tuning.model.head.to_arrays(), "encoder": tuning.model.weights()}
        return found if self._tuned is None else found | {"movement": tuning.movement()}

    def _make_tuning(self, head: "LinearHead | None") -> "FineTuning":
        """Build model and training; the head is a new one unless it comes from the first phase."""
        from fineview.core.training.loop import objective_for
        from fineview.core.training.tuning.building import build_model, new_head
        from fineview.core.training.tuning.loop import FineTuning
        from fineview.core.training.tuning.phases import Before, TuneData

        spec, first, info = self._spec, self._first, self._source.info
        train, classes = self._examples["train"], len(self._task.classes)
        objective = objective_for(train.labels, classes, spec.training)
        if head is None:
            head = new_head(
                spec.pooling, info.width, info.layers, classes or 1, spec.head, spec.seed
            )
        head.know_labels(objective)
        level = self._task.info.level
        model = build_model(self._source, spec.strategy, spec.pooling, head, level)
        before = Before()
        if first is not None:
            before = Before(steps=first.total, epochs=spec.strategy.head_epochs)
        origin: Any = self._source.model
        self._tuning = FineTuning(
            model,
            TuneData(train, self._examples["validation"]),
            strategy=spec.strategy,
            config=spec.training,
            objective=objective,
            origin={n: p.detach() for n, p in origin.named_parameters()},
            before=before,
            seed=spec.seed,
            report=self._memory,
            save=self._setting.save,
        )
        return self._tuning


def head_alone(setting: Setting) -> Setting:
    """Return the setting of the first phase: plain SGD at the rate that suits the features."""
    spec = setting.spec
    width = spec.pooling.width(setting.encoder.info.width)
    training = TrainConfig(
        learning_rate=default_rate("sgd", width, numbers=not setting.task.classes),
        epochs=spec.strategy.head_epochs,
        weight_decay=spec.training.weight_decay,
        class_weights=spec.training.class_weights,
    )
    return replace(setting, spec=replace(spec, training=training))
