"""The hub, against a server on this machine that speaks its language."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from fineview.core.errors import JobCancelled, ModelError
from fineview.core.models import hub, hub_store
from fineview.core.models.encoder import open_encoder
from fineview.core.models.language_model import open_language_model
from fineview.core.progress import Silent
from fineview.core.prompting.choices import SamplingConfig
from fineview.core.prompting.decoding import Decoder
from tests.core.hub_server import COMMIT, Hub, serve
from tests.core.tiny import tiny_encoder_folder
from tests.core.tiny_causal import tiny_causal_folder

NAME = f"hub:lab/tiny@{COMMIT}"
PACKAGE = Path(hub.__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model", width=32)


@pytest.fixture
def files(folder):
    names = [path for path in folder.iterdir() if path.is_file()]
    return {path.name: path.read_bytes() for path in names}


@pytest.fixture
def server(files, monkeypatch, tmp_path):
    made = Hub()
    made.add("model", "lab/tiny", {**files, "README.md": b"x", "pytorch_model.bin": b"pickle"})
    with serve(made) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
        yield made


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


class Log(Silent):
    """Keeps what is said; stops when it is told to."""

    def __init__(self, stop=lambda: False):
        self.stop = stop
        self.said = []

    def progress(self, done, total, text=""):
        self.said.append((done, total, text))

    def check(self):
        if self.stop():
            raise JobCancelled


def left_in(cache):
    """Return every file below the hub's folder."""
    return [path for path in hub_store.home(cache).rglob("*") if path.is_file()]


def is_one_sentence(text):
    return text.endswith(".") and "\n" not in text and "Traceback" not in text


def test_a_model_is_found_looked_up_downloaded_opened_and_removed(server, folder, files, cache):
    (hit,) = hub.search("tin", "model")
    assert (hit.repo_id, hit.downloads, hit.likes, hit.licence) == ("lab/tiny", 12, 3, "mit")
    assert hit.updated.startswith("2026-01-02")
    assert not hit.gated
    plan = hub.plan_download(hit.repo_id, "model", None, cache)
    names = {file.path for file in plan.files}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not names & {"README.md", "pytorch_model.bin"}
    assert plan.total_bytes == sum(len(files[name]) for name in names)
    assert (plan.name, plan.commit, plan.licence) == (NAME, COMMIT, "apache-2.0")
    assert plan.refusal == ""
    assert left_in(cache) == []
    log = Log()
    place = hub.download(plan, log)
    assert place == plan.destination
    assert {name: (place / name).read_bytes() for name in names} == {n: files[n] for n in names}
    assert log.said[-1][:2] == (plan.total_bytes, plan.total_bytes)
    assert not any("telemetry" in path for path in server.asked)
    assert not any("README" in path or path.endswith(".bin") for path in server.asked)
    (kept,) = hub.stored(cache)
    assert (kept.name, kept.repo_id, kept.kind, kept.commit) == (NAME, "lab/tiny", "model", COMMIT)
    assert (kept.bytes, kept.folder) == (plan.total_bytes, place)
    asked = len(server.asked)
    ours, theirs = open_encoder(NAME, cache, "cpu"), open_encoder(str(folder), cache, "cpu")
    assert ours.info.licence == "apache-2.0"
    assert ours.info.fingerprint == theirs.info.fingerprint
    assert np.array_equal(*(states(one) for one in (ours, theirs)))
    assert len(server.asked) == asked
    assert hub.remove(NAME, cache) >= plan.total_bytes
    assert hub.stored(cache) == ()
    assert left_in(cache) == []
    assert hub.remove(NAME, cache) == 0


def states(encoder):
    import torch

    ids = torch.tensor(encoder.encode(["the quiet film"])[0].ids)[None]
    with torch.no_grad():
        return encoder.model(input_ids=ids).last_hidden_state.numpy()


