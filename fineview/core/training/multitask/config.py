"""Which tasks share one encoder, and how they are trained: plain values that sessions keep."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Literal, get_args

from fineview.core.data.split import SplitConfig
from fineview.core.data.task import LabelKind, TaskInfo
from fineview.core.errors import ConfigError
from fineview.core.features.config import PoolingConfig, TokenPooling, token_poolings
from fineview.core.training.config import TrainConfig, one_of, within
from fineview.core.training.strategy import StrategyConfig

Backbone = Literal["full", "last-k", "frozen"]
Sampling = Literal["round-robin", "proportional"]
Balance = Literal["none", "uncertainty", "pcgrad", "gradnorm"]
CurveKind = Literal["cosines", "losses", "norms", "weights"]

FEWEST_TASKS, MOST_TASKS = 2, 5
FEWEST_ROWS = 10
"""Least training items of a task, and least test items: fewer say nothing."""
ALL_GROUPS = "all"
"""The whole of the shared weights, where a layer group may be named."""


@dataclass(frozen=True, slots=True)
class BalanceInfo:
    """What people are told of a way to balance tasks.

    Attributes:
        title: Name on screen.
        says: One sentence: what it does.
        source: Paper and section; "" for none.
    """

    title: str
    says: str
    source: str


BALANCES: dict[Balance, BalanceInfo] = {
    "none": BalanceInfo(
        "Plain sum", "The losses are added; whoever pulls harder moves the encoder more.", ""
    ),
    "uncertainty": BalanceInfo(
        "Uncertainty",
        "Each loss is weighted by a learned variance of its own: noisy tasks count for less.",
        "Kendall et al. 2018, arXiv:1705.07115, section 3.2",
    ),
    "pcgrad": BalanceInfo(
        "PCGrad",
        "A gradient that pulls against another loses that part, before the gradients are added.",
        "Yu et al. 2020, arXiv:2001.06782, algorithm 1",
    ),
    "gradnorm": BalanceInfo(
        "GradNorm",
        "Weights are learned so that all gradients are of like size, larger for tasks that lag.",
        "Chen et al. 2018, arXiv:1711.02257, algorithm 1",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksChoice:
    """Tasks that are trained together on one encoder, a linear head each.

    Attributes:
        tasks: Names of two to five tasks.
        items: Most training items of each task; 0 takes all.
        held_out_items: Most test items of each task; 0 takes all.
        max_length: Tokens per text.
        tokens: How a text's (a word's) tokens in the last layer become one vector; `mean` fits all
            levels.
        backbone: What of the encoder moves with the heads: all, the last blocks, or nothing.
        top_layers: k of `last-k`.
        sampling: `round-robin`: every task gives as many texts to a step, and small ones begin
            again; `proportional`: a task gives texts in proportion to those it has, and all end
            their epochs together. Either way each step holds a batch of every task.
        balance: What is done where gradients pull apart.
        alpha: GradNorm's pull towards tasks that lag, >= 0.
        epochs: Passes of the task with the most steps, >= 1.
        batch_size: Texts of a task per step, on the mean over tasks.
        encoder_rate: Step size of the encoder's weights, > 0.
        head_rate: Step size of the heads' weights, > 0.
        every: Steps between two comparisons of the gradients.
        alone: Whether each task is trained alone too, on the same budget, to compare with.
        seed: Draws batches, dropout and PCGrad's orders.
        group: Layer group whose gradients are looked at, or `all`.
        curve: What is drawn over the steps.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    tasks: tuple[str, ...] = ("word-relations", "sentence-order")
    items: int = 400
    held_out_items: int = 400
    max_length: int = 64
    tokens: TokenPooling = "mean"
    backbone: Backbone = "full"
    top_layers: int = 2
    sampling: Sampling = "round-robin"
    balance: Balance = "none"
    alpha: float = 1.5
    epochs: int = 3
    batch_size: int = 16
    encoder_rate: float = 5e-5
    head_rate: float = 3e-3
    every: int = 5
    alone: bool = True
    seed: int = 0
    group: str = ALL_GROUPS
    curve: CurveKind = "cosines"

    def __post_init__(self) -> None:
        """Refuse what cannot be trained; how many tasks there are is asked when training begins."""
        twice = [name for at, name in enumerate(self.tasks) if name in self.tasks[:at]]
        if twice:
            raise ConfigError(
                f"{twice[0]} stands twice among the tasks: with itself it shares everything; name "
                "another.",
                "tasks",
            )
        if len(self.tasks) > MOST_TASKS:
            raise ConfigError(
                f"At most {MOST_TASKS} tasks share an encoder here, not {len(self.tasks)}: take "
                "some away.",
                "tasks",
            )
        one_of(self.backbone, get_args(Backbone), "Backbone", "backbone")
        one_of(self.sampling, get_args(Sampling), "Sampling", "sampling")
        one_of(self.balance, get_args(Balance), "Balance", "balance")
        one_of(self.curve, get_args(CurveKind), "Curve", "curve")
        one_of(self.tokens, (*token_poolings("sentence"), "first", "last"), "Pooling", "tokens")
        within(self.max_length, 3, 8192, "Maximum length", "max_length")
        within(self.top_layers, 1, 1000, "Trained layers", "top_layers")
        within(self.epochs, 1, 1000, "Epochs", "epochs")
        within(self.batch_size, 1, 4096, "Batch size", "batch_size")
        within(self.every, 1, 10_000, "Steps between comparisons", "every")
        within(self.seed, 0, 2**31 - 1, "Seed", "seed")
        for name, title in (("items", "Training"), ("held_out_items", "Held-out")):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"{title} items must be 0 (all) or above, not {getattr(self, name)}.", name
                )
        for name, title in (("encoder_rate", "The encoder's rate"), ("head_rate", "Head rate")):
            if not (getattr(self, name) > 0 and isfinite(getattr(self, name))):
                raise ConfigError(f"{title} must be above 0, not {getattr(self, name)}.", name)
        if not (self.alpha >= 0 and isfinite(self.alpha)):
            raise ConfigError(f"GradNorm's α must be 0 or above, not {self.alpha:g}.", "alpha")

    @property
    def trains_encoder(self) -> bool:
        """Whether shared weights move."""
        return self.backbone != "frozen"

    @property
    def remedy(self) -> Balance:
        """The balance that has an effect: none where no shared weight moves."""
        return self.balance if self.trains_encoder else "none"

    @property
    def measured(self) -> "TasksChoice":
        """The choice without what only decides how results are looked at."""
        return replace(self, group=ALL_GROUPS, curve="cosines")

    @property
    def pooling(self) -> PoolingConfig:
        """The last layer, its tokens pooled."""
        return PoolingConfig(tokens=self.tokens)

    @property
    def split(self) -> SplitConfig:
        """How each task's items are divided."""
        return SplitConfig(train_items=self.items, held_out_items=self.held_out_items)

    @property
    def strategy(self) -> StrategyConfig:
        """What moves, and how fast."""
        kind: Literal["full", "last-k"] = "last-k" if self.backbone == "last-k" else "full"
        return StrategyConfig(kind=kind, encoder_rate=self.encoder_rate, top_layers=self.top_layers)

    def training(self, texts: int) -> TrainConfig:
        """Return how one task is trained.

        Args:
            texts: Texts of it in a step.
        """
        return TrainConfig(
            optimiser="adamw",
            learning_rate=self.head_rate,
            batch_size=texts,
            epochs=self.epochs,
            warmup=0.1,
            schedule="linear",
            clip=1.0,
        )


