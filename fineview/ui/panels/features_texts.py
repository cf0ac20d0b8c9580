"""The texts half of the features panel: one text as tokens, and what the task is."""

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QLabel, QListWidget, QVBoxLayout, QWidget

from fineview.core.features.config import WORD_CAP
from fineview.core.laboratory import Laboratory
from fineview.core.models.info import Token
from fineview.core.progress import Report
from fineview.ui.context import Context
from fineview.ui.panels.features_example import ExampleFields
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing, use_font
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.token_strip import TokenChip, TokenStrip
from fineview.work.jobs import Job, JobRunner, Lane

_AFTER_TYPING_MS = 120


class TaskTexts(QWidget):
    """A text to type or to take from the task, its tokens, and the task in words."""

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
        self._asked: tuple[str, str, str] | None = None
        self.fields = ExampleFields(session, context, "to cut into tokens")
        self.first, self.second = self.fields.first, self.fields.second
        self.strip = TokenStrip()
        self.strip_note = QLabel()
        self.about = QLabel()
        self.examples = QListWidget()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_AFTER_TYPING_MS)
        self._timer.timeout.connect(self.show_tokens)
        self._lay_out()
        self.examples.itemClicked.connect(lambda _item: self._use_example())
        self.examples.itemActivated.connect(lambda _item: self._use_example())
        context.changed.connect(self._show_task)
        session.changed.connect(self._on_session)
        self._show_task()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addWidget(section_title("One text as the encoder sees it"))
        column.addWidget(self.fields)
        column.addWidget(self.strip)
        self.strip_note.setTextFormat(Qt.TextFormat.PlainText)
        self.strip_note.setWordWrap(True)
        use_font(self.strip_note, "small")
        column.addWidget(self.strip_note)
        column.addSpacing(spacing(3))
        self.task_title = section_title("Task")
        column.addWidget(self.task_title)
        self.about.setTextFormat(Qt.TextFormat.PlainText)
        self.about.setWordWrap(True)
        column.addWidget(self.about)
        self.examples.setAccessibleName("Examples of the task")
        self.examples.setToolTip("Texts of the task with their labels – press one to look at it.")
        self.examples.setAlternatingRowColors(True)
        self.examples.setUniformItemSizes(True)
        self.examples.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.examples.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column.addWidget(self.examples, 1)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.example, state.second) != (old.example, old.second):
            self._timer.start()

    @Slot()
    def _show_task(self) -> None:
        task = self._context.task
        if task is None:
            return
        self.task_title.setText(task.info.title)
        sizes = " / ".join(count_text(n) for n in task.sizes)
        by = f", split by {task.info.split_by}" if task.info.split_by else ""
        kinds = f"{len(task.classes)} classes" if task.classes else "numbers"
        self.about.setText(
            "\n".join(
                (
                    task.info.meaning,
                    f"{count_text(task.items)} labelled {task.info.level} items, {kinds}; "
                    f"train / validation / test {sizes}{by}.",
                    *task.notes,
                    *_cap_note(task.items, task.info.level),
                    f"{task.info.source}  Licence: {task.info.licence}.",
                )
            )
        )
        self.examples.clear()
        self.examples.addItems([f"{label}:  {text}" for text, label in task.examples])
        if not self._session.state.example.strip():
            self._take(task.examples[0][0])
        self.show_tokens()

    def _use_example(self) -> None:
        row = self.examples.currentRow()
        if self._context.task is not None and row >= 0:
            self._take(self._context.task.examples[row][0])

    def _take(self, example: str) -> None:
        first, _, second = example.replace("«", "").replace("»", "").partition("  ·  ")
        self._session.edit("Look at an example", example=first, second=second)

    @Slot()
    def show_tokens(self) -> None:
        """Cut the text into tokens, off the window's thread; the newest text wins."""
        state, task = self._session.state, self._context.task
        if task is None or (self._job is not None and self._job.active):
            return
        pair = task.info.level == "pair"
        asked = (state.spec.encoder, state.example, state.second if pair else "")
        if asked == self._asked:
            return
        self._asked = asked
        if not state.example.strip():
            self.strip.set_tokens([])
            self.strip_note.setText("Type a text, or press an example of the task.")
            return
        lab, limit = self._lab, state.spec.max_length
        encoder, first, second = asked

        def cut(_report: Report) -> tuple[Token, ...]:
            return lab.tokens(encoder, first, second or None, limit)

        self._job = self._runner.submit("Cut into tokens", cut, Lane.LOOKUP)
        self._job.finished.connect(self._on_tokens_cut)
        self._job.failed.connect(self._on_not_cut)

    @Slot(object)
    def _on_tokens_cut(self, tokens: tuple[Token, ...]) -> None:
        self._job = None
        pair = len({t.segment for t in tokens}) > 1
        self.strip.set_tokens(
            [
                TokenChip(
                    text=t.text,
                    special=t.special,
                    segment=t.segment if pair else None,
                    continues=t.continues,
                    tooltip=f"Id {t.id} of the vocabulary, segment {t.segment}.",
                )
                for t in tokens
            ]
        )
        self.strip_note.setText(_about(tokens, pair))
        self.show_tokens()

    @Slot(object)
    def _on_not_cut(self, error: Exception) -> None:
        self._job = None
        self.strip_note.setText(str(error))


def _about(tokens: tuple[Token, ...], pair: bool) -> str:
    """Return what a newcomer asks of the strip: what is grey, what ## is, what the lines are."""
    words = sum(not t.special and not t.continues for t in tokens)
    special = sum(t.special for t in tokens)
    said = f"{count_text(len(tokens))} tokens: {count_text(words)} begin a word"
    more = len(tokens) - words - special
    said += f", {count_text(more)} go on one (joined to it)" if more else ""
    said += f", {count_text(special)} are added by the tokenizer (grey)."
    names = list(dict.fromkeys(t.text for t in tokens if t.special))
    if pair and len(names) > 1:
        said += (
            f" {names[-1]} ends each text. The solid line is segment 0 (text A), the dashed one "
            f"segment 1 (text B); BERT adds a vector of its own to each."
        )
    return said


def _cap_note(items: int, level: str) -> tuple[str, ...]:
    if level != "word" or items <= WORD_CAP:
        return ()
    return (f"Of these, whole sentences with {count_text(WORD_CAP)} words at most are drawn.",)


def section_title(text: str) -> QLabel:
    """Return a heading."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    use_font(label, "title")
    return label
