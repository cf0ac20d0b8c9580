"""What a layer costs in time."""

import time

import pytest

from fineview.core.errors import JobCancelled
from fineview.core.explore.cost import measure_cost
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Silent
from fineview.core.runs.spec import RunSpec
from tests.core.tiny import tiny_encoder_folder


@pytest.fixture
def lab(locations):
    laboratory = Laboratory(locations)
    yield laboratory
    laboratory.close()


@pytest.mark.parametrize("task", ["word-relations", "capitals"])
def test_a_higher_layer_costs_more(lab, tmp_path, task):
    spec = RunSpec(task=task, encoder=str(tiny_encoder_folder(tmp_path / "tiny")))
    begun = time.perf_counter()
    cost = measure_cost(lab, spec)
    passed = 1000 * (time.perf_counter() - begun)
    depth = lab.encoder_info(spec.encoder).layers
    assert len(cost.milliseconds) == depth + 1
    assert all(0 < low < high for low, high in zip(cost.milliseconds, cost.milliseconds[1:]))  # noqa: B905
    assert cost.milliseconds[-1] * cost.texts < passed
    assert (cost.texts, cost.device) == (16, "cpu")


def test_measuring_can_be_stopped(lab, tmp_path):
    class Stopped(Silent):
        asked = 0

        def check(self):
            self.asked += 1
            if self.asked > 5:
                raise JobCancelled

    spec = RunSpec(encoder=str(tiny_encoder_folder(tmp_path / "tiny")))
    with pytest.raises(JobCancelled):
        measure_cost(lab, spec, Stopped())
