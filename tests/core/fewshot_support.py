"""Tiny causal language models on disk, and the plain transformers way to ask them."""

from pathlib import Path

from fineview.core.models.language_model import LanguageModel, open_language_model

WINDOW = 128
LINES = (
    "the capital of California is Sacramento; the capital of Nevada is Carson City;",
    "Review: The soup was warm. Sentiment: positive\nReview: It was cold. Sentiment: negative",
    "Question: Who painted the Mona Lisa? Kind: human\n12 + 35 = 47; hot -> cold",
)


def language_model(path: Path, kind: str = "llama", seed: int = 0) -> LanguageModel:
    """Write a random model with a byte-level BPE tokenizer, and open it."""
    import torch
    import transformers

    path.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer()
    tokenizer.save_pretrained(path)
    usual = {"vocab_size": len(tokenizer), "initializer_range": 0.2}
    ids = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": None}
    if kind == "llama":
        config = transformers.LlamaConfig(
            **usual,
            **ids,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=WINDOW,
        )
    else:
        config = transformers.GPT2Config(
            **usual, **ids, n_embd=32, n_layer=2, n_head=4, n_positions=WINDOW
        )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = transformers.AutoModelForCausalLM.from_config(config)
        model.save_pretrained(path)
    return open_language_model(str(path), path, device="cpu")


def generated(model: LanguageModel, text: str, max_tokens: int) -> list[int]:
    """Return what `generate` adds to one text, greedily."""
    import torch

    ids = torch.tensor([model.ids(text)[-(WINDOW - max_tokens) :]])
    found = model.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=max_tokens,
        do_sample=False,
        pad_token_id=0,
    )
    return found[0, ids.shape[1] :].tolist()


def plain_logprob(model: LanguageModel, text: str, word: str) -> float:
    """Return log P(word | text) where the text's tokens begin the whole's."""
    import torch

    start, whole = model.ids(text), model.ids(text + word)
    assert whole[: len(start)] == start
    with torch.no_grad():
        logits = model.model(torch.tensor([whole])).logits[0].log_softmax(-1)
    return sum(float(logits[i - 1, whole[i]]) for i in range(len(start), len(whole)))


def _tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=380,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(LINES, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<|endoftext|>",
        eos_token="<|endoftext|>",
        model_max_length=WINDOW,
    )
