"""What the pages of prompt studies share: the model they need, and a study on display."""

from dataclasses import replace

from PySide6.QtCore import Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from fineview.core.laboratory import Laboratory
from fineview.core.runs.prompt_studies import TASK, PromptStudy
from fineview.ui.panels.prompts_model import ModelBar
from fineview.ui.past_studies import PastStudies
from fineview.ui.session import Session, SessionState
from fineview.ui.study_column import StudyColumn
from fineview.ui.study_page import StudyPage
from fineview.ui.widgets.empty_state import EmptyState
from fineview.work.jobs import JobRunner


class PromptStudyPage(StudyPage):
    """A page of its own shows a study in `_show`, and calls `_begin` once its parts are there.

    Attributes:
        field: The session's field that says what is measured.
        shown: The study on display; None before the first.
    """

    field = ""

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, model: ModelBar,
        choices: StudyColumn, past: PastStudies, empty: EmptyState, message: str,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(session, runner, lab, choices, past, empty, message, parent)
        self._model = model
        self.shown: PromptStudy | None = None

    def showEvent(self, event: QShowEvent) -> None:
        """Say where the model is missing."""
        super().showEvent(event)
        self._say_missing()

    def _begin(self) -> None:
        self.past.chosen.connect(self._open)
        self.past.listed.connect(self._on_listed)
        self.past.deleted.connect(lambda: self._show(None))
        self.message.action_pressed.connect(self._on_action)
        self._session.changed.connect(self._on_session)
        self._show(None)
        self.past.refresh()

    def _show(self, found: PromptStudy | None) -> None:
        raise NotImplementedError

    def _say_missing(self) -> bool:
        entry = self._model.missing
        if entry is not None:
            self.message.show_message(
                "info", f"{entry.title} is not on this machine yet: press Fetch at the top."
            )
        return entry is not None

    @Slot()
    def _on_ended(self) -> None:
        super()._on_ended()
        self._model.note(self._lab.prompts.loaded())
        self._show_settings(self._session.state)

    @Slot(object)
    def _on_listed(self, newest: PromptStudy | None) -> None:
        """Show the newest study where none is on display."""
        if self.shown is None and newest is not None and not self.busy:
            self._show(newest)

    @Slot(object)
    def _open(self, found: PromptStudy) -> None:
        """Show an earlier study, and choose what it was asked."""
        if self.busy:
            self.message.show_message("warning", "A study is in flight: stop it first.")
            return
        self.message.clear()
        self._show(found)
        self._choose(found)

    def _choose(self, found: PromptStudy) -> None:
        asked, spec = found.asked, self._session.state.spec
        choice = asked.evaluate or asked.shots
        if choice is not None and choice.source == TASK:
            spec = replace(spec, task=asked.source)
        self._session.edit(
            f"Open {found.title}",
            spec=spec,
            language_model=asked.model,
            prompt=asked.prompt,
            answer=asked.answer,
            **{self.field: choice},
        )

    @Slot(str)
    def _on_action(self, key: str) -> None:
        if key == "back" and self.shown is not None:
            self._choose(self.shown)
        elif key == "restore":
            self.message.clear()
            self.past.restore()

    @Slot(object, object)
    def _on_session(self, state: SessionState, _old: SessionState) -> None:
        self._show_settings(state)

    def _show_settings(self, state: SessionState) -> None:
        asked = None if self.shown is None or self.busy else self.shown.asked
        mine = (state.language_model, state.prompt, state.answer, getattr(state, self.field))
        stale = asked is not None and mine != (
            asked.model,
            asked.prompt,
            asked.answer,
            asked.evaluate or asked.shots,
        )
        self._tell_stale(stale)
