"""A list of things that can be had, in groups: each with its size, its terms, and where it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from fineview.ui.theme import font_for, mix, spacing, theme_colours
from fineview.ui.widgets.labels import describe
from fineview.ui.widgets.painting import RIGHT, box, focus_ring, text
from fineview.ui.widgets.tinted_label import SIGNS, Tone, tone_colour

Index = QModelIndex | QPersistentModelIndex
_ROW_ROLE = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueRow:
    """One thing.

    Attributes:
        key: Names it in signals.
        group: Header under which it stands.
        title: Name on screen.
        line: One sentence, cut where it does not fit.
        size: Its size as text.
        terms: Its licence, cut where it does not fit.
        state: Where it is, in one or two words.
        tone: How the state is meant; a sign goes with the colour.
        share: How much of it has arrived, 0 … 1; None while nothing is on its way.
    """

    key: str
    group: str
    title: str
    line: str
    size: str
    terms: str
    state: str
    tone: Tone = "quiet"
    share: float | None = None


class _Model(QAbstractListModel):
    """Rows and the headers above each group; a header is a plain string."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.items: list[CatalogueRow | str] = []

    def set_rows(self, rows: Sequence[CatalogueRow]) -> bool:
        """Show rows, which come group by group; return whether other rows stand there now."""
        items: list[CatalogueRow | str] = []
        group = ""
        for row in rows:
            if row.group != group:
                group = row.group
                items.append(group)
            items.append(row)
        if [_key(item) for item in items] == [_key(item) for item in self.items]:
            changed = [i for i, item in enumerate(items) if item != self.items[i]]
            self.items = items
            for i in changed:
                self.dataChanged.emit(self.index(i), self.index(i))
            return False
        self.beginResetModel()
        self.items = items
        self.endResetModel()
        return True

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.items)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if isinstance(self.items[index.row()], str):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        item = self.items[index.row()]
        if role == _ROW_ROLE:
            return item
        if role == Qt.ItemDataRole.DisplayRole:
            return item if isinstance(item, str) else item.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            if isinstance(item, str):
                return item
            parts = (item.title, item.group, item.size, item.terms, item.state)
            return ", ".join(part for part in parts if part)
        return None


class _Delegate(QStyledItemDelegate):
    """Draws a header or the two lines of a row."""

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        body = QFontMetrics(font_for("body")).height()
        small = QFontMetrics(font_for("small")).height()
        if isinstance(index.data(_ROW_ROLE), str):
            return QSize(spacing(40), small + spacing(4 if index.row() else 2))
        return QSize(spacing(40), body + small + spacing(4.5))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        item = index.data(_ROW_ROLE)
        area = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if isinstance(item, CatalogueRow):
            chosen = bool(option.state & QStyle.StateFlag.State_Selected)
            hover = bool(option.state & QStyle.StateFlag.State_MouseOver)
            focus = chosen and bool(option.state & QStyle.StateFlag.State_HasFocus)
            _paint_row(painter, area, item, chosen=chosen, hover=hover, focus=focus)
        else:
            font = QFont(font_for("small"))
            font.setBold(True)
            words = area.adjusted(spacing(3), 0, -spacing(3), -spacing(1))
            align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
            text(painter, words, str(item), theme_colours().muted, font=font, align=align)
        painter.restore()


