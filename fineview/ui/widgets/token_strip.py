"""The tokens of a text as the encoder sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from fineview.ui.theme import category_colour, font_for, ink_on, mix, spacing, theme_colours
from fineview.ui.widgets.format import plural
from fineview.ui.widgets.labels import describe, plain_tooltip
from fineview.ui.widgets.painting import CENTRE, LEFT, box, focus_ring, pen, text

MOST_TOKENS = 512
_SEGMENTS = ("A", "B")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenChip:
    """One token.

    Attributes:
        text: As in the vocabulary, without the sign that marks a continuation.
        special: Whether it was added by the tokenizer, as `[CLS]`.
        segment: 0 for the first text of a pair, 1 for the second; None where there are no two.
        continues: Whether it continues the word before it; drawn as "##ing", joined to it.
        weight: Share in 0 … 1 painted behind it, None for none.
        masked: Whether the mask token stands in its place; drawn dashed and struck through.
        tooltip: What more there is to say.
    """

    text: str
    special: bool = False
    segment: int | None = None
    continues: bool = False
    weight: float | None = None
    masked: bool = False
    tooltip: str = ""


class TokenStrip(QWidget):
    """Chips in lines; left and right move a cursor that reads a token out.

    Attributes:
        tokens: What is shown, without what is past 512 tokens.

    Signals:
        pressed(int): A person pressed a token, or Space or Enter on it; after `make_pressable`.
    """

    pressed = Signal(int)

    def __init__(self, name: str = "Tokens", empty: str = "No text yet: type one above.") -> None:
        super().__init__()
        describe(
            self,
            name,
            "The text as the encoder sees it: sub-tokens with ##, added tokens in grey – 10 to 60 "
            "tokens – look here when a word surprises the model.",
        )
        self.setToolTip("")  # each token has its own
        self._empty = empty
        self._tokens: tuple[TokenChip, ...] = ()
        self._hidden = 0
        self._rects: list[QRectF] = []
        self._cursor = 0
        self._pressable = False
        self._held: int | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    @property
    def tokens(self) -> tuple[TokenChip, ...]:
        """Return what is shown."""
        return self._tokens

    def set_tokens(self, tokens: Sequence[TokenChip]) -> None:
        """Show tokens; more than 512 are counted, not drawn. The same ones keep the cursor."""
        same = [one.text for one in tokens[:MOST_TOKENS]] == [one.text for one in self._tokens]
        self._tokens = tuple(tokens[:MOST_TOKENS])
        self._hidden = len(tokens) - len(self._tokens)
        self._cursor = self._cursor if same else 0
        self._announce()
        self._place(self.width())
        self.updateGeometry()
        self.update()

    def make_pressable(self, tooltip: str) -> None:
        """Let tokens be pressed; special ones do nothing."""
        self._pressable = True
        describe(self, self.accessibleName(), tooltip)
        self.setToolTip("")
        self.setMouseTracking(True)

    def chip_rect(self, index: int) -> QRectF:
        """Return where a token is drawn."""
        return self._rects[index]

    def hasHeightForWidth(self) -> bool:
        """Say that the height follows from the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of all lines."""
        rects = self._layout(width)
        return round(rects[-1].bottom()) + spacing(1) if rects else self._line_height()

    def sizeHint(self) -> QSize:
        """Ask for a line of some words."""
        width = self.fontMetrics().averageCharWidth() * 50
        return QSize(width, self.heightForWidth(max(self.width(), width)))

    def minimumSizeHint(self) -> QSize:
        """Need one chip."""
        return QSize(self.fontMetrics().averageCharWidth() * 12, self._line_height())

    def event(self, event: QEvent) -> bool:
        """Give each token its own tooltip."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self._index_at(event.pos())
            if index is None:
                QToolTip.hideText()
            else:
                words = plain_tooltip(self._words(index))
                QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Set the lines anew."""
        super().resizeEvent(event)
        self._place(self.width())

    def changeEvent(self, event: QEvent) -> None:
        """Set the lines anew when the text size changes."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._place(self.width())
            self.updateGeometry()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the cursor."""
        super().focusInEvent(event)
        self._announce()
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor from token to token."""
        last = len(self._tokens) - 1
        moves = {
            Qt.Key.Key_Left: self._cursor - 1,
            Qt.Key.Key_Right: self._cursor + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }
        key = Qt.Key(event.key())
        presses = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if key in presses and self._can_press(self._cursor):
            self.pressed.emit(self._cursor)
        elif key in moves and last >= 0:
            self._cursor = min(max(moves[key], 0), last)
            self._announce()
            self.update()
            where = self.mapToGlobal(self._rects[self._cursor].bottomLeft().toPoint())
            QToolTip.showText(where, plain_tooltip(self._words(self._cursor)), self)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Hold the token under the mouse."""
        index = self._index_at(event.position().toPoint())
        left = event.button() == Qt.MouseButton.LeftButton
        self._held = index if left and self._can_press(index) else None
        if self._held is None:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show by the mouse's shape what can be pressed."""
        super().mouseMoveEvent(event)
        if self._pressable:
            over = self._can_press(self._index_at(event.position().toPoint()))
            shape = Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor
            self.setCursor(shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Press the token that was held, if the mouse is still on it."""
        held, self._held = self._held, None
        if held is None:
            super().mouseReleaseEvent(event)
        elif held == self._index_at(event.position().toPoint()):
            self._cursor = held
            self._announce()
            self.update()
            self.pressed.emit(held)

    def _can_press(self, index: int | None) -> bool:
        if not self._pressable or index is None or not 0 <= index < len(self._tokens):
            return False
        return not self._tokens[index].special

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the chips."""
        colours = theme_colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._tokens:
            area = QRectF(self.rect())
            text(painter, area, self._empty, colours.muted, font=font_for("small"), align=LEFT)
        for index in range(len(self._rects)):
            self._draw_chip(painter, index)
        painter.end()

    def _draw_chip(self, painter: QPainter, index: int) -> None:
        colours = theme_colours()
        rect = self._rects[index]
        if index >= len(self._tokens):  # what follows the last token that is drawn
            words, segment = self._after()[index - len(self._tokens)]
            text(painter, rect, words, colours.muted, font=font_for("small"), align=CENTRE)
            self._underline(painter, rect, segment)
            return
        chip = self._tokens[index]
        fill = mix(colours.window, colours.text, 0.02 if chip.special else 0.09)
        if chip.weight is not None:
            fill = mix(colours.window, colours.trained, 0.08 + 0.72 * min(max(chip.weight, 0), 1))
        under = spacing(1) if chip.segment is not None else 0
        body = rect.adjusted(0, 0, 0, -under)
        outline = pen(colours.new, 1.6, dashes=(3.0, 2.0)) if chip.masked else None
        box(painter, body, fill=fill, line=outline, radius=3)
        ink = colours.muted if chip.special or chip.masked else colours.text
        if chip.weight is not None:
            ink = ink_on(fill)
        font = font_for("fixed-small")
        font.setStrikeOut(chip.masked)
        text(painter, body, _shown(chip), ink, font=font, align=CENTRE)
        self._underline(painter, rect, chip.segment)
        if index == self._cursor and self.hasFocus():
            focus_ring(painter, body.adjusted(-2, -2, 2, 2), colours, 4)

    def _underline(self, painter: QPainter, rect: QRectF, segment: int | None) -> None:
        """Mark the first text of a pair with a line, the second with dashes."""
        if segment is not None:
            dashes = () if segment == 0 else (2.0, 1.5)
            painter.setPen(pen(category_colour(0 if segment == 0 else 1), 2, dashes=dashes))
            y = rect.bottom() - 1
            painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))

    def _after(self) -> list[tuple[str, int | None]]:
        """Return what follows the tokens: how many are not drawn, and what the lines mean."""
        words: list[tuple[str, int | None]] = []
        if self._hidden:
            words.append((f"… and {plural(self._hidden, 'token')} more", None))
        segments = sorted({chip.segment for chip in self._tokens if chip.segment is not None})
        if len(segments) > 1:
            words += [(f"text {_SEGMENTS[min(segment, 1)]}", segment) for segment in segments]
        return words

    def _line_height(self) -> int:
        return round(QFontMetricsF(font_for("fixed-small")).height()) + spacing(2.5)

    def _place(self, width: int) -> None:
        self._rects = self._layout(width)

    def _layout(self, width: int) -> list[QRectF]:
        """Return a rectangle per token, and one for each of what follows."""
        metrics = QFontMetricsF(font_for("fixed-small"))
        words = [_shown(chip) for chip in self._tokens]
        words += [said for said, _ in self._after()]
        height = self._line_height() - spacing(0.5)
        x = y = float(spacing(0.5))
        rects: list[QRectF] = []
        room = max(width - spacing(0.5), 1)
        # What follows the tokens stays together: it explains them.
        behind = [metrics.horizontalAdvance(said) + spacing(3) for said, _ in self._after()]
        for index, word in enumerate(words):
            wide = min(metrics.horizontalAdvance(word) + spacing(2), room - spacing(0.5))
            joined = index < len(self._tokens) and self._tokens[index].continues
            if rects:
                after = index == len(self._tokens)
                x = rects[-1].right() + (1 if joined else spacing(6) if after else spacing(1))
            needed = sum(behind) if index == len(self._tokens) else wide
            if rects and x + needed > room:
                x, y = float(spacing(0.5)), y + height + spacing(1.5)
            rects.append(QRectF(x, y, wide, height))
        return rects

    def _index_at(self, position: QPoint) -> int | None:
        for index, rect in enumerate(self._rects[: len(self._tokens)]):
            if rect.contains(position):
                return index
        return None

    def _words(self, index: int) -> str:
        chip = self._tokens[index]
        parts = [f"{_shown(chip)}", f"token {index + 1} of {len(self._tokens) + self._hidden}"]
        if chip.special:
            parts.append("added by the tokenizer")
        if chip.masked:
            parts.append("masked")
        if chip.continues:
            parts.append("continues the word before it")
        if chip.segment is not None:
            parts.append(f"text {_SEGMENTS[min(chip.segment, 1)]}")
        if chip.weight is not None:
            parts.append(f"weight {chip.weight:.3f}")
        said = ", ".join(parts) + "."
        return f"{said}\n{chip.tooltip}" if chip.tooltip else said

    def _announce(self) -> None:
        if not self._tokens:
            self.setAccessibleDescription(self._empty)
            return
        count = plural(len(self._tokens) + self._hidden, "token")
        self.setAccessibleDescription(f"{count}. {self._words(self._cursor)}")


def _shown(chip: TokenChip) -> str:
    return f"##{chip.text}" if chip.continues and not chip.text.startswith("##") else chip.text
