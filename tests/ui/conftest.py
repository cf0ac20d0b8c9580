"""The real window over a workspace of the test's own."""

import pytest
from PySide6.QtWidgets import QApplication

from fineview.app import build, start


@pytest.fixture
def make_window(qtbot, qapp, locations):
    """Return a function that opens the whole program; everything is closed in the end."""
    opened = []

    def make(wait=True):
        application = build(qapp, locations)
        opened.append(application)
        start(application)
        window = application.window
        if wait:
            qtbot.waitUntil(lambda: "training" in window.panels, timeout=20_000)
            qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)
        return window

    yield make
    for application in opened:
        assert application.close(), "a job ignored Stop"
        application.window.deleteLater()
    QApplication.sendPostedEvents()
    for widget in QApplication.topLevelWidgets():
        widget.close()
