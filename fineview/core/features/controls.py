"""What probes of hidden states are compared with: no encoder at all."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import DataError
from fineview.core.features.probes import Folds, fit_probe
from fineview.core.progress import SILENT, Report

DIMENSIONS = 100
_FEW = 1_000
_SHORT = 3


def tfidf_probabilities(
    sides: Sequence[Sequence[str]],
    labels: NDArray[np.int64],
    folds: Folds,
    penalty: float = 1.0,
    classes: int = 0,
    report: Report = SILENT,
) -> NDArray[np.float32]:
    """Judge rows out of fold by TF-IDF, truncated SVD and a logistic probe.

    The last few answers are kept: the texts stay the same from encoder to encoder. Terms are
    counted once; which of them count, their idf, the SVD and the standardisation come
    from a fold's training rows alone. Texts of hardly more than a word are described by character
    n-grams, others by words and word pairs; the two sides of a pair are kept apart.

    Args:
        sides: One or two sequences of N texts.
        labels: (N,) class indices.
        folds: Which rows are held out.
        penalty: C of the probe.
        classes: Number of classes.
        report: Asked between folds.

    Returns:
        (N, C) float32.

    Raises:
        DataError: The texts hold no word.

    Source:
        Deerwester et al. 1990, "Indexing by latent semantic analysis". The SVD is taken from the
        eigenvectors of the rows' Gram matrix: there are fewer rows than terms.
    """
    asked = _Asked(sides, labels, folds, penalty, classes or int(labels.max()) + 1, report)
    answer = _probabilities(asked).copy()
    asked.report = SILENT  # the cache keeps the question
    return answer


class _Asked:
    """A question as a key of a cache: the same texts, labels and folds have the same answer."""

    def __init__(
        self,
        sides: Sequence[Sequence[str]],
        labels: NDArray[np.int64],
        folds: Folds,
        penalty: float,
        classes: int,
        report: Report,
    ) -> None:
        self.sides, self.labels, self.folds = sides, labels, folds
        self.penalty, self.classes, self.report = penalty, classes, report
        texts = tuple(tuple(side) for side in sides)
        self.key = (texts, labels.tobytes(), folds.of.tobytes(), penalty, classes)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self.key == other.key


@lru_cache(maxsize=4)
def _probabilities(wanted: _Asked) -> NDArray[np.float32]:
    labels, folds, classes = wanted.labels, wanted.folds, wanted.classes
    counts = [_counted(side) for side in wanted.sides]
    out = np.zeros((len(labels), classes), dtype=np.float32)
    for fold in range(folds.count):
        wanted.report.check()
        held = folds.of == fold
        gram = np.sum([_gram(one, held) for one in counts], axis=0)
        train, asked = np.flatnonzero(~held), np.flatnonzero(held)
        vectors = _reduced(gram, train, asked)
        out[asked] = fit_probe(
            vectors[: len(train)], labels[train], vectors[len(train) :], wanted.penalty, classes
        )
    return out


def _counted(side: Sequence[str]):  # type: ignore[no-untyped-def] # noqa: ANN202 - a sparse matrix
    from sklearn.feature_extraction.text import CountVectorizer

    short = np.mean([len(text.split()) for text in side]) < _SHORT
    counter = CountVectorizer(
        analyzer="char_wb" if short else "word",
        ngram_range=(1, 4) if short else (1, 2),
        dtype=np.float32,
    )
    try:
        return counter.fit_transform(side)
    except ValueError:
        raise DataError("The texts hold no words of two letters, so TF-IDF has no terms.") from None


def _gram(counts, held: NDArray[np.bool_]) -> NDArray[np.float32]:  # type: ignore[no-untyped-def] # noqa: ANN001
    """Return the (N, N) products of the rows' TF-IDF, with terms and idf of the training rows."""
    from sklearn.feature_extraction.text import TfidfTransformer

    train = counts[~held]
    frequency = np.bincount(train.indices, minlength=counts.shape[1])
    known = frequency >= (1 if train.shape[0] < _FEW else 2)
    weigher = TfidfTransformer(sublinear_tf=True).fit(train[:, known])
    weighted = weigher.transform(counts[:, known])
    product: NDArray[np.float32] = (weighted @ weighted.T).toarray().astype(np.float32)
    return product


def _reduced(
    gram: NDArray[np.float32], train: NDArray[np.int64], asked: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return all rows in the training rows' first singular directions, training rows first."""
    import torch

    own = torch.from_numpy(gram[np.ix_(train, train)].astype(np.float64))
    values, vectors = torch.linalg.eigh(own)
    kept = min(DIMENSIONS, len(train) - 1)
    values, vectors = values[-kept:], vectors[:, -kept:]
    useful = values > 1e-9 * values[-1].clamp(min=1e-30)
    axes = (vectors[:, useful] / values[useful].sqrt()).numpy()
    rows = np.concatenate([train, asked])
    reduced: NDArray[np.float32] = (gram[np.ix_(rows, train)] @ axes).astype(np.float32)
    return reduced
