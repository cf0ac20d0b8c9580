"""The notebook: write, let the model go on, and branch where it could go elsewhere."""

from dataclasses import replace

from PySide6.QtCore import Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.prompting import notebook
from fineview.core.prompting.desk import Loaded
from fineview.core.prompting.seen import Generated, Glance, Piece, PromptRead
from fineview.ui.latest import Latest
from fineview.ui.panels.prompts_copying import CopyButton
from fineview.ui.panels.prompts_figures import figures_words, speed_words
from fineview.ui.panels.prompts_lid import Lid, shown
from fineview.ui.panels.prompts_looks import Looks
from fineview.ui.panels.prompts_marks import attention_marks, mark, marks_of
from fineview.ui.panels.prompts_model import ModelBar
from fineview.ui.panels.prompts_sampling import SamplingForm
from fineview.ui.panels.prompts_tree import BranchTree
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import make_primary, spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.format import bytes_text, plural
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.panel_area import scrolled
from fineview.ui.widgets.section import Section
from fineview.ui.widgets.token_text import MarkLegend, TokenText
from fineview.work.jobs import Job, JobRunner, Lane

_SNIPPET = 24


class NotebookPage(QWidget):
    """The text and its branches at the left, what the model thinks of it at the right.

    Attributes:
        text: The text on display.
        lid: What may come next, the layers, the attention.
        tree: The branches.
        generate_button: Goes on from the text, or stops.
        read: What the model thinks of the text; None before it was read.
    """

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, model: ModelBar,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session = session
        self._runner = runner
        self._lab = lab
        self._model = model
        self._latest = Latest(runner, "Read the text", self)
        self._looks = Looks(runner, lab, self)
        self._job: Job | None = None
        self._pieces: list[Piece] = []
        self._parent, self._from = 0, ""  # the node that is gone on from, and its text
        self._loads = 0
        self._once_more = False
        self._pointed = -1
        self._speed = ""
        self.read: PromptRead | None = None
        self.text = TokenText(
            "Text",
            "What the model goes on from, exactly as it stands – no template, nothing added – "
            "Ctrl+Enter lets it go on, and each token has a tooltip.",
        )
        self.generate_button = QPushButton("Generate")
        self.again_button = QPushButton("Again")
        self.chat_button = QPushButton("Wrap as chat")
        self.message = MessageLine("Notebook")
        self.copy_button = CopyButton(session, runner, lab, model, self.message)
        self.lid = Lid()
        self.sampling = SamplingForm(session)
        self.tree = BranchTree(session)
        self.figures = plain_label("", "small", wrap=True)
        self.legend = MarkLegend()
        self.empty = EmptyState("A language model", "", "Fetch it")
        self._describe()
        self._lay_out()
        self._connect()
        self._show_text()
        self._show_model()

    @property
    def busy(self) -> bool:
        """Return whether an answer is being generated."""
        return self._job is not None and self._job.active

    def showEvent(self, event: QShowEvent) -> None:
        """Read what was written while the page was hidden."""
        super().showEvent(event)
        self._show_model()
        self._ask()

    # Layout

    def _describe(self) -> None:
        make_primary(self.generate_button)
        self._name_generate()
        describe(
            self.again_button,
            "Again",
            "Answers once more from where this answer began, with the next seed; both answers stay "
            "in the tree.",
        )
        describe(
            self.chat_button,
            "Wrap as chat",
            "Puts the text into the model’s chat template, in sight, as a new root of the tree – "
            "for models that were tuned on conversations.",
        )

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(spacing(2))
        buttons = QHBoxLayout()
        buttons.setSpacing(spacing(2))
        for button in (self.generate_button, self.again_button, self.chat_button, self.copy_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        left.addWidget(self.text, 3)
        left.addWidget(self.legend)
        left.addLayout(buttons)
        left.addWidget(self.figures)
        left.addWidget(self.tree, 2)
        side = QWidget()
        right = QVBoxLayout(side)
        right.setContentsMargins(0, 0, spacing(1), 0)
        right.setSpacing(spacing(2))
        right.addWidget(self.lid, 1)
        section = Section("Sampling")
        section.body.addWidget(self.sampling)
        right.addWidget(section)
        page = QWidget()
        row = QHBoxLayout()
        row.setSpacing(spacing(4))
        row.addLayout(left, 5)
        row.addWidget(scrolled(side), 3)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addWidget(self.message)
        column.addLayout(row, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._stack)

    def _connect(self) -> None:
        self.empty.pressed.connect(self._model.bring)
        self._model.changed.connect(self._on_model)
        self.text.edited.connect(self._on_typed)
        self.text.submitted.connect(self.generate)
        self.text.token_pointed.connect(self._on_pointed)
        self.generate_button.clicked.connect(self._on_generate)
        self.again_button.clicked.connect(self.again)
        self.chat_button.clicked.connect(self._on_chat)
        self.lid.token_chosen.connect(self._on_token)
        self.lid.wanted.connect(self._show_lid)
        self._latest.finished.connect(self._on_read)
        self._latest.failed.connect(self._on_failed)
        self._looks.seen.connect(self._on_looked)
        self._looks.failed.connect(self._on_failed)
        self._session.changed.connect(self._on_session)

    # What is wanted

    @Slot(str)
    def _on_typed(self, text: str) -> None:
        changes = notebook.typed(self._session.state.notebook, text)
        if changes:
            self._session.edit_look("Type in the notebook", "notebook", **changes)

    @Slot()
    def _on_generate(self) -> None:
        if self.busy:
            self.stop()
        else:
            self.generate()

    @Slot()
    def generate(self) -> None:
        """Go on from the text; an answer in flight is stopped first, and what it said is kept."""
        if self._model.missing is not None:
            return
        if self.busy:
            self._once_more = True
            self.stop()
            return
        choice, sampling = self._model.choice, self._session.state.notebook.sampling
        self._parent = self._session.state.notebook.current
        text, desk = self._whole(), self._lab.prompts
        self._from = text
        self._pieces = []
        self.message.clear()

        def work(report: Report) -> tuple[Generated, Loaded]:
            said = desk.generate(choice, text, sampling, report)
            return said, desk.loaded()

        self._job = job = self._runner.submit("Generate", work, Lane.COMPUTE)
        job.published.connect(self._on_pieces)
        job.finished.connect(self._on_generated)
        job.failed.connect(self._on_failed)
        job.ended.connect(self._on_ended)
        self.text.setReadOnly(True)
        self._name_generate()
        self._show_figures()

    @Slot()
    def stop(self) -> None:
        """Stop within a token; what was said is kept."""
        if self._job is not None:
            self._job.stop()

    @Slot()
    def again(self) -> None:
        """Answer once more, with the next seed, from where the answer on display began."""
        state = self._session.state.notebook
        node = state.nodes[state.current]
        if self.busy or node.kind != "generated" or node.parent < 0:
            return
        if state.sampling.greedy:
            self.message.show_message(
                "info",
                "At temperature 0 the likeliest token is always taken: the same text gives the "
                "same answer. Set a temperature above 0 for another one.",
            )
            return
        sampling = replace(state.sampling, seed=state.sampling.seed + 1)
        self._session.edit_look("Answer again", "notebook", current=node.parent, sampling=sampling)
        self.generate()

    @Slot()
    def _on_chat(self) -> None:
        choice, text, desk = self._model.choice, self._whole(), self._lab.prompts
        job = self._runner.submit(
            "Wrap as chat", lambda report: desk.model(choice, report).chat(text), Lane.COMPUTE
        )
        job.finished.connect(self._on_wrapped)
        job.failed.connect(self._on_failed)

    @Slot(object)
    def _on_wrapped(self, text: str) -> None:
        changes = notebook.planted(self._session.state.notebook, text)
        self._session.edit_look("Wrap as chat", "notebook", **changes)

    @Slot(str)
    def _on_token(self, token: str) -> None:
        """Branch: put another token where one stands, or behind the text."""
        if self.busy or self.read is None:
            return
        state, at = self._session.state.notebook, len(self._whole())
        if 0 <= self._pointed < len(self.read.tokens):
            at = self.read.tokens[self._pointed].start
        changes = notebook.chosen(state, at, token)
        self._session.edit_look(f"Take “{shown(token)}”", "notebook", **changes)

    @Slot(int)
    def _on_pointed(self, index: int) -> None:
        if not self.busy:
            self._pointed = index
            self._paint()
            self._show_lid()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.language_model != old.language_model:
            self.read = None
            self._show_model()
            self._ask()
        if state.notebook != old.notebook:
            self._show_text()
            self._ask()

    @Slot()
    def _on_model(self) -> None:
        self._show_model()
        self._ask()

    # Reading

    def _whole(self) -> str:
        state = self._session.state.notebook
        return notebook.whole(state.nodes, state.current)

    def _ask(self) -> None:
        """Read the text, if the model is in memory: nobody should wait for it unasked."""
        if not self.isVisible() or self.busy or not self._model.is_loaded:
            return
        choice, sampling = self._model.choice, self._session.state.notebook.sampling
        text, desk = self._whole(), self._lab.prompts

        def work(report: Report) -> PromptRead:
            return desk.read(choice, text, sampling, report)

        self._latest.ask((choice, text, sampling, self._loads), work, Lane.COMPUTE)

    @Slot(object)
    def _on_read(self, read: PromptRead) -> None:
        if read.text != self._whole() or self.busy:
            return  # the next one is on its way
        self.read = self.copy_button.read = read
        self._pointed = -1
        if read.cut:
            self.message.show_message(
                "warning",
                f"The text is longer than the model’s window: its first "
                f"{plural(read.cut, 'token')} are not read. Shorten it, or choose a model with a "
                f"larger window.",
            )
        elif self.message.kind == "warning":
            self.message.clear()
        self._paint()
        self._show_lid()
        self._show_figures()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.message.show_message("bad", str(error))

    # Generating

    @Slot(object)
    def _on_pieces(self, events: list[object]) -> None:
        pieces = [event for event in events if isinstance(event, Piece)]
        if not pieces:
            return
        self._pieces += pieces
        self.text.add_text("".join(piece.read.text for piece in pieces))
        new = [mark(piece.read, "generated") for piece in pieces]
        self.text.set_marks((*self.text.marks, *new))
        if self.lid.view.value == "next":
            self.lid.show_next(pieces[-1].next)
        self._show_figures()

    @Slot(object)
    def _on_generated(self, found: tuple[Generated, Loaded]) -> None:
        said, loaded = found
        self._speed = speed_words(said)
        self._keep(said.text)
        self._model.note(loaded)

    @Slot()
    def _on_ended(self) -> None:
        if self._job is not None and self._pieces:  # stopped, or failed on the way
            self._speed = f"stopped after {plural(len(self._pieces), 'token')}"
            self._keep("".join(piece.read.text for piece in self._pieces))
            self._model.note(self._lab.prompts.loaded())
        self._job = None
        self.text.setReadOnly(False)
        self._name_generate()
        self._show_text()
        self._show_figures()
        if self._once_more:
            self._once_more = False
            if self._parent < len(self._session.state.notebook.nodes):
                self._session.edit_look("Go back", "notebook", current=self._parent)
            self.generate()
            self.message.show_message(
                "info", "The answer before was stopped; what it had said is kept in the tree."
            )
        else:
            self._ask()

    def _keep(self, text: str) -> None:
        """Put an answer into the tree."""
        self._pieces = []
        state = self._session.state.notebook
        # Meanwhile the text it began with may have been undone.
        begun = self._parent < len(state.nodes)
        if begun and notebook.whole(state.nodes, self._parent) == self._from:
            changes = notebook.generated(
                state, self._parent, text, state.sampling, self._model.choice.name
            )
        else:
            changes = notebook.planted(state, self._from + text)
        snippet = shown(text[:_SNIPPET])
        self._session.edit_look(f"Generate “{snippet}”", "notebook", **changes)

    # What is shown

    def _show_model(self) -> None:
        entry = self._model.missing
        if entry is not None:
            self.empty.set_text(
                f"{entry.title} is not on this machine yet",
                f"It is fetched once, {bytes_text(entry.download_bytes)}, and made ready in about "
                f"a minute. Then write anything, and watch it go on token by token. It is a small "
                f"model and often wrong.",
            )
            self._stack.setCurrentIndex(0)
            return
        self._stack.setCurrentIndex(1)
        if not self._model.is_loaded:
            self._loads += 1  # loaded again, the same text is read again
            self.read = None
            self.text.set_marks(())
            self.lid.clear("Press Generate or Load: from then on the model reads as you type.")
        self._show_figures()

    def _show_text(self) -> None:
        if self.busy:
            return
        text = self._whole()
        self.text.set_text(text)
        if self.read is not None and self.read.text != text:
            self.lid.set_stale(True)
            self._paint()
        state = self._session.state.notebook
        self.again_button.setEnabled(state.nodes[state.current].kind == "generated")

    def _paint(self) -> None:
        read = self.read
        if read is None:
            self.text.set_marks(())
            return
        marks = marks_of(read, self._session.state.notebook, self._whole())
        self.text.set_marks(marks, self._pointed)

    @Slot()
    def _show_lid(self) -> None:
        read = self.read
        if read is None or self.busy:
            return
        self.lid.set_stale(read.text != self._whole())
        view, place = self.lid.view.value, self._pointed
        if view == "next":
            if 0 <= place < len(read.tokens):
                self.lid.show_token(read.tokens[place])
            else:
                self.lid.show_next(read.next)
            self._paint()
            return
        if not read.tokens:
            self.lid.clear("No token to look at: type something.")
            return
        place = place if 0 <= place < len(read.tokens) else len(read.tokens) - 1
        self._looks.look(self._model.choice, read.text, view, place)

    @Slot(str, int, object)
    def _on_looked(self, view: str, place: int, seen: object) -> None:
        read = self.read
        if read is None or read.text != self._whole() or view != self.lid.view.value:
            return
        if isinstance(seen, Glance):
            shares = self.lid.show_glance(seen, read)
            self.text.set_marks(attention_marks(read, shares), place)
        elif isinstance(seen, tuple) and place < len(read.tokens):
            self.lid.show_lens(seen, read.tokens[place].text)
            self._paint()

    def _show_figures(self) -> None:
        so_far = len(self._pieces) if self.busy else None
        self.figures.setText(figures_words(self._model.info, self.read, so_far, self._speed))

    def _name_generate(self) -> None:
        busy = self.busy
        self.generate_button.setText("Stop" if busy else "Generate")
        describe(
            self.generate_button,
            "Stop" if busy else "Generate",
            "Stops within a token; what was said is kept."
            if busy
            else "Lets the model go on from the end of the text – Ctrl+Enter – again to continue.",
        )
