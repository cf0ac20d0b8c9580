"""The two live plots of the training panel, and how they are looked at."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from fineview.ui.panels.training_curves import RunCurves
from fineview.ui.plots.curves import CurvePlot
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing, use_font

_REFERENCES = (("majority", "majority"), ("tfidf", "TF-IDF + SVD"))


class RunPlots(QWidget):
    """Loss and accuracy of the run on display, others behind it, references as lines.

    Attributes:
        loss: Cross-entropy by epoch.
        accuracy: Share of right answers by epoch.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.loss = CurvePlot("Loss", "cross-entropy", y_unit="nats", x_label="epoch")
        self.accuracy = CurvePlot("Accuracy", "share right", x_label="epoch", controls=False)
        self._figures = QLabel("")
        self._figures.setTextFormat(Qt.TextFormat.PlainText)
        use_font(self._figures, "fixed-small")
        self._overlaid: set[str] = set()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(1))
        column.addWidget(self._figures)
        column.addWidget(self.loss, 3)
        column.addWidget(self.accuracy, 2)
        self.loss.smoothing_changed.connect(lambda value: session.view(smoothing=value))
        self.loss.log_changed.connect(lambda on: session.view(log_loss=on))
        session.changed.connect(self._on_session)
        self._on_session(session.state, session.state)

    def draw_run(self, curves: RunCurves) -> None:
        """Draw the run on display; called at most once a poll."""
        steps = curves.steps()
        losses = curves.evaluations("loss", "penalised_loss")
        shares = curves.evaluations("train_accuracy", "accuracy")
        epochs = losses[:, 0]
        optimum = curves.references.get("optimum")
        target = optimum.penalised_loss if optimum is not None else None
        self.loss.set_curve("train", steps[:, 0], steps[:, 1], role="train", name="train, batches")
        if target is not None:
            self.loss.set_curve(
                "penalised", epochs, losses[:, 2], role="other", name="train + penalty"
            )
        else:
            self.loss.remove_curve("penalised")
        self.loss.set_reference("optimum", target, "optimum")
        for plot, train, validation in (
            (self.loss, None, losses[:, 1]),
            (self.accuracy, shares[:, 1], shares[:, 2]),
        ):
            if train is not None:
                plot.set_curve("train", epochs, train, role="train", name="train")
            plot.set_curve("validation", epochs, validation, role="validation", name="validation")
        for name, label in _REFERENCES:
            found = curves.references.get(name)
            self.accuracy.set_reference(name, found.accuracy if found else None, label)
        self._tell(curves, float(steps[-1, 2]) if len(steps) else 0.0)

    def clear(self) -> None:
        """Draw nothing, and wait for a run."""
        self.loss.clear()
        self.accuracy.clear()
        self._overlaid = set()
        self._figures.setText("")

    def draw_overlays(self, runs: Sequence[tuple[str, str, str, RunCurves]]) -> None:
        """Draw other runs behind: (id, title, colour, curves) each; those not named go."""
        for run in self._overlaid - {entry[0] for entry in runs}:
            self.loss.remove_curve(run)
            self.accuracy.remove_curve(run)
        self._overlaid = {entry[0] for entry in runs}
        for run, title, colour, curves in runs:
            data = curves.evaluations("loss", "accuracy")
            for plot, column in ((self.loss, 1), (self.accuracy, 2)):
                plot.set_curve(
                    run, data[:, 0], data[:, column], role="validation", colour=colour, name=title
                )

    def _tell(self, curves: RunCurves, gradient: float) -> None:
        if curves.last is not None:
            rate = f"{curves.rate:,.0f}".replace(",", "\u2009")
            self._figures.setText(
                f"step {curves.step}  val {curves.last.accuracy:.3f}  F1 {curves.last.macro_f1:.3f}"
                f"  |grad| {gradient:.2g}  {rate}/s"
            )

    @Slot(object, object)
    def _on_session(self, state: SessionState, _old: SessionState) -> None:
        self.loss.set_smoothing(state.smoothing)
        self.loss.set_log(state.log_loss)
