"""Strategies in the real window: choosing, live layers, saved steps, what moved."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import TrainConfig
from fineview.core.training.events import Evaluation, Notice, RunStarted
from fineview.core.training.strategy import STRATEGIES
from fineview.ui.panels.training_curves import RunCurves
from tests.core.tiny import tiny_encoder_folder


@pytest.fixture
def window(make_window, qtbot, tmp_path):
    window = make_window()
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    window.session.edit("Begin", spec=RunSpec(encoder=tiny, training=TrainConfig(epochs=30)))
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)
    return window


def train(window, qtbot):
    panel = window.panel("training")
    before = panel.run_id
    QTest.mouseClick(panel.settings.train_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.run_id != before and not panel.busy, timeout=60_000)
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)
    return panel


def pick(combo, value):
    combo.setCurrentIndex(combo.findData(value))
    combo.activated.emit(combo.currentIndex())


def test_a_strategy_brings_its_settings_and_one_undo_takes_both_back(window):
    panel = window.panel("training")
    before = window.session.state.spec
    pick(panel.settings.strategy, "full")
    spec = window.session.state.spec
    assert (spec.strategy.kind, spec.training.optimiser, spec.training.epochs) == (
        "full",
        "adamw",
        3,
    )
    assert panel.settings.field("encoder_rate").isVisibleTo(panel)
    assert not panel.settings.field("rank").isVisibleTo(panel)
    assert panel.settings.says.text() == STRATEGIES["full"].says
    pick(panel.settings.strategy, "lora")
    assert panel.settings.field("rank").isVisibleTo(panel)
    assert window.session.state.spec.training.epochs == 3
    window.session.undo_stack.undo()
    assert window.session.state.spec == before


def test_the_picture_tells_what_moves(window):
    panel = window.panel("training")
    expected = {
        "head": ("frozen", "frozen"),
        "last-k": ("frozen", "trained"),
        "full": ("trained", "trained"),
        "lora": ("frozen", "lora"),
        "bitfit": ("biases", "biases"),
        "random-features": ("random", "random"),
    }
    for kind, (bottom, top) in expected.items():
        window.session.edit_strategy(kind, 16)
        window.session.edit_spec(
            "x", strategy=replace(window.session.state.spec.strategy, top_layers=1)
        )
        blocks = panel.picture.state.blocks
        assert (blocks[0], blocks[-1]) == (bottom, top), kind
        assert panel.picture.accessibleDescription()
    window.session.edit_strategy("classical", 16)
    assert "no encoder" in panel.picture.accessibleDescription()


def test_full_fine_tuning_shows_layers_and_what_moved(window, qtbot):
    window.session.edit_strategy("full", 16)
    window.session.view(lower_plot="layers")
    panel = train(window, qtbot)
    titles = [column.title for column in panel.plots.moves.columns]
    assert len(titles) == 3
    assert panel.plots.moves.rows == 3
    window.session.view(training_page="moved")
    page = panel.page("moved")
    qtbot.waitUntil(lambda: page.shown is not None, timeout=20_000)
    assert len(page.scatter.canvas.coordinates) == len(page.shown.texts)
    page.slider.setValue(0)
    qtbot.waitUntil(lambda: page.shown.layer == 0, timeout=20_000)
    QTest.mouseClick(page.use, Qt.MouseButton.LeftButton)
    assert window.session.state.spec.encoder == f"run:{panel.run_id}"
    context = window.context
    qtbot.waitUntil(lambda: context.encoder.name.startswith("run:"), timeout=20_000)
    window.session.edit_strategy("head", 16)
    window.session.view(training_page="train")
    assert window.runs.summary(train(window, qtbot).run_id).status == "finished"


def test_a_new_run_branches_from_a_saved_step(window, qtbot):
    window.session.edit_training("Change epochs", epochs=300)
    panel = train(window, qtbot)
    parent = panel.run_id
    back = panel.plots.back
    assert back.isVisibleTo(panel)
    assert back.steps.count() > 1
    assert not back.button.isEnabled()
    pick(back.steps, back.steps.itemData(1))
    step = back.step
    assert panel.plots.loss.canvas.stops.chosen is not None
    window.session.edit_training("Change rate", learning_rate=0.5)
    QTest.mouseClick(back.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.run_id != parent and not panel.busy, timeout=60_000)
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)
    steps = panel._curves[panel.run_id].steps()
    assert len(steps) == 3300
    assert set(steps[:step, 3]) == {0.1}
    assert set(steps[step:, 3]) == {0.5}
    assert "from step" in window.runs.summary(panel.run_id).title


def evaluation(step, train_loss, loss):
    return Evaluation(
        step=step, epoch=float(step), train_loss=train_loss, train_accuracy=0.5,
        penalised_loss=train_loss, loss=loss, accuracy=0.5, macro_f1=0.5,
    )  # fmt: skip


def test_the_gap_is_named_once_validation_gets_worse_while_training_gets_better():
    curves = RunCurves()
    curves.add(RunStarted(run_id="x"))
    for step, train_loss, loss in ((0, 1.0, 1.0), (1, 0.5, 0.7), (2, 0.3, 0.7)):
        curves.add(evaluation(step, train_loss, loss))
    assert curves.gap()[1] == ""
    curves.add(evaluation(3, 0.2, 0.8))
    places, words = curves.gap()
    assert words == "overfitting: validation +0.1 since epoch 1"
    assert places[:, 0].tolist() == [1.0, 2.0, 3.0]
    curves.add(evaluation(4, 0.6, 0.9))  # training got worse, too: that is another trouble
    assert curves.gap()[1] == ""


def test_a_notice_of_a_run_in_flight_is_shown(window):
    panel = window.panel("training")
    panel._on_events([Notice(step=3, text="Out of memory with 2,048 tokens at once.")])
    assert panel.message.text == "Out of memory with 2,048 tokens at once."
