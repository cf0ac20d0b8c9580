"""Several tasks on one encoder: gradients against separate ones, remedies, together and alone."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from fineview.core.errors import ConfigError, JobCancelled, RunError
from fineview.core.progress import Silent
from fineview.core.runs.multitask import _members, train_tasks
from fineview.core.runs.multitask_study import Figure, TaskResult, TasksStudy, tasks_study_of
from fineview.core.runs.multitask_words import verdict
from fineview.core.training.multitask.balance import GradNorm, Uncertainty, projected
from fineview.core.training.multitask.config import TasksChoice, balance_note, choice_from_dict
from fineview.core.training.multitask.events import (
    GradientCosines,
    JointStep,
    agreement_of,
    matrix_of,
    pairs_of,
)
from fineview.core.training.multitask.loop import JointTraining, batch_sizes
from tests.core.tuning_support import encoder_folder, task_of

CHOICE = TasksChoice(
    tasks=("kinds", "lengths", "words"), items=0, held_out_items=0, max_length=20, batch_size=6,
    epochs=2, every=1, encoder_rate=1e-3,
)  # fmt: skip


class Told(Silent):
    """Keeps what is told; may stop."""

    def __init__(self, stop_at=None):
        self.events = []
        self._stop_at = stop_at

    def publish(self, event):
        self.events.append(event)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    def check(self):
        if self._stop_at is not None and len(self.of(JointStep)) >= self._stop_at:
            raise JobCancelled


class Bench:
    """A laboratory whose tasks are small."""

    def __init__(self, lab, folder):
        self.runs, self.studies, self.encoder = lab.runs, lab.studies, lab.encoder
        self.name = encoder_folder(folder)
        self._tasks = {
            "kinds": task_of(held_out=12),
            "lengths": task_of(numbers=True, train=30, held_out=10),
            "words": task_of("word", held_out=12),
            "few": task_of(train=8, held_out=4),
        }

    def task(self, name, split=None):
        task = self._tasks[name]
        return replace(task, info=replace(task.info, name=name, title=name.title()))


@pytest.fixture
def bench(lab, tmp_path):
    return Bench(lab, tmp_path / "tiny")


def training_of(bench, choice, told=None, total=8):
    source = bench.encoder(bench.name)
    source.load()
    told = told or Told()
    members = _members(source, [bench.task(name) for name in choice.tasks], choice, told)
    return JointTraining(source, [m.joint for m in members], choice, total=total, report=told)


def hash_of(model):
    found = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        found.update(name.encode() + tensor.numpy().tobytes())
    return found.hexdigest()


def separate_gradients(training):
    """Differentiate each task's loss by itself, by `autograd.grad`, with the step's dropout."""
    found = []
    parts = zip(
        training._tasks, training.models, training._objectives, training.texts(), strict=True
    )
    for task, model, objective, texts in parts:
        model.train()
        examples = task.train
        with training.draws(task):
            outputs = model(examples.batch(texts, model.padding))
            labels = examples.labels[torch.from_numpy(examples.rows(texts))]
            loss = objective.loss(outputs, objective.targets(labels))
            grads = torch.autograd.grad(loss, training.shared.parameters, allow_unused=True)
        pairs = zip(grads, training.shared.parameters, strict=True)
        found.append([torch.zeros_like(p) if g is None else g for g, p in pairs])
    return found


def flat(parts):
    return torch.cat([part.flatten().double() for part in parts])


def cosine(one, other):
    size = one.norm() * other.norm()
    return float(one @ other / size) if size > 0 else 0.0


# Gradients


def test_the_cosines_are_those_of_separate_gradients(bench):
    told = Told()
    training = training_of(bench, CHOICE, told)
    for _ in range(3):
        training.one_step()
    assert [event.step for event in told.of(GradientCosines)] == [2, 3]  # heads begin at 0
    grads = separate_gradients(training)
    training.one_step()
    found = told.of(GradientCosines)[-1]
    expected = [cosine(flat(grads[a]), flat(grads[b])) for a, b in pairs_of(3)]
    assert found.overall == pytest.approx(expected, abs=1e-6)
    assert found.norms == pytest.approx([float(flat(g).norm()) for g in grads], rel=1e-5)
    begin = 0
    for name, members in training.models[0].groups()[:-1]:
        end = begin + sum(parameter.requires_grad for _, parameter in members)
        if end == begin:
            continue
        expected = [cosine(flat(grads[a][begin:end]), flat(grads[b][begin:end]))
                    for a, b in pairs_of(3)]  # fmt: skip
        assert found.of(name) == pytest.approx(expected, abs=1e-6), name
        begin = end
    assert begin == len(training.shared.parameters)
    assert found.of("all") == found.overall
    matrix = np.array(matrix_of(found.overall, 3))
    assert (matrix == matrix.T).all()
    assert (matrix.diagonal() == 1).all()


def test_the_plain_sum_moves_the_encoder_by_the_sum_of_the_gradients(bench):
    training = training_of(bench, CHOICE)
    training.one_step()
    expected = [sum(parts) for parts in zip(*separate_gradients(training), strict=True)]
    losses, pulls = training.gradients(training.texts())
    training.shared.put(pulls, [1.0] * 3)
    for parameter, wanted in zip(training.shared.parameters, expected, strict=True):
        got = torch.zeros_like(wanted) if parameter.grad is None else parameter.grad
        assert torch.allclose(got, wanted, rtol=1e-4, atol=1e-7)
    assert all(np.isfinite(losses))


def test_pcgrad_projects_whole_gradients_of_tasks(bench):
    """Against algorithm 1 written out with the vectors themselves."""
    dice = np.random.default_rng(2)
    vectors = dice.normal(size=(4, 5))
    multiples = projected(vectors @ vectors.T, np.random.default_rng(7))
    order = np.random.default_rng(7)
    for one in range(4):
        left = vectors[one].copy()
        for place in order.permutation(3):
            other = int(place) + (place >= one)
            along = left @ vectors[other]
            if along < 0:
                left -= along / (vectors[other] @ vectors[other]) * vectors[other]
        assert multiples[one] @ vectors == pytest.approx(left)
    # Of two that conflict each ends at a right angle to the other; of two that agree neither moves.
    a, b = np.array([1.0, 0.0]), np.array([-1.0, 1.0])
    pair = np.stack([a, b])
    left = projected(pair @ pair.T, dice) @ pair
    assert left[0] @ b == pytest.approx(0)
    assert left[1] @ a == pytest.approx(0)
    # A projection of each parameter by itself would have taken the first entry away altogether.
    assert left.sum(0)[0] != 0
    assert (projected(np.array([[1.0, 0.5], [0.5, 2.0]]), dice) == np.eye(2)).all()


def test_pcgrad_is_what_the_encoder_is_moved_by(bench):
    choice = replace(CHOICE, tasks=("kinds", "lengths"), balance="pcgrad")
    told = Told()
    training = training_of(bench, choice, told)
    conflicts = 0
    for _ in range(8):
        grads = [flat(g) for g in separate_gradients(training)]
        product, sizes = float(grads[0] @ grads[1]), [float(g @ g) for g in grads]
        training.one_step()
        weights = told.of(JointStep)[-1].weights
        if product < 0:
            conflicts += 1
            expected = [1 - product / size for size in sizes]
            assert weights == pytest.approx(expected, rel=1e-3)
        else:
            assert weights == (1.0, 1.0)
    assert conflicts


# Weights that are learned


def test_uncertainty_follows_the_gradient_of_its_objective():
    balancer = Uncertainty(["class", "number"])
    losses = np.array([0.7, 1.9])
    for _ in range(3):
        s = balancer.log_variances.clone().requires_grad_()
        factors = torch.tensor([1.0, 0.5], dtype=torch.float64)
        objective = (factors * torch.exp(-s) * torch.from_numpy(losses) + s / 2).sum()
        (wanted,) = torch.autograd.grad(objective, s)
        assert balancer.gradients(losses) == pytest.approx(wanted.numpy())
        balancer.learn(losses, np.ones(2))
    weights, on_heads = balancer.weights(None, 3)
    assert (weights == on_heads).all()
    assert weights[0] < 1  # 0.7 > 1/2: the variance grows


def test_gradnorm_follows_the_gradient_of_its_objective_and_keeps_its_sum():
    balancer = GradNorm([2.0, 1.0], alpha=1.5)
    losses, last = np.array([1.0, 0.9]), np.array([3.0, 1.0])
    w = balancer.task_weights.clone().requires_grad_()
    sizes = w * torch.from_numpy(last)
    progress = torch.tensor([0.5, 0.9], dtype=torch.float64)
    aims = (sizes.mean() * (progress / progress.mean()) ** 1.5).detach()
    (wanted,) = torch.autograd.grad((sizes - aims).abs().sum(), w)
    assert balancer.gradients(losses, last) == pytest.approx(wanted.numpy())
    for _ in range(20):
        balancer.learn(losses, last)
    assert float(balancer.task_weights.sum()) == pytest.approx(2)
    assert balancer.task_weights[0] < 1 < balancer.task_weights[1]  # the second is small and lags
    before = balancer.task_weights.clone()
    balancer.learn(losses, np.zeros(2))  # heads at 0 pass nothing on
    assert (balancer.task_weights == before).all()


@pytest.mark.parametrize("balance", ["uncertainty", "gradnorm"])
def test_learned_weights_move_while_tasks_are_trained(bench, balance):
    told = Told()
    training_of(bench, replace(CHOICE, balance=balance), told, total=4).run()
    first, last = told.of(JointStep)[0].weights, told.of(JointStep)[-1].weights
    assert first == ((1.0, 0.5, 1.0) if balance == "uncertainty" else (1.0, 1.0, 1.0))
    assert last != first


# Together and alone


def test_a_study_tells_together_and_alone_and_comes_back_from_disk(bench):
    told = Told()
    source = bench.encoder(bench.name)
    source.load()
    before = hash_of(source.model)
    study = train_tasks(bench, bench.name, replace(CHOICE, every=2), told)
    assert hash_of(source.model) == before
    found = tasks_study_of(bench.studies.read(study.study_id))
    assert found == told.of(TasksStudy)[-1]
    assert found.status == "finished"
    assert found.title == "Kinds + Lengths + Words"
    assert [task.measure for task in found.tasks] == ["accuracy", "rank correlation", "accuracy"]
    steps = 2 * -(-30 // 6)  # the largest task sets how many; the others begin again
    phases = ["", "kinds", "lengths", "words"]
    for phase in phases:
        mine = [step.step for step in found.steps if step.phase == phase]
        assert mine == list(range(1, steps + 1))
    for result in found.results:
        assert not result.same
        assert result.difference.value == pytest.approx(result.together.value - result.alone.value)
        assert result.difference.low <= result.difference.value <= result.difference.high
        assert result.together.low <= result.together.value <= result.together.high
    assert [one.step for one in found.cosines] == list(range(2, steps + 1, 2))
    agreement = found.agreement
    overall = np.mean([one.overall for one in found.cosines], axis=0)
    assert agreement.overall == pytest.approx(overall)
    below = np.mean([value < 0 for one in found.cosines for value in one.overall])
    assert agreement.conflict_rate == pytest.approx(below)
    assert f"in {100 * below:.0f} % of the compared pairs" in found.text
    # The same seed, the same bits.
    again = tasks_study_of(train_tasks(bench, bench.name, replace(CHOICE, every=2)))
    assert (again.results, again.cosines) == (found.results, found.cosines)


def test_on_a_frozen_encoder_no_head_spoils_another(bench):
    told = Told()
    choice = replace(CHOICE, backbone="frozen", balance="pcgrad")
    training = training_of(bench, choice)
    before = hash_of(training.models[0].encoder)
    training.run()
    assert hash_of(training.models[0].encoder) == before
    assert all(p.abs().sum() > 0 for model in training.models for p in model.head.parameters())
    found = tasks_study_of(train_tasks(bench, bench.name, choice, told))
    assert all(result.same for result in found.results)
    assert all(result.difference.value == 0 for result in found.results)
    assert "no head spoils another" in found.text
    assert not told.of(GradientCosines)
    assert "no effect" in balance_note(choice)
    assert not balance_note(replace(choice, backbone="full"))


def test_only_the_last_blocks_move_where_that_is_asked(bench):
    training = training_of(bench, replace(CHOICE, backbone="last-k", top_layers=1))
    moving = {id(parameter) for parameter in training.shared.parameters}
    encoder = training.models[0].encoder
    still = {n: p.clone() for n, p in encoder.named_parameters() if id(p) not in moving}
    training.run()
    assert training.shared.groups == ("block 2",)
    assert still
    for name, parameter in encoder.named_parameters():
        if name in still:
            assert torch.equal(parameter, still[name]), name


def test_a_stop_keeps_what_was_measured(bench):
    with pytest.raises(JobCancelled):
        train_tasks(bench, bench.name, CHOICE, Told(stop_at=12))
    (study,) = bench.studies.list("tasks")
    found = tasks_study_of(study)
    assert found.status == "stopped"
    assert found.text.startswith("Stopped: Kinds alone, after 12 steps.")
    assert found.results[0].together is not None
    assert found.results[0].alone is None
    assert len(found.cosines) == 9


def test_a_wild_rate_ends_the_study_with_the_remedy(bench):
    with pytest.raises(RunError, match=r"left the numbers at step .*choose rates below"):
        train_tasks(bench, bench.name, replace(CHOICE, encoder_rate=1e9, head_rate=1e9))
    (study,) = bench.studies.list("tasks")
    assert study.status == "failed"
    assert "left the numbers" in study.text


# What is refused


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"tasks": ("kinds",)}, "tasks", "add another task"),
        ({"tasks": ("kinds", "few")}, "tasks", "fewer than 10"),
        ({"tokens": "first"}, "tokens", "'mean' fits every level"),
        ({"backbone": "last-k", "top_layers": 3}, "top_layers", "choose at most 2"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_kept(bench, changes, field, words):
    with pytest.raises(ConfigError, match=words) as caught:
        train_tasks(bench, bench.name, replace(CHOICE, **changes))
    assert caught.value.field == field
    assert bench.studies.list("tasks") == ()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"tasks": ["a", "a"]}, "tasks"),
        ({"tasks": list("abcdef")}, "tasks"),
        ({"balance": "hope"}, "balance"),
        ({"alpha": float("nan")}, "alpha"),
        ({"encoder_rate": 0}, "encoder_rate"),
        ({"curve": "x"}, "curve"),
        ({"tusks": 1}, "tusks"),
    ],
)
def test_values_from_outside_are_checked(values, field):
    with pytest.raises(ConfigError) as caught:
        choice_from_dict(values)
    assert caught.value.field == field


# Small parts


def test_batches_are_shared_out():
    assert batch_sizes([100, 20, 9], 16, "round-robin") == [16, 16, 9]
    assert batch_sizes([300, 100], 16, "proportional") == [24, 8]
    assert batch_sizes([1000, 1], 4, "proportional") == [8, 1]


def test_agreement_and_verdicts():
    assert agreement_of([]) is None
    events = [
        GradientCosines(step=1, groups=("a",), overall=(-1.0,), by_group=((-1.0,),), norms=(1, 4)),
        GradientCosines(step=2, groups=("a",), overall=(0.5,), by_group=((0.5,),), norms=(9, 1)),
    ]
    found = agreement_of(events)
    assert (found.overall, found.conflict_rate) == ((-0.25,), 0.5)
    assert found.norm_ratio == pytest.approx(6)

    def told(low, high, same=False):
        return verdict(TaskResult(difference=Figure(value=0, low=low, high=high), same=same))

    assert told(-0.2, -0.1) == "spoiled"
    assert told(0.1, 0.2) == "helped"
    assert told(-0.1, 0.1) == "not told apart"
    assert told(0, 0, same=True) == "the same"
    assert verdict(TaskResult()) == ""
