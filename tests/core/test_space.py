"""The map of texts over a tiny encoder: sampling, layers, the run on display, coordinates."""

from dataclasses import replace

import numpy as np
import pytest

from fineview.core.data.items import TaskItems
from fineview.core.errors import ConfigError, DataError, ImportProblem, JobCancelled
from fineview.core.explore.choices import SpaceChoice
from fineview.core.explore.coordinates import read_coordinates, write_coordinates
from fineview.core.explore.sampled import ItemStates, drawn_items, states_of_items
from fineview.core.explore.space import Projected
from fineview.core.explore.space_work import Space, open_space
from fineview.core.features.config import PoolingConfig
from fineview.core.features.hidden import HiddenStates
from fineview.core.features.pooling import pool
from fineview.core.progress import Silent
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import TrainConfig
from tests.core.tiny import tiny_encoder_folder

PCA = SpaceChoice(points=200)


@pytest.fixture
def spec(tmp_path):
    return RunSpec(encoder=str(tiny_encoder_folder(tmp_path / "tiny")))


@pytest.fixture
def space(lab, spec):
    return open_space(lab, spec, PCA)


class Frames(Silent):
    def __init__(self, stop_after=10**9):
        self.frames = []
        self.done = []
        self.stop_after = stop_after

    def publish(self, event):
        self.frames.append(event)

    def progress(self, done, total, text=""):
        self.done.append((done, total))

    def check(self):
        if len(self.frames) >= self.stop_after:
            raise JobCancelled


def test_points_are_a_stratified_sample_with_their_texts(lab, spec, space):
    task, points = lab.task(spec.task), space.points
    assert len(points) == 200 < points.total == len(task)
    assert (np.diff(points.items) > 0).all()
    assert points.texts[17] == task.example(int(points.items[17]))
    np.testing.assert_array_equal(points.labels, task.labels[points.items])
    whole = TaskItems(task).splits
    for split in range(3):
        for label in range(len(task.classes)):
            exact = 200 * ((whole == split) & (task.labels == label)).sum() / len(task)
            got = ((points.splits == split) & (points.labels == label)).sum()
            assert abs(got - exact) < 1


def test_the_seed_draws_the_sample():
    labels, splits = np.arange(1000) % 7, np.zeros(1000, dtype=np.int8)
    every = np.arange(1000)
    first = drawn_items(labels, splits, every, 100, 1)
    np.testing.assert_array_equal(first, drawn_items(labels, splits, every, 100, 1))
    assert not np.array_equal(first, drawn_items(labels, splits, every, 100, 2))
    assert len(np.unique(first)) == 100
    np.testing.assert_array_equal(drawn_items(labels, splits, every[:50], 100, 1), every[:50])
    numbers = np.random.default_rng(0).normal(size=1000)
    drawn = drawn_items(numbers, splits, every, 100, 1, "number")
    ranks = np.argsort(np.argsort(numbers))[drawn] // 200
    np.testing.assert_array_equal(np.bincount(ranks), [20] * 5)


def test_only_the_sample_is_extracted_and_equals_the_rows_of_the_whole(lab, spec):
    items = np.array([3, 40, 41, 333], dtype=np.int64)
    part = states_of_items(lab, spec, items)
    assert not part.cached
    assert [entry.rows for entry in lab.store.entries()] == [4]
    whole = lab.features(spec)
    taken = states_of_items(lab, spec, items)
    assert taken.cached
    assert len(taken.hidden) == len(whole)
    np.testing.assert_array_equal(taken.items, items)
    np.testing.assert_allclose(part.hidden.states, whole.states[items], rtol=2e-5, atol=2e-6)
    np.testing.assert_array_equal(taken.layer(1, "max"), whole.states[items][:, 1, 2])


def test_words_are_read_from_the_capped_task(lab, spec):
    words = replace(spec, task="capitals")
    space = open_space(lab, words, PCA)
    points = space.points
    assert len(points) == 200
    every = TaskItems(lab.task("capitals")).every
    assert points.total == len(every) < points.task_items
    known = np.intersect1d(every, lab.features(words).items)
    assert points.dropped_words == len(every) - len(known) > 0
    assert points.texts[9] == lab.task("capitals").example(int(points.items[9]))
    figure = space.figures(PCA)[0]
    assert figure.value is not None
    assert figure.low <= figure.value <= figure.high


