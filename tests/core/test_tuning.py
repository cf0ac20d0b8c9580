"""Training an encoder: what stands still, what a step is the sum of, what is kept."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

from fineview.core.errors import JobCancelled
from fineview.core.features.config import PoolingConfig
from fineview.core.runs.spec import RunSpec
from fineview.core.runs.tuned_encoder import begins_with
from fineview.core.training.config import HeadConfig, TrainConfig
from fineview.core.training.events import Evaluation, LayerMoves, Similarity, TrainStep
from fineview.core.training.heads import LinearHead
from fineview.core.training.objectives import CrossEntropy
from fineview.core.training.optimisers import rate_factor
from fineview.core.training.strategy import KINDS, STRATEGIES, default_strategy
from fineview.core.training.tuning.examples import epoch_batches, examples_of
from fineview.core.training.tuning.similarity import linear_cka
from tests.core.tuning_support import (
    LENGTH,
    TRAINING,
    OwnTask,
    Watch,
    encoder_folder,
    encoder_of,
    sums,
    task_of,
    tuning_of,
)

TUNED = [kind for kind in KINDS if STRATEGIES[kind].trains_encoder]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return encoder_folder(tmp_path_factory.mktemp("tiny") / "encoder", dropout=0.0)


# ---- what stands still


def moving_by_formula(kind, names):
    """Return the names, of the pretrained encoder's weights, that the paper lets move."""
    match kind:
        case "full" | "lp-ft" | "gradual" | "random-init":
            return set(names)
        case "last-k":
            return {name for name in names if name.startswith("encoder.layer.1.")}
        case "bitfit":
            return {name for name in names if name.endswith("bias")}
    return set()  # LoRA and the tangent add weights beside the encoder's own


@pytest.mark.parametrize("kind", TUNED)
def test_frozen_weights_are_the_same_bytes_and_the_others_move(folder, kind):
    # With gradual unfreezing the embeddings are let go in the fourth epoch.
    tuning = tuning_of(folder, task_of(), kind, replace(TRAINING, epochs=4))
    model = tuning.model
    before = sums(model.encoder)
    frozen = {n for n, p in model.encoder.named_parameters() if not p.requires_grad}
    own = {n.replace(".base_layer", "") for n in before if "lora_" not in n}
    moving = moving_by_formula(kind, own)
    assert {n.replace(".base_layer", "") for n in frozen} == own - moving
    trained = [p for p in model.parameters() if p.requires_grad]
    added = [p for p in trained if all(p is not q for q in model.encoder.parameters())]
    tuning.run()
    after = sums(model.encoder)
    assert {n for n in before if after[n] != before[n]} == set(before) - frozen
    assert all(torch.any(p != 0) for p in added)
    # Torch's own count is that of what is stored for the task, with the head.
    stored = sum(array.size for array in model.weights().values())
    head = 0 if model.tangent else model.head.parameters_count()
    assert sum(p.numel() for p in trained) == stored + head


def test_gradual_unfreezing_lets_one_more_group_go_with_each_epoch(folder):
    settings = replace(TRAINING, epochs=4)
    groups = ["head.", "encoder.encoder.layer.1.", "encoder.encoder.layer.0.", "encoder.embedd"]
    still = sums(tuning_of(folder, task_of(), "gradual").model)
    for epoch in range(1, 5):
        watch = Watch(stop_at=3 * epoch)
        tuning = tuning_of(folder, task_of(), "gradual", settings, report=watch)
        if epoch < 4:
            with pytest.raises(JobCancelled):
                tuning.run()
        else:
            tuning.run()
        after = sums(tuning.model)
        moved = {name for name in still if after[name] != still[name]}
        learned = {name for name in still if "head.mean" != name != "head.scale"}
        assert moved == {n for n in learned if n.startswith(tuple(groups[:epoch]))}


def test_lora_is_the_pretrained_model_at_first_and_counts_as_peft_does(folder):
    task, strategy = task_of(), default_strategy("lora")
    lora = tuning_of(folder, task, "lora").model.eval()
    full = tuning_of(folder, task, "full").model.eval()
    texts = examples_of(encoder_of(folder), task, "train", LENGTH)
    batch = texts.batch(np.arange(len(texts)), lora.padding)
    with torch.no_grad():
        for one, other in zip(lora.look(batch)[1], full.look(batch)[1], strict=True):
            assert torch.equal(one, other)
    wanted = LoraConfig(
        r=strategy.rank, lora_alpha=strategy.alpha, target_modules=["query", "value"], bias="none"
    )
    peer = get_peft_model(AutoModel.from_pretrained(folder), wanted)
    trained, _ = peer.get_nb_trainable_parameters()
    assert trained == sum(p.numel() for p in lora.encoder.parameters() if p.requires_grad)
    assert trained == sum(array.size for array in lora.weights().values())


