"""The workspace: one owner, and one sentence for whatever keeps it from being opened."""

import os
import re
import signal
import subprocess
import threading
import time

import pytest

from fineview.core.errors import RunError, StoreError
from fineview.core.runs.spec import RunSpec
from fineview.core.runs.workspace import Workspace
from tests.core.runs_support import PROCESSES, begin, complete, in_child


def refusal(path):
    """Return the sentence with which a workspace is refused, "" if it opens."""
    try:
        Workspace.open(path).close()
    except StoreError as error:
        return str(error)
    return ""


def hold(pipe, path):
    runs = Workspace.open(path).runs  # the store alone keeps the lock
    pipe.send(runs.list())
    pipe.recv()


def is_one_sentence(text):
    return text.endswith(".") and "\n" not in text and not re.search(r"\. [A-Z]", text)


def test_the_folder_is_made_and_used_again(tmp_path):
    path = tmp_path / "a b" / "ünï 👩‍🔬" / "w"
    with Workspace.open(path) as workspace:
        run_id = complete(workspace.runs)
        assert workspace.path == path
    assert {p.name for p in path.iterdir()} >= {"runs", "trash", "recovery", "lock", "fineview.db"}
    assert path.stat().st_mode & 0o777 == 0o700
    with Workspace.open(path) as workspace:
        assert [run.run_id for run in workspace.runs.list()] == [run_id]
        assert workspace.runs.notes == []


def test_closing_ends_runs_in_flight_and_may_be_done_twice(tmp_path):
    workspace = Workspace.open(tmp_path / "w")
    writer = begin(workspace.runs)
    closer = threading.Thread(target=workspace.close)  # whoever closes need not be who opened
    closer.start()
    closer.join()
    workspace.close()
    with pytest.raises(RunError, match="closed"):
        writer.append(None)
    for ask in (
        lambda: workspace.runs.create(RunSpec(), environment={}, title=""),
        lambda: workspace.runs.resume(writer.run_id),
    ):
        with pytest.raises(RunError, match="workspace is closed"):
            ask()
    with Workspace.open(tmp_path / "w") as again:
        assert again.runs.list()[0].status == "interrupted"


def test_a_second_instance_is_refused_and_told_who_is_first(tmp_path):
    with Workspace.open(tmp_path / "w"):
        expected = (
            f"Another fineview (process {os.getpid()}) is using the workspace {tmp_path / 'w'}: "
            f"close it, or choose another with --workspace."
        )
        assert in_child(refusal, tmp_path / "w") == expected
        assert refusal(tmp_path / "w") == expected  # in the same process, too
        (tmp_path / "w" / "owner.json").write_bytes(b"damaged")
        assert in_child(refusal, tmp_path / "w") == expected.replace(
            f" (process {os.getpid()})", ""
        )
        assert in_child(refusal, tmp_path / "other") == ""
    assert in_child(refusal, tmp_path / "w") == ""


def test_kill_9_of_the_owner_frees_the_workspace(tmp_path):
    ours, theirs = PROCESSES.Pipe()
    owner = PROCESSES.Process(target=hold, args=(theirs, tmp_path / "w"), daemon=True)
    owner.start()
    assert ours.recv() == ()
    assert f"(process {owner.pid})" in refusal(tmp_path / "w")
    os.kill(owner.pid, signal.SIGKILL)
    owner.join()
    begun = time.monotonic()
    assert refusal(tmp_path / "w") == ""
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("taken", ["w", "w/runs", "w/trash", "above"])
def test_a_file_in_the_way_is_named(tmp_path, taken):
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).write_bytes(b"precious")
    path = tmp_path / "above" / "deep" / "w" if taken == "above" else tmp_path / "w"
    said = refusal(path)
    assert f"{tmp_path / taken} is a file" in said
    assert "--workspace" in said
    assert is_one_sentence(said)
    assert (tmp_path / taken).read_bytes() == b"precious"


def test_a_folder_in_place_of_the_lock_is_one_sentence(tmp_path):
    (tmp_path / "w" / "lock").mkdir(parents=True)
    said = refusal(tmp_path / "w")
    assert str(tmp_path / "w") in said
    assert is_one_sentence(said)


def test_a_name_that_is_too_long_is_one_sentence(tmp_path):
    said = refusal(tmp_path / ("x" * 300))
    assert "too long" in said
    assert is_one_sentence(said)


@pytest.fixture
def read_only(tmp_path):
    """Return a function that makes a folder read-only, for root as well."""
    mounted = []

    def protect(path):
        if os.geteuid():
            for folder in (path, *(p for p in path.rglob("*") if p.is_dir())):
                folder.chmod(0o555)
                mounted.append(["chmod", "-R", "u+w", str(path)])
            return
        for options in (["--bind", str(path)], ["-o", "remount,ro,bind"]):
            command = ["mount", *options, str(path)]
            if subprocess.run(command, capture_output=True, check=False).returncode:
                pytest.skip("root cannot mount here, and no mode of a file keeps root out")
            if "--bind" in options:
                mounted.append(["umount", "-l", str(path)])

    yield protect
    for command in mounted:
        subprocess.run(command, check=True)


@pytest.mark.parametrize("used", [False, True])
def test_a_read_only_folder_is_one_sentence(tmp_path, read_only, used):
    path = tmp_path / "w"
    path.mkdir()
    if used:
        with Workspace.open(path) as workspace:
            complete(workspace.runs)
    before = sorted(path.rglob("*"))
    read_only(path)
    said = refusal(path)
    assert f"The folder {path} cannot be written to" in said
    assert "--workspace" in said
    assert is_one_sentence(said)
    assert sorted(path.rglob("*")) == before
