"""What an encoder says of itself, how it cuts texts into tokens, and other architectures."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from fineview.core.features.extract import states_of
from fineview.core.models.catalog import locate
from fineview.core.models.encoder import open_encoder
from fineview.core.models.info import EncoderInfo
from tests.core.features_support import SENTENCES, WORDS, plain_model, plain_states
from tests.core.tiny import tiny_encoder_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_encoder_folder(tmp_path_factory.mktemp("model") / "tiny", layers=3)


@pytest.fixture
def encoder(folder, tmp_path):
    return open_encoder(str(folder), tmp_path / "cache", "cpu")


def test_opening_imports_neither_torch_nor_transformers(folder, tmp_path):
    code = f"""
import sys
from pathlib import Path
from fineview.core.models.encoder import open_encoder
print(open_encoder({str(folder)!r}, Path({str(tmp_path)!r}), "cpu").info.parameters)
loaded = {{"torch", "transformers", "tokenizers"}} & set(sys.modules)
assert not loaded, loaded
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_removed_surrogate_head_is_named(encoder):
    removed = encoder.info.removed_weights
    assert "cls.predictions.transform.dense.weight" in removed
    assert "cls.seq_relationship.weight" in removed
    assert "bert.pooler.dense.weight" in removed
    assert {name.split(".")[0] for name in removed} == {"bert", "cls"}
    assert all("pooler" in name for name in removed if name.startswith("bert."))


def counts_of(model, layers):
    """Count weights in the loaded module, block by block."""
    found = [0] * (layers + 1)
    for name, weight in model.named_parameters():
        block = next((int(part) + 1 for part in name.split(".") if part.isdigit()), 0)
        found[block] += weight.numel()
    return tuple(found)


def test_counts_from_the_header_are_those_of_the_loaded_encoder(encoder):
    before = encoder.info
    assert not encoder.is_loaded
    model = encoder.model
    assert encoder.is_loaded
    assert encoder.info == before
    assert before.layer_parameters == counts_of(model, 3)
    assert before.parameters == sum(p.numel() for p in model.parameters())
    assert before.bytes == 4 * before.parameters
    assert model.pooler is None
    assert not model.training


@pytest.mark.slow
def test_the_bundled_encoder_is_what_the_catalogue_says(tmp_path):
    encoder = open_encoder("minilm-l6", tmp_path / "cache", "cpu")
    info = encoder.info
    assert (info.layers, info.width, info.heads) == (6, 384, 12)
    assert (info.vocabulary, info.max_length) == (30522, 512)
    assert info.removed_weights == ("pooler.dense.bias", "pooler.dense.weight")
    assert info.removed_parameters == 384 * 384 + 384
    assert info.layer_parameters == counts_of(encoder.model, 6)
    assert sum(info.layer_parameters) == info.parameters == 22_565_376
    assert encoder.info == info
    assert len(info.fingerprint) == 64
    assert "Apache-2.0" in info.licence


def test_the_fingerprint_is_that_of_the_content(folder, tmp_path):
    cache = tmp_path / "cache"
    same = tiny_encoder_folder(tmp_path / "same", layers=3)
    other = tiny_encoder_folder(tmp_path / "other", layers=3, seed=1)
    prints = [open_encoder(str(one), cache, "cpu").info.fingerprint for one in (folder, same)]
    assert prints[0] == prints[1]
    assert open_encoder(str(other), cache, "cpu").info.fingerprint != prints[0]


def test_information_is_frozen(encoder):
    assert {field.name for field in fields(EncoderInfo)} >= {"name", "title", "fingerprint"}
    with pytest.raises(AttributeError):
        encoder.info.layers = 4


def test_tokens_of_a_text(encoder):
    text = "The quieting film."
    tokens = encoder.tokens(text)
    assert [t.text for t in tokens] == ["[CLS]", "the", "quiet", "##ing", "film", ".", "[SEP]"]
    assert [t.special for t in tokens] == [True, *[False] * 5, True]
    assert [t.continues for t in tokens] == [False, False, False, True, False, False, False]
    assert [text[t.start : t.end] for t in tokens] == ["", "The", "quiet", "ing", "film", ".", ""]
    assert {t.segment for t in tokens} == {0}
    names = encoder.tokenizer.convert_ids_to_tokens([t.id for t in tokens])
    assert names == [t.text for t in tokens]


def test_tokens_of_a_pair(encoder):
    first, second = "a treated film", "the treat"
    tokens = encoder.tokens(first, second)
    assert [t.text for t in tokens] == [
        *("[CLS]", "a", "treat", "##ed", "film", "[SEP]", "the", "treat", "[SEP]")
    ]
    assert [t.segment for t in tokens] == [0] * 6 + [1] * 3
    assert [second[t.start : t.end] for t in tokens[6:8]] == ["the", "treat"]
    assert [t.text for t in tokens if t.continues] == ["##ed"]


def test_tokens_are_those_of_plain_transformers(encoder, folder):
    plain = plain_model(folder)[1]
    for text in SENTENCES:
        assert [t.id for t in encoder.tokens(text)] == plain(text)["input_ids"]
        cut = plain(text, truncation=True, max_length=6)["input_ids"]
        assert [t.id for t in encoder.tokens(text, max_length=6)] == cut


