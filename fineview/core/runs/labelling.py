"""A trained head at work on every row of a file."""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.plan import ImportPlan, Inspection
from fineview.core.data.task import Level
from fineview.core.errors import ConfigError, DataError
from fineview.core.files import atomic_stream, spreadsheet_cell
from fineview.core.progress import SILENT, Report, Silent
from fineview.core.runs.execute import Bench
from fineview.core.runs.judge import Judge

if TYPE_CHECKING:
    from fineview.core.data.reading import Record

CHUNK = 256
"""Rows that are judged together; always the same, since bits depend on the batch."""
PREDICTED, PROBABILITY = "predicted", "probability"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What labelling a file gave.

    Attributes:
        path: The file that was written.
        rows: Rows of it, without the header.
        judged: Items that got a label.
        empty: Rows without a text; they have no label.
        truncated: Texts that were cut at the run's maximum length.
        counts: (class, number of items), commonest first; empty for numbers.
        numbers: Lowest, mean and highest number that was written; None for classes.
        sample: Header and first rows, as they were written.
    """

    path: Path
    rows: int
    judged: int
    empty: int
    truncated: int
    counts: tuple[tuple[str, int], ...]
    sample: tuple[tuple[str, ...], ...]
    numbers: tuple[float, float, float] | None = None

    @property
    def text(self) -> str:
        """One sentence for people."""
        shares = ", ".join(f"{name} {count:,}" for name, count in self.counts[:5])
        more = f" and {len(self.counts) - 5} more" if len(self.counts) > 5 else ""
        left = f" {self.empty:,} rows without a text have no label." if self.empty else ""
        cut = f" {self.truncated:,} texts were cut." if self.truncated else ""
        what = f"labels written: {shares}{more}"
        if self.numbers is not None:
            low, mean, high = self.numbers
            what = f"numbers written, from {low:.3g} to {high:.3g}, {mean:.3g} on the average"
        return f"{self.judged:,} {what}.{left}{cut}"


def columns_for(
    judge_level: Level, inspection: Inspection, run_columns: Sequence[str]
) -> ImportPlan:
    """Return the plan of a file to label: which columns the head reads.

    Args:
        judge_level: Level of the run.
        inspection: What the file looks like.
        run_columns: Columns that the run's own task was read from (text, second), or empty; a file
            that has them needs no guess.
    """
    plan = inspection.plan
    for role, name in zip(("text", "second"), run_columns, strict=False):
        if name in plan.roles:
            plan = plan.with_role(name, role)  # type: ignore[arg-type]
    if judge_level != "pair" and plan.column("second"):
        plan = plan.with_role(plan.column("second"), "ignore")
    return replace(plan, words=plan.words and judge_level == "word")


def label_file(
    run_id: str, bench: Bench, plan: ImportPlan, out: Path, report: Report = SILENT
) -> Labelled:
    """Write a CSV with every row of a file and what a run's head says of it.

    Sentence and pair level: all columns of the file, then `predicted` and `probability`. Word
    level: `line`, `word`, `predicted`, `probability`, a row a word; a text that is no list of words
    is cut at spaces. A head that answers with numbers writes no probability. Cells that a
    spreadsheet would run as a formula begin with ' (CWE-1236).

    Args:
        run_id: A run that left a head.
        bench: Encoder, task and runs.
        plan: How to read the file, and which columns hold the texts.
        out: File to write, whole or not at all.
        report: Asked between batches; progress counts rows.

    Raises:
        ConfigError: The plan does not fit the run, or `out` is the file that is read.
        ImportProblem: The file cannot be read.
        JobCancelled: Stop was pressed; nothing is left.
    """
    from fineview.core.data.reading import records

    judge = Judge(run_id, bench)
    plan.check(labelled=False)
    if judge.level == "pair" and not plan.column("second"):
        raise ConfigError("Choose the column that holds the second text.", "second")
    if any(_same(file.path, out) for file in plan.files):
        raise ConfigError(f"{out.name} is the file to be labelled: choose another name.", "out")
    writer = _Writer(judge, plan)
    with atomic_stream(out) as stream:
        table = csv.writer(stream, lineterminator="\n")
        told = _Progress(report)
        rows = records(plan, told)
        header = writer.header()
        table.writerow(header)
        sample = [tuple(header)]
        while chunk := list(islice(rows, CHUNK)):
            report.check()
            told.labelled(writer.rows)
            for row in writer.label(chunk, told.quiet):
                table.writerow(row)
                if len(sample) <= 100:
                    sample.append(tuple(row))
        if writer.judged == 0:
            raise DataError(f"{plan.files[0].path.name} has no text to label: check its columns.")
    ranked = sorted(zip(judge.classes, writer.counts.tolist(), strict=True), key=lambda p: -p[1])
    low, mean, high = writer.lowest, writer.total / writer.judged, writer.highest
    return Labelled(
        path=out,
        rows=writer.rows,
        judged=writer.judged,
        empty=writer.empty,
        truncated=writer.truncated,
        counts=tuple((name, count) for name, count in ranked if count),
        sample=tuple(sample),
        numbers=None if judge.classes else (low, mean, high),
    )


class _Progress(Silent):
    """One progress of two: how much of the file was read, and how many rows are labelled.

    Attributes:
        quiet: A report that only stops and pauses: what tokenising says of a chunk helps nobody.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._share = (0, 0)
        self.quiet = Silent()
        self.quiet.check = self.check = report.check  # type: ignore[method-assign]

    def progress(self, done: int, total: int, text: str = "") -> None:  # noqa: ARG002
        """Take note of how far the file was read."""
        self._share = (done, total)

    def labelled(self, rows: int) -> None:
        """Say how far both are."""
        self._report.progress(*self._share, f"{rows:,} rows labelled")


