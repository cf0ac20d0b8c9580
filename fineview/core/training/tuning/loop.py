"""The training loop of an encoder with its head."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fineview.core.allocator import kept_memory
from fineview.core.progress import SILENT, Report
from fineview.core.training.config import LIVE_SETTINGS, TrainConfig
from fineview.core.training.events import (
    Evaluation,
    LayerMoves,
    LayerWeights,
    Notice,
    SettingChanged,
    Similarity,
    TrainStep,
)
from fineview.core.training.loop import Arrays, SampleRate, Save
from fineview.core.training.measuring import evaluated
from fineview.core.training.objectives import Objective
from fineview.core.training.optimisers import (
    make_optimiser,
    packed_state,
    rate_factor,
    unpack_state,
)
from fineview.core.training.seeds import seeded
from fineview.core.training.strategy import StrategyConfig
from fineview.core.training.tuning.dropout import quicken
from fineview.core.training.tuning.examples import epoch_batches
from fineview.core.training.tuning.freezing import let_go, rate_groups
from fineview.core.training.tuning.gradients import Gradients
from fineview.core.training.tuning.judging import Outputs, judged
from fineview.core.training.tuning.model import TunedModel
from fineview.core.training.tuning.moves import Moves
from fineview.core.training.tuning.phases import Before, Tuned, TuneData
from fineview.core.training.tuning.similarity import cka_by_layer

SHOWN = {"train": 256, "validation": 512}
"""Most texts of each split on which a run in flight is measured."""
_TELL_MOVES_EVERY_S = 1.0
_SAVE_SMALL_EVERY_S, _SAVE_EVERY_S = 5.0, 60.0
_SMALL = 16_000_000
_NOTHING = Before()


class FineTuning:
    """One training, step by step; `run` drives it to its end, a stop leaves it resumable.

    Attributes:
        model: The model in training.
        step: Steps done, with those of an earlier phase.
        total: Steps of all epochs, with those.
    """

    def __init__(
        self,
        model: TunedModel,
        data: TuneData,
        *,
        strategy: StrategyConfig,
        config: TrainConfig,
        objective: Objective,
        origin: Mapping[str, Tensor],
        before: Before = _NOTHING,
        seed: int = 0,
        report: Report = SILENT,
        save: Save | None = None,
    ) -> None:
        """Prepare.

        Args:
            model: Frozen as the strategy says; its dropout is exchanged for a faster one.
            data: Texts.
            strategy: Rates of the layers.
            config: How.
            objective: What is lowered.
            origin: The encoder's weights before training, by name in it.
            before: An earlier phase.
            seed: Draws batches and dropout.
            report: Asked before each block, on the way there and back.
            save: Keeps a checkpoint.
        """
        self.model = model
        self.config = config
        self.seed = seed
        quicken(model.encoder)
        self._data = data
        self._strategy = strategy
        self._objective = objective
        self._before = before
        self._report = report
        self._save = save
        self._first_rate = config.learning_rate
        self.moves = Moves(model, origin)
        self._movable = model.trained()
        self._rates = rate_groups(model, strategy, config)
        self._optimiser = make_optimiser(
            config,
            [
                {
                    "params": list(group.parameters),
                    "lr": group.rate,
                    "weight_decay": config.weight_decay if group.decays else 0.0,
                }
                for group in self._rates
            ],
        )
        lengths = data.train.lengths
        counts = [len(epoch_batches(lengths, config, seed, e)) for e in range(config.epochs)]
        self._ends = np.cumsum(counts)
        self.step = before.steps
        self.total = before.steps + int(self._ends[-1])
        self._batches: tuple[int, list[NDArray[np.int64]]] = (-1, [])
        self._gradients = Gradients(model, data.train, objective, config, report)
        self._gradients.drop()  # a head trained alone before comes with that of its last step
        self._norms: Sequence[float] = ()
        self._shown = {
            "train": data.train.some(SHOWN["train"]),
            "validation": data.validation.some(SHOWN["validation"]),
        }
        self._at_first: Tensor | None = None
        self._now: Tensor | None = None
        self._cka: tuple[float, ...] = ()
        self._sound: Arrays = {}
        self._sound_evaluation: Evaluation | None = None
        self._best: tuple[float, int, Arrays] | None = None
        self._evaluation: Evaluation | None = None
        self._rate = SampleRate()
        self._began = time.monotonic()
        self._saved_at = self._moves_told_at = self._began
        if config.checkpointing:
            self._keep_no_activations()

    # The course of a run

    def restore(self, step: int, arrays: Arrays, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint written through `save`."""
        self._put(_under("weights.", arrays))
        unpack_state(self._optimiser, _tensors(_under("optimiser.", arrays)))
        self.moves.restart(_tensors(_under("start.", arrays)))
        if "first.states" in arrays:
            self._at_first = torch.from_numpy(np.array(arrays["first.states"]))
        self.config = self.config.with_live({n: float(state[n]) for n in LIVE_SETTINGS})
        if state.get("best_epoch") is not None:
            best = _under("best.", arrays)
            self._best = (float(state["best_loss"]), int(state["best_epoch"]), best)
        self._gradients.tokens_that_fit = state.get("tokens_that_fit")
        self.step = step
        self._let_decay()
        if self._strategy.kind == "gradual":  # there may be no step left to let anything go
            let_go(self.model, self._place(self._own_step - 1)[0])

    def run(self) -> Tuned:
        """Train to the end.

        Raises:
            JobCancelled: Stop was pressed; the step in flight is as if it had not begun, and
                `checkpoint` keeps the position.
            ModelError: Not even one text fits into memory.
        """
        with self._gradients.asking(), kept_memory():
            self.begin()
            end = self._advance()
            if end == "diverged":
                self._put(self._sound)
                self._evaluation = self._sound_evaluation
            elif self._best is not None:
                self._put(self._best[2])
                self._evaluation = None
            last = self._evaluation or self._evaluate(tell=False)
        self._tell_moves()
        return Tuned(self.step, end == "diverged", end == "early", last, self._cka)

    def begin(self) -> Evaluation:
        """Publish the first point of the curves, once; return the newest evaluation."""
        if self._evaluation is None:
            self._evaluate()
        assert self._evaluation is not None
        return self._evaluation

    def checkpoint(self) -> None:
        """Hand weights, optimiser and position to `save`; nothing before the first step."""
        self._saved_at = time.monotonic()
        if self._save is None or self.step == self._before.steps:
            return
        self._report.progress(self.step, self.total, f"Saving step {self.step:,}")
        arrays: Arrays = {f"weights.{n}": v for n, v in self._arrays().items()}
        arrays |= {f"optimiser.{n}": _array(v) for n, v in packed_state(self._optimiser).items()}
        arrays |= {f"start.{n}": _array(v) for n, v in self.moves.start.items()}
        if self._at_first is not None:
            arrays["first.states"] = _array(self._at_first)
        state: dict[str, Any] = {name: getattr(self.config, name) for name in LIVE_SETTINGS}
        state |= {"phase": "encoder", "best_epoch": None, "best_loss": None}
        # Dropout is drawn part by part: a training that goes on has to cut its steps alike.
        state |= {"tokens_that_fit": self._gradients.tokens_that_fit}
        if self._best is not None:
            state |= {"best_loss": self._best[0], "best_epoch": self._best[1]}
            arrays |= {f"best.{n}": v for n, v in self._best[2].items()}
        self._save(self.step, arrays, state)

    # Steps

    def _advance(self) -> Literal["goal", "early", "diverged"]:
        # A stop within the evaluation of an epoch leaves that epoch to be weighed.
        if end := self._end_after(self.begin()):
            return end
        while self.step < self.total:
            self._report.check()
            self._take_changes()
            if not self._one_step():
                return "diverged"
            if time.monotonic() - self._moves_told_at > _TELL_MOVES_EVERY_S:
                self._tell_moves()
            if self._own_step in self._ends and (end := self._end_after(self._evaluate())):
                return end
            small = sum(v.nbytes for v in self._sound.values()) < _SMALL
            pause = _SAVE_SMALL_EVERY_S if small else _SAVE_EVERY_S
            if time.monotonic() - self._saved_at > pause:
                self.checkpoint()
        return "goal"

    def _end_after(self, evaluation: Evaluation) -> Literal["early", "diverged"] | None:
        """Return how training ends with an epoch, if it does."""
        if not self._bearable(evaluation.train_loss):
            return "diverged"
        over = self._own_step in self._ends and self._no_longer_falls(evaluation)
        return "early" if over else None

    def _bearable(self, loss: float) -> bool:
        """Whether a loss is a number that may come down again in a sane number of steps."""
        return loss <= 1_000 * (1 + self._objective.blind)

    @property
    def _own_step(self) -> int:
        return self.step - self._before.steps

    def _place(self, own_step: int) -> tuple[int, int]:
        """Return the epoch of a step still to be taken, and its place in it."""
        epoch = int(np.searchsorted(self._ends, own_step, side="right"))
        return epoch, own_step - (int(self._ends[epoch - 1]) if epoch else 0)

    def _epochs(self) -> float:
        """Return the epochs done, with those of an earlier phase."""
        epoch, place = self._place(self._own_step)
        if epoch == len(self._ends):
            return float(self._before.epochs + epoch)
        size = self._ends[epoch] - (self._ends[epoch - 1] if epoch else 0)
        return float(self._before.epochs + epoch + place / size)

    def _texts(self) -> NDArray[np.int64]:
        """Return the texts of the step to be taken."""
        epoch, place = self._place(self._own_step)
        if self._batches[0] != epoch:
            batches = epoch_batches(self._data.train.lengths, self.config, self.seed, epoch)
            self._batches = (epoch, batches)
            if self._strategy.kind == "gradual":
                let_go(self.model, epoch)
        return self._batches[1][place]

    def _one_step(self) -> bool:
        """Take one step; return False where the loss has left the numbers."""
        texts = self._texts()
        self.model.train(not self.model.tangent)
        with seeded(self.seed, self.step):
            value = self._gradients.compute(texts, self.step)
        norms = self.moves.gradient_norms()
        norm = math.hypot(*norms)
        if not (math.isfinite(norm) and self._bearable(value)):
            self._gradients.drop()
            return False
        self._norms = norms
        if self.config.clip and norm > self.config.clip:
            pulls = [p.grad for group in self._rates for p in group.parameters]
            torch._foreach_mul_([g for g in pulls if g is not None], self.config.clip / norm)
        factor = rate_factor(self.config, self._own_step + 1, int(self._ends[-1]))
        factor *= self.config.learning_rate / self._first_rate
        for slot, group in zip(self._optimiser.param_groups, self._rates, strict=True):
            slot["lr"] = group.rate * factor
        self._optimiser.step()
        self._gradients.drop()
        self.step += 1
        self._rate.add(len(texts))
        self._tell_step(value, norm, factor)
        return True

    # Control

    def _keep_no_activations(self) -> None:
        encoder: Any = self.model.encoder
        try:
            encoder.gradient_checkpointing_enable({"use_reentrant": False})
        except (AttributeError, ValueError):
            self._report.publish(
                Notice(
                    step=self.step,
                    text=f"{self.model.info.title} cannot compute its blocks anew on the way back: "
                    "it trains without gradient checkpointing.",
                )
            )

    def _take_changes(self) -> None:
        for name, value in self._report.changes().items():
            if name not in LIVE_SETTINGS or not isinstance(value, int | float):
                continue
            old = float(getattr(self.config, name))
            self.config = self.config.with_live({name: float(value)})
            self._report.publish(
                SettingChanged(step=self.step, name=name, old=old, new=float(value))
            )
        self._let_decay()

    def _let_decay(self) -> None:
        for slot, group in zip(self._optimiser.param_groups, self._rates, strict=True):
            slot["weight_decay"] = self.config.weight_decay if group.decays else 0.0

    # Measures

    def _tell_step(self, value: float, norm: float, factor: float) -> None:
        encoder = [group.rate for group in self._rates if group.name != "head"]
        self._report.publish(
            TrainStep(
                step=self.step,
                epoch=self._epochs(),
                loss=value,
                gradient_norm=norm,
                samples_per_s=self._rate.value,
                learning_rate=self._first_rate * factor,
                encoder_rate=encoder[-1] * factor if encoder else 0.0,
            )
        )
        epochs = self._before.epochs + self.config.epochs
        epoch = min(math.floor(self._epochs()) + 1, epochs)
        self._report.progress(self.step, self.total, f"epoch {epoch}/{epochs}")

    def _tell_moves(self) -> None:
        self._moves_told_at = time.monotonic()
        names = self.moves.names
        norms = tuple(self._norms) or (0.0,) * len(names)
        self._report.publish(
            LayerMoves(
                step=self.step,
                names=names,
                gradient_norms=norms,
                distances=tuple(self.moves.distances()),
            )
        )
        weights = tuple(self.model.head.layer_weights())
        if weights:
            layers = self.model.pooling.layers
            self._report.publish(LayerWeights(step=self.step, layers=layers, weights=weights))

    def _evaluate(self, *, tell: bool = True) -> Evaluation:
        train = self._judge("train")
        validation = self._judge("validation")
        penalty = self.config.weight_decay * float(self.model.head.penalty().detach())
        evaluation = evaluated(
            self._objective,
            (train.outputs, train.labels),
            (validation.outputs, validation.labels),
            penalty=penalty,
            step=self.step,
            epoch=self._epochs(),
            seconds=time.monotonic() - self._began,
        )
        self._evaluation = evaluation
        if tell:
            self._report.publish(evaluation)
        bearable = self._bearable(evaluation.train_loss)
        if bearable or not self._sound:
            self._sound, self._sound_evaluation = self._arrays(), evaluation
        if bearable:
            self._compare(validation.states)
        return evaluation

    def _judge(self, split: Literal["train", "validation"]) -> Outputs:
        examples = self._data.train if split == "train" else self._data.validation
        return judged(
            self.model,
            examples,
            self._shown[split],
            precision=self.config.precision,
            states=split == "validation",
            report=self._report,
        )

    def _compare(self, states: Tensor | None) -> None:
        """Compare the validation sample's states with those before the first step."""
        if states is None:
            return
        if self._at_first is None:
            self._at_first = states
        self._now = states
        self._cka = cka_by_layer(self._at_first, states)
        self._report.publish(Similarity(step=self.step, cka=self._cka))

    def movement(self) -> Arrays:
        """Return the states of the validation sample before training and now.

        Returns:
            `items` (S,), and `before` and `after` (S, L+1, D) float16: each text's mean over
            tokens.
        """
        texts, examples = self._shown["validation"], self._data.validation
        found: Arrays = {"items": examples.items[examples.first[texts]]}
        for name, states in (("before", self._at_first), ("after", self._now)):
            if states is not None:
                found[name] = states.half().numpy()
        return found

    def _no_longer_falls(self, evaluation: Evaluation) -> bool:
        if not self.config.keeps_best:
            return False
        epoch = int(np.searchsorted(self._ends, self._own_step)) + 1
        if self._best is None or evaluation.loss < self._best[0]:
            self._best = (evaluation.loss, epoch, self._arrays())
        patience = self.config.patience
        return patience > 0 and epoch - self._best[1] >= patience

    # Weights

    def _arrays(self) -> Arrays:
        """Return everything that moves, by name in the model."""
        arrays = {f"encoder.{n}": _array(p) for n, p in self._movable.items()}
        return arrays | {f"head.{n}": v for n, v in self.model.head.to_arrays().items()}

    def _put(self, arrays: Arrays) -> None:
        """Set everything that moves."""
        with torch.no_grad():
            for name, parameter in self._movable.items():
                parameter.copy_(torch.from_numpy(np.array(arrays[f"encoder.{name}"])))
        self.model.head.load_state_dict(_tensors(_under("head.", arrays)))


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {n[len(prefix) :]: v for n, v in arrays.items() if n.startswith(prefix)}


def _array(value: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = value.detach().cpu().numpy().copy()
    return array


def _tensors(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
