"""Comparisons: a queue of real runs on a tiny encoder, kept, stopped, continued; their figures."""

import csv
import io
import json
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from fineview.core.data.task import Task, TaskInfo
from fineview.core.errors import ConfigError, JobCancelled, RunError
from fineview.core.laboratory import Laboratory
from fineview.core.locations import Locations
from fineview.core.progress import Silent
from fineview.core.runs.compare import compare, go_on, plan_for
from fineview.core.runs.compare_choice import (
    PRESETS,
    CompareChoice,
    base_of,
    choice_from_dict,
    preset,
    preset_of,
)
from fineview.core.runs.compare_clock import Clock
from fineview.core.runs.compare_figures import RunFigures, figures_of
from fineview.core.runs.compare_marks import TestItems, marks_of
from fineview.core.runs.compare_plan import plan_of
from fineview.core.runs.compare_rows import (
    Comparison,
    Figure,
    _shifted,
    over_seeds,
    pareto_front,
    rows_of,
    stored_bytes,
)
from fineview.core.runs.compare_study import comparison_of
from fineview.core.runs.compare_table import csv_of, json_of, markdown_of, table_of
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import HEAD_TITLES
from fineview.core.training.metrics import spearman, wilson
from tests.core.tiny import tiny_encoder_folder

SMALL = CompareChoice(
    strategies=("head", "full", "random-features", "classical"),
    seeds=2,
    epochs=1,
    train_items=60,
    held_out_items=50,
    max_length=24,
)


