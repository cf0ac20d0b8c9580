"""The logit lens and the attention of one token, held against plain transformers."""

import functools

import pytest
import torch

from fineview.core.errors import DataError
from fineview.core.models.language_model import open_language_model
from fineview.core.prompting.decoding import Decoder
from fineview.core.prompting.lens import attention, logit_lens
from tests.core.tiny_causal import tiny_causal_folder

TEXT = "the cat sat on the mat"


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def decoder(request, tmp_path_factory):
    folder = tiny_causal_folder(tmp_path_factory.mktemp("lm") / request.param, request.param)
    return Decoder(open_language_model(str(folder), tmp_path_factory.mktemp("cache"), "cpu"))


def test_the_last_layer_says_what_the_model_says(decoder):
    read = decoder.read(TEXT)
    rows = logit_lens(decoder, TEXT, len(read.tokens) - 1)
    assert [row.layer for row in rows] == [0, 1, 2, 3]
    assert rows[-1].rows[0].token == read.next.rows[0].token
    assert rows[-1].rows[0].probability == pytest.approx(read.next.rows[0].before, abs=1e-4)
    assert rows[-1].final_rank == 1


def test_a_middle_layer_goes_through_norm_and_output_layer(decoder):
    model = decoder.model.model
    ids = decoder.model.ids(TEXT)[:4]
    with torch.inference_mode():
        states = model(torch.tensor([ids]), output_hidden_states=True).hidden_states
        norm = (
            model.model.norm
            if decoder.model.info.model_type == "llama"
            else (model.transformer.ln_f)
        )
        logs = torch.log_softmax(model.lm_head(norm(states[2][0, -1])), dim=-1)
    row = logit_lens(decoder, TEXT, 3)[2]
    assert row.rows[0].token == int(logs.argmax())
    assert row.rows[0].probability == pytest.approx(float(logs.exp().max()), abs=1e-5)
    assert row.entropy == pytest.approx(float(-(logs.exp() * logs).sum()), abs=1e-4)


def test_attention_is_that_of_the_plain_implementation_and_is_put_back(decoder):
    model = decoder.model.model
    before = model.config._attn_implementation
    glance = attention(decoder, TEXT, 4)
    assert model.config._attn_implementation == before
    ids = decoder.model.ids(TEXT)[:5]
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        plain = model(torch.tensor([ids]), output_attentions=True).attentions
    model.set_attn_implementation(before)
    for layer, heads in zip(plain, glance.weights, strict=True):
        assert torch.allclose(layer[0, :, -1], torch.tensor(heads), atol=1e-6)
        assert all(sum(row) == pytest.approx(1, abs=1e-5) for row in heads)


def test_attention_is_put_back_after_an_error(decoder, monkeypatch):
    model = decoder.model.model
    before = model.config._attn_implementation

    def fail(*_args, **_kwargs):
        raise RuntimeError("broken")

    monkeypatch.setattr(model, "forward", fail)
    with pytest.raises(RuntimeError, match="broken"):
        attention(decoder, TEXT, 1)
    assert model.config._attn_implementation == before


@pytest.mark.parametrize("place", [-1, 1000])
def test_a_place_without_a_token_is_refused(decoder, place):
    with pytest.raises(DataError, match="none at"):
        logit_lens(decoder, TEXT, place)


def test_a_text_that_was_read_is_not_read_again(decoder, monkeypatch):
    read = decoder.read(TEXT)
    model = decoder.model.model
    lengths = []
    forward = model.forward

    @functools.wraps(forward)
    def watched(*args, **kwargs):
        lengths.append(kwargs["input_ids"].shape[1])
        return forward(*args, **kwargs)

    monkeypatch.setattr(model, "forward", watched)
    for place in (0, 2, len(read.tokens) - 1):
        attention(decoder, TEXT, place)
        logit_lens(decoder, TEXT, place)
    assert lengths == [1] * 6
    assert decoder.read(TEXT).computed == 0


def test_a_first_token_is_seen_but_is_no_token_of_the_text(tmp_path):
    folder = tiny_causal_folder(tmp_path / "lm", first=True)
    decoder = Decoder(open_language_model(str(folder), tmp_path / "c", "cpu"))
    glance = attention(decoder, TEXT, 2)
    model = decoder.model.model
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        ids = torch.tensor([[0, *decoder.model.ids(TEXT)[:3]]])
        plain = model(ids, output_attentions=True).attentions
    for layer, heads in zip(plain, glance.weights, strict=True):
        assert torch.allclose(layer[0, :, -1, 1:], torch.tensor(heads), atol=1e-6)
    row = logit_lens(decoder, TEXT, 2)[-1]
    assert row.rows[0].token == decoder.read(TEXT).tokens[3].alternatives[0].token
