"""Trains word vectors of one's own, and tells what they know while they learn it."""

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fineview.core.analogies.benchmark import evaluate
from fineview.core.analogies.choice import OwnVectorsChoice
from fineview.core.analogies.geometry import Parallelogram, parallelogram
from fineview.core.analogies.questions import QuestionSet, load_questions
from fineview.core.analogies.vector_store import (
    VectorWriter,
    blocks_of,
    open_kept,
)
from fineview.core.analogies.vectors import VectorsInfo, WordVectors
from fineview.core.errors import ConfigError, DataError, JobCancelled, StoreError
from fineview.core.files import put_in_place, staging
from fineview.core.models.catalog import locate
from fineview.core.progress import SILENT, Report

if TYPE_CHECKING:
    from fineview.core.data.task import Task

LARGEST_TEXT = 512 << 20
# A chunk is what is learnt between two questions whether to stop: some 50 ms. gensim warns of
# fewer than ten batches.
_CHUNK_WORDS = 20_000
_BATCH_WORDS = 2_000
_LONGEST_SENTENCE = 10_000  # gensim cuts longer ones off
_LOOK_EVERY_S = 2.0
_NEAR = 5
_LEAST_RATE = 1 / 250
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_PICTURE = ("man", "woman", "king", "queen")

# What gensim tells its log has its own place in the window.
logging.getLogger("gensim").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class WordsLearnt:
    """One chunk was learnt.

    Attributes:
        words: Words gone through, all epochs together.
        epoch: Passes done, with the part of this one.
        loss: Mean loss a word of this chunk in nats, as gensim sums it; NaN for fastText, whose
            loss gensim does not report.
        rate: Words a second, of this chunk.
    """

    words: int
    epoch: float
    loss: float
    rate: float


@dataclass(frozen=True, slots=True, eq=False)
class VectorsSeen:
    """What the vectors know at one moment.

    Attributes:
        epoch: Passes done.
        accuracy: Share of the covered Google questions answered right (3CosAdd), 0 … 1.
        covered: Questions whose four words are known.
        probes: Each probe with its nearest words and their cosines; none where it is unknown.
        picture: The lecture's parallelogram, where its words are known.
    """

    epoch: float
    accuracy: float
    covered: int
    probes: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]
    picture: Parallelogram | None


@dataclass(frozen=True, slots=True)
class OwnVectors:
    """What came of a training.

    Attributes:
        folder: Where the vectors lie; also their name in sessions.
        info: Title, sizes.
        epochs: Passes done.
    """

    folder: Path
    info: VectorsInfo
    epochs: float


def own_home(workspace: Path) -> Path:
    """Return the folder of the vectors that were trained here."""
    return workspace / "vectors"


def corpus_texts(
    name: str, task: Callable[[str], "Task"], report: Report = SILENT
) -> Sequence[str]:
    """Return the texts to learn from.

    Args:
        name: `lee-news`, the name of a task, or the path of a UTF-8 text.
        task: Loads a task by its name.
        report: Asked on the way.

    Raises:
        ConfigError: The file is not there.
        DataError: It is too large, or no UTF-8 text.
        FineviewError: The task cannot be had.
    """
    if name == "lee-news":
        return locate("lee-news").read_text(encoding="utf-8").splitlines()
    if not ("/" in name or "\\" in name or Path(name).suffix):
        found = task(name)
        return [*found.texts, *(found.second or ())]
    path = Path(name).expanduser()
    if not path.is_file():
        raise ConfigError(f"{name!r} is no file: choose a text.", "corpus")
    if (size := path.stat().st_size) > LARGEST_TEXT:
        raise DataError(
            f"{path.name} has {size / 1e6:,.0f} MB: at most {LARGEST_TEXT >> 20} MB are read; cut "
            f"it."
        )
    lines: list[str] = []
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file):
                lines.append(line)
                if number % 1000 == 0:
                    report.check()
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is no UTF-8 text (byte {error.start:,}).") from error
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror or error}).") from error
    return lines


