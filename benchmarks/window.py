"""How soon the window is there, and how long it ever fails to answer.

`painted_s`: from starting the process to the first painted window, median of 5, warm disk.
`stall_*`: by how much a 10 ms timer of the window is late, while features are extracted, while a
head trains, and at worst while libraries are loaded.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

STARTS = 5
TRAIN_S = 12.0


def painted() -> float:
    """Return the median seconds from start to paint."""
    times = []
    for _ in range(STARTS + 1):
        with tempfile.TemporaryDirectory() as scratch:
            environment = os.environ | {
                "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"),
                "FINEVIEW_PAINTED": "1",
                "FINEVIEW_CACHE": f"{scratch}/cache",
            }
            begun = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-m", "fineview", "--workspace", f"{scratch}/w"],
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert process.stderr is not None
            for line in process.stderr:
                if "fineview painted" in line:
                    times.append(time.perf_counter() - begun)
                    break
            process.kill()
            process.wait()
            process.stderr.close()
    print("start to paint:", " ".join(f"{t:.2f}" for t in times), "s (the first warms the disk)")
    return statistics.median(times[1:])


def stalls() -> dict[str, float]:
    """Return the stalls of one session: load, extract, train."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QEventLoop

    from fineview.app import build, make_qt, start
    from fineview.core.locations import Locations
    from fineview.core.runs.spec import RunSpec

    sys.setswitchinterval(0.001)  # as app.main does
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        qt = make_qt(["fineview"])
        application = build(qt, Locations(Path(scratch) / "w", Path(scratch) / "c"))
        window = application.window
        start(application)

        def wait(ready, limit: float = 600.0) -> None:  # noqa: ANN001
            end = time.monotonic() + limit
            while not ready() and time.monotonic() < end:
                qt.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 100)

        wait(lambda: "training" in window.panels)
        window.heartbeat.reset()  # building the panel is part of the start, not of the warm-up
        wait(lambda: not window.runner.jobs)
        found["stall_warmup_max_ms"] = window.warm_up_worst_ms
        spec = RunSpec(task="capitals")
        window.session.edit("x", spec=replace(spec, training=replace(spec.training, epochs=10**6)))
        wait(lambda: window.context.task is not None and window.context.task.items > 5_000)
        panel = window.panel("training")
        ready: list[bool] = []
        panel.features_ready.connect(ready.append)
        panel.train()
        wait(lambda: bool(panel.run_id))
        window.heartbeat.reset()
        wait(lambda: bool(ready))
        found["stall_extract_p99_ms"] = window.heartbeat.p99_ms()
        found["stall_extract_max_ms"] = window.heartbeat.worst_ms
        wait(lambda: panel.steps_done > 500)
        window.heartbeat.reset()
        begun, before = time.monotonic(), panel.steps_done
        wait(lambda: time.monotonic() - begun > TRAIN_S)
        found["stall_train_p99_ms"] = window.heartbeat.p99_ms()
        found["stall_train_max_ms"] = window.heartbeat.worst_ms
        found["train_steps_per_s"] = (panel.steps_done - before) / TRAIN_S
        application.close()
    return found


def main() -> None:
    """Measure and print."""
    result = {"painted_s": painted(), **stalls()}
    for name, value in result.items():
        print(f"{name:>22} {value:8.2f}")
    print("RESULT " + json.dumps({name: round(value, 2) for name, value in result.items()}))


if __name__ == "__main__":
    main()
