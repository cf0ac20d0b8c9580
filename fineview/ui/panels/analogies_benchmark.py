"""The benchmark page of the analogies panel: whole sets of questions, counted and browsed."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.core.analogies.questions import question_sets
from fineview.core.analogies.set_work import (
    AnsweredSet,
    ComparedScore,
    answer_set,
    compare,
    listed,
)
from fineview.core.analogies.solver_methods import METHODS
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.panels.analogies_benchmark_tables import QuestionTable, SectionTable
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import make_primary, spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.format import count_text, share_text
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.work.jobs import Job, JobRunner, Lane

_SETS = {"google": "Google, 19,544 questions", "msr": "MSR syntax, 8,000 questions"}
_LIMITS = (10_000, 30_000, 100_000, 300_000, 0)
_SHOWN = (
    ("all", "All"),
    ("wrong", "Wrong"),
    ("right", "Right"),
    ("rule", "Right by the rule"),
)
_WHAT = (
    "Thousands of questions such as Athens : Greece :: Oslo : ?, answered by every word of the "
    "table, with and without the words of the question."
)
_RUN = "Answer all questions"
_OPEN = "open"
_KEPT = 7


class BenchmarkPage(QWidget):
    """Choose a set, answer it, look at its sections and questions.

    Attributes:
        sections: Scores of the sections.
        questions: The questions that are listed.
        shown: What is shown; None before there is something.

    Signals:
        question_wanted(str): A question is to be opened in the calculator: its expression.
    """

    question_wanted = Signal(str)

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._runner = runner
        self._lab = lab
        self._job: Job | None = None
        self.shown: AnsweredSet | None = None
        self.questions_of = CalmCombo(
            "Questions",
            "The set of questions – Google's is the usual one – a file of one's own has four words "
            "a line, and lines “: relation” before each section.",
            letters=18,
        )
        self.method = CalmCombo("Method", "How the answers are looked for – 3CosAdd.", letters=10)
        self.limit = CalmCombo(
            "Vocabulary",
            "How many of the commonest words there are – all – papers often take 30,000 or "
            "300,000, and figures over different vocabularies cannot be compared.",
            letters=12,
        )
        self.against = CalmCombo(
            "Compare with",
            "An earlier result of the same questions – nothing – compared are only the questions "
            "that both cover.",
            letters=22,
        )
        self._results: list[AnsweredSet] = []
        self.button = QPushButton(_RUN)
        self.message = MessageLine("Benchmark")
        self.said = plain_label("", wrap=True)
        self.sections = SectionTable()
        self.questions = QuestionTable()
        self.filter = CalmCombo(
            "Listed",
            "Which questions are listed – right by the rule: right only because the words of the "
            "question are left out.",
            letters=14,
        )
        self.word = QLineEdit()
        self.count = plain_label("", "small")
        self.empty = EmptyState("How much of it is true?", _WHAT, _RUN)
        self._lay_out()
        self._connect()

    def showEvent(self, event: QShowEvent) -> None:
        """Offer the sets that are on this machine now."""
        super().showEvent(event)
        self._show_choice()

    def open(self, path: Path) -> None:
        """Ask the questions of a file of one's own."""
        self._session.edit_look("Choose a set", "analogy_set", questions=str(path), section="")

    # Layout

    def _lay_out(self) -> None:
        self.method.set_choices([(k, info.title) for k, info in METHODS.items()], "add")
        words = [(str(n), f"first {count_text(n)}" if n else "all words") for n in _LIMITS]
        self.limit.set_choices(words, "0")
        self.filter.set_choices(list(_SHOWN), "all")
        make_primary(self.button)
        describe(
            self.button,
            _RUN,
            "Answers every question of the set – seconds – Stop keeps what is shown.",
        )
        self.word.setPlaceholderText("with the word …")
        self.word.setClearButtonEnabled(True)
        describe(self.word, "Word", "Lists only questions with a word that begins so – king.")
        first = QHBoxLayout()
        first.setSpacing(spacing(2))
        for widget in (self.questions_of, self.method, self.limit):
            label = QLabel(widget.accessibleName())
            label.setBuddy(widget)
            first.addWidget(label)
            first.addWidget(widget)
        first.addStretch(1)
        first.addWidget(self.button)
        compared = QLabel("Compare with")
        compared.setBuddy(self.against)
        told = QHBoxLayout()
        told.setSpacing(spacing(2))
        told.addWidget(self.said, 1)
        told.addWidget(compared, 0, Qt.AlignmentFlag.AlignTop)
        told.addWidget(self.against, 0, Qt.AlignmentFlag.AlignTop)
        lower = QWidget()
        column = QVBoxLayout(lower)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        second = QHBoxLayout()
        second.setSpacing(spacing(2))
        label = QLabel("Listed")
        label.setBuddy(self.filter)
        second.addWidget(label)
        second.addWidget(self.filter)
        second.addWidget(self.word)
        second.addWidget(self.count)
        second.addStretch(1)
        column.addLayout(second)
        column.addWidget(self.questions, 1)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.addWidget(self.sections)
        split.addWidget(lower)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        whole = QWidget()
        page = QVBoxLayout(whole)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(spacing(2))
        page.addLayout(told)
        page.addWidget(split, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(whole)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(spacing(2))
        outer.addLayout(first)
        outer.addWidget(self.message)
        outer.addWidget(self._stack, 1)

    def _connect(self) -> None:
        edit = self._session.edit_look
        self.questions_of.chosen.connect(self._on_questions)
        self.method.chosen.connect(
            lambda value: edit("Choose a method", "analogy_set", method=value)
        )
        self.limit.chosen.connect(
            lambda value: edit("Choose the vocabulary", "analogy_set", limit=int(value))
        )
        self.filter.chosen.connect(
            lambda value: edit("Choose questions", "analogy_set", show=value)
        )
        self.word.textEdited.connect(
            lambda value: edit("Look for a word", "analogy_set", text=value)
        )
        self.sections.chosen.connect(
            lambda value: edit("Choose a section", "analogy_set", section=value)
        )
        self.against.chosen.connect(self._show_result)
        self.button.clicked.connect(self.run_or_stop)
        self.empty.pressed.connect(self.run_or_stop)
        self.message.action_pressed.connect(self.run_or_stop)
        self.questions.opened.connect(self.question_wanted)
        self._session.changed.connect(self._on_session)

    # What is wanted

    @property
    def busy(self) -> bool:
        """Whether questions are being answered."""
        return self._job is not None and self._job.active

    @Slot(str)
    def _on_questions(self, name: str) -> None:
        if name != _OPEN:
            self._session.edit_look("Choose a set", "analogy_set", questions=name, section="")
            return
        self.questions_of.set_value(self._session.state.analogy_set.questions)
        path, _ = QFileDialog.getOpenFileName(self, "Open a set of questions")
        if path:
            self.open(Path(path))

    @Slot()
    def run_or_stop(self) -> None:
        """Answer the set, or stop."""
        if self._job is not None and self._job.active:
            self._job.stop()
            return
        choice, lab = self._session.state.analogy_set, self._lab
        name = self._session.state.analogy.vectors

        def work(report: Report) -> AnsweredSet:
            dictionary = lab.dictionary(name, report)
            return answer_set(dictionary, choice, lab.locations.cache, report)

        self._job = self._runner.submit("Answer analogies", work, Lane.COMPUTE)
        self._job.finished.connect(self._on_answered)
        self._job.failed.connect(lambda error: self.message.show_message("bad", str(error)))
        self._job.ended.connect(self._on_ended)
        self.message.clear()
        self.button.setText("Stop")

    @Slot(object)
    def _on_answered(self, found: AnsweredSet) -> None:
        before, self.shown = self.shown, found
        self._results = [one for one in self._results if _named(one) != _named(found)][-_KEPT:]
        self._results.append(found)
        same = [one for one in self._results if one.choice.questions == found.choice.questions]
        others = [(_named(one), _named(one)) for one in reversed(same) if one is not found]
        offered = [key for key, _ in others]
        wanted = self.against.value
        if wanted not in offered:
            wanted = _named(before) if before is not None and _named(before) in offered else ""
        self.against.set_choices([("", "nothing"), *others], wanted)
        self._stack.setCurrentIndex(1)
        self._show_result()
        self._list()
        self._show_choice()

    @Slot()
    def _show_result(self) -> None:
        """Show the sections, beside those of the result they are compared with."""
        if self.shown is None:
            return
        named = self.against.value
        other = next((one for one in self._results if named and _named(one) == named), None)
        compared = () if other is None else compare(self.shown, other)
        self.sections.show_result(self.shown, compared)
        words = set_words(self.shown)
        self.said.setText(words if other is None else f"{words} {compared_words(compared, named)}")

    @Slot()
    def _on_ended(self) -> None:
        self._job = None
        self.button.setText(_RUN)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        vectors = state.analogy.vectors != old.analogy.vectors
        if vectors or state.analogy_set != old.analogy_set:
            self._show_choice()
            self._list()

    def _show_choice(self) -> None:
        choice = self._session.state.analogy_set
        names = question_sets(self._lab.locations.cache)
        sets = [(name, _SETS[name]) for name in names]
        if choice.questions not in names:
            sets.append((choice.questions, Path(choice.questions).name))
        self.questions_of.set_choices([*sets, (_OPEN, "Open a file…")], choice.questions)
        self.method.set_value(choice.method)
        self.limit.set_value(str(choice.limit))
        self.filter.set_value(choice.show)
        if self.word.text() != choice.text:
            self.word.setText(choice.text)
        stale = self.shown is not None and (
            self.shown.choice.asked != choice.asked
            or self.shown.vectors.info.name != self._session.state.analogy.vectors
        )
        if stale and not self.busy:
            self.message.show_message(
                "info", "What is shown answers other settings.", [("Answer anew", "again")]
            )
        elif self.message.kind == "info":
            self.message.clear()

    def _list(self) -> None:
        if self.shown is None:
            return
        choice = self._session.state.analogy_set
        rows = listed(self.shown, choice)
        self.questions.show_rows(self.shown, rows)
        section = f" of {choice.section}" if choice.section else ""
        self.count.setText(f"{count_text(len(rows))} questions{section}")


def _named(found: AnsweredSet) -> str:
    """Name a result: two that would be the same have one name."""
    result = found.result
    return (
        f"{found.vectors.info.title} · {METHODS[result.method].title} · "
        f"{count_text(result.vocabulary)} words"
    )


def compared_words(compared: tuple[ComparedScore, ...], named: str) -> str:
    """Return in words how two results differ on the questions that both cover."""
    total = next(one for one in compared if one.name == "total")
    if not total.both:
        return f"With {named} it shares no question."
    return (
        f"Of the {count_text(total.both)} questions that {named} covers too, "
        f"{share_text(total.here / total.both)} are right here and "
        f"{share_text(total.there / total.both)} there: {count_text(total.only_here)} only here, "
        f"{count_text(total.only_there)} only there."
    )


def set_words(found: AnsweredSet) -> str:
    """Return in words what a result says."""
    total, result = found.result.totals[-1], found.result
    method = METHODS[result.method].title
    return (
        f"{method} answers {share_text(total.accuracy(total.right))} of "
        f"{count_text(total.covered)} questions over {count_text(result.vocabulary)} words "
        f"({count_text(total.asked - total.covered)} have a word that is not there). Where the "
        f"words of the question may be answers, it is "
        f"{share_text(total.accuracy(total.right_allowed))}: in "
        f"{share_text(total.accuracy(total.answered_input))} of the questions one of them is "
        f"nearest. Rank correlation of cosines with people's judgement: {_similarities(found)}."
    )


def _similarities(found: AnsweredSet) -> str:
    return ", ".join(
        f"{one.title} {share_text(one.spearman)} ({count_text(one.covered)} of "
        f"{count_text(one.asked)} pairs)"
        for one in found.similarities
    )
