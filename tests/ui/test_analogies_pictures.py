"""The pages Map and Bias in the real window, on the bundled vectors."""

import csv

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

pytestmark = pytest.mark.slow


@pytest.fixture
def open_page(make_window, qtbot):
    window = make_window()
    window.resize(1280, 800)
    window.show_panel("analogies")

    def show(name):
        window.session.view(analogies_page=name)
        page = window.panel("analogies").page(name)
        qtbot.waitUntil(lambda: page.shown is not None, timeout=60_000)
        return page

    show.window = window
    return show


def typed(field, text):
    field.setFocus(Qt.FocusReason.OtherFocusReason)
    field.selectAll()
    for letter in text:
        QTest.keyClick(field, letter)


def rows_saved(plot, folder, monkeypatch):
    """Save as a person does; return the rows of the CSV."""
    for kind in ("png", "svg", "csv"):
        name = str(folder / f"figure.{kind}")
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, name=name: (name, ""))
        next(a for a in plot.menu.actions() if a.text() == f"Save as {kind.upper()}…").trigger()
    image = QImage(str(folder / "figure.png"))
    shades = {image.pixel(x, y) for x in range(0, image.width(), 3)
              for y in range(0, image.height(), 3)}  # fmt: skip
    assert len(shades) > 3
    assert "</svg>" in (folder / "figure.svg").read_text("utf-8")
    with (folder / "figure.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def test_a_map_of_words_and_neighbours(open_page, qtbot, tmp_path, monkeypatch):
    page = open_page("map")
    assert "of the variance of these" in page.said.text()
    assert {"king", "queen", "prince"} <= set(page.map.keys())
    header, *rows = rows_saved(page.map, tmp_path, monkeypatch)
    assert header == ["word", "x", "y", "found_by", "cosine"]
    assert [row[0] for row in rows] == list(page.shown.words)
    typed(page.words, "cat, dog, horsse")
    qtbot.waitUntil(lambda: page.shown.choice.words == "cat, dog, horsse", timeout=10_000)
    assert "“horsse”" in page.message.text
    button = next(b for b in page.message.buttons if b.text() == "horse")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.shown.choice.words == "cat, dog, horse", timeout=10_000)
    assert not page.message.isVisible()
    page.projection.segment("tsne").click()
    qtbot.waitUntil(lambda: page.shown.shares is None, timeout=60_000)
    assert "t-SNE keeps near words together" in page.said.text()
    open_page.window.session.undo_stack.undo()
    qtbot.waitUntil(lambda: page.shown.shares is not None, timeout=10_000)


def test_the_components_of_words(open_page, qtbot, tmp_path, monkeypatch):
    page = open_page("map")
    page.view.segment("components").click()
    qtbot.waitUntil(lambda: page.strip.shown.choice.view == "components", timeout=10_000)
    header, *rows = rows_saved(page.strip, tmp_path, monkeypatch)
    assert (len(header), len(rows)) == (51, 8)
    assert sum(float(value) ** 2 for value in rows[0][1:]) == pytest.approx(1, abs=1e-4)
    assert "its largest components are number" in page.strip.words("king")


def test_the_offsets_of_many_pairs(open_page, qtbot, tmp_path, monkeypatch):
    page = open_page("map")
    page.view.segment("pairs").click()
    qtbot.waitUntil(lambda: page.arrows.shown is not None, timeout=10_000)
    assert "Is the relation one direction? Yes" in page.said.text()
    _, *rows = rows_saved(page.arrows, tmp_path, monkeypatch)
    assert rows[0][:2] == ["man", "woman"]
    place = page.relation.findData("google/capital-common-countries")
    page.relation.setCurrentIndex(place)
    page.relation.activated.emit(place)
    qtbot.waitUntil(lambda: len(page.shown.offsets.pairs) == 23, timeout=10_000)
    assert not page.pairs.isEnabled()
    page.from_where.segment("origin").click()
    qtbot.waitUntil(lambda: page.arrows.from_one_point, timeout=10_000)
    assert {float(row[2]) for row in page.arrows.table()[1]} == {0.0}


def test_an_axis_of_bias_and_what_debiasing_leaves(open_page, qtbot, tmp_path, monkeypatch):
    page = open_page("bias")
    _, *rows = rows_saved(page.plot, tmp_path, monkeypatch)
    before = [float(row[1]) for row in rows]
    assert before == sorted(before)
    assert all(abs(float(row[2])) < 1e-6 for row in rows)
    assert "tells the sides apart in" in page.left.text()
    assert "king – queen" in page.equalised.text()
    place = page.lists.findData("adjectives")
    page.lists.setCurrentIndex(place)
    page.lists.activated.emit(place)
    qtbot.waitUntil(lambda: "gentle" in page.shown.words, timeout=10_000)
    typed(page.pairs, "he she, good")
    qtbot.waitUntil(lambda: page.shown.uneven == ("good",), timeout=10_000)
    assert "left out: “good”" in page.message.text
    typed(page.pairs, "zzzyx she")
    qtbot.waitUntil(lambda: "'zzzyx' is not in this table" in page.message.text, timeout=10_000)
    assert page.plot.dimmed
