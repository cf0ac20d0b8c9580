"""The legend of a scatter plot: marker and name of each group, to click; or a bar of colours."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from fineview.ui.plots.heat import heat
from fineview.ui.plots.scatter_ink import Ink
from fineview.ui.plots.scatter_marks import outline
from fineview.ui.theme import spacing, theme_colours, use_font
from fineview.ui.widgets.format import number_text
from fineview.ui.widgets.labels import describe
from fineview.ui.widgets.painting import focus_ring, text

_LETTERS = 20


class _Entry(QAbstractButton):
    """One group; unchecked means hidden."""

    isolated = Signal()

    def __init__(self, ink: Ink, group: int) -> None:
        super().__init__()
        self.place = group
        self._ink = ink
        use_font(self, "small")
        name = ink.names[group]
        self.setText(name)
        self.setCheckable(True)
        self.setChecked(group not in ink.hidden)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        describe(
            self,
            f"Group {name}",
            f"{name}: click hides or shows its points; Alt+click or a double click shows it alone.",
        )

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        words = min(metrics.horizontalAdvance(self.text()), metrics.averageCharWidth() * _LETTERS)
        return QSize(words + spacing(6), metrics.height() + spacing(1))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.setDown(False)
            self.isolated.emit()
        else:
            super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        self.isolated.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = theme_colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if self.hasFocus():
            focus_ring(painter, area, colours)
        painter.setOpacity(1.0 if self.isChecked() else 0.5)
        path = outline(self._ink.shape_of(self.place), 4.5)
        path.translate(spacing(2.5), area.center().y())
        painter.fillPath(path, QColor(self._ink.colour_of(self.place)))
        font = self.font()
        font.setStrikeOut(not self.isChecked())
        words = area.adjusted(spacing(5), 0, -spacing(0.5), 0)
        text(painter, words, self.text(), colours.text, font=font)
        painter.end()


class _ColourBar(QWidget):
    """What the colours of numbers mean."""

    def __init__(self, ink: Ink) -> None:
        super().__init__()
        self._ink = ink
        use_font(self, "small")
        low, high = ink.span()
        self.setAccessibleName(f"{ink.title}: {number_text(low)} to {number_text(high)}")

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        wide = max(metrics.horizontalAdvance(self._ink.title), metrics.averageCharWidth() * 10)
        return QSize(min(wide, metrics.averageCharWidth() * _LETTERS), metrics.height() * 10)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = theme_colours()
        painter = QPainter(self)
        line = self.fontMetrics().height()
        title = QRectF(0, 0, self.width(), line)
        text(painter, title, self._ink.title, colours.text, font=self.font())
        bar = QRectF(spacing(1), line * 1.5, spacing(3), line * 7)
        steps = round(bar.height())
        for step in range(steps):
            row = QRectF(bar.left(), bar.bottom() - step - 1, bar.width(), 1.5)
            painter.fillRect(row, heat(step / max(steps - 1, 1)))
        low, high = self._ink.span()
        for value, y in ((high, bar.top() - line / 2), (low, bar.bottom() - line / 2)):
            beside = QRectF(bar.right() + spacing(1), y, self.width() - bar.right(), line)
            text(painter, beside, number_text(value), colours.muted, font=self.font())
        painter.end()


class ScatterLegend(QScrollArea):
    """Entries below each other; many of them scroll.

    Signals:
        changed(): Other groups are hidden now.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._ink: Ink | None = None
        self._entries: list[_Entry] = []
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        describe(self, "Legend", "")

    def show_ink(self, ink: Ink) -> None:
        """Show what colours and markers stand for; nothing where nothing is told."""
        self._ink, self._entries = ink, []
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        if ink.values is not None:
            column.addWidget(_ColourBar(ink))
        else:
            for group in range(len(ink.names)):
                entry = _Entry(ink, group)
                entry.clicked.connect(self._on_clicked)
                entry.isolated.connect(self._on_isolated)
                self._entries.append(entry)
                column.addWidget(entry)
        column.addStretch(1)
        self.setWidget(inside)
        self.setFixedWidth(inside.sizeHint().width() + spacing(4))
        self.setVisible(bool(ink.names) or ink.values is not None)

    def entry(self, group: int) -> QAbstractButton:
        """Return the button of a group."""
        return self._entries[group]

    @Slot()
    def _on_clicked(self) -> None:
        entry = self.sender()
        if isinstance(entry, _Entry) and self._ink is not None:
            self._ink.hidden ^= {entry.place}
            self.changed.emit()

    @Slot()
    def _on_isolated(self) -> None:
        entry = self.sender()
        if not isinstance(entry, _Entry) or self._ink is None:
            return
        others = set(range(len(self._entries))) - {entry.place}
        self._ink.hidden = set() if self._ink.hidden == others else others
        for each in self._entries:
            each.setChecked(each.place not in self._ink.hidden)
        self.changed.emit()
