"""Resources are found in a wheel and in an editable install; start-up checks speak in sentences."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fineview import preflight
from fineview.resources import resource, resources_dir

ROOT = Path(__file__).resolve().parent.parent


def test_resources_are_found_in_the_editable_install():
    assert resources_dir() == ROOT / "resources"
    assert resource("icons", "train.svg").read_text().lstrip().startswith("<")


def test_a_missing_resource_is_named():
    with pytest.raises(FileNotFoundError, match=r"icons/none\.svg is missing"):
        resource("icons", "none.svg")


@pytest.mark.slow
def test_resources_are_found_in_a_wheel(tmp_path):
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            tmp_path,
            ROOT,
        ],
        check=True,
    )
    (wheel,) = tmp_path.glob("fineview-*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "from fineview.resources import resource, resources_dir;"
        "print(resources_dir()); print(len(resource('icons', 'train.svg').read_text()))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "site",
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert Path(found[0]) == tmp_path / "site" / "fineview" / "resources"
    assert int(found[1]) > 50


def test_no_screen_is_one_sentence_with_the_way_on(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    problem = preflight.display_problem()
    if not sys.platform.startswith("linux"):
        assert problem is None
    else:
        assert "There is no screen" in problem
        assert "fineview tour" in problem


def test_a_missing_library_names_its_package(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setitem(preflight._LIBRARIES, "libnone.so.9", ("libnone9", "none"))
    problem = preflight.display_problem()
    if sys.platform.startswith("linux"):
        assert "libnone.so.9" in problem
        assert "apt install libnone9" in problem


@pytest.mark.parametrize(
    ("found", "usable"),
    [("6.9.3", True), ("6.11.3", True), ("6.10.1", False), ("6.12.0", False), ("6.8.3", False)],
)
def test_bad_versions_of_qt_are_refused(monkeypatch, found, usable):
    monkeypatch.setattr(preflight, "version", lambda _name: found)
    problem = preflight.qt_problem()
    assert (problem is None) == usable
    if not usable:
        assert found in problem
        assert "pip install" in problem


@pytest.mark.parametrize(
    ("version", "usable"), [((3, 10, 1), False), ((3, 11, 0), True), ((3, 14, 0), False)]
)
def test_other_pythons_get_one_sentence(monkeypatch, version, usable):
    monkeypatch.setattr(preflight.sys, "version_info", version)
    assert (preflight.python_problem() is None) == usable


def test_the_window_without_a_screen_is_refused_and_not_aborted(tmp_path):
    import os

    environment = {
        k: v
        for k, v in os.environ.items()
        if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux can be without a screen")
    done = subprocess.run(
        [sys.executable, "-m", "fineview", "--workspace", tmp_path],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "There is no screen" in done.stderr
