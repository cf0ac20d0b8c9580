"""The table of the derivative kernel: its figures at random, pretrained and tuned weights."""

from collections.abc import Callable
from math import isnan

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QTableView

from fineview.core.explore.kernel import Held, KernelFigures, KernelStudy, KernelWeights
from fineview.ui.plots.export import Cell, Table, add_export_menu
from fineview.ui.widgets.cells import CellDelegate, set_up_table
from fineview.ui.widgets.format import NOTHING, number_text, share_text
from fineview.ui.widgets.labels import describe
from fineview.ui.widgets.text_model import TextModel

WEIGHTS: tuple[tuple[KernelWeights, str], ...] = (
    ("random", "Random"),
    ("pretrained", "Pretrained"),
    ("tuned", "Tuned by the run"),
)
"""From the poorest start to the end, and what people call them."""


class _KernelModel(TextModel):
    """One line a figure, one column a set of weights."""

    def __init__(self, parent: QTableView) -> None:
        super().__init__(("", *(title for _, title in WEIGHTS)), parent, numbers=(1, 2, 3))
        self.rows: tuple[tuple[str, str, str, str], ...] = ()

    def show_rows(self, rows: tuple[tuple[str, str, str, str], ...]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def words(self, row: int, column: int) -> str:
        """Return a cell."""
        return self.rows[row][column]


class KernelTable(QTableView):
    """What is known at random, pretrained and tuned weights."""

    def __init__(self) -> None:
        super().__init__()
        self._study: KernelStudy | None = None
        self.figures = _KernelModel(self)
        self.setModel(self.figures)
        self._cells = CellDelegate(self)
        self.setItemDelegate(self._cells)
        set_up_table(self)
        describe(
            self,
            "Figures of the derivative kernel",
            "Alignment with the labels, and how well held-out items are predicted, at three sets "
            "of weights; 95 % intervals in brackets – the linear models lie between the head alone "
            "and full training – right-click to copy.",
        )
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.menu = add_export_menu(self, self.table, name="derivative-kernel")

    def show_study(self, study: KernelStudy) -> None:
        """Show what is known so far."""
        self._study = study
        self.figures.show_rows(_rows(study))
        lines = len(self.figures.rows) * self.verticalHeader().defaultSectionSize()
        self.setFixedHeight(
            lines + self.horizontalHeader().sizeHint().height() + 2 * self.frameWidth()
        )

    def table(self) -> Table:
        """Return all numbers, a row a set of weights."""
        header = ["weights", "alignment", "head_alignment", "seen_alignment", "penalty"]
        for name in ("model", "features_ridge", "kernel_ridge"):
            header += [name, f"{name}_low", f"{name}_high"]
        header += ["distance", "relative_distance"]
        study = self._study
        if study is None:
            return header, []
        rows: list[list[Cell]] = []
        for one in study.kernels:
            row: list[Cell] = [one.weights, one.alignment, one.by_group[-1], one.seen]
            row.append(one.penalty)
            for held in (one.model, one.features, one.ridge):
                row += [held.value, held.low, held.high]
            tuned = one.weights == "tuned"
            row += [study.distance, study.relative_distance] if tuned else [None, None]
            rows.append(row)
        return header, rows


def _rows(found: KernelStudy) -> tuple[tuple[str, str, str, str], ...]:
    score = "Accuracy" if found.metric == "accuracy" else "Rank correlation"
    known = [found.of(name) for name, _ in WEIGHTS]

    def line(title: str, cell: Callable[[KernelFigures], str]) -> tuple[str, str, str, str]:
        first, second, third = (NOTHING if one is None else cell(one) for one in known)
        return title, first, second, third

    def far(value: float) -> tuple[str, str, str]:
        return NOTHING, NOTHING, NOTHING if isnan(value) else number_text(value)

    return (
        line("Alignment, held-out items", lambda one: share_text(one.alignment)),
        line("… of the head's part alone", lambda one: share_text(one.by_group[-1])),
        line("… of training items", lambda one: share_text(one.seen)),
        line(f"{score} of the model itself", lambda one: _held(one.model)),
        line("… of a ridge on its features", lambda one: _held(one.features)),
        line("… of a ridge on its derivatives", lambda one: _held(one.ridge)),
        ("‖w − w₀‖ of the encoder", *far(found.distance)),
        ("‖w − w₀‖ / ‖w₀‖", *far(found.relative_distance)),
    )


def _held(held: Held) -> str:
    return f"{held.value:.3f} ({held.low:.2f}–{held.high:.2f})"
