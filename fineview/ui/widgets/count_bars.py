"""How often each class occurs: a bar and a figure a class."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from fineview.ui.theme import category_colour, font_for, mix, spacing, theme_colours
from fineview.ui.widgets.format import count_text, percent_text
from fineview.ui.widgets.labels import plain_tooltip
from fineview.ui.widgets.painting import LEFT, RIGHT, box, text

_HUE = 2
"""As the label's column."""


class CountBars(QWidget):
    """Classes from top to bottom, as they are ordered; only what is in sight is drawn.

    Attributes:
        rows: (class, count) of each line.
    """

    def __init__(self, name: str = "Classes") -> None:
        super().__init__()
        self._rows: tuple[tuple[str, int], ...] = ()
        self._most = self._total = 1
        self._widest = 0.0
        self._name = name
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

    @property
    def rows(self) -> tuple[tuple[str, int], ...]:
        """Return what is drawn."""
        return self._rows

    def set_counts(self, names: Sequence[str], counts: Sequence[int]) -> None:
        """Show other classes."""
        self._rows = tuple(zip(names, counts, strict=True))
        self._most = max(max(counts, default=1), 1)
        self._total = max(sum(counts), 1)
        self._measure()
        said = ", ".join(f"{name} {count}" for name, count in self._rows[:20])
        self.setAccessibleDescription(said)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for a line a class."""
        return QSize(
            self.fontMetrics().averageCharWidth() * 40, len(self._rows) * self._line_height()
        )

    def minimumSizeHint(self) -> QSize:
        """Need a short name, a short bar and a figure."""
        return QSize(self.fontMetrics().averageCharWidth() * 22, self.sizeHint().height())

    def changeEvent(self, event: QEvent) -> None:
        """Follow the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._measure()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lines in sight; dimmed where they are no longer true."""
        colours = theme_colours()
        painter = QPainter(self)
        painter.setOpacity(1.0 if self.isEnabled() else 0.45)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        digits = font_for("fixed-small")
        figures = QFontMetricsF(digits)
        figure = figures.horizontalAdvance(count_text(self._most)) + spacing(1)
        share = figures.horizontalAdvance("99.9 %") + spacing(2)
        height = self._line_height()
        label = min(self._widest + spacing(2), self.width() * 0.4)
        bar = max(self.width() - label - figure - share - spacing(1), 4)
        fill = mix(colours.surface, category_colour(_HUE), 0.75)
        ground = mix(colours.surface, colours.text, 0.06)
        first = max(event.rect().top() // height, 0)
        last = min(event.rect().bottom() // height + 1, len(self._rows))
        for index in range(first, last):
            name, count = self._rows[index]
            top = index * height
            area = QRectF(0, top, label - spacing(1), height)
            text(painter, area, name[:200], colours.text, font=self.font(), align=LEFT)
            inset = spacing(1.25)
            track = QRectF(label, top + inset, bar, height - 2 * inset)
            box(painter, track, fill=ground, radius=2)
            track.setWidth(max(bar * count / self._most, 1.5))
            box(painter, track, fill=fill, radius=2)
            right = QRectF(label + bar + spacing(1), top, figure, height)
            text(painter, right, count_text(count), colours.text, font=digits, align=RIGHT)
            right = QRectF(right.right(), top, share, height)
            words = percent_text(count / self._total)
            text(painter, right, words, colours.muted, font=digits, align=RIGHT)
        painter.end()

    def event(self, event: QEvent) -> bool:
        """Show the whole name under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = event.pos().y() // self._line_height()
            if 0 <= index < len(self._rows):
                name, count = self._rows[index]
                QToolTip.showText(
                    event.globalPos(), plain_tooltip(f"{name[:2000]}: {count_text(count)}"), self
                )
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def _measure(self) -> None:
        metrics = QFontMetricsF(self.font())
        names = [name[:80] for name, _count in self._rows[:200]]
        self._widest = max((metrics.horizontalAdvance(name) for name in names), default=0)
        self.setMinimumHeight(len(self._rows) * self._line_height())

    def _line_height(self) -> int:
        return self.fontMetrics().height() + spacing(1)
