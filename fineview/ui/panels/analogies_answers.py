"""The answers: with and without the words of the question, the baselines, the other methods."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from fineview.core.analogies.asking import Reply
from fineview.core.analogies.solver import Answer, Answers
from fineview.core.analogies.solver_methods import METHODS, Method
from fineview.ui.theme import spacing
from fineview.ui.widgets.labels import plain_label
from fineview.ui.widgets.ranked_bars import Ranked, RankedBars

_ALSO = 5


class AnswersView(QWidget):
    """Columns of words.

    Attributes:
        excluded: Without the words of the question, as everyone shows them.
        allowed: With them.
        alone: Neighbours of b alone, and of c alone.
        others: The first answers of the other methods.
        said: What the exclusion did, in words.

    Signals:
        chosen(str): An answer was pressed.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.excluded = RankedBars(
            "Without the words of the question",
            "Answers as they are usually shown: the words one asked with are left out – press one "
            "to draw it.",
        )
        self.allowed = RankedBars(
            "With them",
            "The same search with nothing left out: often the nearest word is one of the "
            "question's own – grey.",
        )
        self.alone = tuple(
            RankedBars(
                f"Neighbours of {letter}",
                f"What lies near {letter} by itself – compare: an answer that stands here too owes "
                "little to the arithmetic.",
            )
            for letter in ("b", "c")
        )
        self.others = {
            method: RankedBars(info.title, f"{info.says} {info.source}.")
            for method, info in METHODS.items()
        }
        self.said = plain_label("", wrap=True)
        self._lay_out()
        for bars in (self.excluded, self.allowed, *self.alone, *self.others.values()):
            bars.pressed.connect(self.chosen)

    def show_reply(self, reply: Reply, method: Method) -> None:
        """Show the answers of one question."""
        solution = reply.solution
        assert solution is not None
        front = solution.of(method) or solution.answers[0]
        drawn = reply.picture.words[3] if reply.picture is not None else ""
        self.excluded.show_rows(_rows(front.excluded, front), drawn)
        self.allowed.show_rows(_rows(front.allowed, front), drawn)
        analogy = solution.expression.analogy
        for bars, word in zip(self.alone, analogy[1:] if analogy else ("", ""), strict=True):
            bars.setVisible(bool(word))
            if word:
                bars.set_title(f"Neighbours of {word} alone")
                found = solution.baselines[word][:_ALSO]
                bars.show_rows(_rows(found, solution.of("add") or front), drawn)
        shown = []
        for name, bars in self.others.items():
            answers = solution.of(name) if name != front.method else None
            bars.setVisible(answers is not None)
            if answers is not None:
                bars.show_rows(_rows(answers.excluded[:_ALSO], answers), drawn)
                shown.append(bars)
        self._place(shown)
        alone = len(solution.expression.terms) == 1  # every word is nearest to itself
        self.said.setText("" if alone else exclusion_words(front))
        self.said.setVisible(not alone)

    def set_stale(self, stale: bool) -> None:
        """Dim what no longer answers what is typed."""
        for bars in (self.excluded, self.allowed, *self.alone, *self.others.values()):
            bars.set_stale(stale)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, spacing(2), 0)
        column.setSpacing(spacing(2))
        first = QHBoxLayout()
        first.setSpacing(spacing(4))
        first.addWidget(self.excluded)
        first.addWidget(self.allowed)
        column.addLayout(first)
        column.addWidget(self.said)
        alone = QHBoxLayout()
        alone.setSpacing(spacing(4))
        for bars in self.alone:
            alone.addWidget(bars)
        column.addLayout(alone)
        column.addWidget(
            plain_label("The other methods, without the words of the question", "small")
        )
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(spacing(4))
        self._grid.setVerticalSpacing(spacing(2))
        self._place(list(self.others.values()))
        for side in (0, 1):
            self._grid.setColumnStretch(side, 1)
        column.addLayout(self._grid)
        column.addStretch(1)

    def _place(self, shown: list[RankedBars]) -> None:
        """Put the methods that are shown side by side, without gaps."""
        for bars in self.others.values():
            self._grid.removeWidget(bars)
        for place, bars in enumerate(shown):
            self._grid.addWidget(bars, place // 2, place % 2)


def exclusion_words(answers: Answers) -> str:
    """Return in words what leaving out the words of the question did."""
    if not answers.excluded or not answers.allowed:
        return ""
    shown, first = answers.excluded[0], answers.allowed[0]
    if not first.is_input:
        return f"{shown.word} comes first either way: here the rule changes nothing at the top."
    ahead = next((i for i, a in enumerate(answers.allowed) if not a.is_input), None)
    words = [a.word for a in answers.allowed[: ahead or 1]]
    named = " and ".join(words) if len(words) < 3 else f"{len(words)} of the question's own words"
    place = "comes after" if ahead is not None else "is not even among these answers; before it is"
    return (
        f"Nearest of all is {named}. {shown.word} {place} {'it' if len(words) == 1 else 'them'}: "
        f"it leads only because the words of the question are left out by rule."
    )


def _rows(answers: tuple[Answer, ...], of: Answers) -> list[Ranked]:
    """Return lines whose bars can be compared within one method."""
    unit = METHODS[of.method].unit
    most = max((abs(a.score) for a in (*of.excluded, *of.allowed)), default=1.0) or 1.0
    near = min((a.score for a in of.excluded), default=0.0)
    found = []
    for answer in answers:
        share = answer.score if unit == "cosine" else answer.score / most
        if unit == "distance":  # the nearest that is no input has the longest bar
            share = near / answer.score if answer.score > near else 1.0
        found.append(Ranked(answer.word, f"{answer.score:.3f}", share, answer.is_input))
    return found
