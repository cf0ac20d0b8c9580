"""How a run moved its texts."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA

from fineview.core.data.split import SplitConfig
from fineview.core.errors import RunError
from fineview.core.explore.movement_work import movement
from fineview.core.runs.spec import RunSpec
from fineview.core.runs.tuned_encoder import tuned_model
from fineview.core.training.strategy import default_strategy, default_training
from fineview.core.training.tuning.examples import examples_of
from fineview.core.training.tuning.judging import judged
from tests.core.tiny import tiny_encoder_folder


@pytest.fixture
def spec(tmp_path):
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    training = replace(default_training("full", 16), epochs=1)
    strategy = replace(default_strategy("full"), encoder_rate=5e-3)
    return RunSpec(encoder=tiny, training=training, strategy=strategy)


def test_the_way_is_that_of_the_states_themselves(lab, spec):
    run_id = lab.execute(spec).run_id
    found = movement(lab, run_id, 1)
    task = lab.task(spec.task)
    examples = examples_of(lab.encoder(spec.encoder), task, "validation", spec.max_length)
    now = judged(tuned_model(lab, run_id, spec, "pair"), examples, states=True).states.numpy()
    began = lab.features(spec).states[task.splits["validation"]][:, :, 1]
    way = np.sqrt(((now - began) ** 2).sum(2).mean(0))
    spread = np.sqrt(((began - began.mean(0)) ** 2).sum(2).mean(0))
    assert found.shift == pytest.approx((way / spread).tolist(), rel=0.02, abs=1e-3)
    pca = PCA(2).fit(np.concatenate([began[:, 1], now[:, 1]]))
    middle = np.concatenate([found.before, found.after]).mean(0)
    assert np.abs(middle).max() < 1e-4
    assert np.abs(np.abs(found.after) - np.abs(pca.transform(now[:, 1]))).max() < 5e-3
    assert found.layer == 1
    assert found.texts[0] == task.example(int(task.splits["validation"][0]))
    assert found.groups.tolist() == task.labels[task.splits["validation"]].tolist()
    assert movement(lab, run_id).layer == 2


def test_words_are_drawn_by_their_sentences(lab, spec):
    split = SplitConfig(train_items=200, held_out_items=100)
    words = replace(spec, task="capitals", split=split)
    found = movement(lab, lab.execute(words).run_id)
    task = lab.task(words.task, split)
    assert set(found.texts) <= set(task.texts)
    assert len(found.texts) == len(set(found.texts))
    assert set(found.groups.tolist()) == {-1}


def test_runs_without_movement_say_so(lab, spec):
    run_id = lab.execute(replace(spec, strategy=default_strategy("head"))).run_id
    with pytest.raises(RunError, match="left the encoder as it was"):
        movement(lab, run_id)
