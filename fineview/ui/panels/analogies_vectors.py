"""Which word vectors the analogies panel calculates with."""

from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QWidget

from fineview.core.analogies.choice import EncoderWords
from fineview.core.analogies.own_vectors import own_tables
from fineview.core.laboratory import Laboratory
from fineview.core.models import catalog
from fineview.core.models.fetch import is_stored
from fineview.ui.context import Context
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.calm_combo import CalmCombo

_OPEN = "open"
_KINDS = "Word vectors (*.bin *.txt *.vec *.gz *.safetensors);;All files (*)"


class VectorsChooser(QWidget):
    """A combo box: of the catalogue, trained here, or a file of one's own.

    Attributes:
        combo: The box.
    """

    def __init__(
        self,
        session: Session,
        lab: Laboratory,
        context: Context,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._lab = lab
        self._context = context
        self.combo = CalmCombo(
            "Vectors",
            "The table of word vectors that all pages use – GloVe, 50 numbers a word – others "
            "are fetched on the Data panel, trained on the page Train, taken out of the encoder, "
            "or opened from a file.",
            letters=22,
        )
        label = QLabel("Vectors")
        label.setBuddy(self.combo)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(2))
        row.addWidget(label)
        row.addWidget(self.combo)
        self.combo.chosen.connect(self._on_chosen)
        self.combo.focused.connect(self.refresh)
        session.changed.connect(self._on_session)

    def showEvent(self, event: QShowEvent) -> None:
        """Offer what is on this machine now."""
        super().showEvent(event)
        self.refresh()

    def open(self, path: Path) -> None:
        """Calculate with the vectors of a file."""
        self._session.edit_look("Open word vectors", "analogy", vectors=str(path), against="")

    @Slot()
    def refresh(self) -> None:
        """Offer what is on this machine now."""
        cache, chosen = self._lab.locations.cache, self._session.state.analogy.vectors
        entries = catalog.entries("word vectors")
        here = [
            entry for entry in entries if entry.origin == "installed" or is_stored(entry, cache)
        ]
        choices = [(entry.name, entry.title) for entry in here]
        choices += [(info.name, info.title) for info in own_tables(self._lab.locations.workspace)]
        choices += self._of_the_encoder()
        if chosen not in dict(choices):
            choices.append((chosen, Path(chosen).name))
        self.combo.set_choices([*choices, (_OPEN, "Open a file…")], chosen)

    def _of_the_encoder(self) -> list[tuple[str, str]]:
        """Return the encoder in hand: its input embeddings, and its layers in context."""
        spec = self._session.state.spec
        info = self._context.encoder
        if info is None:
            return []
        task = next((one for one in self._lab.shelf.infos() if one.name == spec.task), None)
        if task is None or task.level == "pair":  # of word pairs no context comes
            task = next(one for one in self._lab.shelf.infos() if one.name == "capitals")
        layers = [EncoderWords(spec.encoder, n, task.name).name for n in range(info.layers + 1)]
        return [
            (EncoderWords(spec.encoder).name, f"{info.title}, input embeddings"),
            *((name, f"{info.title}, layer {n} in {task.title}") for n, name in enumerate(layers)),
        ]

    @Slot(str)
    def _on_chosen(self, name: str) -> None:
        if name != _OPEN:
            self._session.edit_look("Choose word vectors", "analogy", vectors=name, against="")
            return
        self.combo.set_value(self._session.state.analogy.vectors)
        path, _ = QFileDialog.getOpenFileName(self, "Open word vectors", "", _KINDS)
        if path:
            self.open(Path(path))

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.analogy.vectors != old.analogy.vectors:
            self.refresh()
