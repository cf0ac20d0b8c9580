"""A field for one number that takes it as people write it: 1e-3, 0,5, 0.5, 1 000."""

import re
from math import floor, isfinite, log10
from typing import Literal

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence, QPalette, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from fineview.ui.theme import theme_colours, use_font
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.labels import describe, plain_label

Step = Literal["add", "double", "series"]

_PAUSE_MS = 400
"""A half-typed number is taken once the typing rests for so long."""
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f_']")
_SERIES = (1.0, 2.0, 5.0)
_LEAST_OF_SERIES = 1e-6


class NumberField(QWidget):
    """A line edit for a number, with its error in one sentence beneath.

    Attributes:
        value: The last valid number.
        error: The sentence shown, "" where the text is valid.
        edit: The line edit, for buddies and tests.

    Signals:
        changed(object): A person gave another valid number (int or float).
        error_changed(str): The error is another one now; "" when it is gone.
    """

    changed = Signal(object)
    error_changed = Signal(str)

    def __init__(
        self,
        name: str,
        tooltip: str,
        *,
        value: float,
        minimum: float,
        maximum: float,
        integer: bool = False,
        step: Step | None = None,
        above_minimum: bool = False,
    ) -> None:
        """Make a field.

        Args:
            name: Accessible name; the error sentence begins with it.
            tooltip: What it does – typical value – when to change it.
            value: First value.
            minimum: Least value allowed.
            maximum: Greatest value allowed.
            integer: Whether only whole numbers are allowed.
            step: What the arrow keys do: `add` one, `double` and halve, or walk the `series`
                1, 2, 5, 10 …; by default `add` for whole numbers and `series` for others.
            above_minimum: Whether `minimum` itself is forbidden, as for a rate above 0.
        """
        super().__init__()
        self._name = name
        self._minimum, self._maximum = minimum, maximum
        self._open_below = above_minimum
        self._integer = integer
        self._step: Step = step or ("add" if integer else "series")
        self._value: float = value
        self._error = ""
        self.edit = QLineEdit()
        describe(self.edit, name, tooltip)
        self.setAccessibleName(name)
        use_font(self.edit, "fixed")
        self.edit.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.edit.installEventFilter(self)
        self.edit.textEdited.connect(self._on_edited)
        self.edit.editingFinished.connect(self.commit)
        self._message = plain_label("", "small", wrap=True)
        self._message.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.edit)
        column.addWidget(self._message)
        self.setFocusProxy(self.edit)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self.commit)
        self.set_value(value)

    @property
    def value(self) -> float:
        """Return the last valid number, an int where only whole numbers are allowed."""
        return int(self._value) if self._integer else self._value

    @property
    def error(self) -> str:
        """Return the sentence shown beneath, "" where the text is valid."""
        return self._error

    def set_value(self, value: float) -> None:
        """Show a value without a signal."""
        self._pause.stop()
        self._value = value
        self.edit.setText(plain_number(value))
        self._show_error("")

    @Slot()
    def commit(self) -> None:
        """Take the text now: keep it if it is a valid number, else say what is wrong."""
        self._pause.stop()
        value, error = self._judge(self.edit.text())
        self._show_error(error)
        if value is None:
            return
        self.edit.setText(plain_number(value))
        if value != self._value:
            self._value = value
            self.changed.emit(self.value)

    def step_by(self, steps: int) -> None:
        """Go up or down as the arrow keys do."""
        value, _ = self._judge(self.edit.text())
        value = self._value if value is None else value
        for _ in range(abs(steps)):
            value = self._stepped(value, up=steps > 0)
        if self._judge(plain_number(value))[0] is not None:
            self.edit.setText(plain_number(value))
            self.commit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Make arrows and the wheel step, and Esc give up what was typed."""
        if watched is self.edit:
            if isinstance(event, QKeyEvent):
                return self._on_key(event)
            if isinstance(event, QWheelEvent) and self.edit.hasFocus():
                self.step_by(1 if event.angleDelta().y() > 0 else -1)
                return True
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paint_error()

    def _on_key(self, event: QKeyEvent) -> bool:
        dirty = self.edit.text() != plain_number(self._value)
        if event.type() == QEvent.Type.ShortcutOverride:
            if event.key() == Qt.Key.Key_Escape and dirty:
                event.accept()  # otherwise Esc stops the run
                return True
            window_keys = event.matches(QKeySequence.StandardKey.Undo) or event.matches(
                QKeySequence.StandardKey.Redo
            )
            # What the field has no use for is the window's: Space pauses, Ctrl+Z takes back.
            if event.key() == Qt.Key.Key_Space or (window_keys and not dirty):
                event.ignore()
                return True
            return False
        if event.type() != QEvent.Type.KeyPress:
            return False
        steps = {
            Qt.Key.Key_Up: 1,
            Qt.Key.Key_Down: -1,
            Qt.Key.Key_PageUp: 10 if self._step == "add" else 3,
            Qt.Key.Key_PageDown: -10 if self._step == "add" else -3,
        }.get(Qt.Key(event.key()))
        if steps is not None:
            self.step_by(steps)
            return True
        if event.key() == Qt.Key.Key_Escape and dirty:
            self.set_value(self._value)
            return True
        return False

    @Slot()
    def _on_edited(self) -> None:
        self._pause.start()
        # An error goes at once and comes only when the typing rests: "0." is on its way to 0.5.
        if self._error and not self._judge(self.edit.text())[1]:
            self._show_error("")

    def _judge(self, text: str) -> tuple[float | None, str]:
        """Return the number a text stands for, or None and what is wrong with it."""
        try:
            value = read_number(text, comma_is_decimal=self.locale().decimalPoint() == ",")
        except ValueError as error:
            return None, f"{self._name}: {error}"
        if self._integer and value != round(value):
            return None, f"{self._name} must be a whole number, not {text.strip()}."
        low = value <= self._minimum if self._open_below else value < self._minimum
        if low or value > self._maximum:
            least = f"above {_spoken(self._minimum)}" if self._open_below else ""
            if not isfinite(self._maximum):
                wanted = least or f"{_spoken(self._minimum)} or above"
            else:
                least = least + " and at most" if least else f"{_spoken(self._minimum)} to"
                wanted = f"{least} {_spoken(self._maximum)}"
            return None, f"{self._name} must be {wanted}, not {text.strip()}."
        return value, ""

    def _stepped(self, value: float, *, up: bool) -> float:
        if self._step == "add":
            value = value + (1 if up else -1)
        elif self._step == "double":
            value = value * 2 if up else value / 2
            value = float(round(value)) if self._integer else value
        else:
            value = _next_of_series(value, up=up)
        if up or value >= self._minimum:
            return min(value, self._maximum)
        return value if self._open_below else max(value, self._minimum)

    def _show_error(self, error: str) -> None:
        if error != self._error:
            self._error = error
            self._message.setText(error)
            self._message.setVisible(bool(error))
            self._paint_error()
            self.error_changed.emit(error)

    def _paint_error(self) -> None:
        bad = theme_colours().bad
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.WindowText, bad)
        self._message.setPalette(palette)
        red = f"QLineEdit {{ border: 2px solid {bad}; border-radius: 3px; padding: 0.1em; }}"
        sheet = red if self._error else ""
        if self.edit.styleSheet() != sheet:
            self.edit.setStyleSheet(sheet)


def read_number(text: str, *, comma_is_decimal: bool = False) -> float:
    """Return the number that a person wrote.

    Args:
        text: For instance "1e-3", "0,5", "0.5", "1 000", "−2".
        comma_is_decimal: Whether "1,500" means one and a half; where it may as well mean one
            thousand five hundred it is refused rather than guessed.

    Raises:
        ValueError: It is no number, or it is ambiguous; the text says which.
    """
    compact = _SPACES.sub("", text).replace("\u2212", "-")
    if not compact:
        raise ValueError("write a number.")
    if compact.count(",") + compact.count(".") > 1:
        raise ValueError(f"write {text.strip()} with one decimal point and no other.")
    if not comma_is_decimal and re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", compact):
        plain = compact.replace(",", "")
        raise ValueError(f"write {plain} or {compact.replace(',', '.')}: the comma may mean both.")
    compact = compact.replace(",", ".")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", compact):
        raise ValueError(f"“{text.strip()[:20]}” is not a number.")
    value = float(compact)
    if not isfinite(value):
        raise ValueError(f"{text.strip()[:20]} is too large.")
    return value


def plain_number(value: float) -> str:
    """Return a number as the field writes it, the same in every country: 0.1, 32, 1e-5."""
    if value == round(value) and abs(value) < 1e6:
        return str(round(value))
    mantissa, _, power = f"{value:.12g}".partition("e")
    if not power and 0 < abs(value) < 1e-3:
        mantissa, _, power = f"{value:.11e}".partition("e")
    if not power:
        return mantissa
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{int(power)}"


def _spoken(value: float) -> str:
    whole = value == round(value) and abs(value) < 1e9
    return count_text(round(value)) if whole else plain_number(value)


def _next_of_series(value: float, *, up: bool) -> float:
    """Return the neighbour in … 0.1, 0.2, 0.5, 1, 2, 5 …; from 0 it starts at a millionth."""
    if value <= 0:
        return _LEAST_OF_SERIES if up else 0.0
    if not up and value <= _LEAST_OF_SERIES:
        return 0.0
    exponent = floor(log10(value))
    near = [s * 10.0**e for e in range(exponent - 1, exponent + 2) for s in _SERIES]
    near = [float(f"{n:.0e}") for n in near]
    if up:
        return min(n for n in near if n > value * (1 + 1e-9))
    return max(n for n in near if n < value * (1 - 1e-9))
