"""The map of texts: the task's texts as points of the feature space, from layer to layer."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from fineview.core.data.task import ITEM_NAMES
from fineview.core.explore.choices import SpaceChoice
from fineview.core.explore.coordinates import Placed
from fineview.core.explore.space import Figure, LayerFigures, Neighbour, Projected, Scrubbed
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.runs.spec import RunSpec
from fineview.ui.context import Context
from fineview.ui.panels.features_space_bar import SpaceBar
from fineview.ui.panels.features_space_files import SpaceFiles
from fineview.ui.panels.features_space_numbers import SpaceNumbers
from fineview.ui.panels.features_space_picture import SpacePicture
from fineview.ui.panels.features_space_table import SelectionTable
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.labels import plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.panel_area import SideColumn
from fineview.work.jobs import Job, JobRunner, Lane, Work

if TYPE_CHECKING:
    from fineview.core.explore.space_work import Space

_WHAT = (
    "Every text becomes a point: near points are alike to the encoder. Colour them by label and "
    "move through the layers to see where the classes come apart."
)


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """The texts of a space are there; nothing stands anywhere yet."""

    space: "Space"


class SpacePage(QWidget):
    """Controls, the map, what is selected, and numbers of the space."""

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
        self.space: Space | None = None
        self.shown: Projected | None = None
        self._scrubbed: Scrubbed | None = None
        self._opened: tuple[object, ...] | None = None
        self._drawn: tuple[object, ...] | None = None
        self._wanted: tuple[tuple[object, ...], tuple[object, ...]] = ((), ())
        self._job: Job | None = None
        self._asides: dict[str, Job] = {}
        self._again = False
        self.bar = SpaceBar(session)
        self.message = MessageLine("Map of texts")
        self.empty = EmptyState("Map of texts", _WHAT)
        self.picture = SpacePicture(session)
        self.scatter = self.picture.scatter
        self.numbers = SpaceNumbers(session)
        self.table = SelectionTable()
        self.notes = plain_label("", "small", wrap=True)
        self.files = SpaceFiles(runner, lambda: (self.space, self.shown), self.message, self)
        self._lay_out()
        self._connect()
        self._show_context()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addWidget(self.bar)
        column.addWidget(self.message)
        self.message.clear()
        left = QSplitter(Qt.Orientation.Vertical)
        left.setChildrenCollapsible(False)
        left.addWidget(self.picture)
        left.addWidget(self.table)
        left.setStretchFactor(0, 4)
        left.setStretchFactor(1, 1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(spacing(3))
        split.addWidget(left)
        split.addWidget(SideColumn(self.numbers))
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(split)
        column.addWidget(self._stack, 1)
        column.addWidget(self.notes)

    def _connect(self) -> None:
        self.bar.draw_pressed.connect(self._on_draw)
        self.bar.save_wanted.connect(self.files.choose_save)
        self.bar.open_wanted.connect(self.files.choose_open)
        self.files.opened.connect(self._on_placed)
        self.bar.tool_changed.connect(self.scatter.set_tool)
        self.scatter.selected.connect(self._on_selected)
        self.scatter.clicked.connect(self._on_point)
        self.table.point_chosen.connect(self._on_point)
        self.numbers.point_chosen.connect(self._on_found)
        self._context.changed.connect(self._show_context)
        self._session.changed.connect(self._on_session)

    # What is asked

    def _space_key(self, state: SessionState) -> tuple[object, ...]:
        spec, choice = state.spec, state.space
        return (
            spec.task, spec.split, spec.encoder, spec.max_length, spec.pooling,
            choice.points, choice.seed, state.run,
        )  # fmt: skip

    def _picture_key(self, state: SessionState) -> tuple[object, ...]:
        choice = state.space
        how = replace(choice, colour="label", distance="cosine", layer=min(choice.layer, 0))
        # t-SNE and UMAP place points by the distance; PCA does not.
        return (*self._space_key(state), how, choice.distance if choice.method != "pca" else "")

    @Slot()
    def _on_draw(self) -> None:
        if self._job is not None and self._job.active:
            self._again = False
            self._drawn = self._wanted[1]  # what is there stays, until something is changed
            self._job.stop()
        else:
            self.start()

    def start(self) -> None:
        """Draw what the session says; what is being drawn is stopped first."""
        if self._job is not None and self._job.active:
            self._again = True
            self._job.stop()
            return
        state = self._session.state
        lab, spec, choice, run = self._lab, state.spec, state.space, state.run
        known = self.space if self._opened == self._space_key(state) else None

        def work(report: Report) -> tuple["Space", Projected | Scrubbed]:
            return _draw(lab, spec, choice, run, known, report)

        self.message.clear()
        self._job = job = self._runner.submit("Map of texts", work, Lane.COMPUTE)
        self._wanted = (self._space_key(state), self._picture_key(state))
        job.published.connect(self._on_events)
        job.progressed.connect(
            lambda done, total, text: self.notes.setText(
                f"{text}: {count_text(done)} of {count_text(total)}"
            )
        )
        job.finished.connect(self._on_drawn)
        job.failed.connect(lambda error: self.message.show_message("bad", str(error)))
        job.ended.connect(self._on_ended)
        self.bar.set_busy(True)

    @Slot(int, int, str)
    def _on_progress(self, done: int, total: int, text: str) -> None:
        self.notes.setText(f"{text}: {count_text(done)} of {count_text(total)}")

    @Slot(object)
    def _on_events(self, events: list[object]) -> None:
        for event in events:
            if isinstance(event, _Opened):
                self._take_space(event.space)
        frames = [event for event in events if isinstance(event, Projected)]
        if frames:
            self._show_frame(frames[-1])

    def _take_space(self, space: "Space") -> None:
        if space is self.space:
            return
        self.space, self._opened = space, self._wanted[0]
        self._scrubbed = None
        self.picture.show_points(space.points)
        self.table.show_rows(space.points, np.empty(0, dtype=np.int64))
        self.numbers.clear_neighbours()
        self.numbers.show_layers(None)
        self.bar.set_depth(space.points.depth)
        self.bar.offer_colours(space.points.predictions is not None, _run_reason(space))
        self._stack.setCurrentIndex(1)

    @Slot(object)
    def _on_drawn(self, found: tuple["Space", Projected | Scrubbed]) -> None:
        space, picture = found
        self._take_space(space)
        self._drawn = self._wanted[1]
        if isinstance(picture, Scrubbed):
            self._scrubbed = picture
            self._show_layer()
        else:
            self._show_frame(picture)
        self._ask_numbers()

    @Slot()
    def _on_ended(self) -> None:
        self._job = None
        self.bar.set_busy(False)
        self._say_notes()
        if self._again:
            self._again = False
            self.start()

    # Showing

    def _show_frame(self, frame: Projected) -> None:
        self.shown = frame
        self.picture.place(frame.coordinates, frame.axes)
        self._say_notes()

    def _show_layer(self) -> None:
        layer = self._session.state.space.layer
        if self._scrubbed is None or self.space is None or layer < 0:
            return
        layer = min(layer, self.space.points.depth)
        target = self._scrubbed.coordinates[layer]
        axes = self._scrubbed.axes
        self.shown = Projected(
            coordinates=target, axes=axes, iteration=0, iterations=0, layer=layer,
            note=self._scrubbed.note,
        )  # fmt: skip
        self.picture.place(target, axes, move=self.isVisible())
        self._say_notes()

    def _say_notes(self) -> None:
        if self.space is None or self.shown is None:
            self.notes.setText("")
            return
        points, frame = self.space.points, self.shown
        drawn, total = count_text(len(points)), count_text(points.total)
        said = [f"{drawn} of {total} {ITEM_NAMES[points.level]} drawn."]
        if frame.iterations and frame.iteration < frame.iterations:
            said.append(f"Iteration {frame.iteration} of {frame.iterations}.")
        if points.truncated:
            said.append(f"{count_text(points.truncated)} texts were cut at the maximum length.")
        if points.dropped_words:
            said.append(f"{count_text(points.dropped_words)} words are left out.")
        if frame.note:
            said.append(frame.note)
        self.notes.setText(" ".join(said))

    # Numbers and neighbours, beside whatever computes

    def _aside(self, name: str, work: Work, shown: Callable[[Any], None]) -> None:
        if name in self._asides:
            self._asides[name].stop()  # one that has ended does not mind
        job = self._runner.submit(name, work, Lane.LOOKUP)
        self._asides[name] = job
        job.finished.connect(shown)
        job.failed.connect(lambda error: self.message.show_message("bad", str(error)))

    def _ask_numbers(self) -> None:
        space, choice = self.space, self._session.state.space
        if space is None:
            return

        def work(report: Report) -> tuple["Space", tuple[Figure, ...], LayerFigures]:
            return space, space.figures(choice, report), space.layer_figures(choice, report)

        self._aside("Numbers of the space", work, self._on_numbers)

    @Slot(object)
    def _on_numbers(self, found: tuple["Space", tuple[Figure, ...], LayerFigures]) -> None:
        space, figures, layers = found
        if space is self.space:
            self.numbers.show_figures(figures)
            self.numbers.show_layers(layers)
            self.numbers.lines.set_layer(self._session.state.space.layer)

    @Slot(int)
    def _on_point(self, point: int) -> None:
        space, choice = self.space, self._session.state.space
        if space is None or point < 0:
            return

        def work(_report: Report) -> tuple["Space", int, tuple[Neighbour, ...]]:
            return space, point, space.neighbours(point, choice)

        self._aside("Neighbours", work, self._on_neighbours)

    @Slot(object)
    def _on_neighbours(self, found: tuple["Space", int, tuple[Neighbour, ...]]) -> None:
        space, point, near = found
        if space is self.space:
            self.numbers.show_neighbours(space.points, point, near)

    @Slot(int)
    def _on_found(self, point: int) -> None:
        self.scatter.set_selection([point])
        self._on_selected(np.array([point], dtype=np.int64))

    @Slot(object)
    def _on_selected(self, rows: NDArray[np.int64]) -> None:
        if self.space is not None:
            self.table.show_rows(self.space.points, np.asarray(rows, dtype=np.int64))

    @Slot(object, object)
    def _on_placed(self, space: "Space", placed: Placed) -> None:
        if space is self.space:
            axes = tuple(f"{axis} of the file" for axis in "xyz"[: placed.coordinates.shape[1]])
            layer = self._session.state.space.layer
            self._show_frame(
                Projected(
                    coordinates=placed.coordinates,
                    axes=axes,
                    iteration=0,
                    iterations=0,
                    layer=layer,
                    note=placed.text,
                )
            )

    # Changes from outside

    @Slot()
    def _show_context(self) -> None:
        encoder = self._context.encoder
        if encoder is not None:
            self.bar.set_depth(encoder.layers)
        self._renew()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw again what has changed while nobody looked."""
        super().showEvent(event)
        self._renew()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if self.space is None:
            return
        new, before = state.space, old.space
        if new.colour != before.colour:
            self.picture.paint_points()
        if new.distance != before.distance:
            self.numbers.distance.set_value(new.distance)
        if (new.layer, new.distance) != (before.layer, before.distance):
            self.numbers.lines.set_layer(new.layer)
            if self._drawn == self._picture_key(state):
                self._show_layer()
                if not self.bar.playing:
                    self._ask_numbers()
        self._renew()

    def _renew(self) -> None:
        """Draw again where the picture is of other settings; the first drawing is asked for."""
        state = self._session.state
        if self._drawn is None or self._drawn == self._picture_key(state):
            return
        self.scatter.set_stale(True)
        encoder, task = self._context.encoder, self._context.task
        known = encoder is not None and encoder.name == state.spec.encoder
        known = known and task is not None and task.info.name == state.spec.task
        if self.isVisible() and known:
            waiting = self._job is not None and self._job.active
            if not waiting or self._wanted[1] != self._picture_key(state):
                self.start()


def _draw(
    lab: Laboratory,
    spec: RunSpec,
    choice: SpaceChoice,
    run: str,
    known: "Space | None",
    report: Report,
) -> tuple["Space", Projected | Scrubbed]:
    """Open the space where that is needed, and place its points."""
    from fineview.core.explore.space_work import open_space

    space = known or open_space(lab, spec, choice, run, report)
    report.publish(_Opened(space))
    if choice.layer >= 0:
        return space, space.scrub(choice, report)
    return space, space.project(choice, report)


def _run_reason(space: "Space") -> str:
    note = space.points.run_note or "Train a head on this task to colour by what it says."
    return f"From the run {space.points.run_title}." if space.points.run_title else note
