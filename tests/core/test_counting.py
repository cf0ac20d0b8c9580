"""Counts of weights before a run are those that the run then has."""

from dataclasses import replace

import pytest

from fineview.core.features.config import PoolingConfig
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import HeadConfig, TrainConfig
from fineview.core.training.counting import count_weights
from fineview.core.training.strategy import KINDS, default_strategy
from tests.core.tiny import tiny_encoder_folder


@pytest.fixture
def tiny(tmp_path):
    return str(tiny_encoder_folder(tmp_path / "tiny"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_moves_as_many_weights_as_were_counted(lab, tiny, kind):
    strategy = replace(default_strategy(kind), top_layers=1, head_epochs=1)
    heads = [HeadConfig(), HeadConfig(kind="mlp", width=5, hidden_layers=2)]
    head = heads[len(kind) % 2]
    training = TrainConfig(epochs=2, optimiser="adamw", learning_rate=1e-3)
    spec = RunSpec(encoder=tiny, strategy=strategy, training=training, head=head)
    result = lab.execute(spec).result
    info = lab.encoder_info(tiny)
    counts = count_weights(strategy, spec.pooling, head, info, len(result["classes"]), 2)
    assert result["head_parameters"] == counts.head
    assert result["trained_parameters"] == counts.head + counts.moved
    assert result["frozen_parameters"] == counts.frozen


def test_learned_mix_and_attention_count(lab, tiny):
    info = lab.encoder_info(tiny)
    mix = PoolingConfig(layers=(0, 1, 2), mix="weighted")
    attention = PoolingConfig(tokens="attention")
    plain = count_weights(default_strategy("head"), PoolingConfig(), HeadConfig(), info, 3, 1)
    assert count_weights(default_strategy("head"), mix, HeadConfig(), info, 3, 1).head == (
        plain.head + 3
    )
    assert count_weights(default_strategy("head"), attention, HeadConfig(), info, 3, 1).head == (
        plain.head + info.width
    )
