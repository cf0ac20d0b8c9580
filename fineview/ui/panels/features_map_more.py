"""The settings of the layer map that are seldom changed, folded."""

from PySide6.QtCore import QPoint, Slot
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from fineview.core.errors import ConfigError
from fineview.core.laboratory import Laboratory
from fineview.core.models.catalog import entries
from fineview.core.models.fetch import is_stored
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.number_field import NumberField
from fineview.ui.widgets.section import Section


class MapSettings(QWidget):
    """Folds, items, C, and the encoders that stand beside the session's.

    Attributes:
        folds, items, penalty: The fields.
        others: Button whose menu adds and removes encoders.
    """

    def __init__(self, session: Session, lab: Laboratory) -> None:
        super().__init__()
        self._session = session
        self._lab = lab
        self.folds = NumberField(
            "Folds",
            "Parts of the training texts, each judged by a probe of the others – 5 – 10 for a few "
            "hundred texts.",
            value=5,
            minimum=2,
            maximum=20,
            integer=True,
        )
        self.items = NumberField(
            "Items",
            "Training texts, pairs or words at most – 1 000 – more for narrower intervals.",
            value=1000,
            minimum=20,
            maximum=20_000,
            integer=True,
            step="double",
        )
        self.penalty = NumberField(
            "C",
            "Inverse weight of the penalty ‖W‖²/2 of every probe – 1 – less for few texts.",
            value=1.0,
            minimum=1e-6,
            maximum=1e6,
        )
        self.others = QPushButton("Other encoders")
        describe(
            self.others,
            "Other encoders",
            "Sets further encoders beside this one, on the same texts and folds – none – one to "
            "compare with; each costs a pass.",
        )
        self._menu = QMenu(self)
        self.section = Section("More", folded=True)
        self._lay_out()
        for name in ("folds", "items", "penalty"):
            field: NumberField = getattr(self, name)
            field.changed.connect(lambda value, name=name: self._change(name, value))
        self.others.clicked.connect(self._open_menu)
        session.changed.connect(self._on_session)
        self._show(session.state)

    def choices(self) -> list[tuple[str, str]]:
        """Return name and title of every encoder that can be added or removed."""
        cache = self._lab.locations.cache
        known = [(e.name, e.title) for e in entries("encoder") if is_stored(e, cache)]
        state = self._session.state
        known += [(n, n) for n in state.layer_map.others if n not in dict(known)]
        return [(n, title) for n, title in known if n != state.spec.encoder]

    def toggle(self, name: str) -> None:
        """Add an encoder, or take it away."""
        others = self._session.state.layer_map.others
        new = tuple(n for n in others if n != name) if name in others else (*others, name)
        self._session.edit_look("Choose other encoders", "layer_map", others=new)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(spacing(2))
        for label, field in (("Folds", self.folds), ("Items", self.items), ("C", self.penalty)):
            row.addWidget(plain_label(label))
            field.setFixedWidth(spacing(20))
            row.addWidget(field)
        row.addWidget(self.others)
        row.addStretch(1)
        self.section.body.addLayout(row)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.section)

    def _change(self, name: str, value: float) -> None:
        try:
            self._session.edit_look(f"Choose {name}", "layer_map", **{name: value})
        except ConfigError:
            self._show(self._session.state)

    @Slot()
    def _open_menu(self) -> None:
        self._menu.clear()
        chosen = self._session.state.layer_map.others
        for name, title in self.choices():
            action = self._menu.addAction(title.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(name in chosen)
            action.triggered.connect(lambda _on=False, name=name: self.toggle(name))
        if not self._menu.actions():
            self._menu.addAction("No other encoder is stored").setEnabled(False)
        self._menu.popup(self.others.mapToGlobal(QPoint(0, self.others.height())))

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.layer_map != old.layer_map:
            self._show(state)

    def _show(self, state: SessionState) -> None:
        choice = state.layer_map
        self.folds.set_value(choice.folds)
        self.items.set_value(choice.items)
        self.penalty.set_value(choice.penalty)
        count = len(choice.others)
        self.others.setText(f"Other encoders ({count})" if count else "Other encoders")
