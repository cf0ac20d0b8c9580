"""What hand-painted widgets share: pens, cut texts, small shapes."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from fineview.ui.theme import Colours

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
CENTRE = Qt.AlignmentFlag.AlignCenter


def pen(
    colour: str | QColor,
    width: float = 1.0,
    style: Qt.PenStyle = Qt.PenStyle.SolidLine,
    *,
    dashes: tuple[float, ...] = (),
) -> QPen:
    """Return a pen with round joins; `dashes` are in units of the width."""
    result = QPen(QColor(colour), width, style, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.RoundJoin)
    if dashes:
        result.setDashPattern(list(dashes))
    return result


def box(
    painter: QPainter,
    rect: QRectF,
    *,
    fill: str | QColor | None = None,
    line: QPen | None = None,
    radius: float = 4.0,
) -> None:
    """Draw a rounded rectangle whose outline lies inside `rect`."""
    painter.setPen(line if line is not None else Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(QColor(fill)) if fill is not None else Qt.BrushStyle.NoBrush)
    inset = line.widthF() / 2 if line is not None else 0.0
    painter.drawRoundedRect(rect.adjusted(inset, inset, -inset, -inset), radius, radius)


def text(
    painter: QPainter,
    rect: QRectF,
    words: str,
    colour: str | QColor,
    *,
    font: QFont | None = None,
    align: Qt.AlignmentFlag = LEFT,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> bool:
    """Draw one line of literal text, cut with "…" where it does not fit.

    Returns:
        Whether all of it was drawn.
    """
    if font is not None:
        painter.setFont(font)
    painter.setPen(QColor(colour))
    shown = QFontMetricsF(painter.font()).elidedText(words, elide, rect.width() + 0.5)
    flags = align | Qt.TextFlag.TextSingleLine | Qt.TextFlag.TextDontClip
    painter.drawText(rect, flags, shown)
    return shown == words


def arrow(painter: QPainter, start: QPointF, end: QPointF, colour: str, width: float = 1.6) -> None:
    """Draw a horizontal arrow."""
    size = width * 2.6
    painter.setPen(pen(colour, width))
    painter.drawLine(start, QPointF(end.x() - size, end.y()))
    arrow_head(painter, end, colour, size)


def arrow_head(painter: QPainter, tip: QPointF, colour: str, size: float) -> None:
    """Draw a filled arrow head that points to the right."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(QColor(colour)))
    painter.drawPolygon(
        QPolygonF(
            [
                tip,
                QPointF(tip.x() - size * 1.3, tip.y() - size * 0.8),
                QPointF(tip.x() - size * 1.3, tip.y() + size * 0.8),
            ]
        )
    )


def lock(painter: QPainter, rect: QRectF, colour: str) -> None:
    """Draw a closed padlock: weights that do not move."""
    body = QRectF(
        rect.x() + rect.width() * 0.18,
        rect.y() + rect.height() * 0.45,
        rect.width() * 0.64,
        rect.height() * 0.47,
    )
    shackle = QRectF(
        rect.x() + rect.width() * 0.30,
        rect.y() + rect.height() * 0.10,
        rect.width() * 0.40,
        rect.height() * 0.66,
    )
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(colour, max(rect.width() * 0.11, 1.0)))
    painter.drawArc(shackle, 0, 180 * 16)
    box(painter, body, fill=colour, radius=rect.width() * 0.08)


def focus_ring(painter: QPainter, rect: QRectF, colours: Colours, radius: float = 4.0) -> None:
    """Draw the outline that shows where the keyboard is."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(colours.accent, 2))
    painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), radius, radius)


def slanted_arrow(
    painter: QPainter,
    start: QPointF,
    end: QPointF,
    colour: str | QColor,
    short: float = 0.0,
    *,
    width: float = 2.0,
    head: float = 8.0,
) -> None:
    """Draw an arrow from any point to any other.

    Args:
        painter: Where.
        start: From here.
        end: To here.
        colour: Of line and head.
        short: By so many pixels it ends before, at the edge of the point it goes to.
        width: Of the line.
        head: Length of the head, pixels.
    """
    along = end - start
    length = (along.x() ** 2 + along.y() ** 2) ** 0.5
    if length < 1:
        return
    unit = along / length
    tip = end - unit * short
    across = QPointF(-unit.y(), unit.x())
    painter.setPen(pen(colour, width))
    painter.drawLine(start, tip - unit * head * 0.8)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    back = tip - unit * head
    painter.drawPolygon(QPolygonF([tip, back + across * head * 0.55, back - across * head * 0.55]))
