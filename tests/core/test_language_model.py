"""Causal models: converted from GGUF once, opened from a folder or a snapshot, refused by name."""

import hashlib
import json

import pytest
import torch

from fineview.core.errors import ConfigError, ModelError
from fineview.core.models.catalog import Entry, destination
from fineview.core.models.conversion import conversions, converted, is_gguf
from fineview.core.models.fetch import remove, stored_bytes
from fineview.core.models.language_model import open_language_model
from fineview.core.progress import Silent
from tests.core.tiny import tiny_encoder_folder
from tests.core.tiny_causal import tiny_causal_folder


def write_gguf(folder, path):
    """Write a tiny Llama of transformers as llama.cpp would store it."""
    import gguf
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    config = AutoConfig.from_pretrained(folder)
    tensors = AutoModelForCausalLM.from_pretrained(folder).state_dict()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    backend = AutoTokenizer.from_pretrained(folder).backend_tokenizer
    model = json.loads(backend.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    tokens[1] = "<|endoftext|>"  # transformers adds it where a file has none
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if place < 2 else 1 for place in range(len(tokens))])
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)

    def turned(weight, heads):
        """Order rows for the pairwise rotation that llama.cpp uses."""
        half = weight.shape[0] // heads // 2
        return weight.view(heads, 2, half, -1).transpose(1, 2).reshape(weight.shape)

    names = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    writer.add_tensor("token_embd.weight", tensors["model.embed_tokens.weight"].numpy())
    writer.add_tensor("output_norm.weight", tensors["model.norm.weight"].numpy())
    for layer in range(config.num_hidden_layers):
        for name, short in names.items():
            weight = tensors[f"model.layers.{layer}.{name}.weight"]
            if short == "attn_q":
                weight = turned(weight, config.num_attention_heads)
            if short == "attn_k":
                weight = turned(weight, config.num_key_value_heads)
            writer.add_tensor(f"blk.{layer}.{short}.weight", weight.contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def pinned(cache, data):
    """Put a file where a fetched entry lies, and return the entry that pins it."""
    digest = hashlib.sha256(data).hexdigest()
    entry = Entry.model_validate(
        {
            "name": "tiny-lm",
            "title": "Tiny language model",
            "kind": "language model",
            "origin": "wheel",
            "licence": "none",
            "source": "A test.",
            "size_bytes": len(data),
            "archives": [
                {"requirement": "tiny==1", "size_bytes": 1, "sha256": digest, "piece": ""}
            ],
            "members": [
                {"name": "tiny.gguf", "path": "a", "size_bytes": len(data), "sha256": digest}
            ],
        }
    )
    home = destination(entry, cache)
    home.mkdir(parents=True)
    (home / "tiny.gguf").write_bytes(data)
    return entry


@pytest.mark.slow
def test_a_gguf_file_is_converted_once_and_computes_the_same(tmp_path):
    folder = tiny_causal_folder(tmp_path / "lm")
    write_gguf(folder, tmp_path / "tiny.gguf")
    cache = tmp_path / "cache"
    entry = pinned(cache, (tmp_path / "tiny.gguf").read_bytes())
    assert is_gguf(entry)
    plain = converted(entry, cache)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {
        path.name for path in plain.iterdir()
    }
    stamp = (plain / "model.safetensors").stat().st_mtime_ns
    assert converted(entry, cache) == plain
    assert (plain / "model.safetensors").stat().st_mtime_ns == stamp
    before = open_language_model(str(folder), cache, "cpu")
    after = open_language_model(str(plain), cache, "cpu")
    ids = before.ids("the cat sat on the mat")
    assert after.ids("the cat sat on the mat") == ids
    with torch.inference_mode():
        one = before.model(torch.tensor([ids])).logits
        other = after.model(torch.tensor([ids])).logits
    assert torch.allclose(one, other, atol=1e-4)
    taken = stored_bytes(entry, cache)
    assert taken > entry.size_bytes
    assert remove(entry, cache) == taken
    assert conversions(entry, cache) == ()
    assert not destination(entry, cache).exists()


@pytest.mark.slow
def test_a_file_that_cannot_be_read_leaves_nothing(tmp_path):
    entry = pinned(tmp_path, b"GGUF" + b"\xff" * 500)
    with pytest.raises(ModelError, match="cannot be converted"):
        converted(entry, tmp_path)
    assert conversions(entry, tmp_path) == ()
    left = [path.name for path in (tmp_path / "converted").iterdir()]
    assert [name for name in left if not name.endswith(".lock")] == []


def test_stop_ends_a_conversion_and_leaves_nothing(tmp_path):
    entry = pinned(tmp_path, b"GGUF" + b"\x00" * 500)

    class Stopped(Exception):
        pass

    class Stop(Silent):
        asked = 0

        def progress(self, done, total, text=""):
            Stop.asked += "Converting" in text

        def check(self):
            if Stop.asked:
                raise Stopped

    with pytest.raises(Stopped):
        converted(entry, tmp_path, Stop())
    assert conversions(entry, tmp_path) == ()


def test_a_folder_says_what_it_is_before_it_is_loaded(tmp_path):
    model = open_language_model(str(tiny_causal_folder(tmp_path / "lm", chat=True)), tmp_path)
    info = model.info
    assert (info.model_type, info.layers, info.width, info.heads) == ("llama", 3, 32, 4)
    assert (info.window, info.chat, model.is_loaded) == (96, True, False)
    assert info.memory_bytes("bfloat16") * 2 == info.memory_bytes("float32")
    assert model.chat("hi") == "<s>hi</s><s>"
    model.load()
    assert model.is_loaded
    assert info.parameters == sum(p.numel() for p in model.model.parameters())
    model.unload()
    assert not model.is_loaded


def test_what_is_no_causal_model_is_one_sentence(tmp_path):
    encoder = open_language_model(str(tiny_encoder_folder(tmp_path / "bert")), tmp_path, "cpu")
    with pytest.raises(ModelError, match="does not continue texts"):
        encoder.load()
    with pytest.raises(ModelError, match="neither a language model of the catalogue"):
        open_language_model(str(tmp_path / "nowhere"), tmp_path)
    with pytest.raises(ModelError, match="fetch"):
        open_language_model("smollm2-135m", tmp_path)
    with pytest.raises(ConfigError, match="float16"):
        open_language_model("smollm2-135m", tmp_path, dtype="float16")
    without = open_language_model(str(tiny_causal_folder(tmp_path / "lm")), tmp_path)
    with pytest.raises(ModelError, match="no chat template"):
        without.chat("hi")
