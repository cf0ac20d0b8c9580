"""What of the hub is on this machine: names, folders, snapshots; nothing here goes online."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from fineview.core.errors import ModelError, StoreError
from fineview.core.files import (
    atomic_write,
    delete_temporary,
    is_abandoned,
    sync_folder,
    write_error,
)

Kind = Literal["model", "dataset"]
"""What a repository of the hub holds."""

KINDS: tuple[Kind, ...] = ("model", "dataset")
ID_LENGTH = 96
_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_PAGES = ("huggingface.co", "www.huggingface.co", "hf.co")
_BEHIND_ID = ("tree", "blob", "resolve", "raw", "commit", "commits", "discussions", "viewer")
_MANIFEST = ".fineview.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """One file of a repository.

    Attributes:
        path: Its path there, with `/`.
        size: Bytes.
        sum: `sha256:…` of the content, or `git:…`, git's own sum of it.
    """

    path: str
    size: int
    sum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HubStored:
    """A snapshot on this machine: the files of one commit, whole.

    Attributes:
        name: `hub:owner/name@commit`, as run specs name it.
        repo_id: Owner and name.
        kind: `model` or `dataset`.
        commit: 40 hexadecimal digits.
        bytes: Bytes of its files.
        licence: Terms as the repository declares them, or "".
        folder: Where its files lie.
        files: Its files with their sums.
    """

    name: str
    repo_id: str
    kind: Kind
    commit: str
    bytes: int
    licence: str
    folder: Path
    files: tuple[HubFile, ...]


def validate_repo_id(text: str) -> str:
    """Return the id of a repository, `owner/name`, from an id or the address of its page.

    Raises:
        ModelError: It is neither.
    """
    given = text.strip()
    words = given
    if re.match(r"https?://", given):
        words = _id_of_page(given)
    parts = words.split("/")
    if (
        len(parts) in (1, 2)
        and len(words) <= ID_LENGTH
        and all(_PART.fullmatch(part) for part in parts)
        and "--" not in words
        and ".." not in words
        and not words.endswith(".git")
    ):
        return words
    raise ModelError(
        f"{_shown(given)} is not the id of a repository: write owner/name, such as "
        f"distilbert/distilbert-base-uncased, or paste the address of its page."
    )


def validate_revision(text: str) -> str:
    """Return a branch, tag or commit.

    Raises:
        ModelError: It cannot be one.
    """
    if _REVISION.fullmatch(text) and ".." not in text and "//" not in text:
        return text
    raise ModelError(
        f"{_shown(text)} is not a revision: write a branch, a tag or a commit, such as main."
    )


def is_commit(text: str) -> bool:
    """Return whether a revision is a whole commit."""
    return bool(_COMMIT.fullmatch(text))


def check_paths(repo_id: str, paths: Sequence[str]) -> None:
    """Hold the names of files to what every system can store below one folder.

    Raises:
        ModelError: One leads elsewhere, or two are the same on some system.
    """
    seen: set[str] = set()
    for path in paths:
        if len(path) > 200 or path.casefold() in seen or not all(map(_is_safe, path.split("/"))):
            raise ModelError(
                f"{repo_id} names the file {_shown(path)}, which cannot be stored safely: nothing "
                f"was downloaded; choose another repository."
            )
        seen.add(path.casefold())


def _is_safe(part: str) -> bool:
    return (
        bool(part)
        and part.isprintable()
        and not set(part) & set('\\:*?"<>|')
        and not part.endswith((".", " "))
        and not part.startswith(" ")
        and part != _MANIFEST
        and not _DEVICE.fullmatch(part)
    )


def home(cache: Path) -> Path:
    """Return the folder of everything from the hub."""
    return cache / "hub"


def name_of(repo_id: str, commit: str) -> str:
    """Return how run specs name a snapshot."""
    return f"hub:{repo_id}@{commit}"


def parse_name(name: str) -> tuple[str, str]:
    """Return id and commit of `hub:owner/name@commit`.

    Raises:
        ModelError: It is no such name.
    """
    repo_id, at, commit = name.removeprefix("hub:").partition("@")
    if not name.startswith("hub:") or not at or not is_commit(commit):
        raise ModelError(
            f"{_shown(name)} does not name a commit on the hub: write hub:owner/name@ and the 40 "
            f"digits of the commit, as the Data panel shows them."
        )
    return validate_repo_id(repo_id), commit


def snapshot_folder(kind: Kind, repo_id: str, commit: str, cache: Path) -> Path:
    """Return where a snapshot lies, in the layout of the hub's own library."""
    return home(cache) / f"{kind}s--{repo_id.replace('/', '--')}" / "snapshots" / commit


def stored(cache: Path) -> tuple[HubStored, ...]:
    """Return every whole snapshot, in order of kind and id; only small files are read."""
    found = []
    for file in sorted(home(cache).glob(f"*--*/snapshots/*/{_MANIFEST}")):
        one = _read(file)
        if one is not None:
            found.append(one)
    return tuple(sorted(found, key=lambda one: (one.kind, one.repo_id.casefold(), one.commit)))


