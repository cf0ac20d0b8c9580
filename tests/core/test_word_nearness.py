"""Neighbours, ranks and the odd one out are gensim's."""

import numpy as np
import pytest

from fineview.core.analogies import nearness
from fineview.core.analogies.asking import Dictionary
from fineview.core.analogies.choice import NearnessChoice
from fineview.core.analogies.completion import Completion
from fineview.core.analogies.nearness import MOST_WORDS, UnknownWord, look_at
from fineview.core.errors import ConfigError, DataError
from fineview.core.progress import Silent
from tests.core.words_support import gensim_of, random_table, royal_table, table_of


def dictionary_of(vectors):
    return Dictionary(vectors, Completion(vectors))


def looked(vectors, text, **options):
    return look_at(dictionary_of(vectors), NearnessChoice(words=text, **options))


@pytest.mark.parametrize("block", [7, 64, 16_384])
def test_neighbours_and_cosines_are_gensims(monkeypatch, block):
    monkeypatch.setattr(nearness, "_BLOCK", block)
    vectors = random_table(500, 12)
    words = ("w3", "w499", "w0", "w250")
    found = looked(vectors, ", ".join(words), count=9)
    theirs = gensim_of(vectors)
    assert found.words == words
    for word, near in zip(words, found.near, strict=True):
        expected = theirs.most_similar(word, topn=9)
        assert [one.word for one in near] == [other for other, _ in expected]
        np.testing.assert_allclose(
            [one.score for one in near], [score for _, score in expected], atol=1e-6
        )
        assert all(vectors.words[one.row] == one.word for one in near)
    for i, one in enumerate(words):
        for j, other in enumerate(words):
            assert found.cosines[i, j] == pytest.approx(theirs.similarity(one, other), abs=1e-6)
    assert (np.diag(found.cosines) == 1).all()


@pytest.mark.parametrize("seed", range(6))
def test_the_odd_one_out_is_gensims(seed):
    vectors = random_table(60, 8, seed)
    words = [f"w{i}" for i in np.random.default_rng(seed).permutation(60)[: 3 + seed]]
    found, theirs = looked(vectors, "\n".join(words)), gensim_of(vectors)
    assert found.odd == theirs.doesnt_match(words)
    expected = {word: score for score, word in theirs.rank_by_centrality(words)}
    np.testing.assert_allclose(found.centre, [expected[word] for word in words], atol=1e-6)
    assert found.ranks is None


def test_two_words_have_gensims_ranks_both_ways(monkeypatch):
    monkeypatch.setattr(nearness, "_BLOCK", 64)
    vectors = random_table(300, 10)
    theirs = gensim_of(vectors)
    for one, other in (("w1", "w2"), ("w299", "w17"), ("w80", "w81")):
        found = looked(vectors, f"{one}; {other}")
        assert found.ranks == (theirs.rank(one, other), theirs.rank(other, one))
        assert (found.odd, found.centre) == ("", None)
    best = looked(vectors, "w1", count=1).near[0][0].word
    assert looked(vectors, f"w1, {best}").ranks[0] == 1


def test_words_are_read_at_commas_and_lines_and_count_once():
    found = looked(royal_table(), " King,queen ;\n\n prince\u2028king,, apple,")
    assert found.words == ("king", "queen", "prince", "apple")
    assert found.odd == "apple"
    assert found.near[0][0].is_input  # the prince, who was asked with
    phrase = table_of(["new_york", "york", "new"], np.eye(3))
    assert looked(phrase, "new york, york").words == ("new_york", "york")


def test_one_word_has_neighbours_and_nothing_to_be_compared_with():
    found = looked(royal_table(), "king", count=100)
    assert len(found.near[0]) == 9  # all the others
    assert found.cosines.tolist() == [[1.0]]
    assert (found.odd, found.centre, found.ranks) == ("", None, None)


def test_equal_neighbours_come_in_the_order_of_the_table(monkeypatch):
    monkeypatch.setattr(nearness, "_BLOCK", 2)
    vectors = table_of("abcdef", [[1, 0], [0, 1], [1, 1], [1, 1], [1, 1], [-1, 0]])
    found = looked(vectors, "a, f", count=2)
    assert [one.word for one in found.near[0]] == ["c", "d"]
    assert found.ranks == (5, 5)
    assert looked(vectors, "c, e").ranks == (1, 1)  # as near as d is


def test_words_that_cancel_have_no_odd_one():
    vectors = table_of("abcd", [[1, 0], [-1, 0], [0, 1], [0, -1]])
    assert looked(vectors, "a, b, c, d").odd == ""


def test_what_cannot_be_asked_is_said_with_the_remedy():
    vectors = royal_table()
    with pytest.raises(UnknownWord, match="'kign' is not among the 10 words of Tried") as caught:
        looked(vectors, "queen,  kign, woman")
    assert "'king'" in str(caught.value)
    unknown = caught.value.unknown
    assert unknown.near[0] == "king"
    assert "queen,  kign, woman"[unknown.start : unknown.end] == "kign"
    with pytest.raises(UnknownWord, match="another spelling or another word"):
        looked(vectors, "qqqqqqqqqq")
    with pytest.raises(DataError, match="no word to look at"):
        looked(vectors, " , ;\n")
    many = ", ".join(f"w{i}" for i in range(MOST_WORDS + 1))
    with pytest.raises(DataError, match="41 words are too many to be read: at most 40"):
        looked(random_table(50), many)
    with pytest.raises(ConfigError, match="Nearest words"):
        NearnessChoice(count=0)


def test_it_can_be_stopped_between_blocks(monkeypatch):
    class Stop(Exception):
        pass

    class Impatient(Silent):
        left = 2

        def check(self):
            self.left -= 1
            if not self.left:
                raise Stop

    monkeypatch.setattr(nearness, "_BLOCK", 100)
    with pytest.raises(Stop):
        look_at(dictionary_of(random_table(500)), NearnessChoice(words="w1"), Impatient())
