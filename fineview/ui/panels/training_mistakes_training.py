"""Training texts that the run finds hard, and those whose label may be wrong."""

from dataclasses import replace

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from fineview.core.data.task import ITEM_NAME
from fineview.core.explore.choices import MistakesChoice
from fineview.core.explore.mistakes import RunAnswers
from fineview.core.explore.mistakes_noise import Noise
from fineview.core.explore.mistakes_training import (
    TrainingTexts,
    ranked_candidates,
    ranked_hardest,
)
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.panels.training_mistakes_asking import Asking
from fineview.ui.panels.training_mistakes_rows import JudgedRows, Rows
from fineview.ui.session import Session
from fineview.ui.theme import make_primary, spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.format import count_text, number_text, percent_text, plural
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.number_field import NumberField
from fineview.ui.widgets.segmented import Segmented
from fineview.ui.widgets.tinted_label import TintedLabel
from fineview.ui.widgets.verdict_table import ColumnKind, VerdictColumn, Verdicts, class_letters
from fineview.work.jobs import JobRunner, Lane

_JUDGE = "Judge training texts"
_WHAT = (
    "The run judges the texts that it was trained on: those with the greatest loss are the "
    "hardest. Probes that have not seen a text then judge its label: improbable ones may be wrong."
)
_CANDIDATES = (
    "Candidates, not verdicts: the probes find these labels improbable by confident learning "
    "(Northcutt et al. 2021). A rare sense or irony looks the same as a wrong label: read before "
    "you change one."
)


