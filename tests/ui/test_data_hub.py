"""The hub page against servers on this machine: a real one, a dead one, one that is silent."""

import socket

import pytest
from PySide6.QtCore import Qt

from fineview.core.models import hub
from fineview.core.models.encoder import open_encoder
from fineview.ui.panels.data_catalogue_downloads import Downloads
from fineview.ui.panels.data_hub import HubPage
from fineview.ui.session import Session
from fineview.ui.theme import Theme
from fineview.work.jobs import JobRunner, Lane
from tests.core.hub_server import COMMIT, Hub, serve
from tests.core.tiny import tiny_encoder_folder

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(autouse=True)
def theme(qapp):
    """The theme as a new person has it."""
    made = Theme(qapp)
    yield made
    made.deleteLater()


@pytest.fixture
def runner(qapp):
    made = JobRunner()
    yield made
    assert made.shutdown()


@pytest.fixture
def closed_port(monkeypatch):
    """A hub that cannot be reached."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


@pytest.fixture
def silent_hub(monkeypatch):
    """A hub that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield server


@pytest.fixture
def real_hub(monkeypatch, tmp_path):
    """A hub with one encoder and one data set."""
    files = tiny_encoder_folder(tmp_path / "tiny").iterdir()
    made = Hub()
    made.add("model", "lab/tiny", {file.name: file.read_bytes() for file in files})
    made.add("dataset", "lab/rows", {"data/train.parquet": b"PAR1" * 200_000})
    with serve(made) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
        yield made


@pytest.fixture
def page(qtbot, runner, lab):
    made = HubPage(Session(), runner, lab, Downloads(runner))
    qtbot.addWidget(made)
    made.resize(1180, 700)
    with qtbot.waitExposed(made):
        made.show()
    qtbot.waitUntil(lambda: not runner.jobs)
    return made


def test_nothing_is_asked_before_a_button_is_pressed(page, qtbot, runner, silent_hub):
    submitted = []
    runner.submitted.connect(submitted.append)
    page.hide()
    page.show()
    qtbot.keyClicks(page.questions.words, "distil")
    qtbot.keyClicks(page.questions.repo, "owner/name")
    qtbot.waitUntil(lambda: not runner.jobs)
    assert {job.lane for job in submitted} <= {Lane.LOOKUP}
    silent_hub.settimeout(0.05)
    with pytest.raises(TimeoutError):
        silent_hub.accept()
    assert "only when you press" in page.notice.text
    assert page.stack.currentWidget() is page.empty


def test_without_a_network_a_question_ends_in_one_sentence(page, qtbot, runner, closed_port):
    qtbot.keyClicks(page.questions.words, "distil")
    qtbot.keyClick(page.questions.words, Qt.Key.Key_Return)
    assert page.questions.asking
    assert page.questions.cancel_button.isVisible()
    qtbot.waitUntil(lambda: not page.questions.asking, timeout=30_000)
    message = page.questions.message
    assert message.kind == "bad"
    assert message.text.endswith(".")
    assert "\n" not in message.text
    assert "Traceback" not in message.text
    (again,) = message.buttons
    qtbot.mouseClick(again, LEFT)
    assert page.questions.asking
    page.questions.cancel()
    qtbot.waitUntil(lambda: not runner.jobs, timeout=10_000)


def test_a_question_that_is_never_answered_can_be_given_up(page, qtbot, runner, silent_hub):
    qtbot.keyClicks(page.questions.repo, "owner/name")
    qtbot.mouseClick(page.questions.look_up_button, LEFT)
    silent_hub.settimeout(20)
    qtbot.waitUntil(lambda: any(job.state == "running" for job in runner.jobs))
    connection, _ = silent_hub.accept()
    connection.close()
    qtbot.mouseClick(page.questions.cancel_button, LEFT)
    assert not page.questions.asking
    qtbot.waitUntil(lambda: not runner.jobs, timeout=10_000)
    assert page.questions.message.text == ""


