"""Parquet, with the class names that the `datasets` library keeps beside integer labels."""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from fineview.core.data.plan import ImportPlan, ReadSettings
from fineview.core.data.readers.delimited import check_columns
from fineview.core.data.readers.json_values import row_of, sentence_of
from fineview.core.data.readers.jsonl import word_columns, words_reason
from fineview.core.data.readers.opening import buffered, head, kind_of
from fineview.core.data.readers.rows import (
    GUESSED_FROM,
    LIMIT,
    MAX_COLUMNS,
    SHOWN,
    Look,
    Row,
    Sentence,
    Source,
    brief,
    single_columns,
    too_many_columns,
)

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

_BATCH = 1_000
"""Rows at a time: a dictionary page may unfold to a megabyte a row."""
_INDEX = "__index_level_"
_SCHEMA = 10_000_000
"""Most bytes, and most elements, that a file's own description may claim."""
Names = Mapping[str, Sequence[str]]


class ParquetReader:
    """Reads Parquet files row group by row group."""

    def look(self, source: Source, _settings: ReadSettings, /) -> Look:
        """Read the first rows."""
        with buffered(source) as raw:
            file = _opened(source, raw)
            columns = _columns(source, file)
            names = class_names(file.schema_arrow.metadata)
            items = islice(_items(source, file, columns, names), GUESSED_FROM)
            found = list(items)
        if not found:
            raise source.problem("the file has no rows", "choose a file with texts and labels")
        text, label = word_columns(found)
        named = [name for name in columns if name in names]
        reasons = tuple(
            f"The numbers in {brief(name)!r} are read as their class names." for name in named
        )
        if text:
            return Look(
                columns=columns,
                sentences=tuple(
                    sentence_of(0, item, columns, text, label) for item in found[:SHOWN]
                ),
                words=True,
                text=text,
                label=label,
                reasons=(*reasons, words_reason(text, label)),
            )
        rows = tuple(row_of(0, item, columns, ()) for item in found)
        return Look(columns=columns, rows=rows, reasons=reasons)

    def rows(self, source: Source, plan: ImportPlan) -> Iterator[Row]:
        """Yield every row."""
        flat = single_columns(plan)
        columns = tuple(plan.roles)
        with buffered(source) as raw:
            for item in _planned(source, plan, raw):
                yield row_of(0, item, columns, flat)

    def sentences(self, source: Source, plan: ImportPlan) -> Iterator[Sentence]:
        """Yield every row as a sentence."""
        columns, text, label = tuple(plan.roles), plan.column("text"), plan.column("label")
        with buffered(source) as raw:
            for item in _planned(source, plan, raw):
                yield sentence_of(0, item, columns, text, label)


def _opened(source: Source, raw: io.BufferedReader) -> "parquet.ParquetFile":
    import pyarrow as pa
    from pyarrow import parquet

    start, _ = head(source, 512)
    if kind_of(start) != "a Parquet file":
        what = kind_of(start) or "something else"
        raise source.problem(
            f"this is no Parquet file but {what}", "choose the layout that fits its content"
        )
    try:
        return parquet.ParquetFile(
            raw,
            thrift_string_size_limit=_SCHEMA,
            thrift_container_size_limit=_SCHEMA,
            pre_buffer=False,
        )
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged(source, error) from None


def damaged(source: Source, error: Exception) -> Exception:
    """Return the error for a Parquet file that is cut or damaged."""
    said = (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")
    return source.problem(
        f"the Parquet file is cut short or damaged ({said})", "get the whole file again"
    )


def _columns(source: Source, file: "parquet.ParquetFile") -> tuple[str, ...]:
    names = tuple(name for name in file.schema_arrow.names if not name.startswith(_INDEX))
    if len(names) > MAX_COLUMNS:
        raise too_many_columns(source, len(names), 0)
    if not names:
        raise source.problem("the file has no columns", "choose a file with texts and labels")
    for name in names:
        if names.count(name) > 1:
            raise source.problem(
                f"two columns are called {name[:40]!r}", "give each column its own name", 0, name
            )
    return names


def _planned(source: Source, plan: ImportPlan, raw: io.BufferedReader) -> Iterator[dict[str, Any]]:
    file = _opened(source, raw)
    columns = _columns(source, file)
    missing = [name for name in plan.roles if name not in columns]
    if missing:
        check_columns(source, columns, tuple(plan.roles), 0)
    for name in single_columns(plan):
        _check_type(source, file, name, plan.words)
    wanted = [n for n, role in plan.roles.items() if source.every or role != "ignore"]
    return _items(source, file, wanted, class_names(file.schema_arrow.metadata))


def _check_type(source: Source, file: "parquet.ParquetFile", name: str, words: bool) -> None:
    import pyarrow as pa

    kind = file.schema_arrow.field(name).type
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    if words and listed:
        kind, listed = kind.value_type, False
    elif words or listed or pa.types.is_nested(kind):
        what = "no list of words" if words else "a list or nested values, not one text each"
        raise source.problem(
            f"the column holds {what} ({str(kind)[:60]})", "choose another column", 0, name
        )
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise source.problem(
            f"the column holds values of the kind {str(kind)[:60]}, not text",
            "choose another column",
            0,
            name,
        )


def _items(
    source: Source, file: "parquet.ParquetFile", columns: Sequence[str], names: Names
) -> Iterator[dict[str, Any]]:
    """Yield rows as values that JSON knows, classes by name and whole floats as integers."""
    import pyarrow as pa

    convert = {
        name: _converter(file.schema_arrow.field(name).type, names.get(name)) for name in columns
    }
    # Arrow reads leaf columns under the name of their root.
    batches = file.iter_batches(_BATCH, columns=list(columns), use_threads=False)
    total, read = max(1, file.metadata.num_rows), 0
    size = source.path.stat().st_size
    try:
        for batch in batches:
            source.report.check()
            read += batch.num_rows
            if source.total:
                done = source.done + size * read // total
                source.report.progress(min(done, source.total), source.total, source.name)
            lists = []
            for name in columns:
                column = batch.column(name)
                if column.nbytes > LIMIT * 20:
                    raise source.problem(
                        f"{_BATCH:,} rows of the column take {column.nbytes:,} bytes",
                        "shorten its texts, or leave the column out",
                        0,
                        name,
                    )
                values = column.to_pylist()
                change = convert[name]
                lists.append(values if change is None else [change(value) for value in values])
            for row in zip(*lists, strict=True):
                yield dict(zip(columns, row, strict=True))
    except (pa.ArrowException, OSError, ValueError, OverflowError, KeyError) as error:
        raise damaged(source, error) from None


def _converter(
    kind: "pa.DataType", names: Sequence[str] | None
) -> Callable[[object], object] | None:
    import pyarrow as pa

    if names is not None:
        return lambda value: _named(value, names)
    while pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind):
        return None
    return _plain


def _named(value: object, names: Sequence[str]) -> object:
    if isinstance(value, list):
        return [_named(one, names) for one in value]
    if isinstance(value, int) and not isinstance(value, bool):
        # The convention of `datasets` for labels that are held back is −1.
        return names[value] if 0 <= value < len(names) else ("" if value < 0 else value)
    return _plain(value)


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    return str(value)


def class_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, tuple[str, ...]]:
    """Return the class names of each column that has some, from a schema's metadata."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        pairs = list(features.items())
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return {}
    found = {}
    for column, feature in pairs:
        while isinstance(feature, dict) and isinstance(feature.get("feature"), dict):
            feature = feature["feature"]  # a sequence of classes
        names = feature.get("names") if isinstance(feature, dict) else None
        if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
            found[column] = tuple(names)
    return found
