"""What a user chose to look at: plain values that the session keeps and undoes."""

from dataclasses import dataclass
from typing import Literal, get_args

from fineview.core.errors import ConfigError
from fineview.core.explore.kernel import FEWEST_TEXTS, MOST_TEXTS

MapMetric = Literal["accuracy", "macro_f1"]
Projection = Literal["pca", "tsne", "umap"]
ColourBy = Literal["label", "prediction", "loss", "split"]
Distance = Literal["cosine", "euclidean"]
MistakesView = Literal["errors", "training", "calibration", "rates"]
Binning = Literal["width", "mass"]
NoiseRank = Literal["margin", "confidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapChoice:
    """How the layer map is measured.

    Attributes:
        metric: What a cell shows.
        folds: Folds of the probes within the training split.
        items: Most training items that are used; more are sampled, and the window says so.
        penalty: C of scikit-learn's logistic regression: the inverse weight of ‖W‖²/2.
        controls: Whether the same architecture with random weights is measured too.
        others: Further encoders to set beside the session's.
        seed: Draws the sample, the folds and the bootstrap.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    metric: MapMetric = "accuracy"
    folds: int = 5
    items: int = 1000
    penalty: float = 1.0
    controls: bool = True
    others: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        _one_of(self.metric, get_args(MapMetric), "Metric", "metric")
        if not 2 <= self.folds <= 20:
            raise ConfigError(f"Folds must be within 2 … 20, not {self.folds}.", "folds")
        if not 20 <= self.items <= 20_000:
            raise ConfigError(f"Items must be within 20 … 20,000, not {self.items:,}.", "items")
        if not 1e-6 <= self.penalty <= 1e6:
            raise ConfigError(f"C must be within 1e-6 … 1e6, not {self.penalty:g}.", "penalty")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceChoice:
    """How the map of texts is drawn.

    Attributes:
        method: Projection.
        dimensions: 2, or 3 to be turned around.
        colour: What colours a point.
        distance: How neighbours of a point are found.
        layer: A single layer to look at; -1 looks at the pooling chosen beside the map.
        points: Most points that are drawn; more items are sampled, and the window says so.
        perplexity: Effective neighbours of t-SNE, and neighbours of UMAP.
        seed: Draws the sample and begins t-SNE and UMAP.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    method: Projection = "pca"
    dimensions: int = 2
    colour: ColourBy = "label"
    distance: Distance = "cosine"
    layer: int = -1
    points: int = 5000
    perplexity: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        _one_of(self.method, get_args(Projection), "Projection", "method")
        _one_of(self.colour, get_args(ColourBy), "Colour", "colour")
        _one_of(self.distance, get_args(Distance), "Distance", "distance")
        if self.dimensions not in (2, 3):
            raise ConfigError(f"Dimensions must be 2 or 3, not {self.dimensions}.", "dimensions")
        if not 10 <= self.points <= 20_000:
            raise ConfigError(f"Points must be within 10 … 20,000, not {self.points:,}.", "points")
        if not 2 <= self.perplexity <= 500:
            raise ConfigError(
                f"Perplexity must be within 2 … 500, not {self.perplexity:g}.", "perplexity"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsChoice:
    """Which word's occurrences are compared.

    Attributes:
        word: The word, as typed; case does not matter.
        tokens: How the sub-tokens of an occurrence become one vector.
        layer: Layer looked at; -1 is the last.
        most: Most occurrences; more are sampled, and the window says so.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    word: str = ""
    tokens: Literal["first", "last", "mean"] = "mean"
    layer: int = -1
    most: int = 500

    def __post_init__(self) -> None:
        """Refuse what cannot be looked up."""
        _one_of(self.tokens, ("first", "last", "mean"), "Token pooling", "tokens")
        if not 2 <= self.most <= 5000:
            raise ConfigError(f"Occurrences must be within 2 … 5,000, not {self.most:,}.", "most")


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskChoice:
    """Which tokens of the example are replaced by the mask token.

    Attributes:
        text: The example with encoder and maximum length, whose tokens `masked` counts; another
            one starts unmasked.
        masked: Positions of tokens, [CLS] is 0; ascending.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    text: str = ""
    masked: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedChoice:
    """What of a run's way is looked at.

    Attributes:
        view: The texts before and after, or the derivative kernel.
        items: Training items of the kernel.
        held_out: Test items that are predicted from it.
        seed: Draws the sketch of the gradients.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    view: Literal["texts", "kernel"] = "texts"
    items: int = 60
    held_out: int = 60
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be looked at."""
        _one_of(self.view, ("texts", "kernel"), "View", "view")
        for name, value in (("items", self.items), ("held_out", self.held_out)):
            if not FEWEST_TEXTS <= value <= MOST_TEXTS:
                raise ConfigError(
                    f"Items of a kernel must be within {FEWEST_TEXTS} … {MOST_TEXTS}, not "
                    f"{value:,}.",
                    name,
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class MistakesChoice:
    """How the mistakes of the run on display are looked at.

    Classes go by their names, so that a choice means the same for the next run of the task; one
    that a task does not have chooses nothing.

    Attributes:
        view: What is shown.
        split: Held-out split that is looked at.
        true: Only errors on items of this class; "" for all.
        answered: Only errors that answered this class; "" for all.
        mutual: Also the errors the other way round, where both classes are given.
        training: Which training texts are listed: `hardest`, or candidates of label `noise`.
        rank: How these candidates are ordered: by normalised `margin`, or by self-`confidence`.
        items: Most training items that are judged; more are sampled, and the window says so.
        folds: Folds of the probes that judge labels.
        binning: Bins of equal `width`, or of equal `mass`.
        bins: How many.
        of_class: Class whose curves are drawn; "" for the first that occurs.
        seed: Draws samples, folds and the bootstrap.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    view: MistakesView = "errors"
    split: Literal["validation", "test"] = "validation"
    true: str = ""
    answered: str = ""
    mutual: bool = False
    training: Literal["hardest", "noise"] = "hardest"
    rank: NoiseRank = "margin"
    items: int = 2000
    folds: int = 5
    binning: Binning = "width"
    bins: int = 15
    of_class: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be looked at."""
        _one_of(self.view, get_args(MistakesView), "View", "view")
        _one_of(self.split, ("validation", "test"), "Split", "split")
        _one_of(self.training, ("hardest", "noise"), "List of training texts", "training")
        _one_of(self.rank, get_args(NoiseRank), "Order", "rank")
        _one_of(self.binning, get_args(Binning), "Binning", "binning")
        if not 2 <= self.folds <= 20:
            raise ConfigError(f"Folds must be within 2 … 20, not {self.folds}.", "folds")
        if not 20 <= self.items <= 20_000:
            raise ConfigError(f"Items must be within 20 … 20,000, not {self.items:,}.", "items")
        if not 2 <= self.bins <= 50:
            raise ConfigError(f"Bins must be within 2 … 50, not {self.bins}.", "bins")


def _one_of(value: str, allowed: tuple[str, ...], name: str, field: str) -> None:
    if value not in allowed:
        raise ConfigError(f"{name} {value!r} is not one of {', '.join(allowed)}.", field)
