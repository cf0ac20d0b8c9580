"""What stands beside the map of texts: numbers of the space, of the layers, and neighbours."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStackedWidget, QVBoxLayout, QWidget

from fineview.core.explore.space import Figure, LayerFigures, Neighbour, SpacePoints
from fineview.ui.plots.layer_lines import LayerLines
from fineview.ui.session import Session
from fineview.ui.theme import spacing, use_font
from fineview.ui.widgets.format import number_text
from fineview.ui.widgets.labels import describe, plain_label, plain_tooltip
from fineview.ui.widgets.segmented import Segmented

_LONGEST = 120
_NO_POINT = "Press a point to see its neighbours."


class SpaceNumbers(QWidget):
    """Figures with what they mean, lines over the layers, the neighbours of a point.

    Signals:
        point_chosen(int): A neighbour was pressed.
    """

    point_chosen = Signal(int)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.pages = Segmented(
            [("numbers", "Numbers"), ("layers", "Layers"), ("near", "Near")],
            "Beside the map",
            "Numbers of the space – two lines over all layers – the neighbours of the point that "
            "was pressed last.",
        )
        self.figures = QVBoxLayout()
        self.figures.setContentsMargins(0, 0, 0, 0)
        self.figures.setSpacing(spacing(0.5))
        self.lines = LayerLines(
            "Layers of the space",
            "How far apart the classes stand and how many neighbours stay, by layer – press a "
            "layer to see it on the map.",
        )
        self.lines_note = plain_label("", "small", wrap=True)
        self.distance = Segmented(
            [("cosine", "Cosine"), ("euclidean", "Euclidean")],
            "Distance",
            "How neighbours are found – cosine – Euclidean where lengths matter.",
        )
        self.near_title = plain_label(_NO_POINT, "small", wrap=True)
        self.near = QListWidget()
        describe(
            self.near,
            "Neighbours",
            "The nearest texts in the space itself, not on the map – press one to find its point.",
        )
        use_font(self.near, "small")
        self.near.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._stack = QStackedWidget()
        self._lay_out()
        self.pages.changed.connect(self._show_page)
        self.distance.changed.connect(
            lambda value: session.edit_look("Choose the distance", "space", distance=value)
        )
        self.lines.pressed.connect(
            lambda layer: session.edit_look("Choose the layer on the map", "space", layer=layer)
        )
        self.near.itemClicked.connect(self._on_item)
        self.near.itemActivated.connect(self._on_item)
        self.distance.set_value(session.state.space.distance)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addWidget(self.pages)
        column.addWidget(self._stack, 1)
        holder = QWidget()
        filled = QVBoxLayout(holder)
        filled.setContentsMargins(0, 0, 0, 0)
        filled.addLayout(self.figures)
        filled.addStretch(1)
        layers, near = QWidget(), QWidget()
        for part, widgets in (
            (layers, (self.lines, self.lines_note)),
            (near, (self.distance, self.near_title, self.near)),
        ):
            inner = QVBoxLayout(part)
            inner.setContentsMargins(0, 0, 0, 0)
            inner.setSpacing(spacing(2))
            for widget in widgets:
                inner.addWidget(widget)
        layers.layout().addStretch(1)  # type: ignore[union-attr]
        for part in (holder, layers, near):
            self._stack.addWidget(part)

    def minimumSizeHint(self) -> QSize:
        """Need lines of some words."""
        return QSize(self.fontMetrics().averageCharWidth() * 30, super().minimumSizeHint().height())

    @Slot(str)
    def _show_page(self, name: str) -> None:
        self.pages.set_value(name)
        self._stack.setCurrentIndex(self.pages.choices.index(name))

    def show_figures(self, figures: Sequence[Figure]) -> None:
        """Show the numbers of a space, each with what to compare it with."""
        while (item := self.figures.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for figure in figures:
            value, why = _said(figure), figure.note if figure.value is None else figure.meaning
            label = plain_label(f"{figure.name}  {value}", wrap=True)
            under = plain_label(f"{why} Baseline – {figure.baseline}.", "small", wrap=True)
            for part in (label, under):
                part.setToolTip(plain_tooltip(f"{figure.meaning} {figure.note}"))
                self.figures.addWidget(part)
            self.figures.addSpacing(spacing(2))

    def show_layers(self, found: LayerFigures | None) -> None:
        """Show the numbers of every layer."""
        if found is None:
            self.lines.set_series([])
            return
        self.lines.set_series(
            [
                ("class separation", found.separation),
                ("neighbours kept", found.preservation),
            ]
        )
        self.lines_note.setText(f"{found.meaning_separation} {found.meaning_preservation}")

    def show_neighbours(self, points: SpacePoints, point: int, found: Sequence[Neighbour]) -> None:
        """List the nearest points of one."""
        text = points.texts[point].replace("\n", " ")[:_LONGEST]
        self.near_title.setText(f"Nearest to “{text}”")
        self._show_page("near")
        self.near.clear()
        for one in found:
            said = points.texts[one.point].replace("\n", " ")
            item = QListWidgetItem(f"{one.distance:.3f}  {said[:_LONGEST]}")
            item.setToolTip(plain_tooltip(said[:1500]))
            item.setData(0x0100, one.point)
            self.near.addItem(item)

    def clear_neighbours(self) -> None:
        """Forget the point."""
        self.near.clear()
        self.near_title.setText(_NO_POINT)

    @Slot(QListWidgetItem)
    def _on_item(self, item: QListWidgetItem) -> None:
        self.point_chosen.emit(int(item.data(0x0100)))


def _said(figure: Figure) -> str:
    if figure.value is None:
        return "–"
    interval = ""
    if figure.low is not None and figure.high is not None:
        interval = f"  (95 % {figure.low:.2f}–{figure.high:.2f})"
    return f"{number_text(figure.value)}{interval}"
