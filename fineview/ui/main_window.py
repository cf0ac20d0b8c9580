"""The window: rail, bars, panels, job strip, status bar. It connects panel to panel."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QUrl, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from fineview.core.errors import FineviewError
from fineview.core.laboratory import Laboratory
from fineview.core.runs.spec import RunSpec
from fineview.preflight import HEADLESS
from fineview.ui.actions import Actions
from fineview.ui.context import Context
from fineview.ui.file_drop import FileDrop, local_paths
from fineview.ui.job_watch import JobWatch
from fineview.ui.rail import Rail
from fineview.ui.run_rows import RunList
from fineview.ui.session import UNDONE, Session, SessionState
from fineview.ui.status_bar import StatusBar
from fineview.ui.task_choice import spec_for
from fineview.ui.theme import Theme
from fineview.ui.top_bar import TopBar
from fineview.ui.widgets.command_palette import CommandPalette
from fineview.ui.widgets.job_strip import JobStrip
from fineview.ui.widgets.panel_area import PanelArea
from fineview.ui.window_actions import register
from fineview.work.heartbeat import Heartbeat
from fineview.work.jobs import JobRunner, Lane

if TYPE_CHECKING:
    from fineview.core.training.events import LayerWeights
    from fineview.ui.panels.data import DataPanel
    from fineview.ui.panels.features import FeaturesPanel
    from fineview.ui.panels.training import TrainingPanel

PANELS = (
    ("data", "Data"),
    ("features", "Features"),
    ("training", "Train"),
    ("analogies", "Analogies"),
    ("prompts", "Prompts"),
    ("runs", "Runs"),
)


class MainWindow(QMainWindow):
    """The one window.

    Attributes:
        session: What the user has chosen.
        runner: The lanes.
        lab: Models, tasks, features, runs.
        context: Figures of the session's task and encoder.
        runs: The workspace's runs.
        actions: Every action.
        heartbeat: How long the window did not answer.
        warm_up_worst_ms: The longest stall while libraries were loaded.

    Signals:
        warmed_up(): Everything the first run needs is loaded.
        panel_built(str): A panel was shown for the first time.
    """

    warmed_up = Signal()
    panel_built = Signal(str)

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.session = session
        self.runner = runner
        self.lab = lab
        self.theme = theme
        self.context = Context(session, runner, lab, self)
        self.runs = RunList(lab, self)
        self.heartbeat = Heartbeat(self)
        self.rail = Rail(PANELS)
        self.status = StatusBar(self.heartbeat, runner)
        self.panels: dict[str, QWidget] = {}
        self.warm_up_worst_ms = 0.0
        self._closing = False
        self._to_open: list[Path] = []
        self.setWindowTitle("fineview")
        self.setObjectName("main")
        self._fit_screen()
        self.registry = Actions(self)
        self._stack = QStackedWidget()
        self.top_bar = TopBar(session, lab, self.context)
        self.job_strip = JobStrip()
        self.job_watch = JobWatch(runner, self.job_strip, self)
        self._lay_out()
        self.file_drop = FileDrop(self, self.open_paths)
        register(self)
        self.palette_box = CommandPalette(lambda: list(self.registry.all.values()), self)
        self._connect()
        self._apply_view(session.state)

    # Layout

    def _lay_out(self) -> None:
        centre = QWidget()
        across = QHBoxLayout(centre)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(0)
        across.addWidget(self.rail)
        main = QVBoxLayout()
        main.setSpacing(0)
        main.addWidget(self.top_bar)
        main.addWidget(self._stack, 1)
        main.addWidget(self.job_strip)
        across.addLayout(main, 1)
        self.setCentralWidget(centre)
        self.setStatusBar(self.status)

    def _fit_screen(self) -> None:
        room = self.screen().availableGeometry()
        wide, high = 1280, 800
        if QGuiApplication.platformName() not in HEADLESS:
            frame = 2 * self.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)
            wide, high = min(wide, room.width()), min(high, room.height() - frame)
        self.resize(wide, high)

    def _connect(self) -> None:
        bar = self.top_bar
        bar.search_wanted.connect(self.show_palette)
        bar.task_chosen.connect(self.choose_task)
        bar.encoder_chosen.connect(self.choose_encoder)
        bar.folder_wanted.connect(self.choose_folder)
        bar.open_wanted.connect(self.open_data)
        bar.catalogue_wanted.connect(partial(self.show_data, "catalogue"))
        self.session.changed.connect(self._on_session)
        self.context.failed.connect(lambda text: self.job_strip.clear(text, "bad"))
        self.runs.failed.connect(lambda text: self.job_strip.clear(text, "bad"))
        self.runs.moved_to_trash.connect(self._on_trashed)
        self.job_strip.stop_pressed.connect(self.stop)
        self.rail.chosen.connect(self.show_panel)

    # Panels

    def panel(self, key: str) -> QWidget:
        """Return a panel, built when first asked for (pyqtgraph is loaded with it)."""
        if key not in self.panels:
            widget = self._build(key)
            self.panels[key] = widget
            # Where the window is small or the text large, a panel scrolls; the job strip and the
            # status bar below it stay in sight.
            self._stack.addWidget(PanelArea(widget))
            self.file_drop.leave_alone(widget)
            self.panel_built.emit(key)
        return self.panels[key]

    def _build(self, key: str) -> QWidget:
        common = (self.session, self.runner, self.lab, self.context, self.runs)
        if key == "training":
            from fineview.ui.panels.training import TrainingPanel

            training = TrainingPanel(*common)
            training.layers_wanted.connect(lambda: self.show_panel("features"))
            training.features_ready.connect(self.status.show_features)
            training.layers_weighed.connect(self._show_layer_weights)
            return training
        if key == "features":
            from fineview.ui.panels.features import FeaturesPanel

            features = FeaturesPanel(*common)
            features.train_wanted.connect(self.train)
            if "training" in self.panels:
                features.choices.show_weights(self._training().layer_weights)
            return features
        if key == "data":
            from fineview.ui.panels.data import DataPanel

            data = DataPanel(*common[:4])
            data.task_wanted.connect(self.choose_task)
            data.encoder_wanted.connect(self.choose_encoder)
            data.task_removed.connect(self._on_task_removed)
            data.task.tried.connect(partial(self.show_panel, "training"))
            return data
        if key == "analogies":
            from fineview.ui.panels.analogies import AnalogiesPanel

            return AnalogiesPanel(self.session, self.runner, self.lab, self.context)
        if key == "prompts":
            from fineview.ui.panels.prompts import PromptsPanel

            return PromptsPanel(self.session, self.runner, self.lab, self.context)
        from fineview.ui.panels.runs import RunsPanel

        runs = RunsPanel(self.session, self.runs, self.lab.locations.workspace)
        runs.open_wanted.connect(self._open_run)
        runs.resume_wanted.connect(self._resume_run)
        runs.label_wanted.connect(self.label_file)
        runs.train_wanted.connect(self.train)
        return runs

    @Slot(object)
    def _show_layer_weights(self, told: "LayerWeights | None") -> None:
        """Show a learned mix beside the stack too, once that is built."""
        if "features" in self.panels:
            cast("FeaturesPanel", self.panel("features")).choices.show_weights(told)

    def show_panel(self, key: str) -> None:
        """Bring a panel to the front."""
        self.session.view(panel=key)

    def begin(self) -> None:
        """Build the first panel and warm up; call once the empty window is painted."""
        if self._closing:
            return
        self._show_panel(self.session.state.panel)
        self.context.load()
        self.runs.refresh()
        lab = self.lab
        job = self.runner.submit("Loading PyTorch…", lab.warm_up)
        job.finished.connect(self._on_warm)
        job.failed.connect(lambda error: self.job_strip.clear(str(error), "bad"))
        for note in self.session.notes:
            self.job_strip.clear(note, "info")
        self.open_paths(self._to_open)

    def _show_panel(self, key: str) -> None:
        key = key if key in dict(PANELS) else "training"
        self.rail.show_chosen(key)
        self.panel(key)
        self._stack.setCurrentIndex(list(self.panels).index(key))

    # What actions do

    @Slot()
    def train(self) -> None:
        """Start a run, in the training panel."""
        self.show_panel("training")
        self._training().train()

    @Slot()
    def stop(self) -> None:
        """Stop what is in flight; a run is kept."""
        if "training" in self.panels and self._training().busy:
            self._training().stop()
        else:
            for job in self.runner.jobs:
                if job.lane is Lane.COMPUTE:
                    job.stop()

    def on_training(self, method: str) -> Callable[[], None]:
        """Return a function that calls a method of the training panel where one is there."""

        def call() -> None:
            if "training" in self.panels:
                getattr(self._training(), method)()

        return call

    def choose_task(self, name: str) -> None:
        """Change the task; a token pooling that does not fit its level gives way to `mean`."""
        if name == self.session.state.spec.task:
            return
        try:
            level = self.lab.shelf.info(name).level
            numbers = self.lab.shelf.label_kind(name) == "number"
        except FineviewError as error:
            self.job_strip.clear(str(error), "bad")
            return
        info = self.context.encoder
        spec = spec_for(self.session.state.spec, name, level, numbers, info.width if info else 384)
        self.session.edit("Choose the task", spec=spec, example="", second="", run="")

    @Slot(str)
    def choose_encoder(self, name: str) -> None:
        """Change the encoder: a name of the catalogue, a hub snapshot, or a folder."""
        self.session.edit_spec("Choose the encoder", encoder=name)

    @Slot()
    def choose_folder(self) -> None:
        """Ask for the folder of an encoder."""
        from PySide6.QtWidgets import QFileDialog

        folder = QFileDialog.getExistingDirectory(self, "Folder of a transformers encoder")
        if folder:
            self.choose_encoder(folder)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Take what was dropped or named: a model folder becomes the encoder, the rest is data."""
        if len(paths) == 1 and (paths[0] / "config.json").is_file():
            self.choose_encoder(str(paths[0]))
        elif paths:
            self.show_panel("data")
            self._data().open_paths(paths)

    def open_later(self, paths: Sequence[Path]) -> None:
        """Open files once the first panel is there (the command line names them)."""
        self._to_open = list(paths)

    @Slot()
    def open_data(self) -> None:
        """Ask for files of labelled texts."""
        self.show_data("import")
        self._data().importing.choose_files()

    @Slot()
    def paste_data(self) -> None:
        """Open the table, or the files, on the clipboard."""
        mime = QGuiApplication.clipboard().mimeData()
        paths = local_paths(mime)
        if paths:
            self.open_paths(paths)
        else:
            self.show_panel("data")
            self._data().open_text(mime.text())

    def show_data(self, page: str) -> None:
        """Show a page of the data panel."""
        self.show_panel("data")
        self._data().show_page(page)

    @Slot(str)
    def _on_task_removed(self, name: str) -> None:
        self.lab.forget_task(name)
        if name == self.session.state.spec.task:
            self.choose_task(RunSpec().task)

    @Slot()
    def show_palette(self) -> None:
        """Open the list of all actions."""
        self.palette_box.open()

    def set_text_scale(self, factor: float) -> None:
        """Change the size of all text by a factor; 0 sets it back."""
        scale = self.session.state.text_scale * factor if factor else 1.0
        self.session.view(text_scale=min(2.0, max(0.7, round(scale, 3))))

    @Slot(str)
    def name_undo(self, text: str) -> None:
        """Say in the menu what Undo takes back."""
        self.registry.all["undo"].setText(f"&Undo {text.lower()}".rstrip())

    @Slot(str)
    def name_redo(self, text: str) -> None:
        """Say in the menu what Redo does again."""
        self.registry.all["redo"].setText(f"&Redo {text.lower()}".rstrip())

    @Slot()
    def open_workspace(self) -> None:
        """Show the workspace's folder."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.lab.locations.workspace)))

    @Slot()
    def clear_features(self) -> None:
        """Empty the store of hidden states, off the window's thread."""
        lab = self.lab
        self.runner.submit("Empty the feature store", lambda _report: lab.forget_features())

    @Slot()
    def open_log(self) -> None:
        """Show what fineview wrote down while it ran."""
        log = self.lab.locations.workspace / "fineview.log"
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log)))

    @Slot()
    def open_run_folder(self) -> None:
        """Show the files of the run on display, or the workspace where there is none."""
        workspace, run = self.lab.locations.workspace, self.session.state.run
        folder = workspace / "runs" / run if run else workspace
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    @Slot()
    def label_shown_file(self) -> None:
        """Let the head of the run on display label a file."""
        self.label_file(self.session.state.run)

    @Slot(str)
    def label_file(self, run_id: str) -> None:
        """Let a run's head label a file, in a window of its own; one for each run."""
        from fineview.ui.label_dialog import LabelDialog, left_a_head

        summary = self.runs.summary(run_id)
        if summary is None or not left_a_head(summary):
            self.job_strip.clear("Labelling a file needs a trained head: train one first.", "info")
            return
        open_ones = [one for one in self.findChildren(LabelDialog) if one.run_id == run_id]
        dialog = open_ones[0] if open_ones else LabelDialog(run_id, self.runner, self.lab, self)
        dialog.show()
        dialog.raise_()

    @Slot()
    def reset_settings(self) -> None:
        """Ask, then put every setting back; tasks and runs stay."""
        answer = QMessageBox.question(
            self,
            "Reset settings",
            "Put every setting back to what it was at the first start? Tasks and runs stay; "
            "Edit ▸ Undo takes the training settings back.",
        )
        if answer == QMessageBox.StandardButton.Yes:
            fresh = {f.name: getattr(SessionState(), f.name) for f in fields(SessionState)}
            self.session.edit("Reset settings", **{k: fresh[k] for k in UNDONE})
            self.session.view(**{k: v for k, v in fresh.items() if k not in (*UNDONE, "panel")})

    def about(self, page: str = "about") -> None:
        """Say what this is."""
        from fineview.ui.about import AboutDialog

        dialog = AboutDialog(self.lab.locations, self)
        dialog.show_page(page)
        dialog.open()

    @Slot(str)
    def _open_run(self, run_id: str) -> None:
        self.show_panel("training")
        self._training().open_run(run_id)

    @Slot(str)
    def _resume_run(self, run_id: str) -> None:
        self.show_panel("training")
        self._training().resume_run(run_id)

    def _data(self) -> "DataPanel":
        return cast("DataPanel", self.panel("data"))

    def _training(self) -> "TrainingPanel":
        return cast("TrainingPanel", self.panel("training"))

    # Showing

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.panel != old.panel:
            self._show_panel(state.panel)
        if (state.theme, state.text_scale) != (old.theme, old.text_scale):
            self._apply_view(state)
        if (state.spec.task, state.spec.encoder) != (old.spec.task, old.spec.encoder):
            self.status.forget_features()
            self.top_bar.show_names()

    def _apply_view(self, state: SessionState) -> None:
        self.theme.set_mode(state.theme)
        self.theme.set_text_scale(state.text_scale)

    @Slot()
    def _on_warm(self) -> None:
        self.warm_up_worst_ms = self.heartbeat.worst_ms
        self.heartbeat.reset()
        self.warmed_up.emit()

    @Slot(object)
    def _on_trashed(self, run_ids: tuple[str, ...]) -> None:
        count = "1 run" if len(run_ids) == 1 else f"{len(run_ids)} runs"
        self.job_strip.clear(f"{count} moved to the trash; Runs ▸ Trash takes them back.", "info")

    # Ends

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save, stop what is in flight (runs are kept and can go on), and go."""
        self._closing = True
        self.status.stop()
        self.session.save()
        if not self.runner.shutdown():
            self.setProperty("stuck", True)  # app.main ends the process without waiting for ever
        if "data" in self.panels:
            self._data().importing.tidy()
        event.accept()
