"""What reading all rows gave: kept, left out and why, classes, splits."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from fineview.core.data.plan import Imported
from fineview.core.data.task import ITEM_NAME, SPLITS
from fineview.ui.theme import spacing
from fineview.ui.widgets.count_bars import CountBars
from fineview.ui.widgets.format import count_text, plural, seconds_text
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.panel_area import scrolled
from fineview.ui.widgets.rows_dialog import RowsDialog

_LINES_NAMED = 5
_REASONS_NAMED = 12
_FILES_NAMED = 3
_LEAST_LINES = 6


class ImportResult(QWidget):
    """A line on how far it is, and below it what came out.

    Attributes:
        cancel_button: Stops the reading; begins it again afterwards.
        dropped_button: Opens the list of rows that were left out.
        dialog: That list, None before it is opened.

    Signals:
        cancel_pressed(): Stop.
        again_pressed(): Read all rows after all.
    """

    cancel_pressed = Signal()
    again_pressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._imported: Imported | None = None
        self.dialog: RowsDialog | None = None
        self.heading = plain_label("All rows", "title")
        self.status = plain_label("", "small")
        self.status.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(spacing(40), spacing(3))
        self.bar.setAccessibleName("Progress")
        self.cancel_button = QPushButton("Cancel")
        self.summary = plain_label("", wrap=True)
        self.reasons = plain_label("", "small", wrap=True)
        self.notes = plain_label("", "small", wrap=True)
        self.dropped_button = QPushButton("Show those left out…")
        describe(
            self.dropped_button,
            "Show rows left out",
            "Lists the first thousand rows that were left out, each with its line and the reason.",
        )
        self.class_heading = plain_label("")
        self.bars = CountBars()
        self._body = QWidget()
        self._right = QWidget()
        self._lay_out()
        self.cancel_button.clicked.connect(self._on_cancel)
        self.dropped_button.clicked.connect(self.show_dropped)
        self.clear()

    def clear(self) -> None:
        """Show nothing: nothing was read yet."""
        self._imported = None
        self._end("", "")
        self._body.hide()
        self._close_dialog()

    def show_progress(self, done: int, total: int, text: str) -> None:
        """Say how far the reading is; results of an older plan are dimmed."""
        self._body.setEnabled(False)
        self.bar.setRange(0, 1000 if total else 0)
        share = min(done / total, 1.0) if total else 0.0
        self.bar.setValue(round(share * 1000))
        self.bar.show()
        words = text or "Checking all rows…"
        self.status.setText(f"{words} {share:.0%}" if total and "%" not in words else words)
        self._show_button("Cancel", "Stops reading; the table and your choices stay.")

    def show_stopped(self, text: str, *, again: bool = True) -> None:
        """Say that there is no result for the present choices, and why.

        Args:
            text: One sentence, or "" where it is said elsewhere.
            again: Whether trying once more could help.
        """
        self._body.setEnabled(False)
        self._end(text, "Check again" if again else "")

    def show_result(self, imported: Imported) -> None:
        """Show what came out."""
        self._imported = imported
        self._close_dialog()
        self._body.setEnabled(True)
        self._body.show()
        self._end(f"read in {seconds_text(imported.seconds)}", "")
        level = imported.plan.level
        left_out = sum(count for _reason, count in imported.reasons)
        self.summary.setText(_summary(imported, left_out))
        named = imported.reasons[:_REASONS_NAMED]
        lines = [
            f"{count_text(count)} × {reason}{_places(imported, reason)}" for reason, count in named
        ]
        if len(imported.reasons) > len(named):
            lines.append(f"… and {len(imported.reasons) - len(named)} more reasons")
        self.reasons.setText("\n".join(lines))
        self.reasons.setVisible(bool(lines))
        self.dropped_button.setVisible(bool(imported.dropped))
        # The first note of a task that left rows out says so again.
        notes = imported.notes[1:] if imported.reasons else imported.notes
        self.notes.setText("\n".join((*_splits(imported), *notes)))
        self.notes.setVisible(bool(self.notes.text()))
        self._right.setVisible(bool(imported.classes))
        if imported.classes:
            unit = ITEM_NAME[level]
            self.class_heading.setText(
                f"{plural(len(imported.classes), 'class', 'classes')}, {unit}s of each"
            )
            self.bars.set_counts(imported.classes, imported.counts)

    @Slot()
    def show_dropped(self) -> None:
        """Open the list of rows that were left out."""
        if self._imported is None:
            return
        self._close_dialog()
        left_out = sum(count for _reason, count in self._imported.reasons)
        shown = len(self._imported.dropped)
        sentence = (
            "All of them."
            if shown == left_out
            else f"The first {count_text(shown)} of {count_text(left_out)}."
        )
        rows = [(row.file, row.line, row.reason) for row in self._imported.dropped]
        self.dialog = RowsDialog("Rows left out", sentence, rows, self)
        self.dialog.show()

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(spacing(2))
        bar.addWidget(self.heading)
        bar.addWidget(self.status, 1)
        bar.addWidget(self.bar, 0, Qt.AlignmentFlag.AlignVCenter)
        bar.addWidget(self.cancel_button)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, spacing(2), 0)
        column.setSpacing(spacing(2))
        column.addWidget(self.notes)
        column.addWidget(self.reasons)
        column.addStretch(1)
        head = QHBoxLayout()
        head.setSpacing(spacing(2))
        head.addWidget(self.summary, 1)
        head.addWidget(self.dropped_button)
        kept = QVBoxLayout()
        kept.setSpacing(spacing(1))
        kept.addLayout(head)
        kept.addWidget(_scroll(left, "Rows kept and left out"), 1)
        right = QVBoxLayout(self._right)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(spacing(1))
        right.addWidget(self.class_heading)
        holder = QWidget()
        inside = QVBoxLayout(holder)
        inside.setContentsMargins(0, 0, spacing(2), 0)
        inside.addWidget(self.bars)
        inside.addStretch(1)
        right.addWidget(_scroll(holder, "Classes"), 1)
        row = QHBoxLayout(self._body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(4))
        row.addLayout(kept, 1)
        row.addWidget(self._right, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(1))
        box.addLayout(bar)
        box.addWidget(self._body, 1)

    def _end(self, status: str, button: str) -> None:
        self.bar.hide()
        self.status.setText(status)
        if button:
            self._show_button(button, "Reads all rows by the present choices.")
        else:
            self.cancel_button.hide()

    def _show_button(self, words: str, tooltip: str) -> None:
        if self.cancel_button.text() != words or self.cancel_button.isHidden():
            self.cancel_button.setText(words)
            describe(self.cancel_button, words, tooltip)
            self.cancel_button.show()

    def _close_dialog(self) -> None:
        if self.dialog is not None:
            self.dialog.close()
            self.dialog.deleteLater()
            self.dialog = None

    @Slot()
    def _on_cancel(self) -> None:
        if self.bar.isHidden():
            self.again_pressed.emit()
        else:
            self.cancel_pressed.emit()


def _scroll(content: QWidget, name: str) -> QScrollArea:
    area = scrolled(content)
    area.setAccessibleName(name)
    area.setMinimumHeight(content.fontMetrics().height() * _LEAST_LINES)
    return area


def _summary(imported: Imported, left_out: int) -> str:
    row = "sentence" if imported.plan.level == "word" else "row"
    rows = plural(imported.rows, row)
    words = f", {plural(imported.items, 'word')}" if imported.plan.level == "word" else ""
    if imported.plan.sample is not None and imported.kept < imported.rows - left_out:
        rest = f", {count_text(left_out)} left out" if left_out else ""
        return f"{rows}: {count_text(imported.kept)} drawn at random{words}{rest}."
    if not left_out:
        return f"{rows}, all kept{words}."
    return f"{rows}: {count_text(imported.kept)} kept{words}, {count_text(left_out)} left out."


def _places(imported: Imported, reason: str) -> str:
    """Return the first places of a reason: " (train.csv, lines 7, 12, 30 …)"."""
    same = [row for row in imported.dropped if row.reason == reason]
    if same and imported.plan.format == "folder":
        more = " …" if len(same) > _FILES_NAMED else ""
        return f" ({', '.join(row.file for row in same[:_FILES_NAMED])}{more})"
    rows = [row for row in same if row.line]
    if not rows:
        return ""
    file = rows[0].file
    lines = [row.line for row in rows if row.file == file]
    named = ", ".join(str(line) for line in lines[:_LINES_NAMED])
    more = " …" if len(rows) > _LINES_NAMED or len(lines) < len(rows) else ""
    place = f"{file}, " if len(imported.plan.files) > 1 else ""
    return f" ({place}line{'s' if len(lines) > 1 else ''} {named}{more})"


def _splits(imported: Imported) -> tuple[str, ...]:
    if not imported.given:
        return ()
    sizes = " · ".join(
        f"{split} {count_text(imported.given[split])}"
        for split in SPLITS
        if split in imported.given
    )
    return (f"Splits that the data names: {sizes}.",)
