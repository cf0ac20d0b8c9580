"""The real window over a workspace of the test's own."""

import gc
from itertools import count

import pytest
from PySide6.QtWidgets import QApplication

from fineview.app import build, start

_tests = count(1)
_OLD_EVERY = 20


@pytest.fixture(autouse=True)
def collected_between_tests():
    """Keep Python's collector from working within a test, as it does not in the program.

    PySide turns a list of widgets into Python's one by one; a collection in between may destroy
    one that is still to come (a closed window of a test before), and the process dies.
    """
    gc.disable()
    yield
    gc.collect(1 if next(_tests) % _OLD_EVERY else 2)
    gc.enable()


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
