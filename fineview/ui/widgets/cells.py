"""Cells of tables: room at both sides, a calm selection, plain text."""

from typing import TypeVar

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from fineview.ui.theme import mix, spacing, theme_colours
from fineview.ui.widgets.painting import LEFT, text

Index = QModelIndex | QPersistentModelIndex
T = TypeVar("T")

HEADER_MARGIN = "\u00a0\u00a0"
"""Put around the titles of columns: the header has no other margin than a style sheet's."""


class CellDelegate(QStyledItemDelegate):
    """Draws a cell's text with a margin; the selection tints the row and leaves its colours be."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Calm the selection, and leave the text to `paint`."""
        super().initStyleOption(option, index)
        colours = theme_colours()
        tint = mix(colours.surface, colours.accent, 0.26 if colours.dark else 0.16)
        option.palette.setColor(QPalette.ColorRole.Highlight, tint)
        option.palette.setColor(QPalette.ColorRole.HighlightedText, QColor(colours.text))
        option.state &= ~QStyle.StateFlag.State_HasFocus
        option.text = ""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the ground and what Qt draws on it, then the text, elided."""
        super().paint(painter, option, index)
        words = index.data(Qt.ItemDataRole.DisplayRole)
        if not words:
            return
        ink = _of(index.data(Qt.ItemDataRole.ForegroundRole), QColor)
        align = _of(index.data(Qt.ItemDataRole.TextAlignmentRole), Qt.AlignmentFlag)
        font = _of(index.data(Qt.ItemDataRole.FontRole), QFont)
        area = QRectF(option.rect).adjusted(spacing(2), 0, -spacing(2), 0)
        painter.save()
        ground = ink if ink is not None else theme_colours().text
        text(painter, area, str(words), ground, font=font or option.font, align=align or LEFT)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Ask for the text and its margins."""
        hint = super().sizeHint(option, index)
        words = index.data(Qt.ItemDataRole.DisplayRole)
        if not words:
            return hint
        font = _of(index.data(Qt.ItemDataRole.FontRole), QFont) or option.font
        width = QFontMetricsF(font).horizontalAdvance(str(words)) + 2 * spacing(2) + 2
        return QSize(round(width), hint.height())


def set_up_table(view: QTableView) -> None:
    """Give a table of rows the look of all tables: no grid, no row numbers, room to breathe."""
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setAlternatingRowColors(True)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setTabKeyNavigation(False)
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.verticalHeader().hide()
    header = view.horizontalHeader()
    header.setHighlightSections(False)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    set_row_height(view)


def set_row_height(view: QTableView) -> None:
    """Make the rows as high as the present text needs."""
    view.verticalHeader().setDefaultSectionSize(view.fontMetrics().height() + spacing(2))


def _of(value: object, kind: type[T]) -> T | None:
    return value if isinstance(value, kind) else None
