"""The page that trains word vectors, in the real window, on the real corpus."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.ui.test_analogies_export import saved

pytestmark = pytest.mark.slow


@pytest.fixture
def window(make_window, qtbot):
    found = make_window()
    found.resize(1280, 800)
    found.show_panel("analogies")
    found.session.edit_look("Set", "own_vectors", width=30, epochs=4)
    found.session.view(analogies_page="own")
    qtbot.waitUntil(lambda: not found.runner.jobs, timeout=60_000)
    return found


@pytest.fixture
def page(window):
    return window.panel("analogies").page("own")


def press(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_train_word2vec_and_calculate_with_it(window, page, qtbot, tmp_path, monkeypatch):
    press(page.button)
    assert page.button.text() == "Stop"
    qtbot.waitUntil(lambda: page.trained is not None, timeout=60_000)
    assert page.loss.keys == ("loss",)
    assert page.accuracy.keys == ("accuracy",)
    assert "kept in this workspace" in page.said.text()
    shown = [bars.title for bars in page.near if bars.isVisible()]
    assert shown[1:] == ["man", "france", "government"]
    page.save(tmp_path / "words.txt")
    qtbot.waitUntil(lambda: "Saved as words.txt" in page.message.text, timeout=30_000)
    from gensim.models import KeyedVectors

    theirs = KeyedVectors.load_word2vec_format(str(tmp_path / "words.txt"))
    assert len(theirs) == page.trained.info.words
    page.save(tmp_path / "words.txt" / "below")  # there is a file where a folder would be
    qtbot.waitUntil(lambda: "Saved" not in page.message.text, timeout=30_000)
    assert page.message.isVisible()
    for plot, name in ((page.loss, "loss"), (page.accuracy, "accuracy")):
        (tmp_path / name).mkdir()
        texts, rows = saved(plot.menu, tmp_path / name, monkeypatch)
        assert "epoch" in texts
        assert len(rows) > 2
    press(page.use_button)
    calculator = window.panel("analogies").page("calculator")
    folder = str(page.trained.folder)
    qtbot.waitUntil(
        lambda: calculator.reply is not None and calculator.reply.info.name == folder,
        timeout=20_000,
    )
    assert calculator.isVisible()
    calculator.ask("government")
    qtbot.waitUntil(lambda: calculator.reply.choice.expression == "government", timeout=20_000)
    assert theirs.most_similar("government")[0][0] == calculator.answers.excluded.rows[0].word
    near = [row.word for row in page.near[3].rows]
    assert [row.word for row in calculator.answers.excluded.rows][:5] == near
    combo = window.panel("analogies").vectors.combo
    assert combo.value == folder
    window.session.undo_stack.undo()
    window.session.undo_stack.undo()
    assert combo.value == "glove-50d"


def test_stop_keeps_what_was_learnt(window, page, qtbot):
    window.session.edit_look("Set", "own_vectors", epochs=500)
    press(page.button)
    qtbot.waitUntil(lambda: page.loss.keys == ("loss",), timeout=60_000)
    press(page.button)
    qtbot.waitUntil(lambda: not page.busy, timeout=10_000)
    assert page.said.text().startswith("Stopped at epoch")
    assert page.use_button.isEnabled(), "what was learnt can be calculated with at once"
    assert page.trained.folder.is_dir()
    assert page.button.text() == "Train vectors"
    chooser = window.panel("analogies").vectors
    chooser.refresh()
    titles = [chooser.combo.itemText(i) for i in range(chooser.combo.count())]
    assert any(title.startswith("word2vec of lee-news") for title in titles)


def test_what_cannot_be_trained_is_said_beside_the_button(window, page, qtbot, tmp_path):
    text = tmp_path / "few.txt"
    text.write_text("one two three", encoding="utf-8")
    window.session.edit_look("Choose a text", "own_vectors", corpus=str(text))
    assert page.corpus.currentText() == "few.txt"
    press(page.button)
    qtbot.waitUntil(lambda: page.message.text != "", timeout=20_000)
    assert "Fewer than two words" in page.message.text
    assert page.empty.isVisible()


def test_a_set_of_ones_own_and_other_vectors(window, qtbot, tmp_path):
    questions = tmp_path / "mine.txt"
    questions.write_text(": royal\nman woman king queen\nboy girl prince princess\n")
    window.session.view(analogies_page="benchmark")
    benchmark = window.panel("analogies").page("benchmark")
    benchmark.open(questions)
    assert benchmark.questions_of.currentText() == "mine.txt"
    press(benchmark.button)
    qtbot.waitUntil(lambda: benchmark.shown is not None, timeout=60_000)
    assert benchmark.shown.result.totals[-1].covered == 2
    vectors = tmp_path / "tiny.txt"
    vectors.write_text("man 1 0\nwoman 1 1\nking 2 0.1\nqueen 2 2\n", encoding="utf-8")
    window.panel("analogies").vectors.open(vectors)
    assert "answers other settings" in benchmark.message.text
    press(benchmark.button)
    qtbot.waitUntil(lambda: benchmark.shown.result.vocabulary == 4, timeout=60_000)
    assert benchmark.shown.result.totals[-1].covered == 1
