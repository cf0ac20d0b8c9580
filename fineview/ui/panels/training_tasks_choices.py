"""The column of several tasks: which, what moves, how they are balanced, on which budget."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QPushButton, QVBoxLayout, QWidget

from fineview.core.data.task import TaskInfo
from fineview.core.errors import ConfigError
from fineview.core.features.config import token_poolings
from fineview.core.laboratory import Laboratory
from fineview.core.training.multitask.config import (
    BALANCES,
    FEWEST_TASKS,
    TasksChoice,
    balance_note,
)
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import make_primary, set_icon, spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.check_list import CheckList, Option
from fineview.ui.widgets.format import plural
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.number_field import NumberField
from fineview.ui.widgets.panel_area import SideColumn
from fineview.ui.widgets.section import Section
from fineview.ui.widgets.segmented import Segmented

_RUN = "Train together"
_POOLINGS = {
    "mean": "Mean of all tokens",
    "cls": "First token of the text",
    "max": "Maximum of all tokens",
    "first": "First token of the word",
    "last": "Last token of the word",
}
_SHORT = {"none": "Sum"}


@dataclass(frozen=True, slots=True)
class _Number:
    """A number to be typed: its setting, what it is called, its range, its tooltip."""

    name: str
    title: str
    low: float
    high: float
    tip: str
    whole: bool = True
    above_low: bool = False


_MOVING = (
    _Number("top_layers", "Last blocks", 1, 1000, "How many blocks move, from the last – 2 – more "
            "to let the tasks change more of the encoder."),
)  # fmt: skip
_ALPHA = (
    _Number("alpha", "α", 0, 100, "GradNorm's pull towards tasks that lag – 1.5 – 0 makes all "
            "gradients of one size, more helps the slow.", whole=False),
)  # fmt: skip
_BUDGET = (
    _Number("items", "Training items", 0, 10_000_000, "Most training items of each task, sampled – "
            "400 – 0 takes all; fewer to be done sooner."),
    _Number("held_out_items", "Held-out items", 0, 10_000_000, "Most test items of each task – 400 "
            "– more for narrower intervals; 0 takes all."),
    _Number("epochs", "Epochs", 1, 1000, "Passes of the task with the most steps – 3 – smaller "
            "tasks begin again meanwhile."),
    _Number("batch_size", "Batch of a task", 1, 4096, "Texts of each task in a step, on the mean – "
            "16 – more for calmer gradients."),
    _Number("max_length", "Max. tokens", 3, 8192, "Longer texts are cut – 64 – less is faster: "
            "training time grows with it."),
    _Number("encoder_rate", "Encoder's rate", 0, 1e9, "Step size of the encoder's weights – 5e-5 – "
            "less where the losses jump.", whole=False, above_low=True),
    _Number("head_rate", "Heads' rate", 0, 1e9, "Step size of the heads – 3e-3 – they begin at "
            "zero and have far to go.", whole=False, above_low=True),
    _Number("every", "Compare every", 1, 10_000, "Steps from one comparison of the gradients to "
            "the next – 5 – 1 to miss none; it costs a few products."),
    _Number("seed", "Seed", 0, 2**31 - 1, "Draws batches, dropout and the order of projections – "
            "0 – another one to see how far chance goes."),
)  # fmt: skip


class TasksChoices(QWidget):
    """Lists, switches, numbers, and the button that trains.

    Attributes:
        tasks: The tasks to tick.
        backbone: What of the encoder moves.
        balance: The remedy.
        sampling: How batches are shared out.
        tokens: How tokens become a vector.
        alone: Whether each task is trained alone too.
        run_button: Train together, or Stop.

    Signals:
        run_pressed(): Train together, or Stop.
    """

    run_pressed = Signal()

    def __init__(self, session: Session, lab: Laboratory) -> None:
        super().__init__()
        self._session = session
        self._lab = lab
        self._infos: dict[str, TaskInfo] = {}
        self._fields: dict[str, NumberField] = {}
        self._sections: dict[str, Section] = {}
        self.tasks = CheckList("Tasks", "Two to five tasks, a head each, on one encoder.")
        self.backbone = Segmented(
            [("full", "All"), ("last-k", "Last blocks"), ("frozen", "Nothing")],
            "What of the encoder moves",
            "All its weights – only the last blocks – nothing, and then no head can spoil another.",
        )
        self.balance = Segmented(
            [(name, _SHORT.get(name, told.title)) for name, told in BALANCES.items()],
            "Balance",
            "What is done where gradients pull apart – the plain sum – a remedy where a task is "
            "spoiled by the others.",
        )
        self.sampling = Segmented(
            [("round-robin", "As many of each"), ("proportional", "In proportion")],
            "Texts of each task in a step",
            "As many texts of each task, small ones begin again – in proportion to those it has, "
            "so that large tasks count for more.",
        )
        self.tokens = CalmCombo(
            "Token pooling",
            "How a text's, or a word's, tokens in the last layer become one vector – mean – what "
            "is offered fits the level of every ticked task.",
            letters=14,
        )
        self.alone = QCheckBox("Each task alone, too")
        self._pooling_row = QWidget()
        self._moving, self._alpha = self._grid(_MOVING), self._grid(_ALPHA)
        self.balance_says = plain_label("", "small", wrap=True)
        self.message = MessageLine("Settings of several tasks")
        self.said = plain_label("", "small", wrap=True)
        self.run_button = QPushButton(_RUN)
        self._lay_out()
        self._connect()
        self._show(session.state)
        self.set_running(False)

    def field(self, name: str) -> NumberField:
        """Return the number field of a setting."""
        return self._fields[name]

    def set_running(self, running: bool, *, stopping: bool = False) -> None:
        """Show whether a training is in flight: Stop stands where Train was."""
        self.run_button.setText("Stopping…" if stopping else "Stop" if running else _RUN)
        self.run_button.setEnabled(not stopping)
        set_icon(self.run_button, "stop" if running else "play")
        describe(
            self.run_button,
            self.run_button.text(),
            "Stops within the step in flight; what was measured is kept."
            if running
            else "Trains the ticked tasks on one encoder, then each alone – minutes – kept as one "
            "study.",
        )

    def showEvent(self, event: QShowEvent) -> None:
        """Offer tasks that have come since."""
        super().showEvent(event)
        self._show(self._session.state)

    # Layout

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        for title, parts in (
            ("Tasks", (self.tasks,)),
            ("What moves", (self.backbone, self._moving, self._pooling_row)),
            ("Balance", (self.balance, self.balance_says, self._alpha)),
            ("Budget", (self.sampling, self._grid(_BUDGET), self.alone)),
        ):
            section = Section(title, folded=f"several {title}" in self._session.state.folded)
            section.toggled.connect(self._on_folded)
            for part in parts:
                section.body.addWidget(part)
            self._sections[title] = section
            column.addWidget(section)
        column.addStretch(1)
        make_primary(self.run_button)
        describe(
            self.alone,
            "Each task alone, too",
            "Trains each task by itself in as many steps, to see whether company spoils it – on – "
            "off to watch the gradients only, in less time.",
        )
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(2))
        box.addWidget(SideColumn(inside), 1)
        for part in (self.message, self.said, self.run_button):
            box.addWidget(part)

    def _grid(self, numbers: Sequence[_Number]) -> QWidget:
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
                value=getattr(self._session.state.multitask, one.name),
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

    def _connect(self) -> None:
        row = QGridLayout(self._pooling_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setHorizontalSpacing(spacing(2))
        row.setColumnStretch(1, 1)
        label = plain_label("Tokens")
        label.setBuddy(self.tokens)
        row.addWidget(label, 0, 0)
        row.addWidget(self.tokens, 0, 1)
        self.tasks.changed.connect(self._on_tasks)
        for name, control in (
            ("backbone", self.backbone),
            ("balance", self.balance),
            ("sampling", self.sampling),
        ):
            control.changed.connect(lambda value, name=name: self._edit(name, value))
        self.tokens.chosen.connect(lambda value: self._edit("tokens", value))
        self.alone.clicked.connect(lambda on: self._edit("alone", on))
        self.run_button.clicked.connect(self.run_pressed)
        self._session.changed.connect(self._on_session)

    # What a person does

    def _edit(self, name: str, value: object) -> None:
        words = name.replace("_", " ")
        try:
            self._session.edit_look(f"Change {words}", "multitask", **{name: value})
        except ConfigError as error:
            self.message.show_message("bad", str(error))
            self._show(self._session.state)
            return
        self.message.clear()

    @Slot(object)
    def _on_tasks(self, values: Sequence[str]) -> None:
        # Tasks keep their places, and with them their colours; a new one comes last.
        before = self._session.state.multitask.tasks
        kept = [name for name in before if name in values]
        self._edit("tasks", (*kept, *(name for name in values if name not in kept)))

    @Slot(bool)
    def _on_folded(self, _folded: bool) -> None:
        folded = {name for name in self._session.state.folded if not name.startswith("several ")}
        folded |= {f"several {t}" for t, section in self._sections.items() if section.folded}
        self._session.view(folded=tuple(sorted(folded)))

    # What the session says

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.multitask != old.multitask:
            self._show(state)

    def _show(self, state: SessionState) -> None:
        choice = state.multitask
        self._infos = {info.name: info for info in self._lab.shelf.infos()}
        self.tasks.set_options(self._options(choice))
        self.tasks.set_values(choice.tasks)
        self.backbone.set_value(choice.backbone)
        self.balance.set_value(choice.balance)
        self.sampling.set_value(choice.sampling)
        self.tokens.set_choices(self._poolings(choice), choice.tokens)
        self.alone.setChecked(choice.alone)
        for setting, field in self._fields.items():
            if field.value != getattr(choice, setting):
                field.set_value(getattr(choice, setting))
        self._moving.setVisible(choice.backbone == "last-k")
        self._alpha.setVisible(choice.balance == "gradnorm")
        told = BALANCES[choice.balance]
        source = f" {told.source}." if told.source else ""
        self.balance_says.setText(balance_note(choice) or told.says + source)
        self.said.setText(_plan(choice))

    def _options(self, choice: TasksChoice) -> list[Option]:
        """Return every task there is, and those that are chosen though they are gone."""
        found = [
            Option(info.name, f"{info.title} · {info.level}", info.meaning)
            for info in self._infos.values()
        ]
        gone = [name for name in choice.tasks if name not in self._infos]
        said = "This task is not here any more: untick it, or fetch it in the Data panel."
        return [*found, *(Option(name, f"{name} · not here", said) for name in gone)]

    def _poolings(self, choice: TasksChoice) -> list[tuple[str, str]]:
        """Return what fits all ticked tasks, and what is chosen though it does not."""
        levels = {self._infos[name].level for name in choice.tasks if name in self._infos}
        fits = [
            name for name in _POOLINGS if all(name in token_poolings(level) for level in levels)
        ]
        names = fits if choice.tokens in fits else [*fits, choice.tokens]
        return [(n, _POOLINGS[n] if n in fits else f"{n} · does not fit") for n in names]


def _plan(choice: TasksChoice) -> str:
    """Return what a press on the button will do."""
    count = len(choice.tasks)
    if count < FEWEST_TASKS:
        return "Tick a second task: one alone shares the encoder with nobody."
    said = f"{plural(count, 'task')} together"
    if choice.alone:
        said += f", then each alone: {plural(count + 1, 'training')} of as many steps"
    return f"{said}."
