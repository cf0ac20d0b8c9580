"""Curves and confusion matrices: hostile numbers and names, mouse, keyboard, files."""

import csv
import itertools
import re
import zlib

import numpy as np
import pytest
from PySide6.QtCore import QByteArray, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QWheelEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMessageBox, QWidget

from fineview.ui.plots import export as export_module
from fineview.ui.plots.confusion import ConfusionPlot
from fineview.ui.plots.curve_items import Axis
from fineview.ui.plots.curve_math import smooth, spread_apart
from fineview.ui.plots.curves import CurvePlot
from fineview.ui.plots.export import (
    add_export_menu,
    copy_image,
    export_table,
    export_widget,
    table_text,
    write_atomically,
)
from fineview.ui.plots.heat import heat
from fineview.ui.theme import DARK, LIGHT, Theme, theme_colours
from fineview.ui.widgets.labels import ElidedLabel

HOSTILE = "<img src=x><b>bold</b>"
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(autouse=True)
def theme(qapp):
    """The theme as a new person has it, whatever other tests did."""
    made = Theme(qapp)
    yield made
    made.set_mode("system")
    made.deleteLater()


@pytest.fixture
def show(qtbot):
    """Show a widget as a window and wait until it is there."""

    def shown(widget, width=640, height=400):
        qtbot.addWidget(widget)
        widget.resize(width, height)
        with qtbot.waitExposed(widget):
            widget.show()
        return widget

    return shown


@pytest.fixture
def plot(show):
    return show(CurvePlot("Loss", "loss", y_unit="nats"))


@pytest.fixture
def matrix(show):
    made = show(ConfusionPlot())
    made.set_matrix([[412, 61], [48, 479]], ["negative", HOSTILE])
    return made


@pytest.fixture
def dark(theme):
    theme.set_mode("dark")
    return theme


def falling(count):
    x = np.arange(count)
    return x, 2 * np.exp(-x / max(count / 4, 1)) + 0.4


