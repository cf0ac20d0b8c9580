"""The header of a table of data: the name of each column, and what the column is for."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QHeaderView, QTableView, QWidget

from fineview.ui.theme import category_colour, mix, spacing, theme_colours
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.labels import plain_tooltip
from fineview.ui.widgets.painting import LEFT, text

_HUES = {"text": 0, "second": 4, "label": 2, "split": 1, "group": 3, "id": 7}
_TOOLTIP = (
    "What this column is for – one column is the text, one the label – change it where the guess "
    "is wrong."
)


def role_colour(role: str) -> str | None:
    """Return the colour of a role on the present theme; None for a column that is ignored."""
    return category_colour(_HUES[role]) if role in _HUES else None


def role_tint(role: str, share: float = 0.10) -> QColor | None:
    """Return the soft ground of a role's column; None for a column that is ignored."""
    colour = role_colour(role)
    return None if colour is None else mix(theme_colours().surface, colour, share)


class RoleHeader(QHeaderView):
    """A name, and under it a box with the role; the boxes are reached by Tab.

    Attributes:
        adjusting: Whether columns grow because their boxes do, not because a person wants it.

    Signals:
        role_chosen(int, str): A person gave a column (by section) another role.
    """

    role_chosen = Signal(int, str)

    def __init__(self, table: QTableView) -> None:
        super().__init__(Qt.Orientation.Horizontal, table)
        self._table = table
        self._names: tuple[str, ...] = ()
        self._combos: list[CalmCombo] = []
        self.adjusting = False
        self.setSectionsClickable(False)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.setHighlightSections(False)
        self.setAccessibleName("Columns")
        self.sectionResized.connect(self._place)
        table.horizontalScrollBar().valueChanged.connect(self._place)

    @property
    def combos(self) -> tuple[CalmCombo, ...]:
        """Return the role boxes, from left to right."""
        return tuple(self._combos)

    def set_columns(
        self, names: Sequence[str], choices: Sequence[tuple[str, str]], after: QWidget
    ) -> None:
        """Show other columns.

        Args:
            names: From left to right.
            choices: (role, word) of each role that can be had.
            after: What Tab leaves last before it comes to the boxes.
        """
        for combo in self._combos:
            combo.hide()
            combo.deleteLater()
        self._names = tuple(names)
        self._combos = []
        for name in names:
            combo = CalmCombo(f"Role of column {name}", _TOOLTIP, letters=6, parent=self.viewport())
            combo.set_choices(choices, "ignore")
            combo.chosen.connect(self._on_chosen)
            combo.focused.connect(self._on_focused)
            combo.show()
            QWidget.setTabOrder(after, combo)
            after = combo
            self._combos.append(combo)
        self._set_least_width()
        self._place()

    def set_roles(self, roles: Mapping[str, str]) -> None:
        """Show the role of each column, by its name, without a signal."""
        for name, combo in zip(self._names, self._combos, strict=True):
            combo.set_value(roles.get(name, "ignore"))
        self.viewport().update()

    def sizeHint(self) -> QSize:
        """Ask for room for the name and the box under it."""
        combo = CalmCombo("", "").sizeHint().height() if not self._combos else self._box_height()
        height = self.fontMetrics().height() + combo + spacing(3)
        return QSize(super().sizeHint().width(), height)

    def updateGeometries(self) -> None:
        """Follow the table."""
        super().updateGeometries()
        self._place()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._set_least_width()
            self._place()

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """Draw the ground in the role's colour, and the column's name."""
        if section >= len(self._names):
            return
        colours = theme_colours()
        colour = role_colour(self._combos[section].value)
        painter.save()
        painter.fillRect(rect, role_tint(self._combos[section].value, 0.18) or colours.window)
        if colour is not None:
            painter.fillRect(QRect(rect.left(), rect.top(), rect.width(), 3), QColor(colour))
        painter.fillRect(
            QRect(rect.left(), rect.bottom(), rect.width(), 1), QColor(colours.strong_line)
        )
        painter.fillRect(QRect(rect.right(), rect.top(), 1, rect.height()), QColor(colours.line))
        font = self.font()
        font.setBold(colour is not None)
        words = QRectF(
            rect.left() + spacing(2),
            rect.top() + spacing(1),
            rect.width() - spacing(4),
            self.fontMetrics().height(),
        )
        ink = colours.text if colour is not None else colours.muted
        text(painter, words, self._names[section][:200], ink, font=font, align=LEFT)
        painter.restore()

    def event(self, event: QEvent) -> bool:
        """Let the whole name be read where the column is narrow."""
        if event.type() == QEvent.Type.ToolTip:
            self.setToolTip("")
        return super().event(event)

    def viewportEvent(self, event: QEvent) -> bool:
        """Show the whole name of the column under the mouse."""
        if event.type() == QEvent.Type.ToolTip:
            section = self.logicalIndexAt(event.pos())  # type: ignore[attr-defined]
            known = 0 <= section < len(self._names)
            self.viewport().setToolTip(plain_tooltip(self._names[section][:2000]) if known else "")
        return super().viewportEvent(event)

    def _box_height(self) -> int:
        return self._combos[0].sizeHint().height()

    def _set_least_width(self) -> None:
        self.adjusting = True
        least = self._combos[0].minimumSizeHint().width() if self._combos else spacing(8)
        self.setMinimumSectionSize(least + spacing(2))
        self.adjusting = False

    @Slot()
    def _place(self, *_arguments: int) -> None:
        if not self._combos:
            return
        height = self._box_height()
        top = self.fontMetrics().height() + spacing(1.5)
        for section, combo in enumerate(self._combos):
            left = self.sectionViewportPosition(section) + spacing(1)
            combo.setGeometry(left, top, self.sectionSize(section) - spacing(2), height)

    @Slot(str)
    def _on_chosen(self, role: str) -> None:
        sender = self.sender()
        if isinstance(sender, CalmCombo) and sender in self._combos:
            self.role_chosen.emit(self._combos.index(sender), role)

    @Slot()
    def _on_focused(self) -> None:
        sender = self.sender()
        if not isinstance(sender, CalmCombo) or sender not in self._combos:
            return
        left = self.sectionViewportPosition(self._combos.index(sender))
        width = sender.width() + spacing(2)
        bar = self._table.horizontalScrollBar()
        if left < 0:
            bar.setValue(bar.value() + left)
        elif left + width > self.viewport().width():
            bar.setValue(bar.value() + left + width - self.viewport().width())
