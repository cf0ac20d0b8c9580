"""Contrast, fonts, icons, and that widgets follow the theme."""

import itertools

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from fineview.resources import resources_dir
from fineview.ui.theme import (
    CATEGORY_COLOURS,
    DARK,
    LIGHT,
    Theme,
    category_colour,
    contrast,
    fixed_font,
    font_for,
    icon,
    ink_on,
    make_primary,
    mix,
    painted_in,
    set_icon,
    spacing,
    text_scale,
    theme_colours,
    use_font,
)

GROUNDS = ("window", "surface", "raised")
TEXTS = ("text", "muted", "accent", "frozen", "trained", "new", "good", "warning", "bad")
LINES = ("strong_line", "train_curve", "validation_curve")
ICONS = sorted(path.stem for path in (resources_dir() / "icons").glob("*.svg"))


@pytest.fixture
def theme(qapp):
    made = Theme(qapp)
    yield made
    made.set_mode("system")
    made.set_text_scale(1.0)
    made.deleteLater()


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
def test_texts_and_lines_stand_out_from_every_ground(colours, ground):
    behind = getattr(colours, ground)
    for role in TEXTS:
        assert contrast(getattr(colours, role), behind) >= 4.5, role
    for role in LINES:
        assert contrast(getattr(colours, role), behind) >= 3, role
    # The hairline between zones is decoration: it has to be there, no more.
    assert 1.1 <= contrast(colours.line, behind) < 3


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_on_the_primary_button_is_legible(colours):
    assert contrast(colours.on_accent, colours.accent) >= 4.5


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_category_colours_stand_out_and_differ(theme, mode):
    theme.set_mode(mode)
    colours = [category_colour(i) for i in range(len(CATEGORY_COLOURS))]
    assert all(contrast(c, theme.colours.surface) >= 3 for c in colours)
    assert len(set(colours)) == len(CATEGORY_COLOURS)
    assert category_colour(0) == category_colour(len(CATEGORY_COLOURS))


def test_ink_on_any_ground_is_legible():
    for red, green, blue in itertools.product(range(0, 256, 51), repeat=3):
        ground = mix(f"#{red:02x}{green:02x}{blue:02x}", "#000000", 0)
        assert contrast(ink_on(ground), ground.name()) >= 4.5


def test_mode_reaches_palette_and_widgets(theme, qapp, qtbot):
    with qtbot.waitSignal(theme.changed):
        theme.set_mode("dark")
    assert theme_colours() is DARK
    assert qapp.palette().window().color().name().upper() == DARK.window
    with qtbot.waitSignal(theme.changed):
        theme.set_mode("light")
    assert theme_colours() is LIGHT
    with qtbot.assertNotEmitted(theme.changed):
        theme.set_mode("light")
    with pytest.raises(ValueError, match="purple"):
        theme.set_mode("purple")


def test_system_mode_follows_the_system(theme, qapp, qtbot):
    with qtbot.waitSignal(theme.changed):
        qapp.styleHints().colorSchemeChanged.emit(qapp.styleHints().colorScheme())
    theme.set_mode("dark")
    with qtbot.assertNotEmitted(theme.changed):
        qapp.styleHints().colorSchemeChanged.emit(qapp.styleHints().colorScheme())


def test_text_scale_moves_fonts_and_distances_and_has_bounds(theme, qtbot):
    label = QLabel("x")
    qtbot.addWidget(label)
    use_font(label, "title")
    size, gap = label.font().pointSizeF(), spacing(3)
    theme.set_text_scale(1.6)
    assert label.font().pointSizeF() == pytest.approx(size * 1.6, rel=0.01)
    assert spacing(3) > gap
    assert text_scale() == 1.6
    theme.set_text_scale(9)
    assert theme.text_scale == 2.0
    theme.set_text_scale(0.1)
    assert theme.text_scale == 0.7


def test_a_second_theme_begins_with_the_size_of_the_system(theme, qapp):
    size = qapp.font().pointSizeF()
    theme.set_text_scale(2.0)
    second = Theme(qapp)
    assert qapp.font().pointSizeF() == pytest.approx(size)
    second.deleteLater()


def test_roles_of_fonts(theme):
    body = font_for("body").pointSizeF()
    assert font_for("small").pointSizeF() == pytest.approx(body * 0.9)
    assert font_for("title").pointSizeF() == pytest.approx(body * 1.25)
    assert fixed_font().pointSizeF() == pytest.approx(body)
    assert spacing(0) == 0
    assert spacing(0.1) >= 1


def pixel(shown: QIcon, mode=QIcon.Mode.Normal) -> str:
    """The strongest colour of an icon."""
    image = shown.pixmap(QSize(32, 32), mode=mode).toImage()
    points = itertools.product(range(image.width()), range(image.height()))
    best = max((image.pixelColor(x, y) for x, y in points), key=lambda c: c.alpha())
    return best.name().upper()


@pytest.mark.parametrize("name", ICONS)
def test_every_icon_is_drawn_in_the_text_colour(theme, name):
    theme.set_mode("dark")
    assert pixel(icon(name)) == DARK.text
    assert pixel(icon(name), QIcon.Mode.Disabled) != DARK.text


def test_the_icons_asked_for_are_there():
    wanted = "features train runs play pause step stop theme search trash reopen resume export help"
    assert {*wanted.split(), "folder"} <= set(ICONS)
    with pytest.raises(FileNotFoundError):
        icon("unicorn")


def test_icons_of_buttons_and_actions_follow_the_theme(theme, qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    button, primary, action = QPushButton(window), QPushButton(window), QAction("Train", window)
    set_icon(primary, "play")
    make_primary(primary)
    theme.set_mode("light")
    set_icon(button, "play")
    set_icon(action, "play")
    assert pixel(button.icon()) == pixel(action.icon()) == LIGHT.text
    theme.set_mode("dark")
    assert pixel(button.icon()) == pixel(action.icon()) == DARK.text
    assert pixel(primary.icon()) == DARK.on_accent


def test_painting_in_another_theme_is_undone(theme, qtbot):
    widget = QLabel()
    qtbot.addWidget(widget)
    theme.set_mode("dark")
    with painted_in(LIGHT, [widget]):
        assert theme_colours() is LIGHT
        assert widget.palette().window().color().name().upper() == LIGHT.window
    assert theme_colours() is DARK
    assert widget.palette().window().color().name().upper() == DARK.window