def ink(widget, colour):
    """How many pixels of a widget are (nearly) of a colour."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    data = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)
    want = np.array([int(colour[i : i + 2], 16) for i in (5, 3, 1)])
    return int((np.abs(data[:, : image.width(), :3].astype(int) - want).max(axis=2) < 12).sum())


# --- curves --------------------------------------------------------------------------------


def test_an_empty_plot_says_what_will_be_here(plot):
    assert plot.text_summary() == "Loss: Curves appear here when a run begins."
    texts = [label.text() for label in plot.canvas.findChildren(QLabel) if label.isVisible()]
    assert texts == ["Curves appear here when a run begins."]
    plot.set_curve("a", [0], [1])
    assert not [label for label in plot.canvas.findChildren(QLabel) if label.isVisible()]
    assert plot.table() == (["step", "a"], [[0.0, 1.0]])


def test_a_single_point_can_be_seen(plot):
    before = ink(plot.canvas, LIGHT.train_curve)
    plot.set_curve("a", [3], [0.5], role="train")
    assert ink(plot.canvas, LIGHT.train_curve) > before + 10
    assert plot.text_summary() == "Loss: a 0.500 at step 3."


def test_gaps_stay_gaps(plot):
    x, y = falling(100)
    y[40:60] = np.nan
    y[70] = np.inf
    plot.set_curve("a", x, y, role="other")
    plot.canvas.fit()
    plot.grab()
    (x0, x1), (y0, y1) = plot.canvas.view_range()
    assert x0 <= 0 < 99 <= x1
    assert y0 < 0.45 < 2.3 < y1 < 3
    _, rows = plot.table()
    assert rows[50] == [50.0, None]
    assert rows[70] == [70.0, None]
    assert "2.40 to" in plot.text_summary()


@pytest.mark.parametrize("values", [[], [np.nan], [np.nan, np.nan], [0, 0, 0], [-1, 0, 1], [1e300]])
@pytest.mark.parametrize("log", [False, True])
def test_odd_values_do_no_harm(plot, values, log):
    plot.set_log(log)
    plot.set_smoothing(0.9)
    plot.set_curve("a", range(len(values)), values, role="train")
    plot.set_reference("zero", 0.0, "zero")
    plot.canvas.show_read_out(0)
    assert not plot.grab().isNull()
    assert plot.text_summary()


def test_a_hundred_thousand_points_are_thinned_out(plot):
    x, y = falling(100_000)
    plot.set_smoothing(0.99)
    plot.set_curve("a", x, y, role="train")
    plot.grab()
    assert plot.canvas._drawn["a"].line.curve.getData()[0].size < 5000
    assert plot.text_summary().startswith("Loss: a 2.40 to 0.437 from step 0 to 99\u2009999")


def test_what_the_caller_does_with_its_arrays_is_its_own_affair(plot):
    x, y = falling(10)
    plot.set_curve("a", x, y)
    y[:] = 99
    assert plot.table()[1][0][1] == pytest.approx(2.4)
    with pytest.raises(ValueError, match="3 places and 2 values"):
        plot.set_curve("a", [1, 2, 3], [1, 2])


def test_several_runs_lie_over_each_other_and_go(plot):
    x, y = falling(20)
    for key in "abc":
        plot.set_curve(key, x, y, role="train", colour="#0072b2", name=f"{HOSTILE} {key}")
        plot.set_curve(f"{key}v", x, y, role="validation", colour="#0072b2")
    assert plot.keys == ("a", "av", "b", "bv", "c", "cv")
    assert plot.legend.item("a").text() == f"{HOSTILE} a"
    assert plot.canvas._drawn["av"].line.opts["pen"].dashPattern()
    assert not plot.canvas._drawn["a"].line.opts["pen"].dashPattern()
    plot.remove_curve("b")
    plot.remove_curve("never there")
    assert "b" not in plot.keys
    plot.set_reference("m", 1.0, "majority")
    plot.clear()
    assert plot.keys == ()
    assert plot.canvas.reference_words() == []
    plot.grab()


def test_a_click_on_the_legend_hides_a_curve(plot, qtbot):
    plot.set_curve("low", [0, 1], [0, 1], name="low")
    plot.set_curve("high", [0, 1], [0, 100], name="high")
    qtbot.mouseClick(plot.legend.item("high"), LEFT)
    assert plot.canvas.view_range()[1][1] < 2
    qtbot.keyClick(plot.legend.item("high"), Qt.Key.Key_Space)
    assert plot.canvas.view_range()[1][1] > 99


def test_smoothing_is_a_corrected_moving_average_that_keeps_gaps():
    y = np.array([1.0, 3.0, np.nan, 5.0])
    a = 0.5
    expected = [1.0, (3 + a * 1) / (1 + a), np.nan, (5 + a**2 * 3 + a**3) / (1 + a**2 + a**3)]
    np.testing.assert_allclose(smooth(y, a), expected)
    rng = np.random.default_rng(0)
    long = rng.normal(size=5000)
    slow, total, weight = [], 0.0, 0.0
    for value in long:
        total, weight = 0.97 * total + value, 0.97 * weight + 1
        slow.append(total / weight)
    np.testing.assert_allclose(smooth(long, 0.97), slow, atol=1e-5)
    assert smooth(y, 0) is y


def test_smoothing_and_log_by_hand_and_by_program(plot, qtbot):
    x, y = falling(50)
    plot.set_curve("a", x, y, role="train")
    with qtbot.waitSignal(plot.smoothing_changed) as signal:
        qtbot.keyClick(plot.slider, Qt.Key.Key_End)
    assert signal.args == [0.99]
    with qtbot.assertNotEmitted(plot.smoothing_changed):
        plot.set_smoothing(0.6)
    assert plot.smoothing == 0.6
    assert plot.canvas._drawn["a"].raw.isVisible()
    with qtbot.waitSignal(plot.log_changed):
        plot.log_box.click()
    assert plot.log
    low, high = plot.canvas.view_range()[1]
    assert low < np.log10(0.5) < np.log10(2.3) < high < 1
    with qtbot.assertNotEmitted(plot.log_changed):
        plot.set_log(False)


def test_references_are_in_sight_and_their_names_do_not_touch(plot):
    plot.set_curve("a", [0, 1], [0.8, 0.9])
    plot.set_reference("m", 0.19, "majority")
    plot.set_reference("t", 0.195, HOSTILE)
    plot.set_reference("o", 0.2, "optimum")
    low, _ = plot.canvas.view_range()[1]
    assert low < 0.19
    plot.grab()
    boxes = [
        label.mapToScene(label.boundingRect()).boundingRect()
        for label in plot.canvas._references.labels()
    ]
    boxes.sort(key=lambda box: box.top())
    for above, below in itertools.pairwise(boxes):
        assert below.top() >= above.bottom() - 1
    axes = plot.canvas._box.sceneBoundingRect()
    assert all(box.left() >= axes.right() for box in boxes)  # beside the curves, not over them
    assert "reference majority 0.190" in plot.text_summary()
    plot.set_reference("t", None)
    assert len(plot.canvas.reference_words()) == 2


def test_labels_are_spread_apart():
    assert spread_apart([5, 5, 5], 2, 0, 100) == [5, 7, 9]
    assert spread_apart([9, 10], 3, 0, 10) == [7, 10]
    assert spread_apart([], 3, 0, 10) == []


def test_the_mouse_reads_out_the_nearest_values(plot, qtbot):
    plot.set_curve("t", [0, 10, 20], [1.0, 2.0, 3.0], role="train", name="training")
    plot.set_curve("v", [0, 20], [4.0, 5.0], role="validation", name=HOSTILE)
    plot.grab()
    viewport = plot.canvas._widget.viewport()
    at = plot.canvas._box.mapViewToScene(QPointF(9.5, 2)).toPoint()
    qtbot.mouseMove(viewport, at)
    qtbot.waitUntil(lambda: plot.canvas.read_out() != "")
    lines = plot.canvas.read_out().splitlines()
    assert lines[0] == "step 10"
    assert lines[1].split() == ["training", "2.00"]
    assert lines[2].startswith("<img src=x>")
    QApplication.sendEvent(viewport, QEvent(QEvent.Type.Leave))
    assert plot.canvas.read_out() == ""


def test_the_keyboard_reads_out_too(plot, qtbot):
    qtbot.keyClick(plot.canvas, Qt.Key.Key_Left)
    assert plot.canvas.read_out() == ""
    plot.set_curve("t", [0, 10, 20], [1.0, 2.0, 3.0], name="training")
    qtbot.keyClick(plot.canvas, Qt.Key.Key_Left)
    assert plot.canvas.read_out().startswith("step 20")
    qtbot.keyClick(plot.canvas, Qt.Key.Key_Left)
    assert plot.canvas.read_out().startswith("step 10")
    plot.set_curve("t", [0, 10, 20], [1.0, 2.5, 3.0], name="training")
    assert "2.50" in plot.canvas.read_out()
    qtbot.keyClick(plot.canvas, Qt.Key.Key_Escape)
    assert plot.canvas.read_out() == ""


def test_zoom_stays_until_a_or_a_double_click(plot, qtbot):
    x, y = falling(100)
    plot.set_curve("a", x, y)
    plot.grab()
    viewport = plot.canvas._widget.viewport()
    where = QPointF(viewport.rect().center())

    def zoom():
        wheel = QWheelEvent(
            where,
            QPointF(viewport.mapToGlobal(where.toPoint())),
            QPoint(0, 0),
            QPoint(0, 480),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(viewport, wheel)

    whole = plot.canvas.view_range()
    zoom()
    near = plot.canvas.view_range()
    assert near[0][1] - near[0][0] < whole[0][1] - whole[0][0]
    plot.set_curve("a", x, y * 3)  # new data do not throw a person out of what they look at
    assert plot.canvas.view_range() == near
    qtbot.keyClick(plot.canvas, Qt.Key.Key_A)
    assert plot.canvas.view_range()[1][1] > 6
    zoom()
    qtbot.mouseClick(viewport, LEFT, pos=where.toPoint())
    qtbot.mouseDClick(viewport, LEFT, pos=where.toPoint())
    qtbot.waitUntil(lambda: plot.canvas.view_range()[1][1] > 6)


def test_colours_follow_the_theme(plot, dark):
    x, y = falling(50)
    plot.set_curve("a", x, y, role="train")
    assert plot.canvas._drawn["a"].line.opts["pen"].color().name().upper() == DARK.train_curve
    dark.set_mode("light")
    QApplication.processEvents()
    assert plot.canvas._drawn["a"].line.opts["pen"].color().name().upper() == LIGHT.train_curve
    assert ink(plot.canvas, LIGHT.train_curve) > ink(plot.canvas, DARK.train_curve)


def test_stale_curves_fade(plot):
    x, y = falling(50)
    plot.set_curve("a", x, y, role="train")
    full = ink(plot.canvas, LIGHT.train_curve)
    plot.set_stale(True)
    assert ink(plot.canvas, LIGHT.train_curve) < full
    plot.set_stale(False)
    plot.set_x_label("epoch")
    assert plot.table()[0][0] == "epoch"


# --- confusion -----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 14, 60])
@pytest.mark.parametrize("size", [(300, 240), (900, 700)])
def test_a_matrix_of_any_size_is_painted(show, count, size):
    plot = show(ConfusionPlot(), *size)
    plot.grab()
    counts = np.diag(np.arange(count)) + 1
    plot.set_matrix(counts, [f"{HOSTILE} {i}" for i in range(count)])
    assert not plot.grab().isNull()
    cell = plot.canvas.cell_rect(count - 1, count - 1)
    assert plot.canvas.rect().contains(cell.toRect())
    plot.set_matrix([], [])
    assert "no predictions" in plot.text_summary()


def test_cells_answer_to_mouse_and_keyboard(matrix, qtbot):
    sent = []
    matrix.cell_clicked.connect(lambda true, predicted: sent.append((true, predicted)))
    centre = matrix.canvas.cell_rect(0, 1).center().toPoint()
    qtbot.mouseMove(matrix.canvas, centre)
    qtbot.mouseClick(matrix.canvas, LEFT, pos=centre)
    matrix.canvas.setFocus()
    qtbot.keyClick(matrix.canvas, Qt.Key.Key_Down)
    qtbot.keyClick(matrix.canvas, Qt.Key.Key_Left)
    qtbot.keyClick(matrix.canvas, Qt.Key.Key_Return)
    qtbot.keyClick(matrix.canvas, Qt.Key.Key_Left)
    qtbot.keyClick(matrix.canvas, Qt.Key.Key_Enter)
    qtbot.mouseClick(matrix.canvas, LEFT, pos=QPoint(1, 1))  # beside the cells
    assert sent == [(0, 1), (1, 0), (1, 0)]
    said = matrix.canvas.accessibleDescription()
    assert said == f"{HOSTILE}: 48 texts, 9.1 % of them, taken for negative."


def test_matrix_in_words_numbers_and_per_cent(matrix, qtbot):
    said = (
        f"Confusion: 891 of 1\u2009000 right; most often negative is taken for {HOSTILE}, 61 times."
    )
    assert matrix.text_summary() == said
    assert matrix.table() == (
        ["true \\ predicted", "negative", HOSTILE],
        [["negative", 412, 61], [HOSTILE, 48, 479]],
    )
    assert matrix.canvas._cell_text(61, 0.129) == "61"
    qtbot.mouseClick(matrix.unit.segment("percent"), LEFT)
    assert matrix.canvas._cell_text(61, 0.129) == "13"
    matrix.set_stale(True)
    matrix.grab()
    with pytest.raises(ValueError, match="square"):
        matrix.set_matrix([[1, 2, 3]], ["a", "b"])


def test_heat_is_dark_to_light():
    lightness = [heat(share).lightnessF() for share in (0, 0.25, 0.5, 0.75, 1)]
    assert lightness[0] < lightness[2] < lightness[4]
    assert heat(-1) == heat(0)
    assert heat(2) == heat(1)


# --- files ---------------------------------------------------------------------------------


def pdf_texts(data):
    """Return the decoded streams of a PDF."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    texts = []
    for stream in streams:
        try:
            texts.append(zlib.decompress(stream))
        except zlib.error:
            texts.append(stream)
    return texts


