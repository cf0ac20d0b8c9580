"""A head trained step by step on features that stand still."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import Split, Task
from fineview.core.runs.courses.course import Arrays, Ended, Found, Setting, rows_of_splits
from fineview.core.training.events import FeaturesReady, LayerWeights, Reference

if TYPE_CHECKING:
    from torch import Tensor

    from fineview.core.training.heads import LinearHead
    from fineview.core.training.loop import HeadTraining, Trained

# Up to this many multiply-adds an evaluation L-BFGS is done within a second on one core: such a
# line is drawn before the first step, others at the end.
_EARLY_OPTIMUM = 10_000_000


class FrozenCourse:
    """The encoder's states are computed once; the head learns from what the pooling makes of them.

    Attributes:
        step: Steps done.
        total: Steps of all epochs.
        features: Raw features of each split, once `prepare` has them: a tensor, or tokens.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._spec = setting.spec
        self.step = 0
        size = -(-len(setting.task.splits["train"]) // self._spec.training.batch_size)
        self.total = size * self._spec.training.epochs
        self.features: dict[Split, Any] = {}
        self._training: HeadTraining | None = None
        self._trained: Trained | None = None

    def prepare(self) -> Mapping[Split, NDArray[np.int64]]:
        """Compute or load features; see `Course`."""
        import torch

        features, items = self.raw_features()
        rows = rows_of_splits(self._setting.task, items, self._spec.max_length)
        self.features = {s: features[torch.from_numpy(at)] for s, at in rows.items()}
        training = self._spec.training
        self.total = -(-len(rows["train"]) // training.batch_size) * training.epochs
        return {split: items[at] for split, at in rows.items()}

    def raw_features(self) -> tuple[Any, NDArray[np.int64]]:
        """Return raw features (a tensor, or tokens) and the item of each row; tell so."""
        import torch

        from fineview.core.features.pooling import pool
        from fineview.core.runs.tuned_encoder import begins_with
        from fineview.core.training.tokens import TokenFeatures

        setting = self._setting
        spec = replace(self._spec, encoder=begins_with(self._spec))
        found: Any
        features: Any
        if spec.pooling.tokens == "attention":
            found = setting.bench.token_states(spec, setting.report)
            features = TokenFeatures.of(found)
        else:
            found = setting.bench.features(spec, setting.report)
            features = torch.from_numpy(pool(found, spec.pooling))
        tell_features(setting, found)
        return features, found.items

    def begin(self, task: Task, found: Found | None) -> None:
        """Make the head; see `Course`."""
        from fineview.core.device import one_thread
        from fineview.core.training.loop import HeadTraining, TrainData

        data = TrainData(
            train=(self.features["train"], labels_of(task, "train")),
            validation=(self.features["validation"], labels_of(task, "validation")),
            classes=len(task.classes),
            layers=mixed_layers(self._setting),
        )
        with one_thread():
            training = HeadTraining(
                data,
                self._spec.training,
                head=self._spec.head,
                seed=self._spec.seed,
                report=self._setting.report,
                save=self._setting.save,
            )
            if found is not None:
                training.restore(*found)
            self._training = training
            training.begin()
        self.step, self.total = training.step, training.total

    def references(self) -> list[tuple[bool, Callable[[], Reference]]]:
        """Return the optimum of this head on these features."""
        training = self._ready()
        features = training.train[0]
        cost = features.shape[0] * features.shape[-1] * training.head.outputs
        return [(cost <= _EARLY_OPTIMUM, self._optimum)]

    def _optimum(self) -> Reference:
        from fineview.core.device import one_thread
        from fineview.core.training.references import optimum

        training = self._ready()
        if training.config.optimiser == "adamw":
            return Reference(
                name="optimum",
                note="No optimum is drawn: AdamW's decoupled decay minimises no penalised loss.",
            )
        with one_thread():
            return optimum(
                training.head,
                training.train,
                training.validation,
                training.config.weight_decay,
                training.objective,
                self._setting.report,
            )

    def train(self) -> Ended:
        """Train to the end; see `Course`."""
        from fineview.core.device import one_thread

        training = self._ready()
        try:
            with one_thread():
                trained = training.run()
        finally:
            self.step = training.step
        self._trained = trained
        return Ended(trained.diverged, trained.early, trained.last)

    def checkpoint(self) -> None:
        """Keep this very step."""
        self._ready().checkpoint()

    def answers(self, split: Split) -> NDArray[np.float64]:
        """Return what the head says of a split; see `Course`."""
        return self._said(self.features[split])

    def judge(self, task: Task) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return what the head says of other texts; see `Course`."""
        features, items = self.features_of(task)
        return self._said(features), items

    def features_of(self, task: Task) -> tuple[Any, NDArray[np.int64]]:
        """Return raw features of another task's texts, and the item of each row."""
        import torch

        from fineview.core.features.extract import extract
        from fineview.core.features.pairs import extract_apart
        from fineview.core.features.pooling import pool
        from fineview.core.features.token_states import token_states
        from fineview.core.runs.tuned_encoder import begins_with
        from fineview.core.training.tokens import TokenFeatures

        bench, spec, report = self._setting.bench, self._spec, self._setting.report
        encoder, longest = bench.encoder(begins_with(spec)), spec.max_length
        if spec.pooling.tokens == "attention":
            layer = spec.pooling.resolved(encoder.info.layers).layers[-1]
            tokens = token_states(
                encoder, task.texts, task.second, layer, max_length=longest, report=report
            )
            return TokenFeatures.of(tokens), tokens.items
        compute = extract_apart if spec.pooling.pair == "separate" else extract
        found = compute(encoder, task, bench.store, max_length=longest, report=report)
        return torch.from_numpy(pool(found, spec.pooling)), found.items

    def _said(self, features: Any) -> NDArray[np.float64]:  # noqa: ANN401 - a tensor, or tokens
        import torch

        head = self.head()
        with torch.no_grad():
            said: NDArray[np.float64] = head.answers(head(head.standardise(features))).numpy()
        return said

    def describe(self) -> dict[str, Any]:
        """Return counts and the learned mix; see `Course`."""
        head = self._ready().head
        weights = head.parameters_count()
        return {
            "dimension": head.dimension,
            "head_parameters": weights,
            "trained_parameters": weights,
            "head_bytes": 4 * weights,
            "frozen_parameters": self._setting.encoder.info.parameters,
            **learned_mix(mixed_layers(self._setting), head.layer_weights(), self.step),
        }

    def artefacts(self) -> dict[str, Arrays]:
        """Return the head; see `Course`."""
        training = self._training
        if training is None or training.step == 0:
            return {}
        return {"head": self.head().to_arrays()}

    def beside(self) -> dict[str, Arrays]:
        """Return what the features are made with and a run keeps beside the head, by name."""
        return {}

    def head(self) -> "LinearHead":
        """Return the head as it stands, or as training left it."""
        return self._ready().head if self._trained is None else self._trained.head

    def _ready(self) -> "HeadTraining":
        assert self._training is not None
        return self._training


def labels_of(task: Task, split: Split) -> "Tensor":
    """Return the labels of a split, (n,) int64 classes or float64 numbers."""
    import torch

    kind = np.int64 if task.label_kind == "class" else np.float64
    return torch.from_numpy(task.labels[task.splits[split]].astype(kind))


def tell_features(setting: Setting, found: Any) -> None:  # noqa: ANN401 - states of any kind
    """Publish what an extraction gave."""
    setting.report.publish(
        FeaturesReady(
            cached=found.cached,
            items=len(found.items),
            seconds=found.seconds,
            truncated=found.truncated,
            dropped_words=found.dropped_words,
        )
    )


def mixed_layers(setting: Setting) -> tuple[int, ...]:
    """Return the layers of a learned mix, ascending; empty without one."""
    choice = setting.spec.pooling.resolved(setting.encoder.info.layers)
    return choice.layers if choice.mix == "weighted" else ()


def learned_mix(layers: tuple[int, ...], weights: list[float], step: int) -> dict[str, Any]:
    """Return what the result says of a learned layer mix."""
    if not layers:
        return {"layer_weights": []}
    told = LayerWeights(step=step, layers=layers, weights=tuple(weights))
    return {
        "layer_weights": weights,
        "mixed_layers": list(layers),
        "expected_layer": told.expected_layer,
    }
