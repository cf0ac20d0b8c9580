"""Draws that hang on nothing but their seed."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_PRIME = 1_000_003


@contextmanager
def seeded(*parts: int) -> Iterator[None]:
    """Let torch draw from (seed, step, …) inside, and go on as before behind.

    A step's draws then hang on its number alone, so that a resumed run draws the same.
    """
    mixed = 0
    for part in parts:
        mixed = (mixed * _PRIME + part) % 2**63
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(mixed)
        yield
