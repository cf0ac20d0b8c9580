"""The line at the bottom: device, network, features, how well the window answers."""

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QLabel, QStatusBar

from fineview.core.device import device_status
from fineview.core.training.events import FeaturesReady
from fineview.ui.theme import spacing, use_font
from fineview.ui.widgets.format import bytes_text, count_text
from fineview.work.heartbeat import Heartbeat
from fineview.work.jobs import Job, JobRunner

_EVERY_MS = 1_000
ONLINE = ("Fetch", "Hub")
"""How the names of jobs begin that go online."""


class StatusBar(QStatusBar):
    """Four figures, renewed every second."""

    def __init__(self, heartbeat: Heartbeat, runner: JobRunner) -> None:
        super().__init__()
        self._heartbeat = heartbeat
        self._runner = runner
        self._cached = "not needed yet"
        self.setSizeGripEnabled(False)
        self._labels: dict[str, QLabel] = {}
        for name, tip in (
            ("device", "What computes, with how many threads, and the memory in use."),
            (
                "network",
                "Offline unless you fetch something in the catalogue: Help ▸ What is offline.",
            ),
            ("features", "Whether the hidden states of this task were in the store already."),
            ("stall", "How long the window did not answer, 99th percentile of half a minute."),
        ):
            label = QLabel()
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setToolTip(tip)
            label.setContentsMargins(spacing(2), 0, spacing(3), 0)
            use_font(label, "small")
            self._labels[name] = label
            self.addWidget(label)
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.renew)
        self._timer.start()

    def stop(self) -> None:
        """Renew no more."""
        self._timer.stop()

    @Slot()
    def renew(self) -> None:
        """Write the figures of this moment."""
        status = device_status()
        threads = f"{status.threads} thread" + ("s" if status.threads != 1 else "")
        device = f"{status.name.upper()} · {threads} · {bytes_text(status.rss_bytes)}"
        if status.gpu_bytes is not None:
            device += f" · GPU {bytes_text(status.gpu_bytes)}"
        self._labels["device"].setText(device)
        fetching = any(_is_online(job) for job in self._runner.jobs)
        self._labels["network"].setText("fetching" if fetching else "offline")
        self._labels["features"].setText(f"features: {self._cached}")
        self._labels["stall"].setText(f"stall p99 {self._heartbeat.p99_ms():.0f} ms")

    @Slot(object)
    def show_features(self, ready: FeaturesReady) -> None:
        """Say whether features came from the store."""
        self._cached = "from the store" if ready.cached else "computed now"
        if ready.dropped_words:
            left, kept = count_text(ready.dropped_words), count_text(ready.items)
            self._cached += f", {kept} words, {left} left out"
        if ready.truncated:
            self._cached += f", {count_text(ready.truncated)} texts cut"
        self.renew()

    def forget_features(self) -> None:
        """Task or encoder are others now."""
        self._cached = "not needed yet"


def _is_online(job: Job) -> bool:
    return job.state == "running" and job.name.startswith(ONLINE)
