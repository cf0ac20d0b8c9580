"""How long the window did not answer: the figure in the status bar."""

import time
from collections import deque

from PySide6.QtCore import QObject, Qt, QTimer, Slot

BEAT_MS = 10
_WINDOW = 3_000  # beats; about half a minute


class Heartbeat(QObject):
    """Measures by how much a 10 ms timer is late.

    Attributes:
        worst_ms: The longest stall since the last `reset`.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.worst_ms = 0.0
        self._late: deque[float] = deque(maxlen=_WINDOW)
        self._before = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def p99_ms(self) -> float:
        """Return the 99th percentile of the stalls of the last half minute, ms."""
        late = sorted(self._late)
        return late[int(0.99 * (len(late) - 1))] if late else 0.0

    def reset(self) -> None:
        """Forget what was measured."""
        self._late.clear()
        self.worst_ms = 0.0
        self._before = time.perf_counter()

    @Slot()
    def _beat(self) -> None:
        now = time.perf_counter()
        late = max(0.0, (now - self._before) * 1_000 - BEAT_MS)
        self._before = now
        self._late.append(late)
        self.worst_ms = max(self.worst_ms, late)
