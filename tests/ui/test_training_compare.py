"""The comparison page, driven as a person would, on a bundled task and a tiny encoder."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtTest import QTest

from fineview.core.runs.compare_choice import CompareChoice
from fineview.core.runs.spec import RunSpec
from fineview.ui.plots.band_curves import BandCurve, BandCurves
from fineview.ui.plots.compare_picture import ComparePicture
from fineview.ui.plots.export import export_widget, table_text
from fineview.ui.plots.grid_heat import GridCell, GridHeat
from fineview.ui.plots.labelling import placed_labels
from fineview.ui.plots.painted_axes import linear_axis, log_axis
from fineview.ui.plots.pareto import ParetoPlot, ParetoPoint
from fineview.ui.widgets.check_list import CheckList, Option
from tests.core.tiny import tiny_encoder_folder

LEFT = Qt.MouseButton.LeftButton
QUICK = CompareChoice(
    strategies=("head", "classical"), seeds=2, train_items=40, held_out_items=30, max_length=24
)


@pytest.fixture
def window(make_window, tmp_path, qtbot):
    window = make_window()
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    window.session.edit("Begin", spec=RunSpec(encoder=tiny), compare=QUICK)
    qtbot.waitUntil(lambda: window.context.encoder.name == tiny, timeout=30_000)
    window.show_panel("training")
    window.session.view(training_page="compare")
    return window


def quiet(qtbot, window):
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)


def compare(qtbot, window):
    page = window.panel("training").page("compare")
    QTest.mouseClick(page.choices.run_button, LEFT)
    assert page.choices.run_button.text() == "Stop"
    quiet(qtbot, window)
    assert page.choices.run_button.text() == "Compare"
    return page


def test_a_newcomer_compares_reads_and_opens_a_run(qtbot, window, tmp_path):
    page = window.panel("training").page("compare")
    quiet(qtbot, window)
    assert page.empty.isVisible()
    assert page.choices.said.text().startswith("4 runs, about ")
    assert window.lab.runs.list() == ()  # nothing is computed that nobody asked for
    compare(qtbot, window)
    assert page.shown.status == "finished"
    assert page.said.text().startswith("Best: ")
    assert len(page.table.keys()) == 2
    assert table_text(page.table.table(), ",").count("\n") == 1 + 2 + 2
    assert len(page.picture.pareto.keys()) == 2
    assert page.title.text == "Comparison · Word relations"
    # Another cost is another picture; nothing is computed.
    QTest.mouseClick(page.axis.segment("bytes"), LEFT)
    QTest.mouseClick(page.tasks.segment("100"), LEFT)
    assert page.picture.table()[0][1] == "bytes stored for 100 tasks"
    assert not page.message.isVisible()
    assert not window.runner.jobs
    page.picture.resize(600, 300)
    export_widget(page.picture, tmp_path / "picture.svg")
    assert "TF-IDF → SVD" in (tmp_path / "picture.svg").read_text(encoding="utf-8")
    # Sorted by accuracy, the better row stands first.
    page.table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    best = max(page.shown.rows, key=lambda row: row.test.value)
    assert page.table.keys()[0] == best.arm.key
    # Of several seeds a menu asks which.
    page.table.selectRow(0)
    QTest.keyClick(page.table, Qt.Key.Key_Return)
    labels = [action.text() for action in page._menu.actions()]
    assert labels == [f"Open seed {run.seed} · {run.test:.3f}" for run in best.runs]
    page._menu.actions()[1].trigger()
    page._menu.close()
    quiet(qtbot, window)
    assert window.session.state.training_page == "train"
    assert window.session.state.run == best.runs[1].run_id
    titles = [row.title for row in window.panel("training").table.rows]
    assert f"{best.arm.title} · seed 1" in titles


def test_settings_are_chosen_undone_and_grow_stale(qtbot, window):
    page = compare(qtbot, window)
    choices, session = page.choices, window.session
    QTest.mouseClick(choices.preset_button("heads"), LEFT)
    assert session.state.compare.strategies == ("head",)
    assert len(session.state.compare.heads) == 7
    assert session.state.compare.seeds == 2  # the budget stays
    assert choices.preset_button("heads").isChecked()
    assert page.message.text == "These are the results of other settings."
    assert page.picture.pareto.dimmed
    window.registry.all["undo"].trigger()
    assert session.state.compare == QUICK
    assert not page.message.isVisible()
    choices.strategies.box("full").click()
    assert session.state.compare.strategies == ("head", "full", "classical")
    choices.random.click()
    assert "8 runs" in choices.said.text()
    page.message.buttons[0].click()
    assert session.state.compare == QUICK
    assert not page.picture.pareto.dimmed
    # The last box cannot be cleared: something must be compared.
    choices.strategies.box("head").click()
    choices.strategies.box("classical").click()
    assert session.state.compare.strategies == ("classical",)
    choices.field("seeds").edit.setText("11")
    choices.field("seeds").commit()
    assert "Seeds must be 1 to 10" in choices.field("seeds").error
    QTest.mouseClick(choices.shape.segment("rows"), LEFT)
    assert choices.sizes.placeholderText() == "25 40"
    choices.sizes.setText("10 x")
    choices.sizes.editingFinished.emit()
    assert choices.message.text.startswith("Places of the curve")
    choices.sizes.setText("30 10")
    choices.sizes.editingFinished.emit()
    assert session.state.compare.sizes == (10, 30)


def test_a_stopped_comparison_goes_on_and_earlier_ones_come_back(qtbot, window):
    page = window.panel("training").page("compare")
    window.session.edit_look("x", "compare", strategies=("head",), seeds=10)
    QTest.mouseClick(page.choices.run_button, LEFT)
    qtbot.waitUntil(lambda: page.shown is not None and page.shown.done >= 2, timeout=60_000)
    QTest.mouseClick(page.choices.run_button, LEFT)
    quiet(qtbot, window)
    assert page.shown.status == "stopped"
    done = page.shown.done
    assert f"{done} of 10 runs are done" in page.said.text()
    assert page.past.go_on_button.isVisible()
    QTest.mouseClick(page.past.go_on_button, LEFT)
    quiet(qtbot, window)
    assert (page.shown.status, page.shown.done) == ("finished", 10)
    assert not page.past.go_on_button.isVisible()
    first = page.shown
    window.session.edit("x", compare=replace(QUICK, seeds=1))
    compare(qtbot, window)
    assert page.past.box.count() == 2
    page.past.box.setCurrentIndex(1)
    page.past.box.activated.emit(1)
    quiet(qtbot, window)
    assert page.shown == first
    assert window.session.state.compare.seeds == 10  # its question is chosen again
    QTest.mouseClick(page.past.delete_button, LEFT)
    quiet(qtbot, window)
    assert page.past.box.count() == 1
    assert page.shown.choice.seeds == 1
    assert "its runs stay" in page.message.text
    page.message.buttons[0].click()
    quiet(qtbot, window)
    assert page.past.box.count() == 2
    assert page.shown == first


def test_what_fails_is_told_and_curves_and_grids_are_drawn(qtbot, window, tmp_path):
    page = window.panel("training").page("compare")
    tiny = window.session.state.spec.encoder
    window.session.edit("x", compare=replace(QUICK, shape="grid", seeds=1, encoders=(tiny, "/no")))
    compare(qtbot, window)
    assert page.picture.kind == "grid"
    assert not page.axis.isVisible()
    assert "/no" in page.said.text()
    refused = next(row for row in page.shown.rows if row.status == "refused")
    page.picture.grid.chosen.emit(refused.arm.key)
    assert "/no" in page.message.text
    curve = replace(QUICK, shape="rows", strategies=("head",), sizes=(20, 40), seeds=1)
    window.session.edit("x", compare=curve)
    compare(qtbot, window)
    assert page.picture.kind == "curves"
    assert [row[1] for row in page.picture.table()[1][:2]] == [20.0, 40.0]
    key = page.picture.curves.keys()[1]
    with qtbot.waitSignal(page.run_wanted) as wanted:
        page.picture.curves.chosen.emit(key)
    assert wanted.args == [page.shown.rows[1].runs[0].run_id]


# The plots by themselves


def point(key, cost, value, half=0.01, **more):
    low, high = value - half, value + half
    return ParetoPoint(
        key=key, label=f"label {key}", words=f"all of {key}", cost=cost, value=value, low=low,
        high=high, **more,
    )  # fmt: skip


@pytest.fixture
def pareto(qtbot):
    plot = ParetoPlot("Costs", empty="Nothing yet.")
    qtbot.addWidget(plot)
    plot.resize(640, 320)
    points = [
        point("b", 1000, 0.8, moves=True),
        point("a", 0, 0.6),
        point("c", 50_000_000, 0.7, half=0.6, fresh=True),
        point("d", None, 0.9),
    ]
    plot.show_points(
        points, (("Majority", 0.5),), x_label="weights", y_label="accuracy", unit="count"
    )
    return plot


def test_the_front_is_drawn_walked_and_pressed(qtbot, pareto):
    assert pareto.keys() == ["a", "b", "c"]
    assert pareto.front == {"a", "b"}
    assert not pareto.grab().toImage().isNull()
    with qtbot.waitSignal(pareto.chosen) as chosen:
        QTest.mouseClick(pareto, LEFT, pos=pareto.place("b").toPoint())
    assert chosen.args == ["b"]
    QTest.keyClick(pareto, Qt.Key.Key_Right)
    assert pareto.accessibleDescription() == "all of c"
    with qtbot.waitSignal(pareto.chosen) as chosen:
        QTest.keyClick(pareto, Qt.Key.Key_Return)
    assert chosen.args == ["c"]
    header, rows = pareto.table()
    assert header[1:3] == ["weights", "accuracy"]
    assert rows[0] == ["label a", 0, 0.6, 0.59, 0.61, 1]
    assert rows[-1][0] == "Majority"
    pareto.show_points([point("d", None, 0.9)], (), x_label="x", y_label="y", unit="bytes")
    assert pareto.keys() == []
    assert pareto.empty_text() == "Not measured: label d."


def test_labels_never_cover_each_other_a_point_or_an_edge():
    random = np.random.default_rng(3)
    area = QRectF(0, 0, 700, 300)
    points = [QPointF(*at) for at in random.uniform((40, 30), (660, 270), (14, 2))]
    blocked = [QRectF(p.x() - 5, p.y() - 20, 10, 40) for p in points]
    found = placed_labels([(p, 90.0, 14.0) for p in points], blocked, area, 9.0)
    placed = [rect for rect in found if rect is not None]
    assert len(placed) >= 12
    for number, rect in enumerate(placed):
        assert area.contains(rect)
        assert not any(rect.intersects(other) for other in placed[number + 1 :])
        assert not any(rect.intersects(other) for other in blocked)


def test_axes_have_round_ticks_and_a_place_for_zero():
    axis = linear_axis([0.52, 0.81], 0.0, 1.0, [-0.9, 1.0])
    assert axis.low >= 0.52 - 0.3  # a wide interval does not push the values together
    assert axis.high <= 1.0
    assert all(round(tick * 20) == pytest.approx(tick * 20) for tick in axis.ticks)
    axis = log_axis([0, 300, 22_000_000])
    assert axis.ticks[0] == 0
    assert 0 < axis.share(0) < axis.share(300) < axis.share(3000) < axis.share(22_000_000) < 1
    assert axis.share(3000) - axis.share(300) == pytest.approx(
        axis.share(300_000) - axis.share(30_000)
    )
    assert len(log_axis([5, 5]).ticks) >= 2


def test_bands_are_walked_from_curve_to_curve(qtbot):
    plot = BandCurves("Curves", empty="Nothing yet.")
    qtbot.addWidget(plot)
    plot.resize(500, 300)
    x = np.array([25.0, 50.0, 100.0])
    test = np.array([0.5, np.nan, 0.7])
    curves = [
        BandCurve(
            name=name, keys=tuple(f"{name}{i}" for i in range(3)), words=("one", "two", "three"),
            x=x, test=test, low=test - 0.1, high=test + 0.1, train=np.ones(3),
        )
        for name in "ab"
    ]  # fmt: skip
    plot.show_curves(curves, (("Majority", 0.4),), x_label="rows", y_label="accuracy")
    assert plot.keys() == ["a0", "a2", "b0", "b2"]  # what is not there yet is left out
    assert not plot.grab().toImage().isNull()
    QTest.keyClick(plot, Qt.Key.Key_Right)
    QTest.keyClick(plot, Qt.Key.Key_Right)
    QTest.keyClick(plot, Qt.Key.Key_Down)
    assert (plot.current, plot.accessibleDescription()) == ("b2", "three")
    with qtbot.waitSignal(plot.chosen) as chosen:
        QTest.mouseClick(plot, LEFT, pos=plot.place("b0").toPoint())
    assert chosen.args[0] in ("a0", "b0")  # they lie upon each other
    assert plot.table()[1][1] == ["a", 50.0, None, None, None, 1.0]


def test_cells_of_a_grid_are_walked_and_one_may_be_empty(qtbot):
    plot = GridHeat("Grid", empty="Nothing yet.")
    qtbot.addWidget(plot)
    plot.resize(600, 300)
    assert plot.keys() == []
    cells = {
        (row, column): GridCell(
            key=f"{row}{column}", words=f"cell {row}{column}",
            value=np.nan if (row, column) == (1, 1) else 0.5 + row / 10, low=0.4, high=0.8,
            mark="●" if row + column == 0 else "",
        )
        for row in range(2) for column in range(2)
    }  # fmt: skip
    plot.show_cells(
        ["one", "two"],
        ["linear + softmax", "forest"],
        cells,
        (("TF-IDF", 0.55),),
        measure="accuracy",
    )
    assert not plot.grab().toImage().isNull()
    QTest.keyClick(plot, Qt.Key.Key_Right)
    QTest.keyClick(plot, Qt.Key.Key_Down)
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert plot.current == "11"
    with qtbot.waitSignal(plot.chosen) as chosen:
        QTest.mouseClick(plot, LEFT, pos=plot.place("11").toPoint())
    assert chosen.args == ["11"]
    rows = plot.table()[1]
    assert rows[0][-1] == "best"
    assert rows[3][2] is None


def test_an_empty_picture_says_what_will_be_there(qtbot):
    picture = ComparePicture()
    qtbot.addWidget(picture)
    picture.show_comparison(None, "parameters", 1)
    assert picture.plot.keys() == []
    assert "as soon as a run has ended" in picture.plot.empty_text()


def test_boxes_keep_what_is_ticked_when_options_change(qtbot):
    boxes = CheckList("Colours", "Which colours.", columns=2)
    qtbot.addWidget(boxes)
    boxes.set_options(
        [Option("r", "red", "Like blood."), Option("g", "green"), Option("b", "blue")]
    )
    boxes.set_values(["b", "r"])
    assert boxes.values == ("r", "b")
    assert boxes.box("r").accessibleDescription() == "Like blood."
    with qtbot.waitSignal(boxes.changed) as changed:
        boxes.box("g").click()
    assert changed.args == [("r", "g", "b")]
    boxes.set_options([Option("b", "blue"), Option("w", "white")])
    assert boxes.values == ("b",)
    boxes.box("b").click()
    assert boxes.values == ("b",)  # at least one stays
