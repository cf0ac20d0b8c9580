"""The queue of a comparison: which runs, in which order, with which settings."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fineview.core.runs.compare_choice import CompareChoice, Shape, base_of
from fineview.core.runs.spec import Control, RunSpec
from fineview.core.training.config import HEAD_TITLES, HeadConfig, HeadKind, TrainConfig
from fineview.core.training.strategy import (
    STRATEGIES,
    StrategyKind,
    default_strategy,
    default_training,
)

DRAWN: tuple[HeadKind, ...] = ("linear", "mlp", "forest", "boosting")
"""Heads that a seed changes; the others learn the same from the same features every time."""
_TERMS = 100
_HEAD_EPOCHS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One row of a comparison: the same settings over some seeds.

    Attributes:
        key: Names it within the comparison.
        title: What it is called beside the others: only what tells it from them.
        name: The title without the place on a curve: what the curve is called.
        encoder: Its encoder, "" where it has none.
        encoder_title: On screen.
        strategy: Which weights move.
        head: What turns features into labels.
        size: Place on a curve; 0 in a table.
        control: Whether labels are shuffled.
        seeds: One run each.
    """

    key: str
    title: str
    name: str
    encoder: str
    encoder_title: str = ""
    strategy: StrategyKind
    head: HeadKind
    size: int = 0
    control: Control = "none"
    seeds: tuple[int, ...] = (0,)

    @property
    def line(self) -> str:
        """What is the same for all arms of one curve."""
        return "·".join((self.strategy, self.head, self.encoder, self.control))


@dataclass(frozen=True, slots=True)
class Planned:
    """One run to be carried out."""

    arm: Arm
    seed: int
    spec: RunSpec


@dataclass(frozen=True, slots=True)
class Plan:
    """The queue.

    Attributes:
        arms: In the order of the choice.
        runs: First seed 0 of every arm: what is stopped early has compared all of them.
        notes: Sentences on what was left out.
    """

    arms: tuple[Arm, ...]
    runs: tuple[Planned, ...]
    notes: tuple[str, ...]


def plan_of(
    spec: RunSpec,
    choice: CompareChoice,
    rows: int,
    widths: Mapping[str, int],
    titles: Mapping[str, str] | None = None,
    *,
    numbers: bool = False,
) -> Plan:
    """Return the queue of a comparison.

    Args:
        spec: Task, encoder, pooling, split and sizes of heads.
        choice: What is compared.
        rows: Training items that there are after `train_items` has cut them.
        widths: D of each encoder; those that are missing count as 384 wide.
        titles: Of encoders, on screen; their names by default.
        numbers: Whether labels are numbers.
    """
    base = base_of(spec)
    arms, notes = _arms(base, choice, rows, titles or {})
    most = max((len(arm.seeds) for arm in arms), default=0)
    runs = [
        Planned(arm, arm.seeds[turn], spec_of(base, choice, arm, arm.seeds[turn], widths, numbers))
        for turn in range(most)
        for arm in arms
        if turn < len(arm.seeds)
    ]
    return Plan(tuple(arms), tuple(runs), tuple(notes))


def spec_of(
    base: RunSpec, choice: CompareChoice, arm: Arm, seed: int, widths: Mapping[str, int],
    numbers: bool = False,
) -> RunSpec:  # fmt: skip
    """Return the spec of one run, with the settings that usually serve its strategy and head."""
    head = replace(base.head, kind=arm.head)
    split = replace(
        base.split, train_items=choice.train_items, held_out_items=choice.held_out_items
    )
    match choice.shape:
        case "width":
            head = replace(head, width=arm.size)
        case "depth":
            head = replace(head, hidden_layers=arm.size)
        case "rows":
            split = replace(split, train_items=arm.size)
    encoder = arm.encoder or base.encoder
    width = base.pooling.width(widths.get(encoder, 384))
    training = training_for(arm.strategy, head, width, choice.epochs, numbers)
    return replace(
        base,
        encoder=encoder,
        max_length=choice.max_length,
        seed=seed,
        split=split,
        head=head,
        strategy=default_strategy(arm.strategy),
        training=replace(training, class_weights=base.training.class_weights),
        control=arm.control,
    )


