"""The page that trains word vectors: the lecture's geometry appears while one watches."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineview.core.analogies.own_vectors import (
    OwnVectors,
    VectorsSeen,
    WordsLearnt,
    corpus_texts,
    train_vectors,
)
from fineview.core.analogies.vector_writing import save_text
from fineview.core.laboratory import Laboratory
from fineview.core.progress import Report
from fineview.ui.plots.curves import CurvePlot
from fineview.ui.plots.parallelogram import ParallelogramPlot, picture_words
from fineview.ui.session import Session, SessionState
from fineview.ui.theme import make_primary, spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.format import count_text, share_text
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.number_field import NumberField
from fineview.ui.widgets.panel_area import scrolled
from fineview.ui.widgets.ranked_bars import Ranked, RankedBars
from fineview.work.jobs import Job, JobRunner, Lane

_TRAIN, _STOP = "Train vectors", "Stop"
_OPEN = "open"
_MOST_PROBES = 6
_SIDE_WIDTH = 300
_NUMBERS: tuple[tuple[str, str, str, float, float, bool], ...] = (
    ("width", "Numbers", "Numbers a word – 100 – fewer for a short text.", 2, 1000, True),
    ("window", "Window", "Neighbours on each side – 5 – more bring out topics.", 1, 50, True),
    ("negatives", "Negatives", "Random words for each neighbour – 5.", 1, 100, True),
    ("min_count", "Least count", "Rarer words are left out – 5 – 2 for a short text.", 1, 10_000,
     True),
    ("epochs", "Epochs", "Passes over the text – 30 – more for a short text.", 1, 1000, True),
    ("rate", "Learning rate", "First rate; it falls in a line – 0.025.", 0, 1, False),
    ("seed", "Seed", "Of every draw – 1 – another one shows what is chance.", 0, 2**31 - 1, True),
)  # fmt: skip
_WHAT = (
    "Press Train vectors: they begin as noise, and their neighbours, their loss and the analogies "
    "they answer change while you watch. What comes of it is at once in the calculator."
)


class OwnVectorsPage(QWidget):
    """Settings at the left; loss, analogies, neighbours and the parallelogram at the right.

    Attributes:
        button: Train, or Stop.
        loss: Its plot.
        accuracy: Share of analogies answered.
        plot: man, woman, king, queen.
        said: What the training is at.
        use_button: Takes what was trained to the calculator.
        save_button: Writes it to a file that other programs read.

    Signals:
        use_wanted(str): Vectors are to be calculated with: their folder.
    """

    use_wanted = Signal(str)

    def __init__(
        self, session: Session, runner: JobRunner, lab: Laboratory, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._runner = runner
        self._lab = lab
        self._job: Job | None = None
        self._learnt: list[WordsLearnt] = []
        self._seen: list[VectorsSeen] = []
        self.trained: OwnVectors | None = None
        self.corpus = CalmCombo(
            "Text", "What is learnt from – Lee news, 60,000 words – longer texts know more."
        )
        self.kind = CalmCombo(
            "Model",
            "word2vec, a vector a word – fastText adds the character n-grams of a word, which "
            "helps with its forms.",
        )
        self.architecture = CalmCombo(
            "Architecture",
            "Skip-gram asks a word for its neighbours – CBOW the neighbours for the word, and is "
            "faster.",
        )
        self.objective = CalmCombo(
            "Objective",
            "Tell neighbours from random words – or go down a Huffman tree: hierarchical softmax.",
        )
        self.fields = {
            name: NumberField(
                title,
                tip,
                value=float(getattr(session.state.own_vectors, name)),
                minimum=low,
                maximum=high,
                integer=whole,
                above_minimum=not whole,
            )
            for name, title, tip, low, high, whole in _NUMBERS
        }
        self.probes = QLineEdit()
        self.button = QPushButton(_TRAIN)
        self.use_button = QPushButton("Calculate with these")
        self.save_button = QPushButton("Save as text…")
        self.message = MessageLine("Train vectors")
        self.said = plain_label("", wrap=True)
        self.loss = CurvePlot("Loss", "loss a word", y_unit="nats", x_label="epoch")
        self.accuracy = CurvePlot(
            "Analogies answered", "share right", x_label="epoch", controls=False
        )
        self.plot = ParallelogramPlot()
        self.figures = plain_label("", "small", wrap=True)
        self.near = [
            RankedBars("", "Nearest words of a probe, by cosine.") for _ in range(_MOST_PROBES)
        ]
        self.empty = EmptyState("Word vectors of one's own", _WHAT, _TRAIN)
        self._describe()
        self._lay_out()
        self._connect()
        self._show_choice()

    @property
    def busy(self) -> bool:
        """Whether a training is in flight."""
        return self._job is not None and self._job.active

    def showEvent(self, event: QShowEvent) -> None:
        """Offer the tasks that are on this machine now."""
        super().showEvent(event)
        self._show_choice()

    # Layout

    def _describe(self) -> None:
        self.kind.set_choices([("word2vec", "word2vec"), ("fasttext", "fastText")], "word2vec")
        self.architecture.set_choices([("skip-gram", "skip-gram"), ("cbow", "CBOW")], "skip-gram")
        self.objective.set_choices(
            [("negative", "negative sampling"), ("hierarchical", "hierarchical softmax")],
            "negative",
        )
        describe(
            self.probes, "Probes", "Words whose neighbours are shown meanwhile – king, france."
        )
        describe(
            self.use_button,
            self.use_button.text(),
            "Opens the calculator with the vectors just trained – they stay in this workspace.",
        )
        describe(
            self.save_button,
            self.save_button.text(),
            "Writes the vectors just trained in word2vec's text form – words.txt – for gensim and "
            "others.",
        )
        self._allow(False)
        make_primary(self.button)
        self._show_button()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, spacing(2), 0)
        grid.setHorizontalSpacing(spacing(2))
        grid.setVerticalSpacing(spacing(1.5))
        grid.setColumnStretch(1, 1)
        rows: list[tuple[str, QWidget]] = [
            ("Text", self.corpus),
            ("Model", self.kind),
            ("Architecture", self.architecture),
            ("Objective", self.objective),
            *((title, self.fields[name]) for name, title, *_ in _NUMBERS),
            ("Probes", self.probes),
        ]
        for number, (title, widget) in enumerate(rows):
            label = QLabel(title)
            label.setBuddy(widget)
            grid.addWidget(label, number, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(widget, number, 1)
        settings = QWidget()
        settings.setLayout(grid)
        side = QVBoxLayout()
        side.setSpacing(spacing(2))
        side.addWidget(scrolled(settings, at_top=True), 1)
        side.addWidget(self.message)
        side.addWidget(self.button)
        after = QHBoxLayout()
        after.setSpacing(spacing(2))
        after.addWidget(self.use_button)
        after.addWidget(self.save_button)
        side.addLayout(after)
        left = QWidget()
        left.setLayout(side)
        side.setContentsMargins(0, 0, 0, 0)
        left.setFixedWidth(_SIDE_WIDTH)
        curves = QHBoxLayout()
        curves.setSpacing(spacing(2))
        curves.addWidget(self.loss, 1)
        curves.addWidget(self.accuracy, 1)
        lower = QHBoxLayout()
        lower.setSpacing(spacing(3))
        probes = QGridLayout()
        probes.setSpacing(spacing(2))
        for number, bars in enumerate(self.near):
            probes.addWidget(bars, number // 2, number % 2, Qt.AlignmentFlag.AlignTop)
        holder = QWidget()
        holder.setLayout(probes)
        lower.addWidget(scrolled(holder, at_top=True), 1)
        picture = QVBoxLayout()
        picture.addWidget(self.plot, 1)
        picture.addWidget(self.figures)
        lower.addLayout(picture, 1)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addWidget(self.said)
        column.addLayout(curves, 1)
        column.addLayout(lower, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(whole)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(spacing(3))
        outer.addWidget(left)
        outer.addWidget(self._stack, 1)

    def _connect(self) -> None:
        edit = self._session.edit_look
        self.corpus.chosen.connect(self._on_corpus)
        for name in ("kind", "architecture", "objective"):
            getattr(self, name).chosen.connect(
                lambda value, name=name: edit(f"Choose the {name}", "own_vectors", **{name: value})
            )
        for name, field in self.fields.items():
            field.changed.connect(
                lambda value, name=name: edit(f"Set {name}", "own_vectors", **{name: value})
            )
        self.probes.textEdited.connect(
            lambda text: edit("Choose probes", "own_vectors", probes=text)
        )
        self.button.clicked.connect(self.run_or_stop)
        self.empty.pressed.connect(self.run_or_stop)
        self.use_button.clicked.connect(self._on_use)
        self.save_button.clicked.connect(self._on_save)
        self._session.changed.connect(self._on_session)

    # What is wanted

    @Slot(str)
    def _on_corpus(self, name: str) -> None:
        if name == _OPEN:
            self.corpus.set_value(self._session.state.own_vectors.corpus)
            name, _ = QFileDialog.getOpenFileName(
                self, "Text to learn from", "", "Texts (*.txt *.cor *.md);;All files (*)"
            )
        if name:
            self._session.edit_look("Choose a text", "own_vectors", corpus=name)

    @Slot(object, object)
    def _on_session(self, state: SessionState, old: SessionState) -> None:
        if state.own_vectors != old.own_vectors:
            self._show_choice()

    def _show_choice(self) -> None:
        choice = self._session.state.own_vectors
        texts = [("lee-news", "Lee news")]
        texts += [
            (info.name, info.title)
            for info in self._lab.shelf.infos()
            if info.name not in ("word-relations", "capitals", "sentence-order")
        ]
        if choice.corpus not in dict(texts):
            texts.append((choice.corpus, Path(choice.corpus).name))
        self.corpus.set_choices([*texts, (_OPEN, "Open a text…")], choice.corpus)
        self.kind.set_value(choice.kind)
        self.architecture.set_value(choice.architecture)
        self.objective.set_value(choice.objective)
        self.fields["negatives"].setEnabled(choice.objective == "negative")
        for name, field in self.fields.items():
            if field.value != getattr(choice, name):
                field.set_value(getattr(choice, name))
        if self.probes.text() != choice.probes:
            self.probes.setText(choice.probes)

    # Training

    @Slot()
    def run_or_stop(self) -> None:
        """Train, or stop; what was learnt until then is kept."""
        if self._job is not None and self._job.active:
            self._job.stop()
            self._show_button()
            return
        for field in self.fields.values():
            field.commit()
            if field.error:
                self.message.show_message("bad", field.error)
                return
        choice, lab = self._session.state.own_vectors, self._lab

        def work(report: Report) -> OwnVectors:
            texts = corpus_texts(choice.corpus, lab.task, report)
            return train_vectors(texts, choice, lab.locations.workspace, report)

        self._learnt, self._seen, self.trained = [], [], None
        self.message.clear()
        self.loss.clear()
        self.accuracy.clear()
        self.said.setText("Reading the text …")
        self.loss.setVisible(choice.kind == "word2vec")  # gensim reports none for fastText
        self._stack.setCurrentIndex(1)
        self._job = job = self._runner.submit("Train word vectors", work, Lane.COMPUTE)
        job.published.connect(self._on_events)
        job.progressed.connect(self._on_progress)
        job.finished.connect(self._on_trained)
        job.failed.connect(self._on_failed)
        job.cancelled.connect(self._on_cancelled)
        job.ended.connect(self._on_ended)
        self._allow(False)
        self._show_button()

    def _show_button(self) -> None:
        stopping = self._job is not None and self._job.stopping
        self.button.setText("Stopping…" if stopping else _STOP if self.busy else _TRAIN)
        self.button.setEnabled(not stopping)
        describe(
            self.button,
            self.button.text(),
            "Learns word vectors from the text – seconds to minutes – Stop keeps what was learnt.",
        )

    @Slot(object)
    def _on_events(self, events: list[object]) -> None:
        learnt = [event for event in events if isinstance(event, WordsLearnt)]
        seen = [event for event in events if isinstance(event, VectorsSeen)]
        self._learnt += learnt
        self._seen += seen
        # What a stopped training has kept comes as its last event.
        kept = [event for event in events if isinstance(event, OwnVectors)]
        self.trained = kept[-1] if kept else self.trained
        if learnt:
            last = learnt[-1]
            self.loss.set_curve(
                "loss",
                [one.epoch for one in self._learnt],
                [one.loss for one in self._learnt],
                role="train",
                name="loss",
            )
            self.said.setText(
                f"Epoch {last.epoch:.1f} · {count_text(last.words)} words · "
                f"{count_text(round(last.rate))} words/s{self._known()}"
            )
        if seen:
            self._show_seen(seen[-1])

    def _known(self) -> str:
        if not self._seen:
            return ""
        last = self._seen[-1]
        if not last.covered:
            return " · none of Google's analogies has all its words in this text"
        return f" · {share_text(last.accuracy)} of {count_text(last.covered)} analogies"

    def _show_seen(self, seen: VectorsSeen) -> None:
        self.accuracy.set_curve(
            "accuracy",
            [one.epoch for one in self._seen],
            [one.accuracy for one in self._seen],
            name="3CosAdd, inputs left out",
        )
        for place, bars in enumerate(self.near):
            bars.setVisible(place < len(seen.probes))
            if place < len(seen.probes):
                word, near = seen.probes[place]
                bars.set_title(word if near else f"{word}: not in this text")
                bars.show_rows(
                    [Ranked(one, f"{cosine:.3f}", max(cosine, 0.0)) for one, cosine in near]
                )
        self.plot.show_picture(seen.picture)
        self.figures.setText(
            picture_words(seen.picture)
            if seen.picture
            else "The parallelogram needs man, woman, king and queen, often enough in the text."
        )

    @Slot(int, int, str)
    def _on_progress(self, _done: int, _total: int, text: str) -> None:
        if not self._learnt and text:
            self.said.setText(f"{text} …")

    @Slot(object)
    def _on_trained(self, found: OwnVectors) -> None:
        self.trained = found
        self._allow(True)
        self.said.setText(
            f"{count_text(found.info.words)} words with {found.info.width} numbers each, "
            f"{found.epochs:.0f} epochs{self._known()}. They are kept in this workspace."
        )

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        self.message.show_message("bad", str(error))
        if not self._learnt:
            self._stack.setCurrentWidget(self.empty)

    @Slot()
    def _on_cancelled(self) -> None:
        if self._learnt:
            self._allow(self.trained is not None)
            self.said.setText(
                f"Stopped at epoch {self._learnt[-1].epoch:.1f}{self._known()}. What was learnt "
                f"is among the vectors above."
            )
        else:
            self._stack.setCurrentWidget(self.empty)

    @Slot()
    def _on_ended(self) -> None:
        self._job = None
        self._show_button()

    @Slot()
    def _on_use(self) -> None:
        if self.trained is not None:
            self.use_wanted.emit(str(self.trained.folder))

    @Slot()
    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save word vectors", "words.txt")
        if path:
            self.save(Path(path))

    def save(self, path: Path) -> None:
        """Write what was trained to a file."""
        if self.trained is None:
            return
        name, lab = str(self.trained.folder), self._lab

        def work(report: Report) -> None:
            save_text(lab.dictionary(name, report).vectors, path, report)

        job = self._runner.submit("Save word vectors", work, Lane.LOOKUP)
        job.finished.connect(lambda _: self.message.show_message("info", f"Saved as {path.name}."))
        job.failed.connect(lambda error: self.message.show_message("bad", str(error)))

    def _allow(self, trained: bool) -> None:
        """Let what was trained be used, once there is something."""
        self.use_button.setEnabled(trained)
        self.save_button.setEnabled(trained)
