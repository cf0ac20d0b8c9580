"""The map of texts at work: what is read, projected and measured when a page asks for it."""

import threading
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.items import TaskItems
from fineview.core.data.task import ITEM_NAMES
from fineview.core.device import one_blas_thread
from fineview.core.errors import ConfigError, DataError
from fineview.core.explore.choices import SpaceChoice
from fineview.core.explore.figures import figures_of_layers, space_figures
from fineview.core.explore.sampled import ItemStates, drawn_items, jointly, states_of_items
from fineview.core.explore.space import (
    Figure,
    LayerFigures,
    Neighbour,
    Projected,
    Scrubbed,
    SpacePoints,
)
from fineview.core.explore.space_layers import (
    axes_of,
    method_note,
    principal_axes,
    scrubbed,
)
from fineview.core.features.config import PoolingConfig, token_poolings
from fineview.core.features.neighbours import nearest
from fineview.core.features.projection import check_points, principal
from fineview.core.features.tsne import EXAGGERATED, ORDINARY, tsne
from fineview.core.features.umap_layout import EPOCHS, umap_layout
from fineview.core.progress import SILENT, Report
from fineview.core.runs.spec import RunSpec

if TYPE_CHECKING:
    from fineview.core.laboratory import Laboratory

_TEXTS = 256


def open_space(
    lab: "Laboratory",
    spec: RunSpec,
    choice: SpaceChoice,
    run_id: str = "",
    report: Report = SILENT,
) -> "Space":
    """Read, and where needed compute, the hidden states of the texts that are drawn.

    Args:
        lab: Encoder, task, store and runs.
        spec: Task, encoder, maximum length and pooling.
        choice: How many points, and the seed that draws them.
        run_id: The run on display, or "".
        report: Asked while computing.

    Raises:
        FineviewError: As `Laboratory.features`.
        JobCancelled: Stop was pressed.
    """
    from fineview.core.explore.space_run import run_view

    task = lab.task(spec.task, spec.split)
    index = TaskItems(task)
    candidates = index.every
    if task.words is not None:
        # Which words have a state is known only when they are there.
        candidates = np.intersect1d(lab.features(jointly(spec), report).items, candidates)
    items = drawn_items(
        task.labels, index.splits, candidates, choice.points, choice.seed, task.label_kind
    )
    states = states_of_items(lab, spec, items, report)
    run = run_view(lab, spec, task, states, run_id, report)
    points = SpacePoints(
        items=states.items,
        texts=_texts(index, states.items, report),
        labels=task.labels[states.items],
        label_kind=task.label_kind,
        classes=task.classes,
        splits=np.take(index.splits, states.items),
        predictions=run.predictions,
        losses=run.losses,
        run_title=run.title,
        run_note=run.note,
        task_items=len(task.labels),
        total=len(index.every),
        truncated=states.truncated,
        dropped_words=len(index.every) - len(candidates),
        depth=states.depth,
        level=task.info.level,
    )
    groups = index.units(states.items) if index.has_words else None
    return Space(points, states, spec.pooling, run.layer_weights, groups)


def _texts(index: TaskItems, items: NDArray[np.int64], report: Report) -> tuple[str, ...]:
    texts: list[str] = []
    for place, item in enumerate(items.tolist()):
        if place % _TEXTS == 0:
            report.check()
        # A word's sentence is found without walking over those before it.
        texts.append(index.in_sentence(item) if index.has_words else index.task.example(item))
    return tuple(texts)


