"""`fineview tasks`: several tasks on one encoder, without a window."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fineview.core.progress import Relay, Report

if TYPE_CHECKING:
    from fineview.core.laboratory import Laboratory
    from fineview.core.runs.multitask_study import TasksStudy
    from fineview.core.training.multitask.config import TasksChoice

_WORDS = (
    ("--backbone", "backbone", "what of the encoder moves: full, last-k or frozen"),
    ("--balance", "balance", "none, uncertainty, pcgrad or gradnorm"),
    ("--sampling", "sampling", "round-robin or proportional"),
    ("--tokens", "tokens", "how tokens become a vector: mean, cls, max, first or last"),
)
_WHOLE = (
    ("--items", "items", "most training items of each task; 0 takes all"),
    ("--held-out", "held_out_items", "most test items of each task; 0 takes all"),
    ("--max-length", "max_length", "tokens per text"),
    ("--top-layers", "top_layers", "blocks that move with --backbone last-k"),
    ("--epochs", "epochs", "passes of the task with the most steps"),
    ("--batch-size", "batch_size", "texts of a task per step"),
    ("--every", "every", "steps between two comparisons of the gradients"),
    ("--seed", "seed", "draws batches, dropout and projections"),
)
_REAL = (
    ("--alpha", "alpha", "GradNorm's pull towards tasks that lag"),
    ("--encoder-rate", "encoder_rate", "step size of the encoder's weights"),
    ("--head-rate", "head_rate", "step size of the heads' weights"),
)


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> Any:  # noqa: ANN401 - argparse's own
    """Add the command; return its parser."""
    parser = commands.add_parser(
        "tasks",
        help="train several tasks on one encoder, without a window",
        description="Trains two to five tasks on one encoder, a head each, then each alone, and "
        "keeps gradients' cosines and results as a study. JSON goes to stdout, progress to stderr.",
    )
    parser.add_argument("tasks", nargs="+", metavar="TASK", help="names of two to five tasks")
    parser.add_argument("--encoder", metavar="NAME", help="name of the encoder")
    for flag, name, told in _WORDS:
        parser.add_argument(flag, dest=name, metavar="NAME", help=told)
    for flag, name, told in _WHOLE:
        parser.add_argument(flag, dest=name, type=int, metavar="N", help=told)
    for flag, name, told in _REAL:
        parser.add_argument(flag, dest=name, type=float, metavar="X", help=told)
    parser.add_argument(
        "--alone", action=argparse.BooleanOptionalAction, help="whether each is trained alone, too"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="file to write as JSON")
    return parser


def question(options: argparse.Namespace) -> "tuple[str, TasksChoice]":
    """Return the encoder and the choice that the command line names.

    Raises:
        ConfigError: A value will not do.
    """
    from fineview.core.runs.spec import RunSpec
    from fineview.core.training.multitask.config import choice_from_dict

    names = [name for _, name, _ in (*_WORDS, *_WHOLE, *_REAL)]
    given = {name: getattr(options, name) for name in (*names, "alone")}
    values = {name: value for name, value in given.items() if value is not None}
    choice = choice_from_dict({"tasks": tuple(options.tasks), **values}, "the command line")
    return options.encoder or RunSpec().encoder, choice


def carry_out(options: argparse.Namespace, lab: "Laboratory", report: Report) -> "TasksStudy":
    """Carry out what is asked; raises as `core.runs.multitask.train_tasks`."""
    from fineview.core.runs.multitask import train_tasks
    from fineview.core.runs.multitask_study import tasks_study_of

    encoder, choice = question(options)
    return tasks_study_of(train_tasks(lab, encoder, choice, report))


def succeeded(found: "TasksStudy") -> bool:
    """Return whether all trainings have finished."""
    return found.status == "finished"


def write(found: "TasksStudy", options: argparse.Namespace) -> None:
    """Write the file that was asked for, and JSON to stdout.

    Raises:
        StoreError: The file cannot be written.
    """
    from fineview.core.files import atomic_write
    from fineview.core.runs.plain import dump_json

    told = dump_json(asdict(found), indent=1) + b"\n"
    if options.out is not None:
        atomic_write(options.out, told)
    sys.stdout.write(told.decode())


class Teller(Relay):
    """A report that remembers how the study stands.

    Attributes:
        found: The study as it was last told; None before it began.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.found: TasksStudy | None = None

    def publish(self, event: object) -> None:
        """Take note of the study."""
        from fineview.core.runs.multitask_study import TasksStudy

        if isinstance(event, TasksStudy):
            self.found = event
