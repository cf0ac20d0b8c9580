"""The colours of UI.md by what they mean, and the arithmetic of contrast."""

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtGui import QColor

CATEGORY_COLOURS: tuple[str, ...] = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
    "#999999",
)
"""Okabe & Ito's colour-blind safe set; its black is grey here, for black is text. Draw with
`category_colour`, which sees to contrast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """The colours of one theme, by what they mean.

    Attributes:
        dark: Whether light text stands on a dark ground.
        window: Ground of the window.
        surface: Ground of fields, tables and plots.
        raised: Ground of what floats: menus, tooltips, buttons.
        line: Hairline between zones; decoration, nothing is told by it alone.
        strong_line: Outline of controls and axes, >= 3:1 on every ground.
        text: Body text.
        muted: Secondary text, still >= 4.5:1.
        accent: Focus, selection, the primary button.
        on_accent: Text on `accent`.
        frozen: Weights that stay as they were pretrained.
        trained: Weights that move or have moved.
        new: Weights that start from random numbers; drawn as a dashed outline.
        train_curve: Measured on the training split, solid.
        validation_curve: Measured on the validation split, dashed.
        good: Success; like the next two always with a sign or a word.
        warning: Works, but look.
        bad: Failed.
    """

    dark: bool
    window: str
    surface: str
    raised: str
    line: str
    strong_line: str
    text: str
    muted: str
    accent: str
    on_accent: str
    frozen: str
    trained: str
    new: str
    train_curve: str
    validation_curve: str
    good: str
    warning: str
    bad: str


# `strong_line` is darker (lighter in DARK) than UI.md's #B9BAB5 (#4A5058): outlines of controls
# need 3:1 on window, surface and raised. `line` stays a hairline, which carries no meaning.
# `frozen` in LIGHT is a shade below #2B7A9B, and so is `warning` (#9A6700):
# both can be text on the window, 4.5:1.
LIGHT = Colours(
    dark=False,
    window="#F6F6F4",
    surface="#FFFFFF",
    raised="#FFFFFF",
    line="#E0E0DC",
    strong_line="#8E8F8A",
    text="#1D1F22",
    muted="#5F646B",
    accent="#2A63D4",
    on_accent="#FFFFFF",
    frozen="#2A799A",
    trained="#B04E0A",
    new="#7A4FBF",
    train_curve="#B04E0A",
    validation_curve="#2E7D4F",
    good="#2E7D4F",
    warning="#996600",
    bad="#B42318",
)
DARK = Colours(
    dark=True,
    window="#1B1D20",
    surface="#222529",
    raised="#2A2E33",
    line="#33383E",
    strong_line="#767D86",
    text="#E8EAED",
    muted="#A3A9B1",
    accent="#7AA7FF",
    on_accent="#14161A",
    frozen="#6FC0DE",
    trained="#F59E57",
    new="#B794F6",
    train_curve="#F59E57",
    validation_curve="#6CC58F",
    good="#6CC58F",
    warning="#E3B341",
    bad="#F47067",
)


def _channels(colour: str) -> tuple[float, float, float]:
    parsed = QColor(colour)
    return parsed.redF(), parsed.greenF(), parsed.blueF()


def luminance(colour: str) -> float:
    """Return the relative luminance of an opaque colour, 0 … 1.

    Source:
        WCAG 2.2, "relative luminance".
    """
    channels = _channels(colour)
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two opaque colours, 1 … 21 (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mix(one: str, other: str, share: float) -> QColor:
    """Return `one` with `share` in 0 … 1 of `other` in it."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return QColor.fromRgbF(*(a + (b - a) * share for a, b in pairs))


def translucent(colour: str, alpha: float) -> QColor:
    """Return a colour with an opacity in 0 … 1."""
    result = QColor(colour)
    result.setAlphaF(alpha)
    return result


@lru_cache(maxsize=256)
def legible(colour: str, ground: str, text: str) -> str:
    """Return a colour, moved towards `text` until it has 3:1 on `ground`."""
    for share in range(0, 100, 5):
        nudged = mix(colour, text, share / 100).name()
        if contrast(nudged, ground) >= 3:
            return nudged
    return text


def ink_on(ground: QColor) -> str:
    """Return black or white, whichever reads better on a ground."""
    name = ground.name()
    return "#FFFFFF" if contrast("#FFFFFF", name) >= contrast("#000000", name) else "#000000"
