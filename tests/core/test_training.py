"""The linear head: convergence to the optimum, resume, divergence, early stopping, live changes."""

import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from fineview.core.errors import ConfigError, JobCancelled, RunError
from fineview.core.progress import Silent
from fineview.core.training.config import TrainConfig
from fineview.core.training.events import Evaluation, SettingChanged, TrainStep
from fineview.core.training.heads import LinearHead
from fineview.core.training.loop import HeadTraining, TrainData
from fineview.core.training.metrics import confusion, macro_f1, scores, wilson
from fineview.core.training.objectives import CrossEntropy
from fineview.core.training.references import optimum


def blobs(n=300, width=12, classes=3, seed=0, layers=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (n, layers, width) if layers else (n, width)
    labels = torch.arange(n) % classes
    centres = torch.randn(classes, *shape[1:], generator=generator)
    features = centres[labels] * 0.6 + torch.randn(shape, generator=generator) * 3 + 5
    half = n * 2 // 3
    return TrainData((features[:half], labels[:half]), (features[half:], labels[half:]), classes)


class Watch(Silent):
    """Keeps events; stops at a step; changes settings at a step."""

    def __init__(self, stop_at=None, change_at=None):
        self.events = []
        self.stop_at = stop_at
        self.change_at = change_at or {}

    def publish(self, event):
        self.events.append(event)

    @property
    def step(self):
        return sum(isinstance(e, TrainStep) for e in self.events)

    def check(self):
        if self.stop_at is not None and self.step >= self.stop_at:
            raise JobCancelled

    def changes(self):
        return self.change_at.pop(self.step, {})


def of(kind, watch):
    return [e for e in watch.events if isinstance(e, kind)]


@pytest.mark.parametrize(("optimiser", "rate"), [("sgd", 0.1), ("momentum", 0.01), ("adam", 3e-3)])
def test_the_penalised_loss_comes_within_two_per_cent_of_the_optimum(optimiser, rate):
    data = blobs()
    config = TrainConfig(optimiser=optimiser, learning_rate=rate, epochs=150)
    watch = Watch()
    training = HeadTraining(data, config, report=watch)
    trained = training.run()
    best = optimum(training.head, training.train, training.validation, config.weight_decay)
    assert best.penalised_loss <= trained.last.penalised_loss <= 1.02 * best.penalised_loss
    assert len(of(TrainStep, watch)) == training.total
    assert of(Evaluation, watch)[0].train_loss == pytest.approx(math.log(3), abs=1e-5)


def test_the_optimum_is_that_of_scikit_learn():
    data = blobs()
    training = HeadTraining(data, TrainConfig(weight_decay=0.03))
    found = optimum(training.head, training.train, training.validation, 0.03)
    features, labels = (t.numpy() for t in training.train)
    peer = LogisticRegression(C=1 / (0.03 * len(labels)), tol=1e-8, max_iter=5000)
    peer.fit(features.astype(np.float64), labels)
    chosen = peer.predict_proba(features)[np.arange(len(labels)), labels]
    loss = -np.log(chosen).mean() + 0.015 * np.square(peer.coef_).sum()
    # Softmax with a penalty on W alone has its minimum where the classes' weights sum to zero, as
    # scikit-learn's do.
    assert found.penalised_loss == pytest.approx(loss, rel=1e-4)


def test_without_a_penalty_separable_data_have_no_optimum_and_it_says_why():
    data = blobs(n=30, width=40)
    training = HeadTraining(data, TrainConfig(weight_decay=0))
    found = optimum(training.head, training.train, training.validation, 0.0)
    assert found.penalised_loss is None
    assert "without weight decay" in found.note


def test_learned_layer_weights_have_no_optimum_and_find_the_useful_layer():
    data = blobs(n=600, layers=3)
    # Only layer 1 knows the label.
    for features, _ in (data.train, data.validation):
        features[:, [0, 2]] = torch.randn(features[:, [0, 2]].shape)
    config = TrainConfig(epochs=60, learning_rate=0.1, weight_decay=0.1)
    trained = HeadTraining(data, config).run()
    weights = trained.head.layer_weights()
    assert sum(weights) == pytest.approx(1)
    assert weights[1] == max(weights)
    found = optimum(trained.head, data.train, data.validation, 0.01)
    assert found.penalised_loss is None
    assert "non-convex" in found.note


@pytest.mark.parametrize("optimiser", ["sgd", "momentum", "adam", "adamw"])
@pytest.mark.parametrize("stop_at", [1, 37])
def test_a_stopped_training_goes_on_to_the_same_bits(optimiser, stop_at):
    data = blobs()
    config = TrainConfig(optimiser=optimiser, learning_rate=0.01, epochs=10)
    whole = HeadTraining(data, config, seed=3).run()

    saved = []
    broken = HeadTraining(
        data, config, seed=3, report=Watch(stop_at), save=lambda *given: saved.append(given)
    )
    with pytest.raises(JobCancelled):
        broken.run()
    broken.checkpoint()
    step, arrays, state = saved[-1]
    assert step == stop_at
    again = HeadTraining(data, config, seed=3)
    again.restore(step, arrays, state)
    resumed = again.run()
    assert resumed.steps == whole.steps
    for name, value in whole.head.to_arrays().items():
        assert np.array_equal(value, resumed.head.to_arrays()[name]), name


def test_a_senseless_rate_ends_as_diverged_with_a_sound_head():
    trained = HeadTraining(blobs(), TrainConfig(learning_rate=1e9)).run()
    assert trained.diverged
    assert all(np.isfinite(value).all() for value in trained.head.to_arrays().values())


def test_not_a_number_in_the_features_diverges_at_once():
    data = blobs()
    data.train[0][3, 2] = float("nan")
    trained = HeadTraining(data, TrainConfig()).run()
    assert trained.diverged
    assert trained.steps <= 20


def test_early_stopping_keeps_the_best_epoch():
    data = blobs(n=60, width=40)
    config = TrainConfig(weight_decay=0, epochs=300, patience=5, learning_rate=0.3)
    watch = Watch()
    trained = HeadTraining(data, config, report=watch).run()
    losses = [e.loss for e in of(Evaluation, watch)]
    assert trained.early
    assert trained.steps < 300 * 2
    assert trained.last.loss == pytest.approx(min(losses[1:]), rel=1e-6)


def test_settings_changed_in_flight_hold_from_the_next_step_and_are_recorded():
    watch = Watch(change_at={10: {"learning_rate": 0.5, "weight_decay": 0.2, "nonsense": 1}})
    HeadTraining(blobs(), TrainConfig(epochs=3), report=watch).run()
    rates = [e.learning_rate for e in of(TrainStep, watch)]
    assert rates[:10] == [0.1] * 10
    assert set(rates[10:]) == {0.5}
    changed = {(e.step, e.name, e.old, e.new) for e in of(SettingChanged, watch)}
    assert changed == {(10, "learning_rate", 0.1, 0.5), (10, "weight_decay", 0.01, 0.2)}


def test_balanced_class_weights_help_the_rare_class():
    generator = torch.Generator().manual_seed(1)
    labels = (torch.arange(600) % 20 == 0).long()
    features = torch.randn(600, 4, generator=generator) + labels[:, None] * 1.0
    data = TrainData((features[:400], labels[:400]), (features[400:], labels[400:]), 2)
    answers = {}
    for mode in ("none", "balanced"):
        trained = HeadTraining(data, TrainConfig(class_weights=mode, epochs=30)).run()
        outputs = trained.head(trained.head.standardise(data.validation[0]))
        answers[mode] = int((outputs.argmax(1) == 1).sum())
    assert answers["balanced"] > answers["none"]


def test_a_constant_feature_does_no_harm():
    data = blobs()
    data.train[0][:, 0] = 7.0
    data.validation[0][:, 0] = 7.0
    head = LinearHead.fitted(data.train[0], 3)
    standardised = head.standardise(data.train[0])
    assert torch.isfinite(standardised).all()
    assert standardised[:, 0].abs().max() < 1e-4
    assert standardised[:, 1:].std(0, correction=0).allclose(torch.ones(11), atol=1e-4)


def test_a_feature_that_barely_stirs_beside_the_others_is_left_alone():
    data = blobs()
    data.train[0][:, 0] = 1e-7 + 2e-9 * torch.randn(len(data.train[0]))
    head = LinearHead.fitted(data.train[0], 3)
    # A bias moved by one small step must not throw it off by thousands of deviations.
    assert head.scale[0] == 1
    assert (head.scale[1:] * data.train[0][:, 1:].std(0, correction=0)).allclose(torch.ones(11))


def test_a_head_comes_back_from_its_arrays_and_a_wrong_one_is_refused():
    trained = HeadTraining(blobs(layers=2), TrainConfig(epochs=2)).run()
    arrays = trained.head.to_arrays()
    again = LinearHead.from_arrays(arrays)
    x = torch.randn(5, 2, 12)
    assert torch.equal(trained.head(x), again(x))
    del arrays["linear.bias"]
    with pytest.raises(RunError, match="train it again"):
        LinearHead.from_arrays(arrays)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("learning_rate", 0),
        ("learning_rate", float("nan")),
        ("learning_rate", -1),
        ("batch_size", 0),
        ("epochs", 0),
        ("weight_decay", -0.1),
        ("patience", -1),
        ("optimiser", "sdg"),
        ("class_weights", "some"),
    ],
)
def test_settings_that_cannot_train_are_refused_by_name(field, value):
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**{field: value})
    assert caught.value.field == field
    assert str(value) in str(caught.value)


