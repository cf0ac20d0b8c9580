"""An encoder with pooling and head as one model, every part of which can be trained."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fineview.core.data.task import Level
from fineview.core.errors import ConfigError, RunError
from fineview.core.features.batches import Batch, TokenPooler
from fineview.core.features.config import PoolingConfig, token_poolings
from fineview.core.features.forward import has_segments, hidden_states, model_inputs
from fineview.core.models.blocks import named_groups
from fineview.core.models.encoder import Encoder
from fineview.core.training.heads import AttentionHead, LinearHead
from fineview.core.training.tokens import TokenFeatures

if TYPE_CHECKING:
    from fineview.core.models.info import EncoderInfo


class TunedModel(nn.Module):
    """Texts to outputs: encoder, token pooling within layers, layer mix, head.

    Attributes:
        encoder: A copy of its own of the bare encoder.
        head: Takes raw pooled features.
        info: Sizes of the encoder.
        pooling: Layers counted from 0, ascending.
        level: What a row is.
        padding: Token id for places behind a text.
        tangent: Whether it is the tangent of a model, which knows no dropout.
    """

    tangent = False

    @property
    def adds_weights(self) -> bool:
        """Whether what moves stands beside the encoder's own weights."""
        return any("lora_" in name for name, _ in self.encoder.named_parameters())

    def __init__(
        self, source: Encoder, encoder: nn.Module, head: LinearHead, pooling: PoolingConfig,
        level: Level,
    ) -> None:  # fmt: skip
        """Join the parts.

        Args:
            source: Knows tokenizer, device and sizes.
            encoder: The bare model, on the source's device.
            head: A head whose features are those of the pooling.
            pooling: As given in a spec.
            level: Level of the task.

        Raises:
            ConfigError: Pairs read apart, which are only for frozen encoders; or no such layer.
        """
        super().__init__()
        if pooling.pair == "separate":
            raise ConfigError(
                "Pairs read apart have stored features, and an encoder in training has none: "
                "choose the pair mode 'joint', or a strategy that leaves the encoder as it is.",
                "pair",
            )
        self.encoder = encoder
        self.head = head
        self.info: EncoderInfo = source.info
        self.pooling = pooling.resolved(source.info.layers)
        self.level = level
        self.device = source.device
        config: Any = encoder.config
        padding = getattr(config, "pad_token_id", None)
        self.padding: int = padding if type(padding) is int else 0
        self._segments = has_segments(source, encoder)

    def forward(self, batch: Batch) -> Tensor:
        """Return the head's outputs, (n, C) or (n, 1): n texts of the batch, or its words."""
        return self.look(batch)[0]

    def look(self, batch: Batch) -> tuple[Tensor, Sequence[Tensor], TokenPooler]:
        """Return the outputs, those of layers 0 … L, (B, T, D) each, and what pools them."""
        pooler = TokenPooler(batch, self.device)
        inputs = model_inputs(batch, pooler, self.device, self._segments)
        states = hidden_states(self.encoder, inputs, self.info)
        features: Any = self.features(states, pooler, batch)
        outputs: Tensor = self.head(self.head.standardise(features))
        return outputs, states, pooler

    def features(
        self, states: Sequence[Tensor], pooler: TokenPooler, batch: Batch
    ) -> Tensor | TokenFeatures:
        """Return what the head takes: (n, D'), (n, k, D) for a learned mix, or tokens."""
        choice = self.pooling
        if choice.tokens == "attention":
            chosen = states[choice.layers[-1]]
            flat = chosen.flatten(0, 1) if pooler.mask is None else chosen[pooler.mask]
            lengths = torch.from_numpy(batch.lengths).to(self.device)
            return TokenFeatures.behind_each_other(_wide(flat), lengths)
        kind = token_poolings(self.level).index(choice.tokens)
        layers = [_wide(pooler.one(states[layer], kind)) for layer in choice.layers]
        if choice.mix == "concat":
            return torch.cat(layers, dim=1)
        if choice.mix == "weighted":
            return torch.stack(layers, dim=1)
        mixed = layers[0] if len(layers) == 1 else torch.stack(layers).sum(0)
        return mixed / len(layers) if choice.mix == "mean" and len(layers) > 1 else mixed

    @torch.no_grad()
    def token_weights(self, batch: Batch) -> list[list[float]]:
        """Return how attention pooling weighs the tokens of each text; empty without it."""
        if not isinstance(self.head, AttentionHead):
            return []
        _, states, pooler = self.look(batch)
        features: Any = self.features(states, pooler, batch)
        return self.head.token_weights(self.head.standardise(features))

    def groups(self) -> list[tuple[str, list[tuple[str, nn.Parameter]]]]:
        """Return all weights by layer: embeddings, blocks, head; names as in `named_parameters`."""
        found = [
            (group, [(f"encoder.{name}", parameter) for name, parameter in members])
            for group, members in named_groups(self.encoder, self.info.layers)
        ]
        head = [(f"head.{name}", parameter) for name, parameter in self.head.named_parameters()]
        return [*found, ("head", head)]

    def trained(self) -> dict[str, nn.Parameter]:
        """Return what is to move besides the head, by name in the encoder."""
        return {n: p for n, p in self.encoder.named_parameters() if p.requires_grad}

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return the encoder's trained weights: what this task has to store besides the head."""
        return {n: p.detach().float().cpu().numpy().copy() for n, p in self.trained().items()}

    def load_weights(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put stored weights into the encoder.

        Raises:
            RunError: They are of another encoder.
        """
        own = dict(self.encoder.named_parameters())
        with torch.no_grad():
            for name, value in arrays.items():
                parameter = own.get(name)
                if parameter is None or tuple(parameter.shape) != value.shape:
                    raise RunError(
                        f"The stored weight {name} does not fit the encoder {self.info.title}: "
                        f"train the run again."
                    )
                parameter.copy_(torch.from_numpy(np.array(value)))


def _wide(states: Tensor) -> Tensor:
    """Return states in float32 at least: a head computes so, whatever the encoder does."""
    return states.float() if states.dtype.itemsize < 4 else states