@pytest.mark.parametrize("kind", KINDS)
def test_no_run_touches_the_encoder_that_it_begins_with(locations, folder, kind):
    bench = OwnTask(locations, task_of())
    strategy = replace(default_strategy(kind), top_layers=1, head_epochs=1)
    spec = RunSpec(
        task="own", encoder=folder, strategy=strategy, training=replace(TRAINING, epochs=1)
    )
    try:
        names = {folder, begins_with(spec)}
        for name in names:
            bench.encoder(name).load()
        before = {name: sums(bench.encoder(name).model) for name in names}
        outcome = bench.execute(spec)
        assert outcome.status == "finished"
        assert before == {name: sums(bench.encoder(name).model) for name in names}
    finally:
        bench.close()


# ---- what a step is the sum of


def plain_loss(folder, head, pooling, task, balanced):
    """Compute the mean loss of the training split, text by text, with transformers alone.

    Returns:
        The loss, and the encoder, whose weights it can be differentiated by.
    """
    encoder = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows, items = [], []
    first = 0
    for at, text in enumerate(task.texts):
        words = None if task.words is None else task.words[at]
        asked = 1 if words is None else len(words)
        if first not in task.splits["train"]:
            break
        inputs = tokenizer(
            [list(words)] if words else [text],
            None if task.second is None else [task.second[at]],
            is_split_into_words=bool(words),
            truncation=True,
            max_length=LENGTH,
            return_tensors="pt",
        )
        layers = torch.stack(encoder(**inputs, output_hidden_states=True).hidden_states)[:, 0]
        chosen = layers[[layer % len(layers) for layer in pooling.layers]]  # (k, T, D)
        if words:
            places = np.array([-1 if w is None else w for w in inputs.word_ids(0)])
            for word in sorted(set(places.tolist()) - {-1}):
                rows.append(of_tokens(chosen[:, places == word], pooling.tokens, head))
                items.append(first + word)
        else:
            rows.append(of_tokens(chosen, pooling.tokens, head))
            items.append(first)
        first += asked
    features = torch.stack(rows)  # (N, k, D)
    if pooling.mix == "weighted":
        features = torch.einsum("nkd,k->nd", features, head.layer_logits.softmax(0))
    else:
        features = features.mean(1) if pooling.mix == "mean" else features.flatten(1)
    if head.hidden is not None:
        features = functional.relu(functional.linear(features, *head.hidden[0].parameters()))
    outputs = functional.linear(features, head.linear.weight, head.linear.bias)
    labels = torch.from_numpy(task.labels[items])
    if task.label_kind == "number":
        every = task.labels[task.splits["train"]]
        targets = (labels - every.mean()) / every.std()
        return functional.mse_loss(outputs[:, 0].double(), targets), encoder
    each = functional.cross_entropy(outputs, labels, reduction="none")
    if balanced:
        counts = torch.bincount(labels, minlength=3)
        each = each * (len(labels) / (3 * counts))[labels]
    return each.mean(), encoder


def of_tokens(states, kind, head):
    """Pool (k, T, D) states of one text or word to (k, D)."""
    if kind == "attention":
        weights = (states[0] @ head.query / states.shape[2] ** 0.5).softmax(0)
        return (weights[:, None] * states[0]).sum(0)[None]
    if kind == "max":
        return states.amax(1)
    return {"cls": states[:, 0], "first": states[:, 0], "last": states[:, -1]}.get(
        kind, states.mean(1)
    )


WEIGHTED = PoolingConfig(layers=(0, 1, 2), mix="weighted", tokens="first")
CONCAT = PoolingConfig(layers=(1, 2), mix="concat", tokens="cls")
MLP = HeadConfig(kind="mlp", width=7, dropout=0.0)


