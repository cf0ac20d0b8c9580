"""Many prompts that begin alike: the common part is computed once, the rest of all in batches."""

import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fineview.core.allocator import kept_memory
from fineview.core.errors import ConfigError, ModelError
from fineview.core.features.forward import free_memory, is_memory
from fineview.core.models.blocks import blocks_of
from fineview.core.models.language_model import LanguageModel
from fineview.core.progress import Report

if TYPE_CHECKING:
    import torch

MOST_ROWS = 64
TAIL_TOKENS = 1024
"""Tokens of one forward pass, padding included."""
CACHE_BYTES = 1 << 29
"""Keys and values of one batch."""
LOGIT_BYTES = 1 << 28
_KEPT_SHARE = 0.75
"""Finished rows leave when fewer than this share go on: leaving copies the cache."""


class Meter:
    """Counts what was asked and what was computed.

    Attributes:
        tokens: Tokens of prompts and answers, as if each were computed alone.
        computed: Tokens that went through the model.
    """

    __slots__ = ("computed", "tokens")

    def __init__(self) -> None:
        self.tokens = 0
        self.computed = 0


@dataclass(slots=True, eq=False)
class Rows:
    """A batch at work; changed in place.

    Attributes:
        cache: transformers' DynamicCache: keys and values (B, heads, S, width) of every layer.
        mask: (B, S) int64, 1 for tokens and 0 for padding.
        next: (B,) int64, the position of each row's next token: padding does not count.
    """

    cache: Any
    mask: "torch.Tensor"
    next: "torch.Tensor"


class SharedPrefix:
    """A language model at work on prompts; made by `sharing`.

    The longest common beginning of the prompts' tokens goes through the model once. Its keys and
    values are repeated over each batch, whose other tokens are padded on the right; positions and
    mask are explicit, so that padding is neither seen nor counted. The tokens are those of the
    whole prompts: nothing hangs on whether beginning and rest tokenise alike.

    Attributes:
        length: Tokens of the common beginning.
    """

    def __init__(
        self, model: LanguageModel, prompts: Sequence[Sequence[int]], meter: Meter, report: Report
    ) -> None:
        self._model: Any = model.model
        self._device = model.device
        self._title = model.info.title
        self._report = report
        self._meter = meter
        self._prompts = prompts
        config = self._model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or model.info.heads
        width = getattr(config, "head_dim", None) or model.info.width // model.info.heads
        size = 4 if model.dtype == "float32" else 2
        self._cache_bytes = 2 * size * model.info.layers * heads * width
        self._logit_bytes = 4 * model.info.vocabulary
        known = inspect.signature(self._model.forward).parameters
        self._some_logits = "logits_to_keep" in known
        self._positions = "position_ids" in known
        # transformers 5.3 … 5.39 know it by the second name only.
        self._cache_name = "cache" if "cache" in known else "past_key_values"
        # The last token of a prompt is no part of it: its logits are wanted.
        shortest = min(map(len, prompts)) - 1
        self.length = min(_common(prompts), shortest)
        self._prefix: list[tuple[torch.Tensor, torch.Tensor]] = []
        if self.length:
            self._read_prefix(list(prompts[0][: self.length]))

    def each(
        self, room: int, work: Callable[[list[int]], None], unfinished: Callable[[int], bool]
    ) -> None:
        """Hand out the prompts in batches of like length; in halves where memory is short.

        Args:
            room: Tokens that each row still gets.
            work: Computes the prompts of these places.
            unfinished: Whether a prompt must be handed out again after memory ran short.

        Raises:
            ModelError: Not even one prompt fits into memory.
            JobCancelled: Stop was pressed.
        """
        order = sorted(range(len(self._prompts)), key=lambda i: len(self._prompts[i]))
        at = 0
        while at < len(order):
            size = 1
            while at + size < len(order) and self._fits(
                size + 1, len(self._prompts[order[at + size]]), room
            ):
                size += 1
            self._halved(order[at : at + size], work, unfinished)
            at += size

    def start(self, places: Sequence[int]) -> tuple[Rows, "torch.Tensor"]:
        """Read the prompts of these places.

        Returns:
            The batch, and (B, V) float32 logits of the token behind each prompt.
        """
        import torch
        from transformers import DynamicCache

        count = len(places)
        expanded = [
            (k.expand(count, -1, -1, -1), v.expand(count, -1, -1, -1)) for k, v in self._prefix
        ]
        tails = [list(self._prompts[i][self.length :]) for i in places]
        ones = torch.ones((count, self.length), dtype=torch.long, device=self._device)
        start = torch.full((count,), self.length, dtype=torch.long, device=self._device)
        rows = Rows(DynamicCache(expanded or None), ones, start)
        return rows, self.go_on(rows, tails)

    def go_on(self, rows: Rows, tokens: Sequence[Sequence[int]]) -> "torch.Tensor":
        """Append tokens (at least one a row), and return (B, V) float32 logits behind the last."""
        import torch

        lengths = [len(row) for row in tokens]
        kept = sorted({n - 1 for n in lengths})
        logits = self._forward(rows, tokens, kept)
        place = torch.tensor([kept.index(n - 1) for n in lengths], device=self._device)
        return logits[torch.arange(len(tokens), device=self._device), place].float()

    def all_logits(self, rows: Rows, tokens: Sequence[Sequence[int]]) -> "torch.Tensor":
        """Append tokens, and return (B, T, V) float32 logits behind each; padding has some too."""
        return self._forward(rows, tokens, list(range(max(map(len, tokens))))).float()

    def picked(self, rows: Rows, places: Sequence[int]) -> Rows:
        """Return a batch of some rows, in this order, some perhaps twice; `rows` stays as it is."""
        import torch
        from transformers import DynamicCache

        index = torch.tensor(list(places), device=self._device)
        layers = [(layer.keys[index], layer.values[index]) for layer in rows.cache.layers]
        return Rows(DynamicCache(layers), rows.mask[index], rows.next[index])

    def rest(self, rows: Rows, going: Sequence[int]) -> Rows | None:
        """Return the rows that go on, where enough are done to be worth it, or None."""
        if len(going) > _KEPT_SHARE * len(rows.next):
            return None
        return self.picked(rows, going)

    def chunk(self, rows: Rows, tokens: int) -> int:
        """Return how many rows of so many further tokens may be computed at once."""
        cache = (rows.mask.shape[1] + tokens) * self._cache_bytes
        return max(
            1,
            min(
                TAIL_TOKENS // tokens,
                CACHE_BYTES // cache,
                LOGIT_BYTES // (tokens * self._logit_bytes),
            ),
        )

    def _read_prefix(self, ids: list[int]) -> None:
        import torch
        from transformers import DynamicCache

        rows = Rows(
            DynamicCache(),
            torch.ones((1, 0), dtype=torch.long, device=self._device),
            torch.zeros((1,), dtype=torch.long, device=self._device),
        )
        self._forward(rows, [ids], [len(ids) - 1])
        layers = getattr(rows.cache, "layers", ())
        if not layers or any(getattr(layer, "keys", None) is None for layer in layers):
            raise ModelError(
                f"{self._title} keeps no keys and values of its tokens, so prompts cannot share "
                f"them: choose a model with attention in every layer (Llama, GPT-2, Qwen)."
            )
        self._prefix = [(layer.keys, layer.values) for layer in layers]

    def _forward(
        self, rows: Rows, tokens: Sequence[Sequence[int]], kept: list[int]
    ) -> "torch.Tensor":
        """Append tokens padded on the right; return (B, kept, V) logits of some places."""
        import torch

        self._report.check()
        width = max(map(len, tokens))
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in tokens])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in tokens])
        ids, mask = ids.to(self._device), mask.to(self._device)
        positions = rows.next[:, None] + (mask.cumsum(1) - 1).clamp(min=0)  # (B, T)
        rows.mask = torch.cat([rows.mask, mask], dim=1)
        rows.next = rows.next + mask.sum(1)
        some = {"logits_to_keep": torch.tensor(kept, device=self._device)}
        places = {"position_ids": positions}
        logits = self._model(
            input_ids=ids,
            attention_mask=rows.mask,
            use_cache=True,
            **{self._cache_name: rows.cache},
            **(some if self._some_logits else {}),
            **(places if self._positions else {}),
        ).logits
        self._meter.computed += sum(map(len, tokens))
        found: torch.Tensor = logits if self._some_logits else logits[:, kept]
        return found

    def _fits(self, count: int, longest: int, room: int) -> bool:
        tail = longest - self.length
        return (
            count <= MOST_ROWS
            and count * tail <= TAIL_TOKENS
            and count * (longest + room) * self._cache_bytes <= CACHE_BYTES
        )

    def _halved(
        self,
        places: list[int],
        work: Callable[[list[int]], None],
        unfinished: Callable[[int], bool],
    ) -> None:
        short = False
        try:
            work(places)
        except RuntimeError as error:
            if not is_memory(error):
                raise
            short = True
        if not short:
            return
        # Behind the except clause: its traceback would hold the batch in memory.
        free_memory(self._device)
        left = [place for place in places if unfinished(place)]
        if len(left) == 1 and len(places) == 1:
            raise ModelError(
                f"{self._title} ran out of memory on {self._device} with a prompt of "
                f"{len(self._prompts[left[0]]):,} tokens: use fewer examples, choose bfloat16, or "
                f"close other programs."
            )
        middle = (len(left) + 1) // 2
        for half in (left[:middle], left[middle:]):
            if half:
                self._halved(half, work, unfinished)


