"""The left column of the features panel, driven as a person would."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fineview.core.features.config import PoolingConfig
from fineview.core.runs.spec import RunSpec
from tests.core.tiny import tiny_encoder_folder


@pytest.fixture
def window(make_window, tmp_path, qtbot):
    window = make_window()
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    window.session.edit("Begin", spec=RunSpec(encoder=tiny))
    qtbot.waitUntil(lambda: window.context.encoder.name == tiny, timeout=30_000)
    window.show_panel("features")
    return window


def write(field, text):
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_layers_can_be_typed_and_taken_back(window):
    choices = window.panel("features").choices
    write(choices.expression, "-2..-1")
    assert window.session.state.spec.pooling == PoolingConfig(layers=(1, 2), mix="mean")
    assert choices.expression.text() == "1–2"
    assert choices.layers.layers == (1, 2)
    window.registry.all["undo"].trigger()
    assert choices.expression.text() == "2"
    write(choices.expression, "n-1")
    assert window.session.state.spec.pooling.layers == (1,)


def test_layers_the_encoder_lacks_are_told_beside_the_field(window):
    choices = window.panel("features").choices
    before = window.session.state.spec
    write(choices.expression, "1..9")
    assert choices.message.text == "“1..9” names layer 9, but this encoder has layers 0 … 2."
    assert choices.expression.text() == "1..9"  # what was typed stays, to be mended
    assert window.session.state.spec == before
    write(choices.expression, "all")
    assert not choices.message.isVisible()
    assert window.session.state.spec.pooling.layers == (1, 2)


def test_the_time_of_a_text_is_measured_and_follows_the_layers(qtbot, window):
    choices = window.panel("features").choices
    qtbot.waitUntil(choices.cost.isVisible, timeout=20_000)
    assert "ms a text through all 2 blocks" in choices.cost.text()
    write(choices.expression, "1")
    assert "ms a text up to layer 1" in choices.cost.text()


def test_scores_of_the_layer_map_stand_beside_the_layers(window):
    choices = window.panel("features").choices
    choices.show_map({0: 0.25, 2: 0.5})
    choices.layers.setFocus()
    assert "accuracy 0.500 in the layer map" in choices.layers._words(2)
    choices.show_map({})
    assert "accuracy" not in choices.layers._words(2)


def test_pairs_can_be_read_apart_and_the_head_trains_on_it(qtbot, window):
    choices = window.panel("features").choices
    assert choices.pair.isVisible()
    choices.pair.segment("separate").click()
    assert window.session.state.spec.pooling.pair == "separate"
    width = window.context.encoder.width
    assert choices.size_label.text().startswith(f"{4 * width} numbers per pair")
    assert "pairs jointly" in choices.size_label.text()
    window.registry.all["undo"].trigger()
    assert choices.pair.value == "joint"
    choices.pair.segment("separate").click()
    window.train()
    training = window.panel("training")
    qtbot.waitUntil(lambda: bool(training.run_id) and not training.busy, timeout=60_000)
    assert "Accuracy" in training.message.text


def test_learned_weights_stand_beside_the_stack_and_in_the_training_panel(qtbot, window):
    choices = window.panel("features").choices
    write(choices.expression, "0-2")
    choices.mix.segment("weighted").click()
    assert choices.layers.weights == {}
    window.train()
    training = window.panel("training")
    qtbot.waitUntil(lambda: bool(training.run_id) and not training.busy, timeout=60_000)
    weights = choices.layers.weights
    assert sorted(weights) == [0, 1, 2]
    assert sum(weights.values()) == pytest.approx(1)
    told = training.layer_weights
    assert training.plots.layers.columns[0].title == f"expected layer {told.expected_layer:.2f}"
    assert training.plots.layers.columns[0].series[0][1] == pytest.approx(told.weights)
    write(choices.expression, "1-2")  # another choice has learned nothing yet
    assert choices.layers.weights == {}
    window.registry.all["undo"].trigger()
    assert choices.layers.weights == weights
    run = training.run_id
    window.session.edit("Forget", run="")
    assert choices.layers.weights == {}
    training.open_run(run)
    qtbot.waitUntil(lambda: choices.layers.weights == weights, timeout=10_000)


def test_attention_reads_one_layer_and_its_weights_are_painted(qtbot, window):
    choices = window.panel("features").choices
    write(choices.expression, "1-2")
    choices.pair.segment("separate").click()
    choices.tokens.segment("attention").click()
    assert window.session.state.spec.pooling == PoolingConfig(layers=(2,), tokens="attention")
    assert "every token of layer 2" in choices.size_label.text()
    choices.mix.segment("concat").click()  # cannot be: said, and the switch goes back
    assert choices.message.text.startswith("Attention pooling reads the tokens of one layer")
    assert choices.mix.value == "single"
    training = window.panel("training")
    assert not training.try_box.attention.isVisible()
    window.session.edit("Type", example="Vienna", second="Austria")
    window.train()
    window.show_panel("training")
    qtbot.waitUntil(lambda: bool(training.run_id) and not training.busy, timeout=60_000)
    strip = training.try_box.attention
    qtbot.waitUntil(strip.isVisible, timeout=10_000)
    weights = [token.weight for token in strip.tokens]
    assert strip.tokens[0].text == "[CLS]"
    assert max(weights) == 1
    assert min(weights) >= 0
    assert "of the attention" in strip.tokens[1].tooltip
