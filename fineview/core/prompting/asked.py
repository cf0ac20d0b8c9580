"""The labelled rows that a prompt is held against, and the examples drawn from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fineview.core.data.task import Split, Task
from fineview.core.errors import ConfigError, DataError
from fineview.core.prompting.choices import AnswerConfig, Labels
from fineview.core.prompting.tables import Table

Row = tuple[str, ...]
MOST_ROWS = 20_000
"""Of one split; more are drawn from it with a fixed seed."""


@dataclass(frozen=True, slots=True)
class Items:
    """Labelled rows.

    Attributes:
        title: Of the table or the task.
        columns: Names of the columns; the last one is `label`.
        rows: (N, columns) what can be asked.
        classes: The C labels of a classification; empty where every row has an answer of its own.
        examples: (M, columns) what examples are drawn from; empty where they are drawn from `rows`
            and then not asked.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    classes: tuple[str, ...] = ()
    examples: tuple[Row, ...] = ()

    @property
    def pool(self) -> tuple[Row, ...]:
        """Return what examples are drawn from."""
        return self.examples or self.rows

    def labels(self) -> tuple[str, ...]:
        """Return the classes, or else all answers there are, as they come."""
        return self.classes or tuple(dict.fromkeys(row[-1] for row in self.pool + self.rows))


def items_of(source: Table | Task, split: Split = "test") -> Items:
    """Return the rows of a table, or of one split of a task.

    A task's examples come from its training split. Its texts are columns `input` and, for pairs,
    `second`, with white space and ends of lines made one space each: a prompt tells its parts by
    lines.

    Args:
        source: A bundled table or a task.
        split: Of a task: what is asked.

    Raises:
        DataError: The task has labels for single words, or numbers for labels.
    """
    if isinstance(source, Table):
        return Items(source.title, source.columns, source.rows, source.classes)
    if source.info.level == "word":
        raise DataError(
            f"{source.info.title} has a label for every word, which one prompt cannot answer: "
            f"choose a task whose texts or pairs have one label."
        )
    if source.label_kind != "class":
        raise DataError(
            f"The labels of {source.info.title} are numbers, which a few words cannot name: choose "
            f"a task with classes."
        )
    columns = ("input", "label") if source.second is None else ("input", "second", "label")
    examples = () if split == "train" else _rows(source, "train")
    return Items(source.info.title, columns, _rows(source, split), source.classes, examples)


def _rows(task: Task, split: Split) -> tuple[Row, ...]:
    places = task.splits[split]
    if len(places) > MOST_ROWS:
        places = np.sort(np.random.default_rng(0).permutation(places)[:MOST_ROWS])
    sides = [task.texts] if task.second is None else [task.texts, task.second]
    return tuple(
        (*(" ".join(side[i].split()) for side in sides), task.label(int(i))) for i in places
    )


def draw(items: Items, count: int, seed: int) -> tuple[Row, ...]:
    """Draw examples, each class as often as the others where there are enough of it.

    The first k of a draw are the draw of k with the same seed.

    Args:
        items: Where from.
        count: How many.
        seed: Of the draw.

    Returns:
        (count, columns), in an order that knows nothing of the labels.

    Raises:
        ConfigError: There are not enough rows.
    """
    pool, dice = items.pool, np.random.default_rng([seed, 7])
    if count > len(pool) - (0 if items.examples else 1):
        raise ConfigError(
            f"{items.title} has {len(pool):,} rows, too few to draw {count:,} examples and ask "
            f"others: draw fewer.",
            "shots",
        )
    shuffled = [pool[i] for i in dice.permutation(len(pool))]
    if not items.classes:
        return tuple(shuffled[:count])
    piles = {label: [row for row in shuffled if row[-1] == label] for label in items.classes}
    found: list[Row] = []
    while len(found) < count:
        for at in dice.permutation(len(items.classes)):
            pile = piles[items.classes[at]]
            if pile and len(found) < count:
                found.append(pile.pop(0))
    return tuple(found)


def relabelled(shots: Sequence[Row], items: Items, labels: Labels, seed: int) -> tuple[Row, ...]:
    """Give examples true, exchanged or random labels.

    Exchanged: each class becomes the next one, the last the first; free answers move on by one
    example. Random: each label is drawn from all labels alike, the right one among them.

    Args:
        shots: (k, columns) examples with true labels.
        items: Where they come from.
        labels: What they get.
        seed: Of the draw.

    Source:
        Min et al. 2022, arXiv:2202.12837, section 4.
    """
    if labels == "true":
        return tuple(shots)
    known = items.labels()
    dice = np.random.default_rng([seed, 11])
    if labels == "random":
        given = [known[i] for i in dice.integers(len(known), size=len(shots))]
    elif items.classes:
        following = dict(zip(known, (*known[1:], known[0]), strict=True))
        given = [following.get(row[-1], row[-1]) for row in shots]
    elif len(shots) > 1:
        given = [row[-1] for row in (*shots[1:], shots[0])]
    else:
        given = [next((one for one in known if one != row[-1]), row[-1]) for row in shots]
    return tuple((*row[:-1], label) for row, label in zip(shots, given, strict=True))


def queries(items: Items, shots: Sequence[Row], most: int) -> tuple[Row, ...]:
    """Return the rows to ask: none that is an example, drawn with a fixed seed, in their order.

    Raises:
        ConfigError: All rows are examples.
    """
    shown = {row[:-1] for row in shots}
    left = [row for row in items.rows if row[:-1] not in shown]
    if not left:
        raise ConfigError(
            f"Every row of {items.title} is an example, so there is nothing to ask: use fewer "
            f"examples.",
            "shots",
        )
    if len(left) > most:
        chosen = np.sort(np.random.default_rng(0).permutation(len(left))[:most])
        left = [left[i] for i in chosen]
    return tuple(left)


def verbalizer(items: Items, answer: AnswerConfig) -> tuple[tuple[str, ...], ...]:
    """Return the words of each label, in the order of `Items.labels`.

    Raises:
        ConfigError: A label has no word, two labels share one, or a word is for a label that is
            not there.
    """
    labels, given = items.labels(), dict(answer.words)
    for label in given:
        if label not in labels:
            raise ConfigError(
                f"Words are given for a label {label!r} that {items.title} does not have: its "
                f"labels are {', '.join(labels[:8])}{' …' if len(labels) > 8 else ''}.",
                "words",
            )
    words = tuple(
        tuple(word.strip() for word in given.get(label, (label,)) if word.strip())
        for label in labels
    )
    owner: dict[str, str] = {}
    for label, group in zip(labels, words, strict=True):
        if not group:
            raise ConfigError(f"The label {label!r} has no word: give it at least one.", "words")
        for word in group:
            if owner.setdefault(word, label) != label:
                raise ConfigError(
                    f"The word {word!r} stands for both {owner[word]!r} and {label!r}: give each "
                    f"label words of its own.",
                    "words",
                )
    return words
