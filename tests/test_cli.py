"""The command line: every failure is one sentence on stderr and a status of its own."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from fineview import cli
from fineview.core.laboratory import Laboratory
from fineview.core.locations import Locations
from tests.core.tiny import tiny_encoder_folder


def fineview(*arguments, cache, display=False):
    environment = os.environ | {"FINEVIEW_CACHE": str(cache)}
    if not display:
        environment["QT_QPA_PLATFORM"] = "offscreen"
    return subprocess.run(
        [sys.executable, "-m", "fineview", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def one_sentence(done):
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("fineview: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_a_second_instance_is_told_to_choose_another_workspace(tmp_path):
    lab = Laboratory(Locations(tmp_path / "w", tmp_path / "c"))
    try:
        done = fineview("--workspace", tmp_path / "w", cache=tmp_path / "c")
    finally:
        lab.close()
    said = one_sentence(done)
    assert str(os.getpid()) in said
    assert "--workspace" in said


def test_a_workspace_that_is_a_file_or_below_one_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        assert str(tmp_path / "file") in one_sentence(
            fineview("--workspace", path, cache=tmp_path / "c")
        )


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("none.toml", None, "There is no spec file"),
        ("bad.toml", "x = [", "is not valid"),
        ("rate.toml", "[training]\nlearning_rate = 0\n", "above 0"),
        ("task.toml", 'task = "nothing"\n', "no task 'nothing'"),
        ("folder.toml", 'encoder = "/nowhere/at/all"\n', "/nowhere/at/all"),
    ],
)
def test_a_spec_that_will_not_do_is_refused_and_leaves_no_run(tmp_path, name, text, says):
    if text is not None:
        (tmp_path / name).write_text(text)
    done = fineview("run", tmp_path / name, "--workspace", tmp_path / "w", cache=tmp_path / "c")
    assert says in one_sentence(done)
    assert list((tmp_path / "w").glob("runs/*")) == []


def test_a_run_writes_one_json_object_and_its_sentence(tmp_path):
    tiny = tiny_encoder_folder(tmp_path / "tiny")
    spec = tmp_path / "spec.toml"
    spec.write_text(f'encoder = "{tiny}"\n[training]\nepochs = 2\n')
    done = fineview("run", spec, "--workspace", tmp_path / "w", cache=tmp_path / "c")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["status"] == "finished"
    assert "unseen pairs" in done.stderr
    # A run's own folder is a spec: the same again.
    again = fineview(
        "run",
        tmp_path / "w" / "runs" / result["run_id"],
        "--workspace",
        tmp_path / "w",
        cache=tmp_path / "c",
    )
    assert json.loads(again.stdout)["test"] == result["test"]


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.1, 0.4, 0.6, 0.8, 1.1, 2.0])
def test_ctrl_c_at_any_moment_of_the_start_closes_the_window(tmp_path, after):
    process = subprocess.Popen(
        [sys.executable, "-m", "fineview", "--workspace", tmp_path / "w"],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "FINEVIEW_CACHE": str(tmp_path / "c")},
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    # Until fineview itself listens, Python's own answer is the right one.
    assert process.returncode in (0, 130, -signal.SIGINT), said
    lines = [line for line in said.splitlines() if "propagateSizeHints" not in line]
    if process.returncode == 0:
        assert lines == []
    Laboratory(Locations(tmp_path / "w", tmp_path / "c")).close()  # nobody holds the workspace


def test_doctor_names_what_is_installed(tmp_path, capsys):
    os.environ["FINEVIEW_CACHE"] = str(tmp_path / "c")
    assert cli.main(["doctor", "--workspace", str(tmp_path / "w")]) == 0
    said = capsys.readouterr().out
    assert "minilm-l6" in said
    assert "hash as pinned" in said
    assert "BAD" not in said
    assert not (tmp_path / "w").exists()  # it only looks


@pytest.mark.slow
def test_the_tour_drives_the_window_and_keeps_its_pictures(tmp_path):
    done = fineview("tour", "--out", tmp_path / "tour", cache=tmp_path / "c")
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads((tmp_path / "tour" / "tour.json").read_text())
    assert len(told["pictures"]) == 4 * 15
    for name in told["pictures"]:
        assert (tmp_path / "tour" / name).stat().st_size > 10_000
    assert told["analogy"].startswith("Nearest of all is king. queen comes after it")
    words, other, capitals = told["runs"]
    assert words["test_accuracy"] > 0.6 > 2 * words["majority"]
    assert other["test_accuracy"] > 0.75
    assert capitals["test_accuracy"] > 0.95 > capitals["majority"]
