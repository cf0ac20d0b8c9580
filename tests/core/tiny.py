"""A tiny random BERT on disk: real files, real code paths, milliseconds."""

import json
import string
from pathlib import Path


def tiny_encoder_folder(path: Path, layers: int = 2, width: int = 16, seed: int = 0) -> Path:
    """Write a transformers folder with random weights and a character-level WordPiece vocabulary.

    It holds a pooler and a masked-word head, as checkpoints from pretraining do.
    """
    import torch
    from transformers import BertConfig, BertForPreTraining, BertTokenizer

    path.mkdir(parents=True, exist_ok=True)
    characters = string.ascii_lowercase + string.digits + string.punctuation
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    vocabulary += [f"##{c}" for c in characters]
    vocabulary += ["the", "film", "is", "treat", "quiet", "##ing", "##ed"]
    (path / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    tokenizer = BertTokenizer(str(path / "vocab.txt"))
    tokenizer.save_pretrained(path)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * width,
        max_position_embeddings=160,
        # Large enough that texts differ visibly in a random model.
        initializer_range=0.3,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        BertForPreTraining(config).save_pretrained(path, safe_serialization=True)
    stored = json.loads((path / "config.json").read_text(encoding="utf-8"))
    assert stored["model_type"] == "bert"
    return path
