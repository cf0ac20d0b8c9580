"""The page of several tasks, driven as a person would, on bundled tasks and a tiny encoder."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fineview.core.runs.multitask_study import KIND
from fineview.core.runs.spec import RunSpec
from fineview.core.training.multitask.config import TasksChoice
from fineview.ui.plots.cosine_heat import CosineHeat, CosineRow
from fineview.ui.plots.export import export_widget, table_text
from tests.core.tiny import tiny_encoder_folder

LEFT = Qt.MouseButton.LeftButton
QUICK = TasksChoice(items=32, held_out_items=20, max_length=16, epochs=2, every=1, batch_size=8)


@pytest.fixture
def window(make_window, tmp_path, qtbot):
    window = make_window()
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    window.session.edit("Begin", spec=RunSpec(encoder=tiny), multitask=QUICK)
    qtbot.waitUntil(lambda: window.context.encoder.name == tiny, timeout=30_000)
    window.show_panel("training")
    window.session.view(training_page="tasks")
    quiet(qtbot, window)
    return window


def quiet(qtbot, window):
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)


def page_of(window):
    return window.panel("training").page("tasks")


def train(qtbot, window):
    page = page_of(window)
    QTest.mouseClick(page.choices.run_button, LEFT)
    assert page.choices.run_button.text() == "Stop"
    quiet(qtbot, window)
    assert page.choices.run_button.text() == "Train together"
    return page


def test_a_newcomer_trains_two_tasks_and_reads_who_pulls_against_whom(qtbot, window, tmp_path):
    page = page_of(window)
    assert page.empty.isVisible()
    assert page.choices.said.text().startswith("2 tasks together, then each alone: 3 trainings")
    assert window.lab.studies.list(KIND) == ()  # nothing is computed that nobody asked for
    train(qtbot, window)
    found = page.shown
    assert found.status == "finished"
    assert page.title.text == "Word relations + Sentence order"
    assert "8 steps together" in page.caption.text
    assert page.said.text() == found.text
    # The curves that were drawn live are those of the study.
    assert page.view.plot.keys == ("pair 0",)
    _, rows = page.view.plot.table()
    assert [row[0] for row in rows] == [one.step for one in found.cosines]
    assert [row[1] for row in rows] == pytest.approx([c.overall[0] for c in found.cosines])
    # A row a task, with both figures and their difference.
    assert table_text(page.table.table(), ",").count("\n") == 1 + 2
    together = found.results[0].together.value
    assert f"{together:.3f}" in page.table.model().index(0, 5).data()
    # By layer: all, two blocks, the embeddings, from the top of the stack.
    _, layers = page.view.layers.table()
    assert [row[0] for row in layers] == ["all shared", "block 2", "block 1", "embeddings"]
    assert layers[0][1] == pytest.approx(found.agreement.overall[0])
    export_widget(page.view.layers, tmp_path / "layers.svg")
    assert "embeddings" in (tmp_path / "layers.svg").read_text(encoding="utf-8")
    # A press on a layer shows that layer in the curves and in the matrix; undo goes back.
    spot = page.view.layers.place("block 1/0").toPoint()
    QTest.mouseClick(page.view.layers, LEFT, pos=spot)
    assert window.session.state.multitask.group == "block 1"
    assert page.view.layers.picked == "block 1"
    value = found.agreement.of("block 1")[0]
    assert page.view.matrix.table()[1][0][2] == pytest.approx(value)
    _, rows = page.view.plot.table()
    assert [row[1] for row in rows] == pytest.approx([c.of("block 1")[0] for c in found.cosines])
    assert not page.message.isVisible()  # looking elsewhere makes nothing stale
    window.registry.all["undo"].trigger()
    assert page.view.layers.picked == "all"
    # Other curves: losses of both phases, norms, weights.
    for kind, keys in (
        ("losses", ("task 0", "task 1", "alone 0", "alone 1")),
        ("norms", ("norm 0", "norm 1")),
        ("weights", ("task 0", "task 1")),
    ):
        QTest.mouseClick(page.view.kind.segment(kind), LEFT)
        assert page.view.plot.keys == keys
        assert page.view.plot.log_box.isEnabled()
    QTest.mouseClick(page.view.kind.segment("cosines"), LEFT)
    assert not page.view.plot.log_box.isEnabled()
    assert not window.runner.jobs


def test_settings_are_chosen_undone_refused_and_grow_stale(qtbot, window):
    page = train(qtbot, window)
    choices, session = page.choices, window.session
    QTest.mouseClick(choices.balance.segment("gradnorm"), LEFT)
    assert page.message.text == "These are the results of other settings."
    assert page.view.layers.dimmed
    assert choices.field("alpha").isVisible()
    assert "arXiv:1711.02257" in choices.balance_says.text()
    QTest.mouseClick(choices.backbone.segment("frozen"), LEFT)
    assert "no effect" in choices.balance_says.text()
    QTest.mouseClick(choices.backbone.segment("last-k"), LEFT)
    assert choices.field("top_layers").isVisible()
    page.message.buttons[0].click()
    assert session.state.multitask == QUICK
    assert not page.message.isVisible()
    assert not page.view.layers.dimmed
    window.registry.all["undo"].trigger()
    assert session.state.multitask.backbone == "last-k"
    window.registry.all["redo"].trigger()
    # A new task comes last, so that the others keep their colours.
    choices.tasks.box("capitals").click()
    assert session.state.multitask.tasks == (*QUICK.tasks, "capitals")
    offered = {choices.tokens.itemData(i) for i in range(choices.tokens.count())}
    assert offered == {"mean"}  # the only one that fits pairs and words
    choices.tasks.box("word-relations").click()
    choices.tasks.box("capitals").click()
    assert session.state.multitask.tasks == ("sentence-order",)
    assert "second task" in choices.said.text()
    QTest.mouseClick(choices.run_button, LEFT)
    quiet(qtbot, window)
    assert page.message.kind == "bad"
    assert "add another task" in page.message.text
    assert page.shown is not None  # what was there still stands
    choices.field("epochs").edit.setText("0")
    choices.field("epochs").commit()
    assert choices.field("epochs").error
    assert session.state.multitask.epochs == QUICK.epochs


def test_a_stop_keeps_the_study_and_earlier_ones_come_back(qtbot, window):
    page = page_of(window)
    window.session.edit_look("x", "multitask", epochs=200)
    QTest.mouseClick(page.choices.run_button, LEFT)
    qtbot.waitUntil(lambda: len(page._cosines) > 2, timeout=60_000)
    assert not page.past.box.isEnabled()
    QTest.mouseClick(page.choices.run_button, LEFT)
    assert page.choices.run_button.text() == "Stopping…"
    quiet(qtbot, window)
    assert page.shown.status == "stopped"
    assert page.said.text().startswith("Stopped: together, after ")
    stopped = page.shown.study_id
    window.session.edit_look("y", "multitask", epochs=1, alone=False)
    train(qtbot, window)
    assert page.shown.study_id != stopped
    assert page.shown.results[0].alone is None
    # The earlier one is opened: its settings come with it.
    place = page.past.box.findData(stopped)
    assert "stopped" in page.past.box.itemText(place)
    page.past.box.setCurrentIndex(place)
    page.past.box.activated.emit(place)
    quiet(qtbot, window)
    assert page.shown.study_id == stopped
    assert window.session.state.multitask.epochs == 200
    # It is deleted, and taken back.
    QTest.mouseClick(page.past.delete_button, LEFT)
    quiet(qtbot, window)
    assert stopped not in [study.study_id for study in window.lab.studies.list(KIND)]
    assert (page.title.text, page.caption.text) == ("", "")
    page.message.buttons[0].click()
    quiet(qtbot, window)
    assert page.shown.study_id == stopped
    assert len(window.lab.studies.list(KIND)) == 2


def test_what_is_chosen_outlives_the_window(window, tmp_path):
    session = window.session
    session.edit_look("x", "multitask", balance="pcgrad", tasks=("a", "capitals"))
    session.save()
    again = type(session)(session.path)
    assert again.state.multitask == replace(QUICK, balance="pcgrad", tasks=("a", "capitals"))
    # A task that has gone is still shown, so that it can be unticked.
    options = page_of(window).choices.tasks
    assert options.box("a").isChecked()
    assert options.box("a").text() == "a · not here"


def test_cosines_are_walked_through_by_keyboard(qtbot):
    heat = CosineHeat("Cosines", "tip", empty="Nothing yet.", scale=True)
    qtbot.addWidget(heat)
    assert heat.accessibleDescription() in ("Nothing yet.", "tip")
    rows = [
        CosineRow("all", "all shared", (0.25, -0.5), ("first", "second")),
        CosineRow("block 1", "block 1", (float("nan"), 0.1), ("itself", "fourth")),
    ]
    heat.show_rows("Cosines", ("1 · 2", "1 · 3"), rows, half=0.5, picked="all")
    heat.resize(420, 200)
    heat.show()
    QTest.keyClick(heat, Qt.Key.Key_Down)
    assert heat.current == "all/0"
    QTest.keyClick(heat, Qt.Key.Key_Down)
    QTest.keyClick(heat, Qt.Key.Key_Right)
    assert heat.accessibleDescription() == "fourth"
    with qtbot.waitSignal(heat.chosen) as caught:
        QTest.keyClick(heat, Qt.Key.Key_Return)
    assert caught.args == ["block 1/1"]
    assert heat.near(heat.place("block 1/1")) == "block 1/1"
    assert heat.table()[1] == [["all shared", 0.25, -0.5], ["block 1", 1.0, 0.1]]
    # Against and with each other are painted apart.
    picture = heat.grab().toImage()
    scale = picture.width() / heat.width()

    def colour(key):
        corner = heat.place(key).toPoint()
        rect = heat._rect(*heat._where(key))
        return picture.pixelColor(round((rect.left() + 4) * scale), round(corner.y() * scale))

    assert colour("all/0").green() > colour("all/1").green()
