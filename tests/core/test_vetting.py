"""Folders that are damaged, or that ask for code from elsewhere: one clear sentence each."""

import json
import pickle  # noqa: TID251 - to write the poison that must never be read
import shutil
import struct
import sys

import numpy as np
import pytest

from fineview.core.errors import ModelError
from fineview.core.models.encoder import open_encoder
from fineview.core.models.vetting import read_header, vet
from tests.core.tiny import tiny_encoder_folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return tiny_encoder_folder(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def folder(sound, tmp_path):
    """A copy to damage."""
    return shutil.copytree(sound, tmp_path / "model")


def change(file, **values):
    stored = json.loads(file.read_text())
    stored.update(values)
    file.write_text(json.dumps(stored))


def refusal(folder):
    """Return the one sentence with which a folder is refused."""
    with pytest.raises(ModelError) as caught:
        open_encoder(str(folder), folder.parent / "cache", "cpu").load()
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert len(text) < 500
    return text


def test_a_sound_folder_is_taken(folder):
    found = vet(folder)
    assert found.config["model_type"] == "bert"
    assert found.tensors["bert.embeddings.word_embeddings.weight"].shape[1] == 16
    assert [file.name for file in found.weights] == ["model.safetensors"]


def test_a_folder_that_is_no_model(tmp_path):
    (tmp_path / "photos").mkdir()
    assert "no model folder: it has no config.json. Choose" in refusal(tmp_path / "photos")


def test_a_name_that_is_neither_catalogue_nor_folder(tmp_path):
    assert "neither an encoder of the catalogue (minilm-l6, mpnet) nor a folder" in refusal(
        tmp_path / "bert-base"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "is not valid JSON: get the model again"),
        ("[" * 100_000, "is not valid JSON"),
        ("[]", "is not a JSON object"),
        ("{}", "does not say its model_type: save"),
        ('{"a": "' + "x" * (5 << 20) + '"}', "a real one has a few thousand"),
    ],
    ids=["cut", "deep", "list", "empty", "huge"],
)
def test_a_config_that_is_none(folder, text, expected):
    (folder / "config.json").write_text(text)
    assert expected in refusal(folder)


def test_a_config_in_another_encoding(folder):
    (folder / "config.json").write_bytes(b"\xff\xfe{\x00}\x00")
    assert "is not valid JSON" in refusal(folder)


ATTACKS = {
    "another repository": {"auto_map": {"AutoModel": "someone/repo--modeling.Evil"}},
    "code beside it": {"auto_map": {"AutoModel": "modeling.Evil"}},
    "nested": {"text_config": {"auto_map": {"AutoModel": "someone/repo--modeling.Evil"}}},
    "CVE-2026-4372": {"_attn_implementation_internal": "someone/kernels"},
    "kernel": {"_attn_implementation": "someone/kernels:attention"},
    "kernel by part": {"attn_implementation": {"": "sdpa", "text": "someone/kernels"}},
    "experts": {"_experts_implementation": "someone/experts"},
    "nested kernel": {"sub": [{"_attn_implementation_internal": "someone/kernels"}]},
    "pipelines": {"custom_pipelines": {"x": {"impl": "evil.Evil"}}},
    "trust": {"trust_remote_code": True},
    "a native name from another repository": {
        "auto_map": {"AutoModel": "someone/repo--modeling_bert.BertModel"}
    },
    "one native, one not": {
        "auto_map": {"AutoConfig": "configuration_bert.BertConfig", "AutoModel": "modeling.Evil"}
    },
    "a native file, another class": {"auto_map": {"AutoModel": "modeling_bert.Evil"}},
    "a native class, another file": {"auto_map": {"AutoModel": "modeling.BertModel"}},
    "a class of another architecture": {"auto_map": {"AutoModel": "modeling_gpt2.GPT2Model"}},
    "no class of transformers' kind": {"auto_map": {"Evil": "modeling_bert.BertModel"}},
    "a class of another kind": {"auto_map": {"AutoModel": "configuration_bert.BertConfig"}},
    "a path": {"auto_map": {"AutoModel": "../modeling_bert.BertModel"}},
    "a list of classes": {"auto_map": {"AutoModel": ["modeling_bert.BertModel"]}},
    "a list": {"auto_map": ["tokenization_bert.BertTokenizer", None]},
    "native, but nested": {"text_config": {"auto_map": {"AutoModel": "modeling_bert.BertModel"}}},
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_code_from_elsewhere_is_refused_and_never_run(folder, attack, tmp_path):
    """RELIABILITY.md T2: before transformers sees the file."""
    marker = tmp_path / "executed"
    for name in ("modeling", "evil"):
        (folder / f"{name}.py").write_text(f"open({str(marker)!r}, 'w')\nclass Evil: pass\n")
    change(folder / "config.json", **ATTACKS[attack])
    said = refusal(folder)
    assert "fineview runs no remote code" in said
    assert "config.json asks for" in said
    assert not marker.exists()
    assert not {"modeling", "evil"} & set(sys.modules)


def test_code_in_the_tokenizers_config_is_refused(folder):
    change(
        folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["someone/repo--t.Evil", None]}
    )
    assert "tokenizer_config.json asks for code from outside" in refusal(folder)


