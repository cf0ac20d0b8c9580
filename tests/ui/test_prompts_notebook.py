"""The notebook in the real window: type, stream, stop, branch, undo."""

import json

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from fineview.core.prompting import notebook
from fineview.core.prompting.choices import SamplingConfig
from tests.core.tiny_causal import WINDOW, tiny_causal_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tiny_causal_folder(tmp_path_factory.mktemp("lm") / "tiny", chat=True, window=512))


@pytest.fixture
def window(make_window, folder):
    window = make_window()
    window.session.edit_look("Choose", "language_model", name=folder)
    window.session.edit_look("Set", "notebook", sampling=SamplingConfig(max_tokens=12))
    window.show_panel("prompts")
    return window


@pytest.fixture
def page(qtbot, window):
    page = window.panel("prompts").page("notebook")
    type_text(qtbot, window, page, "the cat")
    return page


def idle(qtbot, window):
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)


def type_text(qtbot, window, page, text):
    page.text.setFocus()
    page.text.selectAll()
    QTest.keyClicks(page.text, text)
    idle(qtbot, window)


def load(qtbot, window):
    QTest.mouseClick(window.panel("prompts").model.button, Qt.MouseButton.LeftButton)
    idle(qtbot, window)


def generate(qtbot, window, page):
    QTest.mouseClick(page.generate_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.busy, timeout=60_000)
    idle(qtbot, window)


def shown_text(window):
    state = window.session.state.notebook
    return notebook.whole(state.nodes, state.current)


def test_a_model_that_was_not_fetched_is_offered(qtbot, make_window):
    window = make_window()
    window.show_panel("prompts")
    page = window.panel("prompts").page("notebook")
    assert page.empty.isVisible()
    assert "93 MB" in page.empty.accessibleDescription()
    assert "often wrong" in page.empty.accessibleDescription()
    assert window.panel("prompts").model.button.text() == "Fetch 93 MB"


def test_nothing_is_loaded_before_it_is_asked_for(qtbot, window, page):
    assert page.text.text == "the cat"
    assert not window.panel("prompts").model.is_loaded
    assert page.text.marks == ()
    assert "Press Generate or Load" in page.lid.title.text()


def test_loaded_it_reads_as_one_types(qtbot, window, page):
    load(qtbot, window)
    bar = window.panel("prompts").model
    assert bar.is_loaded
    assert "in memory" in bar.memory.text()
    assert page.read.text == "the cat"
    assert [mark.kind for mark in page.text.marks] == ["prompt"] * len(page.read.tokens)
    assert len(page.lid.bars.rows) == 10
    QTest.keyClicks(page.text, " sat")
    idle(qtbot, window)
    assert page.read.text == "the cat sat"
    assert "perplexity" in page.figures.text()
    QTest.mouseClick(bar.button, Qt.MouseButton.LeftButton)
    idle(qtbot, window)
    assert not bar.is_loaded
    assert bar.button.text() == "Load"
    assert page.text.marks == ()
    load(qtbot, window)
    assert page.read.text == "the cat sat", "the same text is read again"


def test_an_answer_streams_and_is_one_step_of_undo(qtbot, window, page):
    generate(qtbot, window, page)
    said = shown_text(window)
    assert said.startswith("the cat")
    assert len(said) > len("the cat")
    assert page.text.text == said
    assert {mark.kind for mark in page.text.marks} == {"prompt", "generated"}
    assert "tokens/s" in page.figures.text()
    assert window.session.state.notebook.nodes[-1].sampling.max_tokens == 12
    window.session.undo_stack.undo()
    assert shown_text(window) == "the cat"
    assert page.text.text == "the cat"
    window.session.undo_stack.redo()
    assert shown_text(window) == said


def test_ctrl_enter_generates_and_stop_keeps_what_was_said(qtbot, window, page):
    load(qtbot, window)
    window.session.edit_look("Set", "notebook", sampling=SamplingConfig(max_tokens=4000))
    QTest.keyClick(page.text, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: len(page._pieces) > 2, timeout=30_000)
    assert page.generate_button.text() == "Stop"
    assert page.text.isReadOnly()
    before = len(page._pieces)
    QTest.mouseClick(page.generate_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.busy, timeout=30_000)
    said = shown_text(window)
    assert len(said) > len("the cat")
    assert before > 0
    assert "stopped after" in page.figures.text()
    assert not page.text.isReadOnly()


