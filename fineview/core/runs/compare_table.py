"""A comparison as numbers to take along: a table, CSV, Markdown, JSON."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from fineview.core.files import spreadsheet_cell
from fineview.core.runs.compare_choice import TASKS
from fineview.core.runs.compare_rows import Comparison, Figure, Row
from fineview.core.runs.compare_words import figure_text, measure_name, size_text
from fineview.core.runs.plain import dump_json

Cell = str | int | float | None


def table_of(found: Comparison) -> tuple[list[str], list[list[Cell]]]:
    """Return every number of a comparison, a row an arm, the references last; bytes and seconds."""
    header = ["row", "encoder", "strategy", "head", "size", "control", "status", "runs_done"]
    for name in ("test", "train", "shifted"):
        header += [name, f"{name}_low", f"{name}_high", f"{name}_interval_over"]
    header += ["mark", "train_minus_test", "trained_parameters", "bytes_per_further_task"]
    header += [f"bytes_of_{tasks}_task{'s' * (tasks != 1)}" for tasks in TASKS]
    header += ["seconds", "of_these_features_seconds", "peak_bytes"]
    header += ["last_layer_cka", "last_block_distance", "run_ids", "text"]
    rows = [_cells(row) for row in found.rows]
    for line in found.lines:
        test = [*_figure(line.test)]
        kept: list[Cell] = [line.title, "", "", "", None, "", "reference", None, *test]
        rows.append(kept + [None] * (len(header) - len(kept)))
    return header, rows


def csv_of(found: Comparison) -> str:
    """Return the table as CSV; what a spreadsheet would run as a formula is quoted with '."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    header, rows = table_of(found)
    writer.writerow(header)
    for row in rows:
        writer.writerow([spreadsheet_cell(c) if isinstance(c, str) else c for c in row])
    return stream.getvalue()


def markdown_of(found: Comparison) -> str:
    """Return the table for a README, numbers rounded as people read them."""
    columns: list[tuple[str, Callable[[Row], str]]] = [
        ("", lambda r: r.arm.title),
        (f"test {measure_name(found)} (95 %)", lambda r: _marked(r)),
        ("train", lambda r: figure_text(r.train)),
        ("train − test", lambda r: _rounded(r.gap, "{:+.3f}")),
        ("trained weights", lambda r: _rounded(r.parameters, "{:,}")),
        ("bytes a further task", lambda r: "–" if r.own_bytes is None else size_text(r.own_bytes)),
        *((f"{n} task{'s' * (n != 1)}", _stored(n)) for n in TASKS),
        ("CKA, last layer", lambda r: _rounded(r.cka, "{:.3f}")),
        ("seconds", lambda r: _rounded(r.seconds, "{:.0f}")),
        ("peak memory", lambda r: "–" if r.peak_bytes is None else size_text(r.peak_bytes)),
    ]
    lines = [
        "| " + " | ".join(name for name, _ in columns) + " |",
        "|---|" + "---:|" * (len(columns) - 1),
    ]
    for row in found.rows:
        cells = [words(row).replace("|", "\\|") for _, words in columns]
        lines.append("| " + " | ".join(cells) + " |")
    for line in found.lines:
        low, high = line.test.low, line.test.high
        told = f"{line.test.value:.3f} ({low:.2f}–{high:.2f})"
        lines.append(f"| {line.title} | {told} |" + " |" * (len(columns) - 2))
    return "\n".join(lines) + "\n"


def json_of(found: Comparison) -> bytes:
    """Return the whole comparison as strict JSON on one line."""
    values: dict[str, Any] = asdict(found)
    for told, row in zip(values["rows"], found.rows, strict=True):
        told |= {"status": row.status, "gap": row.gap}
        told["stored"] = {str(tasks): row.stored(tasks) for tasks in TASKS}
    return dump_json(values)


def _cells(row: Row) -> list[Cell]:
    arm = row.arm
    return [
        arm.title,
        arm.encoder,
        arm.strategy,
        arm.head,
        arm.size or None,
        arm.control,
        row.status,
        len(row.finished),
        *_figure(row.test),
        *_figure(row.train),
        *_figure(row.shifted),
        row.mark,
        row.gap,
        row.parameters,
        row.own_bytes,
        *(row.stored(tasks) for tasks in TASKS),
        row.seconds,
        row.features_seconds,
        row.peak_bytes,
        row.cka,
        row.distance,
        " ".join(run.run_id for run in row.runs if run.run_id),
        " ".join(faults_of(row)),
    ]


def faults_of(row: Row) -> Sequence[str]:
    """Return the sentences of the runs that came to nothing, each once."""
    wrong = [run.text for run in row.runs if run.status not in ("finished", "waiting", "running")]
    return tuple(dict.fromkeys(text for text in wrong if text))


def _figure(figure: Figure | None) -> list[Cell]:
    if figure is None:
        return [None, None, None, ""]
    if figure.over == "nothing":
        return [figure.value, None, None, ""]
    return [figure.value, figure.low, figure.high, figure.over]


def _marked(row: Row) -> str:
    if row.test is None:
        return row.status
    sign = {"best": " ●", "tied": " ○", "": ""}[row.mark]
    return f"{figure_text(row.test)}{sign}"


def _stored(tasks: int) -> Callable[[Row], str]:
    def words(row: Row) -> str:
        size = row.stored(tasks)
        return "–" if size is None else size_text(size)

    return words


def _rounded(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value).replace("-", "−")
