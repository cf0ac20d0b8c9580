"""Answers to many prompts, and scores of labels behind them, at the speed of batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import ConfigError
from fineview.core.models.language_model import LanguageModel
from fineview.core.progress import SILENT, Report
from fineview.core.prompting.shared_prefix import Meter, Rows, SharedPrefix, first_token, sharing

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said.

    Attributes:
        text: The answer, without stop string and end of text.
        tokens: Everything that was generated, a stop string and the end of the text included.
        logprob: Natural logarithm of the probability of the tokens that `text` is made of.
        cut: Tokens at the start of the prompt that the window has no room for.
    """

    text: str
    tokens: tuple[int, ...]
    logprob: float
    cut: int


def answers(
    model: LanguageModel,
    prompts: Sequence[str],
    max_tokens: int,
    stop: Sequence[str],
    report: Report = SILENT,
    *,
    meter: Meter | None = None,
    done: Callable[[int, Answer], None] | None = None,
) -> tuple[Answer, ...]:
    """Continue prompts greedily, each as if it were alone.

    Args:
        model: A causal language model.
        prompts: B texts.
        max_tokens: Most tokens of an answer; a model that never ends is cut off there.
        stop: An answer ends before the first of these strings, or at the end of the text.
        report: Asked before each block of each forward pass.
        meter: Counts tokens.
        done: Told each answer, by the number of its prompt, as soon as it is there.

    Returns:
        B answers, in order.

    Raises:
        ConfigError: A prompt has no token and the model none to begin with.
        ModelError: The model cannot be loaded, or memory is short for a single prompt.
        JobCancelled: Stop was pressed.
    """
    if not prompts:
        return ()
    meter = meter or Meter()
    max_tokens = min(max_tokens, model.window - 1)
    rows, cuts = [], []
    first = list(model.first_tokens)
    for text in prompts:
        report.check()
        ids = model.ids(text) or ([] if first else first_token(model))
        cuts.append(max(0, len(first) + len(ids) - (model.window - max_tokens)))
        rows.append(first + ids[cuts[-1] :])
    found: dict[int, Answer] = {}

    def say(place: int, answer: Answer) -> None:
        found[place] = answer
        meter.tokens += len(rows[place]) + len(answer.tokens)
        if done is not None:
            done(place, answer)

    with sharing(model, rows, meter, report) as shared:
        ends = _ends(model)

        def work(places: list[int]) -> None:
            _continue(model, shared, places, max_tokens, stop, ends, cuts, say)

        shared.each(max_tokens, work, lambda place: place not in found)
    return tuple(found[place] for place in range(len(prompts)))


def label_scores(
    model: LanguageModel,
    prompts: Sequence[str],
    words: Sequence[Sequence[str]],
    mean: bool = False,
    report: Report = SILENT,
    *,
    meter: Meter | None = None,
    cuts: list[int] | None = None,
    done: Callable[[int, NDArray[np.float64]], None] | None = None,
) -> NDArray[np.float64]:
    """Return how likely each label is behind each prompt.

    A word's score is the log-probability of all of its tokens, not only of the first, so words of
    different labels that share a first token are told apart. A word that begins another (`pos`,
    `positive`) has the longer one's probability in its own, as any text has. A label with several
    words has the logarithm of the sum of their probabilities. Where a tokenizer joins the end of
    the prompt to a word, all words are scored from the first token that is not the same for all.

    Args:
        model: A causal language model.
        prompts: B texts.
        words: (C) the words of each label exactly as they follow the prompt, a space included.
        mean: Take the mean log-probability of a word's tokens for their sum, which favours short
            words; several words of a label are then joined the same way, as if it were a sum.
        report: Asked before each block of each forward pass.
        meter: Counts tokens.
        cuts: Filled with the tokens that were cut from the start of each prompt.
        done: Told the scores (C) of each prompt, by its number, as soon as they are there.

    Returns:
        (B, C) natural logarithms.

    Raises:
        ConfigError: A label has no word, or a word no token.
        ModelError: The model cannot be loaded, or memory is short for a single prompt.
        JobCancelled: Stop was pressed.
    """
    flat = [word for group in words for word in group]
    _check_words(words)
    scores = np.full((len(prompts), len(words)), np.nan)
    if not prompts:
        return scores
    meter = meter or Meter()
    rows, behind = [], []
    first = list(model.first_tokens)
    for text in prompts:
        report.check()
        before, after = _split(model, text, flat)
        cut = max(0, len(first) + len(before) - max(1, model.window - max(map(len, after))))
        if cuts is not None:
            cuts.append(cut)
        rows.append(first + before[cut:])
        behind.append(after)
        meter.tokens += len(rows[-1]) + sum(map(len, after))
    groups = np.repeat(np.arange(len(words)), [len(group) for group in words])

    def say(place: int, found: NDArray[np.float64]) -> None:
        """Take the scores of all words."""
        each = found / [len(ids) for ids in behind[place]] if mean else found
        scores[place] = -np.inf
        np.logaddexp.at(scores[place], groups, each)
        if done is not None:
            done(place, scores[place].copy())

    with sharing(model, rows, meter, report) as shared:

        def work(places: list[int]) -> None:
            state, logits = shared.start(places)
            found = _scored(shared, state, logits, [behind[place] for place in places])
            for place, row in zip(places, found, strict=True):
                say(place, row)

        shared.each(0, work, lambda place: bool(np.isnan(scores[place]).any()))
    return scores


