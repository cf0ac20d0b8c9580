"""A gap filled by two kinds of models."""

import pytest
import torch

from fineview.core.errors import ConfigError
from fineview.core.models.encoder import open_encoder
from fineview.core.models.language_model import open_language_model
from fineview.core.prompting.blank import same_blank, split
from fineview.core.prompting.decoding import Decoder
from tests.core.tiny import tiny_encoder_folder, tiny_shape_folder
from tests.core.tiny_causal import tiny_causal_folder

TEXT = "the cat ___ on the mat"


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    folder = tiny_causal_folder(tmp_path_factory.mktemp("lm") / "tiny")
    return Decoder(open_language_model(str(folder), tmp_path_factory.mktemp("c"), "cpu"))


def test_both_sides_are_the_models_own_probabilities(decoder, tmp_path):
    import transformers

    folder = tiny_encoder_folder(tmp_path / "bert")
    found = same_blank(decoder, open_encoder(str(folder), tmp_path / "c", "cpu"), TEXT)
    read = decoder.read("the cat")
    assert found.causal.seen == "the cat"
    assert [r.token for r in found.causal.rows][:10] == [r.token for r in read.next.rows]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    given = tokenizer("the cat [MASK] on the mat", return_tensors="pt")
    at = given["input_ids"][0].tolist().index(tokenizer.mask_token_id)
    with torch.inference_mode():
        shares = torch.softmax(model(**given).logits[0, at], dim=-1)
    for row in found.masked.rows:
        assert row.probability == pytest.approx(float(shares[row.token]), abs=1e-5)
    total = sum(row.probability for row in found.masked.rows) + found.masked.rest
    assert total == pytest.approx(1, abs=1e-5)
    assert found.why_not == ""


def test_an_encoder_without_its_head_says_so(decoder, tmp_path):
    folder = tiny_shape_folder(tmp_path / "bare", "roberta", "bare")
    found = same_blank(decoder, open_encoder(str(folder), tmp_path / "c", "cpu"), TEXT)
    assert found.masked is None
    assert "without the fill-in-the-blank head" in found.why_not
    assert found.causal.rows


@pytest.mark.parametrize("text", ["no gap", "___ and ___", ""])
def test_a_sentence_needs_one_gap(text):
    with pytest.raises(ConfigError, match="write ___ where a word is missing"):
        split(text)


def test_a_gap_at_the_start_gives_a_causal_model_nothing(decoder, tmp_path):
    folder = tiny_encoder_folder(tmp_path / "bert")
    with pytest.raises(ConfigError, match="Nothing stands before the gap"):
        same_blank(decoder, open_encoder(str(folder), tmp_path / "c", "cpu"), "___ sat")
