"""The house's rules that a machine can check."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "fineview"
HEAVY = ("torch", "transformers", "sklearn", "pyarrow", "scipy", "gensim")
LIGHT_MODULES = (
    "fineview.core.features.config",
    "fineview.core.training.config",
    "fineview.core.training.events",
    "fineview.core.runs.spec",
    "fineview.core.runs.store",
    "fineview.core.runs.execute",
    "fineview.core.laboratory",
    "fineview.core.models.catalog",
    "fineview.core.models.fetch",
    "fineview.core.data.catalogued",
    "fineview.core.data.reading",
    "fineview.core.data.samples",
    "fineview.core.data.library",
    "fineview.core.models.hub",
    "fineview.core.models.info",
    "fineview.core.data.bundled",
    "fineview.ui.main_window",
    "fineview.app",
)


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120
    ).stdout.strip()


def modules(folder: str) -> list[str]:
    return [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in (PACKAGE / folder).rglob("*.py")
        if path.name != "__init__.py"
    ]


def test_core_runs_without_qt():
    names = modules("core")
    assert len(names) > 20
    code = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "qt = ('PySide6', 'shiboken6', 'pyqtgraph')\n"
        "print([m for m in sys.modules if m.split('.')[0] in qt])"
    )
    assert run(code) == "[]"


@pytest.mark.parametrize("name", LIGHT_MODULES)
def test_what_the_window_needs_first_loads_no_compute_library(name):
    code = f"import {name}, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert run(code) == "[]"


def test_the_window_paints_before_anything_heavy_is_loaded(tmp_path):
    code = f"""
import os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from pathlib import Path
from PySide6.QtCore import QEvent, QObject
from fineview.app import build, make_qt, start
from fineview.core.locations import Locations

class Spy(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            print([m for m in {(*HEAVY, "pyqtgraph")!r} if m in sys.modules])
            sys.stdout.flush()
            os._exit(0)
        return False

qt = make_qt(["fineview"])
application = build(qt, Locations(Path({str(tmp_path / "w")!r}), Path({str(tmp_path / "c")!r})))
spy = Spy()
start(application)
application.window.installEventFilter(spy)
qt.exec()
"""
    assert run(code) == "[]"


def test_no_widget_is_made_to_wait_and_no_pickle_is_read():
    banned = {
        "processEvents": re.compile(r"\bprocessEvents\("),
        "terminate": re.compile(r"\.terminate\("),
        "torch.load": re.compile(r"\btorch\.load\("),
        "pickle": re.compile(r"^\s*(import|from) pickle\b", re.M),
        "remote code": re.compile(r"trust_remote_code\s*=\s*True"),
        "sleep": re.compile(r"\bsleep\("),
    }
    found = [
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in PACKAGE.rglob("*.py")
        # The tour is a user: it is the one that drives the event loop from outside.
        if path.name != "tour.py"
        for name, pattern in banned.items()
        if (name != "sleep" or "ui" in path.parts)
        and pattern.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_module_has_outgrown_its_idea():
    long = {
        str(path.relative_to(PACKAGE)): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 480
    }
    assert long == {}