def _paint_row(
    painter: QPainter, area: QRectF, row: CatalogueRow, *, chosen: bool, hover: bool, focus: bool
) -> None:
    colours = theme_colours()
    frame = area.adjusted(spacing(1), 1, -spacing(1), -1)
    if chosen:
        box(painter, frame, fill=mix(colours.surface, colours.accent, 0.2 if colours.dark else 0.1))
    elif hover:
        box(painter, frame, fill=mix(colours.surface, colours.text, 0.05))
    if chosen:  # not by colour alone
        bar = QRectF(frame.left(), frame.top(), spacing(0.75), frame.height())
        box(painter, bar, fill=colours.accent, radius=1.5)
    body, small = font_for("body"), font_for("small")
    strong = QFont(body)
    strong.setBold(True)
    high, low = QFontMetrics(strong).height(), QFontMetrics(small).height()
    inner = frame.adjusted(spacing(2), spacing(1.75), -spacing(2), 0)
    state = f"{SIGNS[row.tone]}{row.state}"
    first = QRectF(inner.left(), inner.top(), inner.width(), high)
    second = QRectF(inner.left(), first.bottom() + spacing(0.5), inner.width(), low)
    gap = spacing(3)
    room = min(QFontMetrics(small).horizontalAdvance(state) + 1, first.width() * 0.5)
    text(painter, first.adjusted(0, 0, -room - gap, 0), row.title, colours.text, font=strong)
    text(painter, _right(first, room), state, tone_colour(row.tone), font=small, align=RIGHT)
    terms = " · ".join(part for part in (row.size, row.terms) if part)
    room = min(QFontMetrics(small).horizontalAdvance(terms) + 1, second.width() * 0.4)
    text(painter, second.adjusted(0, 0, -room - gap, 0), row.line, colours.muted, font=small)
    text(painter, _right(second, room), terms, colours.muted, font=small, align=RIGHT)
    if row.share is not None:
        track = QRectF(inner.left(), frame.bottom() - 4, inner.width(), 3)
        box(painter, track, fill=mix(colours.surface, colours.text, 0.14), radius=1.5)
        track.setWidth(max(track.width() * min(max(row.share, 0.0), 1.0), 3.0))
        box(painter, track, fill=colours.accent, radius=1.5)
    if focus:
        focus_ring(painter, frame, colours)


def _right(line: QRectF, width: float) -> QRectF:
    return QRectF(line.right() - width, line.top(), width, line.height())


def _key(item: CatalogueRow | str) -> tuple[bool, str]:
    return (True, item) if isinstance(item, str) else (False, item.key)


class CatalogueList(QListView):
    """One row is chosen, as long as there is one; headers cannot be.

    Signals:
        chosen(str): Key of the row that is chosen now, "" for none.
        opened(str): Enter or a double click on a row.
    """

    chosen = Signal(str)
    opened = Signal(str)

    def __init__(self, name: str, tooltip: str) -> None:
        super().__init__()
        describe(self, name, tooltip)
        self.setToolTip("")
        self._rows = _Model(self)
        self._painter = _Delegate(self)
        self._told = ""
        self.setModel(self._rows)
        self.setItemDelegate(self._painter)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setTabKeyNavigation(False)
        self.selectionModel().currentChanged.connect(self._on_current)
        self.activated.connect(self._on_activated)

    @property
    def rows(self) -> tuple[CatalogueRow, ...]:
        """Return the rows, from top to bottom."""
        return tuple(item for item in self._rows.items if isinstance(item, CatalogueRow))

    @property
    def key(self) -> str:
        """Return the key of the chosen row, "" for none."""
        index = self.currentIndex()
        item = self._rows.items[index.row()] if index.isValid() else ""
        return item.key if isinstance(item, CatalogueRow) else ""

    def set_rows(self, rows: Sequence[CatalogueRow]) -> None:
        """Show rows, which come group by group; the choice stays where it can."""
        before = self.key
        if self._rows.set_rows(rows):
            self.choose(before if any(row.key == before for row in rows) else "")
            if not self.key and rows:
                self.choose(rows[0].key)
            self._tell()

    def choose(self, key: str) -> None:
        """Choose a row; an unknown key changes nothing."""
        for i, item in enumerate(self._rows.items):
            if isinstance(item, CatalogueRow) and item.key == key:
                self.setCurrentIndex(self._rows.index(i))
                self.scrollTo(self._rows.index(i))

    def row_rect(self, key: str) -> QRectF:
        """Return where a row stands in the viewport, for tests and for guided tours."""
        for i, item in enumerate(self._rows.items):
            if isinstance(item, CatalogueRow) and item.key == key:
                return QRectF(self.visualRect(self._rows.index(i)))
        return QRectF()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.scheduleDelayedItemsLayout()

    @Slot(QModelIndex, QModelIndex)
    def _on_current(self, _now: object, _before: object) -> None:
        self._tell()

    def _tell(self) -> None:
        if self.key != self._told:
            self._told = self.key
            self.chosen.emit(self._told)

    @Slot(QModelIndex)
    def _on_activated(self, _index: object) -> None:
        if self.key:
            self.opened.emit(self.key)
