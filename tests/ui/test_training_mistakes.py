"""The page on mistakes, driven as a person would, on real runs of a tiny encoder."""

import csv
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from fineview.core.explore.mistakes import RunAnswers
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import TrainConfig
from fineview.ui.panels.training_mistakes_asking import Asking
from fineview.ui.panels.training_mistakes_calibration import CalibrationView
from fineview.ui.panels.training_mistakes_errors import ErrorsView
from fineview.ui.panels.training_mistakes_rates import RatesView
from fineview.ui.plots.rates import RateCurve, RatesPlot
from fineview.ui.plots.reliability import ReliabilityPlot
from fineview.ui.plots.residuals import ResidualPlot
from fineview.ui.session import Session
from fineview.ui.theme import Theme
from fineview.ui.widgets.message_line import MessageLine
from fineview.work.jobs import JobRunner
from tests.core.test_mistakes import answered, drawn
from tests.core.tiny import tiny_encoder_folder

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window(make_window, qtbot, tmp_path):
    window = make_window()
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    window.session.edit("Begin", spec=RunSpec(encoder=tiny, training=TrainConfig(epochs=20)))
    quiet(qtbot, window)
    return window


def quiet(qtbot, window):
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)


@pytest.fixture
def page(window, qtbot):
    """The page with a run of 14 relations that is wrong often enough."""
    panel = window.panel("training")
    window.session.view(training_page="mistakes")
    page = panel.page("mistakes")
    assert page.empty.isVisible()
    assert "Train a run" in page.empty.accessibleDescription()
    assert not window.runner.jobs
    window.session.view(training_page="train")
    QTest.mouseClick(panel.settings.train_button, LEFT)
    qtbot.waitUntil(lambda: panel.run_id != "" and not panel.busy, timeout=60_000)
    window.session.view(training_page="mistakes")
    qtbot.waitUntil(lambda: page.answers is not None, timeout=20_000)
    quiet(qtbot, window)
    return page


def look(qtbot, window, **changes):
    window.session.edit_look("Look", "mistakes", **changes)
    quiet(qtbot, window)