@pytest.mark.parametrize("text", ["../../etc", "C:\\models\\x", "owner/name/../x", "\\\\host\\x"])
def test_what_is_no_id_is_refused_without_asking_anybody(page, qtbot, silent_hub, text):
    page.questions.repo.setText(text)
    qtbot.mouseClick(page.questions.look_up_button, LEFT)
    qtbot.waitUntil(lambda: not page.questions.asking, timeout=5_000)
    assert page.questions.message.kind == "bad"
    silent_hub.settimeout(0.05)
    with pytest.raises(TimeoutError):
        silent_hub.accept()


def test_an_empty_field_is_said_and_focused(page, qtbot):
    qtbot.mouseClick(page.questions.search_button, LEFT)
    assert page.questions.message.text == "Type a part of a name first."
    qtbot.mouseClick(page.questions.look_up_button, LEFT)
    assert page.questions.message.text.startswith("Type owner/name")
    assert not page.questions.asking


def test_an_encoder_is_searched_looked_up_downloaded_used_and_removed(
    page, qtbot, runner, lab, real_hub
):
    cache = lab.locations.cache
    buttons = page.detail.button
    qtbot.keyClicks(page.questions.words, "tin")
    qtbot.keyClick(page.questions.words, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.list.key == "model:lab/tiny", timeout=20_000)
    assert not buttons("download").isVisible()
    qtbot.mouseClick(buttons("plan"), LEFT)
    qtbot.waitUntil(lambda: buttons("download").isVisible(), timeout=20_000)
    with qtbot.waitSignal(page.changed, timeout=30_000):
        qtbot.mouseClick(buttons("download"), LEFT)
    qtbot.waitUntil(lambda: buttons("use").isVisible(), timeout=10_000)
    with qtbot.waitSignal(page.encoder_wanted) as wanted:
        qtbot.mouseClick(buttons("use"), LEFT)
    assert wanted.args == [f"hub:lab/tiny@{COMMIT}"]
    assert open_encoder(wanted.args[0], cache, "cpu").info.layers == 2
    qtbot.waitUntil(lambda: not runner.jobs)
    with qtbot.waitSignal(page.changed, timeout=10_000):
        page._remove(wanted.args[0], "lab/tiny")
    assert hub.stored(cache) == ()
    qtbot.waitUntil(lambda: not buttons("use").isVisible())


def test_a_download_is_cancelled_and_then_a_data_set_opens_its_files(
    page, qtbot, runner, lab, real_hub
):
    buttons = page.detail.button
    page.questions.kind_choice.set_value("dataset")
    page.questions.repo.setText("https://huggingface.co/datasets/lab/rows")
    qtbot.mouseClick(page.questions.look_up_button, LEFT)
    qtbot.waitUntil(lambda: buttons("download").isVisible(), timeout=20_000)
    real_hub.delay = 1.0
    qtbot.mouseClick(buttons("download"), LEFT)
    qtbot.waitUntil(lambda: any("resolve" in path for path in real_hub.asked), timeout=20_000)
    qtbot.mouseClick(buttons("cancel"), LEFT)
    qtbot.waitUntil(lambda: not runner.jobs, timeout=10_000)
    assert hub.stored(lab.locations.cache) == ()
    real_hub.delay = 0.0
    qtbot.waitUntil(lambda: buttons("download").isVisible())
    with qtbot.waitSignal(page.changed, timeout=30_000):
        qtbot.mouseClick(buttons("download"), LEFT)
    qtbot.waitUntil(lambda: buttons("use").isVisible(), timeout=10_000)
    with qtbot.waitSignal(page.data_wanted) as wanted:
        qtbot.mouseClick(buttons("use"), LEFT)
    assert [path.name for path in wanted.args[0]] == ["train.parquet"]
    qtbot.waitUntil(lambda: not runner.jobs)
