"""Dropout for training on processors, where drawing its random numbers is a quarter of a step.

torch draws a number in [0, 1) for each place, one after the other (Mersenne Twister). A place needs
no more than 16 random bits to be dropped with a given probability, so four places share one draw of
64 bits. Shares of places are multiples of 2⁻¹⁶, and outputs are scaled by the share that is kept.

Source:
    Srivastava et al. 2014, "Dropout", JMLR 15, section 4, in the inverted form of section 10.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

_NAME, _REPLACED = "sdpa_with_shared_draws", "sdpa"
_VALUES, _LANES = 1 << 16, 4


def quicken(encoder: nn.Module) -> None:
    """Let a model on a processor draw its dropout four places at once.

    What it computes in eval mode, its weights and their names stay as they are. On a GPU, where
    torch draws in parallel, nothing changes; attention that is not torch's own keeps its dropout.

    Args:
        encoder: A bare model of its own, not shared with anything.
    """
    if next(encoder.parameters()).device.type != "cpu":
        return
    for module in list(encoder.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, SharedDrawsDropout(child.p).train(child.training))
    model: Any = encoder
    if getattr(model.config, "_attn_implementation", "") == _REPLACED:
        model.set_attn_implementation(_NAME)


def dropped(shape: torch.Size, probability: float) -> tuple[Tensor, float]:
    """Draw which places are dropped.

    Args:
        shape: Of the places.
        probability: That a place is dropped, 0 … 1; it is rounded to 2⁻¹⁶.

    Returns:
        Boolean tensor of that shape, and the factor 1 / (1 - p) that keeps the expectation.
    """
    count = shape.numel()
    draws = torch.empty(-(-count // _LANES), dtype=torch.int64).random_(-(1 << 63), None)
    least = round(_VALUES * probability)
    lanes = draws.view(torch.int16)[:count].view(shape)
    # The bound of p = 1 is no 16-bit number.
    drop = lanes < least - _VALUES // 2 if least < _VALUES else torch.ones_like(lanes).bool()
    return drop, _VALUES / max(_VALUES - least, 1)


class SharedDrawsDropout(nn.Dropout):
    """Dropout that draws as `dropped` does."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with places set to 0 in training, and as it is otherwise."""
        if not (self.training and self.p):
            return input
        output: Tensor = _Dropout.apply(input, self.p)  # type: ignore[no-untyped-call]
        return output


class _Context(FunctionCtx):
    """What the way back needs."""

    saved_tensors: tuple[Tensor, ...]
    scale: float
    scaling: float


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, states: Tensor, probability: float) -> Tensor:
        drop, ctx.scale = dropped(states.shape, probability)
        ctx.save_for_backward(drop)
        return states.mul(ctx.scale).masked_fill_(drop, 0)

    @staticmethod
    def backward(ctx: _Context, pull: Tensor) -> tuple[Tensor, None]:
        (drop,) = ctx.saved_tensors
        return pull.mul(ctx.scale).masked_fill_(drop, 0), None


class _Attention(torch.autograd.Function):
    """softmax(q·kᵀ·s + mask), with dropout, times v."""

    @staticmethod
    def forward(
        ctx: _Context,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        scaling: float,
        probability: float,
    ) -> Tensor:
        scores = torch.matmul(query, key.transpose(-1, -2)).mul_(scaling)
        if mask is not None:
            # Not -inf: a place of padding may see nothing at all, and has to stay a number.
            scores.masked_fill_(~mask, torch.finfo(scores.dtype).min)
        shares = torch.softmax(scores, -1)
        drop, scale = dropped(shares.shape, probability)
        kept = shares.masked_fill(drop, 0)
        ctx.save_for_backward(query, key, value, shares, drop, kept)
        ctx.scaling, ctx.scale = scaling, scale
        return torch.matmul(kept, value).mul_(scale)

    @staticmethod
    def backward(ctx: _Context, pull: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, shares, drop, kept = ctx.saved_tensors
        pull = pull.mul(ctx.scale)
        by_value = torch.matmul(kept.transpose(-1, -2), pull)
        by_shares = torch.matmul(pull, value.transpose(-1, -2)).masked_fill_(drop, 0)
        by_scores = torch._softmax_backward_data(by_shares, shares, -1, shares.dtype)
        by_scores.mul_(ctx.scaling)
        by_query = torch.matmul(by_scores, key)
        by_key = torch.matmul(by_scores.transpose(-1, -2), query)
        return by_query, by_key, by_value, None, None, None


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    position_bias: Tensor | None = None,
    **others: object,
) -> tuple[Tensor, None]:
    """Attend as transformers' `sdpa` does; what this file has no form for is left to that."""
    causal = getattr(module, "is_causal", False) if is_causal is None else is_causal
    plain = (
        query.shape == key.shape == value.shape
        and not (causal and attention_mask is None)
        and (attention_mask is None or attention_mask.dtype == torch.bool)
        and position_bias is None
    )
    if not (dropout and plain):
        found: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling,
            is_causal=is_causal, position_bias=position_bias, **others,
        )  # fmt: skip
        return found
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    output: Tensor = _Attention.apply(  # type: ignore[no-untyped-call]
        query, key, value, attention_mask, scaling, dropout
    )
    return output.transpose(1, 2).contiguous(), None


AttentionInterface.register(_NAME, _attend)
AttentionMaskInterface.register(_NAME, sdpa_mask)
