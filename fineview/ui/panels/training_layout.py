"""Where the parts of the page "Train" stand."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from fineview.ui.theme import spacing
from fineview.ui.widgets.panel_area import SideColumn


def arranged(
    above: tuple[QWidget, QWidget],
    settings: QWidget,
    plots: QWidget,
    beside: tuple[QWidget, QWidget],
    below: QWidget,
) -> QWidget:
    """Return a page that holds the parts.

    Args:
        above: Over the whole width, one under the other.
        settings: At the left.
        plots: In the middle.
        beside: At the right, one under the other.
        below: Over the whole width.
    """
    right = QWidget()
    column = QVBoxLayout(right)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(spacing(2))
    for part, stretch in zip(beside, (1, 2), strict=True):
        column.addWidget(part, stretch)
    middle = QSplitter(Qt.Orientation.Horizontal)
    for part, stretch in ((SideColumn(settings), 0), (plots, 3), (right, 2)):
        middle.addWidget(part)
        middle.setStretchFactor(middle.count() - 1, stretch)
    middle.setChildrenCollapsible(False)
    middle.setHandleWidth(spacing(3))
    middle.setSizes([spacing(70), spacing(140), spacing(84)])
    lower = QSplitter(Qt.Orientation.Vertical)
    lower.addWidget(middle)
    lower.addWidget(below)
    lower.setStretchFactor(0, 5)
    lower.setStretchFactor(1, 1)
    lower.setChildrenCollapsible(False)
    page = QWidget()
    inside = QVBoxLayout(page)
    inside.setContentsMargins(0, 0, 0, 0)
    inside.setSpacing(spacing(2))
    for part in above:
        inside.addWidget(part)
    inside.addWidget(lower, 1)
    return page
