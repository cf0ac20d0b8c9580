"""The tokens of a text, each with the characters it brings."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from fineview.core.models.language_model import LanguageModel

_CONTEXT = 8
"""Tokens before an answer that its spelling may depend on, such as a blank that a tokenizer
leaves out at the start."""
_BROKEN = "\ufffd"
_LONGEST = 8
"""Tokens that may be parts of one letter; four bytes, and a blank before."""
_BLANKS = ("▁", "Ġ")
"""How vocabularies write a blank."""
_ANCHORS = "\n.a"
"""Characters behind which a text is tokenised: the first one that joins none of it."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text as a model takes it.

    Attributes:
        ids: (T)
        texts: (T) joined, they are the text.
        starts: (T) characters of the text before each.
        made: (T) whether the model has made it, and not a tokenizer.
        lead: Tokens at the front that stand for no text: the first token some models always have.
    """

    ids: list[int]
    texts: list[str]
    starts: list[int]
    made: list[bool]
    lead: int

    def without_first(self, count: int) -> "Tokens":
        """Return it without its oldest tokens; a first token that always stands there stays."""
        return self._only([*range(self.lead), *range(self.lead + count, len(self.ids))])

    def first(self, count: int) -> "Tokens":
        """Return its first tokens; never fewer than those that always stand there."""
        return self._only(range(max(count, self.lead)))

    def _only(self, places: Sequence[int]) -> "Tokens":
        return Tokens(
            ids=[self.ids[i] for i in places],
            texts=[self.texts[i] for i in places],
            starts=[self.starts[i] for i in places],
            made=[self.made[i] for i in places],
            lead=self.lead,
        )


def tokens_of(model: LanguageModel, text: str, said: "Sequence[Said]" = ()) -> Tokens:
    """Return the tokens of a text.

    Args:
        model: Whose tokenizer.
        text: The text.
        said: What the model has said: a text that begins with an answer, or with the first tokens
            of one, keeps those tokens; what was typed behind them is tokenised.
    """
    lead = list(model.first_tokens)
    known = max((one.kept(text) for one in said), key=lambda t: len(t.ids), default=None)
    if known is None or len(known.ids) == known.lead:
        ids, offsets = _encoded(model, text)
        if ids[: len(lead)] == lead:
            lead = []  # a chat template writes it out
        count = len(lead)
        known = Tokens(lead, [""] * count, [0] * count, [False] * count, count)
        begin = 0
    else:
        begin = known.starts[-1] + len(known.texts[-1])
        ids, offsets = _encoded(model, text[begin:], behind=True) if text[begin:] else ([], [])
    # Parts of one letter share its place: the last of them brings it. What stands between two
    # tokens, such as a blank that some tokenizers count to neither, goes to the later one.
    ends = [min(end, offsets[i + 1][0]) for i, (_, end) in enumerate(offsets[:-1])]
    ends = [0, *accumulate(ends, max), len(text) - begin] if ids else [0]
    return Tokens(
        ids=[*known.ids, *ids],
        texts=[*known.texts, *(text[begin + a : begin + b] for a, b in pairwise(ends))],
        starts=[*known.starts, *(begin + a for a in ends[:-1])],
        made=[*known.made, *[False] * len(ids)],
        lead=known.lead,
    )


def _encoded(
    model: LanguageModel, text: str, behind: bool = False
) -> tuple[list[int], list[tuple[int, int]]]:
    """Return (T) ids, and the characters of the text that each stands for.

    Args:
        model: Whose tokenizer.
        text: The text.
        behind: Whether other text stands before it: tokenizers that put a blank before every text
            must not put one here.
    """
    backend = model.tokenizer.backend_tokenizer
    if behind and backend.id_to_token(model.ids("a")[0])[:1] in _BLANKS:
        for anchor in _ANCHORS:
            found = backend.encode(anchor + text, add_special_tokens=False)
            first = next((i for i, (begin, _) in enumerate(found.offsets) if begin >= 1), None)
            if first is not None and all(end <= 1 for _, end in found.offsets[:first]):
                return found.ids[first:], [(a - 1, b - 1) for a, b in found.offsets[first:]]
    found = backend.encode(text, add_special_tokens=False)
    return found.ids, found.offsets


class Said:
    """A text with the answer that grows behind it.

    Attributes:
        text: Both, as far as its tokens make whole letters.
        tokens: Theirs.
    """

    def __init__(self, model: LanguageModel, text: str, tokens: Tokens) -> None:
        self.text = text
        self.tokens = tokens.first(len(tokens.ids))  # lists of its own
        self._backend = model.tokenizer.backend_tokenizer
        # An answer may have ended within a letter.
        whole = _whole(tokens)
        self._open: list[int] = tokens.ids[whole:]
        self._given = 0  # characters of the open tokens that were handed out
        self._behind: list[int] = []
        self._known = ""
        self._look_behind(whole)

    def add(self, token: int) -> str:
        """Take one more token; return what it adds, "" within a letter of several tokens.

        `DecodeStream` of tokenizers does nearly this, but takes a U+FFFD that stands in the text
        for a part of a letter, and then hands out text that it was given.
        """
        self._open.append(token)
        fresh = self._decoded([*self._behind, *self._open])[len(self._known) :]
        sure = fresh.rstrip(_BROKEN)
        piece = sure[self._given :]
        self._given += len(piece)
        # A letter has at most four bytes: what is broken after more tokens stays so.
        if sure == fresh or len(self._open) > _LONGEST:
            piece += fresh[max(self._given, len(sure)) :]
            self._open, self._given = [], 0
        self.tokens.ids.append(token)
        self.tokens.texts.append(piece)
        self.tokens.starts.append(len(self.text))
        self.tokens.made.append(True)
        self.text += piece
        if not self._open:
            self._look_behind(len(self.tokens.ids))
        return piece

    def kept(self, text: str) -> Tokens:
        """Return the tokens that a text can keep: as far as it is the same, up to an answer's."""
        tokens = self.tokens
        if text == self.text:
            return tokens
        same = _same(text, self.text)
        ends = [a + len(b) for a, b in zip(tokens.starts, tokens.texts, strict=True)]
        count = bisect_right(ends, same)
        while count and not (tokens.made[count - 1] and tokens.texts[count - 1]):
            count -= 1  # what was typed is tokenised with what is typed now
        return tokens.first(count)

    def _look_behind(self, end: int) -> None:
        """Take the last tokens before a place as what the next ones stand behind."""
        begin = max(end - _CONTEXT, 0)
        while begin > self.tokens.lead and not self.tokens.texts[begin - 1]:
            begin -= 1  # never from within a letter
        self._behind = self.tokens.ids[begin:end]
        self._known = self._decoded(self._behind)

    def _decoded(self, ids: Sequence[int]) -> str:
        found: str = self._backend.decode(list(ids), skip_special_tokens=False)
        return found


def _whole(tokens: Tokens) -> int:
    """Return how many tokens there are up to the end of the last whole letter."""
    count = len(tokens.ids)
    while count > tokens.lead and not tokens.texts[count - 1]:
        count -= 1
    return count


def _same(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