def test_a_language_model_comes_by_its_id_and_goes_on_from_a_text(server, tmp_path, cache):
    folder = tiny_causal_folder(tmp_path / "lm")
    server.add("model", "lab/gpt", {f.name: f.read_bytes() for f in folder.iterdir()})
    plan = hub.plan_download("lab/gpt", "model", None, cache)
    assert plan.refusal == ""
    hub.download(plan)
    theirs = Decoder(open_language_model(str(folder), cache, "cpu"))
    ours = Decoder(open_language_model(plan.name, cache, "cpu"))
    assert ours.model.info.licence == plan.licence
    sampling = SamplingConfig(max_tokens=8)
    assert ours.generate("the cat", sampling).text == theirs.generate("the cat", sampling).text


def test_progress_counts_bytes_and_cancel_leaves_nothing(server, files, cache):
    big = b"PAR1" * 500_000
    server.add("dataset", "lab/rows", {"big.parquet": big})
    plan = hub.plan_download("lab/rows", "dataset", None, cache)
    server.delay = 0.002  # half a megabyte a second
    log = Log()
    log.stop = lambda: len({done for done, _, _ in log.said}) > 3
    started = time.monotonic()
    with pytest.raises(JobCancelled):
        hub.download(plan, log)
    assert time.monotonic() - started < 4
    done = [one[0] for one in log.said]
    assert done == sorted(done)
    assert 0 < done[-1] < plan.total_bytes == len(big)
    assert re.fullmatch(r"Downloading lab/rows: 0\.\d of 2\.0 MB(, \d\.\d MB/s)?", log.said[-1][2])
    assert left_in(cache) == []
    assert hub.stored(cache) == ()


def test_a_cancel_is_obeyed_within_a_second_while_nothing_comes(server, cache):
    plan = hub.plan_download("lab/tiny", "model", None, cache)
    server.delay = 60.0
    asked = []

    def stop():
        if any(path.endswith("model.safetensors") for path in server.asked):
            asked.append(time.monotonic())
        return bool(asked)

    with pytest.raises(JobCancelled):
        hub.download(plan, Log(stop))
    assert time.monotonic() - asked[0] < 3  # the child has two seconds to end by itself
    assert left_in(cache) == []


@pytest.mark.slow
def test_a_download_that_breaks_off_leaves_nothing_and_can_be_repeated(server, cache):
    plan = hub.plan_download("lab/tiny", "model", None, cache)
    server.break_after = 500
    with pytest.raises(ModelError, match=r"broke off|cannot be reached") as caught:
        hub.download(plan)
    assert is_one_sentence(str(caught.value))
    assert left_in(cache) == []
    server.break_after = None
    assert hub.download(plan) == plan.destination


@pytest.mark.parametrize("change", ["same size", "longer", "small file"])
def test_another_file_than_was_named_is_refused(server, files, cache, change):
    plan = hub.plan_download("lab/tiny", "model", None, cache)
    name = "config.json" if change == "small file" else "model.safetensors"
    extra = b"more" if change == "longer" else b""
    server.served[name] = files[name][:-1] + bytes([files[name][-1] ^ 1]) + extra
    with pytest.raises(ModelError) as caught:
        hub.download(plan)
    assert is_one_sentence(str(caught.value))
    assert left_in(cache) == []


