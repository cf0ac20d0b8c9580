"""One judged item in full: its whole text, and what the model believes of it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from fineview.ui.theme import spacing
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.labels import ElidedLabel, describe
from fineview.ui.widgets.probability_bars import ProbabilityBars

LONGEST = 20_000
"""Characters of a text that are laid out: a line of a million takes seconds."""


class VerdictDetail(QWidget):
    """Caption, text and bars.

    Attributes:
        text: The text in front.
        bars: A bar for each class.
    """

    def __init__(self, empty: str) -> None:
        super().__init__()
        self._empty = empty
        self.caption = ElidedLabel(empty, muted=True)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        describe(self.text, "Text of the row", "The text of the row in front, to read and to copy.")
        self.text.setToolTip("")
        self.text.setMinimumHeight(self.text.fontMetrics().height() * 4)
        self.bars = ProbabilityBars("What the model believes", top=4, empty="")
        row = QHBoxLayout()
        row.setSpacing(spacing(3))
        row.addWidget(self.text, 3)
        row.addWidget(self.bars, 2, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(1))
        column.addWidget(self.caption)
        column.addLayout(row, 1)

    def show_item(
        self, caption: str, text: str, believed: Sequence[tuple[str, float]] = ()
    ) -> None:
        """Show an item.

        Args:
            caption: Which it is, and what is said of it.
            text: Shown literally.
            believed: (class, probability) of each class; none hides the bars.
        """
        cut = f" · the first {count_text(LONGEST)} characters" if len(text) > LONGEST else ""
        self.caption.set_text(f"{caption}{cut}")
        self.text.setPlainText(text[:LONGEST])
        self.bars.setVisible(bool(believed))
        self.bars.set_probabilities(believed)
        self.setEnabled(True)

    def clear(self) -> None:
        """Show nothing."""
        self.show_item(self._empty, "")
        self.setEnabled(False)
