"""The settings column of the training panel."""

from dataclasses import replace
from typing import cast

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fineview.core.errors import ConfigError
from fineview.core.laboratory import Laboratory
from fineview.core.training.config import (
    HEAD_TITLES,
    LIVE_SETTINGS,
    Optimiser,
    default_rate,
)
from fineview.core.training.strategy import STRATEGIES, StrategyKind
from fineview.ui.panels.training_fields import FIELDS, FieldInfo, Place
from fineview.ui.panels.training_shift import ShiftEditor
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import make_primary, set_icon, spacing, use_font
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.number_field import NumberField
from fineview.ui.widgets.section import Section

_OPTIMISERS = [
    ("sgd", "SGD"),
    ("momentum", "SGD with momentum"),
    ("adam", "Adam"),
    ("adamw", "AdamW"),
    ("adafactor", "Adafactor"),
]
_SCHEDULES = [
    ("constant", "Constant"),
    ("linear", "Linear to 0"),
    ("cosine", "Cosine to 0"),
    ("triangular", "Slanted triangular"),
]
_KEPT = [("last", "Last step"), ("best", "Best epoch")]
_WEIGHTS = [("none", "All alike"), ("balanced", "Balanced")]
_PRECISIONS = [("auto", "Automatic"), ("float32", "float32"), ("bfloat16", "bfloat16")]