@pytest.mark.parametrize(
    "path",
    [
        *("../../x", "a/../../x", "/x", "C:/x", "a\\x", "data/nul", "a//x", "data./x", "x\n"),
        "a/.fineview.json/x",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(server, cache, path):
    server.add("dataset", "lab/rows", {f"{path}.parquet": b"PAR1"})
    with pytest.raises(ModelError, match="cannot be stored safely") as caught:
        hub.plan_download("lab/rows", "dataset", None, cache)
    assert is_one_sentence(str(caught.value))


def test_a_model_of_pickles_only_is_refused(server, files, cache):
    del files["model.safetensors"]
    server.add("model", "lab/old", {**files, "pytorch_model.bin": b"pickle"})
    plan = hub.plan_download("lab/old", "model", None, cache)
    assert "pytorch_model.bin" in plan.refusal
    assert is_one_sentence(plan.refusal)
    with pytest.raises(ModelError, match="can run code"):
        hub.download(plan)


NATIVE = {"AutoConfig": "configuration_bert.BertConfig", "AutoModel": "modeling_bert.BertModel"}


@pytest.mark.parametrize(
    ("name", "values", "beside", "words"),
    [
        ("config.json", {"auto_map": {"AutoModel": "modeling.Evil"}}, "", "no remote code"),
        ("config.json", {"auto_map": NATIVE}, "modeling_bert.py", "no remote code"),
        ("config.json", {"_attn_implementation": "some/kernels"}, "", "no remote code"),
        ("config.json", {"quantization_config": {"bits": 4}}, "", "floating-point"),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["a.B", None]}}, "", "no remote"),
    ],
)
def test_settings_that_would_not_be_opened_are_refused_before_the_weights_are_sent(
    server, files, cache, name, values, beside, words
):
    changed = {**files, name: json.dumps(json.loads(files[name]) | values).encode()}
    server.add("model", "lab/odd", {**changed, **({beside: b"import os"} if beside else {})})
    plan = hub.plan_download("lab/odd", "model", None, cache)
    assert plan.refusal.startswith(f"lab/odd/{name} ")
    assert words in plan.refusal
    assert is_one_sentence(plan.refusal)
    assert not any(path.endswith((".safetensors", ".py")) for path in server.asked)
    with pytest.raises(ModelError, match=re.escape(plan.refusal)):
        hub.download(plan)


def test_an_auto_map_of_native_classes_alone_is_no_reason_to_refuse(server, files, cache):
    settings = json.dumps(json.loads(files["config.json"]) | {"auto_map": NATIVE}).encode()
    server.add("model", "lab/odd", {**files, "config.json": settings})
    plan = hub.plan_download("lab/odd", "model", None, cache)
    assert plan.refusal == ""
    hub.download(plan)
    assert "auto_map was left out" in " ".join(open_encoder(plan.name, cache).info.notes)


def test_a_data_set_is_taken_as_parquet_from_its_own_or_the_converted_branch(server, cache):
    other = COMMIT[::-1]
    server.add("dataset", "lab/rows", {"rows.csv": b"a,b", "rows.py": b"import os"})
    assert "no Parquet" in hub.plan_download("lab/rows", "dataset", None, cache).refusal
    rows = {"default/train/0.parquet": b"PAR1" * 400, "default/test/0.parquet": b"PAR1"}
    server.add("dataset", "lab/rows", rows, "refs/convert/parquet", other)
    plan = hub.plan_download("lab/rows", "dataset", None, cache)
    assert (plan.commit, plan.refusal, plan.total_bytes) == (other, "", 1604)
    place = hub.download(plan)
    assert (place / "default/train/0.parquet").read_bytes() == b"PAR1" * 400
    assert [one.kind for one in hub.stored(cache)] == ["dataset"]
    with pytest.raises(ModelError, match="is not on this machine"):
        open_encoder(plan.name, cache)


def test_two_files_of_the_same_content_both_arrive(server, cache):
    server.add("dataset", "lab/rows", {"a.parquet": b"PAR1", "b/c.parquet": b"PAR1"})
    place = hub.download(hub.plan_download("lab/rows", "dataset", None, cache))
    assert [(place / n).read_bytes() for n in ("a.parquet", "b/c.parquet")] == [b"PAR1"] * 2


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (401, "RepoNotFound", "has no repository"),
        (403, "GatedRepo", "let in"),
        (401, "GatedRepo", "let in"),
        (404, "RevisionNotFound", "no such revision"),
        (403, "", "let in"),
        (429, "", "too often"),
        (500, "", "disturbance"),
    ],
)
def test_a_refusal_is_one_sentence_without_tokens(server, cache, status, code, words):
    server.status, server.error_code = status, code
    with pytest.raises(ModelError, match=words) as caught:
        hub.plan_download("lab/tiny", "model", None, cache)
    assert is_one_sentence(str(caught.value))
    assert "secret" not in str(caught.value)


