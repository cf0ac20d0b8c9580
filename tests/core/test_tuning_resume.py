"""A training of an encoder that was stopped, or killed, goes on to the same bits."""

import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest

from fineview.core.errors import JobCancelled
from fineview.core.features.config import PoolingConfig
from fineview.core.locations import Locations
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import HeadConfig
from fineview.core.training.events import Evaluation, RunStarted, TrainStep
from fineview.core.training.strategy import default_strategy
from fineview.core.training.tuning import loop
from tests.core.runs_support import PROCESSES
from tests.core.tuning_support import (
    TRAINING,
    OwnTask,
    Watch,
    encoder_folder,
    same,
    task_of,
    tuning_of,
    weights_of,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return encoder_folder(tmp_path_factory.mktemp("tiny") / "encoder", dropout=0.2)


def told(*watches):
    """Return what steps and evaluations said, but for times; of two with one step the newer."""
    steps, evaluations = {}, {}
    for event in [event for watch in watches for event in watch.events]:
        if isinstance(event, TrainStep):
            steps[event.step] = replace(event, samples_per_s=0.0)
        elif isinstance(event, Evaluation):
            evaluations[event.step] = replace(event, seconds=0.0)
    return steps, evaluations


def stopped_and_resumed(begin, **stop):
    """Stop a training, and go on with a new one from what was kept; return it and both watches."""
    saved, first, second = [], Watch(**stop), Watch()
    broken = begin(report=first, save=lambda *given: saved.append(given))
    with pytest.raises(JobCancelled):
        broken.run()
    broken.checkpoint()
    step, arrays, state = saved[-1]
    assert step == broken.step == first.step
    again = begin(report=second)
    again.restore(step, arrays, state)
    return again, again.run(), (first, second)


WEIGHTED = {
    "pooling": PoolingConfig(layers=(0, 1, 2), mix="weighted"),
    "head": HeadConfig(kind="mlp", width=6, dropout=0.3),
}


@pytest.mark.parametrize(
    ("kind", "settings", "others", "stop_at"),
    [
        ("full", {}, {}, 1),
        ("full", {"optimiser": "sgd", "learning_rate": 0.3}, WEIGHTED, 4),
        ("full", {"optimiser": "momentum", "token_budget": 60, "accumulate": 3}, {}, 5),
        (
            "full",
            {"optimiser": "adafactor", "clip": 0.1, "warmup": 0.3, "schedule": "cosine"},
            {},
            4,
        ),
        ("full", {"optimiser": "adam", "class_weights": "balanced"}, {"encoder_rate": 0.01}, 3),
        ("last-k", {"checkpointing": True}, {"pooling": PoolingConfig(tokens="attention")}, 4),
        ("gradual", {"epochs": 4, "schedule": "triangular"}, {}, 3),
        ("gradual", {"epochs": 4, "optimiser": "momentum"}, {}, 7),
        ("lora", {"accumulate": 2}, {}, 2),
        ("bitfit", {}, {}, 2),
        ("linearised", {}, {}, 4),
        ("random-init", {}, {}, 2),
    ],
)
def test_a_stopped_training_goes_on_to_the_same_bits(folder, kind, settings, others, stop_at):
    task, training = task_of(), replace(TRAINING, **settings)

    def begin(**seam):
        return tuning_of(folder, task, kind, training, **others, **seam)

    watch = Watch()
    whole = begin(report=watch)
    tuned = whole.run()
    assert tuned.steps == whole.total > stop_at
    again, resumed, watches = stopped_and_resumed(begin, stop_at=stop_at)
    assert resumed.steps == tuned.steps
    assert same(weights_of(whole), weights_of(again))
    steps, evaluations = told(watch)
    found = told(*watches)
    assert found[0] == steps
    assert evaluations.items() <= found[1].items()
    assert resumed.cka == tuned.cka
    assert whole.moves.distances() == again.moves.distances()
    assert same(whole.movement(), again.movement())


@pytest.mark.parametrize("level", ["pair", "word", "number"])
def test_so_does_one_of_every_level(folder, level):
    task = task_of("sentence", numbers=True) if level == "number" else task_of(level)

    def begin(**seam):
        return tuning_of(folder, task, "full", TRAINING, **seam)

    whole = begin()
    whole.run()
    again, _, _ = stopped_and_resumed(begin, stop_at=4)
    assert same(weights_of(whole), weights_of(again))


@pytest.mark.parametrize(
    ("settings", "epoch", "asked"),
    [({"kept": "best"}, 2, 1), ({"kept": "best"}, 3, 2), ({"patience": 1}, -1, 2)],
)
def test_a_stop_in_the_evaluation_of_an_epoch_forgets_no_best_epoch(folder, settings, epoch, asked):
    training = replace(TRAINING, epochs=3 if epoch > 0 else 20, learning_rate=0.1, **settings)

    def begin(**seam):
        return tuning_of(folder, task_of(), "full", training, encoder_rate=0.01, **seam)

    whole = begin()
    tuned = whole.run()
    assert tuned.early == (epoch < 0)
    # Asked in the evaluation that ends the epoch: of training texts first, then of validation ones.
    last = 3 * epoch if epoch > 0 else tuned.steps
    again, resumed, _ = stopped_and_resumed(begin, stop_at=last, asked=asked)
    assert (resumed.steps, resumed.early) == (tuned.steps, tuned.early)
    assert resumed.last.loss == tuned.last.loss
    assert same(weights_of(whole), weights_of(again))


def test_settings_changed_before_the_stop_still_hold_after_it(folder):
    changes = {2: {"learning_rate": 0.05, "weight_decay": 0.3}}

    def begin(**seam):
        return tuning_of(folder, task_of(), "full", replace(TRAINING, schedule="linear"), **seam)

    watch = Watch(changes_at=changes)
    whole = begin(report=watch)
    whole.run()
    again, _, watches = stopped_and_resumed(begin, stop_at=4, changes_at=changes)
    assert same(weights_of(whole), weights_of(again))
    assert told(*watches)[0] == told(watch)[0]
    rates = [event.learning_rate for event in watch.of(TrainStep)]
    left = 1 - np.arange(6) / 6
    assert rates == pytest.approx(np.where(np.arange(6) < 2, 0.01, 0.05) * left)
    plain = begin()
    plain.run()
    assert not same(weights_of(whole), weights_of(plain))


# ---- whole runs


def spec_of(folder, kind, epochs=2):
    strategy = replace(default_strategy(kind), head_epochs=3)
    return RunSpec(
        task="own",
        encoder=folder,
        strategy=strategy,
        training=replace(TRAINING, epochs=epochs, kept="best", schedule="linear"),
    )


def artefacts(lab, run_id):
    """Return all arrays that a run has kept."""
    names = ("head", "encoder", "movement", "predictions")
    return {f"{n}.{key}": v for n in names for key, v in lab.runs.tensors(run_id, n).items()}


@pytest.fixture
def lab(locations):
    lab = OwnTask(locations, task_of())
    yield lab
    lab.close()


@pytest.mark.parametrize(
    ("kind", "stops"),
    [
        ("lp-ft", [{"stop_at": 2}]),
        ("lp-ft", [{"stop_at": 3}, {"stop_at": 5}]),
        ("linearised", [{"stop_at": 2}, {"stop_at": 4, "asked": 1}]),
        # After the last step: while the last epoch is judged, and while the test texts are.
        ("gradual", [{"stop_at": 6, "asked": 1}, {"after": "Judging the validation texts"}]),
    ],
)
def test_a_run_may_be_stopped_in_every_phase(lab, folder, kind, stops):
    spec = spec_of(folder, kind)
    whole = lab.execute(spec)
    run_id = None
    for stop in stops:
        with pytest.raises(JobCancelled):
            lab.execute(spec, Watch(**stop), resume=run_id)
        run_id = lab.runs.list()[0].run_id
        assert lab.runs.summary(run_id).status == "stopped"
    resumed = lab.resume(run_id)
    assert same(artefacts(lab, whole.run_id), artefacts(lab, run_id))
    steps = [e.step for e in lab.runs.read(run_id).events if isinstance(e, TrainStep)]
    assert steps == list(range(1, whole.result["steps"] + 1))
    for name in ("test", "validation", "confusion", "distances", "cka", "trained_parameters"):
        assert resumed.result[name] == whole.result[name]


def train_until_killed(pipe, locations, folder):
    loop._SAVE_SMALL_EVERY_S = 0.0  # a checkpoint at every step

    class Tell(Watch):
        def publish(self, event):
            if isinstance(event, TrainStep):
                pipe.send(event.step)
                if event.step == 40:  # however late the kill comes, it comes before the end
                    time.sleep(60)

    OwnTask(locations, task_of()).execute(spec_of(folder, "full", epochs=20), Tell())


def test_a_killed_run_goes_on_to_the_same_bits(lab, folder, tmp_path):
    doomed = Locations(tmp_path / "doomed", tmp_path / "cache")
    ours, theirs = PROCESSES.Pipe(duplex=False)
    child = PROCESSES.Process(target=train_until_killed, args=(theirs, doomed, folder), daemon=True)
    child.start()
    theirs.close()
    with ours:
        while ours.recv() < 8:
            pass
        os.kill(child.pid, signal.SIGKILL)
        child.join(30)
    assert child.exitcode == -signal.SIGKILL
    killed = OwnTask(doomed, task_of())
    try:
        (summary,) = killed.runs.list()
        assert (summary.status, summary.resumable) == ("interrupted", True)
        killed.resume(summary.run_id)
        whole = lab.execute(killed.runs.read(summary.run_id).spec)
        assert same(artefacts(lab, whole.run_id), artefacts(killed, summary.run_id))
        events = killed.runs.read(summary.run_id).events
        began = [event.resumed_from for event in events if isinstance(event, RunStarted)]
        assert began[0] == 0
        assert 6 <= began[1] < 40
        steps = {event.step for event in events if isinstance(event, TrainStep)}
        assert steps == set(range(1, 61))
    finally:
        killed.close()
