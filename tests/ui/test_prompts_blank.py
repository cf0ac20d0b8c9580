"""One gap and two models, in the real window."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.core.tiny import tiny_encoder_folder
from tests.core.tiny_causal import tiny_causal_folder


@pytest.fixture
def window(make_window, tmp_path):
    window = make_window()
    language_model = str(tiny_causal_folder(tmp_path / "lm"))
    window.session.edit_look("Choose", "language_model", name=language_model)
    window.session.edit_spec("Choose", encoder=str(tiny_encoder_folder(tmp_path / "bert")))
    window.show_panel("prompts")
    window.session.view(prompts_page="blank")
    return window


@pytest.fixture
def page(window):
    return window.panel("prompts").page("blank")


def fill(qtbot, window, page, text):
    page.field.clear()
    QTest.keyClicks(page.field, text)
    QTest.keyClick(page.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)


def test_both_models_fill_the_gap_and_each_says_what_it_saw(qtbot, window, page):
    fill(qtbot, window, page, "the cat ___ on the mat")
    assert len(page.causal.rows) == 12
    assert len(page.masked.rows) == 12
    assert page.seen["causal"].text().startswith("“the cat”")
    assert page.seen["masked"].text().startswith("“the cat [MASK] on the mat”")
    assert page.said.text()
    assert window.panel("prompts").model.is_loaded


def test_no_gap_is_one_sentence_and_undo_takes_the_typing_back(qtbot, window, page):
    before = window.session.state.blank.text
    fill(qtbot, window, page, "no gap here")
    assert "write ___ where a word is missing" in page.message.text
    window.session.undo_stack.undo()
    assert page.field.text() == before


def test_an_encoder_without_its_head_leaves_one_side_and_says_why(qtbot, window, page):
    from fineview.core.runs.spec import RunSpec

    window.session.edit_spec("Choose", encoder=RunSpec().encoder)
    fill(qtbot, window, page, "the cat ___ on the mat")
    assert page.causal.rows
    assert page.masked.rows == ()
    assert "without the fill-in-the-blank head" in page.notes["masked"].text()
