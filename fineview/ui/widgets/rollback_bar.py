"""Saved steps of a run to go back to, and the button that begins a new run there."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from fineview.ui.theme import spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.labels import describe

Stops = tuple[tuple[int, float], ...]
"""(step, epoch) of each, ascending."""


class RollbackBar(QWidget):
    """Hidden where there is no step to go back to.

    Signals:
        chosen(object): A person chose another step: its epoch, or None for none.
        branch_wanted(int): A new run is to begin at this step.
    """

    chosen = Signal(object)
    branch_wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._stops: Stops = ()
        self.steps = CalmCombo(
            "Saved step",
            "A step whose weights were saved; the line in the plot stands there and can be "
            "dragged – none – go back to where the validation loss was lowest.",
            letters=9,
        )
        self.button = QPushButton("Branch")
        describe(
            self.button,
            "Branch from here",
            "A new run goes on from the saved step, with the training settings at the left – the "
            "old run stays as it is – after a rate that was too high, say.",
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(2))
        row.addWidget(self.steps)
        row.addWidget(self.button)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.steps.chosen.connect(self._on_chosen)
        self.button.clicked.connect(lambda: self.branch_wanted.emit(self.step))
        self.show_stops(())

    @property
    def step(self) -> int:
        """Return the chosen step, 0 for none."""
        return int(self.steps.value or 0)

    def show_stops(self, stops: Stops) -> None:
        """Offer other steps; the chosen one stays where it is among them."""
        if stops != self._stops or not stops:
            self._stops = stops
            kept = self.step if self.step in dict(stops) else 0
            named = [(str(s), f"step {count_text(s)} · epoch {e:.3g}") for s, e in stops]
            self.steps.set_choices([("0", "Back to…"), *named], str(kept))
            self.chosen.emit(dict(stops).get(kept))
        self.setVisible(bool(stops))
        self.button.setEnabled(self.step > 0)

    def choose_epoch(self, epoch: float) -> None:
        """Choose the step nearest to an epoch, without a signal."""
        if self._stops:
            step = min(self._stops, key=lambda stop: abs(stop[1] - epoch))[0]
            self.steps.set_value(str(step))
            self.button.setEnabled(True)

    @Slot(str)
    def _on_chosen(self, value: str) -> None:
        self.button.setEnabled(int(value) > 0)
        self.chosen.emit(dict(self._stops).get(int(value)))
