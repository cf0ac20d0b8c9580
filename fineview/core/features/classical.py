"""Features without an encoder: TF-IDF, then the principal directions of the training texts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import Task
from fineview.core.errors import DataError, RunError

DIMENSIONS = 100
MOST_TERMS = 50_000
_FEW = 1_000
_SHORT = 3  # words


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Fitted TF-IDF and SVD; one vectoriser a side of a pair.

    Attributes:
        vectorisers: Fitted scikit-learn TfidfVectorizers.
        components: (D, V) directions over the terms of all sides.
    """

    vectorisers: tuple[Any, ...]
    components: NDArray[np.float32]

    @classmethod
    def fitted(cls, sides: Sequence[Sequence[str]]) -> "Terms":
        """Fit on training texts.

        Texts of hardly more than a word are described by the character n-grams inside them, others
        by their words and word pairs. The sides of a pair are kept apart.

        Args:
            sides: One or two sequences of N training texts.

        Raises:
            DataError: The texts hold no term.

        Source:
            Deerwester et al. 1990, "Indexing by latent semantic analysis" (SVD without centring).
        """
        from scipy.sparse import hstack
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorisers, columns = [], []
        for side in sides:
            short = np.mean([len(text.split()) for text in side]) < _SHORT
            vectoriser = TfidfVectorizer(
                analyzer="char_wb" if short else "word",
                ngram_range=(1, 4) if short else (1, 2),
                min_df=1 if len(side) < _FEW else 2,
                max_features=MOST_TERMS,
                sublinear_tf=True,
            )
            try:
                columns.append(vectoriser.fit_transform(side))
            except ValueError:
                raise DataError(
                    "The training texts hold no words of two letters, so TF-IDF has no terms: "
                    "choose another strategy."
                ) from None
            vectorisers.append(vectoriser)
        matrix = hstack(columns).tocsr()
        size = max(1, min(DIMENSIONS, min(matrix.shape) - 1))
        svd = TruncatedSVD(size, random_state=0).fit(matrix)
        return cls(tuple(vectorisers), svd.components_.astype(np.float32))

    def transform(self, sides: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """Return the features of texts, (N, D)."""
        from scipy.sparse import hstack

        pairs = zip(self.vectorisers, sides, strict=True)
        matrix = hstack([vectoriser.transform(side) for vectoriser, side in pairs]).tocsr()
        return np.asarray(matrix @ self.components.T, dtype=np.float32)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays, to be stored as safetensors."""
        arrays: dict[str, NDArray[Any]] = {"components": self.components}
        for side, vectoriser in enumerate(self.vectorisers):
            terms = sorted(vectoriser.vocabulary_, key=vectoriser.vocabulary_.__getitem__)
            said = json.dumps({"analyzer": vectoriser.analyzer, "terms": terms})
            arrays[f"terms.{side}"] = np.frombuffer(said.encode(), dtype=np.uint8)
            arrays[f"idf.{side}"] = vectoriser.idf_.astype(np.float64)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Terms":
        """Build from `to_arrays`.

        Raises:
            RunError: The arrays do not fit together.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorisers = []
        try:
            for side in range(sum(name.startswith("terms.") for name in arrays)):
                said = json.loads(arrays[f"terms.{side}"].tobytes())
                words = said["analyzer"] == "word"
                vectoriser = TfidfVectorizer(
                    analyzer="word" if words else "char_wb",
                    ngram_range=(1, 2) if words else (1, 4),
                    vocabulary={str(term): at for at, term in enumerate(said["terms"])},
                    sublinear_tf=True,
                )
                vectoriser.idf_ = arrays[f"idf.{side}"]
                vectorisers.append(vectoriser)
            return cls(tuple(vectorisers), arrays["components"])
        except (KeyError, ValueError, TypeError) as error:
            raise RunError(
                f"The stored terms do not fit together ({error}): train it again."
            ) from None


def sides_of(task: Task) -> list[list[str]]:
    """Return what is counted: texts, the two sides of pairs, or single words; each of all items."""
    if task.words is not None:
        return [[word for words in task.words for word in words]]
    return [list(task.texts)] + ([list(task.second)] if task.second is not None else [])
