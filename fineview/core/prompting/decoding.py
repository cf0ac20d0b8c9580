"""Reading a text with a causal language model, and going on from it token by token."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import exp
from typing import TYPE_CHECKING, Any

from fineview.core.errors import DataError, ModelError
from fineview.core.models.language_model import LanguageModel
from fineview.core.progress import SILENT, Report
from fineview.core.prompting.choices import SamplingConfig
from fineview.core.prompting.sampling import Sampler, next_table
from fineview.core.prompting.seen import (
    Alternative,
    Ending,
    Generated,
    Piece,
    PromptRead,
    TokenRead,
)
from fineview.core.prompting.steps import Steps, cache_name, steps_for
from fineview.core.prompting.tokens import Said, Tokens, tokens_of

if TYPE_CHECKING:
    import torch

_CHUNK = 128
"""Tokens of a pass while reading: (chunk, V) logits of a vocabulary of 150,000 take 77 MB."""
_FEW = 8
"""Tokens of a pass up to which Stop need not be asked for between its blocks."""
_ANSWERS = 16
"""Answers whose tokens are kept, and ends of texts whose logits are."""


class Decoder:
    """One language model with the keys and values of the text it has read last.

    A text that begins as the last one is read from where they part. What was generated keeps its
    tokens: tokenised anew, a text may come apart otherwise than the model has put it together.

    Attributes:
        model: The language model.
    """

    def __init__(self, model: LanguageModel) -> None:
        self.model = model
        self._ids: list[int] = []
        self._reads: list[TokenRead] = []
        self._steps: Steps | None = None  # keys and values of the tokens in `_ids`
        self._logits: torch.Tensor | None = None  # (V,) after the last of them
        # (V,) after the first n of them, where a text ended: read again, a token would come out a
        # little different (alone, and not among its neighbours), and a draw would not replay.
        self._ends: dict[int, torch.Tensor] = {}
        self._said: list[Said] = []  # the latest last
        self._room = 0
        self._top = 0

    def forget(self) -> None:
        """Let the keys and values go."""
        self._ids, self._reads, self._steps, self._logits, self._ends = [], [], None, None, {}

    def read(
        self,
        text: str,
        sampling: SamplingConfig = SamplingConfig(),  # noqa: B008 - frozen
        report: Report = SILENT,
        top: int = 10,
    ) -> PromptRead:
        """Return what the model thinks of every token of a text, and of the next one.

        Args:
            text: As it stands; nothing is added but a first token that the model always has.
            sampling: What the table of next tokens shows beside the probabilities; its
                `max_tokens` are kept free in the window.
            report: Told how far it is; asked before each forward pass.
            top: Alternatives of each token, and rows of the table.

        Raises:
            JobCancelled: Stop was pressed; what was read so far is kept.
            ModelError: The model cannot be loaded, or there is not enough memory.
        """
        started = time.perf_counter()
        tokens, cut = self._fit(tokens_of(self.model, text, self._said), sampling.max_tokens)
        computed = self._advance(tokens, report, top)
        reads = tuple(self._reads[tokens.lead :])
        if top < self._top:
            reads = tuple(replace(r, alternatives=r.alternatives[:top]) for r in reads)
        surprisals = [-read.logprob for read in reads if read.logprob is not None]
        sampler = Sampler(sampling)
        return PromptRead(
            text=text,
            tokens=reads,
            next=None
            if self._logits is None
            else next_table(self.model, self._logits, sampler, self._ids, top),
            perplexity=exp(sum(surprisals) / len(surprisals)) if surprisals else None,
            cut=cut,
            computed=computed,
            seconds=time.perf_counter() - started,
        )

    def generate(
        self, text: str, sampling: SamplingConfig, report: Report = SILENT, top: int = 10
    ) -> Generated:
        """Go on from a text; publish a `Piece` for each token.

        Draws depend on the seed and on the place of the token alone: stopped and continued, the
        answer is the same, and so it is when it is asked for again.

        Raises:
            DataError: The text is empty and the model has no first token.
            JobCancelled: Stop was pressed; nothing is lost of what was published.
            ModelError: The model cannot be loaded, or there is not enough memory.
        """
        started = time.perf_counter()
        whole = tokens_of(self.model, text, self._said)
        tokens, cut = self._fit(whole, sampling.max_tokens)
        self._advance(tokens, report, top)
        if self._logits is None:
            raise DataError(
                "The text is empty, and this model needs a first token: type a word.", "text"
            )
        sampler = Sampler(sampling)
        said = Said(self.model, text, whole)
        ends = self._closing()
        found: list[TokenRead] = []
        answer = ""
        ending: Ending = "most tokens"
        first = 0.0
        for _ in range(sampling.max_tokens):
            if len(self._ids) >= self.model.window:
                ending = "window"
                break
            report.check()
            token = sampler.choose(self._logits, self._ids, cut)
            if token in ends:
                ending = "end of text"
                break
            piece = said.add(token)
            start = len(text) + len(answer)
            read = _reads(self.model, self._logits[None], [token], [piece], [start], top)[0]
            self._forward([token])
            self._reads.append(read)
            if not found:
                self._said = [*self._said[1 - _ANSWERS :], said]
            answer += piece
            found.append(read)
            first = first or time.perf_counter() - started
            report.publish(
                Piece(read, next_table(self.model, self._logits, sampler, self._ids, top))
            )
            if (at := _stopped(answer, sampling.stop)) is not None:
                answer, ending = answer[:at], "stop string"
                break
        rest = time.perf_counter() - started - first
        return Generated(
            text=answer,
            tokens=tuple(found),
            ending=ending,
            cut=cut,
            first_seconds=first or time.perf_counter() - started,
            tokens_per_second=(len(found) - 1) / rest if len(found) > 1 and rest > 0 else 0.0,
        )

    def tokens(self, text: str) -> Tokens:
        """Return the tokens that a text was read with, without those the window has no room for."""
        return self._fit(tokens_of(self.model, text, self._said), self._room)[0]

    def pass_at(
        self, text: str, position: int, report: Report = SILENT, **wanted: bool
    ) -> tuple[Any, int]:
        """Compute one token of a text once more, by transformers itself.

        Args:
            text: The text; it is read first where it was not.
            position: Place of the token among `PromptRead.tokens`.
            report: As for `read`.
            wanted: What transformers shall hand over, such as `output_attentions`.

        Returns:
            What it hands over for this one token, and how many tokens stand before the first of
            `PromptRead.tokens`.

        Raises:
            DataError: There is no such token.
            JobCancelled: Stop was pressed.
            ModelError: There is not enough memory.
        """
        import torch

        tokens = self.tokens(text)
        count = len(tokens.ids) - tokens.lead
        if not 0 <= position < count:
            raise DataError(f"The text has {count} tokens, and none at {position}.", "text")
        self._advance(tokens, report, self._top or 10)
        report.check()
        assert self._steps is not None
        place = tokens.lead + position
        with self._memory(), torch.inference_mode():
            keys = self._steps.keys(place)
            ids = tokens.ids[: place + 1] if keys is None else [tokens.ids[place]]
            module = self.model.model
            past = {} if keys is None else {cache_name(module): keys}
            given = torch.tensor([ids], device=module.device)
            found = module(input_ids=given, use_cache=keys is not None, **past, **wanted)
        return found, tokens.lead

    # Computing

    def _fit(self, tokens: Tokens, room: int) -> tuple[Tokens, int]:
        """Leave out the oldest tokens that the window has no room for."""
        self._room = room
        window = self.model.window
        most = window - min(room, window // 2)
        cut = max(len(tokens.ids) - most, 0)
        return tokens.without_first(cut), cut

    def _advance(self, tokens: Tokens, report: Report, top: int) -> int:
        """Read what is new of a text; return how many tokens were computed."""
        ids = tokens.ids
        if top > self._top:
            self.forget()  # fewer alternatives were kept
            self._top = top
        common, seen = _common(self._ids, ids), None
        if [r.start for r in self._reads[:common]] != tokens.starts[:common]:
            common = 0  # the same tokens, cut elsewhere
        if common and common < len(self._ids) and common not in self._ends:
            # The logits behind the last common token went with what came after it.
            common -= 1
            seen = self._reads[common]
        self._crop(common)
        self.model.load(report)
        total = len(ids)
        for start in range(common, total, _CHUNK):
            report.check()
            if total - common > _CHUNK:
                report.progress(start, total, "Reading the text")
            piece = ids[start : start + _CHUNK]
            before = self._logits
            after = self._forward(piece, report.ask_stop if len(piece) > _FEW else None)
            stop = start + len(piece)
            texts, starts = tokens.texts[start:stop], tokens.starts[start:stop]
            if before is None:
                self._reads.append(seen or _first(piece[0], texts[0], starts[0]))
                rows, targets, skip = after[:-1], piece[1:], 1
            else:
                import torch

                rows, targets, skip = torch.cat([before[None], after[:-1]]), piece, 0
            self._reads += _reads(self.model, rows, targets, texts[skip:], starts[skip:], self._top)
        if self._logits is not None:
            kept = list(self._ends.items())[1 - _ANSWERS :]
            self._ends = {**dict(kept), total: self._logits}
        return total - common

    def _crop(self, length: int) -> None:
        """Forget all but the first tokens."""
        if length == len(self._ids):
            return
        if length == 0:
            self.forget()
            return
        assert self._steps is not None
        self._steps.crop(length)
        self._ids = self._ids[:length]
        self._reads = self._reads[:length]
        self._ends = {n: row for n, row in self._ends.items() if n <= length}
        self._logits = self._ends.get(length)

    def _forward(self, ids: Sequence[int], ask: Callable[[], None] | None = None) -> "torch.Tensor":
        """Compute tokens behind those in the cache; return their (T, V) logits in float32."""
        with self._memory():
            if self._steps is None:
                self._steps = steps_for(self.model)
            found = self._steps.forward(ids, ask)
        self._ids += list(ids)
        self._logits = found[-1].clone()  # not the whole (T, V) with it
        return found

    @contextmanager
    def _memory(self) -> Iterator[None]:
        """Turn a lack of memory into a sentence, and let the cache go."""
        try:
            yield
        except RuntimeError as error:
            words = str(error).lower()
            if "memory" not in words and "alloc" not in words:
                raise
            self.forget()
            raise ModelError(
                f"There is not enough memory for a text of this length with "
                f"{self.model.info.title}: shorten it, choose bfloat16, or unload the model."
            ) from error

    def _closing(self) -> frozenset[int]:
        """Return the tokens that end a text."""
        config = self.model.model.generation_config
        known = config.eos_token_id
        if known is None:
            known = self.model.tokenizer.eos_token_id
        if known is None:
            return frozenset()
        return frozenset(known if isinstance(known, list) else [known])


def _first(token: int, text: str, start: int) -> TokenRead:
    return TokenRead(token, text, start, None, 0, 0.0, ())


def _reads(
    model: LanguageModel,
    logits: "torch.Tensor",
    ids: Sequence[int],
    texts: Sequence[str],
    starts: Sequence[int],
    top: int,
) -> list[TokenRead]:
    """Return how tokens were expected.

    Args:
        model: Spells the alternatives.
        logits: (T, V) each row before the token beside it.
        ids: (T)
        texts: (T)
        starts: (T)
        top: Alternatives of each.
    """
    import torch

    if not ids:
        return []
    with torch.inference_mode():
        logs = torch.log_softmax(logits, dim=-1)
        shares = logs.exp()
        taken = torch.tensor(list(ids))[:, None]
        own = logs.gather(1, taken)
        ranks = (logs > own).sum(dim=1) + 1
        # 0 · −∞ is no number where a logit was −∞.
        entropies = -(shares * logs).nan_to_num(0.0).sum(dim=1)
        best = shares.topk(min(top, shares.shape[1]), dim=1)
    spelled: Callable[[int], str] = model.spelled
    found = []
    for row, token in enumerate(ids):
        alternatives = tuple(
            Alternative(one, spelled(one), share)
            for one, share in zip(
                best.indices[row].tolist(), best.values[row].tolist(), strict=True
            )
        )
        found.append(
            TokenRead(
                token=token,
                text=texts[row],
                start=starts[row],
                logprob=float(own[row, 0]),
                rank=int(ranks[row]),
                entropy=float(entropies[row]),
                alternatives=alternatives,
            )
        )
    return found


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    most = min(len(one), len(other))
    return next((i for i in range(most) if one[i] != other[i]), most)


def _stopped(answer: str, stops: Sequence[str]) -> int | None:
    """Return where the first stop string begins, or None."""
    places = [place for stop in stops if (place := answer.find(stop)) >= 0]
    return min(places, default=None)