def test_the_first_word_of_the_second_text_does_not_continue_the_first(encoder):
    # Both texts begin with word 0.
    assert not any(t.continues for t in encoder.tokens("the", "the"))


def test_words_keep_their_sub_tokens(encoder):
    (found,) = encoder.encode((), words=[("the", "quieting", "don't", "treated")])
    tokens = encoder.tokenizer.convert_ids_to_tokens(found.ids)
    words = [tokens[first : last + 1] for first, last in found.spans]
    assert words[0] == ["the"]
    assert words[1] == ["quiet", "##ing"]
    assert words[2] == ["d", "##o", "##n", "'", "t"]
    assert words[3] == ["treat", "##ed"]


def test_a_word_without_any_token_has_no_place(encoder):
    (found,) = encoder.encode((), words=[("the", "\u200b\x00", "film")])
    assert found.spans[1].tolist() == [-1, -1]
    assert found.spans[2].tolist() == [2, 2]


def byte_level_tokenizer(folder):
    """Write a byte-level tokenizer, whose tokens take the space before a word along."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator([*SENTENCES, *map(" ".join, WORDS)], trainer)
    backend.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=False, add_prefix_space=False
    )
    PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=62,
    ).save_pretrained(folder)


def architecture(name, folder):
    """Write a tiny random encoder of another architecture."""
    import torch
    import transformers

    common = {"vocab_size": 320, "pad_token_id": 1, "initializer_range": 0.3}
    usual = common | {
        "hidden_size": 16,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 64,
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        match name:
            case "distilbert":
                config = transformers.DistilBertConfig(
                    **common, dim=16, n_layers=3, n_heads=2, hidden_dim=32
                )
                model = transformers.DistilBertForMaskedLM(config)
            case "roberta":
                model = transformers.RobertaForMaskedLM(transformers.RobertaConfig(**usual))
            case "electra":
                config = transformers.ElectraConfig(**usual, embedding_size=8)
                model = transformers.ElectraForPreTraining(config)
            case "mpnet":
                model = transformers.MPNetForMaskedLM(transformers.MPNetConfig(**usual))
            case "modernbert":
                ids = {"bos_token_id": 0, "cls_token_id": 0, "eos_token_id": 2, "sep_token_id": 2}
                model = transformers.ModernBertForMaskedLM(
                    transformers.ModernBertConfig(**usual, **ids)
                )
            case _:
                raise ValueError(name)
    model.save_pretrained(folder)
    byte_level_tokenizer(folder)
    return folder


ARCHITECTURES = ["distilbert", "roberta", "electra", "mpnet", "modernbert"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_other_architectures_agree_with_plain_transformers(name, tmp_path):
    folder = architecture(name, tmp_path / name)
    encoder = open_encoder(str(folder), tmp_path / "cache", "cpu")
    before = encoder.info
    texts = [text for text in SENTENCES if text]
    states, items, _ = states_of(encoder, "sentence", texts, max_length=62)
    assert items.tolist() == list(range(len(texts)))
    plain = plain_model(folder)
    for row, text in zip(states, texts, strict=True):
        expected, _ = plain_states(plain, text, max_length=62)
        np.testing.assert_allclose(row[:, 0], expected[:, 0], atol=5e-5)
        np.testing.assert_allclose(row[:, 1], expected.mean(axis=1), atol=5e-5)
        np.testing.assert_allclose(row[:, 2], expected.max(axis=1), atol=5e-5)
    # The names told, without loading, which weights the bare encoder does not take.
    assert encoder.info == before
    assert before.layers == 3
    assert before.removed_weights
    assert before.parameters == sum(p.numel() for p in encoder.model.parameters())
    assert min(before.layer_parameters) > 0


@pytest.mark.slow
def test_byte_level_words_are_found_by_their_characters(tmp_path):
    encoder = open_encoder(str(architecture("roberta", tmp_path / "r")), tmp_path / "cache", "cpu")
    for words, found in zip(WORDS, encoder.encode((), words=WORDS, max_length=62), strict=True):
        for word, (first, last) in zip(words, found.spans, strict=True):
            assert encoder.tokenizer.decode(found.ids[first : last + 1]).strip() == word
    assert encoder.info.max_length == 62  # 64 places, of which padding takes 2


def test_a_failed_load_leaves_the_encoder_as_it_was(folder, tmp_path):
    import shutil

    from fineview.core.errors import ModelError

    broken = shutil.copytree(folder, tmp_path / "broken")
    encoder = open_encoder(str(broken), tmp_path / "cache", "cpu")
    weights = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(weights[:-50])
    with pytest.raises(ModelError, match="cannot be loaded by transformers"):
        encoder.load()
    assert not encoder.is_loaded
    (broken / "model.safetensors").write_bytes(weights)
    encoder.load()
    assert encoder.is_loaded


@pytest.mark.slow
def test_bundled_weights_are_the_pinned_ones():
    from fineview.core.files import sha256_file

    assert sha256_file(locate("minilm-l6") / "model.safetensors") == (
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    )
