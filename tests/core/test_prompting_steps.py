"""The joined Llama computes what transformers computes, and keeps no weight twice."""

import pytest
import torch

from fineview.core.models.language_model import open_language_model
from fineview.core.prompting.steps import AnySteps, LlamaSteps, is_plain_llama, steps_for
from tests.core.tiny_causal import tiny_causal_folder

IDS = [5, 9, 40, 41, 7, 7, 100, 3, 250, 12, 9, 8]


@pytest.fixture
def model(tmp_path):
    return open_language_model(str(tiny_causal_folder(tmp_path / "lm")), tmp_path / "c", "cpu")


def test_a_plain_llama_is_joined_and_others_are_not(model, tmp_path):
    assert isinstance(steps_for(model), LlamaSteps)
    other = tiny_causal_folder(tmp_path / "gpt", "gpt2")
    assert isinstance(steps_for(open_language_model(str(other), tmp_path / "c")), AnySteps)
    model.model.config.attention_bias = True
    assert not is_plain_llama(model.model)


@pytest.mark.parametrize("cuts", [[12], [1] * 12, [5, 1, 1, 5], [3, 9]])
def test_logits_are_those_of_transformers_however_the_text_is_cut(model, cuts):
    with torch.inference_mode():
        plain = model.model(torch.tensor([IDS])).logits[0]
    steps = LlamaSteps(model.model)
    found, start = [], 0
    for count in cuts:
        found.append(steps.forward(IDS[start : start + count]))
        start += count
    assert torch.allclose(torch.cat(found), plain, atol=1e-4)


def test_cropped_and_read_on_it_is_as_if_never_read(model):
    steps = LlamaSteps(model.model)
    steps.forward(IDS)
    steps.crop(4)
    again = steps.forward([77, 78])
    with torch.inference_mode():
        plain = model.model(torch.tensor([[*IDS[:4], 77, 78]])).logits[0, -2:]
    assert steps.length == 6
    assert torch.allclose(again, plain, atol=1e-4)


def test_room_grows_with_the_text(tmp_path):
    folder = tiny_causal_folder(tmp_path / "lm", window=1024)
    model = open_language_model(str(folder), tmp_path / "c", "cpu")
    ids = (IDS * 60)[:700]
    steps = LlamaSteps(model.model)
    for start in range(0, 700, 100):
        last = steps.forward(ids[start : start + 100])
    with torch.inference_mode():
        plain = model.model(torch.tensor([ids])).logits[0, -100:]
    assert torch.allclose(last, plain, atol=2e-4)


def test_no_weight_is_there_twice_and_the_module_goes_on_working(model):
    with torch.inference_mode():
        before = model.model(torch.tensor([IDS])).logits
    LlamaSteps(model.model)
    LlamaSteps(model.model)  # joined once
    with torch.inference_mode():
        after = model.model(torch.tensor([IDS])).logits
    assert torch.equal(before, after) or torch.allclose(before, after, atol=1e-5)
    layer = model.model.model.layers[0]
    tables = {
        part.weight.untyped_storage().data_ptr()
        for part in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj)
    }
    assert len(tables) == 1
    assert layer.self_attn.q_proj.weight.untyped_storage().nbytes() == 4 * 32 * (32 + 16 + 16)


def test_bfloat16_is_near_transformers_own(tmp_path):
    folder = tiny_causal_folder(tmp_path / "lm")
    model = open_language_model(str(folder), tmp_path / "c", "cpu", "bfloat16")
    with torch.inference_mode():
        plain = model.model(torch.tensor([IDS])).logits[0].float()
    ours = LlamaSteps(model.model).forward(IDS)
    assert (ours - plain).abs().max() < 0.05 * plain.abs().max()
