"""Weights of tasks that share an encoder: from their losses and from how their gradients lie.

All that the methods here need of K gradients with millions of entries is their K × K products, and
all that they make of them is a weight for each: also PCGrad, whose projections only ever add
multiples of the tasks' gradients to each other.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from fineview.core.data.task import LabelKind
from fineview.core.training.multitask.config import Balance

Floats = NDArray[np.float64]
RATE = 0.025
"""Adam's rate of learned task weights; Chen et al. 2018, section 5.1, for both methods."""
_LEAST = 1e-3


class Balancer(Protocol):
    """Turns losses and products of gradients into weights; changes only in `learn`.

    Attributes:
        compares: Whether it needs the products of the gradients at every step.
    """

    compares: bool

    def weights(self, products: Floats | None, step: int) -> tuple[Floats, Floats]:
        """Return what tasks' gradients are multiplied by.

        Args:
            products: (K, K) inner products of the gradients on all shared weights; None where they
                were not computed.
            step: Steps done.

        Returns:
            (K,) for the shared weights, (K,) for each task's own head.
        """

    def learn(self, losses: Floats, last: Floats) -> None:
        """Take note of a step that was taken.

        Args:
            losses: (K,) without weights.
            last: (K,) norms of the gradients on the last shared layer, without weights.
        """


class PlainSum:
    """Every task counts for 1."""

    compares = False

    def __init__(self, tasks: int) -> None:
        self._ones = np.ones(tasks)

    def weights(self, products: Floats | None, step: int) -> tuple[Floats, Floats]:  # noqa: ARG002
        """Return ones."""
        return self._ones, self._ones

    def learn(self, losses: Floats, last: Floats) -> None:
        """Learn nothing."""


class PCGrad:
    """Each gradient loses what points against another, in a random order, then they are added.

    Heads are a task's own and keep their gradients.

    Source:
        Yu et al. 2020, arXiv:2001.06782, algorithm 1.
    """

    compares = True

    def __init__(self, tasks: int, seed: int) -> None:
        self._ones = np.ones(tasks)
        self._seed = seed

    def weights(self, products: Floats | None, step: int) -> tuple[Floats, Floats]:
        """Return how often each gradient is in the sum of the projected ones, and ones."""
        assert products is not None
        random = np.random.default_rng((self._seed, step))
        return projected(products, random).sum(0), self._ones

    def learn(self, losses: Floats, last: Floats) -> None:
        """Learn nothing."""


def projected(products: Floats, random: np.random.Generator) -> Floats:
    """Return the projected gradients as multiples of the tasks' own.

    Args:
        products: (K, K) inner products g_i·g_j over the whole shared vector.
        random: Draws the order in which each task meets the others.

    Returns:
        (K, K): g_i^PC = Σ_j C_ij g_j.

    Source:
        Yu et al. 2020, arXiv:2001.06782, algorithm 1: where g_i^PC·g_j < 0, g_i^PC loses
        (g_i^PC·g_j / ‖g_j‖²) g_j. The others stay as they were before any projection.
    """
    tasks = len(products)
    found = np.eye(tasks)
    for one in range(tasks):
        for place in random.permutation(tasks - 1):
            other = int(place) + (place >= one)
            along = float(found[one] @ products[:, other])
            if along < 0:
                found[one, other] -= along / products[other, other]
    return found


class Uncertainty:
    """Weights from learned log-variances s_k: Σ_k e^(-s_k)·L_k + s_k/2, half the loss for numbers.

    Attributes:
        log_variances: (K,) s, 0 at first.

    Source:
        Kendall, Gal & Cipolla 2018, arXiv:1705.07115, section 3.2, equations 7 (numbers) and 10
        (classes), with s = log σ² as the section's end recommends.
    """

    compares = False

    def __init__(self, kinds: Sequence[LabelKind]) -> None:
        self._factors = np.array([0.5 if kind == "number" else 1.0 for kind in kinds])
        self.log_variances = torch.zeros(len(kinds), dtype=torch.float64)
        self._adam = torch.optim.Adam([self.log_variances], lr=RATE)

    def weights(self, products: Floats | None, step: int) -> tuple[Floats, Floats]:  # noqa: ARG002
        """Return e^-s, half of it for numbers, for encoder and head alike."""
        found = self._factors * np.exp(-self.log_variances.numpy())
        return found, found

    def learn(self, losses: Floats, last: Floats) -> None:  # noqa: ARG002
        """Move s against its gradient."""
        self.log_variances.grad = torch.from_numpy(self.gradients(losses))
        self._adam.step()

    def gradients(self, losses: Floats) -> Floats:
        """Return (K,) d/ds of the objective: 1/2 − weight·loss."""
        found, _ = self.weights(None, 0)
        return 0.5 - found * losses


class GradNorm:
    """Weights that make gradients of the last shared layer alike in size, larger where tasks lag.

    Attributes:
        task_weights: (K,) w, 1 at first, always summing to K.

    Source:
        Chen et al. 2018, arXiv:1711.02257, algorithm 1. The losses at the beginning are those of an
        answer that ignores the text, as their section 3.2 advises: here they are so indeed, since
        heads begin at 0. The weights, which the paper leaves free, stay above 0.001·K.
    """

    compares = False

    def __init__(self, first_losses: Sequence[float], alpha: float) -> None:
        """Begin.

        Args:
            first_losses: (K,) L(0).
            alpha: How much more a task counts that lags behind the others.
        """
        self._first = np.array(first_losses)
        self._alpha = alpha
        self.task_weights = torch.ones(len(first_losses), dtype=torch.float64)
        self._adam = torch.optim.Adam([self.task_weights], lr=RATE)

    def weights(self, products: Floats | None, step: int) -> tuple[Floats, Floats]:  # noqa: ARG002
        """Return w, for encoder and head alike."""
        found = self.task_weights.numpy().copy()
        return found, found

    def learn(self, losses: Floats, last: Floats) -> None:
        """Move the weights, then scale them to sum to K."""
        if not last.any():
            return  # heads at 0 pass nothing on: there is no size to make alike yet
        self.task_weights.grad = torch.from_numpy(self.gradients(losses, last))
        self._adam.step()
        tasks = len(self.task_weights)
        self.task_weights.clamp_(min=_LEAST * tasks)
        self.task_weights.mul_(tasks / self.task_weights.sum())

    def gradients(self, losses: Floats, last: Floats) -> Floats:
        """Return (K,) d/dw of Σ_k |w_k·‖g_k‖ − Ḡ·r_k^α|, the aims Ḡ·r_k^α held fast."""
        sizes = self.task_weights.numpy() * last
        progress = losses / self._first  # inverse training rates, before they are made relative
        aims = sizes.mean() * (progress / progress.mean()) ** self._alpha
        return np.asarray(np.sign(sizes - aims) * last)


def balancer_of(
    kind: Balance,
    *,
    kinds: Sequence[LabelKind],
    first_losses: Sequence[float],
    alpha: float,
    seed: int,
) -> Balancer:
    """Return a way to balance K tasks.

    Args:
        kind: Which.
        kinds: (K,) what each task's labels are.
        first_losses: (K,) each task's loss of an answer that ignores the text.
        alpha: GradNorm's.
        seed: PCGrad's.
    """
    match kind:
        case "uncertainty":
            return Uncertainty(kinds)
        case "pcgrad":
            return PCGrad(len(kinds), seed)
        case "gradnorm":
            return GradNorm(first_losses, alpha)
    return PlainSum(len(kinds))
