"""Which device computes, and with how many threads."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata

from fineview.core.errors import ConfigError

DEVICES = ("auto", "cuda", "mps", "cpu")


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """What the status bar shows.

    Attributes:
        name: `cuda`, `mps` or `cpu`.
        threads: Threads that computations use.
        rss_bytes: Memory of this process.
        gpu_bytes: Memory that torch holds on the GPU; None where there is none.
    """

    name: str
    threads: int
    rss_bytes: int
    gpu_bytes: int | None


def choose_device(name: str = "auto") -> str:
    """Return the device that computes: `auto` means cuda, else mps, else cpu.

    Raises:
        ConfigError: The name is unknown, or this machine has no such device.
    """
    if name not in DEVICES:
        raise ConfigError(f"Device {name!r} is not one of {', '.join(DEVICES)}.", "device")
    if name == "cpu" or (name == "auto" and _only_cpu()):
        return "cpu"
    found = _accelerator()
    if name in ("auto", found):
        return found
    raise ConfigError(f"Device {name!r} is not there; choose 'auto' to use {found}.", "device")


def _only_cpu() -> bool:
    """Return True where torch's version alone says so: importing it takes a second or more."""
    try:
        return metadata.version("torch").endswith("+cpu")
    except metadata.PackageNotFoundError:
        return True


def _accelerator() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def compute_threads() -> int:
    """Return how many threads compute: all CPUs of this process but one, kept for the window.

    The bits of a result depend on it, so the window and the command line use the same count.
    """
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)) - 1)
    return max(1, (os.cpu_count() or 1) - 1)


def apply_threads() -> None:
    """Make torch compute with `compute_threads()` threads."""
    import torch

    if torch.get_num_threads() != compute_threads():
        torch.set_num_threads(compute_threads())


def device_status() -> DeviceStatus:
    """Return what computes and the memory in use; never imports torch by itself."""
    import psutil

    torch = sys.modules.get("torch")
    # While another thread is still importing torch, its parts are not there yet.
    ready = torch is not None and hasattr(torch, "cuda") and hasattr(torch, "backends")
    name = choose_device() if _only_cpu() or ready else "cpu"
    gpu: int | None = None
    threads = compute_threads()
    if torch is not None and ready and name == "cuda":
        gpu = int(torch.cuda.memory_reserved())
    return DeviceStatus(
        name=name, threads=threads, rss_bytes=int(psutil.Process().memory_info().rss), gpu_bytes=gpu
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread inside: a small head is slower, and the window jerky, with more."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Compute products and eigenvectors with one thread inside.

    On few cores the threads of a product wait for each other, which takes many times as long and
    keeps the window from painting. The bits of a result also depend on their number.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield
