"""Heads: what turns pooled features into labels."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fineview.core.errors import RunError
from fineview.core.training.tokens import CHUNK, TokenFeatures


class LinearHead(nn.Module):
    """Standardise, mix layers if asked, one linear layer; softmax stands in the loss.

    The training split's mean and deviation are kept in the head, so that it takes raw features.
    For the mix `weighted` the layers are averaged with softmax weights that are trained along.

    Attributes:
        mean: (D,) or, for `weighted`, (k, D): mean of each feature over the training split.
        scale: Same shape: one over the deviation; 1 where a feature is constant.
        layer_logits: (k,) softmax arguments of the layer mix, or None.
        linear: D -> C.

    Source:
        Scalar mix: Peters et al. 2018, arXiv:1802.05365, equation 1 (γ is left to the linear
        layer). Linear + softmax on a frozen encoder: Devlin et al. 2019, arXiv:1810.04805,
        section 5.3.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor, classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean.clone())
        self.register_buffer("scale", scale.clone())
        self.layer_logits = nn.Parameter(torch.zeros(mean.shape[0])) if mean.dim() == 2 else None
        self.linear = nn.Linear(mean.shape[-1], classes)
        # Zero is where the convex problem starts best: every class equally likely, loss ln C.
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    @classmethod
    def fitted(cls, features: Tensor, classes: int) -> Self:
        """Return an untrained head with the standardisation of `features`.

        Args:
            features: (N, D), or (N, k, D) for a learned layer mix; the training split.
            classes: C.
        """
        deviation, mean = torch.std_mean(features, dim=0, correction=0)
        # A constant feature carries nothing: leave it at 0 instead of dividing by nearly 0.
        constant = deviation <= 1e-6 * mean.abs().clamp(min=1e-3)
        scale = torch.where(constant, torch.ones_like(deviation), 1 / deviation)
        return cls(mean, scale, classes)

    def standardise(self, features: Tensor) -> Tensor:
        """Return features with the training split's mean 0 and deviation 1; same shape."""
        return (features - self.mean) * self.scale

    def layer_weights(self) -> list[float]:
        """Return the weights of the layer mix, summing to 1; empty without a learned mix."""
        if self.layer_logits is None:
            return []
        return [float(w) for w in self.layer_logits.detach().softmax(0)]

    def forward(self, standardised: Tensor) -> Tensor:
        """Return logits.

        Args:
            standardised: (B, D), or (B, k, D) for a learned layer mix, from `standardise`.

        Returns:
            (B, C) logits.
        """
        logits: Tensor = self.linear(self.mix(standardised)[0])
        return logits

    def mix(self, standardised: Tensor) -> tuple[Tensor, Any]:
        """Return (B, D), what the linear layer sees, and what `pull` needs to know of it."""
        if self.layer_logits is None:
            return standardised, None
        weights = self.layer_logits.softmax(0)
        return torch.einsum("bkd,k->bd", standardised, weights), weights

    def pull(self, slope: Tensor, standardised: Tensor, trace: Any) -> None:  # noqa: ANN401
        """Leave the gradients of what mixes: slope is (B, C), d loss / d logits."""
        if self.layer_logits is not None:
            pull = torch.einsum("bc,cd,bkd->k", slope, self.linear.weight, standardised)
            self.layer_logits.grad = trace * (pull - (trace * pull).sum())

    @torch.no_grad()
    def loss_and_gradients(self, standardised: Tensor, targets: Tensor) -> float:
        """Return the mean cross-entropy of a batch and leave its gradients in the parameters.

        In closed form: recording a graph costs three times what this small head computes.

        Args:
            standardised: As `forward`.
            targets: (B, C) 0 everywhere but at the label, where the weight of its class stands.

        Returns:
            The loss in nats, without the penalty.
        """
        mixed, trace = self.mix(standardised)
        logs = torch.addmm(self.linear.bias, mixed, self.linear.weight.T).log_softmax(1)  # (B, C)
        size = len(targets)
        loss = -torch.dot(logs.view(-1), targets.reshape(-1)).item() / size
        # d loss / d logits: the probabilities, less 1 at the label, times the weight of the class.
        slope = logs.exp_().mul_(targets.sum(1, keepdim=True)).sub_(targets).div_(size)
        self.linear.weight.grad = slope.T @ mixed
        self.linear.bias.grad = slope.sum(0)
        self.pull(slope, standardised, trace)
        return loss

    def penalty(self) -> Tensor:
        """Return ‖W‖²/2, what weight decay multiplies; biases and the layer mix are free."""
        return self.linear.weight.square().sum() / 2

    def parameters_count(self) -> int:
        """Return how many numbers are trained."""
        return sum(p.numel() for p in self.parameters())

    def to_arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return everything the head holds, to be stored as safetensors."""
        return {name: value.cpu().numpy().copy() for name, value in self.state_dict().items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float32]]) -> Self:
        """Build a head from `to_arrays`.

        Raises:
            RunError: The arrays are not those of a linear head.
        """
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
        try:
            head = cls(tensors["mean"], tensors["scale"], tensors["linear.bias"].shape[0])
            head.load_state_dict(tensors)
        except (KeyError, IndexError, RuntimeError) as error:
            raise RunError(
                f"The stored head does not fit together ({error}): train it again."
            ) from None
        return head


class AttentionHead(LinearHead):
    """A weighted mean of a text's tokens, the weights learned along, then one linear layer.

    The weight of a token is the softmax over the text of q·x/√D, with x the token's state in the
    standardisation of the *mean* over tokens: so with q = 0, where training starts, this is the
    linear head on mean pooling, number for number.

    Its features are tokens where the linear head's are a tensor: that, and nothing else, is what
    the methods below are told to override.

    Attributes:
        query: (D,) q.

    Source:
        Felbo et al. 2017, arXiv:1708.00524, section 3.2 (one weight vector, softmax over the
        tokens); the scale 1/√D: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.1.
    """

    def __init__(self, mean: Tensor, scale: Tensor, classes: int) -> None:
        super().__init__(mean, scale, classes)
        self.query = nn.Parameter(torch.zeros(mean.shape[0]))

    @classmethod
    def fitted(cls, features: TokenFeatures, classes: int) -> Self:  # type: ignore[override]
        """Return an untrained head with the standardisation of the texts' means."""
        return super().fitted(features.means(), classes)

    def standardise(self, features: TokenFeatures) -> TokenFeatures:  # type: ignore[override]
        """Return the texts with tokens in the standardisation of the means over tokens."""
        own = features.compact()
        return replace(own, tokens=(own.tokens - self.mean) * self.scale)

    def forward(self, standardised: TokenFeatures) -> Tensor:  # type: ignore[override]
        """Return (B, C) logits of texts from `standardise`."""
        chunks = range(0, len(standardised), CHUNK)
        mixed = [self.mix(standardised[first : first + CHUNK])[0] for first in chunks]
        logits: Tensor = self.linear(torch.cat(mixed))
        return logits

    def mix(self, standardised: TokenFeatures) -> tuple[Tensor, Any]:  # type: ignore[override]
        """Return (B, D), the weighted means, with the padded states and their weights."""
        states, real = standardised.padded()
        scores = states @ self.query / self.query.shape[0] ** 0.5  # (B, T)
        weights = scores.masked_fill(~real, -torch.inf).softmax(1)
        return torch.einsum("bt,btd->bd", weights, states), (states, weights)

    def pull(self, slope: Tensor, standardised: Any, trace: Any) -> None:  # noqa: ANN401, ARG002
        """Leave the gradient of the query: slope is (B, C), d loss / d logits."""
        states, weights = trace
        pull = torch.einsum("bc,cd,btd->bt", slope, self.linear.weight, states)
        along = weights * (pull - (weights * pull).sum(1, keepdim=True))
        self.query.grad = torch.einsum("bt,btd->d", along, states) / self.query.shape[0] ** 0.5

    @torch.no_grad()
    def token_weights(self, standardised: TokenFeatures) -> list[list[float]]:
        """Return the weight of each token of each text, summing to 1 within a text."""
        _, (_, weights) = self.mix(standardised)
        rows = zip(weights.tolist(), standardised.lengths.tolist(), strict=True)
        return [row[:length] for row, length in rows]


def head_of(arrays: Mapping[str, NDArray[np.float32]]) -> LinearHead:
    """Build the head that left `arrays` through `to_arrays`.

    Raises:
        RunError: The arrays do not fit together.
    """
    return (AttentionHead if "query" in arrays else LinearHead).from_arrays(arrays)