def test_an_unknown_repository_and_an_unknown_revision_are_named(server, cache):
    with pytest.raises(ModelError, match="no repository lab/none"):
        hub.plan_download("lab/none", "model", None, cache)
    with pytest.raises(ModelError, match="no such revision of lab/tiny"):
        hub.plan_download("lab/tiny", "model", "v9", cache)


def test_without_a_network_there_is_one_sentence_and_nothing_on_disk(monkeypatch, cache):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(ModelError, match="cannot be reached") as caught:
        hub.search("tiny", "model")
    assert is_one_sentence(str(caught.value))
    with pytest.raises(ModelError, match="cannot be reached") as caught:
        hub.plan_download("lab/tiny", "model", None, cache)
    assert time.monotonic() - started < 15
    assert is_one_sentence(str(caught.value))
    assert left_in(cache) == []


def test_what_a_killed_process_left_is_removed_by_the_next_download(server, cache):
    old = hub_store.home(cache) / ".part.999999999-abcdef01"
    (old / "downloads").mkdir(parents=True)
    (old / "downloads" / "x.incomplete").write_bytes(b"half")
    mine = hub_store.home(cache) / f".part.{os.getpid()}-abcdef02"
    mine.mkdir()
    hub.download(hub.plan_download("lab/tiny", "model", None, cache))
    assert not old.exists()
    assert mine.exists()


def test_what_a_run_spec_names_is_fetched_by_its_name(server, cache):
    assert hub.fetch_named(NAME, cache) == hub.stored(cache)[0].folder
    server.add("dataset", "lab/rows", {"a.parquet": b"PAR1"})
    name = f"hub:lab/rows@{COMMIT}"
    assert (hub.fetch_named(name, cache) / "a.parquet").is_file()
    with pytest.raises(ModelError, match=r"no such revision of lab/tiny|no repository lab/tiny"):
        hub.fetch_named(f"hub:lab/tiny@{COMMIT[::-1]}", cache)


@pytest.mark.parametrize("header", ["tag", "commit"])
def test_a_header_that_is_a_path_writes_nothing_elsewhere(server, cache, header):
    plan = hub.plan_download("lab/tiny", "model", None, cache)
    setattr(server, header, "../" * 6 + "evil")
    with pytest.raises(ModelError, match="leads out of its folder") as caught:
        hub.download(plan)
    assert is_one_sentence(str(caught.value))
    assert list(cache.parent.rglob("*evil*")) == []
    assert left_in(cache) == []


@pytest.mark.slow
def test_when_the_program_is_killed_its_download_ends_too(server, cache):
    plan = hub.plan_download("lab/tiny", "model", None, cache)
    server.delay = 60.0
    code = "import sys; from pathlib import Path; from fineview.core.models import hub\n"
    code += "hub.fetch_named(sys.argv[1], Path(sys.argv[2]))"
    program = subprocess.Popen([sys.executable, "-c", code, NAME, str(cache)])
    try:
        wait_for(lambda: any(path.endswith("model.safetensors") for path in server.asked))
        children = psutil.Process(program.pid).children(recursive=True)
        assert children
    finally:
        program.kill()
        program.wait()
    wait_for(lambda: not any(child.is_running() for child in children))
    assert hub.stored(cache) == ()
    server.delay = 0.0
    assert hub.download(plan) == plan.destination
    assert list(hub_store.home(cache).glob(".part*")) == []


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_damaged_snapshot_is_said_and_downloaded_again(server, cache):
    plan = hub.plan_download("lab/tiny", "model", None, cache)
    place = hub.download(plan)
    (place / "config.json").write_bytes(b"{}")
    with pytest.raises(ModelError, match=r"config\.json was changed") as caught:
        open_encoder(NAME, cache)
    assert is_one_sentence(str(caught.value))
    hub.download(plan)
    assert open_encoder(NAME, cache).info.layers == 2
    asked = len(server.asked)
    hub.download(plan)
    assert len(server.asked) == asked


