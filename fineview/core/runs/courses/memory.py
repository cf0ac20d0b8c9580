"""How much memory a run takes, watched at every check."""

import time

import psutil

from fineview.core.allocator import give_back
from fineview.core.progress import Relay, Report

_EVERY_S = 0.02


class PeakMemory(Relay):
    """A report that looks at memory whenever it is asked.

    Attributes:
        peak: Most bytes above what the process held at the beginning; on CUDA, most bytes that
            torch had allocated.
    """

    def __init__(self, report: Report, device: str) -> None:
        super().__init__(report)
        self.peak = 0
        self._device = device
        self._process = psutil.Process()
        self._looked_at = 0.0
        give_back()
        self._before = int(self._process.memory_info().rss)
        if device == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats()

    def check(self) -> None:
        """Look, and pass on."""
        self._look()
        super().check()

    def ask_stop(self) -> None:
        """Look, and pass on."""
        self._look()
        super().ask_stop()

    def _look(self) -> None:
        """Take note of the memory in use, at most fifty times a second."""
        now = time.monotonic()
        if now - self._looked_at > _EVERY_S:
            self._looked_at = now
            self.peak = max(self.peak, self._held())

    def _held(self) -> int:
        if self._device == "cuda":
            import torch

            return int(torch.cuda.max_memory_allocated())
        return int(self._process.memory_info().rss) - self._before
