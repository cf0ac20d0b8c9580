"""Whole runs: from spec to result, stopped, resumed, killed; same bits everywhere."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fineview.core.errors import ConfigError, JobCancelled, StoreError
from fineview.core.features.config import PoolingConfig
from fineview.core.laboratory import Laboratory
from fineview.core.locations import Locations
from fineview.core.progress import Silent
from fineview.core.runs.spec import RunSpec, read_spec
from fineview.core.training.config import TrainConfig
from fineview.core.training.events import (
    Checkpoint,
    Evaluation,
    FeaturesReady,
    RunEnded,
    RunStarted,
    TrainStep,
)
from tests.core.tiny import tiny_encoder_folder

SHORT = TrainConfig(epochs=3)


@pytest.fixture
def spec(tmp_path):
    """Word relations on a tiny random encoder: seconds."""
    folder = tiny_encoder_folder(tmp_path / "tiny")
    return RunSpec(encoder=str(folder), training=SHORT)


class Watch(Silent):
    """Keeps events and stops after so many of a kind."""

    def __init__(self, stop_after=None):
        self.events = []
        self.stop_after = stop_after

    def publish(self, event):
        self.events.append(event)

    def of(self, kind):
        return [e for e in self.events if isinstance(e, kind)]

    def check(self):
        if self.stop_after and len(self.of(self.stop_after[0])) >= self.stop_after[1]:
            raise JobCancelled


def metrics(result):
    """What must be the same for the same spec: everything but times."""
    kept = ("train", "validation", "test", "penalised_loss", "confusion", "references", "steps")
    return {name: result[name] for name in kept}


def test_a_run_is_kept_whole(lab, spec):
    watch = Watch()
    outcome = lab.execute(spec, watch)
    assert outcome.status == "finished"
    assert outcome.text.startswith("Accuracy 0.")
    assert "110 unseen pairs" in outcome.text
    assert "always guessing the commonest: 0.16" in outcome.text
    record = lab.runs.read(outcome.run_id)
    assert record.spec == spec
    assert record.environment["torch"]
    assert record.result["test"] == outcome.result["test"]
    assert len([e for e in record.events if isinstance(e, TrainStep)]) == 33
    # What was shown is what is on disk, but for checkpoints, of which a slow machine makes some.
    assert [e for e in record.events if not isinstance(e, Checkpoint)] == watch.events
    assert [type(e) for e in record.events[:2]] == [RunStarted, FeaturesReady]
    assert isinstance(record.events[-1], RunEnded)
    names = set(outcome.result["references"])
    assert names == {"majority", "tfidf", "optimum"}
    assert np.sum(outcome.result["confusion"]) == 110
    assert set(lab.runs.tensors(outcome.run_id)) >= {"mean", "scale", "linear.weight"}
    (summary,) = lab.runs.list()
    assert summary.test_accuracy == outcome.result["test"]["accuracy"]
    assert summary.head_bytes == 4 * (16 * 14 + 14)


def test_the_second_run_computes_no_features(lab, spec):
    first, second = Watch(), Watch()
    lab.execute(spec, first)
    lab._features = None  # a new window would have to ask the store
    lab.execute(replace(spec, pooling=PoolingConfig(layers=(1, 2), mix="concat")), second)
    assert [e.cached for e in first.of(FeaturesReady)] == [False]
    assert [e.cached for e in second.of(FeaturesReady)] == [True]


@pytest.mark.parametrize(
    "stop_after", [(RunStarted, 1), (FeaturesReady, 1), (TrainStep, 5), (Evaluation, 2)]
)
def test_a_stopped_run_goes_on_to_the_same_result(lab, spec, stop_after):
    whole = lab.execute(spec)
    with pytest.raises(JobCancelled):
        lab.execute(spec, Watch(stop_after))
    stopped = lab.runs.list()[0]
    assert (stopped.status, stopped.resumable) == ("stopped", True)
    assert "can go on" in stopped.text
    resumed = lab.resume(stopped.run_id)
    assert resumed.run_id == stopped.run_id
    assert metrics(resumed.result) == metrics(whole.result)
    steps = [e.step for e in lab.runs.read(stopped.run_id).events if isinstance(e, TrainStep)]
    assert steps == list(range(1, 34))
    assert lab.runs.list()[0].status == "finished"


def test_a_senseless_rate_ends_as_diverged(lab, spec):
    spec = replace(spec, training=replace(SHORT, learning_rate=1e9))
    outcome = lab.execute(spec)
    assert outcome.status == "diverged"
    assert "rate 1e+09" in outcome.text
    assert lab.runs.list()[0].status == "diverged"
    assert "test" not in outcome.result  # the test split was not looked at
    json.dumps(outcome.result, allow_nan=False)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"task": "none"}, "no task 'none'"),
        ({"encoder": "/nowhere"}, "/nowhere"),
        ({"pooling": PoolingConfig(layers=(9,))}, "not all within 0 … 2"),
        ({"pooling": PoolingConfig(tokens="first")}, "choose cls, mean, max"),
    ],
)
def test_a_spec_that_does_not_fit_leaves_no_run(lab, spec, changes, text):
    with pytest.raises(Exception, match=text):
        lab.execute(replace(spec, **changes))
    assert lab.runs.list() == ()


def test_a_failure_inside_a_run_is_kept_with_it(lab, spec):
    # A word task whose texts are all cut away leaves nothing to train on.
    spec = replace(spec, task="capitals", max_length=3)
    with pytest.raises(ConfigError, match="raise the maximum length"):
        lab.execute(spec)
    (summary,) = lab.runs.list()
    assert summary.status == "failed"
    assert "raise the maximum length" in summary.text


def test_a_typed_example_is_judged_by_the_runs_head(lab, spec):
    run = lab.execute(spec).run_id
    said = lab.predict(run, "Vienna", "Austria")
    assert said.items == ("Vienna",)
    shares = [share for _, share in said.probabilities[0]]
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    # The same text from the task gets the same answer as in the run's own predictions.
    stored = lab.runs.tensors(run, "predictions")
    task = lab.task(spec.task)
    item = int(stored["test.items"][0])
    said = lab.predict(run, task.texts[item], task.second[item])
    best = task.classes[int(stored["test.probabilities"][0].argmax())]
    assert said.probabilities[0][0][0] == best
    with pytest.raises(Exception, match="both texts of the pair"):
        lab.predict(run, "Vienna", " ")


def test_the_texts_behind_a_confusion_cell_are_those_counted(lab, spec):
    outcome = lab.execute(spec)
    counts = np.array(outcome.result["confusion"])
    for true, predicted in np.argwhere(counts > 0):
        rows = lab.examples_behind(outcome.run_id, int(true), int(predicted))
        assert len(rows) == counts[true, predicted]
        assert {row[1] for row in rows} == {outcome.result["classes"][true]}


def test_a_second_owner_of_the_workspace_is_refused(lab, locations):
    with pytest.raises(StoreError, match="--workspace"):
        Laboratory(locations)


@pytest.mark.slow
def test_bundled_encoder_does_the_bundled_tasks_far_better_than_guessing(lab):
    for layer, least in ((6, 0.6), (2, 0.75)):
        outcome = lab.execute(RunSpec(pooling=PoolingConfig(layers=(layer,))))
        assert outcome.result["test"]["accuracy"] > least
        optimum = outcome.result["references"]["optimum"]["penalised_loss"]
        assert outcome.result["penalised_loss"] <= 1.02 * optimum
    assert outcome.result["references"]["majority"]["test_accuracy"] < 0.25


@pytest.mark.slow
def test_the_command_line_gives_identical_metrics_twice_from_empty_stores(tmp_path, spec):
    spec_file = tmp_path / "spec.json"
    # Two encoder blocks of a random model, so that the test is about bits and not about minutes.
    spec_file.write_text(json.dumps(spec.to_dict()))
    found = []
    for attempt in ("a", "b"):
        environment = os.environ | {"FINEVIEW_CACHE": str(tmp_path / attempt / "cache")}
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "fineview",
                "run",
                spec_file,
                "--workspace",
                tmp_path / attempt / "workspace",
            ],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(metrics(json.loads(done.stdout)))
    assert found[0] == found[1]
    lab = Laboratory(Locations(tmp_path / "c" / "workspace", tmp_path / "c" / "cache"))
    try:
        from fineview.core.device import apply_threads

        apply_threads()
        here = json.loads(json.dumps(metrics(lab.execute(spec).result)))
    finally:
        lab.close()
    assert here == found[0]


def test_ctrl_c_on_the_command_line_keeps_the_run_and_exits_130(tmp_path, spec):
    spec_file = tmp_path / "spec.json"
    endless = replace(spec, training=replace(SHORT, epochs=1_000_000))
    spec_file.write_text(json.dumps(endless.to_dict()))
    workspace = tmp_path / "w"
    process = subprocess.Popen(
        [sys.executable, "-m", "fineview", "run", spec_file, "--workspace", workspace],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not any(p.stat().st_size > 20_000 for p in workspace.glob("runs/*/events.jsonl")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(said)["status"] == "stopped"
    lab = Laboratory(Locations(workspace, tmp_path / "cache"))
    try:
        (summary,) = lab.runs.list()
        assert summary.resumable
    finally:
        lab.close()


KILL_CHILD = """
import json, os, sys
from pathlib import Path
from fineview.core.laboratory import Laboratory
from fineview.core.locations import Locations
from fineview.core.progress import Silent
from fineview.core.runs.spec import spec_from_dict
from fineview.core.training.events import TrainStep
from fineview.core.training import loop
loop._SAVE_EVERY_S = 0.02

