"""Which language model the prompts panel asks, and what it takes of the memory."""

from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QWidget

from fineview.core.laboratory import Laboratory
from fineview.core.models import catalog, hub_store
from fineview.core.models.language_model import DTYPES, LanguageModelInfo
from fineview.core.progress import Report
from fineview.core.prompting.choices import ModelChoice
from fineview.core.prompting.desk import Loaded
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.format import bytes_text, count_text
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.work.jobs import Job, JobRunner, Lane

_OPEN = "open"


class ModelBar(QWidget):
    """A language model, its number type, and the button that fetches, loads or unloads it.

    Attributes:
        combo: The models there are.
        dtype: Number type of the weights.
        button: Fetch, Load, Unload or Stop.
        info: What is known of the model; None until it was opened.
        loaded: What is in memory.

    Signals:
        changed(): `info` or `loaded` is another one now.
    """

    changed = Signal()

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        message: MessageLine,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._runner = runner
        self._lab = lab
        self._message = message
        self._job: Job | None = None
        self.info: LanguageModelInfo | None = None
        self.loaded = Loaded("", 0, 0)
        self.combo = CalmCombo(
            "Language model",
            "Which model goes on from a prompt – SmolLM2, 135 million weights, small enough for "
            "any machine and often wrong – any folder of a causal model in transformers’ format "
            "or a snapshot of the hub works too.",
            letters=20,
        )
        self.dtype = CalmCombo(
            "Number type",
            "Numbers that the weights are kept in – float32 – bfloat16 takes half the memory and "
            "is often faster a token, at a perplexity a little higher.",
            letters=8,
        )
        self.dtype.set_choices([(name, name) for name in DTYPES], "float32")
        self.memory = plain_label("", "small")
        self.button = QPushButton()
        label = QLabel("Model")
        label.setBuddy(self.combo)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(2))
        for widget in (self.memory, label, self.combo, self.dtype, self.button):
            row.addWidget(widget)
        self.combo.chosen.connect(self._on_chosen)
        self.combo.focused.connect(self.refresh)
        self.dtype.chosen.connect(
            lambda kind: session.edit_look("Choose a number type", "language_model", dtype=kind)
        )
        self.button.clicked.connect(self._on_pressed)
        session.changed.connect(self._on_session)
        self._show_state()

    @property
    def choice(self) -> ModelChoice:
        """Return the model of the session."""
        return self._session.state.language_model

    @property
    def is_loaded(self) -> bool:
        """Return whether the session's model is in memory."""
        return bool(self.loaded.name) and self.loaded.name == self.choice.name

    @property
    def missing(self) -> catalog.Entry | None:
        """Return what must be fetched before the model can answer, or None."""
        entry = next((e for e in self._entries() if e.name == self.choice.name), None)
        if entry is None or catalog.is_stored(entry, self._lab.locations.cache):
            return None
        return entry

    def showEvent(self, event: QShowEvent) -> None:
        """Offer what is on this machine now."""
        super().showEvent(event)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Offer what is on this machine now, and say what is in memory."""
        chosen = self.choice.name
        choices = [(entry.name, entry.title) for entry in self._entries()]
        choices += [
            (stored.name, stored.repo_id)
            for stored in hub_store.stored(self._lab.locations.cache)
            if stored.kind == "model"
        ]
        if chosen not in dict(choices):
            choices.append((chosen, Path(chosen).name))
        self.combo.set_choices([*choices, (_OPEN, "Open a folder…")], chosen)
        self.dtype.set_value(self.choice.dtype)
        self.note(self._lab.prompts.loaded())

    def note(self, loaded: Loaded) -> None:
        """Take note of what is in memory now; pages call it after each job."""
        self.loaded = loaded
        self.info = self._lab.prompts.opened(self.choice) or self.info
        self._show_state()
        self.changed.emit()

    @Slot()
    def bring(self) -> None:
        """Fetch the model where it is missing, and load it."""
        if self._job is not None:
            return
        entry, choice, lab = self.missing, self.choice, self._lab

        def work(report: Report) -> tuple[LanguageModelInfo, Loaded]:
            if entry is not None:
                from fineview.core.models.fetch import fetch

                fetch(entry, lab.locations.cache, report)
            loaded = lab.prompts.load(choice, report)
            return lab.prompts.info(choice), loaded

        title = f"Fetch {entry.title}" if entry is not None else "Load the language model"
        self._start(title, work)

    # What is wanted

    @Slot(str)
    def _on_chosen(self, name: str) -> None:
        if name == _OPEN:
            name = QFileDialog.getExistingDirectory(self, "Folder of a causal language model")
            if not name:
                self.combo.set_value(self.choice.name)
                return
        self._session.edit_look("Choose a language model", "language_model", name=name)

    @Slot()
    def _on_pressed(self) -> None:
        if self._job is not None:
            self._job.stop()
        elif self.is_loaded:
            desk = self._lab.prompts

            def work(_report: Report) -> tuple[None, Loaded]:
                return None, desk.unload()

            self._start("Unload the language model", work)
        else:
            self.bring()

    def _start(self, title: str, work: object) -> None:
        self._message.clear()
        self._job = job = self._runner.submit(title, work, Lane.COMPUTE)  # type: ignore[arg-type]
        job.finished.connect(self._on_finished)
        job.failed.connect(self._on_failed)
        job.ended.connect(self._on_ended)
        self._show_state()

    @Slot(object)
    def _on_finished(self, found: tuple[LanguageModelInfo | None, Loaded]) -> None:
        info, self.loaded = found
        self.info = info or self.info

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._message.show_message("bad", str(error))

    @Slot()
    def _on_ended(self) -> None:
        self._job = None
        self._show_state()
        self.changed.emit()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.language_model != old.language_model:
            self.info = None
            self._message.clear()
            self.refresh()

    # What is shown

    def _entries(self) -> tuple[catalog.Entry, ...]:
        return catalog.entries("language model")

    def _show_state(self) -> None:
        entry = self.missing
        if self._job is not None:
            self._show_button("Stop", "Stops it; what is half done is not kept.")
        elif entry is not None:
            size = bytes_text(entry.download_bytes)
            self._show_button(f"Fetch {size}", f"Fetches {entry.title}, once, and loads it.")
        elif self.is_loaded:
            self._show_button("Unload", "Frees the memory that the weights take.")
        else:
            self._show_button("Load", "Reads the weights into memory – some seconds.")
        self.memory.setText(self._memory_words())
        self.memory.setToolTip(self._about())

    def _show_button(self, text: str, tooltip: str) -> None:
        self.button.setText(text)
        describe(self.button, text, tooltip)

    def _memory_words(self) -> str:
        if self.is_loaded:
            return f"{bytes_text(self.loaded.bytes)} of {bytes_text(self.loaded.process)} in memory"
        if self.info is not None:
            return f"would take {bytes_text(self.info.memory_bytes(self.choice.dtype))}"
        return ""

    def _about(self) -> str:
        info = self.info
        if info is None:
            return ""
        return (
            f"{info.title}: {info.layers} blocks, {info.width} wide, "
            f"{count_text(info.parameters)} weights, {count_text(info.vocabulary)} tokens in its "
            f"vocabulary, a window of {count_text(info.window)}. {info.licence}. {info.source}"
        )
