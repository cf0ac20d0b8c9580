"""`fineview tasks`: carried out, written, stopped, refused."""

import json
import signal

from fineview import cli
from fineview.core.training.multitask.events import GradientCosines
from tests.core.tiny import tiny_encoder_folder

LIMITS = (
    "--items",
    "32",
    "--held-out",
    "20",
    "--max-length",
    "16",
    "--epochs",
    "1",
    "--every",
    "1",
)


def tasks(tmp_path, *arguments):
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    names = ["word-relations", "sentence-order"]
    workspace = ["--workspace", str(tmp_path / "w")]
    return cli.main(["tasks", *names, "--encoder", tiny, *LIMITS, *arguments, *workspace])


def test_a_study_is_carried_out_and_taken_along(tmp_path, capsys):
    capsys.readouterr()
    out = tmp_path / "found.json"
    assert tasks(tmp_path, "--balance", "pcgrad", "--no-alone", "--out", str(out)) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert told == json.loads(out.read_text(encoding="ascii"))
    assert (told["status"], told["choice"]["balance"]) == ("finished", "pcgrad")
    assert [result["alone"] for result in told["results"]] == [None, None]
    assert all(0 <= result["together"]["value"] <= 1 for result in told["results"])
    assert told["cosines"]
    assert "The gradients pull against each other" in said.err
    assert told["study_id"] in said.err


def test_ctrl_c_keeps_the_study(tmp_path, capsys, monkeypatch):
    publish = cli.cli_tasks.Teller.publish

    def interrupt(self, event):
        publish(self, event)
        if isinstance(event, GradientCosines):
            signal.raise_signal(signal.SIGINT)

    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(cli.cli_tasks.Teller, "publish", interrupt)
        assert tasks(tmp_path) == cli.STOPPED
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "stopped"
    kept = tmp_path / "w" / "studies" / f"{told['study_id']}.json"
    assert json.loads(kept.read_text(encoding="ascii"))["status"] == "stopped"


def test_what_will_not_do_is_refused_in_a_sentence(tmp_path, capsys):
    capsys.readouterr()
    assert tasks(tmp_path, "--balance", "hope") == 2
    assert "balance = 'hope'" in capsys.readouterr().err
    assert tasks(tmp_path, "--tokens", "first") == 2
    assert "'mean' fits every level" in capsys.readouterr().err
