"""Agreement: of 3CosMul with gensim on real vectors, of a whole set on one and two threads."""

from contextlib import contextmanager
from dataclasses import asdict, replace

import numpy as np
import pytest

from fineview.core.analogies.benchmark import evaluate
from fineview.core.analogies.opening import open_vectors
from fineview.core.analogies.questions import load_questions
from fineview.core.analogies.solver_methods import METHODS
from tests.core.test_word_solver import asked
from tests.core.words_support import gensim_of

VOCABULARY = 20_000
TIE = 1e-5
"""Below this float32 decides by its rounding which of two words comes first."""


@pytest.fixture(scope="module")
def glove(tmp_path_factory):
    """The bundled vectors, converted once for this file."""
    return open_vectors("glove-50d", tmp_path_factory.mktemp("glove"))


@contextmanager
def threads(count):
    """Compute with so many threads, of torch and of numpy's BLAS, and put both back."""
    import torch
    from threadpoolctl import threadpool_info, threadpool_limits

    before = torch.get_num_threads()
    try:
        with threadpool_limits(count, user_api="blas"):
            torch.set_num_threads(count)
            pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
            assert {pool["num_threads"] for pool in pools} <= {count}
            assert torch.get_num_threads() == count
            yield
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_3cosmul_is_gensims_on_a_thousand_questions(glove):
    peer = gensim_of(
        replace(
            glove,
            words=glove.words[:VOCABULARY],
            units=glove.units[:VOCABULARY],
            lengths=glove.lengths[:VOCABULARY],
        )
    )
    dice = np.random.default_rng(7)
    ties = 0
    for _ in range(1000):
        a, b, c = (glove.words[row] for row in dice.choice(VOCABULARY, 3, replace=False))
        theirs = peer.most_similar_cosmul(positive=[b, c], negative=[a], topn=10)
        # Quoted, for words such as "+" and "2,000" are among them.
        found = asked(glove, f'"{a}" : "{b}" :: "{c}" : ?', "mul", limit=VOCABULARY)
        first = found.excluded[0]
        assert first.score == pytest.approx(theirs[0][1], rel=1e-5)
        near = [word for word, score in theirs if theirs[0][1] - score < TIE]
        ties += len(near) > 1
        assert first.word in near, (a, b, c)
    assert ties < 20  # else little was tested


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_whole_set_has_one_result_on_one_and_two_threads(glove, tmp_path, method):
    import torch

    before = torch.get_num_threads()
    questions = load_questions("google", tmp_path)
    results = []
    for count in (1, 2):
        with threads(count):
            results.append(asdict(evaluate(glove, questions, method=method, limit=10_000)))
    assert torch.get_num_threads() == before
    one, two = results
    assert one["totals"][-1]["covered"] > 5000
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)