class Tell(Silent):
    def publish(self, event):
        if isinstance(event, TrainStep):
            os.write(1, b"%d\\n" % event.step)

def child(workspace):
    lab = Laboratory(Locations(Path(workspace), Path(sys.argv[2])))
    lab.execute(spec_from_dict(json.loads(sys.argv[1])), Tell())

# torch is loaded once; every child is a fork of this process, which never starts a thread itself.
import torch, transformers.models.auto, sklearn.model_selection, sklearn.linear_model
torch.set_num_threads(1)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        try:
            child(line.strip())
        finally:
            os._exit(9)
    os.write(1, b"pid %d\\n" % pid)
    os.waitpid(pid, 0)
    os.write(1, b"over\\n")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork to be fast")
def test_kill_9_at_40_moments_loses_no_acknowledged_step(tmp_path, lab, spec):
    endless = replace(spec, training=replace(SHORT, epochs=100_000))
    lab.execute(spec)  # fills the store, so that every child trains at once
    server = subprocess.Popen(
        [sys.executable, "-c", KILL_CHILD, json.dumps(endless.to_dict()), lab.locations.cache],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    chance = random.Random(5)
    try:
        for trial in range(40):
            workspace = tmp_path / f"w{trial}"
            acknowledged = _kill_once(server, workspace, chance.uniform(0, 0.08))
            killed = Laboratory(Locations(workspace, lab.locations.cache))
            try:
                (summary,) = killed.runs.list()
                assert (summary.status, summary.resumable) == ("interrupted", True), summary
                events = killed.runs.read(summary.run_id).events
                steps = [e.step for e in events if isinstance(e, TrainStep)]
                assert steps[:acknowledged] == list(range(1, acknowledged + 1))
                if trial % 10 == 0:
                    with pytest.raises(JobCancelled):
                        killed.resume(summary.run_id, Watch((TrainStep, 20)))
                    assert killed.runs.summary(summary.run_id).step >= 20
            finally:
                killed.close()
    finally:
        server.stdin.close()
        server.wait(timeout=10)
        server.stdout.close()


def _kill_once(server, workspace, delay):
    """Start a child, kill it so long after its first step; return its last acknowledged step."""
    server.stdin.write(f"{workspace}\n".encode())
    reader = server.stdout
    pid = int(reader.readline().split()[1])
    assert reader.readline() == b"1\n"
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)
    last = 1
    for line in iter(reader.readline, b"over\n"):
        if line.endswith(b"\n") and line[:-1].isdigit():
            last = int(line)
    return last


def test_a_spec_file_is_toml_or_json_or_a_runs_folder(tmp_path, lab, spec):
    file = tmp_path / "spec.toml"
    file.write_text('task = "capitals"\n[pooling]\nlayers = [2, 3]\nmix = "mean"\n')
    assert read_spec(file).pooling == PoolingConfig(layers=(2, 3), mix="mean")
    run = lab.execute(spec).run_id
    assert read_spec(Path(lab.locations.workspace) / "runs" / run) == spec


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("task = ", "is not valid"),
        ("colour = 1", "colour = 1 will not do"),
        ("[training]\nlearning_rate = -3.0", "above 0, not -3.0"),
        ("[training]\nlearning_rate = 'x'", "learning_rate = 'x'"),
        ("format = 99", "format 99"),
        ("max_length = 1", "3 … 8192"),
    ],
)
def test_a_wrong_spec_file_is_refused_in_one_sentence(tmp_path, text, says):
    file = tmp_path / "spec.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        read_spec(file)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="There is no spec file"):
        read_spec(tmp_path / "none.toml")
