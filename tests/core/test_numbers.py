"""Tasks whose labels are numbers, from a file to predictions."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error, r2_score

from fineview.core.data.reading import inspect, read
from fineview.core.data.split import fifths
from fineview.core.data.task import SPLITS
from fineview.core.errors import ConfigError, RunError
from fineview.core.features.config import PoolingConfig
from fineview.core.features.pooling import pool
from fineview.core.laboratory import Laboratory
from fineview.core.locations import Locations
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import HeadConfig, TrainConfig
from fineview.core.training.events import Evaluation, HeadCurve
from fineview.core.training.metrics import number_scores, spearman
from fineview.core.training.strategy import StrategyConfig
from tests.core.tiny import tiny_encoder_folder

WORTH = {"dull": -3.0, "noisy": -2.0, "long": -1.0, "warm": 1.0, "witty": 2.0, "superb": 4.0}
HEADS = {
    "linear": HeadConfig(),
    "mlp": HeadConfig(kind="mlp", width=16, dropout=0.0),
    "forest": HeadConfig(kind="forest", trees=30),
    "boosting": HeadConfig(kind="boosting", trees=15),
    "knn": HeadConfig(kind="knn", neighbours=5),
    "svm": HeadConfig(kind="svm"),
}
KEPT_EXACTLY = ("linear", "mlp", "knn", "svm")


def rows(n=240, seed=0):
    """Return (text, price): a price is what the words of its text are worth, and chance."""
    random = np.random.default_rng(seed)
    words, worth = list(WORTH), np.array(list(WORTH.values()))
    drawn = random.integers(len(words), size=(n, 4))
    texts = [f"a {' and '.join(words[w] for w in one)} film no {i}" for i, one in enumerate(drawn)]
    prices = 40 + 5 * worth[drawn].sum(1) + random.normal(size=n)
    return list(zip(texts, np.round(prices, 2).tolist(), strict=True))


def write(path, table, header=("review", "price")):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *table])
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workspace with a task of numbers, and one run of each head on it."""
    folder = tmp_path_factory.mktemp("numbers")
    locations = Locations(folder / "workspace", folder / "cache")
    encoder = str(tiny_encoder_folder(folder / "tiny"))
    lab = Laboratory(locations)
    try:
        plan = inspect([write(folder / "prices.csv", rows())]).plan
        with lab.shelf.library.staging() as staging:
            info = lab.shelf.library.keep(read(plan, staging))
        spec = RunSpec(
            task=info.name,
            encoder=encoder,
            pooling=PoolingConfig(layers=(1,)),
            training=TrainConfig(epochs=150, learning_rate=0.03),
        )
        runs = {kind: lab.execute(replace(spec, head=head)) for kind, head in HEADS.items()}
    finally:
        lab.close()
    return locations, plan, spec, runs


@pytest.fixture
def lab(made):
    lab = Laboratory(made[0])
    yield lab
    lab.close()


@pytest.fixture
def spec(made):
    return made[2]


@pytest.fixture
def runs(made):
    return made[3]


def test_a_column_of_numbers_makes_a_task_of_numbers(lab, made, spec):
    assert made[1].label_kind == "number"
    assert (made[1].column("text"), made[1].column("label")) == ("review", "price")
    task = lab.task(spec.task)
    assert (task.label_kind, task.classes, task.labels.dtype) == ("number", (), np.float64)
    assert task.labels.tolist() == [price for _, price in rows()]
    view = lab.task_view(spec.task)
    assert (view.label_kind, view.balance, view.items) == ("number", (), 240)
    # Every split has its share of cheap and dear.
    of = fifths(task.labels)
    for split in SPLITS:
        counts = np.bincount(of[task.splits[split]], minlength=5)
        assert counts.max() - counts.min() <= 2, split


@pytest.mark.parametrize("kind", HEADS)
def test_the_figures_are_those_of_scipy_and_scikit_learn(lab, spec, runs, kind):
    result = runs[kind].result
    task = lab.task(spec.task)
    stored = lab.runs.tensors(runs[kind].run_id, "predictions")
    for split in ("validation", "test"):
        labels = task.labels[stored[f"{split}.items"]]
        answers = stored[f"{split}.numbers"][:, 0].astype(float)
        found = result[split]
        assert found["loss"] == pytest.approx(mean_squared_error(labels, answers), rel=1e-4)
        assert found["r2"] == pytest.approx(r2_score(labels, answers), abs=1e-4)
        assert found["spearman"] == pytest.approx(spearmanr(labels, answers).statistic, abs=1e-3)
        low, high = found["interval"]
        assert low < found["spearman"] < high
    assert result["test_accuracy"] == result["test"]["spearman"]
    assert (result["metric"], result["label_kind"], result["classes"]) == ("spearman", "number", [])
    assert "confusion" not in result
    json.dumps(result, allow_nan=False)