@pytest.mark.parametrize("mix", ["single", "mean", "sum", "concat", "weighted"])
def test_pooled_features_are_those_of_a_head(lab, spec, mix):
    items = np.arange(0, 500, 5)
    states = states_of_items(lab, spec, items)
    layers = (1,) if mix == "single" else (0, 1, -1)
    pooling = PoolingConfig(layers=layers, mix=mix, tokens="cls")
    wanted = pool(states.hidden.states[states.rows], pooling, "pair")
    if mix == "weighted":
        weights = np.array([0.5, 0.3, 0.2])
        wanted = np.einsum("mkd,k->md", wanted, weights)
        got = states.pooled(pooling, weights)
    else:
        got = states.pooled(pooling)
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


def test_pca_names_its_axes_and_depends_on_the_layer(space):
    last = space.project(PCA)
    assert last.coordinates.shape == (200, 2)
    assert last.axes[0].startswith("PC 1 (")
    assert (last.iteration, last.iterations, last.layer) == (0, 0, -1)
    first = space.project(replace(PCA, layer=0, dimensions=3))
    assert first.coordinates.shape == (200, 3)
    assert first.layer == 0
    # The spec looks at the last layer.
    np.testing.assert_array_equal(
        space.project(replace(PCA, layer=2)).coordinates, last.coordinates
    )


def test_t_sne_publishes_frames_and_stops(space):
    choice = replace(PCA, method="tsne", perplexity=10.0)
    report = Frames()
    last = space.project(choice, report)
    assert report.frames
    assert all(isinstance(frame, Projected) for frame in report.frames)
    assert last.iteration == last.iterations > report.frames[-1].iteration
    assert "far groups mean nothing" in last.note
    stopped = Frames(stop_after=1)
    with pytest.raises(JobCancelled):
        space.project(choice, stopped)
    assert len(stopped.frames) == 1


