"""The window: rail, bars, panels, job strip, status bar. It connects panel to panel."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QAction, QCloseEvent, QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QMessageBox,
    QStackedWidget,
    QStyle,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from fineview import __version__
from fineview.core.data.bundled import task_infos
from fineview.core.device import device_status
from fineview.core.features.config import token_poolings
from fineview.core.laboratory import Laboratory
from fineview.core.models.catalog import entries
from fineview.core.training.events import FeaturesReady
from fineview.preflight import HEADLESS
from fineview.ui.actions import Actions
from fineview.ui.context import Context
from fineview.ui.job_watch import JobWatch
from fineview.ui.run_rows import RunList
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import Theme, set_icon, spacing, use_font
from fineview.ui.widgets.command_palette import CommandPalette
from fineview.ui.widgets.format import bytes_text, count_text
from fineview.ui.widgets.job_strip import JobStrip
from fineview.ui.widgets.panel_area import PanelArea
from fineview.ui.window_actions import register
from fineview.work.heartbeat import Heartbeat
from fineview.work.jobs import JobRunner, Lane

if TYPE_CHECKING:
    from fineview.ui.panels.training import TrainingPanel

PANELS = (("features", "Features"), ("training", "Train"), ("runs", "Runs"))
_STATUS_MS = 1_000


class MainWindow(QMainWindow):
    """The one window.

    Attributes:
        session: What the user has chosen.
        runner: The two lanes.
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
        self.panels: dict[str, QWidget] = {}
        self.warm_up_worst_ms = 0.0
        self._closing = False
        self._cached = "not needed yet"
        self.setWindowTitle("fineview")
        self.setObjectName("main")
        self._fit_screen()
        self.registry = Actions(self)
        self._stack = QStackedWidget()
        self.job_strip = JobStrip()
        self.job_watch = JobWatch(runner, self.job_strip, self)
        self._lay_out()
        register(self)
        self.palette_box = CommandPalette(lambda: list(self.registry.all.values()), self)
        self._connect()
        self._apply_view(session.state)
        self._show_names()

    # Layout

    def _lay_out(self) -> None:
        centre = QWidget()
        across = QHBoxLayout(centre)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(0)
        across.addWidget(self._rail())
        main = QVBoxLayout()
        main.setSpacing(0)
        main.addWidget(self._top_bar())
        main.addWidget(self._stack, 1)
        main.addWidget(self.job_strip)
        across.addLayout(main, 1)
        self.setCentralWidget(centre)
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        self._status: dict[str, QLabel] = {}
        for name, tip in (
            ("device", "What computes, with how many threads, and the memory in use."),
            ("network", "fineview talks to no network: models and texts are on this machine."),
            ("features", "Whether the hidden states of this task were in the store already."),
            ("stall", "How long the window did not answer, 99th percentile of half a minute."),
        ):
            label = QLabel()
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setToolTip(tip)
            label.setContentsMargins(spacing(2), 0, spacing(3), 0)
            use_font(label, "small")
            self._status[name] = label
            bar.addWidget(label)

    def _fit_screen(self) -> None:
        room = self.screen().availableGeometry()
        wide, high = 1280, 800
        if QGuiApplication.platformName() not in HEADLESS:
            frame = 2 * self.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)
            wide, high = min(wide, room.width()), min(high, room.height() - frame)
        self.resize(wide, high)

    def _rail(self) -> QWidget:
        rail = QFrame()
        rail.setObjectName("rail")
        column = QVBoxLayout(rail)
        column.setContentsMargins(*[spacing(1)] * 4)
        column.setSpacing(spacing(1))
        self._rail_buttons: dict[str, QToolButton] = {}
        for number, (key, text) in enumerate(PANELS, 1):
            button = QToolButton()
            button.setText(text)
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setToolTip(f"{text} (Ctrl+{number})")
            button.setAccessibleName(f"{text} panel")
            button.setAutoRaise(True)
            button.setMinimumWidth(spacing(17))
            set_icon(button, text.lower())
            button.clicked.connect(lambda _checked, key=key: self.show_panel(key))
            column.addWidget(button)
            self._rail_buttons[key] = button
        column.addStretch(1)
        return rail

    def _top_bar(self) -> QWidget:
        bar = QFrame()
        bar.setObjectName("topbar")
        across = QHBoxLayout(bar)
        across.setContentsMargins(spacing(3), spacing(1), spacing(3), spacing(1))
        across.setSpacing(spacing(3))
        self.task_button = self._choice("Task", "What the head learns: choose labelled texts.")
        self.encoder_button = self._choice("Encoder", "The pretrained model that is adapted.")
        across.addWidget(self.task_button)
        across.addWidget(self.encoder_button)
        across.addStretch(1)
        self.search_button = QToolButton()
        set_icon(self.search_button, "search")
        self.search_button.setText("Ctrl+Shift+P")
        self.search_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.search_button.setAutoRaise(True)
        self.search_button.setAccessibleName("Find an action")
        self.search_button.setToolTip("Find any action by its name.")
        across.addWidget(self.search_button)
        tasks = QMenu(self)
        self._task_choices: dict[str, QAction] = {}
        for info in task_infos():
            choice = tasks.addAction(f"{info.title}  ({info.level})")
            choice.setCheckable(True)
            choice.triggered.connect(lambda _checked=False, name=info.name: self.choose_task(name))
            self._task_choices[info.name] = choice
        self.task_button.setMenu(tasks)
        encoders = QMenu(self)
        for entry in entries("encoder"):
            encoders.addAction(entry.title).triggered.connect(
                lambda _checked=False, name=entry.name: self.session.edit_spec(
                    "Choose the encoder", encoder=name
                )
            )
        encoders.addSeparator()
        encoders.addAction("Local folder…").triggered.connect(self._choose_folder)
        self.encoder_button.setMenu(encoders)
        return bar

    def _choice(self, name: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setAutoRaise(True)
        button.setAccessibleName(name)
        button.setToolTip(tip)
        return button

    def _connect(self) -> None:
        self.search_button.clicked.connect(self.show_palette)
        self.session.changed.connect(self._on_session)
        self.context.changed.connect(self._show_names)
        self.context.failed.connect(lambda text: self.job_strip.clear(text, "bad"))
        self.runs.failed.connect(lambda text: self.job_strip.clear(text, "bad"))
        self.runs.moved_to_trash.connect(self._on_trashed)
        self.job_strip.stop_pressed.connect(self.stop)
        self._timer = QTimer(self)
        self._timer.setInterval(_STATUS_MS)
        self._timer.timeout.connect(self._show_status)
        self._timer.start()

    # Panels

    def panel(self, key: str) -> QWidget:
        """Return a panel, built when first asked for (pyqtgraph is loaded with it)."""
        if key not in self.panels:
            widget = self._build(key)
            self.panels[key] = widget
            # Where the window is small or the text large, a panel scrolls; the job strip and the
            # status bar below it stay in sight.
            self._stack.addWidget(PanelArea(widget))
            self.panel_built.emit(key)
        return self.panels[key]

    def _build(self, key: str) -> QWidget:
        common = (self.session, self.runner, self.lab, self.context, self.runs)
        if key == "training":
            from fineview.ui.panels.training import TrainingPanel

            training = TrainingPanel(*common)
            training.layers_wanted.connect(lambda: self.show_panel("features"))
            training.features_ready.connect(self._on_features)
            return training
        if key == "features":
            from fineview.ui.panels.features import FeaturesPanel

            features = FeaturesPanel(*common)
            features.train_wanted.connect(self.train)
            return features
        from fineview.ui.panels.runs import RunsPanel

        runs = RunsPanel(self.session, self.runs, self.lab.locations.workspace)
        runs.open_wanted.connect(self._open_run)
        runs.resume_wanted.connect(self._resume_run)
        runs.train_wanted.connect(self.train)
        return runs

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

    def _show_panel(self, key: str) -> None:
        key = key if key in dict(PANELS) else "training"
        self._rail_buttons[key].setChecked(True)
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
            self._show_names()  # the menu has unticked it
            return
        level = next(info.level for info in task_infos() if info.name == name)
        pooling = self.session.state.spec.pooling
        if pooling.tokens not in token_poolings(level):
            pooling = replace(pooling, tokens="mean")
        self.session.edit(
            "Choose the task",
            spec=replace(self.session.state.spec, task=name, pooling=pooling),
            example="",
            second="",
            run="",
        )

    @Slot()
    def _choose_folder(self) -> None:
        from PySide6.QtWidgets import QFileDialog

        folder = QFileDialog.getExistingDirectory(self, "Folder of a transformers encoder")
        if folder:
            self.session.edit_spec("Choose the encoder", encoder=folder)

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
    def about(self) -> None:
        """Say what this is."""
        box = QMessageBox(self)
        box.setWindowTitle("About fineview")
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(
            f"fineview {__version__}\n\nHow should a pretrained language model be adapted to my "
            f"task?\n\nWorkspace: {self.lab.locations.workspace}\n"
            f"Cache: {self.lab.locations.cache}\nLicence: Apache 2.0"
        )
        box.open()

    @Slot(str)
    def _open_run(self, run_id: str) -> None:
        self.show_panel("training")
        self._training().open_run(run_id)

    @Slot(str)
    def _resume_run(self, run_id: str) -> None:
        self.show_panel("training")
        self._training().resume_run(run_id)

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
            self._cached = "not needed yet"
            self._show_names()

    def _apply_view(self, state: SessionState) -> None:
        self.theme.set_mode(state.theme)
        self.theme.set_text_scale(state.text_scale)

    @Slot()
    def _show_names(self) -> None:
        spec = self.session.state.spec
        task, encoder = self.context.task, self.context.encoder
        title = next((i.title for i in task_infos() if i.name == spec.task), spec.task)
        if task is not None and task.info.name == spec.task:
            title += f" · {count_text(task.items)} · {len(task.classes)} classes"
        for name, choice in self._task_choices.items():
            choice.setChecked(name == spec.task)
        self.task_button.setText(f"Task  {title} ")
        name = spec.encoder.rsplit("/", 1)[-1]
        if encoder is not None and encoder.name == spec.encoder:
            name = f"{encoder.title} · {encoder.layers} layers · {encoder.width}"
        self.encoder_button.setText(f"Encoder  {name} ")

    @Slot()
    def _show_status(self) -> None:
        status = device_status()
        threads = f"{status.threads} thread" + ("s" if status.threads != 1 else "")
        device = f"{status.name.upper()} · {threads} · {bytes_text(status.rss_bytes)}"
        if status.gpu_bytes is not None:
            device += f" · GPU {bytes_text(status.gpu_bytes)}"
        self._status["device"].setText(device)
        self._status["network"].setText("offline")
        self._status["features"].setText(f"features: {self._cached}")
        self._status["stall"].setText(f"stall p99 {self.heartbeat.p99_ms():.0f} ms")

    @Slot(object)
    def _on_features(self, ready: FeaturesReady) -> None:
        self._cached = "from the store" if ready.cached else "computed now"
        if ready.dropped_words:
            left, kept = count_text(ready.dropped_words), count_text(ready.items)
            self._cached += f", {kept} words, {left} left out"
        if ready.truncated:
            self._cached += f", {count_text(ready.truncated)} texts cut"
        self._show_status()

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
        self._timer.stop()
        self.session.save()
        if not self.runner.shutdown():
            self.setProperty("stuck", True)  # app.main ends the process without waiting for ever
        event.accept()
