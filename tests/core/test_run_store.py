"""Run folders: whole, readable, resumable, whatever happens to disk and process."""

import contextlib
import json
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from fineview.core.errors import RunError, StoreError
from fineview.core.runs.spec import RunSpec, read_spec
from fineview.core.runs.store import RunStore
from fineview.core.runs.workspace import Workspace
from fineview.core.training.events import Checkpoint, RunEnded, RunStarted, TrainStep
from tests.core.runs_support import (
    begin,
    complete,
    ended,
    evaluation,
    in_child,
    quick_folder,
    step,
    tensors,
)


@pytest.fixture
def runs(tmp_path):
    with Workspace.open(tmp_path / "w") as workspace:
        yield workspace.runs


def folder_of(runs, run_id):
    return runs.read(run_id).folder


def flip(path, position, value=1):
    data = bytearray(path.read_bytes())
    data[position] ^= value
    path.write_bytes(data)


def test_a_finished_run_comes_back_whole(runs):
    writer = begin(runs, "first", seed=7)
    live = runs.summary(writer.run_id)
    assert (live.status, live.step, live.total_steps, live.accuracy) == ("running", 3, 10, 0.5)
    assert runs.read(writer.run_id).summary == live
    result = {"test_accuracy": np.float32(0.625), "interval": (0.5, 0.75), "f": float("inf")}
    writer.finish(ended(), result=result, tensors={"head": tensors(), "predictions": {}})

    record = runs.read(writer.run_id)
    assert record.spec == RunSpec(seed=7) == read_spec(record.folder)
    assert record.environment == {"torch": "2.13.0"}
    steps = tuple(step(number) for number in (1, 2, 3))
    start = RunStarted(run_id=writer.run_id, total_steps=10)
    assert record.events == (start, *steps, evaluation(3), ended())
    assert record.result == {"test_accuracy": 0.625, "interval": [0.5, 0.75], "f": None}
    assert record.bad_lines == 0
    loaded = runs.tensors(writer.run_id)
    for name, value in tensors().items():
        assert loaded[name].dtype == value.dtype
        assert loaded[name].shape == np.shape(value)
        assert np.array_equal(loaded[name], value)
    assert runs.tensors(writer.run_id, "predictions") == {}

    summary = record.summary
    assert runs.list() == (summary,)
    assert (summary.title, summary.status, summary.text) == ("first", "finished", "It ended.")
    assert (summary.task, summary.encoder, summary.head) == (
        "word-relations",
        "minilm-l6",
        "linear",
    )
    assert (summary.pooling, summary.seed, summary.seconds) == ("Layer L · mean", 7, 1.5)
    assert (summary.accuracy, summary.train_accuracy, summary.test_accuracy) == (0.5, 0.75, 0.625)
    assert summary.interval == (0.5, 0.75)
    assert not summary.resumable
    assert summary.reason == ""
    assert RunStore(runs.read(writer.run_id).folder.parents[1]).list() == (summary,)


def test_a_run_that_was_killed_before_it_began_is_cleared(runs):
    run_id = complete(runs)
    folder = folder_of(runs, run_id)
    unborn = folder.with_name(f".unborn-{run_id}")
    folder.rename(unborn)
    assert runs.list() == ()
    assert RunStore(folder.parents[1]).list() == ()
    assert not unborn.exists()


def test_the_configuration_is_there_before_the_first_event(runs):
    writer = runs.create(RunSpec(), environment={}, title="x")
    assert read_spec(writer.folder) == RunSpec()
    assert (writer.folder / "events.jsonl").read_bytes() == b""
    writer.close()
    summary = runs.summary(writer.run_id)
    assert (summary.status, summary.resumable, summary.step) == ("interrupted", True, 0)
    assert "starts over" in summary.reason


def test_runs_are_listed_newest_first_and_named_by_nobody(runs):
    made = [complete(runs, title=f"../../{number}\x00") for number in range(5)]
    assert sorted(made) == made
    assert [run.run_id for run in runs.list()] == made[::-1]
    assert all(set(name) <= set("0123456789abcdefT-") for name in made)


