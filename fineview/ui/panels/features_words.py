"""The word page of the features panel: one word, all its contexts, layer by layer."""

from PySide6.QtCore import Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from fineview.core.errors import ConfigError
from fineview.core.explore.space import Scrubbed
from fineview.core.explore.words import NotFound, WordSpace
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.context import Context
from fineview.ui.panels.features_words_input import WordInput
from fineview.ui.panels.features_words_said import not_found
from fineview.ui.panels.features_words_view import WordView
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.message_line import MessageLine
from fineview.work.jobs import Job, JobRunner, Lane

_WHAT = (
    "Type a word, or press one above. Every place where it occurs becomes a point: low layers "
    "keep them together, higher layers part them by context."
)
_Key = tuple[object, ...]


class WordsPage(QWidget):
    """Look up a word, see its senses.

    Attributes:
        input: Word and texts.
        view: What was found.
        space: What is shown, None before there is something.
    """

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        context: Context,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._runner = runner
        self._lab = lab
        self._context = context
        self._job: Job | None = None
        self._projecting: Job | None = None
        self._offering: Job | None = None
        self._again = False
        self._asked: _Key | None = None
        self._shown: _Key | None = None
        self._offered: _Key | None = None
        self._projected: tuple[WordSpace, str] | None = None
        self.space: WordSpace | None = None
        self.input = WordInput()
        self.message = MessageLine("Word")
        self.empty = EmptyState("No word yet", _WHAT)
        self.view = WordView(session)
        self._lay_out()
        self.input.wanted.connect(self._want)
        self.input.source_changed.connect(self._on_source)
        self.input.stop_wanted.connect(self._stop)
        self.message.action_pressed.connect(self._want)
        context.changed.connect(self._refresh)
        session.changed.connect(self._on_session)

    def showEvent(self, event: QShowEvent) -> None:
        """Compute what was left out while the page was hidden."""
        super().showEvent(event)
        self._refresh()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addWidget(self.input)
        column.addWidget(self.message)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.view)
        column.addWidget(self._stack, 1)

    # What is wanted

    @Slot(str)
    def _want(self, word: str) -> None:
        """Look for a word; asked for once more, one that failed is tried again."""
        word = word.strip()
        if not word:
            self.message.show_message("warning", "Type a word to look for.")
        elif word == self._session.state.words.word:
            self._asked = None
            self._refresh()
        else:
            self._session.edit_look(f"Look up “{word}”", "words", word=word)

    @Slot()
    def _on_source(self) -> None:
        self._offered = None
        self._refresh()

    @Slot()
    def _stop(self) -> None:
        self._again = False
        if self._job is not None:
            self._job.stop()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.words, state.spec, state.example) != (old.words, old.spec, old.example):
            self._refresh()

    def _key(self) -> _Key:
        """Return what the vectors depend on."""
        spec, choice = self._session.state.spec, self._session.state.words
        return (
            choice.word.lower(),
            choice.most,
            spec.encoder,
            spec.max_length,
            *((spec.task, spec.split) if self.input.sentences is None else ()),
            self.input.sentences,
        )

    @Slot()
    def _refresh(self) -> None:
        """Bring the page up to the session, if anybody looks."""
        state = self._session.state
        self.input.set_word(state.words.word)
        self.input.set_example(f"{state.example} {state.second}")
        self._dim()
        if not self.isVisible() or self._context.task is None:
            return
        self._offer()
        if not state.words.word:
            self.message.clear()
            self._stack.setCurrentWidget(self.empty)
        elif self._asked != self._key():
            self._look_up()
        elif self.space is not None and self._shown == self._key():
            self.message.clear()
            self._stack.setCurrentWidget(self.view)
        self._project()
        self.view.show_choice()

    def _dim(self) -> None:
        self.view.set_stale(self.space is not None and self._shown != self._key())

    # Looking up

    def _look_up(self) -> None:
        if self._job is not None and self._job.active:
            self._again = True
            self._job.stop()
            return
        key = self._asked = self._key()
        lab, state, own = self._lab, self._session.state, self.input.sentences
        if key == self._shown:
            self._refresh()
            return
        spec, choice = state.spec, state.words

        def work(report: Report) -> tuple[_Key, WordSpace | NotFound]:
            from fineview.core.explore.words_work import look_up

            return key, look_up(lab, spec, choice, own, report)

        self._job = self._runner.submit("Look up a word", work, Lane.COMPUTE)
        self._job.finished.connect(self._on_found)
        self._job.failed.connect(self._on_failed)
        self._job.cancelled.connect(self._on_stopped)
        self._job.ended.connect(self._on_ended)
        self.input.set_running(True)

    @Slot(object)
    def _on_found(self, found: tuple[_Key, WordSpace | NotFound]) -> None:
        key, result = found
        if isinstance(result, NotFound):
            actions = [(word, word) for word in result.near]
            self.message.show_message("warning", not_found(result), actions)
            return
        self.message.clear()
        self.space, self._shown = result, key
        self.view.show_space(result)
        self._stack.setCurrentWidget(self.view)
        self._project()
        self._dim()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        kind = "warning" if isinstance(error, ConfigError) else "bad"
        self.message.show_message(kind, str(error))  # type: ignore[arg-type]

    @Slot()
    def _on_stopped(self) -> None:
        if self._again:
            return  # another word follows at once
        word = self._session.state.words.word
        shown = f" What is shown is “{self.space.word}”." if self.space is not None else ""
        self.message.show_message("info", f"“{word}” was stopped.{shown}", [("Find it", word)])

    @Slot()
    def _on_ended(self) -> None:
        self._job = None
        self.input.set_running(False)
        if self._again:
            self._again = False
            self._refresh()

    # Places, and words to offer

    def _project(self) -> None:
        space, tokens = self.space, self._session.state.words.tokens
        if space is None or not self.isVisible():
            return
        wanted = (space, tokens)
        if self._projected is not None and self._projected[0] is space:
            if self._projected[1] == tokens:
                return
            if self._projecting is not None:
                self._projecting.stop()
        self._projected = wanted

        def work(report: Report) -> tuple[WordSpace, str, Scrubbed]:
            from fineview.core.explore.words_work import project

            return space, tokens, project(space, tokens, report)

        self._projecting = self._runner.submit("Place the occurrences", work, Lane.LOOKUP)
        self._projecting.finished.connect(self._on_projected)
        self._projecting.failed.connect(lambda error: self.view.show_no_places(str(error)))

    @Slot(object)
    def _on_projected(self, found: tuple[WordSpace, str, Scrubbed]) -> None:
        if self._projected is not None and self._projected[0] is found[0]:
            self.view.show_places(found[2])

    def _offer(self) -> None:
        spec, own = self._session.state.spec, self.input.sentences
        wanted: _Key = (spec.task, spec.split, own)
        if wanted == self._offered:
            return
        self._offered = wanted
        if self._offering is not None:
            self._offering.stop()
        self.input.set_suggestions(())
        if own is not None and not any(one.strip() for one in own):
            return
        lab = self._lab

        def work(report: Report) -> tuple[_Key, tuple[str, ...]]:
            from fineview.core.explore.words_work import suggestions

            return wanted, suggestions(lab, spec, own, report=report)

        self._offering = self._runner.submit("Suggest words", work, Lane.LOOKUP)
        self._offering.finished.connect(self._on_offered)
        self._offering.ended.connect(self._on_offering_ended)

    @Slot(object)
    def _on_offered(self, found: tuple[_Key, tuple[str, ...]]) -> None:
        if found[0] == self._offered:
            self.input.set_suggestions(found[1])

    @Slot()
    def _on_offering_ended(self) -> None:
        if self.sender() is self._offering:
            self._offering = None
