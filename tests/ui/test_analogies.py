"""The calculator in the real window, on the bundled vectors."""

import gc
import weakref

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from fineview.ui.plots.export import export_widget

pytestmark = pytest.mark.slow


@pytest.fixture
def window(make_window, qtbot):
    found = make_window()
    found.resize(1280, 800)
    found.show_panel("analogies")
    calculator = found.panel("analogies").page("calculator")
    qtbot.waitUntil(lambda: calculator.reply is not None, timeout=60_000)
    return found


@pytest.fixture
def panel(window):
    return window.panel("analogies").page("calculator")


def words(bars):
    return [row.word for row in bars.rows]


def answered(panel, qtbot, text):
    qtbot.waitUntil(lambda: panel.reply.choice.expression == text, timeout=10_000)
    return panel.reply


def typed(panel, qtbot, text):
    """Type an expression, letter by letter."""
    panel.field.setFocus(Qt.FocusReason.OtherFocusReason)
    panel.field.selectAll()
    for letter in text:
        QTest.keyClick(panel.field, letter)
    return answered(panel, qtbot, text)


def test_the_lectures_example_stands_there_at_once(panel):
    assert panel.field.text() == "man : woman :: king : ?"
    assert panel.other_form.text() == "= king - man + woman"
    assert words(panel.answers.excluded)[0] == "queen"
    assert panel.answers.excluded.rows[0].figure == "0.852"
    assert words(panel.answers.allowed)[:2] == ["king", "queen"]
    assert panel.answers.allowed.rows[0].muted
    assert (
        "it leads only because the words of the question are left out" in panel.answers.said.text()
    )
    assert "400,000" in panel.table.text().replace("\u2009", ",").replace("\u202f", ",")
    assert panel.plot.shown.words == ("man", "woman", "king", "queen")
    assert "Neighbours of woman alone" in panel.answers.alone[0].title


def test_answers_follow_the_typing_and_undo(panel, window, qtbot):
    typed(panel, qtbot, "france - paris + rome")
    assert words(panel.answers.excluded)[0] == "italy"
    assert panel.other_form.text() == "= paris : rome :: france : ?"
    typed(panel, qtbot, "king")
    assert panel.plot.shown is None
    assert panel.other_form.text() == ""
    window.session.undo_stack.undo()
    answered(panel, qtbot, "man : woman :: king : ?")
    assert words(panel.answers.excluded)[0] == "queen"


def test_an_unknown_word_gets_spellings_and_one_press_replaces_it(panel, qtbot):
    reply = typed(panel, qtbot, "kign - man + woman")
    assert reply.solution is None
    assert "“kign” is not among the words" in panel.message.text
    button = next(b for b in panel.message.buttons if b.text() == "king")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    answered(panel, qtbot, "king - man + woman")
    assert words(panel.answers.excluded)[0] == "queen"
    assert not panel.message.isVisible()


def test_what_cannot_be_read_is_said_and_the_last_answers_stay_dimmed(panel, qtbot):
    panel.ask("king * man")
    answered(panel, qtbot, "king * man")
    assert "is no number to multiply or divide by" in panel.message.text
    assert words(panel.answers.excluded)[0] == "queen"
    assert panel.plot.dimmed
    typed(panel, qtbot, "king - man + woman")
    assert not panel.plot.dimmed


def test_nothing_large_stays_once_the_laboratory_is_closed(panel, window):
    lab = window.lab
    lab.tokens("minilm-l6", "king")
    lab._dictionary = None  # of the session's tests
    large = [weakref.ref(lab.dictionary("glove-50d")), weakref.ref(lab._readers["minilm-l6"])]
    assert all(one() is not None for one in large)
    lab.close()
    # At once, though the window is still there and no cycle was collected.
    assert [one() for one in large] == [None, None]
    assert not gc.isenabled()


