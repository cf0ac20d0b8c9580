"""Memory that is kept between steps is given back behind them."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="glibc only")

_PROGRAM = """
import psutil, torch
from fineview.core.allocator import give_back, kept_memory
held = lambda: psutil.Process().memory_info().rss >> 20
torch.ones(1)
before = held()
with kept_memory():
    blocks = [torch.ones(1 << 20) for _ in range(100)]
    del blocks
    inside = held()
after = held()
blocks = [torch.ones(1 << 20) for _ in range(100)]
del blocks
give_back()
print(inside - before, after - before, held() - before)
"""


def test_blocks_are_kept_inside_and_returned_behind():
    found = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=120, check=True
    )
    inside, after, later = (int(number) for number in found.stdout.split())
    assert inside > 300
    assert after < 50
    assert later < 50
