"""Opening a CSV of a million rows through the real window.

`open_s`: from the drop to the task on display: looked into, every row read and checked, kept,
loaded, measured. `memory_ratio`: the most memory that this took over the size of the file, beyond
what the window had before. `stall_p99_ms`: by how much a 10 ms timer of the window is late
meanwhile. `fps`: frames of the table of all rows while it is scrolled, each painted.
`cancel_s`: how long Stop takes in the middle of the reading.

Run as `python -m benchmarks.data`; the file is generated from the Lee news corpus and removed.
"""

import csv
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

ROWS = 1_000_000
WORDS = (18, 29)
"""Fewest and most words of a row: 150 MB in all."""


def write_rows(path: Path) -> int:
    """Write the file and return its size in bytes."""
    from fineview.core.models.catalog import locate

    running = locate("lee-news").read_text(encoding="utf-8").split()
    rng = np.random.default_rng(0)
    lengths = rng.integers(*WORDS, endpoint=True, size=ROWS)
    starts = rng.integers(0, len(running) - WORDS[1], size=ROWS)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "label"])
        for row, (start, length) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True)):
            words = running[start : start + length]
            writer.writerow([row, " ".join(words), ("short", "long")[length > sum(WORDS) // 2]])
    return path.stat().st_size


class Peak:
    """Watches the most memory of this process from a thread of its own."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.before = self.most = self._process.memory_info().rss
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self.most = max(self.most, self._process.memory_info().rss)

    def end(self) -> int:
        """Return the bytes that came on top at the worst moment."""
        self._done.set()
        self._thread.join()
        return self.most - self.before


def measure(file: Path, scratch: Path) -> dict[str, float]:
    """Drop the file on the window and watch."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QEventLoop

    from fineview.app import build, make_qt, start
    from fineview.core.locations import Locations

    sys.setswitchinterval(0.001)  # as app.main does
    qt = make_qt(["benchmark"])
    application = build(qt, Locations(scratch / "w", scratch / "c"))
    window = application.window
    flags = QEventLoop.ProcessEventsFlag.AllEvents | QEventLoop.ProcessEventsFlag.WaitForMoreEvents

    def wait(ready: Callable[[], bool], limit: float = 300.0) -> None:
        end = time.monotonic() + limit
        while not ready():
            if time.monotonic() > end:
                raise SystemExit("the window did not come to an end")
            qt.processEvents(flags, 50)

    try:
        start(application)
        wait(lambda: "training" in window.panels and not window.runner.jobs)
        window.show_panel("data")
        page = window.panel("data").importing
        found: dict[str, float] = {}
        # Stop in the middle of the reading.
        window.open_paths([file])
        wait(lambda: page.sheet.isVisible())
        wait(lambda: any(job.state == "running" for job in window.runner.jobs))
        begun = time.monotonic()
        while time.monotonic() < begun + 1.0:
            qt.processEvents(flags, 50)
        begun = time.monotonic()
        page.close_sheet()
        wait(lambda: not window.runner.jobs)
        found["cancel_s"] = time.monotonic() - begun
        # All of it.
        window.heartbeat.reset()
        peak = Peak()
        begun = time.monotonic()
        window.open_paths([file])
        wait(lambda: page.sheet.isVisible() and page.sheet.use_button.isEnabled())
        found["checked_s"] = time.monotonic() - begun
        page.sheet.use_button.click()
        name = file.stem
        wait(lambda: window.context.task is not None and window.context.task.info.name == name)
        table = window.panel("data").task.browser.table
        wait(lambda: table.model().rowCount() == ROWS and not window.runner.jobs)
        found["open_s"] = time.monotonic() - begun
        found["memory_ratio"] = peak.end() / file.stat().st_size
        found["stall_p99_ms"] = window.heartbeat.p99_ms()
        found["stall_max_ms"] = window.heartbeat.worst_ms
        found["fps"] = 1 / statistics.median(frames(table, qt.processEvents))
        return found
    finally:
        application.close()


def frames(table: object, process: Callable[[], None]) -> list[float]:
    """Return the seconds of each of 300 frames of scrolling by three rows."""
    bar = table.verticalScrollBar()  # type: ignore[attr-defined]
    times = []
    for frame in range(300):
        begun = time.perf_counter()
        bar.setValue(bar.maximum() // 2 + 3 * frame)
        table.viewport().repaint()  # type: ignore[attr-defined]
        process()
        times.append(time.perf_counter() - begun)
    return times


def main() -> None:
    """Measure, print, and end with a line of JSON."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "million.csv"
        print(f"{ROWS:,} rows, {write_rows(file) / 1e6:.0f} MB")
        found = {name: round(value, 3) for name, value in measure(file, Path(scratch)).items()}
    print("RESULT", json.dumps(found))


if __name__ == "__main__":
    main()