@pytest.fixture
def filled(plot):
    x, y = falling(50)
    plot.set_curve("a", x, y, role="train", name=HOSTILE)
    plot.set_reference("m", 0.5, "majority")
    return plot


def test_svg_holds_every_text_as_text(filled, dark, tmp_path):
    path = tmp_path / "figure.svg"
    export_widget(filled, path)
    text = path.read_text("utf-8")
    words = [word.strip() for word in re.findall(r"<text[^>]*>([^<]*)</text>", text)]
    for wanted in ("Loss", "loss (nats)", "step", "majority 0.500"):
        assert wanted in words
    assert any(w.startswith("&lt;img src=x&gt;&lt;b&gt;bold") for w in words)
    assert "smooth" not in words  # the controls are no part of the figure
    assert "<image" not in text
    assert QSvgRenderer(QByteArray(path.read_bytes())).isValid()
    assert theme_colours() is DARK
    assert filled.slider.isVisible()


def test_pdf_holds_its_texts_in_a_font(filled, tmp_path):
    path = tmp_path / "figure.pdf"
    export_widget(filled, path)
    data = path.read_bytes()
    assert data.startswith(b"%PDF")
    assert b"/Font" in data
    assert b"/Subtype /Image" not in data
    streams = pdf_texts(data)
    assert any(b"begincmap" in stream for stream in streams)  # text can be searched and copied
    assert any(b" Tj" in stream or b"]TJ" in stream for stream in streams)


