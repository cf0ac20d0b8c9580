"""The same gap, filled by a causal and a masked model."""

import pytest
import torch

from fineview.core.errors import ConfigError
from fineview.core.prompting.blank import LIKELIEST, same_blank
from tests.core.fewshot_support import language_model
from tests.core.tiny import tiny_encoder_folder, tiny_shape_folder

TEXT = "the quiet ___ is a treat"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return language_model(tmp_path_factory.mktemp("models") / "llama")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return tiny_encoder_folder(tmp_path_factory.mktemp("models") / "encoder")


def test_both_agree_with_plain_transformers(model, encoder):
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    found = same_blank(model, encoder, TEXT, title="Tiny")
    assert found.why_not == ""
    with torch.no_grad():
        logits = model.model(torch.tensor([model.ids("the quiet")])).logits[0, -1]
        tokenizer = AutoTokenizer.from_pretrained(encoder)
        inputs = tokenizer("the quiet [MASK] is a treat", return_tensors="pt")
        peer = AutoModelForMaskedLM.from_pretrained(encoder)(**inputs).logits[0]
    place = inputs["input_ids"][0].tolist().index(tokenizer.mask_token_id)
    for side, expected in ((found.causal, logits), (found.masked, peer[place])):
        best = expected.softmax(-1).topk(LIKELIEST)
        assert [row.token for row in side.rows] == best.indices.tolist()
        shares = [row.probability for row in side.rows]
        assert shares == pytest.approx(best.values.tolist(), abs=1e-5)
        assert sum(shares) + side.rest == pytest.approx(1, abs=1e-5)
    assert (found.causal.seen, found.causal.objective) == ("the quiet", "causal")
    assert found.masked.seen == "the quiet [MASK] is a treat"
    assert (found.masked.title, found.masked.objective) == ("Tiny", "masked")
    known = {row.text.strip().casefold() for row in found.masked.rows}
    assert set(found.common) <= known


def test_an_encoder_without_the_head_says_so(model, tmp_path):
    bare = tiny_shape_folder(tmp_path / "bare", "bert", "bare")
    found = same_blank(model, bare, TEXT)
    assert found.masked is None
    assert "has no head for masked words" in found.why_not
    assert found.common == ()
    assert found.causal.rows


def test_what_else_there_is_no_masked_side_for(model, tmp_path):
    assert same_blank(model, None, TEXT).why_not == "No masked language model is chosen."
    missing = same_blank(model, tmp_path / "nowhere", TEXT)
    assert missing.masked is None
    assert "no model folder" in missing.why_not
    causal = same_blank(model, model.folder.path, TEXT)
    assert "choose a BERT-like encoder" in causal.why_not


@pytest.mark.parametrize("shape", ["roberta", "distilbert", "modernbert", "xlm-roberta"])
def test_heads_of_other_shapes(model, tmp_path, shape):
    found = same_blank(model, tiny_shape_folder(tmp_path / shape, shape), TEXT)
    assert found.why_not == ""
    assert len(found.masked.rows) == LIKELIEST


def test_a_typed_mask_is_not_the_gap(model, encoder):
    one = same_blank(model, encoder, "[MASK] film ___ .").masked
    assert one.seen == "[MASK] film [MASK] ."
    other = same_blank(model, encoder, "___ film [MASK] .").masked
    assert one.rows != other.rows


def test_bad_texts(model, encoder):
    for text in ("no gap", "two ___ gaps ___"):
        with pytest.raises(ConfigError, match="gaps: write ___ once") as caught:
            same_blank(model, encoder, text)
        assert caught.value.field == "text"
    with pytest.raises(ConfigError, match="takes 160: shorten"):
        same_blank(model, encoder, "x y " * 100 + "___")
    assert same_blank(model, encoder, "___ is at the start").causal.seen == ""
    assert same_blank(model, encoder, "🙂 <b>\x07 ___ \u202e").causal.rows
