"""The features panel: which layers, which mix, which token pooling; and what the encoder sees."""

from dataclasses import replace

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from fineview.core.errors import ConfigError
from fineview.core.features.config import (
    MIXES,
    WORD_CAP,
    PoolingConfig,
    presets,
    spell,
    token_poolings,
)
from fineview.core.laboratory import Laboratory
from fineview.ui.context import Context
from fineview.ui.panels.features_texts import TaskTexts, section_title
from fineview.ui.run_rows import RunList
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import make_primary, spacing, use_font
from fineview.ui.widgets.format import bytes_text, count_text
from fineview.ui.widgets.layer_picker import LayerPicker
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.panel_area import SideColumn
from fineview.ui.widgets.segmented import Segmented
from fineview.work.jobs import JobRunner

_OWN_CHOICE = "Own choice"


class FeaturesPanel(QWidget):
    """Choose the pooling, see its size, look at texts as tokens.

    Signals:
        train_wanted(): Train with this choice.
    """

    train_wanted = Signal()

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        context: Context,
        runs: RunList,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._runs = runs
        self.layers = LayerPicker()
        self.mix = Segmented(
            [(mix, mix) for mix in MIXES],
            "Layer mix",
            "How several layers become one – single – concat keeps all numbers, weighted learns "
            "which layers count.",
        )
        self.tokens_box = QVBoxLayout()
        self.tokens: Segmented | None = None
        self.preset = QComboBox()
        self.size_label = QLabel()
        self.notes_label = QLabel()
        self.message = MessageLine()
        self.train_button = QPushButton("Train with these features")
        self.texts = TaskTexts(session, runner, lab, context)
        self._lay_out()
        self._connect()
        self._show_context()
        self._show(session.state)

    def _lay_out(self) -> None:
        box = QHBoxLayout(self)
        box.setContentsMargins(*[spacing(3)] * 4)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(spacing(3))
        split.addWidget(SideColumn(self._choices()))
        split.addWidget(self.texts)
        split.setStretchFactor(0, 0)
        split.setStretchFactor(1, 1)
        box.addWidget(split)

    def _choices(self) -> QWidget:
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addWidget(section_title("Layers"))
        column.addWidget(self.layers)
        grid = QGridLayout()
        grid.setHorizontalSpacing(spacing(2))
        grid.setVerticalSpacing(spacing(2))
        grid.setColumnStretch(1, 1)
        for row, (text, field) in enumerate((("Preset", self.preset), ("Mix", self.mix))):
            label = QLabel(text)
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        grid.addWidget(QLabel("Tokens"), 2, 0)
        grid.addLayout(self.tokens_box, 2, 1)
        column.addLayout(grid)
        self.preset.setAccessibleName("Preset")
        self.preset.setToolTip(
            "The lecture's list of layer choices – Last layer – try Concat last four or a low "
            "layer for word relations."
        )
        for label in (self.size_label, self.notes_label):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            use_font(label, "small")
            column.addWidget(label)
        self.notes_label.hide()
        column.addWidget(self.message)
        self.message.clear()
        make_primary(self.train_button)
        self.train_button.setToolTip("Train a head on these features (Ctrl+Enter).")
        column.addWidget(self.train_button)
        column.addStretch(1)
        return part

    def _connect(self) -> None:
        self.layers.changed.connect(self._on_layers)
        self.mix.changed.connect(self._on_mix)
        self.preset.activated.connect(self._on_preset)
        self.train_button.clicked.connect(self.train_wanted)
        self._context.changed.connect(self._show_context)
        self._runs.changed.connect(self._show_scores)
        self._session.changed.connect(self._on_session)

    # Choices

    @Slot(object)
    def _on_layers(self, layers: tuple[int, ...]) -> None:
        mix = self._session.state.spec.pooling.mix
        if len(layers) == 1:
            mix = "single"
        elif mix == "single":
            mix = "mean"
        self._set("Choose layers", layers=layers, mix=mix)

    @Slot(str)
    def _on_mix(self, mix: str) -> None:
        layers = self._session.state.spec.pooling.layers
        if mix == "single":
            layers = layers[-1:]
        elif len(layers) == 1 and self._context.encoder is not None:
            depth = self._context.encoder.layers  # one layer has nothing to mix: take four
            layers = tuple(range(max(1, depth - 3), depth + 1))
        self._set("Choose the layer mix", layers=layers, mix=mix)

    @Slot(str)
    def _on_tokens(self, tokens: str) -> None:
        self._set("Choose the token pooling", tokens=tokens)

    @Slot(int)
    def _on_preset(self, index: int) -> None:
        if self._context.encoder is None or index < 0:
            return
        offered = presets(self._context.encoder.layers)
        if index < len(offered):
            chosen = offered[index]
            self._set("Choose a preset", layers=chosen.layers, mix=chosen.mix)

    def _set(self, text: str, **changes: object) -> None:
        try:
            pooling = replace(self._session.state.spec.pooling, **changes)  # type: ignore[arg-type]
            width = self._context.encoder.width if self._context.encoder is not None else 0
            self._session.edit_pooling(text, pooling, width)
        except ConfigError as error:
            self.message.show_message("bad", str(error))
        else:
            self.message.clear()

    # Showing

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.spec != old.spec:
            self._show(state)
            self._show_scores()

    @Slot()
    def _show_context(self) -> None:
        task, encoder = self._context.task, self._context.encoder
        if task is None or encoder is None:
            return
        self.layers.set_depth(encoder.layers, 4.0 * task.items * encoder.width)
        self.preset.clear()
        self.preset.addItems([p.title for p in presets(encoder.layers)])
        self.preset.addItem(_OWN_CHOICE)
        self.notes_label.setText(" ".join(encoder.notes))
        self.notes_label.setVisible(bool(encoder.notes))
        self._make_tokens(token_poolings(task.info.level))
        self._show(self._session.state)
        self._show_scores()

    def _make_tokens(self, choices: tuple[str, ...]) -> None:
        if self.tokens is not None and self.tokens.choices == choices:
            return
        if self.tokens is not None:
            self.tokens_box.removeWidget(self.tokens)
            self.tokens.deleteLater()
        self.tokens = Segmented(
            [(choice, choice) for choice in choices],
            "Token pooling",
            "How the tokens of a text (or the sub-tokens of a word) become one vector, within each "
            "layer – mean – cls is the lecture's first token.",
        )
        self.tokens.changed.connect(self._on_tokens)
        self.tokens_box.addWidget(self.tokens)

    def _show(self, state: SessionState) -> None:
        task, encoder = self._context.task, self._context.encoder
        if task is None or encoder is None or self.tokens is None:
            return
        try:
            choice = state.spec.pooling.resolved(encoder.layers)
        except ConfigError as error:
            self.message.show_message("bad", str(error))
            return
        self.layers.set_layers(choice.layers)
        self.mix.set_value(choice.mix)
        if choice.tokens in self.tokens.choices:
            self.tokens.set_value(choice.tokens)
        self.preset.setCurrentIndex(_preset_index(choice, encoder.layers))
        width = choice.width(encoder.width)
        items = min(task.items, WORD_CAP) if task.info.level == "word" else task.items
        stored = 12 * (encoder.layers + 1) * encoder.width * items
        which = "layer" if len(choice.layers) == 1 else "layers"
        self.size_label.setText(
            f"{which} {spell(choice.layers)} of {encoder.layers}: {count_text(width)} numbers per "
            f"{task.info.level}, {bytes_text(4 * width * items)} for the task; the store "
            f"keeps all layers, {bytes_text(stored)}."
        )

    @Slot()
    def _show_scores(self) -> None:
        """Put the validation accuracy of finished single-layer runs beside their layers."""
        encoder = self._context.encoder
        state = self._session.state
        if encoder is None:
            return
        scores: dict[int, float] = {}
        for summary in reversed(self._runs.summaries):
            same = (summary.task, summary.encoder) == (state.spec.task, state.spec.encoder)
            layer = summary.single_layer
            if same and layer is not None and summary.accuracy is not None:
                layer = layer + encoder.layers + 1 if layer < 0 else layer
                scores[layer] = summary.accuracy
        self.layers.set_scores(scores)


def _preset_index(choice: PoolingConfig, depth: int) -> int:
    offered = presets(depth)
    for index, preset in enumerate(offered):
        if (preset.layers, preset.mix) == (choice.layers, choice.mix):
            return index
    return len(offered)
