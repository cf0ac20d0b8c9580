"""Every action of the window, registered once: menus, shortcuts and the palette share them."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QWidget

from fineview.ui.widgets.number_field import NumberField


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """One thing a user can do.

    Attributes:
        key: Name in code.
        text: Name in menus, with its mnemonic.
        run: What it does.
        keys: Shortcuts, portable text.
        menu: Menu it stands in, or "" for the palette alone.
        tip: Tooltip and status tip.
        checkable: Whether it is a switch.
    """

    key: str
    text: str
    run: Callable[[], object]
    keys: tuple[str, ...] = ()
    menu: str = ""
    tip: str = ""
    checkable: bool = False


class Actions(QObject):
    """The registry; a window owns one.

    Attributes:
        all: Actions by key, in order of registration.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.all: dict[str, QAction] = {}
        self._menus: dict[str, QMenu] = {}

    def add(self, spec: ActionSpec) -> QAction:
        """Register an action and put it in its menu.

        Raises:
            ValueError: The key or a shortcut is taken: a bug, found by the first test that opens
                the window.
        """
        taken = {k.toString() for a in self.all.values() for k in a.shortcuts()}
        if spec.key in self.all or taken & set(spec.keys):
            raise ValueError(f"{spec.key} or one of {spec.keys} is taken")
        action = QAction(spec.text, self._window)
        action.setObjectName(spec.key)
        action.setShortcuts([QKeySequence(key) for key in spec.keys])
        action.setCheckable(spec.checkable)
        if spec.tip:
            action.setToolTip(spec.tip)
            action.setStatusTip(spec.tip)
        action.triggered.connect(lambda _checked=False, run=spec.run: self._do(run))
        self._window.addAction(action)
        self.all[spec.key] = action
        if spec.menu:
            self._menu(spec.menu).addAction(action)
        return action

    def _do(self, run: Callable[[], object]) -> None:
        """Take in what is being typed, then act on it."""
        widget: QWidget | None = self._window.focusWidget()
        while widget is not None and not isinstance(widget, NumberField):
            widget = widget.parentWidget()
        if widget is not None:
            widget.commit()
        run()

    def separator(self, menu: str) -> None:
        """Draw a line in a menu."""
        self._menu(menu).addSeparator()

    def _menu(self, title: str) -> QMenu:
        if title not in self._menus:
            self._menus[title] = self._window.menuBar().addMenu(title)
        return self._menus[title]
