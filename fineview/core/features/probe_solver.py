"""The solver behind the probes: penalised logistic regressions of all folds at once.

The features are the same for every fold and only the standardisation differs, so that one product
with the features serves them all; steps along a search direction need no product at all, since
logits are linear in the weights.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fineview.core.progress import Report

_HISTORY = 6
_ITERATIONS = 300
_GRADIENT = 6e-5
"""Greatest entry of the gradient of the mean loss at which a fold counts as solved (scikit-learn
stops at 1e-4 of the same); a fold also ends where float32 sees no further descent."""
_TRIALS = 12
_ARMIJO, _CURVATURE = 1e-4, 0.9
_RENEW = 15


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A solved probe.

    Attributes:
        probabilities: (N, C) float32 out of fold: each row is judged by the fold it was not in.
        objective: (F,) penalised training losses: C·Σ cross-entropy + ‖W‖²/2.
        gradient: (F,) greatest entry of the gradient of objective / (C·rows).
        iterations: Steps until the last fold was solved.
        shares: (F, K) weights of the layers for a learned mix, else ones.
    """

    probabilities: NDArray[np.float32]
    objective: NDArray[np.float64]
    gradient: NDArray[np.float64]
    iterations: int
    shares: NDArray[np.float32]


@dataclass(slots=True, eq=False)
class _Point:
    """Where the folds are: parameters, and what follows from them.

    Attributes:
        theta: (F, P) weights (C·D), intercepts (C), layer logits (K).
        parts: (F, N, K, C) logits of each layer before the mix; the intercept is not in them.
        value: (F,) float64 objective.
        gradient: (F, P).
    """

    theta: Tensor
    parts: Tensor
    value: Tensor
    gradient: Tensor