def split_words(texts: Sequence[str], report: Report = SILENT) -> list[list[str]]:
    """Cut texts into words without case; digits and signs are left out.

    Returns:
        A list a text, none of them empty.
    """
    sentences: list[list[str]] = []
    for number, text in enumerate(texts):
        if number % 200 == 0:
            report.check()
            report.progress(number, len(texts), "Reading the text")
        words = _WORD.findall(text.casefold())
        sentences.extend(
            words[first : first + _LONGEST_SENTENCE]
            for first in range(0, len(words), _LONGEST_SENTENCE)
        )
    return sentences


def train_vectors(
    texts: Sequence[str], choice: OwnVectorsChoice, workspace: Path, report: Report = SILENT
) -> OwnVectors:
    """Train word vectors and keep them; those of a training that was stopped are kept too.

    Args:
        texts: What is learnt from.
        choice: How.
        workspace: They are kept in its folder `vectors`.
        report: Told `WordsLearnt` and `VectorsSeen`; asked between chunks.

    Raises:
        DataError: Hardly a word is common enough.
        StoreError: The disk is full.
        JobCancelled: Stop was pressed; what was learnt until then is kept, and published as
            `OwnVectors`.

    Source:
        Mikolov, Chen, Corrado & Dean 2013, arXiv:1301.3781, section 3 (CBOW, skip-gram); Mikolov
        et al. 2013, arXiv:1310.4546, section 2 (hierarchical softmax, negative sampling);
        Bojanowski et al. 2017, arXiv:1607.04606, section 3 (fastText).
    """
    sentences = split_words(texts, report)
    model = _model(choice)
    report.progress(0, 0, "Counting words")
    model.build_vocab(sentences)
    if len(model.wv) < 2:
        raise DataError(
            f"Fewer than two words of this text stand there {choice.min_count:,} times or more: "
            f"take a longer text, or lower the least count."
        )
    learning = _Learning(model, sentences, choice, report)
    try:
        learning.run()
    except JobCancelled:
        if learning.words:
            report.publish(_keep(learning, choice, workspace))
        raise
    return _keep(learning, choice, workspace)


def _model(choice: OwnVectorsChoice) -> Any:  # noqa: ANN401 - gensim has no types
    from gensim.models import FastText, Word2Vec

    settings: dict[str, Any] = {
        "vector_size": choice.width,
        "window": choice.window,
        "sg": int(choice.architecture == "skip-gram"),
        "hs": int(choice.objective == "hierarchical"),
        "negative": 0 if choice.objective == "hierarchical" else choice.negatives,
        "min_count": choice.min_count,
        "seed": choice.seed,
        "batch_words": _BATCH_WORDS,
        # More threads race for the vectors: the same seed would give other ones.
        "workers": 1,
        "alpha": choice.rate,
        "min_alpha": choice.rate * _LEAST_RATE,
    }
    if choice.kind == "fasttext":
        # As many buckets as words would need several times; two millions take 800 MB at D = 100.
        return FastText(bucket=200_000, **settings)
    return Word2Vec(compute_loss=True, **settings)


class _Learning:
    """A training in flight.

    Attributes:
        words: Words gone through.
        epochs: Passes done.
    """

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - gensim has no types
        sentences: list[list[str]],
        choice: OwnVectorsChoice,
        report: Report,
    ) -> None:
        self.model = model
        self.words = 0
        self.epochs = 0.0
        self._choice = choice
        self._report = report
        self._chunks = list(_chunks(sentences))
        self._in_epoch = sum(len(sentence) for sentence in sentences)
        self._questions = load_questions("google", Path())
        self._looked = time.monotonic()

    def run(self) -> None:
        """Go through the text."""
        total = self._in_epoch * self._choice.epochs
        self.look()
        for epoch in range(self._choice.epochs):
            for chunk in self._chunks:
                self._report.check()
                self._learn(chunk, total)
                self._report.progress(
                    self.words, total, f"Epoch {epoch + 1} of {self._choice.epochs}"
                )
                if time.monotonic() - self._looked > _LOOK_EVERY_S:
                    self.look()
        self.look()

    def _learn(self, chunk: list[list[str]], total: int) -> None:
        choice = self._choice
        count = sum(len(sentence) for sentence in chunk)
        first, last = (_rate(choice, done / total) for done in (self.words, self.words + count))
        began = time.perf_counter()
        extra = {"compute_loss": True} if choice.kind == "word2vec" else {}
        trained, _ = self.model.train(
            corpus_iterable=chunk, total_examples=len(chunk), epochs=1,
            start_alpha=first, end_alpha=last, **extra,
        )  # fmt: skip
        seconds = time.perf_counter() - began
        self.words += count
        self.epochs = self.words / self._in_epoch
        loss = float("nan")
        if choice.kind == "word2vec" and trained:
            loss = float(self.model.get_latest_training_loss()) / trained
        self._report.publish(WordsLearnt(self.words, self.epochs, loss, count / seconds))

    def table(self) -> WordVectors:
        """Return the vectors as they are now."""
        matrix = np.asarray(self.model.wv.vectors, dtype=np.float32)
        lengths = np.maximum(np.linalg.norm(matrix, axis=1), 1e-12)
        words = list(self.model.wv.index_to_key)
        info = VectorsInfo("", "", len(words), matrix.shape[1], "", "", "")
        return WordVectors(info, words, matrix / lengths[:, None], lengths)

    def look(self) -> None:
        """Tell what the vectors know."""
        table = self.table()
        accuracy, covered = _accuracy(table, self._questions, self._report)
        asked = _WORD.findall(self._choice.probes.casefold())
        probes = tuple((word, _near(table, word)) for word in asked)
        picture = None
        if all(word in table.index for word in _PICTURE):
            picture = parallelogram(table, _PICTURE)
        self._report.publish(VectorsSeen(self.epochs, accuracy, covered, probes, picture))
        self._looked = time.monotonic()


