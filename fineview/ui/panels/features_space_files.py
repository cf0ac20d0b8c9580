"""Coordinates of the map of texts, to a file and back."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from fineview.core.errors import DataError
from fineview.core.explore.coordinates import Placed, read_coordinates, write_coordinates
from fineview.core.explore.space import Projected
from fineview.core.progress import Report
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.message_line import MessageLine
from fineview.work.jobs import JobRunner, Lane

if TYPE_CHECKING:
    from fineview.core.explore.space_work import Space

Shown = tuple["Space | None", Projected | None]


class SpaceFiles(QObject):
    """Writes and reads coordinates beside whatever computes.

    Signals:
        opened(object, object): The space that the points belong to, and where a file places them.
    """

    opened = Signal(object, object)

    def __init__(
        self, runner: JobRunner, shown: Callable[[], Shown], message: MessageLine, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._shown = shown
        self._message = message
        self._parent = parent

    @Slot()
    def choose_save(self) -> None:
        """Ask for a file and write to it."""
        name, _ = QFileDialog.getSaveFileName(
            self._parent, "Save coordinates", "map.csv", "CSV (*.csv)"
        )
        if name:
            self.save(Path(name))

    @Slot()
    def choose_open(self) -> None:
        """Ask for a file and read it."""
        name, _ = QFileDialog.getOpenFileName(self._parent, "Open coordinates", "", "CSV (*.csv)")
        if name:
            self.open(Path(name))

    def save(self, path: Path) -> None:
        """Write where the points stand."""
        space, shown = self._shown()
        if space is None or shown is None:
            self._message.show_message("info", "Draw the map first: there are no points to save.")
            return

        def work(report: Report) -> str:
            write_coordinates(path, space.points, shown.coordinates, report)
            return f"{count_text(len(space.points))} points written to {path.name}."

        job = self._runner.submit("Save coordinates", work, Lane.FILES)
        job.finished.connect(lambda text: self._message.show_message("good", text))
        job.failed.connect(lambda error: self._message.show_message("bad", str(error)))

    def open(self, path: Path) -> None:
        """Read where the points stand; the map's own places come back with the next drawing."""
        space, _ = self._shown()
        if space is None:
            self._message.show_message("info", "Draw the map first: a file places its points.")
            return

        def work(report: Report) -> tuple["Space", Placed]:
            placed = read_coordinates(path, space.points, report)
            if placed.missing:
                raise DataError(
                    f"{path.name} places {len(placed.points):,} of the {len(space.points):,} "
                    "points: add the missing rows, or draw only texts that it holds."
                )
            return space, placed

        job = self._runner.submit("Open coordinates", work, Lane.FILES)
        job.finished.connect(self._on_opened)
        job.failed.connect(lambda error: self._message.show_message("bad", str(error)))

    @Slot(object)
    def _on_opened(self, found: tuple["Space", Placed]) -> None:
        self.opened.emit(*found)
