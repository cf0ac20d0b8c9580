"""The features panel: which layers, which mix, which token pooling; and what they know."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from fineview.core.laboratory import Laboratory
from fineview.ui.context import Context
from fineview.ui.panels.features_choices import FeatureChoices
from fineview.ui.panels.features_texts import TaskTexts
from fineview.ui.run_rows import RunList
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import spacing
from fineview.ui.widgets.panel_area import SideColumn
from fineview.ui.widgets.segmented import Segmented
from fineview.work.jobs import JobRunner

_PAGES = (
    ("texts", "Texts"),
    ("map", "Layer map"),
    ("space", "Map of texts"),
    ("words", "Words"),
    ("masking", "Masking"),
)


class FeaturesPanel(QWidget):
    """The choice of pooling on the left, pages that show what it does on the right.

    Signals:
        train_wanted(): Train with this choice.
    """

    train_wanted = Signal()

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        context: Context,
        runs: RunList,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._common = (session, runner, lab, context)
        self.choices = FeatureChoices(*self._common, runs)
        self.texts = TaskTexts(*self._common)
        self.pages = Segmented(
            _PAGES,
            "Page of the features panel",
            "One text as tokens – what each layer knows – texts as points – a word's occurrences – "
            "what masking a token changes.",
        )
        self._built: dict[str, QWidget] = {"texts": self.texts}
        self._stack = QStackedWidget()
        self._stack.addWidget(self.texts)
        self._lay_out()
        self.choices.train_wanted.connect(self.train_wanted)
        self.pages.changed.connect(lambda name: session.view(features_page=name))
        session.changed.connect(self._on_session)
        self._show_page(session.state.features_page)

    def page(self, name: str) -> QWidget:
        """Return a page, built when first asked for."""
        if name not in self._built:
            self._built[name] = self._build(name)
            self._stack.addWidget(self._built[name])
        return self._built[name]

    def _build(self, name: str) -> QWidget:
        if name == "map":
            from fineview.ui.panels.features_map import LayerMapPage

            layer_map = LayerMapPage(*self._common)
            layer_map.scored.connect(self.choices.show_map)
            return layer_map
        if name == "space":
            from fineview.ui.panels.features_space import SpacePage

            return SpacePage(*self._common)
        if name == "words":
            from fineview.ui.panels.features_words import WordsPage

            return WordsPage(*self._common)
        from fineview.ui.panels.features_masking import MaskingPage

        return MaskingPage(*self._common)

    def _lay_out(self) -> None:
        box = QHBoxLayout(self)
        box.setContentsMargins(*[spacing(3)] * 4)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(spacing(3))
        split.addWidget(SideColumn(self.choices))
        split.addWidget(self._pages_part())
        split.setStretchFactor(0, 0)
        split.setStretchFactor(1, 1)
        box.addWidget(split)

    def _pages_part(self) -> QWidget:
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        bar = QHBoxLayout()
        bar.addWidget(self.pages)
        bar.addStretch(1)
        column.addLayout(bar)
        column.addWidget(self._stack, 1)
        return part

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.features_page != old.features_page:
            self._show_page(state.features_page)

    def _show_page(self, name: str) -> None:
        name = name if name in dict(_PAGES) else "texts"
        self.pages.set_value(name)
        self._stack.setCurrentWidget(self.page(name))
