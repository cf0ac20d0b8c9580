"""An encoder: what is known of it at once, and tokenizer and weights when they are needed."""

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.device import choose_device
from fineview.core.errors import ModelError
from fineview.core.models import catalog, hub_store
from fineview.core.models.anatomy import (
    bias_parameters,
    layer_parameters,
    linear_sizes,
    number,
    position_limit,
    removed_weights,
)
from fineview.core.models.assets import remembered_sum, verify
from fineview.core.models.info import EncoderInfo, Token
from fineview.core.models.loading import Loaded, load_model, load_tokenizer
from fineview.core.models.vetting import ModelFolder, vet
from fineview.core.progress import SILENT, Report

if TYPE_CHECKING:
    import torch

_RANDOM = "random:"
"""Begins the name of an architecture with random weights; a seed and the encoder follow."""

TOKENIZER_FILES = (
    "added_tokens.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "spiece.model",
    "spm.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """One text as token ids.

    Attributes:
        ids: (T,) token ids, special tokens included.
        segments: (T,) 0 for the first text, 1 for the second.
        truncated: True where tokens were cut off.
        spans: Word level: (W, 2) first and last token of each word, -1 where a word has no token
            within the maximum length. Else None.
    """

    ids: NDArray[np.int64]
    segments: NDArray[np.int64]
    truncated: bool
    spans: NDArray[np.int64] | None = None


class Encoder:
    """A pretrained encoder without its surrogate head.

    Nothing is loaded until it is needed; from then on it is kept. Safe to use from several threads.

    Attributes:
        info: Sizes, parameter counts, licence, fingerprint.
        folder: The vetted files.
        attention: Kind of attention asked for.
    """

    attention = "sdpa"

    def __init__(
        self, info: EncoderInfo, folder: ModelFolder, device: str, random_seed: int | None = None
    ) -> None:
        self.info = info
        self.folder = folder
        self._random_seed = random_seed
        self._device = device
        self._loaded: Loaded | None = None
        self._tokenizer: Any = None
        self._lock = threading.RLock()

    @property
    def device(self) -> str:
        """Return `cpu`, `cuda` or `mps`.

        Raises:
            ConfigError: The device that was asked for is not there.
        """
        return choose_device(self._device)

    @property
    def is_loaded(self) -> bool:
        """Return True once the weights are in memory."""
        return self._loaded is not None

    @property
    def model(self) -> "torch.nn.Module":
        """Return the module, loaded: eval mode, float32, without pooling layer."""
        self.load()
        assert self._loaded is not None
        return self._loaded.model

    @property
    def tokenizer(self) -> Any:  # noqa: ANN401 - transformers is untyped
        """Return the transformers tokenizer.

        Raises:
            ModelError: It cannot be loaded.
        """
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = load_tokenizer(self.folder)
            return self._tokenizer

    def load(self, report: Report = SILENT) -> None:
        """Load weights and tokenizer, once.

        Raises:
            ModelError: A file does not fit; the message says which.
        """
        with self._lock:
            if self._loaded is not None:
                return
            report.check()
            report.progress(0, 0, f"Loading {self.info.title}")
            _ = self.tokenizer
            report.check()
            loaded = load_model(self.folder, self.device, self._random_seed)
            if self._random_seed is None:
                self.info = _corrected(self.info, self.folder, loaded)
            self._loaded = loaded

    def take(self, loaded: Loaded) -> None:
        """Compute with weights that are in memory already."""
        with self._lock:
            self._loaded = loaded

    def tokens(
        self, text: str, second: str | None = None, max_length: int = 128
    ) -> tuple[Token, ...]:
        """Return what the encoder sees of one text, or of a pair `[CLS] a [SEP] b [SEP]`.

        Args:
            text: Any text.
            second: The second text of a pair.
            max_length: Tokens, special ones included; longer texts are cut.
        """
        with self._lock:
            backend = self._backend(max_length)
            encoding = backend.encode(text, second)
        found: list[Token] = []
        previous: tuple[int, int | None] | None = None
        for index, name in enumerate(encoding.tokens):
            special = bool(encoding.special_tokens_mask[index])
            word = encoding.word_ids[index]
            segment = encoding.sequence_ids[index]
            place = None if special else (segment or 0, word)
            start, end = encoding.offsets[index]
            found.append(
                Token(
                    text=name,
                    id=encoding.ids[index],
                    segment=encoding.type_ids[index],
                    special=special,
                    start=start,
                    end=end,
                    continues=place is not None and word is not None and place == previous,
                )
            )
            previous = place
        return tuple(found)

    def encode(
        self,
        texts: Sequence[str],
        second: Sequence[str] | None = None,
        words: Sequence[Sequence[str]] | None = None,
        *,
        max_length: int = 128,
    ) -> list[Encoded]:
        """Tokenise single texts, pairs, or sentences given as words.

        Args:
            texts: S texts; for the word level the sentences, words joined by one space.
            second: S second texts, or None.
            words: S sequences of words, or None.
            max_length: Tokens, special ones included.

        Returns:
            S encodings, in order.
        """
        if words is not None:
            texts = [" ".join(sentence) for sentence in words]
        inputs: list[Any] = list(texts) if second is None else list(zip(texts, second, strict=True))
        with self._lock:
            encodings = self._backend(max_length).encode_batch(inputs)
        return [
            Encoded(
                ids=np.array(e.ids, dtype=np.int64),
                segments=np.array(e.type_ids, dtype=np.int64),
                truncated=bool(e.overflowing),
                spans=None if words is None else _spans(words[i], e),
            )
            for i, e in enumerate(encodings)
        ]

    def _backend(self, max_length: int) -> Any:  # noqa: ANN401 - a tokenizers.Tokenizer
        """Return the tokenizers object, set to cut; the lock must be held until it was used."""
        backend = self.tokenizer.backend_tokenizer
        backend.no_padding()
        backend.enable_truncation(max(3, min(max_length, self.info.max_length)))
        return backend


def _spans(words: Sequence[str], encoding: Any) -> NDArray[np.int64]:  # noqa: ANN401
    """Return the first and last token of each word, from character offsets in the joined sentence.

    Offsets serve every kind of tokenizer; `is_pretokenized` would glue words of byte-level ones.
    """
    lengths = np.array([len(word) for word in words], dtype=np.int64)
    ends = np.cumsum(lengths + 1) - 1  # character behind each word
    spans = np.full((len(words), 2), -1, dtype=np.int64)
    special = encoding.special_tokens_mask
    reached = 0
    for index, (start, end) in enumerate(encoding.offsets):
        if special[index] or end <= start:
            continue
        reached = end
        # Some tokens take the space before their word along; their last character never is one.
        word = int(np.searchsorted(ends, end - 1, side="right"))
        if word < len(words):
            if spans[word, 0] < 0:
                spans[word, 0] = index
            spans[word, 1] = index
    if encoding.overflowing and reached:
        word = int(np.searchsorted(ends, reached - 1, side="right"))
        if word < len(words) and reached < ends[word]:
            spans[word] = -1  # the cut goes through this word
    return spans


def random_name(name: str, seed: int = 0) -> str:
    """Return the name of an encoder's architecture with weights drawn from a seed."""
    return f"{_RANDOM}{seed}:{name}"


def _open_random(
    name: str, cache: Path, device: str, check: Callable[[], None] | None
) -> "Encoder":
    """Open the twin of an encoder that was never trained; its tokenizer is the same."""
    seed, _, base = name.removeprefix(_RANDOM).partition(":")
    if not seed.isdecimal() or not base:
        raise ModelError(
            f"{name!r} is not of the form {_RANDOM}SEED:ENCODER, {_RANDOM}0:minilm-l6."
        )
    trained = open_encoder(base, cache, device, check)
    origin = f"{trained.info.fingerprint} {_RANDOM}{seed}"
    info = replace(
        trained.info,
        name=name,
        title=f"{trained.info.title}, random weights",
        source=f"The architecture of {trained.info.title}, weights drawn from seed {seed}.",
        fingerprint=hashlib.sha256(origin.encode()).hexdigest(),
    )
    return Encoder(info, trained.folder, device, int(seed))


def open_encoder(
    name: str, cache: Path, device: str = "auto", check: Callable[[], None] | None = None
) -> Encoder:
    """Find an encoder and read what it is, without loading it.

    Args:
        name: A name of the catalogue, `hub:owner/name@commit` of a stored snapshot, the path of a
            local transformers folder, or `random_name` of one of these.
        cache: Folder where sums of files are remembered.
        device: `auto`, `cuda`, `mps` or `cpu`.
        check: Called while files are read for their sums; may raise to stop.

    Raises:
        ModelError: There is no such encoder, or its files are missing, damaged or not safe.
    """
    if name.startswith(_RANDOM):
        return _open_random(name, cache, device, check)
    known = {entry.name: entry for entry in catalog.entries("encoder")}
    if name in known:
        entry = known[name]
        path = verify(entry, cache, check)
        title, licence, source = entry.title, entry.licence, entry.source
    elif name.startswith("hub:"):
        snapshot = hub_store.snapshot(name, cache)
        path, title, licence = snapshot.folder, snapshot.repo_id, snapshot.licence or "not declared"
        source = f"The Hugging Face hub, commit {snapshot.commit[:12]}."
    else:
        path = Path(name).expanduser()
        if not path.is_dir():
            raise ModelError(
                f"{name!r} is neither an encoder of the catalogue ({', '.join(known)}) nor a "
                f"folder: choose one of these."
            )
        title, licence, source = path.resolve().name, "not declared", f"The local folder {path}."
    folder = vet(path)
    config = folder.config
    layers = number(config, "num_hidden_layers", "n_layers", "n_layer", "num_layers")
    removed = removed_weights(folder.tensors, layers)
    counts = layer_parameters(folder, removed, layers)
    info = EncoderInfo(
        name=name,
        title=title,
        model_type=config["model_type"],
        layers=layers,
        width=number(config, "hidden_size", "dim", "d_model", "n_embd"),
        heads=number(config, "num_attention_heads", "n_heads", "n_head", "num_heads"),
        parameters=sum(counts),
        bytes=_bytes(folder, removed),
        layer_parameters=counts,
        vocabulary=number(config, "vocab_size"),
        max_length=position_limit(config, tokenizer_settings(path)),
        removed_weights=removed,
        removed_parameters=sum(folder.tensors[one].size for one in removed),
        licence=licence,
        source=source,
        fingerprint=fingerprint(folder, cache, check),
        notes=folder.notes,
        bias_parameters=bias_parameters(folder, removed),
        linear_sizes=linear_sizes(folder, removed),
    )
    return Encoder(info, folder, device)


def tokenizer_settings(path: Path) -> dict[str, Any]:
    """Return tokenizer_config.json of a vetted folder, or nothing."""
    file = path / "tokenizer_config.json"
    if not file.is_file():
        return {}
    values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))  # vetted before
    return values


