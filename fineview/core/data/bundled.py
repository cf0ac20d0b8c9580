"""Three tasks made from two files inside gensim: they work at once and offline."""

import random
import re
from collections.abc import Callable

import numpy as np

from fineview.core.data.split import SplitConfig, make_splits
from fineview.core.data.task import SPLITS, Split, Task, TaskInfo
from fineview.core.errors import ConfigError, DataError
from fineview.core.models.catalog import locate

_MAX_ORDER_PAIRS = 2_000
_TOKEN = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”']?\s+(?=[\"“']?[A-Z])")
_OPENING = {'"', "“", "'", "‘", "(", ":"}

WORD_RELATIONS = TaskInfo(
    name="word-relations",
    title="Word relations",
    level="pair",
    meaning="Which of 14 relations holds between two words, such as capital and country.",
    source="Google analogy questions (Mikolov et al. 2013, arXiv:1301.3781), unique word pairs.",
    licence="LGPL-2.1-only, as distributed with gensim",
    split_by="first word",
)
CAPITALS = TaskInfo(
    name="capitals",
    title="Capitals",
    level="word",
    meaning="Whether a word inside a sentence was written with a capital; the encoder sees it "
    "in lower case.",
    source="Lee news corpus (Lee, Pincombe & Welsh 2005): 299 articles.",
    licence="LGPL-2.1-only, as distributed with gensim",
    split_by="article",
)
SENTENCE_ORDER = TaskInfo(
    name="sentence-order",
    title="Sentence order",
    level="pair",
    meaning="Whether two neighbouring sentences stand in their original order; expect a score "
    "near chance, since this encoder was tuned for meaning, not for order.",
    source="Lee news corpus (Lee, Pincombe & Welsh 2005): 299 articles.",
    licence="LGPL-2.1-only, as distributed with gensim",
    split_by="article",
)


def task_infos() -> tuple[TaskInfo, ...]:
    """Return what is known of every bundled task, the first-run default first."""
    return (WORD_RELATIONS, CAPITALS, SENTENCE_ORDER)


def load_task(name: str, split: SplitConfig = SplitConfig()) -> Task:
    """Read one bundled task; takes well under a second.

    Args:
        name: As in `task_infos`.
        split: How its items are divided.

    Raises:
        ConfigError: There is no such task.
        ModelError: The package that carries its file is missing.
        DataError: The file is not what it should be.
    """
    makers: dict[str, Callable[[SplitConfig], Task]] = {
        WORD_RELATIONS.name: _word_relations,
        CAPITALS.name: _capitals,
        SENTENCE_ORDER.name: _sentence_order,
    }
    if name not in makers:
        raise ConfigError(f"There is no task {name!r}: choose one of {', '.join(makers)}.", "task")
    return makers[name](split)


def _word_relations(split: SplitConfig) -> Task:
    relation = ""
    pairs: dict[tuple[str, str], str] = {}
    shared = 0
    for line in _lines("google-analogies"):
        if line.startswith(":"):
            relation = re.sub(r"^gram\d+-", "", line[1:].strip())
            continue
        words = line.split()
        if len(words) != 4:
            raise DataError(f"A line of the analogy questions has {len(words)} words, not 4.")
        for pair in ((words[0], words[1]), (words[2], words[3])):
            # Some capitals stand in two sections; the first one, in file order, is their label.
            shared += pairs.setdefault(pair, relation) != relation
    classes = tuple(dict.fromkeys(pairs.values()))
    labels = np.array([classes.index(value) for value in pairs.values()], dtype=np.int64)
    firsts = list(dict.fromkeys(a for a, _ in pairs))
    number = {word: i for i, word in enumerate(firsts)}
    return Task(
        info=WORD_RELATIONS,
        texts=tuple(a for a, _ in pairs),
        second=tuple(b for _, b in pairs),
        labels=labels,
        classes=classes,
        splits=make_splits(labels, split, groups=[number[a] for a, _ in pairs]).items,
        notes=(
            "Common capitals also stand among the world's capitals; such a pair counts once, "
            "as a common one.",
        )
        if shared
        else (),
    )


def _capitals(split: SplitConfig) -> Task:
    sentences: list[tuple[str, ...]] = []
    labels: list[int] = []
    articles: list[int] = []  # of each item
    asked: list[int] = []
    for article, line in enumerate(_lines("lee-news")):
        for sentence in _SENTENCE_END.split(line):
            tokens = _TOKEN.findall(sentence)
            if len(tokens) < 3:
                continue
            for i, token in enumerate(tokens):
                # The first word of a sentence or a quotation has its capital from its place.
                if i and tokens[i - 1] not in _OPENING and token[0].isalpha():
                    asked.append(len(labels))
                labels.append(int(token[0].isupper()))
                articles.append(article)
            sentences.append(tuple(token.lower() for token in tokens))
    every = np.array(labels, dtype=np.int64)
    chosen = np.array(asked, dtype=np.int64)
    parts = make_splits(every[chosen], split, groups=[articles[i] for i in asked]).items
    splits: dict[Split, np.ndarray] = {name: chosen[parts[name]] for name in SPLITS}
    return Task(
        info=CAPITALS,
        texts=tuple(" ".join(words) for words in sentences),
        words=tuple(sentences),
        labels=every,
        classes=("lower case", "capital"),
        splits=splits,
        notes=("Punctuation and the first word of a sentence or quotation are not asked.",),
    )


def _sentence_order(split: SplitConfig) -> Task:
    shuffle = random.Random(20131301)
    rows: list[tuple[str, str, int, int]] = []
    for article, line in enumerate(_lines("lee-news")):
        sentences = [s.strip() for s in _SENTENCE_END.split(line) if len(s.split()) >= 4]
        for first, second in zip(sentences[::2], sentences[1::2], strict=False):
            if shuffle.random() < 0.5:
                rows.append((first, second, 0, article))
            else:
                rows.append((second, first, 1, article))
    rows = rows[:_MAX_ORDER_PAIRS]
    labels = np.array([row[2] for row in rows], dtype=np.int64)
    return Task(
        info=SENTENCE_ORDER,
        texts=tuple(row[0] for row in rows),
        second=tuple(row[1] for row in rows),
        labels=labels,
        classes=("in order", "swapped"),
        splits=make_splits(labels, split, groups=[row[3] for row in rows]).items,
    )


def _lines(name: str) -> list[str]:
    path = locate(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The file {path} cannot be read: {error}; install gensim again.") from None
    return [line for line in text.splitlines() if line.strip()]
