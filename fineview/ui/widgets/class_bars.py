"""How often each class occurs in each split: a table whose cells are bars."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QSizePolicy, QToolTip

from fineview.ui.theme import font_for, mix, spacing, theme_colours
from fineview.ui.widgets.format import count_text, percent_text
from fineview.ui.widgets.labels import plain_tooltip
from fineview.ui.widgets.painting import LEFT, RIGHT, box, focus_ring, text

_MOST_LINES = 12


class ClassBars(QAbstractScrollArea):
    """A line a class, a column a split; scrolls from the thirteenth class on.

    Only the lines in sight are drawn.

    Attributes:
        classes: Names of the lines.
        columns: (split, counts) of the columns.
    """

    def __init__(self, name: str = "Classes by split") -> None:
        super().__init__()
        self.classes: tuple[str, ...] = ()
        self.columns: tuple[tuple[str, tuple[int, ...]], ...] = ()
        self._stale = False
        self._most = 1.0
        self._widest = self._figures = 0.0
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def set_counts(
        self, classes: Sequence[str], columns: Sequence[tuple[str, Sequence[int]]]
    ) -> None:
        """Show counts.

        Args:
            classes: C names.
            columns: (split, C counts) from left to right.
        """
        self.classes = tuple(classes)
        self.columns = tuple((name, tuple(counts)) for name, counts in columns)
        self._stale = False
        shares = [n / max(sum(counts), 1) for _, counts in self.columns for n in counts]
        self._most = max([*shares, 1e-9])
        said = "; ".join(
            f"{name}: " + ", ".join(f"{c} {n}" for c, n in list(zip(classes, counts))[:20])  # noqa: B905
            for name, counts in self.columns
        )
        self.setAccessibleDescription(said)
        scrolls = len(self.classes) > _MOST_LINES
        policy = Qt.FocusPolicy.StrongFocus if scrolls else Qt.FocusPolicy.NoFocus
        self.setFocusPolicy(policy)
        self._measure()
        self.updateGeometry()
        self.viewport().update()

    def set_stale(self, stale: bool) -> None:
        """Dim what no longer belongs to the settings."""
        self._stale = stale
        self.viewport().update()

    def table(self) -> tuple[Sequence[str], Sequence[Sequence[str | int]]]:
        """Return header and rows, for the clipboard."""
        rows: list[tuple[str | int, ...]] = [
            (name, *(counts[i] for _, counts in self.columns))
            for i, name in enumerate(self.classes)
        ]
        return ("class", *(name for name, _ in self.columns)), rows

    def sizeHint(self) -> QSize:
        """Ask for the header and up to twelve lines."""
        lines = min(max(len(self.classes), 1), _MOST_LINES) + 1
        return QSize(self.fontMetrics().averageCharWidth() * 46, lines * self._line())

    def minimumSizeHint(self) -> QSize:
        """Need short names and counts."""
        return QSize(self.fontMetrics().averageCharWidth() * 30, self.sizeHint().height())

    def changeEvent(self, event: QEvent) -> None:
        """Follow the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._measure()
            self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Scroll over what does not fit."""
        super().resizeEvent(event)
        self._measure()

    def viewportEvent(self, event: QEvent) -> bool:
        """Tell a line in full where the mouse rests."""
        if isinstance(event, QHelpEvent):
            row = self._row_at(event.pos().y())
            words = self._said(row) if row is not None else ""
            QToolTip.showText(event.globalPos(), plain_tooltip(words), self.viewport())
            return True
        return bool(super().viewportEvent(event))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the header and the lines in sight."""
        colours = theme_colours()
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._stale:
            painter.setOpacity(0.45)
        line, width = self._line(), self.viewport().width()
        label = min(self._widest + spacing(2), width * 0.34)
        step = (width - label) / max(len(self.columns), 1)
        top = self.verticalScrollBar().value()
        first = top // line
        last = min((top + self.viewport().height()) // line + 1, len(self.classes))
        painter.save()
        painter.setClipRect(QRectF(0, line, width, self.viewport().height() - line))
        for row in range(first, last):
            y = (row + 1) * line - top
            area = QRectF(0, y, label - spacing(2), line)
            text(painter, area, self.classes[row], colours.text, font=self.font())
            for at, (_, counts) in enumerate(self.columns):
                cell = QRectF(label + at * step, y, step - spacing(1), line)
                self._cell(painter, cell, counts[row], max(sum(counts), 1), at)
        painter.restore()
        small = font_for("small")
        for at, (name, counts) in enumerate(self.columns):
            area = QRectF(label + at * step, 0, step - spacing(1), line)
            words = f"{name} {count_text(sum(counts))}"
            if QFontMetricsF(small).horizontalAdvance(words) > area.width():
                words = name
            text(painter, area, words, colours.muted, font=small, align=RIGHT)
        text(painter, QRectF(0, 0, label, line), "class", colours.muted, font=small, align=LEFT)
        if self.hasFocus():
            focus_ring(painter, QRectF(self.viewport().rect()), colours)
        painter.end()

    def _cell(self, painter: QPainter, cell: QRectF, count: int, total: int, at: int) -> None:
        colours = theme_colours()
        share = count / total
        hue = (colours.train_curve, colours.validation_curve, colours.accent)[at % 3]
        track = cell.adjusted(0, spacing(0.5), 0, -spacing(0.5))
        box(painter, track, fill=mix(colours.surface, colours.text, 0.05), radius=2)
        if count:
            full = QRectF(track)
            full.setWidth(max(track.width() * share / self._most, 2.0))
            box(painter, full, fill=mix(colours.surface, hue, 0.42), radius=2)
        digits = font_for("fixed-small")
        inner = cell.adjusted(spacing(1), 0, -spacing(1), 0)
        if not count:
            text(painter, inner, "! none", colours.warning, font=font_for("small"), align=RIGHT)
            return
        words = _figures(count, share) if self._with_shares(inner.width()) else count_text(count)
        text(painter, inner, words, colours.text, font=digits, align=RIGHT)

    def _with_shares(self, width: float) -> bool:
        """Return whether counts and shares fit: in all cells or in none."""
        return self._figures <= width

    def _line(self) -> int:
        return self.fontMetrics().height() + spacing(1.5)

    def _measure(self) -> None:
        metrics = QFontMetricsF(self.font())
        names = self.classes[:200]
        digits = QFontMetricsF(font_for("fixed-small"))
        self._figures = max(
            (
                digits.horizontalAdvance(_figures(n, n / max(sum(counts), 1)))
                for _, counts in self.columns
                for n in counts[:200]
            ),
            default=0.0,
        )
        self._widest = max((metrics.horizontalAdvance(n[:60]) for n in names), default=0.0)
        page = self.viewport().height() - self._line()
        bar = self.verticalScrollBar()
        bar.setRange(0, max(len(self.classes) * self._line() - page, 0))
        bar.setPageStep(max(page, 1))
        bar.setSingleStep(self._line())

    def _row_at(self, y: int) -> int | None:
        row = (y + self.verticalScrollBar().value()) // self._line() - 1
        return row if y >= self._line() and 0 <= row < len(self.classes) else None

    def _said(self, row: int) -> str:
        lines = [self.classes[row][:500]]
        for name, counts in self.columns:
            share = percent_text(counts[row] / max(sum(counts), 1))
            lines.append(f"{name}: {count_text(counts[row])} ({share})")
        return "\n".join(lines)


def _figures(count: int, share: float) -> str:
    """Return a count and its share in whole percent: "56 · 17 %"."""
    percent = "<1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"
    return f"{count_text(count)} · {percent}"
