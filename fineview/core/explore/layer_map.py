"""The layer map as it is shown: scores of every layer, token pooling and preset, with controls."""

from dataclasses import dataclass

from fineview.core.data.task import Level
from fineview.core.explore.choices import MapChoice, MapMetric
from fineview.core.features.config import PoolingConfig, TokenPooling, stored_tokens
from fineview.core.runs.spec import RunSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One measure over the rows that were held out.

    Attributes:
        value: Share in 0 … 1.
        low: Lower end of the 95 % bootstrap interval.
        high: Upper end.
        best: Whether no other cell scored more.
        tied: Whether the paired bootstrap cannot tell it from the best.
    """

    value: float
    low: float
    high: float
    best: bool = False
    tied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MapCell:
    """One way to pool, probed.

    Attributes:
        encoder: Name of the encoder.
        preset: Key of the lecture's preset, or "" for a single layer.
        title: What it is, for people.
        pooling: What a click puts to use; its layers count from 0.
        accuracy: Out of fold.
        macro_f1: Out of fold.
        weights: Weights of the layers, mean over the folds, where they were learned; else empty.
    """

    encoder: str
    preset: str
    title: str
    pooling: PoolingConfig
    accuracy: Score
    macro_f1: Score
    weights: tuple[float, ...] = ()

    def score(self, metric: MapMetric) -> Score:
        """Return one of its measures."""
        return self.accuracy if metric == "accuracy" else self.macro_f1


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLine:
    """Something to compare the cells with.

    Attributes:
        name: `majority`, `tfidf` or `random`.
        title: For people.
        accuracy: Out of fold; None where it has none, and the note says why.
        macro_f1: Out of fold.
        note: What it is.
    """

    name: str
    title: str
    accuracy: Score | None
    macro_f1: Score | None
    note: str

    def score(self, metric: MapMetric) -> Score | None:
        """Return one of its measures."""
        return self.accuracy if metric == "accuracy" else self.macro_f1


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPass:
    """One encoder's pass over the texts.

    Attributes:
        encoder: Name.
        title: For people.
        depth: L.
        seconds: Time of the pass.
        cached: Whether the store had the states.
        control: Whether its weights are random.
    """

    encoder: str
    title: str
    depth: int
    seconds: float
    cached: bool
    control: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerMap:
    """What is known of the map so far.

    Attributes:
        spec: Task, encoder, maximum length and (for the presets) token pooling.
        choice: How it was measured.
        level: What a row is.
        tokens: The columns.
        rows: N, training items that were judged, each by a probe that did not see it.
        folds: F.
        cells: In the order in which they were solved; those of the random control included.
        lines: What to compare with.
        passes: The encoders.
        notes: What was left out, sampled or lowered; sentences.
        seconds: Time of the probes, without the passes.
        complete: False while cells are missing.
    """

    spec: RunSpec
    choice: MapChoice
    level: Level
    tokens: tuple[TokenPooling, ...]
    rows: int
    folds: int
    cells: tuple[MapCell, ...]
    lines: tuple[MapLine, ...]
    passes: tuple[MapPass, ...]
    notes: tuple[str, ...]
    seconds: float
    complete: bool

    @property
    def controls(self) -> frozenset[str]:
        """Return the names of encoders with random weights."""
        return frozenset(one.encoder for one in self.passes if one.control)

    @property
    def trained(self) -> tuple[MapCell, ...]:
        """Return the cells that are not a control."""
        return tuple(cell for cell in self.cells if cell.encoder not in self.controls)

    def best(self, metric: MapMetric) -> MapCell | None:
        """Return the best cell that is not a control."""
        return max(self.trained, key=lambda cell: cell.score(metric).value, default=None)

    def tied(self, metric: MapMetric) -> tuple[MapCell, ...]:
        """Return the cells that cannot be told from the best, without it."""
        best = self.best(metric)
        return tuple(c for c in self.trained if c is not best and c.score(metric).tied)

    def by_layer(self, encoder: str, tokens: TokenPooling, metric: MapMetric) -> dict[int, float]:
        """Return the scores of an encoder's single layers at one token pooling."""
        stored = stored_tokens(tokens)
        return {
            cell.pooling.layers[0]: cell.score(metric).value
            for cell in self.cells
            if cell.encoder == encoder and not cell.preset and cell.pooling.tokens == stored
        }


def measured_by(spec: RunSpec, choice: MapChoice) -> tuple[object, ...]:
    """Return what decides a map; two settings with equal answers have the same map."""
    return (
        spec.task,
        spec.encoder,
        spec.max_length,
        spec.split,
        stored_tokens(spec.pooling.tokens),
        choice.folds,
        choice.items,
        choice.penalty,
        choice.controls,
        choice.others,
        choice.seed,
    )
