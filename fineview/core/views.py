"""What the window shows of a task, and of a trained head at work."""

from dataclasses import dataclass

from fineview.core.data.task import LabelKind, TaskInfo
from fineview.core.models.info import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """What the window shows of a task.

    Attributes:
        info: Name, meaning, origin.
        items: N.
        label_kind: Classes or numbers.
        classes: Class names.
        sizes: Items of train, validation and test.
        given_splits: Whether the data names splits of its own.
        balance: Items of each class over all splits; empty for numbers.
        examples: Items from all over the task, as a person reads them, with their labels.
        notes: What was left out while reading.
    """

    info: TaskInfo
    items: int
    label_kind: LabelKind
    classes: tuple[str, ...]
    sizes: tuple[int, int, int]
    given_splits: bool
    balance: tuple[int, ...]
    examples: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a trained head says of a typed example.

    Attributes:
        run_id: The head's run.
        items: The text, or each word of a word-level example.
        probabilities: For each item, (class, probability) from likely to unlikely; empty where the
            head answers with numbers.
        truncated: Whether the text was cut at the run's maximum length.
        attention: Each token with its weight, where the head has learned to weigh them.
        numbers: For each item, the number that the head answers with; empty for classes.
        usual: Numbers: mean and standard deviation of the labels that the head was trained on.
    """

    run_id: str
    items: tuple[str, ...]
    probabilities: tuple[tuple[tuple[str, float], ...], ...]
    truncated: bool
    attention: tuple[tuple[Token, float], ...] = ()
    numbers: tuple[float, ...] = ()
    usual: tuple[float, float] | None = None
