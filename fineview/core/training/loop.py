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
from torch.nn import functional

from fineview.core.progress import SILENT, Report
from fineview.core.training.config import LIVE_SETTINGS, TrainConfig
from fineview.core.training.events import Evaluation, LayerWeights, SettingChanged, TrainStep
from fineview.core.training.heads import AttentionHead, LinearHead
from fineview.core.training.metrics import confusion, macro_f1
from fineview.core.training.plain_sgd import Optimiser, PlainSGD
from fineview.core.training.references import mean_loss
from fineview.core.training.tokens import TokenFeatures

Arrays = dict[str, NDArray[Any]]
Save = Callable[[int, Arrays, Mapping[str, Any]], None]
_SAVE_EVERY_S = 5.0
_TELL_LAYERS_EVERY_S = 0.1
_RATE_WINDOW_S = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class TrainData:
    """Raw pooled features and labels of the two splits that training may see.

    Attributes:
        train: (N, D) or (N, k, D) float32 features, or the tokens of N texts, and (N,) int64
            labels.
        validation: The same.
        classes: C.
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
        seed: int = 0,
        report: Report = SILENT,
        save: Save | None = None,
    ) -> None:
        self.config = config
        self.seed = seed
        kind = AttentionHead if isinstance(data.train[0], TokenFeatures) else LinearHead
        self.head: LinearHead = kind.fitted(data.train[0], data.classes)
        self.train = (self.head.standardise(data.train[0]), data.train[1])
        self.validation = (self.head.standardise(data.validation[0]), data.validation[1])
        self.step = 0
        self.per_epoch = math.ceil(len(data.train[1]) / config.batch_size)
        self.total = self.per_epoch * config.epochs
        self.class_weights = self._balanced() if config.class_weights == "balanced" else None
        self._report = report
        self._save = save
        self._trained = tuple(self.head.parameters())
        self._optimiser = self._make_optimiser()
        self._targets = functional.one_hot(data.train[1], data.classes).to(self.train[0].dtype)
        if self.class_weights is not None:
            self._targets *= self.class_weights
        self._order = (self.train[0], self._targets)
        self._order_epoch = -1
        self._sound = self.head.to_arrays()
        self._best: tuple[float, int, Arrays] | None = None  # loss, epoch, head
        self._saved_at = time.monotonic()
        self._rate = _Rate()
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
        packed = self._optimiser.state_dict()
        packed["state"] = {}
        for name, value in arrays.items():
            if name.startswith("optimiser."):
                _, index, key = name.split(".", 2)
                slot = packed["state"].setdefault(int(index), {})
                slot[key] = torch.from_numpy(np.array(value))
        self._optimiser.load_state_dict(packed)
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
            if self.step % self.per_epoch == 0 and self._no_longer_falls(self._evaluate()):
                return "early"
            if time.monotonic() - self._saved_at > _SAVE_EVERY_S:
                self.checkpoint()
        return "goal"

    def _one_step(self) -> bool:
        """Take one step; return False where the loss has left the numbers."""
        epoch, place = divmod(self.step, self.per_epoch)
        size = self.config.batch_size
        features, targets = self._shuffled(epoch)
        batch = slice(place * size, (place + 1) * size)
        value = self.head.loss_and_gradients(features[batch], targets[batch])
        norms = [torch.linalg.vector_norm(p.grad).item() for p in self._trained]
        norm = math.hypot(*norms)
        # A loss a thousand times that of blind guessing will not come back in a sane number of
        # steps, even where float32 still holds it.
        blind = math.log(self.head.linear.out_features)
        if not (math.isfinite(norm) and value <= 1_000 * (1 + blind)):
            return False
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
                learning_rate=self.config.learning_rate,
            )
        )
        self._report.progress(self.step, self.total, f"epoch {epoch + 1}/{self.config.epochs}")
        return True

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
        if math.isfinite(evaluation.train_loss):
            self._sound = self.head.to_arrays()
        self._evaluation = evaluation
        self._report.publish(evaluation)
        return evaluation

    @torch.no_grad()
    def _measure(self) -> Evaluation:
        outputs = self.head(self.train[0])
        train_loss = float(functional.cross_entropy(outputs, self.train[1]))
        weighted = train_loss
        if self.class_weights is not None:
            weighted = float(mean_loss(outputs, self.train[1], self.class_weights))
        answers = self.head(self.validation[0])
        labels = self.validation[1]
        counts = confusion(labels.numpy(), answers.argmax(1).numpy(), self.head.linear.out_features)
        return Evaluation(
            step=self.step,
            epoch=self.step / self.per_epoch,
            train_loss=train_loss,
            train_accuracy=float((outputs.argmax(1) == self.train[1]).float().mean()),
            penalised_loss=weighted + self.config.weight_decay * float(self.head.penalty()),
            loss=float(functional.cross_entropy(answers, labels)),
            accuracy=float(counts.trace() / counts.sum()),
            macro_f1=macro_f1(counts),
        )

    def _no_longer_falls(self, evaluation: Evaluation) -> bool:
        if self.config.patience == 0:
            return False
        epoch = self.step // self.per_epoch
        if self._best is None or evaluation.loss < self._best[0]:
            self._best = (evaluation.loss, epoch, self.head.to_arrays())
        return epoch - self._best[1] >= self.config.patience

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
                group["lr"] = self.config.learning_rate
                group["weight_decay"] = self.config.weight_decay * group["decays"]

    def _make_optimiser(self) -> Optimiser:
        free = [p for n, p in self.head.named_parameters() if n != "linear.weight"]
        decay = self.config.weight_decay
        groups: list[dict[str, Any]] = [
            {"params": [self.head.linear.weight], "weight_decay": decay, "decays": 1.0},
            {"params": free, "weight_decay": 0.0, "decays": 0.0},
        ]
        rate = self.config.learning_rate
        match self.config.optimiser:
            case "sgd":
                return PlainSGD(groups, lr=rate)
            case "momentum":
                return torch.optim.SGD(groups, lr=rate, momentum=0.9)
            case "adam":
                return torch.optim.Adam(groups, lr=rate)
            case "adamw":
                return torch.optim.AdamW(groups, lr=rate)

    def _balanced(self) -> Tensor:
        counts = torch.bincount(self.train[1], minlength=self.head.linear.out_features).float()
        return len(self.train[1]) / (len(counts) * counts.clamp(min=1))

    def checkpoint(self) -> None:
        """Hand head, optimiser and position to `save`; nothing at step 0."""
        self._saved_at = time.monotonic()
        if self._save is None or self.step == 0:
            return
        arrays: Arrays = {f"head.{n}": v for n, v in self.head.to_arrays().items()}
        for index, slots in self._optimiser.state_dict()["state"].items():
            for key, value in slots.items():
                if isinstance(value, Tensor):
                    arrays[f"optimiser.{index}.{key}"] = value.numpy().copy()
        state: dict[str, Any] = {name: getattr(self.config, name) for name in LIVE_SETTINGS}
        state |= {"best_epoch": None, "best_loss": None}
        if self._best is not None:
            state |= {"best_loss": self._best[0], "best_epoch": self._best[1]}
            arrays |= {f"best.{n}": v for n, v in self._best[2].items()}
        self._save(self.step, arrays, state)


def _tensors(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}


class _Rate:
    """Samples per second over the last fifth of a second or so."""

    def __init__(self) -> None:
        self.value = 0.0
        self._since = time.monotonic()
        self._samples = 0

    def add(self, samples: int) -> None:
        self._samples += samples
        passed = time.monotonic() - self._since
        if passed >= _RATE_WINDOW_S or self.value == 0.0:
            self.value = self._samples / max(passed, 1e-6)
        if passed >= _RATE_WINDOW_S:
            self._since += passed
            self._samples = 0
