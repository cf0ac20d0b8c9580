"""The derivative kernel, the tangent model it belongs to, and what both say of a task."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from fineview.core.errors import ConfigError, JobCancelled
from fineview.core.explore.kernel import Held, KernelSpec
from fineview.core.explore.kernel_work import kernel_study
from fineview.core.features.config import PoolingConfig
from fineview.core.models.encoder import Encoder
from fineview.core.progress import Silent
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import HeadConfig
from fineview.core.training.strategy import StrategyConfig, default_strategy, default_training
from fineview.core.training.tuning.building import build_model, new_head
from fineview.core.training.tuning.examples import unlabelled
from fineview.core.training.tuning.kernel import (
    KernelRidge,
    alignment,
    label_kernel,
    label_targets,
    tangent_kernel,
)
from tests.core.features_support import StopAt
from tests.core.tiny import TEXTS, tiny_encoder_folder

CLASSES = 3
SENTENCES = [*TEXTS, "the film is quiet.", "no treat?", "seven layers, and 12 more of them."]


@pytest.fixture
def encoder(lab, tmp_path) -> Encoder:
    found = lab.encoder(str(tiny_encoder_folder(tmp_path / "tiny")))
    found.load()
    return found


def model_of(encoder, kind="full", trained=True):
    """Return a model in double precision; its head is as if trained: its weights are not 0."""
    head = new_head(PoolingConfig(), 16, 2, CLASSES, HeadConfig(), 0)
    if trained:
        with torch.no_grad():
            head.linear.weight.normal_(generator=torch.Generator().manual_seed(1))
    return build_model(
        encoder, StrategyConfig(kind=kind), PoolingConfig(), head, "sentence"
    ).double()


def jacobian(model, examples):
    """Return the derivative of all outputs of all texts, read in one batch: (N, C, P) a group."""
    model.eval()
    outputs = model(examples.batch(np.arange(len(SENTENCES)), model.padding))
    found = []
    for _, part in model.groups():
        weights = [p for _, p in part if p.requires_grad]
        rows = [
            torch.autograd.grad(one, weights, retain_graph=True, materialize_grads=True)
            for one in outputs.reshape(-1)
        ]
        flat = torch.stack([torch.cat([g.reshape(-1) for g in row]) for row in rows])
        found.append(flat.reshape(len(SENTENCES), CLASSES, -1))
    return found


def test_the_kernel_is_the_product_of_derivatives(encoder):
    model = model_of(encoder)
    examples = unlabelled(encoder, SENTENCES, None, None, 64)
    exact = torch.stack(
        [torch.einsum("ncp,mcp->nm", j, j) / CLASSES for j in jacobian(model, examples)]
    ).numpy()
    whole = tangent_kernel(model, examples, buckets=0)
    assert whole.names == ("embeddings", "block 1", "block 2", "head")
    assert np.allclose(whole.groups, exact, rtol=1e-9, atol=1e-12 * exact.max())
    assert np.allclose(whole.whole, exact.sum(0))
    some = tangent_kernel(model, examples, np.array([4, 1, 5]), buckets=0)
    assert np.allclose(some.whole, exact.sum(0)[np.ix_([4, 1, 5], [4, 1, 5])])
    # Sketched it errs, by no more than it should; on average over draws, less.
    lengths = np.sqrt(np.einsum("gnn->gn", exact))
    size = lengths[:, :, None] * lengths[:, None, :]
    draws = [tangent_kernel(model, examples, buckets=512, seed=10 * s).groups for s in range(8)]
    errors = (np.stack(draws) - exact) / size
    assert np.abs(errors[:, 3]).max() < 1e-9  # the head has fewer weights than buckets
    errors, bound = errors[:, :3], (2 / 512) ** 0.5
    assert 0.1 * bound < np.sqrt(np.square(errors).mean()) < bound
    assert np.abs(errors).max() < 5 * bound
    assert np.sqrt(np.square(errors.mean(0)).mean()) < 0.6 * np.sqrt(np.square(errors).mean())
    again = tangent_kernel(model, examples, buckets=512, seed=10)
    assert (again.groups == draws[1]).all()


def test_at_an_untrained_head_no_weight_of_the_encoder_counts(encoder):
    examples = unlabelled(encoder, SENTENCES, None, None, 64)
    found = tangent_kernel(model_of(encoder, trained=False), examples)
    assert (found.groups[:-1] == 0).all()
    assert (np.diag(found.groups[-1]) > 0).all()


def test_a_kernel_can_be_stopped_and_leaves_the_model_in_its_mode(encoder):
    model = model_of(encoder)
    model.train()
    examples = unlabelled(encoder, SENTENCES, None, None, 64)
    with pytest.raises(JobCancelled):
        tangent_kernel(model, examples, report=StopAt(7))
    assert model.training
    tangent_kernel(model, examples)
    assert model.training


def test_the_linearised_model_equals_the_full_one_to_first_order(encoder):
    full, tangent = model_of(encoder), model_of(encoder, "linearised")
    full.eval()
    examples = unlabelled(encoder, SENTENCES, None, None, 64)
    batch = examples.batch(np.arange(len(SENTENCES)), full.padding)
    random = torch.Generator().manual_seed(2)
    names = {f"encoder.{n}": n for n, _ in full.encoder.named_parameters()}
    names |= {f"head.{n}": f"head:{n}" for n, _ in full.head.named_parameters()}
    start = {n: p.detach().clone() for n, p in full.named_parameters()}
    assert set(start) == set(names)
    way = {n: torch.randn(p.shape, generator=random, dtype=p.dtype) for n, p in start.items()}
    errors = []
    with torch.no_grad():
        assert torch.allclose(full(batch), tangent(batch), rtol=1e-12)
        for halvings in range(10, 16):
            step = 0.5**halvings
            for name, parameter in full.named_parameters():
                parameter.copy_(start[name] + step * way[name])
                tangent.deltas[names[name]].copy_(step * way[name])
            errors.append(float((full(batch) - tangent(batch)).norm()))
            assert float((tangent(batch) - tangent_at_0(tangent, batch)).norm()) > 0
    ratios = [a / b for a, b in pairwise(errors)]
    assert ratios[-1] == pytest.approx(4, rel=0.02)
    assert all(abs(b - 4) < abs(a - 4) for a, b in pairwise(ratios))


def tangent_at_0(tangent, batch):
    """Return its outputs at Δw = 0."""
    kept = [d.clone() for d in tangent.deltas.values()]
    for delta in tangent.deltas.values():
        delta.zero_()
    outputs = tangent(batch)
    for delta, value in zip(tangent.deltas.values(), kept, strict=True):
        delta.copy_(value)
    return outputs


def test_alignment_is_that_of_centred_kernels():
    random = np.random.default_rng(0)
    features = random.normal(size=(40, 5)) + 3
    labels = random.integers(0, 3, 40)
    kernel = features @ features.T
    same = (labels[:, None] == labels).astype(float)
    assert (label_kernel(labels) == same).all()
    middle = np.eye(40) - 1 / 40
    x, y = middle @ kernel @ middle, middle @ same @ middle
    wanted = np.trace(x @ y) / np.sqrt(np.trace(x @ x) * np.trace(y @ y))
    assert alignment(kernel, same) == pytest.approx(wanted)
    assert alignment(7 * same + 2, same) == pytest.approx(1)
    assert np.isnan(alignment(np.ones((40, 40)), same))
    assert np.allclose(label_kernel(np.array([0.5, 2.0])), [[0.25, 1], [1, 4]])


def test_the_ridge_is_that_of_the_features():
    random = np.random.default_rng(0)
    features = random.normal(size=(60, 8)) + 2
    labels = (features[:, 0] + random.normal(size=60) > 2).astype(np.int64)
    targets, mine = label_targets(labels), slice(0, 40)
    kernel = features @ features.T
    found = KernelRidge.fitted(kernel[mine, mine], targets[mine])
    apart = features[mine] - features[mine].mean(0)
    unit = np.square(apart).sum() / 40  # the trace over N: the mean eigenvalue
    of_features = Ridge(alpha=found.penalty * unit).fit(features[mine], targets[mine])
    said = found.answers(kernel[40:, mine])
    assert np.allclose(said, of_features.predict(features[40:]))

    def left_out(penalty):
        errors = []
        for one in range(40):
            others = np.delete(np.arange(40), one)
            # The constant and the unit are those of all texts, as in the closed form.
            ridge = Ridge(alpha=penalty * unit).fit(features[others], targets[others])
            errors.append(ridge.predict(features[[one]])[0] - targets[one])
        return np.square(errors).mean()

    assert left_out(found.penalty) <= min(left_out(0.1 * found.penalty), left_out(1e2))
    with pytest.raises(ConfigError, match="same derivative"):
        KernelRidge.fitted(np.ones((9, 9)), targets[:9])


# A study


@pytest.fixture
def spec(tmp_path):
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    training = replace(default_training("full", 16), epochs=1)
    strategy = replace(default_strategy("full"), encoder_rate=5e-3)
    return RunSpec(encoder=tiny, training=training, strategy=strategy, task="sentence-order")


def test_a_study_has_three_kernels_and_how_far_the_run_came(lab, spec):
    run_id = lab.execute(spec).run_id
    asked = KernelSpec(run=spec, tuned=run_id, texts=30, held_out=20)

    class Told(Silent):
        def __init__(self):
            self.events, self.done = [], []

        def publish(self, event):
            self.events.append(event)

        def progress(self, done, total, text=""):
            if total == 300:
                self.done.append(done)

    told = Told()
    found = kernel_study(lab, asked, told)
    assert [one.weights for one in found.kernels] == ["pretrained", "random", "tuned"]
    assert found.complete
    assert [len(event.kernels) for event in told.events] == [1, 2, 3]
    assert told.done == sorted(told.done)
    assert (found.items, found.held_out, found.outputs) == (30, 20, 2)
    for one in found.kernels:
        assert 0 <= one.alignment <= 1
        assert len(one.by_group) == len(found.groups) == 4
        assert sum(one.shares) == pytest.approx(1)
        for held in (one.ridge, one.features, one.model):
            assert 0 <= held.low <= held.value <= held.high <= 1
    result = lab.runs.read(run_id).result
    assert found.distances == pytest.approx(result["distances"][:3], rel=1e-4)
    assert 0 < found.relative_distance < 1
    assert found.distance == pytest.approx(np.linalg.norm(found.distances))
    # The held-out items are test items of the run, and none that it has learned from.
    task = lab.task(spec.task, spec.split)
    capped = replace(spec.split, train_items=30, held_out_items=20)
    few = lab.task(spec.task, capped)
    for split in ("train", "test"):
        theirs = {task.example(int(i)) for i in task.splits[split]}
        assert {few.example(int(i)) for i in few.splits[split]} <= theirs
    # The head's part is the kernel of the features as they are: rows and labels go together.
    states = lab.features(replace(spec, split=capped)).states[:, 2, 1].astype(float)
    mine = states[few.splits["train"]]
    rows = few.splits["test"]
    features = (states[rows] - mine.mean(0)) / mine.std(0)
    wanted = alignment(features @ features.T, label_kernel(few.labels[rows].astype(np.int64)))
    assert found.of("pretrained").by_group[-1] == pytest.approx(wanted, rel=1e-3)
    often = np.bincount(few.labels[few.splits["train"]].astype(np.int64)).argmax()
    assert found.baseline == (few.labels[rows] == often).mean()
    assert found.learned == len(task.splits["train"])
    check_what_is_said(found)
    check_refusals(lab, asked)


def check_what_is_said(found):
    assert f"but from {found.learned}" in found.sentence
    assert "more than a kernel can take" in replace(found, learned=1000).sentence
    before, random, tuned = found.kernels

    def said(of_run):
        kernels = (
            replace(before, alignment=0.5, ridge=Held(value=0.7, low=0.6, high=0.8)),
            replace(random, alignment=0.1, ridge=Held(value=0.5, low=0.4, high=0.6)),
            replace(tuned, model=Held(value=of_run, low=of_run - 0.08, high=of_run + 0.08)),
        )
        return replace(found, kernels=kernels, learned=found.items).sentence

    assert "both speak for a fortunate start" in said(0.7)
    assert "these items do not show" in said(0.7)
    assert "these items do not show" in said(0.85)  # its own interval overlaps
    assert "clearly more than a linear model" in said(0.9)
    assert "clearly less than the linear model" in said(0.3)
    same = replace(before, alignment=float("nan"))
    assert "all the same" in replace(found, kernels=(same,)).sentence
    equal = replace(random, alignment=before.alignment, ridge=before.ridge)
    assert "neither speaks" in replace(found, kernels=(before, equal)).sentence
    assert replace(found, kernels=()).sentence == ""


def check_refusals(lab, asked):
    head = lab.execute(replace(asked.run, strategy=default_strategy("head"))).run_id
    with pytest.raises(ConfigError, match="has moved no weight") as caught:
        kernel_study(lab, replace(asked, tuned=head))
    assert caught.value.field == "tuned"
    other = replace(asked.run, split=replace(asked.run.split, seed=5))
    with pytest.raises(ConfigError, match="divided the items otherwise"):
        kernel_study(lab, replace(asked, run=other))
    with pytest.raises(ConfigError, match="choose a run of"):
        kernel_study(lab, replace(asked, run=replace(asked.run, task="word-relations")))
    with pytest.raises(JobCancelled):
        kernel_study(lab, asked, StopAt(60))
    for wrong in ({"texts": 4}, {"held_out": 301}, {"buckets": 64}):
        with pytest.raises(ConfigError):
            KernelSpec(**wrong)
