"""What the strategy picture shows of a spec, its task and its encoder."""

from typing import Literal

from fineview.core.models.info import EncoderInfo
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import HEAD_TITLES
from fineview.core.training.counting import WeightCounts, count_weights
from fineview.core.views import TaskView
from fineview.ui.panels.training_curves import RunCurves
from fineview.ui.widgets.strategy_picture import PictureState
from fineview.ui.widgets.strategy_state import BlockState

HeadState = Literal["new", "training", "trained"]
_BESIDE: dict[str, BlockState] = {"bitfit": "biases", "lora": "lora", "linearised": "tangent"}


def picture_of(
    spec: RunSpec,
    task: TaskView,
    encoder: EncoderInfo,
    head_state: HeadState,
    curves: RunCurves | None,
) -> PictureState:
    """Return the picture of what Train would do, or is doing.

    Args:
        spec: Pooling, head and strategy.
        task: Level and classes.
        encoder: Layers, sizes, the removed surrogate head.
        head_state: Whether the head's weights are untouched, moving, or have moved.
        curves: The run on display, for its progress.

    Raises:
        ConfigError: The encoder lacks a layer of the pooling.
    """
    choice = spec.pooling.resolved(encoder.layers)
    outputs = len(task.classes) or 1
    counts = count_weights(spec.strategy, choice, spec.head, encoder, outputs, spec.training.epochs)
    counted = spec.strategy.kind == "classical"
    width = 100 if counted else choice.width(encoder.width)
    return PictureState(
        depth=encoder.layers,
        layers=choice.layers,
        mix=choice.mix,
        tokens=choice.tokens,
        encoder_title=encoder.title,
        encoder_parameters=encoder.parameters,
        removed=", ".join(sorted({n.rsplit(".", 1)[0] for n in encoder.removed_weights})),
        blocks=_blocks(spec, counts, head_state),
        encoder_words=_words(spec, head_state),
        moved_parameters=counts.moved,
        frozen_parameters=counts.frozen,
        counted=counted,
        head_text=_head_text(spec, width, len(task.classes)),
        head_parameters=counts.head,
        head_bytes=counts.stored if counts.head and not counted else 0,
        head_state=head_state,
        level=task.info.level,
        apart=choice.pair == "separate",
        classes=task.classes,
        progress=curves.step / curves.total if curves is not None and curves.total else 0.0,
        dimension=width,
    )


def _blocks(spec: RunSpec, counts: WeightCounts, head_state: HeadState) -> tuple[BlockState, ...]:
    kind, size = spec.strategy.kind, len(counts.by_layer)
    if kind == "random-features" or (kind == "random-init" and head_state == "new"):
        return _alike("random", size)
    if kind in _BESIDE:
        beside = _BESIDE[kind]
        return (*_alike("frozen" if kind == "lora" else beside, 1), *_alike(beside, size - 1))
    moving: dict[bool, BlockState] = {True: "trained", False: "frozen"}
    return tuple(moving[n > 0] for n in counts.by_layer)


def _alike(state: BlockState, count: int) -> tuple[BlockState, ...]:
    return (state,) * count


def _words(spec: RunSpec, head_state: HeadState) -> str:
    strategy = spec.strategy
    return {
        "last-k": f"last {strategy.top_layers} trained",
        "full": "all trained",
        "lp-ft": "head first, then all",
        "gradual": "one more each epoch",
        "bitfit": "biases trained",
        "lora": f"LoRA, rank {strategy.rank}",
        "linearised": "its tangent trained",
        "random-init": "random, all trained" if head_state == "new" else "all trained",
        "random-features": "random, frozen",
    }.get(strategy.kind, "frozen")


def _head_text(spec: RunSpec, width: int, classes: int) -> str:
    head, ends = spec.head, f"→{classes}" if classes else "→1"
    last = " + softmax" if classes else ""
    if head.kind == "linear":
        return f"linear {width}{ends}{last}"
    if head.kind == "mlp":
        inside = "→".join([str(head.width)] * head.hidden_layers)
        return f"MLP {width}→{inside}{ends}{last}"
    detail = {
        "forest": f", {head.trees} trees",
        "boosting": f", {head.trees} rounds",
        "knn": f", k = {head.neighbours}",
        "svm": f", C = {head.penalty:g}",
    }.get(head.kind, "")
    return f"{HEAD_TITLES[head.kind]}{detail}"
