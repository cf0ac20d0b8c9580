"""Live curves over steps or epochs."""

import numpy as np
from numpy.typing import ArrayLike
from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QSlider, QVBoxLayout, QWidget

from fineview.ui.plots.curve_canvas import CurveCanvas
from fineview.ui.plots.curve_legend import CurveLegend
from fineview.ui.plots.curve_math import Curve, CurveRole, as_floats, summary
from fineview.ui.plots.export import Table, add_export_menu, leave_out_of_exports
from fineview.ui.theme import spacing
from fineview.ui.widgets.labels import ElidedLabel, describe, plain_label

__all__ = ["CurvePlot"]

_SMOOTHEST = 99
_ANNOUNCE_MS = 500


class CurvePlot(QWidget):
    """A titled plot of curves that grow while a run is in flight.

    Training is solid, validation dashed; several runs lie over each other in their own colours.

    Attributes:
        canvas: The axes; `canvas.view_range()` tells what is in sight.
        legend: The entries to click.
        smoothing: Memory of the moving average, 0 … 0.99.
        log: Whether the y axis is logarithmic.

    Signals:
        smoothing_changed(float): A person moved the slider.
        log_changed(bool): A person ticked the box.
    """

    smoothing_changed = Signal(float)
    log_changed = Signal(bool)

    def __init__(
        self,
        title: str,
        y_label: str,
        *,
        y_unit: str = "",
        x_label: str = "step",
        empty: str = "Curves appear here when a run begins.",
        controls: bool = True,
    ) -> None:
        """Make an empty plot.

        Args:
            title: Shown above, and the accessible name.
            y_label: What is measured.
            y_unit: Its unit, "" for none; shown as "loss (nats)".
            x_label: What it is measured over, in the singular: "step" or "epoch".
            empty: Shown in the middle while there is nothing.
            controls: Whether there are a smoothing slider and a tick box for the log axis.
        """
        super().__init__()
        self._title = title
        self._x_label = x_label
        self._curves: dict[str, Curve] = {}
        self._as_it_is = not controls
        self.canvas = CurveCanvas(f"{y_label} ({y_unit})" if y_unit else y_label, x_label, empty)
        self.canvas.setAccessibleName(title)
        self.legend = CurveLegend()
        self.legend.toggled.connect(self._on_legend)
        self._make_controls(title, controls)
        column = QVBoxLayout(self)
        column.setContentsMargins(spacing(1), spacing(1), spacing(1), spacing(1))
        column.setSpacing(spacing(0.5))
        column.addLayout(self._header)
        column.addWidget(self.legend)
        column.addWidget(self.canvas, 1)
        self.setFocusProxy(self.canvas)
        self.setAccessibleName(title)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.menu = add_export_menu(self, self.table, name=title.lower().replace(" ", "-"))
        fit = self.menu.addAction("Fit\tA", self.canvas.fit)
        fit.setToolTip("Shows all values again.")
        self._announcer = QTimer(self)
        self._announcer.setSingleShot(True)
        self._announcer.setInterval(_ANNOUNCE_MS)
        self._announcer.timeout.connect(self._say)
        self._say()

    @property
    def smoothing(self) -> float:
        """Return the memory of the moving average, 0 … 0.99."""
        return self.slider.value() / 100

    @property
    def log(self) -> bool:
        """Return whether the y axis is logarithmic."""
        return self.log_box.isChecked()

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the curves there are, hidden ones too."""
        return tuple(self._curves)

    def set_curve(
        self,
        key: str,
        x: ArrayLike,
        y: ArrayLike,
        *,
        role: CurveRole = "other",
        colour: str | None = None,
        name: str = "",
    ) -> None:
        """Draw a curve anew; cheap enough for 30 times a second.

        Args:
            key: Which curve.
            x: (N,) steps or epochs, ascending.
            y: (N,) values; NaN leaves a gap. Neither array is kept.
            role: `train` is smoothed and solid, `validation` dashed.
            colour: For one run among several; None takes the role's own.
            name: In the legend; the key by default.
        """
        curve = Curve(key, name or key, role, colour, as_floats(x), as_floats(y))
        if curve.x.size != curve.y.size:
            raise ValueError(f"Curve {key} has {curve.x.size} places and {curve.y.size} values.")
        self._curves[key] = curve
        self.canvas.set_curve(curve)
        self._renew_legend(curve)
        self._announce()

    def remove_curve(self, key: str) -> None:
        """Drop a curve, if it is there."""
        if self._curves.pop(key, None) is not None:
            self.legend.remove(key)
            self.canvas.remove_curve(key)
            self._announce()

    def clear(self) -> None:
        """Drop all curves and reference lines."""
        for key in list(self._curves):
            self.remove_curve(key)
        self.canvas.clear_references()
        self.canvas.gap.clear()
        self.canvas.stops.set_places(())
        self.canvas.stops.choose(None)
        self.canvas.fit()

    def set_reference(self, key: str, value: float | None, label: str = "") -> None:
        """Draw a thin dashed line to measure against; None takes it away."""
        self.canvas.set_reference(key, value, label)
        self._announce()

    def set_smoothing(self, memory: float) -> None:
        """Set the memory of the moving average, 0 … 0.99, without a signal."""
        self.slider.blockSignals(True)
        self.slider.setValue(round(min(max(memory, 0.0), _SMOOTHEST / 100) * 100))
        self.slider.blockSignals(False)
        self._show_smoothing()

    def set_log(self, log: bool) -> None:
        """Make the y axis logarithmic or not, without a signal."""
        self.log_box.blockSignals(True)
        self.log_box.setChecked(log)
        self.log_box.blockSignals(False)
        self.canvas.set_log(log and not self._as_it_is)

    def show_controls(self, shown: bool) -> None:
        """Offer smoothing and the log axis; without them the curves are drawn as they are."""
        if self._as_it_is == (not shown):
            return
        self._as_it_is = not shown
        for part in self._controls:
            part.setVisible(shown)
        self._show_smoothing()
        self.set_log(self.log)

    def set_x_label(self, label: str) -> None:
        """Say what the x axis counts, in the singular: "step" or "epoch"."""
        self.set_labels(x=label)

    def set_labels(self, *, title: str = "", x: str = "", y: str = "") -> None:
        """Say what is drawn over what; what is empty stays."""
        self._x_label = x or self._x_label
        if title:
            self._title = title
            self._heading.set_text(title)
        self.canvas.set_labels(x=x or None, y=y or None)

    def set_gap(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, words: str) -> None:
        """Shade the room between two curves and name it; nothing is shaded without words.

        Args:
            x: (N,) places, ascending.
            low: (N,) lower edge.
            high: (N,) upper edge.
            words: What it means.
        """
        if words:
            self.canvas.gap.set(as_floats(x), as_floats(low), as_floats(high), words)
        else:
            self.canvas.gap.clear()
        self._announce()

    def set_stale(self, stale: bool) -> None:
        """Dim curves that no longer belong to the settings."""
        self.canvas.set_dimmed(stale)

    def fit(self) -> None:
        """Show everything, with no room ahead."""
        self.canvas.fit()

    def text_summary(self) -> str:
        """Return the plot in words, for those who do not see it."""
        if not self._curves:
            return f"{self._title}: {self.canvas.empty_text}"
        parts = [summary(curve, self._x_label) for curve in self._curves.values()]
        parts += [f"reference {words}" for words in self.canvas.reference_words()]
        parts += [self.canvas.gap.words] if self.canvas.gap.words else []
        return f"{self._title}: " + "; ".join(parts) + "."

    def table(self) -> Table:
        """Return the numbers, a row for each x, a column for each curve."""
        curves = list(self._curves.values())
        places = np.unique(np.concatenate([c.x[np.isfinite(c.x)] for c in curves] or [np.empty(0)]))
        rows: list[list[float | None]] = [[float(x)] for x in places]
        for curve in curves:
            at = dict(zip(curve.x.tolist(), curve.y.tolist(), strict=True))
            for row, x in zip(rows, places.tolist(), strict=True):
                value = at.get(x)
                row.append(None if value is None or np.isnan(value) else value)
        return [self._x_label, *(curve.name for curve in curves)], rows

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the text size."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._retheme()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Fit with A."""
        if event.key() == Qt.Key.Key_A and not event.modifiers():
            self.canvas.fit()
        else:
            super().keyPressEvent(event)

    def _make_controls(self, title: str, visible: bool) -> None:
        self._heading = ElidedLabel(title, bold=True)
        self.log_box = QCheckBox("log")
        describe(
            self.log_box,
            f"{title}: logarithmic axis",
            "Draws the y axis in powers of ten – off – turn it on when the curve has gone flat.",
        )
        self.log_box.toggled.connect(self._on_log)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _SMOOTHEST)
        self.slider.setFixedWidth(spacing(18))
        describe(
            self.slider,
            f"{title}: smoothing",
            "Memory of the moving average drawn over the raw training curve – 0.6 – more when the "
            "batches are small and the curve is noisy.",
        )
        self.slider.valueChanged.connect(self._on_smoothing)
        self._smoothing_label = plain_label("", "fixed-small")
        word = plain_label("smooth", "small")
        word.setBuddy(self.slider)
        self._header = QHBoxLayout()
        self._header.setSpacing(spacing(1.5))
        self._header.addWidget(self._heading, 1)
        self._controls = (self.log_box, word, self.slider, self._smoothing_label)
        for part in self._controls:
            part.setVisible(visible)
            leave_out_of_exports(part)
            self._header.addWidget(part)
        self._show_smoothing()

    def _show_smoothing(self) -> None:
        self._smoothing_label.setText(f"{self.smoothing:.2f}")
        self.canvas.set_smoothing(0 if self._as_it_is else self.smoothing)

    def _renew_legend(self, curve: Curve) -> None:
        colour = self.canvas.colour_of(curve)
        self.legend.set_item(curve.key, curve.name, colour, dashed=curve.role == "validation")

    def _retheme(self) -> None:
        self.canvas.retheme()
        for curve in self._curves.values():
            self._renew_legend(curve)

    def _announce(self) -> None:
        # 30 times a second it would be no help to a person, and cost more than drawing.
        if not self._announcer.isActive():
            self._announcer.start()

    @Slot()
    def _say(self) -> None:
        if not self.canvas.hasFocus():
            self.canvas.setAccessibleDescription(self.text_summary())

    @Slot(str, bool)
    def _on_legend(self, key: str, shown: bool) -> None:
        self.canvas.set_curve_shown(key, shown)

    @Slot(int)
    def _on_smoothing(self, _value: int) -> None:
        self._show_smoothing()
        self.smoothing_changed.emit(self.smoothing)

    @Slot(bool)
    def _on_log(self, log: bool) -> None:
        self.canvas.set_log(log)
        self.log_changed.emit(log)
