"""Colours, fonts, distances and icons: everything that makes two widgets look related.

Widgets ask for a colour when they paint (`theme_colours`) and for a font through `use_font`, so a
change of theme or text size reaches all of them without a list of who is alive.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Literal, get_args

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QAction,
    QColor,
    QFont,
    QFontDatabase,
    QFontMetricsF,
    QIcon,
    QPainter,
    QPalette,
    QPixmap,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication, QPushButton, QWidget

from fineview.resources import resource
from fineview.ui.colours import (
    CATEGORY_COLOURS,
    DARK,
    LIGHT,
    Colours,
    contrast,
    ink_on,
    legible,
    mix,
    translucent,
)
from fineview.ui.palette import OUTLINED, palette_of, style_sheet

__all__ = [
    "CATEGORY_COLOURS",
    "DARK",
    "LIGHT",
    "Colours",
    "FontRole",
    "Mode",
    "Theme",
    "category_colour",
    "contrast",
    "fixed_font",
    "font_for",
    "icon",
    "ink_on",
    "is_exporting",
    "legible",
    "make_primary",
    "mix",
    "painted_in",
    "palette_of",
    "pixel_ratio",
    "set_icon",
    "spacing",
    "text_scale",
    "theme_colours",
    "translucent",
    "use_font",
]

Mode = Literal["system", "light", "dark"]
FontRole = Literal["body", "small", "title", "fixed", "fixed-small"]

SMALLEST_SCALE, LARGEST_SCALE = 0.7, 2.0
FONT_SCALES: dict[FontRole, float] = {
    "body": 1.0,
    "small": 0.9,
    "title": 1.25,
    "fixed": 1.0,
    "fixed-small": 0.9,
}
_COLOURS_PROPERTY = "fineviewColours"
_SCALE_PROPERTY = "fineviewTextScale"
_BASE_FONT_PROPERTY = "fineviewBaseFont"
_FONT_PROPERTY = "fineviewFontRole"
_ICON_PROPERTY = "fineviewIcon"
_ICON_SIZES = (16, 20, 24, 32, 40, 48, 64, 96)
_borrowed: list[tuple[Colours, float]] = []


def theme_colours() -> Colours:
    """Return the colours to paint with now; LIGHT where no Theme was made."""
    if _borrowed:
        return _borrowed[-1][0]
    app = QApplication.instance()
    return DARK if app is not None and app.property(_COLOURS_PROPERTY) == "dark" else LIGHT


def pixel_ratio() -> float:
    """Return how many pixels of the screen, or of a picture being exported, make one of ours.

    Pens that ignore the scale of a plot's axes ignore this scale too and must be told.
    """
    if _borrowed:
        return _borrowed[-1][1]
    app = QApplication.instance()
    return app.devicePixelRatio() if isinstance(app, QApplication) else 1.0


def is_exporting() -> bool:
    """Return whether a figure is being drawn for a file, where looks matter more than time."""
    return bool(_borrowed)


def category_colour(index: int) -> str:
    """Return the colour of a category or run on the current theme, >= 3:1 on its surface.

    From the ninth on the colours come round again: add a marker or a dash (`index // 8`).
    """
    colours = theme_colours()
    return legible(CATEGORY_COLOURS[index % len(CATEGORY_COLOURS)], colours.surface, colours.text)


def font_for(role: FontRole) -> QFont:
    """Return the font of a role at the current text size."""
    base = QApplication.font()
    font = QFont(base)
    if role.startswith("fixed"):
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        _resize(font, base, 1.0)
    _resize(font, base, FONT_SCALES[role])
    return font


def fixed_font() -> QFont:
    """Return the system's font for digits and tokens, as large as the body text."""
    return font_for("fixed")


def use_font(widget: QWidget, role: FontRole) -> None:
    """Give a widget the font of a role, for as long as it lives, whatever the text size."""
    widget.setProperty(_FONT_PROPERTY, role)
    widget.setFont(font_for(role))


def spacing(steps: float = 1) -> int:
    """Return a distance of so many steps of the 4 px grid, scaled with the text."""
    # 14 px is the height of a 9 pt font at 96 dpi, for which the grid was drawn.
    unit = QFontMetricsF(QApplication.font()).height() / 14 * 4
    return max(round(max(unit, 2.5) * steps), 1) if steps else 0


def text_scale() -> float:
    """Return the factor on the system's text size."""
    app = QApplication.instance()
    scale = app.property(_SCALE_PROPERTY) if app is not None else None
    return float(scale) if scale else 1.0


def icon(name: str) -> QIcon:
    """Return an icon of resources/icons in the current text colour.

    The icon does not follow a later change of theme: give it with `set_icon` for that.

    Raises:
        FileNotFoundError: There is no such icon.
    """
    colours = theme_colours()
    return _icon(name, colours.text, mix(colours.text, colours.window, 0.6).name())


def set_icon(target: QAction | QAbstractButton, name: str) -> None:
    """Give an action or a button an icon that follows the theme."""
    target.setProperty(_ICON_PROPERTY, name)
    _renew_icon(target, name)


def make_primary(button: QPushButton) -> None:
    """Mark the one button of a panel that a newcomer should find."""
    button.setProperty("primary", True)
    name = button.property(_ICON_PROPERTY)
    if name:
        set_icon(button, name)


def _renew_icon(target: QAction | QAbstractButton, name: str) -> None:
    target.setIcon(_icon_for(target, name))
    if isinstance(target, QPushButton):  # beside a text, and as large
        side = round(target.fontMetrics().height() * 1.15)
        target.setIconSize(QSize(side, side))


