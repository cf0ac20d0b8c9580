"""The scatter plot, driven by mouse and keyboard."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from fineview.ui.plots.export import export_widget
from fineview.ui.plots.scatter import ScatterPlot
from fineview.ui.plots.scatter_camera import Camera


@pytest.fixture
def plot(qtbot):
    plot = ScatterPlot("Texts")
    qtbot.addWidget(plot)
    plot.resize(700, 500)
    draws = np.random.default_rng(0)
    plot.set_points(draws.normal(size=(300, 2)), ("first", "second"))
    plot.set_groups(np.arange(300) % 3, ("news", "talk", "science"))
    plot.set_texts([f"text {i}" for i in range(300)])
    plot.show()
    qtbot.waitExposed(plot)
    return plot


def drag(canvas, points, modifier=Qt.KeyboardModifier.NoModifier):
    places = [QPoint(x, y) for x, y in points]
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, modifier, places[0])
    for place in places[1:]:
        QTest.mouseMove(canvas, place)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, modifier, places[-1])


def winding(point, corners):
    """Count turns around a point: an independent rule for convex outlines."""
    a = corners - point
    b = np.roll(a, -1, axis=0)
    cross = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return bool((cross > 0).all() or (cross < 0).all())


def test_a_rectangle_takes_exactly_what_lies_inside_and_shift_adds(plot):
    told = []
    plot.selected.connect(told.append)
    plot.set_tool("rectangle")
    drag(plot.canvas, [(200, 150), (260, 200), (340, 260)])
    x, y = plot.canvas.places().T
    first = (x > 200) & (x < 340) & (y > 150) & (y < 260)
    assert 0 < first.sum() < 300
    assert told[-1].tolist() == np.flatnonzero(first).tolist()
    drag(plot.canvas, [(360, 240), (400, 280), (440, 330)], Qt.KeyboardModifier.ShiftModifier)
    second = (x > 360) & (x < 440) & (y > 240) & (y < 330)
    assert plot.selection.tolist() == np.flatnonzero(first | second).tolist()
    QTest.keyClick(plot.canvas, Qt.Key.Key_Escape)
    assert not len(plot.selection)
    assert not len(told[-1])


def test_a_lasso_takes_exactly_what_lies_inside(plot):
    plot.set_tool("lasso")
    corners = [(300, 100), (420, 220), (300, 380), (200, 230)]
    drag(plot.canvas, corners)
    shape = np.array(corners, dtype=float)
    wanted = [i for i, p in enumerate(plot.canvas.places()) if winding(p, shape)]
    assert 0 < len(wanted) < 300
    assert plot.selection.tolist() == wanted


def test_the_legend_hides_and_isolates(plot):
    QTest.mouseClick(plot.legend.entry(1), Qt.MouseButton.LeftButton)
    assert {row[2] for row in plot.table()[1]} == {"news", "science"}
    plot.set_selection(np.arange(300))
    assert len(plot.selection) == 200
    middle = plot.legend.entry(2)
    QTest.mouseClick(middle, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.AltModifier)
    assert {row[2] for row in plot.table()[1]} == {"science"}
    assert "200 points hidden" in plot.text_summary()


def test_hover_and_click_name_the_point(qtbot, plot):
    hovered, clicked = [], []
    plot.hovered.connect(hovered.append)
    plot.clicked.connect(clicked.append)
    x, y = plot.canvas.places()[7]
    at = QPoint(round(x), round(y))
    point = plot.canvas.nearest(at.toPointF())
    QTest.mouseMove(plot.canvas, at)
    QTest.mouseClick(plot.canvas, Qt.MouseButton.LeftButton, pos=at)
    assert hovered[-1] == point
    assert clicked == [point]
    assert plot.selection.tolist() == [point]


def test_turning_keeps_distances():
    points = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
    camera = Camera()
    camera.look_at(points)
    camera.rotate(0.7, -0.4)
    turned = points @ camera.rotation().T
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.testing.assert_allclose(
        np.linalg.norm(turned[:, None] - turned[None], axis=2), apart, atol=1e-5
    )
    flat, depth = camera.project(points, 400, 300)
    centred = turned - turned.mean(axis=0)
    drawn = (flat - flat.mean(axis=0)) * (1, -1) / camera.scale(400, 300)
    np.testing.assert_allclose(drawn, centred[:, :2], atol=1e-5)
    assert np.abs(depth).max() <= 1 + 1e-6


def test_zoom_keeps_what_is_under_the_mouse(plot):
    camera = plot.canvas.camera
    area = plot.canvas.area()
    before = camera.value_at(100, 0, area.width(), area.height())
    camera.zoom_at(3.0, 100 - area.width() / 2, 0)
    assert camera.value_at(100, 0, area.width(), area.height()) == pytest.approx(before)


def test_the_svg_holds_legend_and_axes_as_text_and_real_marks(plot, tmp_path):
    export_widget(plot, tmp_path / "map.svg")
    drawn = (tmp_path / "map.svg").read_text()
    for name in ("news", "talk", "science", "first", "second"):
        assert f">{name}<" in drawn
    assert "<image" not in drawn
    assert drawn.count("<path") >= 300


def test_a_legend_that_scrolls_is_drawn_whole(plot, tmp_path):
    names = tuple(f"group {number}" for number in range(60))
    plot.set_groups(np.arange(300) % 60, names)
    size = plot.size()
    export_widget(plot, tmp_path / "map.svg")
    drawn = (tmp_path / "map.svg").read_text()
    assert all(f">{name}<" in drawn for name in names)
    assert plot.size() == size


def test_what_does_not_fit_is_refused(plot):
    with pytest.raises(ValueError, match="299"):
        plot.set_groups(np.zeros(299), ("a",))
    with pytest.raises(ValueError, match="finite"):
        plot.set_points([[0.0, np.nan]], ("x", "y"))
    plot.clear()
    assert plot.text_summary() == "Texts: nothing is drawn."
