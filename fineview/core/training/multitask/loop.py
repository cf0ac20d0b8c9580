"""The training of several heads on one encoder, a batch of every task in each step."""

import copy
import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fineview.core.allocator import kept_memory
from fineview.core.data.task import LabelKind, TaskInfo
from fineview.core.errors import RunError
from fineview.core.models.encoder import Encoder
from fineview.core.progress import SILENT, Report
from fineview.core.training.config import HeadConfig
from fineview.core.training.loop import SampleRate, objective_for
from fineview.core.training.multitask.balance import balancer_of
from fineview.core.training.multitask.config import Sampling, TasksChoice
from fineview.core.training.multitask.events import JointStep
from fineview.core.training.multitask.gradients import Pull, SharedWeights, cosines_of
from fineview.core.training.optimisers import make_optimiser, rate_factor
from fineview.core.training.seeds import seeded
from fineview.core.training.tuning.building import new_head
from fineview.core.training.tuning.dropout import quicken
from fineview.core.training.tuning.examples import Examples, epoch_batches
from fineview.core.training.tuning.freezing import freeze, rate_groups
from fineview.core.training.tuning.gradients import Gradients
from fineview.core.training.tuning.model import TunedModel

_HOPELESS = 1_000.0
"""A loss so many times that of an answer which ignores the text never comes back."""


@dataclass(frozen=True, slots=True, eq=False)
class JointTask:
    """One task as training sees it.

    Attributes:
        info: Its name and level.
        kind: What its labels are.
        classes: C; 0 for numbers.
        train: Its training texts.
        size: Texts of it in a step.
        turns: Steps in which it is read once.
    """

    info: TaskInfo
    kind: LabelKind
    classes: int
    train: Examples
    size: int
    turns: int


def batch_sizes(texts: Sequence[int], batch_size: int, sampling: Sampling) -> list[int]:
    """Return how many texts each task gives to a step, >= 1, at most those it has.

    Args:
        texts: (K,) training texts of each task.
        batch_size: Texts of a task, on the mean over tasks.
        sampling: As many of each, or in proportion to `texts`.
    """
    if sampling == "round-robin":
        return [min(batch_size, count) for count in texts]
    share = batch_size * len(texts) / sum(texts)
    return [min(max(round(share * count), 1), count) for count in texts]


