"""PCA, t-SNE and alignment against scikit-learn, scipy and openTSNE."""

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from fineview.core.errors import ConfigError, DataError, JobCancelled
from fineview.core.features.alignment import aligned, procrustes
from fineview.core.features.neighbours import nearest
from fineview.core.features.projection import check_points, principal
from fineview.core.features.tsne import EXAGGERATED, ORDINARY, tsne, usable_perplexity
from tests.core.features_support import StopAt


def cloud(rows=120, width=20, seed=0):
    random = np.random.default_rng(seed)
    centres = random.normal(size=(3, width)) * 4
    return (centres[np.arange(rows) % 3] + random.normal(size=(rows, width))).astype(np.float32)


@pytest.mark.parametrize(("rows", "width"), [(120, 20), (1100, 8), (15, 40)])
@pytest.mark.parametrize("count", [2, 3])
def test_components_are_those_of_scikit_learn_with_its_signs(rows, width, count):
    features = cloud(rows, width)
    found = principal(features, count)
    pca = PCA(count, svd_solver="full").fit(features.astype(np.float64))
    np.testing.assert_allclose(found.components, pca.components_, atol=1e-9)
    np.testing.assert_allclose(found.coordinates, pca.transform(features), atol=2e-5)
    np.testing.assert_allclose(found.shares, pca.explained_variance_ratio_, atol=1e-12)


def test_directions_beyond_the_rank_are_left_at_zero():
    line = np.outer(np.arange(6), [1.0, 2.0, 0.5]).astype(np.float32)
    found = principal(line, 3)
    assert found.shares[0] == pytest.approx(1)
    assert np.ptp(found.coordinates[:, 0]) > 1
    assert not found.coordinates[:, 1:].any()


def test_fewer_features_than_axes_leave_an_empty_axis():
    found = principal(cloud(10, 2), 3)
    assert found.coordinates.shape == (10, 3)
    assert found.shares[2] == 0
    assert not found.coordinates[:, 2].any()


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_neighbours_are_those_of_scikit_learn(distance):
    features = cloud(300, 12)
    found, far = nearest(features, 7, distance)
    finder = NearestNeighbors(n_neighbors=8, metric=distance, algorithm="brute")
    wanted_far, wanted = finder.fit(features).kneighbors(features)
    np.testing.assert_array_equal(found, wanted[:, 1:])
    np.testing.assert_allclose(far, wanted_far[:, 1:], atol=1e-5)
    some, _ = nearest(features, 7, distance, np.array([5, 250]))
    np.testing.assert_array_equal(some, found[[5, 250]])


def test_equal_points_are_neighbours_by_index_and_never_their_own():
    found, far = nearest(np.ones((9, 4), dtype=np.float32), 3, "euclidean")
    np.testing.assert_array_equal(found[0], [1, 2, 3])
    np.testing.assert_array_equal(found[2], [0, 1, 3])
    assert not far.any()


def test_more_neighbours_than_points_are_refused():
    with pytest.raises(DataError, match="use at least 6"):
        nearest(cloud(5), 5)
    with pytest.raises(ConfigError, match="'manhattan'"):
        nearest(cloud(5), 2, "manhattan")


def test_alignment_is_that_of_scipy_and_undoes_a_reflection():
    random = np.random.default_rng(1)
    fixed = random.normal(size=(50, 3))
    moving = random.normal(size=(50, 3))
    wanted, _ = orthogonal_procrustes(moving, fixed)
    np.testing.assert_allclose(procrustes(moving, fixed), wanted, atol=1e-12)
    flipped = fixed * [1, -1, 1] + [3, 0, 1]
    np.testing.assert_allclose(aligned(flipped, fixed), fixed - fixed.mean(axis=0), atol=1e-12)


def test_points_that_cannot_be_drawn_are_refused_in_a_sentence():
    with pytest.raises(DataError, match="at least 3 texts, not 2"):
        check_points(cloud(2))
    with pytest.raises(DataError, match="All 4 words have the same features"):
        check_points(np.ones((4, 3)), "words")
    broken = cloud(4)
    broken[1, 2] = np.nan
    broken[3, 0] = np.inf
    with pytest.raises(DataError, match="2 of 4 texts are not numbers"):
        check_points(broken)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_t_sne_keeps_neighbours_and_draws_the_same_again(dimensions):
    features = cloud(90)
    first = tsne(features, dimensions, perplexity=10, distance="euclidean")
    assert first.shape == (90, dimensions)
    assert trustworthiness(features, first, n_neighbors=8) > 0.8
    random = np.random.default_rng(0).normal(size=first.shape)
    assert trustworthiness(features, random, n_neighbors=8) < 0.6
    np.testing.assert_array_equal(tsne(features, dimensions, 10, "euclidean"), first)


def test_t_sne_shows_its_steps_on_the_way():
    frames = []
    last = tsne(cloud(150), perplexity=20, show=lambda *frame: frames.append(frame))
    total = EXAGGERATED + ORDINARY
    assert frames
    assert [done for _, done, _ in frames] == sorted({done for _, done, _ in frames})
    assert all(0 < done < total == told for _, done, told in frames)
    assert all(np.isfinite(coordinates).all() for coordinates, _, _ in frames)
    assert not np.array_equal(frames[0][0], last)


def test_t_sne_stops_at_the_very_step_that_is_told_to():
    for limit in (1, 40, 400):
        report = StopAt(limit)
        with pytest.raises(JobCancelled):
            tsne(cloud(40), perplexity=5, report=report)
        assert report.asked_after == 1


def test_a_warm_start_stays_near_the_picture_it_begins_from():
    features = cloud(90)
    first = tsne(features, perplexity=10)
    again = tsne(features + 0.01, perplexity=10, warm=first)
    apart = np.linalg.norm(again - first, axis=1).mean()
    assert apart < 0.2 * np.linalg.norm(first, axis=1).mean()


def test_perplexity_is_lowered_to_what_few_points_allow():
    assert usable_perplexity(30, 1000) == 30
    assert usable_perplexity(30, 31) == 10
    assert tsne(cloud(3), perplexity=30).shape == (3, 2)
