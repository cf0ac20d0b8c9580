"""What training lowers: cross-entropy for classes, squared error for numbers."""

from typing import Protocol

import torch
from torch import Tensor


class Objective(Protocol):
    """A loss over outputs of a head, and its slope in closed form.

    Attributes:
        blind: Loss of an answer that takes no notice of the text, about.
    """

    blind: float

    def targets(self, labels: Tensor) -> Tensor:
        """Return (N, outputs), what the outputs are compared with."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean over texts, a scalar that can be differentiated."""

    def loss_and_slope(self, outputs: Tensor, targets: Tensor) -> tuple[float, Tensor]:
        """Return the loss and d loss / d outputs, (B, outputs); `outputs` may be overwritten."""


class CrossEntropy:
    """Mean cross-entropy in nats; each text may be weighted by its class.

    Attributes:
        class_weights: (C,) or None.
    """

    def __init__(self, classes: int, class_weights: Tensor | None = None) -> None:
        self.classes = classes
        self.class_weights = class_weights
        self.blind = float(torch.tensor(float(classes)).log())

    def targets(self, labels: Tensor) -> Tensor:
        """Return 0 everywhere but at the label, where the weight of its class stands."""
        hot = torch.nn.functional.one_hot(labels, self.classes).float()
        return hot if self.class_weights is None else hot * self.class_weights

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean over texts in nats."""
        return -(outputs.log_softmax(1) * targets).sum() / len(targets)

    def loss_and_slope(self, outputs: Tensor, targets: Tensor) -> tuple[float, Tensor]:
        """Return the loss and its slope: the probabilities, less 1 at the label, weighted."""
        logs, size = outputs.log_softmax(1), len(targets)
        loss = -torch.dot(logs.view(-1), targets.reshape(-1)).item() / size
        slope = logs.exp_().mul_(targets.sum(1, keepdim=True)).sub_(targets).div_(size)
        return loss, slope


class SquaredError:
    """Mean squared error, in units of the training labels' variance.

    Attributes:
        mean: Mean of the training labels.
        scale: Their standard deviation; 1 where they are all equal.
    """

    blind = 1.0

    def __init__(self, mean: float, scale: float) -> None:
        self.mean = mean
        self.scale = scale if scale > 0 else 1.0

    @classmethod
    def of(cls, labels: Tensor) -> "SquaredError":
        """Return the objective for these training labels, (N,)."""
        deviation, mean = torch.std_mean(labels.double(), correction=0)
        return cls(float(mean), float(deviation))

    def targets(self, labels: Tensor) -> Tensor:
        """Return the labels with mean 0 and deviation 1, (N, 1)."""
        return ((labels.double() - self.mean) / self.scale).float()[:, None]

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean over texts."""
        return (outputs - targets).square().mean()

    def loss_and_slope(self, outputs: Tensor, targets: Tensor) -> tuple[float, Tensor]:
        """Return the loss and twice the difference over the number of texts."""
        gap = outputs - targets
        return gap.square().mean().item(), gap.mul_(2 / len(targets))
