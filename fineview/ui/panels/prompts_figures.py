"""The line of figures below the notebook's text."""

from fineview.core.models.language_model import LanguageModelInfo
from fineview.core.prompting.seen import Generated, PromptRead
from fineview.ui.widgets.format import count_text, number_text, plural, seconds_text

_ENDINGS = {
    "stop string": "a stop string",
    "end of text": "the model ended the text",
    "most tokens": "most tokens reached",
    "window": "the window is full",
}


def figures_words(
    info: LanguageModelInfo | None, read: PromptRead | None, so_far: int | None, speed: str
) -> str:
    """Return tokens, perplexity, speed, and what the model is.

    Args:
        info: The model, if it is known.
        read: The text, if it was read.
        so_far: Tokens of the answer that is being generated; None for none.
        speed: What is known of the last answer.
    """
    parts = []
    if read is not None:
        window = f" of {count_text(info.window)}" if info is not None else ""
        parts.append(f"{plural(len(read.tokens), 'token')}{window}")
        if read.perplexity is not None:
            parts.append(f"perplexity {number_text(read.perplexity)}")
    if so_far is not None:
        parts.append(f"generating, {plural(so_far, 'token')} so far" if so_far else "waiting…")
    elif speed:
        parts.append(speed)
    if info is not None:
        parts.append(f"{info.title} is small: {count_text(info.parameters)} weights")
    return " · ".join(parts)


def speed_words(said: Generated) -> str:
    """Return how fast an answer came, and why it ended."""
    return (
        f"first token {seconds_text(said.first_seconds)} · "
        f"{number_text(said.tokens_per_second)} tokens/s · ended: {_ENDINGS[said.ending]}"
    )
