"""The controls of the map of texts; every choice is kept in the session and can be undone."""

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from fineview.core.explore.choices import SpaceChoice
from fineview.core.explore.space import projections
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import make_primary, spacing
from fineview.ui.widgets.flow import FlowLayout
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.segmented import Segmented

_PLAY_MS = 750
_COLOURS = (
    ("label", "Label"),
    ("prediction", "Prediction of the run"),
    ("loss", "Loss of the run"),
    ("split", "Split"),
)


class SpaceBar(QWidget):
    """Method, dimensions, colour, tool, layer.

    Signals:
        draw_pressed(): Draw, or stop drawing.
        tool_changed(str): `pan`, `rectangle` or `lasso`.
        save_wanted(): Write the coordinates to a file.
        open_wanted(): Read them from one.
    """

    draw_pressed = Signal()
    save_wanted = Signal()
    open_wanted = Signal()
    tool_changed = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._depth = 0
        self.draw = QPushButton("Draw map")
        self.method = Segmented(
            [("pca", "PCA"), ("tsne", "t-SNE"), ("umap", "UMAP")],
            "Projection",
            "How many numbers become two – PCA keeps distances and is there at once – t-SNE and "
            "UMAP keep neighbours and draw groups apart.",
        )
        self.dimensions = Segmented(
            [("2", "2-D"), ("3", "3-D")],
            "Dimensions",
            "Flat, or a cloud to turn – 2-D – in 3-D drag with the right button or with Ctrl.",
        )
        self.colour = QComboBox()
        self.tool = Segmented(
            [("pan", "Move"), ("rectangle", "Rectangle"), ("lasso", "Lasso")],
            "Tool",
            "What dragging does – moves the map – rectangle and lasso select texts for the table.",
        )
        self.files = QToolButton()
        self.layer = QSlider(Qt.Orientation.Horizontal)
        self.layer_name = plain_label("", "fixed-small")
        self.play = QPushButton("Play")
        self._timer = QTimer(self)
        self._timer.setInterval(_PLAY_MS)
        self._lay_out()
        self._connect()
        self.show_choice(session.state.space)

    @property
    def playing(self) -> bool:
        """Whether the layers are being played."""
        return self._timer.isActive()

    def set_depth(self, depth: int) -> None:
        """Offer layers 0 … L."""
        self._depth = depth
        self.layer.setRange(-1, depth)
        self.show_choice(self._session.state.space)

    def set_busy(self, busy: bool) -> None:
        """Show Stop where Draw was."""
        self.draw.setText("Stop" if busy else "Draw map")

    def offer_colours(self, predicted: bool, reason: str) -> None:
        """Offer what the run on display says only where it says something."""
        for row, (key, _) in enumerate(_COLOURS):
            if key in ("prediction", "loss"):
                # What a standard item model keeps its flags by; None is "as usual".
                flags = None if predicted else 0
                self.colour.setItemData(row, flags, Qt.ItemDataRole.UserRole - 1)
                self.colour.setItemData(row, reason, Qt.ItemDataRole.ToolTipRole)

    def show_choice(self, choice: SpaceChoice) -> None:
        """Show what the session says."""
        self.method.set_value(choice.method)
        self.dimensions.set_value(str(choice.dimensions))
        self.colour.setCurrentIndex([key for key, _ in _COLOURS].index(choice.colour))
        self.layer.blockSignals(True)
        self.layer.setValue(min(choice.layer, self._depth))
        self.layer.blockSignals(False)
        shown = choice.layer
        self.layer_name.setText(
            f"layer {shown} of {self._depth}" if shown >= 0 else "chosen pooling"
        )

    def _lay_out(self) -> None:
        make_primary(self.draw)
        describe(
            self.draw,
            "Draw map",
            "Draws the task's texts as points – near points are alike to the encoder – again "
            "after other texts or another encoder were chosen.",
        )
        self.colour.addItems([title for _, title in _COLOURS])
        describe(
            self.colour,
            "Colour",
            "What colours a point – its label – the loss finds texts that the head gets wrong.",
        )
        self.files.setText("Coordinates")
        self.files.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.files)
        menu.addAction("Save coordinates as CSV…", self.save_wanted.emit)
        menu.addAction("Open coordinates from CSV…", self.open_wanted.emit)
        self.files.setMenu(menu)
        describe(
            self.files,
            "Coordinates",
            "Where the points stand, as a file – for a figure of your own – or opened again, "
            "from here or from another program.",
        )
        describe(
            self.layer,
            "Layer on the map",
            "Moves the same points from layer to layer – far left is the pooling chosen at the "
            "side – see where the classes come apart.",
        )
        describe(self.play, "Play the layers", "Goes through all layers – press again to stop.")
        if "umap" not in projections():
            self.method.set_choice_enabled(
                "umap", False, "UMAP is not installed: pip install umap-learn."
            )
        self.layer.setPageStep(1)
        self.layer.setRange(-1, 0)
        self.layer.setMinimumWidth(spacing(30))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        first = FlowLayout()
        for widget in (
            self.draw, self.method, self.dimensions, self.tool, self.colour, self.files
        ):  # fmt: skip
            first.addWidget(widget)
        column.addLayout(first)
        row = QHBoxLayout()
        row.setSpacing(spacing(2))
        label = QLabel("Layer")
        label.setBuddy(self.layer)
        row.addWidget(label)
        row.addWidget(self.layer, 1)
        row.addWidget(self.layer_name)
        row.addWidget(self.play)
        column.addLayout(row)

    def _connect(self) -> None:
        self.draw.clicked.connect(self.draw_pressed)
        self.method.changed.connect(lambda v: self._edit("Choose the projection", method=v))
        self.dimensions.changed.connect(
            lambda v: self._edit("Choose dimensions", dimensions=int(v))
        )
        self.colour.activated.connect(
            lambda row: self._edit("Choose the colour", colour=_COLOURS[row][0])
        )
        self.tool.changed.connect(self.tool_changed)
        self.layer.valueChanged.connect(
            lambda v: self._edit("Choose the layer on the map", layer=v)
        )
        self.play.clicked.connect(self._on_play)
        self._timer.timeout.connect(self._next_layer)
        self._session.changed.connect(self._on_session)

    @Slot(int)
    def _go_to(self, layer: int) -> None:
        self._edit("Choose the layer on the map", layer=layer)

    def _edit(self, text: str, **changes: object) -> None:
        self._session.edit_look(text, "space", **changes)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.space != old.space:
            self.show_choice(state.space)

    @Slot()
    def _on_play(self) -> None:
        if self._timer.isActive():
            self.stop_playing()
        else:
            self.play.setText("Pause")
            self._timer.start()
            if self._session.state.space.layer >= self._depth:
                self._go_to(0)
            else:
                self._next_layer()

    @Slot()
    def _next_layer(self) -> None:
        layer = self._session.state.space.layer
        if layer >= self._depth or not self.isVisible():
            self.stop_playing()
        else:
            self._go_to(layer + 1)

    def stop_playing(self) -> None:
        """Stay at the present layer."""
        self._timer.stop()
        self.play.setText("Play")
