"""The page of the task at hand, driven as a person would."""

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QMessageBox

from fineview.core.data.bundled import load_task
from fineview.core.data.plan import Imported, ImportPlan, SourceFile
from fineview.core.data.split import SplitConfig
from fineview.core.data.spread import spread_of
from fineview.core.data.task import SPLITS
from fineview.core.runs.spec import RunSpec
from fineview.ui.context import Context
from fineview.ui.panels.data_task import TaskPage
from fineview.ui.session import Session
from fineview.ui.widgets.class_bars import ClassBars
from fineview.ui.widgets.finding import NARROW
from fineview.ui.widgets.format import THIN_SPACE
from fineview.ui.widgets.histogram import HistogramView
from fineview.work.jobs import JobRunner
from tests.core.tiny import tiny_encoder_folder

TEXTS = [f"a film of {n} words" for n in range(18)] + ["=SUM(A1)", "a film of 0 words"]
LABELS = ["good", "bad", "good", "bad", "fair"] * 4


def own_task(lab, texts=TEXTS, labels=LABELS, *, kind="class", title="Films", **columns):
    """Keep a task in the library and return its name."""
    classes = tuple(sorted(set(labels))) if kind == "class" else ()
    with lab.shelf.library.staging() as folder:
        table = pa.table({"text": texts, "label": labels, **columns})
        parquet.write_table(table, folder / "rows.parquet")
        plan = ImportPlan(
            files=(SourceFile(path=Path("films.csv")),),
            format="delimited",
            roles={"text": "text", "label": "label"},
            label_kind=kind,
            title=title,
        )
        imported = Imported(
            plan=plan, folder=folder, rows=len(texts), kept=len(texts), items=len(texts),
            classes=classes, counts=(), given={}, dropped=(), reasons=(), notes=(), seconds=0.1,
        )  # fmt: skip
        return lab.shelf.library.keep(imported).name


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("encoder") / "tiny"))


@pytest.fixture
def make_page(qtbot, lab, tiny):
    """Return a function that opens the page on a task and waits for all figures."""
    runner = JobRunner()
    pages = []

    def make(task="word-relations", **changes):
        session = Session()
        session.edit("Begin", spec=RunSpec(task=task, encoder=tiny, **changes))
        context = Context(session, runner, lab)
        page = TaskPage(session, runner, lab, context)
        qtbot.addWidget(page)
        page.session, page.runner = session, runner
        context.setParent(page)
        pages.append(page)
        context.load()
        page.resize(1140, 700)
        page.show()
        settle(qtbot, page)
        return page

    yield make
    assert runner.shutdown()


def settle(qtbot, page):
    QTest.qWait(1)
    waiting = page.browser._timer
    qtbot.waitUntil(lambda: not page.runner.jobs and not waiting.isActive(), timeout=30_000)


def shown(page):
    return page.browser.table.items_model.rows.tolist()


def plain(text):
    """Return a sentence with ordinary spaces."""
    return text.replace(NARROW, " ").replace(THIN_SPACE, " ").replace("\u00a0", " ")


def click(widget):
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_the_page_says_what_the_task_is_and_counts_its_classes(make_page):
    page = make_page()
    task = load_task("word-relations")
    assert page.about.title.text() == "Word relations"
    assert task.info.meaning in page.about.meaning.text()
    for fact in (task.info.source, task.info.licence, "first word", *task.notes):
        assert fact in page.about.origin.text()
    bars = page.figures.bars
    assert bars.classes == task.classes
    assert bars.columns == tuple((s, tuple(task.balance(s).tolist())) for s in SPLITS)
    assert bars.focusPolicy() == Qt.FocusPolicy.StrongFocus
    assert bars.verticalScrollBar().maximum() > 0
    assert "550 pairs" in plain(page.figures.balance.text())
    assert page.figures.twice.kind == "good"
    assert "None of the 550 pairs is longer than 128 tokens" in plain(page.figures.cut.text)
    assert page.figures.tokens.histogram is not None
    assert shown(page) == list(range(550))
    assert not page.about.remove_button.isVisible()
    assert not page.grab().isNull()


