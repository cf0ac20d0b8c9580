"""Files are replaced whole or not at all."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fineview.core.errors import StoreError
from fineview.core.files import atomic_write, free_bytes, sha256_file, write_error

ROOT = Path(__file__).parents[2]


def test_a_file_is_written_into_new_folders_and_replaced(tmp_path):
    path = tmp_path / "a" / "b" / "file.json"
    atomic_write(path, b"old")
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert [file.name for file in path.parent.iterdir()] == ["file.json"]


def test_a_full_disk_keeps_the_old_file_and_leaves_nothing(tmp_path):
    """RLIMIT_FSIZE makes the write fail within the system, as a full disk does."""
    path = tmp_path / "file"
    atomic_write(path, b"old")
    code = f"""
import resource
from pathlib import Path
from fineview.core.errors import StoreError
from fineview.core.files import atomic_write
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    atomic_write(Path({str(path)!r}), b"x" * 3_000_000)
except StoreError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.stdout == (
        f"The disk is full: fineview needs 3 MB free in {tmp_path}; free space there, or set "
        "FINEVIEW_CACHE or --workspace to a folder on another disk.\n"
    ), done.stderr
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=r"Writing to the folder .*/file failed \(.*\): check"):
        atomic_write(tmp_path / "file" / "inner", b"")


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_forbidden_folder_is_one_sentence(tmp_path, code):
    said = str(write_error(OSError(code, os.strerror(code)), tmp_path))
    assert said == (
        f"The folder {tmp_path} cannot be written to ({os.strerror(code)}): change its "
        "permissions, or choose another folder with --workspace or FINEVIEW_CACHE."
    )


@pytest.mark.slow
def test_kill_9_never_leaves_half_a_file(tmp_path):
    """RELIABILITY.md F2: written directly, 44 % of such files were broken."""
    path = tmp_path / "file"
    code = f"""
from pathlib import Path
from fineview.core.files import atomic_write
for i in range(10**9):
    atomic_write(Path({str(path)!r}), bytes([i % 256]) * 1_000_000)
"""
    for trial in range(20):
        writer = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
        before = time.monotonic()
        while not path.exists() and time.monotonic() - before < 20:
            time.sleep(0.01)
        time.sleep(0.005 * trial)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        content = path.read_bytes()
        assert content == content[:1] * 1_000_000
        path.unlink()


def test_sums_and_free_space(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_file(tmp_path / "abc") == expected
    with pytest.raises(StoreError, match="absent cannot be read"):
        sha256_file(tmp_path / "absent")
    assert free_bytes(tmp_path / "not" / "yet" / "there") > 0
