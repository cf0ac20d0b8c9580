"""The comparison page of the training panel: strategies, heads, encoders, sizes, side by side."""

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.core.runs.compare_choice import PRESETS, base_of, preset_of
from fineview.core.runs.compare_rows import Comparison
from fineview.core.runs.compare_study import KIND, comparison_of, is_unfinished
from fineview.core.runs.studies import Study
from fineview.core.training.strategy import STRATEGIES
from fineview.ui.context import Context
from fineview.ui.panels.training_compare_choices import CompareChoices
from fineview.ui.panels.training_compare_table import CompareTable
from fineview.ui.past_studies import PastStudies, PastWords
from fineview.ui.plots.compare_picture import ComparePicture
from fineview.ui.run_rows import RunList
from fineview.ui.session import Session, SessionState
from fineview.ui.study_page import StudyPage
from fineview.ui.theme import spacing
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.format import plural, share_text
from fineview.ui.widgets.labels import plain_label
from fineview.ui.widgets.segmented import Segmented
from fineview.work.jobs import JobRunner

_WHAT = (
    "Choose at the left what is to be compared, then press Compare: every combination is trained "
    "with several seeds, and set side by side with its interval and what it costs."
)
_PAST = PastWords(
    title="Earlier comparisons",
    tip="Comparisons of this workspace, newest first – the last one – an earlier one to look at it "
    "again.",
    one="comparison",
    forgets="Forgets this comparison; its runs stay – when it is not needed any more; can be taken "
    "back.",
    deleted="; its runs stay",
    reading="Read a comparison",
)