def training_for(
    strategy: StrategyKind, head: HeadConfig, width: int, epochs: int, numbers: bool = False
) -> TrainConfig:
    """Return the training settings of one run.

    Args:
        strategy: Those that leave the encoder alone keep their own epochs: a hundred of them cost
            less than one of an encoder.
        head: An MLP is trained by Adam: plain SGD at one rate does not serve every width.
        width: D', the features that the head sees.
        epochs: Passes where the encoder is trained.
        numbers: Whether labels are numbers.
    """
    seen = _TERMS if strategy == "classical" else width
    training = default_training(strategy, seen, numbers=numbers)
    if STRATEGIES[strategy].trains_encoder:
        return replace(training, epochs=epochs)
    if head.kind == "mlp":
        return replace(training, optimiser="adam", learning_rate=1e-3, epochs=_HEAD_EPOCHS)
    return training


def _arms(
    base: RunSpec, choice: CompareChoice, rows: int, titles: Mapping[str, str]
) -> tuple[list[Arm], list[str]]:
    strategies = list(choice.strategies)
    if choice.random_features and "random-features" not in strategies:
        strategies.append("random-features")
    by_size = choice.shape in ("width", "depth")
    heads: tuple[HeadKind, ...] = ("mlp",) if by_size else choice.heads
    encoders = choice.encoders or (base.encoder,)
    left_out = 0
    arms: list[Arm] = []
    for encoder in encoders:
        for strategy in strategies:
            if strategy == "classical" and encoder != encoders[0]:
                continue  # it has no encoder: one is enough
            for head in heads:
                trains = STRATEGIES[strategy].trains_encoder
                if trains and not HeadConfig(kind=head).by_gradient:
                    left_out += 1
                    continue
                for size in choice.places(rows):
                    own = "" if strategy == "classical" else encoder
                    arms.append(_arm(choice, own, strategy, head, size))
    if choice.shuffled:
        controls = [replace(arm, control="shuffled-labels", seeds=(0,)) for arm in arms]
        arms += [replace(arm, key=f"{arm.key}·shuffled") for arm in controls]
    several = (len(strategies) > 1, len(heads) > 1, len(encoders) > 1)
    arms = [_named(arm, choice, several, titles) for arm in arms]
    notes = []
    if left_out:
        were = "combination was" if left_out == 1 else "combinations were"
        notes.append(
            f"{left_out} {were} left out: a head without gradient steps cannot train an encoder."
        )
    return arms, notes


def _arm(
    choice: CompareChoice, encoder: str, strategy: StrategyKind, head: HeadKind, size: int
) -> Arm:
    drawn = head in DRAWN or strategy == "random-features"
    parts = (encoder, strategy, head, *([str(size)] if size else []))
    return Arm(
        key="·".join(parts),
        title="",
        name="",
        encoder=encoder,
        strategy=strategy,
        head=head,
        size=size,
        seeds=tuple(range(choice.seeds)) if drawn else (0,),
    )


def _named(
    arm: Arm, choice: CompareChoice, several: tuple[bool, bool, bool], titles: Mapping[str, str]
) -> Arm:
    """Return the arm with its title and name."""
    strategies, heads, encoders = several
    parts = []
    if strategies or not (heads or encoders):
        parts.append(strategy_title(arm.strategy))
    if heads or arm.head != "linear":
        parts.append(HEAD_TITLES[arm.head])
    encoder = titles.get(arm.encoder, arm.encoder)
    if encoders and encoder:
        parts.append(encoder)
    place = []
    if arm.size:
        place = [_placed(arm.size, choice.shape)]
    control = ["shuffled labels"] if arm.control != "none" else []
    return replace(
        arm,
        title=" · ".join([*parts, *place, *control]),
        name=" · ".join([*parts, *control]),
        encoder_title=encoder,
    )


def _placed(size: int, shape: Shape) -> str:
    told = f"{size:,}".replace(",", "\u2009")
    if shape == "width":
        return f"{told} wide"
    unit = "row" if shape == "rows" else "hidden layer"
    return f"{told} {unit}{'s' * (size != 1)}"


def strategy_title(kind: StrategyKind) -> str:
    """Return the name of a strategy at its usual settings."""
    if kind == "last-k":
        return f"Last {default_strategy(kind).top_layers} layers"
    return STRATEGIES[kind].title