@pytest.mark.parametrize(
    ("level", "pooling", "settings"),
    [
        ("sentence", PoolingConfig(), {"accumulate": 1}),
        ("sentence", PoolingConfig(), {"accumulate": 3, "class_weights": "balanced"}),
        ("sentence", PoolingConfig(), {"accumulate": 2, "checkpointing": True}),
        ("sentence", PoolingConfig(tokens="attention"), {"accumulate": 4}),
        ("pair", CONCAT, {"accumulate": 5}),
        ("word", WEIGHTED, {"accumulate": 2}),
        ("word", PoolingConfig(tokens="mean"), {"accumulate": 1}),
        ("number", PoolingConfig(layers=(1, 2), mix="mean", tokens="max"), {"accumulate": 100}),
    ],
)
def test_a_step_in_any_number_of_parts_has_the_gradient_of_plain_transformers(
    folder, level, pooling, settings
):
    # One step of plain SGD at rate 1 on all texts: what a weight moves is its gradient.
    numbers = level == "number"
    task = task_of("sentence" if numbers else level, numbers)
    training = TrainConfig(learning_rate=1.0, weight_decay=0, batch_size=100, epochs=1, **settings)
    watch = Watch()
    tuning = tuning_of(
        folder, task, "full", training, pooling=pooling,
        head=MLP if level == "pair" else HeadConfig(), encoder_rate=1.0, report=watch,
    )  # fmt: skip
    model = tuning.model
    balanced = training.class_weights == "balanced"
    loss, plain = plain_loss(folder, model.head, pooling, task, balanced)
    names = dict(plain.named_parameters())
    own = dict(model.encoder.named_parameters())
    head = dict(model.head.named_parameters())
    wanted = torch.autograd.grad(
        loss, [*(names[n] for n in own), *head.values()], allow_unused=True
    )
    before = {n: p.detach().clone() for n, p in (own | head).items()}
    tuning.run()
    (step,) = watch.of(TrainStep)
    assert step.loss == pytest.approx(loss.item(), rel=1e-5)
    largest = max(float(g.abs().max()) for g in wanted if g is not None)
    for (name, value), gradient in zip((own | head).items(), wanted, strict=True):
        moved = before[name] - value.detach()
        expected = torch.zeros_like(moved) if gradient is None else gradient
        assert torch.allclose(moved, expected, rtol=1e-4, atol=1e-5 * largest), name
    norm = math.sqrt(sum(float(g.square().sum()) for g in wanted if g is not None))
    assert step.gradient_norm == pytest.approx(norm, rel=1e-4)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_clipping_shortens_the_step_and_each_layer_has_its_own_rate(folder, optimiser):
    training = TrainConfig(
        optimiser=optimiser, learning_rate=0.5, weight_decay=0, batch_size=100, epochs=1, clip=1e-3
    )
    watch = Watch()
    rates = {"encoder_rate": 0.2, "layer_decay": 0.5}
    tuning_of(folder, task_of(), "full", training, report=watch, **rates).run()
    (step,) = watch.of(TrainStep)
    assert (step.learning_rate, step.encoder_rate) == (0.5, 0.2)
    assert step.gradient_norm > 1e-3
    moves = watch.of(LayerMoves)[-1]
    assert moves.names == ("embeddings", "block 1", "block 2", "head")
    assert math.hypot(*moves.gradient_norms) == pytest.approx(step.gradient_norm)
    if optimiser == "sgd":
        lengths = np.array(moves.distances) / moves.gradient_norms
        wanted = np.array([0.05, 0.1, 0.2, 0.5]) * 1e-3 / step.gradient_norm
        assert lengths == pytest.approx(wanted, rel=1e-3)
    else:  # Adam's first step moves a weight by its rate, however the gradient was scaled
        assert moves.distances[3] == pytest.approx(0.5 * (16 * 3 + 3) ** 0.5, rel=1e-2)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_decay_pulls_at_matrices_and_leaves_biases_and_scales(folder, optimiser):
    after = []
    for decay in (0.0, 0.1):
        training = TrainConfig(
            optimiser=optimiser, learning_rate=0.3, weight_decay=decay, batch_size=100, epochs=1
        )
        tuning = tuning_of(folder, task_of(), training=training, encoder_rate=0.2)
        before = {n: p.detach().clone() for n, p in tuning.model.named_parameters()}
        tuning.run()
        after.append(dict(tuning.model.named_parameters()))
    for name, begun in before.items():
        free = begun.dim() == 1  # biases, and the scales of normalisations
        rate = 0.3 if name.startswith("head.") else 0.2
        pulled = torch.zeros_like(begun) if free else -rate * 0.1 * begun
        assert torch.allclose(after[1][name] - after[0][name], pulled, atol=1e-6), name


