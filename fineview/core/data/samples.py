"""Example files to start from: real texts of the bundled tasks, in the layouts that are read."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fineview.core.data.bundled import CAPITALS, SENTENCE_ORDER, WORD_RELATIONS, load_task
from fineview.core.data.plan import Format
from fineview.core.data.task import Task
from fineview.core.errors import ConfigError
from fineview.core.files import atomic_write

MOST = 500
"""Rows, or sentences, of an example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An example file that can be written.

    Attributes:
        name: How it is asked for; also a good name for the file, without suffix.
        title: Name on screen.
        description: One sentence on what it holds.
        suffix: Of the file, with its dot.
        format: How it is laid out.
    """

    name: str
    title: str
    description: str
    suffix: str
    format: Format


SAMPLES: tuple[Sample, ...] = (
    Sample(
        name="word-pairs",
        title="Pairs of words",
        description="CSV: two words and which relation holds between them, a row a pair.",
        suffix=".csv",
        format="delimited",
    ),
    Sample(
        name="sentences",
        title="Sentences",
        description="TSV: a sentence of the news and whether it was the earlier or the later of "
        "two neighbours.",
        suffix=".tsv",
        format="delimited",
    ),
    Sample(
        name="sentence-order",
        title="Pairs of sentences",
        description="JSONL: two neighbouring sentences of the news, in order or swapped.",
        suffix=".jsonl",
        format="jsonl",
    ),
    Sample(
        name="capitals",
        title="Words in sentences",
        description="CoNLL: a word a line and whether it was written with a capital.",
        suffix=".conll",
        format="conll",
    ),
)


def write_sample(name: str, path: Path) -> None:
    """Write an example file; one of that name is replaced.

    Args:
        name: As in `SAMPLES`.
        path: The file.

    Raises:
        ConfigError: There is no such example.
        ModelError: The package that carries the texts is missing.
        StoreError: The file cannot be written.
    """
    makers: dict[str, Callable[[], str]] = {
        "word-pairs": _word_pairs,
        "sentences": _sentences,
        "sentence-order": _order,
        "capitals": _capitals,
    }
    if name not in makers:
        raise ConfigError(
            f"There is no example {name!r}: choose one of {', '.join(makers)}.", "example"
        )
    atomic_write(path, makers[name]().encode())


def _spread(count: int) -> list[int]:
    """Return at most 500 of the numbers below `count`, spread evenly: files are sorted by class."""
    step = max(1.0, count / MOST)
    return [int(i * step) for i in range(min(count, MOST))]


def _label(task: Task, item: int) -> str:
    return task.classes[int(task.labels[item])]


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]], delimiter: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _word_pairs() -> str:
    task = load_task(WORD_RELATIONS.name)
    assert task.second is not None
    rows = [(task.texts[i], task.second[i], _label(task, i)) for i in _spread(len(task))]
    return _table(("word1", "word2", "relation"), rows, ",")


def _sentences() -> str:
    task = load_task(SENTENCE_ORDER.name)
    assert task.second is not None
    rows = []
    for number, item in enumerate(_spread(len(task))):
        swapped = _label(task, item) == "swapped"
        later = number % 2 == 1
        # One of each pair, so that no two rows are neighbours of each other.
        text = task.texts[item] if swapped == later else task.second[item]
        rows.append((text, "later" if later else "earlier"))
    return _table(("text", "label"), rows, "\t")


def _order() -> str:
    task = load_task(SENTENCE_ORDER.name)
    assert task.second is not None
    lines = [
        {"sentence1": task.texts[i], "sentence2": task.second[i], "label": _label(task, i)}
        for i in _spread(len(task))
    ]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _capitals() -> str:
    task = load_task(CAPITALS.name)
    assert task.words is not None
    blocks = []
    item = 0
    for words in task.words[:MOST]:
        lines = [f"{word}\t{_label(task, item + i)}\n" for i, word in enumerate(words)]
        item += len(words)
        blocks.append("".join(lines))
    return "\n".join(blocks)
