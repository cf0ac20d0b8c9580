"""The layer map over a tiny encoder."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import bootstrap as scipy_bootstrap
from sklearn.metrics import f1_score

from fineview.core.errors import DataError, JobCancelled
from fineview.core.explore.choices import MapChoice
from fineview.core.explore.layer_map import LayerMap, measured_by
from fineview.core.explore.layer_map_rows import draw_rows
from fineview.core.explore.layer_map_scores import bootstrap, bootstrap_weights
from fineview.core.explore.layer_map_work import compute_map
from fineview.core.features.config import PoolingConfig
from fineview.core.laboratory import Laboratory
from fineview.core.models.encoder import open_encoder, random_name
from fineview.core.progress import Silent
from fineview.core.runs.spec import RunSpec
from tests.core.tiny import tiny_encoder_folder


class Listener(Silent):
    def __init__(self, stop_after=10**9):
        self.events: list[LayerMap] = []
        self.stop_after = stop_after

    def publish(self, event):
        self.events.append(event)

    def check(self):
        if len(self.events) >= self.stop_after:
            raise JobCancelled


@pytest.fixture
def lab(locations):
    lab = Laboratory(locations, "cpu")
    yield lab
    lab.close()


@pytest.fixture
def tiny(tmp_path):
    return str(tiny_encoder_folder(tmp_path / "tiny"))


def test_a_map_has_all_cells_and_is_the_same_again(lab, tiny):
    spec, choice = RunSpec(encoder=tiny), MapChoice(items=60, folds=3)
    listener = Listener()
    found = compute_map(lab, spec, choice, listener)
    assert found.complete
    assert len(found.trained) == 9 + 9
    assert len(found.cells) == 9 + 9 + 9
    assert [line.name for line in found.lines] == ["majority", "tfidf", "random"]
    assert sum(cell.accuracy.best for cell in found.cells) == 1
    assert all(c.accuracy.low <= c.accuracy.value <= c.accuracy.high for c in found.cells)
    counts = [len(event.cells) for event in listener.events]
    assert counts == sorted(counts)
    assert counts[-1] == 27
    again = compute_map(lab, spec, choice)
    assert again.cells == found.cells
    assert all(one.cached for one in again.passes)
    assert set(found.by_layer(tiny, "mean", "accuracy")) == {0, 1, 2}


def test_learned_token_weights_are_mapped_by_the_mean(lab, tiny):
    spec = RunSpec(encoder=tiny)
    learned = replace(spec, pooling=PoolingConfig(layers=(1,), tokens="attention"))
    choice = MapChoice(folds=2, items=60, controls=False)
    plain, found = compute_map(lab, spec, choice), compute_map(lab, learned, choice)
    assert [c.accuracy for c in found.cells] == [c.accuracy for c in plain.cells]
    assert any("mean" in note for note in found.notes)
    assert measured_by(spec, choice) == measured_by(learned, choice)
    assert found.by_layer(tiny, "attention", "accuracy") == plain.by_layer(tiny, "mean", "accuracy")


def test_stop_keeps_the_cells(lab, tiny):
    listener = Listener(stop_after=6)
    with pytest.raises(JobCancelled):
        compute_map(lab, RunSpec(encoder=tiny), MapChoice(items=60, folds=3), listener)
    assert 0 < len(listener.events[-1].cells) < 18


def test_words_are_drawn_by_whole_sentences(lab, tiny):
    spec = RunSpec(task="capitals", encoder=tiny, pooling=PoolingConfig(tokens="mean"))
    found = compute_map(lab, spec, MapChoice(items=50, folds=3, controls=False))
    assert found.rows <= 50
    assert found.tokens == ("first", "last", "mean")


def test_only_training_rows_are_taken(lab):
    task = lab.task("word-relations")
    rows = draw_rows(task, MapChoice(items=50))
    assert np.isin(rows.items, task.splits["train"]).all()
    poisoned = task.labels.copy()
    poisoned[task.splits["test"]] = 0
    again = draw_rows(replace(task, labels=poisoned), MapChoice(items=50))
    assert (rows.items == again.items).all()


def test_bad_input_is_told(lab):
    task = lab.task("word-relations")
    few = replace(task, splits={**task.splits, "train": task.splits["train"][:3]})
    with pytest.raises(DataError, match="fewer than the 5 folds"):
        draw_rows(few, MapChoice())
    equal = replace(task, texts=("a",) * len(task), second=("b",) * len(task))
    with pytest.raises(DataError, match="are equal"):
        draw_rows(equal, MapChoice())


def test_intervals_agree_with_scipy():
    random = np.random.default_rng(0)
    labels, answers = random.integers(0, 3, 200), random.integers(0, 3, 200)
    answers[:120] = labels[:120]
    weights = bootstrap_weights(200, 0, samples=4000)
    boots = bootstrap(labels, answers, 3, weights)
    ends = np.percentile(boots[0], (2.5, 97.5))
    right = (labels == answers).astype(float)
    expected = scipy_bootstrap((right,), np.mean, method="percentile", rng=1).confidence_interval
    assert ends == pytest.approx([expected.low, expected.high], abs=0.01)
    rows = np.repeat(np.arange(200), weights[0].astype(int))
    assert boots[1, 0] == pytest.approx(f1_score(labels[rows], answers[rows], average="macro"))


def test_random_weights_are_seeded_and_have_a_fingerprint_of_their_own(tiny, tmp_path):
    trained = open_encoder(tiny, tmp_path, "cpu")
    one, same, other = (open_encoder(random_name(tiny, s), tmp_path, "cpu") for s in (0, 0, 1))
    name = "encoder.layer.0.output.dense.weight"
    weight = one.model.state_dict()[name]
    assert (weight == same.model.state_dict()[name]).all()
    assert not (weight == other.model.state_dict()[name]).all()
    assert weight.std().item() == pytest.approx(0.3, rel=0.2)  # the folder's initializer_range
    assert len({e.info.fingerprint for e in (trained, one, other)}) == 3
    assert one.info.fingerprint == same.info.fingerprint
