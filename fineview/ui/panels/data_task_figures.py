"""What a task is made of, in figures: classes, lengths, duplicates, leakage."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from fineview.core.data.statistics import Leak, TaskStatistics
from fineview.core.data.task import ITEM_NAME, Level, Task
from fineview.core.features.lengths import TokenLengths
from fineview.ui.plots.export import add_export_menu
from fineview.ui.theme import spacing
from fineview.ui.widgets.class_bars import ClassBars
from fineview.ui.widgets.finding import Finding, unbroken
from fineview.ui.widgets.format import count_text, number_text, percent_text, plural
from fineview.ui.widgets.histogram import HistogramView, short_number
from fineview.ui.widgets.labels import plain_label
from fineview.ui.widgets.section import Section

TEXTS: dict[Level, str] = ITEM_NAME | {"word": "sentence"}
"""What an item, and what the text it stands in, is called at each level."""
_NAMED = 4
_COUNTING = "Counting…"


class TaskFigures(QWidget):
    """Three sections; each finding that has items to show can show them.

    Signals:
        show_wanted(str): Show `duplicate`, `conflict`, `leaked` or `cut` items in the table.
    """

    show_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._level: Level = "sentence"
        self.classes = Section("Labels")
        self.lengths = Section("Lengths")
        self.doubles = Section("Duplicates and leakage")
        self.bars = ClassBars()
        self.numbers = HistogramView("Labels", "label", _COUNTING)
        self.balance = plain_label(wrap=True)
        self.baseline = plain_label(wrap=True)
        self.missing = [Finding() for _ in range(3)]
        self.tokens = HistogramView("Lengths in tokens", "tokens a text", _COUNTING)
        self.cut = self._finding("cut", "texts that are cut")
        self.spread = plain_label("", "small", wrap=True)
        self.twice = self._finding("duplicate", "texts that occur more than once")
        self.conflicts = self._finding("conflict", "texts whose labels contradict each other")
        self.leaks = [self._finding("leaked", "texts that leak") for _ in range(3)]
        self._lay_out()

    def _finding(self, key: str, what: str) -> Finding:
        finding = Finding(
            "Show", f"Shows the {what} in the table – all rows are shown at first – press it to "
            "read them."
        )  # fmt: skip
        finding.pressed.connect(lambda: self.show_wanted.emit(key))
        return finding

    def _lay_out(self) -> None:
        for widget in (self.balance, self.bars, self.numbers, self.baseline, *self.missing):
            self.classes.body.addWidget(widget)
        for widget in (self.tokens, self.cut, self.spread):
            self.lengths.body.addWidget(widget)
        for widget in (self.twice, self.conflicts, *self.leaks):
            self.doubles.body.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(1))
        for section in (self.classes, self.lengths, self.doubles):
            column.addWidget(section)
        self.numbers.hide()
        add_export_menu(self.bars, self.bars.table, name="classes")
        add_export_menu(self.numbers, self.numbers.table, name="labels")
        add_export_menu(self.tokens, self.tokens.table, name="lengths")

    def clear(self, sentence: str = _COUNTING) -> None:
        """Show that figures are on their way, or why there are none."""
        self.bars.set_counts((), ())
        self.bars.hide()
        self.numbers.hide()
        self.balance.setText(sentence)
        self.baseline.hide()
        for finding in (*self.missing, self.cut, self.conflicts, *self.leaks):
            finding.say("info", "")
        self.twice.say("info", sentence)
        self.clear_lengths(sentence)

    def clear_lengths(self, sentence: str = _COUNTING) -> None:
        """Show that lengths in tokens are on their way, or why there are none."""
        self.tokens.set_words(empty=sentence)
        self.tokens.show_histogram(None)
        self.cut.say("info", "")
        self.spread.setText("")

    def set_stale(self, stale: bool) -> None:
        """Dim what the new split or encoder will change."""
        for view in (self.bars, self.numbers, self.tokens):
            view.set_stale(stale)

    def show_statistics(self, task: Task, found: TaskStatistics) -> None:
        """Show what was counted."""
        self._level = task.info.level
        items, texts = ITEM_NAME[self._level], TEXTS[self._level]
        where = f" in {plural(found.texts, texts)}" if items != texts else ""
        kinds = f"{len(task.classes)} classes" if task.classes else "a number each"
        self.balance.setText(unbroken(f"{plural(found.items, items)}{where}, {kinds}."))
        self._show_labels(task, found, items)
        self._show_doubles(found, texts)

    def show_lengths(self, task: Task, encoder: str, found: TokenLengths, words: str) -> None:
        """Show lengths in tokens.

        Args:
            task: Whose texts.
            encoder: Title of the encoder.
            found: What was measured.
            words: A sentence on lengths in words, or "".
        """
        noun = TEXTS[task.info.level]
        self.tokens.set_words(axis=f"tokens a {noun}")
        self.tokens.show_histogram(found.spread.histogram, cut=found.max_length)
        sampled = found.measured < found.texts
        every = f"the {count_text(found.measured)}" + (" sampled" if sampled else "")
        limit = plural(found.max_length, "token")
        if found.cut:
            verb, be = ("is", "is") if found.cut == 1 else ("are", "are")
            self.cut.say(
                "warning",
                f"{count_text(found.cut)} of {every.removeprefix('the ')} {noun}s "
                f"({percent_text(found.share)}) {verb} longer than {limit} and {be} cut.",
                button=True,
            )
        else:
            self.cut.say("good", f"None of {every} {noun}s is longer than {limit}: nothing is cut.")
        spread = found.spread
        self.spread.setText(
            unbroken(
                f"{encoder}: {_whole(spread.minimum)} to {_whole(spread.maximum)} "
                f"tokens, median {_whole(spread.median)}, 95 % have at most "
                f"{_whole(spread.p95)}, special tokens included. {words}".strip()
            )
        )

    def _show_labels(self, task: Task, found: TaskStatistics, items: str) -> None:
        classes = task.label_kind == "class"
        self.bars.setVisible(classes)
        self.numbers.setVisible(not classes)
        if classes:
            columns = [(part.split, part.counts) for part in found.splits]
            self.bars.set_counts(task.classes, columns)
            majority = found.splits[2].majority
            assert majority is not None
            self.baseline.setText(
                unbroken(
                    f"Always guessing “{_short(majority[0])}” would be right on "
                    f"{percent_text(majority[1])} of the test {items}s."
                )
            )
        else:
            assert found.labels is not None
            self.numbers.show_histogram(found.labels.histogram, whole=False)
            lines = [
                f"{part.split}: mean {number_text(part.labels.mean)}, "
                f"standard deviation {number_text(part.labels.sd)}, from "
                f"{short_number(part.labels.minimum)} to {short_number(part.labels.maximum)}."
                for part in found.splits
                if part.labels is not None
            ]
            self.baseline.setText("\n".join(lines))
        self.baseline.show()
        for finding, part in zip(self.missing, found.splits, strict=True):
            means = "no head can learn it" if part.split == "train" else "it is not measured there"
            names = _listed(part.absent)
            several = len(part.absent) > 1
            if several:
                means = means.replace("it is", "they are").replace("learn it", "learn them")
            finding.say(
                "warning",
                f"{names} {'are' if several else 'is'} missing from the {part.split} split: "
                f"{means}."
                if part.absent
                else "",
                more="\n".join(part.absent[:50]),
            )

    def _show_doubles(self, found: TaskStatistics, texts: str) -> None:
        if found.groups:
            occur = "occurs" if found.groups == 1 else "occur"
            copies = "copy" if found.extra == 1 else "copies"
            self.twice.say(
                "warning",
                f"{plural(found.groups, texts)} {occur} more than once: "
                f"{count_text(found.extra)} {copies} too many.",
                button=True,
            )
        else:
            self.twice.say("good", f"No {texts} occurs twice.")
        of_them = f"{count_text(found.conflicts)} of them"
        self.conflicts.say(
            "warning",
            f"{of_them} {'has' if found.conflicts == 1 else 'have'} labels that contradict each "
            "other: no head can get all of them right."
            if found.conflicts
            else "",
            button=True,
        )
        self._show_leaks(found.leaks, texts)

    def _show_leaks(self, leaks: Sequence[Leak], texts: str) -> None:
        if not any(leak.texts for leak in leaks):
            for finding in self.leaks[1:]:
                finding.say("info", "")
            self.leaks[0].say("good", f"No held-out {texts} also stands in another split.")
            return
        for finding, leak in zip(self.leaks, leaks, strict=True):
            stand = "stands" if leak.texts == 1 else "stand"
            means = (
                f"{leak.held_out} scores reward memory and come out too high"
                if leak.source == "train"
                else "choices made on validation have seen part of the test"
            )
            finding.say(
                "warning",
                f"{plural(leak.texts, texts)} of {leak.held_out} ({percent_text(leak.share)}) also "
                f"{stand} in {leak.source}: {means}."
                if leak.texts
                else "",
                more="\n".join(("For instance:", *leak.examples)),
                button=True,
            )


def words_sentence(found: TaskStatistics) -> str:
    """Return a sentence on lengths in words."""
    spread = found.words
    return (
        f"In words: {_whole(spread.minimum)} to {_whole(spread.maximum)}, median "
        f"{_whole(spread.median)}, 95 % at most {_whole(spread.p95)}."
    )


def _whole(value: float) -> str:
    """Return a count; the median of an even number of counts may be a half."""
    return count_text(round(value)) if value == round(value) else number_text(value)


def _short(name: str) -> str:
    return name if len(name) <= 40 else name[:39] + "…"


def _listed(names: Sequence[str]) -> str:
    shown = [f"“{_short(name)}”" for name in names[:_NAMED]]
    rest = len(names) - len(shown)
    if rest:
        return f"{', '.join(shown)} and {plural(rest, 'other')}"
    return " and ".join((", ".join(shown[:-1]), shown[-1])) if len(shown) > 1 else "".join(shown)
