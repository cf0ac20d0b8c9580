"""The cells of a confusion matrix, painted by hand."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from fineview.ui.plots.heat import heat
from fineview.ui.theme import font_for, ink_on, mix, spacing, theme_colours
from fineview.ui.widgets.format import count_text, percent_text
from fineview.ui.widgets.labels import plain_tooltip
from fineview.ui.widgets.painting import CENTRE, LEFT, RIGHT, box, pen, text

Counts = NDArray[np.int64]


class ConfusionCanvas(QWidget):
    """The cells: a row for each true label, a column for each predicted one.

    Signals:
        cell_clicked(int, int): A cell was clicked, or Enter pressed on it: (true, predicted).
    """

    cell_clicked = Signal(int, int)

    def __init__(self, empty: str) -> None:
        super().__init__()
        self._empty = empty
        self.counts: Counts = np.zeros((0, 0), dtype=np.int64)
        self.classes: tuple[str, ...] = ()
        self.percent = False
        self._cursor = (0, 0)
        self._hover: tuple[int, int] | None = None
        self.dimmed = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """Ask for a square of legible cells."""
        side = self.fontMetrics().height() * (6 + 2 * min(max(len(self.classes), 2), 14))
        return QSize(round(side * 1.25), side)

    def minimumSizeHint(self) -> QSize:
        """Need little: small cells lose their numbers, not their colours."""
        side = self.fontMetrics().height() * 7
        return QSize(round(side * 1.4), side)

    def show_matrix(self, counts: Counts, classes: tuple[str, ...]) -> None:
        """Show another matrix."""
        self.counts, self.classes = counts, classes
        last = max(len(classes) - 1, 0)
        self._cursor = (min(self._cursor[0], last), min(self._cursor[1], last))
        self.announce()
        self.updateGeometry()
        self.update()

    def shares(self) -> NDArray[np.float64]:
        """Return each cell as a share of its row; a row without texts is all 0."""
        sums = self.counts.sum(axis=1, keepdims=True)
        shares: NDArray[np.float64] = self.counts / np.maximum(sums, 1)
        return shares

    def cell_rect(self, true: int, predicted: int) -> QRectF:
        """Return where a cell is drawn."""
        grid = self._grid()
        count = max(len(self.classes), 1)
        wide, high = grid.width() / count, grid.height() / count
        return QRectF(grid.left() + predicted * wide, grid.top() + true * high, wide, high)

    def cell_words(self, true: int, predicted: int) -> str:
        """Return a cell in words."""
        count = int(self.counts[true, predicted])
        share = percent_text(float(self.shares()[true, predicted]))
        texts = "text" if count == 1 else "texts"
        verdict = "right" if true == predicted else f"taken for {self.classes[predicted]}"
        return f"{self.classes[true]}: {count_text(count)} {texts}, {share} of them, {verdict}."

    def event(self, event: QEvent) -> bool:
        """Say in words what is under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            cell = self._cell_at(event.pos())
            if cell is None:
                QToolTip.hideText()
            else:
                words = f"{self.cell_words(*cell)}\nClick to read them."
                QToolTip.showText(event.globalPos(), plain_tooltip(words), self)
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Outline the cell under the mouse."""
        cell = self._cell_at(event.position().toPoint())
        if cell != self._hover:
            self._hover = cell
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the mouse."""
        super().leaveEvent(event)
        self._hover = None
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell which cell was clicked."""
        cell = self._cell_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None:
            self._cursor = cell
            self.announce()
            self.cell_clicked.emit(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk with the arrows, open with Enter."""
        steps = {
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
        }
        key = Qt.Key(event.key())
        last = len(self.classes) - 1
        if key in steps and last >= 0:
            true, predicted = (
                min(max(a + b, 0), last) for a, b in zip(self._cursor, steps[key], strict=True)
            )
            self._cursor = (true, predicted)
            self.announce()
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and last >= 0:
            self.cell_clicked.emit(*self._cursor)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the cells and the names around them."""
        colours = theme_colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.classes:
            flags = CENTRE | Qt.TextFlag.TextWordWrap
            painter.setFont(font_for("small"))
            painter.setPen(colours.muted)
            painter.drawText(QRectF(self.rect()).adjusted(20, 0, -20, 0), flags, self._empty)
        else:
            painter.setOpacity(0.45 if self.dimmed else 1.0)
            self._draw_cells(painter)
            self._draw_names(painter)
            if self._has_scale():
                self._draw_scale(painter)
        painter.end()

    def announce(self) -> None:
        """Put what the keyboard is on into words."""
        words = self.cell_words(*self._cursor) if self.classes else self._empty
        self.setAccessibleDescription(words)

    def _draw_cells(self, painter: QPainter) -> None:
        colours = theme_colours()
        shares = self.shares()
        font = self._number_font()
        gap = 1.0 if len(self.classes) <= 30 else 0.0
        for true in range(len(self.classes)):
            for predicted in range(len(self.classes)):
                cell = self.cell_rect(true, predicted).adjusted(0, 0, -gap, -gap)
                count = int(self.counts[true, predicted])
                # Cells that never happen stay empty: what does happen is to be seen.
                ground = (
                    _colour(float(shares[true, predicted]))
                    if count
                    else mix(colours.surface, colours.text, 0.05)
                )
                painter.fillRect(cell, ground)
                if font is not None:
                    words = self._cell_text(count, float(shares[true, predicted]))
                    ink = ink_on(ground) if count else colours.muted
                    text(painter, cell, words, ink, font=font, align=CENTRE)
        if self._hover is not None:
            self._outline(painter, self._hover, 1.5)
        if self.hasFocus():
            self._outline(painter, self._cursor, 2.5)

    def _outline(self, painter: QPainter, cell: tuple[int, int], width: float) -> None:
        colours = theme_colours()
        rect = self.cell_rect(*cell).adjusted(0, 0, -1, -1)
        box(painter, rect.adjusted(-1, -1, 1, 1), line=pen(colours.surface, width + 2), radius=1)
        box(painter, rect, line=pen(colours.accent, width), radius=1)

    def _cell_text(self, count: int, share: float) -> str:
        return (f"{share * 100:.0f}" if count else "0") if self.percent else count_text(count)

    def _number_font(self) -> QFont | None:
        """Return the largest font in which every number fits its cell, None where none does."""
        if not self.classes:
            return None
        cell = self.cell_rect(0, 0)
        longest = max((self._cell_text(int(c), 1.0) for c in np.unique(self.counts)), key=len)
        for role in ("fixed", "fixed-small"):
            font = font_for("fixed" if role == "fixed" else "fixed-small")
            measure = QFontMetricsF(font)
            if measure.horizontalAdvance(longest) + 3 <= cell.width() and (
                measure.height() <= cell.height()
            ):
                return font
        return None

    def _draw_names(self, painter: QPainter) -> None:
        colours = theme_colours()
        grid = self._grid()
        font = font_for("small")
        height = QFontMetricsF(font).height()
        cell = self.cell_rect(0, 0)
        every = max(int(np.ceil(height / max(cell.height(), 1))), 1)
        for index in range(0, len(self.classes), every):
            row = self.cell_rect(index, 0)
            y = max(row.center().y() - height / 2, 0)
            area = QRectF(height + spacing(1), y, 0, height)
            area.setRight(grid.left() - spacing(1.5))
            text(painter, area, self.classes[index], colours.text, font=font, align=RIGHT)
        self._draw_column_names(painter, font, height)
        axis = font_for("small")
        axis.setBold(True)
        below = QRectF(grid.left(), self.height() - height, grid.width(), height)
        text(painter, below, "predicted", colours.muted, font=axis, align=CENTRE)
        painter.save()
        painter.translate(height / 2, grid.center().y())
        painter.rotate(-90)
        area = QRectF(-grid.height() / 2, -height / 2, grid.height(), height)
        text(painter, area, "true", colours.muted, font=axis, align=CENTRE)
        painter.restore()

    def _draw_column_names(self, painter: QPainter, font: QFont, height: float) -> None:
        colours = theme_colours()
        grid = self._grid()
        top = grid.bottom() + spacing(1)
        room = self.height() - height - spacing(0.5) - top
        if not self._rotated():
            for index, name in enumerate(self.classes):
                cell = self.cell_rect(0, index)
                area = QRectF(cell.left() + 1, top, cell.width() - 2, height)
                text(painter, area, name, colours.text, font=font, align=CENTRE)
            return
        every = max(int(np.ceil(height / max(self.cell_rect(0, 0).width(), 1))), 1)
        for index in range(0, len(self.classes), every):
            painter.save()
            painter.translate(self.cell_rect(0, index).center().x(), top)
            painter.rotate(90)
            area = QRectF(0, -height / 2, room, height)
            text(painter, area, self.classes[index], colours.text, font=font, align=LEFT)
            painter.restore()

    def _draw_scale(self, painter: QPainter) -> None:
        """Draw what the colours mean: a share of the row."""
        colours = theme_colours()
        grid = self._grid()
        wide = spacing(2)
        bar = QRectF(grid.right() + spacing(3), grid.top(), wide, grid.height())
        steps = max(round(bar.height()), 2)
        for step in range(steps):
            line = QRectF(bar.left(), bar.bottom() - (step + 1) * bar.height() / steps, wide, 1.5)
            painter.fillRect(line, _colour(step / (steps - 1)))
        font = font_for("small")
        height = QFontMetricsF(font).height()
        right = self.width() - bar.right() - spacing(1)
        for share, words in ((1.0, "100 %"), (0.5, "50"), (0.0, "0")):
            y = bar.bottom() - share * bar.height()
            y = min(max(y - height / 2, bar.top()), bar.bottom() - height)
            area = QRectF(bar.right() + spacing(1), y, right, height)
            text(painter, area, words, colours.muted, font=font, align=LEFT)

    def _grid(self) -> QRectF:
        """Return where the cells go: what the names leave."""
        measure = QFontMetricsF(font_for("small"))
        names = [measure.horizontalAdvance(name) for name in self.classes] or [0.0]
        left = measure.height() + spacing(2.5) + min(max(names), self.width() * 0.28)
        scale = spacing(6) + measure.horizontalAdvance("100 %") + 2
        right = scale if self._has_scale() else 2
        below = measure.height() + spacing(1.5)
        below += min(max(names), self.height() * 0.26) if self._rotated() else measure.height()
        return QRectF(
            left, 1, max(self.width() - left - right, 4), max(self.height() - below - 2, 4)
        )

    def _has_scale(self) -> bool:
        """Return whether there is room to spare for the scale of colours."""
        return self.width() > self.fontMetrics().averageCharWidth() * 45

    def _rotated(self) -> bool:
        """Return whether the names of the columns are too long to lie under them."""
        measure = QFontMetricsF(font_for("small"))
        names = [measure.horizontalAdvance(name) for name in self.classes] or [0.0]
        room = (self.width() * 0.85 - min(max(names), self.width() * 0.28)) / max(len(names), 1)
        return max(names) > room - 4

    def _cell_at(self, position: QPoint) -> tuple[int, int] | None:
        grid = self._grid()
        count = len(self.classes)
        if not count or not grid.contains(position):
            return None
        true = int((position.y() - grid.top()) / grid.height() * count)
        predicted = int((position.x() - grid.left()) / grid.width() * count)
        return min(true, count - 1), min(predicted, count - 1)


def _colour(share: float) -> QColor:
    """Return the colour of a cell that does happen, apart from the ground in both themes."""
    return heat(0.1 + 0.9 * share)
