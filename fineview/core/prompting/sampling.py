"""How the next token is chosen: transformers' own processors, with draws that can be replayed."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fineview.core.models.language_model import LanguageModel
from fineview.core.prompting.choices import SamplingConfig
from fineview.core.prompting.seen import NextTable, NextToken

if TYPE_CHECKING:
    import torch

_SPREAD = 1_000_003
"""Keeps the streams of neighbouring seeds apart: no text is longer."""


class Sampler:
    """Chooses tokens as `generate` of transformers does with the same settings.

    Attributes:
        config: The settings.
    """

    def __init__(self, config: SamplingConfig) -> None:
        self.config = config

    @cached_property
    def _steps(self) -> list[Any]:
        """The processors that change anything, in transformers' order."""
        from transformers import (
            MinPLogitsWarper,
            RepetitionPenaltyLogitsProcessor,
            TemperatureLogitsWarper,
            TopKLogitsWarper,
            TopPLogitsWarper,
        )

        config = self.config
        steps: list[Any] = []
        if config.repetition_penalty != 1:
            steps.append(RepetitionPenaltyLogitsProcessor(config.repetition_penalty))
        if config.greedy:
            return steps
        if config.temperature != 1:
            steps.append(TemperatureLogitsWarper(config.temperature))
        if config.top_k:
            steps.append(TopKLogitsWarper(config.top_k))
        if config.top_p < 1:
            steps.append(TopPLogitsWarper(config.top_p))
        if config.min_p > 0:
            steps.append(MinPLogitsWarper(config.min_p))
        return steps

    def scores(self, logits: "torch.Tensor", ids: Sequence[int]) -> "torch.Tensor":
        """Return (V,) scores after all settings, −∞ for what they rule out.

        Args:
            logits: (V,) float32.
            ids: All tokens before.
        """
        if not self._steps:
            return logits
        import torch

        given, scores = torch.tensor([list(ids)]), logits[None].clone()
        for step in self._steps:
            scores = step(given, scores)
        return scores[0]

    def choose(self, logits: "torch.Tensor", ids: Sequence[int], cut: int = 0) -> int:
        """Return the next token.

        Args:
            logits: (V,) float32.
            ids: All tokens before that the model sees.
            cut: Tokens before these, which it does not see: the draw depends on the token's place
                in the whole text.
        """
        import torch

        scores = self.scores(logits, ids)
        if self.config.greedy:
            return int(scores.argmax())
        generator = torch.Generator().manual_seed(self.config.seed * _SPREAD + cut + len(ids))
        shares = torch.softmax(scores, dim=-1)
        return int(torch.multinomial(shares, 1, generator=generator))


def next_table(
    model: LanguageModel, logits: "torch.Tensor", sampler: Sampler, ids: Sequence[int], top: int
) -> NextTable:
    """Return what may come next.

    Where tokens are taken greedily, the second column shows what the repetition penalty makes of
    the probabilities; of all tokens, one can come.

    Args:
        model: Spells the tokens.
        logits: (V,) float32.
        sampler: The settings.
        ids: All tokens before.
        top: Rows.
    """
    import torch

    logs = torch.log_softmax(logits, dim=-1)
    before = logs.exp()
    scores = sampler.scores(logits, ids)
    after = before if scores is logits else torch.softmax(scores, dim=-1)
    order = before if scores is logits else torch.maximum(before, after)
    best = order.topk(min(top, len(before))).indices
    best = best[before[best].argsort(descending=True, stable=True)]
    rows = tuple(
        NextToken(token, model.spelled(token), first, second)
        for token, first, second in zip(
            best.tolist(), before[best].tolist(), after[best].tolist(), strict=True
        )
    )
    allowed = 1 if sampler.config.greedy else int(torch.isfinite(scores).sum())
    return NextTable(
        rows=rows,
        rest_before=max(1.0 - sum(row.before for row in rows), 0.0),
        rest_after=max(1.0 - sum(row.after for row in rows), 0.0),
        allowed=allowed,
        entropy=float(-(before * logs).nan_to_num(0.0).sum()),
    )
