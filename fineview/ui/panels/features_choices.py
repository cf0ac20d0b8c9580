"""The choices half of the features panel: layers, mix, token pooling, and what they cost."""

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
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
    token_choices,
)
from fineview.core.features.expression import parse_layers
from fineview.core.laboratory import Laboratory
from fineview.core.training.events import LayerWeights
from fineview.ui.context import Context
from fineview.ui.panels.features_cost import LayerTimes
from fineview.ui.panels.features_texts import section_title
from fineview.ui.run_rows import RunList
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import make_primary, spacing
from fineview.ui.widgets.format import bytes_text, count_text
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.layer_picker import LayerPicker
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.segmented import Segmented
from fineview.work.jobs import JobRunner

_OWN_CHOICE = "Own choice"


class FeatureChoices(QWidget):
    """Choose the pooling by stack, expression, preset or switches; see its size and its time.

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
        self._mapped: Mapping[int, float] = {}
        self._weighed: LayerWeights | None = None
        self.layers = LayerPicker()
        self.expression = QLineEdit()
        self.preset = QComboBox()
        self.mix = Segmented(
            [(mix, mix) for mix in MIXES],
            "Layer mix",
            "How several layers become one – single – concat keeps all numbers, weighted learns "
            "which layers count.",
        )
        self.pair = Segmented(
            [("joint", "joint"), ("separate", "separate")],
            "Pairs",
            "Joint reads [CLS] a [SEP] b [SEP] – separate reads the two texts alone and puts u, v, "
            "|u−v| and u·v together – try it where the texts are alike in kind.",
        )
        self.pair_label = QLabel("Pairs")
        self.tokens_box = QVBoxLayout()
        self.tokens: Segmented | None = None
        self.message = MessageLine()
        self.size_label = plain_label("", "small", wrap=True)
        self.cost = LayerTimes(session, runner, lab, context)
        self.notes_label = plain_label("", "small", wrap=True)
        self.train_button = QPushButton("Train with these features")
        self._lay_out()
        self._connect()
        self._show_context()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addWidget(section_title("Layers"))
        column.addWidget(self.layers)
        grid = QGridLayout()
        grid.setHorizontalSpacing(spacing(2))
        grid.setVerticalSpacing(spacing(2))
        grid.setColumnStretch(1, 1)
        fields = (("Layers", self.expression), ("Preset", self.preset), ("Mix", self.mix))
        for row, (text, field) in enumerate(fields):
            label = QLabel(text)
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        grid.addWidget(QLabel("Tokens"), len(fields), 0)
        grid.addLayout(self.tokens_box, len(fields), 1)
        grid.addWidget(self.pair_label, len(fields) + 1, 0)
        grid.addWidget(self.pair, len(fields) + 1, 1)
        column.addLayout(grid)
        describe(
            self.expression,
            "Layers as an expression",
            "Layers by name – 1-3, 6 or -4..-1 or N-1 or last 4 or all – type it where dragging "
            "over many layers is tedious.",
        )
        describe(
            self.preset,
            "Preset",
            "The lecture's list of layer choices – Last layer – try Concat last four or a low "
            "layer for word relations.",
        )
        column.addWidget(self.message)
        self.message.clear()
        for label in (self.size_label, self.cost, self.notes_label):
            column.addWidget(label)
            label.hide()
        make_primary(self.train_button)
        self.train_button.setToolTip("Train a head on these features (Ctrl+Enter).")
        column.addWidget(self.train_button)
        column.addStretch(1)

    def _connect(self) -> None:
        self.layers.changed.connect(self._on_layers)
        self.expression.editingFinished.connect(self._on_expression)
        self.mix.changed.connect(self._on_mix)
        self.pair.changed.connect(self._on_pair)
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

    @Slot()
    def _on_expression(self) -> None:
        encoder = self._context.encoder
        if encoder is None or not self.expression.isModified():
            return
        self.expression.setModified(False)
        try:
            self._on_layers(parse_layers(self.expression.text(), encoder.layers))
        except ConfigError as error:  # what was typed stays, to be mended
            self.message.show_message("bad", str(error))
        else:
            self._show(self._session.state)  # spelled as everywhere, even where nothing changed

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
        changes: dict[str, object] = {}
        if tokens == "attention":  # it reads one layer, and a pair as one text
            layers = self._session.state.spec.pooling.layers
            changes = {"layers": layers[-1:], "mix": "single", "pair": "joint"}
        self._set("Choose the token pooling", tokens=tokens, **changes)

    @Slot(str)
    def _on_pair(self, pair: str) -> None:
        self._set("Choose how pairs are read", pair=pair)

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
            self._show(self._session.state)  # the switches go back; the sentence says why
            self.message.show_message("bad", str(error))
        else:
            self.message.clear()

    # Showing

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.spec != old.spec:
            self.message.clear()
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
        self._make_tokens(token_choices(task.info.level))
        for part in (self.pair_label, self.pair):
            part.setVisible(task.info.level == "pair")
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
            "layer – mean – cls is the lecture's first token, attention learns which tokens count.",
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
        told = self._weighed if choice.mix == "weighted" else None
        weights: dict[int, float] = {}
        if told is not None and told.layers == choice.layers:
            weights = dict(zip(told.layers, told.weights, strict=True))
        self.layers.set_weights(weights)
        self.expression.setText(spell(choice.layers))
        self.mix.set_value(choice.mix)
        self.pair.set_value(choice.pair)
        if choice.tokens in self.tokens.choices:
            self.tokens.set_value(choice.tokens)
        self.preset.setCurrentIndex(_preset_index(choice, encoder.layers))
        width = choice.width(encoder.width)
        items = min(task.items, WORD_CAP) if task.info.level == "word" else task.items
        apart = choice.pair == "separate"
        stored = 12 * (encoder.layers + 1) * encoder.width * items * (1 + apart)
        kept = f"; the store keeps all layers, {bytes_text(stored)}."
        if choice.tokens == "attention":
            kept = f", out of every token of layer {choice.layers[0]}, read when training begins."
        self.size_label.setText(
            f"{count_text(width)} numbers per {task.info.level}, {bytes_text(4 * width * items)} "
            f"for the task{kept}" + " The maps beside read pairs jointly." * apart
        )
        self.size_label.show()
        self.cost.show_layers(choice.layers)

    @Slot()
    def _show_scores(self) -> None:
        """Put what each single layer reached beside it: in the layer map, else in runs."""
        encoder = self._context.encoder
        if encoder is None:
            return
        if self._mapped:
            self.layers.set_scores(dict(self._mapped), "in the layer map")
            return
        state = self._session.state
        scores: dict[int, float] = {}
        for summary in reversed(self._runs.summaries):
            same = (summary.task, summary.encoder) == (state.spec.task, state.spec.encoder)
            layer = summary.single_layer
            if same and layer is not None and summary.accuracy is not None:
                layer = layer + encoder.layers + 1 if layer < 0 else layer
                scores[layer] = summary.accuracy
        self.layers.set_scores(scores, "on the validation texts of a run")

    @Slot(object)
    def show_weights(self, told: LayerWeights | None) -> None:
        """Show what the run on display has learned of the layers; None for nothing."""
        self._weighed = told
        self._show(self._session.state)

    @Slot(object)
    def show_map(self, scores: Mapping[int, float]) -> None:
        """Show what the layer map measured for single layers; empty goes back to the runs."""
        self._mapped = dict(scores)
        self._show_scores()


def _preset_index(choice: PoolingConfig, depth: int) -> int:
    offered = presets(depth)
    for index, preset in enumerate(offered):
        if (preset.layers, preset.mix) == (choice.layers, choice.mix):
            return index
    return len(offered)
