"""Tiny causal language models, random but sure of themselves, as transformers writes them."""

from pathlib import Path

from tests.core.tiny import _byte_pairs

WINDOW = 96


def tiny_causal_folder(
    path: Path, shape: str = "llama", *, first: bool = False, chat: bool = False, window=WINDOW
) -> Path:
    """Write a random causal model with a byte-level tokenizer.

    Args:
        path: Folder to make.
        shape: `llama` (grouped queries, tied embeddings) or `gpt2`.
        first: Whether the tokenizer puts `<s>` before every text.
        chat: Whether there is a chat template.
        window: Most tokens.
    """
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    special = ["<s>", "</s>"]
    vocabulary, merges = _byte_pairs(special)
    backend = Tokenizer(models.BPE(vocabulary, merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    if first:
        backend.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])]
        )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", model_max_length=window
    )
    if chat:
        tokenizer.chat_template = (
            "{% for m in messages %}<s>{{ m['content'] }}</s>{% endfor %}"
            "{% if add_generation_prompt %}<s>{% endif %}"
        )
    tokenizer.save_pretrained(path)
    usual = {
        "vocab_size": len(tokenizer),
        "bos_token_id": vocabulary["<s>"],
        "eos_token_id": vocabulary["</s>"],
        "initializer_range": 0.4,
    }
    own = {
        "llama": {
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": window,
            "tie_word_embeddings": True,
        },
        "gpt2": {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": window},
    }[shape]
    config = transformers.AutoConfig.for_model(shape, **usual, **own)
    with torch.random.fork_rng():
        torch.manual_seed(4)
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(path)
    return path
