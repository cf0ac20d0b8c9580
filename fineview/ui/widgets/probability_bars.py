"""What the head believes: a bar for each label."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from fineview.ui.theme import font_for, mix, spacing, theme_colours
from fineview.ui.widgets.format import plural
from fineview.ui.widgets.labels import plain_tooltip
from fineview.ui.widgets.painting import LEFT, RIGHT, box, text


class ProbabilityBars(QWidget):
    """The most probable labels, best first, and the rest in one bar.

    Attributes:
        rows: What is drawn: (label, probability), the last one maybe "5 others".
    """

    def __init__(
        self,
        name: str = "Label probabilities",
        *,
        top: int = 6,
        empty: str = "Type an example to see what the head believes.",
    ) -> None:
        super().__init__()
        self._top = top
        self._empty = empty
        self._rows: list[tuple[str, float]] = []
        self._has_rest = False
        self._stale = False
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self._announce()

    @property
    def rows(self) -> tuple[tuple[str, float], ...]:
        """Return what is drawn."""
        return tuple(self._rows)

    def set_probabilities(self, probabilities: Sequence[tuple[str, float]]) -> None:
        """Show probabilities; none at all brings the empty state back."""
        ordered = sorted(probabilities, key=lambda pair: -pair[1])
        # One label more costs the same room as "1 other".
        self._has_rest = len(ordered) > self._top + 1
        self._rows = ordered[: self._top] if self._has_rest else ordered
        if self._has_rest:
            rest = ordered[self._top :]
            self._rows.append((plural(len(rest), "other"), sum(p for _, p in rest)))
        self._stale = False
        self._announce()
        self.updateGeometry()
        self.update()

    def set_stale(self, stale: bool) -> None:
        """Dim what no longer belongs to the text or the head."""
        self._stale = stale
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for a line a label."""
        lines = max(len(self._rows), 2)
        width = self.fontMetrics().averageCharWidth() * 34
        return QSize(width, lines * self._line_height())

    def minimumSizeHint(self) -> QSize:
        """Need a short label, a short bar and a number."""
        width = self.fontMetrics().averageCharWidth() * 18
        return QSize(width, max(len(self._rows), 1) * self._line_height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the bars."""
        colours = theme_colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._rows:
            painter.setFont(font_for("small"))
            painter.setPen(colours.muted)
            flags = LEFT | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()), flags, self._empty)
        elif self._stale:
            painter.setOpacity(0.45)
        digits = font_for("fixed-small")
        figure = QFontMetricsF(digits).horizontalAdvance("0.0000") + spacing(1)
        names = QFontMetricsF(self.font())
        # The bold face of the first line is a little wider.
        widest = max((names.horizontalAdvance(label) * 1.1 for label, _ in self._rows), default=0)
        label_width = min(widest + spacing(2), self.width() * 0.42)
        cut = False
        for index, (label, probability) in enumerate(self._rows):
            line = QRectF(0, index * self._line_height(), self.width(), self._line_height())
            rest = self._has_rest and index == len(self._rows) - 1
            ink = colours.muted if rest else colours.text
            font = self.font()
            font.setBold(index == 0)
            area = QRectF(0, line.y(), label_width - spacing(1), line.height())
            cut |= not text(painter, area, label, ink, font=font)
            track = QRectF(
                label_width,
                line.y() + spacing(1.25),
                max(line.width() - label_width - figure - spacing(1), 4),
                line.height() - spacing(2.5),
            )
            box(painter, track, fill=mix(colours.surface, colours.text, 0.07), radius=2)
            full = QRectF(track)
            full.setWidth(max(track.width() * min(max(probability, 0), 1), 1.5))
            colour = colours.trained if index == 0 else mix(colours.surface, colours.trained, 0.6)
            box(painter, full, fill=colours.muted if rest else colour, radius=2)
            number = QRectF(line.right() - figure, line.y(), figure, line.height())
            text(painter, number, _probability(probability), ink, font=digits, align=RIGHT)
        painter.end()
        words = "\n".join(f"{label}: {_probability(p)}" for label, p in self._rows)
        self.setToolTip(plain_tooltip(words) if cut else "")

    def _line_height(self) -> int:
        return self.fontMetrics().height() + spacing(1.5)

    def _announce(self) -> None:
        said = ", ".join(f"{label} {_probability(p)}" for label, p in self._rows)
        self.setAccessibleDescription(said or self._empty)


def _probability(value: float) -> str:
    """Return three significant digits as far as they are worth reading."""
    if 0 < value < 0.0005:
        return "<.0005"
    return "1.00" if value > 0.9995 else f"{value:.3f}".lstrip("0") if value else "0"