class JointTraining:
    """Several tasks in training, step by step; `run` drives it to its end.

    What a task meets hangs on the task alone: its batches, its dropout, its head. So a task that is
    trained alone on a frozen encoder learns bit for bit what it learns in company.

    Attributes:
        models: (K,) a model a task; they hold the same encoder, a copy of the source's.
        shared: The encoder's weights that move.
        step: Steps done.
        total: Steps in all.
    """

    def __init__(
        self,
        source: Encoder,
        tasks: Sequence[JointTask],
        choice: TasksChoice,
        *,
        total: int,
        phase: str = "",
        report: Report = SILENT,
    ) -> None:
        """Prepare.

        Args:
            source: The pretrained encoder, loaded; it is not changed.
            tasks: All tasks of the choice, or one of them to be trained alone.
            choice: How.
            total: Steps.
            phase: Name of the task that is trained alone, or "".
            report: Asked before each step, and within it at each block, on the way there and back.

        Raises:
            ConfigError: The encoder has fewer blocks than are to move.
        """
        self.step = 0
        self.total = total
        self._tasks = tuple(tasks)
        self._choice = choice
        self._phase = phase
        self._report = report
        self._objectives = [
            objective_for(task.train.labels, task.classes, choice.training(task.size))
            for task in tasks
        ]
        encoder = copy.deepcopy(source.model)
        quicken(encoder)
        self.models = [self._model(source, encoder, at) for at in range(len(tasks))]
        freeze(self.models[0], choice.strategy)
        if not choice.trains_encoder:
            encoder.requires_grad_(False)
        self.shared = SharedWeights(self.models[0])
        self._gradients = [
            Gradients(model, task.train, objective, choice.training(task.size), report)
            for model, task, objective in zip(self.models, tasks, self._objectives, strict=True)
        ]
        self._balancer = balancer_of(
            choice.remedy if len(tasks) > 1 else "none",
            kinds=[task.kind for task in tasks],
            first_losses=[objective.blind for objective in self._objectives],
            alpha=choice.alpha,
            seed=choice.seed,
        )
        self._config = choice.training(choice.batch_size)
        self._make_optimiser()
        self._batches: dict[str, tuple[int, list[NDArray[np.int64]]]] = {}
        self._rate = SampleRate()

    def run(self) -> None:
        """Train to the end.

        Raises:
            JobCancelled: Stop was pressed; the step in flight is as if it had not begun.
            RunError: A loss has left the numbers.
            ModelError: Not even one text fits into memory.
        """
        with self._gradients[0].asking(), kept_memory():
            while self.step < self.total:
                self._report.check()
                self.one_step()

    def one_step(self) -> None:
        """Take one step; raises as `run`."""
        texts = self.texts()
        told = len(texts) > 1 and (self.step + 1) % self._choice.every == 0
        products: NDArray[np.float64] | None = None
        try:
            losses, pulls = self.gradients(texts)
            self._refuse_hopeless(losses)
            if self.shared.groups and (told or self._balancer.compares):
                products = self.shared.products(pulls)
            whole = None if products is None else products.sum(0)
            last = self.shared.last_norms(pulls)
            on_shared, on_heads = self._balancer.weights(whole, self.step)
            self.shared.put(pulls, on_shared.tolist())
            self._clip(on_heads.tolist())
        except BaseException:
            self.drop()
            raise
        self._move()
        self.step += 1
        self._balancer.learn(np.array(losses), last)
        self._rate.add(sum(len(batch) for batch in texts))
        self._report.publish(
            JointStep(
                phase=self._phase,
                step=self.step,
                losses=tuple(losses),
                weights=tuple(on_shared.tolist()),
                samples_per_s=self._rate.value,
            )
        )
        if told and products is not None:
            found = cosines_of(products, self.shared.groups, self.step)
            if found is not None:
                self._report.publish(found)

    def texts(self) -> list[NDArray[np.int64]]:
        """Return the texts of each task in the step to be taken."""
        found = []
        for task in self._tasks:
            epoch, place = divmod(self.step, task.turns)
            known = self._batches.get(task.info.name)
            if known is None or known[0] != epoch:
                config = self._choice.training(task.size)
                batches = epoch_batches(task.train.lengths, config, self._choice.seed, epoch)
                known = self._batches[task.info.name] = (epoch, batches)
            found.append(known[1][place])
        return found

    def gradients(self, texts: Sequence[NDArray[np.int64]]) -> tuple[list[float], list[Pull]]:
        """Return each task's loss and its gradient on the shared weights.

        The gradients of the heads are left on them.

        Raises:
            JobCancelled: Stop was pressed.
            ModelError: Not even one text fits into memory.
        """
        losses, pulls = [], []
        for task, model, gradients, batch in zip(
            self._tasks, self.models, self._gradients, texts, strict=True
        ):
            model.train(self._choice.trains_encoder)
            with self.draws(task):
                losses.append(gradients.compute(batch, self.step))
            pulls.append(self.shared.take())
        return losses, pulls

    def draws(self, task: JointTask) -> AbstractContextManager[None]:
        """Return where torch draws a task's dropout of the step to be taken."""
        return seeded(self._choice.seed, self.step, zlib.crc32(task.info.name.encode()))

    def drop(self) -> None:
        """Forget all gradients."""
        for gradients in self._gradients:
            gradients.drop()

    # Parts

    def _model(self, source: Encoder, encoder: nn.Module, at: int) -> TunedModel:
        task, info = self._tasks[at], source.info
        head = new_head(
            self._choice.pooling,
            info.width,
            info.layers,
            task.classes or 1,
            HeadConfig(),
            self._choice.seed,
        )
        head.know_labels(self._objectives[at])
        head.to(source.device)
        return TunedModel(source, encoder, head, self._choice.pooling, task.info.level)

    def _make_optimiser(self) -> None:
        config, strategy = self._config, self._choice.strategy
        groups = rate_groups(self.models[0], strategy, config)
        for model in self.models[1:]:
            groups += [g for g in rate_groups(model, strategy, config) if g.name == "head"]
        self._rates = groups
        self._optimiser = make_optimiser(
            config,
            [
                {
                    "params": list(group.parameters),
                    "lr": group.rate,
                    "weight_decay": config.weight_decay if group.decays else 0.0,
                }
                for group in groups
            ],
        )

    def _clip(self, on_heads: Sequence[float]) -> None:
        """Weigh the heads' gradients, then limit the norms of encoder and heads, each by itself.

        One limit for all would let one head's size slow down another.
        """
        for model, weight in zip(self.models, on_heads, strict=True):
            own = [p.grad for p in model.head.parameters() if p.grad is not None]
            if weight != 1:
                torch._foreach_mul_(own, weight)
            self._limit(own)
        self._limit([p.grad for p in self.shared.parameters if p.grad is not None])

    def _limit(self, gradients: list[Tensor]) -> None:
        if not gradients:
            return
        norm = float(torch.stack(torch._foreach_norm(gradients)).norm())
        if norm > self._config.clip:
            torch._foreach_mul_(gradients, self._config.clip / norm)

    def _move(self) -> None:
        factor = rate_factor(self._config, self.step + 1, self.total)
        for slot, group in zip(self._optimiser.param_groups, self._rates, strict=True):
            slot["lr"] = group.rate * factor
        self._optimiser.step()
        self.drop()

    def _refuse_hopeless(self, losses: Sequence[float]) -> None:
        for task, loss, objective in zip(self._tasks, losses, self._objectives, strict=True):
            if not loss <= _HOPELESS * (1 + objective.blind):  # also catches NaN
                raise RunError(
                    f"The loss of {task.info.title} has left the numbers at step {self.step + 1}: "
                    f"choose rates below {self._choice.encoder_rate:g} for the encoder and "
                    f"{self._choice.head_rate:g} for heads."
                )
