"""The Hugging Face hub: search, look up, download one commit, whole or not at all.

Going online happens in a child process, and only in `search`, `plan_download` and `download`.
"""

import hashlib
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fineview.core.errors import ModelError
from fineview.core.files import CHUNK, disk_full, free_bytes, write_error
from fineview.core.models import hub_store
from fineview.core.models.hub_ask import HubRefusal, ask
from fineview.core.models.hub_child import DOWNLOADS
from fineview.core.models.hub_choice import refusal, wanted
from fineview.core.models.hub_store import (
    HubFile,
    HubStored,
    Kind,
    remove,
    stored,
    validate_repo_id,
)
from fineview.core.progress import SILENT, Report

__all__ = [
    "HubFile",
    "HubHit",
    "HubPlan",
    "HubRefusal",
    "HubStored",
    "Kind",
    "download",
    "fetch_named",
    "plan_download",
    "remove",
    "search",
    "stored",
    "validate_repo_id",
]

_RESERVE = 50_000_000
"""Bytes that stay free for everybody else on the disk."""
_CONVERTED = "refs/convert/parquet"
"""Branch where the hub keeps data sets of other formats as Parquet."""
_RATE_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HubHit:
    """A repository that a search found.

    Attributes:
        repo_id: Owner and name.
        downloads: In the last 30 days.
        likes: Of people.
        licence: Terms as it declares them, or "".
        updated: When it changed last, ISO 8601, or "".
        gated: Whether its owner must let people in.
    """

    repo_id: str
    downloads: int
    likes: int
    licence: str
    updated: str
    gated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HubPlan:
    """What a download would bring, of one commit.

    Attributes:
        kind: `model` or `dataset`.
        repo_id: Owner and name.
        name: `hub:owner/name@commit`.
        commit: 40 hexadecimal digits.
        files: What is needed of it.
        total_bytes: Their bytes.
        licence: Terms as it declares them, or "".
        gated: Whether its owner must let people in.
        destination: Where the files will lie.
        refusal: Why it cannot be downloaded, one sentence; "" if it can.
        cache: The folder of everything that is fetched.
    """

    kind: Kind
    repo_id: str
    name: str
    commit: str
    files: tuple[HubFile, ...]
    total_bytes: int
    licence: str
    gated: bool
    destination: Path
    refusal: str
    cache: Path


def search(query: str, kind: Kind, limit: int = 20, report: Report = SILENT) -> tuple[HubHit, ...]:
    """Ask the hub for repositories, the most downloaded first.

    Args:
        query: A part of the name.
        kind: Models or data sets.
        limit: The most hits.
        report: Asked ten times a second whether to stop.

    Raises:
        ModelError: The hub cannot be reached, or refuses.
        JobCancelled: The report said so.
    """
    request = {"do": "search", "query": query, "kind": kind, "limit": limit}
    hits = _ask(f"“{query}”", request, report)
    return tuple(HubHit(**hit) for hit in hits if _is_id(hit["repo_id"]))


def plan_download(
    repo_id: str, kind: Kind, revision: str | None, cache: Path, report: Report = SILENT
) -> HubPlan:
    """Ask the hub what a repository holds; nothing is downloaded.

    Args:
        repo_id: Owner and name, or the address of its page.
        kind: What it is.
        revision: Branch, tag or commit; None is the newest.
        cache: Folder that would take it, as `hub/…`.
        report: Asked ten times a second whether to stop.

    Raises:
        ModelError: There is no such repository or revision, it is not for everybody, names files
            that lead elsewhere, or the hub cannot be reached.
        JobCancelled: The report said so.
    """
    repo_id = validate_repo_id(repo_id)
    revision = hub_store.validate_revision(revision) if revision else None
    said = _look_up(repo_id, kind, revision, report)
    files = wanted(kind, said)
    if kind == "dataset" and not files and revision is None:
        try:
            said = {**said, **_only_files(_look_up(repo_id, kind, _CONVERTED, report))}
        except HubRefusal as error:
            if error.code not in ("revision", "missing"):
                raise
        files = wanted(kind, said)
    canonical, commit = validate_repo_id(said["repo_id"]), str(said["commit"])
    if not hub_store.is_commit(commit):
        raise ModelError(f"The hub names no commit for {canonical}: try again later.")
    hub_store.check_paths(canonical, [file.path for file in files])
    total = sum(file.size for file in files)
    return HubPlan(
        kind=kind,
        repo_id=canonical,
        name=hub_store.name_of(canonical, commit),
        commit=commit,
        files=files,
        total_bytes=total,
        licence=said["licence"],
        gated=said["gated"],
        destination=hub_store.snapshot_folder(kind, canonical, commit, cache),
        refusal=refusal(kind, canonical, files, said) or _no_room(total, cache),
        cache=cache,
    )


