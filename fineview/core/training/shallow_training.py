"""From features and labels to a fitted head without gradient steps."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fineview.core.errors import ConfigError
from fineview.core.progress import SILENT, Report
from fineview.core.training.config import HEAD_TITLES, ClassWeights, HeadConfig, HeadKind
from fineview.core.training.events import Evaluation
from fineview.core.training.heads import LinearHead
from fineview.core.training.loop import TrainData
from fineview.core.training.metrics import number_scores, scores
from fineview.core.training.objectives import SquaredError
from fineview.core.training.shallow import ShallowHead, head_threads
from fineview.core.training.shallow_lesson import UNSEEN, Lesson
from fineview.core.training.shallow_trees import boost, grow_forest
from fineview.core.training.shallow_vectors import fit_centroids, fit_margins, fit_neighbours

Learner = Callable[[Lesson, HeadConfig, Report], Any]
_LEARNERS: dict[HeadKind, Learner] = {
    "forest": grow_forest,
    "boosting": boost,
    "knn": fit_neighbours,
    "svm": fit_margins,
    "centroid": fit_centroids,
}


def fit_shallow(
    data: TrainData,
    config: HeadConfig,
    *,
    class_weights: ClassWeights = "none",
    seed: int = 0,
    report: Report = SILENT,
) -> ShallowHead:
    """Fit a head on the training split; validation is looked at for its curve only.

    Args:
        data: Raw features and labels of both splits.
        config: One of the kinds without gradient steps.
        class_weights: `balanced` weighs classes by the inverse of their frequency in training.
        seed: Decides whatever is drawn.
        report: Asked often, told the curve.

    Raises:
        ConfigError: Training has one class only, or a setting does not fit its size.
        JobCancelled: Stop was pressed.
    """
    features, labels = data.train
    # The very standardisation of a linear head, constant features included.
    standard = LinearHead.fitted(features, 1)
    known = np.zeros(0, dtype=np.int64)
    objective: SquaredError | None = None
    if data.classes:
        known = np.unique(labels.numpy())
        if len(known) < 2:
            raise ConfigError(
                f"All {len(labels):,} training items have one class, and a "
                f"{HEAD_TITLES[config.kind]} head needs two: choose another split.",
                "split",
            )
    else:
        objective = SquaredError.of(labels)
    lesson = Lesson(
        features=standard.standardise(features).numpy(),
        labels=_coded(labels, known, objective),
        validation=standard.standardise(data.validation[0]).numpy(),
        validation_labels=_coded(data.validation[1], known, objective),
        classes=len(known),
        weights=None if class_weights == "none" else _balanced(labels.numpy()),
        seed=seed,
    )
    with head_threads():
        model = _LEARNERS[config.kind](lesson, config, report)
    return ShallowHead(
        kind=config.kind,
        model=model,
        mean=standard.mean,
        scale=standard.scale,
        known=known,
        outputs=data.classes or 1,
        label_mean=None if objective is None else objective.mean,
        label_scale=None if objective is None else objective.scale,
    )


def _coded(
    labels: Tensor, known: NDArray[np.int64], objective: SquaredError | None
) -> NDArray[Any]:
    """Return (n,) places among the known classes, or standardised numbers."""
    if objective is not None:
        return (labels.double().numpy() - objective.mean) / objective.scale
    values = labels.numpy()
    places = np.searchsorted(known, values).clip(max=len(known) - 1)
    return np.where(known[places] == values, places, UNSEEN)


def _balanced(labels: NDArray[np.int64]) -> dict[int, float]:
    """Return N / (K · items) of each known class."""
    _, counts = np.unique(labels, return_counts=True)
    return dict(enumerate((len(labels) / (len(counts) * counts)).tolist()))


def measured(
    data: TrainData,
    train: NDArray[np.float64],
    validation: NDArray[np.float64],
    *,
    step: int,
) -> Evaluation:
    """Return the measures of a fitted head's answers.

    A class that an answer gives the probability 0 costs a loss of ln 10³⁰, about 69 nats: k
    neighbours or pure leaves are that sure.

    Args:
        data: The labels.
        train: (N, C) probabilities or (N, 1) numbers for the training split.
        validation: The same for the validation split.
        step: Steps done.
    """
    labels = data.train[1].numpy(), data.validation[1].numpy()
    if data.classes:
        told = [scores(*pair) for pair in zip(labels, (train, validation), strict=True)]
        return Evaluation(
            step=step,
            epoch=1.0,
            train_loss=told[0].loss,
            train_accuracy=told[0].accuracy,
            penalised_loss=told[0].loss,
            loss=told[1].loss,
            accuracy=told[1].accuracy,
            macro_f1=told[1].macro_f1,
        )
    variance = SquaredError.of(data.train[1]).scale ** 2
    ranked = [
        number_scores(*pair) for pair in zip(labels, (train[:, 0], validation[:, 0]), strict=True)
    ]
    nothing = float("nan")
    return Evaluation(
        step=step,
        epoch=1.0,
        train_loss=ranked[0].loss / variance,
        train_accuracy=nothing,
        penalised_loss=ranked[0].loss / variance,
        loss=ranked[1].loss / variance,
        accuracy=nothing,
        macro_f1=nothing,
        train_spearman=ranked[0].spearman,
        spearman=ranked[1].spearman,
    )
