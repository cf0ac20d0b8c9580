"""The job in flight: what, how far, how long, and the button that stops it."""

from typing import Literal

from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget

from fineview.ui.theme import set_icon, spacing, theme_colours, use_font
from fineview.ui.widgets.labels import ElidedLabel, describe, plain_label

Kind = Literal["info", "good", "bad"]

FAREWELL_MS = 6000
"""How long the last message stays when the job is over; bad news stay until the next job."""


class JobStrip(QWidget):
    """Hidden when idle.

    Attributes:
        title: The job in flight, "" when idle.

    Signals:
        stop_pressed(): The Stop button was pressed.
    """

    stop_pressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._paused = False
        self._kind: Kind = "info"
        self._job = ""
        self._sign = plain_label()
        self._title = ElidedLabel(bold=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the job")
        self.bar.setToolTip("How far the job is.")
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        use_font(self._text, "fixed-small")
        self.stop_button = QPushButton("Stop")
        describe(self.stop_button, "Stop", "Stops the job; what it has done so far is kept – Esc.")
        set_icon(self.stop_button, "stop")
        self.stop_button.clicked.connect(self._on_stop)
        row = QHBoxLayout(self)
        row.setContentsMargins(spacing(3), spacing(1), spacing(3), spacing(1))
        row.setSpacing(spacing(2))
        row.addWidget(self._sign)
        row.addWidget(self._title)
        row.addWidget(self.bar, 1)
        row.addWidget(self._text)
        row.addWidget(self.stop_button)
        # The title has its room before the bar, which can be short.
        self.bar.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._sign.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._farewell = QTimer(self)
        self._farewell.setSingleShot(True)
        self._farewell.setInterval(FAREWELL_MS)
        self._farewell.timeout.connect(self.hide)
        self._resize_bar()
        self.hide()

    @property
    def title(self) -> str:
        """Return the job in flight, "" when idle."""
        return self._job

    @property
    def text(self) -> str:
        """Return what is said about the progress, or the last message when idle."""
        return self._text.text() if self._job else self._title.text

    def set_job(self, title: str) -> None:
        """Show a job of which nothing is known yet."""
        self._farewell.stop()
        self._job = title
        self._title.set_text(title)
        self._text.clear()
        self.bar.setRange(0, 0)
        self.stop_button.setEnabled(True)
        self.stop_button.setText("Stop")
        for part in (self.bar, self._text, self.stop_button):
            part.show()
        self.set_paused(False)
        self.setAccessibleName("Job")
        self.setAccessibleDescription(title)
        self.show()

    def set_progress(self, done: int, total: int, text: str = "") -> None:
        """Show how far it is; a total of 0 or less means that nobody knows."""
        known = total > 0
        # Most jobs count in steps, some in bytes, which an int of C would not hold.
        scale = max(total // 1_000_000, 1)
        self.bar.setRange(0, total // scale if known else 0)
        if known:
            self.bar.setValue(min(done, total) // scale)
        self._text.setText(text)
        self.setAccessibleDescription(f"{self._job}. {text}")

    def set_paused(self, paused: bool) -> None:
        """Show that the job waits for its person."""
        self._paused = paused
        self._kind = "info"
        self._sign.setText("Ⅱ" if paused else "▶")
        self._sign.setAccessibleName("Paused" if paused else "Running")
        self._title.set_text(f"{self._job} (paused)" if paused else self._job)
        self._tint()

    def clear(self, message: str = "", kind: Kind = "info") -> None:
        """Be idle; a last message goes after some seconds, bad news with the next job."""
        self._job = ""
        self._kind = kind
        for part in (self.bar, self._text, self.stop_button):
            part.hide()
        if not message:
            self.hide()
            return
        self._sign.setText({"info": "i", "good": "✓", "bad": "✕"}[kind])
        words = {"info": "Information", "good": "Done", "bad": "Error"}
        self._sign.setAccessibleName(words[kind])
        self._title.set_text(message)
        self.setAccessibleDescription(f"{words[kind]}: {message}")
        self._tint()
        self.show()
        if kind != "bad":
            self._farewell.start()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()
        elif event.type() == QEvent.Type.FontChange:
            self._resize_bar()

    def _resize_bar(self) -> None:
        self.bar.setFixedHeight(max(spacing(2), 6))
        self.bar.setMinimumWidth(spacing(12))

    def _tint(self) -> None:
        colours = theme_colours()
        colour = {"info": colours.accent, "good": colours.good, "bad": colours.bad}[self._kind]
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.WindowText, colours.warning if self._paused else colour)
        self._sign.setPalette(palette)

    @Slot()
    def _on_stop(self) -> None:
        self.stop_button.setEnabled(False)
        self.stop_button.setText("Stopping…")
        self.stop_pressed.emit()
