"""Training an encoder on what should not be: each case ends in one sentence and sound weights."""

import contextlib
import json
import resource
from dataclasses import replace

import numpy as np
import pytest
import torch

from fineview.core.errors import ConfigError, JobCancelled, ModelError, StoreError
from fineview.core.runs.spec import RunSpec
from fineview.core.training.events import Notice, TrainStep
from fineview.core.training.strategy import default_strategy
from fineview.core.training.tuning import loop
from tests.core.tiny import tiny_shape_folder
from tests.core.tuning_support import (
    LENGTH,
    TRAINING,
    OwnTask,
    Watch,
    encoder_folder,
    furthest,
    same,
    task_of,
    tuning_of,
    weights_of,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return encoder_folder(tmp_path_factory.mktemp("tiny") / "encoder", dropout=0.1)


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """The same encoder without dropout."""
    return encoder_folder(tmp_path_factory.mktemp("tiny") / "encoder", dropout=0.0)


@pytest.fixture
def lab(locations):
    lab = OwnTask(locations, task_of())
    yield lab
    lab.close()


def spec_of(folder, kind="full", **settings):
    training = replace(TRAINING, **settings)
    return RunSpec(
        task="own",
        encoder=folder,
        max_length=LENGTH,
        strategy=replace(default_strategy(kind), head_epochs=2, top_layers=1),
        training=training,
    )


# ---- a senseless rate


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("full", {"epochs": 3}),
        ("full", {"epochs": 3, "optimiser": "sgd", "kept": "best"}),
        ("lora", {"epochs": 3}),
        ("lp-ft", {"epochs": 3, "optimiser": "momentum"}),
        ("linearised", {"epochs": 2}),
        # One step, the last: no later one is there to find out.
        ("full", {"epochs": 1, "batch_size": 1000, "optimiser": "sgd"}),
    ],
)
def test_a_senseless_rate_ends_as_diverged_with_the_last_sound_weights(lab, still, kind, settings):
    spec = spec_of(still, kind, learning_rate=1e9, **settings)
    spec = replace(spec, strategy=replace(spec.strategy, encoder_rate=1e9))
    watch = Watch()
    outcome = lab.execute(spec, watch)
    assert outcome.status == lab.runs.summary(outcome.run_id).status == "diverged"
    assert "rate 1e+09" in outcome.text
    assert "test" not in outcome.result
    json.dumps(outcome.result, allow_nan=False)
    head, encoder = (lab.runs.tensors(outcome.run_id, name) for name in ("head", "encoder"))
    assert all(np.isfinite(value).all() for value in [*head.values(), *encoder.values()])
    # No epoch ended soundly: the weights are those that this phase began with.
    assert max(outcome.result["distances"]) == 0
    source = dict(lab.encoder(still).model.named_parameters())
    for name, value in encoder.items():
        if kind == "linearised" or "lora_B" in name:
            assert not value.any()
        elif name in source:
            assert np.array_equal(value, source[name].detach().numpy())
    assert outcome.result["cka"] == pytest.approx([1, 1, 1])


def test_so_does_a_head_whose_only_step_is_wild(lab, still):
    outcome = lab.execute(spec_of(still, "head", learning_rate=1e9, epochs=1, batch_size=1000))
    assert outcome.status == "diverged"
    assert outcome.result["train"]["loss"] == pytest.approx(np.log(3), rel=1e-6)
    head = lab.runs.tensors(outcome.run_id, "head")
    assert not head["linear.weight"].any()


def test_epochs_before_the_rate_went_wild_are_not_lost(folder):
    watch = Watch(changes_at={4: {"learning_rate": 1e9}})
    tuning = tuning_of(folder, task_of(), "full", replace(TRAINING, epochs=4), report=watch)
    tuned = tuning.run()
    assert tuned.diverged
    assert tuned.last.step == 3
    wanted = tuning_of(folder, task_of(), "full", replace(TRAINING, epochs=1))
    wanted.run()
    assert same(weights_of(tuning), weights_of(wanted))


def test_weights_that_are_no_numbers_diverge_before_the_first_step(folder):
    tuning = tuning_of(folder, task_of(), "last-k")
    with torch.no_grad():
        next(iter(tuning.model.encoder.parameters())).fill_(float("nan"))
    tuned = tuning.run()
    assert tuned.diverged
    assert tuned.steps == 0


# ---- data that do not fit


