"""Type an example and see what the trained head says."""

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.views import Prediction
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing, use_font
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.probability_bars import ProbabilityBars
from fineview.ui.widgets.token_strip import TokenChip, TokenStrip
from fineview.work.jobs import Job, JobRunner

_AFTER_TYPING_MS = 250
_ATTENTION_LINES = 22  # units of spacing: three lines, then it scrolls
_HINTS = {
    "pair": ("First text, for instance: Vienna", "Second text, for instance: Austria"),
    "sentence": ("A text", ""),
    "word": ("A sentence, for instance: we flew from paris to the coast", ""),
}


class TryBox(QWidget):
    """One or two lines to type in, and the probabilities of the labels below.

    Attributes:
        answered: Run and texts whose answer is on display.

    Signals:
        predicted(Prediction): An answer is on display.
    """

    predicted = Signal(object)

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._runner = runner
        self._lab = lab
        self._run = ""
        self._level = "pair"
        self._job: Job | None = None
        self._asked: tuple[str, str, str] | None = None
        self._prediction: Prediction | None = None
        self.answered: tuple[str, str, str] | None = None
        self.first = QLineEdit()
        self.second = QLineEdit()
        self.word = QComboBox()
        self.bars = ProbabilityBars()
        self.attention = TokenStrip("Attention")
        self._attention_area = QScrollArea()  # a long text must not push the answer away
        self._attention_area.setWidget(self.attention)
        self._attention_area.setWidgetResizable(True)
        self._attention_area.setFrameShape(QFrame.Shape.NoFrame)
        self._attention_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.message = MessageLine()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_AFTER_TYPING_MS)
        self._timer.timeout.connect(self.ask)
        self._lay_out()
        session.changed.connect(self._on_session)
        self._show(session.state)
        self.set_level("pair")

    def set_level(self, level: str) -> None:
        """Show one line or two."""
        self._level = level
        first, second = _HINTS[level]
        self.first.setPlaceholderText(first)
        self.second.setPlaceholderText(second)
        self.second.setVisible(level == "pair")
        self.word.setVisible(level == "word" and self.word.count() > 0)

    def set_run(self, run_id: str) -> None:
        """Choose the head that answers; "" for none."""
        self._run = run_id
        self._asked = None
        self.bars.set_probabilities([])
        self._attention_area.hide()
        self._job = None  # its answer would be another head's
        self.word.clear()
        self.word.setVisible(False)
        self.ask()

    def _lay_out(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(2))
        title = QLabel("Try your own")
        use_font(title, "title")
        box.addWidget(title)
        for field, name, slot in (
            (self.first, "First text", self._on_first),
            (self.second, "Second text", self._on_second),
        ):
            field.setAccessibleName(name)
            field.setToolTip(
                f"{name} to judge – a few words – the label probabilities follow as you type."
            )
            field.setClearButtonEnabled(True)
            field.textEdited.connect(slot)
            field.returnPressed.connect(self.ask)
            box.addWidget(field)
        self.word.setAccessibleName("Word")
        self.word.setToolTip("Which word's label is shown – change it to see the others.")
        self.word.currentIndexChanged.connect(self._on_word)
        box.addWidget(self.word)
        box.addWidget(self._attention_area)
        self._attention_area.hide()
        box.addWidget(self.message)
        box.addWidget(self.bars, 1)
        self.message.clear()

    @Slot(str)
    def _on_first(self, text: str) -> None:
        self._session.edit("Type an example", example=text)
        self._timer.start()

    @Slot(str)
    def _on_second(self, text: str) -> None:
        self._session.edit("Type an example", second=text)
        self._timer.start()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.example, state.second) != (old.example, old.second):
            self._show(state)
            self._timer.start()

    def _show(self, state: SessionState) -> None:
        for field, text in ((self.first, state.example), (self.second, state.second)):
            if field.text() != text:
                field.setText(text)

    @Slot()
    def ask(self) -> None:
        """Ask the head, unless it was asked this already or nothing is typed."""
        state = self._session.state
        asked = (self._run, state.example, state.second if self._level == "pair" else "")
        complete = state.example.strip() and (self._level != "pair" or state.second.strip())
        if not self._run or not complete:
            self.message.clear()
            if complete:
                self.message.show_message("info", "A head answers once its run has ended.")
            self.bars.set_probabilities([])
            self._attention_area.hide()
            return
        if asked == self._asked or (self._job is not None and self._job.active):
            return  # the newest text is asked when the answer before it is there
        self._asked = asked
        lab = self._lab
        run, first, second = asked

        def predict(report: Report) -> Prediction:
            return lab.predict(run, first, second or None, report)

        self._job = self._runner.submit("Judge the example", predict)
        self._job.finished.connect(self._on_answer)
        self._job.failed.connect(self._on_failed)

    @Slot(object)
    def _on_answer(self, prediction: Prediction) -> None:
        self._job = None
        if prediction.run_id != self._run:
            return
        self._prediction = prediction
        self.answered = self._asked
        self.message.clear()
        if prediction.truncated:
            self.message.show_message("info", "The text was cut at the run's maximum length.")
        self.word.blockSignals(True)
        self.word.clear()
        self.word.addItems(list(prediction.items) if self._level == "word" else [])
        unlikely = [row[0][0] for row in prediction.probabilities]
        self.word.setCurrentIndex(_first_rare(unlikely))
        self.word.blockSignals(False)
        self.word.setVisible(self._level == "word")
        self._on_word()
        self._paint_attention(prediction)
        self.predicted.emit(prediction)
        self.ask()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._job = None
        self.message.show_message("bad", str(error))
        self.bars.set_probabilities([])

    def _paint_attention(self, prediction: Prediction) -> None:
        """Colour each token by its weight; the heaviest is coloured full."""
        heaviest = max((share for _, share in prediction.attention), default=1.0)
        self.attention.set_tokens(
            [
                TokenChip(
                    text=token.text,
                    special=token.special,
                    continues=token.continues,
                    weight=share / heaviest,
                    tooltip=f"{share:.1%} of the attention; all alike would be "
                    f"{1 / len(prediction.attention):.1%}.",
                )
                for token, share in prediction.attention
            ]
        )
        self._attention_area.setVisible(bool(prediction.attention))
        self._fit_attention()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the painted tokens the lines they need."""
        super().resizeEvent(event)
        self._fit_attention()

    def _fit_attention(self) -> None:
        lines = self.attention.heightForWidth(self.width() - spacing(4))
        self._attention_area.setFixedHeight(min(lines, spacing(_ATTENTION_LINES)))

    @Slot()
    def _on_word(self, _index: int = 0) -> None:
        if self._prediction is None:
            return
        index = max(self.word.currentIndex(), 0)
        self.bars.set_probabilities(list(self._prediction.probabilities[index]))


def _first_rare(labels: list[str]) -> int:
    """Return where the least common label stands first: the word worth looking at."""
    if not labels:
        return -1
    rare = min(set(labels), key=labels.count)
    return labels.index(rare)
