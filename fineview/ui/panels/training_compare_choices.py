"""The column of the comparison: what is compared, on which budget, with which controls."""

from collections.abc import Sequence

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fineview.core.laboratory import Laboratory
from fineview.core.models.catalog import entries
from fineview.core.models.fetch import is_stored
from fineview.core.runs.compare_choice import (
    HEADS,
    PRESETS,
    CompareChoice,
    PresetName,
    preset,
    preset_of,
)
from fineview.core.runs.compare_plan import plan_of, strategy_title
from fineview.core.training.config import HEAD_TITLES
from fineview.core.training.counting import count_weights
from fineview.core.training.strategy import KINDS, STRATEGIES
from fineview.ui.context import Context
from fineview.ui.session import Session, SessionState
from fineview.ui.study_column import ColumnWords, Number, StudyColumn
from fineview.ui.theme import spacing
from fineview.ui.widgets.check_list import CheckList, Option
from fineview.ui.widgets.format import bytes_text, plural
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.number_field import read_number
from fineview.ui.widgets.segmented import Segmented

_SHAPES = (
    ("table", "Cost"),
    ("grid", "Grid"),
    ("rows", "Rows"),
    ("width", "Width"),
    ("depth", "Depth"),
)
_HEAD_SAYS = {
    "linear": "One linear layer, then softmax: convex, nothing to tune – the usual head.",
    "mlp": "Hidden layers before the linear one, trained by Adam.",
    "forest": "Trees on samples of the texts, each split on a sample of the features.",
    "boosting": "Small trees, each correcting those before it.",
    "knn": "The commonest class among the nearest texts; nothing is trained.",
    "svm": "The widest margin between the classes, linear.",
    "centroid": "The class whose mean is nearest: the least that can be asked.",
}
_WORDS = ColumnWords(
    message="Comparison settings",
    run="Compare",
    runs="Trains every combination, one run after the other – minutes – each is kept.",
    stops="Stops after the step in flight; what is done is kept, and can go on later.",
)
_BUDGET = (
    Number("seeds", "Seeds", 1, 10, "Runs of each combination – 3 – more for narrower intervals; "
           "heads that no seed changes are run once."),
    Number("epochs", "Epochs", 1, 1000, "Passes where the encoder is trained – 3 – strategies "
           "that leave it alone keep their own hundred, which cost next to nothing."),
    Number("train_items", "Training rows", 0, 10_000_000, "Most rows to learn from, sampled – "
           "1 000 – 0 takes all."),
    Number("held_out_items", "Held-out rows", 0, 10_000_000, "Most rows of validation and of "
           "test, each – 1 000 – more for narrower intervals; 0 takes all."),
    Number("max_length", "Max. tokens", 3, 8192, "Longer texts are cut – 128 – less is faster: "
           "training time grows with it."),
)  # fmt: skip


