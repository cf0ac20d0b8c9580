"""What can be checked before Qt aborts the process: each failure is one sentence."""

import ctypes
import os
import sys
from importlib.metadata import PackageNotFoundError, version

_LIBRARIES = {
    # file: (Debian and Ubuntu, Fedora)
    "libEGL.so.1": ("libegl1", "libglvnd-egl"),
    "libGL.so.1": ("libgl1", "libglvnd-glx"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon"),
}
_XCB_LIBRARIES = {
    "libxcb-cursor.so.0": ("libxcb-cursor0", "xcb-util-cursor"),
    "libxcb-icccm.so.4": ("libxcb-icccm4", "xcb-util-wm"),
    "libxcb-image.so.0": ("libxcb-image0", "xcb-util-image"),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1", "xcb-util-keysyms"),
    "libxcb-render-util.so.0": ("libxcb-render-util0", "xcb-util-renderutil"),
    "libxcb-xkb.so.1": ("libxcb-xkb1", "libxcb"),
    "libxcb-shape.so.0": ("libxcb-shape0", "libxcb"),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0", "libxkbcommon-x11"),
}
HEADLESS = {"offscreen", "minimal", "vnc"}


def python_problem() -> str | None:
    """Say whether this Python is one that fineview and its packages run on."""
    if (3, 11) <= sys.version_info < (3, 14):
        return None
    return (
        f"fineview runs on Python 3.11 to 3.13, and this is {sys.version.split()[0]}: "
        "make the virtual environment with one of those."
    )


def qt_problem() -> str | None:
    """Say whether the installed PySide6 is one of those that corrupt memory."""
    try:
        found = version("PySide6-Essentials")
    except PackageNotFoundError:
        return "PySide6-Essentials is not installed: run `pip install fineview` again."
    parts = tuple(int(part) for part in found.split(".")[:3] if part.isdigit())
    if (6, 9) <= parts < (6, 12) and parts != (6, 10, 1):
        return None
    return (
        f"PySide6-Essentials {found} crashes or is too old for fineview: run "
        '`pip install "PySide6-Essentials>=6.9,<6.12,!=6.10.1"`.'
    )


def display_problem() -> str | None:
    """Say why no window can be shown here, before Qt would abort the process."""
    if not sys.platform.startswith("linux"):
        return None
    platform = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0]
    libraries = dict(_LIBRARIES)
    if platform not in HEADLESS:
        wayland = bool(os.environ.get("WAYLAND_DISPLAY"))
        if not wayland and not os.environ.get("DISPLAY"):
            return (
                "There is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set): "
                "`fineview tour --out DIR` needs none, and `fineview run SPEC` trains without one."
            )
        if not wayland:
            libraries |= _XCB_LIBRARIES
    missing = [name for name in libraries if not _loads(name)]
    if not missing:
        return None
    debian = " ".join(libraries[name][0] for name in missing)
    fedora = " ".join(libraries[name][1] for name in missing)
    return (
        f"Qt needs {', '.join(missing)}, not found here: run `apt install {debian}` (Debian, "
        f"Ubuntu) or `dnf install {fedora}` (Fedora)."
    )


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)  # Qt loads it a moment later anyhow
    except OSError:
        return False
    return True


def problem(window: bool = True) -> str | None:
    """Return the first problem as one sentence, or None.

    Args:
        window: Whether a window is wanted.
    """
    return python_problem() or (qt_problem() or display_problem() if window else None)
