"""Under the lid: what may come next, what each layer would have said, where a token looks."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from fineview.core.prompting.seen import Glance, LensRow, NextTable, PromptRead, TokenRead
from fineview.ui.theme import spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.format import count_text, number_text, plural
from fineview.ui.widgets.labels import plain_label
from fineview.ui.widgets.panel_area import scrolled
from fineview.ui.widgets.ranked_bars import Ranked, RankedBars
from fineview.ui.widgets.segmented import Segmented

VIEWS = (("next", "Next token"), ("lens", "Logit lens"), ("attention", "Attention"))
_ALL = "mean"
_SAYS = {
    "next": "Press a token to go on with it; press one in the text to see what else could stand "
    "there.",
    "lens": "What each layer would say if it were the last: the model’s own output layer on every "
    "layer’s hidden states.",
    "attention": "The colour behind each token of the text says how much the marked one looks at "
    "it.",
}


class Lid(QWidget):
    """Three views of one place in the text.

    Attributes:
        view: Which one is in front.
        bars: Its rows.
        layer: Layer whose attention is shown.
        head: Its head, or the mean of all.

    Signals:
        wanted(): Another view or another head was chosen.
        token_chosen(str): A token is to stand in that place.
    """

    wanted = Signal()
    token_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = Segmented(
            VIEWS,
            "Under the lid",
            "The likeliest tokens of a place – what each layer would have said there – where its "
            "token looks.",
        )
        self.view.set_value("next")
        self.title = plain_label("", wrap=True)
        self.says = plain_label(_SAYS["next"], "small", wrap=True)
        self.bars = RankedBars(
            "Token", "Tokens, the likeliest first; press one to go on with it.", "No text was read."
        )
        self.note = plain_label("", "small", wrap=True)
        self.layer = CalmCombo("Layer", "Whose attention – the last – low ones look close by.",
                               letters=6)  # fmt: skip
        self.head = CalmCombo("Head", "Which of its heads – the mean of all – single heads differ.",
                              letters=6)  # fmt: skip
        self._glance: Glance | None = None
        self._pick = QWidget()
        row = QHBoxLayout(self._pick)
        row.setContentsMargins(0, 0, 0, 0)
        for name, combo in (("Layer", self.layer), ("Head", self.head)):
            label = QLabel(name)
            label.setBuddy(combo)
            row.addWidget(label)
            row.addWidget(combo)
            combo.chosen.connect(lambda _value: self.wanted.emit())
        row.addStretch(1)
        self._pick.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(1.5))
        column.addWidget(self.view, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.title)
        column.addWidget(self._pick)
        column.addWidget(scrolled(self.bars), 1)
        column.addWidget(self.note)
        column.addWidget(self.says)
        self.view.changed.connect(self._on_view)
        self.bars.pressed.connect(self._on_pressed)

    # What is shown

    def clear(self, words: str = "") -> None:
        """Show nothing, and say why."""
        self.title.setText(words)
        self.bars.show_rows(())
        self.note.setText("")

    def set_stale(self, stale: bool) -> None:
        """Dim what is no longer true of the text."""
        self.bars.set_stale(stale)

    def show_next(self, table: NextTable | None) -> None:
        """Show what may come after the text."""
        if table is None:
            self.clear("This model begins with a text: type something.")
            return
        changed = any(abs(row.before - row.after) > 5e-4 for row in table.rows)
        self.title.setText("After the text" + (", before → after sampling" if changed else ""))
        rows = [
            Ranked(
                shown(row.text),
                f"{_share(row.before)} → {_share(row.after)}" if changed else _share(row.before),
                row.after if changed else row.before,
                muted=changed and row.after == 0,
                key=row.text,
            )
            for row in table.rows
        ]
        self.bars.show_rows(rows)
        rest = f"all others {_share(table.rest_before)}"
        if changed:
            rest += f" → {_share(table.rest_after)}"
        self.note.setText(
            f"{rest} · {plural(table.allowed, 'token')} can be drawn · "
            f"entropy {number_text(table.entropy)} nats"
        )

    def show_token(self, read: TokenRead) -> None:
        """Show what else could stand in a token's place."""
        self.title.setText(f"In place of “{shown(read.text)}”")
        rows = [
            Ranked(shown(one.text), _share(one.probability), one.probability,
                   muted=one.token == read.token, key=one.text)
            for one in read.alternatives
        ]  # fmt: skip
        self.bars.show_rows(rows)
        self.note.setText(token_words(read))

    def show_lens(self, rows: tuple[LensRow, ...], after: str) -> None:
        """Show what each layer would have said after a token."""
        self.title.setText(f"After “{shown(after)}”, layer by layer")
        self.bars.show_rows(
            [
                Ranked(
                    f"{row.layer}  {shown(row.rows[0].text)}",
                    f"{_share(row.rows[0].probability)}  #{count_text(row.final_rank)}",
                    row.rows[0].probability,
                    key=row.rows[0].text,
                )
                for row in rows
            ]
        )
        last = rows[-1].rows[0].text
        since = next((row.layer for row in rows if _first_for_good(rows, row.layer)), len(rows) - 1)
        self.note.setText(
            f"# is the rank of “{shown(last)}”, which the model says: first from layer {since} on."
        )

    def show_glance(self, glance: Glance, read: PromptRead) -> tuple[float, ...]:
        """Show where a token looks.

        Returns:
            The share of its attention for each token up to it, for whoever paints the text.
        """
        self._glance = glance
        layers, heads = len(glance.weights), len(glance.weights[0])
        self.layer.set_choices(
            [(str(i), str(i + 1)) for i in range(layers)], self.layer.value or str(layers - 1)
        )
        self.head.set_choices(
            [(_ALL, _ALL), *((str(i), str(i + 1)) for i in range(heads))], self.head.value or _ALL
        )
        of_layer = glance.weights[min(int(self.layer.value or 0), layers - 1)]
        if self.head.value == _ALL:
            shares = tuple(sum(column) / heads for column in zip(*of_layer, strict=True))
        else:
            shares = of_layer[min(int(self.head.value or 0), heads - 1)]
        tokens = read.tokens
        self.title.setText(f"“{shown(tokens[glance.position].text)}” looks at")
        order = sorted(range(len(shares)), key=lambda i: -shares[i])[:20]
        self.bars.show_rows(
            [
                Ranked(f"{i + 1}  {shown(tokens[i].text)}", _share(shares[i]), shares[i])
                for i in order
            ]
        )
        self.note.setText("Most heads rest on the first token when they have nothing to look for.")
        return shares

    @Slot(str)
    def _on_view(self, view: str) -> None:
        self._pick.setVisible(view == "attention")
        self.says.setText(_SAYS[view])
        self.wanted.emit()

    @Slot(str)
    def _on_pressed(self, token: str) -> None:
        if self.view.value == "next":
            self.token_chosen.emit(token)


def shown(text: str) -> str:
    """Return a token with its blanks in sight, and with nothing that would act on the screen."""
    names = {" ": "␣", "\n": "⏎", "\t": "⇥", "": "∅"}
    if not text:
        return names[""]
    return "".join(
        names.get(letter, letter if letter.isprintable() else f"‹{ord(letter):x}›")
        for letter in text
    )


def token_words(read: TokenRead) -> str:
    """Return what is known of a token, in a line."""
    from math import exp

    if read.logprob is None:
        return "The first token: nothing stands before it."
    return (
        f"probability {_share(exp(read.logprob))} · surprisal {number_text(-read.logprob)} nats · "
        f"rank {count_text(read.rank)} · entropy {number_text(read.entropy)} nats"
    )


def _share(value: float) -> str:
    if 0 < value < 0.0005:
        return "<.001"
    return "1.00" if value > 0.9995 else f"{value:.3f}".lstrip("0") if value else "0"


def _first_for_good(rows: tuple[LensRow, ...], layer: int) -> bool:
    """Return whether the final answer is first in this layer and all after it."""
    return all(row.final_rank == 1 for row in rows if row.layer >= layer)