def test_an_encoder_that_is_not_stored_says_how_to_get_it(cache):
    with pytest.raises(ModelError, match=f"fineview fetch {NAME}"):
        open_encoder(NAME, cache)


@pytest.mark.parametrize("name", ["hub:x", "hub:lab/tiny@main", f"hub:../../x@{COMMIT}", "hub:@"])
def test_a_name_that_is_no_commit_of_the_hub_is_refused(cache, name):
    with pytest.raises(ModelError) as caught:
        open_encoder(name, cache)
    assert is_one_sentence(str(caught.value))


@pytest.mark.parametrize(
    ("text", "repo_id"),
    [
        ("lab/tiny", "lab/tiny"),
        (" gpt2 ", "gpt2"),
        ("https://huggingface.co/lab/tiny", "lab/tiny"),
        ("https://huggingface.co/lab/tiny/tree/main", "lab/tiny"),
        ("https://huggingface.co/datasets/lab/rows/viewer/default?x=1#y", "lab/rows"),
        ("https://hf.co/gpt2/tree/main", "gpt2"),
    ],
)
def test_ids_and_addresses_of_pages_are_read(text, repo_id):
    assert hub.validate_repo_id(text) == repo_id


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "..",
            "a/..",
            "a/b/c",
            "C:\\x",
            "C:/x",
            "\\\\host\\x",
            "//host/x",
            "a--b/c",
            "a/b.git",
        ),
        *("-a", "a b", "a/b\nc", "ä/b", "a/b\0", "a/" + "b" * 96, "https://example.org/a/b"),
        *("https://huggingface.co/../x", "https://huggingface.co/a/%2e%2e", "https://["),
    ],
)
def test_what_is_no_id_is_refused(text):
    with pytest.raises(ModelError, match="is not the id") as caught:
        hub.validate_repo_id(text)
    assert is_one_sentence(str(caught.value))


def test_no_id_leads_out_of_the_folder(cache):
    random = np.random.default_rng(0)
    signs = np.array(list("ab./\\:-_~%@ \t"))
    root = hub_store.home(cache).resolve()
    taken = 0
    for length in random.integers(1, 9, 5000):
        try:
            repo_id = hub.validate_repo_id("".join(random.choice(signs, length)))
        except ModelError:
            continue
        taken += 1
        place = hub_store.snapshot_folder("model", repo_id, COMMIT, cache)
        assert place.resolve().is_relative_to(root)
        assert len(place.resolve().relative_to(root).parts) == 3
    assert taken > 50


def test_a_manifest_that_names_another_place_counts_for_nothing(server, cache):
    place = hub.download(hub.plan_download("lab/tiny", "model", None, cache))
    manifest = place / ".fineview.json"
    values = json.loads(manifest.read_text())
    for change in ({"repo_id": "lab/other"}, {"files": [{"path": "../x", "size": 1, "sum": ""}]}):
        manifest.write_text(json.dumps(values | change))
        assert hub.stored(cache) == ()
    manifest.write_text("[")
    assert hub.stored(cache) == ()


def test_only_the_child_goes_online():
    users = {
        path.name
        for path in PACKAGE.rglob("*.py")
        if re.search(r"^\s*(from|import) huggingface_hub", path.read_text("utf-8"), re.M)
    }
    assert users == {"hub_child.py"}
    calls = 0
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text("utf-8")
        for match in re.finditer(r"\.from_pretrained\(", text):
            calls += 1
            assert "local_files_only=True" in text[match.start() : match.start() + 400], path
    assert calls
