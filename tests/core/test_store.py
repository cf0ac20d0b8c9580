"""The store of hidden states: what survives a stop, a kill, damage, a full disk."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fineview.core.errors import JobCancelled, StoreError
from fineview.core.features.extract import SHARD_ROWS, extract, feature_key
from fineview.core.features.shards import Shape
from fineview.core.features.store import FeatureStore
from fineview.core.models.encoder import open_encoder
from tests.core.features_support import StopAfter, task_of
from tests.core.tiny import tiny_encoder_folder

ROOT = Path(__file__).parents[2]
TEXTS = tuple(f"the film {'is quiet ' * (i % 9)}{i}" for i in range(1000))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_encoder_folder(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def uninterrupted(folder, tmp_path_factory):
    """The states of TEXTS, computed in one go."""
    cache = tmp_path_factory.mktemp("reference")
    encoder = open_encoder(str(folder), cache, "cpu")
    return np.array(extract(encoder, task_of("sentence", TEXTS), FeatureStore(cache)).states)


@pytest.fixture
def encoder(folder, tmp_path):
    return open_encoder(str(folder), tmp_path / "cache", "cpu")


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "cache")


def only_folder(cache):
    (found,) = [path for path in (cache / "features").iterdir() if path.is_dir()]
    return found


def shards_there(cache):
    sums = json.loads((only_folder(cache) / "manifest.json").read_text())["sums"]
    return sum(one is not None for one in sums), len(sums)


def run_python(code, *arguments):
    """Run code in a process of its own, as the only way to see what it imports or to kill it."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )


PREPARE = """
import os, resource, signal, sys
from pathlib import Path
from fineview.core.errors import StoreError
from fineview.core.features.extract import extract
from fineview.core.features.store import FeatureStore
from fineview.core.models.encoder import open_encoder
from fineview.core.progress import Silent
from tests.core.features_support import StopAfter, task_of
from tests.core.test_store import TEXTS
folder, cache = sys.argv[1], Path(sys.argv[2])
encoder = open_encoder(folder, cache, "cpu")
task = task_of("sentence", TEXTS)
"""


def test_a_second_extraction_loads_nothing(folder, encoder, store, tmp_path, uninterrupted):
    first = extract(encoder, task_of("sentence", TEXTS), store)
    assert not first.cached
    again = run_python(
        PREPARE
        + """
hidden = extract(encoder, task, FeatureStore(cache))
assert hidden.cached and not encoder.is_loaded
loaded = {"torch", "transformers", "tokenizers"} & set(sys.modules)
assert not loaded, loaded
import hashlib
print(hashlib.sha256(hidden.states.tobytes()).hexdigest())
""",
        folder,
        tmp_path / "cache",
    )
    assert again.returncode == 0, again.stderr
    assert again.stdout.split() == [hashlib.sha256(uninterrupted.tobytes()).hexdigest()]


def test_a_stopped_extraction_goes_on_where_it_was(encoder, store, tmp_path, uninterrupted):
    task = task_of("sentence", TEXTS)
    with pytest.raises(JobCancelled):
        extract(encoder, task, store, report=StopAfter(2 * SHARD_ROWS + 40))
    there, total = shards_there(tmp_path / "cache")
    assert 0 < there < total
    assert not store.entries()[0].complete
    report = StopAfter()
    hidden = extract(encoder, task, store, report=report)
    assert report.extracted[0] >= there * SHARD_ROWS
    assert not hidden.cached
    np.testing.assert_array_equal(hidden.states, uninterrupted)


