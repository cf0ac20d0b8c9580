"""The number fields of the training settings: what each sets, and when it is of use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from fineview.core.runs.spec import RunSpec

Part = Literal["spec", "training", "strategy", "head"]
Place = Literal["strategy", "head", "main", "more"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldInfo:
    """One number of a spec.

    Attributes:
        name: Its field.
        part: The part of the spec that has it.
        place: Where it stands in the column.
        label: In front of it.
        tip: What it does – typical value – when to change it.
        low: Least value.
        high: Greatest value.
        integer: Whether only whole numbers will do.
        shown: Whether it is of use to a spec.
    """

    name: str
    part: Part
    place: Place
    label: str
    tip: str
    low: float
    high: float
    integer: bool = False
    shown: Callable[[RunSpec], bool] = lambda _spec: True

    def value(self, spec: RunSpec) -> float:
        """Return what it is in a spec."""
        holder = spec if self.part == "spec" else getattr(spec, self.part)
        return float(getattr(holder, self.name))


def _strategy(*kinds: str) -> Callable[[RunSpec], bool]:
    return lambda spec: spec.strategy.kind in kinds


def _head(*kinds: str) -> Callable[[RunSpec], bool]:
    return lambda spec: spec.head.kind in kinds


def _steps(spec: RunSpec) -> bool:
    return spec.head.by_gradient


def _encoder(spec: RunSpec) -> bool:
    return spec.strategy.trains_encoder


FIELDS: tuple[FieldInfo, ...] = (
    FieldInfo(
        name="top_layers", part="strategy", place="strategy", label="Layers", low=1, high=1000,
        tip="How many of the last blocks move – 2 – more when the task is far from pretraining.",
        integer=True, shown=_strategy("last-k"),
    ),
    FieldInfo(
        name="head_epochs", part="strategy", place="strategy", label="Head epochs", low=1,
        high=1000,
        tip="Epochs of the head alone, before everything moves – 20 – more when its loss still "
        "falls.",
        integer=True, shown=_strategy("lp-ft", "linearised"),
    ),
    FieldInfo(
        name="rank", part="strategy", place="strategy", label="Rank", low=1, high=256,
        tip="Columns of LoRA's thin matrices – 8 – more for more capacity and more bytes a task.",
        integer=True, shown=_strategy("lora"),
    ),
    FieldInfo(
        name="alpha", part="strategy", place="strategy", label="Alpha", low=1e-3, high=1e4,
        tip="LoRA's products are multiplied by alpha / rank – twice the rank – raise it with the "
        "rank.",
        shown=_strategy("lora"),
    ),
    FieldInfo(
        name="encoder_rate", part="strategy", place="strategy", label="Encoder rate", low=1e-12,
        high=1e6,
        tip="Step size of the encoder's weights – 5e-5, some ten times that for LoRA and BitFit – "
        "lower it when pretraining is forgotten.",
        shown=_encoder,
    ),
    FieldInfo(
        name="layer_decay", part="strategy", place="strategy", label="Layer decay", low=1e-6,
        high=1,
        tip="Factor from each block's rate to that of the block below – 1, or 0.385 with gradual "
        "unfreezing – lower it to leave low layers as they were.",
        shown=lambda spec: _encoder(spec) and spec.strategy.kind != "linearised",
    ),
    FieldInfo(
        name="hidden_layers", part="head", place="head", label="Hidden layers", low=1, high=8,
        tip="Hidden layers of the MLP – 1 – more for more capacity.",
        integer=True, shown=_head("mlp"),
    ),
    FieldInfo(
        name="width", part="head", place="head", label="Width", low=1, high=8192,
        tip="Units of each hidden layer – 256 – more for more capacity, and more overfitting.",
        integer=True, shown=_head("mlp"),
    ),
    FieldInfo(
        name="dropout", part="head", place="head", label="Dropout", low=0, high=0.99,
        tip="Share of hidden units left out at each step – 0.1 – raise it against overfitting.",
        shown=_head("mlp"),
    ),
    FieldInfo(
        name="trees", part="head", place="head", label="Trees", low=1, high=5000,
        tip="Trees of the forest, or rounds of boosting – 300 – more until the curve is flat.",
        integer=True, shown=_head("forest", "boosting"),
    ),
    FieldInfo(
        name="neighbours", part="head", place="head", label="k", low=1, high=100_000,
        tip="How many nearest texts vote – 15 – the curve shows what others would give.",
        integer=True, shown=_head("knn"),
    ),
    FieldInfo(
        name="penalty", part="head", place="head", label="C", low=1e-6, high=1e6,
        tip="Inverse weight of the penalty – 1 – lower it against overfitting.",
        shown=_head("svm"),
    ),
    FieldInfo(
        name="learning_rate", part="training", place="main", label="Rate", low=1e-9, high=1e12,
        tip="Step size of the head's weights – 0.1 for SGD, 0.003 for AdamW – lower it when the "
        "loss jumps; it may be changed while a run is in flight, and the encoder's moves along.",
        shown=_steps,
    ),
    FieldInfo(
        name="batch_size", part="training", place="main", label="Batch", low=1, high=100_000,
        tip="Texts per step – 32, or 16 where the encoder is trained – larger is smoother and "
        "slower to start.",
        integer=True, shown=_steps,
    ),
    FieldInfo(
        name="epochs", part="training", place="main", label="Epochs", low=1, high=1_000_000,
        tip="Passes over the training texts – 100, or 3 where the encoder is trained – more when "
        "the curve still falls.",
        integer=True, shown=_steps,
    ),
    FieldInfo(
        name="seed", part="spec", place="main", label="Seed", low=0, high=2**31 - 1,
        tip="Decides first weights, batch order and dropout – 0 – change it to see how much luck "
        "there is.",
        integer=True,
    ),
    FieldInfo(
        name="weight_decay", part="training", place="more", label="Weight decay", low=0, high=1e6,
        tip="Penalty λ/2·‖W‖² on the weights – 0.01 – raise it against overfitting; it may be "
        "changed while a run is in flight.",
        shown=_steps,
    ),
    FieldInfo(
        name="warmup", part="training", place="more", label="Warm-up", low=0, high=0.99,
        tip="Share of the steps over which rates rise from 0 – 0.1 where the encoder is trained – "
        "raise it when the first steps do harm.",
        shown=_steps,
    ),
    FieldInfo(
        name="clip", part="training", place="more", label="Clip at", low=0, high=1e6,
        tip="Greatest norm of a step's gradient – 1, or 0 for none – lower it when the loss jumps.",
        shown=_steps,
    ),
    FieldInfo(
        name="patience", part="training", place="more", label="Patience", low=0, high=1_000_000,
        tip="Epochs without a better validation loss before training stops – 0 is never.",
        integer=True, shown=_steps,
    ),
    FieldInfo(
        name="accumulate", part="training", place="more", label="Parts a step", low=1, high=10_000,
        tip="Parts in which a step's gradient is computed – 1 – more where memory is short; the "
        "step stays the same.",
        integer=True, shown=_encoder,
    ),
    FieldInfo(
        name="token_budget", part="training", place="more", label="Tokens a step", low=0,
        high=10_000_000,
        tip="A step takes texts of like length up to so many tokens, in place of the batch – 0 is "
        "off – 2 048 where lengths differ much.",
        integer=True, shown=_encoder,
    ),
    FieldInfo(
        name="max_length", part="spec", place="more", label="Max. tokens", low=3, high=8192,
        tip="Longer texts are cut – 128 – raise it for long texts; the encoder sets the limit.",
        integer=True,
    ),
)  # fmt: skip
