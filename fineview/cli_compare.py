"""`fineview compare`: a comparison without a window, by a file, a preset, or where one was left."""

import argparse
import os
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fineview import preflight
from fineview.core.progress import Relay, Report

if TYPE_CHECKING:
    from fineview.core.laboratory import Laboratory
    from fineview.core.runs.compare_choice import CompareChoice
    from fineview.core.runs.compare_rows import Comparison
    from fineview.core.runs.spec import RunSpec

_SIZE = (960, 540)
"""Of the picture, pixels."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> Any:  # noqa: ANN401 - argparse's own
    """Add the command; return its parser."""
    parser = commands.add_parser(
        "compare",
        help="compare strategies, heads, encoders or sizes, without a window",
        description="Carries out a comparison as a queue of runs and keeps it as a study. "
        "JSON goes to stdout, progress to stderr. Ctrl+C stops; --continue goes on.",
    )
    parser.add_argument(
        "spec", type=Path, nargs="?", metavar="SPEC", help="TOML file with [compare] and [base]"
    )
    parser.add_argument("--preset", help="strategies, heads, grid, rows or capacity")
    parser.add_argument("--continue", dest="study", metavar="ID", help="go on with a comparison")
    parser.add_argument("--task", help="name of a task")
    parser.add_argument("--encoders", metavar="A,B", help="names of encoders")
    parser.add_argument("--strategies", metavar="A,B", help="head, last-k, full, lp-ft, …")
    parser.add_argument("--heads", metavar="A,B", help="linear, mlp, forest, …")
    parser.add_argument("--shape", help="table, grid, rows, width or depth")
    parser.add_argument("--sizes", metavar="N,M", help="places of a curve")
    numbers = (
        ("--rows", "train_items", "most training rows; 0 takes all"),
        ("--held-out", "held_out_items", "most rows of validation and of test; 0 takes all"),
        ("--seeds", "seeds", "runs of each combination, 1 to 10"),
        ("--epochs", "epochs", "passes where the encoder is trained"),
        ("--max-length", "max_length", "tokens per text"),
    )
    for flag, name, told in numbers:
        parser.add_argument(flag, dest=name, type=int, metavar="N", help=told)
    for flag, told in (("--shuffled", "shuffled labels"), ("--random-features", "random features")):
        parser.add_argument(
            flag, action=argparse.BooleanOptionalAction, help=f"the control with {told}"
        )
    for flag, told in (("--out", "JSON"), ("--csv", "CSV"), ("--svg", "SVG, PNG or PDF")):
        parser.add_argument(flag, type=Path, metavar="FILE", help=f"file to write as {told}")
    return parser


def question(
    options: argparse.Namespace, stored: Callable[[], list[str]]
) -> "tuple[RunSpec, CompareChoice]":
    """Return what the command line asks.

    Args:
        options: As parsed.
        stored: Encoders that can be used, asked for a preset that compares them.

    Raises:
        ConfigError: Neither file nor preset is named, or a value will not do.
    """
    from fineview.core.errors import ConfigError
    from fineview.core.runs.compare_choice import choice_from_dict
    from fineview.core.runs.spec import spec_from_dict

    if options.spec is None and options.preset is None and not options.strategies:
        raise ConfigError("Say what to compare: a TOML file, --preset, or --strategies.")
    base, values = _read(options.spec) if options.spec is not None else ({}, {})
    if options.task is not None:
        base = {**base, "task": options.task}
    if options.preset is not None:
        values = {**values, "preset": options.preset}
    for name in ("strategies", "heads", "encoders"):
        if getattr(options, name) is not None:
            values[name] = [word for word in getattr(options, name).split(",") if word]
    if options.sizes is not None:
        values["sizes"] = [word for word in options.sizes.split(",") if word]
    plain = ("shape", "train_items", "held_out_items", "seeds", "epochs", "max_length")
    for name in (*plain, "shuffled", "random_features"):
        if getattr(options, name) is not None:
            values[name] = getattr(options, name)
    if values.get("preset") == "grid":
        values.setdefault("encoders", stored())
    origin = str(options.spec) if options.spec is not None else "the command line"
    return spec_from_dict(base, origin), choice_from_dict(values, origin)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return [base] and [compare] of a TOML file.

    Raises:
        ConfigError: It is missing, no TOML, or holds something else.
    """
    from fineview.core.errors import ConfigError

    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"There is no spec file {path}: name a TOML file.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"The spec file {path} cannot be read: {error}.") from None
    for name, part in values.items():
        if name not in ("base", "compare") or not isinstance(part, dict):
            raise ConfigError(
                f"In {path}, {name!r} is unknown: a comparison has the parts [base] and [compare]."
            )
    return values.get("base", {}), values.get("compare", {})


