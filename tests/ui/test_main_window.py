"""The whole program, driven as a person would."""

import json
import random
import threading

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QLineEdit, QWidget
from shiboken6 import isValid

from fineview.core.features.config import PoolingConfig
from fineview.core.laboratory import Laboratory
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import TrainConfig
from fineview.ui.widgets.examples_dialog import ExamplesDialog
from tests.core.test_execute import metrics
from tests.core.tiny import tiny_encoder_folder
from tests.ui.conftest import delete_now


@pytest.fixture
def tiny(tmp_path):
    return str(tiny_encoder_folder(tmp_path / "tiny"))


@pytest.fixture
def window(make_window, tiny, qtbot):
    """The program on word relations with a tiny random encoder: runs of a second."""
    window = make_window()
    spec = RunSpec(encoder=tiny, training=TrainConfig(epochs=5))
    window.session.edit("Begin", spec=spec)
    qtbot.waitUntil(lambda: window.context.encoder.name == tiny, timeout=30_000)
    return window


def click(widget, at=None):
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at or widget.rect().center())


def train(qtbot, window, timeout=60_000):
    panel = window.panel("training")
    before = panel.run_id
    click(panel.settings.train_button)
    qtbot.waitUntil(lambda: panel.run_id != before, timeout=timeout)
    qtbot.waitUntil(lambda: not panel.busy, timeout=timeout)
    return panel


def endless(window):
    window.session.edit_training("Change epochs", epochs=1_000_000)


def test_one_click_trains_and_says_so_in_one_sentence(qtbot, window):
    panel = train(qtbot, window)
    assert "unseen pairs" in panel.message.text
    assert "always guessing the commonest" in panel.message.text
    assert panel.settings.train_button.text() == "Train"
    assert len(panel.table.rows) == 1
    assert panel.plots.loss.keys
    assert "penalised" in panel.plots.loss.keys
    (summary,) = window.runs.summaries
    assert summary.status == "finished"
    assert summary.test_accuracy > 0


def test_train_pressed_while_pytorch_loads_is_queued(qtbot, make_window, tiny):
    window = make_window(wait=False)
    qtbot.waitUntil(lambda: "training" in window.panels, timeout=20_000)
    window.session.edit("Begin", spec=RunSpec(encoder=tiny, training=TrainConfig(epochs=1)))
    loading = threading.Event()
    window.runner.submit("Loading…", lambda _report: loading.wait(10))
    panel = window.panel("training")
    click(panel.settings.train_button)
    qtbot.wait(100)
    assert panel.busy
    assert panel.run_id == ""
    loading.set()
    qtbot.waitUntil(lambda: not panel.busy, timeout=90_000)
    assert window.runs.summaries[0].status == "finished"


def test_window_and_laboratory_give_identical_metrics_from_empty_stores(
    qtbot, window, tmp_path, monkeypatch
):
    panel = train(qtbot, window)
    here = window.lab.runs.read(panel.run_id).result
    from fineview.core.locations import Locations

    other = Laboratory(Locations(tmp_path / "other", tmp_path / "other-cache"))
    try:
        there = other.execute(window.session.state.spec).result
    finally:
        other.close()
    assert metrics(here) == json.loads(json.dumps(metrics(there)))


def test_pause_step_and_stop_by_keyboard_keep_the_run_and_it_goes_on(qtbot, window):
    endless(window)
    panel = window.panel("training")
    window.activateWindow()
    panel.settings.train_button.setFocus()
    window.registry.all["train"].trigger()
    qtbot.waitUntil(lambda: panel.steps_done > 5, timeout=30_000)
    window.registry.all["pause"].trigger()
    qtbot.wait(200)
    held = panel.steps_done
    assert panel.settings.pause_button.text() == "Go on"
    window.registry.all["step"].trigger()
    qtbot.waitUntil(lambda: panel.steps_done == held + 1)
    window.registry.all["stop"].trigger()
    qtbot.waitUntil(lambda: not panel.busy, timeout=10_000)
    (summary,) = window.runs.summaries
    assert (summary.status, summary.step) == ("stopped", held + 1)
    click(next(b for b in panel.message.buttons if b.text() == "Go on"))
    qtbot.waitUntil(lambda: panel.steps_done > held + 20, timeout=30_000)
    window.registry.all["stop"].trigger()
    qtbot.waitUntil(lambda: not panel.busy, timeout=10_000)
    assert len(window.runs.summaries) == 1
    assert window.runs.summaries[0].step > held + 20


