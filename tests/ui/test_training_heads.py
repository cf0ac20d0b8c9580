"""Heads without gradient steps in the real window: their curves, their head, their answers."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fineview.core.data.reading import inspect, read
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import HeadConfig, TrainConfig
from tests.core.tiny import tiny_encoder_folder

HEADS = {
    "forest": ("Out-of-bag error", "out of bag"),
    "knn": ("Accuracy", "validation"),
    "centroid": ("Loss", "validation"),
}


@pytest.fixture
def window(make_window, qtbot, tmp_path):
    window = make_window()
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    window.session.edit("Begin", spec=RunSpec(encoder=tiny, training=TrainConfig(epochs=3)))
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)
    return window


def train(window, qtbot, kind):
    panel = window.panel("training")
    head = HeadConfig(kind=kind, trees=20)
    window.session.edit("Head", spec=replace(window.session.state.spec, head=head))
    before = panel.run_id
    QTest.mouseClick(panel.settings.train_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.run_id != before and not panel.busy, timeout=60_000)
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)
    return panel


def test_each_head_shows_what_it_has_and_answers(window, qtbot):
    for kind, (title, name) in HEADS.items():
        panel = train(window, qtbot, kind)
        plot = panel.plots.loss
        said = plot.text_summary()
        assert said.startswith(f"{title}: "), kind
        assert name in said
        assert plot.log_box.isHidden(), kind
        # The head is a trained one, and may be asked.
        assert panel.head_state == "trained"
        assert panel.steps_done == (20 if kind == "forest" else 1)
        assert panel.try_box._run == panel.run_id
        assert "step" not in panel.plots._figures.text()
    header, rows = plot.table()
    assert (header[0], len(rows)) == ("no epochs: this head is fitted at one stretch", 1)
    panel = train(window, qtbot, "linear")
    assert panel.plots.loss.text_summary().startswith("Loss: ")
    assert not panel.plots.loss.log_box.isHidden()
    assert "instead" not in panel.plots.loss.keys
    assert "step 33" in panel.plots._figures.text()


def test_the_chosen_k_is_marked_and_losses_stay_away(window, qtbot):
    linear = train(window, qtbot, "linear").run_id
    panel = train(window, qtbot, "knn")
    window.session.edit("Show", overlaid=(linear,))
    plot = panel.plots.loss
    assert set(plot.keys) == {"instead", "instead chosen"}
    assert linear in panel.plots.accuracy.keys
    _header, rows = plot.table()
    chosen = [row[0] for row in rows if row[2] is not None]
    assert chosen == [15]
    window.session.edit("Look", run=linear, overlaid=())
    qtbot.waitUntil(lambda: "train" in plot.keys, timeout=10_000)
    assert "instead" not in plot.keys


def test_a_task_of_numbers_brings_the_rate_that_numbers_need(window, qtbot, tmp_path):
    rows = [f'"a film worth {n} of ten, take {n * 7}",{n / 7:.2f}' for n in range(60)]
    file = tmp_path / "marks.csv"
    file.write_text("\n".join(["review,mark", *rows]) + "\n", encoding="utf-8")
    library = window.lab.shelf.library
    with library.staging() as staging:
        name = library.keep(read(inspect([file]).plan, staging)).name
    assert window.session.state.spec.training.learning_rate == 0.1
    window.choose_task(name)
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)
    assert window.session.state.spec.training.learning_rate == 0.005
    panel = train(window, qtbot, "linear")
    assert panel.judged.currentWidget() is panel.judged.answers
    (status,) = {run.status for run in window.lab.runs.list() if run.run_id == panel.run_id}
    assert status == "finished"
    window.session.edit_training("Rate", learning_rate=0.02)  # a choice of one's own stays
    window.choose_task("word-relations")
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)
    assert window.session.state.spec.training.learning_rate == 0.02
