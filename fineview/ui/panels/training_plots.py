"""The live plots of the training panel, and how they are looked at."""

from collections.abc import Sequence
from math import nan

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from fineview.ui.panels.training_curves import RunCurves
from fineview.ui.plots.curves import CurvePlot
from fineview.ui.plots.layer_bars import BarColumn, LayerBars
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing, use_font

_REFERENCES = (("majority", "majority"), ("tfidf", "TF-IDF + SVD"))


class RunPlots(QWidget):
    """Loss and accuracy of the run on display, others behind it, references as lines.

    Attributes:
        loss: Cross-entropy by epoch.
        accuracy: Share of right answers by epoch.
        layers: Weights of a learned layer mix; hidden where the run has none.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.loss = CurvePlot("Loss", "cross-entropy", y_unit="nats", x_label="epoch")
        self.accuracy = CurvePlot("Accuracy", "share right", x_label="epoch", controls=False)
        self.layers = LayerBars(
            "Layer weights",
            "What the learned mix makes of each layer – all alike at first – layers that stay low "
            "could be left out.",
        )
        self.layers.hide()
        self._figures = QLabel("")
        self._figures.setTextFormat(Qt.TextFormat.PlainText)
        use_font(self._figures, "fixed-small")
        self._figures.setToolTip(
            "Steps done; accuracy and macro-F1 on the validation texts; Euclidean norm of the "
            "gradient; training texts per second."
        )
        self._overlaid: set[str] = set()
        self._turn = 0
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(1))
        column.addWidget(self._figures)
        column.addWidget(self.loss, 3)
        row = QHBoxLayout()
        row.setSpacing(spacing(3))
        row.addWidget(self.accuracy, 3)
        row.addWidget(self.layers, 2)
        column.addLayout(row, 2)
        self.loss.smoothing_changed.connect(lambda value: session.view(smoothing=value))
        self.loss.log_changed.connect(lambda on: session.view(log_loss=on))
        session.changed.connect(self._on_session)
        self._on_session(session.state, session.state)

    def draw_run(self, curves: RunCurves) -> None:
        """Draw the run on display at once."""
        self._draw_loss(curves)
        self._draw_accuracy(curves)
        self.tell(curves)

    def draw_turn(self, curves: RunCurves) -> None:
        """Draw a third of it: called at every poll, so that no poll takes long."""
        self._turn = (self._turn + 1) % 3
        (self._draw_loss, self._draw_accuracy, self.tell)[self._turn](curves)

    def _draw_loss(self, curves: RunCurves) -> None:
        steps = curves.steps()
        losses = curves.evaluations("loss", "penalised_loss")
        optimum = curves.references.get("optimum")
        target = optimum.penalised_loss if optimum is not None else None
        self.loss.set_curve("train", steps[:, 0], steps[:, 1], role="train", name="train, batches")
        if target is not None:
            self.loss.set_curve(
                "penalised", losses[:, 0], losses[:, 2], role="other", name="train + penalty"
            )
        else:
            self.loss.remove_curve("penalised")
        self.loss.set_reference("optimum", target, "optimum")
        self.loss.set_curve(
            "validation", losses[:, 0], losses[:, 1], role="validation", name="validation"
        )

    def _draw_accuracy(self, curves: RunCurves) -> None:
        shares = curves.evaluations("train_accuracy", "accuracy")
        for key, column in (("train", 1), ("validation", 2)):
            self.accuracy.set_curve(
                key,
                shares[:, 0],
                shares[:, column],
                role="train" if key == "train" else "validation",
                name=key,
            )
        for name, label in _REFERENCES:
            found = curves.references.get(name)
            self.accuracy.set_reference(name, found.accuracy if found else None, label)

    def _draw_layers(self, curves: RunCurves) -> None:
        told = curves.layer_weights
        self.layers.setVisible(told is not None)
        if told is None:
            return
        weights, alike = ([nan] * (told.layers[-1] + 1) for _ in range(2))
        for layer, share in zip(told.layers, told.weights, strict=True):
            weights[layer] = share
            alike[layer] = 1 / len(told.layers)
        self.layers.set_columns(
            [
                BarColumn(
                    title=f"expected layer {told.expected_layer:.2f}",
                    series=(("weight", tuple(weights)),),
                    marks=("all alike", tuple(alike)),
                )
            ]
        )

    def fit(self) -> None:
        """Show the whole of both plots."""
        self.loss.fit()
        self.accuracy.fit()

    def clear(self) -> None:
        """Draw nothing, and wait for a run."""
        self.loss.clear()
        self.accuracy.clear()
        self.layers.hide()
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

    def tell(self, curves: RunCurves) -> None:
        """Write the newest figures above the plots, and draw what the layers weigh."""
        self._draw_layers(curves)
        if curves.last is not None:
            rate = f"{curves.rate:,.0f}".replace(",", "\u2009")
            norm = curves.gradient_norm
            self._figures.setText(
                f"step {curves.step}  val {curves.last.accuracy:.3f}  F1 {curves.last.macro_f1:.3f}"
                f"  |grad| {norm:.2g}  {rate} texts/s"
            )

    @Slot(object, object)
    def _on_session(self, state: SessionState, _old: SessionState) -> None:
        self.loss.set_smoothing(state.smoothing)
        self.loss.set_log(state.log_loss)