def test_a_stopped_runs_head_can_be_tried(qtbot, window):
    endless(window)
    panel = window.panel("training")
    click(panel.settings.train_button)
    qtbot.waitUntil(lambda: panel.steps_done > 30, timeout=30_000)
    window.registry.all["stop"].trigger()
    qtbot.waitUntil(lambda: not panel.busy, timeout=10_000)
    for field, text in ((panel.try_box.first, "Vienna"), (panel.try_box.second, "Austria")):
        field.setFocus()
        QTest.keyClicks(field, text)
    qtbot.waitUntil(lambda: bool(panel.try_box.bars.rows), timeout=10_000)
    assert panel.head_state == "trained"
    window.session.edit_pooling("Choose layers", PoolingConfig(layers=(1,)))
    assert panel.head_state == "new"
    window.session.undo_stack.undo()
    assert panel.head_state == "trained"


def test_what_is_being_typed_holds_for_the_run_that_is_started(qtbot, window):
    panel = window.panel("training")
    field = panel.settings.field("epochs").findChild(QLineEdit)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "2")
    window.registry.all["train"].trigger()
    qtbot.waitUntil(lambda: panel.run_id != "", timeout=30_000)
    qtbot.waitUntil(lambda: not panel.busy, timeout=30_000)
    assert window.lab.runs.read(panel.run_id).spec.training.epochs == 2


def test_undo_and_pause_reach_the_window_from_a_number_field(qtbot, window):
    window.session.edit_training("Change epochs", epochs=7)
    field = window.panel("training").settings.field("learning_rate").findChild(QLineEdit)
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=5_000)
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert window.session.state.spec.training.epochs == 5
    QTest.keyClick(field, Qt.Key.Key_Space)
    assert field.text() == "0.1"


def test_the_rate_can_be_changed_while_it_trains(qtbot, window):
    endless(window)
    panel = window.panel("training")
    click(panel.settings.train_button)
    qtbot.waitUntil(lambda: panel.steps_done > 5, timeout=30_000)
    field = panel.settings.field("learning_rate").findChild(QLineEdit)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "0,025")
    QTest.keyClick(field, Qt.Key.Key_Return)
    run = panel.run_id
    qtbot.wait(300)
    window.registry.all["stop"].trigger()
    qtbot.waitUntil(lambda: not panel.busy, timeout=10_000)
    events = window.lab.runs.read(run).events
    changed = [e for e in events if type(e).__name__ == "SettingChanged"]
    assert [(e.name, e.old, e.new) for e in changed] == [("learning_rate", 0.1, 0.025)]
    # A run that goes on shows the rate it goes on with; that it began otherwise stays written.
    window.session.edit_training("Another rate", learning_rate=0.3)
    panel.resume_run(run)
    qtbot.waitUntil(lambda: panel.busy, timeout=10_000)
    assert window.session.state.spec.training.learning_rate == 0.025
    assert window.lab.runs.read(run).spec.training.learning_rate == 0.1
    window.registry.all["stop"].trigger()
    qtbot.waitUntil(lambda: not panel.busy, timeout=10_000)


def test_a_senseless_rate_says_diverged_and_the_window_lives(qtbot, window):
    window.session.edit_training("Change rate", learning_rate=1e9)
    panel = train(qtbot, window)
    assert "Diverged" in panel.message.text
    window.session.edit_training("Change rate", learning_rate=0.1)
    panel = train(qtbot, window)
    assert "unseen" in panel.message.text


def test_a_bad_encoder_folder_is_one_sentence_and_nothing_is_lost(qtbot, window, tmp_path):
    (tmp_path / "empty").mkdir()
    window.session.edit_spec("Choose the encoder", encoder=str(tmp_path / "empty"))
    panel = window.panel("training")
    qtbot.waitUntil(lambda: "empty" in panel.message.text, timeout=10_000)
    click(panel.settings.train_button)
    qtbot.waitUntil(lambda: not panel.busy, timeout=30_000)
    assert panel.message.text.count("\n") == 0
    assert window.runs.summaries == ()
    window.session.undo_stack.undo()
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=30_000)
    train(qtbot, window)
    assert len(window.runs.summaries) == 1


def test_a_field_out_of_range_says_so_beside_it(qtbot, window):
    panel = window.panel("training")
    field = panel.settings.field("learning_rate").findChild(QLineEdit)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "-3")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert panel.settings.message.isVisible()
    assert "-3" in panel.settings.message.text
    assert window.session.state.spec.training.learning_rate == 0.1


def test_a_cell_can_be_looked_behind_again_after_its_window_was_closed(qtbot, window):
    panel = train(qtbot, window)
    counts = window.lab.runs.read(panel.run_id).result["confusion"]
    true, predicted = next((i, j) for i, row in enumerate(counts) for j, n in enumerate(row) if n)
    for _ in range(3):
        panel.judged.confusion.cell_clicked.emit(true, predicted)
        qtbot.waitUntil(lambda: bool(panel.findChildren(ExamplesDialog)), timeout=10_000)
        panel.findChildren(ExamplesDialog)[0].close()
        qtbot.waitUntil(lambda: not panel.findChildren(ExamplesDialog), timeout=10_000)


