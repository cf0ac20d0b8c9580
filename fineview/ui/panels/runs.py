"""The runs panel: everything that was trained in this workspace."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from fineview.ui.label_dialog import left_a_head
from fineview.ui.run_rows import RunList
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import set_icon, spacing, use_font
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.run_table import RunTable
from fineview.ui.widgets.segmented import Segmented


class RunsPanel(QWidget):
    """Table of runs or of the trash; open, go on, trash, restore.

    Signals:
        open_wanted(str): Show this run in the training panel.
        resume_wanted(str): Go on with it.
        label_wanted(str): Let its head label a file.
        train_wanted(): There is no run yet; make one.
    """

    open_wanted = Signal(str)
    resume_wanted = Signal(str)
    label_wanted = Signal(str)
    train_wanted = Signal()

    def __init__(
        self, session: Session, runs: RunList, folder: Path, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._runs = runs
        self._folder = folder
        self.which = Segmented(
            (("runs", "Runs"), ("trash", "Trash")),
            "Which runs",
            "Runs of this workspace, or those in the trash – Runs – trashed runs can come back.",
        )
        self.table = RunTable()
        self.empty = EmptyState(
            "No run yet",
            "Every training is kept here from its first step: curves, settings, the trained head.",
            "Train a head",
        )
        self.stack = QStackedWidget()
        self.detail = QLabel()
        self.message = MessageLine()
        self._buttons: dict[str, QPushButton] = {}
        self._lay_out()
        self._connect()
        self._show()

    def choose(self, run_ids: Sequence[str]) -> None:
        """Select runs in the table."""
        self.table.select(run_ids)
        self._show_choice()

    def button(self, name: str) -> QPushButton:
        """Return `open`, `resume`, `label`, `trash`, `restore` or `folder`."""
        return self._buttons[name]

    def _lay_out(self) -> None:
        title = QLabel("Runs")
        use_font(title, "title")
        bar = QHBoxLayout()
        bar.setSpacing(spacing(2))
        bar.addWidget(title)
        bar.addWidget(self.which)
        bar.addStretch(1)
        for name, text, icon, tip in (
            ("open", "Open", "reopen", "Show curves and settings in the training panel (Enter)."),
            ("resume", "Go on", "resume", "Go on from the last step that was kept."),
            ("label", "Label a file…", "label", "Let the chosen run's head label a file of texts."),
            ("trash", "Move to trash", "trash", "Put the chosen runs away; they can come back."),
            ("restore", "Restore", "resume", "Take the chosen runs out of the trash."),
            ("folder", "Open folder", "folder", "Show the files of the chosen run."),
        ):
            button = QPushButton(text)
            set_icon(button, icon)
            button.setToolTip(tip)
            self._buttons[name] = button
            bar.addWidget(button)
        self.stack.addWidget(self.table)
        self.stack.addWidget(self.empty)
        self.detail.setTextFormat(Qt.TextFormat.PlainText)
        self.detail.setWordWrap(True)
        use_font(self.detail, "small")
        box = QVBoxLayout(self)
        box.setContentsMargins(*[spacing(3)] * 4)
        box.setSpacing(spacing(2))
        box.addLayout(bar)
        box.addWidget(self.message)
        box.addWidget(self.stack, 1)
        box.addWidget(self.detail)
        self.message.clear()

    def _connect(self) -> None:
        self.which.changed.connect(lambda _value: self._show())
        self._runs.changed.connect(self._show)
        self._runs.failed.connect(lambda text: self.message.show_message("bad", text))
        self.table.selection_changed.connect(lambda _ids: self._show_choice())
        self.table.activated.connect(self.open_wanted)
        self.table.trash_requested.connect(self._on_trash)
        self.table.shown_changed.connect(
            lambda shown: self._session.edit("Choose runs to draw", overlaid=tuple(sorted(shown)))
        )
        self.empty.pressed.connect(self.train_wanted)
        self._buttons["open"].clicked.connect(lambda: self._first(self.open_wanted))
        self._buttons["resume"].clicked.connect(lambda: self._first(self.resume_wanted))
        self._buttons["label"].clicked.connect(lambda: self._first(self.label_wanted))
        self._buttons["trash"].clicked.connect(lambda: self._on_trash(self.table.selected_ids()))
        self._buttons["restore"].clicked.connect(
            lambda: self._runs.restore(set(self.table.selected_ids()))
        )
        self._buttons["folder"].clicked.connect(self._open_folder)
        self._session.changed.connect(self._on_session)

    def _first(self, signal: object) -> None:
        chosen = sorted(self.table.selected_ids())
        if chosen:
            signal.emit(chosen[0])  # type: ignore[attr-defined]

    @Slot(object)
    def _on_trash(self, run_ids: object) -> None:
        if self.which.value == "runs" and run_ids:
            self._runs.trash(set(run_ids))  # type: ignore[call-overload]

    @Slot()
    def _open_folder(self) -> None:
        chosen = sorted(self.table.selected_ids())
        folder = self._folder / "runs" / chosen[0] if chosen else self._folder
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.run, state.overlaid) != (old.run, old.overlaid):
            self._show()

    @Slot()
    def _show(self) -> None:
        trash = self.which.value == "trash"
        rows = self._runs.rows(self._session.state, trashed=trash)
        self.table.set_rows(rows)
        if not self.table.selected_ids():
            self.table.select([self._session.state.run])
        self.stack.setCurrentWidget(self.table if rows or trash else self.empty)
        self._show_choice()

    def _show_choice(self) -> None:
        trash = self.which.value == "trash"
        chosen = sorted(self.table.selected_ids())
        summary = self._runs.summary(chosen[0]) if len(chosen) == 1 else None
        for name, button in self._buttons.items():
            button.setVisible((name == "restore") if trash else (name != "restore"))
            button.setEnabled(bool(chosen) and (name in ("trash", "restore") or len(chosen) == 1))
        self._buttons["resume"].setEnabled(summary is not None and summary.resumable)
        self._buttons["label"].setEnabled(summary is not None and left_a_head(summary))
        self._buttons["folder"].setVisible(not trash)
        if summary is None:
            self.detail.setText("" if not chosen else f"{len(chosen)} runs chosen.")
        else:
            parts = (summary.text, summary.reason, f"Kept in {summary.run_id}.")
            self.detail.setText(" ".join(part for part in parts if part))
