"""Writes the weights of a GGUF file as safetensors: a program of its own, `GGUF FOLDER`.

GGUF is parsed by code that reads lengths and types out of the file. Only the pinned file of the
catalogue comes here, and this process does nothing else and ends.
"""

import sys
from pathlib import Path


def main(source: Path, target: Path) -> None:
    """Convert.

    Args:
        source: The GGUF file.
        target: Folder that takes config.json, the tokenizer and model.safetensors in float32.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    folder, name = str(source.parent), source.name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name, local_files_only=True)
    tokenizer.save_pretrained(target)
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        gguf_file=name,
        dtype=torch.float32,
        quantization_config=GgufConfig(dequantize=True),
        local_files_only=True,
    )
    # Plain weights now: without this, whoever loads them would look for the GGUF again.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
