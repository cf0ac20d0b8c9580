"""Heads that are vectors: class means, training items as neighbours, and margins."""

from collections.abc import Mapping
from math import log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import ConfigError
from fineview.core.progress import Report
from fineview.core.training.config import HeadConfig
from fineview.core.training.events import Notice
from fineview.core.training.shallow import CHUNK
from fineview.core.training.shallow_lesson import CurveTeller, Lesson, spread

_GRID = (-3, -2, -1, 0, 1)
"""Decades around the chosen C that are tried beside it."""
_FEW_NEIGHBOURS = 50
"""The curve of k goes at least so far, and at least to twice the chosen k."""
_NEIGHBOUR_PLACES = 40
_MOST_ROUNDS = 1_000
_TOLERANCE = 0.01
"""Of the classes' margins, as LIBLINEAR has it; scikit-learn's hundredth of it takes ten times as
long and answers alike."""


def fit_centroids(lesson: Lesson, config: HeadConfig, report: Report) -> Any:  # noqa: ANN401, ARG001
    """Keep the mean of each class; there is no curve.

    Returns:
        A NearestCentroid.

    Source:
        Rocchio 1971, "Relevance feedback in information retrieval"; on learned features: Snell et
        al. 2017, arXiv:1703.05175, section 2.
    """
    from sklearn.neighbors import NearestCentroid

    report.check()
    return NearestCentroid().fit(lesson.features, lesson.labels)


def fit_neighbours(lesson: Lesson, config: HeadConfig, report: Report) -> Any:  # noqa: ANN401
    """Keep the training items; the curve is validation accuracy against k.

    Args:
        lesson: What to keep.
        config: k.
        report: Asked between chunks of validation items, told the curve over those judged so far.

    Returns:
        A KNeighborsClassifier or KNeighborsRegressor that compares with every item.

    Raises:
        ConfigError: k is larger than the training split.
        JobCancelled: Stop was pressed.

    Source:
        Cover & Hart 1967, IEEE Transactions on Information Theory 13, 21–27; on features of
        language models: Khandelwal et al. 2020, arXiv:1911.00172, section 2.
    """
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    items = len(lesson.labels)
    if config.neighbours > items:
        raise ConfigError(
            f"{config.neighbours:,} neighbours are more than the {items:,} training items: choose "
            f"at most {items:,}.",
            "neighbours",
        )
    kind = KNeighborsClassifier if lesson.classes else KNeighborsRegressor
    model = kind(config.neighbours, algorithm="brute").fit(lesson.features, lesson.labels)
    most = min(items, max(_FEW_NEIGHBOURS, 2 * config.neighbours))
    places = sorted({*spread(most, _NEIGHBOUR_PLACES), config.neighbours})
    teller = CurveTeller(report, "k", lesson.measure)
    labels, said = lesson.validation_labels, np.zeros((len(lesson.validation), len(places)))
    for first in range(0, len(said), CHUNK):
        report.check()
        report.progress(first, len(said), "comparing with neighbours")
        chunk = slice(first, first + CHUNK)
        nearest = model.kneighbors(lesson.validation[chunk], most, return_distance=False)
        said[chunk] = _said(lesson, nearest, places, report)
        done = min(first + CHUNK, len(said))
        curve = [lesson.score(labels[:done], column) for column in said[:done].T]
        teller.tell(places, curve, chosen=config.neighbours, whole=done == len(said))
    return model


def _said(
    lesson: Lesson, nearest: NDArray[np.int64], places: list[int], report: Report
) -> NDArray[np.float64]:
    """Return (m, P), what the nearest 1 … k say, for each k of `places`.

    Args:
        lesson: Has the labels.
        nearest: (m, most) training items, nearest first.
        places: P values of k, ascending.
        report: Asked between places.
    """
    rows = np.arange(len(nearest))
    votes = np.zeros((len(nearest), max(lesson.classes, 1)))
    found, before = [], 0
    for place in places:
        report.check()
        for labels in lesson.labels[nearest[:, before:place]].T:
            if lesson.classes:
                votes[rows, labels] += 1
            else:
                votes[:, 0] += labels
        before = place
        found.append(votes.argmax(1) if lesson.classes else votes[:, 0] / place)
    return np.stack(found, axis=1)