def download(plan: HubPlan, report: Report = SILENT) -> Path:
    """Bring the files of a plan; each is held to the size and sum that the hub named before.

    Args:
        plan: From `plan_download`.
        report: Told of bytes; asked ten times a second whether to stop.

    Returns:
        The folder of the files.

    Raises:
        ModelError: It cannot be had, breaks off, or is not what the plan names.
        StoreError: The disk is full or cannot be written to.
        JobCancelled: The report said so. Nothing of it stays.
    """
    if plan.refusal:
        raise ModelError(plan.refusal)
    if any(one.name == plan.name for one in stored(plan.cache)):
        try:
            _check_all(plan, plan.destination, report)
        except ModelError:  # damaged since: downloaded again
            pass
        else:
            return plan.destination
    home = hub_store.home(plan.cache)
    if free_bytes(home) < plan.total_bytes + _RESERVE:
        raise disk_full(home, plan.total_bytes + _RESERVE)
    with hub_store.staging(plan.cache) as folder:
        request = {
            "do": "download",
            "repo_id": plan.repo_id,
            "kind": plan.kind,
            "commit": plan.commit,
            "paths": [file.path for file in plan.files],
        }
        meter = _Meter(plan, folder / DOWNLOADS, report)
        places = ask(plan.repo_id, folder, meter.look, request)
        kept = folder / "kept"
        try:
            _take(plan, folder, kept, places)
            _check_all(plan, kept, report)
            hub_store.write_manifest(
                plan.kind, plan.repo_id, plan.commit, plan.licence, plan.files, kept
            )
            hub_store.move(kept, plan.destination)
        except OSError as error:
            raise write_error(error, home, plan.total_bytes) from error
    return plan.destination


def fetch_named(name: str, cache: Path, report: Report = SILENT) -> Path:
    """Look up and download what a run spec names, be it a model or a data set.

    Args:
        name: `hub:owner/name@commit`.
        cache: Folder that takes it.
        report: As for `download`.

    Returns:
        The folder of the files.

    Raises:
        ModelError: As `plan_download` and `download`.
        StoreError: As `download`.
        JobCancelled: The report said so.
    """
    repo_id, commit = hub_store.parse_name(name)
    here = next((one for one in stored(cache) if one.name == name), None)
    kinds: tuple[Kind, ...] = ("model", "dataset") if here is None else (here.kind,)
    for kind in kinds:
        try:
            return download(plan_download(repo_id, kind, commit, cache, report), report)
        except HubRefusal as error:
            if error.code not in ("missing", "revision") or kind == kinds[-1]:
                raise
    raise AssertionError(name)


def _ask(what: str, request: dict[str, Any], report: Report) -> Any:  # noqa: ANN401 - JSON
    with tempfile.TemporaryDirectory(prefix="fineview-") as folder:
        return ask(what, Path(folder), report.check, request)


def _look_up(repo_id: str, kind: Kind, revision: str | None, report: Report) -> dict[str, Any]:
    request = {"do": "look up", "repo_id": repo_id, "kind": kind, "revision": revision}
    said: dict[str, Any] = _ask(repo_id, request, report)
    return said


def _only_files(said: dict[str, Any]) -> dict[str, Any]:
    # The branch has no page of its own: licence and access stay those of the repository.
    return {"commit": said["commit"], "files": said["files"]}


def _is_id(text: str) -> bool:
    try:
        return validate_repo_id(text) == text
    except ModelError:
        return False


def _no_room(total: int, cache: Path) -> str:
    home = hub_store.home(cache)
    needed = total + _RESERVE
    return str(disk_full(home, needed)) if free_bytes(home) < needed else ""


class _Meter:
    """Turns the bytes below a folder into progress, with the rate of the last seconds."""

    def __init__(self, plan: HubPlan, folder: Path, report: Report) -> None:
        self._plan = plan
        self._folder = folder
        self._report = report
        self._seen: deque[tuple[float, int]] = deque()

    def look(self) -> None:
        """Say how far it is; raise if it is to stop."""
        self._report.check()
        total = self._plan.total_bytes
        here = min(total, _bytes_below(self._folder))
        now = time.monotonic()
        self._seen.append((now, here))
        while now - self._seen[0][0] > _RATE_SECONDS:
            self._seen.popleft()
        passed = now - self._seen[0][0]
        rate = (here - self._seen[0][1]) / passed if passed > 0.3 else 0.0
        text = f"Downloading {self._plan.repo_id}: {here / 1e6:,.1f} of {total / 1e6:,.1f} MB"
        text += f", {rate / 1e6:,.1f} MB/s" if rate >= 5e4 else ""
        self._report.progress(here, total, text)


def _bytes_below(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                # Not followed: a link of the library's layout is no second copy.
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue  # the library renames as it goes
    return total


def _take(plan: HubPlan, folder: Path, kept: Path, places: Sequence[str]) -> None:
    """Move the downloaded files, plain ones without links, below `kept`."""
    root = folder.resolve()
    for file, place in zip(plan.files, places, strict=True):
        source = Path(place).resolve()
        if not source.is_relative_to(root):
            raise _not_planned(plan, file)
        target = kept / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.exists():
            source.rename(target)
        else:  # the same content under two names lay in one place
            twin = next(one for one in plan.files if one.sum == file.sum)
            if twin is file:
                raise _not_planned(plan, file)
            target.write_bytes((kept / twin.path).read_bytes())


def _check_all(plan: HubPlan, folder: Path, report: Report) -> None:
    report.progress(plan.total_bytes, plan.total_bytes, f"Checking {plan.repo_id}")
    for file in plan.files:
        path = folder / file.path
        if not path.is_file() or path.stat().st_size != file.size:
            raise _not_planned(plan, file)
        if file.sum != _sum(path, file, report.check):
            raise _not_planned(plan, file)


def _not_planned(plan: HubPlan, file: HubFile) -> ModelError:
    return ModelError(
        f"The hub sent another file for {file.path} of {plan.repo_id} than it had named (size or "
        f"checksum differ): nothing of it was kept; look it up again."
    )


def _sum(path: Path, file: HubFile, check: Callable[[], None]) -> str:
    kind = file.sum.partition(":")[0]
    if kind == "sha256":
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(CHUNK):
            digest.update(block)
            check()
    return f"{kind}:{digest.hexdigest()}"