def carry_out(options: argparse.Namespace, lab: "Laboratory", report: "Teller") -> "Comparison":
    """Carry out what is asked; raises as `core.runs.compare.compare`."""
    from fineview.core.runs.compare import compare, go_on
    from fineview.core.runs.compare_study import comparison_of

    if options.study is not None:
        return comparison_of(go_on(lab, options.study, report))
    spec, choice = question(options, lambda: _stored(lab))
    return comparison_of(compare(lab, spec, choice, report))


def succeeded(found: "Comparison") -> bool:
    """Return whether every run has finished."""
    return all(row.status == "finished" for row in found.rows)


def write(found: "Comparison", options: argparse.Namespace) -> None:
    """Write the files that were asked for, and JSON to stdout.

    Raises:
        StoreError: A file cannot be written.
    """
    from fineview.core.files import atomic_write
    from fineview.core.runs.compare_table import csv_of, json_of

    told = json_of(found) + b"\n"
    if options.out is not None:
        atomic_write(options.out, told)
    if options.csv is not None:
        atomic_write(options.csv, csv_of(found).encode())
    if options.svg is not None:
        draw(found, options.svg)
    sys.stdout.write(told.decode("ascii"))


def draw(found: "Comparison", path: Path, **look: Any) -> None:  # noqa: ANN401 - of CompareChoice
    """Write the picture of a comparison, without a screen if there is none.

    Args:
        found: The comparison.
        path: Its ending says which format: .svg, .png, .pdf.
        **look: `axis` and `tasks`; by default as the comparison was asked.

    Raises:
        StoreError: The file cannot be written, or Qt cannot draw here.
    """
    from fineview.core.errors import StoreError

    if preflight.display_problem() is not None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    refusal = preflight.qt_problem() or preflight.display_problem()
    if refusal is not None:
        raise StoreError(f"The picture {path} cannot be drawn: {refusal}")
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QApplication

    from fineview.app import make_qt
    from fineview.ui.plots.compare_picture import ComparePicture
    from fineview.ui.plots.export import export_widget

    qt = QApplication.instance() or make_qt(sys.argv[:1])
    picture = ComparePicture()
    picture.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    picture.resize(*_SIZE)
    choice = replace(found.choice, **look)
    picture.show_comparison(found, choice.axis, choice.tasks)
    picture.show()  # lays it out
    try:
        export_widget(picture, path)
    except (OSError, ValueError) as error:
        raise StoreError(f"The picture {path} was not written: {error}") from None
    finally:
        picture.close()
        del qt  # it has to outlive the picture


class Teller(Relay):
    """A report that says each run's result, and remembers how the comparison stands.

    Attributes:
        found: The comparison as it was last told; None before the first run.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.found: Comparison | None = None
        self._told: set[tuple[str, int]] = set()

    def publish(self, event: object) -> None:
        """Say what has ended since."""
        from fineview.core.runs.compare_rows import Comparison

        if not isinstance(event, Comparison):
            return
        first, self.found = self.found is None, event
        for row in event.rows:
            for run in row.runs:
                over = run.status in ("finished", "diverged", "failed", "refused")
                if over and (run.arm, run.seed) not in self._told:
                    self._told.add((run.arm, run.seed))
                    if not first:  # what a continued comparison had done before is known
                        told = run.text if run.test is None else f"{run.test:.3f}"
                        line = f"{row.arm.title} · seed {run.seed}: {told}"
                        sys.stderr.write(f"\r{line:<78}\n")


def _stored(lab: "Laboratory") -> list[str]:
    from fineview.core.models.catalog import entries, is_stored

    return [e.name for e in entries("encoder") if is_stored(e, lab.locations.cache)]
