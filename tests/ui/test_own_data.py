"""A file of one's own: dropped, looked at, trained on, labelled; all through the real window."""

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox

from fineview import cli
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import TrainConfig
from fineview.ui.about import AboutDialog
from tests.core.tiny import tiny_encoder_folder

ROWS = [
    (f"{'a fine' if i % 2 else 'a dull'} film, number {i}", "pos" if i % 2 else "neg")
    for i in range(60)
]


@pytest.fixture
def reviews(tmp_path):
    file = tmp_path / "mine 😀" / "reviews.csv"
    file.parent.mkdir()
    lines = "".join(f'"{text}",{label}\n' for text, label in ROWS)
    file.write_text("review,sentiment\n" + lines, encoding="utf-8")
    return file


@pytest.fixture
def window(make_window, tmp_path, qtbot):
    window = make_window()
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    window.session.edit("Begin", spec=RunSpec(encoder=tiny, training=TrainConfig(epochs=5)))
    qtbot.waitUntil(lambda: window.context.encoder.name == tiny, timeout=30_000)
    return window


def drop(window, *paths):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place = QPoint(window.width() // 2, window.height() // 2)
    target = window.childAt(place)
    copy, left, none = (
        Qt.DropAction.CopyAction,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(window, QDragEnterEvent(place, copy, mime, left, none))
    assert window.file_drop.hint.isVisible()
    event = QDropEvent(QPointF(place), copy, mime, left, none)
    while target is not None and not event.isAccepted():
        QGuiApplication.sendEvent(target, event)
        target = target.parentWidget()
    assert event.isAccepted()
    assert not window.file_drop.hint.isVisible()


def use(qtbot, window):
    sheet = window.panel("data").importing.sheet
    qtbot.waitUntil(lambda: sheet.isVisible() and sheet.use_button.isEnabled(), timeout=30_000)
    QTest.mouseClick(sheet.use_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.state.spec.task == "reviews", timeout=30_000)
    qtbot.waitUntil(
        lambda: window.context.task is not None and window.context.task.info.name == "reviews",
        timeout=30_000,
    )


def test_a_dropped_file_is_trained_on_and_can_be_removed(qtbot, window, reviews, monkeypatch):
    drop(window, reviews)
    assert window.session.state.panel == "data"
    use(qtbot, window)
    assert window.context.task.items == 60
    assert "reviews" in window.top_bar.task_button.text()
    window.train()
    panel = window.panel("training")
    qtbot.waitUntil(lambda: not panel.busy and bool(panel.run_id), timeout=60_000)
    assert "unseen texts" in panel.message.text
    window.top_bar.task_button.menu().aboutToShow.emit()
    texts = [action.text() for action in window.top_bar.task_button.menu().actions()]
    assert "reviews  (sentence)" in texts
    window.panel("data").task.removed.emit("reviews")
    assert window.session.state.spec.task == "word-relations"


def test_a_table_is_pasted(qtbot, window, reviews):
    table = "review\tsentiment\n" + "".join(f"{text}\t{label}\n" for text, label in ROWS)
    QGuiApplication.clipboard().setText(table)
    window.registry.all["paste_data"].trigger()
    sheet = window.panel("data").importing.sheet
    qtbot.waitUntil(lambda: sheet.isVisible() and sheet.use_button.isEnabled(), timeout=30_000)
    assert sheet.plan.column("text") == "review"
    assert sheet.plan.column("label") == "sentiment"


def test_a_dropped_model_folder_becomes_the_encoder(qtbot, window, tmp_path):
    folder = tiny_encoder_folder(tmp_path / "another")
    drop(window, folder)
    qtbot.waitUntil(lambda: window.context.encoder.name == str(folder), timeout=30_000)
    assert window.session.state.panel != "data"


def test_a_wrong_file_teaches(qtbot, window, tmp_path):
    file = tmp_path / "picture.csv"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)
    drop(window, file)
    line = window.panel("data").importing.sheet.table_message
    qtbot.waitUntil(lambda: "picture.csv" in line.text, timeout=30_000)
    assert "PNG" in line.text


def test_help_says_what_is_offline_and_settings_go_back(qtbot, window, monkeypatch):
    window.registry.all["offline"].trigger()
    dialog = window.findChild(AboutDialog)
    assert "only when you press a button" in dialog.text.toPlainText()
    dialog.show_page("versions")
    assert "torch" in dialog.text.toPlainText()
    assert "missing" not in dialog.text.toPlainText()
    dialog.show_page("models")
    assert "Movie review snippets" in dialog.text.toPlainText()
    dialog.close()
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    window.session.view(smoothing=0.1)
    window.registry.all["reset_settings"].trigger()
    assert window.session.state.smoothing == 0.8
    assert window.session.state.spec == RunSpec()
    window.session.undo_stack.undo()
    assert window.session.state.spec != RunSpec()


def test_a_file_alone_on_the_command_line_means_open(tmp_path, monkeypatch, reviews):
    seen = []
    monkeypatch.setattr("fineview.app.main", lambda *given: seen.append(given) or 0)
    assert cli.main([str(reviews)]) == 0
    assert cli.main(["open", str(reviews), "--workspace", str(tmp_path / "w")]) == 0
    assert [given[3] for given in seen] == [[reviews], [reviews]]