def _bytes(folder: ModelFolder, removed: tuple[str, ...]) -> int:
    gone = set(removed)
    return sum(t.bytes for name, t in folder.tensors.items() if t.is_weight and name not in gone)


def fingerprint(folder: ModelFolder, cache: Path, check: Callable[[], None] | None) -> str:
    """Return one sum over everything that decides what a model says, wherever it lies."""
    names = ["config.json", *TOKENIZER_FILES]
    files = [folder.path / name for name in names if (folder.path / name).is_file()]
    digest = hashlib.sha256()
    for file in (*files, *folder.weights):
        digest.update(f"{file.name} {remembered_sum(file, cache, check)}\n".encode())
    return digest.hexdigest()


def _corrected(info: EncoderInfo, folder: ModelFolder, loaded: Loaded) -> EncoderInfo:
    """Return the figures after loading: transformers knows better which weights it left out."""
    removed = tuple(
        sorted(
            name
            for name, tensor in folder.tensors.items()
            if tensor.is_weight and _present_name(name) in loaded.unexpected
        )
    )
    if removed == info.removed_weights:
        return info
    counts = layer_parameters(folder, removed, info.layers)
    return replace(
        info,
        parameters=sum(counts),
        bytes=_bytes(folder, removed),
        layer_parameters=counts,
        removed_weights=removed,
        removed_parameters=sum(folder.tensors[one].size for one in removed),
        bias_parameters=bias_parameters(folder, removed),
        linear_sizes=linear_sizes(folder, removed),
    )


def _present_name(name: str) -> str:
    """Return what transformers calls a weight that the first BERT called gamma or beta."""
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
        "LayerNorm.beta", "LayerNorm.bias"
    )