def test_nothing_is_looked_up_before_the_page_is_seen(qtbot, lab, tiny):
    runner = JobRunner()
    session = Session()
    page = TaskPage(session, runner, lab, Context(session, runner, lab))
    qtbot.addWidget(page)
    session.edit("Other", spec=RunSpec(task="capitals", encoder=tiny))
    assert "Read the task" not in [job.name for job in runner.jobs]
    page.show()
    assert [job.name for job in runner.jobs].count("Read the task") == 1
    assert runner.shutdown()


def test_duplicates_leaks_missing_classes_and_cuts_are_told_with_sign_and_word(
    qtbot, lab, make_page
):
    texts = ["same text", "Same  text", "one", "two", "three", "four", "SAME TEXT", "w" * 60]
    labels = ["a", "b", "a", "b", "a", "b", "a", "c"]
    splits = ["train", "train", "train", "train", "validation", "validation", "test", "test"]
    page = make_page(own_task(lab, texts, labels, split=splits), max_length=20)
    figures = page.figures
    assert (figures.twice.kind, figures.twice.text) == (
        "warning",
        "1 text occurs more than once: 2 copies too many.",
    )
    assert figures.conflicts.text.startswith("1 of them has labels that contradict each other")
    leaks = [plain(f.text) for f in figures.leaks if f.text]
    assert leaks == [
        "1 text of test (50.0 %) also stands in train: test scores reward memory and come out too "
        "high."
    ]
    missing = [f.text for f in figures.missing if f.text]
    assert missing == [
        "“c” is missing from the train split: no head can learn it.",
        "“c” is missing from the validation split: it is not measured there.",
        "“b” is missing from the test split: it is not measured there.",
    ]
    assert plain(figures.cut.text) == "1 of 8 texts (12.5 %) is longer than 20 tokens and is cut."
    assert figures.cut.accessibleName().startswith("Warning: ")
    assert "!" in [label.text() for label in figures.cut.findChildren(type(page.about.title))]
    for finding, rows in ((figures.twice, [0, 1, 6]), (figures.leaks[1], [6]), (figures.cut, [7])):
        click(finding.button)
        settle(qtbot, page)
        assert shown(page) == rows


def test_search_filters_and_order_show_what_was_asked_for(qtbot, make_page):
    page = make_page()
    browser = page.browser
    task = load_task("word-relations")
    QTest.keyClicks(browser.search, "ATHENS")
    settle(qtbot, page)
    hits = [i for i in range(550) if "athens" in f"{task.texts[i]}\n{task.second[i]}".lower()]
    assert shown(page) == hits
    assert f"{len(hits)} of 550 pairs" == browser.count.text()
    browser.search.clear()
    click(browser.split.segment("test"))
    settle(qtbot, page)
    assert shown(page) == task.splits["test"].tolist()
    browser.label.setCurrentIndex(browser.label.findData("5"))
    browser.label.activated.emit(browser.label.currentIndex())
    settle(qtbot, page)
    assert shown(page) == [i for i in task.splits["test"] if task.labels[i] == 5]
    click(browser.split.segment(""))
    header = browser.table.horizontalHeader()
    header.setSortIndicator(2, Qt.SortOrder.DescendingOrder)
    settle(qtbot, page)
    seconds = [task.second[i].casefold() for i in shown(page)]
    assert seconds == sorted(seconds, reverse=True)
    QTest.keyClicks(browser.search, "no such text")
    settle(qtbot, page)
    assert browser.stack.currentWidget() is browser.nothing
    click(browser.nothing.button)
    settle(qtbot, page)
    assert len(shown(page)) == 550


