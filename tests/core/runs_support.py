"""What the tests of the run folders share: a run to write, and child processes that may die."""

import multiprocessing
import os
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from fineview.core.runs.spec import RunSpec
from fineview.core.runs.store import RunStore
from fineview.core.runs.writer import RunWriter
from fineview.core.training.events import Evaluation, RunEnded, RunStarted, TrainStep

# A child that is forked from a server holds no lock and no file of this process.
PROCESSES = multiprocessing.get_context("forkserver")


@contextmanager
def quick_folder(otherwise):
    """Yield a folder in memory where there is one: for what dies as a process, not as a disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield otherwise
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="fineview-test-") as name:
        yield Path(name)


def step(number, loss=1.0):
    return TrainStep(
        step=number,
        epoch=number / 7,
        loss=loss,
        gradient_norm=0.5,
        samples_per_s=1000.0,
        learning_rate=0.1,
    )


def evaluation(number, accuracy=0.5):
    return Evaluation(
        step=number,
        epoch=number / 7,
        train_loss=0.4,
        train_accuracy=0.75,
        penalised_loss=0.5,
        loss=0.6,
        accuracy=accuracy,
        macro_f1=0.4,
    )


def ended(status="finished", number=3):
    return RunEnded(status=status, text="It ended.", step=number, seconds=1.5)


def begin(store: RunStore, title="a run", steps=3, **spec) -> RunWriter:
    """Start a run and bring it to step `steps`."""
    writer = store.create(RunSpec(**spec), environment={"torch": "2.13.0"}, title=title)
    writer.append(RunStarted(run_id=writer.run_id, total_steps=10))
    for number in range(1, steps + 1):
        writer.append(step(number))
    writer.append(evaluation(steps))
    return writer


def tensors(seed=0):
    return {"weight": np.random.default_rng(seed).normal(size=(4, 6)), "bias": np.float32(0.5)}


def complete(store: RunStore, title="a run", status="finished", **spec) -> str:
    """Write a whole run and return its id."""
    writer = begin(store, title, **spec)
    result = {"test_accuracy": 0.625, "interval": [0.5, 0.75]}
    writer.finish(ended(status), result=result, tensors={"head": tensors()})
    return writer.run_id


def in_child(work: Callable[..., Any], *arguments):
    """Return what `work` returns in a process of its own, whose limits it may change."""
    ours, theirs = PROCESSES.Pipe()
    child = PROCESSES.Process(target=_answer, args=(theirs, work, arguments), daemon=True)
    child.start()
    theirs.close()
    try:
        answer = ours.recv()
    finally:
        child.join(30)
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _answer(pipe: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        pipe.send(work(*arguments))
    except Exception as error:  # noqa: BLE001 - raised again by whoever asked
        pipe.send(error)
