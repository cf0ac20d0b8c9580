"""Files with a manifest: safetensors and JSON whose sha256 is known, so that damage is noticed.

A flipped bit inside a safetensors file loads without an error; only the sum tells.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import RunError
from fineview.core.files import atomic_write, disk_full, free_bytes, sync_folder, write_error
from fineview.core.runs.plain import JSON, dump_json, load_object

MANIFEST = "MANIFEST.json"
STATE = "state.json"
KEPT_CHECKPOINTS = 8
"""Most checkpoints of a run: the newest two, and others spread over its course to go back to."""
_PREFIX = "checkpoint-"

Tensors = Mapping[str, NDArray[Any]]


class DamagedError(RunError):
    """A file of a run is not what was written."""


def pack(tensors: Tensors) -> bytes:
    """Return arrays of any shape as the bytes of a safetensors file."""
    from safetensors.numpy import save  # only runs that save need it

    return save({name: np.asarray(value, order="C") for name, value in tensors.items()})


def unpack(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of a safetensors file whose sum was compared.

    Raises:
        ValueError: It is none.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(data)
    except SafetensorError as error:
        raise ValueError(str(error)) from None


def write_manifest(folder: Path, sums: Mapping[str, str]) -> None:
    """Say which files belong to `folder`; the last file to be written.

    Args:
        folder: Where the files are.
        sums: File name → sha256 in hexadecimal.

    Raises:
        StoreError: The disk is full or read-only.
    """
    atomic_write(folder / MANIFEST, _manifest(sums))


def _manifest(sums: Mapping[str, str]) -> bytes:
    """Return the content of a manifest; `own` is the sum of its sums."""
    own = hash_bytes(dump_json(sums))
    return dump_json({"format": 1, "sha256": sums, "own": own}, indent=1)


def read_manifest(folder: Path) -> dict[str, str] | None:
    """Return file name → sha256, or None if the folder has no manifest.

    Raises:
        DamagedError: It is damaged.
    """
    try:
        values = load_object((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise damaged(folder / MANIFEST, str(error)) from None
    sums = values.get("sha256")
    if not isinstance(sums, dict) or values.get("own") != hash_bytes(dump_json(sums)):
        raise damaged(folder / MANIFEST, "its content is not what was written")
    return sums


def read_checked(folder: Path, name: str, sums: Mapping[str, str]) -> bytes:
    """Return the content of a file that the manifest names.

    Raises:
        DamagedError: The file is missing, or not what was written.
    """
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise damaged(folder / name, error.strerror or "unreadable") from None
    if sums.get(name) != hash_bytes(data):
        raise damaged(folder / name, "its sha256 is not the one in the manifest")
    return data


def damaged(path: Path, why: str) -> DamagedError:
    """Return the error for a file that is not what was written."""
    return DamagedError(
        f"The file {path} is damaged ({why}): restore it from a copy, or repeat the run from its "
        f"settings."
    )


def hash_bytes(data: bytes) -> str:
    """Return the sha256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def write_checkpoint(folder: Path, step: int, tensors: Tensors, state: Mapping[str, JSON]) -> None:
    """Write a checkpoint whole or not at all, then delete those that are too many.

    Args:
        folder: The run's.
        step: Steps done; checkpoints beyond it are of a course that was given up.
        tensors: Arrays of any shape; float and integer kinds that numpy has.
        state: The rest. NaN and infinities become null.

    Raises:
        StoreError: The disk is full or read-only. Older checkpoints stand, nothing is left over.
    """
    final = folder / f"{_PREFIX}{step:06d}"
    temporary = folder / f"{final.name}.tmp-{os.getpid()}"
    needed = sum(np.asarray(value).nbytes for value in tensors.values())
    if free_bytes(folder) < 2 * needed:
        raise disk_full(folder, 2 * needed)
    files = {"tensors.safetensors": pack(tensors), STATE: dump_json(state)}
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        for name, data in files.items():
            _write_new(temporary / name, data)
        sums = {name: hash_bytes(data) for name, data in files.items()}
        _write_new(temporary / MANIFEST, _manifest(sums))
        sync_folder(temporary)
        if final.exists():  # damaged, or of a course that was given up: nothing is loaded from it
            shutil.rmtree(final)
        os.rename(temporary, final)
        sync_folder(folder)
    except OSError as error:
        raise write_error(error, folder, needed) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    found = checkpoint_steps(folder)
    kept = thinned([other for other in found if other <= step])
    for other in set(found) - set(kept):
        shutil.rmtree(folder / f"{_PREFIX}{other:06d}", ignore_errors=True)


