"""Points in two or three dimensions: look, filter, select."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QEvent, QPoint, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QWidget

from fineview.ui.plots.export import Cell, Table, add_export_menu
from fineview.ui.plots.scatter_canvas import ScatterCanvas, Tool
from fineview.ui.plots.scatter_ink import Ink
from fineview.ui.plots.scatter_legend import ScatterLegend
from fineview.ui.theme import spacing
from fineview.ui.widgets.format import plural
from fineview.ui.widgets.labels import describe

_TOOLTIP = (
    "Wheel zooms, a drag pans or selects, Shift adds, Esc clears, a double click on empty ground "
    "shows all. Keys: + − 0, arrows, N and P walk the points, Space selects."
)


class ScatterPlot(QWidget):
    """A scatter plot with a legend that filters.

    Attributes:
        canvas: The points.
        legend: The groups.

    Signals:
        selected(object): A person chose other points: (K,) int64 indices.
        hovered(int): Another point is under the mouse, -1 for none.
        clicked(int): A point was clicked.
    """

    selected = Signal(object)
    hovered = Signal(int)
    clicked = Signal(int)

    def __init__(self, name: str, *, empty: str = "Nothing to draw yet.") -> None:
        super().__init__()
        self._name = name
        self.canvas = ScatterCanvas(empty)
        self.legend = ScatterLegend()
        describe(self.canvas, name, _TOOLTIP)
        self.canvas.setToolTip("")  # the points have their own
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(2))
        row.addWidget(self.canvas, 1)
        row.addWidget(self.legend)
        self.legend.hide()
        self.canvas.selected.connect(self.selected)
        self.canvas.hovered.connect(self.hovered)
        self.canvas.clicked.connect(self.clicked)
        self.canvas.menu_wanted.connect(self._open_menu)
        self.legend.changed.connect(self._on_filtered)
        self.setFocusProxy(self.canvas)
        self.setAccessibleName(name)
        self.menu = add_export_menu(self, self.table, name=name.lower().replace(" ", "-"))

    def set_points(self, coordinates: ArrayLike, axes: Sequence[str]) -> None:
        """Show points; as many as before keep colours, texts and selection.

        Args:
            coordinates: (M, 2|3), finite.
            axes: A name for each column.

        Raises:
            ValueError: Shape, names or numbers will not do.
        """
        places = np.array(coordinates, dtype=np.float32)
        if places.ndim != 2 or places.shape[1] not in (2, 3) or places.shape[1] != len(axes):
            raise ValueError(f"{places.shape} coordinates and {len(axes)} axes do not fit.")
        if not np.isfinite(places).all():
            raise ValueError("Coordinates must be finite.")
        before = len(self.canvas.coordinates)
        self.canvas.show_points(places, tuple(axes))
        if len(places) != before:
            self.legend.show_ink(self.canvas.ink)
        self._announce()

    def set_groups(
        self, index: ArrayLike, names: Sequence[str], *, colours: Sequence[str] = ()
    ) -> None:
        """Colour by group.

        Args:
            index: (M,) group of each point; -1 belongs to none.
            names: Groups by index.
            colours: One for each group; by default colours, then markers, of categories.

        Raises:
            ValueError: There are not M of them, or a group has no name.
        """
        groups = np.array(index, dtype=np.int64)
        self._check(groups.shape)
        if groups.size and (groups.min() < -1 or groups.max() >= len(names)):
            raise ValueError(f"Groups must be within -1 … {len(names) - 1}.")
        self._use(Ink(index=groups, names=tuple(names), colours=tuple(colours)))

    def set_values(self, values: ArrayLike, title: str) -> None:
        """Colour by (M,) numbers, NaN where unknown; raises as `set_groups`."""
        numbers = np.array(values, dtype=np.float64)
        self._check(numbers.shape)
        groups = np.full(len(numbers), -1, dtype=np.int64)
        self._use(Ink(index=groups, values=numbers, title=title))

    def set_starts(self, coordinates: ArrayLike | None) -> None:
        """Draw each point's way from (M, 2) earlier coordinates; None draws none."""
        starts = None if coordinates is None else np.array(coordinates, dtype=np.float32)
        if starts is not None and starts.shape != self.canvas.coordinates.shape:
            raise ValueError(f"{starts.shape} starts for {self.canvas.coordinates.shape} points.")
        self.canvas.starts = starts
        self.canvas.show_points(self.canvas.coordinates, self.canvas.axes)

    def set_texts(self, texts: Sequence[str]) -> None:
        """Give each point the text that is shown when the mouse rests on it."""
        if len(texts) != len(self.canvas.coordinates):
            raise ValueError(f"{len(texts)} texts for {len(self.canvas.coordinates)} points.")
        self.canvas.texts = tuple(texts)

    def set_selection(self, indices: ArrayLike) -> None:
        """Select points without a signal."""
        self.canvas.choose(np.array(indices, dtype=np.int64), tell=False)

    @property
    def selection(self) -> NDArray[np.int64]:
        """Return the chosen points, ascending."""
        return self.canvas.selection

    def set_tool(self, tool: Tool) -> None:
        """Let a drag pan, or select by rectangle or lasso."""
        self.canvas.tool = tool

    def set_stale(self, stale: bool) -> None:
        """Dim what no longer belongs to the settings."""
        self.canvas.dimmed = stale
        self.canvas.update()

    def clear(self) -> None:
        """Show the empty state."""
        self.set_points(np.zeros((0, 2)), ("", ""))

    def text_summary(self) -> str:
        """Return what is drawn in words."""
        count = len(self.canvas.coordinates)
        if not count:
            return f"{self._name}: nothing is drawn."
        ink = self.canvas.ink
        said = f"{self._name}: {plural(count, 'point')}"
        if ink.names:
            said += f" in {plural(len(ink.names), 'group')}"
        if ink.values is not None:
            said += f", coloured by {ink.title}"
        hidden = count - int(ink.shown().sum())
        said += f", {plural(hidden, 'point')} hidden" if hidden else ""
        return said + f"; {plural(len(self.selection), 'point')} selected."

    def table(self) -> Table:
        """Return coordinates, group or number, and text of the points that are drawn."""
        canvas, ink = self.canvas, self.canvas.ink
        rows: list[list[Cell]] = []
        for point in np.flatnonzero(ink.shown()).tolist():
            told: Cell = ""
            if ink.values is not None:
                told = float(ink.values[point])
            elif ink.index[point] >= 0:
                told = ink.names[int(ink.index[point])]
            written = canvas.texts[point] if canvas.texts else ""
            before = [] if canvas.starts is None else [*map(float, canvas.starts[point])]
            rows.append([*map(float, canvas.coordinates[point]), *before, told, written])
        earlier = [] if canvas.starts is None else [f"{axis}, before" for axis in canvas.axes]
        return [*canvas.axes, *earlier, ink.title or "group", "text"], rows

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the size of text."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self.isVisible():
            self.legend.show_ink(self.canvas.ink)

    def _check(self, shape: tuple[int, ...]) -> None:
        if shape != (len(self.canvas.coordinates),):
            raise ValueError(f"{shape} for {len(self.canvas.coordinates)} points.")

    def _use(self, ink: Ink) -> None:
        same = ink.names == self.canvas.ink.names
        ink.hidden = set(self.canvas.ink.hidden) if same else set()
        self.canvas.ink = ink
        self.legend.show_ink(ink)
        self._on_filtered()

    @Slot()
    def _on_filtered(self) -> None:
        self.canvas.choose(self.selection, tell=True)
        self.canvas.renew()
        self._announce()

    @Slot(QPoint)
    def _open_menu(self, place: QPoint) -> None:
        self.menu.popup(place)

    def _announce(self) -> None:
        self.canvas.setAccessibleDescription(self.text_summary())