def test_a_sound_folder_has_no_notes(folder):
    assert vet(folder).notes == ()


def test_harmless_relics_are_dropped_with_a_note(folder):
    change(folder / "config.json", _attn_implementation_autoset=True, _attn_implementation="sdpa")
    assert not [key for key in vet(folder).config if key.startswith("_attn")]
    encoder = open_encoder(str(folder), folder.parent / "cache", "cpu")
    encoder.load()
    assert encoder.info.notes == (
        "config.json: _attn_implementation_autoset, _attn_implementation were left out; fineview "
        "chooses the kind of attention itself.",
    )


NATIVE = {
    "AutoConfig": "configuration_bert.BertConfig",
    "AutoModel": "modeling_bert.BertModel",
    "AutoModelForMaskedLM": "modeling_bert.BertForMaskedLM",
}
NATIVE_TOKENIZER = {
    "AutoTokenizer": ["tokenization_bert.BertTokenizer", "tokenization_bert_fast.BertTokenizerFast"]
}


def test_an_auto_map_of_native_classes_is_dropped_with_a_note(folder, sound):
    change(folder / "config.json", auto_map=NATIVE)
    change(folder / "tokenizer_config.json", auto_map=NATIVE_TOKENIZER)
    found = vet(folder)
    assert "auto_map" not in found.config
    assert found.notes == tuple(
        f"{name}: auto_map was left out; it names classes that transformers itself has for bert, "
        "and these are used."
        for name in ("config.json", "tokenizer_config.json")
    )
    cache = folder.parent / "cache"
    encoder, plain = (open_encoder(str(one), cache, "cpu") for one in (folder, sound))
    assert encoder.info.notes == found.notes
    assert type(encoder.model) is type(plain.model)
    assert not hasattr(encoder.model.config, "auto_map")
    assert encoder.info.notes == found.notes
    assert encoder.tokens("the quiet film") == plain.tokens("the quiet film")


@pytest.mark.parametrize("place", ["modeling_bert.py", "modeling_bert"])
def test_native_names_with_code_beside_them_are_refused(folder, tmp_path, place):
    change(folder / "config.json", auto_map=NATIVE)
    marker = tmp_path / "executed"
    file = folder / place
    if not file.suffix:
        file.mkdir()
        file /= "__init__.py"
    file.write_text(f"open({str(marker)!r}, 'w')\nclass BertModel: pass\n")
    assert "config.json asks for code from outside (auto_map" in refusal(folder)
    assert not marker.exists()


def test_native_names_of_an_architecture_that_transformers_lacks_are_refused(folder):
    change(folder / "config.json", auto_map=NATIVE, model_type="no-such-model")
    assert "config.json asks for code from outside (auto_map" in refusal(folder)


def test_an_empty_auto_map_is_nothing(folder):
    change(folder / "config.json", auto_map=None)
    change(folder / "tokenizer_config.json", auto_map={})
    open_encoder(str(folder), folder.parent / "cache", "cpu").load()
    assert vet(folder).notes == ()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"model_type": "no-such-model"}, "does not know the model type 'no-such-model'"),
        ({"quantization_config": {"bits": 4}}, "has quantization_config: fineview reads plain"),
        ({"is_encoder_decoder": True}, "an encoder with a decoder: choose"),
        ({"num_hidden_layers": "two"}, "has num_hidden_layers = 'two', which is not a whole"),
        ({"hidden_size": None}, "names none of hidden_size"),
        ({"hidden_size": 32}, "has shape [16], but config.json says [32]"),
        ({"num_hidden_layers": 3}, "weights of the model, for instance encoder.layer.2."),
        ({"num_attention_heads": 3}, "cannot be loaded by transformers"),
        ({"vocab_size": 20}, "tokenizer and weights belong to different models"),
        ({"hidden_act": "no-such-function"}, "cannot be loaded by transformers"),
    ],
    ids=str,
)
def test_a_config_that_does_not_fit(folder, values, expected):
    change(folder / "config.json", **values)
    assert expected in refusal(folder)


def test_an_adapter_is_not_followed_to_its_model(folder):
    (folder / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": "someone/else"})
    )
    assert "holds an adapter (adapter_config.json), not a whole model" in refusal(folder)


def test_no_weights(folder):
    (folder / "model.safetensors").unlink()
    assert "has no model.safetensors: get the model again" in refusal(folder)


