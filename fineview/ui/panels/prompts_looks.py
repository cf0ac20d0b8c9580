"""Lens and attention of one token, computed when looked at and kept while the text stands."""

from PySide6.QtCore import QObject, Signal, Slot

from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.prompting.choices import ModelChoice
from fineview.ui.latest import Latest
from fineview.work.jobs import JobRunner, Lane

_Key = tuple[ModelChoice, str, str, int]


class Looks(QObject):
    """Asks for one look at a time; the last one is there at once.

    Signals:
        seen(str, int, object): View, place of the token, `Glance` or rows of the lens.
        failed(object): The error.
    """

    seen = Signal(str, int, object)
    failed = Signal(object)

    def __init__(self, runner: JobRunner, lab: Laboratory, parent: QObject) -> None:
        super().__init__(parent)
        self._lab = lab
        self._latest = Latest(runner, "Look under the lid", self)
        self._last: tuple[_Key, object] | None = None
        self._latest.finished.connect(self._on_finished)
        self._latest.failed.connect(self.failed)

    def look(self, choice: ModelChoice, text: str, view: str, place: int) -> None:
        """Look at a token: `lens` or `attention`."""
        key = (choice, text, view, place)
        if self._last is not None and self._last[0] == key:
            self.seen.emit(view, place, self._last[1])
            return
        desk = self._lab.prompts
        ask = desk.lens if view == "lens" else desk.attention

        def work(report: Report) -> tuple[_Key, object]:
            return key, ask(choice, text, place, report)

        self._latest.ask(key, work, Lane.COMPUTE)

    @Slot(object)
    def _on_finished(self, found: tuple[_Key, object]) -> None:
        self._last = found
        (_choice, _text, view, place), seen = found
        self.seen.emit(view, place, seen)
