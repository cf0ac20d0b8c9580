"""The legend of a curve plot: a line sample and a name, to click."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from fineview.ui.plots.curve_items import DASHES
from fineview.ui.theme import spacing, theme_colours, use_font
from fineview.ui.widgets.flow import FlowLayout
from fineview.ui.widgets.labels import describe
from fineview.ui.widgets.painting import focus_ring, pen, text

_LONGEST = 28


class LegendItem(QAbstractButton):
    """One curve; unchecked means hidden."""

    def __init__(self, key: str, name: str, colour: str, dashed: bool) -> None:
        super().__init__()
        self.key = key
        self.colour = colour
        self.dashed = dashed
        use_font(self, "small")
        self.setCheckable(True)
        self.setChecked(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_name(name)

    def set_name(self, name: str) -> None:
        """Show another name."""
        self.setText(name)
        describe(self, f"Curve {name}", f"{name}: click to hide or show this curve.")
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Ask for room for the name, up to a length."""
        metrics = self.fontMetrics()
        words = min(metrics.horizontalAdvance(self.text()), metrics.averageCharWidth() * _LONGEST)
        return QSize(words + spacing(9), metrics.height() + spacing(1))

    def minimumSizeHint(self) -> QSize:
        """Need the sample and some letters."""
        metrics = self.fontMetrics()
        few = min(metrics.horizontalAdvance(self.text()), metrics.averageCharWidth() * 8)
        return QSize(few + spacing(9), metrics.height() + spacing(1))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the sample and the name, struck out where the curve is hidden."""
        colours = theme_colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if self.hasFocus():
            focus_ring(painter, area, colours)
        if not self.isChecked():
            painter.setOpacity(0.5)
        y = area.center().y()
        line = pen(self.colour, 2, dashes=DASHES if self.dashed else ())
        painter.setPen(line)
        painter.drawLine(QPointF(spacing(1), y), QPointF(spacing(7), y))
        words = area.adjusted(spacing(8), 0, -spacing(0.5), 0)
        font = self.font()
        font.setStrikeOut(not self.isChecked())
        ink = colours.text if self.underMouse() else colours.muted
        text(painter, words, self.text(), ink, font=font)
        painter.end()


class CurveLegend(QWidget):
    """Legend items in lines.

    Signals:
        toggled(str, bool): A curve is to be shown or hidden.
    """

    toggled = Signal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self._items: dict[str, LegendItem] = {}
        self._flow = FlowLayout(self, gap=spacing(2))
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_item(self, key: str, name: str, colour: str, *, dashed: bool) -> None:
        """Show or renew the entry of a curve."""
        item = self._items.get(key)
        if item is None:
            item = LegendItem(key, name, colour, dashed)
            item.clicked.connect(self._on_clicked)
            self._items[key] = item
            self._flow.addWidget(item)
        elif (item.text(), item.colour, item.dashed) != (name, colour, dashed):
            if item.text() != name:
                item.set_name(name)
            item.colour, item.dashed = colour, dashed
            item.update()

    def remove(self, key: str) -> None:
        """Drop the entry of a curve."""
        item = self._items.pop(key, None)
        if item is not None:
            self._flow.removeWidget(item)
            item.hide()
            item.deleteLater()

    def item(self, key: str) -> QAbstractButton:
        """Return the button of a curve."""
        return self._items[key]

    @Slot()
    def _on_clicked(self) -> None:
        item = self.sender()
        if isinstance(item, LegendItem):
            self.toggled.emit(item.key, item.isChecked())
