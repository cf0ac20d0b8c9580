"""One query to a few-shot prompt: what is said, how sure, and what the prompt prefers anyway."""

from dataclasses import dataclass

import numpy as np

from fineview.core.errors import ConfigError
from fineview.core.models.language_model import LanguageModel
from fineview.core.progress import SILENT, Report
from fineview.core.prompting import calibration
from fineview.core.prompting.asked import Items, verbalizer
from fineview.core.prompting.batched import answers
from fineview.core.prompting.choices import AnswerConfig, PromptConfig
from fineview.core.prompting.evaluation import calibrated, scored, spoken
from fineview.core.prompting.matching import first_line
from fineview.core.prompting.template import render


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to one query.

    Attributes:
        prompt: The exact text.
        answer: What was said, or the likeliest label.
        sure: Probability of the answer: of the generated tokens together, or of the label.
        labels: (C) where labels were scored, else empty.
        probabilities: (C) calibrated where asked.
        raw: (C) before calibration.
        bias: (C) on content-free input.
        cut: Tokens at the start of the prompt that the window has no room for.
        shared: Labels whose words begin with the same token: a model that is read by its first
            token alone would not tell them apart.
    """

    prompt: str
    answer: str
    sure: float
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    raw: tuple[float, ...]
    bias: tuple[float, ...]
    cut: int
    shared: tuple[tuple[str, ...], ...]


def labels_of(prompt: PromptConfig, answer: AnswerConfig) -> tuple[str, ...]:
    """Return the labels of a prompt: those of its examples and those that have words."""
    found = [row[-1] for row in prompt.shots] + [label for label, _ in answer.words]
    return tuple(dict.fromkeys(found))


def ask(
    model: LanguageModel, prompt: PromptConfig, answer: AnswerConfig, report: Report = SILENT
) -> Asked:
    """Ask the prompt's own query.

    Raises:
        ConfigError: The prompt cannot be written, or there are fewer than two labels to score.
        ModelError: The model cannot be loaded, or memory is short.
        JobCancelled: Stop was pressed.
    """
    if answer.reading == "generate":
        given = render(prompt)
        said = answers(model, [given.text], answer.max_tokens, given.stop, report)[0]
        text = first_line(said.text, given.stop)
        return Asked(given.text, text, float(np.exp(said.logprob)), (), (), (), (), said.cut, ())
    labels = labels_of(prompt, answer)
    if len(labels) < 2:
        raise ConfigError(
            f"Scoring compares labels, and this prompt has {len(labels)}: add examples with other "
            f"labels, or name the labels in the list of words.",
            "words",
        )
    rows = tuple(prompt.shots)
    items = Items("the prompt", prompt.columns, ((*prompt.query, labels[0]),), labels, rows)
    words = verbalizer(items, answer)
    shots = spoken(rows, items, words)
    given = render(prompt, shots=shots)
    found = scored(model, prompt, shots, items.rows, words, answer, report)
    shares = calibrated(found.scores, found.free, found.premise, answer)[0]
    best = int(shares.argmax())
    return Asked(
        prompt=given.text,
        answer=labels[best],
        sure=float(shares[best]),
        labels=labels,
        probabilities=tuple(shares.tolist()),
        raw=tuple(calibration.probabilities(found.scores)[0].tolist()),
        bias=tuple(found.free.tolist()),
        cut=found.cuts[0],
        shared=_shared(model, labels, [[given.lead + word for word in group] for group in words]),
    )


def _shared(
    model: LanguageModel, labels: tuple[str, ...], words: list[list[str]]
) -> tuple[tuple[str, ...], ...]:
    """Return the labels that begin with the same token."""
    first: dict[int, list[str]] = {}
    for label, group in zip(labels, words, strict=True):
        for token in {model.ids(word)[0] for word in group if model.ids(word)}:
            first.setdefault(token, []).append(label)
    groups = [tuple(group) for group in first.values() if len(group) > 1]
    return tuple(dict.fromkeys(groups))
