"""The calculator of the analogies panel: arithmetic with words, answered as one types."""

import weakref
from collections.abc import Callable

from PySide6.QtCore import QStringListModel, Qt, QTimer, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCompleter,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.core.analogies.asking import Dictionary, Reply, reply
from fineview.core.analogies.choice import PRESETS
from fineview.core.analogies.expression import LIMIT, form_text, sum_text
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.latest import Latest, lane_of
from fineview.ui.panels.analogies_answers import AnswersView
from fineview.ui.panels.analogies_options import CalculatorOptions
from fineview.ui.plots.parallelogram import ParallelogramPlot, picture_words
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import font_for, spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.panel_area import scrolled
from fineview.ui.widgets.segmented import Segmented
from fineview.work.jobs import JobRunner

_OFFERED = 8
_KEPT = 50
_MEANT_MS = 1500
_WHAT = (
    "Type man : woman :: king : ?, or a sum as king - man + woman. The answers appear as you type."
)


class CalculatorPage(QWidget):
    """An expression, its answers, and the parallelogram.

    Attributes:
        field: The expression.
        other_form: The same in the other form.
        answers: The columns of words.
        plot: The parallelogram.
        reply: What is shown; None before there is something.
    """

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._lab = lab
        self._latest = Latest(runner, "Calculate with words", self)
        # The laboratory's alone: it lets one table go before it opens another.
        self._dictionary: Callable[[], Dictionary | None] = lambda: None
        self.reply: Reply | None = None
        self.field = QLineEdit()
        self.other_form = plain_label("", "small")
        self.preset = CalmCombo(
            "Questions",
            "What was kept, what was asked lately, and questions to begin with – the lecture's is "
            "the first of these.",
            letters=18,
        )
        self.keep = QPushButton()
        self.options = CalculatorOptions(session)
        self.lengths = Segmented(
            [("unit", "Length 1"), ("true", "True length")],
            "Lengths in the picture",
            "Whether the picture takes every word at length 1 – as the cosines do – or at the "
            "length it has in the table.",
        )
        self.message = MessageLine("Expression")
        self.answers = AnswersView()
        self.plot = ParallelogramPlot()
        self.figures = plain_label("", "small", wrap=True)
        self.table = plain_label("", "small")
        self.empty = EmptyState("Arithmetic with words", _WHAT)
        # An expression that stands so long was meant, and not on the way to another one.
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_MEANT_MS)
        self._words = QStringListModel(self)
        self._completer = QCompleter(self._words, self)
        self._describe()
        self._lay_out()
        self._connect()

    def showEvent(self, event: QShowEvent) -> None:
        """Answer what was asked while the panel was hidden."""
        super().showEvent(event)
        self._show_choice()
        self._ask()

    def ask(self, expression: str) -> None:
        """Put an expression into the field, as if it was typed."""
        self._session.edit_look("Type an expression", "analogy", expression=expression, against="")

    # Layout

    def _describe(self) -> None:
        self.field.setMaxLength(LIMIT)
        self.field.setFont(font_for("fixed"))
        self.field.setClearButtonEnabled(True)
        self.field.setPlaceholderText("man : woman :: king : ?     or     king - man + woman")
        describe(
            self.field,
            "Expression",
            "What is calculated – man : woman :: king : ? or king - man + woman – with weights "
            "(0.5 * paris), brackets and phrases in quotes.",
        )
        self.keep.setCheckable(True)
        describe(
            self.keep,
            "Keep",
            "Keeps this expression at the top of the questions beside – for what one comes back to "
            "– press again to drop it.",
        )
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._completer.setWidget(self.field)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        first = QHBoxLayout()
        first.setSpacing(spacing(2))
        first.addWidget(self.field, 1)
        first.addWidget(self.keep)
        first.addWidget(self.preset)
        column.addLayout(first)
        second = QHBoxLayout()
        second.setSpacing(spacing(2))
        second.addWidget(self.other_form, 1)
        second.addWidget(self.table)
        column.addLayout(second)
        column.addWidget(self.message)
        column.addWidget(self.options)
        across = QWidget()
        row = QHBoxLayout(across)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(4))
        row.addWidget(scrolled(self.answers), 5)
        picture = QVBoxLayout()
        picture.setSpacing(spacing(2))
        picture.addWidget(self.lengths, 0, Qt.AlignmentFlag.AlignLeft)
        picture.addWidget(self.plot, 1)
        picture.addWidget(self.figures)
        row.addLayout(picture, 4)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(across)
        column.addWidget(self._stack, 1)

    def _connect(self) -> None:
        self.field.textEdited.connect(self._on_typed)
        self._completer.activated.connect(self._on_completed)
        self.preset.chosen.connect(self._on_preset)
        self.keep.clicked.connect(self._on_keep)
        self._settled.timeout.connect(self._on_settled)
        self.lengths.changed.connect(
            lambda value: self._session.edit_look("Choose lengths", "analogy", unit=value == "unit")
        )
        self.answers.chosen.connect(self._on_answer)
        self.message.action_pressed.connect(self._on_offer)
        self._latest.finished.connect(self._on_reply)
        self._latest.failed.connect(lambda error: self.message.show_message("bad", str(error)))
        self._session.changed.connect(self._on_session)

    # What is wanted

    @Slot(str)
    def _on_typed(self, text: str) -> None:
        self.ask(text)
        self._offer()

    @Slot(str)
    def _on_preset(self, expression: str) -> None:
        self.preset.set_value("")
        if expression:
            self.ask(expression)

    @Slot(str)
    def _on_answer(self, word: str) -> None:
        self._session.edit_look("Draw an answer", "analogy", against=word)

    @Slot(str)
    def _on_offer(self, value: str) -> None:
        """Replace a word the table does not have by one that may have been meant."""
        start, end, word = value.split(" ", 2)
        text = self._session.state.analogy.expression
        self.ask(text[: int(start)] + word + text[int(end) :])

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.analogy != old.analogy:
            self._show_choice()
            self._ask()
        elif (state.asked, state.favourites) != (old.asked, old.favourites):
            self._show_questions()

    def _show_choice(self) -> None:
        choice = self._session.state.analogy
        if self.field.text() != choice.expression:
            self.field.setText(choice.expression)
        self._show_questions()
        self.lengths.set_value("unit" if choice.unit else "true")

    def _show_questions(self) -> None:
        """Offer what was kept, asked, and comes with the panel; each expression once."""
        state = self._session.state
        kept = state.favourites
        recent = [text for text in state.asked if text not in kept]
        titles = {expression: f"{title}: {expression}" for title, expression in PRESETS}
        titles = {text: title for text, title in titles.items() if text not in kept}
        offered = [(text, f"★ {text}") for text in kept]
        offered += [(text, text) for text in recent if text not in titles]
        self.preset.set_choices([("", "Questions"), *offered, *titles.items()], "")
        here = state.analogy.expression.strip()
        self.keep.setChecked(here in kept)
        self.keep.setText("★ Kept" if here in kept else "☆ Keep")
        self.keep.setEnabled(bool(here))

    @Slot()
    def _on_keep(self) -> None:
        here, kept = self._session.state.analogy.expression.strip(), self._session.state.favourites
        others = tuple(text for text in kept if text != here)
        self._session.view(favourites=others if here in kept else (here, *others)[:_KEPT])
        self._show_questions()

    @Slot()
    def _on_settled(self) -> None:
        """Remember what was answered and left standing for a while."""
        here = self._session.state.analogy.expression.strip()
        if self.reply is not None and self.reply.solution is not None and here:
            others = [text for text in self._session.state.asked if text != here]
            self._session.view(asked=(here, *others)[:_KEPT])

    # Answering

    def _ask(self) -> None:
        """Ask what is typed."""
        if not self.isVisible():
            return
        choice, lab = self._session.state.analogy, self._lab

        def work(report: Report) -> tuple[Dictionary, Reply]:
            dictionary = lab.dictionary(choice.vectors, report)
            return dictionary, reply(dictionary, choice)

        self._latest.ask(choice, work, lane_of(choice.vectors))

    @Slot(object)
    def _on_reply(self, found: tuple[Dictionary, Reply]) -> None:
        dictionary, answer = found
        self._dictionary = weakref.ref(dictionary)
        self.reply = answer
        info = answer.info
        self.options.show_reply(answer)
        self.table.setText(f"{count_text(info.words)} words · {info.width} numbers each")
        self._show_problem(answer)
        if answer.solution is None:
            if answer.choice.expression.strip():
                self.answers.set_stale(True)
                self.plot.set_dimmed(True)
            else:
                self._stack.setCurrentWidget(self.empty)
            return
        self._settled.start()
        self._stack.setCurrentIndex(1)
        self.answers.show_reply(answer, answer.choice.method)
        self.plot.set_dimmed(False)
        self.plot.show_picture(answer.picture)
        self.figures.setText(picture_words(answer.picture) if answer.picture else "")

    def _show_problem(self, answer: Reply) -> None:
        self.other_form.setText(_other_form(answer))
        if answer.unknown:
            first = answer.unknown[0]
            actions = [(word, f"{first.start} {first.end} {word}") for word in first.near]
            near = " Did you mean:" if actions else " Choose another spelling or another word."
            self.message.show_message(
                "warning", f"“{first.word}” is not among the words of this table.{near}", actions
            )
        elif answer.problem:
            self.message.show_message("warning", answer.problem)
        else:
            self.message.clear()

    # Completion

    def _offer(self) -> None:
        """Offer words that begin as the one at the cursor."""
        prefix = self._prefix()[0]
        popup = self._completer.popup()
        assert popup is not None
        dictionary = self._dictionary()
        if dictionary is None or not prefix:
            popup.hide()
            return
        known = dictionary.vectors.words
        words = [known[row] for row in dictionary.completion.begins(prefix, _OFFERED)]
        if not words or words == [prefix]:
            popup.hide()
            return
        self._words.setStringList(words)
        self._completer.setCompletionPrefix(prefix)
        rect = self.field.cursorRect()
        rect.setWidth(popup.sizeHintForColumn(0) + spacing(8))
        self._completer.complete(rect)

    def _prefix(self) -> tuple[str, int]:
        """Return the word before the cursor, and where it begins."""
        text = self.field.text()[: self.field.cursorPosition()]
        start = len(text)
        while start and not text[start - 1].isspace() and text[start - 1] not in '()+*/:?"“”':
            start -= 1
        return text[start:], start

    @Slot(str)
    def _on_completed(self, word: str) -> None:
        prefix, start = self._prefix()
        text = self.field.text()
        self.ask(text[:start] + word + text[start + len(prefix) :])
        self.field.setCursorPosition(start + len(word))


def _other_form(answer: Reply) -> str:
    """Return the expression in the form it was not typed in."""
    expression = answer.expression
    if expression is None or expression.unknown or not expression.terms:
        return ""
    if ":" in answer.choice.expression:
        return f"= {sum_text(expression)}"
    if expression.analogy is not None:
        return f"= {form_text(*expression.analogy)}"
    return f"= {sum_text(expression)}" if len(expression.terms) > 1 else ""
