"""A comparison as a picture: accuracy against cost, curves over a size, or a grid."""

from collections.abc import Callable
from math import nan
from typing import Literal

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedLayout, QWidget

from fineview.core.runs.compare_choice import CURVES, Cost
from fineview.core.runs.compare_plan import strategy_title
from fineview.core.runs.compare_rows import Comparison, Row
from fineview.core.runs.compare_table import faults_of
from fineview.core.runs.compare_words import figure_text, interval_words, measure_name
from fineview.core.training.config import HEAD_TITLES
from fineview.core.training.strategy import STRATEGIES
from fineview.ui.plots.band_curves import BandCurve, BandCurves
from fineview.ui.plots.export import Table
from fineview.ui.plots.grid_heat import BEST, TIED, GridCell, GridHeat
from fineview.ui.plots.pareto import ParetoPlot, ParetoPoint
from fineview.ui.plots.picking import PickPlot, References
from fineview.ui.widgets.format import (
    NOTHING,
    bytes_text,
    count_text,
    plural,
    seconds_text,
)

MARKS = {"best": BEST, "tied": TIED, "": ""}
_EMPTY = "What each row is good for and what it costs: shown as soon as a run has ended."
Kind = Literal["cost", "curves", "grid"]


class ComparePicture(QWidget):
    """Shows the plot that suits a comparison.

    Attributes:
        kind: Which plot is shown: `cost`, `curves` or `grid`.

    Signals:
        chosen(str): Key of the row that was clicked.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.pareto = ParetoPlot("Accuracy against cost", empty=_EMPTY)
        self.curves = BandCurves("Curves", empty=_EMPTY)
        self.grid = GridHeat("Encoders × heads", empty=_EMPTY)
        self.kind: Kind = "cost"
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        for plot in (self.pareto, self.curves, self.grid):
            self._stack.addWidget(plot)
            plot.chosen.connect(self.chosen)
        self.setAccessibleName("Picture of the comparison")

    @property
    def plot(self) -> PickPlot:
        """The plot that is shown."""
        return {"cost": self.pareto, "curves": self.curves, "grid": self.grid}[self.kind]

    def show_comparison(self, found: Comparison | None, axis: Cost, tasks: int) -> None:
        """Show a comparison.

        Args:
            found: None shows the empty state.
            axis: What accuracy is set against, where it is set against a cost.
            tasks: For how many tasks bytes are counted.
        """
        self.kind = kind_of(found)
        if found is not None:
            if self.kind == "curves":
                self._show_curves(found)
            elif self.kind == "grid":
                self._show_grid(found)
            else:
                self._show_costs(found, axis, tasks)
        self._stack.setCurrentWidget(self.plot)

    def set_dimmed(self, dimmed: bool) -> None:
        """Dim what no longer belongs to the settings."""
        for plot in (self.pareto, self.curves, self.grid):
            plot.set_dimmed(dimmed)

    def table(self) -> Table:
        """Return the numbers of the plot that is shown."""
        return self.plot.table()

    def _show_costs(self, found: Comparison, axis: Cost, tasks: int) -> None:
        labels = {
            "parameters": ("trained weights", "count"),
            "bytes": (f"bytes stored for {plural(tasks, 'task')}", "bytes"),
            "seconds": ("time of a run, features included", "seconds"),
            "memory": ("peak memory above what was held before", "bytes"),
        }
        label, unit = labels[axis]
        points = []
        for row in found.measured:
            assert row.test is not None
            info = STRATEGIES[row.arm.strategy]
            points.append(
                ParetoPoint(
                    key=row.arm.key,
                    label=row.arm.title,
                    words=row_words(found, row),
                    cost=row.cost(axis, tasks),
                    value=row.test.value,
                    low=row.test.low,
                    high=row.test.high,
                    moves=info.trains_encoder,
                    fresh=row.arm.strategy.startswith("random"),
                )
            )
        self.pareto.show_points(
            points,
            _lines(found),
            x_label=label,
            y_label=f"test {measure_name(found)}, {interval_words(found.measured)}",
            unit=unit,
            least=_least(found),
        )

    def _show_curves(self, found: Comparison) -> None:
        lines: dict[str, list[Row]] = {}
        for row in found.rows:
            if row.test is not None:
                lines.setdefault(row.arm.line, []).append(row)
        curves = []
        for rows in lines.values():
            rows.sort(key=lambda row: row.arm.size)
            tests = [row.test for row in rows if row.test is not None]
            curves.append(
                BandCurve(
                    name=rows[0].arm.name,
                    keys=tuple(row.arm.key for row in rows),
                    words=tuple(row_words(found, row) for row in rows),
                    x=np.array([row.arm.size for row in rows], dtype=np.float64),
                    test=np.array([test.value for test in tests]),
                    low=np.array([test.low for test in tests]),
                    high=np.array([test.high for test in tests]),
                    train=np.array([nan if r.train is None else r.train.value for r in rows]),
                )
            )
        self.curves.show_curves(
            curves,
            _lines(found),
            x_label=CURVES[found.choice.shape],
            y_label=measure_name(found),
            least=_least(found),
        )

    def _show_grid(self, found: Comparison) -> None:
        true = [row for row in found.rows if row.arm.control == "none"]
        several = len({row.arm.strategy for row in true}) > 1
        rows = list(dict.fromkeys(row.arm.encoder for row in true))
        columns = list(dict.fromkeys((row.arm.strategy, row.arm.head) for row in true))
        cells = {}
        for row in true:
            at = (rows.index(row.arm.encoder), columns.index((row.arm.strategy, row.arm.head)))
            test = row.test
            cells[at] = GridCell(
                key=row.arm.key,
                words=row_words(found, row),
                value=nan if test is None else test.value,
                low=nan if test is None else test.low,
                high=nan if test is None else test.high,
                mark=MARKS[row.mark],
            )
        names = [
            f"{strategy_title(kind)} · {HEAD_TITLES[head]}" if several else HEAD_TITLES[head]
            for kind, head in columns
        ]
        titles = {row.arm.encoder: row.arm.encoder_title or "no encoder" for row in true}
        self.grid.show_cells(
            [titles[one] for one in rows], names, cells, _lines(found), measure=measure_name(found)
        )


def kind_of(found: Comparison | None) -> Kind:
    """Return which plot suits a comparison."""
    if found is None or found.choice.shape == "table":
        return "cost"
    return "curves" if found.choice.is_curve else "grid"


def row_words(found: Comparison, row: Row) -> str:
    """Return a row with all of its figures, a line each."""
    lines = [row.arm.title]
    if row.test is not None:
        count = len(row.finished)
        over = {
            "seeds": f"95 %, Student's t over {plural(count, 'seed')}",
            "items": "95 % over the test items",
            "nothing": "one seed",
        }[row.test.over]
        lines.append(f"test {measure_name(found)} {figure_text(row.test)} ({over})")
        if row.train is not None:
            lines.append(f"train {figure_text(row.train)}, train − test {signed(row.gap)}")
        if row.shifted is not None:
            lines.append(f"shifted test {figure_text(row.shifted)}")
        lines.append(f"trained weights {_or_dash(row.parameters, count_text)}")
        kept = [_or_dash(row.stored(tasks), bytes_text) for tasks in (1, 10, 100)]
        lines.append(f"stored for 1, 10, 100 tasks: {', '.join(kept)}")
        lines.append(f"time {seconds_text(row.seconds)}")
        lines.append(f"peak memory {_or_dash(row.peak_bytes, bytes_text)}")
    if row.mark:
        told = {"best": "best", "tied": "cannot be told from the best"}[row.mark]
        lines.append(f"{MARKS[row.mark]} {told}")
    lines += faults_of(row)
    return "\n".join(lines)


def signed(value: float | None) -> str:
    """Return a difference with its sign, "+0.120"."""
    return NOTHING if value is None else f"{value:+.3f}".replace("-", "−")


def _or_dash(value: int | None, words: Callable[[int], str]) -> str:
    return NOTHING if value is None else words(value)


def _lines(found: Comparison) -> References:
    return tuple((line.title, line.test.value) for line in found.lines)


def _least(found: Comparison) -> float:
    return -1.0 if found.metric == "spearman" else 0.0