@pytest.mark.parametrize("run_id", ["", ".", "..", "../runs", "a/b", "C:\\x", "nul\x00", "x" * 500])
def test_an_unknown_run_is_one_sentence(runs, run_id):
    for ask in (runs.read, runs.summary, runs.resume, runs.trash, runs.restore, runs.tensors):
        with pytest.raises(RunError, match="There is no run"):
            ask(run_id)


# ---- resume


def test_a_stopped_run_goes_on_where_it_was(runs):
    writer = begin(runs)
    writer.checkpoint(3, tensors(1), {"epoch": 1})
    writer.append(step(4, loss=9.0))
    writer.finish(ended("stopped", 4), result={"test_accuracy": 0.1}, tensors={"head": tensors()})
    assert runs.summary(writer.run_id).resumable

    again = runs.resume(writer.run_id)
    at, arrays, state = again.latest_checkpoint()
    assert (at, state) == (3, {"epoch": 1})
    assert np.array_equal(arrays["weight"], tensors(1)["weight"])
    again.append(RunStarted(run_id=again.run_id, resumed_from=3, total_steps=10))
    assert runs.summary(again.run_id).step == 3
    again.append(step(4, loss=2.0))
    again.finish(ended(number=4), result=None, tensors={"head": tensors(2)})
    record = runs.read(again.run_id)
    losses = [event.loss for event in record.events if isinstance(event, TrainStep)]
    assert losses == [1.0, 1.0, 1.0, 2.0]
    assert [event.status for event in record.events if isinstance(event, RunEnded)] == ["finished"]
    assert (record.summary.status, record.result) == ("finished", None)
    assert np.array_equal(runs.tensors(again.run_id)["weight"], tensors(2)["weight"])


@pytest.mark.parametrize("status", ["finished", "failed", "diverged"])
def test_what_came_to_its_end_is_not_resumed(runs, status):
    run_id = complete(runs, status=status)
    with pytest.raises(RunError, match=f"is {status}.*start a new one"):
        runs.resume(run_id)


def test_a_running_run_is_neither_resumed_nor_deleted(runs):
    writer = begin(runs)
    with pytest.raises(RunError, match="running: stop it before you resume"):
        runs.resume(writer.run_id)
    with pytest.raises(RunError, match="running: stop it before you delete"):
        runs.trash(writer.run_id)
    writer.append(step(4))
    writer.close()
    writer.close()
    with pytest.raises(RunError, match="closed"):
        writer.append(step(5))
    with pytest.raises(RunError, match="closed"):
        writer.checkpoint(5, {}, {})
    with pytest.raises(RunError, match="closed"):
        writer.finish(ended(), result=None, tensors={})
    assert runs.summary(writer.run_id).status == "interrupted"


def test_what_a_killed_process_left_is_cleared_on_resume(runs):
    writer = begin(runs)
    writer.close()
    torn = writer.folder / "checkpoint-000009.tmp-123"
    torn.mkdir()
    (torn / "tensors.safetensors").write_bytes(b"half")
    (writer.folder / ".config.json.1-ab.tmp").write_bytes(b"half")
    renaming = writer.folder / f".title.json.{os.getpid()}-ab.tmp"  # the window's, this moment
    renaming.write_bytes(b"half")
    with (writer.folder / "events.jsonl").open("ab") as file:
        file.write(b'{"seq":6,"type":"Tra')
    again = runs.resume(writer.run_id)
    again.append(step(4))
    again.close()
    names = sorted(path.name for path in writer.folder.iterdir())
    assert names == [renaming.name, "config.json", "events.jsonl"]
    record = runs.read(writer.run_id)
    assert record.events[-1] == step(4)
    assert record.bad_lines == 0


# ---- checkpoints


