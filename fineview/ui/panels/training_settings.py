"""The settings column of the training panel."""

from typing import cast

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from fineview.core.errors import ConfigError
from fineview.core.training.config import LIVE_SETTINGS, Optimiser, default_rate
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import make_primary, set_icon, spacing, use_font
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.number_field import NumberField
from fineview.ui.widgets.section import Section
from fineview.ui.widgets.segmented import Segmented

_OPTIMISERS = (("sgd", "SGD"), ("momentum", "Mom."), ("adam", "Adam"), ("adamw", "AdamW"))


class TrainingSettings(QWidget):
    """Fields bound to the session's training settings, and the three buttons of a run.

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

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._fields: dict[str, NumberField] = {}
        self._dimension = 384
        self.optimiser = Segmented(
            _OPTIMISERS,
            "Optimiser",
            "How the weights follow the gradient – SGD as in the lecture – change it to compare "
            "speed: Adam needs a rate near 0.001.",
        )
        self.class_weights = Segmented(
            (("none", "None"), ("balanced", "Balanced")),
            "Class weights",
            "Balanced counts rare classes more – none – change it when rare classes matter.",
        )
        self.message = MessageLine()
        self.train_button = QPushButton("Train")
        self.pause_button = QPushButton("Pause")
        self.step_button = QPushButton("Step")
        self._lay_out()
        self._connect()
        session.changed.connect(self._on_session)
        self._show(session.state)
        self.set_running(False)

    def set_dimension(self, dimension: int) -> None:
        """Say how many features the head will see: default rates depend on it."""
        self._dimension = dimension

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
            else "Train the head with these settings (Ctrl+Enter)."
        )
        set_icon(self.train_button, "stop" if running else "play")
        self.pause_button.setEnabled(running and not stopping)
        self.pause_button.setText("Go on" if paused else "Pause")
        set_icon(self.pause_button, "play" if paused else "pause")
        self.step_button.setEnabled(running and not stopping)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(spacing(2))
        grid.setVerticalSpacing(spacing(2))
        grid.setColumnStretch(1, 1)
        self._row(grid, "Optimiser", self.optimiser)
        self._number(
            grid,
            "learning_rate",
            "Rate",
            1e-9,
            1e12,
            "Step size – 0.1 for SGD, 0.001 for Adam – lower it when the loss jumps; it may be "
            "changed while a run is in flight.",
        )
        self._number(
            grid,
            "batch_size",
            "Batch",
            1,
            100_000,
            "Texts per step – 32 – larger is smoother and slower to start.",
            integer=True,
        )
        self._number(
            grid,
            "epochs",
            "Epochs",
            1,
            1_000_000,
            "Passes over the training texts – 100 – more when the curve still falls.",
            integer=True,
        )
        self._number(
            grid,
            "seed",
            "Seed",
            0,
            2**31 - 1,
            "Decides the batch order – 0 – change it to see how much luck there is.",
            integer=True,
        )
        self.more = Section("More")
        more = QGridLayout()
        more.setContentsMargins(0, 0, 0, 0)
        more.setHorizontalSpacing(spacing(2))
        more.setVerticalSpacing(spacing(2))
        more.setColumnStretch(1, 1)
        self._number(
            more,
            "weight_decay",
            "Weight decay",
            0,
            1e6,
            "Penalty λ/2·‖W‖² on the head's weights – 0.01 – raise it against overfitting; it may "
            "be changed while a run is in flight.",
        )
        self._row(more, "Class weights", self.class_weights)
        self._number(
            more,
            "patience",
            "Patience",
            0,
            1_000_000,
            "Epochs without a better validation loss before training stops – 0 is never.",
            integer=True,
        )
        self._number(
            more,
            "max_length",
            "Max. tokens",
            3,
            8192,
            "Longer texts are cut – 128 – raise it for long texts; the encoder sets the limit.",
            integer=True,
        )
        self.more.body.addLayout(more)
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
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(2))
        box.addLayout(grid)
        box.addWidget(self.more)
        box.addWidget(self.message)
        box.addLayout(buttons)
        box.addStretch(1)
        self.message.clear()

    def _row(self, grid: QGridLayout, text: str, field: QWidget) -> None:
        label = QLabel(text)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setBuddy(field)
        use_font(label, "body")
        row = grid.rowCount()
        grid.addWidget(label, row, 0)
        grid.addWidget(field, row, 1)

    def _number(
        self,
        grid: QGridLayout,
        name: str,
        text: str,
        minimum: float,
        maximum: float,
        tip: str,
        *,
        integer: bool = False,
    ) -> None:
        field = NumberField(
            text, tip, value=self._value(name), minimum=minimum, maximum=maximum, integer=integer
        )
        self._fields[name] = field
        self._row(grid, text, field)
        field.changed.connect(lambda value, name=name: self._set(name, value))
        field.error_changed.connect(self._on_error)

    def _connect(self) -> None:
        self.optimiser.changed.connect(self._on_optimiser)
        self.class_weights.changed.connect(lambda value: self._set("class_weights", value))
        self.train_button.clicked.connect(self.train_pressed)
        self.pause_button.clicked.connect(self.pause_pressed)
        self.step_button.clicked.connect(self.step_pressed)
        self.more.toggled.connect(self._on_folded)

    def _value(self, name: str) -> float:
        spec = self._session.state.spec
        value = getattr(spec.training, name) if hasattr(spec.training, name) else None
        return float(value if value is not None else getattr(spec, name))

    def _set(self, name: str, value: object) -> None:
        text = f"Change {name.replace('_', ' ')}"
        try:
            if hasattr(self._session.state.spec.training, name):
                self._session.edit_training(text, **{name: value})
            else:
                self._session.edit_spec(text, **{name: value})
        except ConfigError as error:
            self.message.show_message("bad", str(error))
            return
        self.message.clear()
        if name in LIVE_SETTINGS and isinstance(value, int | float):
            self.live_changed.emit(name, float(value))

    @Slot(str)
    def _on_optimiser(self, value: str) -> None:
        # Each optimiser has a rate of its own; one that was left at its default moves along.
        training = self._session.state.spec.training
        optimiser = cast("Optimiser", value)
        changes: dict[str, object] = {"optimiser": optimiser}
        if training.learning_rate == default_rate(training.optimiser, self._dimension):
            changes["learning_rate"] = default_rate(optimiser, self._dimension)
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
        self.optimiser.set_value(state.spec.training.optimiser)
        self.class_weights.set_value(state.spec.training.class_weights)
        for name, field in self._fields.items():
            if field.value != self._value(name):
                field.set_value(self._value(name))
        if self.more.folded != ("more" in state.folded):
            self.more.set_folded("more" in state.folded)
