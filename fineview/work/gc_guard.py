"""Python's cycle collector, kept on the window's thread.

Any thread may run the collector and with it destroy a Qt object from the wrong thread
(napari#1029); and a full collection with torch loaded is a pause of a quarter of a second. So the
automatic collector is off, and a timer collects the young generations here.
"""

import gc

from PySide6.QtCore import QObject, QTimer, Slot

COLLECT_MS = 1_000
_OLD_EVERY = 30


class GcGuard(QObject):
    """Collects cycles in the window's thread while it lives."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rounds = 0
        self._was_on = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(COLLECT_MS)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    def freeze(self) -> None:
        """Take everything that lives now (torch's hundred thousand objects) out of collections."""
        gc.freeze()

    def release(self) -> None:
        """Give the collector back as it was found."""
        self._timer.stop()
        gc.unfreeze()
        if self._was_on:
            gc.enable()

    @Slot()
    def _collect(self) -> None:
        self._rounds += 1
        gc.collect(2 if self._rounds % _OLD_EVERY == 0 else 1)