def test_the_newest_checkpoints_are_kept_and_some_on_the_way(runs):
    writer = begin(runs)
    written = [*range(1, 20), 1_234_567]
    for number in written:
        writer.checkpoint(
            number, tensors(number), {"step": number, "rng": 2**127, "x": [0.1, None]}
        )
    names = sorted(path.name for path in writer.folder.glob("checkpoint-*"))
    assert len(names) == 8
    assert names[-2:] == ["checkpoint-000019", "checkpoint-1234567"]
    assert runs.checkpoints(writer.run_id)[-2:] == (19, 1_234_567)
    assert writer.latest_checkpoint()[2] == {"step": 1_234_567, "rng": 2**127, "x": [0.1, None]}
    assert [e for e in runs.read(writer.run_id).events if isinstance(e, Checkpoint)] == [
        Checkpoint(step=number) for number in written
    ]


def test_any_damage_of_a_checkpoint_brings_the_one_before(runs):
    writer = begin(runs)
    writer.checkpoint(1, tensors(1), {"step": 1})
    writer.checkpoint(2, tensors(2), {"step": 2})
    newest = writer.folder / "checkpoint-000002"
    for path in sorted(newest.iterdir()):
        good = path.read_bytes()
        for position in range(0, len(good), 7 if path.suffix == ".json" else 23):
            flip(path, position)
            found = writer.latest_checkpoint()
            if found[0] == 2:  # a blank or a name in the manifest that nobody reads
                assert path.name == "MANIFEST.json"
                assert np.array_equal(found[1]["weight"], tensors(2)["weight"])
            else:
                assert (found[0], found[2]) == (1, {"step": 1})
            path.write_bytes(good)
        path.unlink()
        assert writer.latest_checkpoint()[0] == 1
        path.write_bytes(good)
    assert writer.latest_checkpoint()[0] == 2


def test_checkpoints_of_a_course_that_was_given_up_go(runs):
    writer = begin(runs)
    for number in (10, 20):
        writer.checkpoint(number, tensors(number), {})
    flip(writer.folder / "checkpoint-000020" / "state.json", 0)
    writer.close()
    again = runs.resume(writer.run_id)
    assert again.latest_checkpoint()[0] == 10
    again.append(RunStarted(run_id=again.run_id, resumed_from=10))
    again.checkpoint(15, tensors(15), {})
    assert sorted(path.name[-2:] for path in again.folder.glob("checkpoint-*")) == ["10", "15"]
    again.checkpoint(20, tensors(20), {})
    assert again.latest_checkpoint()[0] == 20


# ---- damage


def test_a_damaged_run_hides_no_other(runs):
    made = [complete(runs, title=str(number)) for number in range(3)]
    config = folder_of(runs, made[1]) / "config.json"
    good = config.read_bytes()
    for bad in (b"", b"[]", b"{}", b"\xff" * 50, good[:-30], good.replace(b"128", b"129")):
        config.write_bytes(bad)
        listed = runs.list()
        assert [run.status for run in listed] == ["finished", "damaged", "finished"]
        assert str(config) in listed[1].reason
        assert listed[1].created == f"{made[1][:4]}-{made[1][4:6]}-{made[1][6:8]}" + (
            f"T{made[1][9:11]}:{made[1][11:13]}:{made[1][13:15]}.{made[1][15:18]}Z"
        )
        for ask in (runs.read, runs.resume):
            with pytest.raises(RunError, match=r"config\.json is damaged"):
                ask(made[1])
    config.unlink()
    assert runs.list()[1].status == "damaged"
    config.write_bytes(good)
    assert [run.status for run in runs.list()] == ["finished"] * 3


def test_every_flipped_byte_of_an_artefact_is_found(runs):
    run_id = complete(runs)
    path = folder_of(runs, run_id) / "head.safetensors"
    size = path.stat().st_size
    dice = random.Random(4)
    good = path.read_bytes()
    for position in [*range(0, size, 5), *(dice.randrange(size) for _ in range(100))]:
        flip(path, position, dice.randrange(1, 256))
        with pytest.raises(RunError, match=r"head\.safetensors is damaged"):
            runs.tensors(run_id)
        path.write_bytes(good)
    assert runs.tensors(run_id)
    path.write_bytes(good[:-1])
    with pytest.raises(RunError, match=r"head\.safetensors is damaged"):
        runs.tensors(run_id)
    assert runs.summary(run_id).status == "damaged"
    assert runs.summary(run_id).reason.count("head.safetensors") == 1
    path.write_bytes(good)
    assert runs.tensors(run_id)
    assert runs.summary(run_id).status == "finished"


