"""The pages of a panel: a bar of titles, and the page that the session names."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.segmented import Segmented


class Pages(QWidget):
    """Pages that are built when first shown.

    Attributes:
        bar: Their titles.
    """

    def __init__(
        self,
        session: Session,
        field: str,
        titles: Sequence[tuple[str, str]],
        build: Callable[[str], QWidget],
        *,
        name: str,
        tooltip: str,
        corner: QWidget | None = None,
    ) -> None:
        """Show the page that the session names.

        Args:
            session: Keeps which page is in front.
            field: Its field for that.
            titles: Names and titles; the first is shown where the session names none of them.
            build: Makes a page by its name.
            name: Of the bar, for people who do not see it.
            tooltip: What the pages are for.
            corner: What all pages share, at the right of the bar.
        """
        super().__init__()
        self.bar = Segmented(titles, name, tooltip)
        self._field = field
        self._names = [title[0] for title in titles]
        self._build = build
        self._built: dict[str, QWidget] = {}
        self._stack = QStackedWidget()
        row = QHBoxLayout()
        row.addWidget(self.bar)
        row.addStretch(1)
        if corner is not None:
            row.addWidget(corner)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addLayout(row)
        column.addWidget(self._stack, 1)
        self.bar.changed.connect(lambda page: session.view(**{field: page}))
        session.changed.connect(self._on_session)
        self._show(getattr(session.state, field))

    def page(self, name: str) -> QWidget:
        """Return a page, built when first asked for."""
        if name not in self._built:
            self._built[name] = self._build(name)
            self._stack.addWidget(self._built[name])
        return self._built[name]

    def _show(self, name: str) -> None:
        name = name if name in self._names else self._names[0]
        self.bar.set_value(name)
        front = self.page(name)
        for page in self._built.values():  # one that nobody sees asks for no room
            shown = QSizePolicy.Policy.Preferred if page is front else QSizePolicy.Policy.Ignored
            page.setSizePolicy(shown, shown)
        self._stack.setCurrentWidget(front)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if getattr(state, self._field) != getattr(old, self._field):
            self._show(getattr(state, self._field))