@pytest.mark.parametrize("kind", HEADS)
def test_every_head_learns_and_says_so(lab, runs, kind):
    outcome = runs[kind]
    assert outcome.text.startswith(f"Rank correlation {outcome.result['test']['spearman']:.2f} on")
    assert "always answering the mean: 0;" in outcome.text
    assert outcome.result["test"]["r2"] > (0.5 if kind in ("linear", "svm") else 0.1)
    (summary,) = (one for one in lab.runs.list() if one.run_id == outcome.run_id)
    assert (summary.metric, summary.test_accuracy) == ("spearman", outcome.result["test_accuracy"])
    events = lab.runs.read(outcome.run_id).events
    last = [e for e in events if isinstance(e, Evaluation)][-1]
    assert np.isnan(last.accuracy)
    assert last.score == pytest.approx(outcome.result["validation"]["spearman"], abs=1e-3)
    # Losses are told in units of the variance of the training labels: 1 knows nothing of the text.
    task = lab.task(lab.runs.read(outcome.run_id).spec.task)
    variance = task.labels[task.splits["train"]].var()
    assert last.loss * variance == pytest.approx(outcome.result["validation"]["loss"], rel=1e-3)
    if kind in ("forest", "boosting", "knn", "svm"):
        (curve,) = (e for e in events if isinstance(e, HeadCurve))
        assert curve.measure == (
            "out-of-bag squared error" if kind == "forest" else "rank correlation"
        )


def test_the_linear_head_comes_to_the_ridge_of_scikit_learn(lab, spec, runs):
    task, run_id = lab.task(spec.task), runs["linear"].run_id
    optimum = runs["linear"].result["references"]["optimum"]
    assert runs["linear"].result["penalised_loss"] <= 1.15 * optimum["penalised_loss"]
    stored = lab.runs.tensors(run_id, "head")
    assert stored["linear.weight"].shape == (1, 16)
    # mean((w·x - y)²) + λ/2·‖w‖² is Ridge's sum of squares with α = N·λ/2.
    pooled = pool(lab.features(spec).states, spec.pooling, "sentence")
    train = task.splits["train"]
    x = (pooled[train] - stored["mean"]) * stored["scale"]
    y = (task.labels[train] - task.labels[train].mean()) / task.labels[train].std()
    ridge = Ridge(alpha=len(train) * spec.training.weight_decay / 2).fit(x, y)
    least = np.mean((ridge.predict(x) - y) ** 2)
    least += spec.training.weight_decay / 2 * np.sum(ridge.coef_**2)
    assert optimum["penalised_loss"] == pytest.approx(least, rel=1e-3)


def test_references_are_the_mean_and_terms_by_ridge(lab, spec, runs):
    references = runs["forest"].result["references"]
    task = lab.task(spec.task)
    mean = task.labels[task.splits["train"]].mean()
    assert references["majority"]["accuracy"] is None
    assert f"always answering the mean, {mean:.3g}" in references["majority"]["note"]
    assert 0.9 < references["tfidf"]["test_accuracy"] <= 1  # words decide the prices


@pytest.mark.parametrize("kind", HEADS)
def test_a_typed_text_gets_a_number(lab, spec, runs, kind):
    run_id = runs[kind].run_id
    stored = lab.runs.tensors(run_id, "predictions")
    task = lab.task(spec.task)
    item = int(stored["test.items"][3])
    said = lab.predict(run_id, task.texts[item])
    assert (said.probabilities, said.items) == ((), (task.texts[item],))
    train = task.labels[task.splits["train"]]
    assert said.usual == pytest.approx((train.mean(), train.std()))
    near = 0.05 if kind in KEPT_EXACTLY else train.std() / 2  # a tree may send it another way
    assert said.numbers[0] == pytest.approx(float(stored["test.numbers"][3, 0]), abs=near)
    if kind in ("linear", "svm"):
        good, bad = (lab.predict(run_id, f"a {w} and {w} and {w} film") for w in ("superb", "dull"))
        assert good.numbers[0] > bad.numbers[0] + 20


def test_answers_stand_beside_labels(lab, spec, runs):
    labels, answers, texts = lab.numbers_behind(runs["linear"].run_id)
    task = lab.task(spec.task)
    items = task.splits["validation"]
    assert (labels == task.labels[items]).all()
    assert texts == tuple(task.texts[i] for i in items)
    wanted = runs["linear"].result["validation"]["spearman"]
    assert spearman(labels, answers) == pytest.approx(wanted, abs=1e-3)
    with pytest.raises(RunError, match="tells numbers, not classes"):
        lab.examples_behind(runs["linear"].run_id, 0, 1)


