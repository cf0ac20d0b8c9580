"""Masking each token in turn: which tokens a layer's vector hangs on."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from fineview.core.explore.masking import TokenWeights
from fineview.core.laboratory import Laboratory
from fineview.core.models.info import Token
from fineview.core.progress import Report
from fineview.core.runs.spec import RunSpec
from fineview.ui.plots.export import Cell, Table
from fineview.ui.session import Session
from fineview.ui.theme import spacing
from fineview.ui.widgets.format import number_text
from fineview.ui.widgets.labels import describe, plain_label
from fineview.work.jobs import Job, JobRunner, Lane

_KINDS = ("cls", "mean", "max")
_START, _HIDE = "Mask each token in turn", "Hide the colours"


class EachInTurn(QWidget):
    """The button, and what it found.

    Attributes:
        button: Starts, stops, or hides what was found.
        weights: What was found, whole or in part; None for nothing.

    Signals:
        changed(): Tokens have other weights now.
        failed(str): One sentence.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(self, session: Session, runner: JobRunner, lab: Laboratory) -> None:
        super().__init__()
        self._session = session
        self._runner = runner
        self._lab = lab
        self._job: Job | None = None
        self._key = ""
        self._tokens: tuple[Token, ...] = ()
        self._layer = self._kind = 0
        self.weights: TokenWeights | None = None
        self.button = QPushButton(_START)
        describe(
            self.button,
            _START,
            "Masks every token alone and paints it by how far the chosen layer's vector moves – "
            "a second – to see which words the text's vector hangs on.",
        )
        self.note = plain_label("", "small")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(2))
        row.addWidget(self.button)
        row.addWidget(self.note)
        self.button.clicked.connect(self._on_button)

    def use(self, key: str, tokens: tuple[Token, ...], layer: int, kind: int) -> None:
        """Say what is looked at; another text lets the weights go.

        Args:
            key: Text and encoder.
            tokens: Its tokens.
            layer: Counted from 0.
            kind: Token pooling, an index into cls, mean, max.
        """
        self._tokens, self._layer, self._kind = tokens, layer, kind
        if key != self._key:
            self._key, self.weights = key, None
            if self._job is not None:
                self._job.stop()
        self._renew()

    def weight(self, position: int) -> float | None:
        """Return a token's share of the largest distance, 0 … 1; None where nothing is painted."""
        far = self._distance(position)
        if far is None or self.weights is None:
            return None
        known = [d for p in self.weights.positions if (d := self._distance(p)) is not None]
        most = max(known, default=0.0)
        return far / most if most > 0 else 0.0

    def told(self, position: int) -> str:
        """Return what is known of a token in one sentence, "" for nothing."""
        far = self._distance(position)
        if far is None or self.weights is None:
            return ""
        did = "Masking" if self.weights.covered else "Leaving out"
        return (
            f"{did} it alone moves the {_KINDS[self._kind]} vector of layer {self._layer} by "
            f"{number_text(far)} (1 − cosine)."
        )

    def table(self) -> Table:
        """Return what masking each token does, a row a token, a column a layer."""
        if self.weights is None:
            return ["token", "text"], []
        layers = range(self.weights.distances.shape[1])
        kind = _KINDS[self._kind]
        rows: list[list[Cell]] = [
            [
                position + 1,
                self._tokens[position].text,
                *(float(self.weights.distances[row, layer, self._kind]) for layer in layers),
            ]
            for row, position in enumerate(self.weights.positions)
        ]
        return ["token", "text", *(f"layer {n}, {kind}: 1 − cosine" for n in layers)], rows

    def _distance(self, position: int) -> float | None:
        found = self.weights
        if found is None or position not in found.positions:
            return None
        if self._layer >= found.distances.shape[1]:
            return None
        row = found.positions.index(position)
        far = float(found.distances[row, self._layer, self._kind])
        return far if far == far else None

    @Slot()
    def _on_button(self) -> None:
        if self._job is not None and self._job.active:
            self._job.stop()
        elif self.weights is not None:
            self.weights = None
            self._renew()
            self.changed.emit()
        else:
            self._start()

    def _start(self) -> None:
        lab, state, key = self._lab, self._session.state, self._key
        spec: RunSpec = state.spec
        first, second = state.example, state.second

        def work(report: Report) -> TokenWeights:
            from fineview.core.explore.masking_work import token_weights

            return token_weights(lab, spec, first, second, report)

        job = self._runner.submit("Mask each token", work, Lane.COMPUTE)
        self._job = job
        job.published.connect(lambda events: self._show(key, events[-1]))
        job.finished.connect(lambda found: self._show(key, found))
        job.failed.connect(lambda error: self.failed.emit(str(error)))
        job.ended.connect(self._on_ended)
        self._renew()

    def _show(self, key: str, found: TokenWeights) -> None:
        if key == self._key:
            self.weights = found
            self._renew()
            self.changed.emit()

    @Slot()
    def _on_ended(self) -> None:
        self._job = None
        self._renew()

    def _renew(self) -> None:
        running = self._job is not None and self._job.active
        words = "Stop" if running else _HIDE if self.weights is not None else _START
        self.button.setText(words)
        shown = self.weights is not None
        self.note.setText(
            f"Warmer: masking it alone moves layer {self._layer} further." if shown else ""
        )
        self.note.setVisible(shown)
