"""The index: always replaceable, never in the way, never overwritten."""

import os
import random
import shutil
import sqlite3
from contextlib import closing

import pytest

from fineview.core.runs import store
from fineview.core.runs.index import APPLICATION_ID, VERSION
from fineview.core.runs.store import RunStore
from fineview.core.runs.workspace import Workspace
from fineview.core.training.events import RunStarted
from tests.core.runs_support import begin, complete, quick_folder


@pytest.fixture
def folder(tmp_path):
    """Yield a closed workspace with four runs in its index."""
    with quick_folder(tmp_path) as place:
        with Workspace.open(place / "w") as workspace:
            for number in range(4):
                complete(workspace.runs, title=f"run {number}", seed=number)
            assert len(workspace.runs.list()) == 4
        yield place / "w"


def sql(folder, *statements):
    with closing(sqlite3.connect(folder / "fineview.db", isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def recovered(folder):
    return sorted(path.name for path in (folder / "recovery").iterdir())


def test_the_index_says_whose_it_is(folder):
    assert sql(folder, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert sql(folder, "PRAGMA user_version") == [(VERSION,)]
    assert sql(folder, "PRAGMA journal_mode") == [("wal",)]
    assert sql(folder, "SELECT count(*) FROM runs") == [(4,)]


def test_the_index_is_used(folder, monkeypatch):
    """A listing reads no run whose folder is as it was, and reads the one that changed."""
    read = []
    real = store.summarise
    monkeypatch.setattr(store, "summarise", lambda path: read.append(path.name) or real(path))
    runs = RunStore(folder)
    first = runs.list()
    assert (len(first), read) == (4, [])
    runs.rename(first[2].run_id, "another")
    assert [run.title for run in runs.list()] == ["run 3", "run 2", "another", "run 0"]
    assert read == [first[2].run_id]
    RunStore(folder).list()
    assert read == [first[2].run_id]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda _: b"no database at all",
        lambda data: os.urandom(len(data)),
        lambda data: data[:1000],
        lambda data: data[:4096],
        lambda data: data[: len(data) // 2],
        lambda data: data[:4096] + bytes(4096) + data[8192:],
        lambda data: data[:100] + bytes(3996) + data[4096:],
        lambda data: data + os.urandom(5000),
    ],
)
def test_a_damaged_index_is_put_aside_and_made_again(folder, spoil):
    file = folder / "fineview.db"
    expected = RunStore(folder).list()
    damaged = spoil(file.read_bytes())
    file.write_bytes(damaged)
    runs = RunStore(folder)
    assert runs.list() == expected
    if recovered(folder):
        assert (folder / "recovery" / "fineview-1.db").read_bytes() == damaged
        assert "recovery/fineview-1.db" in runs.notes[0]
    else:  # an empty file is a new index; bytes behind the last page are nobody's
        assert damaged == b"" or len(damaged) % 4096
    assert sql(folder, "SELECT count(*) FROM runs") == [(4,)]
    again = RunStore(folder)
    assert (again.list(), again.notes) == (expected, [])


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("PRAGMA application_id = 77", "another program"),
        (f"PRAGMA user_version = {VERSION + 1}", "newer fineview"),
        ("CREATE TABLE other (x)", "damaged"),
        ("CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM runs; END", "damaged"),
        ("UPDATE runs SET summary = replace(summary, 'run 1', 'run 9')", "damaged"),
        ("UPDATE runs SET stamp = 5", "damaged"),
        ("DROP TABLE runs", "damaged"),
    ],
)
def test_a_foreign_or_altered_index_is_kept_and_not_used(folder, statement, why):
    expected = RunStore(folder).list()
    sql(folder, statement)
    before = (folder / "fineview.db").read_bytes()
    runs = RunStore(folder)
    assert runs.list() == expected
    assert why in runs.notes[0]
    assert (folder / "recovery" / "fineview-1.db").read_bytes() == before


