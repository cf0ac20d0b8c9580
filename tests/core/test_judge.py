"""Labelling files with a trained head."""

import csv
from pathlib import Path

import pytest

from fineview.core.data.plan import ReadSettings
from fineview.core.data.reading import inspect
from fineview.core.errors import ConfigError, DataError, JobCancelled
from fineview.core.progress import Silent
from fineview.core.runs.labelling import columns_for
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import TrainConfig
from tests.core.tiny import tiny_encoder_folder


@pytest.fixture
def run(lab, tmp_path):
    """A pair-level head on word relations with a tiny encoder."""
    encoder = str(tiny_encoder_folder(tmp_path / "tiny"))
    return lab.execute(RunSpec(encoder=encoder, training=TrainConfig(epochs=2))).run_id


@pytest.fixture
def word_run(lab, tmp_path):
    encoder = str(tiny_encoder_folder(tmp_path / "tiny"))
    spec = RunSpec(task="capitals", encoder=encoder, training=TrainConfig(epochs=1))
    return lab.execute(spec).run_id


def plan_of(file, level="pair"):
    return columns_for(level, inspect([file]), ())


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def write_pairs(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["first", "second", "note"])
        writer.writerows(rows)
    return path


def plan_with(file):
    plan = inspect([file], ReadSettings(header=True)).plan
    for name, role in (("first", "text"), ("second", "second"), ("note", "ignore")):
        plan = plan.with_role(name, role)
    return plan


def test_every_row_comes_back_with_what_the_head_says(lab, run, tmp_path):
    rows = [[f"word{i}", f"other{i}", f"n{i}"] for i in range(300)]
    rows[7][1] = ""
    file = write_pairs(tmp_path / "in put 😀.csv", rows)
    out = tmp_path / "out.csv"
    told = lab.label_file(run, plan_with(file), out)
    found = table(out)
    assert found[0] == ["first", "second", "note", "predicted", "probability"]
    assert [row[:3] for row in found[1:]] == rows
    assert (told.rows, told.judged, told.empty) == (300, 299, 1)
    assert found[8][3:] == ["", ""]
    # The same head, asked for one typed example, says the same.
    said = lab.predict(run, "word5", "other5").probabilities[0][0]
    assert found[6][3] == said[0]
    assert float(found[6][4]) == pytest.approx(said[1], abs=2e-4)


def test_formulas_are_quoted_and_numbers_stay_numbers(lab, run, tmp_path):
    rows = [["=1+1", "@x", "-3.5"], ["+cmd|' /C calc'!A0", "b", "plain"], ["c", "d", "e"]] * 5
    out = tmp_path / "out.csv"
    lab.label_file(run, plan_with(write_pairs(tmp_path / "in.csv", rows)), out)
    assert table(out)[1][:3] == ["'=1+1", "'@x", "-3.5"]
    assert table(out)[2][0].startswith("'+cmd")


def test_words_get_a_row_each(lab, word_run, tmp_path):
    file = tmp_path / "in.csv"
    file.write_text("id,sentence\n1,we flew to paris\n2,\n3,john slept well\n" * 2)
    plan = plan_of(file, "word").with_role("sentence", "text")
    out = tmp_path / "out.csv"
    told = lab.label_file(word_run, plan, out)
    found = table(out)
    assert found[0] == ["line", "word", "predicted", "probability"]
    assert [row[1] for row in found[1:5]] == ["we", "flew", "to", "paris"]
    assert {row[2] for row in found[1:]} <= {"lower case", "capital"}
    assert told.empty == 2


def test_stop_and_errors_leave_nothing(lab, run, tmp_path):
    class Stopping(Silent):
        def check(self) -> None:
            raise JobCancelled

    file = write_pairs(tmp_path / "in.csv", [["a", "b", "c"]] * 10)
    out = tmp_path / "deep" / "out.csv"
    with pytest.raises(JobCancelled):
        lab.label_file(run, plan_with(file), out, Stopping())
    assert list(out.parent.iterdir()) == []
    with pytest.raises(ConfigError, match="is the file to be labelled"):
        lab.label_file(run, plan_with(file), file)
    with pytest.raises(ConfigError, match="second text"):
        lab.label_file(run, plan_with(file).with_role("second", "ignore"), out)
    empty = write_pairs(tmp_path / "none.csv", [["", "", "x"]] * 6)
    with pytest.raises(DataError, match="no text to label"):
        lab.label_file(run, plan_with(empty), out)
    assert not out.exists()


def test_a_run_whose_task_was_removed_still_labels(lab, tmp_path):
    from fineview.core.data.reading import read

    source = tmp_path / "mine.csv"
    lines = [
        f"{'good' if i % 2 else 'bad'} film number {i},{'pos' if i % 2 else 'neg'}"
        for i in range(40)
    ]
    source.write_text("text,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    with lab.shelf.library.staging() as folder:
        info = lab.shelf.library.keep(read(inspect([source]).plan, folder))
    encoder = str(tiny_encoder_folder(tmp_path / "tiny"))
    run_id = lab.execute(
        RunSpec(task=info.name, encoder=encoder, training=TrainConfig(epochs=1))
    ).run_id
    lab.shelf.library.remove(info.name)
    lab.forget_task(info.name)
    out = tmp_path / "out.csv"
    told = lab.label_file(run_id, columns_for("sentence", inspect([source]), ("text",)), out)
    assert told.judged == 40
    assert {row[2] for row in table(out)[1:]} <= {"pos", "neg"}
    assert Path(told.path) == out