def test_a_second_generate_replaces_the_first_in_sight(qtbot, window, page):
    load(qtbot, window)
    window.session.edit_look("Set", "notebook", sampling=SamplingConfig(max_tokens=400))
    page.generate()
    qtbot.waitUntil(lambda: len(page._pieces) > 2, timeout=30_000)
    window.session.edit_look("Set", "notebook", sampling=SamplingConfig(max_tokens=3))
    page.generate()
    qtbot.waitUntil(lambda: not page.busy and not page._once_more, timeout=60_000)
    idle(qtbot, window)
    nodes = window.session.state.notebook.nodes
    assert [node.kind for node in nodes] == ["typed", "generated", "generated"]
    assert [node.parent for node in nodes] == [-1, 0, 0], "both from the same text"
    assert "kept in the tree" in page.message.text


def test_press_a_token_and_take_another_one(qtbot, window, page):
    generate(qtbot, window, page)
    said = shown_text(window)
    place = next(i for i, mark in enumerate(page.text.marks) if mark.kind == "generated")
    mark = page.text.marks[place]
    cursor = page.text.textCursor()
    cursor.setPosition(mark.start)
    at = page.text.cursorRect(cursor).center() + QPoint(3, 0)
    assert page.text.mark_at(at) == place
    QTest.mouseClick(page.text.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert "In place of" in page.lid.title.text()
    other = next(a for a in page.read.tokens[place].alternatives if a.text != said[mark.start])
    page.lid.bars.pressed.emit(other.text)
    idle(qtbot, window)
    assert shown_text(window) == said[: mark.start] + other.text
    state = window.session.state.notebook
    assert len(notebook.children(state.nodes, 0)) == 2, "the answer stays as the other branch"
    first = page.tree.topLevelItem(0).child(0)
    page.tree.itemClicked.emit(first, 0)
    assert shown_text(window) == said


def test_again_takes_the_next_seed_and_says_when_it_cannot_help(qtbot, window, page):
    generate(qtbot, window, page)
    QTest.mouseClick(page.again_button, Qt.MouseButton.LeftButton)
    assert "temperature above 0" in page.message.text
    window.session.edit_look(
        "Set", "notebook", sampling=SamplingConfig(max_tokens=12, temperature=1.5)
    )
    QTest.mouseClick(page.again_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.busy, timeout=60_000)
    idle(qtbot, window)
    state = window.session.state.notebook
    assert state.sampling.seed == 1
    assert notebook.children(state.nodes, 0) == (1, 2)


def test_the_lens_and_the_attention_of_a_token(qtbot, window, page):
    load(qtbot, window)
    QTest.mouseClick(page.lid.view._segments["lens"], Qt.MouseButton.LeftButton)
    idle(qtbot, window)
    assert [row.word.split()[0] for row in page.lid.bars.rows] == ["0", "1", "2", "3"]
    assert "from layer" in page.lid.note.text()
    QTest.mouseClick(page.lid.view._segments["attention"], Qt.MouseButton.LeftButton)
    idle(qtbot, window)
    assert {mark.kind for mark in page.text.marks} == {"attention"}
    assert "looks at" in page.lid.title.text()
    mean = page.lid.bars.rows
    page.lid.head.set_value("1")
    page.lid.head.chosen.emit("1")
    assert page.lid.bars.rows != mean, "all heads are there at once"
    press_view(page, "next")
    assert "looks at" not in page.lid.title.text()
    assert {mark.kind for mark in page.text.marks} == {"prompt"}
    press_view(page, "attention")
    idle(qtbot, window)
    assert "looks at" in page.lid.title.text()
    press_view(page, "lens")
    idle(qtbot, window)
    assert "layer by layer" in page.lid.title.text()


def press_view(page, name):
    QTest.mouseClick(page.lid.view._segments[name], Qt.MouseButton.LeftButton)


def test_undone_under_its_feet_an_answer_stands_on_its_own(qtbot, window, page):
    load(qtbot, window)
    window.session.edit_look("Set", "notebook", sampling=SamplingConfig(max_tokens=200))
    page.generate()
    qtbot.waitUntil(lambda: len(page._pieces) > 2, timeout=30_000)
    while window.session.undo_stack.canUndo():
        window.session.undo_stack.undo()
    page.stop()
    qtbot.waitUntil(lambda: not page.busy, timeout=30_000)
    assert shown_text(window).startswith("the cat")
    assert len(shown_text(window)) > len("the cat")


def test_a_text_longer_than_the_window_says_how_much_is_not_read(qtbot, make_window, tmp_path):
    small = str(tiny_causal_folder(tmp_path / "small"))
    window = make_window()
    window.session.edit_look("Choose", "language_model", name=small)
    window.show_panel("prompts")
    page = window.panel("prompts").page("notebook")
    changes = notebook.typed(window.session.state.notebook, "the cat sat on the mat " * 20)
    window.session.edit_look("Type", "notebook", **changes)
    load(qtbot, window)
    read = page.read
    assert read.cut > 0
    assert f"its first {read.cut} tokens are not read" in page.message.text
    assert len(read.tokens) == WINDOW - 32


def test_a_folder_without_a_tokenizer_is_one_sentence(qtbot, window, page, tmp_path):
    bare = tiny_causal_folder(tmp_path / "bare")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (bare / name).unlink()
    window.session.edit_look("Choose", "language_model", name=str(bare))
    load(qtbot, window)
    message = window.panel("prompts").message.text
    assert "tokenizer" in message
    assert "tokenizer.json" in message
    window.session.edit_look("Choose", "language_model", name=str(tmp_path / "nowhere"))
    load(qtbot, window)
    assert "nowhere" in window.panel("prompts").message.text


def test_choosing_a_folder_is_undoable(qtbot, window, page, tmp_path, monkeypatch):
    other = str(tiny_causal_folder(tmp_path / "other", "gpt2"))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: other)
    bar = window.panel("prompts").model
    before = bar.choice.name
    bar.combo.chosen.emit("open")
    assert bar.choice.name == other
    window.session.undo_stack.undo()
    assert bar.choice.name == before


