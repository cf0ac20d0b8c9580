"""The map of texts, driven as a person would, on a bundled task and a tiny encoder."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import TrainConfig
from fineview.ui.plots.layer_lines import LayerLines
from tests.core.tiny import tiny_encoder_folder

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window(make_window, tmp_path, qtbot):
    window = make_window()
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    window.session.edit("Begin", spec=RunSpec(encoder=tiny, training=TrainConfig(epochs=2)))
    qtbot.waitUntil(lambda: window.context.encoder.name == tiny, timeout=30_000)
    window.show_panel("features")
    window.session.view(features_page="space")
    return window


def quiet(qtbot, window):
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)


def draw(qtbot, window):
    page = window.panel("features").page("space")
    QTest.mouseClick(page.bar.draw, LEFT)
    quiet(qtbot, window)
    assert page.message.text == ""
    return page


def test_a_newcomer_draws_the_map_and_reads_its_numbers(qtbot, window):
    page = window.panel("features").page("space")
    assert page.empty.isVisible()
    assert not window.runner.jobs  # nothing is computed that nobody asked for
    draw(qtbot, window)
    assert page.scatter.isVisible()
    assert len(page.scatter.table()[1]) == 550
    assert page.notes.text().startswith("550 of 550 pairs drawn.")
    said = [page.numbers.figures.itemAt(i).widget() for i in range(page.numbers.figures.count())]
    assert any(label is not None and "Silhouette" in label.text() for label in said)


def test_layers_are_scrubbed_and_taken_back(qtbot, window):
    page = draw(qtbot, window)
    before = page.shown.coordinates
    page.bar.layer.setValue(1)
    quiet(qtbot, window)
    assert (page.shown.layer, page.bar.layer_name.text()) == (1, "layer 1 of 2")
    one = page.shown.coordinates
    page.bar.layer.setValue(2)
    assert page.shown.layer == 2  # at once: all layers are there
    assert not np.allclose(one, page.shown.coordinates)
    window.registry.all["undo"].trigger()
    quiet(qtbot, window)
    assert page.shown.layer == -1
    assert np.allclose(np.abs(page.shown.coordinates), np.abs(before), atol=1e-5)


def test_playing_ends_at_the_last_layer(qtbot, window):
    page = draw(qtbot, window)
    QTest.mouseClick(page.bar.play, LEFT)
    assert page.bar.playing
    qtbot.waitUntil(lambda: not page.bar.playing, timeout=20_000)
    assert window.session.state.space.layer == 2
    quiet(qtbot, window)


def test_a_rectangle_fills_the_table_and_a_row_finds_its_point(qtbot, window):
    page = draw(qtbot, window)
    QTest.mouseClick(page.bar.tool.segment("rectangle"), LEFT)
    canvas = page.scatter.canvas
    begin, end = QPoint(2, 2), QPoint(canvas.width() - 3, canvas.height() - 3)
    QTest.mousePress(canvas, LEFT, pos=begin)
    QTest.mouseMove(canvas, end)
    QTest.mouseRelease(canvas, LEFT, pos=end)
    assert len(page.table.rows) == len(page.scatter.selection) > 300
    page.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    texts = [row[0].casefold() for row in page.table.table()[1]]
    assert texts == sorted(texts)
    page.table.selectRow(3)
    quiet(qtbot, window)
    assert page.numbers.near.count() == 12
    assert page.space.points.texts[page.table.rows[3]][:20] in page.numbers.near_title.text()


def test_colours_of_a_run_are_offered_once_there_is_one(qtbot, window):
    page = draw(qtbot, window)
    assert page.space.points.predictions is None
    window.train()
    qtbot.waitUntil(lambda: not window.panel("training").busy, timeout=60_000)
    window.show_panel("features")
    quiet(qtbot, window)
    qtbot.waitUntil(lambda: page.space.points.predictions is not None, timeout=30_000)
    quiet(qtbot, window)
    page.bar.colour.setCurrentIndex(2)
    page.bar.colour.activated.emit(2)
    assert window.session.state.space.colour == "loss"
    assert "loss" in " ".join(page.scatter.table()[0])


def test_another_task_is_drawn_anew(qtbot, window):
    page = draw(qtbot, window)
    window.session.edit_look("x", "space", points=200)
    quiet(qtbot, window)
    assert page.notes.text().startswith("200 of 550 pairs drawn.")


def test_tsne_runs_live_and_stops(qtbot, window):
    page = draw(qtbot, window)
    seen = []
    show = page._show_frame
    page._show_frame = lambda frame: (seen.append(frame.iteration), show(frame))
    QTest.mouseClick(page.bar.method.segment("tsne"), LEFT)
    qtbot.waitUntil(lambda: len(seen) > 2, timeout=60_000)
    assert page.bar.draw.text() == "Stop"
    QTest.mouseClick(page.bar.draw, LEFT)
    quiet(qtbot, window)
    assert seen == sorted(seen)
    assert page.bar.draw.text() == "Draw map"


def test_coordinates_go_to_a_file_and_come_back(qtbot, window, tmp_path):
    page = draw(qtbot, window)
    file = tmp_path / "map.csv"
    page.files.save(file)
    quiet(qtbot, window)
    assert page.message.text == "550 points written to map.csv."
    before = page.shown.coordinates
    page.bar.layer.setValue(1)
    quiet(qtbot, window)
    page.files.open(file)
    quiet(qtbot, window)
    assert np.allclose(page.shown.coordinates, before, atol=1e-4)
    file.write_text("item,text\n1,a\n", encoding="utf-8")
    page.files.open(file)
    quiet(qtbot, window)
    assert page.message.kind == "bad"
    assert "map.csv" in page.message.text


def test_lines_over_layers_choose_a_layer(qtbot):
    lines = LayerLines("Layers", "A test's lines.")
    qtbot.addWidget(lines)
    lines.resize(300, 200)
    lines.set_series([("one", [0.1, 0.2, np.nan]), ("two", [0.5, 0.4, 0.3])])
    with qtbot.waitSignal(lines.pressed) as pressed:
        QTest.mouseClick(lines, LEFT, pos=QPoint(round(lines.layer_x(2)), 100))
    assert pressed.args == [2]
    names, rows = lines.table()
    assert (names, rows[1]) == (["layer", "one", "two"], [1, 0.2, 0.4])
    assert not lines.grab().toImage().isNull()