@pytest.mark.parametrize("name", ["result.json", "MANIFEST.json"])
def test_a_damaged_result_leaves_the_curves_readable(runs, name):
    run_id = complete(runs)
    path = folder_of(runs, run_id) / name
    flip(path, path.stat().st_size // 2)
    record = runs.read(run_id)
    assert (record.summary.status, record.result) == ("damaged", None)
    assert name.split(".")[0] in record.summary.reason
    assert len(record.events) == 6
    assert runs.summary(run_id).status == "damaged"
    path.unlink()
    assert RunStore(path.parents[2]).summary(run_id).status == "damaged"


def test_damaged_lines_are_said(runs):
    run_id = complete(runs)
    log = folder_of(runs, run_id) / "events.jsonl"
    for line, expected in ((1, "1 damaged line of"), (3, "2 damaged lines of")):
        lines = log.read_bytes().splitlines(keepends=True)
        flip(log, sum(map(len, lines[:line])) + 5)
        record = runs.read(run_id)
        assert expected in record.summary.reason
        assert record.summary.status == "finished"
    assert (record.bad_lines, len(record.events)) == (2, 4)
    assert runs.list()[0].reason == record.summary.reason


def test_a_missing_artefact_is_one_sentence(runs):
    run_id = complete(runs)
    for name in ("body", "../head", "checkpoint-1/x", ""):
        with pytest.raises(RunError, match="has saved no"):
            runs.tensors(run_id, name)
    writer = begin(runs)
    with pytest.raises(RunError, match="has saved no 'head'"):
        runs.tensors(writer.run_id)
    with pytest.raises(RunError, match="cannot be called"):
        writer.finish(ended(), result=None, tensors={"../x": {}})


# ---- titles and trash

TITLES = ["", "Zeile 1\nZeile 2\t", "‮rtl‬ שלום 👩‍🔬", "\ud800 half", "<b>&amp;", "../../x", "\x00"]


@pytest.mark.parametrize("title", TITLES)
def test_any_title_is_kept(runs, title):
    run_id = complete(runs, title=title)
    assert runs.list()[0].title == title
    runs.rename(run_id, title + "!")
    assert runs.list()[0].title == runs.read(run_id).summary.title == title + "!"
    runs.rebuild_index()
    assert RunStore(folder_of(runs, run_id).parents[1]).list()[0].title == title + "!"


def test_a_running_run_can_be_renamed(runs):
    writer = begin(runs)
    runs.rename(writer.run_id, "new")
    assert runs.summary(writer.run_id).title == "new"
    with pytest.raises(RunError, match="1,001 characters"):
        runs.rename(writer.run_id, "x" * 1001)
    with pytest.raises(RunError, match="1,001 characters"):
        runs.create(RunSpec(), environment={}, title="x" * 1001)


def test_trash_and_back(runs):
    kept, gone = complete(runs, title="kept"), complete(runs, title="gone")
    before = runs.summary(gone)
    runs.trash(gone)
    runs.trash(gone)
    assert [run.run_id for run in runs.list()] == [kept]
    assert runs.list(trashed=True) == (before,)
    assert runs.read(gone).result is not None
    with pytest.raises(RunError, match="in the trash"):
        runs.resume(gone)
    runs.restore(gone)
    runs.restore(gone)
    assert runs.list(trashed=True) == ()
    assert runs.summary(gone) == before
    assert not (folder_of(runs, gone) / "trashed.json").exists()


def test_the_trash_is_emptied_of_what_is_old(runs):
    old, new, kept = (complete(runs, title=name) for name in ("old", "new", "kept"))
    for run_id in (old, new):
        runs.trash(run_id)
    marker = folder_of(runs, old) / "trashed.json"
    marker.write_text(json.dumps({"when": "2020-01-01T00:00:00.000Z"}))
    assert runs.empty_trash() == 1
    assert [run.run_id for run in runs.list(trashed=True)] == [new]
    (folder_of(runs, new) / "trashed.json").write_bytes(b"damaged")
    assert runs.empty_trash() == 0
    assert runs.empty_trash(older_than_days=0) == 1
    assert runs.list(trashed=True) == ()
    assert [run.run_id for run in runs.list()] == [kept]
    assert list((folder_of(runs, kept).parents[1] / "trash").iterdir()) == []


# ---- a full disk


def fill(workspace: Path, files: int) -> dict[str, object]:
    """Write until the disk takes no more; return what happened.

    Args:
        workspace: Its folder.
        files: Bytes that one file may have; 0 leaves the limit to the disk.
    """
    if files:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (files, files))
    runs = Workspace.open(workspace).runs
    writer = begin(runs, steps=3)
    writer.checkpoint(3, {"w": np.zeros(500)}, {"step": 3})
    errors, number = [], 3
    try:
        writer.checkpoint(4, {"w": np.zeros(20_000_000)}, {})
    except StoreError as error:
        errors.append(str(error))
    try:
        while number < 200_000:
            writer.append(step(number + 1))
            number += 1
    except StoreError as error:
        errors.append(str(error))
    try:
        writer.append(step(number + 1))
    except StoreError as error:
        errors.append(str(error))
    writer.close()
    left = sorted(path.name for path in writer.folder.iterdir())
    return {"run": writer.run_id, "acknowledged": number, "errors": errors, "left": left}


