"""Hands a vetted folder to transformers: the only file that loads weights or tokenizers."""

import contextlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fineview.core.errors import ModelError
from fineview.core.models.vetting import ModelFolder

if TYPE_CHECKING:
    import torch


VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "spm.model",
    "tokenizer.model",
)


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """An encoder in memory.

    Attributes:
        model: A torch module in eval mode, without pooling layer, on its device.
        attention: `sdpa`, or `eager` where the architecture has nothing else.
        unexpected: Tensors of the checkpoint that the model did not take.
    """

    model: "torch.nn.Module"
    attention: str
    unexpected: frozenset[str]


def load_model(folder: ModelFolder, device: str, random_seed: int | None = None) -> Loaded:
    """Load a bare encoder in float32.

    Args:
        folder: A vetted folder.
        device: `cpu`, `cuda` or `mps`.
        random_seed: Draws the weights anew, as before pretraining (transformers' own rule with the
            configuration's `initializer_range`), instead of reading them.

    Raises:
        ModelError: transformers does not know the architecture, or the weights do not fit it.
    """
    import torch
    from transformers import AutoModel
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    config = _config(folder, CONFIG_MAPPING)
    known = MODEL_MAPPING.get(type(config), None)
    kind = known[0] if isinstance(known, tuple) else known
    if kind is None:
        raise ModelError(
            f"transformers has no encoder for model type {folder.config['model_type']!r} of "
            f"{folder.path}: choose a BERT-like encoder."
        )
    attention = "sdpa" if getattr(kind, "_supports_sdpa", False) else "eager"
    options: dict[str, Any] = {}
    if "add_pooling_layer" in inspect.signature(kind.__init__).parameters:
        options["add_pooling_layer"] = False
    if random_seed is not None:
        return _random_model(kind, config, attention, options, random_seed, device)
    model, report = _from_pretrained(AutoModel, folder, config, attention, torch.float32, **options)
    _refuse_gaps(folder, report)
    _place(model, folder, device)
    return Loaded(model, attention, frozenset(report["unexpected_keys"]))


def load_causal(folder: ModelFolder, device: str, dtype: str) -> Any:  # noqa: ANN401
    """Load a causal language model with its output layer.

    Args:
        folder: A vetted folder.
        device: `cpu`, `cuda` or `mps`.
        dtype: `float32` or `bfloat16`.

    Returns:
        The transformers module in eval mode, on the device.

    Raises:
        ModelError: It is no causal language model, the weights do not fit, or memory is short.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        MODEL_FOR_MASKED_LM_MAPPING,
    )

    config = _config(folder, CONFIG_MAPPING)
    kind = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    fills_blanks = MODEL_FOR_MASKED_LM_MAPPING.get(type(config), None) is not None
    if kind is None or (fills_blanks and not getattr(config, "is_decoder", False)):
        raise ModelError(
            f"{folder.path} is a {folder.config['model_type']} model, which does not continue "
            f"texts: choose a causal language model (GPT-2, Llama and their like)."
        )
    attention = "sdpa" if getattr(kind, "_supports_sdpa", False) else "eager"
    model, report = _from_pretrained(
        AutoModelForCausalLM, folder, config, attention, getattr(torch, dtype)
    )
    _refuse_gaps(folder, report)
    _place(model, folder, device)
    return model


def load_masked(folder: ModelFolder, title: str, device: str) -> Any:  # noqa: ANN401
    """Load an encoder with the fill-in-the-blank head it was pretrained with, in float32.

    Args:
        folder: A vetted folder.
        title: Of the encoder, for people.
        device: `cpu`, `cuda` or `mps`.

    Returns:
        The transformers module in eval mode, on the device.

    Raises:
        ModelError: The folder has no such head, or the weights do not fit.
    """
    import torch
    from transformers import AutoModelForMaskedLM
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING

    config = _config(folder, CONFIG_MAPPING)
    kind = MODEL_FOR_MASKED_LM_MAPPING.get(type(config), None)
    none = (
        f"{title} came without the fill-in-the-blank head it was pretrained with: "
        f"choose an encoder that still has it, such as bert-base-uncased from the hub."
    )
    if kind is None:
        raise ModelError(none)
    attention = "sdpa" if getattr(kind, "_supports_sdpa", False) else "eager"
    model, report = _from_pretrained(AutoModelForMaskedLM, folder, config, attention, torch.float32)
    if report["missing_keys"]:  # transformers would draw its weights at random
        raise ModelError(none)
    _refuse_gaps(folder, report)
    _place(model, folder, device)
    return model


def _from_pretrained(
    auto: Any,  # noqa: ANN401 - a transformers class
    folder: ModelFolder,
    config: Any,  # noqa: ANN401 - PretrainedConfig
    attention: str,
    dtype: "torch.dtype",
    **options: Any,  # noqa: ANN401
) -> tuple[Any, Mapping[str, Any]]:
    """Return the model and what transformers says of its weights."""
    with _quiet():
        try:
            model, report = auto.from_pretrained(
                str(folder.path),
                config=config,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=dtype,
                attn_implementation=attention,
                # Listed with both shapes in `report`, instead of an exception of many lines.
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                **options,
            )
        except MemoryError:
            raise ModelError(
                f"{folder.path} does not fit into memory: close other programs, choose bfloat16, "
                f"or choose a smaller model."
            ) from None
        except Exception as error:
            raise ModelError(
                f"{folder.path} cannot be loaded by transformers ({first_line(error)}): get the "
                f"model again, or choose another."
            ) from error
    return model, report


def _place(model: Any, folder: ModelFolder, device: str) -> None:  # noqa: ANN401
    """Put a model in eval mode on its device."""
    model.eval()
    try:
        model.to(device)
    except RuntimeError as error:
        raise ModelError(
            f"{folder.path} does not fit on {device} ({first_line(error)}): choose the device cpu."
        ) from error


def _random_model(
    kind: Any,  # noqa: ANN401 - a transformers class
    config: Any,  # noqa: ANN401 - PretrainedConfig
    attention: str,
    options: dict[str, Any],
    seed: int,
    device: str,
) -> Loaded:
    """Build the architecture with weights drawn from a seed; the process's own draws go on."""
    import torch

    with _quiet(), torch.random.fork_rng():
        torch.manual_seed(seed)
        model = kind._from_config(
            config, dtype=torch.float32, attn_implementation=attention, **options
        )
    model.eval()
    model.to(device)
    return Loaded(model, attention, frozenset())


