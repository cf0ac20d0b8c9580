"""What a run has trained is an encoder like any other."""

from dataclasses import replace

import numpy as np
import pytest

from fineview.core.errors import RunError
from fineview.core.features.pooling import pool
from fineview.core.runs.spec import RunSpec
from fineview.core.runs.tuned_encoder import tuned_model
from fineview.core.training.strategy import default_strategy, default_training
from fineview.core.training.tuning.examples import unlabelled
from tests.core.tiny import tiny_encoder_folder


@pytest.fixture
def spec(tmp_path):
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    return RunSpec(encoder=tiny, training=replace(default_training("full", 16), epochs=1))


@pytest.mark.parametrize("kind", ["full", "lora", "random-init"])
def test_its_features_are_those_that_its_head_saw(lab, spec, kind):
    spec = replace(spec, strategy=default_strategy(kind))
    run_id = lab.execute(spec).run_id
    name = f"run:{run_id}"
    fresh = replace(spec, encoder=name, strategy=default_strategy("head"))
    hidden = lab.features(fresh)
    features = pool(hidden, spec.pooling)
    model = tuned_model(lab, run_id, spec, "pair")
    task = lab.task(spec.task)
    examples = unlabelled(
        lab.encoder(spec.encoder), task.texts[:5], task.second[:5], None, spec.max_length
    )
    batch = examples.batch(np.arange(5), model.padding)
    _, states, pooler = model.look(batch)
    seen = model.features(states, pooler, batch).detach().numpy()
    assert np.abs(features[:5] - seen).max() < 1e-5
    plain = pool(lab.features(replace(fresh, encoder=spec.encoder)), spec.pooling)
    assert np.abs(features - plain).max() > 1e-4
    assert lab.encoder_info(name).fingerprint != lab.encoder_info(spec.encoder).fingerprint
    trained_on = lab.execute(replace(fresh, training=replace(fresh.training, epochs=1)))
    assert trained_on.status == "finished"


def test_a_run_that_moved_no_weight_of_the_encoder_is_refused(lab, spec):
    run_id = lab.execute(replace(spec, strategy=default_strategy("head"))).run_id
    with pytest.raises(RunError, match="has trained no encoder"):
        lab.encoder(f"run:{run_id}")
    with pytest.raises(RunError, match="no run"):
        lab.encoder("run:nothing")


def test_only_a_few_stay_in_memory(lab, spec):
    spec = replace(spec, strategy=default_strategy("bitfit"))
    names = [f"run:{lab.execute(replace(spec, seed=seed)).run_id}" for seed in range(3)]
    first = lab.encoder(names[0])
    for name in names:
        lab.encoder(name)
    assert lab.encoder(names[2]) is lab.encoder(names[2])
    assert lab.encoder(names[0]) is not first
