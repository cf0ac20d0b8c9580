"""An encoder whose weights a run has trained, as an encoder like any other."""

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from fineview.core.models.encoder import Encoder
from fineview.core.models.loading import Loaded

if TYPE_CHECKING:
    from torch import nn

RUN = "run:"
"""Begins the name of an encoder that a run has trained; the run's id follows."""


def with_weights(source: Encoder, model: "nn.Module", run_id: str, title: str) -> Encoder:
    """Return an encoder that computes with another model of the same architecture.

    Args:
        source: The encoder that training began with: tokenizer, sizes, device.
        model: A bare model on that device, in eval mode.
        run_id: The run that trained it: part of the name and of the fingerprint.
        title: For people.
    """
    origin = f"{source.info.fingerprint} {RUN}{run_id}"
    info = replace(
        source.info,
        name=f"{RUN}{run_id}",
        title=title,
        source=f"{source.info.title}, trained by the run {run_id}.",
        fingerprint=hashlib.sha256(origin.encode()).hexdigest(),
    )
    encoder = Encoder(info, source.folder, source.device)
    attention = getattr(model.config, "_attn_implementation", source.attention)
    encoder.take(Loaded(model, str(attention), frozenset()))
    return encoder
