"""Heads: what turns pooled features into labels."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fineview.core.errors import RunError


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
    def fitted(cls, features: Tensor, classes: int) -> "LinearHead":
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
        if self.layer_logits is not None:
            standardised = torch.einsum("bkd,k->bd", standardised, self.layer_logits.softmax(0))
        logits: Tensor = self.linear(standardised)
        return logits

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
        mixed = standardised
        if self.layer_logits is not None:
            layer_weights = self.layer_logits.softmax(0)
            mixed = torch.einsum("bkd,k->bd", standardised, layer_weights)
        logs = torch.addmm(self.linear.bias, mixed, self.linear.weight.T).log_softmax(1)  # (B, C)
        size = len(targets)
        loss = -torch.dot(logs.view(-1), targets.reshape(-1)).item() / size
        # d loss / d logits: the probabilities, less 1 at the label, times the weight of the class.
        slope = logs.exp_().mul_(targets.sum(1, keepdim=True)).sub_(targets).div_(size)
        self.linear.weight.grad = slope.T @ mixed
        self.linear.bias.grad = slope.sum(0)
        if self.layer_logits is not None:
            pull = torch.einsum("bc,cd,bkd->k", slope, self.linear.weight, standardised)
            self.layer_logits.grad = layer_weights * (pull - (layer_weights * pull).sum())
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
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float32]]) -> "LinearHead":
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
