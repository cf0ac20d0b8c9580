"""The import page over real files: opened, looked at, changed, kept, given up."""

import json
import threading
import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from fineview.core.data.split import SplitConfig
from fineview.ui.context import Context
from fineview.ui.panels.data_import import ImportPage
from fineview.ui.session import Session
from fineview.ui.theme import Theme
from fineview.work.jobs import JobRunner, Lane

LEFT = Qt.MouseButton.LeftButton
HOSTILE = "<img src=x><b>bold</b>&amp;"
CONLLU = """# newdoc id = d{}
# text = Dogs bark .
1\tDogs\tdog\tNOUN\t_\t_\t2\tnsubj\t_\t_
2\tbark\tbark\tVERB\t_\t_\t0\troot\t_\t_
3\t.\t.\tPUNCT\t_\t_\t2\tpunct\t_\t_

"""


@pytest.fixture
def page(qtbot, qapp, lab):
    """The page in a window of its own, over a laboratory with empty folders."""
    theme = Theme(qapp)
    runner, session = JobRunner(), Session()
    made = ImportPage(session, runner, lab, Context(session, runner, lab))
    made.resize(1180, 640)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    assert runner.shutdown(), "a job ignored Stop"
    made.tidy()
    assert not leftovers(lab)
    theme.deleteLater()


def leftovers(lab):
    folder = lab.shelf.library.folder
    return list(folder.glob(".incoming-*")) if folder.exists() else []


def done(page):
    return page.work.stage is None


def opened(qtbot, page, *paths):
    page.open_paths(list(paths))
    qtbot.waitUntil(lambda: done(page), timeout=10_000)
    return page.sheet


def wait(qtbot, page):
    qtbot.waitUntil(lambda: done(page), timeout=10_000)


