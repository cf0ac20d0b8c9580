"""The same on a GPU; skipped where torch finds no CUDA."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fineview.core.errors import JobCancelled, ModelError
from fineview.core.features.extract import extract
from fineview.core.features.store import FeatureStore
from fineview.core.laboratory import Laboratory
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import TrainConfig
from fineview.core.training.events import Notice, TrainStep
from fineview.core.training.strategy import KINDS, default_strategy
from tests.core import features_support
from tests.core.tuning_support import (
    LENGTH,
    TRAINING,
    OwnTask,
    Watch,
    encoder_folder,
    encoder_of,
    furthest,
    task_of,
    tuning_of,
    weights_of,
)

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA here")
EXACT = replace(TRAINING, precision="float32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return encoder_folder(tmp_path_factory.mktemp("tiny") / "encoder", dropout=0.2)


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    return encoder_folder(tmp_path_factory.mktemp("tiny") / "still", dropout=0.0)


@pytest.mark.parametrize("level", ["sentence", "pair", "word"])
def test_hidden_states_are_those_of_the_processor(folder, level, tmp_path):
    task = features_support.task_of(
        level,
        second=features_support.SECONDS if level == "pair" else None,
        words=features_support.WORDS if level == "word" else None,
    )
    found = [
        extract(encoder_of(folder, device=device), task, FeatureStore(tmp_path / device))
        for device in ("cpu", "cuda")
    ]
    np.testing.assert_allclose(found[0].states, found[1].states, atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("kind", ["full", "last-k", "lora", "bitfit", "linearised"])
@pytest.mark.parametrize("level", ["sentence", "word"])
def test_training_in_float32_moves_the_weights_as_the_processor_does(still, kind, level):
    training = replace(EXACT, optimiser="sgd", learning_rate=0.1)
    here, there = (
        tuning_of(still, task_of(level), kind, training, device=device, encoder_rate=0.01)
        for device in ("cpu", "cuda")
    )
    before = weights_of(here)
    here.run()
    there.run()
    moved = furthest(before, weights_of(here))
    assert furthest(weights_of(here), weights_of(there)) < 0.01 * moved


def test_auto_computes_in_bfloat16_and_learns_much_the_same(still):
    training = replace(TRAINING, optimiser="sgd", learning_rate=0.1)
    exact, rough = (
        tuning_of(still, task_of(), "full", replace(training, precision=precision), device="cuda")
        for precision in ("float32", "auto")
    )
    before = weights_of(exact)
    exact.run()
    rough.run()
    difference = furthest(weights_of(exact), weights_of(rough))
    assert 0 < difference < 0.2 * furthest(before, weights_of(exact))


@pytest.mark.parametrize("settings", [{}, {"checkpointing": True}, {"optimiser": "adafactor"}])
def test_a_stopped_training_goes_on_as_if_it_had_not_been(folder, settings):
    training = replace(EXACT, **settings)
    whole = tuning_of(folder, task_of(), "full", training, device="cuda")
    whole.run()
    saved = []
    broken = tuning_of(
        folder, task_of(), "full", training, device="cuda",
        report=Watch(stop_at=2, asked=3), save=lambda *given: saved.append(given),
    )  # fmt: skip
    with pytest.raises(JobCancelled):
        broken.run()
    broken.checkpoint()
    again = tuning_of(folder, task_of(), "full", training, device="cuda")
    again.restore(*saved[-1])
    again.run()
    assert furthest(weights_of(whole), weights_of(again)) < 1e-5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", ["sentence", "word"])
def test_a_run_of_every_strategy_ends_and_its_model_answers_on_a_processor(
    locations, folder, kind, level
):
    spec = RunSpec(
        task="own",
        encoder=folder,
        max_length=LENGTH,
        strategy=replace(default_strategy(kind), head_epochs=2, top_layers=1),
        training=TRAINING if default_strategy(kind).trains_encoder else TrainConfig(epochs=3),
    )
    said = []
    for device in ("cuda", "cpu"):
        lab = OwnTask(locations, task_of(level), device)
        if not said:
            run_id = lab.execute(spec).run_id
        assert lab.runs.summary(run_id).status == "finished"
        said.append(lab.predict(run_id, "quiet film"))
        lab.close()
    there, here = ([dict(one) for one in prediction.probabilities] for prediction in said)
    assert len(there) == (2 if level == "word" else 1)
    for one, other in zip(there, here, strict=True):
        assert one == pytest.approx(other, abs=0.02)


@pytest.fixture
def little_memory():
    """Limit torch to so many bytes more than it holds."""

    def limit(size):
        torch.cuda.empty_cache()
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + size) / total)

    yield limit
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def wide(path):
    """Write an encoder whose activations are what takes memory."""
    from transformers import BertConfig, BertModel

    folder = encoder_folder(path, dropout=0.0)
    config = BertConfig.from_pretrained(folder)
    config.update({"hidden_size": 256, "intermediate_size": 4096, "num_hidden_layers": 4})
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    return folder


def test_out_of_memory_halves_the_parts_and_learns_the_same(tmp_path, little_memory):
    folder = wide(tmp_path / "wide")
    training = replace(EXACT, optimiser="sgd", learning_rate=0.1, batch_size=2000)
    task = task_of(train=2000)
    watches = [Watch(), Watch()]
    whole, short = (
        tuning_of(folder, task, "full", training, report=w, device="cuda", encoder_rate=0.01)
        for w in watches
    )
    torch.cuda.reset_peak_memory_stats()
    held = torch.cuda.memory_allocated()
    before = weights_of(whole)
    whole.run()
    little_memory((torch.cuda.max_memory_allocated() - held) // 3)
    short.run()
    moved = furthest(before, weights_of(whole))
    assert furthest(weights_of(whole), weights_of(short)) < 0.01 * moved
    assert watches[0].of(Notice) == []
    assert "Out of memory with" in watches[1].of(Notice)[0].text
    assert [e.step for e in watches[0].of(TrainStep)] == [e.step for e in watches[1].of(TrainStep)]


def test_one_text_that_does_not_fit_is_told(tmp_path, little_memory):
    tuning = tuning_of(wide(tmp_path / "wide"), task_of(), "full", EXACT, device="cuda")
    little_memory(1 << 20)
    with pytest.raises(ModelError, match="memory"):
        tuning.run()


def test_an_encoder_goes_to_the_gpu_unless_told_otherwise(locations, folder):
    lab = Laboratory(locations)
    encoder = lab.encoder(folder)
    encoder.load()
    assert encoder.device == "cuda"
    assert next(encoder.model.parameters()).is_cuda
    lab.close()