class Problem:
    """F penalised logistic regressions on the same rows."""

    def __init__(
        self,
        features: NDArray[np.float32],
        labels: NDArray[np.int64],
        of: NDArray[np.int64],
        count: int,
        penalty: float,
        classes: int,
    ) -> None:
        stacked = features if features.ndim == 3 else features[:, None]
        self.rows, self.layers, self.width = stacked.shape
        self.classes, self.folds, self.penalty = classes, count, penalty
        kept = of[None] != np.arange(count)[:, None]  # (F, N)
        self.fold_of = of
        self._standardise(stacked, kept)
        self.labels = torch.from_numpy(labels)
        self.kept = torch.from_numpy(kept)
        hot = np.zeros((len(labels), classes), dtype=np.float32)
        hot[np.arange(len(labels)), labels] = 1
        self.hot = torch.from_numpy(hot)
        present = (kept.astype(np.float32) @ hot) > 0  # (F, C)
        self.absent = torch.from_numpy(~present)[:, None]
        self.ridge = torch.from_numpy(np.where(present.sum(1) == 2, 2.0, 1.0))
        self.count = torch.from_numpy(kept.sum(1).astype(np.float64))
        self.weights = classes * self.width
        self._gram: Tensor | None = None
        self._inverse: Tensor | None = None

    def _standardise(self, stacked: NDArray[np.float32], kept: NDArray[np.bool_]) -> None:
        """Shift by the mean of all rows, so that what is left of each fold's is small."""
        count = kept.sum(1)[:, None]
        share = kept / count
        shared, means, scales = [], [], []
        for layer in range(self.layers):
            exact = stacked[:, layer].astype(np.float64)
            centre = exact.mean(0)
            exact -= centre
            spread = np.sqrt((exact * exact).mean(0))
            spread[spread == 0] = 1
            exact /= spread
            mean = share @ exact
            variance = np.maximum(share @ (exact * exact) - mean * mean, 0)
            # scikit-learn's rule (sklearn.preprocessing._data._is_constant_feature), in its units.
            eps = np.finfo(np.float64).eps
            raw, level = variance * spread**2, centre + mean * spread
            constant = raw <= count * eps * raw + (count * level * eps) ** 2
            scale = np.where(constant, 0.0, 1 / np.sqrt(np.where(constant, 1.0, variance)))
            shared.append(exact.astype(np.float32))
            means.append(mean)
            scales.append(scale)
        self.x = torch.from_numpy(np.stack(shared))  # (K, N, D)
        self.mean = torch.from_numpy(np.stack(means, 1).astype(np.float32))  # (F, K, D)
        self.scale = torch.from_numpy(np.stack(scales, 1).astype(np.float32))

    def solve(self, report: Report) -> Probe:
        """Go down until every fold's gradient is small."""
        point = self._start()
        memory: list[tuple[Tensor, Tensor, Tensor]] = []
        steps = 0
        for steps in range(1, _ITERATIONS + 1):
            report.check()
            if float(self._size(point).max()) <= _GRADIENT:
                break
            if steps % _RENEW == 1:
                self._precondition(point)
            direction = self._direction(point, memory)
            moved = self._step(point, direction)
            change, turn = moved.theta - point.theta, moved.gradient - point.gradient
            product = (change.double() * turn.double()).sum(1)
            memory.append((change, turn, product))
            del memory[:-_HISTORY]
            stuck = bool((moved.value >= point.value).all())
            point = moved
            if stuck:
                break  # float32 sees no further descent
        return self._result(point, steps)

    def _start(self) -> _Point:
        theta = torch.zeros(self.folds, self.weights + self.classes + self.layers)
        parts = torch.zeros(self.folds, self.rows, self.layers, self.classes)
        return self._at(theta, parts)

    def _at(self, theta: Tensor, parts: Tensor) -> _Point:
        value, error = self._value(theta, parts)
        return _Point(theta, parts, value, self._gradient(theta, parts, error))

    def _split(self, theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weights = theta[:, : self.weights].view(self.folds, self.classes, self.width)
        intercepts = theta[:, self.weights : self.weights + self.classes]
        return weights, intercepts, theta[:, self.weights + self.classes :]

    def _parts(self, theta: Tensor) -> Tensor:
        """Return the logits of each layer alone, (F, N, K, C): one product for all folds."""
        weights = self._split(theta)[0]
        parts = []
        for layer in range(self.layers):
            scaled = weights * self.scale[:, layer, None]  # (F, C, D)
            flat = scaled.reshape(-1, self.width)
            product = (self.x[layer] @ flat.T).view(self.rows, self.folds, self.classes)
            offset = (scaled * self.mean[:, layer, None]).sum(2)
            parts.append(product.transpose(0, 1) - offset[:, None])
        return torch.stack(parts, 2) if self.layers > 1 else parts[0][:, :, None]

    def _logits(self, theta: Tensor, parts: Tensor) -> Tensor:
        _, intercepts, mix = self._split(theta)
        if self.layers == 1:
            mixed = parts[:, :, 0]
        else:
            mixed = (parts * torch.softmax(mix, 1)[:, None, :, None]).sum(2)
        return (mixed + intercepts[:, None]).masked_fill(self.absent, -torch.inf)

    def _value(self, theta: Tensor, parts: Tensor) -> tuple[Tensor, Tensor]:
        """Return the objectives (F,) and C·(probability − truth), 0 where held out, (F, N, C)."""
        logs = torch.log_softmax(self._logits(theta, parts), 2)
        chosen = self.labels.view(1, -1, 1).expand(self.folds, -1, 1)
        losses = -logs.gather(2, chosen)[:, :, 0].masked_fill(~self.kept, 0)
        norm = theta[:, : self.weights].double().square().sum(1)
        value = self.penalty * losses.double().sum(1) + self.ridge * norm / 2
        error = (logs.exp() - self.hot).mul_(self.kept[:, :, None]).mul_(self.penalty)
        return value, error

    def _gradient(self, theta: Tensor, parts: Tensor, error: Tensor) -> Tensor:
        weights, _, mix = self._split(theta)
        shares = torch.softmax(mix, 1)
        flat = error.transpose(0, 1).reshape(self.rows, -1).T  # (F·C, N)
        total = error.sum(1)  # (F, C)
        slope = weights * self.ridge[:, None, None].float()
        for layer in range(self.layers):
            product = (flat @ self.x[layer]).view_as(weights)
            product = product - total[:, :, None] * self.mean[:, layer, None]
            slope = slope + shares[:, layer, None, None] * product * self.scale[:, layer, None]
        mixing = torch.zeros_like(mix)
        if self.layers > 1:
            gain = (parts * error[:, :, None]).sum((1, 3))  # (F, K)
            mixing = shares * (gain - (shares * gain).sum(1, keepdim=True))
        return torch.cat([slope.reshape(self.folds, -1), total, mixing], 1)

    def _size(self, point: _Point) -> Tensor:
        return point.gradient.abs().amax(1).double() / (self.count * self.penalty)

    def _precondition(self, point: _Point) -> None:
        """Factor a Hessian of all folds alike; it shapes the path, not where it ends."""
        shares = torch.softmax(self._logits(point.theta, point.parts), 2)
        spread = (shares * (1 - shares)).mul(self.kept[:, :, None]).sum((1, 2))
        level = float((spread / self.count).mean()) / max(self.classes - 1, 1) * self.penalty
        level = max(level, 1e-6)
        mix = torch.softmax(self._split(point.theta)[2].mean(0), 0)
        mixed = (self.x * mix[:, None, None]).sum(0) if self.layers > 1 else self.x[0]
        if self._gram is None or self.layers > 1:
            self._gram = mixed.T @ mixed
        bound = self._gram * level
        bound.diagonal().add_(float(self.ridge.mean()))
        self._inverse = torch.cholesky_inverse(torch.linalg.cholesky(bound))
        self._free = 1 / (level * self.rows)

    def _scaled(self, vector: Tensor) -> Tensor:
        assert self._inverse is not None
        weights, intercepts, mix = self._split(vector)
        shaped = (weights.reshape(-1, self.width) @ self._inverse).view(self.folds, -1)
        return torch.cat([shaped, intercepts * self._free, mix * self._free], 1)

    def _direction(self, point: _Point, memory: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
        """Return −H·gradient by the two loops, each fold with its own history."""
        vector = point.gradient
        weights: list[Tensor] = []
        for change, turn, product in reversed(memory):
            usable = product > 1e-12
            share = torch.where(usable, (change * vector).sum(1) / product, 0.0).float()
            vector = vector - share[:, None] * turn
            weights.append(share)
        vector = self._scaled(vector)
        if memory:
            _, turn, product = memory[-1]
            length = (turn * self._scaled(turn)).sum(1).double()
            scale = torch.where((product > 1e-12) & (length > 0), product / length, 1.0)
            vector = vector * scale[:, None].float()
        for (change, turn, product), share in zip(memory, reversed(weights), strict=True):
            usable = product > 1e-12
            back = torch.where(usable, (turn * vector).sum(1) / product, 0.0).float()
            vector = vector + (share - back)[:, None] * change
        down = (vector * point.gradient).sum(1) > 0
        if bool(down.all()):
            return -vector
        return torch.where(down[:, None], -vector, -self._scaled(point.gradient))

    def _step(self, point: _Point, direction: Tensor) -> _Point:
        """Search along the direction, each fold for a length of its own (strong Wolfe)."""
        along = self._parts(direction)
        slope0 = (point.gradient.double() * direction.double()).sum(1)
        length = torch.ones(self.folds, dtype=torch.float64)
        low, high = torch.zeros_like(length), torch.full_like(length, torch.inf)
        low_slope, high_slope = slope0.clone(), torch.full_like(length, torch.inf)
        for _ in range(_TRIALS):
            theta, parts = self._moved(point, direction, along, length)
            value, error = self._value(theta, parts)
            slope = self._slope(theta, parts, direction, along, error)
            enough = value <= point.value + _ARMIJO * length * slope0 + 1e-7 * point.value.abs()
            good = enough & (slope.abs() <= _CURVATURE * slope0.abs())
            if bool(good.all()):
                break
            beyond = ~good & ((slope > 0) | ~enough)
            short = ~good & ~beyond
            high, high_slope = (
                torch.where(beyond, length, high),
                torch.where(beyond, slope, high_slope),
            )
            low, low_slope = torch.where(short, length, low), torch.where(short, slope, low_slope)
            length = torch.where(good, length, _between(low, high, low_slope, high_slope))
        # A fold that found no descent stays where it is.
        worse = value > point.value
        if bool(worse.any()):
            length = torch.where(worse, 0.0, length)
            theta, parts = self._moved(point, direction, along, length)
            value, error = self._value(theta, parts)
        return _Point(theta, parts, value, self._gradient(theta, parts, error))

    def _moved(
        self, point: _Point, direction: Tensor, along: Tensor, length: Tensor
    ) -> tuple[Tensor, Tensor]:
        step = length.float()
        parts = point.parts + step[:, None, None, None] * along
        return point.theta + step[:, None] * direction, parts

    def _slope(
        self, theta: Tensor, parts: Tensor, direction: Tensor, along: Tensor, error: Tensor
    ) -> Tensor:
        """Return the derivative of the objective along the direction, (F,)."""
        weights, _, mix = self._split(theta)
        d_weights, d_intercepts, d_mix = self._split(direction)
        if self.layers == 1:
            change = along[:, :, 0]
        else:
            shares = torch.softmax(mix, 1)
            d_shares = shares * (d_mix - (shares * d_mix).sum(1, keepdim=True))
            change = (along * shares[:, None, :, None] + parts * d_shares[:, None, :, None]).sum(2)
        loss = (error * (change + d_intercepts[:, None])).sum((1, 2)).double()
        return loss + self.ridge * (weights * d_weights).sum((1, 2)).double()

    def _result(self, point: _Point, steps: int) -> Probe:
        shares = torch.softmax(self._logits(point.theta, point.parts), 2)
        own = torch.from_numpy(np.minimum(self.fold_of, self.folds - 1))
        judged = shares[own, torch.arange(self.rows)]
        return Probe(
            probabilities=judged.numpy(),
            objective=point.value.numpy(),
            gradient=self._size(point).numpy(),
            iterations=steps,
            shares=torch.softmax(self._split(point.theta)[2], 1).numpy(),
        )


def _between(low: Tensor, high: Tensor, low_slope: Tensor, high_slope: Tensor) -> Tensor:
    """Return the next length: where the slope's secant crosses 0, kept away from both ends."""
    open_end = torch.isinf(high)
    width = torch.where(open_end, torch.ones_like(high), high - low)
    rise = torch.where(open_end, torch.ones_like(high), high_slope - low_slope)
    guess = -low_slope / rise
    guess = torch.where((rise > 0) & (guess > 0.05) & (guess < 0.95), guess, 0.5)
    return torch.where(open_end, 2 * torch.clamp(low, min=0.5), low + guess * width)