def _rate(choice: OwnVectorsChoice, done: float) -> float:
    return choice.rate * (1 - (1 - _LEAST_RATE) * done)


def _chunks(sentences: list[list[str]]) -> Iterator[list[list[str]]]:
    chunk: list[list[str]] = []
    count = 0
    for sentence in sentences:
        chunk.append(sentence)
        count += len(sentence)
        if count >= _CHUNK_WORDS:
            yield chunk
            chunk, count = [], 0
    if chunk:
        yield chunk


def _accuracy(table: WordVectors, questions: QuestionSet, report: Report) -> tuple[float, int]:
    try:
        total = evaluate(table, questions, report=report).totals[-1]
    except DataError:  # no question has all its words in so short a text
        return float("nan"), 0
    return total.accuracy(total.right), total.covered


def _near(table: WordVectors, word: str) -> tuple[tuple[str, float], ...]:
    row = table.index.get(word)
    if row is None:
        return ()
    cosines = table.units @ table.units[row]
    cosines[row] = -np.inf
    best = np.argsort(-cosines, kind="stable")[:_NEAR]
    return tuple((table.words[i], float(cosines[i])) for i in best if i != row)


def _keep(learning: _Learning, choice: OwnVectorsChoice, workspace: Path) -> OwnVectors:
    """Write the vectors to a folder of their own."""
    corpus = Path(choice.corpus).name
    title = f"{choice.kind} of {corpus}, {choice.architecture}, {choice.width} numbers"
    whole = learning.epochs >= choice.epochs
    note = f"{learning.epochs:.1f} of {choice.epochs} epochs{'' if whole else ', then stopped'}."
    info = VectorsInfo(
        "", title, 0, 0, f"Trained here on {choice.corpus}.", "as the text's", "", (note,)
    )
    table = learning.table()
    home = own_home(workspace)
    with staging(home) as folder:
        writer = VectorWriter(folder, table.width)
        try:
            matrix = np.asarray(learning.model.wv.vectors, dtype=np.float32)
            for words, block in blocks_of(list(table.words), matrix):
                writer.add(words, block)
            written = writer.finish(info)
        finally:
            writer.close()
        goal = home / f"{choice.kind}-{time.strftime('%Y%m%d-%H%M%S')}-{written.fingerprint[:8]}"
        put_in_place(folder, goal)
    return OwnVectors(goal, replace(written, name=str(goal)), learning.epochs)


def own_tables(workspace: Path) -> tuple[VectorsInfo, ...]:
    """Return what was trained here, newest first; folders that are damaged are left out."""
    found = []
    for folder in own_home(workspace).glob("[!.]*/about.json"):
        try:
            found.append(
                (folder.stat().st_mtime, open_kept(folder.parent, str(folder.parent)).info)
            )
        except StoreError:
            continue
    return tuple(info for _, info in sorted(found, key=lambda one: -one[0]))
