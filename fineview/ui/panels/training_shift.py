"""The second test set: what a run is tested on besides its test split."""

from dataclasses import replace

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QGridLayout, QWidget

from fineview.core.data.shift import ShiftConfig
from fineview.core.errors import ConfigError
from fineview.core.laboratory import Laboratory
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.labels import plain_label
from fineview.ui.widgets.number_field import NumberField

_KINDS = [
    ("none", "None"),
    ("typos", "Typos"),
    ("dropped-words", "Dropped words"),
    ("case", "Other case"),
    ("task", "Another task"),
]


class ShiftEditor(QWidget):
    """Which second test set, how much of it is spoilt, or which task it is.

    Signals:
        failed(str): What was chosen will not do; one sentence, "" when it does.
    """

    failed = Signal(str)

    def __init__(self, session: Session, lab: Laboratory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._lab = lab
        self.kind = CalmCombo(
            "Second test",
            "Tests the run's weights on spoilt test texts, or on another domain, too – none – to "
            "see how much a strategy hangs on what the training texts look like.",
            letters=14,
        )
        self.rate = NumberField(
            "Spoilt share",
            "Share of the letters or words that are touched – 0.1 – more for a harder test.",
            value=0.1,
            minimum=0,
            maximum=1,
            above_minimum=True,
        )
        self.task = CalmCombo(
            "Task of the second test",
            "A task of the same level whose classes have the same names – its test split is used.",
            letters=14,
        )
        self._labels = {
            "kind": plain_label("Second test"),
            "rate": plain_label("Spoilt share"),
            "task": plain_label("Task"),
        }
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(spacing(2))
        grid.setVerticalSpacing(spacing(1.5))
        grid.setColumnStretch(1, 1)
        fields: tuple[tuple[str, QWidget], ...] = (
            ("kind", self.kind),
            ("rate", self.rate),
            ("task", self.task),
        )
        for row, (name, field) in enumerate(fields):
            self._labels[name].setBuddy(field)
            grid.addWidget(self._labels[name], row, 0)
            grid.addWidget(field, row, 1)
        self.kind.chosen.connect(self._on_kind)
        self.rate.changed.connect(lambda value: self._set(rate=float(value)))
        self.rate.error_changed.connect(self.failed)
        self.task.chosen.connect(lambda value: self._set(kind="task", task=value))
        session.changed.connect(self._on_session)
        self.show_state(session.state)

    def show_state(self, state: SessionState) -> None:
        """Show the session's choice."""
        shift = state.spec.shift
        others = self._others(state)
        kinds = [kind for kind in _KINDS if kind[0] != "task" or others]
        self.kind.set_choices(kinds, shift.kind)
        self.task.set_choices(others, shift.task)
        if self.rate.value != shift.rate:
            self.rate.set_value(shift.rate)
        spoilt = shift.kind not in ("none", "task")
        for name, field, shown in (
            ("rate", self.rate, spoilt),
            ("task", self.task, shift.kind == "task"),
        ):
            field.setVisible(shown)
            self._labels[name].setVisible(shown)

    def _others(self, state: SessionState) -> list[tuple[str, str]]:
        """Return the tasks of the same level; classes are compared when a run begins."""
        infos = self._lab.shelf.infos()
        mine = state.spec.task
        levels = {info.name: info.level for info in infos}
        return [
            (info.name, info.title)
            for info in infos
            if info.name != mine and info.level == levels.get(mine)
        ]

    @Slot(str)
    def _on_kind(self, kind: str) -> None:
        others = self._others(self._session.state)
        task = others[0][0] if kind == "task" and others else ""
        self._set(kind=kind, task=task)

    def _set(self, **changes: object) -> None:
        spec = self._session.state.spec
        try:
            shift: ShiftConfig = replace(spec.shift, **changes)  # type: ignore[arg-type]
            self._session.edit_spec("Choose a second test", shift=shift)
        except ConfigError as error:
            self.failed.emit(str(error))
        else:
            self.failed.emit("")

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if (state.spec.shift, state.spec.task) != (old.spec.shift, old.spec.task):
            self.show_state(state)