def test_markup_and_control_characters_stay_text(qtbot, window, page):
    load(qtbot, window)
    strange = "<b>bold</b> \x07 \u202e x 😀 no-break"
    changes = notebook.planted(window.session.state.notebook, strange)
    window.session.edit_look("Plant", "notebook", **changes)
    idle(qtbot, window)
    assert page.text.text == strange
    assert page.read.text == strange
    ends = [mark.end for mark in page.text.marks]
    assert ends[-1] == len(strange)
    assert "&lt;" in page.text.marks[0].tooltip or "<" in page.text.marks[0].tooltip


def test_chat_is_wrapped_in_sight(qtbot, window, page):
    QTest.mouseClick(page.chat_button, Qt.MouseButton.LeftButton)
    idle(qtbot, window)
    assert shown_text(window) == "<s>the cat</s><s>"


def test_what_is_copied_is_the_text_a_script_and_a_table(qtbot, window, page):
    generate(qtbot, window, page)
    clipboard = QGuiApplication.clipboard()
    text, script, table = page.copy_button.menu().actions()
    text.trigger()
    assert clipboard.text() == shown_text(window)
    script.trigger()
    idle(qtbot, window)
    compile(clipboard.text(), "script", "exec")
    assert repr(shown_text(window)) in clipboard.text()
    table.trigger()
    assert len(clipboard.text().splitlines()) >= 1 + len(page.read.tokens)


def test_the_tree_comes_back_with_the_session(qtbot, window, page, make_window, locations):
    generate(qtbot, window, page)
    said = shown_text(window)
    window.session.save()
    stored = json.loads((locations.workspace / "session.json").read_text("utf-8"))
    assert stored["notebook"]["nodes"][1]["kind"] == "generated"
    from fineview.ui.session import Session

    again = Session(locations.workspace / "session.json")
    assert again.notes == []
    assert notebook.whole(again.state.notebook.nodes, again.state.notebook.current) == said


def test_stop_strings_are_read_as_they_are_written(qtbot, window, page):
    field = page.sampling.stop
    field.setText(r"; | \n | a\\b")
    field.editingFinished.emit()
    assert window.session.state.notebook.sampling.stop == (";", "\n", "a\\b")
    window.session.undo_stack.undo()
    assert window.session.state.notebook.sampling.stop == ()
