"""The column of several tasks: which, what moves, how they are balanced, on which budget."""

from collections.abc import Sequence

from PySide6.QtCore import Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QVBoxLayout, QWidget

from fineview.core.data.task import TaskInfo
from fineview.core.features.config import token_poolings
from fineview.core.laboratory import Laboratory
from fineview.core.training.multitask.config import (
    BALANCES,
    FEWEST_TASKS,
    TasksChoice,
    balance_note,
)
from fineview.ui.session import Session, SessionState
from fineview.ui.study_column import ColumnWords, Number, StudyColumn
from fineview.ui.theme import spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.check_list import CheckList, Option
from fineview.ui.widgets.format import plural
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.segmented import Segmented

_WORDS = ColumnWords(
    message="Settings of several tasks",
    run="Train together",
    runs="Trains the ticked tasks on one encoder, then each alone – minutes – kept as one study.",
    stops="Stops within the step in flight; what was measured is kept.",
)
_POOLINGS = {
    "mean": "Mean of all tokens",
    "cls": "First token of the text",
    "max": "Maximum of all tokens",
    "first": "First token of the word",
    "last": "Last token of the word",
}
_SHORT = {"none": "Sum"}


_MOVING = (
    Number("top_layers", "Last blocks", 1, 1000, "How many blocks move, from the last – 2 – more "
            "to let the tasks change more of the encoder."),
)  # fmt: skip
_ALPHA = (
    Number("alpha", "α", 0, 100, "GradNorm's pull towards tasks that lag – 1.5 – 0 makes all "
            "gradients of one size, more helps the slow.", whole=False),
)  # fmt: skip
_BUDGET = (
    Number("items", "Training items", 0, 10_000_000, "Most training items of each task, sampled – "
            "400 – 0 takes all; fewer to be done sooner."),
    Number("held_out_items", "Held-out items", 0, 10_000_000, "Most test items of each task – 400 "
            "– more for narrower intervals; 0 takes all."),
    Number("epochs", "Epochs", 1, 1000, "Passes of the task with the most steps – 3 – smaller "
            "tasks begin again meanwhile."),
    Number("batch_size", "Batch of a task", 1, 4096, "Texts of each task in a step, on the mean – "
            "16 – more for calmer gradients."),
    Number("max_length", "Max. tokens", 3, 8192, "Longer texts are cut – 64 – less is faster: "
            "training time grows with it."),
    Number("encoder_rate", "Encoder's rate", 0, 1e9, "Step size of the encoder's weights – 5e-5 – "
            "less where the losses jump.", whole=False, above_low=True),
    Number("head_rate", "Heads' rate", 0, 1e9, "Step size of the heads – 3e-3 – they begin at "
            "zero and have far to go.", whole=False, above_low=True),
    Number("every", "Compare every", 1, 10_000, "Steps from one comparison of the gradients to "
            "the next – 5 – 1 to miss none; it costs a few products."),
    Number("seed", "Seed", 0, 2**31 - 1, "Draws batches, dropout and the order of projections – "
            "0 – another one to see how far chance goes."),
)  # fmt: skip


class TasksChoices(StudyColumn):
    """Lists, switches, numbers, and the button that trains.

    Attributes:
        tasks: The tasks to tick.
        backbone: What of the encoder moves.
        balance: The remedy.
        sampling: How batches are shared out.
        tokens: How tokens become a vector.
        alone: Whether each task is trained alone too.
    """

    def __init__(self, session: Session, lab: Laboratory) -> None:
        super().__init__(session, "multitask", "several", _WORDS)
        self._lab = lab
        self._infos: dict[str, TaskInfo] = {}
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
        self._lay_out()
        self._connect()
        self._show(session.state)
        self.set_running(False)

    def showEvent(self, event: QShowEvent) -> None:
        """Offer tasks that have come since."""
        super().showEvent(event)
        self._show(self._session.state)

    # Layout

    def _lay_out(self) -> None:
        column = QVBoxLayout()
        for title, parts in (
            ("Tasks", (self.tasks,)),
            ("What moves", (self.backbone, self._moving, self._pooling_row)),
            ("Balance", (self.balance, self.balance_says, self._alpha)),
            ("Budget", (self.sampling, self._grid(_BUDGET), self.alone)),
        ):
            column.addWidget(self._section(title, *parts))
        describe(
            self.alone,
            "Each task alone, too",
            "Trains each task by itself in as many steps, to see whether company spoils it – on – "
            "off to watch the gradients only, in less time.",
        )
        self._stand(column)

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
        self._session.changed.connect(self._on_session)

    # What a person does

    def _edit(self, name: str, value: object) -> bool:
        done = super()._edit(name, value)
        if not done:
            self._show(self._session.state)
        return done

    @Slot(object)
    def _on_tasks(self, values: Sequence[str]) -> None:
        # Tasks keep their places, and with them their colours; a new one comes last.
        before = self._session.state.multitask.tasks
        kept = [name for name in before if name in values]
        self._edit("tasks", (*kept, *(name for name in values if name not in kept)))

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
        self._show_numbers(choice)
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