class TrainingTextsView(QWidget):
    """Settings, a button that computes, and one of two tables.

    Attributes:
        found: The texts as judged last, or None.
        rows: Table and detail.
        button: Begins, or stops.
    """

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, message: MessageLine
    ) -> None:
        super().__init__()
        self._session = session
        self._lab = lab
        self._message = message
        self._answers: RunAnswers | None = None
        self._choice = MistakesChoice()
        self._asked = MistakesChoice()
        self._drawn: tuple[object, ...] = ()
        self.found: TrainingTexts | None = None
        self._asking = Asking(runner, self, Lane.COMPUTE)
        self.which = Segmented(
            [("hardest", "Hardest"), ("noise", "Label noise candidates")],
            "Training texts",
            "Texts with the greatest loss under the run's own model – texts whose label is "
            "improbable to probes that have not seen them – the second to clean your labels.",
        )
        self.rank = Segmented(
            [("margin", "Margin"), ("confidence", "Self-confidence")],
            "Order of the candidates",
            "By the probability of the label less that of the best other class (normalised "
            "margin), or by the probability of the label alone – margin – self-confidence where "
            "several classes may be right.",
        )
        self.items = NumberField(
            "Texts",
            "Most training items that are judged; of more a sample – 2 000 – more to find more, in "
            "more time.",
            value=2000,
            minimum=20,
            maximum=20_000,
            integer=True,
            step="series",
        )
        self.folds = NumberField(
            "Folds",
            "Parts of which each is judged by a probe on the others – 5 – more where there are few "
            "texts.",
            value=5,
            minimum=2,
            maximum=20,
            integer=True,
        )
        self.button = QPushButton(_JUDGE)
        self.notes = TintedLabel("", "small", wrap=True)
        self.count = plain_label("", "small")
        self.rows = JudgedRows(
            runner,
            message,
            "Training texts",
            "Training texts, the worst first – press a column's name to sort, a row to read its "
            "text – Ctrl+C copies rows.",
            EmptyState("Training texts", _WHAT),
        )
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        make_primary(self.button)
        describe(
            self.button,
            _JUDGE,
            "Lets the run judge its training texts, and probes their labels – once a run – again "
            "after its settings were changed.",
        )
        first = QHBoxLayout()
        first.setSpacing(spacing(2))
        first.addWidget(self.which)
        first.addWidget(self.rank)
        first.addStretch(1)
        first.addWidget(self.count)
        first.addWidget(self.rows.save_button)
        second = QHBoxLayout()
        second.setSpacing(spacing(2))
        letter = self.fontMetrics().averageCharWidth()
        for said, field, width in (("Texts", self.items, 10), ("Folds", self.folds, 7)):
            word = plain_label(said)
            word.setBuddy(field)
            field.setFixedWidth(letter * width)
            second.addWidget(word)
            second.addWidget(field)
        second.addWidget(self.button)
        second.addStretch(1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(2))
        box.addLayout(first)
        box.addLayout(second)
        box.addWidget(self.notes)
        box.addWidget(self.rows, 1)

    def _connect(self) -> None:
        self.which.changed.connect(lambda v: self._edit("Choose training texts", training=v))
        self.rank.changed.connect(lambda v: self._edit("Order the candidates", rank=v))
        self.items.changed.connect(lambda v: self._edit("Change texts judged", items=int(v)))
        self.folds.changed.connect(lambda v: self._edit("Change folds", folds=int(v)))
        self.button.clicked.connect(self._on_button)
        self.rows.current_changed.connect(self._on_current)
        self._asking.answered.connect(self._on_answered)
        self._asking.failed.connect(lambda text: self._message.show_message("bad", text))
        self._asking.busy_changed.connect(self._on_busy)

    def _edit(self, text: str, **changes: object) -> None:
        self._session.edit_look(text, "mistakes", **changes)

    def show_answers(self, answers: RunAnswers) -> None:
        """Show another run: its texts are judged when the button is pressed."""
        self._answers = answers
        if self.found is not None and self.found.run_id != answers.run_id:
            self.found = None
        if self._asking.key is not None and self.found is None:
            self._asking.forget()
        self._drawn = ()
        self.look(self._choice)

    def look(self, choice: MistakesChoice) -> None:
        """Show what was chosen of the judged texts."""
        self._choice = choice
        self.which.set_value(choice.training)
        self.rank.set_value(choice.rank)
        self.items.set_value(choice.items)
        self.folds.set_value(choice.folds)
        self._on_busy(self._asking.busy)
        noise = choice.training == "noise"
        self.rank.setVisible(noise)
        found = self.found
        wanted = (found, choice.training, choice.rank)
        self._say()
        if wanted == self._drawn:
            return
        self._drawn = wanted
        if found is None:
            self.rows.empty.set_text("Training texts", _WHAT)
            self.rows.show_nothing()
            self.count.setText("")
        elif noise:
            self._show_candidates(found, choice)
        else:
            self._show_hardest(found)

    @property
    def stale(self) -> bool:
        """Return whether what is shown was judged with other settings."""
        return self.found is not None and _asked(self._choice) != _asked(self._asked)

    def _say(self) -> None:
        found = self.found
        said = []
        if self.stale:
            said.append("Settings changed: judge again to use them.")
        if found is not None:
            if self._choice.training == "noise" and found.noise is not None:
                said.append(_CANDIDATES)
                said.append(
                    f"Estimated share of wrong labels: {percent_text(found.noise.share)}, too high "
                    "by what the probes themselves get wrong."
                )
            said += found.notes
        self.notes.setText(" ".join(said))
        self.notes.setVisible(bool(said))

    def _show_hardest(self, found: TrainingTexts) -> None:
        numbers = not found.classes
        wide = max(class_letters(found.classes), 17)
        kind: ColumnKind = "number" if numbers else "class"
        columns = [
            VerdictColumn(title="Text", kind="text", values=found.items),
            VerdictColumn(title="Label", kind=kind, values=found.labels, letters=wide),
            VerdictColumn(title="The run says", kind=kind, values=found.answers, letters=wide),
            VerdictColumn(
                title="Squared error" if numbers else "Loss (nats)",
                kind="number", values=found.losses, letters=18,
            ),
        ]  # fmt: skip
        noun = ITEM_NAME[found.index.task.info.level]
        self.count.setText(
            f"{plural(len(found), f'training {noun}')}, mean "
            f"{'squared error' if numbers else 'loss'} {number_text(float(found.losses.mean()))}"
        )
        self._show(found, columns, ranked_hardest(found), 3, descending=True)

    def _show_candidates(self, found: TrainingTexts, choice: MistakesChoice) -> None:
        noise: Noise | None = found.noise
        if noise is None:
            self.rows.empty.set_text("No candidates", found.noise_note)
            self.rows.show_nothing()
            self.count.setText("")
            return
        wide = class_letters(found.classes)
        columns = [
            VerdictColumn(title="Text", kind="text", values=found.items),
            VerdictColumn(title="Label", kind="class", values=found.labels, letters=wide),
            VerdictColumn(title="Suggested", kind="class", values=noise.suggested, letters=wide),
            VerdictColumn(title="Margin", kind="share", values=noise.margin, letters=12),
            VerdictColumn(title="P(label)", kind="share", values=noise.confidence, letters=13),
        ]
        rows = ranked_candidates(noise, choice.rank)
        self.count.setText(f"{plural(len(rows), 'candidate')} in {count_text(len(found))}")
        self.rows.empty.set_text(
            "No candidates", "No label is improbable to probes that have not seen its text."
        )
        self._show(found, columns, rows, 3 if choice.rank == "margin" else 4, descending=False)

    def _show(
        self,
        found: TrainingTexts,
        columns: list[VerdictColumn],
        rows: Rows,
        column: int,
        *,
        descending: bool,
    ) -> None:
        verdicts = Verdicts(
            index=found.index, classes=found.classes, items=found.items, columns=tuple(columns)
        )
        self.rows.show_rows(verdicts, rows, column, descending)

    # Judging

    @Slot()
    def _on_button(self) -> None:
        if self._asking.busy:
            self._asking.stop()
            self.button.setText("Stopping…")
            self.button.setEnabled(False)
            return
        if self._answers is None:
            return
        lab, run, choice = self._lab, self._answers.run_id, self._choice
        self._asked = replace(choice)

        def work(report: Report) -> TrainingTexts:
            from fineview.core.explore.mistakes_training import training_texts

            return training_texts(lab, run, choice, report)

        self._asking.forget()
        self._asking.ask((run, _asked(choice)), _JUDGE, work)

    @Slot(object)
    def _on_answered(self, found: TrainingTexts) -> None:
        if self._answers is None or found.run_id != self._answers.run_id:
            return
        self.found = found
        self.look(self._choice)

    @Slot(bool)
    def _on_busy(self, busy: bool) -> None:
        again = "Judge again" if self.found is not None else _JUDGE
        self.button.setText("Stop" if busy else again)
        self.button.setEnabled(not self._asking.stopping)

    @Slot(int)
    def _on_current(self, place: int) -> None:
        found, shown = self.found, self.rows.table.verdict_model.verdicts
        if found is None or shown is None or place < 0:
            self.rows.detail.clear()
            return
        item = f"No. {count_text(int(found.items[place]) + 1)}"
        if not found.classes:
            values = float(found.labels[place]), float(found.answers[place])
            caption = f"{item} · label {number_text(values[0])} · answer {number_text(values[1])}"
            self.rows.detail.show_item(caption, shown.text(place))
            return
        unseen = self._choice.training == "noise" and found.unseen is not None
        shares = found.unseen[place] if unseen and found.unseen is not None else found.shares[place]
        who = (
            "probabilities of a probe that has not seen it"
            if unseen
            else "probabilities of the run"
        )
        label = found.classes[int(found.labels[place])]
        believed = list(zip(found.classes, shares.tolist(), strict=True))
        self.rows.detail.show_item(f"{item} · label “{label}” · {who}", shown.text(place), believed)


def _asked(choice: MistakesChoice) -> tuple[int, int, int]:
    """Return what of a choice decides the judging."""
    return choice.items, choice.folds, choice.seed
