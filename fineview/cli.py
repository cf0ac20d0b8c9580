"""The command line: `fineview`, `fineview run`, `fineview tour`, `fineview doctor`.

Nothing heavy is imported before the start-up checks have passed.
"""

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from fineview import __version__, preflight

STOPPED = 130  # as shells report a program ended by Ctrl+C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 or 2 refused, 130 stopped."""
    options = _parser().parse_args(arguments)
    window = options.command is None
    refusal = preflight.problem(window=window)
    if refusal is not None:
        return _refuse(refusal)
    from fineview.core.errors import FineviewError

    try:
        if options.command == "run":
            return _run(options)
        if options.command == "tour":
            return _tour(options)
        if options.command == "doctor":
            return _doctor(options)
        # The handler may run between any two lines, of an import or a paint: it only takes note.
        interrupted = threading.Event()
        signal.signal(signal.SIGINT, lambda *_: interrupted.set())
        from fineview.app import main as show_window
        from fineview.core.locations import Locations

        return show_window(Locations.find(options.workspace), options.device, interrupted)
    except FineviewError as error:
        return _refuse(str(error))
    except KeyboardInterrupt:  # before anybody listens: nothing has been begun
        return STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fineview",
        description="A laboratory for adapting pretrained language models. "
        "Without a command it opens the window.",
    )
    parser.add_argument("--version", action="version", version=f"fineview {__version__}")
    _common(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    run = commands.add_parser("run", help="train by a spec file, without a window")
    run.add_argument("spec", type=Path, help="TOML or JSON file, or a run's folder")
    _common(run, inherited=True)
    tour = commands.add_parser("tour", help="drive the window and write a picture of every panel")
    tour.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for pictures")
    doctor = commands.add_parser("doctor", help="say what is installed and what is missing")
    _common(doctor, inherited=True)
    return parser


def _common(parser: argparse.ArgumentParser, inherited: bool = False) -> None:
    # A subcommand must not overwrite what stood before it on the line.
    default = argparse.SUPPRESS if inherited else None
    parser.add_argument(
        "--workspace",
        type=Path,
        default=default,
        metavar="DIR",
        help="folder for runs (else FINEVIEW_WORKSPACE, else the platform's place)",
    )
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda", "mps"),
        default=argparse.SUPPRESS if inherited else "auto",
        help="what computes",
    )


def _refuse(text: str) -> int:
    sys.stderr.write(f"fineview: {text}\n")
    return 2


class TerminalReport:
    """Progress on stderr; Ctrl+C stops at the next check."""

    def __init__(self) -> None:
        self._stopped = False
        self._told = 0.0
        self._open_line = False
        self._live = sys.stderr.isatty()

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Take note of Ctrl+C."""
        self._stopped = True

    def publish(self, event: object) -> None:
        """Events are on disk; only the figures of an epoch are told."""

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Rewrite one line, five times a second; without a terminal, a line every ten seconds."""
        now = time.monotonic()
        if now - self._told < (0.2 if self._live else 10):
            return
        self._told = now
        share = f"{100 * done / total:3.0f} %" if total else "…"
        line = f"{share}  {text}"
        sys.stderr.write(f"\r{line:<60}" if self._live else f"{line}\n")
        sys.stderr.flush()
        self._open_line = self._live

    def check(self) -> None:
        """Raise where Ctrl+C was pressed.

        Raises:
            JobCancelled: It was.
        """
        from fineview.core.errors import JobCancelled

        if self._stopped:
            raise JobCancelled

    def changes(self) -> Mapping[str, object]:
        """Nothing changes on the command line."""
        return {}

    def close(self) -> None:
        """End the line."""
        if self._open_line:
            sys.stderr.write("\n")


def _run(options: argparse.Namespace) -> int:
    from fineview.core.device import apply_threads
    from fineview.core.errors import JobCancelled
    from fineview.core.laboratory import Laboratory
    from fineview.core.locations import Locations
    from fineview.core.runs.spec import read_spec

    spec = read_spec(options.spec)
    lab = Laboratory(Locations.find(options.workspace), options.device)
    report = TerminalReport()
    before = signal.signal(signal.SIGINT, report.stop)
    try:
        apply_threads()
        outcome = lab.execute(spec, report)
    except JobCancelled:
        newest = lab.runs.list()[:1]
        stopped = {"status": "stopped", "run_id": newest[0].run_id if newest else None}
        sys.stdout.write(json.dumps(stopped) + "\n")
        return STOPPED
    finally:
        report.close()
        signal.signal(signal.SIGINT, before)
        lab.close()
    sys.stderr.write(outcome.text + "\n")
    sys.stdout.write(json.dumps({"run_id": outcome.run_id, **outcome.result}) + "\n")
    return 0 if outcome.status == "finished" else 1


def _tour(options: argparse.Namespace) -> int:
    import os

    if preflight.display_problem() is not None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    refusal = preflight.qt_problem() or preflight.display_problem()
    if refusal is not None:
        return _refuse(refusal)
    from fineview.tour import take_tour

    return take_tour(options.out)


def _doctor(options: argparse.Namespace) -> int:
    """Say in one line each what is there; 1 where something is missing."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from fineview.core.device import device_status
    from fineview.core.errors import FineviewError
    from fineview.core.features.store import FeatureStore
    from fineview.core.locations import Locations
    from fineview.core.models.assets import verify
    from fineview.core.models.catalog import entries
    from fineview.resources import resources_dir

    bad = 0

    def line(good: bool, name: str, text: str) -> None:
        nonlocal bad
        bad += not good
        sys.stdout.write(f"{'ok ' if good else 'BAD'}  {name:<14} {text}\n")

    locations = Locations.find(options.workspace)
    line(preflight.python_problem() is None, "Python", platform.python_version())
    for package in ("PySide6-Essentials", "torch", "transformers", "gensim", "pyqtgraph"):
        try:
            line(True, package, version(package))
        except PackageNotFoundError:
            line(False, package, "missing: run `pip install fineview` again")
    for name, problem in (("Qt", preflight.qt_problem()), ("screen", preflight.display_problem())):
        line(problem is None, name, problem or "usable")
    line(True, "resources", str(resources_dir()))
    line(True, "device", json.dumps(asdict(device_status())))
    for entry in entries():
        try:
            verify(entry, locations.cache)
            line(True, entry.name, f"{entry.title}, {entry.licence}, hash as pinned")
        except FineviewError as error:
            line(False, entry.name, str(error))
    for name, folder in (("workspace", locations.workspace), ("cache", locations.cache)):
        line(True, name, str(folder))
    store = FeatureStore(locations.cache)
    line(True, "feature store", f"{store.size_bytes() / 1e6:.1f} MB of hidden states")
    return 1 if bad else 0
