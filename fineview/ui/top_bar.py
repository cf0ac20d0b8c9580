"""The bar above the panels: which task, which encoder, and the search for actions."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from fineview.core.laboratory import Laboratory
from fineview.core.models.catalog import entries
from fineview.core.models.fetch import is_stored
from fineview.ui.context import Context
from fineview.ui.session import Session
from fineview.ui.theme import set_icon, spacing
from fineview.ui.widgets.format import count_text

_TITLE = 40


class TopBar(QFrame):
    """Names task and encoder; their menus are made anew each time they open.

    Signals:
        task_chosen(str), encoder_chosen(str): By name.
        open_wanted(), catalogue_wanted(), folder_wanted(), search_wanted(): The rest of the menus.
    """

    task_chosen = Signal(str)
    encoder_chosen = Signal(str)
    open_wanted = Signal()
    catalogue_wanted = Signal()
    folder_wanted = Signal()
    search_wanted = Signal()

    def __init__(
        self, session: Session, lab: Laboratory, context: Context, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._lab = lab
        self._context = context
        self.setObjectName("topbar")
        across = QHBoxLayout(self)
        across.setContentsMargins(spacing(3), spacing(1), spacing(3), spacing(1))
        across.setSpacing(spacing(3))
        self.task_button = _choice("Task", "What the head learns: choose labelled texts.")
        self.encoder_button = _choice("Encoder", "The pretrained model that is adapted.")
        across.addWidget(self.task_button)
        across.addWidget(self.encoder_button)
        across.addStretch(1)
        self.search_button = QToolButton()
        set_icon(self.search_button, "search")
        self.search_button.setText("Ctrl+Shift+P")
        self.search_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.search_button.setAutoRaise(True)
        self.search_button.setAccessibleName("Find an action")
        self.search_button.setToolTip("Find any action by its name.")
        self.search_button.clicked.connect(self.search_wanted)
        across.addWidget(self.search_button)
        tasks = QMenu(self)
        tasks.aboutToShow.connect(lambda: self._fill_tasks(tasks))
        self.task_button.setMenu(tasks)
        encoders = QMenu(self)
        encoders.aboutToShow.connect(lambda: self._fill_encoders(encoders))
        self.encoder_button.setMenu(encoders)
        context.changed.connect(self.show_names)
        self.show_names()

    def _fill_tasks(self, menu: QMenu) -> None:
        menu.clear()
        current = self._session.state.spec.task
        library = self._lab.shelf.library
        before = False
        for info in self._lab.shelf.infos():
            own = library.holds(info.name)
            if own != before:
                menu.addSeparator()
                before = own
            choice = menu.addAction(f"{_menu_text(info.title)}  ({info.level})")
            choice.setCheckable(True)
            choice.setChecked(info.name == current)
            choice.triggered.connect(
                lambda _checked=False, name=info.name: self.task_chosen.emit(name)
            )
        menu.addSeparator()
        menu.addAction("Open a file…").triggered.connect(self.open_wanted)
        menu.addAction("More in the catalogue…").triggered.connect(self.catalogue_wanted)

    def _fill_encoders(self, menu: QMenu) -> None:
        from fineview.core.models.hub import stored

        menu.clear()
        cache = self._lab.locations.cache
        found = [(e.name, e.title) for e in entries("encoder") if is_stored(e, cache)]
        found += [(h.name, h.repo_id) for h in stored(cache) if h.kind == "model"]
        current = self._session.state.spec.encoder
        if current not in dict(found):
            found.append((current, self._encoder_title()))
        for name, title in found:
            choice = menu.addAction(_menu_text(title))
            choice.setCheckable(True)
            choice.setChecked(name == current)
            choice.triggered.connect(
                lambda _checked=False, name=name: self.encoder_chosen.emit(name)
            )
        menu.addSeparator()
        menu.addAction("Local folder…").triggered.connect(self.folder_wanted)
        menu.addAction("More in the catalogue…").triggered.connect(self.catalogue_wanted)

    @Slot()
    def show_names(self) -> None:
        """Write what is chosen on the buttons."""
        spec, task = self._session.state.spec, self._context.task
        title = spec.task
        if task is not None and task.info.name == spec.task:
            kinds = f"{len(task.classes)} classes" if task.classes else "numbers"
            title = f"{_short(task.info.title)} · {count_text(task.items)} · {kinds}"
        self.task_button.setText(f"Task  {_menu_text(title)} ")
        self.encoder_button.setText(f"Encoder  {_menu_text(self._encoder_title(sizes=True))} ")

    def _encoder_title(self, sizes: bool = False) -> str:
        name, encoder = self._session.state.spec.encoder, self._context.encoder
        if encoder is None or encoder.name != name:
            return _short(name.rsplit("/", 1)[-1])
        title = _short(encoder.title)
        return f"{title} · {encoder.layers} layers · {encoder.width}" if sizes else title


def _choice(name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setAutoRaise(True)
    button.setAccessibleName(name)
    button.setToolTip(tip)
    return button


def _menu_text(text: str) -> str:
    return text.replace("&", "&&")  # one would underline the next letter


def _short(text: str) -> str:
    return text if len(text) <= _TITLE else f"{text[: _TITLE - 1]}…"
