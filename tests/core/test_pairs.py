"""Pairs read apart: [u, v, |u-v|, u·v] of the two texts alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from fineview.core.errors import ConfigError
from fineview.core.features.config import PoolingConfig, describe
from fineview.core.features.pooling import pool
from fineview.core.runs.check import check_spec
from fineview.core.runs.judge import Judge
from fineview.core.runs.spec import RunSpec, spec_from_dict
from fineview.core.training.config import TrainConfig
from tests.core.tiny import tiny_encoder_folder

APART = PoolingConfig(layers=(1, 2), mix="mean", pair="separate")


@pytest.fixture
def spec(tmp_path):
    folder = tiny_encoder_folder(tmp_path / "tiny")
    return RunSpec(encoder=str(folder), training=TrainConfig(epochs=3), pooling=APART)


def plainly(folder, text):
    """Return the mean over tokens, then over layers 1 and 2, by transformers alone."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        layers = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True)
    return torch.stack(layers.hidden_states[1:3]).mean(0)[0].mean(0).numpy()


def test_the_four_parts_are_those_of_plain_transformers(lab, spec):
    hidden = lab.features(spec)
    pooled = pool(hidden, APART)
    task = lab.task(spec.task)
    assert len(pooled) == len(hidden.items) == len(task)
    for item in (0, 7, len(task) - 1):
        u, v = (plainly(spec.encoder, texts[item]) for texts in (task.texts, task.second))
        wanted = np.concatenate((u, v, abs(u - v), u * v))
        np.testing.assert_allclose(pooled[item], wanted, atol=1e-5)


def test_both_ways_of_reading_have_entries_of_their_own(lab, spec):
    apart = lab.features(spec)
    joint = lab.features(replace(spec, pooling=replace(APART, pair="joint")))
    assert apart.key != joint.key
    assert joint.second is None
    again = lab.features(spec)
    assert again.key == apart.key
    assert again.cached


@pytest.mark.parametrize("mix", ["single", "mean", "sum", "concat", "weighted"])
def test_every_mix_joins_and_says_its_width(lab, spec, mix):
    layers = (2,) if mix == "single" else (1, 2)
    pooling = PoolingConfig(layers=layers, mix=mix, pair="separate")
    hidden = lab.features(replace(spec, pooling=pooling))
    pooled = pool(hidden, pooling)
    width = hidden.states.shape[3]
    assert pooled.shape[-1] == pooling.width(width) == 4 * width * (2 if mix == "concat" else 1)
    outcome = lab.execute(replace(spec, pooling=pooling))
    assert outcome.status == "finished"
    assert outcome.result["dimension"] == pooling.width(width)


def test_the_head_judges_typed_pairs_as_it_judged_the_test_texts(lab, spec):
    outcome = lab.execute(spec)
    kept = lab.runs.tensors(outcome.run_id, "predictions")
    task = lab.task(spec.task)
    items = kept["test.items"][:5]
    shares, found, cut = Judge(outcome.run_id, lab).shares(
        [task.texts[i] for i in items], [task.second[i] for i in items]
    )
    assert found.tolist() == [0, 1, 2, 3, 4]
    assert cut == 0
    np.testing.assert_allclose(shares, kept["test.probabilities"][:5], atol=1e-4)
    said = lab.predict(outcome.run_id, "bigger", "big")
    assert sum(p for _, p in said.probabilities[0]) == pytest.approx(1)


def test_old_specs_read_as_joint_and_bad_ones_are_named():
    assert spec_from_dict({"pooling": {"layers": [-1]}}).pooling.pair == "joint"
    with pytest.raises(ConfigError, match="'twice' is not one of joint, separate"):
        PoolingConfig(pair="twice")


def test_one_text_cannot_be_read_apart(lab):
    info = replace(lab.task("word-relations").info, level="sentence", title="Movie snippets")
    with pytest.raises(ConfigError, match="one text an item") as caught:
        check_spec(RunSpec(pooling=PoolingConfig(pair="separate")), info, "class", 6, 9)
    assert caught.value.field == "pair"


def test_the_name_says_so():
    assert describe(PoolingConfig(pair="separate"), 6) == "Last layer · mean · texts apart"
