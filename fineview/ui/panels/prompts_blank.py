"""The same blank, two objectives: what a causal and what a masked model put in one gap."""

from PySide6.QtCore import Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.prompting.choices import LONGEST_TEXT
from fineview.core.prompting.desk import Loaded
from fineview.core.prompting.seen import Blank, BlankSide
from fineview.ui.panels.prompts_lid import shown
from fineview.ui.panels.prompts_model import ModelBar
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import make_primary, spacing
from fineview.ui.widgets.format import percent_text
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.panel_area import scrolled
from fineview.ui.widgets.ranked_bars import Ranked, RankedBars
from fineview.work.jobs import Job, JobRunner, Lane

_SAYS = {
    "causal": "reads from left to right and sees what stands before the gap:",
    "masked": "was pretrained to fill gaps and sees both sides:",
}


class BlankPage(QWidget):
    """A sentence with a gap, and two columns of words.

    Attributes:
        field: The sentence.
        button: Fills the gap.
        causal: The language model's words.
        masked: The encoder's.
    """

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, model: ModelBar,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session = session
        self._runner = runner
        self._lab = lab
        self._model = model
        self._job: Job | None = None
        self.field = QLineEdit()
        self.field.setMaxLength(LONGEST_TEXT)
        self.field.setPlaceholderText("The capital of France is ___ and it lies on the Seine.")
        describe(
            self.field,
            "Sentence with a gap",
            "A sentence in which ___ stands for one missing word – what follows the gap is what "
            "only the masked model sees.",
        )
        self.button = QPushButton("Fill the gap")
        make_primary(self.button)
        self._name_button()
        self.message = MessageLine("Same blank")
        self.causal = RankedBars("Causal", "What the language model puts there.")
        self.masked = RankedBars("Masked", "What the encoder’s fill-in-the-blank head puts there.")
        self.notes = {kind: plain_label("", "small", wrap=True) for kind in _SAYS}
        self.seen = {kind: plain_label("", "small", wrap=True) for kind in _SAYS}
        self.said = plain_label("", wrap=True)
        self._lay_out()
        self.field.textEdited.connect(
            lambda text: session.edit_look("Type a sentence with a gap", "blank", text=text)
        )
        self.field.returnPressed.connect(self.fill)
        self.button.clicked.connect(self._on_pressed)
        session.changed.connect(self._on_session)
        self._show_choice()

    @property
    def busy(self) -> bool:
        """Return whether the gap is being filled."""
        return self._job is not None and self._job.active

    def showEvent(self, event: QShowEvent) -> None:
        """Show the session's sentence."""
        super().showEvent(event)
        self._show_choice()

    def _lay_out(self) -> None:
        first = QHBoxLayout()
        first.setSpacing(spacing(2))
        first.addWidget(self.field, 1)
        first.addWidget(self.button)
        across = QWidget()
        row = QHBoxLayout(across)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(6))
        for kind, bars in (("causal", self.causal), ("masked", self.masked)):
            column = QVBoxLayout()
            column.setSpacing(spacing(1.5))
            column.addWidget(self.notes[kind])
            column.addWidget(self.seen[kind])
            column.addWidget(bars)
            column.addStretch(1)
            row.addLayout(column, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(spacing(2))
        whole.addLayout(first)
        whole.addWidget(self.message)
        whole.addWidget(self.said)
        whole.addWidget(scrolled(across), 1)

    @Slot()
    def _on_pressed(self) -> None:
        if self._job is not None and self._job.active:
            self._job.stop()
        else:
            self.fill()

    @Slot()
    def fill(self) -> None:
        """Ask both models."""
        if self.busy:
            return
        if (entry := self._model.missing) is not None:
            self.message.show_message(
                "info", f"{entry.title} is not on this machine yet: press Fetch at the top."
            )
            return
        state, lab = self._session.state, self._lab
        choice, text = self._model.choice, state.blank.text
        name = state.blank.encoder or state.spec.encoder

        def work(report: Report) -> tuple[Blank, Loaded]:
            encoder = lab.encoder(name)
            return lab.prompts.blank(choice, encoder, text, report), lab.prompts.loaded()

        self.message.clear()
        self._job = job = self._runner.submit("Fill the gap", work, Lane.COMPUTE)
        job.finished.connect(self._on_found)
        job.failed.connect(lambda error: self.message.show_message("bad", str(error)))
        job.ended.connect(self._on_ended)
        self._name_button()

    @Slot(object)
    def _on_found(self, found: tuple[Blank, Loaded]) -> None:
        blank, loaded = found
        self._model.note(loaded)
        self._show_side("causal", self.causal, blank.causal)
        self._show_side("masked", self.masked, blank.masked)
        if blank.masked is None:
            self.notes["masked"].setText(blank.why_not)
            self.said.setText("")
        elif blank.common:
            words = ", ".join(f"“{word}”" for word in blank.common)
            self.said.setText(f"Both have {words} among their likeliest.")
        else:
            self.said.setText("No word is among the likeliest of both.")

    def _show_side(self, kind: str, bars: RankedBars, side: BlankSide | None) -> None:
        if side is None:
            bars.show_rows(())
            self.seen[kind].setText("")
            return
        bars.show_rows(
            [
                Ranked(shown(one.text), f"{one.probability:.3f}", one.probability)
                for one in side.rows
            ]
        )
        rest = percent_text(side.rest)
        self.notes[kind].setText(f"{side.title} {_SAYS[kind]}")
        self.seen[kind].setText(f"“{side.seen}” · all other tokens {rest}")

    @Slot()
    def _on_ended(self) -> None:
        self._job = None
        self._name_button()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.blank != old.blank:
            self._show_choice()
        stale = (state.blank, state.language_model) != (old.blank, old.language_model)
        if stale or state.spec.encoder != old.spec.encoder:
            self.causal.set_stale(True)
            self.masked.set_stale(True)

    def _show_choice(self) -> None:
        text = self._session.state.blank.text
        if self.field.text() != text:
            self.field.setText(text)

    def _name_button(self) -> None:
        text = "Stop" if self.busy else "Fill the gap"
        self.button.setText(text)
        describe(self.button, text, "Asks the language model and the encoder – Enter.")