def reviews(path, rows=60, sep=",", name="text"):
    lines = [sep.join(("id", name, "label", "stars"))]
    lines += [
        sep.join(
            (str(i), f"a film worth {i} words", ("good", "bad", "fair")[i % 3], f"{i / 7:.3f}")
        )
        for i in range(rows)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def roles(page):
    return dict(page.sheet.plan.roles)


def choose_role(qtbot, page, column, role):
    preview = page.sheet.preview
    combo = preview.header.combos[preview.names.index(column)]
    combo.setFocus()
    while combo.value != role:
        key = Qt.Key.Key_Down if combo.findData(role) > combo.currentIndex() else Qt.Key.Key_Up
        qtbot.keyClick(combo, key)


def test_a_csv_file_becomes_a_task(qtbot, page, lab, tmp_path):
    assert page.stack.currentWidget() is page.empty
    sheet = opened(qtbot, page, reviews(tmp_path / "reviews.csv"))
    assert page.stack.currentWidget() is sheet
    assert roles(page) == {"id": "id", "text": "text", "label": "label", "stars": "ignore"}
    assert sheet.choices.title.text() == "reviews"
    assert sheet.choices.format.currentText() == "Found: CSV, TSV"
    assert sheet.choices.delimiter.currentText() == "Found: comma"
    assert sheet.choices.level.text().startswith("Sentence")
    assert sheet.use_button.text() == "Use these 60 texts"
    assert sheet.result.bars.rows == (("bad", 20), ("fair", 20), ("good", 20))
    assert "60 rows, all kept" in sheet.result.summary.text()
    qtbot.keyClick(sheet.choices.title, Qt.Key.Key_End)
    qtbot.keyClicks(sheet.choices.title, " of films")
    sheet.choices.meaning.setText("How the film was.")
    assert sheet.use_button.isEnabled()  # a title needs no other reading
    with qtbot.waitSignal(page.opened, timeout=10_000) as told:
        qtbot.mouseClick(sheet.use_button, LEFT)
    info = lab.shelf.info(told.args[0])
    assert (info.title, info.meaning, info.level) == (
        "reviews of films",
        "How the film was.",
        "sentence",
    )
    task = lab.shelf.load(info.name, SplitConfig())
    assert task.classes == ("bad", "fair", "good")
    assert task.texts[7] == "a film worth 7 words"
    assert page.stack.currentWidget() is page.empty


def test_a_tsv_file_and_a_jsonl_file_of_pairs(qtbot, page, tmp_path):
    opened(qtbot, page, reviews(tmp_path / "reviews.tsv", sep="\t"))
    assert page.sheet.choices.delimiter.currentText() == "Found: tab"
    rows = [
        {"premise": f"It rains on day {i}.", "hypothesis": f"Day {i} is wet.", "label": i % 2}
        for i in range(40)
    ]
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    sheet = opened(qtbot, page, file)
    assert roles(page) == {"premise": "text", "hypothesis": "second", "label": "label"}
    assert sheet.choices.level.text().startswith("Pair")
    assert sheet.use_button.text() == "Use these 40 pairs"
    assert sheet.choices.delimiter.isHidden()
    assert sheet.choices.header.isHidden()


def test_a_conllu_file_makes_a_word_task(qtbot, page, lab, tmp_path):
    file = tmp_path / "words.conllu"
    file.write_text("".join(CONLLU.format(i) for i in range(20)), encoding="utf-8")
    sheet = opened(qtbot, page, file)
    assert sheet.plan.words
    assert sheet.plan.column("text") == "FORM"
    assert sheet.choices.level.text().startswith("Word")
    assert not sheet.choices.label_kind.segment("number").isEnabled()
    assert sheet.preview.header.combos[0].findData("second") == -1
    assert sheet.use_button.text() == "Use these 60 words"
    with qtbot.waitSignal(page.opened, timeout=10_000) as told:
        qtbot.mouseClick(sheet.use_button, LEFT)
    assert lab.shelf.info(told.args[0]).level == "word"


def test_another_role_reads_all_rows_again_and_a_missing_one_is_asked_for(qtbot, page, tmp_path):
    sheet = opened(qtbot, page, reviews(tmp_path / "reviews.csv"))
    choose_role(qtbot, page, "label", "group")
    assert not sheet.use_button.isEnabled()
    assert sheet.table_message.text == "Choose the column that holds the label."
    assert done(page)
    assert sheet.preview.view.model().rowCount() == 60
    choose_role(qtbot, page, "stars", "label")
    qtbot.mouseClick(sheet.choices.label_kind.segment("number"), LEFT)
    assert page.work.stage == "check"
    assert not sheet.use_button.isEnabled()
    wait(qtbot, page)
    assert sheet.table_message.text == ""
    assert page.work.checked.plan.label_kind == "number"
    assert page.work.checked.classes == ()
    assert sheet.use_button.isEnabled()
    assert sheet.use_button.text() == "Use these 60 texts"


def test_of_many_quick_changes_only_the_last_is_read(qtbot, page, lab, tmp_path):
    sheet = opened(qtbot, page, reviews(tmp_path / "reviews.csv"))
    read = []
    page.work.check_finished.connect(lambda imported: read.append(imported.plan))
    for role in ("group", "id", "split", "ignore", "group", "ignore"):
        choose_role(qtbot, page, "stars", role)
    choose_role(qtbot, page, "id", "group")
    wait(qtbot, page)
    assert [plan.column("group") for plan in read] == ["id"]
    qtbot.waitUntil(lambda: len(leftovers(lab)) == 1, timeout=5_000)
    assert sheet.use_button.isEnabled()


def test_a_wrong_delimiter_is_mended_and_chosen_roles_stay(qtbot, page, tmp_path):
    sheet = opened(qtbot, page, reviews(tmp_path / "reviews.csv"))
    choose_role(qtbot, page, "stars", "group")
    combo = sheet.choices.delimiter
    combo.setCurrentIndex(combo.findData(";"))
    combo.activated.emit(combo.currentIndex())
    wait(qtbot, page)
    assert len(sheet.plan.roles) == 1
    assert combo.value == ";"
    combo.setCurrentIndex(0)
    combo.activated.emit(0)
    wait(qtbot, page)
    assert combo.currentText() == "Found: comma"
    assert roles(page)["stars"] == "group"
    assert sheet.use_button.isEnabled()


def test_settings_that_do_not_fit_are_said_and_taken_back(qtbot, page, tmp_path):
    sheet = opened(qtbot, page, reviews(tmp_path / "reviews.csv"))
    combo = sheet.choices.encoding
    combo.setCurrentIndex(combo.findData("utf-32"))
    combo.activated.emit(combo.currentIndex())
    wait(qtbot, page)
    message = sheet.choices.settings_message
    assert message.kind == "bad"
    assert "utf-32" in message.text
    assert combo.currentText() == "Found: UTF-8"
    assert page.work.checked.plan.encoding == "utf-8"
    assert sheet.use_button.isEnabled()


def test_a_first_row_that_is_data_is_taken_as_data(qtbot, page, tmp_path):
    sheet = opened(qtbot, page, reviews(tmp_path / "reviews.csv"))
    assert sheet.choices.header.value == "yes"
    qtbot.mouseClick(sheet.choices.header.segment("no"), LEFT)
    wait(qtbot, page)
    assert not sheet.plan.header
    assert sheet.preview.view.model().rowCount() == 61


def test_rows_left_out_are_named_with_their_lines(qtbot, page, tmp_path):
    file = reviews(tmp_path / "reviews.csv")
    lines = file.read_text().splitlines()
    for line in (4, 9, 33):
        lines[line - 1] = f"{line},,good,1"
    lines[50 - 1] = "only one cell"
    file.write_text("\n".join(lines) + "\n")
    sheet = opened(qtbot, page, file)
    result = sheet.result
    assert sheet.use_button.text() == "Use these 56 texts"
    assert "60 rows: 56 kept, 4 left out." in result.summary.text()
    assert "lines 4, 9, 33" in result.reasons.text()
    assert "line 50" in result.reasons.text()
    qtbot.mouseClick(result.dropped_button, LEFT)
    model = result.dialog.view.model()
    assert [model.words(row, 1) for row in range(model.rowCount())] == ["4", "9", "33", "50"]
    qtbot.mouseClick(page.sheet.discard_button, LEFT)
    assert result.dialog is None
    assert page.stack.currentWidget() is page.empty


def test_a_file_that_is_no_table_is_refused_in_one_sentence(qtbot, page, tmp_path):
    file = tmp_path / "picture.csv"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)
    sheet = opened(qtbot, page, file)
    assert sheet.table_message.kind == "bad"
    assert "picture.csv" in sheet.table_message.text
    assert sheet.plan is None
    assert not sheet.use_button.isEnabled()
    sheet = opened(qtbot, page, reviews(tmp_path / "reviews.csv"))
    assert sheet.table_message.text == ""
    assert sheet.use_button.isEnabled()


