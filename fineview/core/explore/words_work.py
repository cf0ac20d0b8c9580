"""The word page at work: finds a word in texts and reads it with the encoder."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.items import TaskItems
from fineview.core.data.task import Task
from fineview.core.errors import DataError
from fineview.core.explore.choices import SpaceChoice, WordsChoice
from fineview.core.explore.space import Scrubbed
from fineview.core.explore.space_layers import scrubbed
from fineview.core.explore.words import NotFound, Occurrence, WordSpace
from fineview.core.features.occurrences import (
    WORD,
    Span,
    self_similarity,
    word_finder,
    word_states,
)
from fineview.core.progress import SILENT, Report
from fineview.core.runs.spec import RunSpec

if TYPE_CHECKING:
    from fineview.core.laboratory import Laboratory

MOST_TEXTS = 200_000
"""Texts that are searched; of more a sample is."""
_MOST_BYTES = 512 << 20
_MOST_CHARACTERS = 3_000_000
"""Characters that are read to suggest words."""
_VOCABULARY = 20_000
_CHECK_EVERY = 256
_CONTEXT = 160
_LEAST_LETTERS = 4
_LEAST_COUNT = 4
_COMMON, _COMMON_COUNT = 0.01, 5
"""Words in a larger share of the texts are mostly grammar: they say little about senses."""


class _Texts:
    """The texts of a task, or sentences that were typed, by number."""

    def __init__(self, task: Task | None, own: Sequence[str]) -> None:
        self._task = task
        self._own = own
        self._items = None if task is None else TaskItems(task)
        pair = task is not None and task.second is not None
        self._sides = 2 if pair else 1
        self._ends: tuple[int, list[int]] | None = None  # of the sentence asked for last

    def __len__(self) -> int:
        return len(self._own) if self._task is None else len(self._task.texts) * self._sides

    def text(self, number: int) -> str:
        if self._task is None:
            return self._own[number]
        unit, side = divmod(number, self._sides)
        if side and self._task.second is not None:
            return self._task.second[unit]
        return self._task.texts[unit]

    def item(self, number: int, start: int) -> int:
        """Return the labelled item that a place in a text belongs to; -1 for own sentences."""
        if self._task is None or self._items is None:
            return -1
        unit = number // self._sides
        if self._task.words is None or self._items.starts is None:
            return unit
        if self._ends is None or self._ends[0] != unit:
            ends = accumulate(len(word) + 1 for word in self._task.words[unit])
            self._ends = (unit, list(ends))
        return int(self._items.starts[unit]) + bisect_right(self._ends[1], start)

    def label(self, item: int) -> str:
        return "" if self._task is None or item < 0 else self._task.label(item)

    def values(self, items: Sequence[int]) -> NDArray[np.float64] | None:
        if self._task is None or self._task.label_kind != "number":
            return None
        return self._task.labels[list(items)].astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Place:
    number: int
    span: Span


def look_up(
    lab: "Laboratory",
    spec: RunSpec,
    choice: WordsChoice,
    own: Sequence[str] | None = None,
    report: Report = SILENT,
) -> WordSpace | NotFound:
    """Find a word and compute its vectors at every layer.

    Args:
        lab: Encoder and task.
        spec: Task, encoder and maximum length.
        choice: The word, and how many occurrences at most.
        own: Sentences to be searched in place of the task's texts. The texts of a pair are
            searched, and read, one by one.
        report: Asked between texts and blocks; progress counts texts.

    Raises:
        ConfigError: What was typed is not one word.
        DataError: The word occurs, but always behind the maximum length; or there is no sentence.
        JobCancelled: Stop was pressed.
    """
    find = word_finder(choice.word)
    texts = _texts(lab, spec, own)
    numbers = _sampled(len(texts), MOST_TEXTS)
    places = []
    for done, number in enumerate(numbers.tolist()):
        if done % _CHECK_EVERY == 0:
            report.check()
            report.progress(done, len(numbers), "Searching the texts")
        places += [_Place(number, span) for span in find(texts.text(number))]
    if not places:
        near = _near(choice.word.strip(), _counted(texts, report), report)
        return NotFound(word=choice.word.strip(), near=near, read=len(numbers), texts=len(texts))
    info = lab.encoder_info(spec.encoder)
    fit = _MOST_BYTES // ((info.layers + 1) * 3 * info.width * 4)
    chosen = [places[i] for i in _sampled(len(places), min(choice.most, fit))]
    return _space(lab, spec, choice.word.strip(), texts, places, chosen, len(numbers), report)


def project(space: WordSpace, tokens: str, report: Report = SILENT) -> Scrubbed:
    """Return where the occurrences stand at every layer, each turned onto the one above it.

    Args:
        space: M occurrences.
        tokens: `first`, `last` or `mean`.
        report: Progress counts layers.

    Raises:
        DataError: There are fewer than three, or all are equal at the last layer.
        JobCancelled: Stop was pressed.
    """

    def layer(number: int, _report: Report) -> NDArray[np.float32]:
        return np.ascontiguousarray(space.layer(number, tokens))

    return scrubbed(layer, space.depth, SpaceChoice(), "occurrences", report)


def suggestions(
    lab: "Laboratory",
    spec: RunSpec,
    own: Sequence[str] | None = None,
    count: int = 8,
    report: Report = SILENT,
) -> tuple[str, ...]:
    """Return words worth looking at: frequent ones that several classes share.

    Words of at least four letters that stand in at most a hundredth of the texts, ordered by how
    often they occur in the class that has them second most often. Own sentences have no classes:
    there, words that occur twice or more.

    Args:
        lab: The task.
        spec: Which task.
        own: Sentences in place of the task's texts.
        count: Most words.
        report: Asked between texts.
    """
    texts = _texts(lab, spec, own)
    counts = _counted(texts, report, by_class=True)
    if own is not None:
        often = [word for word, found in counts.items() if found.total > 1]
        often = [word for word in often if len(word) >= _LEAST_LETTERS and word.isalpha()]
        return tuple(sorted(often, key=lambda word: (-counts[word].total, word))[:count])
    read = max((found.read for found in counts.values()), default=0)
    ranked = []
    for word, found in counts.items():
        fits = len(word) >= _LEAST_LETTERS and word.isalpha() and found.total >= _LEAST_COUNT
        if fits and found.texts <= max(_COMMON * read, _COMMON_COUNT):
            classes = found.classes.most_common(2)
            second = classes[1][1] if len(classes) > 1 else 0
            ranked.append((-second, -found.total, word))
    return tuple(word for _, _, word in sorted(ranked)[:count])


def _texts(lab: "Laboratory", spec: RunSpec, own: Sequence[str] | None) -> _Texts:
    if own is None:
        return _Texts(lab.task(spec.task, spec.split), ())
    sentences = [sentence for sentence in own if sentence.strip()]
    if not sentences:
        raise DataError("Type some sentences, one a line, or look in the task's texts.")
    return _Texts(None, sentences)


def _space(
    lab: "Laboratory",
    spec: RunSpec,
    word: str,
    texts: _Texts,
    places: Sequence[_Place],
    chosen: Sequence[_Place],
    read: int,
    report: Report,
) -> WordSpace:
    numbers, spans, other = _asked(texts, chosen)
    strings = [texts.text(number) for number in numbers]
    found = word_states(
        lab.encoder(spec.encoder), strings, spans, max_length=spec.max_length, report=report
    )
    random_row = np.isin(found.rows, other)
    flat = [(n, span) for n, one in zip(numbers, spans, strict=True) for span in one]
    kept = [flat[row] for row in found.rows[~random_row].tolist()]
    if not kept:
        raise DataError(
            f"“{word}” occurs {len(places):,} times, but always behind token {spec.max_length}: "
            f"raise the maximum length."
        )
    states = found.states[~random_row]
    items = [texts.item(number, span[0]) for number, span in kept]
    return WordSpace(
        word=word,
        occurrences=tuple(
            _occurrence(texts.text(number), span, texts.label(item))
            for (number, span), item in zip(kept, items, strict=True)
        ),
        states=states,
        similarity=self_similarity(states),
        baseline=self_similarity(found.states[random_row]),
        others=int(np.count_nonzero(random_row)),
        found=len(places),
        cut=len(chosen) - len(kept),
        holding=len({place.number for place in places}),
        read=read,
        texts=len(texts),
        values=texts.values(items),
    )


def _asked(
    texts: _Texts, chosen: Sequence[_Place]
) -> tuple[list[int], list[list[Span]], list[int]]:
    """Return the texts to be read, the words asked for in each, and which are random others."""
    by_text: dict[int, list[Span]] = defaultdict(list)
    for place in chosen:
        by_text[place.number].append(place.span)
    numbers = sorted(by_text)
    spans: list[list[Span]] = []
    other: list[int] = []
    random = np.random.default_rng(0)
    taken = 0
    for number in numbers:
        mine = by_text[number]
        extra = _other_word(texts.text(number), mine, random)
        spans.append([*mine, *extra])
        other += [taken + len(mine)] * len(extra)
        taken += len(mine) + len(extra)
    return numbers, spans, other


def _other_word(text: str, mine: Sequence[Span], random: np.random.Generator) -> list[Span]:
    """Return one random other word of a text, if it has one."""
    words = [
        match.span()
        for match in WORD.finditer(text)
        if all(match.end() <= start or match.start() >= end for start, end in mine)
    ]
    return [words[int(random.integers(len(words)))]] if words else []


def _occurrence(text: str, span: Span, label: str) -> Occurrence:
    start, end = span
    before, after = text[max(start - _CONTEXT, 0) : start], text[end : end + _CONTEXT]
    words = WORD.findall(before)
    following = WORD.search(after)
    return Occurrence(
        left=("…" if start > _CONTEXT else "") + before,
        word=text[start:end],
        right=after + ("…" if end + _CONTEXT < len(text) else ""),
        label=label,
        previous=words[-1].lower() if words else "",
        next=following.group().lower() if following else "",
    )


def _sampled(count: int, most: int) -> NDArray[np.int64]:
    """Return at most so many of 0 … count − 1, ascending."""
    if count <= most:
        return np.arange(count, dtype=np.int64)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False)).astype(np.int64)


class _Counts:
    """How often a word occurs, in how many texts, in which classes; `read` texts were read."""

    __slots__ = ("classes", "read", "texts", "total")

    def __init__(self) -> None:
        self.total = self.texts = self.read = 0
        self.classes: Counter[str] = Counter()


def _counted(texts: _Texts, report: Report, *, by_class: bool = False) -> dict[str, _Counts]:
    """Count the words of some texts that are spread over all."""
    counts: dict[str, _Counts] = defaultdict(_Counts)
    left = _MOST_CHARACTERS
    numbers = np.random.default_rng(0).permutation(len(texts))
    read = 0
    for number in numbers.tolist():
        if read % _CHECK_EVERY == 0:
            report.check()
        text = texts.text(number)[:left]
        left -= len(text)
        read += 1
        here = set()
        for match in WORD.finditer(text):
            word = match.group().lower()
            found = counts[word]
            found.total += 1
            found.texts += word not in here
            here.add(word)
            if by_class:
                found.classes[texts.label(texts.item(number, match.start()))] += 1
        if left <= 0:
            break
    for found in counts.values():
        found.read = read
    return counts


def _near(word: str, counts: dict[str, _Counts], report: Report) -> tuple[str, ...]:
    """Return words that are spelled alike, of the commonest ones."""
    known = sorted(counts, key=lambda one: (-counts[one].total, one))[:_VOCABULARY]
    found: list[str] = []
    for first in range(0, len(known), 500):
        report.check()
        found += get_close_matches(word.lower()[:60], known[first : first + 500], n=5, cutoff=0.7)
    return tuple(get_close_matches(word.lower()[:60], found, n=5, cutoff=0.7))