def test_words_are_completed_as_one_types(panel, qtbot):
    typed(panel, qtbot, "quee")
    popup = panel._completer.popup()
    assert popup.isVisible()
    offered = panel._words.stringList()
    assert offered[0] == "queen"
    QTest.keyClick(popup, Qt.Key.Key_Down)
    QTest.keyClick(popup, Qt.Key.Key_Return)
    answered(panel, qtbot, "queen")
    assert not popup.isVisible()


def test_method_vocabulary_and_lengths(panel, qtbot):
    panel.options.method.segment("mul").click()
    qtbot.waitUntil(lambda: panel.reply.choice.method == "mul", timeout=10_000)
    assert words(panel.answers.excluded)[0] == panel.reply.solution.of("mul").excluded[0].word
    assert not panel.answers.others["mul"].isVisible()
    assert panel.answers.others["add"].isVisible()
    panel.options.limit.set_value("10000")
    panel.options.limit.chosen.emit("10000")
    qtbot.waitUntil(lambda: panel.reply.choice.limit == 10_000, timeout=10_000)
    assert all(a.row < 10_000 for a in panel.reply.solution.answers[0].allowed)
    before = panel.plot.shown.first_length
    panel.lengths.segment("true").click()
    qtbot.waitUntil(lambda: not panel.reply.choice.unit, timeout=10_000)
    assert panel.plot.shown.first_length > before


def test_another_answer_is_drawn_when_it_is_pressed(panel, qtbot):
    bars = panel.answers.excluded
    middle = bars._row(2).center().toPoint()
    QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=middle)
    wanted = bars.rows[2].word
    qtbot.waitUntil(lambda: panel.plot.shown.words[3] == wanted, timeout=10_000)
    bars.setFocus()
    QTest.keyClick(bars, Qt.Key.Key_Up)
    QTest.keyClick(bars, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.plot.shown.words[3] == bars.rows[1].word, timeout=10_000)


def test_an_empty_field_brings_the_empty_state(panel, qtbot):
    panel.field.clear()
    panel.field.textEdited.emit("")
    answered(panel, qtbot, "")
    assert panel.empty.isVisible()
    assert not panel.message.isVisible()


def test_the_parallelogram_is_exported_with_its_numbers(panel, tmp_path):
    export_widget(panel.plot, tmp_path / "p.png")
    assert not QImage(str(tmp_path / "p.png")).isNull()
    header, rows = panel.plot.table()
    assert header == ["what", "x", "y", "share_in_the_plane"]
    named = {row[0]: row[1] for row in rows}
    assert named["residual from the sum to queen"] == panel.plot.shown.residual


# ---- whole sets


@pytest.fixture
def benchmark(window, qtbot):
    window.session.view(analogies_page="benchmark")
    page = window.panel("analogies").page("benchmark")
    window.session.edit_look("x", "analogy_set", limit=10_000)
    QTest.mouseClick(page.button, Qt.MouseButton.LeftButton)
    assert page.button.text() == "Stop"
    qtbot.waitUntil(lambda: page.shown is not None, timeout=60_000)
    qtbot.waitUntil(lambda: not page.busy, timeout=10_000)
    return page


