"""Heads that are trained by gradient steps: what turns pooled features into labels."""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fineview.core.errors import RunError
from fineview.core.training.config import HeadConfig
from fineview.core.training.objectives import CrossEntropy, Objective, SquaredError
from fineview.core.training.seeds import seeded
from fineview.core.training.tokens import CHUNK, TokenFeatures

_HIDDEN = re.compile(r"hidden\.(\d+)\.weight")


class LinearHead(nn.Module):
    """Standardise, mix layers if asked, hidden layers if asked, one linear layer.

    Softmax stands in the loss. The training split's mean and deviation are kept in the head, so
    that it takes raw features. For the mix `weighted` the layers are averaged with softmax weights
    that are trained along. For numbers there is one output, in the standardisation of the training
    labels.

    Attributes:
        mean: (D,) or, for `weighted`, (k, D): mean of each feature over the training split.
        scale: Same shape: one over the deviation; 1 where a feature is constant.
        label_mean: Numbers: mean of the training labels; else None.
        label_scale: Numbers: their deviation; else None.
        layer_logits: (k,) softmax arguments of the layer mix, or None.
        hidden: Layers of an MLP before the last one, or None.
        linear: D (or the last hidden width) -> C, or 1 for numbers.

    Source:
        Scalar mix: Peters et al. 2018, arXiv:1802.05365, equation 1 (γ is left to the linear
        layer). Linear + softmax on a frozen encoder: Devlin et al. 2019, arXiv:1810.04805,
        section 5.3. Dropout: Srivastava et al. 2014, JMLR 15, section 4.
    """

    mean: Tensor
    scale: Tensor
    label_mean: Tensor | None
    label_scale: Tensor | None

    def __init__(
        self, mean: Tensor, scale: Tensor, outputs: int, hidden: nn.Sequential | None = None
    ) -> None:
        super().__init__()
        self.register_buffer("mean", mean.clone())
        self.register_buffer("scale", scale.clone())
        self.register_buffer("label_mean", None)
        self.register_buffer("label_scale", None)
        self.layer_logits = nn.Parameter(torch.zeros(mean.shape[0])) if mean.dim() == 2 else None
        self.hidden = hidden
        seen = mean.shape[-1] if hidden is None else _last_width(hidden)
        self.linear = nn.Linear(seen, outputs)
        # Zero is where the convex problem starts best: every class equally likely, loss ln C.
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.eval()

    @classmethod
    def fitted(
        cls, features: Tensor, outputs: int, config: HeadConfig = HeadConfig(), seed: int = 0
    ) -> Self:
        """Return an untrained head with the standardisation of `features`.

        Args:
            features: (N, D), or (N, k, D) for a learned layer mix; the training split.
            outputs: C, or 1 for numbers.
            config: `linear` or `mlp`.
            seed: Draws the first weights of hidden layers.
        """
        deviation, mean = torch.std_mean(features, dim=0, correction=0)
        # A constant feature carries nothing: leave it at 0 instead of dividing by nearly 0. So does
        # one that barely stirs beside the others: layer 6 of MiniLM has three whose gain is 0 but
        # for rounding, and a bias that training moves by 1e-5 would throw them off by thousands.
        constant = deviation <= 1e-6 * torch.maximum(mean.abs(), deviation.max()).clamp(min=1e-3)
        scale = torch.where(constant, torch.ones_like(deviation), 1 / deviation)
        return cls(mean, scale, outputs, hidden_layers(mean.shape[-1], config, seed))

    @classmethod
    def blank(
        cls, dimension: int, outputs: int, config: HeadConfig = HeadConfig(), *,
        seed: int = 0, layers: int = 0,
    ) -> Self:  # fmt: skip
        """Return an untrained head that takes features as they are.

        For an encoder in training: its features have no fixed mean, and its last normalisation
        keeps them in bounds.

        Args:
            dimension: D'.
            outputs: C, or 1 for numbers.
            config: `linear` or `mlp`.
            seed: Draws the first weights of hidden layers.
            layers: k of a learned layer mix, else 0.
        """
        shape = (layers, dimension) if layers else (dimension,)
        hidden = hidden_layers(dimension, config, seed)
        return cls(torch.zeros(shape), torch.ones(shape), outputs, hidden)

    @property
    def dimension(self) -> int:
        """D', the features that the head sees."""
        return int(self.mean.shape[-1])

    @property
    def outputs(self) -> int:
        """C, or 1 for numbers."""
        return self.linear.out_features

    def know_labels(self, objective: Objective) -> None:
        """Keep what turns an output back into a label."""
        if isinstance(objective, SquaredError):
            self.label_mean = torch.tensor(objective.mean, dtype=torch.float32)
            self.label_scale = torch.tensor(objective.scale, dtype=torch.float32)

    def standardise(self, features: Tensor) -> Tensor:
        """Return features with the training split's mean 0 and deviation 1; same shape."""
        return (features - self.mean) * self.scale

    def layer_weights(self) -> list[float]:
        """Return the weights of the layer mix, summing to 1; empty without a learned mix."""
        if self.layer_logits is None:
            return []
        return [float(w) for w in self.layer_logits.detach().softmax(0)]

    def forward(self, standardised: Tensor) -> Tensor:
        """Return the outputs.

        Args:
            standardised: (B, D), or (B, k, D) for a learned layer mix, from `standardise`.

        Returns:
            (B, C) logits, or (B, 1) standardised numbers.
        """
        return self._last(self.mix(standardised)[0])

    def answers(self, outputs: Tensor) -> Tensor:
        """Return (B, C) probabilities, or (B, 1) numbers in the labels' units, float64."""
        if self.label_mean is None or self.label_scale is None:
            return outputs.double().softmax(1)
        return outputs.double() * self.label_scale.double() + self.label_mean.double()

    def _last(self, mixed: Tensor) -> Tensor:
        outputs: Tensor = self.linear(mixed if self.hidden is None else self.hidden(mixed))
        return outputs

    def mix(self, standardised: Tensor) -> tuple[Tensor, Any]:
        """Return (B, D), what the layers see, and what `pull` needs to know of it."""
        if self.layer_logits is None:
            return standardised, None
        weights = self.layer_logits.softmax(0)
        return torch.einsum("bkd,k->bd", standardised, weights), weights

    def pull(self, slope: Tensor, standardised: Tensor, trace: Any) -> None:  # noqa: ANN401
        """Leave the gradients of what mixes: slope is (B, C), d loss / d logits."""
        if self.layer_logits is not None:
            pull = torch.einsum("bc,cd,bkd->k", slope, self.linear.weight, standardised)
            self.layer_logits.grad = trace * (pull - (trace * pull).sum())

    def loss_and_gradients(
        self, standardised: Tensor, targets: Tensor, objective: Objective | None = None
    ) -> float:
        """Return the mean loss of a batch and leave its gradients in the parameters.

        In closed form where there is no hidden layer: recording a graph costs three times what
        such a small head computes.

        Args:
            standardised: As `forward`.
            targets: (B, outputs) from the objective.
            objective: Cross-entropy unless said otherwise.

        Returns:
            The loss without the penalty.
        """
        objective = objective or CrossEntropy(self.outputs)
        if self.hidden is not None:
            return self._by_graph(standardised, targets, objective)
        with torch.no_grad():
            mixed, trace = self.mix(standardised)
            outputs = torch.addmm(self.linear.bias, mixed, self.linear.weight.T)
            loss, slope = objective.loss_and_slope(outputs, targets)
            self.linear.weight.grad = slope.T @ mixed
            self.linear.bias.grad = slope.sum(0)
            self.pull(slope, standardised, trace)
        return loss

    def _by_graph(self, standardised: Tensor, targets: Tensor, objective: Objective) -> float:
        self.train()
        self.zero_grad()
        loss = objective.loss(self(standardised), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        self.eval()
        return loss.item()

    def weights(self) -> list[Tensor]:
        """Return the matrices that weight decay pulls at; biases and the layer mix are free."""
        hidden = [] if self.hidden is None else [p for p in self.hidden.parameters() if p.dim() > 1]
        return [self.linear.weight, *hidden]

    def penalty(self) -> Tensor:
        """Return ‖W‖²/2 over `weights`, what weight decay multiplies."""
        return torch.stack([matrix.square().sum() for matrix in self.weights()]).sum() / 2

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
            RunError: The arrays are not those of such a head.
        """
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
        try:
            widths = [tensors[name].shape[0] for name in _hidden_names(tensors)]
            hidden = _sequence(tensors["mean"].shape[-1], widths, 0.0) if widths else None
            head = cls(tensors["mean"], tensors["scale"], tensors["linear.bias"].shape[0], hidden)
            if "label_mean" in tensors:
                head.label_mean, head.label_scale = tensors["label_mean"], tensors["label_scale"]
            head.load_state_dict(tensors)
        except (KeyError, IndexError, RuntimeError) as error:
            raise RunError(
                f"The stored head does not fit together ({error}): train it again."
            ) from None
        return head


class AttentionHead(LinearHead):
    """A weighted mean of a text's tokens, the weights learned along, then as the linear head.

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

    def __init__(
        self, mean: Tensor, scale: Tensor, outputs: int, hidden: nn.Sequential | None = None
    ) -> None:
        super().__init__(mean, scale, outputs, hidden)
        self.query = nn.Parameter(torch.zeros(mean.shape[0]))

    @classmethod
    def fitted(  # type: ignore[override]
        cls, features: TokenFeatures, outputs: int, config: HeadConfig = HeadConfig(), seed: int = 0
    ) -> Self:
        """Return an untrained head with the standardisation of the texts' means."""
        return super().fitted(features.means(), outputs, config, seed)

    def standardise(self, features: TokenFeatures) -> TokenFeatures:  # type: ignore[override]
        """Return the texts with tokens in the standardisation of the means over tokens."""
        own = features.compact()
        return replace(own, tokens=(own.tokens - self.mean) * self.scale)

    def forward(self, standardised: TokenFeatures) -> Tensor:  # type: ignore[override]
        """Return the outputs, (B, C) or (B, 1), of texts from `standardise`."""
        chunks = range(0, len(standardised), CHUNK)
        return self._last(torch.cat([self.mix(standardised[i : i + CHUNK])[0] for i in chunks]))

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


def hidden_layers(dimension: int, config: HeadConfig, seed: int) -> nn.Sequential | None:
    """Return the hidden layers of an MLP, first weights drawn from the seed; None for `linear`."""
    if config.kind != "mlp":
        return None
    with seeded(seed):
        return _sequence(dimension, [config.width] * config.hidden_layers, config.dropout)


def _sequence(dimension: int, widths: list[int], dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise([dimension, *widths]):
        layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers)


def _last_width(hidden: nn.Sequential) -> int:
    return max(
        (place, layer.out_features)
        for place, layer in enumerate(hidden)
        if isinstance(layer, nn.Linear)
    )[1]


def _hidden_names(names: Mapping[str, Any]) -> list[str]:
    found = [(int(match[1]), name) for name in names if (match := _HIDDEN.fullmatch(name))]
    return [name for _, name in sorted(found)]
