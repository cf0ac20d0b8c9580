"""How the notebook's tokens are painted, and what the mouse is told of them."""

from collections.abc import Sequence
from math import exp

from fineview.core.prompting import notebook
from fineview.core.prompting.choices import NotebookChoice
from fineview.core.prompting.seen import PromptRead, TokenRead
from fineview.ui.panels.prompts_lid import shown, token_words
from fineview.ui.widgets.token_text import TokenMark

_DEEPEST = 10.0
"""Surprisal, in nats, from which on the colour is as deep as it gets."""


def marks_of(read: PromptRead, choice: NotebookChoice, text: str) -> list[TokenMark]:
    """Return how the tokens of a text are painted.

    Of a text that was changed since it was read, the tokens up to the change are still true.
    """
    same = next(
        (i for i, (a, b) in enumerate(zip(text, read.text, strict=False)) if a != b),
        min(len(text), len(read.text)),
    )
    answers = [s for s in notebook.spans(choice.nodes, choice.current) if s.kind != "typed"]
    return [
        mark(
            token,
            "generated" if any(s.start <= token.start < s.end for s in answers) else "prompt",
        )
        for token in read.tokens
        if token.start + len(token.text) <= same
    ]


def attention_marks(read: PromptRead, shares: Sequence[float]) -> list[TokenMark]:
    """Return how tokens are painted by the attention that they get."""
    most = max(shares[1:], default=1) or 1  # the first token would outshine all
    return [
        mark(token, "attention", min(share / most, 1))
        for token, share in zip(read.tokens, shares, strict=False)
    ]


def mark(read: TokenRead, kind: str, strength: float | None = None) -> TokenMark:
    """Return how a token is painted: typed ones by surprisal, generated ones by probability."""
    if strength is None:
        if read.logprob is None:
            strength = 0.0
        elif kind == "prompt":
            strength = -read.logprob / _DEEPEST
        else:
            strength = exp(read.logprob)
    others = "\n".join(f"{shown(one.text)}  {one.probability:.3f}" for one in read.alternatives[:6])
    return TokenMark(
        read.start,
        read.start + len(read.text),
        min(strength, 1.0),
        kind,  # type: ignore[arg-type]
        f"“{shown(read.text)}” · {token_words(read)}\n{others}",
    )