def test_a_wrong_expression_is_one_sentence_and_the_rows_stay(qtbot, make_page):
    page = make_page()
    browser = page.browser
    browser.regex.click()
    QTest.keyClicks(browser.search, "^(Ath|Ber")
    settle(qtbot, page)
    assert browser.message.isVisible()
    assert "no regular expression" in browser.message.text
    assert len(shown(page)) == 550
    QTest.keyClicks(browser.search, ")")
    settle(qtbot, page)
    assert not browser.message.isVisible()
    task = load_task("word-relations")
    assert {task.texts[i][:3] for i in shown(page)} | {task.second[i][:3] for i in shown(page)} >= {
        "Ath",
        "Ber",
    }


def test_the_newest_search_wins(qtbot, make_page):
    page = make_page("capitals")
    browser = page.browser
    for word in ("the", "a", "melbourne"):
        browser.search.setText(word)
        browser.look()
    settle(qtbot, page)
    items = browser.table.items_model.items
    assert len(shown(page))
    assert all("melbourne" in items.word(i) for i in shown(page))


def test_a_row_is_read_in_full_and_tried(qtbot, make_page):
    page = make_page()
    table = page.browser.table
    table.selectRow(3)
    detail = page.browser.detail
    assert [box.toPlainText() for box in detail.texts] == ["Beijing", "China"]
    assert "capital-common-countries" in detail.caption.text
    click(detail.try_button)
    assert (page.session.state.example, page.session.state.second) == ("Beijing", "China")
    assert "Features and Training" in page.browser.message.text
    page.session.undo_stack.undo()
    assert page.session.state.example == ""


def test_a_word_is_shown_in_its_sentence(qtbot, make_page):
    page = make_page("capitals")
    model = page.browser.table.items_model
    row = 7
    item = int(model.rows[row])
    page.browser.table.selectRow(row)
    shown_text = page.browser.detail.texts[0].toPlainText()
    assert shown_text == load_task("capitals").example(item)
    assert model.index(row, 1).data() == model.items.word(item)
    assert f"«{model.items.word(item)}»" in model.index(row, 2).data()
    click(page.browser.detail.try_button)
    assert page.session.state.example == model.items.text(item)


def test_a_huge_text_is_cut_on_display_only_and_markup_stays_text(qtbot, lab, make_page):
    texts = ["<b>bold</b> <img src=x>", "x" * 300_000, *TEXTS[2:]]
    page = make_page(own_task(lab, texts))
    model = page.browser.table.items_model
    assert model.index(0, 1).data() == texts[0]
    tip = model.index(0, 1).data(Qt.ItemDataRole.ToolTipRole)
    assert "&lt;b&gt;" in tip
    assert "<b>" not in tip
    page.browser.table.selectRow(1)
    detail = page.browser.detail
    assert len(detail.texts[0].toPlainText()) == 20_000
    assert plain(detail.note.text()) == "The first 20 000 of 300 000 characters."
    assert len(model.index(1, 1).data()) <= 300
    page.browser.table.selectRow(0)
    assert detail.texts[0].toPlainText() == texts[0]
    assert not detail.note.isVisible()


def test_rows_are_copied_and_saved_without_formulas(qtbot, lab, make_page, tmp_path):
    page = make_page(own_task(lab))
    table = page.browser.table
    table.selectRow(18)
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    settle(qtbot, page)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "No.\tText\tLabel\tSplit"
    assert lines[1].startswith("19\t'=SUM(A1)\tbad\t")
    assert len(lines) == 2
    page.browser.search.setText("film of 1")
    page.browser.look()
    settle(qtbot, page)
    page.browser.save_to(tmp_path / "out.csv")
    settle(qtbot, page)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["Text"] for row in rows] == [t for t in TEXTS if "film of 1" in t]
    assert "Saved as out.csv" in page.browser.message.text
    (tmp_path / "file").write_text("")
    page.browser.save_to(tmp_path / "file" / "out.csv")
    settle(qtbot, page)
    assert page.browser.message.kind == "bad"
    assert page.browser.save_button.text() == "Save as CSV…"


