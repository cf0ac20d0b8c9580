"""A trained head at work: on a typed example, and on every row of a file."""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.plan import ImportPlan, Inspection
from fineview.core.data.task import ITEM_NAMES, Level
from fineview.core.errors import ConfigError, DataError, RunError
from fineview.core.features.classical import Terms
from fineview.core.files import atomic_stream, spreadsheet_cell
from fineview.core.models.info import Token
from fineview.core.progress import SILENT, Report, Silent
from fineview.core.runs.execute import Bench
from fineview.core.runs.tuned_encoder import begins_with, tuned_model

if TYPE_CHECKING:
    from fineview.core.data.reading import Record
    from fineview.core.training.heads import LinearHead
    from fineview.core.training.tuning.examples import Examples
    from fineview.core.training.tuning.model import TunedModel

CHUNK = 256
"""Texts that are judged together; always the same, since bits depend on the batch."""
ADDED = ("predicted", "probability")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What labelling a file gave.

    Attributes:
        path: The file that was written.
        rows: Rows of it, without the header.
        judged: Items that got a label.
        empty: Rows without a text; they have no label.
        truncated: Texts that were cut at the run's maximum length.
        counts: (class, number of items), commonest first.
        sample: Header and first rows, as they were written.
    """

    path: Path
    rows: int
    judged: int
    empty: int
    truncated: int
    counts: tuple[tuple[str, int], ...]
    sample: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        """One sentence for people."""
        shares = ", ".join(f"{name} {count:,}" for name, count in self.counts[:5])
        more = f" and {len(self.counts) - 5} more" if len(self.counts) > 5 else ""
        left = f" {self.empty:,} rows without a text have no label." if self.empty else ""
        cut = f" {self.truncated:,} texts were cut." if self.truncated else ""
        return f"{self.judged:,} labels written: {shares}{more}.{left}{cut}"


class Judge:
    """The head of one run with its encoder.

    Attributes:
        level: What one label belongs to.
        classes: Class names in index order.
    """

    def __init__(self, run_id: str, bench: Bench) -> None:
        """Read the head.

        Raises:
            RunError: The run has no head, or it is damaged.
            FineviewError: Its encoder or its task cannot be had.
        """
        record = bench.runs.read(run_id)
        self.spec = record.spec
        self.run_id = run_id
        result = record.result or {}
        level, classes = result.get("level"), result.get("classes")
        if level in ITEM_NAMES and isinstance(classes, list):
            # The task itself may be gone; the head needs its names only.
            self.level: Level = level
            self.classes = tuple(str(name) for name in classes)
        else:
            task = bench.task(self.spec.task, self.spec.split)
            self.level, self.classes = task.info.level, task.classes
        self._encoder = bench.encoder(begins_with(self.spec))
        self._head: LinearHead = self._stored_head(bench)
        outputs = len(self.classes) or 1
        if self._head.outputs != outputs:
            raise RunError(
                f"The head of run {run_id} has {self._head.outputs} outputs, but its task asks for "
                f"{outputs}: train again."
            )

    def _stored_head(self, bench: Bench) -> "LinearHead":
        """Read the head, and the weights of the encoder where they moved."""
        from fineview.core.training.heads import head_of

        arrays = bench.runs.tensors(self.run_id, "head")
        self._model: TunedModel | None = None
        self._terms: Terms | None = None
        if self.spec.strategy.kind == "classical":
            self._terms = Terms.from_arrays(bench.runs.tensors(self.run_id, "terms"))
        if not self.spec.strategy.trains_encoder:
            return head_of(arrays)
        self._model = tuned_model(bench, self.run_id, self.spec, self.level)
        return self._model.head

    def shares(
        self,
        texts: Sequence[str],
        second: Sequence[str] | None = None,
        words: Sequence[Sequence[str]] | None = None,
        report: Report = SILENT,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
        """Return what the head says.

        Args:
            texts: S texts.
            second: Pair level: S second texts.
            words: Word level: S sentences as words.
            report: Asked between batches.

        Returns:
            (M, C) probabilities; (M,) items, counted over texts or over all words (those beyond
            the maximum length are missing); the number of texts that were cut.
        """
        if self._model is not None:
            from fineview.core.training.tuning.judging import answers_of

            examples = self._examples(texts, second, words, report)
            answers, items = answers_of(self._model, examples, report=report)
            return answers, items, examples.truncated
        features, items, truncated = self._features(texts, second, words, report)
        return self._said(features), items, truncated

    def _examples(
        self,
        texts: Sequence[str],
        second: Sequence[str] | None,
        words: Sequence[Sequence[str]] | None,
        report: Report,
    ) -> "Examples":
        from fineview.core.training.tuning.examples import unlabelled

        return unlabelled(self._encoder, texts, second, words, self.spec.max_length, report)

    def explain(
        self,
        text: str,
        second: str | None = None,
        words: Sequence[str] | None = None,
        report: Report = SILENT,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], int, tuple[tuple[Token, float], ...]]:
        """Return what `shares` does of one text, and where the head looked.

        Returns:
            Each token with its share of 1 comes last; empty where the head does not weigh tokens.
        """
        from fineview.core.training.heads import AttentionHead

        whole = (
            [text],
            None if second is None else [second],
            None if words is None else [words],
            report,
        )
        looked: tuple[tuple[Token, float], ...] = ()
        weights: list[float] = []
        if self._model is not None:
            said, items, truncated = self.shares(*whole)
            if isinstance(self._head, AttentionHead):
                examples = self._examples(*whole)
                batch = examples.batch(np.array([0]), self._model.padding)
                (weights,) = self._model.token_weights(batch)
        else:
            features, items, truncated = self._features(*whole)
            said = self._said(features)
            if isinstance(self._head, AttentionHead):
                (weights,) = self._head.token_weights(features)
        if weights:
            tokens = self._encoder.tokens(text, second, self.spec.max_length)
            looked = tuple(zip(tokens, weights, strict=True))
        return said, items, truncated, looked

    def _said(self, features: Any) -> NDArray[np.float64]:  # noqa: ANN401 - see `_features`
        import torch

        with torch.no_grad():
            shares: NDArray[np.float64] = self._head.answers(self._head(features)).numpy()
        return shares

    def _features(
        self,
        texts: Sequence[str],
        second: Sequence[str] | None,
        words: Sequence[Sequence[str]] | None,
        report: Report,
    ) -> tuple[Any, NDArray[np.int64], int]:
        """Return what the head takes (a tensor, or tokens), the items, and the texts cut."""
        import torch

        from fineview.core.features.extract import states_of
        from fineview.core.features.pairs import states_apart
        from fineview.core.features.pooling import pool
        from fineview.core.features.token_states import token_states
        from fineview.core.training.tokens import TokenFeatures

        pooling, longest = self.spec.pooling, self.spec.max_length
        everything = np.arange(len(texts), dtype=np.int64)
        if self._terms is not None:
            sides: list[Sequence[str]] = [texts] if second is None else [texts, second]
            if words is not None:
                sides = [[word for sentence in words for word in sentence]]
            counted = torch.from_numpy(self._terms.transform(sides))
            return self._head.standardise(counted), np.arange(len(counted), dtype=np.int64), 0
        if pooling.tokens == "attention":
            layer = pooling.resolved(self._encoder.info.layers).layers[-1]
            found = token_states(
                self._encoder, texts, second, layer, max_length=longest, report=report
            )
            tokens: Any = TokenFeatures.of(found)
            return self._head.standardise(tokens), everything, found.truncated
        if pooling.pair == "separate" and second is not None:
            states, apart, truncated = states_apart(
                self._encoder, texts, second, max_length=longest, report=report
            )
            pooled = pool(states, pooling, self.level, apart)
            return self._head.standardise(torch.from_numpy(pooled)), everything, truncated
        states, items, truncated = states_of(
            self._encoder, self.level, texts, second, words, max_length=longest, report=report
        )
        pooled = pool(states, pooling, self.level)
        return self._head.standardise(torch.from_numpy(pooled)), items, truncated


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
    is cut at spaces. Cells that a spreadsheet would run as a formula begin with ' (CWE-1236).

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
    return Labelled(
        path=out,
        rows=writer.rows,
        judged=writer.judged,
        empty=writer.empty,
        truncated=writer.truncated,
        counts=tuple((name, count) for name, count in ranked if count),
        sample=tuple(sample),
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
    """Turns records into rows of the new file, and counts."""

    def __init__(self, judge: Judge, plan: ImportPlan) -> None:
        self.judge = judge
        self.plan = plan
        self.rows = self.judged = self.empty = self.truncated = 0
        self.counts = np.zeros(len(judge.classes), dtype=np.int64)

    def header(self) -> list[str]:
        if self.judge.level == "word":
            return ["line", "word", *ADDED]
        names = [spreadsheet_cell(name) for name in self.plan.roles]
        return [*names, *(_free(name, names) for name in ADDED)]

    def label(self, chunk: "Sequence[Record]", report: Report) -> Iterator[list[str]]:
        if self.judge.level == "word":
            return self._words(chunk, report)
        return self._texts(chunk, report)

    def _texts(self, chunk: "Sequence[Record]", report: Report) -> Iterator[list[str]]:
        pair = self.judge.level == "pair"
        full = [r for r in chunk if r.text.strip() and (r.second.strip() or not pair)]
        answers: dict[int, tuple[str, str]] = {}
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
            yield [*cells, *answers.get(id(record), ("", ""))]

    def _words(self, chunk: "Sequence[Record]", report: Report) -> Iterator[list[str]]:
        sentences = [list(r.words or r.text.split()) for r in chunk]
        full = [i for i, words in enumerate(sentences) if words]
        self.empty += len(chunk) - len(full)
        flat = [(chunk[i].line, word) for i in full for word in sentences[i]]
        answers = [("", "")] * len(flat)
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

    def _said(self, shares: NDArray[np.float64]) -> list[tuple[str, str]]:
        best = shares.argmax(1)
        self.counts += np.bincount(best, minlength=len(self.counts))
        self.judged += len(best)
        names = self.judge.classes
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
