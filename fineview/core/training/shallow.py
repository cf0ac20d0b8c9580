"""Heads without gradient steps at work: what they answer, what they hold, how they are kept."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fineview.core.device import compute_threads
from fineview.core.errors import RunError
from fineview.core.progress import SILENT, Report
from fineview.core.training.config import HEAD_TITLES, HeadKind

CHUNK = 256
"""Items that are judged together; always the same, since bits depend on it."""
ALLOWED = (
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
"""Types that may stand in a stored head besides those that skops itself trusts."""
_MODELS: dict[HeadKind, tuple[str, ...]] = {
    "forest": ("RandomForestClassifier", "RandomForestRegressor"),
    "boosting": ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"),
    "knn": ("KNeighborsClassifier", "KNeighborsRegressor"),
    "svm": ("LinearSVC", "LinearSVR"),
    "centroid": ("NearestCentroid",),
}


@contextmanager
def head_threads() -> Iterator[None]:
    """Let BLAS and OpenMP compute with all CPUs but the window's inside."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(compute_threads()):
        yield


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ShallowHead:
    """A fitted scikit-learn model behind the training split's standardisation.

    It is asked as a `LinearHead` is: `answers(head(standardise(features)))`.

    Attributes:
        kind: Which method.
        model: The fitted model; its labels are 0 … K-1, or numbers with mean 0 and deviation 1.
        mean: (D,) float32, mean of each feature over the training split.
        scale: (D,) float32, one over the deviation.
        known: (K,) int64, the classes that occur in training, ascending; empty for numbers.
        outputs: C, or 1 for numbers. Classes that training never saw have probability 0.
        label_mean: Numbers: mean of the training labels.
        label_scale: Numbers: their deviation.

    Source:
        Probabilities of `forest`, `boosting` and `knn` are scikit-learn's: mean of the trees'
        leaves, softmax of summed trees, shares of the neighbours' votes. `svm`: softmax over the
        margins, so that the most probable class is the one that the SVM answers with; calibration
        by cross-validation would train five more and fail where a class has fewer than five items.
        `centroid`: softmax over negative distances (Snell et al. 2017, arXiv:1703.05175,
        equation 2, with the Euclidean distance).
    """

    kind: HeadKind
    model: Any
    mean: Tensor
    scale: Tensor
    known: NDArray[np.int64]
    outputs: int
    label_mean: float | None = None
    label_scale: float | None = None

    @property
    def dimension(self) -> int:
        """D, the features that the head sees."""
        return int(self.mean.shape[0])

    def standardise(self, features: Tensor) -> Tensor:
        """Return (n, D) features with the training split's mean 0 and deviation 1."""
        return (features - self.mean) * self.scale

    def __call__(self, standardised: Tensor) -> Tensor:
        """Return (n, C) probabilities, or (n, 1) standardised numbers, float64."""
        rows = standardised.numpy()
        with head_threads():
            if self.label_mean is not None:
                return torch.from_numpy(np.asarray(self.model.predict(rows), dtype=float)[:, None])
            shares = np.zeros((len(rows), self.outputs))
            shares[:, self.known] = self._shares(rows)
        return torch.from_numpy(shares)

    def answers(self, outputs: Tensor) -> Tensor:
        """Return (n, C) probabilities, or (n, 1) numbers in the labels' units."""
        if self.label_mean is None or self.label_scale is None:
            return outputs
        return outputs * self.label_scale + self.label_mean

    def judge(
        self, features: Tensor, report: Report = SILENT, told: str = ""
    ) -> NDArray[np.float64]:
        """Return `answers` of any number of raw features, asked for in chunks that can be stopped.

        Args:
            features: (n, D).
            report: Asked between chunks.
            told: What people are told meanwhile.
        """
        found = []
        for first in range(0, len(features), CHUNK):
            report.check()
            report.progress(first, len(features), told)
            some = self.standardise(features[first : first + CHUNK])
            found.append(self.answers(self(some)).numpy())
        return np.concatenate(found)

    def _shares(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (n, K) probabilities of the known classes."""
        from scipy.special import softmax
        from sklearn.metrics.pairwise import euclidean_distances

        if self.kind == "svm":
            margins = self.model.decision_function(rows)
            if margins.ndim == 1:  # of two classes there is one margin: the other is its opposite
                margins = np.stack([-margins, margins], axis=1)
        elif self.kind == "centroid":
            margins = -euclidean_distances(rows, self.model.centroids_)
        else:
            return np.asarray(self.model.predict_proba(rows), dtype=np.float64)
        return np.asarray(softmax(margins.astype(np.float64), axis=1))

    def parameters_count(self) -> int:
        """Return how many numbers the head holds.

        A split of a tree is two (feature and threshold), a leaf one for each class that it keeps
        count of; k nearest neighbours keep every training item with its label.
        """
        model = self.model
        match self.kind:
            case "forest":
                grown = [tree.tree_ for tree in model.estimators_]
                in_leaf = max(len(self.known), 1)
                return sum(
                    int(2 * (tree.node_count - tree.n_leaves) + in_leaf * tree.n_leaves)
                    for tree in grown
                )
            case "boosting":
                rounds = model._predictors  # scikit-learn shows the trees nowhere else
                grown = [tree for trees in rounds for tree in trees]
                leaves = sum(tree.get_n_leaf_nodes() for tree in grown)
                splits = sum(len(tree.nodes) for tree in grown) - leaves
                return int(2 * splits + leaves + model.n_trees_per_iteration_)
            case "knn":
                return int(model.n_samples_fit_ * (self.dimension + 1))
            case "centroid":
                return int(model.centroids_.size)
        return int(np.size(model.coef_) + np.size(model.intercept_))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything the head holds, to be stored as safetensors; the model as skops bytes.

        Source:
            skops keeps attributes as JSON and arrays, without pickle: only types that are allowed
            are built when it is read.
        """
        import sklearn
        from skops.io import dumps

        about = {
            "kind": self.kind,
            "outputs": self.outputs,
            "labels": None if self.label_mean is None else [self.label_mean, self.label_scale],
            "scikit-learn": sklearn.__version__,
        }
        # A forest is four times smaller so; a higher level takes three times as long for a tenth.
        stored = dumps(self.model, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
        return {
            "about": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
            "skops": np.frombuffer(stored, dtype=np.uint8),
            "mean": self.mean.numpy(),
            "scale": self.scale.numpy(),
            "known": self.known,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "ShallowHead":
        """Build a head from `to_arrays`, whose file was compared with its manifest.

        Raises:
            RunError: It was stored by another scikit-learn, holds a type that no head has, or its
                parts do not fit together.
        """
        try:
            about = json.loads(arrays["about"].tobytes())
            kind, labels, version = about["kind"], about["labels"], str(about["scikit-learn"])
            _check_version(version)
            head = cls(
                kind=kind,
                model=_model_of(arrays["skops"].tobytes(), kind),
                mean=torch.from_numpy(np.array(arrays["mean"])),
                scale=torch.from_numpy(np.array(arrays["scale"])),
                known=np.array(arrays["known"]),
                outputs=int(about["outputs"]),
                label_mean=None if labels is None else float(labels[0]),
                label_scale=None if labels is None else float(labels[1]),
            )
            if head.model.n_features_in_ != len(head.mean):
                raise ValueError(f"{head.model.n_features_in_} features, not {len(head.mean)}")
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise RunError(
                f"The stored head does not fit together ({error}): train it again."
            ) from None
        return head


def _check_version(stored: str) -> None:
    import sklearn

    # Models of one version mean nothing certain to the next; patches keep them.
    if stored.split(".")[:2] != sklearn.__version__.split(".")[:2]:
        raise RunError(
            f"The head was stored by scikit-learn {stored}, and this is {sklearn.__version__}: "
            "train it again."
        )


def _model_of(stored: bytes, kind: HeadKind) -> Any:  # noqa: ANN401 - scikit-learn is untyped
    """Read a model of which nothing but allowed types is built.

    Raises:
        RunError: It holds another type.
        ValueError: It is damaged.
    """
    from skops.io import loads
    from skops.io.exceptions import UntrustedTypesFoundException

    title = HEAD_TITLES[kind]
    try:
        model = loads(stored, trusted=list(ALLOWED))
    except UntrustedTypesFoundException as error:
        raise RunError(
            f"The stored {title} head is not read, since it holds a type that no head has "
            f"({error}): train it again."
        ) from None
    except Exception as error:  # noqa: BLE001 - zip, zlib, JSON and numpy each have errors of their own
        raise ValueError(f"{type(error).__name__}: {error}") from None
    if type(model).__name__ not in _MODELS[kind]:
        raise RunError(
            f"The stored {title} head is a {type(model).__name__}, which is none: train it again."
        )
    return model