def _config(folder: ModelFolder, known: Mapping[str, Any]) -> Any:  # noqa: ANN401 - PretrainedConfig
    """Build the configuration from the vetted values, not from the file again."""
    model_type = folder.config["model_type"]
    if model_type not in known:
        raise ModelError(
            f"transformers does not know the model type {model_type!r} of {folder.path}: choose "
            f"another model."
        )
    try:
        return known[model_type].from_dict(dict(folder.config))
    except Exception as error:
        raise ModelError(
            f"{folder.path / 'config.json'} does not describe a {model_type} "
            f"({first_line(error)}): get the model again."
        ) from error


def _refuse_gaps(folder: ModelFolder, report: Mapping[str, Any]) -> None:
    """Raise where transformers filled a weight at random."""
    wrong = sorted(report["mismatched_keys"])
    if wrong:
        name, found, expected = wrong[0]
        raise ModelError(
            f"The weight {name} of {folder.path} has shape {list(found)}, but config.json says "
            f"{list(expected)}: get the model again."
        )
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelError(
            f"{folder.path} lacks {len(missing)} weights of the model, for instance "
            f"{missing[0]}: get the model again."
        )


def load_tokenizer(folder: ModelFolder) -> Any:  # noqa: ANN401 - transformers is untyped
    """Load the tokenizer.

    Raises:
        ModelError: There is none, it has no fast form, or it has ids that the model lacks.
    """
    from transformers import AutoTokenizer
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    # Without one, transformers makes a tokenizer that knows no word, and says nothing.
    if not any((folder.path / name).is_file() for name in VOCABULARIES):
        raise ModelError(
            f"The tokenizer of {folder.path} is missing: the folder needs tokenizer.json or a "
            f"vocabulary beside config.json."
        )
    config = _config(folder, CONFIG_MAPPING)
    with _quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                str(folder.path),
                config=config,
                local_files_only=True,
                trust_remote_code=False,
                use_fast=True,
            )
        except Exception as error:
            raise ModelError(
                f"The tokenizer of {folder.path} cannot be loaded ({first_line(error)}): the "
                f"folder needs tokenizer.json or a vocabulary beside config.json."
            ) from error
    if not tokenizer.is_fast:
        raise ModelError(
            f"The tokenizer of {folder.path} has no fast form: save it again with tokenizer.json."
        )
    rows = folder.config.get("vocab_size")
    largest = max(tokenizer.get_vocab().values(), default=0)
    if type(rows) is int and largest >= rows:
        raise ModelError(
            f"The tokenizer of {folder.path} has token {largest}, but the model only {rows} rows: "
            f"tokenizer and weights belong to different models."
        )
    return tokenizer


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' tables and progress bars off the terminal, for now."""
    from transformers.utils import logging as transformers_logging

    logging: Any = transformers_logging  # untyped in parts
    level = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def first_line(error: BaseException) -> str:
    """Return what an error says in one short line."""
    lines = str(error).strip().splitlines()
    text = lines[0].rstrip(" .:") if lines else type(error).__name__
    return text if len(text) <= 200 else f"{text[:199]}…"
