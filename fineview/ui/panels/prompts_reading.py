"""How the answer to a prompt is read: generated and matched, or the labels' words scored."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QFormLayout, QPlainTextEdit, QWidget

from fineview.core.prompting.choices import AnswerConfig
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.number_field import NumberField
from fineview.ui.widgets.segmented import Segmented

_BETWEEN = ","


class ReadingForm(QWidget):
    """The session's `answer`.

    Attributes:
        reading: Generate and match, or score the labels.
        words: The verbalizer, a label a line.
        mean: Mean instead of sum of log-probabilities.
        calibration: What labels are held against.
        max_tokens: Of a generated answer.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.reading = Segmented(
            [("generate", "Generate and match"), ("score", "Score the labels")],
            "Reading",
            "Let the model write and compare what it wrote – or compare how likely each label’s "
            "words are, which always gives a label.",
        )
        self.words = QPlainTextEdit()
        self.words.setTabChangesFocus(True)
        self.words.setPlaceholderText("positive: good, great\nnegative: bad")
        self.words.setFixedHeight(spacing(16))
        describe(
            self.words,
            "Words of the labels",
            "What stands for a label in the prompt, a label a line: label: word, word – none, the "
            "label itself – choose words that the model has often seen in such a place.",
        )
        self.mean = QCheckBox("Mean over tokens")
        describe(
            self.mean,
            "Mean over tokens",
            "Divides a word’s log-probability by its number of tokens – off – turn on where some "
            "labels have much longer words.",
        )
        self.calibration = CalmCombo(
            "Calibration",
            "Takes off what the prompt prefers anyway – none – contextual divides by the "
            "probabilities on content-free input, PMI by those behind the end of the format.",
            letters=14,
        )
        self.calibration.set_choices(
            [("none", "none"), ("contextual", "contextual"), ("pmi", "PMI")], "none"
        )
        self.max_tokens = NumberField(
            "Most tokens",
            "Longest generated answer – 12 – a name has one to five.",
            value=12,
            minimum=1,
            maximum=256,
            integer=True,
        )
        self._form = form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(spacing(1.5))
        form.addRow(self.reading)
        form.addRow("Most tokens", self.max_tokens)
        self._says = plain_label("Words of the labels", "small")
        form.addRow(self._says)
        form.addRow(self.words)
        form.addRow("Calibration", self.calibration)
        form.addRow(self.mean)
        self.reading.changed.connect(
            lambda value: self._edit("Choose how answers are read", reading=value)
        )
        self.max_tokens.changed.connect(
            lambda value: self._edit("Set the longest answer", max_tokens=int(value))
        )
        self.calibration.chosen.connect(
            lambda value: self._edit("Choose a calibration", calibration=value)
        )
        self.mean.clicked.connect(lambda on: self._edit("Choose mean or sum", mean=bool(on)))
        self.words.textChanged.connect(self._on_words)
        session.changed.connect(self._on_session)
        self._show(session.state.answer)

    def _edit(self, text: str, **changes: object) -> None:
        self._session.edit_look(text, "answer", **changes)

    @Slot()
    def _on_words(self) -> None:
        words = read_words(self.words.toPlainText())
        if words != self._session.state.answer.words:
            self._edit("Write the labels’ words", words=words)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.answer != old.answer:
            self._show(state.answer)

    def _show(self, answer: AnswerConfig) -> None:
        self.reading.set_value(answer.reading)
        self.max_tokens.set_value(answer.max_tokens)
        self.calibration.set_value(answer.calibration)
        self.mean.setChecked(answer.mean)
        if read_words(self.words.toPlainText()) != answer.words:
            blocked = self.words.blockSignals(True)
            self.words.setPlainText(written_words(answer.words))
            self.words.blockSignals(blocked)
        scores = answer.reading == "score"
        self._form.setRowVisible(self.max_tokens, not scores)
        for widget in (self.calibration, self.mean):
            self._form.setRowVisible(widget, scores)


def read_words(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return (label, words) of lines `label: word, word`; unfinished lines are left out."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        label, sign, rest = line.partition(":")
        words = tuple(word.strip() for word in rest.split(_BETWEEN) if word.strip())
        if sign and label.strip() and words:
            found[label.strip()] = words
    return tuple(found.items())


def written_words(words: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    """Return a verbalizer as `read_words` reads it."""
    return "\n".join(f"{label}: {f'{_BETWEEN} '.join(group)}" for label, group in words)