def check_tasks(choice: TasksChoice, infos: Sequence[TaskInfo], layers: int) -> None:
    """Refuse a choice that does not fit its tasks and its encoder.

    Args:
        choice: What is asked.
        infos: The tasks of the choice, in its order.
        layers: L of the encoder.

    Raises:
        ConfigError: With the setting's name.
    """
    if len(infos) < FEWEST_TASKS:
        raise ConfigError(
            f"Tasks pull at one encoder from two on, not {len(infos)}: add another task.", "tasks"
        )
    for info in infos:
        allowed = token_poolings(info.level)
        if choice.tokens not in allowed:
            raise ConfigError(
                f"Token pooling {choice.tokens!r} does not fit the {info.level} level of "
                f"{info.title}: choose {' or '.join(allowed)}; 'mean' fits every level.",
                "tokens",
            )
    if choice.backbone == "last-k" and choice.top_layers > layers:
        raise ConfigError(
            f"The encoder has {layers} blocks, and the last {choice.top_layers} were to move: "
            f"choose at most {layers}.",
            "top_layers",
        )


def check_rows(info: TaskInfo, train: int, test: int) -> None:
    """Refuse a task with too few items.

    Raises:
        ConfigError: It has fewer than FEWEST_ROWS of either.
    """
    for count, split in ((train, "training"), (test, "test")):
        if count < FEWEST_ROWS:
            raise ConfigError(
                f"{info.title} has {count} {split} items within the maximum length, and fewer than "
                f"{FEWEST_ROWS} say nothing: raise the limit on items or on length, or choose "
                "another task.",
                "tasks",
            )


def balance_note(choice: TasksChoice) -> str:
    """Return why a chosen balance has no effect, "" where it has one or none is chosen."""
    if choice.balance == choice.remedy:
        return ""
    return (
        f"{BALANCES[choice.balance].title} has no effect here: with the backbone frozen no shared "
        "weight moves, so there are no gradients to balance. Let the encoder move, or choose the "
        "plain sum."
    )


def label_words(kind: LabelKind, classes: int) -> str:
    """Return what a task's labels are, for people."""
    return "numbers" if kind == "number" else f"{classes} classes"


def choice_from_dict(values: Any, origin: str = "the study") -> TasksChoice:  # noqa: ANN401 - JSON
    """Check and build a choice; what is not named keeps its default.

    Args:
        values: JSON values, from outside.
        origin: Where they come from, for the message.

    Raises:
        ConfigError: A value is unknown or out of range; the message names it.
    """
    from pydantic import TypeAdapter, ValidationError  # slow to import; only files need it

    try:
        return TypeAdapter(TasksChoice).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "tasks"
        told = repr(first["input"])[:60]
        raise ConfigError(
            f"In {origin}, {name} = {told} will not do: {first['msg']}.", name
        ) from None
    except ConfigError as error:
        raise ConfigError(f"In {origin}: {error}", error.field) from None
