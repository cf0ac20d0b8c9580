"""The page that holds a prompt against labelled rows."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.prompting.evaluation import Answered
from fineview.core.prompting.seen import AnswerRow
from fineview.core.runs.prompt_studies import (
    EVALUATE_KIND,
    PromptStudy,
    evaluate_prompt,
    prompt_study_of,
)
from fineview.core.runs.studies import Study
from fineview.ui.panels.prompts_evaluate_choices import EvaluateChoices
from fineview.ui.panels.prompts_evaluate_tables import AnswersTable, ResultsTable
from fineview.ui.panels.prompts_model import ModelBar
from fineview.ui.panels.prompts_study import PromptStudyPage
from fineview.ui.past_studies import PastStudies, PastWords
from fineview.ui.plots.confusion import ConfusionPlot
from fineview.ui.session import Session
from fineview.ui.theme import spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.format import count_text, percent_text
from fineview.ui.widgets.labels import plain_label
from fineview.ui.widgets.probability_bars import ProbabilityBars
from fineview.work.jobs import JobRunner

_WHAT = (
    "Press Evaluate: the prompt of the page Few-shot is asked every row of a table, or your task’s "
    "test split. You see what was said, how sure the model was, and how often it was right – "
    "small models are often wrong, and here it shows."
)
PAST = PastWords(
    title="Earlier evaluations",
    tip="Evaluations in this workspace, newest first – the last one – an earlier one to look at "
    "it again.",
    one="evaluation",
    forgets="Forgets this evaluation – when it is not needed any more; can be taken back.",
    deleted="",
    reading="Read an evaluation",
)


class EvaluatePage(PromptStudyPage):
    """Choices at the left; results, confusion and answers at the right.

    Attributes:
        results: A line for each format, model and seed.
        answers: A line for each query.
        confusion: Which labels are taken for which.
        bias: Labels' probabilities on content-free input.
    """

    field = "prompt_test"

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, model: ModelBar,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        choices = EvaluateChoices(session, lab)
        past = PastStudies(runner, lab, EVALUATE_KIND, PAST, prompt_study_of)
        empty = EmptyState("A prompt, held against many rows", _WHAT)
        super().__init__(session, runner, lab, model, choices, past, empty, "Evaluation", parent)
        self._current = 0
        self._live: dict[int, AnswerRow] = {}
        self.results = ResultsTable()
        self.answers = AnswersTable()
        self.confusion = ConfusionPlot(empty="No labels to confuse: answers are free text.")
        self.bias = ProbabilityBars("Prompt bias", top=8, empty="")
        self.bias_says = plain_label("Prompt bias on content-free input", "small")
        self.said = plain_label(wrap=True)
        self._lay_out()
        self.results.chosen.connect(self._on_chosen)
        self._begin()

    def start(self) -> None:
        """Evaluate what is chosen."""
        if self._say_missing():
            return
        lab, state = self._lab, self._session.state

        def work(report: Report) -> Study:
            return evaluate_prompt(
                lab,
                state.spec,
                state.language_model,
                state.prompt,
                state.answer,
                state.prompt_test,
                report,
            )

        self._live = {}
        self._submit("Evaluate the prompt", work)

    def _lay_out(self) -> None:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(1.5))
        column.addWidget(self.confusion, 1)
        column.addWidget(self.bias_says)
        column.addWidget(self.bias)
        below = QWidget()
        row = QHBoxLayout(below)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(3))
        row.addWidget(self.answers, 3)
        row.addWidget(side, 2)
        self._side = side
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(spacing(2))
        split.addWidget(self.results)
        split.addWidget(below)
        split.setStretchFactor(0, 0)
        split.setStretchFactor(1, 1)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._stand(split, (self.said,))

    # An evaluation in flight

    @Slot(object)
    def _on_events(self, events: list[object]) -> None:
        for event in events:
            if isinstance(event, PromptStudy):
                self._live = {}
                self._show(event, last=True)
            elif isinstance(event, Answered):
                self._live[event.place] = event.row
        if self._live:
            self._stack.setCurrentIndex(1)
            self.answers.show_rows([self._live[at] for at in sorted(self._live)])

    @Slot()
    def _on_ended(self) -> None:
        super()._on_ended()
        self._live = {}

    # A study on display

    def _show(self, found: PromptStudy | None, *, last: bool = False) -> None:
        self.shown = found
        results = () if found is None else found.results
        self._current = max(len(results) - 1, 0) if last else 0
        self._stack.setCurrentIndex(1 if found is not None and (results or self.busy) else 0)
        self.results.show_results(results, self._current)
        self.title.set_text("" if found is None else found.title)
        self.past.set_current("" if found is None else found.study_id)
        self._show_result()
        self._show_settings(self._session.state)

    @Slot(int)
    def _on_chosen(self, row: int) -> None:
        if row >= 0:
            self._current = row
            self._show_result()

    def _show_result(self) -> None:
        found = self.shown
        if found is None or not found.results:
            self.answers.show_rows(())
            self._side.hide()
            self.caption.set_text("")
            self.said.setText("" if found is None else found.text)
            self.said.setVisible(bool(self.said.text()))
            return
        one = found.results[min(self._current, len(found.results) - 1)]
        evaluation = one.evaluation
        self.answers.show_rows(evaluation.rows)
        few = 0 < len(evaluation.labels) <= 30
        self._side.setVisible(few)
        if few:
            self.confusion.set_matrix(evaluation.confusion, evaluation.labels)
        pairs = list(zip(evaluation.labels, evaluation.bias, strict=False))
        self.bias.set_probabilities(pairs)
        for widget in (self.bias, self.bias_says):
            widget.setVisible(few and bool(evaluation.bias))
        asked = found.asked
        reading = (
            "generated and matched"
            if asked.answer.reading == "generate"
            else "labels scored"
            + ("" if asked.answer.calibration == "none" else f", {asked.answer.calibration}")
        )
        labels = asked.evaluate.labels if asked.evaluate is not None else "true"
        self.caption.set_text(f"{evaluation.model} · {reading} · labels of the examples: {labels}")
        self.said.setText(self._words(found))
        self.said.setVisible(True)

    def _words(self, found: PromptStudy) -> str:
        evaluation = found.results[min(self._current, len(found.results) - 1)].evaluation
        right = sum(row.correct for row in evaluation.rows)
        info = self._model.info
        small = f" It has {count_text(info.parameters)} weights." if info is not None else ""
        words = (
            f"{evaluation.model} has {right} of {len(evaluation.rows)} right "
            f"({percent_text(evaluation.low)} – {percent_text(evaluation.high)}); always the "
            f"commonest label has {percent_text(evaluation.majority)}.{small}"
        )
        cut = sum(row.cut > 0 for row in evaluation.rows)
        if cut:
            words += f" {cut} prompts were longer than the window and lost their beginning."
        if evaluation.unread:
            words += f" {evaluation.unread} answers name no label and count as wrong."
        if found.text:
            words += f" {found.text}"
        return words
