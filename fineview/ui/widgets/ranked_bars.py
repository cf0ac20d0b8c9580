"""Words in order, each with its score and a bar: the answers to a question."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from fineview.ui.theme import font_for, mix, spacing, theme_colours
from fineview.ui.widgets.labels import describe, plain_tooltip
from fineview.ui.widgets.painting import LEFT, RIGHT, box, focus_ring, text


@dataclass(frozen=True, slots=True)
class Ranked:
    """A line.

    Attributes:
        word: The word.
        figure: Its score, as it is written.
        share: Length of its bar, 0 … 1.
        muted: Whether it is one of the words that were asked with.
        key: What `pressed` hands over; "" for the word itself.
    """

    word: str
    figure: str
    share: float
    muted: bool = False
    key: str = ""


class RankedBars(QWidget):
    """A column of words under a title; one can be pressed.

    Attributes:
        rows: What is shown, first to last.

    Signals:
        pressed(str): A word was clicked, or Enter pressed on it.
    """

    pressed = Signal(str)

    def __init__(self, title: str, tooltip: str, empty: str = "–") -> None:
        super().__init__()
        self.rows: tuple[Ranked, ...] = ()
        self._title = title
        self._empty = empty
        self._marked = ""
        self._stale = False
        self._at = 0
        self._pointed = -1
        describe(self, title, tooltip)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)

    @property
    def title(self) -> str:
        """What stands above."""
        return self._title

    def set_title(self, title: str) -> None:
        """Write another title."""
        self._title = title
        self.setAccessibleName(title)
        self.update()

    def show_rows(self, rows: Sequence[Ranked], marked: str = "") -> None:
        """Show other words.

        Args:
            rows: First to last.
            marked: The word that the picture beside draws.
        """
        self.rows = tuple(rows)
        self._marked = marked
        self._stale = False
        self._at = min(self._at, max(len(rows) - 1, 0))
        said = ", ".join(f"{row.word} {row.figure}" for row in self.rows)
        self.setAccessibleDescription(said or self._empty)
        self.updateGeometry()
        self.update()

    def set_stale(self, stale: bool) -> None:
        """Dim what no longer answers what is typed."""
        if stale != self._stale:
            self._stale = stale
            self.update()

    def sizeHint(self) -> QSize:
        """Ask for the title and a line a word."""
        lines = max(len(self.rows), 1) + 1
        return QSize(self.fontMetrics().averageCharWidth() * 30, lines * self._line() + spacing(1))

    def minimumSizeHint(self) -> QSize:
        """Need a word and a number."""
        return QSize(self.fontMetrics().averageCharWidth() * 16, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw title, words, bars and figures."""
        colours = theme_colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        head = QRectF(0, 0, self.width(), self._line())
        text(painter, head, self._title, colours.muted, font=font_for("small"))
        if self._stale:
            painter.setOpacity(0.45)
        if not self.rows:
            text(painter, self._row(0), self._empty, colours.muted)
        digits = font_for("fixed-small")
        figure = max(
            (QFontMetricsF(digits).horizontalAdvance(row.figure) for row in self.rows), default=0.0
        ) + spacing(1)
        bold = self.font()
        bold.setBold(True)  # the marked word is the widest that may stand there
        metrics = QFontMetricsF(bold)
        widest = max((metrics.horizontalAdvance(row.word) for row in self.rows), default=0.0)
        words = min(widest + spacing(2), self.width() * 0.5)
        for index, row in enumerate(self.rows):
            line = self._row(index)
            if index == self._pointed:
                box(painter, line, fill=mix(colours.surface, colours.text, 0.06), radius=3)
            ink = colours.muted if row.muted else colours.text
            font = self.font()
            font.setBold(row.word == self._marked)
            text(painter, line.adjusted(spacing(1), 0, words - line.width(), 0), row.word, ink,
                 font=font, align=LEFT)  # fmt: skip
            track = QRectF(
                spacing(1) + words,
                line.y() + spacing(1.25),
                max(line.width() - words - figure - spacing(2), 2),
                line.height() - spacing(2.5),
            )
            fill = QRectF(track)
            fill.setWidth(max(track.width() * min(max(row.share, 0), 1), 1.5))
            box(painter, track, fill=mix(colours.surface, colours.text, 0.07), radius=2)
            bar = colours.muted if row.muted else colours.frozen
            box(painter, fill, fill=bar, radius=2)
            text(painter, line, row.figure, ink, font=digits, align=RIGHT)
        if self.hasFocus() and self.rows:
            focus_ring(painter, self._row(self._at), colours, 3)
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Light up the line under the mouse."""
        self._point(self._index(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Let it go dark."""
        super().leaveEvent(event)
        self._point(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Press a word."""
        index = self._index(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._at = index
            self.pressed.emit(self.rows[index].key or self.rows[index].word)
        else:
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk with the arrows, press with Enter or the space bar."""
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        key = Qt.Key(event.key())
        if key in steps and self.rows:
            self._at = min(max(self._at + steps[key], 0), len(self.rows) - 1)
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.rows:
            self.pressed.emit(self.rows[self._at].key or self.rows[self._at].word)
        else:
            super().keyPressEvent(event)

    def _point(self, index: int) -> None:
        if index != self._pointed:
            self._pointed = index
            row = self.rows[index] if index >= 0 else None
            self.setCursor(Qt.CursorShape.PointingHandCursor if row else Qt.CursorShape.ArrowCursor)
            self.setToolTip(plain_tooltip(f"{row.word} {row.figure}") if row else "")
            self.update()

    def _index(self, position: QPointF) -> int:
        index = int(position.y() // self._line()) - 1
        return index if 0 <= index < len(self.rows) else -1

    def _row(self, index: int) -> QRectF:
        return QRectF(0, (index + 1) * self._line(), self.width(), self._line())

    def _line(self) -> int:
        return self.fontMetrics().height() + spacing(1.5)
