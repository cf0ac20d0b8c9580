"""Word vectors of one's own: learnt from a real text, kept, opened again."""

import math
from pathlib import Path

import numpy as np
import pytest

from fineview.core.analogies.choice import OwnVectorsChoice
from fineview.core.analogies.opening import open_vectors
from fineview.core.analogies.own_vectors import (
    VectorsSeen,
    WordsLearnt,
    corpus_texts,
    own_tables,
    split_words,
    train_vectors,
)
from fineview.core.errors import ConfigError, DataError, JobCancelled
from fineview.core.progress import Silent


class Listener(Silent):
    """Keeps what is told; says Stop after so many chunks."""

    def __init__(self, chunks=10**9):
        self.learnt, self.seen, self._left = [], [], chunks

    def publish(self, event):
        (self.seen if isinstance(event, VectorsSeen) else self.learnt).append(event)
        self._left -= isinstance(event, WordsLearnt)

    def check(self):
        if self._left <= 0:
            raise JobCancelled


@pytest.fixture(scope="module")
def news():
    return corpus_texts("lee-news", None)


def small(**changes):
    return OwnVectorsChoice(**{"width": 30, "epochs": 3, "probes": "government, qzx", **changes})


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
@pytest.mark.parametrize("objective", ["negative", "hierarchical"])
def test_the_loss_falls_and_the_vectors_open_as_others_do(news, tmp_path, architecture, objective):
    told = Listener()
    choice = small(architecture=architecture, objective=objective)
    found = train_vectors(news, choice, tmp_path, told)
    passes = [math.ceil(one.epoch - 1e-9) for one in told.learnt]
    losses = [np.mean([e.loss for e, p in zip(told.learnt, passes, strict=True) if p == n])
              for n in (1, 3)]  # fmt: skip
    assert losses[1] < losses[0]
    assert told.learnt[-1].epoch == pytest.approx(3)
    table = open_vectors(str(found.folder), tmp_path)
    assert table.width == 30
    assert len(table) == found.info.words > 1500
    assert table.info.notes == ("3.0 of 3 epochs.",)
    (probe, near), (unknown, none) = told.seen[-1].probes
    row = table.index[probe]
    cosines = table.units @ table.units[row]
    cosines[row] = -1
    assert near[0][0] == table.words[int(cosines.argmax())]
    assert near[0][1] == pytest.approx(float(cosines.max()), abs=1e-5)
    assert (unknown, none) == ("qzx", ())
    assert [info.name for info in own_tables(tmp_path)] == [str(found.folder)]


def test_the_vectors_are_those_of_gensim_in_one_go(news, tmp_path):
    """The chunks hand the rate on as one long training would; CBOW with one worker is exact."""
    from gensim.models import Word2Vec

    choice = small(architecture="cbow", epochs=1)
    found = train_vectors(news, choice, tmp_path)
    table = open_vectors(str(found.folder), tmp_path)
    plain = Word2Vec(
        split_words(news), vector_size=30, window=5, sg=0, negative=5, min_count=5, seed=1,
        workers=1, epochs=1, batch_words=2000,
    )  # fmt: skip
    assert list(table.words) == plain.wv.index_to_key
    # The rate falls in other steps: nearly the same directions, not the same bits.
    common = np.sum(table.units * plain.wv.get_normed_vectors(), axis=1)[:200]
    assert np.median(common) > 0.99


@pytest.mark.parametrize("kind", ["word2vec", "fasttext"])
def test_the_same_seed_gives_the_same_vectors(news, tmp_path, kind):
    found = [
        train_vectors(news, small(kind=kind, epochs=1), tmp_path / place).info.fingerprint
        for place in ("a", "b")
    ]
    assert found[0] == found[1]


@pytest.mark.slow
def test_fasttext_knows_the_forms_of_words(news, tmp_path):
    """n-grams carry grammar: word2vec knows hardly any of it from so short a text."""
    said = {}
    for kind in ("word2vec", "fasttext"):
        told = Listener()
        train_vectors(news, small(kind=kind, width=100, epochs=12), tmp_path, told)
        said[kind] = told.seen[-1].accuracy
        assert math.isnan(told.learnt[-1].loss) == (kind == "fasttext")
    assert said["fasttext"] > said["word2vec"] + 0.1


def test_stop_keeps_what_was_learnt_and_nothing_half_written(news, tmp_path):
    with pytest.raises(JobCancelled):
        train_vectors(news, small(epochs=50), tmp_path, Listener(chunks=4))
    (info,) = own_tables(tmp_path)
    assert "of 50 epochs, then stopped." in info.notes[0]
    assert not list((tmp_path / "vectors").glob(".new-*"))
    with pytest.raises(JobCancelled):
        train_vectors(news, small(), tmp_path / "never", Listener(chunks=0))
    assert not own_tables(tmp_path / "never")


def test_what_cannot_be_learnt_from_is_said(news, tmp_path):
    with pytest.raises(DataError, match="9,999 times or more"):
        train_vectors(news, small(min_count=9999), tmp_path)
    with pytest.raises(DataError, match="Fewer than two words"):
        train_vectors(["", "12 34 🙂"], small(), tmp_path)
    with pytest.raises(ConfigError, match="is no file"):
        corpus_texts(str(tmp_path / "none.txt"), None)
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"good words\n\xff\xfe")
    with pytest.raises(DataError, match="no UTF-8 text"):
        corpus_texts(str(bad), None)
    good = tmp_path / "good.txt"
    good.write_text("\ufeffÉté l’été\nשלום\n", encoding="utf-8")
    assert split_words(corpus_texts(str(good), None)) == [["été", "l’été"], ["שלום"]]
    with pytest.raises(ConfigError, match="Numbers a word must be within"):
        small(width=1)
    assert Path(bad).exists()
