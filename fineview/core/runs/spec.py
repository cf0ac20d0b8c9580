"""The run spec: everything that decides a run's result, as TOML, JSON or an object."""

import json
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from fineview.core.data.shift import ShiftConfig
from fineview.core.data.split import SplitConfig
from fineview.core.errors import ConfigError
from fineview.core.features.config import PoolingConfig
from fineview.core.training.config import HeadConfig, TrainConfig, one_of
from fineview.core.training.strategy import StrategyConfig

SPEC_FORMAT = 1
Control = Literal["none", "shuffled-labels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One experiment. The same spec and seed give the same metrics on the same device.

    Attributes:
        task: Name of a task in the catalogue.
        encoder: Name of an encoder in the catalogue, or the path of a local transformers folder.
        max_length: Tokens per text, special tokens included; longer texts are cut.
        seed: Decides the head's first weights and the batch order.
        split: How the items are divided. Its seed stands apart from `seed`, so that runs over
            several seeds are measured on the same texts.
        pooling: How hidden states become features.
        head: What is trained on them.
        strategy: Which weights move with the head.
        training: How.
        control: `shuffled-labels` deals the labels of the training items out anew: what is learned
            then is memory.
        shift: What the run is tested on besides its test split.
        format: Version of this layout.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    task: str = "word-relations"
    encoder: str = "minilm-l6"
    max_length: int = 128
    seed: int = 0
    split: SplitConfig = field(default_factory=SplitConfig)
    pooling: PoolingConfig = field(default_factory=PoolingConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    strategy: StrategyConfig = field(default_factory=StrategyConfig)
    training: TrainConfig = field(default_factory=TrainConfig)
    control: Control = "none"
    shift: ShiftConfig = field(default_factory=ShiftConfig)
    format: int = SPEC_FORMAT

    def __post_init__(self) -> None:
        """Refuse what no run could do."""
        if self.format != SPEC_FORMAT:
            raise ConfigError(
                f"This spec has format {self.format}; this fineview reads format {SPEC_FORMAT}.",
                "format",
            )
        if not 3 <= self.max_length <= 8192:
            raise ConfigError(
                f"Maximum length must be within 3 … 8192 tokens, not {self.max_length}.",
                "max_length",
            )
        one_of(self.control, get_args(Control), "Control", "control")
        if self.shift.kind == "task" and self.shift.task == self.task:
            raise ConfigError(
                f"The second test set is {self.task}, the task that is trained on: name another.",
                "shift_task",
            )
        if not 0 <= self.seed < 2**31:
            raise ConfigError(f"Seed must be within 0 … 2147483647, not {self.seed}.", "seed")

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as plain JSON values."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


def spec_from_dict(values: Any, origin: str = "the run spec") -> RunSpec:  # noqa: ANN401 - JSON
    """Check and build a spec; what is not named keeps its default.

    Args:
        values: JSON values, from outside.
        origin: Where they come from, for the message.

    Raises:
        ConfigError: A value is unknown or out of range; the message names it.
    """
    from pydantic import TypeAdapter, ValidationError  # slow to import; only files need it

    if isinstance(values, dict) and "split_seed" in values:  # written before splits were choices
        values = dict(values)
        values.setdefault("split", {"seed": values.pop("split_seed")})
    try:
        return TypeAdapter(RunSpec).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "spec"
        given = repr(first["input"])[:60]
        raise ConfigError(
            f"In {origin}, {name} = {given} will not do: {first['msg']}.", name
        ) from None
    except ConfigError as error:
        raise ConfigError(f"In {origin}: {error}", error.field) from None


def read_spec(path: Path) -> RunSpec:
    """Read a spec from a TOML or JSON file, or from a run's own folder.

    Raises:
        ConfigError: The file is missing, is neither, or holds a value that will not do.
    """
    file = path / "config.json" if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
        values = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError(f"There is no spec file {file}: name a TOML or JSON file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The spec file {file} cannot be read: {error}.") from None
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"The spec file {file} is not valid: {error}.") from None
    if isinstance(values, dict) and isinstance(values.get("spec"), dict):
        values = values["spec"]  # a run's config.json wraps the spec with its environment
    return spec_from_dict(values, str(file))
