"""The tangent of a model at its pretrained weights: a linear model on derivative features."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fineview.core.data.task import Level
from fineview.core.errors import RunError
from fineview.core.features.batches import Batch, TokenPooler
from fineview.core.features.config import PoolingConfig
from fineview.core.features.forward import hidden_states, model_inputs
from fineview.core.models.encoder import Encoder
from fineview.core.training.heads import LinearHead
from fineview.core.training.tuning.model import TunedModel

_HEAD = "head:"


class LinearisedModel(TunedModel):
    """f(x; w₀) + J(x)·Δw, with J the derivative of the outputs by all weights at w₀.

    Encoder and head stay at w₀; what is trained is Δw, in which the outputs are linear. Dropout is
    off: it would make another f. Attention is computed step by step (`eager`), since the fused one
    has no forward derivative.

    Attributes:
        deltas: Δw by name: a weight's name in the encoder, or `head:` and its name in the head.

    Source:
        Jacot et al. 2018, arXiv:1806.07572, section 4; Lee et al. 2019, arXiv:1902.06720,
        equation 5 (linearised networks).
    """

    tangent = True

    def __init__(
        self, source: Encoder, encoder: nn.Module, head: LinearHead, pooling: PoolingConfig,
        level: Level,
    ) -> None:  # fmt: skip
        """Freeze encoder and head at w₀; Δw begins at 0. Raises as `TunedModel`."""
        super().__init__(source, encoder, head, pooling, level)
        attention: Any = encoder
        attention.set_attn_implementation("eager")
        self.requires_grad_(False)
        self._encoder_names = [n for n, _ in encoder.named_parameters()]
        self._head_names = [n for n, _ in head.named_parameters()]
        weights = [*encoder.parameters(), *head.parameters()]
        self._deltas = nn.ParameterList([nn.Parameter(torch.zeros_like(w)) for w in weights])
        names = [*self._encoder_names, *(f"{_HEAD}{name}" for name in self._head_names)]
        self.deltas: dict[str, nn.Parameter] = dict(zip(names, self._deltas, strict=True))

    @property
    def adds_weights(self) -> bool:
        """Whether what moves stands beside the encoder's own weights."""
        return True

    def look(self, batch: Batch) -> tuple[Tensor, Sequence[Tensor], TokenPooler]:
        """Return the outputs of the tangent, the states at w₀, and what pools them."""
        pooler = TokenPooler(batch, self.device)
        inputs = model_inputs(batch, pooler, self.device, self._segments)

        def model(
            encoder: dict[str, Tensor], head: dict[str, Tensor]
        ) -> tuple[Tensor, list[Tensor]]:
            def called(**arguments: Any) -> Any:  # noqa: ANN401 - as transformers' own
                return torch.func.functional_call(self.encoder, encoder, kwargs=arguments)

            states = hidden_states(called, inputs, self.info)
            features: Any = self.features(states, pooler, batch)
            standardised = self.head.standardise(features)
            outputs = torch.func.functional_call(self.head, head, (standardised,))
            return outputs, list(states)

        here = (dict(self.encoder.named_parameters()), dict(self.head.named_parameters()))
        there = (
            {name: self.deltas[name] for name in self._encoder_names},
            {name: self.deltas[f"{_HEAD}{name}"] for name in self._head_names},
        )
        found: Any = torch.func.jvp(model, here, there, has_aux=True)
        outputs, change, states = found
        return outputs + change, states, pooler

    def groups(self) -> list[tuple[str, list[tuple[str, nn.Parameter]]]]:
        """Return Δw by layer; names as in `deltas`."""
        found = []
        for group, members in super().groups():
            names = [name.replace("encoder.", "", 1) for name, _ in members]
            if group == "head":
                names = [name.replace("head.", _HEAD, 1) for name in names]
            found.append((group, [(name, self.deltas[name]) for name in names]))
        return found

    def trained(self) -> dict[str, nn.Parameter]:
        """Return Δw by name."""
        return dict(self.deltas)

    def load_weights(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put stored Δw in.

        Raises:
            RunError: They are of another encoder or head.
        """
        with torch.no_grad():
            for name, value in arrays.items():
                delta = self.deltas.get(name)
                if delta is None or tuple(delta.shape) != value.shape:
                    raise RunError(
                        f"The stored weight {name} does not fit the encoder {self.info.title}: "
                        f"train the run again."
                    )
                delta.copy_(torch.from_numpy(np.array(value)))
