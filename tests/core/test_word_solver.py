"""Answers against gensim, methods by hand, the exclusion rule, whole sets of questions."""

import numpy as np
import pytest

from fineview.core.analogies.benchmark import evaluate
from fineview.core.analogies.expression import read
from fineview.core.analogies.questions import (
    QuestionSet,
    Section,
    load_questions,
    load_similarities,
)
from fineview.core.analogies.scoring import Questions, Scorer
from fineview.core.analogies.similarity import similarity
from fineview.core.analogies.solver import solve
from fineview.core.analogies.solver_methods import METHODS
from fineview.core.errors import ConfigError, DataError, JobCancelled
from fineview.core.models.catalog import locate
from tests.core.features_support import StopAt
from tests.core.words_support import gensim_of, random_table, royal_table, table_of


def expression(vectors, text):
    return read(text, lambda word: word if word in vectors.index else None)


def asked(vectors, text, method="add", **options):
    return solve(vectors, expression(vectors, text), methods=(method,), **options).answers[0]


def test_the_answers_are_those_of_gensim():
    vectors = random_table()
    peer = gensim_of(vectors)
    dice = np.random.default_rng(3)
    for _ in range(50):
        a, b, c = (f"w{i}" for i in dice.choice(500, 3, replace=False))
        found = asked(vectors, f"{c} - {a} + {b}")
        theirs = peer.most_similar(positive=[b, c], negative=[a], topn=10)
        assert [one.word for one in found.excluded] == [word for word, _ in theirs]
        np.testing.assert_allclose(
            [one.score for one in found.excluded], [score for _, score in theirs], atol=1e-5
        )
        found = asked(vectors, f"{c} - {a} + {b}", "mul")
        theirs = peer.most_similar_cosmul(positive=[b, c], negative=[a], topn=10)
        assert [one.word for one in found.excluded] == [word for word, _ in theirs]
        np.testing.assert_allclose(
            [one.score for one in found.excluded], [score for _, score in theirs], rtol=1e-4
        )


def test_a_weighted_sum_is_gensims_too():
    vectors = random_table()
    found = asked(vectors, "0.5 * w1 + 2 * w2 - w3")
    theirs = gensim_of(vectors).most_similar(positive=[("w1", 0.5), ("w2", 2.0)], negative=["w3"])
    assert [one.word for one in found.excluded] == [word for word, _ in theirs]


def test_direction_and_distance_by_hand():
    vectors = random_table(60, 5)
    units = vectors.units.astype(np.float64)
    raw = units * vectors.lengths[:, None]
    a, b, c = 3, 4, 5
    offsets = units - units[c]
    with np.errstate(invalid="ignore"):
        cosines = offsets @ (units[b] - units[a]) / np.linalg.norm(offsets, axis=1)
    cosines /= np.linalg.norm(units[b] - units[a])
    order = np.argsort(-np.nan_to_num(cosines, nan=-2))
    found = asked(vectors, "w3 : w4 :: w5 : ?", "direction", count=20)
    expected = [f"w{i}" for i in order if i not in (a, b, c)][:20]
    assert [one.word for one in found.excluded] == expected
    assert found.excluded[0].score == pytest.approx(cosines[order[0]], abs=1e-5)
    distances = np.linalg.norm(raw - (raw[c] - raw[a] + raw[b]), axis=1)
    found = asked(vectors, "w3 : w4 :: w5 : ?", "euclidean", count=20)
    expected = [f"w{i}" for i in np.argsort(distances) if i not in (a, b, c)][:20]
    assert [one.word for one in found.excluded] == expected
    assert found.excluded[0].score == pytest.approx(np.sort(distances)[0], abs=1e-4)
    assert asked(vectors, "w7", "euclidean").allowed[0].score == pytest.approx(0, abs=1e-5)


def test_with_and_without_the_words_of_the_question():
    vectors = royal_table()
    found = solve(vectors, expression(vectors, "man : woman :: king : ?"), count=3)
    (answers,) = found.answers
    assert answers.excluded[0].word == "queen"
    assert not any(one.is_input for one in answers.excluded)
    inputs = [one.word for one in solve(
        vectors, expression(vectors, "man : woman :: king : ?"), count=10
    ).answers[0].allowed if one.is_input]  # fmt: skip
    assert set(inputs) == {"man", "woman", "king"}
    assert set(found.baselines) == {"woman", "king"}
    assert "king" not in [one.word for one in found.baselines["king"]]


