"""Relations given by several pairs: 3CosAvg and LRCos, filters, comparisons of two results."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fineview.core.analogies.asking import Dictionary, offered, reply
from fineview.core.analogies.benchmark import evaluate
from fineview.core.analogies.choice import AnalogyChoice, SetChoice
from fineview.core.analogies.completion import Completion
from fineview.core.analogies.examples import TargetWords, read_pairs
from fineview.core.analogies.questions import QuestionSet, Section
from fineview.core.analogies.set_work import AnsweredSet, compare
from fineview.core.errors import DataError
from tests.core.words_support import random_table, royal_table


@pytest.fixture
def royal():
    vectors = royal_table(noise=0.3)
    return Dictionary(vectors, Completion(vectors))


def asked(dictionary, **changes):
    return reply(
        dictionary, replace(AnalogyChoice(expression="man : woman :: king : ?"), **changes)
    )


def test_the_average_takes_the_mean_of_all_offsets(royal):
    units, index = royal.vectors.units.astype(np.float64), royal.vectors.index
    found = asked(royal, pairs="boy girl, prince princess", method="average")
    pairs = [("man", "woman"), ("boy", "girl"), ("prince", "princess")]
    goal = units[index["king"]] + np.mean([units[index[b]] - units[index[a]] for a, b in pairs], 0)
    scores = units @ goal / np.linalg.norm(goal)
    answers = found.solution.of("average")
    assert answers.excluded[0].word == "queen"
    assert answers.excluded[0].score == pytest.approx(scores[index["queen"]], abs=1e-6)
    order = [royal.vectors.words[i] for i in np.argsort(-scores)]
    assert [one.word for one in answers.allowed] == order
    # The words of the examples are words of the question, too.
    assert {one.word for one in answers.excluded} == {"queen", "the", "apple"}


def test_lrcos_is_a_probability_times_a_cosine(royal):
    vectors = royal.vectors
    found = asked(royal, pairs="boy girl; prince : princess", method="lrcos").solution.of("lrcos")
    assert found.excluded[0].word == "queen"
    first = np.array([vectors.index[word] for word in ("man", "boy", "prince")])
    second = np.array([vectors.index[word] for word in ("woman", "girl", "princess")])
    # Of ten words all that are no right word are drawn: the classifier can be fitted again.
    wrong = np.setdiff1d(np.arange(len(vectors)), second)
    rows = np.concatenate([np.sort(second), wrong])
    again = LogisticRegression(class_weight="balanced", max_iter=1000)
    again.fit(vectors.units[rows].astype(np.float64), np.arange(len(rows)) < 3)
    sure = again.predict_proba(vectors.units.astype(np.float64))[:, 1]
    target = TargetWords(vectors, first, second)
    np.testing.assert_allclose(target.probability(vectors.units), sure, atol=1e-4)
    queen = vectors.index["queen"]
    cosine = float(vectors.units[queen] @ vectors.units[vectors.index["king"]])
    assert found.excluded[0].score == pytest.approx(sure[queen] * cosine, abs=1e-4)


def test_a_pair_that_tells_the_answer_is_left_out(royal):
    told = asked(royal, pairs="boy girl, king queen", method="average").solution.of("average")
    plain = asked(royal, pairs="boy girl", method="average").solution.of("average")
    assert [(a.word, a.score) for a in told.excluded] == [(a.word, a.score) for a in plain.excluded]


def test_what_a_method_lacks_is_said(royal):
    alone = asked(royal, method="lrcos")
    assert alone.solution.of("lrcos") is None
    assert "LRCos learns from several pairs" in alone.lacking
    total = asked(royal, expression="king + woman", method="direction")
    assert "PairDirection answers only a : b :: c : ?" in total.lacking
    assert asked(royal, pairs="boy girl", method="lrcos").lacking == ""
    some = asked(royal, pairs="boy girl, knight dame, prince dame")
    assert some.examples.unknown == ("knight", "dame")
    assert some.examples.pairs == (("boy", "girl"),)
    assert "'boy girl man' is no pair" in asked(royal, pairs="boy girl man").problem


@pytest.mark.parametrize("text", ["boy", "boy boy", "a : b : c", ": girl"])
def test_parts_that_are_no_pairs(royal, text):
    with pytest.raises(DataError, match="is no pair: write two different words"):
        read_pairs(text, royal.spelled(False))


def test_pairs_may_be_phrases():
    table = {"new_york": "New_York", "albany": "Albany"}
    found = read_pairs("new york : albany,\n , ", lambda word: table.get(word.lower()))
    assert found.pairs == (("New_York", "Albany"),)


def test_only_words_that_pass_the_filters_are_answers(royal):
    found = asked(royal, pattern="^q|ss$").solution.of("add")
    assert [one.word for one in found.allowed] == ["queen", "princess"]
    assert asked(royal, skip=5).solution.of("add").allowed[0].row >= 5
    assert "'(' is no regular expression (missing ): ()" in asked(royal, pattern="(").problem
    assert "No word of the table passes" in asked(royal, pattern="zzz").problem
    assert "No word of the table passes" in asked(royal, skip=100).problem
    assert offered(royal.vectors, "", 0) is None


def test_a_pattern_takes_linear_time():
    # A backtracking engine would need 2 to the power of 40 steps for this.
    vectors = random_table(50)
    vectors.words[7] = "a" * 40 + "!"
    assert offered(vectors, "^(a+)+!", 0).sum() == 1
    with pytest.raises(DataError, match="passes the filters"):
        offered(vectors, "^(a+)+$", 0)


def test_case_counts_where_it_is_asked_for(royal):
    assert asked(royal, expression="MAN : woman :: king : ?").solution is not None
    found = asked(royal, expression="MAN : woman :: king : ?", exact_case=True)
    assert found.unknown[0].word == "MAN"


def test_two_results_are_compared_on_the_questions_both_cover():
    vectors = random_table(200, 6)
    dice = np.random.default_rng(5)
    rows = [tuple(vectors.words[i] for i in dice.choice(200, 4, replace=False)) for _ in range(90)]
    # Right answers are the nearest words of another method, so that some are right.
    set_ = QuestionSet(
        "own", "Tried", "", (Section("one", tuple(rows[:40])), Section("gram2", tuple(rows[40:])))
    )
    first = evaluate(vectors, set_)
    right = [
        (*row[:3], vectors.words[int(answer)])
        for row, answer in zip(rows, first.answer.tolist(), strict=True)
    ]
    set_ = replace(
        set_, sections=(Section("one", tuple(right[:40])), Section("gram2", tuple(right[40:])))
    )
    results = [
        AnsweredSet(SetChoice(), set_, vectors, evaluate(vectors, set_, **options), ())
        for options in ({}, {"method": "mul", "limit": 150})
    ]
    every, fewer = results
    assert fewer.result.totals[-1].covered < every.result.totals[-1].covered == 90
    table = {one.name: one for one in compare(every, fewer)}
    assert list(table) == ["semantic", "syntactic", "total", "one", "gram2"]
    total = table["total"]
    assert total.both == fewer.result.totals[-1].covered
    assert total.here == total.both  # all are right by the method they were made with
    assert total.there == fewer.result.totals[-1].right
    assert total.only_here == total.here - total.there > 0
    assert total.only_there == 0
    assert table["one"].both + table["gram2"].both == total.both
    back = {one.name: one for one in compare(fewer, every)}["total"]
    assert (back.here, back.there, back.only_there) == (total.there, total.here, total.only_here)
