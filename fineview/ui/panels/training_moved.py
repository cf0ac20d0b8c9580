"""What moved: the texts of a run before and after its encoder was trained, layer by layer."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QSlider,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.core.explore.movement import Movement
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.context import Context
from fineview.ui.panels.training_kernel import KernelView
from fineview.ui.plots.layer_bars import BarColumn, LayerBars
from fineview.ui.plots.scatter import ScatterPlot
from fineview.ui.run_rows import RunList
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.segmented import Segmented
from fineview.work.jobs import Job, JobRunner, Lane

_WHAT = (
    "A run that trained its encoder keeps how a sample of its validation texts moved: each text is "
    "a point with its way from before training. Train with full fine-tuning, say, and look here."
)


class MovedPage(QWidget):
    """Map with arrows, and what changed at each layer; beside it the derivative kernel.

    Attributes:
        shown: What is drawn, or None.
        view: Which of the two is in front.
        kernel: The derivative kernel.
    """

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        _context: Context,
        _runs: RunList,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._runner = runner
        self._lab = lab
        self._job: Job | None = None
        self._asked: tuple[str, int] | None = None
        self._layer = -1
        self.shown: Movement | None = None
        self.message = MessageLine()
        self.empty = EmptyState("What moved", _WHAT)
        self.scatter = ScatterPlot("Texts before and after training")
        self.layers = LayerBars(
            "Layers before and after training",
            "How far texts moved at each layer over how far apart they stood, how like their "
            "states still are (linear CKA), and the share of the variance between classes, before "
            "and after – press a layer to draw it – the last layers usually move most.",
        )
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.said = plain_label(wrap=True)
        self.use = QPushButton("Use this encoder")
        self.view = Segmented(
            [("texts", "Texts"), ("kernel", "Derivative kernel")],
            "View of what moved",
            "Texts before and after training – why training works: how the outputs would move with "
            "the weights – the second to ask what pretraining gives.",
        )
        self.kernel = KernelView(session, runner, lab)
        self._lay_out()
        self.view.changed.connect(
            lambda v: session.edit_look("Look at what moved", "moved", view=v)
        )
        self.slider.valueChanged.connect(self._on_slider)
        self.layers.pressed.connect(self.slider.setValue)
        self.use.clicked.connect(self._on_use)
        session.changed.connect(self._on_session)

    def _lay_out(self) -> None:
        describe(
            self.slider,
            "Layer",
            "Which layer's states are drawn – the last – lower ones move less.",
        )
        describe(
            self.use,
            "Use this encoder",
            "Makes what this run trained the encoder of the session, named run:… – features, maps "
            "and further runs then use it – to see what it knows besides its task.",
        )
        bar = QHBoxLayout()
        bar.setSpacing(spacing(2))
        word = plain_label("Layer")
        word.setBuddy(self.slider)
        self._which = plain_label("", "fixed")
        bar.addWidget(word)
        bar.addWidget(self.slider, 1)
        bar.addWidget(self._which)
        bar.addWidget(self.use)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addWidget(self.layers)
        column.addWidget(self.said)
        column.addStretch(1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(spacing(3))
        split.addWidget(self.scatter)
        split.addWidget(side)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        drawn = QWidget()
        inside = QVBoxLayout(drawn)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(spacing(2))
        inside.addLayout(bar)
        inside.addWidget(split, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(drawn)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(2))
        texts = QWidget()
        of_texts = QVBoxLayout(texts)
        of_texts.setContentsMargins(0, 0, 0, 0)
        of_texts.setSpacing(spacing(2))
        of_texts.addWidget(self.message)
        of_texts.addWidget(self._stack, 1)
        self._views = QStackedWidget()
        self._views.addWidget(texts)
        self._views.addWidget(self.kernel)
        row = QHBoxLayout()
        row.addWidget(self.view)
        row.addStretch(1)
        box.addLayout(row)
        box.addWidget(self._views, 1)
        self.message.clear()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what has changed while nobody looked."""
        super().showEvent(event)
        self._refresh()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.run, state.moved.view) != (old.run, old.moved.view) and self.isVisible():
            self._refresh()

    @Slot(int)
    def _on_slider(self, layer: int) -> None:
        self._layer = layer
        self._refresh()

    def _refresh(self) -> None:
        """Ask for the run and the layer on display, unless they are there or on their way."""
        self.view.set_value(self._session.state.moved.view)
        self._views.setCurrentIndex(int(self.view.value == "kernel"))
        if self.view.value == "kernel":
            return
        run = self._session.state.run
        wanted = (run, self._layer)
        known = self.shown is not None and (self.shown.run_id, self.shown.layer) == wanted
        if not run:
            self._show_nothing("")
        if not run or known or wanted == self._asked:
            return
        self._asked = wanted
        lab = self._lab

        def work(report: Report) -> Movement:
            from fineview.core.explore.movement_work import movement

            return movement(lab, run, wanted[1], report)

        if self._job is not None:
            self._job.stop()
        self._job = job = self._runner.submit("What moved", work, Lane.LOOKUP)
        job.finished.connect(self._show)
        job.failed.connect(lambda error: self._show_nothing(str(error)))
        job.ended.connect(self._on_ended)

    @Slot()
    def _on_ended(self) -> None:
        self._asked = None

    def _show_nothing(self, why: str) -> None:
        self.shown = None
        self._stack.setCurrentIndex(0)
        if why:
            self.message.show_message("info", why)
        else:
            self.message.clear()

    @Slot(object)
    def _show(self, found: Movement) -> None:
        if found.run_id != self._session.state.run:
            return
        fresh = self.shown is None or self.shown.run_id != found.run_id
        self.shown = found
        self.message.clear()
        self._stack.setCurrentIndex(1)
        self.slider.blockSignals(True)
        self.slider.setRange(0, found.depth)
        self.slider.setValue(found.layer)
        self.slider.blockSignals(False)
        self._layer = found.layer
        self._which.setText(f"{found.layer} of {found.depth}")
        self.scatter.set_points(found.after, found.axes)
        self.scatter.set_starts(found.before)
        if fresh:
            if found.classes:
                self.scatter.set_groups(found.groups, found.classes)
            self.scatter.set_texts(found.texts)
            self._show_layers(found)
        self.layers.set_layer(found.layer)
        self.said.setText(_reading(found))

    def _show_layers(self, found: Movement) -> None:
        columns = [
            BarColumn(title="way / spread", series=(("after", found.shift),)),
            BarColumn(title="CKA", series=(("after", found.cka),)),
        ]
        if found.classes:
            before, after = found.separation
            columns.append(
                BarColumn(title="classes η²", series=(("after", after), ("before", before)))
            )
        self.layers.set_columns(columns)

    @Slot()
    def _on_use(self) -> None:
        if self.shown is not None:
            self._session.edit_spec("Use a run's encoder", encoder=f"run:{self.shown.run_id}")


def _reading(found: Movement) -> str:
    """Return in a sentence or two what the figures say."""
    far = found.farthest
    said = [
        f"{found.run_title}: the texts moved farthest at layer {far}, by {found.shift[far]:.2g} × "
        f"their spread; the lines begin where they stood before training."
    ]
    if found.classes:
        before, after = (side[found.layer] for side in found.separation)
        said.append(
            f"At layer {found.layer} the classes take {before:.0%} of the variance before and "
            f"{after:.0%} after."
        )
    return " ".join(said)
