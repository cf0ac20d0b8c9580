"""A titled part of a panel that folds."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from fineview.ui.theme import mix, spacing, theme_colours
from fineview.ui.widgets.labels import describe
from fineview.ui.widgets.painting import box, focus_ring, text


class _Header(QAbstractButton):
    """The line that folds and unfolds."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setText(title)
        self.setCheckable(True)
        self.setChecked(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        describe(self, title, f"Folds or unfolds “{title}” – the state is remembered.")

    def sizeHint(self) -> QSize:
        font = self.font()
        font.setBold(True)
        metrics = self.fontMetrics()
        width = metrics.horizontalAdvance(self.text()) * 1.15 + spacing(6)
        return QSize(round(width), metrics.height() + spacing(1.5))

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = theme_colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if self.underMouse():
            box(painter, area, fill=mix(colours.window, colours.text, 0.05))
        side = self.fontMetrics().height() * 0.55
        centre = QPointF(spacing(1) + side / 2, area.center().y())
        a, b = side * 0.5, side * 0.3
        points = [(-a, -b), (a, -b), (0, b)] if self.isChecked() else [(-b, -a), (-b, a), (b, 0)]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.muted))
        painter.drawPolygon(QPolygonF([centre + QPointF(x, y) for x, y in points]))
        font = self.font()
        font.setBold(True)
        words = area.adjusted(spacing(2) + side, 0, 0, 0)
        text(painter, words, self.text(), colours.text, font=font)
        if self.hasFocus():
            focus_ring(painter, area, colours)
        painter.end()


class Section(QWidget):
    """A header, and a body that is there or not.

    Attributes:
        body: The layout to fill.
        header: The button that folds.
        folded: Whether the body is hidden.

    Signals:
        toggled(bool): A person folded (True) or unfolded it.
    """

    toggled = Signal(bool)

    def __init__(self, title: str, *, folded: bool = False) -> None:
        super().__init__()
        self.header = _Header(title)
        self._inside = QWidget()
        self.body = QVBoxLayout(self._inside)
        self.body.setContentsMargins(0, spacing(1), 0, spacing(2))
        self.body.setSpacing(spacing(2))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self._inside)
        self.setAccessibleName(title)
        self.header.clicked.connect(self._on_clicked)
        self.set_folded(folded)

    @property
    def title(self) -> str:
        """Return the words of the header; they name the section when its state is remembered."""
        return self.header.text()

    @property
    def folded(self) -> bool:
        """Return whether the body is hidden."""
        return not self.header.isChecked()

    def set_folded(self, folded: bool) -> None:
        """Hide or show the body, without a signal."""
        self.header.setChecked(not folded)
        self._inside.setVisible(not folded)
        self.header.setAccessibleDescription("folded" if folded else "unfolded")

    @Slot()
    def _on_clicked(self) -> None:
        self.set_folded(self.folded)
        self.toggled.emit(self.folded)
