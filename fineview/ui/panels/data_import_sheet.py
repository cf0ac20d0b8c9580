"""The sheet of open files: their first rows, a role for each column, and what came of all rows."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.core.data.plan import ROLES, Imported, ImportPlan, Inspection, Role
from fineview.core.data.task import ITEM_NAME, ITEM_NAMES
from fineview.core.errors import ConfigError, FineviewError, ImportProblem
from fineview.ui.panels.data_import_choices import SAMPLE_ROWS, ImportChoices
from fineview.ui.panels.data_import_result import ImportResult
from fineview.ui.theme import make_primary, spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.format import bytes_text, count_text, plural
from fineview.ui.widgets.labels import ElidedLabel, describe
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.panel_area import SideColumn
from fineview.ui.widgets.table_preview import TablePreview

ROLE_WORDS: dict[Role, str] = {
    "text": "Text",
    "second": "Second text",
    "label": "Label",
    "split": "Split",
    "group": "Group",
    "id": "Id",
    "ignore": "Ignore",
}
_LARGE_BYTES = 20_000_000
_LARGE_ROWS = 50_000


class ImportSheet(QWidget):
    """Shows a plan and changes it; knows no jobs.

    Attributes:
        plan: How the files would be read now; None where none are open.
        choices: The left column.
        preview: The table.
        result: What reading all rows gave.
        use_button: Makes the task.
        discard_button: Closes the sheet.
        table_message: What concerns the table or a column of it.
        offer: Proposes a sample of what is large.

    Signals:
        plan_changed(): `plan` is another one.
        file_wanted(): Open another file instead.
    """

    plan_changed = Signal()
    file_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.plan: ImportPlan | None = None
        self._chosen: dict[str, Role] = {}
        self.choices = ImportChoices()
        self.preview = TablePreview()
        self.unreadable = EmptyState(
            "Nothing to show", "Say at the left how the file is laid out, or open another one."
        )
        self.result = ImportResult()
        self.files = ElidedLabel("", bold=True)
        self.use_button = QPushButton("Use these texts")
        self.discard_button = QPushButton("Discard")
        self.table_message = MessageLine("Table")
        self.offer = MessageLine("Sample")
        self._table_stack = QStackedWidget()
        self._lay_out()
        self.table_message.action_pressed.connect(self._on_action)
        self.offer.action_pressed.connect(self._on_action)
        self.choices.plan_changed.connect(self._on_choice)
        self.preview.role_chosen.connect(self._on_role)
        self.show_state(None, None)

    def reset(self) -> None:
        """Forget everything: other files are coming."""
        self.plan = None
        self._chosen = {}
        self.table_message.clear()
        self.offer.clear()
        self.choices.reset()
        self.result.clear()
        self.preview.clear()

    def show_inspection(self, inspection: Inspection, paths: Sequence[Path]) -> None:
        """Show what the beginning of the files holds; roles that a person chose stay."""
        plan = inspection.plan
        for name, role in self._chosen.items():
            if name in plan.roles:
                plan = plan.with_role(name, role)
        self.plan = plan
        self.choices.show_inspection(inspection)
        size = f" · {bytes_text(inspection.bytes)}" if inspection.bytes else ""
        self.files.set_text(listed(paths) + size)
        offered = [
            (role, ROLE_WORDS[role]) for role in ROLES if not (plan.words and role == "second")
        ]
        self.preview.set_table(
            tuple(plan.roles), inspection.rows, inspection.lines, plan.roles, offered
        )
        self._table_stack.setCurrentWidget(self.preview)
        self.result.show()
        if inspection.bytes >= _LARGE_BYTES:
            self._offer_sample(bytes_text(inspection.bytes))
        self._on_choice()

    def show_unreadable(self, error: Exception, paths: Sequence[Path]) -> None:
        """Say why there is nothing to show; the settings may still be changed."""
        self.plan = None
        self.files.set_text(listed(paths))
        self.result.clear()
        self.unreadable.set_text(
            f"{listed(paths)} cannot be shown",
            "Say at the left how it is laid out, or open another file.",
        )
        self._table_stack.setCurrentWidget(self.unreadable)
        self.result.hide()
        self.table_message.show_message("bad", sentence(error), [("Open another…", "file")])

    def show_misfit(self, error: Exception) -> None:
        """Say that the settings do not fit the files; those of the table in sight stay."""
        self.choices.show_misfit(sentence(error))
        self.plan_changed.emit()

    def show_refused(self, error: ConfigError) -> None:
        """Say what the plan still lacks."""
        if error.field == "sample":
            self.choices.sample_message.show_message("bad", str(error))
        else:
            self.table_message.show_message("warning", str(error))
        self.result.show_stopped("", again=False)

    def show_failed(self, error: Exception) -> None:
        """Say why reading all rows failed."""
        if isinstance(error, ConfigError):
            self.show_refused(error)
            return
        column = error.column if isinstance(error, ImportProblem) else ""
        plan = self.plan
        actions = []
        classes = plan is not None and plan.label_kind == "class"
        its_label = plan is not None and bool(column) and column == plan.column("label")
        if classes and its_label and self.preview.holds_numbers(column):
            actions.append(("Labels are numbers", "numbers"))  # a class a row, very often
        self.table_message.show_message("bad", sentence(error), actions)
        self.preview.reveal(column)
        self.result.show_stopped("Not all rows could be read.", again=False)

    def show_checked(self, imported: Imported) -> None:
        """Show what reading all rows gave."""
        self.result.show_result(imported)
        if imported.kept > _LARGE_ROWS and imported.plan.sample is None:
            self._offer_sample(plural(imported.kept, unit_of(imported.plan)))

    def show_state(self, checked: Imported | None, stage: str | None) -> None:
        """Show what can be pressed: the task can be made once all rows were read."""
        keeping = stage == "keep"
        for part in (self.choices, self.preview, self.discard_button):
            part.setEnabled(not keeping)
        self.use_button.setEnabled(checked is not None and stage is None)
        words = "Keeping…" if keeping else "Use these texts"
        if checked is not None and not keeping:
            level = checked.plan.level
            count = checked.items if level == "word" else checked.kept
            words = f"Use these {count_text(count)} {ITEM_NAMES[level]}"
        self.use_button.setText(words)
        self.use_button.setAccessibleName(words)

    def _lay_out(self) -> None:
        make_primary(self.use_button)
        describe(
            self.use_button,
            "Use these texts",
            "Keeps the rows as a task of your own and works with it.",
        )
        describe(self.discard_button, "Discard", "Closes this sheet; nothing of the file is kept.")
        bar = QHBoxLayout()
        bar.setSpacing(spacing(2))
        bar.addWidget(self.files, 1)
        bar.addWidget(self.discard_button)
        bar.addWidget(self.use_button)
        self._table_stack.addWidget(self.preview)
        self._table_stack.addWidget(self.unreadable)
        rows = QSplitter(Qt.Orientation.Vertical)
        rows.setChildrenCollapsible(False)
        rows.setHandleWidth(spacing(3))
        rows.addWidget(self._table_stack)
        rows.addWidget(self.result)
        rows.setStretchFactor(0, 1)
        rows.setStretchFactor(1, 0)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addWidget(self.table_message)
        column.addWidget(self.offer)
        column.addWidget(rows, 1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(spacing(3))
        split.addWidget(SideColumn(self.choices))
        split.addWidget(right)
        split.setStretchFactor(0, 0)
        split.setStretchFactor(1, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(spacing(2))
        box.addLayout(bar)
        box.addWidget(split, 1)
        self.table_message.clear()
        self.offer.clear()

    def _offer_sample(self, size: str) -> None:
        if not self.choices.sample.isChecked():
            self.offer.show_message(
                "info",
                f"That is much ({size}): a random sample is enough to compare layers and heads.",
                [(f"Sample {count_text(SAMPLE_ROWS)}", "sample")],
            )

    @Slot(str, str)
    def _on_role(self, name: str, role: Role) -> None:
        if self.plan is not None:
            self._chosen[name] = role
            self.plan = self.plan.with_role(name, role)
            self.preview.set_roles(self.plan.roles)
            self._on_choice()

    @Slot()
    def _on_choice(self) -> None:
        if self.plan is not None:
            self.plan = self.choices.apply(self.plan)
            self.choices.show_plan(self.plan)
            self.table_message.clear()
            if self.plan.sample is not None:
                self.offer.clear()
            self.plan_changed.emit()

    @Slot(str)
    def _on_action(self, key: str) -> None:
        if key == "numbers":
            self.choices.choose_kind("number")
        elif key == "sample":
            self.choices.tick_sample()
        else:
            self.file_wanted.emit()


def unit_of(plan: ImportPlan) -> str:
    """Return what a row of the files is: a text, a pair, or a sentence."""
    return "sentence" if plan.words else ITEM_NAME[plan.level]


def sentence(error: Exception) -> str:
    """Return what went wrong, for people."""
    if isinstance(error, FineviewError):
        return str(error)
    return f"That failed in a way nobody foresaw ({type(error).__name__}: {error}): see the log."


def listed(paths: Sequence[Path]) -> str:
    """Return the names of the first files, and how many more there are."""
    names = ", ".join(path.name or str(path) for path in paths[:3])
    return f"{names} and {len(paths) - 3} more" if len(paths) > 3 else names
