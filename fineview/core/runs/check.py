"""Whether a spec fits its task and its encoder, before anything is computed."""

from fineview.core.data.task import LabelKind, TaskInfo
from fineview.core.errors import ConfigError
from fineview.core.features.config import ATTENTION_CAP, token_choices
from fineview.core.runs.spec import RunSpec


def check_spec(spec: RunSpec, info: TaskInfo, kind: LabelKind, layers: int, items: int) -> None:
    """Refuse a spec that does not fit its task and encoder.

    Raises:
        ConfigError: With the setting's name.
    """
    spec.pooling.resolved(layers)
    allowed = token_choices(info.level)
    if spec.pooling.tokens not in allowed:
        raise ConfigError(
            f"Token pooling {spec.pooling.tokens!r} does not fit the {info.level} level of "
            f"{info.title}: choose {', '.join(allowed)}.",
            "tokens",
        )
    if spec.pooling.tokens == "attention" and items > ATTENTION_CAP:
        raise ConfigError(
            f"Attention pooling keeps the state of every token, for at most {ATTENTION_CAP:,} "
            f"texts, and {info.title} has {items:,}: choose another token pooling, or import a "
            "sample of it.",
            "tokens",
        )
    if spec.pooling.pair == "separate" and info.level != "pair":
        raise ConfigError(
            f"{info.title} has one text an item, and the pair mode 'separate' needs two: choose "
            "'joint', or a task of pairs.",
            "pair",
        )
    if kind != "class":
        raise ConfigError(
            f"{info.title} has numbers as labels, and the linear + softmax head answers with "
            "classes: choose a task with classes.",
            "head",
        )