class Watch(Silent):
    """Keeps what is published; stops once so many runs are done and another has begun."""

    def __init__(self, stop_after=None):
        self.shown = []
        self.told = []
        self.stop_after = stop_after

    def publish(self, event):
        assert isinstance(event, Comparison)  # a run's own events stay in its folder
        self.shown.append(event)

    def progress(self, done, total, text=""):
        self.told.append((done, total, text))

    def check(self):
        if self.stop_after is None or not self.shown:
            return
        now = self.shown[-1]
        begun = any(run.status == "running" and run.run_id for r in now.rows for run in r.runs)
        if now.done >= self.stop_after and begun:
            raise JobCancelled


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A whole comparison, and the folders it has left."""
    folder = tmp_path_factory.mktemp("compare")
    spec = RunSpec(encoder=str(tiny_encoder_folder(folder / "tiny")))
    locations = Locations(folder / "workspace", folder / "cache")
    lab, watch = Laboratory(locations), Watch()
    study = compare(lab, spec, SMALL, watch)
    lab.close()
    return locations, spec, study, watch


@pytest.fixture
def found(compared):
    return comparison_of(compared[2])


def test_every_combination_becomes_a_row_with_its_seeds(compared, found):
    _, spec, study, watch = compared
    assert (study.kind, study.status, found.total, found.done) == ("compare", "finished", 8, 8)
    assert study.title == "Comparison · Word relations"
    assert [row.arm.title for row in found.rows] == [
        "Head only", "Full fine-tuning", "Random features", "TF-IDF → SVD",
    ]  # fmt: skip
    assert all(row.status == "finished" and len(row.finished) == 2 for row in found.rows)
    assert found.base == base_of(spec)
    # Seed 0 of every row comes first: whoever stops early has compared all of them.
    begun = [e for e in watch.shown if e.done == 4]
    assert all(len(row.finished) == 1 for row in begun[0].rows)
    assert [t for t in watch.told if "run 2 of 8 · Full fine-tuning · seed 0" in t[2]]
    dones = [done for done, _, _ in watch.told]
    assert dones == sorted(dones)
    assert watch.told[-1][0] == watch.told[-1][1]


def test_the_runs_are_ordinary_ones_without_checkpoints(compared, found):
    locations, _, _, _ = compared
    lab = Laboratory(locations)
    try:
        full = found.rows[1].runs[1]
        record = lab.runs.read(full.run_id)
        assert record.summary.title == "Full fine-tuning · seed 1"
        assert (record.spec.seed, record.spec.strategy.kind) == (1, "full")
        assert record.spec.training.epochs == 1
        assert record.spec.split.train_items == 60
        assert record.result["test_accuracy"] == full.test
        assert record.result["trained_parameters"] == full.parameters
        assert lab.runs.checkpoints(full.run_id) == ()
        head = lab.runs.read(found.rows[0].runs[0].run_id)
        assert head.spec.training.epochs == 100  # what costs nothing keeps its many epochs
        # The study comes back as it was.
        assert comparison_of(lab.studies.read(found.study_id)) == found
        assert lab.studies.list("compare")[0].text == found.text
    finally:
        lab.close()


def test_costs_are_those_that_the_notes_name(found):
    head, full, features, classical = found.rows
    assert head.gap == pytest.approx(head.train.value - head.test.value)
    assert head.parameters == 16 * 14 + 14
    assert (head.own_bytes, full.shared_bytes) == (4 * head.parameters, 0)
    assert head.shared_bytes == full.own_bytes - head.own_bytes  # the encoder, once for all
    for tasks in (1, 10, 100):
        assert head.stored(tasks) == tasks * head.own_bytes + head.shared_bytes
        assert full.stored(tasks) == tasks * full.own_bytes
    assert stored_bytes(3, 100, 10) == 130
    assert (head.cka, head.distance) == (1.0, 0.0)  # nothing of it moves
    assert full.cka < 1
    assert full.distance > 0
    assert head.peak_bytes is None  # nobody looked
    assert full.peak_bytes > 0
    # The pass over the texts is paid for by every row that begins with its features.
    assert head.features_seconds > 0
    assert head.seconds > head.features_seconds
    assert features.features_seconds > 0
    assert (full.features_seconds, classical.features_seconds) == (0.0, 0.0)
    assert classical.shared_bytes == 0


def test_references_stand_beside_the_rows(found):
    majority, tfidf = found.lines
    assert (majority.name, tfidf.name) == ("majority", "tfidf")
    items = found.rows[0].runs[0].items
    right = round(majority.test.value * items)
    assert (majority.test.low, majority.test.high) == wilson(right, items)
    assert found.text.startswith("Best: TF-IDF → SVD, accuracy 0.")
    assert "pretrained features 0." in found.text
    assert "Majority 0." in found.text
    assert [row.mark for row in found.rows].count("best") == 1


@pytest.mark.parametrize("count", range(2, 11))
def test_intervals_over_seeds_are_students(count):
    values = np.random.default_rng(count).normal(0.7, 0.01, count).tolist()
    figure = over_seeds(values)
    low, high = stats.t.interval(
        0.95, count - 1, loc=np.mean(values), scale=np.std(values, ddof=1) / sqrt(count)
    )
    assert (figure.low, figure.high) == pytest.approx((low, high), abs=1e-6)
    assert figure.value == pytest.approx(np.mean(values))
    assert figure.over == "seeds"


def test_intervals_stay_where_values_can_be_and_say_what_they_are_over():
    assert over_seeds([0.9, 1.0]).high == 1.0
    assert over_seeds([0.0, 0.1]).low == 0.0
    assert over_seeds([0.0, 0.1], -1.0).low < 0
    assert over_seeds([]) is None
    assert over_seeds([0.5]).over == "nothing"
    plan = plan_of(RunSpec(), replace(SMALL, strategies=("head",), seeds=3), 60, {})
    (arm,) = plan.arms
    runs = {
        (arm.key, seed): RunFigures(
            arm=arm.key, seed=seed, status="finished", test=0.6, interval=wilson(30, 50), items=50
        )
        for seed in range(3)
    }
    (row,) = rows_of(plan.arms, runs, {})
    # Where the seeds change nothing, luck in the test items is all there is.
    assert (row.test.low, row.test.high, row.test.over) == (*wilson(30, 50), "items")


def test_the_front_holds_what_nothing_else_beats():
    points = np.random.default_rng(0).integers(0, 6, (40, 2)).tolist()
    front = pareto_front(points)
    for (cost, quality), on in zip(points, front, strict=True):
        beaten = any(c <= cost and q >= quality and (c < cost or q > quality) for c, q in points)
        assert on != beaten
    assert pareto_front([(1, 0.5), (None, 0.9), (2, None), (2, 0.5)]) == (True, False, False, False)
    assert pareto_front([]) == ()


def task_of(labels, kind="class", words=None):
    labels = np.asarray(labels)
    items = np.arange(len(labels))
    info = TaskInfo(
        name="t", title="T", level="word" if words else "sentence", meaning="", source="",
        licence="",
    )  # fmt: skip
    return Task(
        info=info,
        texts=tuple(" ".join(w) for w in words) if words else ("x",) * len(labels),
        words=words,
        labels=labels,
        label_kind=kind,
        classes=("a", "b") if kind == "class" else (),
        splits={"train": items[:2], "validation": items[2:4], "test": items[4:]},
    )


def finished(key, value):
    plan = plan_of(RunSpec(), replace(SMALL, strategies=(key,), seeds=1), 60, {})
    (arm,) = plan.arms
    run = RunFigures(arm=arm.key, seed=0, status="finished", run_id=key, test=value, items=100)
    return rows_of([arm], {(arm.key, 0): run}, {})[0]


def answers(task, right):
    """Predictions of which so many are right, item by item."""
    items = task.splits["test"]
    labels = task.labels[items]
    said = np.where(right, labels, 1 - labels)
    return {"test.items": items, "test.probabilities": np.eye(2)[said]}


def test_rows_are_tied_by_a_paired_bootstrap_over_test_items():
    rng = np.random.default_rng(1)
    task = task_of(rng.integers(0, 2, 404))
    test = TestItems(task)
    assert test.weights.shape == (1000, 400)
    assert (test.weights.sum(1) == 400).all()
    right = rng.random(400) < 0.8
    nearly, worse = right.copy(), right.copy()
    nearly[np.flatnonzero(right)[:2]] = False
    worse[np.flatnonzero(right)[:60]] = False
    rows, samples = [], {}
    for key, hits in (("full", right), ("lora", nearly), ("head", worse)):
        samples[key] = test.samples(task, answers(task, hits))
        assert samples[key] == pytest.approx(test.weights @ hits / 400)
        rows.append(finished(key, hits.mean()))
    marks = marks_of(rows, samples)
    assert {key.split("·")[1]: mark for key, mark in marks.items()} == {
        "full": "best", "lora": "tied",
    }  # fmt: skip
    control = replace(rows[0], arm=replace(rows[0].arm, control="shuffled-labels", key="c"))
    assert "c" not in marks_of([*rows, control], samples)
    assert marks_of([], samples) == {}


def test_a_run_that_dropped_items_is_paired_with_the_others():
    task = task_of(np.arange(104) % 2)
    test = TestItems(task)
    said = answers(task, np.arange(100) % 5 > 0)
    some = {name: values[10:] for name, values in said.items()}
    hits = (np.arange(100) % 5 > 0)[10:]
    weights = test.weights[:, 10:]
    assert test.samples(task, some) == pytest.approx(weights @ hits / weights.sum(1))


def test_words_are_drawn_by_sentences_and_numbers_by_rank():
    words = tuple(("one", "two", "three", "four") for _ in range(30))
    test = TestItems(task_of(np.arange(120) % 2, words=words))
    assert (test.weights.reshape(1000, 29, 4).std(2) == 0).all()
    values = np.random.default_rng(0).normal(size=64)
    task = task_of(values, kind="number")
    test = TestItems(task, samples=60)
    said = values[4:] + np.random.default_rng(1).normal(size=60)
    found = test.samples(task, {"test.items": task.splits["test"], "test.numbers": said[:, None]})
    rows = np.repeat(np.arange(60), test.weights[7])
    assert found[7] == pytest.approx(spearman(values[4:][rows], said[rows]))


def test_a_stopped_comparison_goes_on_where_it_was(compared, tmp_path):
    _, spec, _, _ = compared
    lab = Laboratory(Locations(tmp_path / "w", tmp_path / "c"))
    choice = replace(SMALL, strategies=("head", "classical"), train_items=40, held_out_items=20)
    try:
        with pytest.raises(JobCancelled):
            compare(lab, spec, choice, Watch(stop_after=1))
        (study,) = lab.studies.list("compare")
        assert study.status == "stopped"
        first = comparison_of(study)
        assert "1 of 4 runs are done" in first.text
        done, cut = first.rows[0].runs[0], first.rows[1].runs[0]
        assert (done.status, cut.status) == ("finished", "stopped")
        # A process that is killed leaves the study running; the next one finds it interrupted.
        runs = [
            {**run, "status": "running"} if run["run_id"] == cut.run_id else run
            for run in study.found["runs"]
        ]
        lab.studies.save(replace(study, status="running", found={**study.found, "runs": runs}))
        lab.close()
        lab = Laboratory(Locations(tmp_path / "w", tmp_path / "c"))
        assert lab.studies.list("compare")[0].status == "interrupted"
        watch = Watch()
        second = comparison_of(go_on(lab, study.study_id, watch))
        assert second.status == "finished"
        assert lab.studies.read(study.study_id).status == "finished"
        assert watch.shown[0].status == "running"
        assert second.rows[0].runs[0] == done
        assert second.rows[1].runs[0].run_id == cut.run_id  # resumed, not repeated
        assert second.rows[1].runs[0].status == "finished"
        assert len(lab.runs.list()) == 4
        # Nothing is left to do: nothing is done again.
        assert comparison_of(go_on(lab, study.study_id)).rows == second.rows
        assert len(lab.runs.list()) == 4
        other = lab.studies.create("other", "tasks", "x", {})
        with pytest.raises(RunError, match="is no comparison"):
            go_on(lab, other.study_id)
    finally:
        lab.close()


def test_what_fails_becomes_a_row_and_the_queue_goes_on(compared, tmp_path):
    _, spec, _, _ = compared
    lab = Laboratory(Locations(tmp_path / "w", tmp_path / "c"))
    choice = replace(
        SMALL, strategies=("head",), encoders=("/nowhere", spec.encoder), seeds=1, train_items=40
    )
    try:
        found = comparison_of(compare(lab, spec, choice))
        refused, done = found.rows
        assert (refused.status, done.status) == ("refused", "finished")
        assert "/nowhere" in refused.runs[0].text
        assert refused.test is None
        assert done.mark == "best"
        assert "/nowhere" in found.text
        # Words that are all cut away: the run has begun, and is kept as failed.
        words = replace(spec, task="capitals")
        choice = replace(SMALL, strategies=("head", "classical"), seeds=1, max_length=3)
        found = comparison_of(compare(lab, words, choice))
        assert [row.status for row in found.rows] == ["failed", "finished"]
        assert "raise the maximum length" in found.rows[0].runs[0].text
        assert lab.runs.summary(found.rows[0].runs[0].run_id).status == "failed"
        with pytest.raises(Exception, match="no task 'none'"):
            compare(lab, replace(spec, task="none"), SMALL)
        assert len(lab.studies.list()) == 2
    finally:
        lab.close()


def test_a_diverged_run_has_its_sentence_and_no_figures():
    run = RunFigures(arm="a", seed=0)
    found = figures_of(run, {"status": "diverged", "text": "Diverged.", "seconds": 3.0}, 1.0)
    assert (found.status, found.text, found.test) == ("diverged", "Diverged.", None)
    assert (found.seconds, found.features_seconds) == (2.0, 1.0)


def test_the_plan_leaves_out_what_cannot_be_and_repeats_nothing_in_vain():
    choice = CompareChoice(
        strategies=("head", "full", "classical"),
        heads=("linear", "forest", "knn"),
        encoders=("one", "two"),
        seeds=3,
        shuffled=True,
        random_features=True,
    )
    plan = plan_of(RunSpec(), choice, 1000, {"one": 16, "two": 1536}, {"one": "One"})
    assert plan.notes == (
        "4 combinations were left out: a head without gradient steps cannot train an encoder.",
    )
    true = [arm for arm in plan.arms if arm.control == "none"]
    assert len(true) == 2 * (3 + 1 + 3) + 3  # head, full, random features; TF-IDF only once
    assert len({arm.key for arm in plan.arms}) == len(plan.arms) == 2 * len(true)
    seeds = {(arm.strategy, arm.head): len(arm.seeds) for arm in true}
    assert seeds["head", "knn"] == 1  # no seed changes it
    assert seeds["random-features", "knn"] == 3  # but this one's features
    assert all(len(arm.seeds) == 1 for arm in plan.arms if arm.control != "none")
    specs = {(p.arm.key, p.seed): p.spec for p in plan.runs}
    assert len(specs) == len(plan.runs) == sum(len(arm.seeds) for arm in plan.arms)
    full = specs["two·full·linear", 2]
    assert (full.encoder, full.seed, full.training.epochs) == ("two", 2, 3)
    assert full.training.optimiser == "adamw"
    head = specs["two·head·linear", 0]
    assert head.training.learning_rate == 0.025  # for 1 536 features
    assert head.training.epochs == 100
    titles = [arm.title for arm in plan.arms]
    assert "Head only · k nearest neighbours · One" in titles
    assert f"TF-IDF → SVD · {HEAD_TITLES['forest']} · shuffled labels" in titles


def test_curves_have_places_and_each_its_own_spec():
    rows = replace(SMALL, shape="rows", strategies=("head",), train_items=0)
    assert rows.places(420) == (25, 50, 100, 200, 400, 420)
    assert rows.places(20) == (20,)
    assert replace(rows, sizes=(500, 30)).places(420) == (30, 420)
    plan = plan_of(RunSpec(), rows, 420, {})
    assert [p.spec.split.train_items for p in plan.runs[:6]] == [25, 50, 100, 200, 400, 420]
    assert plan.arms[2].title == "Head only · 100 rows"
    assert {arm.name for arm in plan.arms} == {"Head only"}
    width = replace(rows, shape="width", sizes=(8, 2), heads=("linear",))
    plan = plan_of(RunSpec(), width, 420, {})
    assert [(p.spec.head.kind, p.spec.head.width) for p in plan.runs[:2]] == [
        ("mlp", 2),
        ("mlp", 8),
    ]
    depth = plan_of(RunSpec(), replace(width, shape="depth"), 420, {})
    assert [p.spec.head.hidden_layers for p in depth.runs[:2]] == [2, 8]
    assert SMALL.places(420) == (0,)


def test_presets_and_choices_come_back_from_files(compared):
    for name in PRESETS:
        choice = preset(name, replace(SMALL, seeds=5, sizes=(7,)), ("a", "b"))
        assert choice.seeds == 5
        assert preset_of(choice) == name
        assert plan_of(RunSpec(), choice, 100, {}).runs
    assert preset_of(SMALL) is None
    values = json.loads(json.dumps({"preset": "heads", "seeds": 2}))
    choice = choice_from_dict(values)
    assert (choice.seeds, choice.heads[:3]) == (2, ("linear", "mlp", "forest"))
    spec = RunSpec(seed=4, control="shuffled-labels")
    assert (base_of(spec).seed, base_of(spec).control) == (0, "none")
    assert base_of(base_of(spec)) == base_of(spec)
    assert replace(SMALL, axis="seconds", tasks=10).measured == SMALL


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"strategies": ["half"]}, "strategies"),
        ({"strategies": []}, "strategies"),
        ({"heads": ["linear", "linear"]}, "heads"),
        ({"seeds": 11}, "seeds"),
        ({"epochs": 0}, "epochs"),
        ({"shape": "width", "sizes": [9000]}, "sizes"),
        ({"train_items": -1}, "train_items"),
        ({"tasks": 3}, "tasks"),
        ({"rows": 3}, "rows"),
        ({"preset": "all"}, "preset"),
    ],
)
def test_a_choice_that_will_not_do_is_refused_with_its_field(values, field):
    with pytest.raises(ConfigError) as error:
        choice_from_dict(values)
    assert field in error.value.field


def test_numbers_can_be_taken_along(found):
    header, rows = table_of(found)
    assert all(len(row) == len(header) for row in rows)
    assert len(rows) == 4 + 2
    read = list(csv.DictReader(io.StringIO(csv_of(found))))
    assert float(read[1]["bytes_of_100_tasks"]) == 100 * found.rows[1].own_bytes
    assert read[-1]["row"] == "TF-IDF"
    lines = markdown_of(found).splitlines()
    assert len(lines) == 2 + 4 + 2
    assert {line.count("|") for line in lines} == {lines[0].count("|")}
    told = json.loads(json_of(found))
    assert told["rows"][0]["stored"]["10"] == found.rows[0].stored(10)
    assert told["text"] == found.text


def test_the_clock_tells_the_rest_by_what_was_spent():
    plan = plan_of(RunSpec(), replace(SMALL, strategies=("head", "full"), seeds=2), 60, {})
    clock = Clock(plan.runs)
    assert clock.left(0, 0.0) is None
    clock.skip(0, 1.0)
    clock.skip(1, 30.0)
    assert clock.left(2, 0.5) == pytest.approx(0.5 + 30)
    assert clock.share(3, 1.0) == pytest.approx(1 - clock.share(2, 1.0) + clock.share(2, 0.0))
    assert clock.begin(2).at(0.0)[2] == "run 3 of 4 · Head only · seed 1 · about 31 s left"


def test_a_plan_can_be_looked_at_before_it_is_carried_out(compared):
    locations, spec, _, _ = compared
    lab = Laboratory(locations)
    try:
        assert len(plan_for(lab, spec, SMALL).runs) == 8
        assert len(lab.studies.list()) == 1
    finally:
        lab.close()


def test_a_second_test_set_that_no_seed_changes_has_no_interval_of_nothing():
    assert _shifted([0.52, 0.52], 0.0) == Figure(0.52, 0.52, 0.52, "nothing")
    assert _shifted([0.5, 0.6], 0.0) == over_seeds([0.5, 0.6], 0.0)
    assert _shifted([], 0.0) is None
