"""Maps of words, offsets of many pairs, and bias axes, against straightforward arithmetic."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.decomposition import PCA

from fineview.core.analogies.asking import Dictionary
from fineview.core.analogies.bias import look_at_bias, told_apart
from fineview.core.analogies.completion import Completion
from fineview.core.analogies.debias import bias_direction, equalize, neutralize
from fineview.core.analogies.neighbourhood import word_map
from fineview.core.analogies.pairs import exchanged, mean_cosine, mean_share, pairs_picture
from fineview.core.analogies.picture_choices import BiasChoice, WordMapChoice
from fineview.core.errors import ConfigError, DataError
from tests.core.words_support import random_table, royal_table, table_of


def dictionary(vectors):
    return Dictionary(vectors, Completion(vectors))


@pytest.fixture
def drawn():
    return dictionary(random_table(600, 12))


@pytest.fixture
def royal():
    return dictionary(royal_table())


def test_a_map_has_the_words_and_their_nearest(drawn):
    vectors = drawn.vectors
    found = word_map(drawn, WordMapChoice(words="w3 w7, w11", count=4))
    assert found.words[:3] == ("w3", "w7", "w11")
    units = vectors.units.astype(np.float64)
    for at, word in enumerate(("w3", "w7", "w11")):
        row = vectors.index[word]
        order = np.argsort(-units @ units[row], kind="stable")[1:5]
        mine = {w for w, near in zip(found.words, found.near, strict=True) if near == at}
        assert mine <= {vectors.words[i] for i in order}
        for w in mine:
            cosine = found.cosines[found.words.index(w)]
            assert cosine == pytest.approx(units[row] @ units[vectors.index[w]], abs=1e-6)
    assert len(found.words) <= 15
    rows = units[[vectors.index[word] for word in found.words]]
    fit = PCA(2, svd_solver="full").fit(rows)
    np.testing.assert_allclose(found.shares, fit.explained_variance_ratio_, atol=1e-5)
    flat = fit.transform(rows)
    np.testing.assert_allclose(np.abs(found.places), np.abs(flat), atol=1e-4)
    assert found.faithful == pytest.approx(spearmanr(pdist(flat), pdist(rows)).statistic, abs=1e-3)
    np.testing.assert_allclose(found.components, rows[:3], atol=1e-7)


def test_tsne_has_no_shares_and_few_words_no_map(drawn):
    found = word_map(drawn, WordMapChoice(words="w1 w2 w3", count=5, projection="tsne"))
    assert found.shares is None
    assert found.places.shape == (len(found.words), 2)
    alone = word_map(drawn, WordMapChoice(words="w1 w2", count=0))
    assert not len(alone.places)
    assert alone.faithful is None


def test_words_that_are_not_there_are_told_with_spellings(royal):
    found = word_map(royal, WordMapChoice(words="king, quen, woman, boy"))
    (unknown,) = found.unknown
    assert (unknown.word, unknown.start, unknown.end) == ("quen", 6, 10)
    assert "queen" in unknown.near
    with pytest.raises(DataError, match="does not have 'quen'"):
        word_map(royal, WordMapChoice(words="quen"))
    with pytest.raises(DataError, match="no word to draw"):
        word_map(royal, WordMapChoice(words=" , "))
    many = " ".join(f"w{i}" for i in range(41))
    with pytest.raises(DataError, match="41 words are too many"):
        word_map(dictionary(random_table(60)), WordMapChoice(words=many))
    with pytest.raises(ConfigError):
        WordMapChoice(count=51)


def test_the_offsets_of_a_true_relation_are_one_direction(royal, tmp_path):
    choice = WordMapChoice(
        view="pairs", pairs="man woman, king : queen, boy → girl; prince princess, king, the the x"
    )
    found = pairs_picture(royal, choice, tmp_path)
    assert found.offsets.pairs[1] == ("king", "queen")
    assert found.uneven == ("king", "the the x")
    units, index = royal.vectors.units.astype(np.float64), royal.vectors.index
    offsets = np.array([units[index[b]] - units[index[a]] for a, b in found.offsets.pairs])
    unit = offsets / np.linalg.norm(offsets, axis=1, keepdims=True)
    every = [unit[i] @ unit[j] for i in range(4) for j in range(4) if i != j]
    assert found.cosine.here == pytest.approx(np.mean(every))
    mean = offsets.mean(0) / np.linalg.norm(offsets.mean(0))
    share = ((offsets @ mean) ** 2).sum() / (offsets**2).sum()
    assert found.energy.here == pytest.approx(share)
    assert found.cosine.here > found.cosine.shuffled_high > found.cosine.random
    assert found.verdict == "few"
    assert found.turned[:, 0].mean() == pytest.approx(found.turned_mean)
    assert found.turned[:, 1].mean() == pytest.approx(0, abs=1e-9)


def test_offsets_of_nothing_are_no_direction(drawn, tmp_path):
    pairs = ", ".join(f"w{i} w{i + 100}" for i in range(20))
    found = pairs_picture(drawn, WordMapChoice(view="pairs", pairs=pairs), tmp_path)
    assert found.verdict == "no"
    assert abs(found.cosine.here) < 0.1
    with pytest.raises(DataError, match="Two pairs or more"):
        pairs_picture(drawn, WordMapChoice(view="pairs", pairs="w1 w2"), tmp_path)
    with pytest.raises(DataError, match="'zz' is not in this table"):
        pairs_picture(drawn, WordMapChoice(view="pairs", pairs="w1 zz, w3 w4"), tmp_path)


def test_exchanged_pairs_have_no_partner_left():
    orders = exchanged(6, np.random.default_rng(0), 50)
    assert orders.shape == (50, 6)
    assert not (orders == np.arange(6)).any()
    one = np.random.default_rng(1).normal(size=(3, 5, 4))
    assert mean_cosine(one).shape == mean_share(one).shape == (3,)
    assert mean_share(one[:, :1])[0] == pytest.approx(1)


def test_the_axis_is_the_first_component_of_the_differences():
    dice = np.random.default_rng(0)
    axis = np.eye(8)[2]
    middles = dice.normal(size=(6, 8))
    first = middles - np.outer(dice.uniform(1, 2, 6), axis)
    second = middles + np.outer(dice.uniform(1, 2, 6), axis)
    found, shares = bias_direction(first, second, principal=True)
    np.testing.assert_allclose(found, axis, atol=1e-9)
    assert shares[0] == pytest.approx(1)
    # sklearn's own on the words around the middles of their pairs, as the paper has it.
    halves = (second - first) / 2 + dice.normal(scale=0.1, size=(6, 8))
    peer = PCA(1).fit(np.concatenate([halves, -halves])).components_[0]
    found, _ = bias_direction(-halves, halves, principal=True)
    np.testing.assert_allclose(np.abs(found), np.abs(peer), atol=1e-6)
    with pytest.raises(DataError, match="cancel"):
        bias_direction(np.stack([axis, -axis]), np.stack([-axis, axis]), principal=False)


def test_hard_debiasing_does_what_the_paper_says():
    dice = np.random.default_rng(3)
    axis = dice.normal(size=9)
    axis /= np.linalg.norm(axis)
    words = dice.normal(size=(12, 9))
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    before = words.copy()
    neutral = neutralize(words, axis)
    np.testing.assert_array_equal(words, before)  # the table stays as it is
    np.testing.assert_allclose(neutral @ axis, 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(neutral, axis=1), 1)
    one, other = equalize(words[:6], words[6:], axis)
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm(other, axis=1), 1)
    np.testing.assert_allclose(one @ axis, -(other @ axis))
    # Every neutral word is as far from the one as from the other.
    np.testing.assert_allclose(neutral @ one.T, neutral @ other.T, atol=1e-12)


def test_words_on_an_axis_of_bias_and_what_survives():
    dice = np.random.default_rng(5)
    # A bias that lies along two directions at once: taking one away leaves the other.
    lean = np.repeat([-1.0, 1.0], 450)
    matrix = dice.normal(size=(904, 10)) * 0.6
    matrix[4:, 0] += lean
    matrix[4:, 1] += lean
    matrix[[0, 2], :2] -= (2.0, 0.0)
    matrix[[1, 3], :2] += (2.0, 0.0)
    letters = [chr(97 + i // 26 // 26) + chr(97 + i // 26 % 26) + chr(97 + i % 26)
               for i in range(904)]  # fmt: skip
    table = dictionary(table_of(letters, matrix))
    words = " ".join(letters[4::60])
    choice = BiasChoice(pairs=f"{letters[0]} {letters[1]}", equal="", words=words)
    choice = replace(choice, pairs=f"{choice.pairs}, {letters[2]} {letters[3]}", direction="mean")
    found = look_at_bias(table, choice)
    assert list(found.before) == sorted(found.before)
    np.testing.assert_allclose(found.after, 0, atol=1e-12)
    left = found.survival
    assert left.accuracy_before > 0.95
    assert left.accuracy_after > 0.8
    assert left.correlation_after > 0.3
    assert not found.specific.any()
    own = look_at_bias(table, replace(choice, words=f"{words} {letters[0]}"))
    assert own.specific.sum() == 1
    assert own.after[own.specific][0] == pytest.approx(own.before[own.specific][0])
    equal = look_at_bias(table, replace(choice, equal=f"{letters[9]} {letters[700]}"))
    assert equal.equal[0].gap_after == pytest.approx(0, abs=1e-12)
    assert equal.equal[0].gap_before > 0.05


def test_a_classifier_on_noise_is_at_chance():
    dice = np.random.default_rng(0)
    table = dice.normal(size=(2000, 20))
    assert abs(told_apart(table, dice.normal(size=2000), 500) - 0.5) < 0.06


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"pairs": ""}, "The axis needs a pair"),
        ({"pairs": "kinga queena"}, "'kinga' is not in this table"),
        ({"words": "zzz"}, "There is no known word to be placed"),
        ({"pairs": "king king"}, "have the same vectors"),
    ],
)
def test_what_makes_no_axis_is_told(royal, changes, says):
    choice = replace(BiasChoice(pairs="man woman", words="king", equal=""), **changes)
    with pytest.raises(DataError, match=says):
        look_at_bias(royal, choice)
