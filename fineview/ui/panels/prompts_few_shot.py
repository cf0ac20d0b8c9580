"""The few-shot builder: a task written as a prompt, the exact text of it, and one answer."""

from functools import partial

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fineview.core.errors import ConfigError
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.prompting.desk import Loaded
from fineview.core.prompting.single import Asked
from fineview.core.prompting.tables import presets, tables
from fineview.core.prompting.template import Rendered, render
from fineview.ui.latest import Latest
from fineview.ui.panels.prompts_answer import AnswerView
from fineview.ui.panels.prompts_copying import PromptCopyButton
from fineview.ui.panels.prompts_examples import ExamplesTable
from fineview.ui.panels.prompts_model import ModelBar
from fineview.ui.panels.prompts_reading import ReadingForm
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import make_primary, spacing, use_font
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.format import count_text, plural
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.literal_box import LiteralBox
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.number_field import NumberField
from fineview.ui.widgets.panel_area import scrolled
from fineview.ui.widgets.section import Section
from fineview.work.jobs import Job, JobRunner, Lane

_TASK = "task"
_LABEL = "label"


class FewShotPage(QWidget):
    """The prompt at the left; its exact text and the answer at the right.

    Attributes:
        preset: Prompts to start from.
        instruction: Stands first.
        example: Format of an example.
        separator: Between examples.
        examples: The examples.
        queries: A field for each column but the label.
        preview: The exact text.
        ask_button: Asks the query.
        asked: The last answer; None before there is one.

    Signals:
        notebook_wanted(str): The prompt is to be opened in the notebook.
    """

    notebook_wanted = Signal(str)

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, model: ModelBar,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session = session
        self._runner = runner
        self._lab = lab
        self._model = model
        self._job: Job | None = None
        self._counting = Latest(runner, "Count the tokens", self)
        self._draws = -1
        self._lead = ""
        self.asked: Asked | None = None
        self.preset = CalmCombo(
            "Presets", "Prompts to start from – the lecture’s capitals first.", letters=24
        )
        self.instruction = QPlainTextEdit()
        self.example = QLineEdit()
        self.separator = QLineEdit()
        self.examples = ExamplesTable()
        self.queries: list[QLineEdit] = []
        self.source = CalmCombo(
            "Source of examples", "Where examples are drawn from – your task’s training split.",
            letters=18,
        )  # fmt: skip
        self.count = NumberField(
            "Number of examples", "How many are drawn – 4.", value=4, minimum=1, maximum=64,
            integer=True,
        )  # fmt: skip
        self.load_button = QPushButton("Draw")
        self.preview = LiteralBox(
            "Exact text", "What the model gets, letter by letter; a blank at the end is shown as ␣."
        )
        self.length = plain_label("", "small", wrap=True)
        self.reading = ReadingForm(session)
        self.ask_button = QPushButton("Ask")
        self.notebook_button = QPushButton("Open in notebook")
        self.message = MessageLine("Few-shot prompt")
        self.copy_button = PromptCopyButton(session, runner, lab, model, self.message)
        self.problem = MessageLine("Format of the prompt")
        self.answer = AnswerView()
        self._query_form = QFormLayout()
        self._describe()
        self._lay_out()
        self._connect()
        self._show_choice()

    @property
    def busy(self) -> bool:
        """Return whether an answer is on its way."""
        return self._job is not None and self._job.active

    def showEvent(self, event: QShowEvent) -> None:
        """Show the session's prompt."""
        super().showEvent(event)
        self._show_choice()

    # Layout

    def _describe(self) -> None:
        self.preset.set_choices(
            [("", "Presets"), *((one.name, one.title) for one in presets())], ""
        )
        self.instruction.setTabChangesFocus(True)
        self.instruction.setFixedHeight(spacing(13))
        self.instruction.setPlaceholderText("None: the examples say it all.")
        describe(
            self.instruction,
            "Instruction",
            "Stands before the examples – often nothing – a model of this size heeds examples more "
            "than orders.",
        )
        for field, name, tip in (
            (
                self.example,
                "Format",
                "How an example is written: {input} and {label} stand for the columns – "
                "“The capital of {input} is {label}” – the query ends before {label}.",
            ),
            (
                self.separator,
                "Separator",
                "Stands between examples, \\n for a new line – \\n – the lecture has “; ”.",
            ),
        ):
            use_font(field, "fixed")
            describe(field, name, tip)
        describe(
            self.load_button,
            "Draw examples",
            "Replaces the examples by some that are drawn, each class alike, with the next seed.",
        )
        make_primary(self.ask_button)
        self._name_ask()
        describe(
            self.notebook_button,
            "Open in notebook",
            "Opens the exact text in the notebook, where every token can be looked at.",
        )

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(spacing(2))
        left.addWidget(self.preset)
        form = QFormLayout()
        form.setVerticalSpacing(spacing(1.5))
        form.addRow("Instruction", self.instruction)
        form.addRow("Format", self.example)
        form.addRow("Separator", self.separator)
        left.addLayout(form)
        left.addWidget(self.problem)
        left.addWidget(plain_label("Examples", "small"))
        left.addWidget(self.examples, 1)
        draw = QHBoxLayout()
        draw.setSpacing(spacing(2))
        draw.addWidget(self.load_button)
        self.count.setMaximumWidth(spacing(16))
        draw.addWidget(self.count)
        draw.addWidget(plain_label("from"))
        draw.addWidget(self.source, 1)
        left.addLayout(draw)
        left.addLayout(self._query_form)
        side = QWidget()
        right = QVBoxLayout(side)
        right.setContentsMargins(0, 0, spacing(1), 0)
        right.setSpacing(spacing(2))
        right.addWidget(self.preview)
        right.addWidget(self.length)
        section = Section("Reading the answer")
        section.body.addWidget(self.reading)
        right.addWidget(section)
        buttons = QHBoxLayout()
        buttons.setSpacing(spacing(2))
        for button in (self.ask_button, self.notebook_button, self.copy_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        right.addLayout(buttons)
        right.addWidget(self.answer)
        right.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(spacing(4))
        row.addLayout(left, 1)
        row.addWidget(scrolled(side), 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addWidget(self.message)
        column.addLayout(row, 1)
        self._show_answer()

    def _connect(self) -> None:
        self.preset.chosen.connect(self._on_preset)
        self.instruction.textChanged.connect(
            lambda: self._edit("Write the instruction", instruction=self.instruction.toPlainText())
        )
        self.example.textEdited.connect(
            lambda text: self._edit("Write the format", example=_read(text))
        )
        self.separator.textEdited.connect(
            lambda text: self._edit("Write the separator", separator=_read(text))
        )
        self.examples.edited.connect(lambda text, rows: self._edit(text, shots=rows))
        self.load_button.clicked.connect(self._on_draw)
        self.source.focused.connect(self._offer_sources)
        self.ask_button.clicked.connect(self._on_ask)
        self.notebook_button.clicked.connect(self._on_notebook)
        self._counting.finished.connect(self._on_counted)
        self._model.changed.connect(self._count)
        self._session.changed.connect(self._on_session)

    # What is wanted

    def _edit(self, text: str, **changes: object) -> None:
        self._session.edit_look(text, "prompt", **changes)

    @Slot(str)
    def _on_preset(self, name: str) -> None:
        self.preset.set_value("")
        chosen = next((one for one in presets() if one.name == name), None)
        if chosen is not None:
            self._session.edit(
                f"Take the preset {chosen.title}", prompt=chosen.prompt, answer=chosen.answer
            )
            self.message.show_message("info", chosen.says)

    @Slot()
    def _on_draw(self) -> None:
        """Draw examples from the source."""
        state, lab, count = self._session.state, self._lab, int(self.count.value)
        source, spec = self.source.value or _TASK, state.spec
        self._draws += 1
        seed = self._draws

        def work(_report: Report) -> object:
            from fineview.core.prompting.asked import draw, items_of
            from fineview.core.prompting.tables import table

            if source == _TASK:
                items = items_of(lab.task(spec.task, spec.split))
            else:
                items = items_of(table(source.removeprefix("table:")))
            shots = draw(items, count, seed)
            shown = {row[:-1] for row in shots}
            query = next((row[:-1] for row in items.rows if row[:-1] not in shown), None)
            return items.columns, shots, query

        job = self._runner.submit("Draw examples", work, Lane.LOOKUP)
        job.finished.connect(self._on_drawn)
        job.failed.connect(self._on_failed)

    @Slot(object)
    def _on_drawn(
        self, found: tuple[tuple[str, ...], tuple[tuple[str, ...], ...], tuple[str, ...] | None]
    ) -> None:
        columns, shots, query = found
        state = self._session.state.prompt
        changes: dict[str, object] = {"shots": shots}
        if columns != state.columns or not state.query[0].strip():
            changes |= {"columns": columns, "query": query or ("",) * (len(columns) - 1)}
        if columns != state.columns:
            parts = [f"{name.capitalize()}: {{{name}}}" for name in columns]
            changes |= {"example": "\n".join(parts), "separator": "\n\n"}
        self._edit("Draw examples", **changes)

    @Slot()
    def _on_ask(self) -> None:
        if self._job is not None and self._job.active:
            self._job.stop()
            return
        if (entry := self._model.missing) is not None:
            self.message.show_message(
                "info", f"{entry.title} is not on this machine yet: press Fetch at the top."
            )
            return
        state, desk, choice = self._session.state, self._lab.prompts, self._model.choice

        def work(report: Report) -> tuple[Asked, Loaded]:
            from fineview.core.prompting.single import ask

            desk.load(choice, report)
            found = ask(desk.model(choice, report), state.prompt, state.answer, report)
            return found, desk.loaded()

        self.message.clear()
        self._job = job = self._runner.submit("Ask", work, Lane.COMPUTE)
        job.finished.connect(self._on_asked)
        job.failed.connect(self._on_failed)
        job.ended.connect(self._on_ended)
        self._name_ask()

    @Slot()
    def _on_notebook(self) -> None:
        rendered = self._rendered()
        if rendered is not None:
            self.notebook_wanted.emit(rendered.text)

    @Slot(object)
    def _on_asked(self, found: tuple[Asked, Loaded]) -> None:
        self.asked, loaded = found
        self._model.note(loaded)
        self._show_answer()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.message.show_message("bad", str(error))

    @Slot()
    def _on_ended(self) -> None:
        self._job = None
        self._name_ask()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.prompt != old.prompt:
            self._show_choice()
        asked = (state.prompt, state.answer, state.language_model)
        if asked != (old.prompt, old.answer, old.language_model):
            self.answer.set_stale()
        if state.spec.task != old.spec.task:
            self._offer_sources()

    # What is shown

    @Slot()
    def _offer_sources(self) -> None:
        task = self._session.state.spec.task
        title = next((one.title for one in self._lab.shelf.infos() if one.name == task), task)
        choices = [(_TASK, f"task: {title}")]
        choices += [(f"table:{one.name}", one.title) for one in tables()]
        self.source.set_choices(choices, self.source.value or _TASK)

    def _show_choice(self) -> None:
        prompt = self._session.state.prompt
        if self.instruction.toPlainText() != prompt.instruction:
            blocked = self.instruction.blockSignals(True)
            self.instruction.setPlainText(prompt.instruction)
            self.instruction.blockSignals(blocked)
        if _read(self.example.text()) != prompt.example:
            self.example.setText(_written(prompt.example))
        if _read(self.separator.text()) != prompt.separator:
            self.separator.setText(_written(prompt.separator))
        self.examples.show_rows(prompt.columns, prompt.shots)
        self._show_queries(prompt.columns, prompt.query)
        self._offer_sources()
        self._show_preview()

    def _show_queries(self, columns: tuple[str, ...], query: tuple[str, ...]) -> None:
        names = [name for name in columns if name != _LABEL]
        if [field.accessibleName() for field in self.queries] != [_query(n) for n in names]:
            while self._query_form.rowCount():
                self._query_form.removeRow(0)
            self.queries = []
            for place, name in enumerate(names):
                field = QLineEdit()
                describe(field, _query(name), "What is asked: the model is to say its label.")
                field.textEdited.connect(partial(self._on_query, place))
                field.returnPressed.connect(self._on_ask)
                self._query_form.addRow(_query(name), field)
                self.queries.append(field)
        for field, text in zip(self.queries, query, strict=False):
            if field.text() != text:
                field.setText(text)

    @Slot(int, str)
    def _on_query(self, place: int, text: str) -> None:
        old = self._session.state.prompt.query
        query = tuple(text if i == place else one for i, one in enumerate(old))
        self._edit("Write the query", query=query)

    def _rendered(self) -> Rendered | None:
        try:
            return render(self._session.state.prompt)
        except ConfigError as error:
            self.problem.show_message("warning", str(error))
            return None

    def _show_preview(self) -> None:
        rendered = self._rendered()
        if rendered is None:
            self.preview.setEnabled(False)
            return
        self.problem.clear()
        self.preview.setEnabled(True)
        text = rendered.text
        blank = len(text) - len(text.rstrip(" "))
        self.preview.set_literal(text.rstrip(" ") + "␣" * blank)
        bar = self.preview.verticalScrollBar()
        bar.setValue(bar.maximum())  # the query is what one looks for
        self._lead = rendered.lead
        self._count()

    @Slot()
    def _count(self) -> None:
        """Count the prompt's tokens, once the tokenizer can be had."""
        if not self.isVisible() or self._model.missing is not None:
            self.length.setText("Its tokens are counted once the model is on this machine.")
            return
        rendered = self._rendered()
        if rendered is None:
            return
        choice, text, desk = self._model.choice, rendered.text, self._lab.prompts
        room = self._session.state.answer.max_tokens

        def work(report: Report) -> tuple[int, int, int]:
            model = desk.model(choice, report)
            return len(model.ids(text)), model.window, room

        self._counting.ask((choice, text, room), work, Lane.COMPUTE)

    @Slot(object)
    def _on_counted(self, found: tuple[int, int, int]) -> None:
        count, window, room = found
        words = f"{plural(count, 'token')} of a window of {count_text(window)}"
        cut = count + room - window
        if cut > 0:
            words += (
                f": its first {plural(cut, 'token')} are cut off, instruction and first examples "
                f"before all. Use fewer examples."
            )
        if self._lead:
            words += " · the blank before the label belongs to the answer"
        self.length.setText(words)

    def _show_answer(self) -> None:
        info = self._model.info
        self.answer.show_answer(self.asked, info.title if info is not None else "")

    def _name_ask(self) -> None:
        text = "Stop" if self.busy else "Ask"
        self.ask_button.setText(text)
        describe(self.ask_button, text, "Asks the query, and loads the model where needed – Enter.")


def _query(name: str) -> str:
    return "Query" if name == "input" else f"Query, {name}"


def _written(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def _read(text: str) -> str:
    one = text.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t")
    return one.replace("\0", "\\")
