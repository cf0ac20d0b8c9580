"""The layer map page of the features panel: what each layer knows, measured and clickable."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.core.errors import ConfigError
from fineview.core.explore.layer_map import LayerMap, MapCell, measured_by
from fineview.core.features.config import PoolingConfig
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.context import Context
from fineview.ui.panels.features_map_more import MapSettings
from fineview.ui.panels.features_map_words import reading
from fineview.ui.plots.layer_heat import LayerHeat
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import make_primary, spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.segmented import Segmented
from fineview.work.jobs import Job, JobRunner, Lane

_WHAT = (
    "Every layer × token pooling and every preset is probed by a logistic regression on the "
    "training texts: see at a glance which layers know the answer."
)


class LayerMapPage(QWidget):
    """The layer map.

    Attributes:
        heat: The picture.
        shown: The last map, whole or in part; None before the first.

    Signals:
        scored(object): {layer: score} of the session's encoder at its token pooling; empty where
            the map is of other settings.
    """

    scored = Signal(object)

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
        self._job: Job | None = None
        self._again = False
        self.shown: LayerMap | None = None
        self.compute = QPushButton("Compute map")
        self.measure = Segmented(
            [("accuracy", "Accuracy"), ("macro_f1", "Macro-F1")],
            "Measure of the layer map",
            "What the cells show – accuracy – macro-F1 when classes are of unequal frequency; "
            "nothing is computed anew.",
        )
        self.random = QCheckBox("Random initialisation")
        self.more = MapSettings(session, lab)
        self.message = MessageLine("Layer map")
        self.empty = EmptyState("Layer map", _WHAT)
        self.heat = LayerHeat()
        self.said = plain_label(wrap=True)
        self.notes = plain_label("", "small", wrap=True)
        self._lay_out()
        self.compute.clicked.connect(self._on_button)
        self.measure.changed.connect(self._on_metric)
        self.random.clicked.connect(
            lambda on: session.edit_look("Choose the random control", "layer_map", controls=on)
        )
        self.heat.chosen.connect(self._use)
        self.message.action_pressed.connect(lambda _key: self.start())
        session.changed.connect(self._on_session)
        self._show_settings(session.state)

    def scores(self) -> dict[int, float]:
        """Return {layer: score} for the session's encoder and token pooling; maybe empty."""
        state = self._session.state
        if self.shown is None or self._stale(state):
            return {}
        spec = state.spec
        return self.shown.by_layer(spec.encoder, spec.pooling.tokens, state.layer_map.metric)

    def start(self) -> None:
        """Compute the map of the present settings; a running one is stopped first."""
        if self._job is not None and self._job.active:
            self._again = True
            self._job.stop()
            return
        lab, state = self._lab, self._session.state
        spec, choice = state.spec, state.layer_map

        def work(report: Report) -> LayerMap:
            from fineview.core.explore.layer_map_work import compute_map

            return compute_map(lab, spec, choice, report)

        self.message.clear()
        job = self._runner.submit("Layer map", work, Lane.COMPUTE)
        self._job = job
        job.published.connect(lambda events: self._show(events[-1]))
        job.finished.connect(self._show)
        job.failed.connect(self._on_failed)
        job.ended.connect(self._on_ended)
        job.progressed.connect(self._on_progress)
        self.compute.setText("Stop")
        self.said.setText("Computing…")

    def _lay_out(self) -> None:
        make_primary(self.compute)
        describe(
            self.compute,
            "Compute map",
            "Probes all layers and presets – seconds for 1 000 texts – again after the task, the "
            "encoder or a setting changed.",
        )
        describe(
            self.random,
            "Random initialisation",
            "Measures the same architecture with random weights too – on – off saves one pass; "
            "what lies above it was learned in pretraining.",
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        bar = QHBoxLayout()
        bar.setSpacing(spacing(3))
        for widget in (self.compute, self.measure, self.random):
            bar.addWidget(widget)
        bar.addStretch(1)
        column.addLayout(bar)
        column.addWidget(self.more)
        column.addWidget(self.message)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.heat)
        column.addWidget(self._stack, 1)
        for label in (self.said, self.notes):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(label)

    @Slot()
    def _on_button(self) -> None:
        if self._job is not None and self._job.active:
            self._again = False
            self._job.stop()
        else:
            self.start()

    @Slot(object)
    def _show(self, found: LayerMap) -> None:
        """Show a map; nothing of it is drawn while the page is hidden."""
        self.shown = found
        self._stack.setCurrentWidget(self.heat)
        self.heat.show_map(found)
        self._show_settings(self._session.state)

    @Slot(int, int, str)
    def _on_progress(self, done: int, total: int, words: str) -> None:
        self.said.setText(f"{words}: {done:,} of {total:,}".replace(",", "\u2009"))

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.message.show_message("bad", str(error))

    @Slot()
    def _on_ended(self) -> None:
        self._job = None
        self.compute.setText("Compute map")
        self._show_settings(self._session.state)
        if self._again:
            self._again = False
            self.start()

    @Slot(str)
    def _on_metric(self, name: str) -> None:
        self._session.edit_look("Choose the measure of the map", "layer_map", metric=name)

    @Slot(object)
    def _use(self, cell: MapCell) -> None:
        """Put a cell to use: its pooling, and its encoder where that is another one."""
        info = self._context.encoder
        if cell.encoder != self._session.state.spec.encoder:
            self._session.edit_spec("Use a cell of the map", encoder=cell.encoder)
        width = info.width if info is not None and info.name == cell.encoder else 0
        self._session.edit_pooling("Use a cell of the map", cell.pooling, width)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.spec, state.layer_map) == (old.spec, old.layer_map):
            return
        changed = measured_by(state.spec, state.layer_map) != measured_by(old.spec, old.layer_map)
        if changed and self._job is not None and self._job.active:
            self.start()  # stops and begins anew
        self._show_settings(state)

    def _stale(self, state: SessionState) -> bool:
        if self.shown is None:
            return False
        mine = measured_by(self.shown.spec, self.shown.choice)
        return mine != measured_by(state.spec, state.layer_map)

    def _show_settings(self, state: SessionState) -> None:
        choice, metric = state.layer_map, state.layer_map.metric
        self.measure.set_value(metric)
        self.random.setChecked(choice.controls)
        self.heat.set_metric(metric)
        running = self._job is not None and self._job.active
        stale = self._stale(state) and not running
        self.heat.set_look(self._in_use(state), dimmed=self._stale(state))
        if stale:
            self.message.show_message("info", "Settings changed.", [("Update", "update")])
        elif self.message.kind == "info":
            self.message.clear()
        if self.shown is not None and not running:
            self.said.setText(reading(self.shown, metric))
        if self.shown is not None:
            self.notes.setText("  ".join(self.shown.notes))
        elif not running:
            self.said.clear()
        self.scored.emit(self.scores())

    def _in_use(self, state: SessionState) -> tuple[str, PoolingConfig] | None:
        info, spec = self._context.encoder, state.spec
        if info is None or info.name != spec.encoder:
            return None
        try:
            return spec.encoder, spec.pooling.resolved(info.layers)
        except ConfigError:  # layers of an encoder that was deeper
            return None
