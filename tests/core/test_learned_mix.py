"""The learned layer mix: its gradients, what it says while it trains, what stays of it."""

from dataclasses import replace

import pytest
import torch

from fineview.core.features.config import PoolingConfig
from fineview.core.progress import Silent
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import TrainConfig
from fineview.core.training.events import LayerWeights, RunEnded, TrainStep
from fineview.core.training.heads import LinearHead
from tests.core.tiny import tiny_encoder_folder


class Keep(Silent):
    """Keeps every event."""

    def __init__(self):
        self.events = []

    def publish(self, event):
        self.events.append(event)


@pytest.fixture
def spec(tmp_path):
    return RunSpec(
        encoder=str(tiny_encoder_folder(tmp_path / "tiny")),
        training=TrainConfig(epochs=4),
        pooling=PoolingConfig(layers=(0, 1, 2), mix="weighted"),
    )


def test_the_mix_passes_the_numerical_gradient_check():
    generator = torch.Generator().manual_seed(3)
    features = torch.randn(6, 4, 5, generator=generator, dtype=torch.float64)
    head = LinearHead.fitted(features, 3).double()
    with torch.no_grad():
        head.linear.weight.normal_(generator=generator)
    raw = head.standardise(features)

    def outputs(logits, weight, bias):
        values = {"layer_logits": logits, "linear.weight": weight, "linear.bias": bias}
        return torch.func.functional_call(head, values, (raw,))

    logits = torch.randn(4, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = head.linear.weight.detach().clone().requires_grad_()
    bias = torch.randn(3, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(outputs, (logits, weight, bias))


def test_the_expected_layer_is_the_centre_of_gravity():
    told = LayerWeights(step=1, layers=(1, 3, 6), weights=(0.5, 0.25, 0.25))
    assert told.expected_layer == pytest.approx(0.5 + 0.75 + 1.5)


def test_a_run_tells_its_weights_rarely_and_keeps_them(lab, spec):
    report = Keep()
    outcome = lab.execute(spec, report)
    told = [e for e in report.events if isinstance(e, LayerWeights)]
    steps = [e for e in report.events if isinstance(e, TrainStep)]
    seconds = next(e for e in report.events if isinstance(e, RunEnded)).seconds
    assert 1 <= len(told) <= 10 * seconds + 2
    assert told[-1].step == steps[-1].step
    assert told[-1].layers == (0, 1, 2)
    result = outcome.result
    assert result["layer_weights"] == list(told[-1].weights)
    assert sum(told[-1].weights) == pytest.approx(1)
    assert told[-1].weights != pytest.approx((1 / 3,) * 3, abs=1e-6), "nothing was learned"
    assert result["mixed_layers"] == [0, 1, 2]
    assert result["expected_layer"] == pytest.approx(told[-1].weights[1] + 2 * told[-1].weights[2])
    read = [e for e in lab.runs.read(outcome.run_id).events if isinstance(e, LayerWeights)]
    assert read == told


def test_other_mixes_say_nothing_of_layers(lab, spec):
    report = Keep()
    mean = replace(spec, pooling=PoolingConfig(layers=(1, 2), mix="mean"))
    outcome = lab.execute(mean, report)
    assert not [e for e in report.events if isinstance(e, LayerWeights)]
    assert outcome.result["layer_weights"] == []
    assert "expected_layer" not in outcome.result
