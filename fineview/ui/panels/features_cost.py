"""What the chosen layers cost in time: measured once the panel is looked at."""

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QLabel, QWidget

from fineview.core.explore.cost import LayerCost, measure_cost
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.runs.spec import RunSpec
from fineview.ui.context import Context
from fineview.ui.session import Session
from fineview.ui.theme import use_font
from fineview.ui.widgets.format import number_text
from fineview.work.jobs import Job, JobRunner

_AFTER_CHANGE_MS = 300


class LayerTimes(QLabel):
    """Milliseconds a text, up to the highest chosen layer; empty until they are measured."""

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
        self._top = 0
        self._cost: LayerCost | None = None
        self._of: RunSpec | None = None
        self._job: Job | None = None
        self.setWordWrap(True)
        self.setToolTip(
            "Time from tokens to the highest layer in use; blocks above it need not run. Some "
            "texts of the task, spread over it, go through together; the median of three passes."
        )
        use_font(self, "small")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_AFTER_CHANGE_MS)
        self._timer.timeout.connect(self._measure)

    def show_layers(self, layers: tuple[int, ...]) -> None:
        """Say what layers, counted from 0, cost; measure if that is not known yet."""
        self._top = layers[-1]
        self._renew()
        self._timer.start()

    def _renew(self) -> None:
        times = self._cost.milliseconds if self._cost is not None else ()
        # Between two encoders the layers may already be those of the other one.
        known = self._of == _timed(self._session.state.spec) and self._top < len(times)
        self.setVisible(known)
        if self._cost is None or not known:
            return
        depth = len(times) - 1
        part = f"{number_text(times[self._top])} ms a text up to layer {self._top}, "
        self.setText(
            f"{part if self._top < depth else ''}{number_text(times[-1])} ms a text through all "
            f"{depth} blocks ({self._cost.device}, {self._cost.texts} texts together)."
        )

    @Slot()
    def _measure(self) -> None:
        spec = _timed(self._session.state.spec)
        there = self._context.task is not None and self._context.encoder is not None
        panel = self.parentWidget()
        if not there or spec == self._of or panel is None or not panel.isVisible():
            return
        if self._job is not None and self._job.active:
            self._job.stop()
        self._cost, self._of = None, spec
        lab = self._lab

        def work(report: Report) -> tuple[RunSpec, LayerCost]:
            return spec, measure_cost(lab, spec, report)

        self._job = self._runner.submit("Time the layers", work)
        self._job.finished.connect(self._on_measured)

    @Slot(object)
    def _on_measured(self, found: tuple[RunSpec, LayerCost]) -> None:
        spec, cost = found
        if spec == self._of:
            self._cost = cost
            self._renew()


def _timed(spec: RunSpec) -> RunSpec:
    """Return what the times depend on."""
    return RunSpec(
        task=spec.task, encoder=spec.encoder, max_length=spec.max_length, split=spec.split
    )