@pytest.mark.parametrize(
    "settings", [{"batch_size": 10_000}, {"token_budget": 10**9}, {"accumulate": 500}]
)
def test_a_batch_larger_than_the_data_is_all_of_the_data(lab, folder, settings):
    outcome = lab.execute(spec_of(folder, **settings))
    assert outcome.status == "finished"
    assert outcome.result["steps"] == (6 if "accumulate" in settings else 2)


@pytest.mark.parametrize("class_weights", ["none", "balanced"])
@pytest.mark.parametrize("kind", ["full", "lp-ft"])
def test_a_class_may_be_missing_in_training_and_be_the_only_one_in_the_test(
    locations, folder, class_weights, kind
):
    task = task_of()
    labels = task.labels.copy()
    for split in ("train", "validation"):
        items = task.splits[split]
        labels[items] = labels[items] % 2
    labels[task.splits["test"]] = 2
    lab = OwnTask(locations, replace(task, labels=labels))
    try:
        outcome = lab.execute(spec_of(folder, kind, epochs=1, class_weights=class_weights))
        assert outcome.status == "finished"
        test = outcome.result["test"]
        predictions = lab.runs.tensors(outcome.run_id, "predictions")["test.probabilities"]
    finally:
        lab.close()
    assert predictions.shape == (9, 3)
    assert np.isfinite(predictions).all()
    assert test["accuracy"] == pytest.approx((predictions.argmax(1) == 2).mean())
    assert test["loss"] == pytest.approx(-np.log(predictions[:, 2]).mean(), rel=1e-4)


def test_lora_names_the_modules_that_there_are(lab, folder, tmp_path):
    spec = spec_of(folder, "lora")
    wrong = replace(spec, strategy=replace(spec.strategy, modules=("query", "c_attn")))
    with pytest.raises(ConfigError, match="no linear layer called c_attn for LoRA") as caught:
        lab.execute(wrong)
    assert caught.value.field == "modules"
    assert str(caught.value).endswith("name some of dense, key, query, value.")
    (summary,) = lab.runs.list()
    assert (summary.status, summary.text) == ("failed", str(caught.value))
    # The usual modules are those of the architecture; what is named holds for every one.
    other = str(tiny_shape_folder(tmp_path / "distilbert", "distilbert"))
    assert lab.execute(replace(spec, encoder=other)).status == "finished"
    with pytest.raises(ConfigError, match="name some of k_lin, lin1, lin2, out_lin, q_lin, v_lin"):
        lab.execute(replace(spec, encoder=other, strategy=replace(spec.strategy, modules=("q",))))


def test_more_layers_than_there_are_cannot_be_trained(lab, folder):
    spec = spec_of(folder, "last-k")
    with pytest.raises(ConfigError, match="has 2 blocks, and the last 5") as caught:
        lab.execute(replace(spec, strategy=replace(spec.strategy, top_layers=5)))
    assert caught.value.field == "top_layers"
    assert lab.runs.list() == ()


# ---- out of memory


def short_of_memory(tuning, most):
    """Let the encoder fail beyond so many tokens at once, while it is trained."""

    def refuse(module, arguments, keywords):
        ids = keywords["input_ids"]
        if module.training and ids.numel() > most:
            raise torch.OutOfMemoryError(f"CUDA out of memory with {ids.numel()} tokens")

    return tuning.model.encoder.register_forward_pre_hook(refuse, with_kwargs=True)


@pytest.mark.parametrize("settings", [{}, {"accumulate": 2}, {"token_budget": 150}])
def test_out_of_memory_halves_the_parts_and_learns_the_same(still, settings):
    training = replace(TRAINING, optimiser="sgd", learning_rate=0.1, epochs=3, **settings)
    watches = [Watch(), Watch()]
    whole, short = (
        tuning_of(still, task_of(), "full", training, report=watch, encoder_rate=0.01)
        for watch in watches
    )
    short_of_memory(short, 40)
    whole.run()
    short.run()
    assert furthest(weights_of(whole), weights_of(short)) < 1e-6
    steps = [[event.step for event in watch.of(TrainStep)] for watch in watches]
    assert steps[0] == steps[1]
    assert watches[0].of(Notice) == []
    notices = watches[1].of(Notice)
    # Each one halves what the one before found to fit; the last holds to the end.
    assert 1 <= len(notices) <= 3
    assert "Out of memory with" in notices[0].text
    assert "what is learned stays the same" in notices[-1].text


