"""Whether a spec fits its task and its encoder, before anything is computed."""

from fineview.core.data.task import LabelKind, TaskInfo
from fineview.core.errors import ConfigError
from fineview.core.features.config import ATTENTION_CAP, token_choices
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import HEAD_TITLES


def check_spec(spec: RunSpec, info: TaskInfo, kind: LabelKind, layers: int, items: int) -> None:
    """Refuse a spec that does not fit its task and encoder.

    Args:
        spec: What is asked.
        info: The task.
        kind: What its labels are.
        layers: L of the encoder.
        items: Items of the task.

    Raises:
        ConfigError: With the setting's name.
    """
    spec.pooling.resolved(layers)
    _check_pooling(spec, info, items)
    _check_head(spec, info, kind)
    _check_strategy(spec, layers)


def _check_pooling(spec: RunSpec, info: TaskInfo, items: int) -> None:
    allowed = token_choices(info.level)
    if spec.pooling.tokens not in allowed:
        raise ConfigError(
            f"Token pooling {spec.pooling.tokens!r} does not fit the {info.level} level of "
            f"{info.title}: choose {', '.join(allowed)}.",
            "tokens",
        )
    stored = not spec.strategy.trains_encoder or spec.strategy.info.head_first
    if spec.pooling.tokens == "attention" and items > ATTENTION_CAP and stored:
        raise ConfigError(
            f"Attention pooling keeps the state of every token, for at most {ATTENTION_CAP:,} "
            f"texts, and {info.title} has {items:,}: choose another token pooling, or fewer items "
            "on the task's page.",
            "tokens",
        )
    if spec.pooling.pair == "separate" and info.level != "pair":
        raise ConfigError(
            f"{info.title} has one text an item, and the pair mode 'separate' needs two: choose "
            "'joint', or a task of pairs.",
            "pair",
        )


def _check_head(spec: RunSpec, info: TaskInfo, kind: LabelKind) -> None:
    head, title = spec.head, HEAD_TITLES[spec.head.kind]
    if kind == "number" and head.kind == "centroid":
        raise ConfigError(
            f"{info.title} has numbers as labels, and a {title} head answers with classes: choose "
            "another head, or a task with classes.",
            "kind",
        )
    if kind == "number" and spec.training.class_weights != "none":
        raise ConfigError(
            f"{info.title} has numbers as labels, and class weights are for classes: choose "
            "'none'.",
            "class_weights",
        )
    if head.kind in ("knn", "centroid") and spec.training.class_weights != "none":
        raise ConfigError(
            f"A {title} head weighs no classes: choose the class weights 'none', or another head.",
            "class_weights",
        )
    if not head.by_gradient and spec.strategy.trains_encoder:
        raise ConfigError(
            f"A {title} head has no gradient to train the encoder through: choose linear + softmax "
            "or MLP, or the strategy 'head only'.",
            "kind",
        )
    if not head.by_gradient and (
        spec.pooling.tokens == "attention" or spec.pooling.mix == "weighted"
    ):
        learned = "attention" if spec.pooling.tokens == "attention" else "layer weights"
        raise ConfigError(
            f"A {title} head has no gradient to learn {learned} by: choose linear + softmax or "
            "MLP, or another pooling.",
            "kind",
        )


def _check_strategy(spec: RunSpec, layers: int) -> None:
    strategy = spec.strategy
    if strategy.kind == "last-k" and strategy.top_layers > layers:
        raise ConfigError(
            f"The encoder has {layers} blocks, and the last {strategy.top_layers} were to be "
            f"trained: choose at most {layers}.",
            "top_layers",
        )
    if strategy.trains_encoder and spec.pooling.pair == "separate":
        raise ConfigError(
            "Pairs read apart have stored features, and an encoder in training has none: choose "
            "the pair mode 'joint', or the strategy 'head only'.",
            "pair",
        )
