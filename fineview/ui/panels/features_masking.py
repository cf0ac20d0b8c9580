"""The masking page of the features panel: cover tokens, see every layer's vector move."""

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.core.explore.choices import MaskChoice
from fineview.core.explore.masking import MaskEffect, example_key, maskable, pooling_index, usable
from fineview.core.laboratory import Laboratory
from fineview.core.models.info import Token
from fineview.core.progress import Report
from fineview.ui.context import Context
from fineview.ui.panels.features_example import ExampleFields
from fineview.ui.panels.features_masking_turn import EachInTurn
from fineview.ui.panels.features_masking_words import columns, reading, seen
from fineview.ui.plots.export import add_export_menu
from fineview.ui.plots.layer_bars import LayerBars
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.panel_area import scrolled
from fineview.ui.widgets.token_strip import MOST_TOKENS, TokenChip, TokenStrip
from fineview.work.jobs import Job, JobRunner, Lane

_AFTER_TYPING_MS = 120
_WHAT = (
    "Press a token above: it is replaced by the mask token, and the bars show how far each "
    "layer's vector moves."
)


class MaskingPage(QWidget):
    """The example as tokens to be pressed, and what masking them does.

    Attributes:
        strip: The tokens.
        bars: What masking does at every layer.
        effect: What is drawn; None before there is something.
        layer: The layer that is read out and painted; follows the pooling until one is pressed.
    """

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        context: Context,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._runner = runner
        self._lab = lab
        self._context = context
        self._tokens: tuple[Token, ...] = ()
        self._tokens_of = ""
        self._cutting: Job | None = None
        self._job: Job | None = None
        self._again = False
        self._shown: tuple[object, ...] | None = None
        self._apart: tuple[object, object] | None = None
        self._layer = -1
        self.effect: MaskEffect | None = None
        self.fields = ExampleFields(session, context, "whose tokens are masked")
        self.strip = TokenStrip("Tokens to mask")
        self.unmask = QPushButton("Unmask all")
        self.turn = EachInTurn(session, runner, lab)
        self.input_label = plain_label("", "small", wrap=True)
        self.message = MessageLine("Masking")
        self.bars = LayerBars(
            "Masking",
            "How far the text's vector moves at each layer – 0 to 0.3 – press a row to read and "
            "paint another layer.",
        )
        self.said = plain_label(wrap=True)
        self.empty = EmptyState("Nothing is masked yet", _WHAT)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_AFTER_TYPING_MS)
        self._timer.timeout.connect(self._refresh)
        self._lay_out()
        self.strip.pressed.connect(self._on_pressed)
        add_export_menu(self.strip, self.turn.table, name="masked-in-turn")
        self.unmask.clicked.connect(lambda: self._mask("Unmask all tokens", ()))
        self.turn.changed.connect(self._show_chips)
        self.turn.failed.connect(lambda words: self.message.show_message("bad", words))
        self.bars.pressed.connect(self._on_layer)
        context.changed.connect(self._timer.start)
        session.changed.connect(self._on_session)

    @property
    def layer(self) -> int:
        """Return the layer that is read out, counted from 0."""
        depth = self._context.encoder.layers if self._context.encoder is not None else 0
        wanted = self._session.state.spec.pooling.layers[-1] if self._layer < 0 else self._layer
        wanted = wanted + depth + 1 if wanted < 0 else wanted
        return min(max(wanted, 0), depth)

    @property
    def masked(self) -> tuple[int, ...]:
        """Return the positions that are masked in this text."""
        choice = self._session.state.masking
        return usable(choice.masked, self._tokens) if choice.text == self._tokens_of else ()

    def showEvent(self, event: QShowEvent) -> None:
        """Compute what was left out while the page was hidden."""
        super().showEvent(event)
        self._timer.start()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addWidget(self.fields)
        self.strip.make_pressable(
            "Masks a token, or shows it again – one or two tokens – special tokens (grey) stay, "
            "since without them the encoder would not know its input."
        )
        column.addWidget(self.strip)
        self.input_label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self.input_label)
        bar = QHBoxLayout()
        bar.setSpacing(spacing(2))
        describe(
            self.unmask,
            "Unmask all",
            "Shows every token again – after trying some – to begin anew; Ctrl+Z goes one back.",
        )
        bar.addWidget(self.turn)
        bar.addWidget(self.unmask)
        bar.addStretch(1)
        column.addLayout(bar)
        column.addWidget(self.message)
        column.addWidget(self.said)
        self._scroll = scrolled(self.bars, at_top=True)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._scroll)
        column.addWidget(self._stack, 1)

    # What is masked

    @Slot(int)
    def _on_pressed(self, position: int) -> None:
        if self._tokens_of != self._key():
            return  # the tokens of the newest text are on their way
        masked = set(self.masked)
        word = self._tokens[position].text
        # Named by place: two tokens are two steps back, not one.
        if position in masked:
            name = f"Unmask “{word}” (token {position + 1})"
        else:
            name = f"Mask “{word}” (token {position + 1})"
        self._mask(name, tuple(sorted(masked ^ {position})))

    def _mask(self, name: str, masked: tuple[int, ...]) -> None:
        self._session.edit(name, masking=MaskChoice(text=self._tokens_of, masked=masked))

    @Slot(int)
    def _on_layer(self, layer: int) -> None:
        self._layer = layer
        self._show_effect()
        self._show_chips()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.spec.pooling != old.spec.pooling:
            self._layer = -1
            self._show_effect()
            self._show_chips()
        if state.masking != old.masking:
            self._show_chips()
            self._refresh()
        elif (state.spec, state.example, state.second) != (old.spec, old.example, old.second):
            self._timer.start()

    # Tokens

    def _key(self) -> str:
        state, task = self._session.state, self._context.task
        pair = task is not None and task.info.level == "pair"
        return example_key(state.spec, state.example, state.second if pair else "")

    def _ready(self) -> bool:
        spec, task, encoder = self._session.state.spec, self._context.task, self._context.encoder
        there = task is not None and encoder is not None
        return there and (task.info.name, encoder.name) == (spec.task, spec.encoder)  # type: ignore[union-attr]

    @Slot()
    def _refresh(self) -> None:
        """Bring tokens and bars up to the session; the newest text wins."""
        if not self.isVisible() or not self._ready():
            return
        if not self._session.state.example.strip():
            self._tokens, self._tokens_of = (), self._key()
            self.turn.use("", (), self.layer, 0)
            self._show_chips()
            self._compute()
        elif self._tokens_of != self._key():
            self._cut()
        else:
            self._show_chips()
            self._compute()

    def _cut(self) -> None:
        if self._cutting is not None and self._cutting.active:
            return  # asks again when it is done
        state, lab, key = self._session.state, self._lab, self._key()
        pair = self._context.task is not None and self._context.task.info.level == "pair"
        second = state.second if pair else None

        def cut(_report: Report) -> tuple[str, tuple[Token, ...]]:
            spec = state.spec
            return key, lab.tokens(spec.encoder, state.example, second, spec.max_length)

        self._cutting = self._runner.submit("Cut into tokens", cut, Lane.LOOKUP)
        self._cutting.finished.connect(self._on_cut)
        self._cutting.failed.connect(self._on_failed)

    @Slot(object)
    def _on_cut(self, found: tuple[str, tuple[Token, ...]]) -> None:
        self._cutting = None
        self._tokens_of, self._tokens = found
        self._refresh()

    @Slot()
    def _show_chips(self) -> None:
        kind = pooling_index(self._session.state.spec.pooling.tokens)
        self.turn.use(self._tokens_of, self._tokens, self.layer, kind)
        masked = set(self.masked)
        pair = len({t.segment for t in self._tokens}) > 1
        self.strip.set_tokens(
            [
                TokenChip(
                    text=t.text,
                    special=t.special,
                    segment=t.segment if pair else None,
                    continues=t.continues,
                    weight=self.turn.weight(i),
                    masked=i in masked,
                    tooltip=self._tooltip(i, t, i in masked),
                )
                for i, t in enumerate(self._tokens)
            ]
        )
        self.unmask.setEnabled(bool(masked))
        self.turn.setEnabled(bool(maskable(self._tokens)))
        self._say_input()

    def _tooltip(self, index: int, token: Token, masked: bool) -> str:
        if token.special:
            return "Special tokens cannot be masked."
        told = self.turn.told(index)
        press = "Press to show it again." if masked else "Press to mask it."
        return f"{told}\n{press}" if told else press

    def _say_input(self) -> None:
        if not self._tokens:
            self.input_label.setText("Type a text, or press an example of the task on Texts.")
            return
        mask = "[MASK]" if self.effect is None else self.effect.mask_token
        if self.masked:
            now = seen(self._tokens[:MOST_TOKENS], self.masked, mask)
            self.input_label.setText(f"The encoder reads: {now}")
        else:
            self.input_label.setText("Press tokens to mask them; grey ones are special and stay.")

    # Bars

    def _compute(self) -> None:
        state, masked = self._session.state, self.masked
        wanted = (self._tokens_of, state.spec.task, state.spec.split, masked)
        if not masked or wanted == self._shown:
            if self._job is not None and self._job.active:
                self._again = False
                self._job.stop()
            self._show_effect()
            return
        self.bars.set_stale(True)
        if self._job is not None and self._job.active:
            self._again = True
            self._job.stop()
            return
        lab, spec, first, second = self._lab, state.spec, state.example, state.second
        place = (spec.task, spec.split, spec.encoder, spec.max_length)
        known = self._apart[1] if self._apart is not None and self._apart[0] == place else None

        def work(report: Report) -> tuple[object, ...]:
            from fineview.core.explore.masking_work import mask_effect, texts_apart

            apart = texts_apart(lab, spec, report) if known is None else known
            effect = mask_effect(lab, spec, first, second, masked, apart, report)  # type: ignore[arg-type]
            return wanted, place, apart, effect

        self._job = self._runner.submit("Mask tokens", work, Lane.COMPUTE)
        self._job.finished.connect(self._on_computed)
        self._job.failed.connect(self._on_failed)
        self._job.ended.connect(self._on_ended)

    @Slot(object)
    def _on_computed(self, found: tuple[tuple[object, ...], object, object, MaskEffect]) -> None:
        self._shown, place, apart, self.effect = found
        self._apart = (place, apart)
        self.message.clear()
        self._show_effect()
        self._say_input()

    @Slot()
    def _on_ended(self) -> None:
        self._job = None
        if self._again:
            self._again = False
            self._refresh()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.message.show_message("bad", str(error))

    @Slot()
    def _show_effect(self) -> None:
        effect = self.effect
        if effect is None or not self.masked:
            self._stack.setCurrentWidget(self.empty)
            self.said.clear()
            self.said.hide()
            return
        kind = pooling_index(self._session.state.spec.pooling.tokens)
        layer = min(self.layer, effect.depth)
        self.bars.set_columns(columns(effect, kind))
        self.bars.set_layer(layer)
        wanted = (self._tokens_of, *self._place(), self.masked)
        self.bars.set_stale(wanted != self._shown)
        self.said.setText(" ".join([reading(effect, kind, layer), *self._notes(effect)]))
        self.said.show()
        self._stack.setCurrentWidget(self._scroll)

    def _place(self) -> tuple[object, ...]:
        spec = self._session.state.spec
        return spec.task, spec.split

    def _notes(self, effect: MaskEffect) -> list[str]:
        task, spec = self._context.task, self._session.state.spec
        notes = []
        if not effect.mask_token:
            notes.append("This encoder has no mask token, so tokens can only be left out.")
        if task is not None and task.info.level == "word":
            notes.append("Heads of this task see single words; here the whole sentence is pooled.")
        elif spec.pooling.tokens not in ("cls", "mean", "max"):
            notes.append("Learned token weights belong to a head; here the tokens' mean is shown.")
        if effect.truncated:
            longest = count_text(spec.max_length)
            notes.append(f"The text was cut at {longest} tokens; what follows is not seen.")
        return notes