def test_a_training_short_of_memory_goes_on_with_the_parts_that_fit(folder):
    saved, watches = [], (Watch(), Watch(stop_at=3), Watch())
    whole, broken, again = (
        tuning_of(folder, task_of(), "full", report=report, save=lambda *given: saved.append(given))
        for report in watches
    )
    for tuning in (whole, broken, again):
        short_of_memory(tuning, 40)
    whole.run()
    with pytest.raises(JobCancelled):
        broken.run()
    broken.checkpoint()
    again.restore(*saved[-1])
    again.run()
    assert watches[2].of(Notice) == []
    assert same(weights_of(whole), weights_of(again))


def test_one_text_that_does_not_fit_is_told_and_leaves_the_weights(folder):
    tuning = tuning_of(folder, task_of(), "full")
    before = weights_of(tuning)
    short_of_memory(tuning, 8)
    with pytest.raises(ModelError, match=r"while training on one text of \d+ tokens: choose"):
        tuning.run()
    assert same(weights_of(tuning), before)
    assert all(p.grad is None for p in tuning.model.parameters())


def test_another_error_inside_the_model_is_not_taken_for_memory(folder):
    tuning = tuning_of(folder, task_of(), "full")

    def fail(module, arguments):
        if module.training:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    tuning.model.encoder.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        tuning.run()


# ---- a full disk


@contextlib.contextmanager
def files_of_at_most(size):
    """Let no file of this process grow beyond so many bytes; the system itself refuses."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# A checkpoint has some 110 kB, the weights that a stopped run leaves have 37 kB.
@pytest.mark.parametrize(("room", "status"), [(60_000, "stopped"), (30_000, "interrupted")])
def test_a_full_disk_at_a_checkpoint_leaves_a_run_that_goes_on_when_there_is_room(
    lab, folder, monkeypatch, room, status
):
    spec = spec_of(folder, epochs=3)
    whole = lab.execute(spec)
    with pytest.raises(JobCancelled):
        lab.execute(spec, Watch(stop_at=2))
    run_id = lab.runs.list()[0].run_id
    with monkeypatch.context() as hurried:
        hurried.setattr(loop, "_SAVE_SMALL_EVERY_S", 0.0)  # a checkpoint at every step
        with files_of_at_most(room), pytest.raises(StoreError, match="The disk is full"):
            lab.resume(run_id)
    summary = lab.runs.summary(run_id)
    assert (summary.status, summary.resumable) == (status, True)
    if status == "stopped":
        assert "The disk is full" in summary.text
    assert lab.runs.checkpoints(run_id) == (2,)
    assert not list(lab.runs.read(run_id).folder.glob("**/*tmp*"))
    assert lab.resume(run_id).status == "finished"
    for name in ("head", "encoder"):
        assert same(lab.runs.tensors(whole.run_id, name), lab.runs.tensors(run_id, name))


# ---- stopped within a step


@pytest.mark.parametrize(
    ("kind", "settings", "least"),
    [
        # Before each of the two blocks, and on the way back at layers 0, 1, 2.
        ("full", {}, 5),
        # There is no way back below the last block.
        ("last-k", {}, 3),
        ("full", {"accumulate": 2}, 10),
        ("full", {"checkpointing": True}, 5),
        # The tangent goes forward with its derivative.
        ("linearised", {}, 2),
    ],
)
def test_a_stop_within_a_step_leaves_every_bit_as_before_it(folder, kind, settings, least):
    training, kept = replace(TRAINING, **settings), []

    def begin(report):
        save = lambda *given: kept.append(given)  # noqa: E731 - one line
        return tuning_of(folder, task_of(), kind, training, report=report, save=save)

    before = begin(Watch(stop_at=1))
    with pytest.raises(JobCancelled):
        before.run()
    before.checkpoint()
    for asked in range(1, 100):
        tuning = begin(Watch(stop_at=1, asked=asked))
        with pytest.raises(JobCancelled):
            tuning.run()
        if tuning.step > 1:  # that was in the step after
            break
        assert same(weights_of(tuning), weights_of(before))
        assert all(p.grad is None for p in tuning.model.parameters())
        tuning.checkpoint()
        (step, arrays, state), (wanted_step, wanted, wanted_state) = kept[-1], kept[0]
        assert (step, state) == (wanted_step, wanted_state)
        assert same(arrays, wanted)
    assert asked > least
    assert not same(weights_of(tuning), weights_of(before))
