"""Which device computes, and with how many threads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fineview.core.device import (
    DEVICES,
    apply_threads,
    choose_device,
    compute_threads,
    device_status,
    one_thread,
)
from fineview.core.errors import ConfigError

ROOT = Path(__file__).parents[2]


def test_auto_is_the_best_that_torch_sees():
    import torch

    best = "mps" if torch.backends.mps.is_available() else "cpu"
    assert choose_device() == ("cuda" if torch.cuda.is_available() else best)
    assert choose_device("cpu") == "cpu"


def test_what_is_not_there_is_refused():
    import torch

    with pytest.raises(ConfigError, match="Device 'tpu' is not one of auto, cuda, mps, cpu"):
        choose_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="Device 'cuda' is not there; choose 'auto' to use"):
            choose_device("cuda")
    assert "auto" in DEVICES


def test_one_processor_is_left_to_the_window():
    import torch

    assert 1 <= compute_threads() <= max(1, (os.cpu_count() or 1) - 1)
    before = torch.get_num_threads()
    try:
        apply_threads()
        assert torch.get_num_threads() == compute_threads()
        torch.set_num_threads(2)
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processors are not assigned here")
def test_only_the_processors_of_this_process_count():
    code = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from fineview.core.device import compute_threads
print(compute_threads())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout == "1\n"


def test_the_status_does_not_import_torch():
    code = """
import sys
from fineview.core.device import device_status
status = device_status()
assert status.rss_bytes > 1_000_000 and status.threads >= 1
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_status_names_the_device_in_use():
    import torch

    status = device_status()
    assert status.name == choose_device()
    assert (status.gpu_bytes is not None) == torch.cuda.is_available()
