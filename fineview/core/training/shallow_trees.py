"""Forests and boosted trees, grown under the eyes of whoever watches."""

import time
from collections.abc import Iterable
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.device import compute_threads
from fineview.core.progress import Report
from fineview.core.training.config import HeadConfig
from fineview.core.training.shallow_lesson import UNSEEN, CurveTeller, Lesson, spread

_BATCH_S = 0.1  # between two looks at Stop
_FOREST_PLACES, _ROUND_PLACES = 120, 30


def grow_forest(lesson: Lesson, config: HeadConfig, report: Report) -> Any:  # noqa: ANN401
    """Grow a random forest; its curve is the out-of-bag error against the number of trees.

    Trees are added to the forest in batches of about a tenth of a second, which changes nothing:
    each draws from its own seed. The error is the share of wrong answers, for numbers the squared
    error over the variance of the labels, of the items that each tree did not see.

    Args:
        lesson: What to learn.
        config: `trees` of them.
        report: Asked between batches, told the curve.

    Returns:
        A RandomForestClassifier or RandomForestRegressor.

    Raises:
        JobCancelled: Stop was pressed.

    Source:
        Breiman 2001, Machine Learning 45, 5–32; section 3.1 for the out-of-bag error. Leaves of
        five for numbers: Hastie, Tibshirani & Friedman 2009, section 15.3; √D features a split for
        them too: with the D/3 given there a forest takes six times as long and ranks no better.
    """
    forest = _forest(lesson, config)
    bag = _OutOfBag(lesson)
    at: list[float] = []
    errors: list[float] = []
    places = set(spread(config.trees, _FOREST_PLACES))
    measure = "out-of-bag error" if lesson.classes else "out-of-bag squared error"
    teller = CurveTeller(report, "trees", measure)
    grown, batch = 0, 1
    while grown < config.trees:
        report.check()
        report.progress(grown, config.trees, f"tree {grown + 1:,}/{config.trees:,}")
        batch = min(batch, config.trees - grown)
        began = time.monotonic()
        forest.set_params(n_estimators=grown + batch)
        forest.fit(lesson.features, lesson.labels)
        for seen, tree in _grown(forest, grown):
            bag.add(seen, tree)
            grown += 1
            if grown in places:
                at.append(float(grown))
                errors.append(bag.error())
        each = (time.monotonic() - began) / batch
        batch = max(int(_BATCH_S / each), compute_threads())
        teller.tell(at, errors, chosen=grown)
    teller.tell(at, errors, chosen=config.trees, whole=True)
    return forest.set_params(n_jobs=None, warm_start=False)


def _forest(lesson: Lesson, config: HeadConfig) -> Any:  # noqa: ANN401 - scikit-learn is untyped
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    shared = {
        "n_estimators": config.trees,
        "max_features": "sqrt",
        "warm_start": True,
        "random_state": lesson.seed,
        "n_jobs": compute_threads(),
    }
    if lesson.classes:
        return RandomForestClassifier(**shared, class_weight=lesson.weights)
    return RandomForestRegressor(**shared, min_samples_leaf=5)


def _grown(forest: Any, first: int) -> Iterable[tuple[NDArray[np.int32], Any]]:  # noqa: ANN401
    """Return (items seen, tree) of each tree from `first` on."""
    newest = copy(forest)  # what is asked of the whole forest takes longer with each tree
    newest.estimators_ = forest.estimators_[first:]
    return zip(newest.estimators_samples_, newest.estimators_, strict=True)


class _OutOfBag:
    """Sums up what trees say of the training items that they did not see."""

    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson
        self._sums = np.zeros((len(lesson.labels), max(lesson.classes, 1)))
        self._asked = np.zeros(len(lesson.labels), dtype=np.int64)

    def add(self, seen: NDArray[np.int32], tree: Any) -> None:  # noqa: ANN401
        """Ask one tree; `seen` are the items it was grown on."""
        unseen = np.ones(len(self._asked), dtype=bool)
        unseen[seen] = False
        if not unseen.any():
            return
        rows = self._lesson.features[unseen]
        said = tree.predict_proba(rows) if self._lesson.classes else tree.predict(rows)[:, None]
        self._sums[unseen] += said
        self._asked[unseen] += 1

    def error(self) -> float:
        """Return the error over the items that some tree did not see; NaN where there are none."""
        asked = self._asked > 0
        if not asked.any():
            return float("nan")
        labels = self._lesson.labels[asked]
        if self._lesson.classes:
            return float((self._sums[asked].argmax(1) != labels).mean())
        answers = self._sums[asked, 0] / self._asked[asked]
        return float(((answers - labels) ** 2).mean())


