"""The gradient of one step, in as many parts as memory asks for; it can be stopped at any block."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fineview.core.errors import ModelError
from fineview.core.features.forward import free_memory, is_memory
from fineview.core.models.blocks import blocks_of
from fineview.core.progress import Report
from fineview.core.training.config import TrainConfig
from fineview.core.training.events import Notice
from fineview.core.training.objectives import Objective
from fineview.core.training.tuning.examples import Examples, parts_of
from fineview.core.training.tuning.judging import autocast
from fineview.core.training.tuning.model import TunedModel


class Gradients:
    """Computes gradients of a model on one task's texts.

    Attributes:
        tokens_that_fit: Most tokens that go through at once; None while memory sufficed.
    """

    def __init__(
        self,
        model: TunedModel,
        examples: Examples,
        objective: Objective,
        config: TrainConfig,
        report: Report,
    ) -> None:
        self._model = model
        self._examples = examples
        self._objective = objective
        self._config = config
        self._report = report
        self.tokens_that_fit: int | None = None

    def compute(self, texts: NDArray[np.int64], step: int) -> float:
        """Leave the gradients of the mean loss over the rows of some texts; return that loss.

        Args:
            texts: (B,) texts of the step.
            step: Steps done, for what is told.

        Raises:
            JobCancelled: Stop was pressed; no gradient is left.
            ModelError: Not even one text fits into memory.
        """
        rows = len(self._examples.rows(texts))
        queue = parts_of(texts, self._config.accumulate)[::-1]
        value = 0.0
        try:
            while queue:
                part = queue.pop()
                size = len(part) * int(self._examples.lengths[part].max())
                most = self.tokens_that_fit
                if len(part) > 1 and most is not None and size > most:
                    queue += parts_of(part, 2)[::-1]
                    continue
                found = self._try(part, rows)
                if found is not None:
                    value += found
                    continue
                # Here the exception, and with it the tensors of the failed attempt, is gone.
                free_memory(self._model.device)
                self._shrink(part, size, step)
                self.drop()
                queue, value = parts_of(texts, self._config.accumulate)[::-1], 0.0
        except BaseException:
            self.drop()
            raise
        return value

    def drop(self) -> None:
        """Forget the gradients of all weights."""
        for parameter in self._model.parameters():
            parameter.grad = None

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask the report before each block of every forward pass inside."""
        blocks = blocks_of(self._model.encoder, self._model.info.layers)

        def ask(*_: object) -> None:
            self._report.ask_stop()

        hooks = [block.register_forward_pre_hook(ask) for block in blocks or ()]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _try(self, part: NDArray[np.int64], rows: int) -> float | None:
        """Return the part's share of the loss, or None where memory did not suffice."""
        mine = self._examples.rows(part)
        try:
            batch = self._examples.batch(part, self._model.padding)
            targets = self._objective.targets(self._examples.labels[torch.from_numpy(mine)])
            with autocast(self._model.device, self._config.precision):
                outputs, states, _ = self._model.look(batch)
            self._ask_on_the_way_back(states)
            loss = self._objective.loss(outputs.float(), targets.to(self._model.device))
            loss = loss * (len(mine) / rows)
            loss.backward()  # type: ignore[no-untyped-call]
            return loss.item()
        except RuntimeError as error:
            if not is_memory(error):
                raise
        return None

    def _ask_on_the_way_back(self, states: Sequence[Tensor]) -> None:
        """Ask the report at each layer of the backward pass too."""

        def ask(_: Tensor) -> None:
            self._report.ask_stop()

        for state in states:
            if state.requires_grad:
                state.register_hook(ask)  # type: ignore[no-untyped-call]

    def _shrink(self, part: NDArray[np.int64], size: int, step: int) -> None:
        info = self._model.info
        if len(part) == 1:
            raise ModelError(
                f"{info.title} ran out of memory on {self._model.device} while training on one "
                f"text of {size} tokens: choose a smaller maximum length, gradient checkpointing, "
                f"or a strategy that moves fewer weights."
            )
        self.tokens_that_fit = size // 2
        told = (
            f"Out of memory with {size:,} tokens at once: steps are now computed in parts of at "
            f"most {size // 2:,} tokens; what is learned stays the same."
        )
        self._report.publish(Notice(step=step, text=told))
