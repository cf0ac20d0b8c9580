"""The word page, driven as a person would."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from fineview.core.runs.spec import RunSpec
from tests.core.tiny import tiny_encoder_folder


@pytest.fixture
def page(make_window, tmp_path, qtbot):
    window = make_window()
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    spec = RunSpec(encoder=tiny, task="sentence-order")
    window.session.edit("Begin", spec=spec, example="the lazy film", second="a treat")
    qtbot.waitUntil(
        lambda: (
            window.context.encoder.name == tiny
            and window.context.task.info.name == "sentence-order"
        ),
        timeout=30_000,
    )
    window.show_panel("features")
    window.session.view(features_page="words")
    page = window.panel("features").page("words")
    page.window_ = window
    qtbot.waitUntil(lambda: bool(page.input.suggested.tokens), timeout=30_000)
    return page


def look_up(qtbot, page, word):
    field = page.input.field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, word)
    QTest.keyClick(field, Qt.Key.Key_Return)
    found(qtbot, page, word)


def found(qtbot, page, word):
    qtbot.waitUntil(
        lambda: (
            page._job is None
            and page.space is not None
            and page.space.word == word
            and page.view._places is not None
        ),
        timeout=60_000,
    )


def own(qtbot, page, sentences):
    QTest.mouseClick(page.input.source.segment("own"), Qt.MouseButton.LeftButton)
    page.input.own.setPlainText("\n".join(sentences))
    qtbot.waitUntil(lambda: not page.input._timer.isActive(), timeout=5_000)


SENSES = (
    "he sat on the river bank",
    "the bank raised its rates",
    "a muddy bank of the river",
    "an account at the bank",
    "the Bank is closed",
)


def test_a_typed_word_becomes_points_bars_and_contexts(qtbot, page):
    assert page.empty.isVisible()
    look_up(qtbot, page, "government")
    space, view = page.space, page.view
    assert view.isVisible()
    assert f"“government” occurs {space.found} times" in view.counted.text()
    assert len(view.scatter.canvas.coordinates) == len(space)
    assert view.table.contexts.rowCount() == len(space)
    np.testing.assert_allclose(view.bars.columns[0].series[0][1], space.similarity[:, 2])
    assert "two other words of these texts" in view.said.text()
    assert view.colour.value == "label"
    assert set(view.scatter.canvas.ink.names) <= {"in order", "swapped"}
    assert "«" in view.scatter.canvas.texts[0]


def test_a_pressed_suggestion_is_looked_up_and_undone(qtbot, page):
    strip = page.input.suggested
    word = strip.tokens[0].text
    place = strip.chip_rect(0).center().toPoint()
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton, pos=place)
    found(qtbot, page, word)
    assert page.input.field.text() == word
    page.window_.registry.all["undo"].trigger()
    assert page.empty.isVisible()
    assert page.input.field.text() == ""
    page.window_.registry.all["redo"].trigger()
    assert page.view.isVisible()


def test_a_word_of_the_example_can_be_pressed(qtbot, page):
    words = [chip.text for chip in page.input.example.tokens]
    assert words == ["the", "lazy", "film", "a", "treat"]
    place = page.input.example.chip_rect(0).center().toPoint()
    QTest.mouseClick(page.input.example, Qt.MouseButton.LeftButton, pos=place)
    found(qtbot, page, "the")
    assert len(page.space) <= 500 < page.space.found
    assert "drawn at random" in page.view.counted.text()


def test_layers_and_sub_tokens_change_without_the_encoder(qtbot, page):
    own(qtbot, page, SENSES)
    look_up(qtbot, page, "bank")
    space, view = page.space, page.view
    before = view.scatter.canvas.coordinates.copy()
    view.slider.setFocus()
    QTest.keyClick(view.slider, Qt.Key.Key_Home)
    assert page.window_.session.state.words.layer == 0
    assert view.bars.layer == 0
    assert not np.allclose(view.scatter.canvas.coordinates, before)
    QTest.mouseClick(
        view.bars, Qt.MouseButton.LeftButton, pos=view.bars.row_rect(1).center().toPoint()
    )
    assert view.slider.value() == 1
    QTest.mouseClick(view.tokens.segment("first"), Qt.MouseButton.LeftButton)
    np.testing.assert_allclose(view.bars.columns[0].series[0][1], space.similarity[:, 0])
    qtbot.waitUntil(lambda: not page._runner.jobs, timeout=10_000)
    assert page.space is space
    page.window_.registry.all["undo"].trigger()
    assert view.tokens.value == "mean"


def test_a_clicked_point_orders_the_contexts(qtbot, page):
    own(qtbot, page, SENSES)
    look_up(qtbot, page, "bank")
    canvas = page.view.scatter.canvas
    x, y = canvas.places()[3]
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))
    anchor = page.view.anchor
    assert anchor >= 0
    model = page.view.table.contexts
    assert model.rows[0] == anchor
    assert model.words(0, 0) == "1.000"
    cosines = page.space.cosines(anchor, page.view.layer, "mean")
    assert (np.diff(cosines[model.rows]) <= 0).all()
    header, rows = page.view.table.table()
    assert header[1:4] == ["before", "word", "after"]
    assert rows[0][2].lower() == "bank"


def test_own_sentences_have_no_label_and_are_coloured_by_the_word_beside(qtbot, page):
    own(qtbot, page, SENSES)
    look_up(qtbot, page, "bank")
    assert len(page.space) == 5
    assert page.view.colour.value == "next"
    assert not page.view.colour.segment("label").isEnabled()
    assert page.view.table.isColumnHidden(4)
    page.input.own.setPlainText("\n".join(SENSES[:2]))
    qtbot.waitUntil(lambda: page.space is not None and len(page.space) == 2, timeout=30_000)
    qtbot.waitUntil(page.view.no_places.isVisible, timeout=10_000)
    assert page.view.table.contexts.rowCount() == 2


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("new york", "is 2 words"),
        ("!!!", "no letter or digit"),
        ("governmemt", "does not occur in the"),
    ],
)
def test_what_cannot_be_found_is_told(qtbot, page, typed, says):
    page.input.field.setFocus()
    QTest.keyClicks(page.input.field, typed)
    QTest.keyClick(page.input.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: says in page.message.text, timeout=20_000)
    if typed == "governmemt":
        button = next(b for b in page.message.buttons if b.text() == "government")
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        found(qtbot, page, "government")
        assert not page.message.isVisible()


def test_an_empty_field_asks_for_a_word(page):
    QTest.mouseClick(page.input.button, Qt.MouseButton.LeftButton)
    assert page.message.text == "Type a word to look for."


def test_a_hidden_page_computes_nothing(qtbot, page):
    session = page.window_.session
    session.view(features_page="texts")
    session.edit_look("Look up", "words", word="government")
    assert page._job is None
    session.view(features_page="words")
    found(qtbot, page, "government")


def test_stop_leaves_what_was_shown(qtbot, page):
    look_up(qtbot, page, "government")
    space = page.space
    page.window_.session.edit_look("Look up", "words", word="australia")
    assert page.input.button.text() == "Stop"
    QTest.mouseClick(page.input.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page._job is None, timeout=20_000)
    assert page.input.button.text() == "Find"
    assert page.space is space
    assert page.view.scatter.canvas.dimmed
    assert page.message.text == "“australia” was stopped. What is shown is “government”."
    QTest.mouseClick(page.message.buttons[0], Qt.MouseButton.LeftButton)
    found(qtbot, page, "australia")
    assert not page.view.scatter.canvas.dimmed
