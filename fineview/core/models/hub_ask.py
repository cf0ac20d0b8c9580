"""Puts one question to the hub through the child process, and says what its refusals mean."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fineview.core.errors import FineviewError, ModelError
from fineview.core.files import disk_full, write_error
from fineview.core.models.fetch_child import run_child
from fineview.core.models.hub_child import ANSWER, REQUEST, redact

_START = "The Hugging Face hub "
_MEANINGS = {
    "offline": "cannot be reached: check the network and the proxy settings, and try again.",
    "missing": "has no repository {what}, or it is private: check its id and kind, or log in "
    "with `hf auth login`.",
    "gated": "lets only people whom its owner let in have {what}: ask for access on its page, "
    "log in with `hf auth login`, and try again.",
    "revision": "has no such revision of {what}: it is gone or was never there; leave the revision "
    "empty for the newest.",
    "file": "no longer has a file of {what}: look it up again.",
    "unsafe": "answered for {what} with a name that leads out of its folder: nothing was kept; "
    "check HF_ENDPOINT, and choose another repository.",
    "busy": "was asked too often from here: wait some minutes and try again.",
    "down": "has a disturbance of its own: try again later.",
    "broken": "broke off while it sent {what}: nothing of it was kept; try again.",
}


class HubRefusal(ModelError):
    """The hub said no.

    Attributes:
        code: One word for why.
    """

    def __init__(self, message: str, code: str) -> None:
        """Keep the sentence and the word."""
        super().__init__(message)
        self.code = code


def ask(what: str, folder: Path, watch: Callable[[], None], request: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """Return the child's answer.

    Args:
        what: Name for people.
        folder: An empty folder for the child.
        watch: Called ten times a second; what it raises kills the child.
        request: `do` and the arguments.

    Raises:
        ModelError: The hub refused, or cannot be reached.
        StoreError: The disk is full.
    """
    try:
        (folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")
        command = [sys.executable, "-m", "fineview.core.models.hub_child"]
        done = run_child(command, folder, _environment(folder), watch)
        answer = (
            json.loads((folder / ANSWER).read_text(encoding="utf-8")) if not done.status else {}
        )
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            raise write_error(error, folder) from error
        answer = {}
    if "value" in answer:
        return answer["value"]
    lines = redact(answer.get("text", "") or done.text).strip().splitlines()
    raise _refusal(what, folder, answer.get("error", "other"), lines)


def _refusal(what: str, folder: Path, code: str, lines: list[str]) -> FineviewError:
    if code == "full":
        return disk_full(folder)
    if code in _MEANINGS:
        return HubRefusal(_START + _MEANINGS[code].format(what=what), code)
    detail = lines[-1][:200].rstrip(".") if lines else "it gave no reason"
    return HubRefusal(f"{_START}did not answer for {what} ({detail}): try again later.", code)


def _environment(folder: Path) -> dict[str, str]:
    values = dict(os.environ)
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DEBUG"):
        values.pop(name, None)  # somebody pressed the button: this one question is meant
    values |= {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        # Plain HTTP: its files grow where they can be seen, and no second cache is filled.
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_SYMLINKS_WARNING": "1",
        "PYTHONPATH": os.pathsep.join([path for path in sys.path if path]),
    }
    for name in ("TMPDIR", "TEMP", "TMP"):
        values[name] = str(folder)
    return values
