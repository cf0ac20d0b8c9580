"""How the task is divided: as the data says, or drawn."""

from dataclasses import replace

from PySide6.QtCore import QEvent, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from fineview.core.data.split import SHARES
from fineview.core.errors import ConfigError
from fineview.core.views import TaskView
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing, theme_colours
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.finding import unbroken
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.number_field import NumberField
from fineview.ui.widgets.segmented import Segmented

_SHARES = [(str(share), f"{share} %") for share in SHARES]
_NOTE = "Runs made with another split are measured on other texts: do not compare them."
_AS_GIVEN = "As given: shares, seed and Stratify only count for splits that the data does not name."
_NONE_GIVEN = "The data names no splits; they are drawn."


class SplitEditor(QWidget):
    """Fields bound to the session's split; the sizes below follow.

    Signals:
        changed(): A person chose another split.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._given = False
        self.source = Segmented(
            (("given", "As given"), ("random", "Drawn")),
            "Split",
            "Which texts train and which measure – as the data says, where it names splits – draw "
            "them to see how much the figures hang on that choice.",
        )
        self.shares = {
            name: CalmCombo(
                f"{name.capitalize()} share",
                f"Share of the items in the {name} split – 20 % – take less of a small task, more "
                f"for narrower intervals; used for what the data does not name.",
                letters=5,
            )
            for name in ("validation", "test")
        }
        self.stratify = QCheckBox("Stratify")
        describe(
            self.stratify,
            "Stratify",
            "Gives every split its share of each class – on – switch it off to see what chance "
            "does to rare classes.",
        )
        self.seed = NumberField(
            "Split seed",
            "Decides the draw – 0 – change it to see how far figures move with other texts.",
            value=0,
            minimum=0,
            maximum=2**31 - 1,
            integer=True,
        )
        self.message = MessageLine()
        self.sizes = plain_label(wrap=True)
        self.note = plain_label(_NOTE, "small", wrap=True)
        self._lay_out()
        self._connect()
        self.show_state(session.state)

    def show_task(self, task: TaskView | None) -> None:
        """Show the sizes of the splits, and whether the data names its own."""
        if task is None:
            return
        self._given = task.given_splits
        self.source.set_choice_enabled("given", self._given, _NONE_GIVEN)
        parts = zip(("train", "validation", "test"), task.sizes, strict=True)
        total = max(sum(task.sizes), 1)
        self.sizes.setText(
            unbroken(" · ".join(f"{k} {count_text(n)} ({100 * n / total:.0f} %)" for k, n in parts))
        )
        self.sizes.setEnabled(True)
        self.show_state(self._session.state)

    def show_state(self, state: SessionState) -> None:
        """Show the session's split."""
        split = state.spec.split
        source = split.source if self._given else "random"
        self.source.set_value(source)
        self.note.setText(f"{_AS_GIVEN}\n{_NOTE}" if source == "given" else _NOTE)
        for name, combo in self.shares.items():
            combo.set_choices(_SHARES, str(getattr(split, name)))
        self.stratify.setChecked(split.stratify)
        if self.seed.value != split.seed:
            self.seed.set_value(split.seed)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(spacing(2))
        grid.setVerticalSpacing(spacing(2))
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        grid.addWidget(self.source, 0, 0, 1, 4)
        for at, (name, combo) in enumerate(self.shares.items()):
            label = QLabel(name.capitalize())
            label.setBuddy(combo)
            grid.addWidget(label, 1, 2 * at)
            grid.addWidget(combo, 1, 2 * at + 1)
        label = QLabel("Seed")
        label.setBuddy(self.seed.edit)
        grid.addWidget(label, 2, 0)
        grid.addWidget(self.seed, 2, 1)
        grid.addWidget(self.stratify, 2, 2, 1, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addLayout(grid)
        column.addWidget(self.message)
        column.addWidget(self.sizes)
        column.addWidget(self.note)
        self.message.clear()
        self._tint()

    def _connect(self) -> None:
        self.source.changed.connect(lambda value: self._set(source=value))
        for name, combo in self.shares.items():
            combo.chosen.connect(lambda value, name=name: self._set(**{name: int(value)}))
        self.stratify.clicked.connect(lambda checked: self._set(stratify=checked))
        self.seed.changed.connect(lambda value: self._set(seed=int(value)))
        self._session.changed.connect(self._on_session)

    def _set(self, **changes: object) -> None:
        spec = self._session.state.spec
        try:
            split = replace(spec.split, **changes)  # type: ignore[arg-type]
            self._session.edit_spec("Change the split", split=split)
        except ConfigError as error:
            self.message.show_message("bad", str(error))
        else:
            self.message.clear()
            self.changed.emit()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.spec.split != old.spec.split:
            self.show_state(state)
            self.sizes.setEnabled(False)  # another task's or split's, until the new ones are there

    def _tint(self) -> None:
        sheet = f"color: {theme_colours().muted};"
        if self.note.styleSheet() != sheet:
            self.note.setStyleSheet(sheet)
