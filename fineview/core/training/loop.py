"""The training loop of a gradient head on frozen features."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fineview.core.progress import SILENT, Report
from fineview.core.training.config import LIVE_SETTINGS, HeadConfig, TrainConfig
from fineview.core.training.events import Evaluation, LayerWeights, SettingChanged, TrainStep
from fineview.core.training.heads import AttentionHead, LinearHead
from fineview.core.training.measuring import evaluated
from fineview.core.training.objectives import CrossEntropy, Objective, SquaredError
from fineview.core.training.optimisers import (
    Optimiser,
    make_optimiser,
    packed_state,
    rate_factor,
    unpack_state,
)
from fineview.core.training.seeds import seeded
from fineview.core.training.tokens import TokenFeatures

Arrays = dict[str, NDArray[Any]]
Save = Callable[[int, Arrays, Mapping[str, Any]], None]
_SAVE_EVERY_S, _SAVE_SOONEST_S = 5.0, 0.25
_TELL_LAYERS_EVERY_S = 0.1
_RATE_WINDOW_S = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class TrainData:
    """Raw pooled features and labels of the two splits that training may see.

    Attributes:
        train: (N, D) or (N, k, D) float32 features, or the tokens of N texts, and (N,) labels:
            int64 classes or float64 numbers.
        validation: The same.
        classes: C; 0 where labels are numbers.
        layers: The k layers of a learned mix, ascending; else empty.
    """

    train: tuple[Any, Tensor]
    validation: tuple[Any, Tensor]
    classes: int
    layers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What training left behind.

    Attributes:
        head: The head as it stands at the end (with early stopping: at its best epoch).
        steps: Steps done.
        diverged: True where the loss left the numbers; the head is then the last sound one.
        early: True where training stopped because the validation loss no longer fell.
        last: The last evaluation.
    """

    head: LinearHead
    steps: int
    diverged: bool
    early: bool
    last: Evaluation


