"""The joined Llama computes what transformers computes, and keeps no weight twice."""

import pytest
import torch

from fineview.core.models.language_model import open_language_model
from fineview.core.prompting.steps import (
    AnySteps,
    LlamaSteps,
    cache_name,
    is_plain_llama,
    steps_for,
)
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


SMALL = {
    "vocab_size": 260,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "initializer_range": 0.4,
}
USUAL = {
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
KINDS = {
    "mistral": {**USUAL, "sliding_window": 4},
    "gemma2": {**USUAL, "sliding_window": 4, "head_dim": 8},
    "qwen3": {**USUAL, "head_dim": 8},
    "lfm2": {**USUAL, "layer_types": ["conv", "full_attention", "conv"]},
    "mamba": {},
}


class Stopped(Exception):
    pass


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_memory_goes_back_and_survives_a_stop(kind):
    import transformers

    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.AutoConfig.for_model(kind, **SMALL, **KINDS[kind])
        module = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.inference_mode():
        plain = module(torch.tensor([IDS]), use_cache=False).logits[0]
    steps = AnySteps(module)
    found = [steps.forward(IDS[:7])]
    steps.forward([1, 2, 3])
    steps.crop(7)
    asked = []

    def ask():
        asked.append(1)
        if len(asked) == 2:
            raise Stopped  # when one block has read the tokens and the next has not

    with pytest.raises(Stopped):
        steps.forward(IDS[7:], ask)
    assert steps.length == 7
    found += [steps.forward(IDS[7:10])]
    found += [steps.forward([token]) for token in IDS[10:]]
    assert torch.allclose(torch.cat(found), plain, atol=1e-4)
    keys = steps.keys(8)
    assert (keys is None) == (kind in ("mamba", "lfm2"))
    if keys is not None:
        with torch.inference_mode():
            given = {cache_name(module): keys, "use_cache": True}
            again = module(torch.tensor([IDS[8:9]]), **given).logits[0, -1]
        assert torch.allclose(again, plain[8], atol=1e-4)
        assert torch.allclose(
            steps.forward([5])[0], AnySteps(module).forward([*IDS, 5])[-1], atol=1e-4
        )


def test_a_joined_llama_that_was_stopped_within_a_pass_goes_on(model):
    steps = LlamaSteps(model.model)
    steps.forward(IDS[:5])
    asked = []

    def ask():
        asked.append(1)
        if len(asked) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        steps.forward(IDS[5:], ask)
    found = steps.forward(IDS[5:])
    with torch.inference_mode():
        plain = model.model(torch.tensor([IDS])).logits[0, 5:]
        again = model.model(
            torch.tensor([IDS[8:9]]), **{cache_name(model.model): steps.keys(8)}
        ).logits[0, -1]
    assert torch.allclose(found, plain, atol=1e-4)
    assert torch.allclose(again, plain[3], atol=1e-4)
