"""The encoder that a run has trained, put together again from what the run stored."""

from typing import TYPE_CHECKING

from fineview.core.data.task import Level
from fineview.core.runs.execute import Bench
from fineview.core.runs.spec import RunSpec

if TYPE_CHECKING:
    from fineview.core.training.tuning.model import TunedModel


def begins_with(spec: RunSpec) -> str:
    """Return the name of the encoder that a run begins with: the spec's, or its random twin."""
    if not spec.strategy.kind.startswith("random"):
        return spec.encoder
    from fineview.core.models.encoder import random_name

    return random_name(spec.encoder, spec.seed)


def tuned_model(bench: Bench, run_id: str, spec: RunSpec, level: Level) -> "TunedModel":
    """Return encoder and head as a run left them.

    Args:
        bench: Encoders and runs.
        run_id: A run whose strategy trains the encoder.
        spec: Its spec.
        level: Level of its task.

    Raises:
        RunError: The run has left no weights, or they are damaged.
        ModelError: The encoder that it began with cannot be had.
    """
    from fineview.core.training.tuning.building import stored_model

    source = bench.encoder(begins_with(spec))
    head = bench.runs.tensors(run_id, "head")
    weights = bench.runs.tensors(run_id, "encoder")
    return stored_model(source, spec.strategy, spec.pooling, level, head, weights)
