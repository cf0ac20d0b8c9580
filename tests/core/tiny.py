"""Tiny random encoders on disk: real files, real code paths, milliseconds."""

import json
import string
from pathlib import Path

TEXTS = (
    "the quiet film is a treat, and the treat is quieting down.",
    "is it? yes, it is treated; don't tell unknown-words to the film.",
    "A second sentence about 12 encoders that pool 7 layers of hidden states!",
)
SHAPES = (
    "bert",
    "distilbert",
    "electra",
    "mpnet",
    "roberta",
    "camembert",
    "xlm-roberta",
    "albert",
    "deberta",
    "deberta-v2",
    "modernbert",
)
PLACES = 64
"""`max_position_embeddings` of every shape but ModernBERT, which has none."""


def characters() -> list[str]:
    """Return pieces with which WordPiece spells every ASCII text."""
    single = string.ascii_lowercase + string.digits + string.punctuation
    words = ["the", "film", "is", "treat", "quiet", "##ing", "##ed"]
    return [*single, *[f"##{c}" for c in single], *words]


def tiny_encoder_folder(path: Path, layers: int = 2, width: int = 16, seed: int = 0) -> Path:
    """Write a transformers folder with random weights and a character-level WordPiece vocabulary.

    It holds a pooler and a masked-word head, as checkpoints from pretraining do.
    """
    import torch
    from transformers import BertConfig, BertForPreTraining, BertTokenizer

    path.mkdir(parents=True, exist_ok=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters()]
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


def tiny_shape_folder(path: Path, shape: str, head: str = "masked", layers: int = 3) -> Path:
    """Write a random encoder of one architecture with a tokenizer of the kind that it uses.

    Args:
        path: Folder to make.
        shape: One of `SHAPES`.
        head: `masked` (masked-word head, or what pretrained the shape), `classes` (a head for
            sequence classification), or `bare`.
        layers: Blocks.
    """
    import torch
    import transformers

    path.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(shape)
    tokenizer.save_pretrained(path)
    usual = {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": PLACES,
        "pad_token_id": tokenizer.pad_token_id,
        "initializer_range": 0.3,
    }
    relative = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0}
    own = {
        "distilbert": {"dim": 16, "n_layers": layers, "n_heads": 2, "hidden_dim": 32},
        "electra": {"embedding_size": 8},
        "roberta": {"type_vocab_size": 1},
        "camembert": {"type_vocab_size": 1},
        "xlm-roberta": {"type_vocab_size": 1},
        "albert": {"embedding_size": 8},
        "deberta": {**relative, "max_relative_positions": -1, "position_biased_input": False},
        "deberta-v2": {
            **relative,
            "embedding_size": 8,
            "position_biased_input": False,
            "position_buckets": 8,
            "share_att_key": True,
            "norm_rel_ebd": "layer_norm",
        },
        # Three layers of which the first sees all and the others their neighbours only.
        "modernbert": {
            "global_attn_every_n_layers": 3,
            "local_attention": 8,
            "bos_token_id": tokenizer.cls_token_id,
            "cls_token_id": tokenizer.cls_token_id,
            "eos_token_id": tokenizer.sep_token_id,
            "sep_token_id": tokenizer.sep_token_id,
        },
    }.get(shape, {})
    if shape == "distilbert":
        unused = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
        usual = {key: value for key, value in usual.items() if key not in unused}
    if shape == "modernbert":
        del usual["max_position_embeddings"]
    config = transformers.AutoConfig.for_model(shape, **usual, **own)
    pretraining = transformers.AutoModelForPreTraining
    kinds = {
        "masked": transformers.AutoModelForMaskedLM if shape == "modernbert" else pretraining,
        "classes": transformers.AutoModelForSequenceClassification,
        "bare": transformers.AutoModel,
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        kinds[head].from_config(config).save_pretrained(path)
    return path


def _tokenizer(shape: str):
    import transformers

    limit = {"model_max_length": PLACES - 2}
    match shape:
        case "bert" | "distilbert" | "electra":
            names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters()]
            return transformers.BertTokenizer(_numbered(names), **limit)
        case "mpnet":
            names = ["<s>", "<pad>", "</s>", "[UNK]", *characters(), "<mask>"]
            return transformers.MPNetTokenizer(_numbered(names), **limit)
        case "roberta":
            special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
            return transformers.RobertaTokenizer(*_byte_pairs(special), **limit)
        case "deberta":
            special = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"]
            return transformers.DebertaTokenizer(*_byte_pairs(special), **limit)
        case "modernbert":
            return _modern()
        case "albert":
            special = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
            return transformers.AlbertTokenizer(_pieces(special, lower=True), **limit)
        case "deberta-v2":
            special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
            vocabulary = [*_pieces(special), ("[MASK]", 0.0)]
            return transformers.DebertaV2Tokenizer(vocabulary, unk_id=3, **limit)
        case "camembert":
            special = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>"]
            vocabulary = [*_pieces(special), ("<mask>", 0.0)]
            return transformers.CamembertTokenizer(vocab=vocabulary, **limit)
        case "xlm-roberta":
            vocabulary = [*_pieces(["<s>", "<pad>", "</s>", "<unk>"]), ("<mask>", 0.0)]
            return transformers.XLMRobertaTokenizer(vocabulary, **limit)
    raise ValueError(shape)


def _numbered(names: list[str]) -> dict[str, int]:
    return {name: index for index, name in enumerate(names)}


def _byte_pairs(special: list[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Train byte-level BPE; return its vocabulary and merges."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(TEXTS, trainer)
    model = json.loads(backend.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def _pieces(special: list[str], lower: bool = False) -> list[tuple[str, float]]:
    """Train Unigram; return the special tokens and the pieces with their scores."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    backend = Tokenizer(models.Unigram())
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=120,
        special_tokens=["<unk>"],
        unk_token="<unk>",
        initial_alphabet=list(string.ascii_lowercase + string.punctuation + string.digits),
        show_progress=False,
    )
    backend.train_from_iterator([t.lower() if lower else t for t in TEXTS], trainer)
    pieces = json.loads(backend.to_str())["model"]["vocab"]
    return [*[(name, 0.0) for name in special], *[(p, s) for p, s in pieces if p != "<unk>"]]


def _modern():
    """ModernBERT's: byte-level BPE between BERT's special tokens, without segments."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary, merges = _byte_pairs(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])
    backend = Tokenizer(models.BPE(vocabulary, merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        unk_token="[UNK]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=8192,
    )
