"""What was found of a word: the points, what each layer makes of them, the contexts."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSlider,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.core.explore.space import Scrubbed
from fineview.core.explore.words import ColourBy, WordSpace, groups
from fineview.core.features.config import WORD_POOLINGS
from fineview.ui.panels.features_words_said import columns, counted, reading
from fineview.ui.panels.features_words_table import ContextTable
from fineview.ui.plots.layer_bars import LayerBars
from fineview.ui.plots.scatter import ScatterPlot
from fineview.ui.session import Session
from fineview.ui.theme import spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.panel_area import scrolled
from fineview.ui.widgets.segmented import Segmented

NEAREST = 10
"""Contexts that stand out beside the chosen one."""


class WordView(QWidget):
    """Scatter, bars and table of one word.

    Attributes:
        scatter: A point an occurrence.
        bars: The word's self-similarity at every layer.
        table: The contexts.
        anchor: The occurrence that others are compared with, -1 for none.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._space: WordSpace | None = None
        self._places: Scrubbed | None = None
        self._chosen: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.anchor = -1
        self.counted = plain_label(wrap=True)
        self.tokens = Segmented(
            [(kind, kind) for kind in WORD_POOLINGS],
            "Sub-tokens",
            "How the sub-tokens of the word become one vector – mean – first or last where a word "
            "is cut into many.",
        )
        self.colour = Segmented(
            [("label", "Label"), ("next", "Next word"), ("previous", "Previous word")],
            "Colour",
            "What colours an occurrence – the label of its text – the word beside it shows "
            "phrases.",
        )
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.layer_label = QLabel()
        self.scatter = ScatterPlot("Occurrences", empty="The points are on their way.")
        self.no_places = EmptyState("No picture", "")
        self._picture = QStackedWidget()
        self._picture.addWidget(self.scatter)
        self._picture.addWidget(self.no_places)
        self.bars = LayerBars(
            "Self-similarity",
            "Mean cosine of two occurrences at each layer – high in low layers – press a row to "
            "look at that layer.",
        )
        self.said = plain_label("", "small", wrap=True)
        self.table = ContextTable()
        self._lay_out()
        self._connect()

    @property
    def layer(self) -> int:
        """Return the layer that is looked at, counted from 0."""
        depth = self._space.depth if self._space is not None else 0
        layer = self._session.state.words.layer
        layer = layer + depth + 1 if layer < 0 else layer
        return min(max(layer, 0), depth)

    def show_space(self, space: WordSpace) -> None:
        """Show another word; its places follow."""
        self._space, self._places = space, None
        self.anchor, self._chosen = -1, np.empty(0, dtype=np.int64)
        self.scatter.clear()
        self.counted.setText(counted(space, self._session.state.spec.max_length))
        known = space.labelled or space.values is not None
        reason = "These occurrences have no label." if not known else ""
        self.colour.set_choice_enabled("label", known, reason)
        if not known and self.colour.value == "label":
            self.colour.set_value("next")
        self.slider.blockSignals(True)
        self.slider.setRange(0, space.depth)
        self.slider.blockSignals(False)
        self.show_choice()

    def show_places(self, places: Scrubbed) -> None:
        """Show where the occurrences stand."""
        assert self._space is not None
        self._places = places
        self._picture.setCurrentWidget(self.scatter)
        self.scatter.set_points(places.coordinates[self.layer], places.axes)
        self.scatter.set_texts([one.sentence for one in self._space.occurrences])
        self._paint()
        self._choose_anchor_point()

    def show_no_places(self, sentence: str) -> None:
        """Say why there is no picture."""
        self.no_places.set_text("No picture", sentence)
        self._picture.setCurrentWidget(self.no_places)

    def show_choice(self) -> None:
        """Follow the session: layer and sub-tokens."""
        choice, space = self._session.state.words, self._space
        self.tokens.set_value(choice.tokens)
        if space is None:
            return
        layer = self.layer
        self.slider.blockSignals(True)
        self.slider.setValue(layer)
        self.slider.blockSignals(False)
        self.layer_label.setText(f"{layer} of {space.depth}")
        self.bars.set_columns(columns(space, choice.tokens))
        self.bars.set_layer(layer)
        self.said.setText(reading(space, choice.tokens, layer))
        if self._places is not None:
            self.scatter.set_points(self._places.coordinates[layer], self._places.axes)
        self._show_rows()
        self._choose_anchor_point()

    def set_stale(self, stale: bool) -> None:
        """Dim what no longer belongs to the settings."""
        self.scatter.set_stale(stale)
        self.bars.set_stale(stale)
        self.table.setEnabled(not stale)

    def _lay_out(self) -> None:
        describe(
            self.slider,
            "Layer",
            "Layer that is looked at – the last – drag from 0 upwards to see contexts part the "
            "word.",
        )
        bar = QHBoxLayout()
        bar.setSpacing(spacing(2))
        for words, widget in (("Sub-tokens", self.tokens), ("Colour", self.colour)):
            bar.addWidget(plain_label(words))
            bar.addWidget(widget)
        bar.addWidget(plain_label("Layer"))
        bar.addWidget(self.slider, 1)
        self.layer_label.setMinimumWidth(self.fontMetrics().horizontalAdvance("24 of 24"))
        bar.addWidget(self.layer_label)
        side = QWidget()
        box = QVBoxLayout(side)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(1))
        box.addWidget(scrolled(self.bars), 1)
        box.addWidget(self.said)
        picture = QSplitter(Qt.Orientation.Horizontal)
        picture.addWidget(self._picture)
        picture.addWidget(side)
        picture.setStretchFactor(0, 3)
        picture.setStretchFactor(1, 2)
        whole = QSplitter(Qt.Orientation.Vertical)
        whole.addWidget(picture)
        whole.addWidget(self.table)
        whole.setStretchFactor(0, 3)
        whole.setStretchFactor(1, 2)
        letter = self.fontMetrics().averageCharWidth()
        picture.setSizes([letter * 70, letter * 46])
        whole.setSizes([letter * 44, letter * 26])
        for split in (picture, whole):
            split.setChildrenCollapsible(False)
            split.setHandleWidth(spacing(2))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addWidget(self.counted)
        column.addLayout(bar)
        column.addWidget(whole, 1)

    def _connect(self) -> None:
        session = self._session
        self.tokens.changed.connect(
            lambda kind: session.edit_look("Choose the sub-tokens", "words", tokens=kind)
        )
        self.colour.changed.connect(lambda _value: self._paint())
        self.slider.valueChanged.connect(self._on_layer)
        self.bars.pressed.connect(self._on_layer)
        self.scatter.clicked.connect(self._compare_with)
        self.scatter.selected.connect(self._on_selected)
        self.table.chosen.connect(self._compare_with)
        self.table.current_changed.connect(self._on_current)

    @Slot(int)
    def _on_layer(self, layer: int) -> None:
        self._session.edit_look("Choose the layer of the word", "words", layer=layer)

    @Slot(int)
    def _compare_with(self, point: int) -> None:
        self.anchor = point
        self._show_rows()
        self._choose_anchor_point()

    @Slot(object)
    def _on_selected(self, points: NDArray[np.int64]) -> None:
        self._chosen = points if len(points) > 1 else points[:0]
        self._show_rows()

    @Slot(int)
    def _on_current(self, point: int) -> None:
        if self._places is not None and not len(self._chosen):
            self.scatter.set_selection([point])

    def _choose_anchor_point(self) -> None:
        """Let the chosen occurrence and its nearest contexts stand out."""
        if self.anchor >= 0 and self._places is not None:
            if not len(self._chosen):
                self.scatter.set_selection(self.table.contexts.rows[: NEAREST + 1])
            self.table.show_point(self.anchor)

    def _show_rows(self) -> None:
        """List occurrences, the nearest to the chosen one first."""
        space = self._space
        if space is None:
            return
        rows = self._chosen if len(self._chosen) else np.arange(len(space), dtype=np.int64)
        if self.anchor < 0:
            self.table.show_rows(space, rows)
            return
        cosines = space.cosines(self.anchor, self.layer, self._session.state.words.tokens)
        order = np.argsort(-cosines[rows], kind="stable")
        self.table.show_rows(space, rows[order], cosines)

    def _paint(self) -> None:
        """Colour the points."""
        space = self._space
        if space is None or self._places is None:
            return
        by: ColourBy = self.colour.value  # type: ignore[assignment]  # one of the three
        if by == "label" and space.values is not None:
            self.scatter.set_values(space.values, "label")
        else:
            self.scatter.set_groups(*groups(space, by))
