"""What several tasks in training show: curves over the steps, who pulls against whom, and where."""

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from fineview.core.runs.multitask_study import TasksStudy
from fineview.core.training.multitask.config import ALL_GROUPS, CurveKind
from fineview.core.training.multitask.events import (
    Agreement,
    GradientCosines,
    JointStep,
    agreement_of,
    matrix_of,
    pairs_of,
)
from fineview.ui.plots.cosine_heat import CosineHeat, CosineRow
from fineview.ui.plots.curve_math import smooth
from fineview.ui.plots.curves import CurvePlot
from fineview.ui.session import Session
from fineview.ui.theme import CATEGORY_COLOURS, category_colour, spacing
from fineview.ui.widgets.format import plural
from fineview.ui.widgets.labels import plain_label
from fineview.ui.widgets.segmented import Segmented

_LEAST_HALF = 0.1
_KINDS: tuple[tuple[CurveKind, str], ...] = (
    ("cosines", "Cosines"),
    ("losses", "Losses"),
    ("norms", "Norms"),
    ("weights", "Weights"),
)
_LABELS: dict[CurveKind, tuple[str, str]] = {
    "cosines": ("Cosines", "cosine"),
    "losses": ("Losses", "loss (nats; numbers: variances)"),
    "norms": ("Gradient norms", "norm"),
    "weights": ("Task weights", "weight"),
}
_NO_GRADIENTS = "Gradients on the shared weights are compared here once a second step is taken."


