"""Every figure of the analogies panel becomes files, and the files hold what is shown."""

import csv
import html
import re

import pytest
from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QImage
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from fineview.ui.widgets.format import NOTHING, share_text

pytestmark = pytest.mark.slow


@pytest.fixture
def open_page(make_window, qtbot):
    """Return a function that shows a page of the panel in the real window."""
    window = make_window()
    window.resize(1280, 800)
    window.show_panel("analogies")

    def show(name):
        window.session.view(analogies_page=name)
        page = window.panel("analogies").page(name)
        qtbot.waitUntil(page.isVisible)
        return page

    show.window = window
    return show


def saved(menu, folder, monkeypatch):
    """Save through the menu, as a person does; return the texts drawn and the rows written."""
    for kind in ("png", "svg", "csv"):
        name = str(folder / f"figure.{kind}")
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, name=name: (name, ""))
        next(a for a in menu.actions() if a.text() == f"Save as {kind.upper()}…").trigger()
        assert (folder / f"figure.{kind}").stat().st_size > 0
    assert {file.name for file in folder.glob("figure.*")} == {
        "figure.png", "figure.svg", "figure.csv",
    }  # fmt: skip
    image = QImage(str(folder / "figure.png"))
    assert image.width() > 200
    colours = {
        image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)
    }
    assert len(colours) > 3  # neither blank nor a lone frame
    drawn = (folder / "figure.svg").read_text("utf-8")
    assert QSvgRenderer(QByteArray(drawn.encode())).isValid()
    texts = [html.unescape(t).strip() for t in re.findall(r"<text[^>]*>([^<]*)</text>", drawn)]
    with (folder / "figure.csv").open(newline="", encoding="utf-8") as stream:
        return texts, list(csv.reader(stream))


def test_the_parallelogram(open_page, qtbot, tmp_path, monkeypatch):
    page = open_page("calculator")
    qtbot.waitUntil(lambda: page.plot.shown is not None, timeout=60_000)
    texts, (header, *rows) = saved(page.plot.menu, tmp_path, monkeypatch)
    shown = page.plot.shown
    assert {"man", "woman", "king", "queen"} <= set(texts)
    assert header == ["what", "x", "y", "share_in_the_plane"]
    points = {row[0]: [float(cell) for cell in row[1:]] for row in rows[:5]}
    assert list(points) == ["man", "woman", "king", "king − man + woman", "queen"]
    for found, place, held in zip(points.values(), shown.points, shown.held_each, strict=True):
        assert found == pytest.approx([*place, held], rel=1e-6)
    figures = {row[0]: float(row[1]) for row in rows[5:]}
    said = page.figures.text()
    assert f"man → woman {figures['length of man to woman']:.2f}" in said
    assert f"king → queen {figures['length of king to queen']:.2f}" in said
    assert f"{figures['angle between them, degrees']:.0f}° between them" in said
    assert f"from the sum to queen it is {figures['residual from the sum to queen']:.2f}" in said
    held = figures["share of all differences in the plane"]
    assert f"The plane holds {held:.0%} of the differences" in said


def test_words_on_axes(open_page, qtbot, tmp_path, monkeypatch):
    page = open_page("axes")
    qtbot.waitUntil(lambda: page.plot.shown is not None, timeout=60_000)
    texts, (header, *rows) = saved(page.plot.menu, tmp_path, monkeypatch)
    shown = page.plot.shown
    assert header == ["word", *shown.titles]
    assert any(shown.titles[0] in text for text in texts)
    assert set(texts) & set(shown.words)
    assert [row[0] for row in rows] == list(shown.words)
    for row, place in zip(rows, shown.places, strict=True):
        assert [float(cell) for cell in row[1:]] == pytest.approx(place, rel=1e-6)
        assert f"{float(row[1]):+.3f} on {shown.titles[0]}" in page.plot.words(row[0])


def test_answers_to_a_list(open_page, qtbot, tmp_path, monkeypatch):
    page = open_page("list")
    qtbot.waitUntil(lambda: len(page.lines.rows) == 11, timeout=60_000)
    texts, (header, *rows) = saved(page.menu, tmp_path, monkeypatch)
    assert header[:3] == ["question", "answer", "answer_score"]
    assert len(rows) == 11
    assert "queen" in " ".join(texts)
    for at, row in enumerate(rows):
        cells = [page.lines.index(at, column).data() for column in range(5)]
        assert row[0] == cells[0]
        for column, cell in enumerate(cells[1:]):
            word, score = row[1 + 2 * column : 3 + 2 * column]
            assert cell == (f"{word}  {float(score):.3f}" if word else NOTHING)


def test_sections_and_questions_of_a_set(open_page, qtbot, tmp_path, monkeypatch):
    page = open_page("benchmark")
    open_page.window.session.edit_look("x", "analogy_set", limit=10_000)
    QTest.mouseClick(page.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.shown is not None and not page.busy, timeout=60_000)
    page.filter.chosen.emit("rule")
    for name in ("sections", "questions"):
        (tmp_path / name).mkdir()
    texts, (header, *rows) = saved(page.sections.menu, tmp_path / "sections", monkeypatch)
    assert header[:4] == ["section", "questions", "covered", "right"]
    model = page.sections.model()
    assert len(rows) == model.rowCount() - 1 == 14 + 3  # chance is no section
    assert {"total", "family"} <= set(texts)
    # Which column of the file is shown, as a share of those covered, in which of the table.
    shares = {3: "right", 4: "right_in_five", 5: "right_inputs_allowed", 6: "answer_is_an_input"}
    for at, row in enumerate(rows):
        cells = dict(zip(header, row, strict=True))
        assert cells["section"] == model.index(at, 0).data()
        for column, key in ((1, "questions"), (2, "covered")):
            assert cells[key] == re.sub(r"\D", "", model.index(at, column).data())
        for column, key in shares.items():
            covered = int(cells["covered"])
            told = share_text(int(cells[key]) / covered) if covered else NOTHING
            assert model.index(at, column).data() == told
    texts, (header, *rows) = saved(page.questions.menu, tmp_path / "questions", monkeypatch)
    model = page.questions.model()
    assert header == ["a", "b", "c", "d", "answer", "answer_inputs_allowed", "rank_of_d", "section"]
    assert len(rows) == model.rowCount() > 0
    assert rows[0][4] in texts
    for at, row in enumerate(rows):
        assert row == [model.index(at, column).data() for column in range(8)]
