"""A trained head labels a file, by clicks."""

import csv

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from fineview import cli
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import TrainConfig
from fineview.ui.label_dialog import LabelDialog
from fineview.work.jobs import JobRunner
from tests.core.tiny import tiny_encoder_folder


@pytest.fixture
def runner(qapp):
    made = JobRunner()
    yield made
    assert made.shutdown(20)


@pytest.fixture
def run(lab, tmp_path):
    """A pair-level head on word relations with a tiny encoder."""
    encoder = str(tiny_encoder_folder(tmp_path / "tiny"))
    return lab.execute(RunSpec(encoder=encoder, training=TrainConfig(epochs=2))).run_id


@pytest.fixture
def dialog(qtbot, lab, run, runner):
    made = LabelDialog(run, runner, lab)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    return made


def click(widget):
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def click_box(box):
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))


def pairs(path, count=12):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["first", "other", "note", "n"])
        writer.writerows(
            [f"quiet film {i}", f"<b>treat</b> {i}", f"=n{i}", i] for i in range(count)
        )
    return path


def choose(qtbot, dialog, monkeypatch, path):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_a: (str(path), ""))
    click(dialog.file_button)
    qtbot.waitUntil(lambda: dialog.idle, timeout=20_000)


def pick(box, value):
    """Choose an entry with the keyboard, as a person does."""
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    for _ in range(box.findData(value)):
        QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.value == value


def choose_pairs(qtbot, dialog, monkeypatch, path):
    choose(qtbot, dialog, monkeypatch, path)
    pick(dialog.text_box, "first")
    pick(dialog.second_box, "other")


def label(qtbot, dialog):
    click(dialog.label_button)
    qtbot.waitUntil(lambda: dialog.idle, timeout=30_000)


def test_clicks_write_what_the_command_line_writes(
    qtbot, dialog, lab, run, runner, monkeypatch, tmp_path, capsys
):
    file = pairs(tmp_path / "in put 😀.csv", 300)
    assert not dialog.label_button.isEnabled()
    choose_pairs(qtbot, dialog, monkeypatch, file)
    assert "two texts" in dialog.about.text()
    assert dialog.second_box.isVisible()
    assert dialog.out == tmp_path / "in put 😀-labelled.csv"
    label(qtbot, dialog)
    assert [line.text for line in dialog.messages.values()] == ["", "", ""]
    assert dialog.labelled.judged == 300
    assert dialog.done_line.text == dialog.labelled.text
    assert dialog.sample.rowCount() == 100
    shown = [dialog.sample.index(0, c).data() for c in range(dialog.sample.columnCount())]
    assert shown[:3] == ["quiet film 0", "<b>treat</b> 0", "'=n0"]
    assert "&lt;b&gt;" in dialog.sample.index(0, 1).data(Qt.ItemDataRole.ToolTipRole)
    opened = []
    monkeypatch.setattr(
        "fineview.ui.label_dialog.QDesktopServices.openUrl",
        lambda url: opened.append(url.toLocalFile()),
    )
    click(dialog.done_line.buttons[0])
    assert opened == [str(tmp_path)]
    workspace, by_window = lab.locations.workspace, dialog.out.read_bytes()
    assert runner.shutdown(20)
    lab.close()
    by_command = tmp_path / "command.csv"
    columns = ["--text", "first", "--second", "other"]
    place = ["--out", str(by_command), "--workspace", str(workspace)]
    assert cli.main(["predict", run, str(file), *columns, *place]) == 0
    capsys.readouterr()
    assert by_window == by_command.read_bytes()
    assert by_window.count(b"\n") == 301


def test_cancel_leaves_nothing_and_it_can_be_started_again(qtbot, dialog, monkeypatch, tmp_path):
    choose_pairs(qtbot, dialog, monkeypatch, pairs(tmp_path / "in.csv", 20_000))
    click(dialog.label_button)
    qtbot.waitUntil(lambda: "rows labelled" in dialog.progress_text.text(), timeout=20_000)
    assert not dialog.label_button.isVisible()
    assert not dialog.file_button.isEnabled()
    click(dialog.cancel_button)
    qtbot.waitUntil(lambda: dialog.idle, timeout=5_000)
    assert dialog.done_line.text == "Cancelled; nothing was written."
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["in.csv"]
    assert dialog.label_button.isEnabled()
    assert dialog.label_button.isVisible()


def test_a_file_that_is_there_is_replaced_only_after_the_save_dialog(
    qtbot, dialog, monkeypatch, tmp_path
):
    old = tmp_path / "in-labelled.csv"
    old.write_text("old", encoding="utf-8")
    answers = ["", str(old)]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a: (answers.pop(0), ""))
    choose_pairs(qtbot, dialog, monkeypatch, pairs(tmp_path / "in.csv"))
    label(qtbot, dialog)
    assert old.read_text(encoding="utf-8") == "old"
    assert dialog.labelled is None
    label(qtbot, dialog)
    assert old.read_text(encoding="utf-8").startswith("first,other,note,n,predicted,probability\n")
    assert answers == []