def fit_margins(lesson: Lesson, config: HeadConfig, report: Report) -> Any:  # noqa: ANN401
    """Fit a linear SVM; the curve is validation accuracy against C, which is tried around it.

    Args:
        lesson: What to learn.
        config: `penalty`, the C that is kept.
        report: Asked between classes, told the curve.

    Returns:
        A LinearSVC, or a LinearSVR with an insensitive zone of a tenth of the labels' deviation.

    Raises:
        ConfigError: C is so large that the solver leaves the numbers.
        JobCancelled: Stop was pressed.

    Source:
        Squared hinge, one class against the rest, by the trust region Newton method, which has no
        draws: Fan et al. 2008, "LIBLINEAR", JMLR 9, 1871–1874. Numbers, squared loss beyond the
        zone: Ho & Lin 2012, JMLR 13, 3323–3348.
    """
    tried = [config.penalty, *(config.penalty * 10.0**decade for decade in _GRID if decade)]
    teller = CurveTeller(report, "log₁₀ C", lesson.measure)
    scores: dict[float, float] = {}
    kept: Any = None
    for done, penalty in enumerate(tried):
        report.progress(done, len(tried), f"C = {penalty:.3g}")
        model = _margins(lesson, penalty, report)
        if kept is None:
            kept = model
            _check_margins(model, penalty, report)
        scores[penalty] = lesson.score(lesson.validation_labels, model.predict(lesson.validation))
        ordered = sorted(scores)
        teller.tell(
            [log10(one) for one in ordered],
            [scores[one] for one in ordered],
            chosen=log10(config.penalty),
            whole=done == len(tried) - 1,
        )
    return kept


def _margins(lesson: Lesson, penalty: float, report: Report) -> Any:  # noqa: ANN401
    from sklearn.svm import LinearSVC, LinearSVR

    shared: dict[str, Any] = {"C": penalty, "dual": False, "max_iter": _MOST_ROUNDS}
    report.check()
    if not lesson.classes:
        loss = "squared_epsilon_insensitive"
        model = LinearSVR(epsilon=0.1, loss=loss, **shared)
        return model.fit(lesson.features, lesson.labels)
    weights = lesson.weights
    shared["tol"] = _TOLERANCE
    if lesson.classes == 2:
        return LinearSVC(class_weight=weights, **shared).fit(lesson.features, lesson.labels)
    # A class against the rest is what LinearSVC solves one by one in a single call that nobody can
    # stop. As there, the weight of a class is that of its items against all others.
    parts = []
    for label in range(lesson.classes):
        report.check()
        weight = None if weights is None else {1: weights[label]}
        one = LinearSVC(class_weight=weight, **shared)
        parts.append(one.fit(lesson.features, (lesson.labels == label).astype(np.int64)))
    return _joined(parts, LinearSVC(class_weight=weights, **shared))


def _joined(parts: list[Any], whole: Any) -> Any:  # noqa: ANN401 - scikit-learn is untyped
    """Return one model out of its classes."""
    fitted: Mapping[str, Any] = {
        "coef_": np.concatenate([part.coef_ for part in parts]),
        "intercept_": np.concatenate([part.intercept_ for part in parts]),
        "classes_": np.arange(len(parts)),
        "n_iter_": max(part.n_iter_ for part in parts),
        "n_features_in_": parts[0].n_features_in_,
    }
    for name, value in fitted.items():
        setattr(whole, name, value)
    return whole


def _check_margins(model: Any, penalty: float, report: Report) -> None:  # noqa: ANN401
    if not np.isfinite(model.coef_).all():
        raise ConfigError(
            f"With C = {penalty:g} the SVM leaves the numbers: choose a C of at most 1,000.",
            "penalty",
        )
    if np.max(model.n_iter_) >= _MOST_ROUNDS:
        report.publish(
            Notice(
                step=0,
                text=f"With C = {penalty:g} the SVM had not settled after {_MOST_ROUNDS:,} "
                "rounds: a smaller C settles sooner.",
            )
        )
