"""Reads a model folder before transformers does, and refuses what could run code or is damaged.

`trust_remote_code=False` alone was not enough: CVE-2026-4372 ran code from a repository named by
`_attn_implementation_internal` in config.json.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fineview.core.errors import ModelError

CONFIG_LIMIT = 4 << 20
HEADER_LIMIT = 100 << 20  # the limit of the safetensors library itself
DTYPE_BYTES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "I64": 8,
    "U64": 8,
    "F64": 8,
}
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack")
_AUTO_CLASS = re.compile(r"Auto(Config|Tokenizer|Model)(?:For[A-Za-z]+)?")
_CLASS_IN_FILE = re.compile(r"((configuration|tokenization|modeling)_[a-z0-9_]+)\.([A-Za-z0-9_]+)")
_FILE_OF = {"Config": "configuration", "Tokenizer": "tokenization", "Model": "modeling"}


@dataclass(frozen=True, slots=True)
class TensorHeader:
    """What the header of a safetensors file says of one tensor."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Return the number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Return the size in the file."""
        return self.size * DTYPE_BYTES[self.dtype]

    @property
    def is_weight(self) -> bool:
        """Return True for floating-point tensors: integers are position ids and the like."""
        return self.dtype.startswith(("F", "BF"))


@dataclass(frozen=True, slots=True, eq=False)
class ModelFolder:
    """A folder that is safe to hand to transformers.

    Attributes:
        path: The folder.
        config: Content of config.json, without hooks.
        tensors: Every tensor of the checkpoint, by name.
        weights: The safetensors files.
        notes: One sentence for each setting that was left out because it changes nothing.
    """

    path: Path
    config: Mapping[str, Any]
    tensors: Mapping[str, TensorHeader]
    weights: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def vet(path: Path) -> ModelFolder:
    """Read config.json and the headers of the weights of a local folder.

    Raises:
        ModelError: It is no model folder, asks for code from elsewhere, holds pickle instead of
            safetensors, or a file is damaged.
    """
    if not (path / "config.json").is_file():
        raise ModelError(
            f"{path} is no model folder: it has no config.json. Choose the folder that "
            f"save_pretrained wrote."
        )
    if (path / "adapter_config.json").exists():
        raise ModelError(
            f"{path} holds an adapter (adapter_config.json), not a whole model: merge it into its "
            f"model and save that."
        )
    config, notes = vet_settings(path)
    weights = _weight_files(path)
    tensors: dict[str, TensorHeader] = {}
    for file in weights:
        tensors.update(read_header(file))
    return ModelFolder(path=path, config=config, tensors=tensors, weights=weights, notes=notes)


