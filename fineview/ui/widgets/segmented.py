"""A choice between two to five values, all of them in sight."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
)
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QWidget

from fineview.ui.theme import mix, spacing, theme_colours
from fineview.ui.widgets.labels import describe, plain_tooltip
from fineview.ui.widgets.painting import pen

_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Down: 1,
}


class _Segment(QAbstractButton):
    """One value; the control hands the keyboard focus to the chosen one."""

    def __init__(self, owner: "Segmented", value: str, label: str) -> None:
        super().__init__(owner)
        self.value = value
        self.first = self.last = False
        self._owner = owner
        self.setText(label)
        self.setCheckable(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        width = metrics.horizontalAdvance(self.text()) + 2 * spacing(2)
        return QSize(width, metrics.height() + 2 * spacing(1))

    def minimumSizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        few = min(metrics.horizontalAdvance(self.text()), metrics.averageCharWidth() * 9)
        return QSize(few + spacing(2), self.sizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _STEPS:
            self._owner.step(_STEPS[key])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._owner.step_to_end(last=key == Qt.Key.Key_End)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = theme_colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, 0.5 if not self.last else -0.5, -0.5)
        shape = _outline(frame, spacing(1), self.first, self.last)
        chosen, ready = self.isChecked(), self.isEnabled()
        ground = mix(colours.raised, colours.accent, 0.18 if colours.dark else 0.12)
        if not chosen:
            ground = mix(colours.raised, colours.text, 0.06 if ready and self.underMouse() else 0)
        painter.fillPath(shape, ground)
        outline = mix(colours.strong_line, colours.window, 0 if ready else 0.5)
        painter.setPen(pen(outline))
        painter.drawPath(shape)
        if chosen:
            painter.setPen(pen(colours.accent, 2))
            y = self.height() - 2.0
            inset = spacing(1)
            painter.drawLine(QPointF(inset, y), QPointF(self.width() - inset, y))
        if self.hasFocus():
            painter.setPen(pen(colours.accent, 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 3, 3)
        ink = colours.text if ready else mix(colours.text, colours.window, 0.55)
        painter.setPen(ink)
        inner = self.rect().adjusted(spacing(0.5), 0, -spacing(0.5), 0)
        text = painter.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideRight, inner.width()
        )
        painter.drawText(inner, Qt.AlignmentFlag.AlignCenter, text)
        painter.end()


class Segmented(QWidget):
    """Two to five choices side by side, one of them chosen; arrow keys move the choice.

    Attributes:
        value: The chosen value.

    Signals:
        changed(str): A person chose another value.
    """

    changed = Signal(str)

    def __init__(self, choices: Sequence[tuple[str, str]], name: str, tooltip: str) -> None:
        super().__init__()
        describe(self, name, tooltip)
        self._segments: dict[str, _Segment] = {}
        self._tooltip = plain_tooltip(tooltip)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for value, label in choices:
            segment = _Segment(self, value, label)
            segment.setAccessibleName(f"{name}: {label}")
            segment.clicked.connect(self._on_clicked)
            self._segments[value] = segment
            row.addWidget(segment)
        ordered = list(self._segments.values())
        ordered[0].first = ordered[-1].last = True
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._value = ordered[0].value
        self.set_value(self._value)

    @property
    def value(self) -> str:
        """Return the chosen value."""
        return self._value

    @property
    def choices(self) -> tuple[str, ...]:
        """Return all values, from left to right."""
        return tuple(self._segments)

    def set_value(self, value: str) -> None:
        """Choose a value without a signal.

        Raises:
            KeyError: There is no such choice.
        """
        chosen = self._segments[value]
        had_focus = any(segment.hasFocus() for segment in self._segments.values())
        self._value = value
        for segment in self._segments.values():
            segment.setChecked(segment is chosen)
            # Tab stops once; from there the arrows lead on.
            policy = Qt.FocusPolicy.StrongFocus if segment is chosen else Qt.FocusPolicy.ClickFocus
            segment.setFocusPolicy(policy)
        self.setFocusProxy(chosen)
        if had_focus:
            chosen.setFocus()

    def set_choice_enabled(self, value: str, enabled: bool, reason: str = "") -> None:
        """Allow or forbid one choice; the reason becomes its tooltip."""
        segment = self._segments[value]
        segment.setEnabled(enabled)
        segment.setToolTip(self._tooltip if enabled else plain_tooltip(reason))
        segment.setAccessibleDescription("" if enabled else reason)

    def segment(self, value: str) -> QAbstractButton:
        """Return the button of a choice, for tests and for guided tours."""
        return self._segments[value]

    def step(self, by: int) -> None:
        """Choose the next allowed value to the left (-1) or right (+1), as the arrow keys do."""
        values = [v for v, s in self._segments.items() if s.isEnabled() or v == self._value]
        index = values.index(self._value) + by
        if 0 <= index < len(values):
            self._choose(values[index])

    def step_to_end(self, *, last: bool) -> None:
        """Choose the first or the last allowed value."""
        values = [v for v, s in self._segments.items() if s.isEnabled()]
        if values:
            self._choose(values[-1 if last else 0])

    def _choose(self, value: str) -> None:
        before = self._value
        self.set_value(value)
        if value != before:
            self.changed.emit(value)

    @Slot()
    def _on_clicked(self) -> None:
        sender = self.sender()
        if isinstance(sender, _Segment):
            self._choose(sender.value)


def _outline(frame: QRectF, radius: float, left: bool, right: bool) -> QPainterPath:
    """Return a rectangle whose outer corners are round where it ends the row."""
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.WindingFill)
    a, b = (radius if left else 0.0), (radius if right else 0.0)
    path.moveTo(frame.left() + a, frame.top())
    path.lineTo(frame.right() - b, frame.top())
    path.quadTo(frame.topRight(), QPointF(frame.right(), frame.top() + b))
    path.lineTo(frame.right(), frame.bottom() - b)
    path.quadTo(frame.bottomRight(), QPointF(frame.right() - b, frame.bottom()))
    path.lineTo(frame.left() + a, frame.bottom())
    path.quadTo(frame.bottomLeft(), QPointF(frame.left(), frame.bottom() - a))
    path.lineTo(frame.left(), frame.top() + a)
    path.quadTo(frame.topLeft(), QPointF(frame.left() + a, frame.top()))
    return path
