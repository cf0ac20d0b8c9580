"""The encoder that a run has trained, put together again from what the run stored."""

from typing import TYPE_CHECKING

from fineview.core.data.task import Level
from fineview.core.errors import RunError
from fineview.core.runs.execute import Bench
from fineview.core.runs.spec import RunSpec

if TYPE_CHECKING:
    from fineview.core.models.encoder import Encoder
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


def encoder_of_run(bench: Bench, run_id: str) -> "Encoder":
    """Return the encoder that a run has trained, without its head.

    Raises:
        RunError: The run has trained none, or what it left is damaged.
    """
    from fineview.core.models.tuned import with_weights

    record = bench.runs.read(run_id)
    spec, title = record.spec, record.summary.title
    if not spec.strategy.trains_encoder or spec.strategy.kind == "linearised":
        raise RunError(
            f"The run {title!r} ({spec.strategy.info.title}) has trained no encoder: choose one "
            "that moved the encoder's own weights."
        )
    level = str((record.result or {}).get("level") or bench.task(spec.task, spec.split).info.level)
    model = tuned_model(bench, run_id, spec, level)  # type: ignore[arg-type]
    return with_weights(bench.encoder(begins_with(spec)), model.encoder, run_id, title)