def test_limit_and_filter_leave_words_out():
    vectors = random_table()
    found = asked(vectors, "w400 - w1 + w2", limit=50)
    assert all(one.row < 50 for one in (*found.excluded, *found.allowed))
    chosen = np.zeros(500, dtype=bool)
    chosen[[7, 8]] = True
    found = asked(vectors, "w400 - w1 + w2", allowed=chosen)
    assert {one.row for one in found.allowed} == {7, 8}
    assert len(asked(vectors, "w1", count=3).excluded) == 3


def test_a_table_smaller_than_the_count_gives_what_it_has():
    vectors = random_table(5, 3)
    found = asked(vectors, "w0 - w1 + w2", count=10)
    assert len(found.excluded) == 2
    assert len(found.allowed) == 5


@pytest.mark.parametrize(
    ("text", "says"),
    [("w0 - w0", "its words cancel"), ("w0 + zzz", "'zzz' is not among the 20 words")],
)
def test_what_has_no_answer_is_told(text, says):
    vectors = random_table(20, 3)
    with pytest.raises(DataError, match=says):
        asked(vectors, text)


def test_opposite_vectors_add_up_to_nothing():
    vectors = table_of(["up", "down", "side"], [[1, 0], [-1, 0], [0, 1]])
    with pytest.raises(DataError, match="add up to nothing"):
        asked(vectors, "up + down")


def test_the_highest_of_a_large_table_are_found():
    vectors = random_table(40_000, 6)
    for text in ("w39999 - w1 + w2", "w3 + w4", "w5"):
        found = asked(vectors, text, count=25)
        weights = {term.word: term.weight for term in expression(vectors, text).terms}
        goal = sum(w * vectors.units[vectors.index[word]] for word, w in weights.items())
        order = np.argsort(-(vectors.units @ goal), kind="stable")[:25]
        assert [one.row for one in found.allowed] == order.tolist()
    # All the same: the commonest come first.
    same = table_of([f"w{i}" for i in range(20_000)], np.ones((20_000, 2)))
    assert [one.row for one in asked(same, "w7", count=5).allowed] == [0, 1, 2, 3, 4]


def test_an_unknown_method_is_refused():
    with pytest.raises(ConfigError, match="There is no method 'best'"):
        asked(random_table(20, 3), "w1", "best")


# ---- whole sets


def question_set(vectors, sections=3, questions=40, seed=0):
    dice = np.random.default_rng(seed)
    parts = []
    for at in range(sections):
        rows = [
            tuple(vectors.words[i] for i in dice.choice(len(vectors), 4, replace=False))
            for _ in range(questions)
        ]
        parts.append(Section(("gram" if at else "") + str(at), tuple(rows)))
    return QuestionSet("own", "Tried", "", tuple(parts))


def by_hand(vectors, questions, method):
    """Answer each question alone, by the calculator."""
    found = []
    for part in questions.sections:
        pairs = [question[:2] for question in part.questions]
        for a, b, c, d in part.questions:
            text = f"{a} : {b} :: {c} : ?"
            answers = asked(vectors, text, method, count=len(vectors), pairs=pairs)
            # A set leaves out the words of a question, not those of the other pairs.
            without = [one.word for one in answers.allowed if one.word not in {a, b, c}]
            found.append(
                (without[0], answers.allowed[0].word, without.index(d) if d in without else -1)
            )
    return found


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tile", [7, 64, 1024])
def test_a_set_is_answered_as_one_question_at_a_time(method, tile):
    vectors = random_table(300, 6)
    questions = question_set(vectors)
    result = evaluate(vectors, questions, method=method, tile=tile)
    expected = by_hand(vectors, questions, method)
    words = vectors.words
    assert [words[row] for row in result.answer] == [one[0] for one in expected]
    assert [words[row] for row in result.answer_allowed] == [one[1] for one in expected]
    assert result.in_five.tolist() == [0 <= one[2] < 5 for one in expected]
    assert result.rank.tolist() == [one[2] + 1 for one in expected]
    total = result.totals[-1]
    assert (total.asked, total.covered) == (120, 120)
    assert total.right == sum(one[2] == 0 for one in expected)
    assert total.right_in_five == sum(0 <= one[2] < 5 for one in expected)


