"""rows.parquet: written in batches to a name of its own, and given its name when it is whole."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from fineview.core.data.plan import ImportPlan
from fineview.core.data.readers.keeping import Kept, KeptSentence, whole
from fineview.core.errors import StoreError
from fineview.core.files import write_error

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = "rows.parquet"
_PART = ".rows.parquet.part"
_BATCH = 2_000
_CHARACTERS = 500_000
"""A batch is also full with so many: turning more into an array would hold the interpreter up."""
_GROUP = 20_000
_GROUP_BYTES = 32 << 20
"""A row group of the file is also full with so many."""


class RowWriter:
    """Takes kept rows, or sentences, and writes them; a context manager.

    Attributes:
        kept: Rows (sentences) taken.
        items: Labels taken.
        counts: How many labels of which (class, split); empty for numbers.
        rows_of: Rows (sentences) of each split.
        least: Least number; numbers only.
        most: Greatest number.
        mended: Texts in which half of a surrogate pair was replaced.
    """

    def __init__(self, plan: ImportPlan, folder: Path) -> None:
        """Remember what is to be written.

        Args:
            plan: Which columns there are.
            folder: An empty one.

        Raises:
            StoreError: The folder has rows already.
        """
        self.kept = 0
        self.items = 0
        self.counts: Counter[tuple[str, str]] = Counter()
        self.rows_of: Counter[str] = Counter()
        self.least = float("inf")
        self.most = float("-inf")
        self.mended = 0
        self._plan = plan
        self._target = folder / ROWS
        self._part = folder / _PART
        if self._target.exists():
            raise StoreError(f"{self._target} is there already: read into an empty folder.")
        self._batch: list[Any] = []
        self._characters = 0
        self._packed: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0
        self._splits = any(file.split for file in plan.files) or bool(plan.column("split"))
        self._groups = bool(plan.column("group"))

    def __enter__(self) -> "RowWriter":
        """Open the file."""
        from pyarrow import parquet

        self._schema = self._make_schema()
        with _told(self._part):
            self._file = self._part.open("xb")
        try:
            self._writer = parquet.ParquetWriter(self._file, self._schema, compression="zstd")
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the file its name, or remove it after an error."""
        if kind is not None:
            with suppress(OSError, ValueError):
                self._writer.close()
            self._discard()
            return
        try:
            self.flush()
            with _told(self._part):
                self._writer.close()
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
                os.replace(self._part, self._target)
        except BaseException:
            self._discard()
            raise

    def add(self, row: Kept) -> None:
        """Take one row."""
        self._batch.append(row)
        self._characters += len(row[0]) + len(row[1])
        if len(self._batch) >= _BATCH or self._characters >= _CHARACTERS:
            self._pack()

    def add_sentence(self, row: KeptSentence) -> None:
        """Take one sentence."""
        self._batch.append(row)
        self._characters += 10 * len(row[0])
        if len(self._batch) >= _BATCH or self._characters >= _CHARACTERS:
            self._pack()

    def flush(self) -> None:
        """Write what waits; the counts are complete afterwards."""
        self._pack()
        self._write()

    @property
    def classes(self) -> int:
        """Return how many classes were written."""
        return len({name for name, _ in self.counts})

    def _make_schema(self) -> "pa.Schema":
        import pyarrow as pa

        plan = self._plan
        if plan.words:
            words = pa.list_(pa.large_string())
            fields = [("words", words), ("labels", words)]
        else:
            fields = [("text", pa.large_string())]
            if plan.column("second"):
                fields.append(("second", pa.large_string()))
            number = plan.label_kind == "number"
            fields.append(("label", pa.float64() if number else pa.large_string()))
        if self._splits:
            fields.append(("split", pa.string()))
        if self._groups:
            fields.append(("group", pa.large_string()))
        return pa.schema(fields)

    def _write(self) -> None:
        import pyarrow as pa

        if self._packed:
            # Compressing takes long, but it lets go of the interpreter.
            with _told(self._part):
                self._writer.write_table(pa.Table.from_batches(self._packed), _GROUP)
            self._packed, self._rows, self._bytes = [], 0, 0

    def _pack(self) -> None:
        import pyarrow as pa

        if not self._batch:
            return
        columns: dict[str, Sequence[Any]] = {}
        if self._plan.words:
            columns["words"], columns["labels"], splits, groups = zip(*self._batch, strict=True)
            for labels, split in zip(columns["labels"], splits, strict=True):
                self.counts.update((label, split) for label in labels)
                self.items += len(labels)
        else:
            texts, seconds, labels, splits, groups = zip(*self._batch, strict=True)
            columns = {"text": texts, "second": seconds, "label": labels}
            self.items += len(labels)
            if self._plan.label_kind == "number":
                self.least, self.most = min(self.least, *labels), max(self.most, *labels)
            else:
                self.counts.update(zip(labels, splits, strict=True))
        self.rows_of.update(splits)
        columns["split"], columns["group"] = splits, groups
        self.kept += len(self._batch)
        self._batch = []
        self._characters = 0
        arrays = [self._array(columns[field.name], field.type) for field in self._schema]
        batch = pa.record_batch(arrays, schema=self._schema)
        self._packed.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= _GROUP or self._bytes >= _GROUP_BYTES:
            self._write()

    def _array(self, values: Sequence[object], kind: "pa.DataType") -> "pa.Array":
        import pyarrow as pa

        try:
            return pa.array(values, kind)
        except UnicodeEncodeError:
            return pa.array([self._mend(value) for value in values], kind)

    def _mend(self, value: object) -> object:
        if isinstance(value, list):
            return [self._mend(word) for word in value]
        good = whole(str(value))
        self.mended += good != value
        return good

    def _discard(self) -> None:
        self._file.close()
        with suppress(OSError):
            self._part.unlink(missing_ok=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise write_error(error, path.parent) from error