class TasksView(QWidget):
    """Curves at the left, cosines by layer and as a matrix at the right.

    Attributes:
        kind: Which curves are drawn.
        plot: The curves.
        layers: Cosines of each pair in each layer group; a press chooses the group.
        matrix: Cosines of all tasks in the chosen group.
        figures: Conflict rate and norm ratio, in words.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._drawn: tuple[object, ...] = ()
        self._found: TasksStudy | None = None
        self._steps: Sequence[JointStep] = ()
        self._cosines: Sequence[GradientCosines] = ()
        self.kind = Segmented(
            _KINDS,
            "Curves over the steps",
            "How the gradients lie to each other – each task's loss, dashed where it is trained "
            "alone – how large its gradient is – how much it counts. Nothing is computed anew.",
        )
        self.plot = CurvePlot("Cosines of gradients", "cosine", empty=_NO_GRADIENTS)
        self.layers = CosineHeat(
            "Cosines by layer",
            "Which layers disagree: the mean cosine of each pair of tasks in each layer group – "
            "press a line to see that group in the curves and in the matrix.",
            empty=_NO_GRADIENTS,
            scale=True,
        )
        self.matrix = CosineHeat(
            "Cosine matrix",
            "Which tasks pull against each other: below 0 a step for one undoes part of a step "
            "for the other – the mean over the comparisons.",
            empty="",
            scale=False,
        )
        self.figures = plain_label("", "small", wrap=True)
        self._lay_out()
        self.kind.changed.connect(
            lambda name: session.edit_look("Change the curves", "multitask", curve=name)
        )
        self.plot.smoothing_changed.connect(lambda value: session.view(smoothing=value))
        self.plot.log_changed.connect(lambda log: session.view(log_loss=log))
        self.layers.chosen.connect(self._on_layer)

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.addWidget(self.kind)
        bar.addStretch(1)
        left = QWidget()
        lines = QVBoxLayout(left)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(spacing(1))
        lines.addLayout(bar)
        lines.addWidget(self.plot, 1)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(1))
        column.addWidget(self.figures)
        column.addWidget(self.matrix)
        column.addWidget(self.layers, 1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(spacing(3))
        split.addWidget(left)
        split.addWidget(right)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 1)
        split.setSizes([spacing(100), spacing(100)])
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(split)

    def show_study(
        self,
        found: TasksStudy,
        steps: Sequence[JointStep],
        cosines: Sequence[GradientCosines],
        *,
        dimmed: bool,
    ) -> None:
        """Show a study, or one that grows.

        Args:
            found: The study as it was last told.
            steps: Steps so far, of all phases.
            cosines: Comparisons so far.
            dimmed: Whether it was asked with other settings than are chosen.
        """
        self._found, self._steps, self._cosines = found, steps, cosines
        state = self._session.state
        look = state.multitask
        agreement = agreement_of(cosines)
        groups = agreement.groups if agreement is not None else ()
        group = look.group if look.group in groups else ALL_GROUPS
        self.kind.set_value(look.curve)
        self.plot.set_smoothing(state.smoothing)
        # A cosine has no logarithm.
        self.plot.log_box.setEnabled(look.curve != "cosines")
        self.plot.set_log(state.log_loss and look.curve != "cosines")
        self._show_curves(look.curve, group)
        self._show_cosines(agreement, group)
        self.plot.set_stale(dimmed)
        for part in (self.layers, self.matrix):
            part.set_dimmed(dimmed)

    # Curves

    def _show_curves(self, kind: CurveKind, group: str) -> None:
        assert self._found is not None
        drawn = (self._found.study_id, kind, group)
        if drawn != self._drawn:
            self._drawn = drawn
            self.plot.clear()
            title, label = _LABELS[kind]
            if kind == "cosines":
                title = f"{title} · {_short(group)}"
            self.plot.set_labels(title=title, y=label)
            if kind == "cosines":
                self.plot.set_reference("zero", 0.0, "conflict below")
        if kind == "cosines":
            self._draw_cosines(group)
        elif kind == "norms":
            at = [one.step for one in self._cosines]
            for place, title in enumerate(self._titles()):
                norms = [one.norms[place] for one in self._cosines]
                self._draw(f"norm {place}", title, place, at, norms)
        elif kind == "losses":
            self._draw_steps(lambda step: step.losses)
            self._draw_alone()
        else:
            self._draw_steps(lambda step: step.weights)

    def _draw_cosines(self, group: str) -> None:
        at = [one.step for one in self._cosines]
        titles = self._titles()
        for place, (one, other) in enumerate(pairs_of(len(titles))):
            name = f"{one + 1} · {other + 1}"
            values = [cosines.of(group)[place] for cosines in self._cosines]
            self._draw(f"pair {place}", name, place, at, values)

    def _draw_steps(self, values: Callable[[JointStep], tuple[float, ...]]) -> None:
        steps = [step for step in self._steps if not step.phase]
        at = [step.step for step in steps]
        for place, title in enumerate(self._titles()):
            self._draw(f"task {place}", title, place, at, [values(step)[place] for step in steps])

    def _draw_alone(self) -> None:
        assert self._found is not None
        for place, task in enumerate(self._found.tasks):
            steps = [step for step in self._steps if step.phase == task.name]
            if not steps:
                continue
            losses = smooth(np.array([step.losses[0] for step in steps]), self.plot.smoothing)
            self.plot.set_curve(
                f"alone {place}",
                [step.step for step in steps],
                losses,
                role="validation",
                colour=category_colour(place),
                name=f"{place + 1} alone",
            )

    def _draw(
        self, key: str, name: str, place: int, at: Sequence[int], values: Sequence[float]
    ) -> None:
        if not at:
            return
        colour = category_colour(place)
        if place < len(CATEGORY_COLOURS):
            self.plot.set_curve(key, at, values, role="train", colour=colour, name=name)
        else:  # of a colour that is there already: dashed
            drawn = smooth(np.array(values), self.plot.smoothing)
            self.plot.set_curve(key, at, drawn, role="validation", colour=colour, name=name)

    def _titles(self) -> list[str]:
        assert self._found is not None
        return [f"{n}  {task.title}" for n, task in enumerate(self._found.tasks, 1)]

    # Cosines

    def _show_cosines(self, found: Agreement | None, group: str) -> None:
        titles = self._titles()
        self.figures.setText(self._words(found))
        self.matrix.setVisible(found is not None)
        if found is None:
            self.layers.show_rows("", (), (), half=1.0)
            return
        pairs = pairs_of(len(titles))
        every = [abs(value) for row in (found.overall, *found.by_group) for value in row]
        half = max(*every, _LEAST_HALF)
        by_group = list(zip(found.groups, found.by_group, strict=True))
        shown = [(ALL_GROUPS, found.overall), *reversed(by_group)]
        rows = []
        for name, values in shown:
            words = tuple(
                f"{titles[one]} and {titles[other]}, {group_words(name)}: mean cosine "
                f"{value:+.3f}; below 0 in {self._share(name, place)} of the comparisons."
                for place, ((one, other), value) in enumerate(zip(pairs, values, strict=True))
            )
            rows.append(CosineRow(name, _short(name), values, words))
        columns = [f"{one + 1} · {other + 1}" for one, other in pairs]
        self.layers.show_rows(
            "Mean cosine of each pair by layer group", columns, rows, half=half, picked=group
        )
        self._show_matrix(found.of(group), titles, group, half)

    def _show_matrix(
        self, values: Sequence[float], titles: Sequence[str], group: str, half: float
    ) -> None:
        rows = []
        for line, cosines in enumerate(matrix_of(values, len(titles))):
            words = tuple(
                "A task agrees with itself."
                if at == line
                else f"{titles[line]} and {titles[at]}, {group_words(group)}: {value:+.3f}."
                for at, value in enumerate(cosines)
            )
            shown = tuple(np.nan if at == line else value for at, value in enumerate(cosines))
            rows.append(CosineRow(str(line), titles[line], shown, words))
        heading = f"Cosine matrix, {group_words(group)}"
        columns = [str(n) for n in range(1, len(titles) + 1)]
        self.matrix.show_rows(heading, columns, rows, half=half)

    def _share(self, group: str, place: int) -> str:
        below = sum(one.of(group)[place] < 0 for one in self._cosines)
        return f"{100 * below / len(self._cosines):.0f} %"

    def _words(self, found: Agreement | None) -> str:
        assert self._found is not None
        if not self._found.choice.trains_encoder:
            return "The backbone is frozen: the heads share no weight that moves."
        if found is None:
            return ""
        return (
            f"Conflicts: {100 * found.conflict_rate:.0f} % of pairs pull against each other. "
            f"Norm ratio: the largest gradient is {found.norm_ratio:.2f} × the smallest. "
            f"{plural(found.compared, 'comparison')}, before any remedy."
        )

    @Slot(str)
    def _on_layer(self, key: str) -> None:
        group = key.rpartition("/")[0]
        self._session.edit_look("Look at a layer group", "multitask", group=group)


def group_words(group: str) -> str:
    """Return a layer group as it stands in a sentence."""
    return "all shared weights" if group == ALL_GROUPS else group


def _short(group: str) -> str:
    return "all shared" if group == ALL_GROUPS else group