def vet_settings(path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Read config.json, and tokenizer_config.json where there is one.

    Args:
        path: A folder; of the other files only the names are looked at.

    Returns:
        Content of config.json without harmless relics, and one sentence for each relic.

    Raises:
        ModelError: They ask for code from elsewhere, or describe no encoder of ours.
    """
    values = _read_object(path / "config.json")
    config, notes = _clean(values, path / "config.json", values.get("model_type"))
    if not isinstance(config.get("model_type"), str):
        raise ModelError(
            f"{path / 'config.json'} does not say its model_type: save the model again with a "
            f"current transformers."
        )
    tokenizer = path / "tokenizer_config.json"
    if tokenizer.is_file():
        notes += _clean(_read_object(tokenizer), tokenizer, config["model_type"])[1]
    return config, notes


def _read_object(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > CONFIG_LIMIT:
            raise ModelError(
                f"{file} has {file.stat().st_size:,} bytes; a real one has a few thousand: get the "
                f"model again."
            )
        values = json.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        raise ModelError(
            f"{file} cannot be read ({error.strerror}): check its permissions."
        ) from error
    except (ValueError, RecursionError):
        raise ModelError(f"{file} is not valid JSON: get the model again.") from None
    if not isinstance(values, dict):
        raise ModelError(f"{file} is not a JSON object: get the model again.")
    return values


def _clean(
    config: dict[str, Any], file: Path, model_type: object
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the values without harmless relics, and a sentence for each; refuse the others.

    Args:
        config: What the file says.
        file: config.json or tokenizer_config.json.
        model_type: What config.json says.

    Raises:
        ModelError: It names code or weights elsewhere.
    """
    notes: list[str] = []
    if config.get("auto_map") and _is_native(config["auto_map"], model_type, file.parent):
        notes.append(
            f"{file.name}: auto_map was left out; it names classes that transformers itself has "
            f"for {model_type}, and these are used."
        )
        config = {key: value for key, value in config.items() if key != "auto_map"}
    for key, value in _walk(config):
        if key in ("auto_map", "custom_pipelines", "trust_remote_code") and value:
            raise ModelError(
                f"{file} asks for code from outside ({key}: {_short(value)}); fineview runs no "
                f"remote code: choose a model that transformers knows."
            )
        # Everything that selects an attention or expert kernel may name a repository of kernels.
        hook = "implementation" in key or "kernel_config" in key or key == "use_kernels"
        if hook and any("/" in text or ":" in text for text in _strings(value)):
            raise ModelError(
                f"{file} asks for a kernel from a repository ({key}: {_short(value)}); fineview "
                f"runs no remote code: remove the line, or choose another model."
            )
    for key in ("quantization_config", "transformers_weights"):
        if config.get(key):
            raise ModelError(
                f"{file} has {key}: fineview reads plain floating-point safetensors only; save "
                f"the model without it."
            )
    if config.get("is_encoder_decoder"):
        raise ModelError(
            f"{file} describes an encoder with a decoder: choose an encoder such as BERT."
        )
    relics = [key for key in config if key.startswith("_") and "implementation" in key]
    if relics:
        notes.append(
            f"{file.name}: {', '.join(relics)} {'was' if len(relics) == 1 else 'were'} left out; "
            f"fineview chooses the kind of attention itself."
        )
    dropped = {*relics, "auto_map"}  # an auto_map that is still there is empty
    return {key: value for key, value in config.items() if key not in dropped}, tuple(notes)


def _is_native(auto_map: object, model_type: object, folder: Path) -> bool:
    """Return True where an auto_map only repeats what transformers has for this architecture.

    Every entry must name, as `file.Class`, a class of transformers in the file where transformers
    keeps it, of this very model type, without a repository; and no such file may lie in the folder,
    since it could hold other code under the same name.
    """
    import transformers
    from transformers.models.auto.configuration_auto import (
        CONFIG_MAPPING,
        model_type_to_module_name,
    )

    if not isinstance(auto_map, dict) or not isinstance(model_type, str):
        return False
    if model_type not in CONFIG_MAPPING:
        return False
    home = model_type_to_module_name(model_type)
    # Private, but the one table of all classes that needs no import of them; without it, none is
    # known and all are refused.
    places: Mapping[str, str] = getattr(transformers, "_class_to_module", {})
    for key, value in auto_map.items():
        auto = _AUTO_CLASS.fullmatch(key)
        if auto is None:
            return False
        slow_and_fast = auto[1] == "Tokenizer" and isinstance(value, list)
        named = [one for one in value if one is not None] if slow_and_fast else [value]
        for one in named:
            found = _CLASS_IN_FILE.fullmatch(one) if isinstance(one, str) else None
            if found is None or found[2] != _FILE_OF[auto[1]]:
                return False
            name, place = found[3], found[1]
            if auto[1] == "Tokenizer":  # transformers 5 has one class for the slow and the fast one
                name, place = name.removesuffix("Fast"), place.removesuffix("_fast")
            if places.get(name) != f"models.{home}.{place}":
                return False
            if (folder / f"{found[1]}.py").exists() or (folder / found[1]).exists():
                return False
    return True


def _walk(value: object) -> Iterator[tuple[str, Any]]:
    """Yield every key with its value, at any depth (JSON read without error is not deep)."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _weight_files(path: Path) -> tuple[Path, ...]:
    single = path / "model.safetensors"
    if single.is_file():
        return (single,)
    index = path / "model.safetensors.index.json"
    if not index.is_file():
        pickled = sorted(f.name for f in path.iterdir() if f.suffix in PICKLES)
        if pickled:
            raise ModelError(
                f"{path} holds its weights as {pickled[0]}, a format that can run code: convert "
                f"them to safetensors first (save_pretrained of transformers 5 writes it)."
            )
        raise ModelError(f"{path} has no model.safetensors: get the model again.")
    table = _read_object(index).get("weight_map")
    if not isinstance(table, dict) or not table:
        raise ModelError(f"{index} names no weight files: get the model again.")
    files = []
    for name in sorted({str(value) for value in table.values()}):
        # A name may not lead out of the folder.
        if Path(name).name != name or "\\" in name or not name.endswith(".safetensors"):
            raise ModelError(
                f"{index} names the file {name!r}, which is not a safetensors file of this "
                f"folder: get the model again."
            )
        if not (path / name).is_file():
            raise ModelError(f"{path} lacks its weight file {name}: get the model again.")
        files.append(path / name)
    return tuple(files)


def read_header(file: Path) -> dict[str, TensorHeader]:
    """Read what a safetensors file says it holds, and hold it against the file's size.

    Raises:
        ModelError: The header is damaged, or the file is shorter or longer than the header says.

    Source:
        The safetensors format: 8 bytes of length, JSON, then the data without gaps.
    """
    damaged = f"{file} is damaged or was cut off"
    remedy = "get the model again"
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if size < 8 or length > min(size - 8, HEADER_LIMIT):
                raise ModelError(f"{damaged} (header of {length:,} bytes in {size:,}): {remedy}.")
            header = json.loads(stream.read(length).decode("utf-8"))
    except OSError as error:
        raise ModelError(
            f"{file} cannot be read ({error.strerror}): check its permissions."
        ) from error
    except (ValueError, RecursionError):
        raise ModelError(f"{damaged} (its header is not JSON): {remedy}.") from None
    if not isinstance(header, dict):
        raise ModelError(f"{damaged} (its header is no table): {remedy}.")
    header.pop("__metadata__", None)
    tensors: dict[str, TensorHeader] = {}
    spans: list[tuple[int, int]] = []
    for name, value in header.items():
        tensors[name], span = _tensor(name, value, damaged, remedy)
        spans.append(span)
    end = 0
    for first, last in sorted(spans):
        if first != end:
            raise ModelError(f"{damaged} (a gap or an overlap at byte {end:,}): {remedy}.")
        end = last
    if end != size - 8 - length:
        raise ModelError(
            f"{damaged} (it holds {size - 8 - length:,} bytes of weights, its header says "
            f"{end:,}): {remedy}."
        )
    return tensors


def _tensor(
    name: str, value: object, damaged: str, remedy: str
) -> tuple[TensorHeader, tuple[int, int]]:
    """Check one line of a header; return it with its first byte and the byte behind its last."""
    match value:
        case {
            "dtype": str(dtype),
            "shape": [*shape],
            "data_offsets": [int(first), int(last)],
        } if all(type(n) is int and n >= 0 for n in shape):
            pass
        case _:
            raise ModelError(f"{damaged} (the entry of {name!r} is incomplete): {remedy}.")
    if dtype not in DTYPE_BYTES:
        raise ModelError(f"{damaged} ({name!r} has the unknown number type {dtype!r}): {remedy}.")
    tensor = TensorHeader(dtype, tuple(shape))
    if not 0 <= first <= last or tensor.bytes != last - first:
        raise ModelError(
            f"{damaged} ({name!r} of shape {list(shape)[:8]} does not fill bytes {first} … {last}):"
            f" {remedy}."
        )
    return tensor, (first, last)