def test_a_set_is_answered_counted_and_browsed(benchmark, window, panel, qtbot):
    page, result = benchmark, benchmark.shown.result
    total = result.totals[-1]
    assert f"{total.accuracy(total.right):.3f}" in page.said.text()
    model = page.sections.model()
    assert model.rowCount() == 14 + 3 + 1
    assert [model.index(row, 0).data() for row in range(3)] == ["total", "syntactic", "semantic"]
    assert "capital-common-countries" in model.index(3, 0).data()
    assert model.index(17, 3).data() == "0.0001"
    assert page.questions.model().rowCount() == total.covered
    page.filter.chosen.emit("wrong")
    assert page.questions.model().rowCount() == total.covered - total.right
    rect = page.sections.visualRect(model.index(3 + 4, 0))
    QTest.mouseClick(page.sections.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    family = result.sections[4]
    assert family.name == "family"
    assert page.questions.model().rowCount() == family.covered - family.right
    page.filter.chosen.emit("rule")
    listed = page.questions.model().rowCount()
    assert 0 < listed <= family.right
    assert page.questions.model().index(0, 4).data().startswith("✓")
    assert page.questions.model().index(0, 5).data().startswith("✗")
    a, b, c, _ = page.questions.lines.question(0)
    page.questions.activated.emit(page.questions.model().index(0, 0))
    answered(panel, qtbot, f"{a} : {b} :: {c} : ?")
    assert panel.isVisible()
    assert not page.isVisible()


def test_other_settings_are_said_to_be_other(benchmark, window, qtbot):
    page = benchmark
    window.session.edit_look("x", "analogy_set", method="mul")
    assert "answers other settings" in page.message.text
    before = page.shown
    QTest.mouseClick(page.message.buttons[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.shown is not before, timeout=60_000)
    assert page.shown.result.method == "mul"
    assert not page.message.isVisible()


def test_stopping_keeps_what_is_shown(benchmark, window, qtbot):
    page, before = benchmark, benchmark.shown
    window.session.edit_look("x", "analogy_set", limit=0)
    page.run_or_stop()
    qtbot.waitUntil(lambda: page._job is not None and page._job.state == "running", timeout=10_000)
    page.run_or_stop()
    qtbot.waitUntil(lambda: not page.busy, timeout=10_000)
    assert page.shown is before
    assert page.button.text() == "Answer all questions"


# ---- axes


def test_words_are_placed_on_axes_of_ones_own(window, qtbot):
    window.session.view(analogies_page="axes")
    page = window.panel("analogies").page("axes")
    qtbot.waitUntil(lambda: page.plot.shown is not None, timeout=30_000)
    places = dict(zip(page.plot.shown.words, page.plot.shown.places[:, 0], strict=True))
    assert places["queen"] > places["king"]
    assert places["housewife"] > places["soldier"]
    page.ends["left"].setText("zzzxy")
    page.ends["left"].textEdited.emit("zzzxy")
    qtbot.waitUntil(lambda: page.message.isVisible(), timeout=10_000)
    assert "needs a known word at each end" in page.message.text
    assert page.plot.dimmed
    window.session.undo_stack.undo()
    qtbot.waitUntil(lambda: not page.plot.dimmed, timeout=10_000)
    page.listing.setPlainText("nurse, doctor, qqqzz")
    qtbot.waitUntil(lambda: page.plot.shown.words == ("nurse", "doctor"), timeout=10_000)
    assert "“qqqzz”" in page.message.text
    assert page.plot.table()[1][0][0] == "nurse"


# ---- lists


def test_a_list_is_answered_with_and_without_the_rule(window, panel, qtbot, tmp_path):
    window.session.view(analogies_page="list")
    page = window.panel("analogies").page("list")
    qtbot.waitUntil(lambda: len(page.lines.rows) == 11, timeout=30_000)
    first = page.lines.rows[0]
    assert (first.excluded.word, first.allowed.word) == ("queen", "king")
    assert first.allowed.is_input
    assert "Of 11 questions" in page.said.text()
    file = tmp_path / "list.csv"
    file.write_text("a,b,c\nfrance,paris,italy\nman,woman,nosuchword\n# a remark\nking *\n")
    page.open(file)
    qtbot.waitUntil(lambda: len(page.lines.rows) == 4, timeout=10_000)
    rows = page.lines.rows
    assert rows[1].text == "france : paris :: italy : ?"
    assert rows[1].excluded.word == "rome"
    assert "'nosuchword' is not among" in rows[2].problem
    assert rows[3].excluded.word == "prince"
    assert page.table()[1][1][:2] == ["france : paris :: italy : ?", "rome"]
    page.view.activated.emit(page.lines.index(1, 0))
    answered(panel, qtbot, "france : paris :: italy : ?")
    assert panel.isVisible()
    file.write_bytes(b"\xff\xfe\x00")
    window.session.view(analogies_page="list")
    page.open(file)
    assert "no UTF-8 text" in page.message.text
    assert len(page.lines.rows) == 4


def test_examples_filters_and_methods_that_need_them(panel, window, qtbot):
    panel.ask("france : paris :: italy : ?")
    panel.options.method.segment("lrcos").click()
    qtbot.waitUntil(lambda: "LRCos learns from several pairs" in panel.options.note.text())
    for letter in "germany berlin, japan tokyo, spain madrid, atlantis city":
        QTest.keyClick(panel.options.pairs, letter)
    qtbot.waitUntil(lambda: len(panel.reply.examples.pairs) == 4, timeout=10_000)
    assert panel.reply.lacking == ""
    assert panel.reply.solution.of("lrcos").excluded[0].word == words(panel.answers.excluded)[0]
    assert "rome" in words(panel.answers.excluded)
    for letter in "^[a-m]":
        QTest.keyClick(panel.options.pattern, letter)
    qtbot.waitUntil(lambda: panel.reply.choice.pattern == "^[a-m]", timeout=10_000)
    assert all(word[0] in "abcdefghijklm" for word in words(panel.answers.excluded))
    QTest.keyClick(panel.options.pattern, "(")
    qtbot.waitUntil(lambda: "is no regular expression" in panel.message.text, timeout=10_000)
    panel.options.pattern.clear()
    window.session.edit_look("Type a pattern", "analogy", pattern="", skip=1000)
    qtbot.waitUntil(lambda: panel.reply.choice.skip == 1000, timeout=10_000)
    assert all(one.row >= 1000 for one in panel.reply.solution.of("add").excluded)


def test_what_was_asked_and_what_was_kept_is_offered_again(panel, window, qtbot):
    panel.ask("walk : walked :: sing : ?")
    answered(panel, qtbot, "walk : walked :: sing : ?")
    qtbot.waitUntil(lambda: window.session.state.asked[:1] == ("walk : walked :: sing : ?",))
    QTest.mouseClick(panel.keep, Qt.MouseButton.LeftButton)
    assert window.session.state.favourites == ("walk : walked :: sing : ?",)
    panel.ask("man : woman :: king : ?")
    answered(panel, qtbot, "man : woman :: king : ?")
    assert not panel.keep.isChecked()
    place = panel.preset.findText("★ walk : walked :: sing : ?")
    assert place == 1
    panel.preset.setCurrentIndex(place)
    panel.preset.activated.emit(place)
    answered(panel, qtbot, "walk : walked :: sing : ?")
    assert panel.keep.isChecked()
    QTest.mouseClick(panel.keep, Qt.MouseButton.LeftButton)
    assert window.session.state.favourites == ()


def test_a_result_is_compared_with_the_one_before_and_questions_are_sorted(
    benchmark, window, qtbot
):
    assert benchmark.shown.result.method == "add"
    window.session.edit_look("x", "analogy_set", method="mul")
    benchmark.run_or_stop()
    qtbot.waitUntil(lambda: benchmark.shown.result.method == "mul", timeout=60_000)
    assert "3CosAdd" in benchmark.against.value
    assert "only there" in benchmark.said.text()
    table = benchmark.sections.table()
    assert table[0][-3:] == ("both_right_there", "only_here", "only_there")
    total = dict(zip(*[table[0], table[1][0]], strict=True))
    assert total["both_cover"] == total["covered"]
    assert total["both_right_here"] == total["right"]
    assert total["both_right_here"] - total["both_right_there"] == (
        total["only_here"] - total["only_there"]
    )
    questions = benchmark.questions
    questions.sortByColumn(6, Qt.SortOrder.DescendingOrder)
    ranks = [int(row[6].replace("\u2009", "").replace("\u202f", "")) for row in questions.table()[1]
             if row[6] not in ("–", "—")]  # fmt: skip
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[0] > 100
    assert ranks[-1] == 1