def test_another_split_changes_sizes_table_and_figures(qtbot, make_page):
    page = make_page()
    split = page.split
    assert not split.source.segment("given").isEnabled()
    assert split.source.value == "random"
    assert "train 330 (60 %)" in plain(split.sizes.text())
    combo = split.shares["test"]
    combo.setCurrentIndex(combo.findData("40"))
    combo.activated.emit(combo.currentIndex())
    assert page.session.state.spec.split == SplitConfig(test=40)
    settle(qtbot, page)
    task = load_task("word-relations", SplitConfig(test=40))
    assert f"test {len(task.splits['test'])}" in plain(split.sizes.text())
    assert page.figures.bars.columns[2][1] == tuple(task.balance("test").tolist())
    click(page.browser.split.segment("test"))
    settle(qtbot, page)
    assert shown(page) == task.splits["test"].tolist()
    split.stratify.click()
    split.seed.edit.setText("7")
    split.seed.commit()
    assert page.session.state.spec.split == SplitConfig(test=40, stratify=False, seed=7)
    split.seed.edit.setText("-1")
    split.seed.commit()
    assert "Split seed must be" in split.seed.error
    assert page.session.state.spec.split.seed == 7
    settle(qtbot, page)
    page.session.undo_stack.undo()
    assert split.seed.value == 0


def test_a_task_that_names_its_splits_can_be_taken_as_given_or_drawn(qtbot, lab, make_page):
    splits = ["train"] * 12 + ["validation"] * 4 + ["test"] * 4
    page = make_page(own_task(lab, split=splits))
    assert page.split.source.value == "given"
    assert "only count for splits that the data does not name" in page.split.note.text()
    assert plain(page.split.sizes.text()) == "train 12 (60 %) · validation 4 (20 %) · test 4 (20 %)"
    click(page.split.source.segment("random"))
    assert page.session.state.spec.split.source == "random"
    settle(qtbot, page)
    assert page.browser.table.items_model.items.task.splits["test"].tolist() != [16, 17, 18, 19]


def test_numbers_get_a_histogram_and_no_classes(qtbot, lab, make_page):
    values = [float(n) / 3 for n in range(20)]
    page = make_page(own_task(lab, labels=values, kind="number"))
    assert page.figures.numbers.isVisibleTo(page)
    assert not page.figures.bars.isVisibleTo(page)
    assert sum(page.figures.numbers.histogram.counts) == 20
    assert "mean" in page.figures.baseline.text()
    assert not page.browser.label.isVisibleTo(page)
    assert not page.grab().isNull()


def test_the_length_at_which_texts_are_cut_follows_the_settings(qtbot, make_page):
    page = make_page("sentence-order")
    # One character is one token for this encoder; it takes 160 at most.
    assert page.figures.tokens.cut == 128
    page.session.edit_spec("Shorter", max_length=60)
    settle(qtbot, page)
    assert page.figures.tokens.cut == 60
    assert "are longer than 60 tokens and are cut" in plain(page.figures.cut.text)
    click(page.figures.cut.button)
    settle(qtbot, page)
    assert len(shown(page)) > 1_000


def test_an_own_task_is_removed_after_one_question(qtbot, lab, make_page):
    name = own_task(lab)
    page = make_page(name)
    assert page.about.remove_button.isVisibleTo(page)
    assert page.about.files_button.isVisibleTo(page)
    gone = []
    page.removed.connect(gone.append)

    def answer(text):
        click(page.about.remove_button)
        question = page.findChild(QMessageBox)
        assert "Films" in question.text()
        assert question.textFormat() == Qt.TextFormat.PlainText
        click(next(b for b in question.findChildren(QAbstractButton) if b.text() == text))

    answer("Cancel")
    settle(qtbot, page)
    assert lab.shelf.library.holds(name)
    qtbot.waitUntil(lambda: page.findChild(QMessageBox) is None)
    answer("Remove")
    settle(qtbot, page)
    assert gone == [name]
    assert not lab.shelf.library.holds(name)


