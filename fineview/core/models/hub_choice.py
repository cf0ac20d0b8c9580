"""Which files of a repository are wanted, and why one may be of no use."""

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fineview.core.errors import ModelError
from fineview.core.models.encoder import TOKENIZER_FILES
from fineview.core.models.hub_child import SETTINGS
from fineview.core.models.hub_store import HubFile, Kind
from fineview.core.models.vetting import PICKLES, vet_settings

_CODE = re.compile(r"\w{1,100}\.py", re.ASCII)


def wanted(kind: Kind, said: dict[str, Any]) -> tuple[HubFile, ...]:
    """Return the files that fineview reads; whatever else there is stays there.

    Args:
        kind: Models or data sets.
        said: The hub's answer.

    Raises:
        ModelError: It does not say how big one of them is.
    """
    every = {one["path"]: one for one in said["files"]}
    if kind == "dataset":
        names = [path for path in every if path.endswith(".parquet")]
    else:
        names = [name for name in ("config.json", *TOKENIZER_FILES) if name in every]
        if "model.safetensors" in every:
            names.append("model.safetensors")
        elif "model.safetensors.index.json" in every:
            names.append("model.safetensors.index.json")
            names += [
                path
                for path in every
                if path.startswith("model-") and path.endswith(".safetensors") and "/" not in path
            ]
    files = []
    for name in sorted(names):
        size = every[name]["size"]
        if not isinstance(size, int) or size < 0:
            raise ModelError(f"The hub does not say how big {name} is: try again later.")
        files.append(HubFile(path=name, size=size, sum=str(every[name]["sum"])))
    return tuple(files)


def refusal(kind: Kind, repo_id: str, files: Sequence[HubFile], said: dict[str, Any]) -> str:
    """Return in one sentence why a repository is of no use here, "" if it is.

    Args:
        kind: Models or data sets.
        repo_id: Owner and name.
        files: What is wanted of it.
        said: The hub's answer.
    """
    names = {file.path for file in files}
    if kind == "dataset":
        if names:
            return ""
        return (
            f"{repo_id} has no Parquet files, not even converted ones: download it by hand and "
            f"open its files."
        )
    if not any(name.endswith(".safetensors") for name in names):
        every = sorted(one["path"] for one in said["files"])
        pickled = [path for path in every if path.endswith(PICKLES)]
        if pickled:
            return (
                f"{repo_id} holds its weights only as {pickled[0]}, a format that can run code: "
                f"choose a repository with safetensors."
            )
        return f"{repo_id} holds no weights as safetensors: choose another repository."
    if "config.json" not in names:
        return f"{repo_id} has no config.json, so it is no transformers model: choose another."
    if not names & set(TOKENIZER_FILES) - {"tokenizer_config.json", "special_tokens_map.json"}:
        return f"{repo_id} has no tokenizer: choose another repository."
    return _settings_refusal(repo_id, said)


def _settings_refusal(repo_id: str, said: dict[str, Any]) -> str:
    """Return why a model would not be opened once it is here, "" if its settings are sound."""
    with tempfile.TemporaryDirectory(prefix="fineview-") as place:
        folder = Path(place)
        for name in SETTINGS:
            if name in said["settings"]:
                (folder / name).write_text(said["settings"][name], encoding="utf-8")
        # Never downloaded, but code beside the settings tells what their auto_map means.
        for one in said["files"]:
            if _CODE.fullmatch(one["path"]):
                (folder / one["path"]).touch()
        try:
            vet_settings(folder)
        except ModelError as error:
            return str(error).replace(f"{folder}{os.sep}", f"{repo_id}/")
    return ""