def snapshot(name: str, cache: Path) -> HubStored:
    """Return the stored encoder that a run spec names; nothing is asked of the network.

    Raises:
        ModelError: The name is none, it is not on this machine, or files of it were lost.
    """
    repo_id, commit = parse_name(name)
    folder = snapshot_folder("model", repo_id, commit, cache)
    found = _read(folder / _MANIFEST)
    again = f"fetch it in the Data panel or with `fineview fetch {name}`"
    if found is None:
        raise ModelError(f"{name} is not on this machine: {again}.")
    for file in found.files:
        path = folder / file.path
        size = path.stat().st_size if path.is_file() else -1
        if size != file.size:
            raise ModelError(
                f"{path} {'is missing' if size < 0 else 'was changed'}: remove {repo_id} in the "
                f"Data panel and {again}."
            )
    return found


def remove(name: str, cache: Path) -> int:
    """Delete a snapshot.

    Returns:
        Bytes freed; 0 if it was not there.

    Raises:
        ModelError: The name is none.
        StoreError: It cannot be deleted.
    """
    repo_id, commit = parse_name(name)
    freed = 0
    for kind in KINDS:
        folder = snapshot_folder(kind, repo_id, commit, cache)
        if not folder.is_dir():
            continue
        freed += sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        gone = _staging_name(cache)
        try:
            folder.rename(gone)  # at once: nobody finds half of it
            shutil.rmtree(gone)
        except OSError as error:
            raise StoreError(
                f"The folder {folder} cannot be deleted ({error.strerror or error}): close what "
                f"uses it and try again."
            ) from error
        for empty in (folder.parent, folder.parent.parent):
            with suppress(OSError):  # another commit is stored there
                empty.rmdir()
    return freed


@contextmanager
def staging(cache: Path) -> Iterator[Path]:
    """Lend an empty folder beside the snapshots, which is gone afterwards.

    Raises:
        StoreError: It cannot be made.
    """
    _clear_left_overs(home(cache))
    folder = _staging_name(cache)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise write_error(error, home(cache)) from error
    try:
        yield folder
    finally:
        delete_temporary(folder)


def write_manifest(
    kind: Kind, repo_id: str, commit: str, licence: str, files: Sequence[HubFile], kept: Path
) -> None:
    """Note beside the files of a snapshot what they are; from then on it counts as whole.

    Args:
        kind: Model or data set.
        repo_id: Owner and name.
        commit: Its commit.
        licence: Terms, or "".
        files: What lies in `kept`.
        kept: A folder that is renamed afterwards.
    """
    values = {
        "kind": kind,
        "repo_id": repo_id,
        "commit": commit,
        "licence": licence,
        "files": [asdict(file) for file in files],
    }
    atomic_write(kept / _MANIFEST, json.dumps(values, indent=1).encode())


def move(kept: Path, folder: Path) -> None:
    """Rename a finished folder to a snapshot's, unless another process was faster."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if (folder / _MANIFEST).is_file():
        folder.rename(kept.with_name("old"))
    try:
        kept.rename(folder)
    except OSError:
        if not (folder / _MANIFEST).is_file():
            raise
    sync_folder(folder.parent)


def _read(manifest: Path) -> HubStored | None:
    """Return what a manifest says, None if there is none that belongs to its folder."""
    try:
        values = json.loads(manifest.read_text(encoding="utf-8"))
        kind: Kind = "dataset" if values["kind"] == "dataset" else "model"
        repo_id, commit = validate_repo_id(values["repo_id"]), str(values["commit"])
        files = tuple(
            HubFile(path=str(one["path"]), size=int(one["size"]), sum=str(one["sum"]))
            for one in values["files"]
        )
        check_paths(repo_id, [file.path for file in files])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ModelError):
        return None
    folder = manifest.parent
    if folder.parts[-3:] != snapshot_folder(kind, repo_id, commit, Path()).parts[-3:]:
        return None
    return HubStored(
        name=name_of(repo_id, commit),
        repo_id=repo_id,
        kind=kind,
        commit=commit,
        bytes=sum(file.size for file in files),
        licence=str(values.get("licence", "")),
        folder=folder,
        files=files,
    )


def _id_of_page(address: str) -> str:
    try:
        page = urlsplit(address)
        own = urlsplit(os.environ.get("HF_ENDPOINT", ""))
    except ValueError:
        return ""
    if page.netloc.lower() not in (*_PAGES, own.netloc.lower()) or "%" in page.path:
        return ""
    parts = page.path.strip("/").split("/")
    if parts[0] in ("datasets", "models"):
        parts = parts[1:]
    single = len(parts) > 1 and parts[1] in _BEHIND_ID
    if not single and len(parts) > 2 and parts[2] not in _BEHIND_ID:
        return ""
    return "/".join(parts[: 1 if single else 2])


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:79]}…")


def _staging_name(cache: Path) -> Path:
    return home(cache) / f".part.{os.getpid()}-{os.urandom(4).hex()}"


def _clear_left_overs(folder: Path) -> None:
    """Remove what processes left that were killed while fetching."""
    for one in folder.glob(".part.*-*"):
        number = one.name.split(".")[2].partition("-")[0]
        if not number.isdecimal() or is_abandoned(one, int(number)):
            delete_temporary(one)