class TrainingSettings(QWidget):
    """Fields bound to the session's spec, and the three buttons of a run.

    Only what is of use to the strategy and the head is shown.

    Signals:
        train_pressed(): Train, or Stop while a run is in flight.
        pause_pressed(): Pause, or go on.
        step_pressed(): One batch.
        live_changed(str, float): A setting changed that a run in flight can take over.
    """

    train_pressed = Signal()
    pause_pressed = Signal()
    step_pressed = Signal()
    live_changed = Signal(str, float)

    def __init__(self, session: Session, lab: Laboratory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.shift = ShiftEditor(session, lab)
        self._fields: dict[str, NumberField] = {}
        self._labels: dict[str, QLabel] = {}
        self._dimension = 384
        self._of_numbers = False
        self._make_choices()
        self.shuffled = QCheckBox("Shuffled labels")
        self.checkpointing = QCheckBox("Compute blocks anew")
        self.says = plain_label("", "small", wrap=True)
        self.more = Section("More")
        self.message = MessageLine()
        self.train_button = QPushButton("Train")
        self.pause_button = QPushButton("Pause")
        self.step_button = QPushButton("Step")
        self._lay_out()
        self._connect()
        session.changed.connect(self._on_session)
        self._show(session.state)
        self.set_running(False)

    def set_dimension(self, dimension: int, *, numbers: bool = False) -> None:
        """Say how many features the head will see, and what for: default rates depend on it."""
        self._dimension = dimension
        self._of_numbers = numbers

    def field(self, name: str) -> NumberField:
        """Return the number field of a setting."""
        return self._fields[name]

    def set_running(self, running: bool, paused: bool = False, stopping: bool = False) -> None:
        """Show whether a run is in flight: Stop stands where Train was."""
        self.train_button.setText("Stopping…" if stopping else "Stop" if running else "Train")
        self.train_button.setEnabled(not stopping)
        self.train_button.setToolTip(
            "Stop the run; it is kept and can go on later (Esc)."
            if running
            else "Train with these settings (Ctrl+Enter)."
        )
        set_icon(self.train_button, "stop" if running else "play")
        self.pause_button.setEnabled(running and not stopping)
        self.pause_button.setText("Go on" if paused else "Pause")
        set_icon(self.pause_button, "play" if paused else "pause")
        self.step_button.setEnabled(running and not stopping)

    def _make_choices(self) -> None:
        self.strategy = CalmCombo(
            "Strategy",
            "Which weights move – head only, in seconds – train the encoder too when the head "
            "alone is not good enough, or to see what that costs.",
            letters=18,
        )
        self.head = CalmCombo(
            "Head",
            "What turns features into labels – linear + softmax – a forest or an MLP when classes "
            "are not separated by planes.",
            letters=18,
        )
        self.optimiser = CalmCombo(
            "Optimiser",
            "How the weights follow the gradient – SGD as in the lecture, AdamW where the encoder "
            "is trained – change it to compare speed: each has a rate of its own.",
            letters=18,
        )
        self.schedule = CalmCombo(
            "Schedule",
            "What the rates do after the warm-up – constant for a head, linear to 0 where the "
            "encoder is trained – let them fall when the last epochs are noisy.",
            letters=14,
        )
        self.kept = CalmCombo(
            "Kept weights",
            "Which weights the run keeps – those of the last step – the best epoch's when it "
            "overfits.",
            letters=14,
        )
        self.class_weights = CalmCombo(
            "Class weights",
            "Balanced counts rare classes more – all alike – change it when rare classes matter.",
            letters=14,
        )
        self.precision = CalmCombo(
            "Number type",
            "Of products where the encoder is trained – automatic: bfloat16 on CUDA, float32 "
            "elsewhere – float32 to rule it out as a cause.",
            letters=14,
        )

    def _lay_out(self) -> None:
        describe(
            self.shuffled,
            "Shuffled labels",
            "Deals the training labels out anew: what is learned then is memory – off – turn it on "
            "to see how much a strategy can memorise.",
        )
        describe(
            self.checkpointing,
            "Compute blocks anew",
            "Keeps no activations but computes them again on the way back: slower, far less memory "
            "– off – turn it on when memory is short.",
        )
        grid, more = QGridLayout(), QGridLayout()
        for one in (grid, more):
            one.setContentsMargins(0, 0, 0, 0)
            one.setHorizontalSpacing(spacing(2))
            one.setVerticalSpacing(spacing(1.5))
            one.setColumnStretch(1, 1)
        self._row(grid, "Strategy", self.strategy, "strategy")
        grid.addWidget(self.says, grid.rowCount(), 0, 1, 2)
        self._numbers(grid, "strategy")
        self._row(grid, "Head", self.head, "head")
        self._numbers(grid, "head")
        self._row(grid, "Optimiser", self.optimiser, "optimiser")
        self._numbers(grid, "main")
        self._numbers(more, "more")
        self._row(more, "Schedule", self.schedule, "schedule")
        self._row(more, "Keep", self.kept, "kept")
        self._row(more, "Classes", self.class_weights, "class_weights")
        self._row(more, "Numbers", self.precision, "precision")
        for box in (self.checkpointing, self.shuffled):
            more.addWidget(box, more.rowCount(), 0, 1, 2)
        self.more.body.addLayout(more)
        self.more.body.addWidget(self.shift)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addLayout(grid)
        column.addWidget(self.more)
        column.addWidget(self.message)
        column.addLayout(self._buttons())
        column.addStretch(1)
        self.message.clear()

    def _buttons(self) -> QHBoxLayout:
        buttons = QHBoxLayout()
        buttons.setSpacing(spacing(2))
        make_primary(self.train_button)
        buttons.addWidget(self.train_button, 2)
        for button, name, tip in (
            (self.pause_button, "pause", "Hold the run after this batch, or let it go on (Space)."),
            (self.step_button, "step", "Train one batch, then hold (Ctrl+.)."),
        ):
            set_icon(button, name)
            button.setToolTip(tip)
            buttons.addWidget(button, 1)
        return buttons

    def _row(self, grid: QGridLayout, text: str, field: QWidget, name: str) -> None:
        label = QLabel(text)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setBuddy(field)
        use_font(label, "body")
        row = grid.rowCount()
        grid.addWidget(label, row, 0)
        grid.addWidget(field, row, 1)
        self._labels[name] = label

    def _numbers(self, grid: QGridLayout, place: Place) -> None:
        for info in FIELDS:
            if info.place == place:
                self._number(grid, info)

    def _number(self, grid: QGridLayout, info: FieldInfo) -> None:
        field = NumberField(
            info.label,
            info.tip,
            value=info.value(self._session.state.spec),
            minimum=info.low,
            maximum=info.high,
            integer=info.integer,
        )
        self._fields[info.name] = field
        self._row(grid, info.label, field, info.name)
        field.changed.connect(lambda value, info=info: self._set_number(info, value))
        field.error_changed.connect(self._on_error)

    def _connect(self) -> None:
        session = self._session
        self.strategy.chosen.connect(self._on_strategy)
        self.head.chosen.connect(self._on_head)
        self.optimiser.chosen.connect(self._on_optimiser)
        for name, combo in self._training_choices().items():
            combo.chosen.connect(
                lambda value, name=name: session.edit_training(
                    f"Change {name.replace('_', ' ')}", **{name: value}
                )
            )
        self.shuffled.clicked.connect(
            lambda on: session.edit_spec(
                "Shuffle labels", control="shuffled-labels" if on else "none"
            )
        )
        self.checkpointing.clicked.connect(
            lambda on: session.edit_training("Change gradient checkpointing", checkpointing=on)
        )
        self.train_button.clicked.connect(self.train_pressed)
        self.pause_button.clicked.connect(self.pause_pressed)
        self.step_button.clicked.connect(self.step_pressed)
        self.more.toggled.connect(self._on_folded)
        self.shift.failed.connect(self._on_error)

    def _training_choices(self) -> dict[str, CalmCombo]:
        return {
            "schedule": self.schedule,
            "kept": self.kept,
            "class_weights": self.class_weights,
            "precision": self.precision,
        }

    def _set_number(self, info: FieldInfo, value: float) -> None:
        spec, text = self._session.state.spec, f"Change {info.label.lower()}"
        changes = {info.name: value}
        try:
            if info.part == "spec":
                self._session.edit_spec(text, **changes)
            else:
                part = replace(getattr(spec, info.part), **changes)
                self._session.edit_spec(text, **{info.part: part})
        except ConfigError as error:
            self.message.show_message("bad", str(error))
            return
        self.message.clear()
        if info.name in LIVE_SETTINGS:
            self.live_changed.emit(info.name, float(value))

    @Slot(str)
    def _on_strategy(self, value: str) -> None:
        self._session.edit_strategy(
            cast("StrategyKind", value), self._dimension, numbers=self._of_numbers
        )

    @Slot(str)
    def _on_head(self, value: str) -> None:
        head = replace(self._session.state.spec.head, kind=value)  # type: ignore[arg-type]
        self._session.edit_spec("Change the head", head=head)

    @Slot(str)
    def _on_optimiser(self, value: str) -> None:
        # Each optimiser has a rate of its own; one that was left at its default moves along.
        training = self._session.state.spec.training
        optimiser = cast("Optimiser", value)
        changes: dict[str, object] = {"optimiser": optimiser}
        old, new = (
            default_rate(name, self._dimension, numbers=self._of_numbers)
            for name in (training.optimiser, optimiser)
        )
        if training.learning_rate == old:
            changes["learning_rate"] = new
        self._session.edit_training("Change optimiser", **changes)

    @Slot(str)
    def _on_error(self, text: str) -> None:
        if text:
            self.message.show_message("bad", text)
        else:
            self.message.clear()

    @Slot(bool)
    def _on_folded(self, _open: bool) -> None:
        folded = set(self._session.state.folded) - {"more"}
        if self.more.folded:
            folded.add("more")
        self._session.view(folded=tuple(sorted(folded)))

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.spec != old.spec or state.folded != old.folded:
            self._show(state)

    def _show(self, state: SessionState) -> None:
        spec = state.spec
        titles = [(kind, info.title) for kind, info in STRATEGIES.items()]
        self.strategy.set_choices(titles, spec.strategy.kind)
        self.says.setText(spec.strategy.info.says)
        self.says.setToolTip(spec.strategy.info.source)
        heads = [(kind, title[0].upper() + title[1:]) for kind, title in HEAD_TITLES.items()]
        self.head.set_choices(heads, spec.head.kind)
        self.optimiser.set_choices(_OPTIMISERS, spec.training.optimiser)
        self.schedule.set_choices(_SCHEDULES, spec.training.schedule)
        self.kept.set_choices(_KEPT, spec.training.kept)
        self.class_weights.set_choices(_WEIGHTS, spec.training.class_weights)
        self.precision.set_choices(_PRECISIONS, spec.training.precision)
        self.shuffled.setChecked(spec.control == "shuffled-labels")
        self.checkpointing.setChecked(spec.training.checkpointing)
        for info in FIELDS:
            field, shown = self._fields[info.name], info.shown(spec)
            field.setVisible(shown)
            self._labels[info.name].setVisible(shown)
            if field.value != info.value(spec):
                field.set_value(info.value(spec))
        steps, encoder = spec.head.by_gradient, spec.strategy.trains_encoder
        for name, widget in {"optimiser": self.optimiser, **self._training_choices()}.items():
            shown = encoder if name == "precision" else steps or name == "class_weights"
            widget.setVisible(shown)
            self._labels[name].setVisible(shown)
        self.checkpointing.setVisible(encoder)
        self._labels["learning_rate"].setText("Head rate" if encoder else "Rate")
        if self.more.folded != ("more" in state.folded):
            self.more.set_folded("more" in state.folded)
