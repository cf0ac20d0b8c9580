"""The live plots of the training panel, and how they are looked at."""

from collections.abc import Callable, Sequence
from math import nan

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.ui.panels.training_curves import RunCurves
from fineview.ui.plots.curves import CurvePlot
from fineview.ui.plots.layer_bars import BarColumn, LayerBars
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing, use_font
from fineview.ui.widgets.format import clock_text
from fineview.ui.widgets.rollback_bar import RollbackBar, Stops
from fineview.ui.widgets.segmented import Segmented

_REFERENCES = (("majority", "majority"), ("tfidf", "TF-IDF + SVD"))
_ONCE = "no epochs: this head is fitted at one stretch"
_INSTEAD = ("instead train", "instead", "instead chosen")
_VIEWS = (
    ("score", "Accuracy"),
    ("rate", "Rate"),
    ("gradient", "Gradient"),
    ("layers", "Layers"),
)


class RunPlots(QWidget):
    """The loss of the run on display, others behind it, and one of four plots below.

    Attributes:
        loss: Cross-entropy by epoch; for numbers the squared error in variances of the labels.
        accuracy: Share of right answers by epoch; for numbers the rank correlation.
        rate: Learning rates by epoch.
        gradient: Norm of the gradient by epoch.
        moves: Gradient, distance and similarity of each layer, where the encoder is trained.
        layers: Weights of a learned layer mix; hidden where the run has none.
        view: Which of the four is shown.
        back: Saved steps to go back to.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.loss = CurvePlot("Loss", "loss", y_unit="nats", x_label="epoch")
        self.accuracy = CurvePlot("Accuracy", "share right", x_label="epoch", controls=False)
        self.rate = CurvePlot("Learning rate", "rate", x_label="epoch", controls=False)
        self.gradient = CurvePlot("Gradient", "Euclidean norm", x_label="epoch", controls=False)
        self.moves = LayerBars(
            "Layers in training",
            "How hard the gradient pulls at each layer, how far its weights have come from where "
            "they began, how like its states still are (linear CKA) – nothing where the encoder is "
            "frozen – look for layers that leave the others behind.",
        )
        self.layers = LayerBars(
            "Layer weights",
            "What the learned mix makes of each layer – all alike at first – layers that stay low "
            "could be left out.",
        )
        self.layers.hide()
        self.view = Segmented(
            _VIEWS,
            "Lower plot",
            "What is drawn below the loss – accuracy – the rates as the schedule sets them, the "
            "gradient's norm, or how each layer moves.",
        )
        self._figures = QLabel("")
        self._figures.setTextFormat(Qt.TextFormat.PlainText)
        use_font(self._figures, "fixed-small")
        self._figures.setToolTip(
            "Steps done; accuracy and macro-F1 (numbers: rank correlation) on the validation "
            "texts; Euclidean norm of the gradient; training texts per second; time that is left."
        )
        self.back = RollbackBar()
        self._overlaid: set[str] = set()
        self._turn = 0
        self._lay_out()
        self.loss.smoothing_changed.connect(lambda value: session.view(smoothing=value))
        self.loss.log_changed.connect(lambda on: session.view(log_loss=on))
        self.back.chosen.connect(self.loss.canvas.stops.choose)
        self.loss.canvas.stops.moved.connect(self.back.choose_epoch)
        self.view.changed.connect(lambda name: session.view(lower_plot=name))
        session.changed.connect(self._on_session)
        self._on_session(session.state, session.state)

    def _lay_out(self) -> None:
        inside = QWidget()
        lines = QVBoxLayout(inside)
        lines.setContentsMargins(spacing(1), spacing(1), 0, 0)
        lines.addWidget(self.moves)
        lines.addStretch(1)
        # Many layers scroll, so that the loss above keeps its height.
        holder = QScrollArea()
        holder.setWidgetResizable(True)
        holder.setFrameShape(QFrame.Shape.NoFrame)
        holder.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        holder.setWidget(inside)
        self._stack = QStackedWidget()
        self._pages: dict[str, QWidget] = {
            "score": self.accuracy,
            "rate": self.rate,
            "gradient": self.gradient,
            "layers": holder,
        }
        for page in self._pages.values():
            self._stack.addWidget(page)
        row = QHBoxLayout()
        row.setSpacing(spacing(3))
        row.addWidget(self._stack, 3)
        row.addWidget(self.layers, 2)
        bar = QHBoxLayout()
        bar.addWidget(self.view)
        bar.addStretch(1)
        bar.addWidget(self.back)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(1))
        column.addWidget(self._figures)
        column.addWidget(self.loss, 3)
        column.addLayout(bar)
        column.addLayout(row, 2)

    def draw_run(self, curves: RunCurves) -> None:
        """Draw the run on display at once."""
        self._draw_loss(curves)
        self._draw_lower(curves)
        self.tell(curves)

    def draw_turn(self, curves: RunCurves) -> None:
        """Draw a third of it: called at every poll, so that no poll takes long."""
        self._turn = (self._turn + 1) % 3
        (self._draw_loss, self._draw_lower, self.tell)[self._turn](curves)

    def _draw_loss(self, curves: RunCurves) -> None:
        self.loss.show_controls(not curves.at_one_stretch and curves.head_curve is None)
        self.loss.canvas.set_places_shown(not curves.at_one_stretch or bool(curves.head_curve))
        if curves.head_curve is not None:
            self._draw_head_curve(curves)
            return
        numbers = curves.last is not None and curves.last.spearman is not None
        self.loss.set_labels(
            title="Loss",
            x=_ONCE if curves.at_one_stretch else "epoch",
            y="squared error" if numbers else "loss (nats)",
        )
        steps = curves.steps()
        losses = curves.evaluations("loss", "penalised_loss")
        optimum = curves.references.get("optimum")
        target = optimum.penalised_loss if optimum is not None else None
        for key in _INSTEAD:
            self.loss.remove_curve(key)
        if curves.at_one_stretch:
            self.loss.remove_curve("train")
        else:
            self.loss.set_curve(
                "train", steps[:, 0], steps[:, 1], role="train", name="train, batches"
            )
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
        gap, words = curves.gap()
        self.loss.set_gap(gap[:, 0], gap[:, 1], gap[:, 2], words)

    def _draw_head_curve(self, curves: RunCurves) -> None:
        """Draw what a head without steps has instead of a loss curve."""
        told = curves.head_curve
        assert told is not None
        self.loss.set_labels(
            title=told.measure.capitalize(),
            x=told.over,
            y=told.measure.removeprefix("out-of-bag ").replace("rank correlation", "Spearman's ρ"),
        )
        # Losses of runs behind it are no measure of what is drawn here.
        for key in ("train", "penalised", "validation", *self._overlaid):
            self.loss.remove_curve(key)
        self.loss.set_reference("optimum", None)
        self.loss.set_gap([], [], [], "")
        if told.train:
            self.loss.set_curve("instead train", told.at, told.train, name="train", role="train")
        else:
            self.loss.remove_curve("instead train")
        named = "out of bag" if "bag" in told.measure else "validation"
        self.loss.set_curve("instead", told.at, told.validation, name=named, role="validation")
        if told.chosen in told.at[:-1]:  # the end of a curve needs no mark
            value = told.validation[told.at.index(told.chosen)]
            self.loss.set_curve(
                "instead chosen", [told.chosen], [value], name=f"chosen, {value:.3f}"
            )
        else:
            self.loss.remove_curve("instead chosen")

    def _draw_lower(self, curves: RunCurves) -> None:
        drawing: dict[str, Callable[[RunCurves], None]] = {
            "score": self._draw_score,
            "rate": self._draw_rates,
            "gradient": self._draw_gradient,
            "layers": self._draw_moves,
        }
        drawing[self._session.state.lower_plot](curves)

    def _draw_score(self, curves: RunCurves) -> None:
        numbers = curves.last is not None and curves.last.spearman is not None
        self.accuracy.set_labels(
            title="Rank correlation" if numbers else "Accuracy",
            y="Spearman's ρ" if numbers else "share right",
            x=_ONCE if curves.at_one_stretch else "epoch",
        )
        self.accuracy.canvas.set_places_shown(not curves.at_one_stretch)
        shares = curves.evaluations("train_score", "score")
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

    def _draw_rates(self, curves: RunCurves) -> None:
        steps = curves.steps()
        self.rate.set_curve("head", steps[:, 0], steps[:, 3], role="other", name="head")
        if len(steps) and steps[:, 4].any():
            self.rate.set_curve(
                "encoder", steps[:, 0], steps[:, 4], role="validation", name="encoder, last block"
            )
        else:
            self.rate.remove_curve("encoder")

    def _draw_gradient(self, curves: RunCurves) -> None:
        steps = curves.steps()
        self.gradient.set_curve("norm", steps[:, 0], steps[:, 2], role="train", name="all weights")

    def _draw_moves(self, curves: RunCurves) -> None:
        moves, similarity = curves.moves, curves.similarity
        columns = []
        if moves is not None:
            for title, values in (
                ("gradient (norm)", moves.gradient_norms),
                ("moved (distance)", moves.distances),
            ):
                # The head is no layer of the encoder.
                series = (("in training", values[:-1]),)
                columns.append(BarColumn(title=title, series=series, decimals=None))
        if similarity is not None and (
            moves is None or len(similarity.cka) == len(moves.names) - 1
        ):
            series = (("in training", similarity.cka),)
            columns.append(BarColumn(title="like at first (CKA)", series=series))
        self.moves.set_columns(columns)
        self.moves.setVisible(bool(columns))

    def _draw_layers(self, curves: RunCurves) -> None:
        told = curves.layer_weights
        self.layers.setVisible(told is not None)
        if told is None:
            return
        weights, alike = ([nan] * (told.layers[-1] + 1) for _ in range(2))
        for layer, share in zip(told.layers, told.weights, strict=True):
            weights[layer], alike[layer] = share, 1 / len(told.layers)
        self.layers.set_columns(
            [
                BarColumn(
                    title=f"expected layer {told.expected_layer:.2f}",
                    series=(("weight", tuple(weights)),),
                    marks=("all alike", tuple(alike)),
                )
            ]
        )

    def show_stops(self, stops: Stops) -> None:
        """Mark saved steps that a person may go back to; none hides what is for them."""
        self.loss.canvas.stops.set_places(tuple(epoch for _, epoch in stops))
        self.back.show_stops(stops)

    def fit(self) -> None:
        """Show the whole of all plots."""
        for plot in (self.loss, self.accuracy, self.rate, self.gradient):
            plot.fit()

    def clear(self) -> None:
        """Draw nothing, and wait for a run."""
        for plot in (self.loss, self.accuracy, self.rate, self.gradient):
            plot.clear()
        self.moves.set_columns([])
        self.layers.hide()
        self.show_stops(())
        self._overlaid = set()
        self._figures.setText("")

    def draw_overlays(self, runs: Sequence[tuple[str, str, str, RunCurves]]) -> None:
        """Draw other runs behind: (id, title, colour, curves) each; those not named go."""
        for run in self._overlaid - {entry[0] for entry in runs}:
            self.loss.remove_curve(run)
            self.accuracy.remove_curve(run)
        self._overlaid = {entry[0] for entry in runs}
        for run, title, colour, curves in runs:
            data = curves.evaluations("loss", "score")
            for plot, column in ((self.loss, 1), (self.accuracy, 2)):
                plot.set_curve(
                    run, data[:, 0], data[:, column], role="validation", colour=colour, name=title
                )

    def tell(self, curves: RunCurves) -> None:
        """Write the newest figures above the plots, and draw what the layers weigh."""
        self._draw_layers(curves)
        last = curves.last
        if last is None:
            return
        rate = f"{curves.rate:,.0f}".replace(",", "\u2009")
        numbers = last.spearman is not None
        score = f"val ρ {last.score:.3f}" if numbers else f"val {last.score:.3f}"
        said = [score] if curves.at_one_stretch else [f"step {curves.step}", score]
        said += [] if numbers else [f"F1 {last.macro_f1:.3f}"]
        if curves.rate:
            said += [f"|grad| {curves.gradient_norm:.2g}", f"{rate} texts/s"]
        left = curves.remaining_s()
        said += [f"{clock_text(left)} left"] if left is not None and left > 1 else []
        self._figures.setText("  ".join(said))

    @Slot(object, object)
    def _on_session(self, state: SessionState, _old: SessionState) -> None:
        self.loss.set_smoothing(state.smoothing)
        self.loss.set_log(state.log_loss)
        name = state.lower_plot if state.lower_plot in self._pages else "score"
        self.view.set_value(name)
        self._stack.setCurrentWidget(self._pages[name])
