"""What Qt's own widgets are told of our colours."""

from PySide6.QtGui import QColor, QPalette

from fineview.ui.colours import Colours, mix

OUTLINED = (
    "QLineEdit",
    "QPushButton",
    "QCheckBox",
    "QRadioButton",
    "QComboBox",
    "QAbstractSpinBox",
    "QProgressBar",
    "QSlider",
    "QTableView",
)
"""Controls whose outline Fusion derives from the window's colour, see `Theme`."""


def palette_of(colours: Colours) -> QPalette:
    """Return the Qt palette of a theme."""
    role = QPalette.ColorRole
    palette = QPalette(QColor(colours.raised), QColor(colours.window))
    every: dict[QPalette.ColorRole, str | QColor] = {
        role.Window: colours.window,
        role.WindowText: colours.text,
        role.Base: colours.surface,
        role.AlternateBase: mix(colours.surface, colours.window, 0.6),
        role.ToolTipBase: colours.raised,
        role.ToolTipText: colours.text,
        role.PlaceholderText: colours.muted,
        role.Text: colours.text,
        role.Button: colours.raised,
        role.ButtonText: colours.text,
        role.BrightText: colours.bad,
        role.Link: colours.accent,
        role.LinkVisited: colours.new,
        role.Highlight: colours.accent,
        role.HighlightedText: colours.on_accent,
        role.Accent: colours.accent,
        role.Light: mix(colours.raised, "#FFFFFF", 0.06 if colours.dark else 1.0),
        role.Midlight: colours.line,
        role.Mid: colours.strong_line,
        role.Dark: mix(colours.strong_line, colours.window, 0.35),
        role.Shadow: mix(colours.window, "#000000", 0.6 if colours.dark else 0.35),
    }
    for key, colour in every.items():
        palette.setColor(QPalette.ColorGroup.All, key, QColor(colour))
    faint = mix(colours.text, colours.window, 0.55)
    for key in (role.WindowText, role.Text, role.ButtonText, role.PlaceholderText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, faint)
    quiet = mix(colours.accent, colours.window, 0.6)
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, quiet)
    return palette


def style_sheet(colours: Colours) -> str:
    """Return the few lines that a palette cannot say: primary buttons and tooltips."""
    hover = mix(colours.accent, colours.text, 0.15).name()
    off = mix(colours.window, colours.text, 0.12).name()
    off_text = mix(colours.text, colours.window, 0.5).name()
    return f"""
    QPushButton[primary="true"] {{ background: {colours.accent}; color: {colours.on_accent};
        border: 2px solid {colours.accent}; border-radius: 4px; padding: 0.25em 1.1em;
        font-weight: 600; }}
    QPushButton[primary="true"]:hover, QPushButton[primary="true"]:pressed
        {{ background: {hover}; border-color: {hover}; }}
    QPushButton[primary="true"]:focus {{ border-color: {colours.text}; }}
    QPushButton[primary="true"]:disabled
        {{ background: {off}; color: {off_text}; border-color: {off}; }}
    QToolTip {{ background: {colours.raised}; color: {colours.text};
        border: 1px solid {colours.strong_line}; padding: 0.3em 0.4em; }}
    """
