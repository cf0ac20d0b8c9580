"""Calibration, and whether a text says the right thing."""

import numpy as np
import pytest

from fineview.core.prompting import calibration
from fineview.core.prompting.matching import first_line, label_said, normalised, says


@pytest.fixture
def scores():
    return np.random.default_rng(0).normal(-5, 3, (20, 6))


def test_probabilities_sum_to_one(scores):
    found = calibration.probabilities(scores - 900)
    np.testing.assert_allclose(found.sum(1), 1)
    np.testing.assert_allclose(found, calibration.probabilities(scores))


def test_calibrated_content_free_probabilities_are_uniform(scores):
    one = scores[:1]
    np.testing.assert_allclose(calibration.contextual(one, calibration.bias(one)), 1 / 6)
    free = calibration.bias(scores[:3])
    assert free.sum() == pytest.approx(1)
    np.testing.assert_allclose(calibration.contextual(np.log(free), free), 1 / 6)
    np.testing.assert_allclose(calibration.pmi(scores[4], scores[4]), 1 / 6)


def test_contextual_is_the_papers_formula(scores):
    free = calibration.bias(scores[:3])
    shares = calibration.probabilities(scores)
    weighted = shares @ np.linalg.inv(np.diag(free)).T
    found = calibration.contextual(scores, free)
    np.testing.assert_allclose(found, weighted / weighted.sum(1, keepdims=True))
    assert (found.argmax(1) != shares.argmax(1)).any()


def test_pmi_is_a_ratio_of_probabilities(scores):
    premise = scores[0]
    ratio = np.exp(scores) / np.exp(premise)
    found = calibration.pmi(scores, premise)
    np.testing.assert_allclose(found, ratio / ratio.sum(1, keepdims=True))


def test_a_label_that_is_impossible_without_content_is_no_division_by_zero():
    found = calibration.contextual(np.array([[-1.0, -2.0]]), np.array([1.0, 0.0]))
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Sacramento.", "sacramento"),
        ("SAINT  PAUL", "saint paul"),
        ("Washington, D.C.", "washington d c"),
        ("Zu\u0308rich", "zürich"),
        ("Straße", "strasse"),
        ("-5", "-5"),
        ("−5", "-5"),
        ("3.14.", "3.14"),
        ("well-known", "well known"),
        (" ? ", "?"),
        ("हिन्दी!", "हिन्दी"),
        ("東京。", "東京"),
        ("", ""),
    ],
)
def test_normalised(text, expected):
    assert normalised(text) == expected


def test_first_line():
    assert first_line(" Sacramento\nand more") == "Sacramento"
    assert first_line(" Sacramento; the capital", (";",)) == "Sacramento"
    assert first_line("\n\n Paris") == "Paris"
    assert first_line(" \n ") == ""
    assert first_line("a", ("",)) == "a"


def test_what_says_the_right_thing():
    assert says("Lincoln, Nebraska", "Lincoln")
    assert not says("Charleston", "Charles")
    assert not says("New", "New York")
    assert not says("5", "-5")
    assert not says("", "x")
    assert not says("anything", " ")


def test_label_said_takes_the_longest_that_fits():
    words = (("good",), ("bad", "awful"), ("good enough",))
    assert label_said("Good!", words) == 0
    assert label_said("good enough for me", words) == 2
    assert label_said("AWFUL", words) == 1
    assert label_said("hm", words) is None
