"""What the tests of the tuning engine share: small tasks of every level, trainings to watch."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from fineview.core.data.split import SplitConfig
from fineview.core.data.task import Task, TaskInfo
from fineview.core.errors import JobCancelled
from fineview.core.features.config import PoolingConfig
from fineview.core.laboratory import Laboratory
from fineview.core.models.encoder import open_encoder, random_name
from fineview.core.progress import Silent
from fineview.core.training.config import HeadConfig, TrainConfig
from fineview.core.training.events import TrainStep
from fineview.core.training.loop import objective_for
from fineview.core.training.strategy import default_strategy
from fineview.core.training.tuning.building import build_model, new_head
from fineview.core.training.tuning.examples import examples_of
from fineview.core.training.tuning.loop import FineTuning
from fineview.core.training.tuning.phases import TuneData
from tests.core.tiny import tiny_encoder_folder

TRAINING = TrainConfig(optimiser="adamw", learning_rate=1e-2, batch_size=8, epochs=2)
LAST_LAYER = PoolingConfig()
LENGTH = 20
"""Tokens; the longest texts are cut."""
_WORDS = ("film", "treat", "quiet", "is", "the", "long", "b", "treated", "12", "don't")


def encoder_folder(path, dropout=0.1):
    """Write the tiny encoder with some dropout; return its folder's name, as a spec takes it."""
    folder = tiny_encoder_folder(path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return str(folder)


def task_of(level="sentence", numbers=False, train=21, held_out=9):
    """Make texts of unequal length whose first word tells the class, or their number of words."""
    dice = np.random.default_rng(5)
    count = train + 2 * held_out
    lengths = dice.integers(1, 9, count)
    rows = [tuple(dice.choice(_WORDS, size).tolist()) for size in lengths]
    words = tuple(rows) if level == "word" else None
    items = [word for row in rows for word in row] if words else [row[0] for row in rows]
    if numbers:
        labels = np.array([float(len(row)) for row in rows])
    else:
        labels = np.array([_WORDS.index(item) % 3 for item in items])
    # Sentences do not cross splits: a split is a run of items.
    ends = np.cumsum(lengths) if words else np.arange(1, count + 1)
    first, second = int(ends[train - 1]), int(ends[train + held_out - 1])
    return Task(
        info=TaskInfo(name="own", title="Tried", level=level, meaning="", source="", licence=""),
        texts=tuple(" ".join(row) for row in rows),
        second=tuple(" ".join(row[::-1]) for row in rows) if level == "pair" else None,
        words=words,
        labels=labels,
        label_kind="number" if numbers else "class",
        classes=() if numbers else ("a", "b", "c"),
        splits={
            "train": np.arange(first),
            "validation": np.arange(first, second),
            "test": np.arange(second, len(items)),
        },
    )


class OwnTask(Laboratory):
    """A laboratory that has one task more, by the name `own`."""

    def __init__(self, locations, task, device="cpu"):
        super().__init__(locations, device)
        self.own = task

    def task(self, name, split=SplitConfig()):
        """Return the task `own`, or another."""
        return self.own if name == "own" else super().task(name, split)


class Watch(Silent):
    """Keeps events, and stops after so many steps: before the next one, or within it.

    Attributes:
        changes_at: Settings to change before the step after so many.
    """

    def __init__(self, stop_at=None, asked=None, changes_at=None, after=None):
        """Say when to stop.

        Args:
            stop_at: Steps.
            asked: Then at this question from inside a step or an evaluation, counted from 1;
                None stops between steps.
            changes_at: Settings by step.
            after: What the progress says before the question at which to stop, instead.
        """
        self.events = []
        self.stop_at = stop_at
        self.asked = asked
        self.changes_at = dict(changes_at or {})
        self.after = after

    def progress(self, done, total, text=""):
        if text == self.after:
            self.stop_at, self.asked = 0, 1

    def publish(self, event):
        self.events.append(event)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def step(self):
        """The last step."""
        steps = self.of(TrainStep)
        return steps[-1].step if steps else 0

    def check(self):
        if self.stop_at is not None and self.step >= self.stop_at and self.asked is None:
            raise JobCancelled

    def ask_stop(self):
        """Count the questions from inside once the time has come."""
        if self.asked is not None and self.step >= self.stop_at:
            self.asked -= 1
            if self.asked == 0:
                raise JobCancelled

    def changes(self):
        return self.changes_at.pop(self.step, {})


def encoder_of(folder, random=False, device="cpu"):
    """Open an encoder, or its architecture with weights drawn from a seed."""
    name = random_name(folder, 7) if random else folder
    return open_encoder(name, Path(folder).parent / "cache", device)


def tuning_of(
    folder, task, kind="full", training=TRAINING, *, pooling=LAST_LAYER,
    head=HeadConfig(), seed=3, report=None, save=None, device="cpu", **strategy,
):  # fmt: skip
    """Prepare a training as a run does, of encoder and head together from the first step on.

    The head begins at random weights rather than at 0, so that the very first gradient of every
    weight is that of a model which answers something.
    """
    import torch

    choice = replace(default_strategy(kind), top_layers=1, **strategy)
    source = encoder_of(folder, random=kind == "random-init", device=device)
    source.load()
    train, validation = (examples_of(source, task, s, LENGTH) for s in ("train", "validation"))
    objective = objective_for(train.labels, len(task.classes), training)
    outputs = len(task.classes) or 1
    first = new_head(pooling, source.info.width, source.info.layers, outputs, head, seed)
    generator = torch.Generator().manual_seed(1)
    for parameter in first.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    first.know_labels(objective)
    model = build_model(source, choice, pooling, first, task.info.level)
    return FineTuning(
        model,
        TuneData(train, validation),
        strategy=choice,
        config=training,
        objective=objective,
        origin={n: p.detach() for n, p in source.model.named_parameters()},
        seed=seed,
        report=report or Silent(),
        save=save,
    )


def weights_of(tuning):
    """Return every weight and buffer of a training's model, by name."""
    return {n: v.detach().cpu().clone().numpy() for n, v in tuning.model.state_dict().items()}


def same(one, other):
    """Whether two sets of arrays are the same bits."""
    return one.keys() == other.keys() and all(
        one[name].tobytes() == other[name].tobytes() for name in one
    )


def furthest(one, other):
    """Return the greatest difference between two sets of arrays."""
    assert one.keys() == other.keys()
    return max(float(np.abs(one[name] - other[name]).max(initial=0)) for name in one)


def sums(module):
    """Return the sha256 of each weight and buffer of a module."""
    return {
        name: hashlib.sha256(value.detach().contiguous().numpy().tobytes()).hexdigest()
        for name, value in module.state_dict().items()
    }