def test_umap_says_how_to_get_it_where_it_is_missing(space, monkeypatch):
    monkeypatch.setattr("fineview.core.features.umap_layout.find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match="umap-learn"):
        space.project(replace(PCA, method="umap"))


def test_a_layer_the_encoder_lacks_is_refused(space):
    for ask in (space.project, space.figures):
        with pytest.raises(ConfigError, match=r"Layer 3 is not within 0 … 2") as caught:
            ask(replace(PCA, layer=3))
        assert caught.value.field == "layer"
    with pytest.raises(DataError, match="no point 200"):
        space.neighbours(200, PCA)


def turning(rows=60, depth=4, width=8):
    """States of a cloud whose principal components would flip from layer to layer."""
    random = np.random.default_rng(3)
    base = random.normal(size=(rows, width)) * np.linspace(3, 0.2, width)
    states = np.empty((rows, depth + 1, 3, width), dtype=np.float32)
    for layer in range(depth + 1):
        turn, _ = np.linalg.qr(random.normal(size=(width, width)))
        states[:, layer] = ((1 + layer) * (base @ turn))[:, None]
    items = np.arange(rows, dtype=np.int64)
    hidden = HiddenStates(states, items, "sentence", depth, True, 0.0, 0, 0, "")
    return ItemStates(hidden, items, items, 0, True, 0.0)


def bare(space, states, labels=None):
    rows = len(states)
    points = replace(
        space.points,
        items=states.items,
        labels=np.arange(rows) % 2 if labels is None else labels,
        splits=np.zeros(rows, dtype=np.int8),
        depth=states.depth,
        level="sentence",
    )
    return Space(points, states, PoolingConfig())


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_scrubbing_does_not_flip_what_does_not_move(space, method):
    states = turning()
    report = Frames()
    choice = replace(PCA, method=method, perplexity=10.0)
    found = bare(space, states).scrub(choice, report)
    assert found.coordinates.shape == (5, 60, 2)
    assert report.done[-1] == (5, 5)
    spread = np.sqrt((found.coordinates**2).sum(axis=(1, 2)) / 60)
    np.testing.assert_allclose(spread, 1, atol=1e-5)
    jumps = np.linalg.norm(np.diff(found.coordinates, axis=0), axis=2).mean(axis=1)
    # All layers hold the same cloud, turned: unaligned, some would be mirrored (about 1.3 apart).
    assert (jumps < (1e-3 if method == "pca" else 0.3)).all()


def test_scrubbing_shows_a_layer_without_differences_as_one_place(space):
    states = turning()
    states.hidden.states[:, 0] = 1
    found = bare(space, states).scrub(PCA)
    assert not found.coordinates[0].any()
    assert found.coordinates[1:].any(axis=(1, 2)).all()


def test_equal_texts_and_too_few_of_them_are_refused(space):
    states = turning()
    states.hidden.states[:] = 1
    same = bare(space, states)
    for ask in (same.project, same.scrub, same.figures):
        with pytest.raises(DataError, match="All 60 texts have the same features"):
            ask(PCA)
    with pytest.raises(DataError, match="at least 3 texts, not 2"):
        bare(space, turning(2)).project(PCA)
    broken = turning()
    broken.hidden.states[4] = np.nan
    with pytest.raises(DataError, match="1 of 60 texts are not numbers"):
        bare(space, broken).scrub(PCA)


def test_figures_have_baselines_and_meanings(space):
    report = Frames()
    figures = space.figures(PCA, report)
    names = ["Probe accuracy", "Silhouette", "kNN accuracy", "Isotropy", "Effective rank"]
    assert [figure.name for figure in figures] == names
    assert all(f.value is not None and f.baseline and f.meaning for f in figures)
    assert report.done[-1] == (5, 5)
    train = np.flatnonzero(space.points.splits == 0)
    assert f"On {len(train)} drawn training pairs." in figures[0].note
    assert figures == space.figures(PCA)


def test_number_labels_have_no_class_figures_but_a_reason(space):
    states = turning()
    numbers = bare(space, states, np.linspace(0, 1, 60))
    numbers.points = replace(numbers.points, label_kind="number", classes=())
    figures = {figure.name: figure for figure in numbers.figures(PCA)}
    for name in ("Probe accuracy", "Silhouette", "kNN accuracy"):
        assert figures[name].value is None
        assert "numbers" in figures[name].note
    assert figures["Isotropy"].value is not None
    layers = numbers.layer_figures(PCA)
    assert np.isnan(layers.separation).all()
    assert np.isfinite(layers.preservation[:-1]).all()


def test_layer_figures_of_a_cloud_that_only_turns(space):
    found = bare(space, turning()).layer_figures(PCA)
    assert np.isnan(found.preservation[-1])
    np.testing.assert_allclose(found.preservation[:-1], 1, atol=0.01)
    np.testing.assert_allclose(found.separation, found.separation[0], atol=1e-4)


def test_neighbours_leave_the_point_itself_out(space):
    found = space.neighbours(5, PCA, 4)
    assert len(found) == 4
    assert 5 not in [one.point for one in found]
    assert [one.distance for one in found] == sorted(one.distance for one in found)


def test_the_run_on_display_colours_every_text(lab, spec):
    trained = replace(
        spec,
        training=TrainConfig(epochs=3),
        pooling=PoolingConfig(layers=(0, 1, 2), mix="weighted"),
    )
    run_id = lab.execute(trained).run_id
    points = open_space(lab, trained, SpaceChoice(points=600), run_id).points
    stored = lab.runs.tensors(run_id, "predictions")
    np.testing.assert_array_equal(
        points.predictions[stored["test.items"]], stored["test.probabilities"].argmax(axis=1)
    )
    truth = points.labels[stored["test.items"]]
    rows = np.arange(len(truth))
    np.testing.assert_allclose(
        points.losses[stored["test.items"]],
        -np.log(stored["test.probabilities"][rows, truth]),
        rtol=1e-5,
    )
    right = points.predictions == points.labels
    wanted = lab.runs.read(run_id).result["train"]["accuracy"]
    assert right[points.splits == 0].mean() == pytest.approx(wanted)
    assert points.run_title
    learned = open_space(lab, trained, PCA, run_id).project(PCA)
    assert "that the run learned" in learned.note
    assert "equal weights" in open_space(lab, trained, PCA).project(PCA).note


def test_a_run_of_another_task_or_a_damaged_one_says_so(lab, spec):
    run_id = lab.execute(replace(spec, training=TrainConfig(epochs=1))).run_id
    other = open_space(lab, replace(spec, task="sentence-order"), PCA, run_id).points
    assert other.predictions is None
    assert "another task" in other.run_note
    file = lab.runs.read(run_id).folder / "predictions.safetensors"
    file.write_bytes(file.read_bytes()[:-4] + b"\0\1\2\3")
    damaged = open_space(lab, spec, PCA, run_id).points
    assert damaged.predictions is None
    assert "damaged" in damaged.run_note


def test_coordinates_come_back_as_they_went(space, tmp_path):
    path = tmp_path / "map.csv"
    sent = space.project(replace(PCA, dimensions=3)).coordinates
    points = replace(space.points, texts=('=1+1, "x"\nand more', *space.points.texts[1:]))
    write_coordinates(path, points, sent)
    assert "'=1+1" in path.read_text(encoding="utf-8")
    back = read_coordinates(path, points)
    np.testing.assert_array_equal(back.points, np.arange(200))
    np.testing.assert_array_equal(back.coordinates, sent)
    assert (back.missing, back.elsewhere) == (0, 0)


def test_coordinates_of_some_points_are_taken_for_those(space, tmp_path):
    points = space.points
    undrawn = int(np.setdiff1d(np.arange(points.total), points.items)[0])
    path = tmp_path / "few.csv"
    path.write_text(
        f"y,X,item\n1,2,{points.items[7] + 1}\n\n-3e1,4.5,{undrawn + 1}\n", encoding="utf-8-sig"
    )
    back = read_coordinates(path, points)
    np.testing.assert_array_equal(back.points, [7])
    np.testing.assert_array_equal(back.coordinates, [[2, 1]])
    assert (back.missing, back.elsewhere) == (199, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The file is empty"),
        ("item,x\n1,2\n", "line 1: There is no column 'y'"),
        ("item,x,x,y\n1,2,3,4\n", "line 1: There is more than one column 'x'"),
        ("item,x,y\n1,2\n", "line 2: 2 cells where the header has 3"),
        ("item,x,y\n1,2,wide\n", "line 2, column 'y': 'wide' is not a number"),
        ("item,x,y\n1,nan,2\n", "line 2, column 'x': 'nan' is not a number"),
        ("item,x,y\n1,1e39,2\n", "line 2, column 'x'"),
        ("item,x,y\none,1,2\n", "line 2, column 'item': 'one' is no item number"),
        ("item,x,y\n999999,1,2\n", "line 2, column 'item': The task has no item 999,999"),
        ("item,x,y\n0,1,2\n", "no item 0"),
        ("item,x,y\n1,1,2\n1,3,4\n", "line 3: Item 1 stands in line 2 already"),
        ("item,text,x,y\n{first},other,1,2\n", "line 2, column 'text': Item"),
        ('item,x,y\n"' + "1" * 200_000 + '",1,2\n', "no CSV|no item number"),
    ],
)
def test_bad_coordinates_are_refused_by_line(space, tmp_path, text, said):
    path = tmp_path / "bad.csv"
    path.write_text(text.replace("{first}", str(space.points.items[0] + 1)), encoding="utf-8")
    with pytest.raises(ImportProblem, match=said):
        read_coordinates(path, space.points)


