"""What a prompt is held against: rows, examples, seeds, labels, further models and formats."""

from PySide6.QtCore import Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout

from fineview.core.laboratory import Laboratory
from fineview.core.models import catalog
from fineview.core.models.fetch import is_stored
from fineview.core.prompting.tables import tables
from fineview.core.runs.prompt_studies import TASK
from fineview.ui.session import Session, SessionState
from fineview.ui.study_column import ColumnWords, Number, StudyColumn
from fineview.ui.theme import spacing, use_font
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.format import plural
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.segmented import Segmented

LABELS = (("true", "true"), ("flipped", "flipped"), ("random", "random"))
LABELS_TIP = (
    "True labels of the examples – each class exchanged for the next – or drawn at random. How "
    "little accuracy falls says how much the examples teach beside their form (Min et al. 2022)."
)
_WORDS = ColumnWords(
    message="Settings of an evaluation",
    run="Evaluate",
    runs="Asks every query with the prompt of the page Few-shot – seconds to minutes – and keeps "
    "what was said.",
    stops="Stops within a forward pass; what was evaluated is kept.",
)
_NUMBERS = (
    Number("shots", "Examples", -1, 64, "Examples drawn for each prompt from what is not asked – "
            "4 – −1 takes those of the page Few-shot, 0 none."),
    Number("most", "Queries", 1, 10_000, "Most queries – 50 – more for a narrower interval."),
    Number("seeds", "Seeds", 1, 20, "Each draws other examples – 1 – three show how much hangs on "
            "which they are."),
)  # fmt: skip


def source_choices(session: Session, lab: Laboratory) -> list[tuple[str, str]]:
    """Return the session's task and the bundled tables, as a combo box takes them."""
    name = session.state.spec.task
    title = next((one.title for one in lab.shelf.infos() if one.name == name), name)
    return [(TASK, f"task: {title}"), *((f"table:{one.name}", one.title) for one in tables())]


class EvaluateChoices(StudyColumn):
    """The session's `prompt_test`.

    Attributes:
        source: Which rows.
        labels: Of the examples.
        other: A further model.
        formats: Further formats, one a line.
    """

    def __init__(self, session: Session, lab: Laboratory) -> None:
        super().__init__(session, "prompt_test", "evaluate", _WORDS)
        self._lab = lab
        self.source = CalmCombo(
            "Rows", "What is asked – a bundled table, or the test split of your task.", letters=16
        )
        self.labels = Segmented(LABELS, "Labels of the examples", LABELS_TIP)
        self.other = CalmCombo(
            "Further model", "Is evaluated likewise – none – any model that is on this machine.",
            letters=16,
        )  # fmt: skip
        self.formats = QPlainTextEdit()
        self.formats.setTabChangesFocus(True)
        self.formats.setFixedHeight(spacing(14))
        self.formats.setPlaceholderText("{input} → {label}")
        use_font(self.formats, "fixed-small")
        describe(
            self.formats,
            "Further formats",
            "Formats of an example to compare, one a line, \\n for a new line – none – small "
            "changes of the wording often matter more than examples.",
        )
        column = QVBoxLayout()
        column.addWidget(plain_label("Rows", "small"))
        column.addWidget(self.source)
        column.addWidget(self._grid(_NUMBERS))
        column.addWidget(plain_label("Labels of the examples", "small"))
        column.addWidget(self.labels)
        column.addWidget(
            self._section(
                "Compare with",
                plain_label("Further model", "small"),
                self.other,
                plain_label("Further formats", "small"),
                self.formats,
            )
        )
        self._stand(column)
        self.source.chosen.connect(lambda name: self._edit("source", name))
        self.source.focused.connect(self._offer)
        self.labels.changed.connect(lambda name: self._edit("labels", name))
        self.other.chosen.connect(lambda name: self._edit("others", (name,) if name else ()))
        self.other.focused.connect(self._offer)
        self.formats.textChanged.connect(self._on_formats)
        session.changed.connect(self._on_session)
        self.set_running(False)
        self._show(session.state)

    def showEvent(self, event: QShowEvent) -> None:
        """Offer what is on this machine now."""
        super().showEvent(event)
        self._show(self._session.state)

    @Slot()
    def _on_formats(self) -> None:
        lines = self.formats.toPlainText().splitlines()
        found = tuple(line.replace("\\n", "\n") for line in lines if line.strip())
        if found != self._session.state.prompt_test.formats:
            self._edit("formats", found)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        mine = (state.prompt_test, state.prompt, state.spec.task, state.language_model)
        if mine != (old.prompt_test, old.prompt, old.spec.task, old.language_model):
            self._show(state)

    @Slot()
    def _offer(self) -> None:
        state, cache = self._session.state, self._lab.locations.cache
        self.source.set_choices(source_choices(self._session, self._lab), state.prompt_test.source)
        known = [
            (one.name, one.title)
            for one in catalog.entries("language model")
            if is_stored(one, cache) and one.name != state.language_model.name
        ]
        chosen = state.prompt_test.others[0] if state.prompt_test.others else ""
        if chosen and chosen not in dict(known):
            known.append((chosen, chosen))
        self.other.set_choices([("", "none"), *known], chosen)

    def _show(self, state: SessionState) -> None:
        choice = state.prompt_test
        self._offer()
        self._show_numbers(choice)
        self.labels.set_value(choice.labels)
        lines = "\n".join(one.replace("\n", "\\n") for one in choice.formats)
        typed = [line for line in self.formats.toPlainText().splitlines() if line.strip()]
        if "\n".join(typed) != lines:
            blocked = self.formats.blockSignals(True)
            self.formats.setPlainText(lines)
            self.formats.blockSignals(blocked)
        count = (1 + len(choice.others)) * (1 + len(choice.formats)) * choice.seeds
        shots = len(state.prompt.shots) if choice.shots < 0 else choice.shots
        self.said.setText(
            f"Asks up to {plural(choice.most, 'query', 'queries')} with "
            f"{plural(shots, 'example')} each"
            + (f", {plural(count, 'time')}." if count > 1 else ".")
        )
