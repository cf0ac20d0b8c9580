"""The words page in the real window, on the bundled vectors."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

pytestmark = pytest.mark.slow


@pytest.fixture
def window(make_window, qtbot):
    found = make_window()
    found.resize(1280, 800)
    found.session.view(analogies_page="words")
    found.show_panel("analogies")
    words = found.panel("analogies").page("words")
    qtbot.waitUntil(lambda: words.shown is not None, timeout=60_000)
    return found


@pytest.fixture
def page(window):
    return window.panel("analogies").page("words")


def words(bars):
    return [row.word for row in bars.rows]


def put(page, qtbot, text):
    """Type a whole list over the present one, and wait until it is answered or refused."""
    page.field.setFocus(Qt.FocusReason.OtherFocusReason)
    page.field.selectAll()
    QTest.keyClicks(page.field, text)
    assert page._session.state.word_nearness.words == text
    qtbot.waitUntil(
        lambda: page.shown.choice.words == text and not page.message.isVisible(), timeout=10_000
    )


def test_the_odd_one_out_the_cosines_and_the_neighbours_stand_there_at_once(page):
    assert page.field.text() == "breakfast, lunch, dinner, cereal, carpet"
    assert page.said.text().startswith("The odd one out is cereal: its cosine with the mean of the")
    assert words(page.centre)[-1] == "cereal"
    assert len(page.centre.rows) == 5
    assert page.word.value == "breakfast"
    assert page.near.title == "Nearest to breakfast"
    assert words(page.near)[:2] == ["dinner", "buffet"]
    assert page.near.rows[0].muted  # in the list already
    assert len(page.near.rows) == 10
    header, rows = page.heat.table()
    assert header == ["", "breakfast", "lunch", "dinner", "cereal", "carpet"]
    assert rows[0][1] == 1.0
    assert rows[0][2] == pytest.approx(rows[1][1])
    assert page.heat.words("lunch/0").startswith("lunch and breakfast: cosine 0.")


def test_two_words_have_a_cosine_and_ranks_and_one_has_neighbours(page, window, qtbot):
    put(page, qtbot, "king, queen")
    assert page.said.text().startswith("king and queen have a cosine of 0.784.")
    forth, back = page.shown.ranks
    assert f"queen is number {forth} among the 399\u2009999 neighbours of king" in page.said.text()
    assert f"king is number {back} among those of queen" in page.said.text()
    assert words(page.near)[forth - 1] == "queen"
    assert not page.centre.isVisible()
    put(page, qtbot, "king")
    assert "One word has neighbours only" in page.said.text()
    assert page.heat.keys() == []
    window.session.undo_stack.undo()  # the typing was one change
    qtbot.waitUntil(lambda: len(page.shown.words) == 5, timeout=10_000)
    assert page.centre.isVisible()


def test_an_unknown_word_is_said_and_one_press_replaces_it(page, qtbot):
    page.field.setText("king, qeen, man")
    page.field.textEdited.emit("king, qeen, man")
    qtbot.waitUntil(lambda: page.message.isVisible(), timeout=10_000)
    if "qeen" not in page.message.text:  # some table may know it
        pytest.fail(page.message.text)
    assert page.heat.dimmed
    assert "breakfast" in page.shown.words  # the last answer stays, dimmed
    button = next(b for b in page.message.buttons if b.text() == "queen")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.shown.words == ("king", "queen", "man"), timeout=10_000)
    assert page.field.text() == "king, queen, man"
    assert not page.message.isVisible()
    assert not page.heat.dimmed
    page.field.setText(" ")
    page.field.textEdited.emit(" ")
    qtbot.waitUntil(lambda: page.message.isVisible(), timeout=10_000)
    assert "write some, with commas between" in page.message.text


def test_a_press_on_a_neighbour_puts_it_into_the_list(page, window, qtbot):
    fresh = next(row.word for row in page.near.rows if not row.muted)
    line = words(page.near).index(fresh) + 1
    high = page.near.height() // (len(page.near.rows) + 1)
    QTest.mouseClick(page.near, Qt.MouseButton.LeftButton, pos=QPoint(20, line * high + high // 2))
    qtbot.waitUntil(lambda: fresh in page.shown.words, timeout=10_000)
    assert page.field.text() == f"breakfast, lunch, dinner, cereal, carpet, {fresh}"
    assert page.near.rows[line - 1].muted
    window.session.undo_stack.undo()
    qtbot.waitUntil(lambda: fresh not in page.shown.words, timeout=10_000)
    page.near.pressed.emit("lunch")  # is there already: it is looked at
    assert page.word.value == "lunch"
    assert page.field.text() == "breakfast, lunch, dinner, cereal, carpet"
    page.near.pressed.emit(",")
    assert "cannot be put into this list" in page.message.text


def test_a_word_is_chosen_in_the_box_the_list_and_the_grid(page, window, qtbot):
    QTest.mouseClick(
        page.heat, Qt.MouseButton.LeftButton, pos=page.heat.place("dinner/3").toPoint()
    )
    assert page.word.value == page.heat.picked == "dinner"
    page.centre.pressed.emit("carpet")
    assert page.near.title == "Nearest to carpet"
    assert "rug" in " ".join(words(page.near))
    page.word.chosen.emit("cereal")
    assert page.near.title == "Nearest to cereal"
    page.count.chosen.emit("50")
    qtbot.waitUntil(lambda: len(page.near.rows) == 50, timeout=10_000)
    assert page.word.value == "cereal"
    window.session.edit_look("x", "word_nearness", count=7)
    qtbot.waitUntil(lambda: len(page.near.rows) == 7, timeout=10_000)
    assert page.count.currentText() == "7"


def test_everything_can_be_taken_away_as_numbers(page):
    header, rows = page.centre_table()
    assert header == ["word", "cosine_with_mean"]
    assert rows[-1][0] == "cereal"
    header, rows = page.near_table()
    assert header == ["word", "rank", "neighbour", "cosine"]
    assert rows[0][:3] == ["breakfast", 1, "dinner"]
    assert len(rows) == 50
    assert [len(menu.actions()) for menu in page.menus] == [len(page.heat.menu.actions())] * 2


def test_forty_words_fit_and_one_more_is_refused(page, window, qtbot):
    vectors = page._lab.dictionary("glove-50d").vectors
    many = [word for word in vectors.words if word.isalpha() and len(word) > 4][:41]
    window.session.edit_look("x", "word_nearness", words=", ".join(many[:40]))
    qtbot.waitUntil(lambda: len(page.shown.words) == 40, timeout=10_000)
    assert window.width() == 1280  # the grid scrolls
    window.session.edit_look("x", "word_nearness", words=", ".join(many))
    qtbot.waitUntil(lambda: page.message.isVisible(), timeout=10_000)
    assert "41 words are too many to be read: at most 40" in page.message.text