def test_labels_that_are_numbers_are_offered_to_be_read_as_numbers(qtbot, page, tmp_path):
    sheet = opened(qtbot, page, reviews(tmp_path / "reviews.csv", rows=400))
    choose_role(qtbot, page, "stars", "label")
    qtbot.mouseClick(sheet.choices.label_kind.segment("number"), LEFT)
    qtbot.mouseClick(sheet.choices.label_kind.segment("class"), LEFT)
    wait(qtbot, page)
    assert sheet.table_message.kind == "bad"
    assert not sheet.use_button.isEnabled()
    assert sheet.preview.view.model().rowCount() == 200
    qtbot.mouseClick(sheet.table_message.buttons[0], LEFT)
    assert sheet.choices.label_kind.value == "number"
    wait(qtbot, page)
    assert sheet.use_button.isEnabled()


def test_a_sample_is_drawn_when_it_is_ticked(qtbot, page, tmp_path):
    sheet = opened(qtbot, page, reviews(tmp_path / "reviews.csv", rows=200))
    choices = sheet.choices
    assert choices.sample_rows.isHidden()
    choices.sample.click()
    assert choices.sample_rows.isVisible()
    choices.sample_rows.edit.setText("30")
    choices.sample_rows.commit()
    wait(qtbot, page)
    assert page.work.checked.kept == 30
    assert sheet.use_button.text() == "Use these 30 texts"
    assert "30 drawn at random" in sheet.result.summary.text()