def test_a_file_of_nothing_here_is_refused(space, tmp_path):
    path = tmp_path / "none.csv"
    path.write_text("item,x,y\n", encoding="utf-8")
    with pytest.raises(DataError, match="none of the 200 points"):
        read_coordinates(path, space.points)
    path.write_bytes(b"item,x,y\n\xff\xfe")
    with pytest.raises(DataError, match="UTF-8"):
        read_coordinates(path, space.points)
    with pytest.raises(DataError, match="cannot be read"):
        read_coordinates(tmp_path / "absent.csv", space.points)


@pytest.mark.parametrize(
    "pooling",
    [
        PoolingConfig(layers=(1, 2), mix="weighted", pair="separate"),
        PoolingConfig(layers=(1,), tokens="attention"),
    ],
    ids=["separate", "attention"],
)
def test_a_run_that_pools_otherwise_colours_what_it_left_and_no_more(lab, spec, pooling):
    trained = replace(spec, training=TrainConfig(epochs=2), pooling=pooling)
    run_id = lab.execute(trained).run_id
    points = open_space(lab, trained, SpaceChoice(points=600), run_id).points
    stored = lab.runs.tensors(run_id, "predictions")
    np.testing.assert_array_equal(
        points.predictions[stored["test.items"]], stored["test.probabilities"].argmax(axis=1)
    )
    assert (points.predictions[points.splits == 0] == -1).all()
    drawn = open_space(lab, trained, PCA, run_id).project(PCA)
    assert np.isfinite(drawn.coordinates).all()
    assert "that the run learned" not in drawn.note