def test_kill_9_leaves_finished_shards(folder, encoder, store, tmp_path, uninterrupted):
    killed = run_python(
        PREPARE
        + f"""
class Kill(StopAfter):
    def check(self):
        if self.extracted and self.extracted[-1] >= {SHARD_ROWS + 40}:
            os.kill(os.getpid(), signal.SIGKILL)
extract(encoder, task, FeatureStore(cache), report=Kill())
""",
        folder,
        tmp_path / "cache",
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    there, total = shards_there(tmp_path / "cache")
    assert 0 < there < total
    report = StopAfter()
    hidden = extract(encoder, task_of("sentence", TEXTS), store, report=report)
    assert report.extracted[0] >= there * SHARD_ROWS
    np.testing.assert_array_equal(hidden.states, uninterrupted)


@pytest.mark.parametrize("damage", ["flip", "cut", "rows", "manifest", "no-data"])
def test_damage_is_found_and_computed_again(encoder, tmp_path, damage, uninterrupted):
    task = task_of("sentence", TEXTS)
    cache = tmp_path / "cache"
    whole = StopAfter()
    extract(encoder, task, FeatureStore(cache), report=whole)
    entry = only_folder(cache)
    data = entry / "states.bin"
    if damage == "flip":
        content = bytearray(data.read_bytes())
        content[len(content) // 2] ^= 1
        data.write_bytes(content)
    elif damage == "cut":
        os.truncate(data, data.stat().st_size - 1)
    elif damage == "rows":
        content = bytearray((entry / "rows.npy").read_bytes())
        content[-1] ^= 1
        (entry / "rows.npy").write_bytes(content)
    elif damage == "manifest":
        (entry / "manifest.json").write_text("{")
    else:
        data.unlink()
    report = StopAfter()
    hidden = extract(encoder, task, FeatureStore(cache), report=report)
    assert not hidden.cached
    np.testing.assert_array_equal(hidden.states, uninterrupted)
    if damage == "flip":  # only the shard that was hit is computed again
        assert 1 < len(report.extracted) < len(whole.extracted) / 2
    assert extract(encoder, task, FeatureStore(cache)).cached


def test_every_flipped_byte_is_found(encoder, tmp_path):
    """RELIABILITY.md T18: safetensors alone finds none of these."""
    task = task_of("sentence", TEXTS[:20])
    cache = tmp_path / "cache"
    extract(encoder, task, FeatureStore(cache))
    data = only_folder(cache) / "states.bin"
    whole = data.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 200):
        broken = bytearray(whole)
        broken[place] ^= 1 << int(rng.integers(8))
        data.write_bytes(broken)
        assert FeatureStore(cache).open(only_folder(cache).name) is None
    data.write_bytes(whole)
    assert FeatureStore(cache).open(only_folder(cache).name) is not None


def test_a_disk_that_fills_up_on_the_way_is_one_sentence(folder, tmp_path, encoder, uninterrupted):
    """The limit on file sizes makes the same write fail that a full disk does, mid-extraction."""
    full = run_python(
        PREPARE
        + f"""
class Fill(StopAfter):
    def progress(self, done, total, text=""):
        super().progress(done, total, text)
        if text == "Extracting features" and done >= {SHARD_ROWS + 20}:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    extract(encoder, task, FeatureStore(cache), report=Fill())
except StoreError as error:
    print(error)
""",
        folder,
        tmp_path / "cache",
    )
    assert full.returncode == 0, full.stderr
    assert full.stdout.startswith("The disk is full: fineview needs ")
    assert f"MB free in {tmp_path}" in full.stdout
    assert "set FINEVIEW_CACHE" in full.stdout
    there, total = shards_there(tmp_path / "cache")
    assert 0 < there < total
    hidden = extract(encoder, task_of("sentence", TEXTS), FeatureStore(tmp_path / "cache"))
    np.testing.assert_array_equal(hidden.states, uninterrupted)


def test_a_disk_without_room_is_refused_before_computing(encoder, tmp_path):
    size = 1 << 60  # no disk has an exabyte
    shape = Shape(rows=size // (3 * 3 * 16 * 4), depth=2, width=16, dtype="float32")
    store = FeatureStore(tmp_path / "cache", limit_bytes=1 << 62)
    with pytest.raises(StoreError, match=r"The disk is full: fineview needs [\d,]+ MB free in "):
        store._make_room(store.folder / "key", shape)


def test_a_cache_that_cannot_be_made_is_one_sentence(encoder, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="choose another folder with --workspace or FINEVIEW_"):
        extract(encoder, task_of("sentence", TEXTS[:9]), FeatureStore(tmp_path / "file"))


def test_an_entry_above_the_limit_is_refused(encoder, tmp_path):
    store = FeatureStore(tmp_path / "cache", limit_bytes=1000)
    with pytest.raises(StoreError, match="use fewer texts, or raise the limit"):
        extract(encoder, task_of("sentence", TEXTS), store)


def test_what_was_not_used_for_longest_makes_room(encoder, tmp_path):
    tasks = [task_of("sentence", tuple(f"{name} {t}" for t in TEXTS[:100])) for name in "abc"]
    measuring = FeatureStore(tmp_path / "measure")
    extract(encoder, tasks[0], measuring)
    store = FeatureStore(tmp_path / "cache", limit_bytes=int(2.5 * measuring.size_bytes()))
    keys = [extract(encoder, task, store).key for task in tasks[:2]]
    now = time.time()
    for key, age in zip(keys, (50, 100), strict=True):  # the second was used longer ago
        os.utime(store.folder / key / "manifest.json", (now - age, now - age))
    keys.append(extract(encoder, tasks[2], store).key)
    assert {entry.key for entry in store.entries()} == {keys[0], keys[2]}
    assert store.size_bytes() <= store.limit_bytes


def test_entries_in_use_are_kept(encoder, tmp_path):
    store = FeatureStore(tmp_path / "cache")
    hidden = extract(encoder, task_of("sentence", TEXTS[:50]), store)
    assert store.clear() == 0
    assert [entry.key for entry in store.entries()] == [hidden.key]
    expected = np.array(hidden.states)
    np.testing.assert_array_equal(hidden.states, expected)
    del hidden
    assert store.clear() > 0
    assert store.entries() == ()
    assert store.size_bytes() == 0


def test_two_processes_compute_an_entry_once(folder, tmp_path):
    """Both finish; the second waits for the first and finds its shards."""
    code = PREPARE + "print(extract(encoder, task, FeatureStore(cache)).states.sum())"
    command = [sys.executable, "-c", code, str(folder), str(tmp_path / "cache")]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
        for _ in range(2)
    ]
    outputs = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0] != b""
    assert shards_there(tmp_path / "cache") == (4, 4)


@pytest.mark.parametrize(
    "change", ["texts", "order", "max_length", "dtype", "weights", "level", "tokenizer"]
)
def test_the_key_depends_on_all_that_decides_the_bits(encoder, folder, tmp_path, change):
    task = task_of("sentence", TEXTS[:4])
    key = feature_key(encoder, task, max_length=64)
    assert feature_key(encoder, task_of("sentence", TEXTS[:4]), max_length=64) == key
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    moved = open_encoder(str(other), tmp_path / "cache", "cpu")
    assert feature_key(moved, task, max_length=64) == key  # wherever it lies
    options = {"max_length": 64}
    if change == "texts":
        task = task_of("sentence", TEXTS[1:5])
    elif change == "order":
        task = task_of("sentence", TEXTS[:4][::-1])
    elif change == "max_length":
        options["max_length"] = 65
    elif change == "dtype":
        options["dtype"] = "float16"
    elif change == "level":
        task = task_of("pair", TEXTS[:4], second=TEXTS[:4])
    elif change == "weights":
        tiny_encoder_folder(other, seed=1)
    else:
        with (other / "tokenizer.json").open("a") as file:
            file.write(" ")
    changed = open_encoder(str(other), tmp_path / "cache", "cpu")
    assert feature_key(changed, task, **options) != key
