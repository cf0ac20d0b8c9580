"""Studies of prompts on disk and back, what a curve says, and the script that says the same."""

from dataclasses import replace

import pytest

from fineview.core.errors import JobCancelled, RunError
from fineview.core.progress import Silent
from fineview.core.prompting.choices import (
    AnswerConfig,
    EvaluateChoice,
    ModelChoice,
    PromptConfig,
    SamplingConfig,
    ShotsChoice,
)
from fineview.core.prompting.completion_script import completion_script, tokens_csv
from fineview.core.prompting.decoding import Decoder
from fineview.core.prompting.seen import ShotsCurve, ShotsPoint
from fineview.core.prompting.shots_lesson import band, lesson
from fineview.core.runs.prompt_studies import (
    PromptStudy,
    evaluate_prompt,
    measure_shots,
    prompt_study_of,
)
from fineview.core.runs.spec import RunSpec
from tests.core.tiny import tiny_encoder_folder
from tests.core.tiny_causal import tiny_causal_folder


class Watch(Silent):
    """Keeps what was published; stops after some studies with results."""

    def __init__(self, most=10**9):
        self.studies = []
        self._most = most

    def publish(self, event):
        if isinstance(event, PromptStudy):
            self.studies.append(event)

    def check(self):
        if sum(bool(study.results) for study in self.studies) >= self._most:
            raise JobCancelled


@pytest.fixture
def model(tmp_path):
    return ModelChoice(name=str(tiny_causal_folder(tmp_path / "lm", window=1024)))


CAPITALS = PromptConfig()
GENERATED = AnswerConfig(max_tokens=4)
CHOICE = EvaluateChoice(shots=2, most=6, seeds=2, formats=("{input}: {label}",))


def test_an_evaluation_is_read_back_as_it_was_measured(lab, model):
    study = evaluate_prompt(lab, RunSpec(), model, CAPITALS, GENERATED, CHOICE)
    found = prompt_study_of(lab.studies.read(study.study_id))
    assert found.status == "finished"
    assert found.asked.model == model
    assert found.asked.evaluate == CHOICE
    assert [(r.format, r.evaluation.seed) for r in found.results] == [
        (CAPITALS.example, 0),
        (CAPITALS.example, 1),
        ("{input}: {label}", 0),
        ("{input}: {label}", 1),
    ]
    assert all(len(result.evaluation.rows) == 6 for result in found.results)
    again = evaluate_prompt(lab, RunSpec(), model, CAPITALS, GENERATED, CHOICE)
    other = prompt_study_of(again)
    for one, two in zip(found.results, other.results, strict=True):
        assert one.evaluation.rows == two.evaluation.rows


def test_a_stopped_evaluation_keeps_what_is_done(lab, model):
    watch = Watch(most=1)
    with pytest.raises(JobCancelled):
        evaluate_prompt(lab, RunSpec(), model, CAPITALS, GENERATED, CHOICE, watch)
    (kept,) = lab.studies.list("prompt")
    assert kept.status == "stopped"
    assert len(prompt_study_of(kept).results) == 1


def test_a_study_of_another_kind_or_damaged_is_refused(lab, model):
    study = evaluate_prompt(
        lab, RunSpec(), model, CAPITALS, GENERATED, replace(CHOICE, seeds=1, formats=())
    )
    with pytest.raises(RunError, match="no study of prompts"):
        prompt_study_of(replace(study, kind="compare"))
    with pytest.raises(RunError, match="does not hold what a study of prompts holds"):
        prompt_study_of(replace(study, asked={}))


def test_a_curve_grows_point_by_point_and_is_read_back(lab, model, tmp_path):
    spec = RunSpec(encoder=str(tiny_encoder_folder(tmp_path / "bert")))
    choice = ShotsChoice(source="table:sentiment", counts=(0, 2), seeds=2, orders=2, most=10)
    prompt = PromptConfig(example="{input} {label}", shots=(), query=("",))
    watch = Watch()
    study = measure_shots(lab, spec, model, prompt, AnswerConfig(reading="score"), choice, watch)
    curve = prompt_study_of(lab.studies.read(study.study_id)).curve
    assert len(curve.points) == 2 + 2 * (2 * 2 + 1)
    grown = [len(one.curve.points) for one in watch.studies if one.curve is not None]
    assert grown == sorted(grown)
    assert grown[0] == 1
    assert "From 0 to 2 examples" in lesson(curve)


def points(curve, by_shots):
    return [
        ShotsPoint(curve, shots, seed, order, accuracy)
        for shots, rows in by_shots.items()
        for (seed, order), accuracy in rows.items()
    ]


def test_what_a_curve_says_is_made_of_its_points():
    prompt = {
        0: {(0, 0): 0.5},
        2: {(0, 0): 0.4, (0, 1): 0.6, (1, 0): 0.5, (1, 1): 0.5},
        8: {(0, 0): 0.7, (1, 0): 0.7},
    }
    head = {2: {(0, 0): 0.45, (1, 0): 0.45}, 8: {(0, 0): 0.9, (1, 0): 0.8}}
    curve = ShotsCurve(
        task="t",
        model="m",
        encoder="MiniLM",
        points=(*points("prompt", prompt), *points("head", head)),
        majority=0.5,
        most=100,
        labels="true",
    )
    assert band(curve, "prompt")[1] == (2, 0.5, 0.4, 0.6, 4)
    said = lesson(curve)
    assert "From 0 to 8 examples the prompt goes from 0.50 to 0.70" in said
    assert "With 2 examples accuracy lies between 0.40 and 0.60" in said
    assert "another order move it by 0.10" in said  # sqrt((0.02 + 0) / 2)
    assert "From 8 examples on the head on MiniLM is better: with 8 examples it has 0.85" in said
    assert lesson(replace(curve, points=())) == ""
    behind = {2: {(0, 0): 0.55}, 8: {(0, 0): 0.6}}
    other = (*points("prompt", prompt), *points("head", behind))
    said = lesson(replace(curve, points=other))
    assert "stays behind at the end: with 8 examples it has 0.60, the prompt 0.70" in said
    low = {2: {(0, 0): 0.1}, 8: {(0, 0): 0.2}}
    other = (*points("prompt", prompt), *points("head", low))
    assert "never passes it" in lesson(replace(curve, points=other))
    without = replace(curve, points=tuple(points("prompt", prompt)))
    assert "head" not in lesson(without)


@pytest.mark.parametrize("stop", [(), ("at",)])
def test_the_script_says_what_the_notebook_says(lab, model, capsys, stop):
    sampling = SamplingConfig(max_tokens=8, stop=stop)
    lab.prompts.load(model)
    opened = lab.prompts.model(model)
    said = Decoder(opened).generate("the cat sat", sampling)
    exec(completion_script(opened, "the cat sat", sampling), {})
    printed = capsys.readouterr().out.rstrip("\n")
    assert printed.startswith(said.text)
    if not stop:
        assert printed.removesuffix("</s>") == said.text


def test_the_table_of_tokens_has_a_line_for_each(lab, model):
    lab.prompts.load(model)
    read = Decoder(lab.prompts.model(model)).read("the cat, “sat”\n")
    lines = tokens_csv(read)
    assert lines.startswith("token,text,probability,surprisal_nats,rank,entropy_nats\n")
    import csv
    import io

    rows = list(csv.DictReader(io.StringIO(lines)))
    assert "".join(row["text"] for row in rows) == "the cat, “sat”\n"
    assert rows[0]["probability"] == ""