def thinned(steps: list[int], most: int = KEPT_CHECKPOINTS) -> list[int]:
    """Return at most so many of some steps, the newest two among them, evenly spread.

    Args:
        steps: Ascending.
        most: At least 2.
    """
    kept = list(steps)
    while len(kept) > most:
        # Without the step whose neighbours lie nearest to each other least is lost.
        gaps = [after - before for before, after in zip([0, *kept], kept[1:-1], strict=False)]
        del kept[gaps.index(min(gaps))]
    return kept


def _write_new(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def checkpoint_steps(folder: Path) -> list[int]:
    """Return the steps of all finished checkpoints of a run, ascending, verified or not."""
    numbers = (entry.name.removeprefix(_PREFIX) for entry in folder.glob(f"{_PREFIX}*"))
    return sorted(int(number) for number in numbers if number.isascii() and number.isdigit())


def read_checkpoint(
    folder: Path, at: int | None = None
) -> tuple[int, dict[str, NDArray[Any]], dict[str, JSON]] | None:
    """Return step, tensors and state of the newest checkpoint whose sums hold, or None.

    Args:
        folder: The run's.
        at: Only the checkpoint of this step will do.
    """
    for step in reversed(checkpoint_steps(folder) if at is None else [at]):
        place = folder / f"{_PREFIX}{step:06d}"
        try:
            sums = read_manifest(place) or {}
            tensors = unpack(read_checked(place, "tensors.safetensors", sums))
            return step, tensors, load_object(read_checked(place, STATE, sums))
        except (DamagedError, ValueError):
            continue  # damaged: the one before it is what there is
    return None


def drop_checkpoints(folder: Path) -> None:
    """Delete all checkpoints of a run that has come to its end; nobody goes back to them then."""
    for step in checkpoint_steps(folder):
        shutil.rmtree(folder / f"{_PREFIX}{step:06d}", ignore_errors=True)


def drop_unfinished(folder: Path) -> None:
    """Delete what a killed process left of a checkpoint or of a file; ours may be in the making."""
    for entry in folder.glob(f"{_PREFIX}*.tmp-*"):
        shutil.rmtree(entry, ignore_errors=True)
    for entry in folder.glob(".*.tmp"):
        if f".{os.getpid()}-" not in entry.name:
            entry.unlink(missing_ok=True)


def write_artefacts(
    folder: Path, result: Mapping[str, JSON] | None, tensors: Mapping[str, Tensors]
) -> None:
    """Write what a run leaves behind, the manifest last.

    Args:
        folder: The run's.
        result: Measures and whatever else is JSON; kept as result.json.
        tensors: Artefact name → arrays; each is kept as NAME.safetensors.

    Raises:
        StoreError: The disk is full or read-only.
    """
    try:
        # Without a manifest the files of an earlier stop count for nothing, however far this gets.
        (folder / MANIFEST).unlink(missing_ok=True)
    except OSError as error:
        raise write_error(error, folder) from error
    files = {f"{name}.safetensors": pack(arrays) for name, arrays in tensors.items()}
    if result is not None:
        files["result.json"] = dump_json(result, indent=1)
    for name, data in files.items():
        atomic_write(folder / name, data)
    write_manifest(folder, {name: hash_bytes(data) for name, data in files.items()})


def read_artefact(folder: Path, name: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of an artefact, after its sum was compared.

    Args:
        folder: The run's.
        name: As it was given to `write_artefacts`.

    Raises:
        DamagedError: The artefact is damaged.
        RunError: The run has no such artefact.
    """
    sums = read_manifest(folder) or {}
    file = f"{name}.safetensors"
    if file not in sums or Path(file).name != file:
        raise RunError(
            f"The run {folder.name} has saved no {name!r}: let it finish, or stop it, first."
        )
    try:
        return unpack(read_checked(folder, file, sums))
    except ValueError as error:
        raise damaged(folder / file, str(error)) from None


def read_result(folder: Path) -> dict[str, Any] | None:
    """Return result.json after its sum was compared, or None if the run has left none.

    Raises:
        DamagedError: It is damaged.
    """
    sums = read_manifest(folder)
    if sums is None or "result.json" not in sums:
        return None
    try:
        return load_object(read_checked(folder, "result.json", sums))
    except ValueError as error:
        raise damaged(folder / "result.json", str(error)) from None
