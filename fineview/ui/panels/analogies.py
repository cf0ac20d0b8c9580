"""The analogies panel: a calculator with words, and what whole sets of questions say of it."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from fineview.core.laboratory import Laboratory
from fineview.ui.context import Context
from fineview.ui.pages import Pages
from fineview.ui.panels.analogies_calculator import CalculatorPage
from fineview.ui.panels.analogies_vectors import VectorsChooser
from fineview.ui.session import Session
from fineview.ui.theme import spacing
from fineview.work.jobs import JobRunner

TITLES = (
    ("calculator", "Calculator"),
    ("list", "List"),
    ("benchmark", "Benchmark"),
    ("axes", "Axes"),
    ("words", "Words"),
    ("map", "Map"),
    ("bias", "Bias"),
    ("own", "Train"),
)


class AnalogiesPanel(QWidget):
    """A bar of pages.

    Attributes:
        pages: The bar and its pages.
        vectors: Which table they calculate with.
    """

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        lab: Laboratory,
        context: Context,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._common = (session, runner, lab)
        self.vectors = VectorsChooser(session, lab, context)
        self.pages = Pages(
            session,
            "analogies_page",
            TITLES,
            self._build,
            name="Page of the analogies panel",
            tooltip="Arithmetic with words as one types – many questions at once – whole sets, "
            "counted – words on axes of one's own – words compared – words and pairs drawn – "
            "an axis of bias – word vectors of one's own.",
            corner=self.vectors,
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(*[spacing(3)] * 4)
        column.addWidget(self.pages)

    def page(self, name: str) -> QWidget:
        """Return a page, built when first asked for."""
        return self.pages.page(name)

    def _build(self, name: str) -> QWidget:
        if name == "calculator":
            return CalculatorPage(*self._common)
        if name == "axes":
            from fineview.ui.panels.analogies_axes import AxesPage

            return AxesPage(*self._common)
        if name == "words":
            from fineview.ui.panels.analogies_words import WordsPage

            return WordsPage(*self._common)
        if name == "map":
            from fineview.ui.panels.analogies_map import MapPage

            return MapPage(*self._common)
        if name == "bias":
            from fineview.ui.panels.analogies_bias import BiasPage

            return BiasPage(*self._common)
        if name == "own":
            from fineview.ui.panels.analogies_own import OwnVectorsPage

            own = OwnVectorsPage(*self._common)
            own.use_wanted.connect(self._use)
            return own
        if name == "list":
            from fineview.ui.panels.analogies_list import ListPage

            listing = ListPage(*self._common)
            listing.question_wanted.connect(self._open)
            return listing
        from fineview.ui.panels.analogies_benchmark import BenchmarkPage

        benchmark = BenchmarkPage(*self._common)
        benchmark.question_wanted.connect(self._open)
        return benchmark

    @Slot(str)
    def _open(self, expression: str) -> None:
        """Put a question into the calculator, and show it."""
        self._session.edit_look("Open a question", "analogy", expression=expression, against="")
        self._session.view(analogies_page="calculator")

    @Slot(str)
    def _use(self, vectors: str) -> None:
        """Calculate with other vectors."""
        self._session.edit_look("Choose word vectors", "analogy", vectors=vectors, against="")
        self._session.view(analogies_page="calculator")