@pytest.mark.parametrize("checkpointing", [False, True])
def test_with_checkpointing_each_block_is_computed_once_more(folder, checkpointing):
    training = replace(TRAINING, batch_size=100, epochs=1, checkpointing=checkpointing)
    tuning = tuning_of(folder, task_of(), training=training)
    calls = []
    for layer in tuning.model.encoder.encoder.layer:
        layer.attention.register_forward_hook(lambda module, *_: calls.append(module.training))
    tuning.run()
    assert sum(calls) == (4 if checkpointing else 2)


# ---- schedules and batches


def test_rates_follow_their_closed_forms():
    total, steps = 40, np.arange(40)  # as in the papers, counted from 0

    def told(**settings):
        return [rate_factor(TrainConfig(**settings), step + 1, total) for step in steps.tolist()]

    assert told() == [1.0] * total
    assert told(schedule="linear") == pytest.approx(1 - steps / total)
    assert told(schedule="cosine") == pytest.approx((1 + np.cos(np.pi * steps / total)) / 2)
    # Howard & Ruder 2018, arXiv:1801.06146, equation 3, with cut_frac 0.1 and ratio 32.
    cut = 4
    share = np.where(steps < cut, steps / cut, 1 - (steps - cut) / (cut * (1 / 0.1 - 1)))
    assert told(schedule="triangular") == pytest.approx((1 + share * 31) / 32)
    risen = told(warmup=0.25)
    assert risen == pytest.approx(np.minimum((steps + 1) / 10, 1))
    fallen = told(warmup=0.25, schedule="linear")
    assert fallen == pytest.approx(np.where(steps < 10, (steps + 1) / 10, (40 - steps) / 30))
    # With one step there is nothing to rise or fall over.
    for schedule in ("constant", "linear", "cosine"):
        assert rate_factor(TrainConfig(warmup=0.5, schedule=schedule), 1, 1) == 1.0


def test_the_steps_of_a_run_follow_the_schedule_of_all_epochs(folder):
    watch = Watch()
    training = replace(TRAINING, schedule="linear", epochs=2)
    tuning_of(folder, task_of(), training=training, report=watch).run()
    steps = watch.of(TrainStep)
    wanted = 1 - np.arange(6) / 6
    assert [e.learning_rate for e in steps] == pytest.approx(training.learning_rate * wanted)
    assert [e.encoder_rate for e in steps] == pytest.approx(5e-5 * wanted)
    assert [e.epoch for e in steps] == pytest.approx([1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2])


@pytest.mark.parametrize("budget", [0, 1, 40, 256, 10**6])
def test_an_epoch_meets_every_text_once_within_its_budget(budget):
    lengths = np.random.default_rng(0).integers(3, 64, 700)
    config = TrainConfig(token_budget=budget, batch_size=16)
    epochs = [epoch_batches(lengths, config, 5, epoch) for epoch in range(2)]
    for batches in epochs:
        assert sorted(np.concatenate(batches).tolist()) == list(range(700))
        for batch in batches:
            padded = len(batch) * lengths[batch].max()
            assert len(batch) <= 16 if not budget else padded <= budget or len(batch) == 1
    order = [batch.tolist() for batch in epochs[0]]
    assert order != [batch.tolist() for batch in epochs[1]]
    assert order == [batch.tolist() for batch in epoch_batches(lengths, config, 5, 0)]
    assert order != [batch.tolist() for batch in epoch_batches(lengths, config, 6, 0)] or (
        len(order) == 1
    )
    if budget == 256:
        # Texts of like length go together: less than a tenth of the tokens is padding.
        whole = sum(len(batch) * lengths[batch].max() for batch in epochs[0])
        assert lengths.sum() > 0.9 * whole
        # Another text would not have fitted, but for where a stretch of texts ends.
        assert len(order) < 1.15 * whole / budget


# ---- measures


