"""Files become a task: look at their beginning, then read every row.

`inspect` guesses everything from the beginning; what it returns can be changed and given to
`read`, which streams all rows into `rows.parquet`, or to `records`, which yields them as they are.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fineview.core.data.plan import Imported, ImportPlan, Inspection, ReadSettings
from fineview.core.data.readers.choosing import (
    ENCODED,
    READERS,
    one_encoding,
    one_format,
    one_table,
    size_of,
    told,
)
from fineview.core.data.readers.finding import find_files
from fineview.core.data.readers.judging import check_classes, check_task, notes_on, ordered
from fineview.core.data.readers.keeping import (
    Kept,
    KeptSentence,
    drawn,
    kept_rows,
    kept_sentences,
)
from fineview.core.data.readers.opening import known_encoding
from fineview.core.data.readers.proposing import (
    how,
    left_out,
    title,
    with_columns,
    with_words,
    word_rows,
)
from fineview.core.data.readers.rows import SHOWN, Look, Source, filled
from fineview.core.data.readers.tally import Tally
from fineview.core.data.readers.writing import RowWriter
from fineview.core.data.task import SPLITS
from fineview.core.errors import ImportProblem
from fineview.core.progress import SILENT, Report

_LOOKED_AT = 50
"""Files whose beginning is looked at; the columns of more are checked when they are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row of a file as it is, for a trained head to label.

    Attributes:
        line: Where it begins, from 1; 0 where there are no lines.
        cells: In column order, as many as there are columns; a row that was too long is cut and
            one that was too short or broken is filled up with "". Word level: empty.
        text: What to label; "" if the row has none or is broken.
        second: Second text of a pair, or "".
        words: Word level: the words of a sentence; empty if it is broken.
        word_cells: Word level: the cells of each word, in column order.
    """

    line: int
    cells: tuple[str, ...] = ()
    text: str = ""
    second: str = ""
    words: tuple[str, ...] = ()
    word_cells: tuple[tuple[str, ...], ...] = ()


def inspect(
    paths: Sequence[Path], settings: ReadSettings = ReadSettings(), report: Report = SILENT
) -> Inspection:
    """Look at the beginning of files and guess how they make a task.

    Args:
        paths: Files of one layout, or a folder: of such files, or of class folders.
        settings: What the user has fixed.
        report: Asked while reading.

    Returns:
        A plan with every column's role. It lacks a text or a label where no column looks like one,
        and a reason says so.

    Raises:
        ImportProblem: The files cannot be read, or do not belong together.
        JobCancelled: Stop was pressed.
    """
    with told(paths[0] if paths else Path()):
        files = find_files([path.absolute() for path in paths])
    order = ("train", "validation", "test", "")
    files = tuple(sorted(files, key=lambda file: order.index(file.split)))
    total = 0
    sizes: list[int] = []
    sources = [Source(path=file.path, report=report) for file in files]
    for source in sources:
        report.check()
        with told(source.path):
            sizes.append(size_of(source))
        total += sizes[-1]
    sources, looked = sources[:_LOOKED_AT], files[:_LOOKED_AT]
    main = max(range(len(sources)), key=lambda i: (looked[i].split == "train", sizes[i], -i))
    layout = settings.format or one_format(sources, main, settings.encoding)
    reader = READERS[layout]
    with told(sources[main].path):
        first = reader.look(sources[main], settings)
    fixed = settings
    if layout in ("delimited", "conll"):
        fixed = replace(settings, delimiter=first.delimiter, header=first.header)
    elif layout == "xlsx":
        fixed = replace(settings, header=first.header)
    looks: list[Look] = []
    for number, source in enumerate(sources):
        report.check()
        report.progress(number, len(sources), source.name)
        with told(source.path):
            looks.append(first if number == main else reader.look(source, fixed))
    columns = one_table(sources, looks, main, layout)
    plan = ImportPlan(
        files=files,
        format=layout,
        encoding=settings.encoding or one_encoding(sources, looks),
        delimiter=first.delimiter,
        quote=first.quote or ("" if layout == "delimited" else '"'),
        header=first.header,
        sheet=first.sheet if settings.sheet is not None or len(files) == 1 else "",
        words=first.words,
        title=title(paths, files),
    )
    told_so = [
        *how(plan, files),
        *left_out(first),
        *(reason for look in looks for reason in look.reasons),
    ]
    if first.words:
        plan, guessed = with_words(plan, columns, first)
        rows, lines = word_rows(first.sentences, len(columns))
    else:
        plan, guessed = with_columns(plan, columns, first)
        shown = first.rows[:SHOWN]
        rows = tuple(filled(row[1], len(columns)) for row in shown)
        lines = tuple(row[0] for row in shown)
    reasons = (*dict.fromkeys((*told_so, *guessed)),)
    report.progress(len(sources), len(sources))
    return Inspection(
        plan=plan, rows=rows, lines=lines, reasons=reasons, bytes=total, sheets=first.sheets
    )


def read(plan: ImportPlan, folder: Path, report: Report = SILENT) -> Imported:
    """Read every row and write `folder`/rows.parquet.

    Rows that have no text or label, or are broken, are left out and told one by one. A byte that
    the encoding does not know ends the reading: leaving such rows out would favour some texts.

    Args:
        plan: How; what `inspect` gave, changed or not.
        folder: Where to; it exists and holds no rows.parquet. Nothing is left in it after an error.
        report: Told how far the reading is, in bytes.

    Raises:
        ConfigError: The plan has no text or no label.
        ImportProblem: The files cannot be read, or make no task.
        StoreError: The rows cannot be written.
        JobCancelled: Stop was pressed.
    """
    begun = time.perf_counter()
    plan.check()
    if plan.words and plan.label_kind != "class":
        plan = replace(plan, label_kind="class")
    tally = Tally()
    with RowWriter(plan, folder) as writer:
        for _ in _written(plan, writer, tally, report):
            report.check()
        writer.flush()
        check_task(plan, writer, tally)
    classes = ordered({name for name, _ in writer.counts})
    totals: Counter[str] = Counter()
    for (name, _), count in writer.counts.items():
        totals[name] += count
    given = {str(split): writer.rows_of[split] for split in SPLITS if writer.rows_of[split]}
    return Imported(
        plan=plan,
        folder=folder,
        rows=tally.rows,
        kept=writer.kept,
        items=writer.items,
        classes=classes,
        counts=tuple(totals[name] for name in classes),
        given=given,
        dropped=tuple(tally.dropped),
        reasons=tuple(tally.reasons.most_common()),
        notes=notes_on(plan, writer, tally),
        seconds=time.perf_counter() - begun,
    )


def records(plan: ImportPlan, report: Report = SILENT) -> Iterator[Record]:
    """Yield every row of one file in its order, for a trained head to label; none is left out.

    Args:
        plan: What `inspect` gave; a label is not needed.
        report: Told how far the reading is, in bytes.

    Raises:
        ConfigError: The plan has no text.
        ImportProblem: There is more than one file, or it cannot be read.
        JobCancelled: Stop was pressed.
    """
    plan.check(labelled=False)
    if len(plan.files) != 1:
        raise ImportProblem(
            f"{len(plan.files):,} files were chosen, and one is labelled at a time", "choose one"
        )
    sources = _sources(plan, report, every=True)
    with told(sources[0].path):
        if plan.words:
            yield from _sentence_records(plan, sources[0])
        else:
            yield from _row_records(plan, sources[0])


def _row_records(plan: ImportPlan, source: Source) -> Iterator[Record]:
    names = list(plan.roles)
    text_at = names.index(plan.column("text"))
    second = plan.column("second")
    second_at = names.index(second) if second else -1
    for line, cells, wrong in READERS[plan.format].rows(source, plan):
        ruled = filled(cells, len(names))
        if wrong:
            yield Record(line=line, cells=ruled)
            continue
        yield Record(
            line=line,
            cells=ruled,
            text=ruled[text_at].strip(),
            second=ruled[second_at].strip() if second else "",
        )


def _sentence_records(plan: ImportPlan, source: Source) -> Iterator[Record]:
    names = list(plan.roles)
    text_at = names.index(plan.column("text"))
    for lines, rows, wrong in READERS[plan.format].sentences(source, plan):
        ruled = tuple(filled(row, len(names)) for row in rows)
        words = tuple(row[text_at].strip() for row in ruled)
        words = () if wrong or not all(words) else words
        yield Record(
            line=lines[0] if lines else 0,
            words=words,
            text=" ".join(words),
            word_cells=ruled,
        )


def _sources(plan: ImportPlan, report: Report, *, every: bool) -> list[Source]:
    sources: list[Source] = []
    sizes = []
    for file in plan.files:
        report.check()
        with told(file.path):
            sizes.append(size_of(Source(path=file.path, report=report)))
            if plan.format in ENCODED:
                known_encoding(Source(path=file.path, report=report), plan.encoding)
    done = 0
    for file, size in zip(plan.files, sizes, strict=True):
        sources.append(
            Source(path=file.path, report=report, done=done, total=sum(sizes), every=every)
        )
        done += size
    return sources


def _written(plan: ImportPlan, writer: RowWriter, tally: Tally, report: Report) -> Iterator[None]:
    """Write all rows; control comes back after each batch."""
    sources = _sources(plan, report, every=False)
    seen = 0
    if plan.words:
        sentences: Iterator[KeptSentence] = _all_sentences(plan, sources, tally)
        if plan.sample is not None:
            sentences = drawn(sentences, plan.sample, plan.sample_seed)
        for sentence in sentences:
            writer.add_sentence(sentence)
            if writer.kept != seen:
                seen = writer.kept
                check_classes(plan, writer.classes)
                yield
        return
    rows: Iterator[Kept] = _all_rows(plan, sources, tally)
    if plan.sample is not None:
        rows = drawn(rows, plan.sample, plan.sample_seed)
    for row in rows:
        writer.add(row)
        if writer.kept != seen:
            seen = writer.kept
            check_classes(plan, writer.classes)
            yield


def _all_rows(plan: ImportPlan, sources: Sequence[Source], tally: Tally) -> Iterator[Kept]:
    reader = READERS[plan.format]
    for file, source in zip(plan.files, sources, strict=True):
        with told(source.path):
            yield from kept_rows(plan, file, reader.rows(source, plan), tally)


def _all_sentences(
    plan: ImportPlan, sources: Sequence[Source], tally: Tally
) -> Iterator[KeptSentence]:
    reader = READERS[plan.format]
    for file, source in zip(plan.files, sources, strict=True):
        with told(source.path):
            yield from kept_sentences(plan, file, reader.sentences(source, plan), tally)
