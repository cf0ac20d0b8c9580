"""What every test needs: no screen, no network, no file of the user."""

import os
import socket
import threading

# Before Qt, torch or huggingface_hub are imported: they read these once.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import psutil
import pytest

from fineview.core.laboratory import Laboratory
from fineview.core.locations import Locations


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Point every default place of the program into the test's own folder."""
    monkeypatch.setenv("FINEVIEW_WORKSPACE", str(tmp_path / "default-workspace"))
    monkeypatch.setenv("FINEVIEW_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Refuse every connection that leaves the process, but for sockets of the machine itself."""
    connect = socket.socket.connect

    def refuse(self, address):
        local = self.family == getattr(socket, "AF_UNIX", None)
        if not local and str(address[0]) not in ("127.0.0.1", "::1"):
            raise AssertionError(f"a test wanted to connect to {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(autouse=True)
def no_leaks():
    """Fail a test that leaves a compute thread, a child process or a workspace lock behind."""
    before = set(threading.enumerate())
    process = psutil.Process()
    children = set(process.children())
    yield
    locks = [f.path for f in process.open_files() if f.path.endswith("lock")]
    assert not locks
    # The fork server of multiprocessing stays for the session, as it is meant to.
    fresh = [c for c in process.children() if c not in children]
    assert not [c for c in fresh if "multiprocessing" not in " ".join(c.cmdline())]
    left = [t for t in threading.enumerate() if t not in before and t.name.startswith("fineview-")]
    for thread in left:
        thread.join(timeout=5)
    assert not [t.name for t in left if t.is_alive()]


@pytest.fixture
def locations(tmp_path):
    """A workspace and a cache of the test's own."""
    return Locations(tmp_path / "workspace", tmp_path / "cache")


@pytest.fixture
def lab(locations):
    """A laboratory over empty folders."""
    with_workspace = Laboratory(locations)
    yield with_workspace
    with_workspace.close()