class ComparePage(StudyPage):
    """Choices at the left; table, picture and the sentence at the right.

    Attributes:
        table: The table.
        picture: The plot.
        shown: The comparison on display; None before the first.

    Signals:
        run_wanted(str): Show this run in the training panel.
    """

    run_wanted = Signal(str)

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        context: Context,
        runs: RunList,
        parent: QWidget | None = None,
    ) -> None:
        choices = CompareChoices(session, lab, context)
        past = PastStudies(runner, lab, KIND, _PAST, comparison_of, is_unfinished)
        empty = EmptyState("Comparison", _WHAT)
        super().__init__(session, runner, lab, choices, past, empty, "Comparison", parent)
        self._runs = runs
        self._menu = QMenu(self)
        self.shown: Comparison | None = None
        self.table = CompareTable()
        self.picture = ComparePicture()
        self.axis = Segmented(
            [
                ("parameters", "Weights"),
                ("bytes", "Bytes"),
                ("seconds", "Time"),
                ("memory", "Memory"),
            ],
            "What accuracy is set against",
            "Trained weights – bytes stored – time of a run – peak memory. Nothing is computed "
            "anew.",
        )
        self.tasks = Segmented(
            [("1", "1 task"), ("10", "10 tasks"), ("100", "100 tasks")],
            "For how many tasks bytes are counted",
            "n tasks take n × own + shared bytes – 1 – more to see what a shared encoder saves.",
        )
        self.said = plain_label(wrap=True)
        self.notes = plain_label("", "small", wrap=True)
        self._lay_out()
        self._connect()
        self._show_settings(session.state)
        self.past.refresh()

    def start(self) -> None:
        """Carry out the comparison that is chosen."""
        lab, state = self._lab, self._session.state
        spec, choice = state.spec, state.compare

        def work(report: Report) -> Study:
            from fineview.core.runs.compare import compare

            return compare(lab, spec, choice, report)

        known = preset_of(choice)
        self._submit(f"Compare · {PRESETS[known].title}" if known else "Compare", work)

    def go_on(self, study_id: str) -> None:
        """Go on with a comparison that was stopped, or in which runs failed."""
        if self.busy:
            self.message.show_message("warning", "A comparison is in flight: stop it first.")
            return
        lab = self._lab

        def work(report: Report) -> Study:
            from fineview.core.runs.compare import go_on

            return go_on(lab, study_id, report)

        self._submit("Compare · go on", work)

    # Layout

    def _lay_out(self) -> None:
        axes = QHBoxLayout()
        axes.setSpacing(spacing(2))
        self._axis_label = plain_label("Accuracy against", "small")
        self._axis_label.setBuddy(self.axis)
        for part in (self._axis_label, self.axis, self.tasks):
            axes.addWidget(part)
        axes.addStretch(1)
        below = QWidget()
        lower = QVBoxLayout(below)
        lower.setContentsMargins(0, 0, 0, 0)
        lower.setSpacing(spacing(1))
        lower.addLayout(axes)
        lower.addWidget(self.picture, 1)
        results = QSplitter(Qt.Orientation.Vertical)
        results.setChildrenCollapsible(False)
        results.setHandleWidth(spacing(2))
        results.addWidget(self.table)
        results.addWidget(below)
        results.setStretchFactor(0, 1)
        results.setStretchFactor(1, 1)
        results.setSizes([spacing(72), spacing(80)])
        for label in (self.said, self.notes):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._stand(results, (self.said, self.notes))

    def _connect(self) -> None:
        edit = self._session.edit_look
        self.axis.changed.connect(lambda name: edit("Change the cost", "compare", axis=name))
        self.tasks.changed.connect(lambda n: edit("Count bytes", "compare", tasks=int(n)))
        self.table.opened.connect(self._open_row)
        self.picture.chosen.connect(self._on_picked)
        self.past.chosen.connect(self._open)
        self.past.listed.connect(self._on_listed)
        self.past.deleted.connect(self._on_deleted)
        self.past.go_on_wanted.connect(self.go_on)
        self.message.action_pressed.connect(self._on_action)
        self._session.changed.connect(self._on_session)

    # A comparison in flight

    @Slot(object)
    def _on_events(self, events: list[Comparison]) -> None:
        begun = self.shown.study_id if self.shown is not None else ""
        self._show(events[-1])
        self._runs.refresh()
        if events[-1].study_id != begun:
            self.past.refresh()

    @Slot()
    def _on_ended(self) -> None:
        super()._on_ended()
        self._runs.refresh()
        self._show_settings(self._session.state)

    # A comparison on display

    def _show(self, found: Comparison | None) -> None:
        self.shown = found
        self._stack.setCurrentIndex(0 if found is None else 1)
        self.table.show_comparison(found)
        self.past.set_current("" if found is None else found.study_id)
        self._show_settings(self._session.state)

    @Slot(object)
    def _on_listed(self, newest: Comparison | None) -> None:
        """Show the newest comparison where none is on display."""
        if self.shown is None and newest is not None:
            self._show(newest)

    @Slot()
    def _on_deleted(self) -> None:
        """Show the newest of those that are left."""
        self._show(None)
        self.past.refresh()

    @Slot(object)
    def _open(self, found: Comparison) -> None:
        """Show an earlier comparison, and choose what it was asked."""
        if self.busy:
            self.message.show_message("warning", "A comparison is in flight: stop it first.")
            return
        self._show(found)
        self._choose(found)

    def _choose(self, found: Comparison) -> None:
        spec, base, look = self._session.state.spec, found.base, self._session.state.compare
        limits = {name: getattr(spec.split, name) for name in ("train_items", "held_out_items")}
        weights = base.training.class_weights
        chosen = replace(
            base,
            seed=spec.seed,
            max_length=spec.max_length,
            split=replace(base.split, **limits),
            head=replace(base.head, kind=spec.head.kind),
            strategy=spec.strategy,
            training=replace(spec.training, class_weights=weights),
            control=spec.control,
        )
        choice = replace(found.choice, axis=look.axis, tasks=look.tasks)
        # A typed pair means nothing to a task of sentences.
        typed = {} if base.task == spec.task else {"example": "", "second": ""}
        self._session.edit("Open a comparison", spec=chosen, compare=choice, **typed)

    @Slot(str)
    def _on_action(self, key: str) -> None:
        if key == "back" and self.shown is not None:
            self._choose(self.shown)
        elif key == "restore":
            self.past.restore()

    @Slot(str)
    def _on_picked(self, key: str) -> None:
        self.table.choose(key)
        self._open_row(key)

    @Slot(str)
    def _open_row(self, key: str) -> None:
        """Open the run of a row; where there are several, let a menu ask which."""
        assert self.shown is not None
        row = next(row for row in self.shown.rows if row.arm.key == key)
        kept = [run for run in row.runs if run.run_id]
        if not kept:
            words = " ".join(run.text for run in row.runs if run.text) or "Not begun yet."
            self.message.show_message("info", f"{row.arm.title}: {words}")
            return
        if len(kept) == 1:
            self.run_wanted.emit(kept[0].run_id)
            return
        self._menu.clear()
        for run in kept:
            told = share_text(run.test) if run.status == "finished" else run.status
            action = self._menu.addAction(f"Open seed {run.seed} · {told}")
            action.triggered.connect(partial(self._emit_run, run.run_id))
        self._menu.popup(self._menu_place())

    def _emit_run(self, run_id: str, _checked: bool = False) -> None:
        self.run_wanted.emit(run_id)

    def _menu_place(self) -> QPoint:
        """Return where a menu opens: at the mouse, or at the row that the keyboard has chosen."""
        if self.table.hasFocus() and not self.table.underMouse():
            rect = self.table.visualRect(self.table.currentIndex())
            return self.table.viewport().mapToGlobal(rect.bottomLeft())
        return QCursor.pos()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.spec, state.compare) != (old.spec, old.compare):
            self._show_settings(state)

    def _stale(self, state: SessionState) -> bool:
        if self.shown is None or self.busy:
            return False
        mine = (base_of(state.spec), state.compare.measured)
        return mine != (self.shown.base, self.shown.choice.measured)

    def _show_settings(self, state: SessionState) -> None:
        found, choice, stale = self.shown, state.compare, self._stale(state)
        self.axis.set_value(choice.axis)
        self.tasks.set_value(str(choice.tasks))
        self.picture.show_comparison(found, choice.axis, choice.tasks)
        self.picture.set_dimmed(stale)
        against = self.picture.kind == "cost"
        for part in (self._axis_label, self.axis):
            part.setVisible(against)
        self.tasks.setVisible(against and choice.axis == "bytes")
        self._tell_stale(stale)
        self.title.set_text("" if found is None else found.title)
        self.caption.set_text("" if found is None else caption_of(found))
        self.said.setText("" if found is None else found.text)
        self.said.setVisible(bool(self.said.text()))
        self.notes.setText("" if found is None else " ".join(found.notes))
        self.notes.setVisible(bool(self.notes.text()))


def caption_of(found: Comparison) -> str:
    """Return on what a comparison was made, on one line."""
    choice, strategies = found.choice, {row.arm.strategy for row in found.rows}
    parts = [plural(found.train_items, "training row"), plural(choice.seeds, "seed")]
    if any(STRATEGIES[kind].trains_encoder for kind in strategies):
        parts.append(plural(choice.epochs, "epoch"))
    parts.append(f"at most {plural(choice.max_length, 'token')}")
    encoders = {row.arm.encoder_title for row in found.rows if row.arm.encoder}
    return " · ".join([*parts, *(encoders if len(encoders) == 1 else ())])
