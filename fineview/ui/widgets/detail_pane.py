"""One thing in full: what it is, what can be done with it, how far that is, and its facts."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from fineview.ui.theme import make_primary, set_icon, spacing
from fineview.ui.widgets.facts import Facts
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import Kind, MessageLine
from fineview.ui.widgets.tinted_label import SIGNS, TintedLabel, Tone


class Notice(MessageLine):
    """A sentence that belongs to what is shown and cannot be closed."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._close.hide()

    def say(self, kind: Kind, text: str) -> None:
        """Show a sentence; none hides the line."""
        if not text:
            self.clear()
        elif (kind, text) != (self.kind, self.text):
            self.show_message(kind, text)


class DetailPane(QScrollArea):
    """Title, state and buttons stay in one place; below them what differs from thing to thing.

    Attributes:
        facts: Names and values.
        notice: What one should know first.
        message: What went wrong, or went well.
        bar: How far the work in flight is.
        body: The layout below the facts, to add to.

    Signals:
        pressed(str): Key of the button that was pressed.
        chosen(str): Value of the entry that was chosen in a button's menu.
    """

    pressed = Signal(str)
    chosen = Signal(str)

    def __init__(self, name: str, facts: Facts) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.facts = facts
        self.notice = Notice("Warning")
        self.message = MessageLine()
        self.bar = QProgressBar()
        self._title = plain_label("", "title", wrap=True)
        self._state = TintedLabel(wrap=True)
        self._words = TintedLabel("", "small", wrap=True)
        self._buttons: dict[str, QPushButton] = {}
        self._bar_row = QWidget()
        self._lay_out()
        self.message.action_pressed.connect(self.pressed)
        self.set_progress(None, "")

    @property
    def title(self) -> str:
        """Return the title on display."""
        return self._title.text()

    @property
    def state(self) -> str:
        """Return the state on display."""
        return self._state.text()

    @property
    def words(self) -> str:
        """Return the line below the bar, "" where nothing is in flight."""
        return self._words.text()

    def add_button(
        self, key: str, text: str, tooltip: str, *, icon: str = "", primary: bool = False
    ) -> QPushButton:
        """Add a button to the row below the title."""
        button = QPushButton(text)
        describe(button, text.replace("&", ""), tooltip)
        if icon:
            set_icon(button, icon)
        if primary:
            make_primary(button)
        button.setProperty("key", key)
        button.clicked.connect(self._on_clicked)
        self._row.insertWidget(self._row.count() - 1, button)
        self._buttons[key] = button
        return button

    def button(self, key: str) -> QPushButton:
        """Return a button."""
        return self._buttons[key]

    def offer(self, key: str, choices: Sequence[tuple[str, str]], text: str) -> None:
        """Let a button do one of several things.

        Args:
            key: The button; hidden where there is no choice.
            choices: (label, value) of each; one alone makes a plain button of that label.
            text: The label where there are several.
        """
        button = self._buttons[key]
        button.setVisible(bool(choices))
        if button.property("choices") == [list(choice) for choice in choices]:
            return
        button.setProperty("choices", [list(choice) for choice in choices])
        old = button.menu()
        button.setMenu(None)  # type: ignore[arg-type]  # None takes the menu away
        if old is not None:
            old.deleteLater()
        label = text if len(choices) != 1 else choices[0][0]
        button.setText(label)
        button.setAccessibleName(label)
        if len(choices) > 1:
            menu = QMenu(button)
            for name, value in choices:
                action = menu.addAction(name)
                action.setData(value)
                action.triggered.connect(self._on_chosen)
            button.setMenu(menu)

    def set_heading(self, title: str, state: str, tone: Tone) -> None:
        """Show title and state."""
        self._title.setText(title)
        self._state.setText(f"{SIGNS[tone]}{state}")
        self._state.set_tone(tone)

    def set_progress(self, share: float | None, words: str, *, busy: bool = False) -> None:
        """Show how far the work in flight is.

        Args:
            share: 0 … 1, or None.
            words: The line below the bar; "" hides both.
            busy: Whether something moves although nobody knows how far it is.
        """
        self._bar_row.setVisible(bool(words))
        self._words.setText(words)
        self.bar.setAccessibleDescription(words)
        if share is None and busy:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round((share or 0.0) * 1000))

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, spacing(1), 0)
        column.setSpacing(spacing(2))
        column.addWidget(self._title)
        column.addWidget(self._state)
        self._row = QHBoxLayout()
        self._row.setSpacing(spacing(2))
        self._row.addStretch(1)
        column.addSpacing(spacing(1))
        column.addLayout(self._row)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        self.bar.setToolTip("How much has arrived.")
        self.bar.setFixedHeight(spacing(3))
        self.bar.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        progress = QVBoxLayout(self._bar_row)
        progress.setContentsMargins(0, spacing(1), 0, 0)
        progress.setSpacing(spacing(1))
        progress.addWidget(self.bar)
        progress.addWidget(self._words)
        column.addWidget(self._bar_row)
        column.addWidget(self.message)
        column.addWidget(self.notice)
        column.addSpacing(spacing(1))
        column.addWidget(self.facts)
        self.body = QVBoxLayout()
        self.body.setSpacing(spacing(2))
        column.addLayout(self.body)
        column.addStretch(1)
        self.setWidget(inside)
        self.setMinimumWidth(spacing(70))

    @Slot()
    def _on_clicked(self) -> None:
        button = self.sender()
        if not isinstance(button, QPushButton):
            return
        choices = button.property("choices")
        if choices:
            self.chosen.emit(choices[0][1])
        else:
            self.pressed.emit(str(button.property("key")))

    @Slot()
    def _on_chosen(self) -> None:
        action = self.sender()
        if action is not None:
            self.chosen.emit(str(action.data()))  # type: ignore[attr-defined]  # a QAction