def test_a_name_to_which_csv_was_added_does_not_replace_a_file_unasked(
    qtbot, dialog, monkeypatch, tmp_path
):
    old = tmp_path / "mine.csv"
    old.write_text("old", encoding="utf-8")
    named = (str(tmp_path / "mine"), "")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a: named)
    choose_pairs(qtbot, dialog, monkeypatch, pairs(tmp_path / "in.csv"))
    click(dialog.out_button)
    label(qtbot, dialog)
    assert "mine.csv is there already" in dialog.messages["out"].text
    assert old.read_text(encoding="utf-8") == "old"


def test_wrong_files_say_so_beside_the_file_and_the_next_one_is_taken(
    qtbot, dialog, monkeypatch, tmp_path
):
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    for wrong in (picture, tmp_path / "missing.csv"):
        choose(qtbot, dialog, monkeypatch, wrong)
        assert dialog.messages["file"].kind == "bad"
        assert wrong.name in dialog.messages["file"].text
        assert not dialog.label_button.isEnabled()
    choose_pairs(qtbot, dialog, monkeypatch, pairs(tmp_path / "in.csv"))
    assert dialog.messages["file"].text == ""
    assert dialog.label_button.isEnabled()


def drop(dialog, *paths):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    copy = Qt.DropAction.CopyAction
    # Qt hands a drop to the widget that was entered.
    QApplication.sendEvent(dialog, QDragEnterEvent(QPoint(20, 20), copy, mime, buttons, keys))
    QApplication.sendEvent(dialog, QDropEvent(QPointF(20, 20), copy, mime, buttons, keys))


def test_one_dropped_file_is_taken_and_several_are_not(qtbot, dialog, tmp_path):
    file = pairs(tmp_path / "in.csv")
    drop(dialog, file, pairs(tmp_path / "other.csv"))
    assert "2 files were dropped" in dialog.messages["file"].text
    assert dialog.idle
    drop(dialog, file)
    qtbot.waitUntil(lambda: dialog.idle, timeout=20_000)
    assert dialog.messages["file"].text == ""
    assert dialog.file_name.text == str(file)
    assert dialog.text_box.findData("first") >= 0


def test_the_file_itself_is_never_overwritten(qtbot, dialog, monkeypatch, tmp_path):
    file = pairs(tmp_path / "in.csv")
    before = file.read_bytes()
    choose_pairs(qtbot, dialog, monkeypatch, file)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a: (str(file), ""))
    click(dialog.out_button)
    label(qtbot, dialog)
    assert "is the file to be labelled" in dialog.messages["out"].text
    assert file.read_bytes() == before


def test_columns_that_do_not_do_are_said_before_the_press(qtbot, dialog, monkeypatch, tmp_path):
    choose_pairs(qtbot, dialog, monkeypatch, pairs(tmp_path / "in.csv"))
    pick(dialog.text_box, "other")
    assert "cannot both be 'other'" in dialog.messages["columns"].text
    assert not dialog.label_button.isEnabled()
    pick(dialog.second_box, "first")
    assert dialog.messages["columns"].text == ""
    label(qtbot, dialog)
    assert dialog.labelled.judged == 12


def test_a_first_row_taken_for_a_text_can_be_put_right(qtbot, dialog, monkeypatch, tmp_path):
    file = tmp_path / "in.csv"
    file.write_text("first,other\n" + "film,treat\n" * 9, encoding="utf-8")
    choose(qtbot, dialog, monkeypatch, file)
    was = dialog.header_box.isChecked()
    for header in (not was, was):
        click_box(dialog.header_box)
        qtbot.waitUntil(lambda: dialog.idle, timeout=20_000)
        assert dialog.header_box.isChecked() == header
        assert (dialog.text_box.findData("first") >= 0) == header


def test_closing_while_it_labels_stops_it_and_leaves_nothing(
    qtbot, lab, run, runner, monkeypatch, tmp_path
):
    dialog = LabelDialog(run, runner, lab)
    dialog.show()
    choose_pairs(qtbot, dialog, monkeypatch, pairs(tmp_path / "in.csv", 20_000))
    click(dialog.label_button)
    qtbot.waitUntil(lambda: "rows labelled" in dialog.progress_text.text(), timeout=20_000)
    with qtbot.waitSignal(dialog.destroyed, timeout=5_000):
        dialog.close()
    qtbot.waitUntil(lambda: not runner.jobs, timeout=5_000)
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["in.csv"]


def test_the_window_opens_it_for_a_run_with_a_head_only(qtbot, make_window, tmp_path):
    window = make_window()
    action = window.registry.all["label_file"]
    action.trigger()
    assert window.findChildren(LabelDialog) == []
    panel = window.panel("runs")
    assert not panel.button("label").isEnabled()
    encoder = str(tiny_encoder_folder(tmp_path / "tiny"))
    run_id = window.lab.execute(RunSpec(encoder=encoder, training=TrainConfig(epochs=1))).run_id
    window.show_panel("runs")
    window.runs.refresh()
    panel.choose([run_id])
    assert panel.button("label").isEnabled()
    click(panel.button("label"))
    window.session.view(panel="training")
    window.panel("training").open_run(run_id)
    action.trigger()
    (dialog,) = window.findChildren(LabelDialog)
    assert dialog.isVisible()
    assert not dialog.isModal()
    assert dialog.run_id == run_id
