"""The real window over a workspace of the test's own."""

import gc
from itertools import count

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid

from fineview.app import build, start
from fineview.ui.theme import Theme

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


def delete_now(*objects):
    """Let Qt destroy these and all that wait for it: no event loop runs that would."""
    for one in objects:
        one.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(autouse=True)
def no_theme_stays(qapp):
    """Take away the themes of a test: each would restyle every widget of the tests to come."""
    yield
    delete_now(*qapp.findChildren(Theme))


@pytest.fixture(scope="session")
def opened_words():
    """Word vectors that a window of the session has opened, for the windows after it.

    Opening them takes 2 s, and tests change nothing in a table; that a laboratory opens them by
    itself, each first window of a session shows.
    """
    return {}


@pytest.fixture
def make_window(qtbot, qapp, locations, opened_words):
    """Return a function that opens the whole program; everything is closed in the end."""
    opened = []

    def make(wait=True):
        application = build(qapp, locations)
        opened.append(application)
        application.window.lab._dictionary = opened_words.get("glove-50d")
        start(application)
        window = application.window
        if wait:
            qtbot.waitUntil(lambda: "training" in window.panels, timeout=20_000)
            qtbot.waitUntil(lambda: not window.runner.jobs, timeout=60_000)
        return window

    yield make
    for application in opened:
        if not isValid(application.window):  # a test has closed and destroyed it
            application.guard.release()
            continue
        words = application.window.lab._dictionary
        if words is not None and words[0] == "glove-50d":
            opened_words.setdefault(words[0], words)
        assert application.close(), "a job ignored Stop"
        delete_now(application.window)
    for widget in QApplication.topLevelWidgets():
        widget.close()
