"""Forward passes of a causal model that remember the keys and values of what they have read."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from fineview.core.models.blocks import blocks_of
from fineview.core.models.language_model import LanguageModel

if TYPE_CHECKING:
    import torch

_FIRST_PLACES = 256


class Steps(Protocol):
    """What a decoder needs of a model.

    Attributes:
        length: Tokens that were read.
    """

    length: int

    def forward(self, ids: Sequence[int], ask: Callable[[], None] | None = None) -> "torch.Tensor":
        """Read more tokens.

        Args:
            ids: (T) at least one.
            ask: Called before each block; where it raises, nothing was read.

        Returns:
            (T, V) logits, float32, on the processor.
        """

    def crop(self, length: int) -> None:
        """Forget all but the first tokens."""

    def keys(self, length: int) -> Any:  # noqa: ANN401 - transformers is untyped
        """Return the first tokens' keys and values as transformers' cache.

        None where there are none, since the model keeps a state instead.
        """


def cache_name(module: Any) -> str:  # noqa: ANN401 - transformers is untyped
    """Return what a model calls its cache: transformers renames it, model by model."""
    known = inspect.signature(module.forward).parameters
    return "cache" if "cache" in known else "past_key_values"


def steps_for(model: LanguageModel) -> Steps:
    """Return the fastest way to compute a model's tokens; loads it where it is not in memory."""
    module = model.model
    return LlamaSteps(module) if is_plain_llama(module) else AnySteps(module)


class AnySteps:
    """Any causal model of transformers, by its own `forward` and cache."""

    def __init__(self, module: Any) -> None:  # noqa: ANN401 - transformers is untyped
        from transformers import DynamicCache
        from transformers.cache_utils import DynamicLayer

        self.length = 0
        self._module = module
        # Made without the configuration, so that every block keeps all tokens, those that look at
        # a sliding window too (their mask hides the others): else there were no way back.
        self._cache: Any = DynamicCache()
        self._name = cache_name(module)
        # A state has no way back either: such models (Mamba) read all of the text for each token.
        usual = DynamicCache(config=module.config).layers
        state = any(not isinstance(layer, DynamicLayer) for layer in usual)
        state = state or getattr(module, "_is_stateful", False)
        self._ids: list[int] | None = [] if state else None

    def forward(self, ids: Sequence[int], ask: Callable[[], None] | None = None) -> "torch.Tensor":
        """Read more tokens."""
        import torch

        hooks = []
        if ask is not None:
            blocks = blocks_of(self._module, self._module.config.num_hidden_layers) or ()
            hooks = [one.register_forward_pre_hook(lambda *_: ask()) for one in blocks]
        self.crop(self.length)  # a pass that was stopped has left something
        keep: dict[str, Any] = {"use_cache": True, self._name: self._cache}
        if self._ids is not None:
            ids, keep = [*self._ids, *ids], {"use_cache": False}
        try:
            with torch.inference_mode():
                given = torch.tensor([list(ids)], device=self._module.device)
                logits = self._module(input_ids=given, **keep).logits[0]
        finally:
            for hook in hooks:
                hook.remove()
        found: torch.Tensor = logits.float().cpu()
        if self._ids is None:
            self.length += len(ids)
            return found
        found = found[self.length :]
        self._ids, self.length = list(ids), len(ids)
        return found

    def crop(self, length: int) -> None:
        """Forget all but the first tokens."""
        self.length = min(length, self.length)
        if self._ids is not None:
            self._ids = self._ids[: self.length]
        for layer in self._cache.layers:
            # Newer ones take only how many are to go, with a minus sign.
            layer.crop(min(self.length - layer.get_seq_length(), 0))

    def keys(self, length: int) -> Any:  # noqa: ANN401 - transformers is untyped
        """Return the first tokens' keys and values."""
        if self._ids is not None:
            return None
        return _as_cache(
            (layer.keys[..., :length, :], layer.values[..., :length, :])
            for layer in self._cache.layers
            if layer.get_seq_length()
        )


def _as_cache(pairs: "Iterable[tuple[torch.Tensor, torch.Tensor]]") -> Any:  # noqa: ANN401
    """Return transformers' cache of the keys and values of each block."""
    from transformers import DynamicCache

    cache: Any = DynamicCache()
    for number, (keys, values) in enumerate(pairs):
        cache.update(keys, values, number)
    return cache


def is_plain_llama(module: Any) -> bool:  # noqa: ANN401 - transformers is untyped
    """Return whether a model is a Llama without any of the turns that its kind can take."""
    config = module.config
    if config.model_type != "llama" or config.hidden_act != "silu":
        return False
    if getattr(config, "attention_bias", False) or getattr(config, "mlp_bias", False):
        return False
    # Others change their angles with the length of the text.
    return module.model.rotary_emb.rope_type in ("default", "linear", "llama3")


