"""A child process that can be stopped with all its own children, and leaves nothing running."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_POLL = 0.1
_GRACE = 2.0
"""Seconds in which a child may end by itself after it was asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a child ended: its exit status, and the last of what it wrote, both streams."""

    status: int
    text: str


def run_child(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    watch: Callable[[], None],
) -> Finished:
    """Run a command and wait for it.

    Args:
        command: Program and arguments; no shell reads them.
        folder: Where it runs; what it writes is collected in a file there.
        environment: All of its environment.
        watch: Called ten times a second. What it raises ends the child, and everything that the
            child started, and is raised again once they are gone.

    Raises:
        OSError: The program cannot be started.
    """
    log = folder / "child.log"
    own_group: dict[str, object] = (
        {"creationflags": 0x08000200}  # CREATE_NO_WINDOW, CREATE_NEW_PROCESS_GROUP
        if sys.platform == "win32"
        else {"start_new_session": True}
    )
    with log.open("wb") as output:
        child = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            **own_group,  # type: ignore[call-overload]
        )
        try:
            while True:
                watch()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=_POLL)
                    break
        finally:
            _end(child)
    return Finished(status=child.returncode, text=_tail(log))


def _end(child: "subprocess.Popen[bytes]") -> None:
    """See to it that a child, and whatever it started, is gone."""
    if child.poll() is not None:
        return  # by itself; its number may already be another's
    family = _family(child.pid)
    _signal(child, family, signal.SIGTERM)
    if _gone(child, family, _GRACE):
        return
    _signal(child, family, getattr(signal, "SIGKILL", signal.SIGTERM))
    _gone(child, family, _GRACE)


def _family(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []


def _signal(
    child: "subprocess.Popen[bytes]", family: Sequence[psutil.Process], number: int
) -> None:
    if sys.platform != "win32":
        # A child leads its own group, which outlives it for as long as it has members.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
    elif child.poll() is None:
        child.kill()
    for one in family:
        with contextlib.suppress(psutil.Error):
            one.send_signal(number)


def _gone(child: "subprocess.Popen[bytes]", family: Sequence[psutil.Process], limit: float) -> bool:
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if child.poll() is not None and not any(_runs(one) for one in family):
            return True
        time.sleep(0.01)
    return False


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 20_000))
        return file.read().decode("utf-8", "replace")
