"""One frozen state, one changed signal, one undo stack: the only memory of the window."""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QUndoCommand, QUndoStack
from shiboken6 import isValid

from fineview.core.analogies.choice import (
    AnalogyChoice,
    AxesChoice,
    ListChoice,
    NearnessChoice,
    OwnVectorsChoice,
    SetChoice,
)
from fineview.core.analogies.picture_choices import BiasChoice, WordMapChoice
from fineview.core.errors import FineviewError
from fineview.core.explore.choices import (
    MapChoice,
    MaskChoice,
    MistakesChoice,
    MovedChoice,
    SpaceChoice,
    WordsChoice,
)
from fineview.core.features.config import PoolingConfig
from fineview.core.files import atomic_write
from fineview.core.prompting.choices import (
    AnswerConfig,
    BlankChoice,
    EvaluateChoice,
    ModelChoice,
    NotebookChoice,
    PromptConfig,
    ShotsChoice,
)
from fineview.core.runs.compare_choice import CompareChoice
from fineview.core.runs.spec import RunSpec, spec_from_dict
from fineview.core.training.config import HeadConfig, TrainConfig, rate_moved
from fineview.core.training.multitask.config import TasksChoice
from fineview.core.training.strategy import (
    StrategyKind,
    default_strategy,
    default_training,
)

