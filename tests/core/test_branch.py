"""Going back to a saved step, and on from there as a new run."""

from dataclasses import replace

import numpy as np
import pytest

from fineview.core.errors import JobCancelled, RunError
from fineview.core.progress import Silent
from fineview.core.runs.artefacts import thinned
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import TrainConfig
from fineview.core.training.events import Evaluation, RunStarted, TrainStep
from fineview.core.training.strategy import default_strategy
from tests.core.tiny import tiny_encoder_folder


class StopAt(Silent):
    def __init__(self, step):
        self.step, self.done = step, 0

    def publish(self, event):
        if isinstance(event, TrainStep):
            self.done = event.step

    def check(self):
        if self.done >= self.step:
            raise JobCancelled


@pytest.fixture
def spec(tmp_path):
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    return RunSpec(encoder=tiny, training=TrainConfig(epochs=4, optimiser="adam"))


def stopped(lab, spec, step):
    with pytest.raises(JobCancelled):
        lab.execute(spec, StopAt(step))
    return lab.runs.list()[0].run_id


@pytest.mark.parametrize("kind", ["head", "full"])
def test_a_branch_without_changes_ends_where_the_run_itself_would(lab, spec, kind):
    spec = replace(spec, strategy=default_strategy(kind))
    whole = lab.execute(spec)
    parent = stopped(lab, spec, 15)
    assert lab.runs.checkpoints(parent) == (15,)
    branched = lab.branch(parent, 15, spec)
    for name in ("head", "encoder") if kind == "full" else ("head",):
        wanted, found = (
            lab.runs.tensors(whole.run_id, name),
            lab.runs.tensors(branched.run_id, name),
        )
        assert all(np.array_equal(wanted[key], found[key]) for key in wanted)
    events = lab.runs.read(branched.run_id).events
    steps = [e.step for e in events if isinstance(e, TrainStep)]
    assert steps == list(range(1, whole.result["steps"] + 1))
    assert [e.resumed_from for e in events if isinstance(e, RunStarted)] == [15]
    assert {e.step for e in events if isinstance(e, Evaluation)} >= {0, 11, 22, 33, 44}
    assert lab.runs.summary(parent).status == "stopped"
    assert "from step 15" in lab.runs.summary(branched.run_id).title


def test_a_branch_takes_other_settings(lab, spec):
    parent = stopped(lab, spec, 15)
    other = replace(spec.training, learning_rate=0.5, optimiser="sgd", epochs=6)
    branched = lab.branch(parent, 15, replace(spec, training=other))
    steps = [e for e in lab.runs.read(branched.run_id).events if isinstance(e, TrainStep)]
    assert {e.learning_rate for e in steps if e.step <= 15} == {spec.training.learning_rate}
    assert {e.learning_rate for e in steps if e.step > 15} == {0.5}
    assert len(steps) == 66


def test_a_step_without_checkpoint_is_refused_by_name(lab, spec):
    parent = stopped(lab, spec, 15)
    with pytest.raises(RunError, match="step 7: go back to one of these steps: 15"):
        lab.branch(parent, 7, spec)
    assert [run.run_id for run in lab.runs.list()] == [parent]


def test_thinning_keeps_the_newest_two_and_spreads_the_rest():
    steps: list[int] = []
    for step in range(10, 1000, 10):
        steps = thinned([*steps, step], 8)
        assert len(steps) <= 8
        assert steps[-1] == step
        assert step == 10 or steps[-2] == step - 10
    gaps = np.diff([0, *steps[:-1]])
    assert gaps.max() <= 4 * np.median(gaps)
