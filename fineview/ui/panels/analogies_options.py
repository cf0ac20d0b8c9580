"""How the calculator answers: the method, its examples, and which words may be answers."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from fineview.core.analogies.asking import Reply
from fineview.core.analogies.choice import AnalogyChoice
from fineview.core.analogies.solver_methods import METHODS
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.segmented import Segmented

_LIMITS = (10_000, 30_000, 100_000, 300_000, 0)
_SKIPPED = (0, 100, 1_000, 10_000)
_COUNTS = (5, 10, 20, 50, 100)
_LONGEST = 4_000


class CalculatorOptions(QWidget):
    """Two lines of choices above the answers; they are the session's.

    Attributes:
        method: Whose answers are in front.
        limit: How many words can be answers.
        skip: How many of the commonest cannot.
        pairs: Further examples of the relation.
        pattern: A regular expression for the answers.
        count: Answers a list.
        exact_case: Whether words differ by case.
        note: What became of the examples.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.method = Segmented(
            [(name, info.title) for name, info in METHODS.items()],
            "Method",
            "How the answer is looked for – 3CosAdd – the others stand below the answers to be "
            "compared; the last two learn from the example pairs.",
        )
        self.limit = CalmCombo(
            "Vocabulary",
            "How many of the commonest words can be answers – all – fewer make rare words and "
            "misspellings disappear.",
            letters=12,
        )
        self.skip = CalmCombo(
            "But for",
            "How many of the commonest words cannot be answers – none – leave out 100 where “the” "
            "and “of” stand in the way.",
            letters=12,
        )
        self.pairs = QLineEdit()
        self.pattern = QLineEdit()
        self.count = CalmCombo("Answers", "Words a list – 10.", letters=3)
        self.exact_case = QCheckBox("Match case")
        self.note = plain_label("", "small", wrap=True)
        self._describe()
        self._lay_out()
        self._connect()
        self.show_choice(session.state.analogy)

    def show_choice(self, choice: AnalogyChoice) -> None:
        """Show other settings."""
        self.method.set_value(choice.method)
        self.limit.set_value(str(choice.limit))
        self.skip.set_value(str(choice.skip))
        self.count.set_value(str(choice.count))
        self.exact_case.setChecked(choice.exact_case)
        for field, text in ((self.pairs, choice.pairs), (self.pattern, choice.pattern)):
            if field.text() != text:
                field.setText(text)

    def show_reply(self, reply: Reply) -> None:
        """Say what became of the examples."""
        unknown = reply.examples.unknown
        words = [reply.lacking] if reply.lacking else []
        if unknown:
            named = ", ".join(f"“{word}”" for word in unknown[:5])
            more = f" and {count_text(len(unknown) - 5)} more" if len(unknown) > 5 else ""
            words.append(f"Pairs left out, for this table lacks {named}{more}.")
        self.note.setText(" ".join(words))
        self.note.setVisible(bool(words))

    def _describe(self) -> None:
        self.limit.set_choices(
            [(str(n), f"first {count_text(n)}" if n else "all words") for n in _LIMITS], "0"
        )
        self.skip.set_choices(
            [(str(n), f"the first {count_text(n)}" if n else "none") for n in _SKIPPED], "0"
        )
        self.count.set_choices([(str(n), str(n)) for n in _COUNTS], "10")
        self.pairs.setMaxLength(_LONGEST)
        self.pairs.setPlaceholderText("germany berlin, spain madrid")
        self.pairs.setClearButtonEnabled(True)
        describe(
            self.pairs,
            "Example pairs",
            "Further pairs of the same relation – germany berlin, spain madrid – 3CosAvg takes the "
            "mean of their offsets, LRCos learns what their right words are like.",
        )
        self.pattern.setMaxLength(200)
        self.pattern.setPlaceholderText("regular expression")
        self.pattern.setClearButtonEnabled(True)
        describe(
            self.pattern,
            "Answers like",
            "Only words in which this regular expression finds something are answers – ing$ – "
            "^[a-z]+$ leaves out numbers and names with signs.",
        )
        describe(
            self.exact_case,
            "Match case",
            "Whether King and king are two words – off – turn on for tables that have both.",
        )
        self.note.hide()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        lines = (
            (("Method", self.method, 0), ("Vocabulary", self.limit, 0), ("but for", self.skip, 0)),
            (
                ("Example pairs", self.pairs, 3),
                ("Answers like", self.pattern, 1),
                ("Answers", self.count, 0),
                ("", self.exact_case, 0),
            ),
        )
        for line in lines:
            row = QHBoxLayout()
            row.setSpacing(spacing(2))
            for name, widget, stretch in line:
                if name:
                    label = QLabel(name)
                    label.setBuddy(widget)
                    row.addWidget(label)
                row.addWidget(widget, stretch)
            if not any(stretch for _, _, stretch in line):
                row.addStretch(1)
            column.addLayout(row)
        column.addWidget(self.note)

    def _connect(self) -> None:
        def edit(text: str, **changes: object) -> None:
            self._session.edit_look(text, "analogy", **changes)

        self.method.changed.connect(lambda value: edit("Choose a method", method=value))
        self.limit.chosen.connect(lambda value: edit("Choose the vocabulary", limit=int(value)))
        self.skip.chosen.connect(lambda value: edit("Leave out common words", skip=int(value)))
        self.count.chosen.connect(lambda value: edit("Choose how many answers", count=int(value)))
        self.pairs.textEdited.connect(lambda value: edit("Type example pairs", pairs=value))
        self.pattern.textEdited.connect(lambda value: edit("Type a pattern", pattern=value))
        self.exact_case.clicked.connect(lambda on: edit("Match case", exact_case=bool(on)))
        self._session.changed.connect(self._on_session)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.analogy != old.analogy:
            self.show_choice(state.analogy)
