"""The derivative kernel: why a start is a good one, and whether training is more than linear."""

from collections.abc import Hashable

from PySide6.QtCore import Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.core.explore.choices import MovedChoice
from fineview.core.explore.kernel import FEWEST_TEXTS, MOST_TEXTS, KernelSpec, KernelStudy
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.panels.training_kernel_table import WEIGHTS, KernelTable
from fineview.ui.plots.layer_bars import BarColumn, LayerBars
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import make_primary, spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.format import plural, seconds_text
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.number_field import NumberField
from fineview.ui.widgets.panel_area import scrolled
from fineview.ui.widgets.tinted_label import TintedLabel
from fineview.work.jobs import Job, JobRunner

_COMPUTE = "Compute kernel"
_WHAT = (
    "Two texts are alike here if a training step on one moves the model's answer to the other too. "
    "Where this likeness follows the labels, few steps suffice: compare random, pretrained and "
    "tuned weights. Some minutes where there are many classes."
)
_COMES = "The kernel at pretrained weights comes first, then that at random and at tuned ones."


class KernelView(QWidget):
    """Settings, a button that computes, one sentence, bars by layer and a table.

    Attributes:
        found: The study on display, maybe not complete; None before.
        button: Begins, or stops.
        bars: Alignment and share of each layer.
        table: The figures of the whole kernel.
    """

    def __init__(self, session: Session, runner: JobRunner, lab: Laboratory) -> None:
        super().__init__()
        self._session = session
        self._runner = runner
        self._lab = lab
        self._job: Job | None = None
        self._asked: Hashable = None
        self._of_run = ""
        self.found: KernelStudy | None = None
        self.items = NumberField(
            "Training items",
            "Training items whose derivatives are taken – 60 – more for narrower figures; time "
            "grows with items times classes.",
            value=60, minimum=FEWEST_TEXTS, maximum=MOST_TEXTS, integer=True, step="series",
        )  # fmt: skip
        self.held_out = NumberField(
            "Held-out items",
            "Test items that are predicted from the kernel – 60 – more for narrower intervals.",
            value=60, minimum=FEWEST_TEXTS, maximum=MOST_TEXTS, integer=True, step="series",
        )  # fmt: skip
        self.seed = NumberField(
            "Sketch seed",
            "Draws how gradients are folded into 8 192 numbers – 0 – another one to see how far "
            "the figures depend on it.",
            value=0, minimum=0, maximum=9999, integer=True,
        )  # fmt: skip
        self.button = QPushButton(_COMPUTE)
        self.message = MessageLine()
        self.said = plain_label(wrap=True)
        self.notes = TintedLabel("", "small", wrap=True)
        self.bars = LayerBars(
            "Derivative kernel by layer",
            "How far the part of each layer's weights is aligned with held-out labels, and its "
            "share of the kernel – compare pretrained with random – a layer with a large, well "
            "aligned part is one whose weights can serve the task.",
        )
        self.table = KernelTable()
        self.empty = EmptyState("Derivative kernel", _WHAT)
        self._lay_out()
        self.items.changed.connect(lambda v: self._edit("Change kernel items", items=int(v)))
        self.held_out.changed.connect(
            lambda v: self._edit("Change held-out items", held_out=int(v))
        )
        self.seed.changed.connect(lambda v: self._edit("Change the sketch's seed", seed=int(v)))
        self.bars.pressed.connect(self.bars.set_layer)
        self.button.clicked.connect(self._on_button)
        session.changed.connect(self._on_session)

    def _lay_out(self) -> None:
        make_primary(self.button)
        describe(
            self.button,
            _COMPUTE,
            "Takes the derivative of every output by every weight, at random, pretrained and tuned "
            "weights – some minutes – once a run; it can be stopped.",
        )
        bar = QHBoxLayout()
        bar.setSpacing(spacing(2))
        letter = self.fontMetrics().averageCharWidth()
        fields = (("Items", self.items), ("Held out", self.held_out), ("Seed", self.seed))
        for said, field in fields:
            word = plain_label(said)
            word.setBuddy(field)
            field.setFixedWidth(letter * 10)
            bar.addWidget(word)
            bar.addWidget(field)
        bar.addWidget(self.button)
        bar.addStretch(1)
        side = QVBoxLayout()
        side.setSpacing(spacing(2))
        side.addWidget(self.table)
        side.addWidget(self.notes)
        side.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(spacing(4))
        row.addWidget(scrolled(self.bars, at_top=True), 4)
        row.addLayout(side, 5)
        drawn = QWidget()
        lines = QVBoxLayout(drawn)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(spacing(2))
        lines.addWidget(self.said)
        lines.addLayout(row, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(drawn)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(2))
        box.addLayout(bar)
        box.addWidget(self.message)
        box.addWidget(self._stack, 1)
        self.message.clear()

    def _edit(self, text: str, **changes: int) -> None:
        self._session.edit_look(text, "moved", **changes)

    def showEvent(self, event: QShowEvent) -> None:
        """Show what was chosen while nobody looked."""
        super().showEvent(event)
        self._look()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.run != old.run and self._job is not None:
            self._job.stop()
        if self.isVisible():
            self._look()

    def _question(self) -> Hashable:
        """Return what decides the figures: the run with its settings, or those of the session."""
        state = self._session.state
        choice = state.moved
        return state.run or state.spec, choice.items, choice.held_out, choice.seed

    @property
    def stale(self) -> bool:
        """Return whether what is shown was computed with other settings."""
        return self.found is not None and self._asked != self._question()

    def _look(self) -> None:
        """Show the settings, and figures of the run on display only."""
        state = self._session.state
        choice: MovedChoice = state.moved
        self.items.set_value(choice.items)
        self.held_out.set_value(choice.held_out)
        self.seed.set_value(choice.seed)
        if self.found is not None and self._of_run != state.run:
            self.found = None
            self.message.clear()
        busy = self._job is not None
        again = "Compute again" if self.found is not None else _COMPUTE
        self.button.setText("Stop" if busy else again)
        if self._job is not None and self._job.stopping:
            self.button.setText("Stopping…")
        self.button.setEnabled(self._job is None or not self._job.stopping)
        self._stack.setCurrentIndex(int(self.found is not None))
        if self.found is None:
            self.empty.set_text("Derivative kernel", _COMES if busy else _WHAT)
        else:
            self._show_notes(self.found)
        self.bars.set_stale(self.stale)

    # Computing

    @Slot()
    def _on_button(self) -> None:
        if self._job is not None:
            self._job.stop()
            self._look()
            return
        lab, state = self._lab, self._session.state
        run, choice = state.run, state.moved
        asked = KernelSpec(
            run=state.spec, texts=choice.items, held_out=choice.held_out, seed=choice.seed
        )

        def work(report: Report) -> KernelStudy:
            from fineview.core.explore.kernel_work import kernel_of_run, kernel_study

            if run:
                return kernel_of_run(lab, run, asked, report)
            return kernel_study(lab, asked, report)

        self.message.clear()
        self._asked, self._of_run, self.found = self._question(), run, None
        self._job = job = self._runner.submit("Derivative kernel", work)
        job.published.connect(self._on_published)
        job.finished.connect(self._show)
        job.failed.connect(self._on_failed)
        job.ended.connect(self._on_ended)
        self._look()

    @Slot(object)
    def _on_published(self, events: object) -> None:
        found = [one for one in events if isinstance(one, KernelStudy)]  # type: ignore[attr-defined]
        if found:
            self._show(found[-1])

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if self._of_run == self._session.state.run:
            self.message.show_message("bad", str(error))

    @Slot()
    def _on_ended(self) -> None:
        self._job = None
        self._look()

    @Slot(object)
    def _show(self, found: KernelStudy) -> None:
        if self._of_run != self._session.state.run:
            return
        self.found = found
        self.said.setText(found.sentence)
        self.bars.set_columns(_columns(found))
        self.table.show_study(found)
        self._look()

    def _show_notes(self, found: KernelStudy) -> None:
        said = []
        if self.stale:
            said.append("Settings changed: compute again to use them.")
        if not found.complete:
            said.append(
                "The kernels of further weights are being computed."
                if self._job is not None
                else "Stopped before all kernels were there."
            )
        if found.complete and not found.spec.tuned:
            said.append(
                "No run that moved the encoder is on display, so there are no tuned weights."
            )
        said += found.notes
        said.append(
            f"{plural(found.items, 'training item')}, {plural(found.held_out, 'test item')}; "
            f"{seconds_text(found.seconds)}. Alignment is 1 where the kernel is that of the labels "
            "(Cortes et al. 2012), and depends on how many classes there are: compare columns."
        )
        self.notes.setText(" ".join(said))


def _columns(found: KernelStudy) -> list[BarColumn]:
    """Return alignment and share of each layer; the head's stand in the table."""
    known = [(title, one) for name, title in WEIGHTS if (one := found.of(name)) is not None]
    return [
        BarColumn(
            title="alignment, held out",
            series=tuple((title, one.by_group[:-1]) for title, one in known),
        ),
        BarColumn(
            title="share of the kernel",
            series=tuple((title, one.shares[:-1]) for title, one in known),
        ),
    ]
