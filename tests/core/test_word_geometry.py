"""The parallelogram's numbers are those of the vectors; offsets, axes; completion."""

import numpy as np
import pytest

from fineview.core.analogies.completion import Completion
from fineview.core.analogies.geometry import Axis, along, offsets, parallelogram
from fineview.core.errors import DataError
from tests.core.words_support import random_table, royal_table, table_of


@pytest.mark.parametrize("unit", [True, False])
def test_the_parallelograms_numbers_agree_with_the_vectors(unit):
    vectors = random_table(50, 9)
    words = ("w1", "w2", "w3", "w4")
    found = parallelogram(vectors, words, unit=unit)
    a, b, c, d = (vectors.units[i] if unit else vectors.vector(i) for i in (1, 2, 3, 4))
    goal = c - a + b
    assert found.first_length == pytest.approx(np.linalg.norm(b - a), rel=1e-5)
    assert found.second_length == pytest.approx(np.linalg.norm(d - c), rel=1e-5)
    assert found.residual == pytest.approx(np.linalg.norm(d - goal), rel=1e-5)
    assert found.residual_share == pytest.approx(found.residual / found.first_length)
    cosine = (b - a) @ (d - c) / np.linalg.norm(b - a) / np.linalg.norm(d - c)
    assert found.angle == pytest.approx(np.degrees(np.arccos(cosine)), abs=1e-3)
    assert found.cosine == pytest.approx(
        d @ goal / np.linalg.norm(d) / np.linalg.norm(goal), rel=1e-4
    )
    # No plane holds more of the five points; one drawn at random holds less.
    points = np.stack([a, b, c, goal, d]).astype(np.float64)
    centred = points - points.mean(0)
    values = np.linalg.svd(centred, compute_uv=False) ** 2
    assert found.held == pytest.approx(values[:2].sum() / values.sum(), rel=1e-5)
    # Distances in the plane are never longer than the true ones.
    drawn = np.linalg.norm(found.points[:, None] - found.points, axis=2)
    true = np.linalg.norm(centred[:, None] - centred, axis=2)
    assert (drawn <= true + 1e-9).all()
    # a → b points to the right, and c lies above.
    assert found.points[1, 0] > found.points[0, 0]
    assert found.points[1, 1] == pytest.approx(found.points[0, 1])
    assert found.points[2, 1] >= found.points[0, 1]


def test_a_true_parallelogram_lies_in_its_plane():
    vectors = table_of("abcd", [[1, 1, 0], [2, 1, 0], [1, 3, 0], [2, 3, 0]])
    found = parallelogram(vectors, ("a", "b", "c", "d"), unit=False)
    assert found.held == pytest.approx(1)
    assert found.residual == pytest.approx(0, abs=1e-6)
    assert found.angle == pytest.approx(0, abs=0.05)
    np.testing.assert_allclose(found.points[3], found.points[4], atol=1e-6)


def test_words_in_one_place_cannot_be_drawn():
    vectors = table_of("abcd", np.ones((4, 3)))
    with pytest.raises(DataError, match="same vector"):
        parallelogram(vectors, ("a", "b", "c", "d"))


def test_offsets_of_one_relation_are_one_direction():
    vectors = royal_table()
    found = offsets(vectors, [("man", "woman"), ("king", "queen"), ("boy", "girl")])
    units = {w: vectors.units[vectors.index[w]].astype(np.float64) for w in vectors.words}
    every = np.stack([units[b] - units[a] for a, b in found.pairs])
    others = (every[1] + every[2]) / 2
    cosine = every[0] @ others / np.linalg.norm(every[0]) / np.linalg.norm(others)
    assert found.cosines[0] == pytest.approx(cosine)
    assert found.coherence > 0.8
    mixed = offsets(vectors, [("man", "woman"), ("apple", "king"), ("the", "boy")])
    assert mixed.coherence < found.coherence
    with pytest.raises(DataError, match="at least two pairs"):
        offsets(vectors, [("man", "woman")])


def test_words_lie_on_an_axis_by_their_cosine_with_it():
    vectors = royal_table()
    axis = Axis(("man", "king"), ("woman", "queen"))
    places = along(vectors, axis, ["prince", "princess"])
    assert places[0] < places[1]
    low = vectors.units[[1, 3]].mean(0)
    high = vectors.units[[2, 4]].mean(0)
    direction = (high - low) / np.linalg.norm(high - low)
    assert places[0] == pytest.approx(vectors.units[7] @ direction, abs=1e-6)
    with pytest.raises(DataError, match="same place"):
        along(vectors, Axis(("man",), ("man",)), ["king"])
    with pytest.raises(DataError, match="a word at each end"):
        along(vectors, Axis((), ("man",)), ["king"])


WORDS = ["the", "king", "kings", "kingdom", "King", "queen", "ring", "école", "quest", "kind"]


@pytest.fixture
def completion():
    return Completion(table_of(WORDS, np.random.default_rng(0).normal(size=(10, 3))))


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("king", ["king", "kings", "kingdom", "King"]),
        ("KING", ["king", "kings", "kingdom", "King"]),
        ("kingd", ["kingdom"]),
        ("e\u0301", ["école"]),
        ("x", []),
        ("qu", ["queen", "quest"]),
    ],
)
def test_words_are_completed_commonest_first(completion, prefix, expected):
    assert [WORDS[row] for row in completion.begins(prefix)] == expected
    assert [WORDS[row] for row in completion.begins(prefix, 2)] == expected[:2]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("kign", "king"),
        ("qeen", "queen"),
        ("kingdon", "kingdom"),
        ("ecole", "école"),
        ("teh", "the"),
    ],
)
def test_a_misspelled_word_finds_what_was_meant(completion, typed, first):
    assert WORDS[completion.meant(typed)[0]] == first


def test_nothing_like_it_is_not_offered(completion):
    assert completion.meant("zzzzzz") == []
    assert completion.meant("") == []