def test_reading_can_be_stopped_and_begun_again(qtbot, page, lab, tmp_path):
    file = reviews(tmp_path / "reviews.csv", rows=300_000)
    page.open_paths([file])
    qtbot.waitUntil(lambda: page.work.stage == "check", timeout=10_000)
    result = page.sheet.result
    qtbot.waitUntil(lambda: result.bar.isVisible() and result.bar.value() > 0, timeout=10_000)
    assert "%" in result.status.text()
    qtbot.mouseClick(result.cancel_button, LEFT)
    qtbot.waitUntil(lambda: done(page), timeout=10_000)
    assert "Stopped" in result.status.text()
    assert not leftovers(lab)
    assert not page.sheet.use_button.isEnabled()
    qtbot.mouseClick(result.cancel_button, LEFT)
    assert page.work.stage == "check"
    page.work.cancel()  # before it has begun
    assert done(page)
    page.close_sheet()


def test_what_waits_for_another_job_says_so(qtbot, page, tmp_path):
    go = threading.Event()

    def hold(report):
        while not go.is_set():
            report.check()
            time.sleep(0.01)

    page.work._runner.submit("Fetch something large", hold, Lane.FILES)
    page.open_paths([reviews(tmp_path / "reviews.csv")])
    assert "“Fetch something large”" in page.opening.accessibleDescription()
    qtbot.mouseClick(page.opening.button, LEFT)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.empty, timeout=5_000)
    go.set()


def test_a_pasted_table_is_read_and_leaves_nothing(qtbot, page, lab):
    table = "text\tlabel\n" + "".join(f"word number {i}\t{'ab'[i % 2]}\n" for i in range(20))
    QGuiApplication.clipboard().setText(table)
    qtbot.mouseClick(page.empty.paste_button, LEFT)
    qtbot.waitUntil(lambda: page.work.checked is not None, timeout=10_000)
    assert page.sheet.choices.title.text() == "pasted table"
    with qtbot.waitSignal(page.opened, timeout=10_000):
        qtbot.mouseClick(page.sheet.use_button, LEFT)
    qtbot.waitUntil(lambda: not leftovers(lab), timeout=5_000)
    page.open_text("  \n ")
    assert "no text" in page.message.text


def test_a_sample_file_is_saved_and_opened(qtbot, page, tmp_path, monkeypatch):
    page.empty.samples_menu.aboutToShow.emit()
    actions = page.empty.samples_menu.actions()
    assert len(actions) >= 3
    target = tmp_path / "saved sample"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a: (str(target), ""))
    actions[0].trigger()
    qtbot.waitUntil(lambda: bool(page.message.buttons), timeout=10_000)
    assert target.stat().st_size > 100
    qtbot.mouseClick(page.message.buttons[0], LEFT)
    qtbot.waitUntil(lambda: page.work.checked is not None, timeout=10_000)
    assert page.sheet.use_button.isEnabled()


def test_what_deserves_care_stands_above_the_rows_left_out_and_nothing_twice(qtbot, page, tmp_path):
    file = reviews(tmp_path / "reviews.csv")
    file.write_text(file.read_text().replace(",good", ",Good", 1) + "99,,good,1\n")
    result = opened(qtbot, page, file).result
    assert result.notes.text().startswith("Only capitals or blanks tell apart the classes")
    assert "left out" not in result.notes.text()
    assert result.notes.y() < result.reasons.y()
    assert result.reasons.text() == "1 × the text is empty (line 62)"


def test_a_text_of_a_class_folder_that_was_left_out_is_named(qtbot, page, tmp_path):
    for i in range(12):
        text = tmp_path / "essays" / "ab"[i % 2] / f"{i}.txt"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(f"essay {i}" if i else "")
    result = opened(qtbot, page, tmp_path / "essays").result
    assert result.reasons.text() == "1 × the text is empty (a/0.txt)"


