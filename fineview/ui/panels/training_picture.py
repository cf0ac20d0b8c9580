"""What the strategy picture shows of a spec, its task and its encoder."""

from typing import Literal

from fineview.core.laboratory import TaskView
from fineview.core.models.info import EncoderInfo
from fineview.core.runs.spec import RunSpec
from fineview.ui.panels.training_curves import RunCurves
from fineview.ui.widgets.strategy_picture import PictureState


def picture_of(
    spec: RunSpec,
    task: TaskView,
    encoder: EncoderInfo,
    head_state: Literal["new", "training", "trained"],
    curves: RunCurves | None,
) -> PictureState:
    """Return the picture of what Train would do, or is doing.

    Args:
        spec: Pooling and head.
        task: Level and classes.
        encoder: Layers, sizes, the removed surrogate head.
        head_state: Whether the head's weights are untouched, moving, or have moved.
        curves: The run on display, for its progress.

    Raises:
        ConfigError: The encoder lacks a layer of the pooling.
    """
    choice = spec.pooling.resolved(encoder.layers)
    width, classes = choice.width(encoder.width), len(task.classes)
    weights = width * classes + classes
    if choice.mix == "weighted":
        weights += len(choice.layers)
    if choice.tokens == "attention":
        weights += encoder.width
    return PictureState(
        depth=encoder.layers,
        layers=choice.layers,
        mix=choice.mix,
        tokens=choice.tokens,
        encoder_title=encoder.title,
        encoder_parameters=encoder.parameters,
        removed=", ".join(sorted({n.rsplit(".", 1)[0] for n in encoder.removed_weights})),
        head_text=f"linear {width}→{classes} + softmax",
        head_parameters=weights,
        head_bytes=4 * weights,
        head_state=head_state,
        level=task.info.level,
        apart=choice.pair == "separate",
        classes=task.classes,
        progress=curves.step / curves.total if curves is not None and curves.total else 0.0,
        dimension=width,
    )
