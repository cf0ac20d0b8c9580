"""The answer to one query: what was said, how sure, and what the prompt prefers anyway."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from fineview.core.prompting.single import Asked
from fineview.ui.panels.prompts_lid import shown
from fineview.ui.theme import spacing
from fineview.ui.widgets.format import number_text
from fineview.ui.widgets.labels import plain_label
from fineview.ui.widgets.probability_bars import ProbabilityBars


class AnswerView(QWidget):
    """Hidden until there is an answer.

    Attributes:
        said: The answer.
        bars: Labels' probabilities.
        bias: The same on content-free input.
    """

    def __init__(self) -> None:
        super().__init__()
        self.said = plain_label("", "title", wrap=True)
        self.sure = plain_label("", "small", wrap=True)
        self.bars = ProbabilityBars("Labels", empty="")
        self.bias = ProbabilityBars("Prompt bias", empty="")
        self.bias_says = plain_label("", "small", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        for part in (self.said, self.sure, self.bars, self.bias_says, self.bias):
            column.addWidget(part)

    def set_stale(self) -> None:
        """Dim what belongs to another prompt."""
        self.bars.set_stale(True)
        self.bias.set_stale(True)
        self.said.setEnabled(False)

    def show_answer(self, asked: Asked | None, model: str) -> None:
        """Show another answer.

        Args:
            asked: The answer; None for none yet.
            model: Title of the model, "" where it is not known.
        """
        self.setVisible(asked is not None)
        if asked is None:
            return
        scored = bool(asked.labels)
        self.bias_says.setVisible(scored)
        for bars in (self.bars, self.bias):
            bars.setVisible(scored)
        self.said.setEnabled(True)
        self.said.setText(shown(asked.answer).replace("␣", " ") or "nothing")
        who = f" – {model} is small and often wrong" if model else ""
        self.sure.setText(f"probability {number_text(asked.sure)}{who}")
        self.bars.set_probabilities(list(zip(asked.labels, asked.probabilities, strict=True)))
        self.bias.set_probabilities(list(zip(asked.labels, asked.bias, strict=True)))
        words = "Prompt bias: what it prefers on content-free input (N/A, [MASK], nothing)."
        for group in asked.shared:
            words += f" {', '.join(group)} begin with the same token; whole words are scored."
        self.bias_says.setText(words)
