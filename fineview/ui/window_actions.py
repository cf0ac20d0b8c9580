"""The window's actions, menu by menu."""

from functools import partial
from typing import TYPE_CHECKING

from fineview.ui.actions import ActionSpec

if TYPE_CHECKING:
    from fineview.ui.main_window import MainWindow

_PANELS = (
    ("data", "&Data panel"),
    ("features", "&Features panel"),
    ("training", "&Train panel"),
    ("analogies", "&Analogies panel"),
    ("prompts", "&Prompts panel"),
    ("runs", "&Runs panel"),
)


def register(window: "MainWindow") -> None:
    """Register every action of the window; menus stand in this order."""
    for spec in (*_file(window), *_edit(window), *_view(window), *_run(window), *_help(window)):
        window.registry.add(spec)
    undo = window.session.undo_stack
    undo.canUndoChanged.connect(window.registry.all["undo"].setEnabled)
    undo.canRedoChanged.connect(window.registry.all["redo"].setEnabled)
    undo.undoTextChanged.connect(window.name_undo)
    undo.redoTextChanged.connect(window.name_redo)
    window.registry.all["undo"].setEnabled(False)
    window.registry.all["redo"].setEnabled(False)


def _file(window: "MainWindow") -> tuple[ActionSpec, ...]:
    return (
        ActionSpec(
            key="open_data",
            text="&Open data…",
            run=window.open_data,
            keys=("Ctrl+O",),
            menu="&File",
            tip="Open labelled texts: CSV, TSV, JSONL, Parquet, CoNLL, XLSX.",
        ),
        ActionSpec(
            key="paste_data",
            text="&Paste a table",
            run=window.paste_data,
            keys=("Ctrl+Shift+V",),
            menu="&File",
            tip="Open the table on the clipboard, as copied from a spreadsheet.",
        ),
        ActionSpec(
            key="catalogue",
            text="&Models and data to fetch",
            run=partial(window.show_data, "catalogue"),
            menu="&File",
            tip="What can be fetched, with size and licence, and what is stored.",
        ),
        ActionSpec(
            key="open_run_folder",
            text="Open the &run's folder",
            run=window.open_run_folder,
            menu="&File",
            tip="Show the files of the run on display.",
        ),
        ActionSpec(
            key="open_workspace",
            text="Open &workspace folder",
            run=window.open_workspace,
            menu="&File",
            tip="Show the folder that holds the runs.",
        ),
        ActionSpec(
            key="clear_features",
            text="&Empty the feature store",
            run=window.clear_features,
            menu="&File",
            tip="Free the disk space of hidden states; they are computed again when needed.",
        ),
        ActionSpec(
            key="quit",
            text="&Quit",
            run=window.close,
            keys=("Ctrl+Q",),
            menu="&File",
            tip="Close the window; a run in flight is kept and can go on.",
        ),
    )


def _edit(window: "MainWindow") -> tuple[ActionSpec, ...]:
    stack = window.session.undo_stack
    return (
        ActionSpec(key="undo", text="&Undo", run=stack.undo, keys=("Ctrl+Z",), menu="&Edit"),
        ActionSpec(
            key="redo", text="&Redo", run=stack.redo, keys=("Ctrl+Shift+Z", "Ctrl+Y"), menu="&Edit"
        ),
    )


def _view(window: "MainWindow") -> tuple[ActionSpec, ...]:
    panels = tuple(
        ActionSpec(
            key=f"panel_{key}",
            text=text,
            run=partial(window.show_panel, key),
            keys=(f"Ctrl+{number}",),
            menu="&View",
            tip=f"Show the {text.replace('&', '')}.",
        )
        for number, (key, text) in enumerate(_PANELS, 1)
    )
    themes = tuple(
        ActionSpec(
            key=f"theme_{mode}",
            text=text,
            run=partial(window.session.view, theme=mode),
            menu="&View",
        )
        for mode, text in (
            ("system", "Colours as the &system"),
            ("light", "&Light colours"),
            ("dark", "&Dark colours"),
        )
    )
    return (
        *panels,
        *themes,
        ActionSpec(
            key="text_larger",
            text="&Larger text",
            run=lambda: window.set_text_scale(1.1),
            keys=("Ctrl++", "Ctrl+="),
            menu="&View",
        ),
        ActionSpec(
            key="text_smaller",
            text="&Smaller text",
            run=lambda: window.set_text_scale(1 / 1.1),
            keys=("Ctrl+-",),
            menu="&View",
        ),
        ActionSpec(
            key="text_normal",
            text="&Normal text",
            run=lambda: window.set_text_scale(0),
            keys=("Ctrl+0",),
            menu="&View",
        ),
        ActionSpec(
            key="palette",
            text="Find an &action…",
            run=window.show_palette,
            keys=("Ctrl+Shift+P",),
            menu="&View",
        ),
    )


def _run(window: "MainWindow") -> tuple[ActionSpec, ...]:
    return (
        ActionSpec(
            key="train",
            text="&Train",
            run=window.train,
            keys=("Ctrl+Return", "Ctrl+Enter"),
            menu="&Run",
            tip="Train a head with the settings of the training panel.",
        ),
        ActionSpec(
            key="pause",
            text="&Pause or go on",
            run=window.on_training("pause"),
            keys=("Space",),
            menu="&Run",
            tip="Hold the run in flight after this batch, or let it go on.",
        ),
        ActionSpec(
            key="step",
            text="One &step",
            run=window.on_training("step"),
            keys=("Ctrl+.",),
            menu="&Run",
            tip="Train one batch, then hold.",
        ),
        ActionSpec(
            key="stop",
            text="&Stop",
            run=window.stop,
            keys=("Esc",),
            menu="&Run",
            tip="Stop what is in flight; a run is kept and can go on.",
        ),
        ActionSpec(
            key="label_file",
            text="&Label a file…",
            run=window.label_shown_file,
            menu="&Run",
            tip="Let the head of the run on display label a file of texts.",
        ),
    )


def _help(window: "MainWindow") -> tuple[ActionSpec, ...]:
    return (
        ActionSpec(
            key="about",
            text="&About fineview",
            run=window.about,
            menu="&Help",
            tip="Version, packages, licences, folders.",
        ),
        ActionSpec(
            key="offline",
            text="What is &offline",
            run=partial(window.about, "offline"),
            menu="&Help",
            tip="When fineview uses a network, and when not.",
        ),
        ActionSpec(
            key="open_log",
            text="Open the &log",
            run=window.open_log,
            menu="&Help",
            tip="Show what fineview wrote down while it ran.",
        ),
        ActionSpec(
            key="reset_settings",
            text="&Reset settings…",
            run=window.reset_settings,
            menu="&Help",
            tip="Put every setting back; tasks and runs stay.",
        ),
    )