def test_every_section_is_counted_as_gensim_counts(tmp_path):
    vectors = royal_table()
    text = (
        ": family\nman woman king queen\nMan Woman boy girl\nman woman prince princess\n"
        "king queen man apple\n: gram1\nking queen unknown woman\nboy girl prince princess\n"
    )
    file = tmp_path / "questions.txt"
    file.write_text(text)
    questions = load_questions(str(file), tmp_path)
    result = evaluate(vectors, questions)
    score, sections = gensim_of(vectors).evaluate_word_analogies(str(file))
    for mine, theirs in zip(result.sections, sections[:-1], strict=True):
        assert mine.name == theirs["section"]
        assert mine.right == len(theirs["correct"])
        assert mine.covered == len(theirs["correct"]) + len(theirs["incorrect"])
    assert result.totals[-1].accuracy(result.totals[-1].right) == pytest.approx(score)
    assert [one.name for one in result.totals] == ["semantic", "syntactic", "total"]
    assert result.totals[-1].asked == 6
    assert result.totals[-1].covered == 5


def test_the_average_offset_does_not_know_the_answer():
    # Each pair has a direction of its own: the others' mean cannot know it.
    width = 12
    starts = np.eye(width)[:4] * 3
    ends = starts + np.eye(width)[4:8] * 2
    words = [f"s{i}" for i in range(4)] + [f"e{i}" for i in range(4)]
    vectors = table_of(words, np.concatenate([starts, ends]))
    rows = tuple((f"s{i}", f"e{i}", f"s{j}", f"e{j}") for i in range(4) for j in range(4) if i != j)
    questions = QuestionSet("own", "Tried", "", (Section("one", rows),))
    index = vectors.index
    asked_rows = np.array([[index[word] for word in row] for row in rows])
    scorer = Scorer(vectors, Questions(asked_rows, np.zeros(len(rows), np.int64)), "average")
    units = vectors.units.astype(np.float64)
    for at, (_, _, c, d) in enumerate(rows):
        others = [units[index[f"e{k}"]] - units[index[f"s{k}"]] for k in range(4) if f"s{k}" != c]
        goal = units[index[c]] + np.mean(others, axis=0)
        scores = units @ goal / np.linalg.norm(goal)
        found = scorer.exact(np.arange(8), np.array([at]))[0]
        np.testing.assert_allclose(found, scores, atol=1e-7)
        assert d in words
    assert evaluate(vectors, questions, method="average").totals[-1].covered == 12


def test_case_is_as_asked():
    vectors = table_of(["Man", "man", "woman", "king", "queen"], np.eye(5) + 0.1)
    rows = (("man", "WOMAN", "king", "queen"),)
    questions = QuestionSet("own", "Tried", "", (Section("one", rows),))
    result = evaluate(vectors, questions)
    assert result.rows.tolist() == [[0, 2, 3, 4]]  # the commoner spelling
    assert vectors.words[result.answer[0]] == "queen"
    with pytest.raises(DataError, match="None of the 1 questions"):
        evaluate(vectors, questions, exact_case=True)


def test_a_set_can_be_stopped_and_refuses_strange_methods():
    vectors = random_table(3000, 6)
    with pytest.raises(JobCancelled):
        evaluate(vectors, question_set(vectors), tile=16, report=StopAt(3))
    with pytest.raises(ConfigError, match="no method 'best'"):
        evaluate(vectors, question_set(vectors), method="best")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (": one\nman woman king\n", r"Line 2 of q.txt has 3 words, 'man woman king'"),
        ("", "holds no question"),
        (": empty\n", "holds no question"),
    ],
)
def test_files_of_questions_that_are_none(tmp_path, text, says):
    (tmp_path / "q.txt").write_text(text)
    with pytest.raises(DataError, match=says):
        load_questions(str(tmp_path / "q.txt"), tmp_path)


@pytest.mark.parametrize("name", ["wordsim353", "simlex999"])
def test_similarities_agree_with_gensim(name):
    judged = load_similarities(name)
    dice = np.random.default_rng(2)
    words = sorted({word.lower() for pair in judged.pairs for word in pair[:2]})[10:]
    vectors = table_of(words, dice.normal(size=(len(words), 8)))
    found = similarity(vectors, judged)
    file = locate("google-analogies").parent / f"{name}.{'tsv' if name == 'wordsim353' else 'txt'}"
    _, theirs, missing = gensim_of(vectors).evaluate_word_pairs(str(file))
    assert found.spearman == pytest.approx(theirs.statistic, abs=1e-6)
    assert 0 < found.covered < found.asked
    assert missing == pytest.approx(100 * (1 - found.covered / found.asked))