class HeadTraining:
    """One training, step by step; `run` drives it to its end, a stop leaves it resumable.

    Attributes:
        head: The head in training.
        step: Steps done.
        total: Steps of all epochs.
    """

    def __init__(
        self,
        data: TrainData,
        config: TrainConfig,
        *,
        head: HeadConfig = HeadConfig(),
        seed: int = 0,
        report: Report = SILENT,
        save: Save | None = None,
    ) -> None:
        self.config = config
        self.seed = seed
        self.objective = objective_for(data.train[1], data.classes, config)
        kind = AttentionHead if isinstance(data.train[0], TokenFeatures) else LinearHead
        self.head: LinearHead = kind.fitted(data.train[0], data.classes or 1, head, seed)
        self.head.know_labels(self.objective)
        self.train = (self.head.standardise(data.train[0]), data.train[1])
        self.validation = (self.head.standardise(data.validation[0]), data.validation[1])
        self.step = 0
        self.per_epoch = math.ceil(len(data.train[1]) / config.batch_size)
        self.total = self.per_epoch * config.epochs
        self._report = report
        self._save = save
        self._trained = tuple(self.head.parameters())
        self._optimiser = self._make_optimiser()
        self._targets = self.objective.targets(data.train[1])
        self._order = (self.train[0], self._targets)
        self._order_epoch = -1
        self._sound = self.head.to_arrays()
        self._sound_evaluation: Evaluation | None = None
        self._best: tuple[float, int, Arrays] | None = None  # loss, epoch, head
        self._saved_at = time.monotonic()
        self._rate = SampleRate()
        self._evaluation: Evaluation | None = None
        self._layers = data.layers
        self._layers_told_at = -math.inf

    def restore(self, step: int, arrays: Arrays, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint written through `save`."""
        self.head.load_state_dict(
            _tensors({n[5:]: v for n, v in arrays.items() if n.startswith("head.")})
        )
        self.config = self.config.with_live({n: float(state[n]) for n in LIVE_SETTINGS})
        self._optimiser = self._make_optimiser()
        kept = {n[10:]: v for n, v in arrays.items() if n.startswith("optimiser.")}
        unpack_state(self._optimiser, _tensors(kept))
        if state.get("best_epoch") is not None:
            best = {n[5:]: v for n, v in arrays.items() if n.startswith("best.")}
            self._best = (float(state["best_loss"]), int(state["best_epoch"]), best)
        self.step = step
        self._sound = self.head.to_arrays()

    def run(self) -> Trained:
        """Train to the end.

        Raises:
            JobCancelled: Stop was pressed; `checkpoint` keeps the position.
        """
        self.begin()
        end = self._advance()
        if end == "diverged":
            head = type(self.head).from_arrays(self._sound)
            self._evaluation = self._sound_evaluation or self._evaluation
        else:
            head = self.head
            if self._best is not None:
                head.load_state_dict(_tensors(self._best[2]))
                self._evaluation = self._measure()
        self._tell_layers(head)
        return Trained(head, self.step, end == "diverged", end == "early", self.begin())

    def begin(self) -> Evaluation:
        """Publish the first point of the curves, once; return the newest evaluation."""
        return self._evaluation if self._evaluation is not None else self._evaluate()

    def _advance(self) -> Literal["goal", "early", "diverged"]:
        while self.step < self.total:
            self._report.check()
            self._take_changes()
            if not self._one_step():
                return "diverged"
            if time.monotonic() - self._layers_told_at > _TELL_LAYERS_EVERY_S:
                self._tell_layers(self.head)
            if self.step % self.per_epoch == 0:
                evaluation = self._evaluate()
                if not self._bearable(evaluation.train_loss):
                    return "diverged"
                if self._no_longer_falls(evaluation):
                    return "early"
            waited = time.monotonic() - self._saved_at
            if waited > _SAVE_EVERY_S or (self._at_landmark() and waited > _SAVE_SOONEST_S):
                self.checkpoint()
        return "goal"

    def _at_landmark(self) -> bool:
        """Whether another sixth of the steps is done: places to go back to in a short run too."""
        sixth = max(self.total // 6, 1)
        return self.step % sixth == 0 and self.step < self.total

    def _one_step(self) -> bool:
        """Take one step; return False where the loss has left the numbers."""
        epoch, place = divmod(self.step, self.per_epoch)
        size = self.config.batch_size
        features, targets = self._shuffled(epoch)
        batch = slice(place * size, (place + 1) * size)
        value = self._loss_and_gradients(features[batch], targets[batch])
        norms = [torch.linalg.vector_norm(p.grad).item() for p in self._trained]
        norm = math.hypot(*norms)
        if not (math.isfinite(norm) and self._bearable(value)):
            return False
        if self.config.clip and norm > self.config.clip:
            torch.nn.utils.clip_grad_norm_(self._trained, self.config.clip)
        rate = self.config.learning_rate * self._factor()
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.step()
        self.step += 1
        self._rate.add(min(size, len(targets) - place * size))
        self._report.publish(
            TrainStep(
                step=self.step,
                epoch=self.step / self.per_epoch,
                loss=value,
                gradient_norm=norm,
                samples_per_s=self._rate.value,
                learning_rate=rate,
            )
        )
        self._report.progress(self.step, self.total, f"epoch {epoch + 1}/{self.config.epochs}")
        return True

    def _bearable(self, loss: float) -> bool:
        # A loss a thousand times that of blind guessing will not come back in a sane number of
        # steps, even where float32 still holds it.
        return loss <= 1_000 * (1 + self.objective.blind)

    def _loss_and_gradients(self, features: Any, targets: Tensor) -> float:  # noqa: ANN401
        if self.head.hidden is None:
            return self.head.loss_and_gradients(features, targets, self.objective)
        with seeded(self.seed, self.step):  # dropout
            return self.head.loss_and_gradients(features, targets, self.objective)

    def _factor(self) -> float:
        if self.config.schedule == "constant" and not self.config.warmup:
            return 1.0
        return rate_factor(self.config, self.step + 1, self.total)

    def _tell_layers(self, head: LinearHead) -> None:
        """Publish the weights of a learned layer mix, where there is one."""
        self._layers_told_at = time.monotonic()
        if self._layers:
            weights = tuple(head.layer_weights())
            self._report.publish(LayerWeights(step=self.step, layers=self._layers, weights=weights))

    def _shuffled(self, epoch: int) -> tuple[Any, Tensor]:
        """Return features and targets in the order of an epoch, so that batches are slices."""
        # From (seed, epoch) alone, so that a resumed run meets the same batches.
        if epoch != self._order_epoch:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            order = torch.randperm(len(self.train[1]), generator=generator)
            self._order = (self.train[0][order], self._targets[order])
            self._order_epoch = epoch
        return self._order

    def _evaluate(self) -> Evaluation:
        evaluation = self._measure()
        if self._bearable(evaluation.train_loss):
            self._sound, self._sound_evaluation = self.head.to_arrays(), evaluation
        self._evaluation = evaluation
        self._report.publish(evaluation)
        return evaluation

    @torch.no_grad()
    def _measure(self) -> Evaluation:
        return evaluated(
            self.objective,
            (self.head(self.train[0]), self.train[1]),
            (self.head(self.validation[0]), self.validation[1]),
            penalty=self.config.weight_decay * float(self.head.penalty().detach()),
            step=self.step,
            epoch=self.step / self.per_epoch,
        )

    def _no_longer_falls(self, evaluation: Evaluation) -> bool:
        if not self.config.keeps_best:
            return False
        epoch = self.step // self.per_epoch
        if self._best is None or evaluation.loss < self._best[0]:
            self._best = (evaluation.loss, epoch, self.head.to_arrays())
        patience = self.config.patience
        return patience > 0 and epoch - self._best[1] >= patience

    def _take_changes(self) -> None:
        for name, value in self._report.changes().items():
            if name not in LIVE_SETTINGS or not isinstance(value, int | float):
                continue
            old = float(getattr(self.config, name))
            self.config = self.config.with_live({name: float(value)})
            self._report.publish(
                SettingChanged(step=self.step, name=name, old=old, new=float(value))
            )
            for group in self._optimiser.param_groups:
                group["weight_decay"] = self.config.weight_decay * group["decays"]

    def _make_optimiser(self) -> Optimiser:
        pulled = self.head.weights()
        free = [p for p in self.head.parameters() if not any(p is one for one in pulled)]
        decay = self.config.weight_decay
        groups: list[dict[str, Any]] = [
            {"params": pulled, "weight_decay": decay, "decays": 1.0},
            {"params": free, "weight_decay": 0.0, "decays": 0.0},
        ]
        return make_optimiser(self.config, groups)

    def checkpoint(self) -> None:
        """Hand head, optimiser and position to `save`; nothing at step 0."""
        self._saved_at = time.monotonic()
        if self._save is None or self.step == 0:
            return
        arrays: Arrays = {f"head.{n}": v for n, v in self.head.to_arrays().items()}
        for name, value in packed_state(self._optimiser).items():
            arrays[f"optimiser.{name}"] = value.numpy().copy()
        state: dict[str, Any] = {name: getattr(self.config, name) for name in LIVE_SETTINGS}
        state |= {"best_epoch": None, "best_loss": None}
        if self._best is not None:
            state |= {"best_loss": self._best[0], "best_epoch": self._best[1]}
            arrays |= {f"best.{n}": v for n, v in self._best[2].items()}
        self._save(self.step, arrays, state)


def objective_for(labels: Tensor, classes: int, config: TrainConfig) -> Objective:
    """Return what a training lowers.

    Args:
        labels: (N,) of the training split.
        classes: C; 0 for numbers.
        config: Says whether classes are weighted.
    """
    if not classes:
        return SquaredError.of(labels)
    if config.class_weights == "none":
        return CrossEntropy(classes)
    counts = torch.bincount(labels, minlength=classes).float()
    return CrossEntropy(classes, len(labels) / (classes * counts.clamp(min=1)))


def _tensors(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}


class SampleRate:
    """Samples per second over the last fifth of a second or so."""

    def __init__(self) -> None:
        self.value = 0.0
        self._since = time.monotonic()
        self._samples = 0

    def add(self, samples: int) -> None:
        """Count some more."""
        self._samples += samples
        passed = time.monotonic() - self._since
        if passed >= _RATE_WINDOW_S or self.value == 0.0:
            self.value = self._samples / max(passed, 1e-6)
        if passed >= _RATE_WINDOW_S:
            self._since += passed
            self._samples = 0