def test_scores_agree_with_scikit_learn():
    from sklearn.metrics import confusion_matrix, f1_score, log_loss

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 50)
    shares = rng.dirichlet(np.ones(4), 50)
    found = scores(labels, shares)
    answers = shares.argmax(1)
    assert found.macro_f1 == pytest.approx(f1_score(labels, answers, average="macro"))
    assert found.loss == pytest.approx(log_loss(labels, shares, labels=range(4)))
    counts = confusion(labels, answers, 4)
    assert np.array_equal(counts, confusion_matrix(labels, answers, labels=range(4)))
    assert macro_f1(np.zeros((2, 2), dtype=np.int64)) == 0.0


def test_wilson_interval_has_its_published_values():
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("layers", [0, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_closed_form_gradients_are_those_of_autograd(layers, weighted):
    data = blobs(layers=layers)
    head = LinearHead.fitted(data.train[0], 3)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(1))
    weights = torch.tensor([1.0, 2.0, 0.5]) if weighted else None
    x, labels = head.standardise(data.train[0][:7]), data.train[1][:7]
    each = torch.nn.functional.cross_entropy(head(x), labels, weight=weights, reduction="sum")
    loss = each / len(labels)
    wanted = torch.autograd.grad(loss, list(head.parameters()))
    targets = CrossEntropy(3, weights).targets(labels)
    assert head.loss_and_gradients(x, targets) == pytest.approx(loss.item(), rel=1e-5)
    for parameter, gradient in zip(head.parameters(), wanted, strict=True):
        assert torch.allclose(parameter.grad, gradient, atol=1e-6)


def test_plain_sgd_is_that_of_torch():
    from fineview.core.training.optimisers import PlainSGD

    def weights(make):
        parameter = torch.nn.Parameter(torch.arange(4.0))
        optimiser = make([{"params": [parameter], "weight_decay": 0.3}], lr=0.1)
        for _ in range(5):
            parameter.grad = torch.ones(4) * parameter.detach().sum()
            optimiser.step()
        return parameter.detach()

    assert torch.allclose(weights(PlainSGD), weights(torch.optim.SGD), rtol=1e-6)