def test_a_typed_example_is_judged(qtbot, window):
    panel = train(qtbot, window)
    box = panel.try_box
    for field, text in ((box.first, "Vienna"), (box.second, "Austria")):
        field.setFocus()
        QTest.keyClicks(field, text)
    qtbot.waitUntil(lambda: bool(box.bars.rows), timeout=10_000)
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=10_000)
    said = window.lab.predict(panel.run_id, "Vienna", "Austria")
    assert box.bars.rows[0][0] == said.probabilities[0][0][0]


def test_layers_are_chosen_by_mouse_and_taken_back(qtbot, window):
    window.registry.all["panel_features"].trigger()
    panel = window.panel("features").choices
    qtbot.waitUntil(lambda: panel.layers.block_count == 2)
    click(panel.layers, panel.layers.row_rect(1).center().toPoint())
    assert window.session.state.spec.pooling.layers == (1,)
    QTest.mouseClick(
        panel.layers,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.ShiftModifier,
        panel.layers.row_rect(2).center().toPoint(),
    )
    assert window.session.state.spec.pooling == PoolingConfig(layers=(1, 2), mix="mean")
    window.registry.all["undo"].trigger()
    window.registry.all["undo"].trigger()
    assert window.session.state.spec.pooling.layers == (-1,)
    panel.preset.setFocus()
    index = panel.preset.findText("Concat last four")
    panel.preset.setCurrentIndex(index)
    panel.preset.activated.emit(index)
    assert window.session.state.spec.pooling.mix == "concat"


def test_the_token_view_shows_what_the_encoder_sees(qtbot, window):
    window.show_panel("features")
    panel = window.panel("features").texts
    for field, text in ((panel.first, "a"), (panel.second, "b")):
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, text)
    qtbot.waitUntil(
        lambda: [t.segment for t in panel.strip.tokens if t.special] == [0, 0, 1], timeout=10_000
    )
    assert panel.strip.tokens[0].text == "[CLS]"


def test_choosing_a_word_task_keeps_a_pooling_that_fits(qtbot, window):
    window.session.edit_pooling("x", PoolingConfig(tokens="cls"))
    window.choose_task("capitals")
    assert window.session.state.spec.pooling.tokens == "mean"
    qtbot.waitUntil(lambda: window.context.task.info.name == "capitals", timeout=20_000)
    assert not window.panel("training").try_box.second.isVisibleTo(window)


def test_trash_and_restore(qtbot, window):
    train(qtbot, window)
    window.show_panel("runs")
    panel = window.panel("runs")
    run = window.runs.summaries[0].run_id
    panel.choose([run])
    click(panel.button("trash"))
    assert window.runs.summaries == ()
    assert panel.stack.currentWidget() is panel.empty
    panel.which.set_value("trash")
    panel._show()
    panel.choose([run])
    click(panel.button("restore"))
    assert [s.run_id for s in window.runs.summaries] == [run]


def test_everything_comes_back_after_a_restart(qtbot, window, make_window, locations):
    panel = train(qtbot, window)
    window.session.edit("Type an example", example="Vienna")
    window.session.view(theme="dark", panel="features")
    state = window.session.state
    run = panel.run_id
    window.close()
    window.lab.close()
    again = make_window(wait=False)
    qtbot.waitUntil(lambda: "features" in again.panels, timeout=20_000)
    assert again.session.state == state
    again.show_panel("runs")
    runs = again.panel("runs")
    runs.choose([run])
    click(runs.button("open"))
    training = again.panel("training")
    qtbot.waitUntil(lambda: "unseen pairs" in training.message.text, timeout=20_000)
    assert training.plots.loss.keys
    qtbot.waitUntil(lambda: not again.runner.jobs, timeout=60_000)


def test_closing_during_a_run_20_times_loses_nothing(qtbot, make_window, tiny, locations):
    chance = random.Random(3)
    window = make_window()
    for trial in range(20):
        if trial:
            window = make_window(wait=False)
            qtbot.waitUntil(lambda w=window: "training" in w.panels, timeout=20_000)
        window.session.edit("Begin", spec=RunSpec(encoder=tiny))
        endless(window)
        panel = window.panel("training")
        before = panel.run_id
        click(panel.settings.train_button)
        qtbot.waitUntil(lambda p=panel, b=before: p.run_id != b, timeout=60_000)
        qtbot.wait(chance.randrange(60))
        window.close()
        newest = window.lab.runs.list()[0]
        assert (newest.status, newest.resumable) == ("stopped", True)
        window.lab.close()
        # Twenty closed windows would be restyled with each new one.
        delete_now(window, window.theme)
    assert len([t for t in threading.enumerate() if t.name.startswith("fineview-")]) == 0


