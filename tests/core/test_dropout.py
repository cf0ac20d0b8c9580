"""Dropout with shared draws: what it drops, its gradients, and the models that take it."""

import pytest
import torch
from torch import nn
from transformers import AutoModel

from fineview.core.training.tuning.dropout import (
    SharedDrawsDropout,
    _Attention,
    dropped,
    quicken,
)
from tests.core.tiny import SHAPES, tiny_shape_folder


def test_places_are_dropped_with_the_given_probability_and_independently():
    torch.manual_seed(0)
    for probability in (0.1, 0.5, 0.9):
        drop, scale = dropped(torch.Size((400, 1001)), probability)
        share = drop.double().mean().item()
        # Five standard deviations of a mean of 400,400 independent places.
        assert abs(share - probability) < 5 * (probability * (1 - probability) / 400_400) ** 0.5
        assert scale == pytest.approx(1 / (1 - probability), rel=1e-3)
        # The four places of one draw are no likelier dropped together than any others.
        lanes = drop.flatten()[: 400_400 // 4 * 4].view(-1, 4).double()
        assert (torch.corrcoef(lanes.T) - torch.eye(4, dtype=torch.float64)).abs().max() < 0.02
    assert not dropped(torch.Size((7,)), 0.0)[0].any()
    assert dropped(torch.Size((7,)), 1.0)[0].all()


def test_the_same_seed_drops_the_same_places():
    draws = []
    for _ in range(2):
        torch.manual_seed(3)
        draws.append(dropped(torch.Size((5, 13)), 0.3)[0])
    assert torch.equal(*draws)
    assert not torch.equal(draws[0], dropped(torch.Size((5, 13)), 0.3)[0])


def test_outputs_and_gradients_are_those_of_the_places_kept():
    layer = SharedDrawsDropout(0.4)
    states = torch.ones(50, 40, requires_grad=True)
    torch.manual_seed(1)
    output = layer(states)
    assert output.detach().unique().tolist() == pytest.approx([0.0, 1 / 0.6], rel=1e-4)
    output.sum().backward()
    assert torch.equal(states.grad, output.detach())
    assert layer.eval()(states) is states


def seeded_attention(mask, seed=5):
    def attend(query, key, value):
        torch.manual_seed(seed)
        return _Attention.apply(query, key, value, mask, 0.35, 0.3)

    return attend


def test_attention_agrees_with_its_formula_and_its_gradients_with_differences():
    torch.manual_seed(2)
    triple = [torch.randn(2, 2, 5, 3, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    mask = torch.rand(2, 1, 5, 5) > 0.3
    mask[..., 0] = True
    for used in (None, mask):
        query, key, value = triple
        scores = query @ key.transpose(-1, -2) * 0.35
        if used is not None:
            scores = scores.masked_fill(~used, float("-inf"))
        torch.manual_seed(5)
        drop, scale = dropped(scores.shape, 0.3)
        expected = (scores.softmax(-1).masked_fill(drop, 0) * scale) @ value
        attend = seeded_attention(used)
        torch.testing.assert_close(attend(*triple), expected)
        assert torch.autograd.gradcheck(attend, triple)


def test_a_place_that_sees_nothing_stays_a_number():
    triple = [torch.randn(1, 1, 4, 2) for _ in range(3)]
    mask = torch.ones(1, 1, 4, 4, dtype=torch.bool)
    mask[..., 2, :] = False
    assert seeded_attention(mask)(*triple).isfinite().all()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_architecture_computes_as_before_and_drops_in_training(tmp_path, shape):
    tiny_shape_folder(tmp_path / shape, shape, "bare")
    model = AutoModel.from_pretrained(tmp_path / shape).eval()
    ids = torch.randint(7, 40, (3, 9), generator=torch.Generator().manual_seed(0))
    seen = torch.ones_like(ids)
    seen[1, 6:] = 0
    names = list(model.state_dict())

    def states():
        return model(input_ids=ids, attention_mask=seen).last_hidden_state

    before = states()
    quicken(model)
    assert torch.equal(states(), before)
    assert list(model.state_dict()) == names
    assert not any(type(module) is nn.Dropout for module in model.modules())
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.5
    model.train()
    assert torch.equal(again(states), again(states))
    if any(isinstance(module, SharedDrawsDropout) for module in model.modules()):
        assert not torch.equal(again(states), before)
        assert not torch.equal(again(states), again(states, seed=1))
    assert states().isfinite().all()


def again(states, seed=0):
    torch.manual_seed(seed)
    return states()
