"""The derivative kernel in the real window, on real runs of a tiny encoder."""

import csv
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fineview.core.explore.choices import MovedChoice
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import TrainConfig
from fineview.core.training.strategy import default_strategy, default_training
from fineview.ui.plots.export import export_table, export_widget
from tests.core.tiny import tiny_encoder_folder

LEFT = Qt.MouseButton.LeftButton
FEW = MovedChoice(view="kernel", items=12, held_out=10)


@pytest.fixture
def window(make_window, qtbot, tmp_path):
    window = make_window()
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    spec = RunSpec(
        encoder=tiny,
        task="sentence-order",
        training=replace(default_training("full", 16), epochs=1),
        strategy=replace(default_strategy("full"), encoder_rate=5e-3),
    )
    window.session.edit("Begin", spec=spec)
    quiet(qtbot, window)
    window.show_panel("training")
    return window


def quiet(qtbot, window):
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)


def train(qtbot, window):
    panel = window.panel("training")
    before = panel.run_id
    window.session.view(training_page="train")
    QTest.mouseClick(panel.settings.train_button, LEFT)
    qtbot.waitUntil(lambda: panel.run_id != before and not panel.busy, timeout=60_000)
    quiet(qtbot, window)
    window.session.view(training_page="moved")
    return panel.page("moved")


def cells(table):
    return [list(row) for row in table.figures.rows]


def test_a_newcomer_computes_reads_and_exports_the_kernel_of_a_run(window, qtbot, tmp_path):
    page = train(qtbot, window)
    QTest.mouseClick(page.view.segment("kernel"), LEFT)
    view = page.kernel
    assert view.empty.isVisible()
    quiet(qtbot, window)  # the texts of the other view
    assert view.found is None  # nothing is computed that nobody asked for
    for field, value in ((view.items, "12"), (view.held_out, "10")):
        field.edit.setText(value)
        field.commit()
    assert window.session.state.moved == FEW
    QTest.mouseClick(view.button, LEFT)
    assert view.button.text() == "Stop"
    quiet(qtbot, window)
    assert view.message.text == ""
    assert view.button.text() == "Compute again"
    found = view.found
    assert found.complete
    assert found.spec.tuned == window.session.state.run
    assert view.said.text() == found.sentence
    assert f"at random weights by {found.of('random').alignment:.2f}" in found.sentence
    assert f"the run reaches {found.of('tuned').model.value:.2f}" in found.sentence
    assert "12 training items, 10 test items" in view.notes.text()
    assert "standard error" in view.notes.text()
    # Bars: a row a layer; the table says the same of the whole and has the way of the weights.
    header, rows = view.bars.table()
    assert header[1:4] == [
        "alignment, held out: Random",
        "alignment, held out: Pretrained",
        "alignment, held out: Tuned by the run",
    ]
    assert [row[2] for row in rows] == list(found.of("pretrained").by_group[:-1])
    lines = cells(view.table)
    assert lines[0][1:] == [
        f"{found.of(n).alignment:.3f}" for n in ("random", "pretrained", "tuned")
    ]
    assert lines[-2][1:3] == ["–", "–"]
    assert float(lines[-2][3]) == pytest.approx(found.distance, rel=0.01)
    file = tmp_path / "kernel.csv"
    export_table(view.table.table(), file)
    with file.open(encoding="utf-8-sig", newline="") as stream:
        saved = list(csv.DictReader(stream))
    assert [row["weights"] for row in saved] == ["pretrained", "random", "tuned"]
    assert float(saved[2]["distance"]) == pytest.approx(found.distance)
    for widget in (view.bars, view.table):
        export_widget(widget, tmp_path / "kernel.svg")
        assert (tmp_path / "kernel.svg").stat().st_size > 1000
    check_that_settings_are_undone(window, view)
    check_that_another_run_has_figures_of_its_own(window, qtbot, view)


def check_that_settings_are_undone(window, view):
    view.seed.edit.setText("3")
    view.seed.commit()
    assert view.stale
    assert view.notes.text().startswith("Settings changed")
    window.registry.all["undo"].trigger()
    assert window.session.state.moved.seed == 0
    assert not view.stale
    assert view.seed.value == 0


def check_that_another_run_has_figures_of_its_own(window, qtbot, view):
    head = TrainConfig(epochs=2)
    window.session.edit_spec("Head", strategy=default_strategy("head"), training=head)
    page = train(qtbot, window)
    assert page.view.value == "kernel"
    assert view.found is None
    assert view.empty.isVisible()
    QTest.mouseClick(view.button, LEFT)
    quiet(qtbot, window)
    assert [one.weights for one in view.found.kernels] == ["pretrained", "random"]
    assert "no tuned weights" in view.notes.text()
    assert "the run reaches" not in view.said.text()
    assert [line[3] for line in cells(view.table)] == ["–"] * 8


def test_without_a_run_it_can_be_computed_stopped_and_refused(window, qtbot):
    window.session.edit("Look", moved=FEW)
    window.session.view(training_page="moved")
    view = window.panel("training").page("moved").kernel
    assert view.isVisible()
    view.button.setFocus()
    QTest.keyClick(view.button, Qt.Key.Key_Space)
    job = view._job
    qtbot.waitUntil(lambda: job.active, timeout=20_000)
    QTest.keyClick(view.button, Qt.Key.Key_Space)
    assert view.button.text() == "Stopping…"
    assert not view.button.isEnabled()
    quiet(qtbot, window)
    assert (view.button.text(), view.button.isEnabled()) == ("Compute kernel", True)
    assert view.found is None
    view.items.edit.setText("301")
    view.items.commit()
    assert view.items.error
    assert window.session.state.moved == FEW
    forest = replace(window.session.state.spec.head, kind="forest")
    window.session.edit_spec("Forest", head=forest)
    QTest.mouseClick(view.button, LEFT)
    quiet(qtbot, window)
    assert view.message.kind == "bad"
    assert view.message.text
    assert view.empty.isVisible()
