"""A causal language model: what is known of it at once, and tokenizer and weights when needed."""

import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from fineview.core.device import choose_device
from fineview.core.errors import ConfigError, ModelError
from fineview.core.models import catalog, hub_store
from fineview.core.models.anatomy import number, position_limit
from fineview.core.models.assets import verify
from fineview.core.models.conversion import converted, is_gguf
from fineview.core.models.encoder import fingerprint, tokenizer_settings
from fineview.core.models.loading import first_line, load_causal, load_tokenizer
from fineview.core.models.vetting import ModelFolder, vet
from fineview.core.progress import SILENT, Report

DType = Literal["float32", "bfloat16"]
DTYPES: dict[DType, int] = {"float32": 4, "bfloat16": 2}
"""Bytes of a weight in memory."""
DEFAULT = "smollm2-135m"


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModelInfo:
    """A causal language model before its weights are loaded.

    Attributes:
        name: Name in the catalogue, `hub:owner/name@commit`, or the local folder as it was given.
        title: Name on screen.
        model_type: Architecture, as transformers calls it: `llama`, `gpt2`, …
        layers: L, the number of blocks.
        width: D, the numbers per token and layer.
        heads: Attention heads per block.
        parameters: Weights; an output layer tied to the embeddings counts once.
        bytes: Size of these weights in the file.
        vocabulary: V, the number of token ids.
        window: Most tokens of prompt and answer together.
        licence: Terms, as declared.
        source: Where the files come from.
        fingerprint: sha256 over weights, tokenizer and configuration.
        chat: Whether the tokenizer knows a chat template.
    """

    name: str
    title: str
    model_type: str
    layers: int
    width: int
    heads: int
    parameters: int
    bytes: int
    vocabulary: int
    window: int
    licence: str
    source: str
    fingerprint: str
    chat: bool

    def memory_bytes(self, dtype: DType) -> int:
        """Return what the weights take in memory."""
        return self.parameters * DTYPES[dtype]


class LanguageModel:
    """A causal language model with its output layer.

    Nothing is loaded until it is needed; from then on it is kept until `unload`.

    Attributes:
        info: Sizes, licence, fingerprint.
        folder: The vetted files.
        dtype: Number type of the weights in memory.
    """

    def __init__(
        self, info: LanguageModelInfo, folder: ModelFolder, device: str, dtype: DType
    ) -> None:
        self.info = info
        self.folder = folder
        self.dtype: DType = dtype
        self._device = device
        self._model: Any = None
        self._tokenizer: Any = None
        self._lock = threading.RLock()
        self._spelled: dict[int, str] = {}

    @property
    def device(self) -> str:
        """Return `cpu`, `cuda` or `mps`.

        Raises:
            ConfigError: The device that was asked for is not there.
        """
        return choose_device(self._device)

    @property
    def window(self) -> int:
        """Return the most tokens of prompt and answer together."""
        return self.info.window

    @property
    def is_loaded(self) -> bool:
        """Return True once the weights are in memory."""
        return self._model is not None

    @property
    def model(self) -> Any:  # noqa: ANN401 - transformers is untyped
        """Return the transformers module, loaded: eval mode, on its device."""
        self.load()
        return self._model

    @property
    def tokenizer(self) -> Any:  # noqa: ANN401 - transformers is untyped
        """Return the transformers tokenizer.

        Raises:
            ModelError: It cannot be loaded.
        """
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = load_tokenizer(self.folder)
                backend = self._tokenizer.backend_tokenizer
                backend.no_padding()
                backend.no_truncation()
            return self._tokenizer

    def load(self, report: Report = SILENT) -> None:
        """Load weights and tokenizer, once.

        Raises:
            ModelError: A file does not fit, or there is not enough memory; the message says which.
        """
        with self._lock:
            if self._model is not None:
                return
            report.check()
            report.progress(0, 0, f"Loading {self.info.title}")
            _ = self.tokenizer
            report.check()
            self._model = load_causal(self.folder, self.device, self.dtype)

    def unload(self) -> None:
        """Let go of the weights; they are loaded again when needed."""
        with self._lock:
            self._model = None  # no cycle holds it; a collection belongs on the window's thread

    def ids(self, text: str) -> list[int]:
        """Return the tokens of a text exactly as it stands: nothing is added, nothing is cut."""
        found: list[int] = self.tokenizer.backend_tokenizer.encode(
            text, add_special_tokens=False
        ).ids
        return found

    def text(self, ids: list[int]) -> str:
        """Return the text of tokens, special ones spelled out; broken UTF-8 becomes U+FFFD."""
        found: str = self.tokenizer.backend_tokenizer.decode(ids, skip_special_tokens=False)
        return found

    @cached_property
    def first_tokens(self) -> tuple[int, ...]:
        """Return the tokens that the tokenizer puts before every text; mostly none."""
        ids = self.tokenizer("").input_ids
        first = self.tokenizer.bos_token_id
        return (first,) if first is not None and ids[:1] == [first] else ()

    def spelled(self, token: int) -> str:
        """Return what a token adds to a text: with its blank, U+FFFD for a part of a letter."""
        if token not in self._spelled:
            backend = self.tokenizer.backend_tokenizer
            anchor = self._anchor
            # Some tokenizers leave out a blank at the start: it is read behind another token.
            behind = backend.decode([anchor, token], skip_special_tokens=False)
            alone = backend.decode([anchor], skip_special_tokens=False)
            self._spelled[token] = (
                behind[len(alone) :]
                if behind.startswith(alone)
                else (backend.decode([token], skip_special_tokens=False))
            )
        return self._spelled[token]

    @cached_property
    def _anchor(self) -> int:
        """Return a token that ends in a whole letter."""
        return self.ids("a")[-1]

    def chat(self, text: str) -> str:
        """Return a text as a user's turn in the model's chat template, up to its answer.

        Raises:
            ModelError: The model has none, or its template cannot take it.
        """
        if not self.info.chat:
            raise ModelError(
                f"{self.info.title} has no chat template: it was trained to go on from plain text."
            )
        try:
            turn = [{"role": "user", "content": text}]
            found: str = self.tokenizer.apply_chat_template(
                turn, tokenize=False, add_generation_prompt=True
            )
        except Exception as error:
            raise ModelError(
                f"The chat template of {self.info.title} cannot take this text "
                f"({first_line(error)}): write the text without it."
            ) from error
        return found


