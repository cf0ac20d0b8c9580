"""The page of the shots curve: prompting or fine-tuning, at the same number of examples?"""

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCheckBox, QLineEdit, QVBoxLayout, QWidget

from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.prompting.seen import ShotsCurve
from fineview.core.prompting.shots_lesson import CURVES, band, lesson
from fineview.core.runs.prompt_studies import (
    SHOTS_KIND,
    PromptStudy,
    measure_shots,
    prompt_study_of,
)
from fineview.core.runs.studies import Study
from fineview.ui.panels.prompts_evaluate_choices import LABELS, LABELS_TIP, source_choices
from fineview.ui.panels.prompts_model import ModelBar
from fineview.ui.panels.prompts_study import PromptStudyPage
from fineview.ui.past_studies import PastStudies, PastWords
from fineview.ui.plots.band_curves import BandCurve, BandCurves
from fineview.ui.session import Session, SessionState
from fineview.ui.study_column import ColumnWords, Number, StudyColumn
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.segmented import Segmented
from fineview.work.jobs import JobRunner

_WHAT = (
    "Press Measure: the prompt of the page Few-shot is asked with 0, 1, 2, 4 … examples of your "
    "task, drawn anew for each seed and put in several orders; beside it a head is trained on the "
    "same examples. Which is better, and from how many examples on?"
)
_PAST = PastWords(
    title="Earlier curves",
    tip="Shots curves in this workspace, newest first – the last one – an earlier one to look at "
    "it again.",
    one="curve",
    forgets="Forgets this curve – when it is not needed any more; can be taken back.",
    deleted="",
    reading="Read a shots curve",
)
_WORDS = ColumnWords(
    message="Settings of a shots curve",
    run="Measure",
    runs="Asks the test items with more and more examples – minutes – and trains a head beside.",
    stops="Stops within a forward pass; what was measured is kept.",
)
_NUMBERS = (
    Number("seeds", "Seeds", 1, 20, "Draws of examples for each number – 3 – more for a truer "
            "band."),
    Number("orders", "Orders", 1, 20, "Orders of each draw – 2 – more show how much hangs on the "
            "order alone."),
    Number("most", "Test items", 10, 10_000, "Most items asked – 100 – more for calmer points."),
)  # fmt: skip
_KEY = "band: all draws and orders"


class ShotsChoices(StudyColumn):
    """The session's `shots`.

    Attributes:
        source: Which rows.
        counts: Numbers of examples.
        calibrated: Whether the calibrated curve is drawn.
        head: Whether a head is trained beside.
        labels: Of the examples.
    """

    def __init__(self, session: Session, lab: Laboratory) -> None:
        super().__init__(session, "shots", "shots", _WORDS)
        self._lab = lab
        self.source = CalmCombo(
            "Rows", "Whose rows – your task: examples from its training split, questions from its "
            "test split – or a bundled table.", letters=16,
        )  # fmt: skip
        self.counts = QLineEdit()
        describe(
            self.counts,
            "Numbers of examples",
            "Ascending, with commas – 0, 1, 2, 4, 8, 16 – more where the window has room.",
        )
        self.calibrated = QCheckBox("Calibrated too")
        describe(
            self.calibrated, "Calibrated too",
            "Draws contextual calibration beside – on – it costs nothing but is there only where "
            "labels are scored.",
        )  # fmt: skip
        self.head = QCheckBox("Trained head beside")
        describe(
            self.head, "Trained head beside",
            "Trains softmax regression on the encoder’s features of the same examples – on – the "
            "point of the picture.",
        )  # fmt: skip
        self.labels = Segmented(LABELS, "Labels of the examples", LABELS_TIP)
        column = QVBoxLayout()
        for part in (
            plain_label("Rows", "small"),
            self.source,
            plain_label("Numbers of examples", "small"),
            self.counts,
            self._grid(_NUMBERS),
            self.calibrated,
            self.head,
            plain_label("Labels of the examples", "small"),
            self.labels,
        ):
            column.addWidget(part)
        self._stand(column)
        self.source.chosen.connect(lambda name: self._edit("source", name))
        self.source.focused.connect(self._offer)
        self.counts.editingFinished.connect(self._on_counts)
        self.calibrated.clicked.connect(lambda on: self._edit("calibrated", bool(on)))
        self.head.clicked.connect(lambda on: self._edit("head", bool(on)))
        self.labels.changed.connect(lambda name: self._edit("labels", name))
        session.changed.connect(self._on_session)
        self.set_running(False)
        self._show(session.state)

    @Slot()
    def _on_counts(self) -> None:
        text = self.counts.text()
        try:
            found = tuple(int(part) for part in text.replace(";", ",").split(",") if part.strip())
        except ValueError:
            self.message.show_message(
                "bad", f"“{text[:60]}” is no list of numbers: write it as 0, 1, 2, 4."
            )
            return
        self._edit("counts", found)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        mine = (state.shots, state.spec.task, state.answer, state.spec.encoder)
        if mine != (old.shots, old.spec.task, old.answer, old.spec.encoder):
            self._show(state)

    @Slot()
    def _offer(self) -> None:
        self.source.set_choices(
            source_choices(self._session, self._lab), self._session.state.shots.source
        )

    def _show(self, state: SessionState) -> None:
        choice = state.shots
        self._offer()
        self._show_numbers(choice)
        written = ", ".join(map(str, choice.counts))
        if not self.counts.hasFocus() or not self.message.text:
            self.counts.setText(written)
        self.calibrated.setChecked(choice.calibrated)
        self.head.setChecked(choice.head)
        self.labels.set_value(choice.labels)
        how = "labels are scored" if state.answer.reading == "score" else "answers are generated"
        passes = sum(
            choice.seeds * min(choice.orders, max(k, 1)) if k else 1 for k in choice.counts
        )
        self.said.setText(f"{passes} prompts × up to {choice.most} test items; {how}.")