def boost(lesson: Lesson, config: HeadConfig, report: Report) -> Any:  # noqa: ANN401
    """Boost trees; the curve is accuracy (numbers: rank correlation) against rounds.

    All rounds stand in one call of scikit-learn, which would else bin all features anew each time
    it goes on; it asks for a score after each round, and that is where Stop is looked at.

    Args:
        lesson: What to learn.
        config: `trees` rounds.
        report: Asked after each round, told the curve.

    Returns:
        A HistGradientBoostingClassifier or HistGradientBoostingRegressor.

    Raises:
        JobCancelled: Stop was pressed.

    Source:
        Friedman 2001, Annals of Statistics 29, 1189–1232; binned as in Ke et al. 2017, "LightGBM",
        section 2.1. Settings are scikit-learn's.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    watch = _Watch(lesson, config.trees, report)
    shared = {
        "max_iter": config.trees,
        "random_state": lesson.seed,
        "early_stopping": True,  # asked for, and never granted: one round more than there are
        "n_iter_no_change": config.trees + 1,
        "validation_fraction": None,
        "scoring": watch,
    }
    if lesson.classes:
        model = HistGradientBoostingClassifier(**shared, class_weight=lesson.weights)
    else:
        model = HistGradientBoostingRegressor(**shared)
    held_out = {}
    if watch.seen.any():
        held_out["X_val"] = lesson.validation[watch.seen]
        held_out["y_val"] = lesson.validation_labels[watch.seen]
    model.fit(lesson.features, lesson.labels, **held_out)
    watch.tell(whole=True)
    # Nothing of ours stays in what is stored.
    model.set_params(scoring="loss", early_stopping=False, n_iter_no_change=10)
    model._scorer = None
    model.train_score_ = model.validation_score_ = np.zeros(0)
    return model


class _Watch:
    """What scikit-learn asks for a score: after each round on training, then validation items.

    Attributes:
        seen: (M,) whether the class of a validation item occurs in training: scikit-learn takes no
            others, and answers none of them right.
    """

    def __init__(self, lesson: Lesson, rounds: int, report: Report) -> None:
        self._lesson = lesson
        self._rounds = rounds
        self._report = report
        self.seen = np.ones(len(lesson.validation_labels), dtype=bool)
        if lesson.classes:
            self.seen = lesson.validation_labels != UNSEEN
        self._teller = CurveTeller(report, "rounds", lesson.measure)
        self._places = set(spread(rounds, _ROUND_PLACES))
        self._calls = 0
        self._at: list[float] = []
        self._train: list[float] = []
        self._validation: list[float] = []

    def __call__(
        self,
        model: Any,  # noqa: ANN401 - scikit-learn is untyped
        features: NDArray[np.uint8],
        labels: NDArray[Any],
        sample_weight: object = None,
    ) -> float:
        """Return the score of a model in the making; 0 where nobody looks at it."""
        del sample_weight  # curves are told without class weights, as losses are
        both = bool(self.seen.any())
        done, on_validation = divmod(self._calls, 2) if both else (self._calls, 0)
        self._calls += 1
        if not on_validation:
            self._report.check()
            self._report.progress(done, self._rounds, f"round {done:,}/{self._rounds:,}")
        if done not in self._places:
            return 0.0
        score = self._lesson.score(labels, model.predict(features))
        if on_validation:
            self._validation.append(score * float(self.seen.mean()))
        else:
            self._at.append(float(done))
            self._train.append(score)
            if not both:
                self._validation.append(0.0)  # all validation items are of unseen classes
        if len(self._validation) == len(self._at):
            self.tell()
        return score

    def tell(self, *, whole: bool = False) -> None:
        """Publish the curve so far."""
        self._teller.tell(
            self._at, self._validation, train=self._train, chosen=self._at[-1], whole=whole
        )
