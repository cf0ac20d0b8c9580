"""A second test set: the test texts spoilt on purpose, or texts of another domain."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import ITEM_NAME, ITEM_NAMES, SPLITS, Task
from fineview.core.errors import ConfigError
from fineview.core.progress import SILENT, Report

ShiftKind = Literal["none", "typos", "dropped-words", "case", "task"]

_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_WORD = re.compile(r"\S+\s*")
_BETWEEN_CHECKS = 256

Spoil = Callable[[str, float, np.random.Generator], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftConfig:
    """What a run is tested on besides its test split, with the same weights.

    Attributes:
        kind: `none`; `typos` in the letters inside words; `dropped-words`; `case`: words written in
            capitals, and those that were, small; `task`: the test split of another task.
        rate: Share of the letters inside words (`typos`) or of the words that are touched, in
            (0, 1]; each is drawn by itself.
        task: Name of another task of the same level, for the kind `task`; its classes are matched
            by name.
        seed: Draws what is touched, item by item.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    kind: ShiftKind = "none"
    rate: float = 0.1
    task: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no second test set."""
        if self.kind not in get_args(ShiftKind):
            raise ConfigError(
                f"The second test set {self.kind!r} is not one of "
                f"{', '.join(get_args(ShiftKind))}.",
                "shift",
            )
        if not 0 < self.rate <= 1:
            raise ConfigError(
                f"The share that is touched must be above 0 and at most 1, not {self.rate:g}.",
                "rate",
            )
        if self.kind == "task" and not self.task:
            raise ConfigError(
                "The second test set is another task, and none is named: name one.", "shift_task"
            )
        if not 0 <= self.seed < 2**31:
            raise ConfigError(
                f"The seed of the second test set must be within 0 … 2147483647, not {self.seed}.",
                "shift_seed",
            )


@dataclass(frozen=True, slots=True, eq=False)
class Shifted:
    """A second test set.

    Attributes:
        task: Its texts, with the classes of the first task; every split holds all of them.
        measured: (n,) items of `task` that are measured; other words are only read.
        items: (M,) what each item of `task` is in the first task, or in the other one.
        paired: Whether these are the first task's own items.
        changed: Texts, pairs or words that read otherwise than before; n for another task.
        notes: What was left out; sentences.
    """

    task: Task
    measured: NDArray[np.int64]
    items: NDArray[np.int64]
    paired: bool
    changed: int
    notes: tuple[str, ...] = ()


def shift_title(config: ShiftConfig, other: Task | None = None) -> str:
    """Return what stands behind "accuracy … on the test texts": "with typos in 10 % of …"."""
    share = f"{100 * config.rate:g} %"
    match config.kind:
        case "typos":
            return f"with typos in {share} of the letters inside words"
        case "dropped-words":
            return f"with {share} of the words dropped"
        case "case":
            return f"with {share} of the words in other case"
        case "task":
            return f"on {config.task if other is None else other.info.title}"
    return ""


def check_shift(task: Task, other: Task) -> dict[int, int]:
    """Match the classes of another task with those of the first, by name.

    Args:
        task: What is trained on.
        other: What is to be tested on besides.

    Returns:
        The first task's class for each class of the other that it has too, small and capital
        letters aside; empty for numbers.

    Raises:
        ConfigError: Levels or kinds of labels differ, or no test item has a class in common.
    """
    mine, its = task.info, other.info
    if its.level != mine.level or other.label_kind != task.label_kind:
        raise ConfigError(
            f"{its.title} has {_kind(other)} and {mine.title} {_kind(task)}: choose a second test "
            "set of the same kind.",
            "shift_task",
        )
    if task.label_kind == "number":
        return {}
    known = {name.casefold(): at for at, name in enumerate(task.classes)}
    known |= {name: at for at, name in enumerate(task.classes)}
    found = [known.get(name, known.get(name.casefold(), -1)) for name in other.classes]
    matched = {at: own for at, own in enumerate(found) if own >= 0}
    if not np.isin(other.labels[other.splits["test"]], list(matched)).any():
        raise ConfigError(
            f"No test {ITEM_NAME[its.level]} of {its.title} has a class of {mine.title}: choose a "
            f"task with some of {', '.join(task.classes[:8])}.",
            "shift_task",
        )
    return matched


def shifted(
    task: Task, config: ShiftConfig, other: Task | None = None, report: Report = SILENT
) -> Shifted:
    """Make the second test set of a task.

    Spoilt texts keep their words apart and have at least one word; at word level each word keeps
    its label, and dropped words are left out of the measure. What happens to an item is decided by
    (seed, item) alone.

    Args:
        task: The first task; its test split is spoilt.
        config: What to do; not `none`.
        other: The other task, for the kind `task`.
        report: Asked between texts.

    Raises:
        ConfigError: The other task does not fit.
        JobCancelled: Stop was pressed.

    Source:
        typos: Pruthi et al. 2019, arXiv:1905.11268 (swap, drop, keyboard neighbour or addition of
        an inner letter, in words of four letters and more). dropped-words: Wei & Zou 2019,
        arXiv:1901.11196, section 2 (random deletion). case: Bodapati et al. 2019,
        arXiv:1911.05241 (texts in capitals).
    """
    if config.kind == "task":
        assert other is not None
        return _of_other(task, other)
    if task.words is not None:
        return _spoilt_words(task, task.words, config, report)
    return _spoilt_texts(task, config, report)


def _spoilt_texts(task: Task, config: ShiftConfig, report: Report) -> Shifted:
    spoil, items = _SPOIL[config.kind], task.splits["test"]
    sides = [task.texts] if task.second is None else [task.texts, task.second]
    spoilt: list[list[str]] = [[] for _ in sides]
    changed = 0
    for place, item in enumerate(items.tolist()):
        if place % _BETWEEN_CHECKS == 0:
            report.check()
        random = np.random.default_rng((config.seed, item))
        was = [side[item] for side in sides]
        now = [spoil(text, config.rate, random) for text in was]
        changed += now != was
        for side, text in zip(spoilt, now, strict=True):
            side.append(text)
    every = np.arange(len(items), dtype=np.int64)
    second = tuple(spoilt[1]) if task.second is not None else None
    found = _part(_titled(task, config), items, texts=tuple(spoilt[0]), second=second)
    return Shifted(found, every, items, True, changed, _unchanged(changed, task))


def _spoilt_words(
    task: Task, sentences: Sequence[tuple[str, ...]], config: ShiftConfig, report: Report
) -> Shifted:
    drops, spoil = config.kind == "dropped-words", _SPOIL[config.kind]
    tested = np.zeros(len(task), dtype=bool)
    tested[task.splits["test"]] = True
    spoilt: list[tuple[str, ...]] = []
    kept: list[int] = []
    start = changed = 0
    for words in sentences:
        items = range(start, start + len(words))
        start += len(words)
        if not tested[items.start : items.stop].any():
            continue
        report.check()
        draws = [np.random.default_rng((config.seed, item)) for item in items]
        if drops:
            stays = _stays(np.array([random.random() for random in draws]), config.rate)
            changed += int((tested[items.start : items.stop] & ~stays).sum())
            spoilt.append(tuple(word for word, stay in zip(words, stays, strict=True) if stay))
            kept += [item for item, stay in zip(items, stays, strict=True) if stay]
        else:
            now = [spoil(w, config.rate, random) for w, random in zip(words, draws, strict=True)]
            pairs = zip(items, words, now, strict=True)
            changed += sum(bool(tested[item]) and one != other for item, one, other in pairs)
            spoilt.append(tuple(now))
            kept += items
    of = np.array(kept, dtype=np.int64)
    texts = tuple(" ".join(words) for words in spoilt)
    found = _part(_titled(task, config), of, texts=texts, words=tuple(spoilt))
    notes = _unchanged(changed, task)
    if drops and changed:
        notes = (f"{changed:,} dropped words are not measured; those around them are.",)
    measured = np.flatnonzero(tested[of]).astype(np.int64)
    return Shifted(found, measured, of, True, changed, notes)


def _of_other(task: Task, other: Task) -> Shifted:
    """Take the test split of another task, labelled as the first one labels."""
    matched = check_shift(task, other)
    items, labels = other.splits["test"], other.labels
    fits = np.ones(len(other), dtype=bool)
    if task.label_kind == "class":
        numbers = np.array([matched.get(at, -1) for at in range(len(other.classes))])
        own = numbers[other.labels.astype(np.int64)]
        fits = own >= 0
        labels = np.maximum(own, 0).astype(np.int64)
    wanted = items[fits[items]]
    relabelled = replace(other, labels=labels, classes=task.classes)
    if other.words is None:
        of = wanted
        texts = tuple(other.texts[i] for i in of)
        second = None if other.second is None else tuple(other.second[i] for i in of)
        found = _part(relabelled, of, texts=texts, second=second)
    else:
        sentence = np.repeat(np.arange(len(other.words)), [len(words) for words in other.words])
        chosen = np.unique(sentence[wanted])
        of = np.flatnonzero(np.isin(sentence, chosen)).astype(np.int64)
        texts = tuple(other.texts[i] for i in chosen)
        found = _part(relabelled, of, texts=texts, words=tuple(other.words[i] for i in chosen))
    notes: tuple[str, ...] = ()
    if len(wanted) < len(items):
        strange = [name for at, name in enumerate(other.classes) if at not in matched]
        more = f" and {len(strange) - 5} more" if len(strange) > 5 else ""
        left = f"{len(items) - len(wanted):,} of {len(items):,} {ITEM_NAMES[other.info.level]}"
        notes = (
            f"{left} of {other.info.title} are left out: {task.info.title} has no class called "
            f"{', '.join(strange[:5])}{more}.",
        )
    measured = np.flatnonzero(np.isin(of, wanted)).astype(np.int64)
    return Shifted(found, measured, of, False, len(measured), notes)


def _part(task: Task, items: NDArray[np.int64], **texts: Any) -> Task:  # noqa: ANN401 - as `replace`
    """Return a task of these items alone, every split of which holds them all."""
    every = np.arange(len(items), dtype=np.int64)
    splits = dict.fromkeys(SPLITS, every)
    return replace(task, labels=task.labels[items], splits=splits, **texts)


def _titled(task: Task, config: ShiftConfig) -> Task:
    title = f"{task.info.title} {shift_title(config)}"
    return replace(task, info=replace(task.info, title=title))


def _unchanged(changed: int, task: Task) -> tuple[str, ...]:
    if changed:
        return ()
    return (f"No test {ITEM_NAME[task.info.level]} was touched: they are too short, or too few.",)


def _kind(task: Task) -> str:
    labels = "numbers" if task.label_kind == "number" else "classes"
    return f"{ITEM_NAMES[task.info.level]} with {labels} as labels"


# How a text is spoilt


def _typos(text: str, rate: float, random: np.random.Generator) -> str:
    """Mistype letters inside words; first and last letters, short words and the rest stay."""
    return _LONG_WORD.sub(lambda word: _mistyped(word[0], rate, random), text)


def _mistyped(word: str, rate: float, random: np.random.Generator) -> str:
    hit = random.random(len(word)) < rate
    letters, at, last = [word[0]], 1, len(word) - 1
    while at < last:
        letter = word[at]
        if not hit[at]:
            letters.append(letter)
            at += 1
            continue
        near = _neighbours(letter)
        ways = ["drop", "add", *(["key"] if near else [])]
        if at + 1 < last and word[at + 1] != letter:
            ways.append("swap")
        way = ways[int(random.integers(len(ways)))]
        # Scripts that are not on this keyboard: the letter is typed twice.
        other = near[int(random.integers(len(near)))] if near else letter
        if way == "swap":
            letters += [word[at + 1], letter]
            at += 1
        elif way == "key":
            letters.append(other)
        elif way == "add":
            letters += [other, letter]
        at += 1
    return "".join([*letters, word[-1]])


def _neighbours(letter: str) -> str:
    """Return the keys left, right, above and below of a letter's, in its case."""
    small = letter.lower()
    for row, keys in enumerate(_KEYS):
        at = keys.find(small)
        if at < 0:
            continue
        near = keys[max(at - 1, 0) : at] + keys[at + 1 : at + 2]
        near += "".join(_KEYS[r][at : at + 1] for r in (row - 1, row + 1) if 0 <= r < len(_KEYS))
        return near.upper() if letter != small else near
    return ""


def _without_words(text: str, rate: float, random: np.random.Generator) -> str:
    words = _WORD.findall(text)
    stays = _stays(random.random(len(words)), rate)
    if stays.all():
        return text
    return "".join(word for word, stay in zip(words, stays, strict=True) if stay).rstrip()


def _stays(draws: NDArray[np.float64], rate: float) -> NDArray[np.bool_]:
    """Return which words are kept: at least one."""
    stays = draws >= rate
    if len(draws) and not stays.any():
        stays[draws.argmax()] = True
    return stays


def _in_other_case(text: str, rate: float, random: np.random.Generator) -> str:
    words = _WORD.findall(text)
    if not words:
        return text
    hit = random.random(len(words)) < rate
    head = text[: len(text) - sum(map(len, words))]  # space before the first word
    return head + "".join(
        (word.lower() if word == word.upper() else word.upper()) if touched else word
        for word, touched in zip(words, hit, strict=True)
    )


_SPOIL: dict[ShiftKind, Spoil] = {
    "typos": _typos,
    "dropped-words": _without_words,
    "case": _in_other_case,
}