def check_filled(workspace, told):
    assert len(told["errors"]) == 3
    assert all(error.startswith("The disk is full") for error in told["errors"]), told["errors"]
    assert told["left"] == ["checkpoint-000003", "config.json", "events.jsonl"]
    with Workspace.open(workspace) as again:
        record = again.runs.read(told["run"])
        steps = [event.step for event in record.events if isinstance(event, TrainStep)]
        assert steps == list(range(1, told["acknowledged"] + 1))
        assert told["acknowledged"] > 100
        assert (record.bad_lines, record.summary.status) == (0, "interrupted")
        assert (record.folder / "events.jsonl").read_bytes().endswith(b"\n")
        return record


def test_a_file_that_may_not_grow_loses_nothing(tmp_path):
    told = in_child(fill, tmp_path / "w", 100_000)
    record = check_filled(tmp_path / "w", told)
    with Workspace.open(tmp_path / "w") as again:  # there is room again
        writer = again.runs.resume(record.summary.run_id)
        assert writer.latest_checkpoint()[2] == {"step": 3}
        writer.append(step(told["acknowledged"] + 1))
        writer.finish(ended(), result=None, tensors={})
        assert again.runs.list()[0].status == "finished"


@pytest.fixture
def small_disk(tmp_path):
    """Return a disk of one megabyte."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk; the limit on files is tested everywhere")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_loses_nothing(small_disk):
    told = in_child(fill, small_disk / "w", 0)
    with Workspace.open(small_disk / "w") as full:  # opens, lists and deletes on a full disk
        assert [run.status for run in full.runs.list()] == ["interrupted"]
        with pytest.raises(StoreError, match="The disk is full"):
            full.runs.create(RunSpec(), environment={}, title="no room")
        assert [path.name for path in (small_disk / "w" / "runs").iterdir()] == [told["run"]]
    check_filled(small_disk / "w", told)
    with Workspace.open(small_disk / "w") as full:
        full.runs.trash(told["run"])
        assert full.runs.empty_trash(older_than_days=0) == 1
        assert complete(full.runs)


# ---- two threads, and kill -9


def test_the_window_lists_while_the_worker_writes(runs):
    problems, made = [], []
    over = threading.Event()

    def work():
        try:
            for number in range(12):
                made.append(complete(runs, title=str(number)))
                writer = begin(runs, title="stopped")
                writer.checkpoint(3, tensors(), {})
                writer.finish(ended("stopped"), result=None, tensors={})
                runs.resume(writer.run_id).close()
        except Exception as error:  # noqa: BLE001 - raised below
            problems.append(error)
        finally:
            over.set()

    worker = threading.Thread(target=work)
    worker.start()
    seen = 0
    while not over.is_set():
        listed = runs.list()
        assert len(listed) >= seen
        seen = len(listed)
        assert {run.status for run in listed} <= {"running", "finished", "stopped", "interrupted"}
        for run in listed[:3]:
            runs.read(run.run_id)
            runs.rename(run.run_id, run.title)
    worker.join()
    assert problems == []
    assert len(runs.list()) == 24
    assert [run.title for run in runs.list() if run.status == "finished"] == [
        str(number) for number in reversed(range(12))
    ]
    assert runs.notes == []


def train_until_killed(pipe, workspace):
    runs = Workspace.open(workspace).runs
    writer = runs.create(RunSpec(), environment={}, title="doomed")
    writer.append(RunStarted(run_id=writer.run_id, total_steps=10**6))
    pipe.send(("run", writer.run_id))
    number = 0
    while True:
        number += 1
        writer.append(step(number, loss=1 / number))
        pipe.send(("step", number))
        if number % 5 == 0:
            weights = np.full(8192, float(number))
            writer.checkpoint(number, {"weight": weights}, {"step": number})
            pipe.send(("checkpoint", number))


def kill_many(workspace, times, seed):
    """Kill so many trainings, each at a random moment; return what each had acknowledged."""
    dice = random.Random(seed)
    killed = {}
    for _ in range(times):
        ours, theirs = multiprocessing.Pipe(duplex=False)
        child = os.fork()  # this process is a child itself, and forking is quick
        if not child:
            ours.close()  # so that it ends, too, if nobody is left to kill it
            try:
                train_until_killed(theirs, workspace)
            finally:
                os._exit(1)
        theirs.close()
        told = {"step": 0, "checkpoint": 0}
        killed[ours.recv()[1]] = told
        time.sleep(dice.uniform(0, 0.08))
        os.kill(child, signal.SIGKILL)
        with contextlib.suppress(EOFError):
            while True:
                kind, value = ours.recv()
                told[kind] = value
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
    return killed


@pytest.mark.slow
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path):
    with quick_folder(tmp_path) as place:
        killed = in_child(kill_many, place / "w", 40, 9)
        assert len(killed) == 40
        assert sum(told["checkpoint"] for told in killed.values()) > 40
        check_killed(place / "w", killed)


def check_killed(path, killed):
    with Workspace.open(path) as workspace:
        listed = {run.run_id: run for run in workspace.runs.list()}
        assert set(listed) == set(killed)
        for run_id, told in killed.items():
            assert (listed[run_id].status, listed[run_id].resumable) == ("interrupted", True)
            record = workspace.runs.read(run_id)
            steps = [event.step for event in record.events if isinstance(event, TrainStep)]
            assert steps == list(range(1, len(steps) + 1))
            assert len(steps) >= told["step"]
            assert record.bad_lines == 0
            writer = workspace.runs.resume(run_id)
            found = writer.latest_checkpoint()
            said = [event.step for event in record.events if isinstance(event, Checkpoint)]
            if told["checkpoint"] or said:
                assert found is not None
                assert found[0] >= max(said)
            if found is not None:
                at, arrays, state = found
                assert at >= told["checkpoint"]
                assert state == {"step": at}
                assert np.array_equal(arrays["weight"], np.full(8192, float(at)))
            writer.finish(ended(), result=None, tensors={})
            assert not list(writer.folder.glob("*.tmp*"))
        assert {run.status for run in workspace.runs.list()} == {"finished"}
