"""Asks the hub, in a process of its own, which is killed when nobody wants the answer any more.

Run as `python -m fineview.core.models.hub_child` in a folder with `request.json`; it leaves
`answer.json` there. Only here is the hub's library used, and only here does fineview go online.
"""

import errno
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fineview.core.models.vetting import CONFIG_LIMIT

REQUEST, ANSWER = "request.json", "answer.json"
DOWNLOADS = "downloads"
"""Folder, below the child's own, that takes what is downloaded."""
SETTINGS = ("config.json", "tokenizer_config.json")
_CHUNK = 1 << 18


def main() -> int:
    """Do what the request says; return 0 if there is an answer, be it an error."""
    from huggingface_hub.errors import HfHubHTTPError

    request = json.loads(Path(REQUEST).read_text(encoding="utf-8"))
    todo: dict[str, Callable[..., object]] = {
        "search": _search,
        "look up": _look_up,
        "download": _download,
    }
    work = todo[request.pop("do")]
    # The library changed from httpx to httpx2; the base of its own error is the one in use.
    http_error: Any = HfHubHTTPError.__bases__[0]
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _guard_names()
    try:
        answer = {"value": work(**request)}
    except (http_error, OSError, ValueError, RuntimeError, TypeError, KeyError) as error:
        answer = {"error": _code(error), "text": redact(str(error))[:2000]}
    Path(ANSWER).write_text(json.dumps(answer), encoding="utf-8")
    return 0


def _end_with_parent() -> None:
    """End this process soon after the one that started it, which may be killed at any time."""
    import psutil

    parent = psutil.Process().parent()
    while parent is not None and parent.is_running():
        time.sleep(0.5)
    os._exit(1)


def redact(text: str) -> str:
    """Return a text without the tokens that may stand in it."""
    return re.sub(r"hf_[A-Za-z0-9]{8,}|(?i:bearer) \S+", "hf_…", text)


class UnsafeAnswerError(ValueError):
    """A header of which the library makes the name of a file leads out of its folder."""


def _guard_names() -> None:
    """Have every answer looked at before the library does, which trusts its headers."""
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils import _http

    def guarded() -> Any:  # noqa: ANN401 - httpx or httpx2
        client = _http.default_client_factory()
        hooks = client.event_hooks
        client.event_hooks = {**hooks, "response": [*hooks["response"], _look_at_names]}
        return client

    set_client_factory(guarded)


def _look_at_names(response: Any) -> None:  # noqa: ANN401 - httpx or httpx2
    headers = response.headers
    commit = headers.get("X-Repo-Commit")
    if commit is None:
        return  # no file of a repository: its other headers name nothing
    tags = (headers.get("X-Linked-Etag"), headers.get("ETag"))
    if re.fullmatch(r"[0-9a-f]{40}", commit) is None or any(
        tag and not re.fullmatch(r'(W/)?"?[A-Za-z0-9_-]{1,128}"?', tag) for tag in tags
    ):
        raise UnsafeAnswerError(f"{commit!r}, {tags!r}")


def _search(query: str, kind: str, limit: int) -> list[dict[str, Any]]:
    from huggingface_hub import constants, get_session, hf_raise_for_status
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    # Not list_models, which tries for half a minute before it says that there is no network.
    expand = ["downloads", "likes", "lastModified", "gated", "tags"]
    answer = get_session().get(
        f"{constants.ENDPOINT}/api/{kind}s",
        params={"search": query, "limit": limit, "sort": "downloads", "expand": expand},
        headers=build_hf_headers(),
        timeout=30,
    )
    hf_raise_for_status(answer)
    return [
        {
            "repo_id": str(hit["id"]),
            "downloads": int(hit.get("downloads") or 0),
            "likes": int(hit.get("likes") or 0),
            "licence": _tagged_licence(hit.get("tags") or ()),
            "updated": str(hit.get("lastModified") or ""),
            "gated": bool(hit.get("gated")),
        }
        for hit in answer.json()[:limit]
    ]


def _look_up(repo_id: str, kind: str, revision: str | None) -> dict[str, Any]:
    from huggingface_hub import HfApi

    info: Any = HfApi().repo_info(
        repo_id, repo_type=kind, revision=revision, files_metadata=True, timeout=30
    )
    siblings = info.siblings or ()
    return {
        "settings": _settings(info.id, info.sha, siblings) if kind == "model" else {},
        "repo_id": info.id,
        "commit": info.sha,
        "licence": _licence(info),
        "gated": bool(info.gated),
        "files": [
            {
                "path": one.rfilename,
                "size": one.size,
                "sum": f"sha256:{one.lfs.sha256}" if one.lfs else f"git:{one.blob_id}",
            }
            for one in siblings
        ],
    }


def _settings(repo_id: str, commit: str, siblings: Iterable[Any]) -> dict[str, str]:
    """Return the small files that say whether a model is of use at all, by name."""
    sizes = {one.rfilename: one.size for one in siblings}
    names = [name for name in SETTINGS if (sizes.get(name) or CONFIG_LIMIT) < CONFIG_LIMIT]
    places = _download(repo_id, "model", commit, names)
    return {
        name: Path(place).read_text(encoding="utf-8", errors="replace")
        for name, place in zip(names, places, strict=True)
    }


def _download(repo_id: str, kind: str, commit: str, paths: list[str]) -> list[str]:
    from huggingface_hub import constants, hf_hub_download

    # Its 10 MiB are written at once, so that a slow download would seem to stand still.
    constants.DOWNLOAD_CHUNK_SIZE = _CHUNK
    return [
        hf_hub_download(
            repo_id, path, repo_type=kind, revision=commit, cache_dir=Path(DOWNLOADS).absolute()
        )
        for path in paths
    ]


def _licence(info: Any) -> str:  # noqa: ANN401 - a model's or a data set's
    card = getattr(info, "card_data", None)
    said = card.get("license") if card is not None else None
    if isinstance(said, list):
        return ", ".join(str(one) for one in said)
    if said:
        return str(said)
    return _tagged_licence(info.tags or ())


def _tagged_licence(tags: Iterable[str]) -> str:
    return ", ".join(tag.partition(":")[2] for tag in tags if tag.startswith("license:"))


# The first that names a class of the error, from its own class up to its bases.
_CODES = {
    "UnsafeAnswerError": "unsafe",
    "OfflineModeIsEnabled": "offline",
    "GatedRepoError": "gated",
    "DisabledRepoError": "missing",
    "RepositoryNotFoundError": "missing",
    "RevisionNotFoundError": "revision",
    "RemoteEntryNotFoundError": "file",
    "TimeoutException": "offline",
    "ConnectError": "offline",
    "ProxyError": "offline",
    "TransportError": "broken",
}
_STATUS = {401: "missing", 403: "gated", 404: "missing", 416: "broken", 429: "busy"}


def _code(error: BaseException) -> str:
    """Return one word for what went wrong, from the error or from what it came of."""
    cause: BaseException | None = error
    while cause is not None:
        for kind in type(cause).__mro__:
            if kind.__name__ in _CODES:
                return _CODES[kind.__name__]
        status = getattr(getattr(cause, "response", None), "status_code", 0)
        if status:
            return _STATUS.get(status, "down" if status >= 500 else "other")
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return "full"
        if "Consistency check failed" in str(cause):
            return "broken"
        cause = cause.__cause__ or cause.__context__
    return "other"


if __name__ == "__main__":
    sys.exit(main())
