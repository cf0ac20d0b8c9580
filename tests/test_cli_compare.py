"""`fineview compare`: by a file, by a preset, stopped and continued; what it writes."""

import csv
import json
import signal
from pathlib import Path

import pytest

from fineview import cli
from fineview.core.laboratory import Laboratory
from fineview.core.locations import Locations
from fineview.core.runs.compare_study import comparison_of
from tests.core.tiny import tiny_encoder_folder

SPEC = """
[base]
encoder = "{tiny}"
[compare]
strategies = ["head", "classical"]
seeds = 2
train_items = 40
held_out_items = 30
max_length = 24
"""


def compare(*arguments, workspace: Path) -> int:
    return cli.main(["compare", *map(str, arguments), "--workspace", str(workspace)])


def test_a_file_is_carried_out_and_taken_along(tmp_path, qapp, capsys):
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC.format(tiny=tiny_encoder_folder(tmp_path / "tiny")), encoding="utf-8")
    files = {name: tmp_path / f"found.{name}" for name in ("json", "csv", "svg")}
    capsys.readouterr()
    status = compare(
        spec, "--out", files["json"], "--csv", files["csv"], "--svg", files["svg"], "--seeds", 1,
        workspace=tmp_path / "w",
    )  # fmt: skip
    said = capsys.readouterr()
    assert status == 0
    told = json.loads(said.out)
    assert told["choice"]["seeds"] == 1  # the line goes before the file
    assert [row["status"] for row in told["rows"]] == ["finished", "finished"]
    assert "Head only · seed 0: 0." in said.err
    assert "Best: " in said.err
    assert told["study_id"] in said.err
    assert json.loads(files["json"].read_text()) == told
    rows = list(csv.DictReader(files["csv"].read_text(encoding="utf-8").splitlines()))
    assert [row["row"] for row in rows] == ["Head only", "TF-IDF → SVD", "Majority", "TF-IDF"]
    assert "trained weights" in files["svg"].read_text(encoding="utf-8")
    # The same study again: nothing is left to do.
    assert compare("--continue", told["study_id"], workspace=tmp_path / "w") == 0
    again = capsys.readouterr()
    assert json.loads(again.out)["rows"] == told["rows"]
    assert "seed 0:" not in again.err


def test_ctrl_c_keeps_the_study_and_continue_goes_on(tmp_path, capsys, monkeypatch):
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC.format(tiny=tiny_encoder_folder(tmp_path / "tiny")), encoding="utf-8")
    publish = cli.cli_compare.Teller.publish

    def interrupt(self, event):
        publish(self, event)
        if event.done == 1:
            signal.raise_signal(signal.SIGINT)

    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(cli.cli_compare.Teller, "publish", interrupt)
        assert compare(spec, workspace=tmp_path / "w") == cli.STOPPED
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "stopped"
    assert compare("--continue", told["study_id"], workspace=tmp_path / "w") == 0
    lab = Laboratory(Locations(tmp_path / "w", tmp_path / "cache"))
    try:
        found = comparison_of(lab.studies.read(told["study_id"]))
        assert (found.status, found.done, found.total) == ("finished", 4, 4)
        assert len(lab.runs.list()) == 4
    finally:
        lab.close()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Say what to compare"),
        (["none.toml"], "There is no spec file none.toml"),
        (["--preset", "everything"], "'everything' is not one of strategies"),
        (["--strategies", "head,half"], "'half' will not do"),
        (["--preset", "heads", "--seeds", "0"], "Seeds must be within 1 … 10, not 0"),
        (["--preset", "rows", "--sizes", "ten"], "sizes"),
        (["--preset", "heads", "--task", "nothing"], "no task 'nothing'"),
        (["--continue", "nothing"], "no study 'nothing'"),
    ],
)
def test_a_question_that_will_not_do_is_one_sentence(arguments, says, tmp_path, capsys):
    assert compare(*arguments, workspace=tmp_path / "w") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("fineview: ")
    assert said.err.count("\n") == 1
    assert says in said.err


def test_a_file_with_other_parts_is_refused(tmp_path, capsys):
    (tmp_path / "spec.toml").write_text("[training]\nepochs = 3\n")
    assert compare(tmp_path / "spec.toml", workspace=tmp_path / "w") == 2
    assert "the parts [base] and [compare]" in capsys.readouterr().err
