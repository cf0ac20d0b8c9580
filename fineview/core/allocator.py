"""The C library's memory: kept between the steps of a training, given back behind it.

glibc returns large freed blocks to the system at once and asks for them again in the next step;
clearing their pages anew takes a tenth of a step on a processor. Elsewhere nothing happens.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_TRIM, _MAP = -1, -3
"""M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of mallopt(3)."""
_KEPT = 1 << 30
_USUAL_MAP, _USUAL_TRIM = 32 << 20, 64 << 20
"""To which glibc raises both by itself in a program that frees large blocks."""


@cache
def _glibc() -> Any | None:  # noqa: ANN401 - ctypes
    if sys.platform != "linux":
        return None
    try:
        library = ctypes.CDLL("libc.so.6")
        return library if hasattr(library, "malloc_trim") else None
    except OSError:
        return None


def give_back() -> None:
    """Return freed memory to the system, where the C library can be asked to."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@contextmanager
def kept_memory() -> Iterator[None]:
    """Let blocks below a gigabyte be used again instead of returned, inside; then return them."""
    library = _glibc()
    if library is None:
        yield
        return
    library.mallopt(_MAP, _KEPT)
    library.mallopt(_TRIM, _KEPT)
    try:
        yield
    finally:
        library.mallopt(_MAP, _USUAL_MAP)
        library.mallopt(_TRIM, _USUAL_TRIM)
        library.malloc_trim(0)
