"""Probes against scikit-learn on the same folds."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from fineview.core.errors import DataError
from fineview.core.features.controls import tfidf_probabilities
from fineview.core.features.probes import make_folds, solve_probe


def blobs(classes, width=24, rows=180, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    centres = random.normal(size=(classes, width))
    features = (centres[labels] + 1.5 * random.normal(size=(rows, width)) + 3).astype(np.float32)
    return features, labels


@pytest.mark.parametrize(("classes", "width"), [(2, 24), (5, 24), (4, 400)])
def test_a_probe_agrees_with_scikit_learn(classes, width):
    features, labels = blobs(classes, width)
    features[:, 3] = 0.1  # constant: scikit-learn leaves it alone
    folds = make_folds(labels, 5)
    probe = solve_probe(features, labels, folds, 0.5)
    expected = np.zeros((len(labels), classes))
    for fold in range(5):
        train = folds.of != fold
        scaler = StandardScaler().fit(features[train])
        model = LogisticRegression(C=0.5, tol=1e-8, max_iter=20_000)
        model.fit(scaler.transform(features[train]), labels[train])
        expected[~train] = model.predict_proba(scaler.transform(features[~train]))
        shares = model.predict_proba(scaler.transform(features[train]))
        loss = -np.log(shares[np.arange(train.sum()), labels[train]]).sum()
        objective = 0.5 * loss + (model.coef_**2).sum() / 2
        assert probe.objective[fold] == pytest.approx(objective, rel=5e-4)
    assert np.abs(probe.probabilities - expected).max() < 5e-3
    assert (probe.probabilities.argmax(1) == expected.argmax(1)).mean() > 0.99
    assert probe.gradient.max() <= 6e-5


def test_held_out_rows_do_not_move_a_fold():
    features, labels = blobs(3)
    folds = make_folds(labels, 3)
    before = solve_probe(features, labels, folds)
    poisoned, wrong = features.copy(), labels.copy()
    held = folds.of == 0
    wrong[held] = (labels[held] + 1) % 3
    poisoned[held] += 5
    after = solve_probe(poisoned, wrong, folds)
    assert after.objective[0] == pytest.approx(before.objective[0], rel=1e-4)
    assert after.objective[1] != pytest.approx(before.objective[1], rel=1e-2)


def test_a_learned_mix_finds_the_layer_that_knows():
    features, labels = blobs(3)
    noise = np.random.default_rng(1).normal(size=features.shape).astype(np.float32)
    probe = solve_probe(np.stack([noise, features], 1), labels, make_folds(labels, 4))
    assert probe.shares.shape == (4, 2)
    assert (probe.shares[:, 1] > 0.6).all()


def test_a_class_that_a_fold_does_not_know_is_never_answered():
    features, labels = blobs(3)
    labels[labels == 2] = 1
    labels[7] = 2
    folds = make_folds(labels, 4)
    assert solve_probe(features, labels, folds).probabilities[7, 2] == 0


def test_too_few_rows_are_refused():
    with pytest.raises(DataError, match="3 training rows cannot be dealt into 5 folds"):
        make_folds(np.array([0, 1, 0]), 5)
    with pytest.raises(DataError, match="same label"):
        make_folds(np.zeros(9, dtype=np.int64), 3)
    assert make_folds(np.array([0, 0, 1, 1]), 4).count == 2


def test_tfidf_reads_words_and_is_blind_to_held_out_texts():
    texts = [f"{'good fine' if i % 2 else 'bad dull'} film number {i % 7}" for i in range(40)]
    labels = np.arange(40) % 2
    folds = make_folds(labels, 4)
    assert (tfidf_probabilities([texts], labels, folds).argmax(1) == labels).all()
    with pytest.raises(DataError, match="no words"):
        tfidf_probabilities([["a b c"] * 40], labels, folds)