class CompareChoices(StudyColumn):
    """Presets, lists, budget, controls, and the button that runs.

    Attributes:
        strategies, heads, encoders: The lists.
    """

    def __init__(self, session: Session, lab: Laboratory, context: Context) -> None:
        super().__init__(session, "compare", "compare", _WORDS)
        self._lab = lab
        self._context = context
        self._presets: dict[PresetName, QPushButton] = {}
        self.shape = Segmented(
            _SHAPES,
            "What accuracy is drawn over",
            "Cost sets everything side by side – a grid of encoders × heads – or a curve over the "
            "training rows, or over the width or depth of an MLP.",
        )
        self.sizes = QLineEdit()
        self.strategies = CheckList("Strategies", "Which weights move.")
        self.heads = CheckList("Heads", "What turns features into labels.")
        self.encoders = CheckList("Encoders", "Whose features.")
        self.shuffled = QCheckBox("Shuffled labels")
        self.random = QCheckBox("Random features")
        self._lay_out()
        self._connect()
        self._show(session.state)
        self.set_running(False)

    def preset_button(self, name: PresetName) -> QPushButton:
        """Return the button of a preset."""
        return self._presets[name]

    # Layout

    def _lay_out(self) -> None:
        column = QVBoxLayout()
        column.addLayout(self._preset_part())
        column.addLayout(self._shape_part())
        for title, part in (
            ("Strategies", self.strategies),
            ("Heads", self.heads),
            ("Encoders", self.encoders),
            ("Budget", self._grid(_BUDGET)),
            ("Controls", self._controls_part()),
        ):
            column.addWidget(self._section(title, part))
        self._stand(column)

    def _preset_part(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(spacing(1))
        for number, (name, told) in enumerate(PRESETS.items()):
            button = QPushButton(told.title)
            button.setCheckable(True)
            describe(button, told.title, f"{told.says} Chooses all that follows; undo takes back.")
            button.clicked.connect(lambda _on=False, name=name: self.choose_preset(name))
            self._presets[name] = button
            grid.addWidget(button, number // 2, number % 2)
        return grid

    def _shape_part(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(spacing(1))
        label = plain_label("Accuracy over", "small")
        label.setBuddy(self.shape)
        column.addWidget(label)
        column.addWidget(self.shape)
        describe(
            self.sizes,
            "Places of the curve",
            "Where the curve is measured, numbers with spaces between – empty takes the usual "
            "ones – fewer to be done sooner.",
        )
        column.addWidget(self.sizes)
        return column

    def _controls_part(self) -> QWidget:
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(spacing(1), 0, 0, 0)
        column.setSpacing(spacing(1))
        describe(
            self.shuffled,
            "Shuffled labels",
            "Trains each row once more on labels dealt out anew – off – what is learned then is "
            "memory: on, to see how much of the training accuracy that is.",
        )
        describe(
            self.random,
            "Random features",
            "Sets the encoder with random weights, frozen, beside the strategies – off – on, to "
            "see what pretraining is worth.",
        )
        column.addWidget(self.shuffled)
        column.addWidget(self.random)
        return part

    def _connect(self) -> None:
        told = [
            (k, strategy_title(k), f"{STRATEGIES[k].says} {STRATEGIES[k].source}.") for k in KINDS
        ]
        self.strategies.set_options([Option(*one) for one in told])
        self.heads.set_options([Option(h, HEAD_TITLES[h], _HEAD_SAYS[h]) for h in HEADS])
        self.shape.changed.connect(self._on_shape)
        self.sizes.editingFinished.connect(self._on_sizes)
        self.strategies.changed.connect(lambda values: self._edit("strategies", values))
        self.heads.changed.connect(lambda values: self._edit("heads", values))
        self.encoders.changed.connect(self._on_encoders)
        self.shuffled.clicked.connect(lambda on: self._edit("shuffled", on))
        self.random.clicked.connect(lambda on: self._edit("random_features", on))
        self._session.changed.connect(self._on_session)
        self._context.changed.connect(lambda: self._show(self._session.state))

    # What a person does

    def choose_preset(self, name: PresetName) -> None:
        """Choose everything that a preset names; the budget stays."""
        state = self._session.state
        names = [name for name, _ in self._known_encoders(state)]
        choice = preset(name, state.compare, names)
        self._session.edit(f"Choose {PRESETS[name].title}", compare=choice)
        self._show(self._session.state)

    @Slot(str)
    def _on_shape(self, value: str) -> None:
        # Places of one axis mean nothing on another.
        self._session.edit_look("Change the axis", "compare", shape=value, sizes=())

    @Slot()
    def _on_sizes(self) -> None:
        words = self.sizes.text().replace(";", " ").split()
        try:
            sizes = tuple(sorted({round(read_number(word)) for word in words}))
        except ValueError as error:
            self.message.show_message("bad", f"Places of the curve: {error}")
            return
        if sizes != self._session.state.compare.sizes:
            self._edit("sizes", sizes)

    @Slot(object)
    def _on_encoders(self, values: Sequence[str]) -> None:
        mine = self._session.state.spec.encoder
        self._edit("encoders", () if tuple(values) == (mine,) else tuple(values))

    # What the session says

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.compare, state.spec) != (old.compare, old.spec):
            self._show(state)

    def _known_encoders(self, state: SessionState) -> list[tuple[str, str]]:
        """Return name and title of the session's encoder and of all others that are stored."""
        cache = self._lab.locations.cache
        titles = {entry.name: entry.title for entry in entries("encoder")}
        stored = [entry.name for entry in entries("encoder") if is_stored(entry, cache)]
        names = dict.fromkeys([state.spec.encoder, *stored, *state.compare.encoders])
        info = self._context.encoder
        if info is not None:
            titles.setdefault(info.name, info.title)
        return [(name, titles.get(name, name)) for name in names]

    def _show(self, state: SessionState) -> None:
        choice = state.compare
        chosen = preset_of(choice)
        for name, button in self._presets.items():
            button.setChecked(name == chosen)
        self.shape.set_value(choice.shape)
        self.sizes.setVisible(choice.is_curve)
        self.sizes.setText(" ".join(map(str, choice.sizes)))
        self.sizes.setPlaceholderText(self._usual_places(choice))
        self.strategies.set_values(choice.strategies)
        self.heads.set_values(choice.heads)
        self._sections["Heads"].setVisible(choice.shape not in ("width", "depth"))
        self.encoders.set_options([Option(n, title, n) for n, title in self._known_encoders(state)])
        self.encoders.set_values(choice.encoders or (state.spec.encoder,))
        self._show_numbers(choice)
        self.shuffled.setChecked(choice.shuffled)
        self.random.setChecked(choice.random_features or "random-features" in choice.strategies)
        self.random.setEnabled("random-features" not in choice.strategies)
        self.said.setText(self._cost(state))

    def _rows(self, choice: CompareChoice) -> int:
        """Return how many training rows there are, as far as that is known."""
        task = self._context.task
        known = task.sizes[0] if task is not None else 0
        return min(choice.train_items or known, known or choice.train_items) or 1000

    def _usual_places(self, choice: CompareChoice) -> str:
        if not choice.is_curve:
            return ""
        return " ".join(map(str, choice.places(self._rows(choice))))

    def _cost(self, state: SessionState) -> str:
        """Return how many runs there are, and what they will take on disk."""
        choice, info = state.compare, self._context.encoder
        widths = {info.name: info.width} if info is not None else {}
        plan = plan_of(state.spec, choice, self._rows(choice), widths)
        task = self._context.task
        kept = 0
        for planned in plan.runs:
            if info is None or task is None or planned.spec.encoder != info.name:
                continue
            spec = planned.spec
            counts = count_weights(
                spec.strategy, spec.pooling, spec.head, info, len(task.classes) or 1,
                spec.training.epochs,
            )  # fmt: skip
            kept += counts.stored
        told = [plural(len(plan.runs), "run")]
        if kept:
            told.append(f"about {bytes_text(kept)} on disk")
        return ", ".join(told) + ". " + " ".join(plan.notes)
