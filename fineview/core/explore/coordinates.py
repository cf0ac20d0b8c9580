"""Coordinates of a map as CSV: out to other programs, and back in from them."""

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import SPLITS
from fineview.core.errors import DataError, ImportProblem
from fineview.core.explore.space import SpacePoints
from fineview.core.files import atomic_stream, spreadsheet_cell
from fineview.core.progress import SILENT, Report

AXES = ("x", "y", "z")
_ROWS = 256
_PIECE = 1 << 20
_SHOWN = 40
"""Characters of a cell that a message repeats."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """Coordinates that were read.

    Attributes:
        points: (P,) indices of points, ascending.
        coordinates: (P, 2) or (P, 3), in the same order.
        missing: Points of the map that the file does not place.
        elsewhere: Rows of the file about items that are not drawn.
    """

    points: NDArray[np.int64]
    coordinates: NDArray[np.float32]
    missing: int
    elsewhere: int

    @property
    def text(self) -> str:
        """One sentence for people."""
        left = f" {self.missing:,} points have no place." if self.missing else ""
        others = f" {self.elsewhere:,} rows are about texts not drawn." if self.elsewhere else ""
        return f"{len(self.points):,} points placed.{left}{others}"


def write_coordinates(
    path: Path, points: SpacePoints, coordinates: NDArray[np.floating], report: Report = SILENT
) -> None:
    """Write where the points stand: item (from 1), text, label, split, x, y and perhaps z.

    Cells that a spreadsheet would run as a formula begin with ' (CWE-1236).

    Args:
        path: File to write, whole or not at all.
        points: M points.
        coordinates: (M, 2) or (M, 3).
        report: Asked between rows; progress counts them.

    Raises:
        StoreError: The file cannot be written.
        JobCancelled: Stop was pressed; nothing is left.
    """
    with atomic_stream(path) as stream:
        # In large pieces: many small writes keep the window waiting.
        piece = io.StringIO()
        table = csv.writer(piece, lineterminator="\n")
        table.writerow(["item", "text", "label", "split", *AXES[: coordinates.shape[1]]])
        for place in range(len(points)):
            if place % _ROWS == 0:
                report.check()
                report.progress(place, len(points), "Writing")
            known = [spreadsheet_cell(cell) for cell in _known(points, place)]
            table.writerow([*known, *(f"{value:.9g}" for value in coordinates[place].tolist())])
            if piece.tell() > _PIECE:
                stream.write(piece.getvalue())
                piece.seek(0)
                piece.truncate()
        stream.write(piece.getvalue())


def _known(points: SpacePoints, place: int) -> tuple[str, str, str, str]:
    label = points.labels[place]
    name = points.classes[int(label)] if points.label_kind == "class" else f"{label:g}"
    split = SPLITS[points.splits[place]] if points.splits[place] >= 0 else ""
    return str(int(points.items[place]) + 1), points.texts[place], name, split


def read_coordinates(path: Path, points: SpacePoints, report: Report = SILENT) -> Placed:
    """Read where points stand; rows may be in any order, and further columns are ignored.

    Args:
        path: A CSV (UTF-8) with a header that names at least item, x and y.
        points: The points of the map.
        report: Asked between rows.

    Raises:
        ImportProblem: A column is missing, a number is none, an item is not in the task, stands
            there twice, or is another text than in this task; says in which line.
        DataError: The file cannot be read, or places no point of this map.
        JobCancelled: Stop was pressed.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            placed = _read(csv.reader(file), path.name, points, report)
    except OSError as error:
        raise DataError(
            f"{path.name} cannot be read ({error.strerror}): check that it exists and may be read."
        ) from None
    except UnicodeDecodeError:
        raise ImportProblem(
            "The text is not UTF-8", "save it as CSV in UTF-8", file=path.name
        ) from None
    if len(placed.points) == 0:
        raise DataError(
            f"{path.name} places none of the {len(points):,} points of this map: it needs their "
            f"item numbers."
        )
    return placed


