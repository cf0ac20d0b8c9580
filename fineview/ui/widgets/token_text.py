"""A text that can be edited, with what a model thinks of each of its tokens behind the letters."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QLinearGradient,
    QPainter,
    QPaintEvent,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QSizePolicy, QTextEdit, QToolTip, QWidget

from fineview.ui.theme import ink_on, mix, spacing, theme_colours, use_font
from fineview.ui.widgets.labels import describe, plain_tooltip
from fineview.ui.widgets.painting import LEFT, text

_LEGEND: tuple[tuple[Literal["prompt", "generated"], str, str], ...] = (
    ("prompt", "typed: expected", "surprising"),
    ("generated", "generated: improbable", "probable"),
)
_MOST_MARKS = 4_000
"""Tokens that are painted; the editor slows down beyond."""


@dataclass(frozen=True, slots=True)
class TokenMark:
    """A token in the text.

    Attributes:
        start: Characters before it.
        end: Behind it.
        strength: How deep the colour behind it is, 0 … 1.
        kind: Which colour: `prompt`, `generated` or `attention`.
        tooltip: What there is to say of it.
    """

    start: int
    end: int
    strength: float
    kind: Literal["prompt", "generated", "attention"]
    tooltip: str = ""


class TokenText(QPlainTextEdit):
    """Plain text; its undo is the window's.

    Attributes:
        marks: The tokens that are painted.

    Signals:
        edited(str): A person changed the text.
        token_pointed(int): The cursor was put on a token: its place in `marks`, −1 for none.
        submitted(): Ctrl+Enter was pressed.
    """

    edited = Signal(str)
    token_pointed = Signal(int)
    submitted = Signal()

    def __init__(self, name: str, tooltip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.marks: tuple[TokenMark, ...] = ()
        self._quiet = False
        self._pointed = -1
        self._selected = -1
        self.setUndoRedoEnabled(False)  # the session's stack undoes
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        use_font(self, "fixed")
        describe(self, name, tooltip)
        self.setToolTip("")  # each token has its own
        self.textChanged.connect(self._on_changed)
        self.cursorPositionChanged.connect(self._on_cursor)

    @property
    def text(self) -> str:
        """Return the text."""
        # `toPlainText` would turn every no-break space into a space.
        return self.document().toRawText().replace("\u2029", "\n")

    def set_text(self, text: str) -> None:
        """Show another text without a signal; the cursor stays where the texts agree, else ends."""
        if text == self.text:
            return
        old, at = self.text, self.textCursor().position()
        self._quiet = True
        try:
            self.setPlainText(text)
        finally:
            self._quiet = False
        cursor = self.textCursor()
        place = _Units(old).back(at)
        stays = place < len(old) and old[:place] == text[:place]
        cursor.setPosition(at if stays else _Units(text).of(len(text)))
        self._quiet = True
        self.setTextCursor(cursor)
        self._quiet = False
        self.set_marks(())

    def set_marks(self, marks: Sequence[TokenMark], selected: int = -1) -> None:
        """Paint tokens.

        Args:
            marks: In the order of the text; beyond 4,000 the last ones are painted.
            selected: The one that is framed.
        """
        self.marks = tuple(marks)
        self._selected = selected
        self._paint()

    def add_text(self, text: str) -> None:
        """Append without a signal, and scroll there."""
        self._quiet = True
        try:
            cursor = self.textCursor()
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertText(text)
            self.setTextCursor(cursor)
        finally:
            self._quiet = False
        self.ensureCursorVisible()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Submit on Ctrl+Enter; leave undo and redo to the window."""
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.submitted.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Give each token its own tooltip."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.mark_at(self.viewport().mapFromGlobal(event.globalPos()))
            words = self.marks[index].tooltip if index >= 0 else ""
            if words:
                QToolTip.showText(event.globalPos(), plain_tooltip(words), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paint()

    def mark_at(self, position: QPoint) -> int:
        """Return the place of the token under a point of the viewport, −1 for none."""
        cursor = self.cursorForPosition(position)
        rect = self.cursorRect(cursor)
        # Past the end of a line the nearest letter answers; it is not under the point.
        if abs(rect.center().x() - position.x()) > self.fontMetrics().averageCharWidth() * 1.5:
            return -1
        at = _Units(self.text).back(cursor.position())
        if position.x() < rect.center().x():
            at -= 1
        return self._mark_of(at)

    def _mark_of(self, at: int) -> int:
        for index, mark in enumerate(self.marks):
            if mark.start <= at < mark.end:
                return index
        return -1

    def _paint(self) -> None:
        colours = theme_colours()
        hues = {
            "prompt": colours.new,
            "generated": colours.trained,
            "attention": colours.frozen,
        }
        units = _Units(self.text)
        painted = []
        first = max(len(self.marks) - _MOST_MARKS, 0)
        for index, mark in enumerate(self.marks[first:], first):
            selection = QTextEdit.ExtraSelection()
            form = QTextCharFormat()
            fill = mix(colours.surface, hues[mark.kind], 0.75 * min(max(mark.strength, 0), 1))
            form.setBackground(QColor(fill))
            form.setForeground(QColor(ink_on(fill)))
            if index == self._selected:
                form.setFontUnderline(True)
                form.setUnderlineColor(QColor(colours.accent))
                form.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
            cursor = QTextCursor(self.document())
            cursor.setPosition(units.of(mark.start))
            cursor.setPosition(units.of(mark.end), QTextCursor.MoveMode.KeepAnchor)
            selection.format, selection.cursor = form, cursor
            painted.append(selection)
        self.setExtraSelections(painted)

    @Slot()
    def _on_changed(self) -> None:
        if not self._quiet:
            self.edited.emit(self.text)

    @Slot()
    def _on_cursor(self) -> None:
        if self._quiet:
            return
        at = _Units(self.text).back(self.textCursor().position())
        index = self._mark_of(at)
        if index != self._pointed:
            self._pointed = index
            self.token_pointed.emit(index)


class _Units:
    """Between places in Python's text and in Qt's, which counts UTF-16 units."""

    def __init__(self, text: str) -> None:
        self._length = len(text)
        # Letters that take two units, and where each of them stands in Qt's text.
        self._wide = [i for i, letter in enumerate(text) if ord(letter) > 0xFFFF]
        self._wide_units = [place + extra for extra, place in enumerate(self._wide)]

    def of(self, at: int) -> int:
        """Return the place in Qt's text."""
        at = min(at, self._length)
        return at + bisect_left(self._wide, at)

    def back(self, at: int) -> int:
        """Return the place in Python's text; within a letter, the place before it."""
        return at - bisect_left(self._wide_units, at)


class MarkLegend(QWidget):
    """What the colours of a `TokenText` mean."""

    def __init__(self) -> None:
        super().__init__()
        use_font(self, "small")
        self.setAccessibleName("Colours of the tokens")
        self.setAccessibleDescription(", ".join(f"{low} to {high}" for _, low, high in _LEGEND))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Ask for one line."""
        metrics = self.fontMetrics()
        words = sum(metrics.horizontalAdvance(f"{low}{high}") for _, low, high in _LEGEND)
        return QSize(words + len(_LEGEND) * spacing(24), metrics.height() + spacing(1))

    def minimumSizeHint(self) -> QSize:
        """Need no width: what does not fit is cut."""
        return QSize(0, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw both scales."""
        colours = theme_colours()
        painter = QPainter(self)
        hues = {"prompt": colours.new, "generated": colours.trained}
        x, metrics = 0, self.fontMetrics()
        height = metrics.height()
        for kind, low, high in _LEGEND:
            for words in (low, None, high):
                if words is None:
                    area = QRectF(x, spacing(0.5), spacing(14), height)
                    scale = QLinearGradient(area.topLeft(), area.topRight())
                    scale.setColorAt(0, QColor(mix(colours.surface, hues[kind], 0.04)))
                    scale.setColorAt(1, QColor(mix(colours.surface, hues[kind], 0.75)))
                    painter.fillRect(area, scale)
                    x += spacing(16)
                    continue
                wide = metrics.horizontalAdvance(words) + spacing(2)
                area = QRectF(x, spacing(0.5), wide, height)
                text(painter, area, words, colours.muted, font=self.font(), align=LEFT)
                x += wide
            x += spacing(4)
        painter.end()
