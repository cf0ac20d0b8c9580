"""The tokens of a text, each with the characters it brings."""

from dataclasses import dataclass, replace
from typing import Any

from fineview.core.models.language_model import LanguageModel

_CONTEXT = 8
"""Tokens before an answer that its spelling may depend on, such as a blank that a tokenizer
leaves out at the start."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text as a model takes it.

    Attributes:
        ids: (T)
        texts: (T) joined, they are the text.
        starts: (T) characters of the text before each.
        lead: Tokens at the front that stand for no text: the first token some models always have.
    """

    ids: list[int]
    texts: list[str]
    starts: list[int]
    lead: int

    def without_first(self, count: int) -> "Tokens":
        """Return it without its oldest tokens; a first token that always stands there stays."""
        if not count:
            return self
        begin = self.lead
        return replace(
            self,
            ids=self.ids[:begin] + self.ids[begin + count :],
            texts=self.texts[:begin] + self.texts[begin + count :],
            starts=self.starts[:begin] + self.starts[begin + count :],
        )


def tokens_of(model: LanguageModel, text: str, said: "Said | None" = None) -> Tokens:
    """Return the tokens of a text.

    Args:
        model: Whose tokenizer.
        text: The text.
        said: What the model has said last: a text that begins with it keeps those tokens.
    """
    lead = model.first_tokens
    known = Tokens(list(lead), [""] * len(lead), [0] * len(lead), len(lead))
    rest, offset = text, 0
    if said is not None and said.text and text.startswith(said.text):
        known = said.tokens
        rest, offset = text[len(said.text) :], len(said.text)
    if not rest:
        return replace(known)
    encoding = model.tokenizer.backend_tokenizer.encode(rest, add_special_tokens=False)
    begins = [start for start, _ in encoding.offsets]
    if begins:
        begins[0] = 0
    # Parts of one letter begin at the same place: the last of them brings it.
    for i in range(1, len(begins)):
        begins[i] = max(begins[i], begins[i - 1])
    ends = [*begins[1:], len(rest)]
    return Tokens(
        ids=[*known.ids, *encoding.ids],
        texts=[*known.texts, *(rest[a:b] for a, b in zip(begins, ends, strict=True))],
        starts=[*known.starts, *(offset + begin for begin in begins)],
        lead=known.lead,
    )


class Said:
    """A text with the answer that grows behind it.

    Attributes:
        text: Both, as far as its tokens make whole letters.
        tokens: Theirs.
    """

    def __init__(self, model: LanguageModel, text: str, tokens: Tokens) -> None:
        from tokenizers.decoders import DecodeStream

        self.text = text
        self.tokens = replace(
            tokens,
            ids=list(tokens.ids),
            texts=list(tokens.texts),
            starts=list(tokens.starts),
        )
        self._backend = model.tokenizer.backend_tokenizer
        self._stream: Any = DecodeStream(skip_special_tokens=False)
        for token in self.tokens.ids[-_CONTEXT:]:
            self._stream.step(self._backend, token)

    def add(self, token: int) -> str:
        """Take one more token; return what it adds, "" within a letter of several tokens."""
        piece: str = self._stream.step(self._backend, token) or ""
        self.tokens.ids.append(token)
        self.tokens.texts.append(piece)
        self.tokens.starts.append(len(self.text))
        self.text += piece
        return piece