@pytest.mark.parametrize(("rows", "width"), [(40, 7), (9, 30)])
def test_cka_is_that_of_gram_matrices_and_blind_to_rotation_and_scale(rows, width):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, width, generator=generator, dtype=torch.float64)
    y = x[:, :5].tanh() + 0.5 * torch.randn(rows, 5, generator=generator, dtype=torch.float64) + 3
    centre = torch.eye(rows, dtype=torch.float64) - 1 / rows
    k, m = centre @ (x @ x.T) @ centre, centre @ (y @ y.T) @ centre
    # Kornblith et al. 2019, arXiv:1905.00414, equation 3, by Hilbert-Schmidt norms.
    direct = float((k * m).sum() / (k.norm() * m.norm()))
    assert linear_cka(x, y) == pytest.approx(direct, rel=1e-9)
    assert 0.05 < direct < 0.98
    turn, _ = torch.linalg.qr(torch.randn(width, width, generator=generator, dtype=torch.float64))
    assert linear_cka(-3 * x @ turn + 5, y) == pytest.approx(direct, rel=1e-9)
    assert linear_cka(x, 2 * x @ turn) == pytest.approx(1)
    stretched = x * torch.linspace(0.1, 5, width, dtype=torch.float64)
    assert linear_cka(stretched, y) != pytest.approx(direct, rel=1e-2)
    constant = torch.ones(rows, 2)
    assert (linear_cka(constant, constant), linear_cka(x, constant)) == (1.0, 0.0)


def test_layers_that_stand_still_stay_alike_and_the_others_part(folder):
    watch = Watch()
    strategy = {"encoder_rate": 0.02}
    tuned = tuning_of(folder, task_of(), "last-k", report=watch, **strategy).run()
    assert watch.of(Similarity)[0].cka == pytest.approx((1, 1, 1))
    assert tuned.cka[:2] == pytest.approx((1, 1))
    assert tuned.cka[2] < 0.999


@pytest.mark.parametrize("layers", [0, 2])
def test_the_gradients_of_an_mlp_are_those_of_the_bare_formula(layers):
    generator = torch.Generator().manual_seed(4)
    shape = (30, layers, 6) if layers else (30, 6)
    raw, labels = torch.randn(shape, generator=generator) * 2 + 1, torch.arange(30) % 3
    config = HeadConfig(kind="mlp", width=5, hidden_layers=2, dropout=0.0)
    head = LinearHead.fitted(raw, 3, config)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.5, generator=generator)
    x = head.standardise(raw)
    loss = head.loss_and_gradients(x, CrossEntropy(3).targets(labels))
    found = {name: p.grad.clone() for name, p in head.named_parameters()}
    weights = {name: p.detach().double().requires_grad_() for name, p in head.named_parameters()}
    z = x.double()
    if layers:
        z = torch.einsum("nkd,k->nd", z, weights["layer_logits"].softmax(0))
    for at in (0, 3):
        z = (z @ weights[f"hidden.{at}.weight"].T + weights[f"hidden.{at}.bias"]).clamp(min=0)
    z = z @ weights["linear.weight"].T + weights["linear.bias"]
    plain = (z.logsumexp(1) - z[torch.arange(30), labels]).mean()
    plain.backward()
    assert loss == pytest.approx(plain.item(), rel=1e-5)
    for name, value in weights.items():
        assert torch.allclose(found[name].double(), value.grad, rtol=1e-4, atol=1e-6), name


# ---- which weights are kept


def overfitting(folder, **settings):
    """Train at a rate at which the validation loss soon rises."""
    watch = Watch()
    training = replace(TRAINING, learning_rate=0.1, weight_decay=0.0, epochs=12, **settings)
    tuning = tuning_of(folder, task_of(), training=training, report=watch, encoder_rate=0.01)
    tuned = tuning.run()
    return tuned, [e.loss for e in watch.of(Evaluation)]


def test_early_stopping_ends_with_the_best_epoch(folder):
    tuned, losses = overfitting(folder, patience=2)
    best = int(np.argmin(losses[1:])) + 1
    assert tuned.early
    assert len(losses) - 1 == best + 2 < 12
    assert tuned.steps == 3 * (best + 2)
    assert tuned.last.loss == losses[best]


@pytest.mark.parametrize("kept", ["best", "last"])
def test_the_best_or_the_last_epoch_is_kept(folder, kept):
    tuned, losses = overfitting(folder, kept=kept)
    assert not tuned.early
    assert len(losses) == 13
    assert min(losses[1:]) < losses[-1]
    assert tuned.last.loss == (min(losses[1:]) if kept == "best" else losses[-1])