def cells(table):
    model = table.model()
    return [
        [model.index(row, column).data() for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def test_a_newcomer_reads_the_surest_errors(page, window, qtbot, tmp_path):
    assert page.errors.isVisible()
    held = page.answers.held["validation"]
    rows = cells(page.errors.rows.table)
    assert len(rows) == int((~held.right).sum()) > 10
    sure = [float(row[3]) for row in rows]
    assert sure == sorted(sure, reverse=True)
    assert all(row[1] != row[2] for row in rows)
    assert "validation pairs; always answering “capital-world”" in page.said.text()
    # The first row is in front, its whole text and what the head believes below.
    detail = page.errors.rows.detail
    assert detail.text.toPlainText() == rows[0][0].replace(" · ", "  ·  ")
    assert detail.bars.rows[0][0] == rows[0][2]
    QTest.mouseClick(page.split.segment("test"), LEFT)
    quiet(qtbot, window)
    assert "test pairs" in page.said.text()
    assert len(cells(page.errors.rows.table)) == int((~page.answers.held["test"].right).sum())
    window.registry.all["undo"].trigger()
    assert page.split.value == "validation"
    assert len(cells(page.errors.rows.table)) == len(rows)
    check_that_columns_sort_and_rows_are_copied_and_saved(page, window, qtbot, tmp_path)
    check_that_a_pair_is_pressed_and_taken_back(page, window, qtbot)


def check_that_a_pair_is_pressed_and_taken_back(page, window, qtbot):
    errors = page.errors
    every = len(cells(errors.rows.table))
    pair = errors.pairs.pairs.rows[0]
    table = errors.pairs
    place = table.visualRect(table.model().index(0, 0)).center()
    QTest.mouseClick(table.viewport(), LEFT, pos=place)
    names = [page.answers.classes[i] for i in (pair.first, pair.second)]
    shown = cells(errors.rows.table)
    assert len(shown) == pair.count
    assert all({row[1], row[2]} == set(names) for row in shown)
    assert (errors.true.value, errors.answered.value) == tuple(names)
    assert errors.mutual.isChecked()
    QTest.mouseClick(errors.mutual, LEFT, pos=QPoint(5, errors.mutual.height() // 2))
    assert len(cells(errors.rows.table)) == pair.first_as_second
    errors.true.setCurrentIndex(0)
    errors.true.activated.emit(0)
    assert not errors.mutual.isEnabled()
    window.registry.all["undo"].trigger()  # all three changes: they have one name
    assert len(cells(errors.rows.table)) == every
    # Only what has errors: a class that never is answered leaves the table empty and says so.
    never = next(
        name for i, name in enumerate(page.answers.classes)
        if i not in page.answers.held["validation"].answers
    )  # fmt: skip
    look(qtbot, window, answered=never)
    assert errors.rows.empty.isVisible()
    assert errors.rows.count == 0
    assert not errors.rows.save_button.isEnabled()


def check_that_columns_sort_and_rows_are_copied_and_saved(page, window, qtbot, tmp_path):
    table = page.errors.rows.table
    front = table.current
    table.sortByColumn(4, Qt.SortOrder.AscendingOrder)
    values = [float(row[4]) for row in cells(table)]
    assert values == sorted(values)
    assert table.current == front  # the item in front stays there
    table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    names = [row[1].casefold() for row in cells(table)]
    assert names == sorted(names, reverse=True)
    table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    quiet(qtbot, window)
    firsts = [row[0].casefold().split(" · ")[0] for row in cells(table)]
    assert firsts == sorted(firsts)
    table.selectRow(2)
    table.copy()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert len(lines) == 2
    assert lines[0].split("\t")[:3] == ["No.", "Text", "Label"]
    file = tmp_path / "errors.csv"
    page.errors.rows.save_to(file)
    quiet(qtbot, window)
    assert page.message.kind == "good"
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["No.", "Text", "Label", "Answer", "P(answer)", "P(label)"]
    assert len(rows) - 1 == page.errors.rows.count
    page.errors.rows.save_to(file / "no folder.csv")
    quiet(qtbot, window)
    assert page.message.kind == "bad"


def test_calibration_follows_its_bins(page, window, qtbot):
    QTest.mouseClick(page.view.segment("calibration"), LEFT)
    quiet(qtbot, window)
    view = page.calibration
    assert view.plot.isVisible()
    assert sum(one.count for one in view.shown.bins) == 110
    assert view.figures.texts[0].startswith("Expected calibration error")
    assert "flattering" in view.note.text()
    QTest.mouseClick(view.binning.segment("mass"), LEFT)
    view.bins.edit.setText("5")
    view.bins.commit()
    quiet(qtbot, window)
    assert len(view.shown.bins) == 5
    assert max(b.count for b in view.shown.bins) - min(b.count for b in view.shown.bins) <= 2
    header, rows = view.plot.table()
    assert header[0] == "temperature"
    assert len(rows) == len(view.shown.bins) + len(view.shown.scaled)
    view.plot.setFocus()
    QTest.keyClick(view.plot, Qt.Key.Key_Right)
    QTest.keyClick(view.plot, Qt.Key.Key_Right)
    assert view.plot.current == "1"
    assert "mean confidence" in view.plot.accessibleDescription()
    check_curves_of_a_class(page, window, qtbot)


def check_curves_of_a_class(page, window, qtbot):
    look(qtbot, window, view="rates")
    view = page.rates
    occurring = [one for one in view.shown.classes if one.defined]
    assert view.roc.curves[0].name == occurring[0].name
    assert [curve.role for curve in view.roc.curves] == ["class", "mean"]
    one = occurring[3]
    place = view.table.visualRect(view.table.model().index(one.index, 0)).center()
    QTest.mouseClick(view.table.viewport(), LEFT, pos=place)
    assert window.session.state.mistakes.of_class == one.name == view.of_class.value
    assert view.precision.chance == one.base_rate
    assert view.figures.texts[0].startswith("AUC")
    assert len(view.table.table()[1]) == 14
    window.registry.all["undo"].trigger()
    assert view.roc.curves[0].name == occurring[0].name


def test_training_texts_are_judged_once_a_button_is_pressed(page, window, qtbot):
    look(qtbot, window, view="training")
    view = page.training
    assert view.rows.empty.isVisible()
    window.runner.submit("Wait", wait_for_ever)
    QTest.mouseClick(view.button, LEFT)
    QTest.mouseClick(view.button, LEFT)
    assert not view.button.isEnabled()
    window.runner.stop_all()
    quiet(qtbot, window)
    assert view.found is None
    assert (view.button.text(), view.button.isEnabled()) == ("Judge training texts", True)
    assert not page.split.isVisible()
    QTest.mouseClick(view.button, LEFT)
    assert view.button.text() == "Stop"
    quiet(qtbot, window)
    assert view.button.text() == "Judge again"
    losses = [float(row[3]) for row in cells(view.rows.table)]
    assert len(losses) == 330
    assert losses == sorted(losses, reverse=True)
    QTest.mouseClick(view.which.segment("noise"), LEFT)
    margins = [float(row[3].replace("−", "-")) for row in cells(view.rows.table)]
    assert margins == sorted(margins)
    assert "Candidates, not verdicts" in view.notes.text()
    assert "run's own features" in view.notes.text()
    assert "has not seen it" in view.rows.detail.caption.text
    QTest.mouseClick(view.rank.segment("confidence"), LEFT)
    own = [float(row[4]) for row in cells(view.rows.table)]
    assert own == sorted(own)
    view.items.edit.setText("50")
    view.items.commit()
    assert view.stale
    assert view.notes.text().startswith("Settings changed")
    QTest.mouseClick(view.button, LEFT)
    quiet(qtbot, window)
    assert not view.stale
    assert len(view.found) == 50


def wait_for_ever(report):
    while True:
        report.check()


def test_a_run_in_flight_is_shown_when_it_has_finished(page, window, qtbot):
    panel = window.panel("training")
    before = panel.run_id
    QTest.mouseClick(panel.settings.train_button, LEFT)
    panel.pause()
    qtbot.waitUntil(lambda: panel.run_id != before, timeout=20_000)
    window.session.view(training_page="mistakes")
    qtbot.waitUntil(lambda: "still in flight" in page.empty.accessibleDescription(), timeout=20_000)
    assert page.answers is None
    panel.pause()
    qtbot.waitUntil(lambda: page.answers is not None, timeout=60_000)
    assert page.answers.run_id == panel.run_id != before
    check_that_a_damaged_run_says_so(page, window, qtbot)


def check_that_a_damaged_run_says_so(page, window, qtbot):
    run = page.answers.run_id
    window.session.edit("Close", run="")
    file = next(window.lab.runs.read(run).folder.rglob("predictions*"))
    file.write_bytes(file.read_bytes()[:-9])
    window.session.edit("Open a run", run=run)
    quiet(qtbot, window)
    assert page.empty.isVisible()
    assert "predictions" in page.empty.accessibleDescription()


# Views of answers that no run gives in a second


@pytest.fixture
def bench(qtbot):
    """What a view needs of a window."""
    made = SimpleNamespace(session=Session(), runner=JobRunner())
    yield made
    assert made.runner.shutdown()


def numbers():
    """Return answers in numbers, 300 of them."""
    answers = answered(*drawn(300, 2))
    random = np.random.default_rng(0)
    labels = random.normal(size=300) * 3
    held = replace(
        answers.held["test"],
        labels=labels,
        answers=labels + random.normal(size=300),
        shares=np.empty((300, 0)),
    )
    return replace(
        answers,
        label_kind="number",
        classes=(),
        held={"validation": replace(held, split="validation"), "test": held},
    )


def shown(qtbot, bench, view: ErrorsView | CalibrationView | RatesView, answers: RunAnswers):
    qtbot.addWidget(view)
    view.resize(1000, 600)
    view.show()
    view.show_answers(answers)
    view.look(bench.session.state.mistakes)
    quiet(qtbot, bench)
    return view


def test_numbers_show_residuals_and_say_why_the_rest_does_not_apply(bench, qtbot):
    answers = numbers()
    errors = shown(qtbot, bench, ErrorsView(bench.session, bench.runner, MessageLine()), answers)
    sizes = np.abs(answers.held["validation"].residuals)
    assert errors.residuals.isVisible()
    assert not errors.pairs.isVisible()
    assert errors.rows.table.current == int(sizes.argmax())
    assert errors.residuals.current == str(sizes.argmax())
    assert errors.rows.count == 300
    assert "always answering the median" in errors.count.text()
    errors.residuals.chosen.emit("7")
    assert errors.rows.table.current == 7
    assert "label" in errors.rows.detail.caption.text
    for view in (CalibrationView, RatesView):
        one = shown(qtbot, bench, view(bench.session, bench.runner), answers)
        assert one.empty.isVisible()
        assert "labels are numbers" in one.empty.accessibleDescription()


def test_all_answers_right_and_hostile_class_names(bench, qtbot):
    labels = np.array([0, 1] * 20)
    shares = np.where(np.arange(2) == labels[:, None], 0.9, 0.1)
    answers = answered(labels, shares, ("<b>one</b>", "=1+1"))
    errors = shown(qtbot, bench, ErrorsView(bench.session, bench.runner, MessageLine()), answers)
    assert errors.rows.empty.isVisible()
    assert "All 40 validation answers are right" in errors.rows.empty.accessibleDescription()
    rates = shown(qtbot, bench, RatesView(bench.session, bench.runner), answers)
    assert not rates.table.isVisible()
    assert not rates.of_class.isVisible()
    assert rates.shown.classes[0].auc.value == 1
    assert rates.roc.curves[0].name == "=1+1"


def test_a_class_that_never_occurs_has_a_sentence_in_place_of_curves(bench, qtbot):
    labels, shares = drawn(width=3)
    answers = answered(np.where(labels == 0, 1, labels), shares)
    bench.session.edit_look("x", "mistakes", of_class="c0")
    view = shown(qtbot, bench, RatesView(bench.session, bench.runner), answers)
    assert "No validation item is of class c0" in view.roc.empty_text()
    assert view.figures.texts[0].endswith("–")
    assert not view.grab().toImage().isNull()


def test_a_hundred_thousand_words_are_in_the_table_at_once(bench, qtbot):
    labels, shares = drawn(100_000, 3)
    answers = answered(labels, shares, words=20)
    view = shown(qtbot, bench, ErrorsView(bench.session, bench.runner, MessageLine()), answers)
    table = view.rows.table
    assert table.model().rowCount() == int((~answers.held["validation"].right).sum()) > 20_000
    table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert table.model().index(0, 1).data() == "c0"
    assert "«w" in table.model().index(5, 0).data()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_plots_draw_and_give_their_numbers(qtbot, qapp, mode):
    theme = Theme(qapp)
    theme.set_mode(mode)
    rates = RatesPlot("ROC", "x", "y", "nothing")
    assert rates.empty_text() == "nothing"
    points = np.array([[0.0, 0.5, 1.0], [0.2, 0.8, 1.0]])
    rates.show_curves([RateCurve(name="a", role="class", points=points)], None, "chance")
    residuals = ResidualPlot("Residuals")
    residuals.show_residuals(np.arange(6000.0), np.sin(np.arange(6000.0)))
    reliability = ReliabilityPlot("Reliability")
    for plot in (rates, residuals, reliability):
        qtbot.addWidget(plot)
        plot.resize(400, 400)
        plot.show()
        assert not plot.grab().toImage().isNull()
    assert rates.table()[1][-1] == ["chance", 1.0, 1.0]
    assert rates.near(rates.place("1")) == "1"
    assert rates.stepped("1", 1, 0) == "2"
    assert len(residuals.table()[1]) == 6000
    assert len(residuals.keys()) == 5000
    assert residuals.near(residuals.place("0")) == "0"
    assert reliability.keys() == []
    theme.set_mode("system")
    theme.deleteLater()
    steps = RateCurve(name="p", role="class", points=points, steps=True).line()
    assert steps.tolist() == [[0, 0, 0, 0.5, 0.5, 1.0], [0.2, 0.2, 0.8, 0.8, 1.0, 1.0]]


def test_only_the_last_question_is_answered(bench, qtbot):
    asking = Asking(bench.runner, bench.session)
    told = []
    asking.answered.connect(told.append)
    asking.ask(1, "One", wait_for_ever)
    asking.ask(2, "Two", lambda _report: "two")
    asking.ask(2, "Two", lambda _report: "again")
    quiet(qtbot, bench)
    assert told == ["two"]
    assert not asking.busy
