"""Every action by its name: type some letters, press Enter."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
    Slot,
)
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from fineview.ui.theme import font_for, mix, spacing, theme_colours
from fineview.ui.widgets.labels import describe
from fineview.ui.widgets.painting import LEFT, RIGHT, box, pen, text

_SHORTCUT_ROLE = int(Qt.ItemDataRole.UserRole)
_INDEX_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_MOST_ROWS = 10


class _Delegate(QStyledItemDelegate):
    """Draws an action's name at the left, its shortcut at the right."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        colours = theme_colours()
        area = QRectF(option.rect)
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            box(painter, area, fill=mix(colours.raised, colours.accent, 0.2))
        inner = area.adjusted(spacing(2), 0, -spacing(2), 0)
        keys = str(index.data(_SHORTCUT_ROLE) or "")
        painter.setFont(font_for("small"))
        width = painter.fontMetrics().horizontalAdvance(keys) + spacing(2) if keys else 0
        text(painter, inner, keys, colours.muted, align=RIGHT)
        words = inner.adjusted(0, 0, -width, 0)
        text(painter, words, str(index.data()), colours.text, font=font_for("body"), align=LEFT)
        painter.restore()

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        hint = super().sizeHint(option, index)
        return QSize(hint.width(), hint.height() + spacing(2))


class CommandPalette(QFrame):
    """Lies over the window it belongs to; gone with Esc, Enter or a click elsewhere.

    Attributes:
        edit: Where the letters are typed.
        list: The actions that match, best first.
    """

    def __init__(self, actions: Callable[[], Iterable[QAction]], parent: QWidget) -> None:
        """Make a hidden palette.

        Args:
            actions: Asked each time it opens; separators and what is off are left out.
            parent: The window it lies over.
        """
        super().__init__(parent)
        self._provider = actions
        self._window = parent
        self._actions: list[QAction] = []
        self._return_to: QWidget | None = None
        self.setAccessibleName("Command palette")
        self.edit = QLineEdit()
        self.edit.setPlaceholderText("Type a command")
        describe(
            self.edit,
            "Command",
            "Finds an action by some of its letters – Enter does it, Esc goes.",
        )
        self.edit.setToolTip("")
        self.list = QListWidget()
        self.list.setAccessibleName("Commands")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setItemDelegate(_Delegate(self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemClicked.connect(self._on_clicked)
        column = QVBoxLayout(self)
        margin = spacing(2)
        column.setContentsMargins(margin, margin, margin, margin)
        column.setSpacing(spacing(1))
        column.addWidget(self.edit)
        column.addWidget(self.list)
        self.edit.textChanged.connect(self._fill)
        self.edit.installEventFilter(self)
        self._tint()
        self.hide()

    @Slot()
    def open(self) -> None:
        """Show all actions and take the keyboard."""
        self._actions = [
            action
            for action in self._provider()
            if not action.isSeparator() and action.isEnabled() and action.text()
        ]
        window = self._window
        self._tint()
        self._return_to = window.focusWidget()
        self.edit.clear()
        self._fill("")
        width = min(self.fontMetrics().averageCharWidth() * 70, window.width() - spacing(8))
        row = self.list.sizeHintForRow(0) if self.list.count() else spacing(6)
        rows = min(max(len(self._actions), 1), _MOST_ROWS)
        height = self.edit.sizeHint().height() + row * rows + spacing(6)
        height = min(height, window.height() - spacing(8))
        self.setGeometry((window.width() - width) // 2, spacing(10), width, height)
        self.raise_()
        self.show()
        self.edit.setFocus()

    @Slot()
    def dismiss(self) -> None:
        """Go, and give the keyboard back."""
        if self.isVisible():
            self.hide()
            if self._return_to is not None:
                self._return_to.setFocus()
            self._return_to = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the arrows move through the list while letters go to the edit."""
        if watched is self.edit:
            if event.type() == QEvent.Type.FocusOut and not self.isAncestorOf(_focus(self)):
                self.hide()
                return False
            if isinstance(event, QKeyEvent):
                return self._on_key(event)
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._tint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the raised ground."""
        colours = theme_colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), colours.window)
        box(painter, QRectF(self.rect()), fill=colours.raised, line=pen(colours.strong_line))
        painter.end()

    def _tint(self) -> None:
        colours = theme_colours()
        palette = QPalette(self._window.palette())
        palette.setColor(QPalette.ColorRole.Base, colours.raised)
        for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText):
            palette.setColor(role, colours.text)
        self.list.setPalette(palette)
        self.edit.setPalette(palette)

    def _on_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        mine = (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.type() == QEvent.Type.ShortcutOverride:
            if key in mine:
                event.accept()  # Esc closes the palette, not the run
            return key in mine
        if event.type() != QEvent.Type.KeyPress:
            return False
        moves = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: _MOST_ROWS,
            Qt.Key.Key_PageUp: -_MOST_ROWS,
        }
        if key in moves and self.list.count():
            row = self.list.currentRow() + moves[key]
            last = self.list.count() - 1
            # The ends meet for single steps only.
            row = row % (last + 1) if abs(moves[key]) == 1 else min(max(row, 0), last)
            self.list.setCurrentRow(row)
            return True
        if key == Qt.Key.Key_Escape:
            self.dismiss()
            return True
        if key in mine:
            self._trigger(self.list.currentItem())
            return True
        return False

    @Slot(str)
    def _fill(self, typed: str) -> None:
        scored = []
        for place, action in enumerate(self._actions):
            score = match(typed, _words(action))
            if score is not None:
                scored.append((score, place))
        self.list.clear()
        for _, place in sorted(scored):
            action = self._actions[place]
            item = QListWidgetItem(_words(action))
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            item.setData(_SHORTCUT_ROLE, keys)
            item.setData(_INDEX_ROLE, place)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    @Slot(QListWidgetItem)
    def _on_clicked(self, item: QListWidgetItem) -> None:
        self._trigger(item)

    def _trigger(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        action = self._actions[int(item.data(_INDEX_ROLE))]
        # First gone, so that the action finds the window as it was.
        self.dismiss()
        action.trigger()


def match(typed: str, name: str) -> tuple[int, int] | None:
    """Return how well some typed letters match a name, lower is better; None where they do not.

    Every word typed must occur: at the start of the name, at the start of a word, anywhere; or
    else its letters in their order.
    """
    low = name.casefold()
    worst, spread = 0, 0
    for word in typed.casefold().split():
        place = low.find(word)
        if place == 0:
            continue
        if place > 0:
            worst = max(worst, 1 if f" {word}" in low else 2)
            continue
        at = -1
        first = None
        for letter in word:
            at = low.find(letter, at + 1)
            if at < 0:
                return None
            first = at if first is None else first
        worst, spread = 3, spread + at - (first or 0)
    return worst, spread


def _words(action: QAction) -> str:
    return action.text().replace("&&", "\0").replace("&", "").replace("\0", "&").rstrip("…")


def _focus(widget: QWidget) -> QWidget:
    return widget.window().focusWidget() or widget.window()
