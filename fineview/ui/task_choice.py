"""What of the settings changes with the task."""

from dataclasses import replace

from fineview.core.data.shift import ShiftConfig
from fineview.core.data.task import Level
from fineview.core.features.config import token_choices
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import rate_moved


def spec_for(spec: RunSpec, task: str, level: Level, numbers: bool, width: int) -> RunSpec:
    """Return settings for another task; what does not fit it gives way to what does.

    Args:
        spec: The settings so far.
        task: Its name.
        level: What a row of it is.
        numbers: Whether its labels are numbers.
        width: D of the encoder.
    """
    pooling = spec.pooling
    if pooling.tokens not in token_choices(level):
        pooling = replace(pooling, tokens="mean")
    if level != "pair":
        pooling = replace(pooling, pair="joint")
    training, seen = spec.training, pooling.width(width)
    rate = rate_moved(training.learning_rate, training.optimiser, seen, seen, numbers=numbers)
    return replace(
        spec,
        task=task,
        pooling=pooling,
        training=replace(training, learning_rate=rate),
        # A second test on another task is that of the first one only.
        shift=ShiftConfig() if spec.shift.kind == "task" else spec.shift,
    )
