"""Mistakes of a run: errors, calibration, rates, label noise; figures beside scikit-learn's."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve

from fineview.core.data.items import TaskItems
from fineview.core.data.sample import with_shuffled_labels
from fineview.core.data.task import Task, TaskInfo
from fineview.core.errors import ConfigError, DataError, JobCancelled, RunError
from fineview.core.explore.choices import MistakesChoice
from fineview.core.explore.mistakes import HeldAnswers, RunAnswers, confused_pairs, wrong_rows
from fineview.core.explore.mistakes_calibration import (
    LEAST,
    MOST,
    SAMPLES,
    bin_edges,
    binned,
    brier,
    calibrate,
    expected_error,
    fit_temperature,
    loss,
    scale,
)
from fineview.core.explore.mistakes_noise import confident
from fineview.core.explore.mistakes_rates import Ranked, measure_rates
from fineview.core.explore.mistakes_resampling import resampled
from fineview.core.explore.mistakes_training import (
    ranked_candidates,
    ranked_hardest,
    training_texts,
)
from fineview.core.explore.mistakes_work import run_answers, save_rows
from fineview.core.progress import Silent
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import HeadConfig, TrainConfig
from fineview.core.training.metrics import scores, wilson
from fineview.core.training.strategy import default_strategy, default_training
from tests.core.features_support import StopAt
from tests.core.tiny import tiny_encoder_folder


def answered(labels, shares, classes=None, words=1):
    """Return answers of a run that never was: the same on both splits; `words` to a sentence."""
    count, width = shares.shape
    names = tuple(classes or (f"c{i}" for i in range(width)))
    every = np.arange(count, dtype=np.int64)
    info = TaskInfo(
        name="t", title="T", level="word" if words > 1 else "sentence", meaning="", source="",
        licence="",
    )  # fmt: skip
    sentences = [tuple(f"w{i}" for i in range(words))] * (count // words)
    task = Task(
        info=info,
        texts=tuple(" ".join(s) for s in sentences) if words > 1 else tuple(map(str, every)),
        words=tuple(sentences) if words > 1 else None,
        labels=labels,
        classes=names,
        splits={"train": every, "validation": every, "test": every},
    )
    items = TaskItems(task)
    held = HeldAnswers(
        split="test",
        items=every,
        labels=labels,
        answers=shares.argmax(1).astype(np.int64),
        shares=shares,
        units=items.units(every),
        score=0.0,
        interval=(0.0, 1.0),
        baseline=0.0,
    )
    return RunAnswers(
        run_id="r",
        run_title="r",
        label_kind="class",
        classes=names,
        items=items,
        held={"validation": replace(held, split="validation"), "test": held},
        commonest=names[0],
        training_shares=np.full(width, 1 / width),
    )


def drawn(count=400, width=4, seed=0, sharpness=2.0):
    """Return labels and probabilities that know something of them, with ties."""
    random = np.random.default_rng(seed)
    labels = random.integers(width, size=count)
    logits = random.normal(size=(count, width)) * sharpness
    logits[np.arange(count), labels] += 1.5
    shares = np.exp(logits - logits.max(1, keepdims=True)).round(2) + 1e-3
    return labels.astype(np.int64), shares / shares.sum(1, keepdims=True)


# What a run has answered


@pytest.fixture
def encoder(tmp_path):
    return str(tiny_encoder_folder(tmp_path / "tiny"))


@pytest.fixture
def run(lab, encoder):
    return lab.execute(RunSpec(encoder=encoder, training=TrainConfig(epochs=20))).run_id


def test_answers_are_those_that_the_result_was_measured_on(lab, run):
    answers = run_answers(lab, run)
    result = lab.runs.read(run).result
    for split, held in answers.held.items():
        found = scores(held.labels.astype(np.int64), held.shares)
        assert held.score == found.accuracy == result[split]["accuracy"]
        assert held.interval == found.interval
        assert found.loss == pytest.approx(result[split]["loss"], abs=1e-6)
        task = answers.items.task
        assert (task.labels[held.items] == held.labels).all()
        assert {answers.items.split(int(item)) for item in held.items} == {split}
    assert answers.held["test"].baseline == result["references"]["majority"]["test_accuracy"]
    said = answers.sentence("test")
    assert "on 110 test pairs; always answering “capital-world”: 0.1" in said


def test_errors_are_the_cells_off_the_diagonal(lab, run):
    answers = run_answers(lab, run)
    held, classes = answers.held["validation"], len(answers.classes)
    counts = np.array(lab.runs.read(run).result["confusion"])
    rows = wrong_rows(held)
    assert len(rows) == counts.sum() - counts.trace()
    assert (np.diff(held.confidence[rows]) <= 0).all()
    pairs = confused_pairs(held, classes)
    assert sum(pair.count for pair in pairs) == len(rows)
    assert [pair.count for pair in pairs] == sorted((p.count for p in pairs), reverse=True)
    top = pairs[0]
    assert top.first_as_second == counts[top.first, top.second] >= counts[top.second, top.first]
    one_way = wrong_rows(held, top.first, top.second)
    both = wrong_rows(held, top.first, top.second, mutual=True)
    assert (len(one_way), len(both)) == (top.first_as_second, top.count)
    assert (
        len(wrong_rows(held, top.first)) == counts[top.first].sum() - counts[top.first, top.first]
    )


def test_all_answers_right_leave_no_row():
    labels = np.array([0, 1, 1])
    shares = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    held = answered(labels, shares).held["test"]
    assert len(wrong_rows(held)) == 0
    assert confused_pairs(held, 2) == ()


def test_a_run_without_answers_says_why(lab, encoder):
    with pytest.raises(RunError, match="nowhere"):
        run_answers(lab, "nowhere")
    with pytest.raises(JobCancelled):
        lab.execute(RunSpec(encoder=encoder, training=TrainConfig(epochs=500)), StopAt(150))
    with pytest.raises(RunError, match="was stopped before it gave its answers"):
        run_answers(lab, lab.runs.list()[0].run_id)


def test_a_damaged_or_changed_run_is_refused(lab, run, monkeypatch):
    task = lab.task("word-relations")
    changed = replace(task, labels=np.roll(task.labels, 100))
    with monkeypatch.context() as patch:
        patch.setattr(lab, "task", lambda *_: changed)
        with pytest.raises(RunError, match="is not the one that the run"):
            run_answers(lab, run)
    fewer = replace(task, classes=(*task.classes, "one more"))
    with monkeypatch.context() as patch:
        patch.setattr(lab, "task", lambda *_: fewer)
        with pytest.raises(RunError, match="is not the one"):
            run_answers(lab, run)
    file = next(lab.runs.read(run).folder.rglob("predictions*"))
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(RunError, match="predictions"):
        run_answers(lab, run)
    with pytest.raises(RunError):  # it is listed as damaged now
        run_answers(lab, run)


# Calibration


@pytest.mark.parametrize(("binning", "strategy"), [("width", "uniform"), ("mass", "quantile")])
@pytest.mark.parametrize("width", [2, 4])
def test_bins_agree_with_scikit_learn(binning, strategy, width):
    labels, shares = drawn(width=width)
    held = answered(labels, shares).held["test"]
    right = held.right.astype(np.float64)
    edges = bin_edges(held.confidence, binning, 10)
    bins = binned(held.confidence, right, edges)
    accuracy, confidence = calibration_curve(right, held.confidence, n_bins=10, strategy=strategy)
    assert np.allclose([b.accuracy for b in bins], accuracy)
    assert np.allclose([b.confidence for b in bins], confidence)
    assert sum(b.count for b in bins) == len(labels)
    by_hand = sum(b.count * abs(b.accuracy - b.confidence) for b in bins) / len(labels)
    assert expected_error(held.confidence, right, edges) == pytest.approx(by_hand)
    assert bins[0].interval == wilson(round(bins[0].accuracy * bins[0].count), bins[0].count)


def test_equal_confidences_stay_in_one_bin():
    confidence = np.repeat([0.6, 0.8, 1.0], [50, 5, 100])
    edges = bin_edges(confidence, "mass", 10)
    bins = binned(confidence, np.ones(155), edges)
    assert [b.count for b in bins] == [50, 105]
    assert all(b.low < b.confidence <= b.high + 1e-9 for b in bins)


@pytest.mark.parametrize("width", [2, 5])
def test_brier_and_loss_agree_with_scikit_learn(width):
    labels, shares = drawn(width=width)
    shares = np.maximum(shares, 1e-9)
    proba = shares[:, 1] if width == 2 else shares
    assert brier(shares, labels) == pytest.approx(metrics.brier_score_loss(labels, proba))
    assert loss(shares, labels) == pytest.approx(metrics.log_loss(labels, shares))


def test_the_temperature_is_where_the_loss_is_least():
    labels, shares = drawn(2000, sharpness=3.0)
    found = fit_temperature(shares, labels)
    assert not found.at_bound
    assert found.value > 1
    best = loss(scale(shares, found.value), labels)
    for factor in (0.98, 1.02):
        assert loss(scale(shares, found.value * factor), labels) > best
    assert (scale(shares, found.value).argmax(1) == shares.argmax(1)).all()
    again = fit_temperature(scale(shares, 2.5), labels)
    assert again.value == pytest.approx(found.value / 2.5, rel=1e-6)


def test_temperatures_of_perfect_and_of_useless_answers_end_at_their_bounds():
    shares = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert fit_temperature(shares, np.array([0, 1])).value == LEAST
    useless = fit_temperature(shares, np.array([1, 0]))
    assert (useless.value, useless.at_bound) == (MOST, True)
    # What a forest of few trees answers: exactly 0 and 1, and not always rightly.
    sure = np.array([[1.0, 0.0]] * 9 + [[0.0, 1.0]])
    found = fit_temperature(sure, np.zeros(10, dtype=np.int64))
    assert scale(sure, found.value)[0, 0] == pytest.approx(0.9, abs=1e-6)


def test_scaling_makes_an_overconfident_head_calibrated_on_other_items():
    random = np.random.default_rng(1)
    logits = random.normal(size=(3000, 3)) * 2
    labels = (logits + random.gumbel(size=logits.shape)).argmax(1)
    shares = np.exp(3 * logits) / np.exp(3 * logits).sum(1, keepdims=True)
    parts = [answered(labels[half], shares[half]) for half in (slice(1500), slice(1500, None))]
    answers = replace(
        parts[1],
        held={"validation": parts[0].held["validation"], "test": parts[1].held["test"]},
    )
    found = calibrate(answers, "test", MistakesChoice())
    assert found.temperature.value == pytest.approx(3, rel=0.12)
    before, after = found.figures[:2]
    assert before.low < before.value < before.high
    assert before.low > after.high
    assert after.meaning == "Cannot be told from perfect calibration."
    assert before.meaning != after.meaning
    assert sum(b.count for b in found.scaled) == 1500
    assert "had no part in it" in found.note
    assert "flattering" in calibrate(answers, "validation", MistakesChoice()).note


def test_numbers_have_no_calibration_and_no_curves():
    answers = replace(answered(*drawn()), label_kind="number")
    with pytest.raises(DataError, match="labels are numbers"):
        calibrate(answers, "test", MistakesChoice())
    with pytest.raises(DataError, match="labels are numbers"):
        measure_rates(answers, "test", MistakesChoice())


def test_samples_are_drawn_with_replacement_and_words_by_whole_sentences():
    counts = list(resampled(50, 20, seed=0))
    assert all(one.sum() == 50 for one in counts)
    assert len({tuple(one) for one in counts}) == 20
    assert (counts[3] == list(resampled(50, 20, seed=0))[3]).all()
    # Twenty copies of every answer in one sentence each say nothing new; twenty texts would.
    labels, shares = drawn(200)
    alone = calibrate(answered(labels, shares), "test", MistakesChoice()).figures[0]
    every = np.repeat(labels, 20), np.repeat(shares, 20, axis=0)
    words = calibrate(answered(*every, words=20), "test", MistakesChoice()).figures[0]
    texts = calibrate(answered(*every), "test", MistakesChoice()).figures[0]
    assert words.value == pytest.approx(alone.value)
    assert words.high - words.low == pytest.approx(alone.high - alone.low)
    assert texts.high - texts.low < 0.5 * (words.high - words.low)


# Rates


@pytest.mark.parametrize("seed", [0, 1])
def test_curves_and_areas_agree_with_scikit_learn(seed):
    labels, shares = drawn(seed=seed)
    for index in range(4):
        ranked, truth = Ranked(shares[:, index], labels == index), labels == index
        fpr, tpr, _ = metrics.roc_curve(truth, shares[:, index], drop_intermediate=False)
        assert np.allclose(ranked.roc(), [fpr, tpr])
        precision, recall, _ = metrics.precision_recall_curve(truth, shares[:, index])
        assert np.allclose(ranked.precision_recall(), [recall[-2::-1], precision[-2::-1]])
        assert np.allclose(
            ranked.areas(),
            [
                metrics.roc_auc_score(truth, shares[:, index]),
                metrics.average_precision_score(truth, shares[:, index]),
            ],
        )
        weights = np.random.default_rng(seed + 9).integers(3, size=len(labels)).astype(float)
        assert np.allclose(
            ranked.areas(weights),
            [
                metrics.roc_auc_score(truth, shares[:, index], sample_weight=weights),
                metrics.average_precision_score(truth, shares[:, index], sample_weight=weights),
            ],
        )


def test_the_mean_over_classes_is_scikit_learns_macro_average():
    labels, shares = drawn()
    found = measure_rates(answered(labels, shares), "test", MistakesChoice())
    hot = np.eye(4)[labels]
    assert found.macro.auc.value == pytest.approx(metrics.roc_auc_score(hot, shares))
    precision = metrics.average_precision_score(hot, shares)
    assert found.macro.average_precision.value == pytest.approx(precision)
    for one in (*found.classes, found.macro):
        for area in (one.auc, one.average_precision):
            assert area.interval[0] < area.value < area.interval[1]
        assert (np.diff(one.roc) >= 0).all()
    # The drawn means enclose the areas that are told.
    recall, mean = found.macro.precision_recall
    assert (np.diff(recall) * mean[1:]).sum() == pytest.approx(precision, abs=2e-3)
    rates = found.macro.roc
    assert np.trapezoid(rates[1], rates[0]) == pytest.approx(found.macro.auc.value, abs=2e-3)
    assert found.of_class("c2").index == 2
    assert found.of_class("of another task").index == 0
    assert sum(one.base_rate for one in found.classes) == pytest.approx(1)


def test_a_class_that_never_occurs_has_no_curve_and_two_classes_have_one():
    labels, shares = drawn(width=3)
    labels = np.where(labels == 0, 1, labels)
    found = measure_rates(answered(labels, shares), "test", MistakesChoice())
    assert not found.classes[0].defined
    assert found.classes[0].auc.interval is None
    assert found.of_class("").index == 1
    assert found.macro.auc.value == np.mean([one.auc.value for one in found.classes[1:]])
    assert "No curve for “c0”" in found.note
    two = measure_rates(answered(*drawn(width=2)), "test", MistakesChoice())
    assert [one.name for one in two.classes] == ["c1"]
    assert two.macro is None
    alike = measure_rates(
        answered(np.zeros(50, np.int64), drawn(50, 2)[1]), "test", MistakesChoice()
    )
    assert not alike.of_class("").defined
    assert alike.samples == 0


def test_a_hundred_thousand_words_are_measured_and_drawn_by_few_points():
    labels, shares = drawn(100_000, 3)
    shares += np.random.default_rng(0).random(shares.shape) * 1e-3
    answers = answered(labels, shares / shares.sum(1, keepdims=True), words=20)

    class Told(Silent):
        checks = 0

        def check(self):
            self.checks += 1
            if self.checks > 120:  # far into the bootstrap: what is measured is there by then
                raise JobCancelled

    with pytest.raises(JobCancelled):
        measure_rates(answers, "test", MistakesChoice(), Told())
    with pytest.raises(JobCancelled):
        calibrate(answers, "test", MistakesChoice(), StopAt(3))
    few = Ranked(answers.held["test"].shares[:, 0], labels == 0)
    from fineview.core.explore.mistakes_rates import _thinned

    whole = few.roc()
    drawn_points = _thinned(whole)
    assert whole.shape[1] > 50_000
    assert drawn_points.shape[1] < 5_000
    area = np.trapezoid(drawn_points[1], drawn_points[0])
    assert area == pytest.approx(few.areas()[0], abs=1e-3)


# Training texts


def test_confident_learning_by_hand():
    shares = np.array(
        [[0.9, 0.1, 0.0], [0.7, 0.2, 0.1], [0.2, 0.8, 0.0],
         [0.1, 0.8, 0.1], [0.8, 0.2, 0.0], [0.34, 0.33, 0.33]]
    )  # fmt: skip
    labels = np.array([0, 0, 0, 1, 1, 1])
    found = confident(labels, shares)
    # Thresholds: class 0 (0.9 + 0.7 + 0.2) / 3 = 0.6, class 1 (0.8 + 0.2 + 0.33) / 3 = 0.443…
    assert np.allclose(found.thresholds[:2], [0.6, 1.33 / 3])
    assert np.isnan(found.thresholds[2])  # given to none, so never suggested
    assert found.suggested.tolist() == [0, 0, 1, 1, 0, -1]
    assert found.joint.tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert found.candidate.tolist() == [False, False, True, False, True, False]
    assert np.allclose(found.confidence, [0.9, 0.7, 0.2, 0.8, 0.2, 0.33])
    assert np.allclose(found.margin, [0.8, 0.5, -0.6, 0.7, -0.6, -0.01])
    # Calibrated: 3 items a label, a third and a half of them elsewhere.
    assert found.share == pytest.approx((3 / 3 + 3 / 2) / 6)
    assert ranked_candidates(found, "margin").tolist() == [2, 4]


def test_flipped_labels_are_found():
    random = np.random.default_rng(3)
    truth = random.integers(3, size=900)
    logits = random.normal(size=(900, 3)) + 3 * np.eye(3)[truth]
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    flipped = random.random(900) < 0.1
    given = np.where(flipped, (truth + 1) % 3, truth)
    found = confident(given, shares)
    assert found.share == pytest.approx(flipped.mean(), abs=0.05)
    for rank in ("margin", "confidence"):
        assert flipped[ranked_candidates(found, rank)[:50]].mean() > 0.9


def test_a_run_judges_the_texts_that_it_was_trained_on(lab, run):
    found = training_texts(lab, run, MistakesChoice())
    record = lab.runs.read(run)
    task = lab.task("word-relations")
    assert (found.items == task.splits["train"]).all()
    assert found.losses.mean() == pytest.approx(record.result["train"]["loss"], abs=1e-5)
    right = float((found.answers == found.labels).mean())
    assert right == pytest.approx(record.result["train"]["accuracy"], abs=1e-6)
    rows = ranked_hardest(found)
    assert (np.diff(found.losses[rows]) <= 0).all()
    assert 0 < found.noise.candidate.sum() < len(found)
    assert "the run's own features" in found.notes[-2]
    assert "the commonest class with 17.0%" in found.notes[-1]
    fewer = training_texts(lab, run, MistakesChoice(items=100))
    assert len(fewer) == 100
    assert "100 of 330 training pairs were drawn" in fewer.notes[0]
    same = np.isin(found.items, fewer.items)
    assert np.allclose(found.losses[same], fewer.losses, atol=1e-4)


def test_labels_that_were_dealt_out_anew_are_the_candidates(lab):
    spec = RunSpec(control="shuffled-labels", training=TrainConfig(epochs=1))
    run = lab.execute(spec).run_id
    found = training_texts(lab, run, MistakesChoice())
    task = lab.task("word-relations")
    dealt = with_shuffled_labels(task, spec.seed)
    assert (found.labels == dealt.labels[found.items]).all()
    wrong = dealt.labels[found.items] != task.labels[found.items]
    assert wrong.mean() > 0.8
    assert found.noise.share > 0.7


@pytest.mark.parametrize("kind", ["full", "random-features", "classical"])
def test_every_course_of_a_run_is_judged(lab, encoder, kind):
    spec = RunSpec(encoder=encoder, strategy=default_strategy(kind))
    training = replace(default_training(kind, 16), epochs=2)
    run = lab.execute(replace(spec, training=training)).run_id
    found = training_texts(lab, run, MistakesChoice())
    stored = lab.runs.read(run).result["train"]
    assert len(found) == 330
    near = 0.02 if kind == "full" else 1e-5  # an encoder in training is measured on a sample
    assert found.losses.mean() == pytest.approx(stored["loss"], abs=near)
    said = {
        "full": "as it was before this run",
        "random-features": "with random weights",
        "classical": "TF-IDF",
    }
    assert said[kind] in found.notes[-2]
    assert found.noise is not None


def test_heads_of_other_kinds_are_judged(lab, encoder):
    spec = RunSpec(encoder=encoder, head=HeadConfig(kind="centroid"))
    run = lab.execute(spec).run_id
    found = training_texts(lab, run, MistakesChoice())
    stored = lab.runs.read(run).result["train"]
    assert float((found.answers == found.labels).mean()) == pytest.approx(stored["accuracy"])


def test_learned_mixes_pairs_apart_and_token_weights_are_judged(lab, encoder):
    spec = RunSpec(encoder=encoder, training=TrainConfig(epochs=1))
    mixed = replace(spec.pooling, layers=(0, 1, 2), mix="weighted")
    apart = replace(spec.pooling, pair="separate")
    weighed = replace(spec.pooling, tokens="attention")
    for pooling in (mixed, apart, weighed):
        run = lab.execute(replace(spec, pooling=pooling)).run_id
        found = training_texts(lab, run, MistakesChoice(folds=2))
        assert found.noise is not None
        stored = lab.runs.read(run).result["train"]["loss"]
        assert found.losses.mean() == pytest.approx(stored, abs=1e-4)
    assert "the mean over tokens" in found.notes[-2]


def test_words_are_judged_by_whole_sentences(lab, encoder):
    spec = RunSpec(task="capitals", encoder=encoder, training=TrainConfig(epochs=1))
    spec = replace(spec, split=replace(spec.split, train_items=400, held_out_items=200))
    run = lab.execute(spec).run_id
    answers = run_answers(lab, run)
    assert answers.sentence("test").count("test words")
    held = answers.held["test"]
    assert (np.diff(held.units) >= 0).all()
    assert len(np.unique(held.units)) < len(held)
    found = training_texts(lab, run, MistakesChoice(items=100))
    assert 60 < len(found) <= 100
    task = lab.task("capitals", spec.split)
    assert np.isin(found.items, task.splits["train"]).all()
    units = found.index.units(found.items)
    every = found.index.units(task.splits["train"])
    # The tiny encoder spells, so that long sentences are cut: their ends are counted.
    whole = sum(int((every == one).sum()) for one in np.unique(units))
    assert f"{whole - len(found)} lie behind the maximum length of 128 tokens." in found.notes
    with pytest.raises(JobCancelled):
        training_texts(lab, run, MistakesChoice(items=100), StopAt(2))


def test_rows_go_to_a_file_whole_or_not_at_all(tmp_path):
    file = tmp_path / "rows.csv"
    rows = [("=1+1", 0.5, None), ("a\nb", 1, "x")]
    save_rows(("text", "p", "q"), rows, 2, file)
    with file.open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["text", "p", "q"], ["'=1+1", "0.5", ""], ["a\nb", "1", "x"],
        ]  # fmt: skip
    other = tmp_path / "other.csv"
    with pytest.raises(JobCancelled):
        save_rows(("text",), ([str(i)] for i in range(2000)), 2000, other, StopAt(3))
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]


def test_choices_are_checked():
    assert SAMPLES == 1000
    for bad in (
        {"view": "all"}, {"split": "train"}, {"training": "easy"}, {"rank": "loss"},
        {"binning": "equal"}, {"bins": 1}, {"folds": 1}, {"items": 5},
    ):  # fmt: skip
        with pytest.raises(ConfigError):
            MistakesChoice(**bad)