class Space:
    """The texts of a task as points, ready to be looked at in several ways.

    Methods may be called from several threads. Each computes anew; what they share is the layer
    that was read last.

    Attributes:
        points: Everything about the points but where they stand.
    """

    def __init__(
        self,
        points: SpacePoints,
        states: ItemStates,
        pooling: PoolingConfig,
        layer_weights: NDArray[np.float64] | None = None,
        groups: NDArray[np.int64] | None = None,
    ) -> None:
        """Keep what the methods read.

        Args:
            points: M points.
            states: Their hidden states, in the same order.
            pooling: What is looked at where no single layer is chosen.
            layer_weights: (k,) learned weights for the mix `weighted`.
            groups: (M,) sentence of each word, which folds do not divide; None for texts.
        """
        self.points = points
        self._states = states
        self._pooling = pooling
        self._layer_weights = layer_weights
        self._groups = groups
        self._lock = threading.Lock()
        self._kept: tuple[int, NDArray[np.float32]] | None = None

    @one_blas_thread()
    def project(self, choice: SpaceChoice, report: Report = SILENT) -> Projected:
        """Return where the points stand.

        Args:
            choice: Method, dimensions, layer, perplexity and seed.
            report: Asked within every step; receives `Projected` frames of t-SNE and UMAP.

        Raises:
            ConfigError: The encoder has no such layer, or the method is not installed.
            DataError: There is nothing to draw.
            JobCancelled: Stop was pressed.
        """
        features = self._checked(choice.layer, report)

        def show(coordinates: NDArray[np.float32], done: int, total: int) -> None:
            report.publish(self._frame(coordinates, axes_of(choice), choice, done, total))

        if choice.method == "pca":
            found = principal(features, choice.dimensions, report)
            return self._frame(found.coordinates, principal_axes(found), choice, 0, 0)
        how = (choice.distance, choice.seed)
        if choice.method == "tsne":
            embedded = tsne(
                features, choice.dimensions, choice.perplexity, *how, show=show, report=report
            )
            total = EXAGGERATED + ORDINARY
        else:
            near = round(choice.perplexity)
            embedded = umap_layout(
                features, choice.dimensions, near, *how, show=show, report=report
            )
            total = EPOCHS
        return self._frame(embedded, axes_of(choice), choice, total, total)

    @one_blas_thread()
    def scrub(self, choice: SpaceChoice, report: Report = SILENT) -> Scrubbed:
        """Return where the points stand at every layer; see `core.explore.space_layers`.

        Args:
            choice: `tsne` goes on from each layer to the one below; anything else is PCA.
            report: Progress counts layers.

        Raises:
            DataError: There is nothing to draw at any layer.
            JobCancelled: Stop was pressed.
        """
        what = ITEM_NAMES[self.points.level]
        return scrubbed(self._single, self.points.depth, choice, what, report)

    @one_blas_thread()
    def figures(self, choice: SpaceChoice, report: Report = SILENT) -> tuple[Figure, ...]:
        """Return the numbers of the space, of the layer or pooling that is looked at.

        Args:
            choice: Layer, distance, and the seed of folds and samples.
            report: Progress counts numbers.

        Raises:
            DataError: There is nothing to measure.
            JobCancelled: Stop was pressed.
        """
        features = self._checked(choice.layer, report)
        return space_figures(features, self.points, self._groups, choice, report)

    @one_blas_thread()
    def layer_figures(self, choice: SpaceChoice, report: Report = SILENT) -> LayerFigures:
        """Return class separation and neighbour preservation of every layer.

        Args:
            choice: Distance, and the seed of the sample.
            report: Progress counts layers.

        Raises:
            JobCancelled: Stop was pressed.
        """
        return figures_of_layers(self._single, self.points, choice, report)

    @one_blas_thread()
    def neighbours(self, point: int, choice: SpaceChoice, count: int = 12) -> tuple[Neighbour, ...]:
        """Return the nearest other points, near to far; in the space itself, not on the map.

        Args:
            point: Index of a point.
            choice: Layer and distance.
            count: Most neighbours.

        Raises:
            DataError: There is no such point.
        """
        if not 0 <= point < len(self.points):
            raise DataError(f"There is no point {point}: choose one of 0 … {len(self.points) - 1}.")
        count = min(count, len(self.points) - 1)
        if count < 1:
            return ()
        features = self._features(choice.layer, SILENT)
        asked = np.array([point], dtype=np.int64)
        found, far = nearest(features, count, choice.distance, asked)
        return tuple(
            Neighbour(point=int(other), distance=float(distance))
            for other, distance in zip(found[0], far[0], strict=True)
        )

    def _frame(
        self,
        coordinates: NDArray[np.float32],
        axes: tuple[str, ...],
        choice: SpaceChoice,
        done: int,
        total: int,
    ) -> Projected:
        notes = [method_note(choice, len(self.points)), self._pooling_note(choice.layer)]
        return Projected(
            coordinates=coordinates,
            axes=axes,
            iteration=done,
            iterations=total,
            layer=choice.layer,
            note=" ".join(note for note in notes if note),
        )

    def _checked(self, layer: int, report: Report) -> NDArray[np.float32]:
        features = self._features(layer, report)
        check_points(features, ITEM_NAMES[self.points.level])
        return features

    def _single(self, layer: int, report: Report) -> NDArray[np.float32]:
        """Return one layer, (M, D); what was read last stays for the map."""
        return self._states.layer(layer, self._tokens, report)

    @property
    def _tokens(self) -> str:
        """Return the token pooling that has states; one that is learned has none."""
        kinds = token_poolings(self.points.level)
        return self._pooling.tokens if self._pooling.tokens in kinds else "mean"

    def _features(self, layer: int, report: Report) -> NDArray[np.float32]:
        """Return (M, D') of a layer, or of the pooling for -1."""
        if layer != -1 and not 0 <= layer <= self.points.depth:
            raise ConfigError(
                f"Layer {layer} is not within 0 … {self.points.depth} of this encoder.", "layer"
            )
        with self._lock:
            if self._kept is not None and self._kept[0] == layer:
                return self._kept[1]
        if layer == -1:
            pooling = PoolingConfig(
                layers=self._pooling.layers,
                mix=self._pooling.mix,
                tokens=self._tokens,  # type: ignore[arg-type]
            )
            features = self._states.pooled(pooling, self._layer_weights, report)
        else:
            features = self._states.layer(layer, self._tokens, report)
        features.setflags(write=False)
        with self._lock:
            self._kept = (layer, features)
        return features

    def _pooling_note(self, layer: int) -> str:
        """Return what stands in for a pooling that is learned with the head."""
        notes = []
        if self._tokens != self._pooling.tokens:
            notes.append("Learned token weights belong to a head; here the tokens' mean is drawn.")
        if layer == -1 and self._pooling.mix == "weighted":
            notes.append(
                "Layers are mixed with the weights that the run learned."
                if self._layer_weights is not None
                else "Layers are mixed with equal weights: no run on display has learned others."
            )
        return " ".join(notes)
