"""The layer map page, driven as a person would."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fineview.core.explore.choices import MapChoice
from fineview.core.runs.spec import RunSpec
from fineview.ui.plots.export import table_text
from tests.core.tiny import tiny_encoder_folder


@pytest.fixture
def window(make_window, tmp_path, qtbot):
    window = make_window()
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    choice = MapChoice(items=60, folds=3)
    window.session.edit("Begin", spec=RunSpec(encoder=tiny), layer_map=choice)
    qtbot.waitUntil(lambda: window.context.encoder.name == tiny, timeout=30_000)
    window.show_panel("features")
    window.session.view(features_page="map")
    return window


def test_a_map_is_computed_clicked_taken_back_and_grows_stale(qtbot, window):
    page = window.panel("features").page("map")
    assert page.shown is None
    QTest.mouseClick(page.compute, Qt.MouseButton.LeftButton)
    assert page.compute.text() == "Stop"
    qtbot.waitUntil(lambda: page.compute.text() == "Compute map", timeout=60_000)
    assert page.shown.complete
    assert page.said.text().startswith("Best: ")
    assert "Majority" in page.said.text()
    assert set(page.scores()) == {0, 1, 2}
    cell = next(c for c in page.shown.cells if c.pooling.layers == (1,) and not c.preset)
    before = window.session.state.spec.pooling
    place = page.heat.cell_rect(cell).center().toPoint()
    QTest.mouseClick(page.heat, Qt.MouseButton.LeftButton, pos=place)
    assert window.session.state.spec.pooling == cell.pooling
    window.registry.all["undo"].trigger()
    assert window.session.state.spec.pooling == before
    page.measure.segment("macro_f1").click()
    assert "macro-F1" in page.said.text()
    assert not page.heat.dimmed
    assert table_text(page.heat.table(), ",").count("\n") == 1 + 27 + 3
    page.random.click()
    assert page.heat.dimmed
    assert page.message.text == "Settings changed."
    assert page.scores() == {}