def open_language_model(
    name: str,
    cache: Path,
    device: str = "auto",
    dtype: DType = "float32",
    report: Report = SILENT,
) -> LanguageModel:
    """Find a causal language model and read what it is, without loading it.

    Args:
        name: A name of the catalogue, `hub:owner/name@commit` of a stored snapshot, or the path of
            a local transformers folder.
        cache: Folder of fetched and converted things, and of remembered sums.
        device: `auto`, `cuda`, `mps` or `cpu`.
        dtype: Number type of the weights in memory.
        report: Asked while files are read; told where a model must be converted first.

    Raises:
        ConfigError: The number type is unknown.
        ModelError: There is no such model, it was not fetched, its files are damaged or not safe,
            or it is no causal language model.
    """
    if dtype not in DTYPES:
        raise ConfigError(
            f"Number type {dtype!r} is not one of {', '.join(get_args(DType))}.", "dtype"
        )
    known = {entry.name: entry for entry in catalog.entries("language model")}
    if name in known:
        entry = known[name]
        path = (
            converted(entry, cache, report)
            if is_gguf(entry)
            else verify(entry, cache, report.check)
        )
        title, licence, source = entry.title, entry.licence, entry.source
    elif name.startswith("hub:"):
        snapshot = hub_store.snapshot(name, cache)
        path, title, licence = snapshot.folder, snapshot.repo_id, snapshot.licence or "not declared"
        source = f"The Hugging Face hub, commit {snapshot.commit[:12]}."
    else:
        path = Path(name).expanduser()
        if not path.is_dir():
            raise ModelError(
                f"{name!r} is neither a language model of the catalogue ({', '.join(known)}) nor "
                f"a folder: choose one of these."
            )
        title, licence, source = path.resolve().name, "not declared", f"The local folder {path}."
    folder = vet(path)
    config = folder.config
    info = LanguageModelInfo(
        name=name,
        title=title,
        model_type=config["model_type"],
        layers=number(config, "num_hidden_layers", "n_layers", "n_layer", "num_layers"),
        width=number(config, "hidden_size", "dim", "d_model", "n_embd"),
        heads=number(config, "num_attention_heads", "n_heads", "n_head", "num_heads"),
        parameters=sum(t.size for t in folder.tensors.values() if t.is_weight),
        bytes=sum(t.bytes for t in folder.tensors.values() if t.is_weight),
        vocabulary=number(config, "vocab_size"),
        window=position_limit(config, tokenizer_settings(path)),
        licence=licence,
        source=source,
        fingerprint=fingerprint(folder, cache, report.check),
        chat=(path / "chat_template.jinja").is_file()
        or "chat_template" in tokenizer_settings(path),
    )
    return LanguageModel(info, folder, device, dtype)