class LlamaSteps:
    """A Llama's forward pass with fewer and larger products, and room for keys made beforehand.

    A token at a time, `generate` of transformers spends a third of its time outside of products.
    The weights are joined in place: the module goes on working, and no weight is there twice.

    Source:
        Touvron et al. 2023, arXiv:2302.13971, section 2.2; grouped queries: Ainslie et al. 2023,
        arXiv:2305.13245, section 2.
    """

    def __init__(self, module: Any) -> None:  # noqa: ANN401 - transformers is untyped
        import torch

        config = module.config
        self.length = 0
        self._module = module
        self._heads = config.num_attention_heads
        self._groups = config.num_key_value_heads
        self._width = getattr(config, "head_dim", None) or config.hidden_size // self._heads
        self._epsilon = config.rms_norm_eps
        with torch.no_grad():
            self._layers = [_joined(layer) for layer in module.model.layers]
        self._keys: list[torch.Tensor] = []
        self._values: list[torch.Tensor] = []
        self._angles: tuple[torch.Tensor, torch.Tensor] | None = None

    def forward(self, ids: Sequence[int], ask: Callable[[], None] | None = None) -> "torch.Tensor":
        """Read more tokens."""
        import torch
        from torch.nn.functional import rms_norm, scaled_dot_product_attention, silu

        module, count, start = self._module, len(ids), self.length
        heads, groups, width = self._heads, self._groups, self._width
        end = start + count
        with torch.inference_mode():
            self._make_room(end)
            assert self._angles is not None
            cos, sin = (table[start:end, None] for table in self._angles)
            mask = None
            if count > 1:
                places = torch.arange(end, device=module.device)
                mask = places[None] <= places[start:, None]  # (T, end)
            x = module.model.embed_tokens(torch.tensor(list(ids), device=module.device))  # (T, D)
            for number, layer in enumerate(self._layers):
                if ask is not None:
                    ask()
                joined = _product(rms_norm(x, x.shape[1:], layer.norm, self._epsilon), layer.qkv)
                parts = joined.view(count, heads + 2 * groups, width)
                turned = _turned(parts[:, : heads + groups], cos, sin)  # queries and keys
                self._keys[number][:, start:end] = turned[:, heads:].transpose(0, 1)
                self._values[number][:, start:end] = parts[:, heads + groups :].transpose(0, 1)
                seen = scaled_dot_product_attention(
                    turned[:, :heads].transpose(0, 1)[None],
                    self._keys[number][None, :, :end],
                    self._values[number][None, :, :end],
                    attn_mask=mask,
                    enable_gqa=heads != groups,
                )[0]  # (H, T, width)
                x = x + _product(seen.transpose(0, 1).reshape(count, heads * width), layer.out)
                inner = rms_norm(x, x.shape[1:], layer.second, self._epsilon)
                gate, up = _product(inner, layer.gate_up).chunk(2, dim=-1)
                x = x + _product(silu(gate) * up, layer.down)
            x = rms_norm(x, x.shape[1:], module.model.norm.weight, self._epsilon)
            found: torch.Tensor = _product(x, module.lm_head.weight).float().cpu()
        self.length = end
        return found

    def crop(self, length: int) -> None:
        """Forget all but the first tokens: what stands behind is written over."""
        self.length = min(self.length, length)

    def keys(self, length: int) -> Any:  # noqa: ANN401 - transformers is untyped
        """Return the first tokens' keys and values."""
        return _as_cache(
            (keys[None, :, :length], values[None, :, :length])
            for keys, values in zip(self._keys, self._values, strict=True)
        )

    def _make_room(self, places: int) -> None:
        import torch

        have = self._keys[0].shape[1] if self._keys else 0
        if places <= have:
            return
        room = max(_FIRST_PLACES, 2 * have, places)
        weight = self._module.model.embed_tokens.weight
        shape = (self._groups, room, self._width)
        for tables in (self._keys, self._values):
            for number in range(len(self._layers)):
                larger = torch.zeros(shape, dtype=weight.dtype, device=weight.device)
                if have:
                    larger[:, :have] = tables[number]
                    tables[number] = larger
                else:
                    tables.append(larger)
        where = torch.arange(room, device=weight.device)[None]
        cos, sin = self._module.model.rotary_emb(weight[None, :1], where)
        half = self._width // 2
        self._angles = cos[0], torch.cat((-sin[0, :, :half], sin[0, :, half:]), dim=-1)


@dataclass(slots=True)
class _Joined:
    """The weights of one block, of which those of one product are one table."""

    norm: "torch.Tensor"
    qkv: "torch.Tensor"
    out: "torch.Tensor"
    second: "torch.Tensor"
    gate_up: "torch.Tensor"
    down: "torch.Tensor"


def _joined(layer: Any) -> _Joined:  # noqa: ANN401 - transformers is untyped
    """Join weights that are multiplied with the same rows; the block's own become views of them."""
    attention, dense = layer.self_attn, layer.mlp
    return _Joined(
        norm=layer.input_layernorm.weight,
        qkv=_together(attention.q_proj, attention.k_proj, attention.v_proj),
        out=attention.o_proj.weight,
        second=layer.post_attention_layernorm.weight,
        gate_up=_together(dense.gate_proj, dense.up_proj),
        down=dense.down_proj.weight,
    )


def _together(*products: Any) -> "torch.Tensor":  # noqa: ANN401 - torch modules
    import torch

    base: torch.Tensor | None = products[0].weight._base
    total = sum(one.weight.shape[0] for one in products)
    if base is not None and base.shape[0] == total:
        return base  # joined before
    table = torch.cat([one.weight.data for one in products])
    start = 0
    for one in products:
        rows = one.weight.shape[0]
        one.weight = torch.nn.Parameter(table[start : start + rows], requires_grad=False)
        start += rows
    return table


def _product(x: "torch.Tensor", weight: "torch.Tensor") -> "torch.Tensor":
    """Return (T, D) times the transposed (M, D) weight.

    One token's product is bound by the reading of the weight: `mv` does nothing else, where
    `linear` first rearranges it (bfloat16) or shares out the work in pieces too small.
    """
    import torch

    if len(x) == 1:
        return torch.mv(weight, x[0])[None]
    return torch.nn.functional.linear(x, weight)


def _turned(x: "torch.Tensor", cos: "torch.Tensor", sin: "torch.Tensor") -> "torch.Tensor":
    """Turn (T, heads, width) queries or keys by their places."""
    import torch

    # `sin` has the minus sign of rotate_half in its first half.
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)
