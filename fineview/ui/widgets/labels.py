"""Labels that show text from data as it is, and the words every control must carry."""

from html import escape

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from fineview.ui.theme import FontRole, theme_colours, use_font


def plain_tooltip(text: str) -> str:
    """Return a tooltip that shows `text` literally and wraps it; Qt would guess at HTML."""
    return f"<qt>{escape(text)}</qt>".replace("\n", "<br>") if text else ""


def describe(widget: QWidget, name: str, tooltip: str) -> None:
    """Give a control its accessible name, and its tooltip as accessible description too."""
    widget.setAccessibleName(name)
    widget.setToolTip(plain_tooltip(tooltip))
    widget.setAccessibleDescription(tooltip)


def plain_label(text: str = "", role: FontRole = "body", *, wrap: bool = False) -> QLabel:
    """Return a label that never reads its text as markup."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(text)
    label.setWordWrap(wrap)
    use_font(label, role)
    return label


class ElidedLabel(QWidget):
    """One line of plain text that gives way: cut with "…", whole in the tooltip.

    Attributes:
        text: The whole text.
    """

    def __init__(
        self, text: str = "", role: FontRole = "body", *, muted: bool = False, bold: bool = False
    ) -> None:
        super().__init__()
        self._text = ""
        self._muted = muted
        self._bold = bold
        use_font(self, role)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_text(text)

    @property
    def text(self) -> str:
        """Return the whole text."""
        return self._text

    def set_text(self, text: str) -> None:
        """Show another text."""
        if text != self._text:
            self._text = text
            self.setAccessibleName(text)
            self.updateGeometry()
            self.update()
            self._renew_tooltip()

    def sizeHint(self) -> QSize:
        """Ask for room for the whole text."""
        metrics = QFontMetrics(self._face())
        return QSize(metrics.horizontalAdvance(self._text) + 2, metrics.height())

    def minimumSizeHint(self) -> QSize:
        """Need no more than a few letters."""
        metrics = self.fontMetrics()
        few = metrics.averageCharWidth() * 4
        return QSize(min(few, self.sizeHint().width()), metrics.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the text, cut at the right where it does not fit."""
        colours = theme_colours()
        painter = QPainter(self)
        painter.setFont(self._face())
        painter.setPen(colours.muted if self._muted else colours.text)
        text = painter.fontMetrics().elidedText(
            self._text, Qt.TextElideMode.ElideRight, self.width()
        )
        painter.drawText(
            self.rect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text
        )
        painter.end()

    def resizeEvent(self, _event: object) -> None:
        """Show the tooltip only where something is cut."""
        self._renew_tooltip()

    def _face(self) -> QFont:
        font = self.font()
        font.setBold(self._bold)
        return font

    def _renew_tooltip(self) -> None:
        cut = self.sizeHint().width() > self.width()
        self.setToolTip(plain_tooltip(self._text) if cut else "")
