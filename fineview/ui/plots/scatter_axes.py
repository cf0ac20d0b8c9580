"""The names of a scatter plot's axes."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from fineview.ui.theme import font_for, theme_colours
from fineview.ui.widgets.painting import CENTRE, text


def name_axes(painter: QPainter, area: QRectF, below: float, axes: tuple[str, ...]) -> None:
    """Write the names below and beside the area; a turned view names all three below.

    Args:
        painter: Draws.
        area: Where the points are.
        below: Room under the area, pixels.
        axes: Two or three names.
    """
    colours, font = theme_colours(), font_for("small")
    under = QRectF(area.left(), area.bottom(), area.width(), below)
    if len(axes) == 3:
        words = "turned view of " + " · ".join(axes)
        text(painter, under, words, colours.muted, font=font, align=CENTRE)
        return
    text(painter, under, axes[0], colours.muted, font=font, align=CENTRE)
    painter.save()
    painter.translate(area.left() / 2, area.center().y())
    painter.rotate(-90)
    beside = QRectF(-area.height() / 2, -area.left() / 2, area.height(), area.left())
    text(painter, beside, axes[1], colours.muted, font=font, align=CENTRE)
    painter.restore()