def test_double_click_storms_start_one_run(qtbot, window):
    endless(window)
    panel = window.panel("training")
    button = panel.settings.train_button
    click(button)
    qtbot.waitUntil(lambda: panel.steps_done > 1, timeout=30_000)
    click(button)  # Stop
    for _ in range(200):
        click(button)
    qtbot.waitUntil(lambda: not panel.busy or panel.steps_done > 0, timeout=10_000)
    window.stop()
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=20_000)
    assert all(s.status in ("stopped", "finished") for s in window.runs.summaries)
    assert panel.settings.train_button.text() == "Train"


def test_every_control_has_a_name_and_a_tooltip(qtbot, window):
    nameless = []
    for key in ("features", "training", "runs"):
        window.show_panel(key)
        for widget in window.panel(key).findChildren(QWidget):
            focusable = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            if not focusable or not widget.isVisible() or widget.objectName().startswith("qt_"):
                continue
            text = widget.text() if isinstance(widget, QAbstractButton) else ""
            if not (widget.accessibleName() or text):
                nameless.append((key, type(widget).__name__))
    assert nameless == []


def test_tab_reaches_every_control_and_comes_back(qtbot, window):
    window.show_panel("training")
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=5_000)
    first = window.panel("training").settings.train_button
    first.setFocus()
    seen = []
    for _ in range(200):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        now = QApplication.focusWidget()
        if now is first:
            break
        seen.append(now)
    assert QApplication.focusWidget() is first
    assert window.panel("training").try_box.first in seen


@pytest.mark.parametrize("locale", ["de_DE", "fa_IR"])
def test_other_locales_and_doubled_text_still_train(qtbot, window, locale):
    from PySide6.QtCore import QLocale

    before = QLocale()
    try:
        QLocale.setDefault(QLocale(locale))
        window.set_text_scale(2.0)
        train(qtbot, window)
        spec = window.lab.runs.read(window.runs.summaries[0].run_id).spec
        assert spec.training.learning_rate == 0.1
    finally:
        QLocale.setDefault(before)


def tempting(widget):
    """Say whether the monkey may press it: not what would leave the window or open a dialog."""
    return (
        widget.isVisible()
        and widget.isEnabled()
        and min(widget.width(), widget.height()) > 1
        and not widget.accessibleName().startswith(("Task", "Encoder"))
        and not (isinstance(widget, QAbstractButton) and leads_away(widget.text()))
    )


def leads_away(text):
    """Say whether a button opens a dialog of the system, a menu, or the network."""
    starts = ("Open fo", "Show its", "Sample", "Download", "Fetch", "Look up", "Search", "Remove")
    starts += ("Coordinates", "Other encoders")  # menus
    return text.endswith("…") or text.startswith(starts)


def test_a_monkey_finds_no_way_to_break_the_window(qtbot, window, monkeypatch):
    """Ten thousand seeded events on random visible controls, a training among them."""
    # A dialog of the system, as an entry of a list may open it, would wait for a person for ever.
    for name, dismissed in (
        ("getOpenFileName", ("", "")),
        ("getSaveFileName", ("", "")),
        ("getOpenFileNames", ([], "")),
        ("getExistingDirectory", ""),
    ):
        monkeypatch.setattr(QFileDialog, name, lambda *_args, found=dismissed: found)
    chance = random.Random(11)
    texts = ["", "1e9", "-1", "0,5", "<b>x</b>", "𝕏‮\u200b", "a" * 500, "nan"]
    keys = [
        Qt.Key.Key_Tab,
        Qt.Key.Key_Return,
        Qt.Key.Key_Space,
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_Escape,
        Qt.Key.Key_Delete,
        Qt.Key.Key_A,
    ]
    for number in range(10_000):
        if number % 50 == 0:
            window.show_panel(chance.choice(["features", "training", "runs"]))
            window.resize(chance.randrange(700, 1500), chance.randrange(500, 1000))
            QApplication.sendPostedEvents()
            qtbot.wait(1)
        if number % 10 == 0:
            widgets = [w for w in window.centralWidget().findChildren(QWidget) if tempting(w)]
        widget = chance.choice(widgets)
        if not (isValid(widget) and tempting(widget)):
            continue  # an event since the last look has closed it or squeezed it away
        at = QPoint(chance.randrange(widget.width()), chance.randrange(widget.height()))
        match chance.randrange(6):
            case 0 | 1 | 2:
                QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at)
            case 3:
                QTest.mouseDClick(widget, Qt.MouseButton.LeftButton, pos=at)
            case 4:
                QTest.keyClick(widget, chance.choice(keys))
            case 5:
                if isinstance(widget, QLineEdit):
                    widget.setText(chance.choice(texts))
                    QTest.keyClick(widget, Qt.Key.Key_Return)
    window.stop()
    for job in window.runner.jobs:
        job.stop()
    qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)
    assert window.isVisible()