@pytest.mark.parametrize("colours", [None, DARK], ids=["on white", "dark"])
def test_png_is_twice_the_size_on_white_unless_asked_otherwise(filled, dark, tmp_path, colours):
    path = tmp_path / "figure.png"
    export_widget(filled, path, colours=colours)
    image = QImage(str(path))
    assert image.width() == filled.width() * 2
    ground = (colours or LIGHT).surface
    assert image.pixelColor(3, 3).name().upper() == ground
    middle = image.pixelColor(image.width() * 2 // 3, image.height() // 3)
    assert middle.name().upper() == ground  # within the axes too
    assert {p.name for p in tmp_path.iterdir()} == {"figure.png"}


def test_matrices_are_exported_too(matrix, tmp_path):
    for kind in ("svg", "pdf", "png"):
        export_widget(matrix, tmp_path / f"m.{kind}")
    words = re.findall(r"<text[^>]*>([^<]*)</text>", (tmp_path / "m.svg").read_text("utf-8"))
    assert {"412", "negative", "predicted", "&lt;img src=x&gt;&lt;b&gt;bold&lt;/b&gt;"} <= set(
        words
    )


def test_csv_is_safe_to_open(tmp_path):
    table = (["=cmd()", "b"], [["+1", -1.5], ["@x", None], ["-a,b", 2], ["plain", 3]])
    path = tmp_path / "t.csv"
    export_table(table, path)
    with path.open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        ["'=cmd()", "b"],
        ["'+1", "-1.5"],
        ["'@x", ""],
        ["'-a,b", "2"],
        ["plain", "3"],
    ]
    assert table_text(table).splitlines()[0] == "'=cmd()\tb"