SCHEMA_VERSION = 1
_SAVE_AFTER_MS = 800
ThemeMode = Literal["system", "light", "dark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """Everything a user has chosen.

    Attributes:
        spec: Task, encoder, pooling, head and training settings: what Train would run.
        example: Text typed to be tokenised or judged.
        second: Its second text, at pair level.
        run: The run on display, or "".
        overlaid: Runs drawn behind it.
        layer_map: How the layer map is measured.
        space: How the map of texts is drawn.
        words: Which word's occurrences are compared.
        masking: Which tokens of the example are masked.
        moved: What of the way of the run on display is looked at.
        mistakes: How the mistakes of the run on display are looked at.
        compare: What is compared with what.
        multitask: Which tasks share one encoder, and how.
        analogy: What the calculator is asked.
        analogy_set: How whole sets of questions are answered.
        analogy_list: Many questions at once.
        word_axes: Axes of one's own, and the words on them.
        word_nearness: Words that are compared with each other.
        own_vectors: How word vectors of one's own are trained.
        word_map: What is drawn of words and of pairs of words.
        word_bias: A bias axis, and the words on it.
        language_model: Which language model answers.
        notebook: The tree of texts it goes on from, and how it does.
        prompt: A few-shot prompt.
        answer: How its answer is read.
        prompt_test: What it is held against.
        shots: How accuracy is measured against the number of examples.
        blank: A sentence with a gap.
        panel: The panel in front. This and what follows is not undone.
        features_page: The page of the features panel in front.
        training_page: The page of the training panel in front.
        analogies_page: The page of the analogies panel in front.
        prompts_page: The page of the prompts panel in front.
        asked: Expressions that were calculated with, the newest first.
        favourites: Those that were kept.
        theme: Light, dark, or as the system.
        text_scale: Size of all text, 1 = the system's.
        smoothing: Weight of the past in the drawn training curve, 0 … 0.99.
        log_loss: Whether the loss axis is logarithmic.
        lower_plot: What is drawn below the loss: `score`, `rate`, `gradient` or `layers`.
        folded: Sections that are folded.
    """

    spec: RunSpec = field(default_factory=RunSpec)
    example: str = ""
    second: str = ""
    run: str = ""
    overlaid: tuple[str, ...] = ()
    layer_map: MapChoice = field(default_factory=MapChoice)
    space: SpaceChoice = field(default_factory=SpaceChoice)
    words: WordsChoice = field(default_factory=WordsChoice)
    masking: MaskChoice = field(default_factory=MaskChoice)
    moved: MovedChoice = field(default_factory=MovedChoice)
    mistakes: MistakesChoice = field(default_factory=MistakesChoice)
    compare: CompareChoice = field(default_factory=CompareChoice)
    multitask: TasksChoice = field(default_factory=TasksChoice)
    analogy: AnalogyChoice = field(default_factory=AnalogyChoice)
    analogy_set: SetChoice = field(default_factory=SetChoice)
    analogy_list: ListChoice = field(default_factory=ListChoice)
    word_axes: AxesChoice = field(default_factory=AxesChoice)
    word_nearness: NearnessChoice = field(default_factory=NearnessChoice)
    own_vectors: OwnVectorsChoice = field(default_factory=OwnVectorsChoice)
    word_map: WordMapChoice = field(default_factory=WordMapChoice)
    word_bias: BiasChoice = field(default_factory=BiasChoice)
    language_model: ModelChoice = field(default_factory=ModelChoice)
    notebook: NotebookChoice = field(default_factory=NotebookChoice)
    prompt: PromptConfig = field(default_factory=PromptConfig)
    answer: AnswerConfig = field(default_factory=AnswerConfig)
    prompt_test: EvaluateChoice = field(default_factory=EvaluateChoice)
    shots: ShotsChoice = field(default_factory=ShotsChoice)
    blank: BlankChoice = field(default_factory=BlankChoice)
    panel: str = "training"
    features_page: str = "texts"
    training_page: str = "train"
    analogies_page: str = "calculator"
    prompts_page: str = "notebook"
    asked: tuple[str, ...] = ()
    favourites: tuple[str, ...] = ()
    theme: ThemeMode = "system"
    text_scale: float = 1.0
    smoothing: float = 0.8
    log_loss: bool = False
    lower_plot: str = "score"
    folded: tuple[str, ...] = ("more",)


_LOOKS = (
    *("layer_map", "space", "words", "masking", "moved"),
    *("mistakes", "compare", "multitask", "analogy", "analogy_set"),
    *("analogy_list", "word_axes", "word_nearness", "own_vectors"),
    *("word_map", "word_bias"),
    *("language_model", "notebook", "prompt", "answer", "prompt_test", "shots", "blank"),
)
UNDONE = ("spec", "example", "second", "run", "overlaid", *_LOOKS)
"""Fields that are changed through the undo stack."""


class Session(QObject):
    """Holds the state; panels read it and change it by `edit`, `edit_spec` and `view`.

    Attributes:
        state: The current value.
        undo_stack: Every undoable change, named.
        notes: Sentences on what of the saved session could not be restored.

    Signals:
        changed(SessionState, SessionState): New and old value, in the window's thread.
    """

    changed = Signal(object, object)

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self.notes: list[str] = []
        self.state = self._load() if path is not None else SessionState()
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(200)
        self._save_timer = QTimer(self)
        self._save_timer.setSingleShot(True)
        self._save_timer.setInterval(_SAVE_AFTER_MS)
        self._save_timer.timeout.connect(self.save)

    def __del__(self) -> None:
        """Empty the stack while all of it is alive.

        A collector that clears a cycle of session, stack and commands may free a command of
        Python's first, and the stack then deletes it once more.
        """
        stack = getattr(self, "undo_stack", None)
        if stack is not None and isValid(stack):
            stack.blockSignals(True)
            stack.clear()

    def edit(self, text: str, **changes: Any) -> None:  # noqa: ANN401 - fields of SessionState
        """Change undoable fields.

        Args:
            text: Names the change in the Edit menu; successive changes of one name are one undo.
            **changes: Fields of `SessionState` named in UNDONE.
        """
        new = {k: v for k, v in changes.items() if getattr(self.state, k) != v}
        if new:
            old = {name: getattr(self.state, name) for name in new}
            self.undo_stack.push(_Edit(self, text, old, new))

    def edit_spec(self, text: str, **changes: Any) -> None:  # noqa: ANN401 - fields of RunSpec
        """Change the spec.

        Raises:
            ConfigError: The spec refuses the value; nothing is changed.
        """
        self.edit(text, spec=replace(self.state.spec, **changes))

    def edit_training(self, text: str, **changes: Any) -> None:  # noqa: ANN401 - of TrainConfig
        """Change training settings; raises as `edit_spec`."""
        training: TrainConfig = replace(self.state.spec.training, **changes)
        self.edit_spec(text, training=training)

    def edit_strategy(self, kind: StrategyKind, dimension: int, *, numbers: bool = False) -> None:
        """Choose a strategy with the settings that usually serve it.

        Training settings stay where both strategies train the same kind of thing, a head or an
        encoder: what is good for one does nothing good for the other.

        Args:
            kind: The strategy.
            dimension: D', the features that the head sees.
            numbers: Whether labels are numbers.
        """
        spec = self.state.spec
        strategy, training = default_strategy(kind), spec.training
        if strategy.trains_encoder != spec.strategy.trains_encoder:
            usual = default_training(kind, dimension, numbers=numbers)
            training = replace(usual, class_weights=training.class_weights)
        head = spec.head
        if strategy.trains_encoder and not head.by_gradient:
            head = HeadConfig()
        self.edit_spec("Choose a strategy", strategy=strategy, training=training, head=head)

    def edit_look(self, text: str, name: str, /, **changes: Any) -> None:  # noqa: ANN401 - of a choice
        """Change how something is looked at.

        Args:
            text: Names the change.
            name: The field that holds the choice: `layer_map`, `analogy`, `notebook`, …
            **changes: Fields of that choice.

        Raises:
            ConfigError: The choice refuses the value; nothing is changed.
        """
        self.edit(text, **{name: replace(getattr(self.state, name), **changes)})

    def edit_pooling(self, text: str, pooling: PoolingConfig, width: int = 0) -> None:
        """Change how hidden states become features.

        Args:
            text: Names the change.
            pooling: The new choice.
            width: D of the encoder, if known: a rate that was left at its default for so many
                features moves to the default for the new number.
        """
        spec = self.state.spec
        rate = spec.training.learning_rate
        kind = spec.training.optimiser
        if width:
            rate = rate_moved(rate, kind, spec.pooling.width(width), pooling.width(width))
        training = replace(spec.training, learning_rate=rate)
        self.edit_spec(text, pooling=pooling, training=training)

    def view(self, **changes: Any) -> None:  # noqa: ANN401 - fields of SessionState
        """Change how things look; not undone."""
        assert not set(changes) & set(UNDONE)
        self.apply(changes)

    def apply(self, changes: dict[str, Any]) -> None:
        """Set fields and tell everybody; for `view` and the undo commands only."""
        old = self.state
        self.state = replace(old, **changes)
        if self.state != old:
            self.changed.emit(self.state, old)
            if self.path is not None:
                self._save_timer.start()

    @Slot()
    def save(self) -> None:
        """Write the session file, whole or not at all; what cannot be written is noted."""
        self._save_timer.stop()
        if self.path is None:
            return
        values = asdict(self.state) | {"schema_version": SCHEMA_VERSION}
        try:
            atomic_write(self.path, json.dumps(values, indent=1).encode())
        except FineviewError as error:
            self.notes.append(str(error))

    def _load(self) -> SessionState:
        assert self.path is not None
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            if not isinstance(stored, dict):
                raise ValueError("not an object")
        except FileNotFoundError:
            return SessionState()
        except (OSError, ValueError, RecursionError):
            self._keep_copy("The saved session cannot be read; its copy ends in .BAK.")
            return SessionState()
        state = SessionState()
        bad = []
        for item in fields(SessionState):
            if item.name not in stored:
                continue
            try:
                value = _restored(item.name, stored[item.name], getattr(state, item.name))
                state = replace(state, **{item.name: value})
            except (FineviewError, ValueError, TypeError):
                bad.append(item.name)
        if bad:
            self._keep_copy(
                f"Of the saved session, {', '.join(bad)} could not be restored; "
                "a copy ends in .BAK."
            )
        return state

    def _keep_copy(self, note: str) -> None:
        assert self.path is not None
        self.notes.append(note)
        try:
            self.path.replace(self.path.with_name(self.path.name + ".BAK"))
        except OSError:
            return


class _Edit(QUndoCommand):
    """One named change; follows up on itself while the user keeps turning the same knob."""

    def __init__(
        self, session: Session, text: str, old: dict[str, Any], new: dict[str, Any]
    ) -> None:
        super().__init__(text)
        self._session = session
        self._old = old
        self._new = new

    def redo(self) -> None:
        self._session.apply(self._new)

    def undo(self) -> None:
        self._session.apply(self._old)

    def id(self) -> int:
        return hash((self.text(), *sorted(self._new))) & 0x7FFFFFFF

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Edit) or other.text() != self.text():
            return False
        self._new = other._new
        return True


def _restored(name: str, value: Any, default: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a stored field, checked.

    Raises:
        ValueError, TypeError, FineviewError: It will not do.
    """
    if name == "spec":
        return spec_from_dict(value, "the saved session")
    if name in _LOOKS:
        from pydantic import TypeAdapter  # slow to import; only a stored session needs it

        return TypeAdapter(type(default)).validate_python(value)
    if name in ("overlaid", "folded", "asked", "favourites"):
        if not all(isinstance(part, str) for part in value):
            raise ValueError(name)
        return tuple(value)
    if name == "theme" and value not in ("system", "light", "dark"):
        raise ValueError(value)
    if isinstance(default, float):
        low, high = (0.7, 2.0) if name == "text_scale" else (0.0, 0.99)
        if not low <= value <= high:
            raise ValueError(value)
        return float(value)
    if type(value) is not type(default):
        raise TypeError(name)
    return value