class Poison:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.ckpt", "weights.pkl"])
def test_pickled_weights_are_refused_and_never_run(folder, tmp_path, name):
    """RELIABILITY.md T1."""
    marker = tmp_path / "executed"
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(Poison(marker)))
    assert f"as {name}, a format that can run code: convert them to safetensors" in refusal(folder)
    assert not marker.exists()
    pickle.loads((folder / name).read_bytes()).close()  # the poison does work
    assert marker.exists()


def test_pickle_beside_safetensors_is_not_read(folder, tmp_path):
    marker = tmp_path / "executed"
    for name in ("pytorch_model.bin", "training_args.bin", "tokenizer.pkl", "adapter_model.bin"):
        (folder / name).write_bytes(pickle.dumps(Poison(marker)))
    open_encoder(str(folder), tmp_path / "cache", "cpu").load()
    assert not marker.exists()


def test_weights_cut_off_at_any_place(folder):
    """RELIABILITY.md T18: found from the header, before anything is loaded."""
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    for length in (0, 4, 8, 9, 200, len(whole) - 1, *rng.integers(0, len(whole), 20)):
        file.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"is damaged or was cut off \(.*\): get the model"):
            vet(folder)
    file.write_bytes(whole + b"\0")
    assert "is damaged or was cut off" in refusal(folder)


def header_file(path, header, data=b"\0" * 16):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def tensor(shape=(2, 2), offsets=(0, 16), dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    "header",
    [
        b"\xff\xff",
        b"[]",
        b"[" * 100_000,
        {"a": {}},
        {"a": tensor(shape=(2, 3))},
        {"a": tensor(shape=(-2, -2))},
        {"a": tensor(shape=(2**62, 2**62))},
        {"a": tensor(shape="22")},
        {"a": tensor(shape=(True, 4))},
        {"a": tensor(dtype="F31")},
        {"a": tensor(dtype=["F32"])},
        {"a": tensor(offsets=(0, 17))},
        {"a": tensor(offsets=(16, 0))},
        {"a": tensor(offsets=(-16, 0))},
        {"a": tensor(), "b": tensor()},
        {"a": tensor(shape=(1, 2), offsets=(0, 8))},
        {"a": tensor(shape=(1, 2), offsets=(8, 16))},
    ],
    ids=lambda header: str(header)[:60],
)
def test_headers_that_lie(tmp_path, header):
    with pytest.raises(ModelError, match="is damaged or was cut off"):
        read_header(header_file(tmp_path / "model.safetensors", header))


def test_a_header_bomb_is_not_read(tmp_path):
    """RELIABILITY.md T5: a length that the file does not have is refused before it is used."""
    (tmp_path / "bomb").write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(ModelError, match="header of 4,611,686,018,427,387,904 bytes in 10"):
        read_header(tmp_path / "bomb")


def test_a_sound_header_is_read(tmp_path):
    found = read_header(header_file(tmp_path / "model.safetensors", {"a": tensor()}))
    assert found["a"].shape == (2, 2)
    assert found["a"].size == 4
    assert found["a"].bytes == 16


def sharded(folder):
    """Split the weights in two files with an index, as transformers writes large models."""
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    places = {}
    for part, chosen in enumerate((names[::2], names[1::2]), start=1):
        file = f"model-{part:05d}-of-00002.safetensors"
        save_file({name: tensors[name] for name in chosen}, folder / file, {"format": "pt"})
        places.update(dict.fromkeys(chosen, file))
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return index


def test_sharded_weights_are_read(folder, sound):
    sharded(folder)
    cache = folder.parent / "cache"
    parted, whole = (open_encoder(str(one), cache, "cpu") for one in (folder, sound))
    parted.load()
    assert parted.info.parameters == whole.info.parameters
    assert parted.info.layer_parameters == whole.info.layer_parameters
    state = whole.model.state_dict()
    for name, value in parted.model.state_dict().items():
        assert (value == state[name]).all()


def test_a_missing_shard(folder):
    sharded(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert "lacks its weight file model-00002-of-00002.safetensors" in refusal(folder)


@pytest.mark.parametrize(
    "name", ["../outside.safetensors", "/etc/passwd", "a\\b.safetensors", "weights.bin", ".."]
)
def test_an_index_cannot_lead_out_of_the_folder(folder, name):
    index = sharded(folder)
    (folder.parent / "outside.safetensors").write_bytes(b"")
    index.write_text(json.dumps({"weight_map": {"a": name}}))
    assert "which is not a safetensors file of this folder" in refusal(folder)


def test_a_tokenizer_that_is_missing_or_damaged(folder):
    (folder / "tokenizer.json").write_text("{")
    assert "The tokenizer of" in refusal(folder)
    for name in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        (folder / name).unlink(missing_ok=True)
    assert "The tokenizer of" in refusal(folder)
