"""Few-shot, Evaluate and Shots curve in the real window, with a tiny model."""

import csv

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from fineview.core.prompting.seen import ShotsCurve
from fineview.core.prompting.shots_lesson import band
from fineview.ui.panels.prompts_reading import read_words, written_words
from fineview.ui.plots.export import export_table
from tests.core.tiny import tiny_encoder_folder
from tests.core.tiny_causal import tiny_causal_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tiny_causal_folder(tmp_path_factory.mktemp("lm") / "tiny", window=2048))


@pytest.fixture
def window(make_window, folder):
    window = make_window()
    window.session.edit_look("Choose", "language_model", name=folder)
    window.show_panel("prompts")
    return window


def page_of(window, name):
    window.session.view(prompts_page=name)
    return window.panel("prompts").page(name)


def idle(qtbot, window):
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=120_000)


def press(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


# Few-shot


def test_the_preview_is_the_exact_text_and_its_tokens_are_counted(qtbot, window):
    page = page_of(window, "few-shot")
    idle(qtbot, window)
    assert page.preview.literal == (
        "The capital of California is Sacramento\nThe capital of Nevada is Carson City\n"
        "The capital of Texas is"
    )
    assert "tokens of a window of 2" in page.length.text()
    assert "belongs to the answer" in page.length.text()


def test_examples_are_edited_added_moved_and_each_step_is_undone(qtbot, window):
    page = page_of(window, "few-shot")
    before = window.session.state.prompt.shots
    table = page.examples.table
    table.item(0, 1).setText("Sacramento!")
    assert window.session.state.prompt.shots[0] == ("California", "Sacramento!")
    press(page.examples.buttons["add"])
    assert window.session.state.prompt.shots[-1] == ("", "")
    assert "example" in page.problem.text
    table.selectRow(2)
    press(page.examples.buttons["remove"])
    assert page.problem.text == ""
    table.selectRow(1)
    QTest.keyClick(table, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert window.session.state.prompt.shots[0] == ("Nevada", "Carson City")
    table.moved.emit(0, 1)
    assert window.session.state.prompt.shots[1] == ("Nevada", "Carson City")
    while window.session.undo_stack.canUndo() and window.session.state.prompt.shots != before:
        window.session.undo_stack.undo()
    assert window.session.state.prompt.shots == before
    assert table.item(0, 1).text() == "Sacramento"


def test_a_slot_that_the_table_lacks_is_named_beside_the_field(qtbot, window):
    page = page_of(window, "few-shot")
    page.example.setText("{nope} is {label}")
    page.example.textEdited.emit(page.example.text())
    assert "nope" in page.problem.text
    assert "input" in page.problem.text
    window.session.undo_stack.undo()
    assert page.problem.text == ""


def test_ask_generates_and_scores(qtbot, window):
    page = page_of(window, "few-shot")
    press(page.ask_button)
    idle(qtbot, window)
    assert page.asked.labels == ()
    assert page.answer.isVisible()
    window.session.edit_look("Score", "answer", reading="score", calibration="contextual")
    press(page.ask_button)
    idle(qtbot, window)
    assert page.asked.labels == ("Sacramento", "Carson City")
    assert sum(page.asked.probabilities) == pytest.approx(1)
    assert page.answer.bars.isVisible()
    assert len(page.answer.bias.rows) == 2
    assert "content-free" in page.answer.bias_says.text()


def test_presets_examples_of_the_task_and_the_notebook(qtbot, window):
    page = page_of(window, "few-shot")
    page.preset.chosen.emit("sentiment")
    assert window.session.state.answer.reading == "score"
    assert page.message.text
    press(page.load_button)
    idle(qtbot, window)
    prompt = window.session.state.prompt
    assert len(prompt.shots) == 4
    assert prompt.columns == ("input", "second", "label"), "word relations are pairs"
    assert [field.accessibleName() for field in page.queries] == ["Query", "Query, second"]
    assert "{second}" in prompt.example
    text, script = page.copy_button.menu().actions()
    script.trigger()
    idle(qtbot, window)
    compile(QGuiApplication.clipboard().text(), "script", "exec")
    text.trigger()
    copied = QGuiApplication.clipboard().text()
    press(page.notebook_button)
    state = window.session.state
    assert state.prompts_page == "notebook"
    assert state.notebook.nodes[state.notebook.current].text == copied


def test_the_verbalizer_is_read_as_it_is_written():
    words = (("positive", ("good", "great")), ("negative", ("bad",)))
    assert read_words(written_words(words)) == words
    assert read_words("unfinished\npositive:\n : x\nok: a,, b ,") == (("ok", ("a", "b")),)


# Evaluate


def evaluate(qtbot, window, **changes):
    page = page_of(window, "evaluate")
    window.session.edit_look("Set", "prompt_test", **changes)
    press(page.choices.run_button)
    idle(qtbot, window)
    return page


def test_an_evaluation_lists_every_query_and_is_kept(qtbot, window, tmp_path, make_window):
    page = evaluate(qtbot, window, shots=2, most=12)
    result = page.shown.results[0].evaluation
    assert page.shown.status == "finished"
    assert len(result.rows) == 12
    assert page.answers.model.rowCount() == 12
    assert "of 12 right" in page.said.text()
    assert result.computed < result.tokens
    page.answers.which.changed.emit("right")
    right = sum(row.correct for row in result.rows)
    assert page.answers.view.model().rowCount() == right
    export_table(page.answers.table(), tmp_path / "answers.csv")
    with (tmp_path / "answers.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    assert len(lines) == 13
    assert lines[0][0] == "query"
    kept = window.lab.studies.list("prompt")
    assert [study.status for study in kept] == ["finished"]


def test_formats_and_seeds_make_a_matrix(qtbot, window):
    page = evaluate(qtbot, window, shots=1, most=6, seeds=2, formats=("{input}: {label}",))
    found = [(one.format, one.evaluation.seed) for one in page.shown.results]
    example = window.session.state.prompt.example
    assert found == [(example, 0), (example, 1), ("{input}: {label}", 0), ("{input}: {label}", 1)]
    page.results.view.selectRow(1)
    assert page.answers.model.rows == page.shown.results[1].evaluation.rows


def test_scored_labels_have_a_confusion_and_a_bias(qtbot, window):
    page_of(window, "few-shot").preset.chosen.emit("sentiment")
    page = evaluate(qtbot, window, source="table:sentiment", shots=4, most=10)
    result = page.shown.results[0].evaluation
    assert sum(map(sum, result.confusion)) == 10
    assert len(page.bias.rows) == 2
    assert page.confusion.isVisible()


def test_stop_keeps_what_was_evaluated_and_settings_go_stale(qtbot, window):
    page = page_of(window, "evaluate")
    window.session.edit_look("Set", "prompt_test", shots=2, most=40, seeds=20)
    press(page.choices.run_button)
    qtbot.waitUntil(lambda: bool(page.shown and page.shown.results), timeout=60_000)
    press(page.choices.run_button)
    idle(qtbot, window)
    assert page.shown.status == "stopped"
    assert 0 < len(page.shown.results) < 20
    assert "Stopped" in page.said.text()
    window.session.edit_look("Set", "prompt_test", most=7)
    assert "other settings" in page.message.text
    page.message.action_pressed.emit("back")
    assert window.session.state.prompt_test.most == 40


def test_too_few_rows_are_one_sentence(qtbot, window):
    page = evaluate(qtbot, window, shots=64, most=5)
    assert "too few" in page.message.text
    assert "draw fewer" in page.message.text


# Shots curve


def test_a_shots_curve_has_prompt_calibration_and_head(qtbot, window, tmp_path):
    window.session.edit_spec("Set", encoder=str(tiny_encoder_folder(tmp_path / "bert")))
    page_of(window, "few-shot").preset.chosen.emit("sentiment")
    window.session.edit_look(
        "Set", "shots", source="table:sentiment", counts=(0, 2, 4), seeds=2, orders=2, most=12
    )
    page = page_of(window, "shots")
    press(page.choices.run_button)
    idle(qtbot, window)
    curve = page.shown.curve
    assert isinstance(curve, ShotsCurve)
    assert [row[0] for row in band(curve, "prompt")] == [0, 2, 4]
    assert [row[4] for row in band(curve, "prompt")] == [1, 4, 4]
    assert [row[0] for row in band(curve, "head")] == [2, 4]
    assert [one.name for one in page.plot.curves] == [
        "prompt",
        "prompt, calibrated",
        "trained head",
    ]
    assert "From 0 to 4 examples" in page.said.text()
    assert page.plot.place("prompt 0").x() < page.plot.place("prompt 2").x()
    header, rows = page.plot.table()
    assert header[1] == "examples"
    assert len(rows) == 3 + 3 + 2 + 1


def test_numbers_that_do_not_ascend_are_refused_beside_the_field(qtbot, window):
    page = page_of(window, "shots")
    page.choices.counts.setText("4, 2")
    page.choices.counts.editingFinished.emit()
    assert "ascend" in page.choices.message.text
    page.choices.counts.setText("x")
    page.choices.counts.editingFinished.emit()
    assert "no list of numbers" in page.choices.message.text
    page.choices.counts.setText("0, 3")
    page.choices.counts.editingFinished.emit()
    assert window.session.state.shots.counts == (0, 3)
    assert page.choices.message.text == ""