class ShotsPage(PromptStudyPage):
    """Choices at the left, curves at the right, and what they say below.

    Attributes:
        plot: The curves.
        said: What they say.
    """

    field = "shots"

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, model: ModelBar,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        choices = ShotsChoices(session, lab)
        past = PastStudies(runner, lab, SHOTS_KIND, _PAST, prompt_study_of)
        empty = EmptyState("Prompting or fine-tuning?", _WHAT)
        super().__init__(session, runner, lab, model, choices, past, empty, "Shots curve", parent)
        self.plot = BandCurves("Shots curve", empty="No point yet.")
        self.said = plain_label(wrap=True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._stand(self.plot, (self.said,))
        self._begin()

    def start(self) -> None:
        """Measure what is chosen."""
        if self._say_missing():
            return
        lab, state = self._lab, self._session.state

        def work(report: Report) -> Study:
            return measure_shots(
                lab,
                state.spec,
                state.language_model,
                state.prompt,
                state.answer,
                state.shots,
                report,
            )

        self._submit("Shots curve", work)

    @Slot(object)
    def _on_events(self, events: list[object]) -> None:
        studies = [event for event in events if isinstance(event, PromptStudy)]
        if studies:
            self._show(studies[-1])

    def _show(self, found: PromptStudy | None) -> None:
        self.shown = found
        curve = None if found is None else found.curve
        self._stack.setCurrentIndex(0 if found is None or (curve is None and not self.busy) else 1)
        self.title.set_text("" if found is None else found.title)
        self.past.set_current("" if found is None else found.study_id)
        if curve is None:
            self.plot.show_curves((), (), x_label="examples", y_label="accuracy", key=_KEY)
            self.caption.set_text("")
            self.said.setText("" if found is None else found.text)
        else:
            lines = (("commonest label", curve.majority),) if curve.majority else ()
            self.plot.show_curves(
                curves_of(curve), lines, x_label="examples", y_label="accuracy", key=_KEY
            )
            encoder = f" · head on {curve.encoder}" if curve.encoder else ""
            self.caption.set_text(
                f"{curve.model}{encoder} · {curve.most} test items · labels: {curve.labels}"
            )
            told = f" {found.text}" if found is not None and found.text else ""
            self.said.setText(lesson(curve) + told)
        self.said.setVisible(bool(self.said.text()))
        self._show_settings(self._session.state)


def curves_of(curve: ShotsCurve) -> tuple[BandCurve, ...]:
    """Return what is drawn of a shots curve: means, and bands over all draws and orders."""
    found = []
    for name, title in CURVES.items():
        rows = band(curve, name)
        if not rows:
            continue
        nothing = np.full(len(rows), np.nan)
        found.append(
            BandCurve(
                name=title,
                keys=tuple(f"{name} {row[0]}" for row in rows),
                words=tuple(
                    f"{title}, {k} examples: {middle:.3f} ({low:.3f} – {high:.3f} over {n})"
                    for k, middle, low, high, n in rows
                ),
                x=np.array([row[0] for row in rows], dtype=np.float64),
                test=np.array([row[1] for row in rows]),
                low=np.array([row[2] for row in rows]),
                high=np.array([row[3] for row in rows]),
                train=nothing,
            )
        )
    return tuple(found)
