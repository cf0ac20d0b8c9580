"""What is compared with what, and on which budget: plain values that sessions and files keep."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from fineview.core.errors import ConfigError
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import HeadConfig, HeadKind, TrainConfig, one_of, within
from fineview.core.training.strategy import KINDS, StrategyConfig, StrategyKind

Shape = Literal["table", "grid", "rows", "width", "depth"]
Cost = Literal["parameters", "bytes", "seconds", "memory"]
PresetName = Literal["strategies", "heads", "grid", "rows", "capacity"]

HEADS: tuple[HeadKind, ...] = get_args(HeadKind)
TASKS = (1, 10, 100)
"""For how many tasks storage is told."""
CURVES: dict[Shape, str] = {
    "rows": "training rows",
    "width": "units of each hidden layer",
    "depth": "hidden layers",
}
"""What the curves are drawn over."""
_USUAL: dict[Shape, tuple[int, ...]] = {"width": (4, 16, 64, 256, 1024), "depth": (1, 2, 4, 8)}
_LARGEST: dict[Shape, int] = {"rows": 10_000_000, "width": 8192, "depth": 8}
_FIRST_ROWS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareChoice:
    """What is compared; task, pooling and split come from the spec it is asked with.

    Attributes:
        shape: `table` sets every combination beside the others; `grid` draws encoders × heads;
            `rows`, `width` and `depth` draw curves over the training rows, or over the size of an
            MLP (then `heads` counts for nothing).
        strategies: Which weights move.
        heads: What turns features into labels; those without gradient steps are trained only with
            strategies that leave the encoder alone.
        encoders: Names; empty takes the spec's.
        seeds: Runs of each combination, with seeds 0, 1, …
        sizes: Places of a curve, ascending; empty takes the usual ones.
        epochs: Passes of strategies that train the encoder. The others cost next to nothing and
            keep their own, many.
        train_items: Most training items; 0 takes all.
        held_out_items: Most items of validation and of test, each; 0 takes all.
        max_length: Tokens per text.
        shuffled: Whether each combination is trained once more on shuffled labels.
        random_features: Whether random features stand beside the strategies.
        axis: What the picture sets accuracy against.
        tasks: For how many tasks bytes are counted there: 1, 10 or 100.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    shape: Shape = "table"
    strategies: tuple[StrategyKind, ...] = (
        "head",
        "last-k",
        "full",
        "lp-ft",
        "lora",
        "bitfit",
        "random-init",
        "random-features",
        "linearised",
        "classical",
    )
    heads: tuple[HeadKind, ...] = ("linear",)
    encoders: tuple[str, ...] = ()
    seeds: int = 3
    sizes: tuple[int, ...] = ()
    epochs: int = 3
    train_items: int = 1000
    held_out_items: int = 1000
    max_length: int = 128
    shuffled: bool = False
    random_features: bool = False
    axis: Cost = "parameters"
    tasks: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be compared."""
        one_of(self.shape, get_args(Shape), "Shape", "shape")
        one_of(self.axis, get_args(Cost), "Axis", "axis")
        for kind in self.strategies:
            one_of(kind, KINDS, "Strategy", "strategies")
        for head in self.heads:
            one_of(head, HEADS, "Head", "heads")
        for name in ("strategies", "heads", "encoders", "sizes"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                twice = next(v for v in values if values.count(v) > 1)
                raise ConfigError(f"{twice!r} stands twice among the {name}: name it once.", name)
        if not self.strategies:
            raise ConfigError("Choose at least one strategy to compare.", "strategies")
        if not self.heads:
            raise ConfigError("Choose at least one head to compare.", "heads")
        within(self.seeds, 1, 10, "Seeds", "seeds")
        within(self.epochs, 1, 1000, "Epochs", "epochs")
        within(self.max_length, 3, 8192, "Maximum length", "max_length")
        for name, title in (("train_items", "Training"), ("held_out_items", "Held-out")):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"{title} items must be 0 (all) or above, not {getattr(self, name)}.", name
                )
        if self.tasks not in TASKS:
            raise ConfigError(f"Tasks must be 1, 10 or 100, not {self.tasks}.", "tasks")
        for size in self.sizes:
            within(size, 1, _LARGEST.get(self.shape, _LARGEST["rows"]), "Sizes", "sizes")

    @property
    def is_curve(self) -> bool:
        """Whether accuracy is drawn over a size."""
        return self.shape in CURVES

    def places(self, rows: int) -> tuple[int, ...]:
        """Return the places of the curve, ascending; (0,) where there is none.

        Args:
            rows: Training items that there are after `train_items` has cut them.
        """
        if not self.is_curve:
            return (0,)
        if self.shape != "rows":
            return tuple(sorted(self.sizes or _USUAL[self.shape]))
        if self.sizes:
            return tuple(sorted({min(size, rows) for size in self.sizes}))
        doubled = [_FIRST_ROWS]
        while doubled[-1] * 2 < rows:
            doubled.append(doubled[-1] * 2)
        return tuple(sorted({*(size for size in doubled if size < rows), rows}))

    @property
    def measured(self) -> "CompareChoice":
        """The choice without what only decides how results are looked at."""
        return replace(self, axis="parameters", tasks=1)


@dataclass(frozen=True, slots=True)
class Preset:
    """A comparison at one press.

    Attributes:
        title: Name on screen.
        says: What it answers, one sentence.
    """

    title: str
    says: str


PRESETS: dict[PresetName, Preset] = {
    "strategies": Preset(
        "Strategies",
        "Which weights should move? Ten strategies with the same head on the same texts.",
    ),
    "heads": Preset(
        "Linear or forests?",
        "Linear + softmax, or random forests? All heads on the same frozen features.",
    ),
    "grid": Preset(
        "Encoders × heads",
        "Which combinations of encoder and head adapt well? Every pair, with its interval.",
    ),
    "rows": Preset(
        "Learning curve", "How many labelled rows does it take? From 25 rows up to all there are."
    ),
    "capacity": Preset(
        "Capacity curve", "What does a larger head gain? An MLP from 4 to 1,024 units wide."
    ),
}


def preset(name: PresetName, now: CompareChoice, encoders: Sequence[str] = ()) -> CompareChoice:
    """Return a preset's choice on the budget of the present one.

    Args:
        name: Which.
        now: Seeds, epochs, rows, lengths and controls are kept.
        encoders: Those that `grid` compares; it needs two to be worth a look.

    Raises:
        ConfigError: There is no preset of this name.
    """
    one_of(name, get_args(PresetName), "Preset", "preset")
    usual = CompareChoice()
    rows = now.train_items or usual.train_items
    blank = replace(now, shape="table", encoders=(), sizes=(), train_items=rows)
    match name:
        case "strategies":
            return replace(blank, strategies=usual.strategies, heads=("linear",))
        case "heads":
            return replace(blank, strategies=("head",), heads=HEADS)
        case "grid":
            names = tuple(encoders)
            return replace(blank, shape="grid", strategies=("head",), heads=HEADS, encoders=names)
        case "rows":
            kinds: tuple[StrategyKind, ...] = ("head", "random-features", "classical")
            return replace(blank, shape="rows", strategies=kinds, heads=("linear",), train_items=0)
        case _:
            return replace(blank, shape="width", strategies=("head",), heads=("mlp",))


def preset_of(choice: CompareChoice) -> PresetName | None:
    """Return the preset that a choice is, whatever its budget; None where it is none."""
    names: tuple[PresetName, ...] = get_args(PresetName)
    for name in names:
        other = preset(name, choice, choice.encoders)
        same = ("shape", "strategies", "heads", "encoders", "sizes")
        if all(getattr(other, part) == getattr(choice, part) for part in same):
            return name
    return None


def base_of(spec: RunSpec) -> RunSpec:
    """Return what of a spec a comparison takes over; everything else is at its default.

    Task, encoder, pooling, the way the items are split, the sizes of heads and the class weights
    are taken over; strategy, head, training, seed, control and budget are what is compared.
    """
    return replace(
        spec,
        seed=0,
        max_length=RunSpec().max_length,
        split=replace(spec.split, train_items=0, held_out_items=0),
        head=replace(spec.head, kind=HeadConfig().kind),
        strategy=StrategyConfig(),
        training=TrainConfig(class_weights=spec.training.class_weights),
        control="none",
    )


def choice_from_dict(values: Any, origin: str = "the comparison") -> CompareChoice:  # noqa: ANN401 - JSON
    """Check and build a choice; what is not named keeps its default.

    Args:
        values: JSON values, from outside. `preset` begins with a preset instead of the default.
        origin: Where they come from, for the message.

    Raises:
        ConfigError: A value is unknown or out of range; the message names it.
    """
    from pydantic import TypeAdapter, ValidationError  # slow to import; only files need it

    if isinstance(values, dict) and "preset" in values:
        begun = preset(values["preset"], CompareChoice(), values.get("encoders", ()))
        given = {name: getattr(begun, name) for name in CompareChoice.__dataclass_fields__}
        values = given | {name: value for name, value in values.items() if name != "preset"}
    try:
        return TypeAdapter(CompareChoice).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "compare"
        told = repr(first["input"])[:60]
        raise ConfigError(
            f"In {origin}, {name} = {told} will not do: {first['msg']}.", name
        ) from None
    except ConfigError as error:
        raise ConfigError(f"In {origin}: {error}", error.field) from None