def _continue(
    model: LanguageModel,
    shared: SharedPrefix,
    places: list[int],
    max_tokens: int,
    stop: Sequence[str],
    ends: frozenset[int],
    cuts: Sequence[int],
    say: Callable[[int, Answer], None],
) -> None:
    """Generate for one batch; rows leave as they end."""
    state, logits = shared.start(places)
    owners = list(places)
    """Of each row of the batch; those that have ended may still be in it."""
    tokens: dict[int, list[int]] = {place: [] for place in places}
    logprobs: dict[int, list[float]] = {place: [] for place in places}
    ended: set[int] = set()
    while True:
        best = logits.max(dim=-1)
        chosen = best.indices.tolist()
        sure = (best.values - logits.logsumexp(dim=-1)).tolist()
        for at, place in enumerate(owners):
            if place in ended:
                continue
            tokens[place].append(chosen[at])
            logprobs[place].append(sure[at])
            text = _kept(model, tokens[place], stop, ends)
            if text is not None or len(tokens[place]) >= max_tokens:
                ended.add(place)
                answer = _answer(model, tokens[place], logprobs[place], text, cuts[place])
                say(place, answer)
        going = [at for at, place in enumerate(owners) if place not in ended]
        if not going:
            return
        fewer = shared.rest(state, going)
        if fewer is not None:
            state, owners = fewer, [owners[at] for at in going]
            chosen = [chosen[at] for at in going]
        logits = shared.go_on(state, [[token] for token in chosen])


def _kept(
    model: LanguageModel, tokens: list[int], stop: Sequence[str], ends: frozenset[int]
) -> str | None:
    """Return the answer where it has come to its end, or None."""
    over = tokens[-1] in ends
    text = model.text(tokens[:-1] if over else tokens)
    found = [at for at in (text.find(one) for one in stop) if at >= 0]
    if found:
        return text[: min(found)]
    return text if over else None


def _answer(
    model: LanguageModel, tokens: list[int], logprobs: list[float], text: str | None, cut: int
) -> Answer:
    text = model.text(tokens) if text is None else text
    used = 0
    while used < len(tokens) and len(model.text(tokens[:used])) < len(text):
        used += 1
    return Answer(text, tuple(tokens), float(sum(logprobs[:used])), cut)


def _scored(
    shared: SharedPrefix,
    state: Rows,
    logits: "torch.Tensor",
    behind: Sequence[Sequence[Sequence[int]]],
) -> NDArray[np.float64]:
    """Return the log-probability (B, words) of what follows each prompt.

    One forward pass more where a word has several tokens; words that differ in their last token
    alone share it.
    """
    first = logits.log_softmax(dim=-1).cpu().numpy().astype(np.float64)
    scores = np.array(
        [[first[at, ids[0]] for ids in row] for at, row in enumerate(behind)], dtype=np.float64
    )
    users: dict[tuple[int, tuple[int, ...]], list[tuple[int, Sequence[int]]]] = {}
    for at, row in enumerate(behind):
        for word, ids in enumerate(row):
            if len(ids) > 1:
                users.setdefault((at, tuple(ids[:-1])), []).append((word, ids))
    asked = sorted(users, key=lambda key: len(key[1]))
    done = 0
    while done < len(asked):
        # As many as fit with the longest of them, which is the last.
        size = shared.chunk(state, len(asked[-1][1]))
        part = asked[done : done + size]
        rows = shared.picked(state, [at for at, _ in part])
        found = shared.all_logits(rows, [ids for _, ids in part]).log_softmax(dim=-1)
        for line, key in enumerate(part):
            for word, ids in users[key]:
                steps = found[line, range(len(ids) - 1), list(ids[1:])]
                scores[key[0], word] += float(steps.double().sum())
        done += len(part)
    return scores


def _split(
    model: LanguageModel, text: str, words: Sequence[str]
) -> tuple[list[int], list[list[int]]]:
    """Return the tokens before the words, which are the same for all, and each word's tokens."""
    alone = model.ids(text)
    wholes = [model.ids(text + word) for word in words]
    shared = min(_agree(alone, whole) for whole in wholes)
    if shared == 0 and not model.first_tokens:
        start = first_token(model)
        alone, wholes, shared = start, [start + whole for whole in wholes], len(start)
    behind = [whole[shared:] for whole in wholes]
    for word, ids in zip(words, behind, strict=True):
        if not ids:
            raise ConfigError(
                f"{model.info.title} has no token for the word {word.strip()!r}: choose another "
                f"word for this label.",
                "words",
            )
    return alone[:shared], behind


def _agree(one: Sequence[int], other: Sequence[int]) -> int:
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))


def _check_words(words: Sequence[Sequence[str]]) -> None:
    if not words or any(not group or not all(w.strip() for w in group) for group in words):
        raise ConfigError(
            "A label has no word to be read by: give each label at least one.", "words"
        )


def _ends(model: LanguageModel) -> frozenset[int]:
    """Return the tokens that end a text, as `generate` knows them."""
    loaded = model.model
    found: set[int] = set()
    for source in (getattr(loaded, "generation_config", None), loaded.config):
        value = getattr(source, "eos_token_id", None)
        found.update(value if isinstance(value, list | tuple) else [] if value is None else [value])
    return frozenset(found)
