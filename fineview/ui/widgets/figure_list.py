"""Numbers below each other, each with its interval, what it is compared with, what it means."""

from collections.abc import Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from fineview.core.explore.space import Figure
from fineview.ui.theme import spacing
from fineview.ui.widgets.finding import unbroken
from fineview.ui.widgets.format import accuracy_text
from fineview.ui.widgets.labels import ElidedLabel, plain_tooltip
from fineview.ui.widgets.tinted_label import TintedLabel


class FigureList(QWidget):
    """Figures as sentences; those that do not apply say why."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(spacing(0.5))
        self._figures: tuple[Figure, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the first line of each figure."""
        return tuple(_value(figure) for figure in self._figures)

    def show_figures(self, figures: Sequence[Figure]) -> None:
        """Show other figures."""
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._figures = tuple(figures)
        for figure in figures:
            label = ElidedLabel(_value(figure), bold=True)
            why = figure.note if figure.value is None else figure.meaning
            beside = f" Compare: {figure.baseline}." if figure.baseline else ""
            under = TintedLabel(unbroken(f"{why}{beside}"), "small", wrap=True)
            under.setToolTip(plain_tooltip(figure.note))
            self._column.addWidget(label)
            self._column.addWidget(under)
            self._column.addSpacing(spacing(2))
        self._column.addStretch(1)
        self.setAccessibleDescription("; ".join(self.texts))


def _value(figure: Figure) -> str:
    interval = None
    if figure.low is not None and figure.high is not None:
        interval = figure.low, figure.high
    return f"{figure.name}  {accuracy_text(figure.value, interval)}"
