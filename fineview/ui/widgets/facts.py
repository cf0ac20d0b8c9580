"""Names and values below each other: what is known of one thing."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from fineview.ui.theme import spacing
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.literal_box import LiteralBox
from fineview.ui.widgets.tinted_label import TintedLabel

_TOP = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop


class Facts(QWidget):
    """A grid of two columns; values wrap, and can be selected.

    Paths and commands (`literal`) stand in boxes that break them anywhere.
    """

    def __init__(self, names: Sequence[str], literal: Sequence[tuple[str, str]] = ()) -> None:
        """Make the rows.

        Args:
            names: The rows, from top to bottom.
            literal: (name, tooltip) of those whose value is a path or a command.
        """
        super().__init__()
        self._names: dict[str, TintedLabel] = {}
        self._values: dict[str, QLabel | LiteralBox] = {}
        tips = dict(literal)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(spacing(3))
        grid.setVerticalSpacing(spacing(2))
        grid.setColumnStretch(1, 1)
        for row, name in enumerate(names):
            label = TintedLabel(name)
            value: QLabel | LiteralBox
            if name in tips:
                value = LiteralBox(name, tips[name])
                label.setBuddy(value)
                label.setContentsMargins(0, value.frameWidth() + spacing(1), 0, 0)
            else:
                value = plain_label(wrap=True)
                value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                value.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
                value.setAlignment(_TOP)
            grid.addWidget(label, row, 0, _TOP)
            grid.addWidget(value, row, 1, Qt.AlignmentFlag.AlignTop)
            self._names[name] = label
            self._values[name] = value

    def set_fact(self, name: str, value: str) -> None:
        """Show a value; a row without one is hidden.

        Raises:
            KeyError: There is no such row.
        """
        field = self._values[name]
        if isinstance(field, LiteralBox):
            field.set_literal(value)
            describe(field, name, value)
            field.setToolTip("")  # all of it is in sight
        else:
            field.setText(value)
            field.setAccessibleName(f"{name}: {value}")
        field.setVisible(bool(value))
        self._names[name].setVisible(bool(value))

    def fact(self, name: str) -> str:
        """Return a value as shown, "" where its row is hidden."""
        field = self._values[name]
        return field.literal if isinstance(field, LiteralBox) else field.text()