def _read(table: Iterator[list[str]], name: str, points: SpacePoints, report: Report) -> Placed:
    places = {int(item): place for place, item in enumerate(points.items.tolist())}
    highest = max(points.task_items, points.total, int(points.items[-1]) + 1 if len(points) else 0)
    rows = _Rows(table, name)
    columns = rows.header()
    axes = [columns[axis] for axis in AXES if axis in columns]
    coordinates = np.full((len(points), len(axes)), np.nan, dtype=np.float32)
    seen: dict[int, int] = {}
    elsewhere = 0
    for count, cells in enumerate(rows):
        if count % _ROWS == 0:
            report.check()
        item = rows.item(cells[columns["item"]], highest)
        if item in seen:
            raise rows.problem(
                f"Item {item + 1} stands in line {seen[item]:,} already", "leave one row of it"
            )
        seen[item] = rows.line
        values = [
            rows.number(cells[column], axis) for column, axis in zip(axes, AXES, strict=False)
        ]
        place = places.get(item)
        if place is None:
            elsewhere += 1
            continue
        if "text" in columns:
            rows.same_text(cells[columns["text"]], points.texts[place], item)
        coordinates[place] = values
    found = np.flatnonzero(np.isfinite(coordinates).all(axis=1)).astype(np.int64)
    return Placed(
        points=found,
        coordinates=coordinates[found],
        missing=len(points) - len(found),
        elsewhere=elsewhere,
    )


class _Rows:
    """The rows of a table, with the line that messages name."""

    def __init__(self, table: Iterator[list[str]], name: str) -> None:
        self._table = table
        self._name = name
        self._width = 0
        self.line = 0

    def header(self) -> dict[str, int]:
        """Return the place of each column by its name."""
        try:
            names = [cell.strip().lower() for cell in self._next()]
        except StopIteration:
            raise self.problem("The file is empty", "export a map to see what it needs") from None
        for wanted in ("item", *AXES[:2]):
            if names.count(wanted) != 1:
                what = "There is no" if wanted not in names else "There is more than one"
                raise self.problem(
                    f"{what} column {wanted!r}", "name the columns item, x and y, each once"
                )
        self._width = len(names)
        return {name: place for place, name in enumerate(names)}

    def __iter__(self) -> Iterator[list[str]]:
        """Yield rows with at least as many cells as the header has; empty lines are left out."""
        while True:
            try:
                cells = self._next()
            except StopIteration:
                return
            if any(cells):
                if len(cells) < self._width:
                    raise self.problem(
                        f"{len(cells)} cells where the header has {self._width}",
                        "complete the row or delete it",
                    )
                yield cells

    def _next(self) -> list[str]:
        try:
            cells = next(self._table)
        except csv.Error as error:
            self.line = int(getattr(self._table, "line_num", self.line))
            raise self.problem(f"The row is no CSV ({error})", "repair it") from None
        self.line = int(getattr(self._table, "line_num", self.line + 1))
        return cells

    def item(self, cell: str, highest: int) -> int:
        """Return an item, from 0."""
        text = cell.strip()
        if not (text.isascii() and text.isdigit()) or len(text) > 12:
            raise self.problem(
                f"{_short(cell)} is no item number", f"write a whole number 1 … {highest}", "item"
            )
        if not 1 <= int(text) <= highest:
            raise self.problem(
                f"The task has no item {int(text):,}", f"write 1 … {highest:,}", "item"
            )
        return int(text) - 1

    def number(self, cell: str, axis: str) -> float:
        """Return a coordinate that a map can show."""
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not abs(value) < float(np.finfo(np.float32).max):
            raise self.problem(f"{_short(cell)} is not a number", "write one like 1.25", axis)
        return value

    def same_text(self, cell: str, text: str, item: int) -> None:
        """Refuse coordinates of another task."""
        if " ".join(cell.split()) not in (_plain(text), _plain(spreadsheet_cell(text))):
            raise self.problem(
                f"Item {item + 1} of this task is another text than {_short(cell)}",
                "open the task that the coordinates belong to, or leave the column out",
                "text",
            )

    def problem(self, what: str, remedy: str, column: str = "") -> ImportProblem:
        """Return the error for the line that was read last."""
        return ImportProblem(what, remedy, file=self._name, line=self.line, column=column)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _short(cell: str) -> str:
    return repr(cell if len(cell) <= _SHOWN else f"{cell[:_SHOWN]}…")