def test_a_task_that_cannot_be_read_says_so_and_is_tried_again(qtbot, lab, make_page):
    page = make_page()
    page.session.edit_spec("Elsewhere", task="no-such-task")
    settle(qtbot, page)
    assert "There is no task 'no-such-task'" in page.message.text
    assert page.browser.stack.currentWidget() is page.browser.empty
    assert shown(page) == []
    page.session.edit_spec("Back", task="word-relations")
    settle(qtbot, page)
    assert not page.message.isVisible()
    assert len(shown(page)) == 550


def test_folded_sections_are_remembered(make_page):
    page = make_page()
    click(page.figures.lengths.header)
    assert "task: Lengths" in page.session.state.folded
    assert "more" in page.session.state.folded
    click(page.figures.lengths.header)
    assert page.session.state.folded == ("more",)


def test_every_control_has_a_name_and_is_reached_by_tab(make_page):
    page = make_page()
    reached = set()
    page.browser.search.setFocus()
    for _ in range(60):
        reached.add(page.focusWidget())
        QTest.keyClick(page.focusWidget(), Qt.Key.Key_Tab)
    for control in (
        page.browser.search, page.browser.regex, page.browser.label, page.browser.table,
        page.browser.save_button, page.browser.detail.try_button, page.browser.detail.texts[0],
        page.split.seed.edit, page.split.stratify, page.split.shares["test"], page.figures.bars,
        page.figures.tokens,
    ):  # fmt: skip
        assert control.accessibleName(), control
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control
        assert control in reached, control
    assert page.browser.detail.texts[0].tabChangesFocus()


def test_only_lines_in_sight_are_drawn_of_a_thousand_classes(qtbot):
    bars = ClassBars()
    qtbot.addWidget(bars)
    counts = np.arange(1_000)
    bars.set_counts([f"class {i}" for i in range(1_000)], [("train", counts.tolist())])
    bars.resize(400, bars.sizeHint().height())
    bars.show()
    drawn = []
    cell = bars._cell
    bars._cell = lambda painter, area, count, total, at: (
        drawn.append(count), cell(painter, area, count, total, at)
    )  # fmt: skip
    bars.verticalScrollBar().setValue(bars.verticalScrollBar().maximum())
    bars.grab()
    assert 10 <= len(set(drawn)) <= 16
    assert max(drawn) == 999


def test_a_histogram_says_its_bars_and_marks_the_cut(qtbot):
    view = HistogramView("Lengths", "tokens", "Nothing yet")
    qtbot.addWidget(view)
    view.resize(view.sizeHint())
    assert view.accessibleDescription() == "Nothing yet"
    blank = view.grab().toImage()
    spread = spread_of(np.array([5] * 100 + [6] * 50 + [9] * 150 + [300]), whole=True)
    view.show_histogram(spread.histogram, cut=7)
    assert view.accessibleDescription().startswith("5: 100, 6: 50, 9: 150")
    assert view._ticks() == [5, 6, 7, 8, 9]
    assert view.table()[1][-1] == (10, float("inf"), 1)
    # Where the mouse rests, a bar is told.
    told = [view._said(round((left + right) / 2)) for left, right, _ in view._bins(view.histogram)]
    assert told == ["5: 100", "6: 50", "7: 0", "8: 0", "9: 150", "above 9: 1"]
    with_cut = view.grab().toImage()
    assert with_cut != blank
    view.show_histogram(spread.histogram)
    assert view.grab().toImage() != with_cut
    view.show_histogram(spread_of(np.array([10, 10]), whole=True).histogram, cut=128)
    assert view._ticks() == [10]
    assert view._bins(view.histogram)[0][1] < view.width() / 2