class _Writer:
    """Turns records into rows of the new file, and counts.

    Attributes:
        added: Names of the new columns.
    """

    def __init__(self, judge: Judge, plan: ImportPlan) -> None:
        self.judge = judge
        self.plan = plan
        self.rows = self.judged = self.empty = self.truncated = 0
        self.counts = np.zeros(len(judge.classes), dtype=np.int64)
        self.total, self.lowest, self.highest = 0.0, inf, -inf
        self.added = (PREDICTED, PROBABILITY) if judge.classes else (PREDICTED,)

    def header(self) -> list[str]:
        if self.judge.level == "word":
            return ["line", "word", *self.added]
        names = [spreadsheet_cell(name) for name in self.plan.roles]
        return [*names, *(_free(name, names) for name in self.added)]

    def label(self, chunk: "Sequence[Record]", report: Report) -> Iterator[list[str]]:
        if self.judge.level == "word":
            return self._words(chunk, report)
        return self._texts(chunk, report)

    def _texts(self, chunk: "Sequence[Record]", report: Report) -> Iterator[list[str]]:
        pair = self.judge.level == "pair"
        full = [r for r in chunk if r.text.strip() and (r.second.strip() or not pair)]
        answers: dict[int, tuple[str, ...]] = {}
        if full:
            second = [r.second for r in full] if pair else None
            shares, items, truncated = self.judge.shares(
                [r.text for r in full], second, report=report
            )
            self.truncated += truncated
            for item, said in zip(items.tolist(), self._said(shares), strict=True):
                answers[id(full[item])] = said
        self.empty += len(chunk) - len(full)
        for record in chunk:
            self.rows += 1
            cells = [spreadsheet_cell(cell) for cell in record.cells]
            cells += [""] * (len(self.plan.roles) - len(cells))
            yield [*cells, *answers.get(id(record), self._nothing)]

    def _words(self, chunk: "Sequence[Record]", report: Report) -> Iterator[list[str]]:
        sentences = [list(r.words or r.text.split()) for r in chunk]
        full = [i for i, words in enumerate(sentences) if words]
        self.empty += len(chunk) - len(full)
        flat = [(chunk[i].line, word) for i in full for word in sentences[i]]
        answers = [self._nothing] * len(flat)
        if full:
            words = [sentences[i] for i in full]
            shares, items, truncated = self.judge.shares(
                [" ".join(one) for one in words], None, words, report
            )
            self.truncated += truncated
            for item, said in zip(items.tolist(), self._said(shares), strict=True):
                answers[item] = said
        for (line, word), said in zip(flat, answers, strict=True):
            self.rows += 1
            yield [str(line), spreadsheet_cell(word), *said]

    @property
    def _nothing(self) -> tuple[str, ...]:
        return ("",) * len(self.added)

    def _said(self, shares: NDArray[np.float64]) -> list[tuple[str, ...]]:
        self.judged += len(shares)
        names = self.judge.classes
        if not names:
            numbers = shares[:, 0]
            self.total += float(numbers.sum())
            self.lowest = min(self.lowest, float(numbers.min(initial=inf)))
            self.highest = max(self.highest, float(numbers.max(initial=-inf)))
            # No ' before a minus: a number of ours is no formula.
            return [(f"{number:.6g}",) for number in numbers.tolist()]
        best = shares.argmax(1)
        self.counts += np.bincount(best, minlength=len(self.counts))
        return [
            (spreadsheet_cell(names[k]), f"{row[k]:.4f}")
            for k, row in zip(best.tolist(), shares, strict=True)
        ]


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _same(one: Path, other: Path) -> bool:
    return other.exists() and os.path.samefile(one, other)
