"""The column beside a study: sections of settings, and the button that begins or stops."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QGridLayout, QPushButton, QVBoxLayout, QWidget

from fineview.core.errors import ConfigError
from fineview.ui.session import Session
from fineview.ui.theme import make_primary, set_icon, spacing
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.number_field import NumberField
from fineview.ui.widgets.panel_area import SideColumn
from fineview.ui.widgets.section import Section


@dataclass(frozen=True, slots=True)
class Number:
    """A number to be typed: its setting, what it is called, its range, its tooltip."""

    name: str
    title: str
    low: float
    high: float
    tip: str
    whole: bool = True
    above_low: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnWords:
    """What a column says.

    Attributes:
        message: Accessible name of its message.
        run: On the button.
        runs: What the button does.
        stops: What it does while a study is in flight.
    """

    message: str
    run: str
    runs: str
    stops: str


class StudyColumn(QWidget):
    """Settings of one choice of the session; a study's own column fills it.

    Attributes:
        message: What is wrong with a setting.
        said: What a press on the button will do.
        run_button: Begins, or stops.

    Signals:
        run_pressed(): Begin, or stop.
    """

    run_pressed = Signal()

    def __init__(self, session: Session, look: str, prefix: str, words: ColumnWords) -> None:
        """Make the parts that all columns have; `_stand` puts them in their places.

        Args:
            session: Holds the choice.
            look: Its name there.
            prefix: Begins the names of folded sections.
            words: What is said.
        """
        super().__init__()
        self._session = session
        self._look = look
        self._prefix = prefix
        self._words = words
        self._fields: dict[str, NumberField] = {}
        self._sections: dict[str, Section] = {}
        self.message = MessageLine(words.message)
        self.said = plain_label("", "small", wrap=True)
        self.run_button = QPushButton(words.run)
        self.run_button.clicked.connect(self.run_pressed)

    def field(self, name: str) -> NumberField:
        """Return the number field of a setting."""
        return self._fields[name]

    def set_running(self, running: bool, *, stopping: bool = False) -> None:
        """Show whether a study is in flight: Stop stands where the button that begins was."""
        words = self._words
        self.run_button.setText("Stopping…" if stopping else "Stop" if running else words.run)
        self.run_button.setEnabled(not stopping)
        set_icon(self.run_button, "stop" if running else "play")
        describe(self.run_button, self.run_button.text(), words.stops if running else words.runs)

    def _stand(self, column: QVBoxLayout) -> None:
        """Put a column of settings above message, plan and button; it scrolls where it must."""
        inside = QWidget()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addStretch(1)
        inside.setLayout(column)
        make_primary(self.run_button)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(2))
        box.addWidget(SideColumn(inside), 1)
        for part in (self.message, self.said, self.run_button):
            box.addWidget(part)

    def _section(self, title: str, *parts: QWidget) -> Section:
        """Return a section that stays as folded as it was left."""
        section = Section(title, folded=f"{self._prefix} {title}" in self._session.state.folded)
        section.toggled.connect(self._on_folded)
        for part in parts:
            section.body.addWidget(part)
        self._sections[title] = section
        return section

    def _grid(self, numbers: Sequence[Number]) -> QWidget:
        """Return a field for each number."""
        part = QWidget()
        grid = QGridLayout(part)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(spacing(2))
        grid.setVerticalSpacing(spacing(1))
        grid.setColumnStretch(1, 1)
        for row, one in enumerate(numbers):
            field = NumberField(
                one.title,
                one.tip,
                value=getattr(getattr(self._session.state, self._look), one.name),
                minimum=one.low,
                maximum=one.high,
                integer=one.whole,
                above_minimum=one.above_low,
            )
            field.changed.connect(lambda value, name=one.name: self._edit(name, value))
            label = plain_label(one.title)
            label.setBuddy(field.edit)
            self._fields[one.name] = field
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        return part

    def _edit(self, name: str, value: object) -> bool:
        """Change a setting; return False where it was refused, and say why."""
        words = name.replace("_", " ")
        try:
            self._session.edit_look(f"Change {words}", self._look, **{name: value})
        except ConfigError as error:
            self.message.show_message("bad", str(error))
            return False
        self.message.clear()
        return True

    def _show_numbers(self, choice: object) -> None:
        """Bring the fields up to a choice; what a person is typing stays."""
        for setting, field in self._fields.items():
            if field.value != getattr(choice, setting):
                field.set_value(getattr(choice, setting))

    @Slot(bool)
    def _on_folded(self, _folded: bool) -> None:
        mine = f"{self._prefix} "
        folded = {name for name in self._session.state.folded if not name.startswith(mine)}
        folded |= {f"{mine}{title}" for title, part in self._sections.items() if part.folded}
        self._session.view(folded=tuple(sorted(folded)))