def test_the_dialogs_open_what_was_chosen(qtbot, page, tmp_path, monkeypatch):
    for part in ("train", "test"):
        reviews(tmp_path / f"{part}.csv")
    chosen = [str(tmp_path / "train.csv"), str(tmp_path / "test.csv")]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_a: (chosen, ""))
    qtbot.mouseClick(page.empty.file_button, LEFT)
    wait(qtbot, page)
    assert "train 60" in page.sheet.result.notes.text()
    page.close_sheet()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a: str(tmp_path))
    qtbot.mouseClick(page.empty.folder_button, LEFT)
    wait(qtbot, page)
    assert page.work.checked.given == {"train": 60, "test": 60}
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a: "")
    page.choose_folder()
    assert page.work.checked is not None


def test_what_is_open_is_given_up_for_another_file(qtbot, page, lab, tmp_path):
    opened(qtbot, page, reviews(tmp_path / "one.csv"))
    sheet = opened(qtbot, page, reviews(tmp_path / "two.csv", rows=30))
    assert sheet.choices.title.text() == "two"
    qtbot.waitUntil(lambda: len(leftovers(lab)) == 1, timeout=5_000)
    page.close_sheet()
    qtbot.waitUntil(lambda: not leftovers(lab), timeout=5_000)


def test_a_task_that_cannot_be_kept_leaves_the_sheet_open(qtbot, page, tmp_path):
    sheet = opened(qtbot, page, reviews(tmp_path / "reviews.csv"))
    (page.work.checked.folder / "rows.parquet").unlink()
    qtbot.mouseClick(sheet.use_button, LEFT)
    assert sheet.use_button.text() == "Keeping…"
    wait(qtbot, page)
    assert page.message.kind == "bad"
    assert page.stack.currentWidget() is sheet
    assert sheet.choices.isEnabled()


def test_names_from_files_are_shown_literally(qtbot, page, tmp_path):
    folder = tmp_path / "späce & <b>émoji 🎬"
    folder.mkdir()
    file = reviews(folder / "<i>x.csv", name=HOSTILE)
    sheet = opened(qtbot, page, file)
    assert HOSTILE in sheet.preview.names
    assert sheet.files.text.startswith("<i>x.csv")
    assert not page.grab().isNull()


def test_a_large_file_offers_a_sample_and_does_not_take_it(qtbot, page, tmp_path, monkeypatch):
    monkeypatch.setattr("fineview.ui.panels.data_import_sheet._LARGE_BYTES", 1000)
    sheet = opened(qtbot, page, reviews(tmp_path / "reviews.csv", rows=100))
    message = sheet.offer
    assert "random sample" in message.text
    assert not sheet.choices.sample.isChecked()
    assert page.work.checked.kept == 100
    qtbot.mouseClick(message.buttons[0], LEFT)
    assert sheet.choices.sample.isChecked()
    assert sheet.plan.sample == 20_000
    wait(qtbot, page)
    assert page.work.checked.kept == 100


def test_every_control_of_the_sheet_is_reached_by_tab_and_has_a_name(qtbot, page, tmp_path):
    sheet = opened(qtbot, page, reviews(tmp_path / "reviews.csv"))
    page.activateWindow()
    sheet.choices.title.setFocus()
    qtbot.waitUntil(lambda: sheet.choices.title.hasFocus())
    met = set()
    for _ in range(60):
        focus = QApplication.focusWidget()
        met.add(focus)
        assert focus.accessibleName(), focus
        qtbot.keyClick(focus, Qt.Key.Key_Tab)
    wanted: list[QWidget] = [
        sheet.choices.label_kind.segment("class"),
        sheet.choices.sample,
        sheet.choices.format,
        sheet.choices.encoding,
        sheet.choices.delimiter,
        sheet.choices.header.segment("yes"),
        sheet.choices.about.header,
        *sheet.preview.header.combos,
        sheet.preview.view,
        sheet.discard_button,
        sheet.use_button,
    ]
    assert [widget.accessibleName() for widget in wanted if widget not in met] == []