@contextmanager
def sharing(
    model: LanguageModel, prompts: Sequence[Sequence[int]], meter: Meter, report: Report
) -> Iterator[SharedPrefix]:
    """Read the common beginning of prompts; inside, the model's blocks ask the report.

    Args:
        model: A causal language model.
        prompts: N ≥ 1 prompts as tokens, each with at least one.
        meter: Counts.
        report: Asked before each block of each forward pass.

    Raises:
        ModelError: The model cannot be loaded, or keeps no keys and values.
        JobCancelled: Stop was pressed.
    """
    import torch

    model.load(report)
    thread = threading.get_ident()

    def ask(*_: object) -> None:
        # Another thread that uses the same model has a report of its own.
        if threading.get_ident() == thread:
            report.check()

    blocks = blocks_of(model.model, model.info.layers)
    hooks = [block.register_forward_pre_hook(ask) for block in blocks or ()]
    try:
        with torch.inference_mode(), kept_memory():
            yield SharedPrefix(model, prompts, meter, report)
    finally:
        for hook in hooks:
            hook.remove()


def first_token(model: LanguageModel) -> list[int]:
    """Return the token that an empty prompt begins with.

    Raises:
        ConfigError: The model has none.
    """
    tokenizer = model.tokenizer
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if token is not None:
            return [int(token)]
    raise ConfigError(
        f"The prompt is empty, or {model.info.title} has no token for any of its characters, and "
        f"the model has no token for the start of a text: write something before the answer.",
        "example",
    )


def _common(rows: Sequence[Sequence[int]]) -> int:
    """Return how many tokens all rows begin with."""
    low, high = min(rows, key=tuple), max(rows, key=tuple)
    for at, (one, other) in enumerate(zip(low, high, strict=False)):
        if one != other:
            return at
    return min(len(low), len(high))
