"""How the notebook's next token is chosen: greedily, or by a draw with these settings."""

from dataclasses import replace
from functools import partial

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFormLayout, QLineEdit, QWidget

from fineview.core.errors import ConfigError
from fineview.core.prompting.choices import SamplingConfig
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing, use_font
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.number_field import NumberField

_NUMBERS: tuple[tuple[str, str, str, float, float, bool], ...] = (
    ("temperature", "Temperature", "Divides the logits before a draw – 0, the likeliest token "
     "always – 0.7 to 1 for variety.", 0, 5, False),
    ("top_k", "Top-k", "Only the k likeliest tokens may be drawn – 0, all – 50 cuts off nonsense.",
     0, 1_000_000, True),
    ("top_p", "Top-p", "Only the fewest tokens that together are so probable – 1, all – 0.9 cuts "
     "off more where the model is sure.", 0.01, 1, False),
    ("min_p", "Min-p", "Only tokens at least so probable as a share of the likeliest one – 0, all "
     "– 0.05 to 0.1 for high temperatures.", 0, 1, False),
    ("repetition_penalty", "Repetition penalty", "Makes tokens that occurred less likely – 1, no "
     "change – 1.1 where a model goes round in circles.", 0.5, 5, False),
    ("seed", "Seed", "Of the draws – 0 – the same seed says the same again.", 0, 2**31 - 1, True),
    ("max_tokens", "Most tokens", "Longest answer – 32 – 1 to look at each token.", 1, 4096, True),
)  # fmt: skip
BETWEEN = " | "


class SamplingForm(QWidget):
    """Fields of the session's sampling settings.

    Attributes:
        fields: The numbers, by name.
        stop: Strings that end an answer.
        error: What is wrong with them, "" for nothing.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        sampling = session.state.notebook.sampling
        self.fields = {
            name: NumberField(
                title, tip, value=getattr(sampling, name), minimum=low, maximum=high, integer=whole
            )
            for name, title, tip, low, high, whole in _NUMBERS
        }
        self.stop = QLineEdit()
        self.stop.setPlaceholderText(f"none, or ; {BETWEEN.strip()} \\n")
        use_font(self.stop, "fixed")
        describe(
            self.stop,
            "Stop strings",
            "An answer ends before the first of these – none – ; or \\n for one item of a list, "
            f"several with {BETWEEN.strip()} between them.",
        )
        self.error = plain_label("", "small", wrap=True)
        self.error.hide()
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(spacing(1.5))
        for name, title, *_ in _NUMBERS:
            form.addRow(title, self.fields[name])
            self.fields[name].changed.connect(partial(self._edit, f"Set {title.lower()}", name))
        form.addRow("Stop at", self.stop)
        form.addRow(self.error)
        self.stop.editingFinished.connect(self._on_stop)
        session.changed.connect(self._on_session)
        self._show(sampling)

    def _edit(self, text: str, name: str, value: object) -> None:
        sampling = replace(self._session.state.notebook.sampling, **{name: value})  # type: ignore[arg-type]
        self._session.edit_look(text, "notebook", sampling=sampling)

    @Slot()
    def _on_stop(self) -> None:
        text = self.stop.text()
        try:
            self._edit("Set stop strings", "stop", read_stops(text))
        except ConfigError as error:
            self.error.setText(str(error))
            self.error.show()
        else:
            self.error.hide()

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.notebook.sampling != old.notebook.sampling:
            self._show(state.notebook.sampling)

    def _show(self, sampling: SamplingConfig) -> None:
        for name, field in self.fields.items():
            field.set_value(getattr(sampling, name))
        written = written_stops(sampling.stop)
        if read_stops(self.stop.text()) != sampling.stop:
            self.stop.setText(written)
        # What only matters to a draw rests where nothing is drawn.
        for name in ("top_k", "top_p", "min_p", "seed"):
            self.fields[name].setEnabled(not sampling.greedy)


def read_stops(text: str) -> tuple[str, ...]:
    r"""Return the strings of a line in which \n, \t and \\ are written out."""
    found = []
    for part in text.split(BETWEEN.strip()):
        part = part.strip(" ") or part
        one = part.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t")
        found.append(one.replace("\0", "\\"))
    return tuple(one for one in found if one)


def written_stops(stops: tuple[str, ...]) -> str:
    """Return strings as `read_stops` reads them."""
    return BETWEEN.join(
        one.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t") for one in stops
    )
