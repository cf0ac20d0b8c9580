"""The stack of an encoder's layers, to choose from by mouse or keyboard."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from fineview.ui.theme import font_for, mix, spacing, theme_colours
from fineview.ui.widgets.format import bytes_text
from fineview.ui.widgets.labels import describe, plain_tooltip
from fineview.ui.widgets.painting import LEFT, RIGHT, box, focus_ring, pen, text

_NAME = "Layers"
_TOOLTIP = (
    "Which layers' hidden states become features – the last, or the last four – change it when "
    "another layer knows more about your task. Click one, drag or Shift+click for a range, "
    "Ctrl+click for another; or arrows, Shift+arrows, Ctrl+arrows and Space."
)


class LayerPicker(QWidget):
    """Layer L on top, layer 0 (the embeddings) at the bottom; at least one stays chosen.

    Attributes:
        layers: The chosen layers, ascending.
        block_count: L, the number of blocks.

    Signals:
        changed(object): A person chose other layers (a tuple of int); once a gesture.
    """

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._depth = 12
        self._bytes: float | None = None
        self._layers: tuple[int, ...] = (12,)
        self._scores: dict[int, float] = {}
        self._where = ""
        self._weights: dict[int, float] = {}
        self._cursor = 12
        self._anchor = 12
        self._hover = -1
        self._before: tuple[int, ...] = ()
        self._dragging = False
        describe(self, _NAME, _TOOLTIP)
        self.setToolTip("")  # each layer has its own, see `event`
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._announce()

    @property
    def layers(self) -> tuple[int, ...]:
        """Return the chosen layers, ascending."""
        return self._layers

    @property
    def block_count(self) -> int:
        """Return L, the number of blocks."""
        return self._depth

    @property
    def weights(self) -> dict[int, float]:
        """Return the shares of a learned mix on display, by layer."""
        return dict(self._weights)

    @property
    def cursor_layer(self) -> int:
        """Return the layer the keyboard is on."""
        return self._cursor

    def set_depth(self, depth: int, bytes_per_layer: float | None = None) -> None:
        """Show an encoder with L blocks; what is chosen beyond them is let go."""
        self._depth, self._bytes = depth, bytes_per_layer
        self._cursor = self._anchor = min(self._cursor, depth)
        self._layers = tuple(x for x in self._layers if x <= depth) or (depth,)
        self._scores = {}
        self._weights = {}
        self._announce()
        self.updateGeometry()
        self.update()

    def set_layers(self, layers: tuple[int, ...]) -> None:
        """Choose layers without a signal; negative ones count from the top as in Python."""
        counted = {x + self._depth + 1 if x < 0 else x for x in layers}
        kept = tuple(sorted(x for x in counted if 0 <= x <= self._depth)) or (self._depth,)
        self._layers = kept
        if self._cursor not in self._layers:
            self._cursor = self._anchor = self._layers[-1]
        self._announce()
        self.update()

    def set_scores(self, scores: dict[int, float] | None, where: str = "in a run") -> None:
        """Show what was reached with a layer (accuracy, 0 … 1) beside it, where it is known."""
        self._scores, self._where = dict(scores or {}), where
        self.update()

    def set_weights(self, weights: Mapping[int, float]) -> None:
        """Show what a learned mix makes of the layers (shares of 1) within their blocks."""
        if dict(weights) != self._weights:
            self._weights = dict(weights)
            self._announce()
            self.update()

    def row_rect(self, layer: int) -> QRectF:
        """Return where a layer is drawn."""
        height = self._row_height()
        return QRectF(0, (self._depth - layer) * height, self.width(), height)

    def layer_at(self, position: QPoint) -> int:
        """Return the layer under a point of the widget, the nearest one outside."""
        row = int(position.y() // self._row_height())
        return min(max(self._depth - row, 0), self._depth)

    def sizeHint(self) -> QSize:
        """Ask for comfortable rows."""
        row = self.fontMetrics().height() + spacing(2)
        return QSize(self.fontMetrics().averageCharWidth() * 28, row * (self._depth + 1))

    def minimumSizeHint(self) -> QSize:
        """Need rows in which the digits still fit."""
        row = QFontMetricsF(font_for("fixed-small")).height() + 1
        width = self.fontMetrics().averageCharWidth() * 12
        return QSize(width, round(row * (self._depth + 1)))

    def event(self, event: QEvent) -> bool:
        """Give each layer its own tooltip."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            words = self._words(self.layer_at(event.pos()))
            QToolTip.showText(event.globalPos(), plain_tooltip(f"{words}\n{_TOOLTIP}"), self)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag: as in any list, plain takes one, Shift a range, Ctrl toggles."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        layer = self.layer_at(event.position().toPoint())
        self._before = self._layers
        modifiers = event.modifiers()
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            self._take(set(_between(self._anchor, layer)))
        elif modifiers & Qt.KeyboardModifier.ControlModifier:
            self._anchor = layer
            self._take(set(self._layers) ^ {layer})
        else:
            self._anchor = layer
            self._take({layer})
        self._dragging = True
        self._cursor = layer
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Take the range from where the drag began."""
        layer = self.layer_at(event.position().toPoint())
        if self._dragging and layer != self._cursor:
            self._take(set(_between(self._anchor, layer)))
            self._cursor = layer
        if layer != self._hover:
            self._hover = layer
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the gesture: one signal, if anything changed."""
        if event.button() == Qt.MouseButton.LeftButton and self._dragging:
            self._dragging = False
            self._tell()

    def leaveEvent(self, event: QEvent) -> None:
        """Forget where the mouse was."""
        super().leaveEvent(event)
        self._hover = -1
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose with the arrows, extend with Shift; with Ctrl only move, and toggle with Space."""
        moves = {
            Qt.Key.Key_Up: self._cursor + 1,
            Qt.Key.Key_Down: self._cursor - 1,
            Qt.Key.Key_Home: self._depth,
            Qt.Key.Key_End: 0,
            Qt.Key.Key_PageUp: self._cursor + 4,
            Qt.Key.Key_PageDown: self._cursor - 4,
        }
        key = Qt.Key(event.key())
        self._before = self._layers
        modifiers = event.modifiers()
        if key in moves:
            self._cursor = min(max(moves[key], 0), self._depth)
            if modifiers & Qt.KeyboardModifier.ShiftModifier:
                self._take(set(_between(self._anchor, self._cursor)))
            elif not modifiers & Qt.KeyboardModifier.ControlModifier:
                self._anchor = self._cursor
                self._take({self._cursor})
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Select):
            self._take(set(self._layers) ^ {self._cursor})
            self._anchor = self._cursor
        else:
            super().keyPressEvent(event)
            return
        self._announce()
        self.update()
        self._tell()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the stack."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for layer in range(self._depth + 1):
            self._draw_layer(painter, layer)
        painter.end()

    def _draw_layer(self, painter: QPainter, layer: int) -> None:
        colours = theme_colours()
        row = self.row_rect(layer)
        digits = font_for("fixed" if row.height() >= self.fontMetrics().height() else "fixed-small")
        measure = QFontMetricsF(digits)
        number = QRectF(
            row.x(), row.y(), measure.horizontalAdvance("00") + spacing(1), row.height()
        )
        text(painter, number, str(layer), colours.muted, font=digits, align=RIGHT)
        scores = self._score_width(measure)
        gap = 1.0 if row.height() < 20 else 2.0
        block = QRectF(
            number.right() + spacing(2),
            row.y() + gap,
            row.width() - number.width() - spacing(2) - scores - spacing(0.5),
            row.height() - 2 * gap,
        )
        chosen = layer in self._layers
        fill = mix(colours.surface, colours.frozen, 1 if chosen else 0.12)
        if layer == self._hover:
            fill = mix(fill.name(), colours.text, 0.10)
        edge = mix(colours.surface, colours.frozen, 1.0 if chosen else 0.55)
        box(painter, block, fill=fill, line=pen(edge))
        ink = colours.surface if chosen else colours.muted
        name = "embeddings" if layer == 0 else f"block {layer}"
        inner = block.adjusted(spacing(2), 0, -spacing(2), 0)
        text(painter, inner, f"✓ {name}" if chosen else name, ink, font=font_for("small"))
        if layer in self._weights:
            self._draw_weight(painter, block, self._weights[layer], ink)
        if scores:
            self._draw_score(painter, layer, row, block.right() + spacing(2))
        if layer == self._cursor and self.hasFocus():
            focus_ring(painter, block.adjusted(-2, -1, 2, 1), colours)

    def _draw_weight(self, painter: QPainter, block: QRectF, share: float, ink: str) -> None:
        """Write a layer's weight at the right of its block, and draw it along the lower edge."""
        inner = block.adjusted(spacing(2), 0, -spacing(2), 0)
        text(painter, inner, f"{share:.0%}", ink, font=font_for("fixed-small"), align=RIGHT)
        strip = QRectF(block.left(), block.bottom() - 3, block.width() * share, 3)
        box(painter, strip, fill=theme_colours().trained, radius=1)

    def _draw_score(self, painter: QPainter, layer: int, row: QRectF, x: float) -> None:
        score = self._scores.get(layer)
        if score is None:
            return
        colours = theme_colours()
        best = score == max(self._scores.values())
        bar = QRectF(x, row.center().y() - spacing(0.75), spacing(7), spacing(1.5))
        box(painter, bar, fill=mix(colours.window, colours.text, 0.10), radius=2)
        full = QRectF(bar.x(), bar.y(), bar.width() * min(max(score, 0), 1), bar.height())
        box(painter, full, fill=colours.trained, radius=2)
        figure = QRectF(bar.right() + spacing(1), row.y(), row.right() - bar.right(), row.height())
        font = font_for("fixed-small")
        font.setBold(best)
        ink = colours.text if best else colours.muted
        text(painter, figure, f"{score:.3f}".lstrip("0") or "0", ink, font=font, align=LEFT)

    def _score_width(self, measure: QFontMetricsF) -> float:
        if not self._scores or self.width() < self.fontMetrics().averageCharWidth() * 22:
            return 0.0
        return spacing(2) + spacing(7) + spacing(1) + measure.horizontalAdvance("1.000")

    def _row_height(self) -> float:
        # Where there is room to spare the blocks do not swell into pillows.
        comfortable = self.fontMetrics().height() + spacing(3)
        return min(self.height() / (self._depth + 1), comfortable)

    def _take(self, layers: set[int]) -> None:
        """Choose layers, unless none would be left."""
        if layers:
            self._layers = tuple(sorted(layers))
            self._announce()
            self.update()

    def _tell(self) -> None:
        if self._layers != self._before:
            self.changed.emit(self._layers)

    def _words(self, layer: int) -> str:
        what = "the embeddings" if layer == 0 else f"output of block {layer} of {self._depth}"
        score, share = self._scores.get(layer), self._weights.get(layer)
        parts = [f"Layer {layer}: {what}", "chosen" if layer in self._layers else "not chosen"]
        if self._bytes is not None:
            parts.append(bytes_text(self._bytes))
        if share is not None:
            parts.append(f"weight {share:.3f} in the learned mix")
        if score is not None:
            parts.append(f"accuracy {score:.3f} {self._where}")
        return ", ".join(parts) + "."

    def _announce(self) -> None:
        chosen = ", ".join(str(x) for x in self._layers)
        self.setAccessibleDescription(
            f"Layers {chosen} of 0 to {self._depth} are chosen. {self._words(self._cursor)}"
        )


def _between(one: int, other: int) -> range:
    return range(min(one, other), max(one, other) + 1)