def test_nothing_in_recovery_is_overwritten(folder):
    for number in range(1, 4):
        (folder / "fineview.db").write_bytes(b"garbage %d" % number)
        assert len(RunStore(folder).list()) == 4
    kept = [(folder / "recovery" / name).read_bytes() for name in recovered(folder)]
    assert kept == [b"garbage 1", b"garbage 2", b"garbage 3"]


def test_a_folder_in_place_of_the_index_is_put_aside(folder):
    (folder / "fineview.db").unlink()
    (folder / "fineview.db").mkdir()
    runs = RunStore(folder)
    assert len(runs.list()) == 4
    assert recovered(folder) == ["fineview-1.db"]


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_garbage_beside_the_index_does_no_harm(folder, suffix):
    expected = RunStore(folder).list()
    (folder / f"fineview.db{suffix}").write_bytes(os.urandom(40_000))
    assert RunStore(folder).list() == expected


def test_a_locked_index_keeps_nobody_waiting(folder):
    """Whoever else opened the file: runs are listed, written and found later."""
    with closing(sqlite3.connect(folder / "fineview.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        runs = RunStore(folder)
        new = complete(runs, title="meanwhile")
        assert new in {run.run_id for run in runs.list()}
        assert "left out" in runs.notes[0]
        other.execute("ROLLBACK")
    assert RunStore(folder).list()[0].title == "meanwhile"
    assert recovered(folder) == []


def test_an_index_without_its_runs_forgets_them(folder):
    gone = RunStore(folder).list()[0].run_id
    shutil.rmtree(folder / "runs" / gone)
    runs = RunStore(folder)
    assert gone not in {run.run_id for run in runs.list()}
    assert runs.rebuild_index() == 3
    assert sql(folder, "SELECT count(*) FROM runs") == [(3,)]


def test_a_lost_index_is_made_again_from_the_folders(folder):
    runs = RunStore(folder)
    runs.rename(runs.list()[0].run_id, "mine")
    runs.trash(runs.list()[1].run_id)
    expected, trashed = runs.list(), runs.list(trashed=True)
    (folder / "fineview.db").unlink()
    again = RunStore(folder)
    assert again.rebuild_index() == 4
    assert (again.list(), again.list(trashed=True)) == (expected, trashed)
    assert sql(folder, "SELECT count(*) FROM runs") == [(4,)]


def test_a_run_that_was_killed_while_indexed_as_stopped_is_interrupted(folder):
    """The index is older than the log: the log is right."""
    runs = RunStore(folder)
    run_id = complete(runs, status="stopped")
    assert runs.summary(run_id).status == "stopped"
    shutil.copy(folder / "fineview.db", folder / "old.db")
    writer = runs.resume(run_id)
    writer.append(RunStarted(run_id=run_id))
    writer.close()
    shutil.copy(folder / "old.db", folder / "fineview.db")
    assert RunStore(folder).summary(run_id).status == "interrupted"


@pytest.mark.slow
def test_a_thousand_damaged_indices_lose_no_run(folder):
    file = folder / "fineview.db"
    with Workspace.open(folder) as workspace:
        begin(workspace.runs, title="cut short").close()
    expected = RunStore(folder).list()
    good = file.read_bytes()
    dice = random.Random(2)
    aside = 0
    for number in range(1000):
        data = bytearray(good)
        for _ in range(dice.choice((1, 1, 4))):
            # Half of them hit the header and the schema, where they hurt most.
            position = dice.randrange(dice.choice((110, len(data))))
            data[position] ^= dice.randrange(1, 256)
        for name in recovered(folder):
            (folder / "recovery" / name).unlink()
        for companion in folder.glob("fineview.db*"):
            companion.unlink()
        file.write_bytes(data)
        runs = RunStore(folder)
        assert runs.list() == expected, number
        assert runs.list() == expected, number
        if recovered(folder):
            aside += 1
            assert (folder / "recovery" / "fineview-1.db").read_bytes() == data
    assert aside > 500