def _icon_for(target: QObject, name: str) -> QIcon:
    """Return an icon in the colour of the text beside it."""
    if target.property("primary"):
        colours = theme_colours()
        return _icon(name, colours.on_accent, mix(colours.text, colours.window, 0.5).name())
    return icon(name)


@lru_cache(maxsize=256)
def _icon(name: str, colour: str, disabled: str) -> QIcon:
    drawing = resource("icons", f"{name}.svg").read_text("utf-8")
    result = QIcon()
    for mode, ink in ((QIcon.Mode.Normal, colour), (QIcon.Mode.Disabled, disabled)):
        renderer = QSvgRenderer(QByteArray(drawing.replace("currentColor", ink).encode()))
        for size in _ICON_SIZES:
            pixmap = QPixmap(QSize(size, size))
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            renderer.render(painter, QRectF(0, 0, size, size))
            painter.end()
            result.addPixmap(pixmap, mode)
    return result


def _resize(font: QFont, base: QFont, factor: float) -> None:
    if base.pointSizeF() > 0:
        font.setPointSizeF(base.pointSizeF() * factor)
    else:  # a system font given in pixels
        font.setPixelSize(max(round(base.pixelSize() * factor), 1))


@contextmanager
def painted_in(
    colours: Colours, widgets: Sequence[QWidget], *, ratio: float = 1.0
) -> Iterator[None]:
    """Paint some widgets in another theme and pixel ratio for a moment, to export on white.

    No event is processed in between, so the screen does not flicker.
    """
    _borrowed.append((colours, ratio))
    had = [(w, QPalette(w.palette()), w.testAttribute(_SET_PALETTE)) for w in widgets]
    try:
        for widget in widgets:
            widget.setPalette(palette_of(colours))
        yield
    finally:
        _borrowed.pop()
        for widget, palette, own in had:
            widget.setPalette(palette if own else QPalette())


_SET_PALETTE = Qt.WidgetAttribute.WA_SetPalette


class Theme(QObject):
    """Applies colours and text size to the application and follows the system.

    Attributes:
        mode: `system`, `light` or `dark`.
        colours: The colours in force.
        text_scale: Factor on the system's text size, 0.7 … 2.

    Signals:
        changed(): Colours or text size are other ones now; widgets have been told already.
    """

    changed = Signal()

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self._mode: Mode = "system"
        # A second theme in one process, as in tests, must not take a scaled font for the system's.
        known = app.property(_BASE_FONT_PROPERTY)
        self._base_font = QFont(known) if isinstance(known, QFont) else QFont(app.font())
        app.setProperty(_BASE_FONT_PROPERTY, self._base_font)
        self._scale = 1.0
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(self._on_scheme_changed)
        self._apply()

    @property
    def mode(self) -> Mode:
        """Return whether the theme is fixed or follows the system."""
        return self._mode

    @property
    def colours(self) -> Colours:
        """Return the colours in force."""
        return DARK if self._is_dark() else LIGHT

    @property
    def text_scale(self) -> float:
        """Return the factor on the system's text size."""
        return self._scale

    def set_mode(self, mode: Mode) -> None:
        """Fix the theme or let it follow the system."""
        if mode not in get_args(Mode):
            raise ValueError(f"Theme {mode!r} is not one of {', '.join(get_args(Mode))}.")
        if mode != self._mode:
            self._mode = mode
            # Tells the platform, so that title bars and file dialogs match.
            wanted = {
                "system": Qt.ColorScheme.Unknown,
                "light": Qt.ColorScheme.Light,
                "dark": Qt.ColorScheme.Dark,
            }[mode]
            self._app.styleHints().setColorScheme(wanted)
            self._apply()

    def set_text_scale(self, scale: float) -> None:
        """Set the text size as a factor on the system's; kept within 0.7 … 2."""
        scale = min(max(scale, SMALLEST_SCALE), LARGEST_SCALE)
        if scale != self._scale:
            self._scale = scale
            self._apply()

    def _is_dark(self) -> bool:
        if self._mode == "system":
            return self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self._mode == "dark"

    def _apply(self) -> None:
        colours = self.colours
        self._app.setProperty(_COLOURS_PROPERTY, "dark" if colours.dark else "light")
        self._app.setProperty(_SCALE_PROPERTY, self._scale)
        font = QFont(self._base_font)
        _resize(font, self._base_font, self._scale)
        self._app.setFont(font)
        palette = palette_of(colours)
        self._app.setPalette(palette)
        # Fusion derives outlines from the window's colour, a shade too faint for the eye (and for
        # 3:1, in dark most of all): controls are told of a window whose derivative is right.
        palette.setColor(QPalette.ColorRole.Window, QColor(colours.strong_line).lighter(140))
        for control in OUTLINED:
            self._app.setPalette(palette, control)  # type: ignore[arg-type]  # a str it is
        self._app.setStyleSheet(style_sheet(colours))
        self._refresh_widgets()
        self.changed.emit()

    def _refresh_widgets(self) -> None:
        """Renew what Qt does not propagate: fonts set by role, icons drawn in the text colour."""
        for widget in self._app.allWidgets():
            role = widget.property(_FONT_PROPERTY)
            if role:
                widget.setFont(font_for(role))
            name = widget.property(_ICON_PROPERTY)
            if name and isinstance(widget, QAbstractButton):
                _renew_icon(widget, name)
        for window in self._app.topLevelWidgets():
            for action in window.findChildren(QAction):
                name = action.property(_ICON_PROPERTY)
                if name:
                    _renew_icon(action, name)

    @Slot()
    def _on_scheme_changed(self) -> None:
        if self._mode == "system":
            self._apply()
