"""Numbers of a space against scikit-learn and scipy, on the same arrays."""

import numpy as np
import pytest
from scipy.linalg import svdvals
from scipy.stats import entropy
from sklearn.metrics import silhouette_score
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from fineview.core.features.measures import (
    class_separation,
    effective_rank,
    isotropy,
    knn_right,
    majority_share,
    neighbours_kept,
    silhouette,
)
from fineview.core.features.neighbours import nearest


def labelled(rows=90, width=10, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, rows)
    labels[labels == 2] = 5  # a class of the task that no row has
    features = random.normal(size=(rows, width)) + np.eye(6, width)[labels] * 1.5 + 0.3
    return features.astype(np.float32), labels.astype(np.int64)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_silhouette_is_that_of_scikit_learn(distance):
    features, labels = labelled()
    labels[7] = 4  # alone in its class
    wanted = silhouette_score(features.astype(np.float64), labels, metric=distance)
    assert silhouette(features, labels, distance) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_neighbours_vote_as_in_scikit_learn_leave_one_out(distance):
    features, labels = labelled()
    voter = KNeighborsClassifier(10, metric=distance, algorithm="brute")
    wanted = cross_val_predict(voter, features, labels, cv=LeaveOneOut())
    found, _ = nearest(features, 10, distance)
    assert knn_right(found, labels) == int((wanted == labels).sum())


def test_isotropy_is_one_less_the_mean_cosine_of_all_pairs():
    features, _ = labelled()
    cosines = cosine_similarity(features.astype(np.float64))
    wanted = 1 - cosines[~np.eye(len(features), dtype=bool)].mean()
    assert isotropy(features) == pytest.approx(wanted, abs=1e-6)
    with_zeros = np.concatenate([features, np.zeros((3, features.shape[1]), np.float32)])
    assert isotropy(with_zeros) == pytest.approx(wanted, abs=1e-6)
    assert isotropy(np.ones((5, 3), np.float32)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("rows", "width"), [(90, 10), (12, 30)])
def test_effective_rank_is_the_entropy_of_singular_values(rows, width):
    features, _ = labelled(rows, width)
    values = svdvals(features.astype(np.float64) - features.astype(np.float64).mean(axis=0))
    values[values < 1e-9 * values[0]] = 0
    wanted = np.exp(entropy(values / values.sum()))
    assert effective_rank(features) == pytest.approx(wanted, rel=1e-6)


def test_effective_rank_of_one_direction_is_one():
    line = np.outer(np.arange(20), [1.0, -2.0, 3.0]).astype(np.float32)
    assert effective_rank(line) == pytest.approx(1, abs=1e-6)


def test_separation_is_the_share_of_variance_between_classes():
    features, labels = labelled(1100)
    rows = features.astype(np.float64)
    within = sum(
        ((rows[labels == k] - rows[labels == k].mean(axis=0)) ** 2).sum() for k in np.unique(labels)
    )
    total = ((rows - rows.mean(axis=0)) ** 2).sum()
    assert class_separation(features, labels) == pytest.approx(1 - within / total, abs=1e-9)
    scaled = features * np.random.default_rng(0).uniform(1, 9, (len(features), 1))
    both = [class_separation(f.astype(np.float32), labels, "cosine") for f in (features, scaled)]
    assert both[0] == pytest.approx(both[1], abs=1e-6)


def test_neighbours_kept_counts_those_in_both():
    one = np.array([[1, 2, 3], [0, 2, 3]])
    other = np.array([[3, 4, 1], [4, 5, 6]])
    assert neighbours_kept(one, other) == pytest.approx((2 / 3 + 0) / 2)
    assert neighbours_kept(one, one[:, ::-1]) == 1


def test_majority_share():
    assert majority_share(np.array([0, 3, 3, 3])) == 0.75
