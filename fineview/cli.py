"""The command line: `fineview`, and `fineview open|run|compare|tasks|predict|fetch|tour|doctor`.

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
from types import FrameType, ModuleType

from fineview import __version__, cli_compare, cli_tasks, preflight

STOPPED = 130  # as shells report a program ended by Ctrl+C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 or 2 refused, 130 stopped."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser, commands = _parser()
    if given and given[0] not in commands and Path(given[0]).exists():
        given.insert(0, "open")  # as a file manager starts programs: with nothing but a file
    options = parser.parse_args(given)
    window = options.command in (None, "open")
    refusal = preflight.problem(window=window)
    if refusal is not None:
        return _refuse(refusal)
    from fineview.core.errors import FineviewError

    try:
        if options.command == "run":
            return _run(options)
        if options.command == "compare":
            return _study(options, cli_compare)
        if options.command == "tasks":
            return _study(options, cli_tasks)
        if options.command == "predict":
            return _predict(options)
        if options.command == "fetch":
            return _fetch(options)
        if options.command == "tour":
            return _tour(options)
        if options.command == "doctor":
            return _doctor(options)
        # The handler may run between any two lines, of an import or a paint: it only takes note.
        interrupted = threading.Event()
        signal.signal(signal.SIGINT, lambda *_: interrupted.set())
        from fineview.app import main as show_window
        from fineview.core.locations import Locations

        files = [path.absolute() for path in getattr(options, "files", ())]
        return show_window(Locations.find(options.workspace), options.device, interrupted, files)
    except FineviewError as error:
        return _refuse(str(error))
    except KeyboardInterrupt:  # before anybody listens: nothing has been begun
        return STOPPED


def _parser() -> tuple[argparse.ArgumentParser, frozenset[str]]:
    """Return the parser and the names of its commands."""
    parser = argparse.ArgumentParser(
        prog="fineview",
        description="A laboratory for adapting pretrained language models. "
        "Without a command it opens the window.",
    )
    parser.add_argument("--version", action="version", version=f"fineview {__version__}")
    _common(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    show = commands.add_parser("open", help="open files of labelled texts in the window")
    show.add_argument("files", type=Path, nargs="+", metavar="FILE", help="files, or one folder")
    _common(show, inherited=True)
    run = commands.add_parser("run", help="train by a spec file, without a window")
    run.add_argument("spec", type=Path, help="TOML or JSON file, or a run's folder")
    _common(run, inherited=True)
    _common(cli_compare.add_parser(commands), inherited=True)
    _common(cli_tasks.add_parser(commands), inherited=True)
    predict = commands.add_parser("predict", help="label a file with a trained head")
    predict.add_argument("run", metavar="RUN", help="name of a run, or `last`")
    predict.add_argument("file", type=Path, metavar="FILE", help="CSV, TSV, JSONL, Parquet, …")
    predict.add_argument("--out", type=Path, metavar="CSV", help="file to write")
    predict.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="whether the first row names the columns (else found out)",
    )
    predict.add_argument("--text", metavar="COLUMN", help="column that holds the text")
    predict.add_argument("--second", metavar="COLUMN", help="column of a pair's second text")
    _common(predict, inherited=True)
    fetch = commands.add_parser("fetch", help="fetch models and data of the catalogue")
    fetch.add_argument(
        "names",
        nargs="+",
        metavar="list|demo|NAME|hub:OWNER/NAME@SHA",
        help="`list` shows what there is; `demo` fetches what the other panels need",
    )
    fetch.add_argument("--remove", action="store_true", help="delete these instead")
    _common(fetch, inherited=True)
    tour = commands.add_parser("tour", help="drive the window and write a picture of every panel")
    tour.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for pictures")
    doctor = commands.add_parser("doctor", help="say what is installed and what is missing")
    _common(doctor, inherited=True)
    return parser, frozenset(commands.choices)


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

    def ask_stop(self) -> None:
        """Raise where Ctrl+C was pressed: nothing pauses on the command line."""
        self.check()

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


def _study(options: argparse.Namespace, asked: ModuleType) -> int:
    """Carry out a study.

    Args:
        options: As parsed.
        asked: `cli_compare` or `cli_tasks`: what is carried out, and how it is told.
    """
    from fineview.core.device import apply_threads
    from fineview.core.errors import JobCancelled
    from fineview.core.laboratory import Laboratory
    from fineview.core.locations import Locations

    lab = Laboratory(Locations.find(options.workspace), options.device)
    report = TerminalReport()
    teller = asked.Teller(report)
    before = signal.signal(signal.SIGINT, report.stop)
    try:
        apply_threads()
        found = asked.carry_out(options, lab, teller)
        asked.write(found, options)
    except JobCancelled:
        study = teller.found.study_id if teller.found is not None else None
        sys.stdout.write(json.dumps({"status": "stopped", "study_id": study}) + "\n")
        return STOPPED
    finally:
        report.close()
        signal.signal(signal.SIGINT, before)
        lab.close()
    sys.stderr.write(f"{found.text}\nKept as {found.study_id}.\n")
    return 0 if asked.succeeded(found) else 1


def _predict(options: argparse.Namespace) -> int:
    from fineview.core.data.plan import ReadSettings
    from fineview.core.data.reading import inspect
    from fineview.core.device import apply_threads
    from fineview.core.errors import JobCancelled, RunError
    from fineview.core.laboratory import Laboratory
    from fineview.core.locations import Locations

    lab = Laboratory(Locations.find(options.workspace), options.device)
    report = TerminalReport()
    before = signal.signal(signal.SIGINT, report.stop)
    try:
        apply_threads()
        run = options.run
        if run == "last":
            newest = [one.run_id for one in lab.runs.list() if one.status == "finished"]
            if not newest:
                raise RunError("There is no finished run in this workspace: train a head first.")
            run = newest[0]
        plan = lab.labelling_plan(
            run, inspect([options.file], ReadSettings(header=options.header), report)
        )
        for role in ("text", "second"):
            if getattr(options, role):
                plan = plan.with_role(getattr(options, role), role)
        out = options.out or options.file.with_name(f"{options.file.stem}-labelled.csv")
        told = lab.label_file(run, plan, out, report)
    except JobCancelled:
        return STOPPED
    finally:
        report.close()
        signal.signal(signal.SIGINT, before)
        lab.close()
    sys.stderr.write(f"{told.text}\n")
    values = asdict(told) | {"path": str(told.path), "run_id": run}
    del values["sample"]
    sys.stdout.write(json.dumps(values) + "\n")
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from fineview.core.errors import JobCancelled
    from fineview.core.locations import Locations
    from fineview.core.models import catalog
    from fineview.core.models.fetch import DEMO, fetch, listing, remove, stored_bytes

    cache = Locations.find(options.workspace).cache
    if options.names == ["list"]:
        for one in listing(cache):
            sys.stdout.write(
                f"{'here' if one.stored else '':<5}{one.name:<20}{one.kind:<15}"
                f"{one.size_bytes / 1e6:>8.1f} MB  {one.title}; {one.licence}\n"
            )
            if one.warning:
                sys.stdout.write(f"{'':<5}Warning: {one.warning}\n")
        return 0
    names = [n for name in options.names for n in (DEMO if name == "demo" else (name,))]
    names = list(dict.fromkeys(names))
    wanted = [catalog.entry(name) for name in names if not name.startswith("hub:")]
    report = TerminalReport()
    # A program that is told to end takes its download with it.
    before = {kind: signal.signal(kind, report.stop) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        for entry in wanted:
            if options.remove:
                freed = remove(entry, cache)
                sys.stdout.write(f"{entry.title}: {freed / 1e6:.1f} MB freed\n")
                continue
            if entry.warning:
                sys.stderr.write(f"Warning: {entry.warning}\n")
            path = fetch(entry, cache, report)
            size = stored_bytes(entry, cache) / 1e6
            sys.stdout.write(f"{entry.title}: {path} ({size:.1f} MB)\n")
        for name in names:
            if name.startswith("hub:"):
                from fineview.core.models import hub

                if options.remove:
                    sys.stdout.write(f"{name}: {hub.remove(name, cache) / 1e6:.1f} MB freed\n")
                else:
                    sys.stdout.write(f"{name}: {hub.fetch_named(name, cache, report)}\n")
    except JobCancelled:
        return STOPPED
    finally:
        report.close()
        for kind, handler in before.items():
            signal.signal(kind, handler)
    return 0


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
    from fineview.core.models.catalog import entries, is_stored
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
        if entry.origin != "installed" and not is_stored(entry, locations.cache):
            size = f"{entry.download_bytes / 1e6:.0f} MB"
            line(True, entry.name, f"{entry.title}, not fetched ({size})")
            continue
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