@pytest.mark.parametrize("kind", ["linear", "forest"])
def test_a_file_is_labelled_with_numbers(lab, made, tmp_path, runs, kind):
    table = [*rows(n=300, seed=4), ("", 1.0)]
    file = write(tmp_path / "new.csv", [(text, "=1+1") for text, _ in table], ("review", "note"))
    plan = lab.labelling_plan(runs[kind].run_id, inspect([file]))
    assert plan.column("text") == "review"
    out = tmp_path / "out.csv"
    told = lab.label_file(runs[kind].run_id, plan, out)
    with out.open(encoding="utf-8", newline="") as stream:
        found = list(csv.reader(stream))
    assert found[0] == ["review", "note", "predicted"]
    assert found[1][1] == "'=1+1"
    assert (told.rows, told.judged, told.empty, told.counts) == (301, 300, 1, ())
    assert found[-1][2] == ""
    said = np.array([float(row[2]) for row in found[1:-1]])
    assert told.numbers == pytest.approx((said.min(), said.mean(), said.max()), rel=1e-4)
    assert told.text.startswith("300 numbers written, from ")
    assert spearman(np.array([price for _, price in table[:-1]]), said) > 0.5
    one = lab.predict(runs[kind].run_id, table[5][0]).numbers[0]
    assert said[5] == pytest.approx(one, abs=0.05 if kind == "linear" else 10)


@pytest.mark.parametrize(
    ("changes", "text", "field"),
    [
        ({"head": HeadConfig(kind="centroid")}, "nearest class mean head answers with cl", "kind"),
        ({"training": TrainConfig(class_weights="balanced")}, "are for classes", "class_weights"),
    ],
)
def test_what_is_for_classes_is_refused_in_a_sentence(lab, spec, changes, text, field):
    before = lab.runs.list()
    with pytest.raises(ConfigError, match=f"has numbers as labels.*{text}") as caught:
        lab.execute(replace(spec, **changes))
    assert caught.value.field == field
    assert lab.runs.list() == before


@pytest.mark.parametrize(
    "strategy", [StrategyConfig(kind="full"), StrategyConfig(kind="classical")]
)
def test_other_strategies_take_numbers_too(lab, spec, strategy):
    training = TrainConfig(epochs=1, batch_size=32, optimiser="adamw", learning_rate=1e-3)
    outcome = lab.execute(replace(spec, strategy=strategy, training=training))
    assert outcome.status == "finished"
    assert -1 <= outcome.result["test_accuracy"] <= 1
    assert len(lab.predict(outcome.run_id, "a warm film").numbers) == 1


def test_numbers_dealt_out_anew_teach_nothing(lab, spec, runs):
    spec = replace(spec, control="shuffled-labels")
    explained = [lab.execute(replace(spec, seed=s)).result["test"]["r2"] for s in range(4)]
    assert np.mean(explained) < 0.1  # one alone may hit upon a fitting direction
    assert runs["linear"].result["test"]["r2"] > 0.5


# Measures by hand


def test_number_scores_by_hand():
    labels, answers = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([1.0, 3.0, 2.0, 5.0, 5.0])
    found = number_scores(labels, answers)
    assert found.loss == pytest.approx((0 + 1 + 1 + 1 + 0) / 5)
    assert found.r2 == pytest.approx(1 - 0.6 / 2)
    # Ranks of the answers: 1, 3, 2, 4.5, 4.5.
    assert found.spearman == pytest.approx(8.5 / np.sqrt(10 * 9.5))
    assert found.items == 5


def test_constant_numbers_have_no_correlation():
    labels = np.array([1.0, 2.0, 3.0, 4.0])
    found = number_scores(labels, np.full(4, 2.0))
    assert np.isnan(found.spearman)
    assert found.interval == (-1.0, 1.0)
    assert np.isnan(number_scores(np.full(4, 2.0), labels).r2)
    assert number_scores(labels, labels).spearman == pytest.approx(1)
    assert number_scores(labels, -labels).spearman == pytest.approx(-1)


def test_a_run_that_answers_with_one_number_ends_well(lab, spec):
    # One leaf: fewer items than a leaf of a boosted tree has to hold.
    few = replace(spec, split=replace(spec.split, train_items=12), head=HEADS["boosting"])
    outcome = lab.execute(few)
    assert outcome.status == "finished"
    numbers = lab.runs.tensors(outcome.run_id, "predictions")["test.numbers"]
    assert np.ptp(numbers) == 0
    record = lab.runs.read(outcome.run_id)
    assert record.result["test"]["spearman"] is None
    assert outcome.text.startswith("There is no rank correlation on 48 unseen texts: ")