def test_files_are_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "f.csv"
    path.write_text("old")

    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(export_module.os, "replace", fail)
        with pytest.raises(OSError, match="disk full"):
            write_atomically(path, b"new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_other_endings_are_refused(filled, tmp_path):
    with pytest.raises(ValueError, match=r"\.png, \.svg, \.pdf"):
        export_widget(filled, tmp_path / "figure.gif")


def entry(menu, text):
    return next(action for action in menu.actions() if action.text().startswith(text))


def test_the_menu_copies_and_saves(filled, tmp_path, monkeypatch):
    clipboard = QGuiApplication.clipboard()
    entry(filled.menu, "Copy data").trigger()
    assert clipboard.text().splitlines()[0] == f"step\t{HOSTILE}"
    entry(filled.menu, "Copy image").trigger()
    assert clipboard.image().width() == filled.width() * 2
    for kind in ("PNG", "SVG", "PDF", "CSV"):
        with monkeypatch.context() as patch:
            name = str(tmp_path / f"out-{kind}")  # the ending is added
            patch.setattr(QFileDialog, "getSaveFileName", lambda *_, name=name: (name, ""))
            entry(filled.menu, f"Save as {kind}").trigger()
        assert (tmp_path / f"out-{kind}.{kind.lower()}").stat().st_size > 50
    assert entry(filled.menu, "Fit").text().endswith("\tA")


def test_a_failed_save_is_one_sentence(filled, tmp_path, monkeypatch, qtbot):
    name = str(tmp_path / "nowhere" / "x.csv")
    with monkeypatch.context() as patch:
        patch.setattr(QFileDialog, "getSaveFileName", lambda *_: (name, ""))
        entry(filled.menu, "Save as CSV").trigger()
    box = filled.findChild(QMessageBox)
    assert box.text() == "x.csv was not saved: No such file or directory."
    assert box.textFormat() == Qt.TextFormat.PlainText
    box.close()
    with monkeypatch.context() as patch:
        patch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
        entry(filled.menu, "Save as PNG").trigger()  # the person thought better of it


def test_the_menu_opens_where_the_mouse_is(filled, qtbot):
    filled.customContextMenuRequested.emit(QPoint(10, 10))
    qtbot.waitUntil(filled.menu.isVisible)
    filled.menu.close()


def test_any_widget_can_have_the_menu(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    menu = add_export_menu(widget, lambda: (["a"], [[1]]))
    entry(menu, "Copy data").trigger()
    assert QGuiApplication.clipboard().text() == "a\n1\n"
    copy_image(widget)


def test_names_and_texts_are_for_everyone(plot, matrix):
    for widget in (plot, matrix):
        for part in (widget, *widget.findChildren(QWidget)):
            if part.focusPolicy() & Qt.FocusPolicy.TabFocus:
                assert part.accessibleName(), type(part).__name__
        for label in widget.findChildren(QLabel):
            assert label.textFormat() == Qt.TextFormat.PlainText
    assert plot.findChild(ElidedLabel).text == "Loss"


def test_a_logarithmic_axis_of_few_powers_of_ten_has_ticks(qapp):
    axis = Axis("left")
    axis.setLogMode(x=False, y=True)
    assert axis.tickValues(-2.0244400101656, 1.3629695786511313, 147.2)
